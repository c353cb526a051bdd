"""Models and vocabularies: what they say of requests and messages of many kinds of sites, and how wrong files are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconstruct.configuration import read_configuration
from reconstruct.errors import ModelError
from reconstruct.journeys.activities import Classifier, fill, plain
from reconstruct.journeys.fit import fit_models
from reconstruct.journeys.labels import Labeler, skeleton_of
from reconstruct.journeys.models import load_models

MODELS = load_models()
CLASSIFIER = Classifier(MODELS)
LABELER = Labeler(MODELS)

REQUESTS = """
GET  /                                          | home               | Opened the home page
GET  /catalogue/                                | view_products      | Viewed the range
GET  /catalogue/{}/                             | view_product       | Viewed a product
GET  /catalogue/category/{}/                    | view_category      | Viewed a category
GET  /products/{}.html                          | view_product       | Viewed a product
GET  /p/{}                                      | view_product       | Viewed a product
GET  /product?sku=A1                            | view_product       | Viewed product A1
GET  /c/sofas                                   | view_category      | Viewed category ‘sofas’
GET  /search/?q=oak+lamp                        | search             | Searched ‘oak lamp’
GET  /?s=shoes                                  | search             | Searched ‘shoes’
GET  /suche?suchbegriff=teppich                 | search             | Searched ‘teppich’
GET  /api/search/suggest?q=la                   | suggestions        | Looked at search suggestions
POST /basket/add/{}/                            | add_to_basket      | Added to basket
POST /api/v1/cart/items                         | add_to_basket      | Added to basket
GET  /shop?add-to-cart=12                       | add_to_basket      | Added to basket
POST /shop?wc-ajax=add_to_cart                  | add_to_basket      | Added to basket
POST /warenkorb/hinzufuegen                     | add_to_basket      | Added to basket
PATCH /cart/items/{}                            | change_basket      | Changed the basket
DELETE /cart/items/{}                           | remove_from_basket | Removed from basket
POST /cart/coupon                               | voucher            | Applied a voucher
GET  /checkout/cart/                            | view_basket        | Viewed the basket
GET  /index.php?route=checkout/cart             | view_basket        | Viewed the basket
GET  /checkout                                  | begin_checkout     | Started checkout
GET  /kasse                                     | begin_checkout     | Started checkout
POST /checkout/shipping-address/                | enter_address      | Entered address
POST /checkout/shipping-method/                 | choose_shipping    | Chose delivery
GET  /checkout/payment                          | payment_page       | Opened payment
POST /checkout/payment                          | payment            | Submitted payment
POST /checkout/preview/                         | place_order        | Submitted order
POST /api/checkout                              | place_order        | Submitted order
POST /checkouts/{}/complete                     | place_order        | Submitted order
POST /api/v1/orders                             | place_order        | Placed order
GET  /checkout/thank-you/                       | order_confirmation | Saw the confirmation
GET  /checkout/onepage/success/                 | order_confirmation | Saw the confirmation
GET  /checkout/order-received/{}/               | order_confirmation | Saw the confirmation
GET  /accounts/orders/{}/                       | view_order         | Viewed order
GET  /my-account/orders/                        | view_orders        | Viewed own orders
GET  /order-status/{}                           | track_order        | Tracked order
POST /orders/{}/cancel                          | cancel_order       | Cancelled order
POST /returns                                   | request_return     | Asked for a return
POST /accounts/login/                           | login              | Logged in
GET  /wp-login.php                              | login_page         | Opened login
GET  /logout                                    | logout             | Logged out
POST /signup                                    | register           | Registered
GET  /pricing                                   | pricing            | Viewed prices
POST /api/subscriptions                         | subscribe          | Subscribed
GET  /dashboard                                 | product_use        | Used the dashboard
POST /contact                                   | send_enquiry       | Sent an enquiry
POST /request-a-quote                           | request_quote      | Asked for a quote
POST /book-demo                                 | request_demo       | Asked for an appointment
GET  /flights?from=LHR&to=JFK                   | search_trip        | Searched for a trip
GET  /hotels/{}/availability                    | check_availability | Checked availability
POST /bookings                                  | book               | Booked
POST /Booking/Start                             | begin_booking      | Started booking
POST /Booking/Driver                            | enter_travellers   | Entered the driver
POST /bestellung/tarif                          | checkout_step      | Went on in checkout
POST /orders/{}/note                            | change_order       | Changed order
GET  /v2/orders/{}/status                       | track_order        | Tracked order
GET  /crm/customers/{}                          |                    | Opened crm customers
GET  /v2/stores/nearby                          |                    | Loaded stores nearby
POST /booking/{}/passengers                     | enter_travellers   | Entered travellers
GET  /blog/{}                                   | content            | Read an article
GET  /faq                                       | help               | Read help
POST /webhooks/carrier/                         | webhook            | Received a callback from carrier
POST /graphql?operationName=AddToCart           | add_to_basket      | Added to basket
GET  /?page=4                                   | home               | Opened the home page
POST /carts/{}/complete                         | place_order        | Submitted order
POST /admin/orders/{}/fulfillments              | fulfil_order       | Fulfilled order
POST /admin/orders/{}/fulfillments/{}/shipments | ship_order         | Shipped order
POST /admin/payments/{}/refund                  | refund             | Refunded a payment
GET  /shipments/{}                              | track_order        | Tracked order
GET  /store/customers/me                        | account            | Viewed the account
GET  /store/regions                             | page_parts         | Loaded page parts
POST /create-checkout-session                   | begin_checkout     | Started checkout
GET  /checkout/cancel                           | leave_payment      | Came back without paying
POST /rest/V1/guest-carts/{}/shipping-information | enter_address    | Entered address
POST /rest/V1/guest-carts/{}/estimate-shipping-methods | shipping_page | Looked at delivery choices
POST /rest/V1/guest-carts/{}/payment-information | payment           | Submitted payment
PUT  /rest/V1/guest-carts/{}/order              | place_order        | Submitted order
GET  /customer/section/load/                    | page_parts         | Loaded page parts
GET  /de_DE/                                    | home               | Opened the home page
GET  /en-gb/cart                                | view_basket        | Viewed the basket
PUT  /de/checkout/select-payment                | checkout_step      | Chose how to pay
GET  /shop/page/{}                              | view_products      | Viewed the range
POST /api/v1/transfers                          | transfer           | Sent a transfer
GET  /api/v1/transfers/{}                       | view_transfer      | Viewed transfer
POST /api/loan-applications                     | apply              | Sent an application
POST /portal/claims/new/review                  | file_claim         | Sent a claim
GET  /portal/claims/new                         | claim_page         | Opened the claim form
POST /v3/appointments/{}/cancel                 | cancel_appointment | Cancelled appointment
GET  /v3/appointments                           | view_appointment   | Viewed own appointments
POST /v2.1/servers                              | create_machine     | Created a server
POST /donate                                    | donate             | Donated
POST /auth/refresh                              | background         | Renewed the sign-in
POST /payment/status/poll                       | background         | Asked again by itself
POST /website_sale/get_combination_info         |                    | Loaded website sale get combination info
GET  /zorp/{}                                   |                    | Opened zorp
POST /zorp                                      |                    | Submitted zorp
DELETE /zorp/{}                                 |                    | Deleted zorp
"""


@pytest.mark.parametrize("line", REQUESTS.strip().splitlines())
def test_requests(line: str) -> None:
    request, kind, activity = (part.strip() for part in line.split("|"))
    method, target = request.split()
    route, _, query = target.partition("?")
    act = CLASSIFIER.classify(method, route, query or None)
    assert (act.kind, fill(act, route, None, CLASSIFIER.read_query(query))) == (kind, activity)


MESSAGES = """
Payment pay_c26374dd21a6654c authorised for order 100003          | Payment authorised   | progress
Order #100003: payment successful, placing order                  | Payment authorised   | progress
captured 121.73 GBP on pay_c26 for order 100003                   | Payment captured     | progress
Claim CLM-1 settled                                               | Claim settled        | done
Claim 1 rejected                                                  | Claim declined       | failed
Transfer 1 initiated by customer C1                               | Transfer initiated   | born
Transfer 1 completed                                              | Transfer completed   | done
[instance: 1] Instance spawned successfully.                      | Instance spawned     | done
payment tr_1x is failed                                           | Payment failed       | failed
Activated job check-coverage                                      | Check coverage       |
Payment declined for order 1: insufficient_funds (pay_1)          | Payment declined     | failed
Order #1: unable to take payment (Your card was declined.)        | Payment declined     | failed
Order #1: payment error (gateway returned 504)                    | Payment failed       | failed
authorisation pay_0f voided (order 1)                             | Payment voided       | cancelled
order 17 cancelled: out of stock                                  | Order cancelled      | cancelled
out of stock, order 17 is on hold                                 | Out of stock         | exception
refunded 159.81 GBP to pay_20d, refund re_36                      | Payment refunded     | returned
Order 100003 placed: user=51 basket=3 total=121.73 GBP            | Order placed         | born
Order 1: status Complete -> Returned                              | Order returned       | returned
allocated 3 x SKU-MO0014 (stockrecord 14) for order 100003        | Stock allocated      | progress
consignment PLO0012: DELIVERY_FAILED                              | Delivery failed      | exception
consignment PLO0012: DELIVERED                                    | Shipment delivered   | done
dispatch email sent for order 100003                              | Dispatch email sent  | progress
Sent 0 notifications and 0 messages                               | Sent notifications and messages |
Subscription sub_12 activated                                     | Subscription activated | done
sales stats updated for order id 1                                | Sales stats updated  |
Ticket TK-4411 resolved                                           | Case resolved        | done
invoice created                                                   | Invoice created      | born
delivery note created for order AB-88022                          | Shipment created     | born
order received                                                    | Order received       | born
Order 7 created                                                   | Order placed         | born
webhook received: payment settled                                 | Payment settled      | progress
message received                                                  | Email received       | progress
order paid                                                        | Order paid           | progress
Booking {BookingNo} changed, new pickup {Pickup}                  | Booking changed new pickup |
request completed in 12 ms                                        | Request completed    | call
Sending HTTP request POST http://ordering-api/api/Orders/         | Sending http request post | call
Sending command: SetPaidOrderStatusCommand - OrderNumber: 1042 (Shop.Commands.SetPaidOrderStatusCommand) | Order paid | progress
Handling command SetAwaitingValidation (Shop.SetAwaitingValidation) | Set awaiting validation shop |
Begin transaction 55d9e0b5-74c5-4a86-9f33-0d3fb7a9a1e5 for ShipOrderCommand | Order shipped | nearly
Handling integration event: 28dc30a9 - (OrderStatusChangedToShipped { Id = 28dc30a9, OrderStatus = Shipped, Buyer = ann }) | Order shipped | nearly
Publishing event OrderStatusChangedToAwaitingValidation { OrderId = 7, BuyerName = ann } | Order awaiting validation |
Order #7: status has been updated to Shipped                      | Order shipped        | nearly
OrderStockConfirmedIntegrationEvent { OrderId = 7 }               | Stock confirmed      | progress
OrderStockRejectedIntegrationEvent { OrderId = 7 }                | Out of stock         | exception
Sending payment request: PaymentRequest{amount=24.98}             | Payment requested    | progress
Received payment response: PaymentResponse{authorised=true, message=Payment authorised} | Payment authorised | progress
Received payment response: PaymentResponse{authorised=false, message=Payment declined} | Payment declined | failed
Sending order confirmation for order 7                            | Email sent           | progress
"""


@pytest.mark.parametrize("line", MESSAGES.strip().splitlines())
def test_messages(line: str) -> None:
    message, text, state = (part.strip() for part in line.split("|"))
    label = LABELER.read(message)
    assert (label.text, label.state) == (text, state)


@pytest.mark.parametrize(
    "tag",
    ["traceId: K7QXPW", "traceID=K7QXPW", "trace_id=K7QXPW", "TRACE-ID: K7QXPW", "spanId:K7QXPW", "requestiD: K7QXPW"],
)
def test_tags_of_a_logger_are_no_words_of_the_message(tag: str) -> None:
    assert skeleton_of(f"{tag} order shipped") == "order shipped"


def test_a_form_on_a_product_s_page_fills_the_basket_of_a_shop_alone() -> None:
    shop = Classifier(replace(MODELS, chosen="retail"))
    assert shop.classify("POST", "/item/{}", None).kind == "add_to_basket"
    for route in ("/item/{}/reviews", "/admin/products/{}", "/api/products/{}", "/items"):
        assert shop.classify("POST", route, None).kind != "add_to_basket"
    assert CLASSIFIER.classify("POST", "/item/{}", None).kind == ""


OPERATIONS = """
ProductDetails               | view_product         | read
checkoutCreate               | begin_checkout       | write
checkoutLinesAdd             | add_to_basket        | write
checkoutShippingAddressUpdate | enter_address       | write
checkoutEmailUpdate          | checkout_step        | write
checkoutComplete             | place_order          | write
setPaymentMethodOnCart       | checkout_step        | write
addItemToOrder               | add_to_basket        | write
OrderConfirmation            | order_confirmation   | read
orderByToken                 | view_order           | read
CurrentUser                  | page_parts           | read
"""


@pytest.mark.parametrize("line", OPERATIONS.strip().splitlines())
def test_operations_at_one_address(line: str) -> None:
    operation, kind, does = (part.strip() for part in line.split("|"))
    act = CLASSIFIER.classify("POST", "/graphql/", None, operation)
    assert (act.kind, act.write) == (kind, does == "write")


@given(st.text(max_size=2000))
def test_any_message_gives_a_skeleton_without_its_numbers(message: str) -> None:
    skeleton = skeleton_of(message)
    assert not any(character in "0123456789" for character in skeleton)
    LABELER.read(message)


@given(st.sampled_from(["GET", "POST", "BREW"]), st.text(max_size=300), st.text(max_size=300))
def test_any_request_is_something(method: str, route: str, query: str) -> None:
    act = CLASSIFIER.classify(method, route, query)
    text = fill(act, route, route, CLASSIFIER.read_query(query))
    assert text
    assert "{" not in text


def test_activities_compare_without_their_values() -> None:
    assert plain("Placed order 100003") == plain("Placed order 7") == "Placed order"


@pytest.mark.parametrize(
    ("requests", "model"),
    [
        (["GET /products/{}", "POST /cart/add", "GET /checkout", "GET /blog/{}"], "retail"),
        (["GET /flights", "GET /hotels/{}", "POST /bookings", "GET /about"], "travel"),
        (["GET /pricing", "POST /signup", "GET /dashboard", "GET /login"], "saas"),
        (["GET /services", "GET /contact", "POST /contact", "GET /about"], "lead_generation"),
        (["GET /zorp", "GET /blip/{}"], "generic"),
        ([], "generic"),
    ],
)
def test_the_model_whose_words_cover_the_data_is_chosen(requests: list[str], model: str) -> None:
    counts = [(*request.split(), 200, 25) for request in requests]
    fitted = fit_models(MODELS, counts)  # type: ignore[arg-type]
    assert fitted.chosen == model
    assert all(0 <= share <= 1 for share in fitted.coverage.values())


GOOD = 'title = "Mine"\nevidence = ["search"]\n[[goal]]\nname = "Place order"\nattempts = ["place_order"]\n'
RULE = "[[touchpoint]]\nkind = 'x'\nactivity = 'X'\nstage = 'interest'\n"


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        pytest.param(GOOD.replace("attempts", "atempts"), "goal[0].atempts", "attempts", id="key"),
        pytest.param(GOOD.replace('"place_order"', '"place_ordr"'), "goal[0].attempts", "place_order", id="kind"),
        pytest.param(GOOD.replace('"Mine"', "7"), "title", "", id="type"),
        pytest.param(GOOD.replace('title = "Mine"\n', ""), "title", "", id="missing"),
        pytest.param(GOOD + '[stage]\nsearch = "intrest"\n', "stage.search", "interest", id="stage"),
        pytest.param(GOOD + RULE + "all = ['baskt']\n", "touchpoint[0].all", "basket", id="words"),
        pytest.param("= nonsense", "", "", id="no TOML"),
    ],
)  # fmt: skip
def test_wrong_models_are_told_by_file_key_and_nearest_name(tmp_path: Path, text: str, key: str, hint: str) -> None:
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        load_models(tmp_path)
    assert caught.value.key == key
    assert caught.value.path == tmp_path / "mine.toml"
    assert "mine.toml" in caught.value.message
    assert hint in caught.value.hint


def test_a_model_of_the_users_own_names_kinds_the_vocabulary_does_not(tmp_path: Path) -> None:
    rule = '[[touchpoint]]\nkind = "ride"\nactivity = "Took a ride"\nstage = "purchase"\nlast = ["product_use"]\n'
    text = GOOD.replace('"search"', '"ride"').replace('"place_order"', '"ride"') + rule
    (tmp_path / "rides.toml").write_text(text, encoding="utf-8")
    fitted = fit_models(load_models(tmp_path), [("POST", "/app/console", 200, 10)])
    assert fitted.chosen == "rides"
    assert Classifier(fitted).classify("POST", "/app/console", None).text == "Took a ride"


MINE = """
[model]
use = "rides"
[model.rides]
title = "Rides"
evidence = ["take_ride"]
[model.rides.words]
ride = ["ride", "rides", "fahrt"]
[[model.rides.goal]]
name = "Take a ride"
attempts = ["take_ride"]
[[model.rides.touchpoint]]
kind = "take_ride"
activity = "Took a ride"
stage = "purchase"
all = ["ride"]
methods = ["write"]
[[model.rides.step]]
activity = "Car sent"
words = ["Sent Car"]
state = "progress"
"""


def test_a_model_in_the_configuration_may_have_words_of_its_own_and_be_the_one_used(tmp_path: Path) -> None:
    (tmp_path / "reconstruct.toml").write_text(MINE, encoding="utf-8")
    own = read_configuration(tmp_path / "reconstruct.toml").models
    fitted = fit_models(load_models(own=own), [("GET", "/products/{}", 200, 1000)])
    assert fitted.chosen == "rides"
    assert Classifier(fitted).classify("POST", "/fahrt/neu", None).text == "Took a ride"
    assert Labeler(fitted).read("order 7: sent car 12").text == "Car sent"


@pytest.mark.parametrize(
    ("wrong", "key", "hint"),
    [
        (MINE.replace('"Rides"', "1"), "model.rides.title", ""),
        (MINE.replace("attempts", "atempts"), "model.rides.goal[0].atempts", "attempts"),
        (MINE.replace('use = "rides"', 'use = "rids"'), "model.use", "rides"),
        (MINE.replace('all = ["ride"]', 'all = ["rode"]'), "model.rides.touchpoint[0].all", "ride"),
        (MINE.replace('"fahrt"', '" ?"'), "model.rides.words.ride", ""),
        (MINE.replace('"Sent Car"', '""'), "model.rides.step[0].words", ""),
        (MINE.replace('state = "progress"', 'state = "progres"'), "model.rides.step[0].state", "progress"),
    ],
)
def test_wrong_models_of_a_configuration_are_told_by_their_key(tmp_path: Path, wrong: str, key: str, hint: str) -> None:
    file = tmp_path / "reconstruct.toml"
    file.write_text(wrong, encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        load_models(own=read_configuration(file).models)
    assert (caught.value.key, caught.value.path) == (key, file)
    assert "reconstruct.toml" in caught.value.message
    assert hint in caught.value.hint


def test_a_models_own_steps_win_over_the_vocabulary(tmp_path: Path) -> None:
    step = '[[step]]\nactivity = "Pizza baked"\nwords = ["baked", "oven packed"]\nstate = "done"\n'
    (tmp_path / "pizza.toml").write_text(GOOD + step, encoding="utf-8")
    labeler = Labeler(replace(load_models(tmp_path), chosen="pizza"))
    assert labeler.read("order 12 oven packed and shipped").text == "Pizza baked"
    assert labeler.read("order 12 baked").state == "done"
    assert labeler.read("order 12 shipped").text == "Order shipped"
