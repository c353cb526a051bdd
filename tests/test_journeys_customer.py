"""Customer journeys through the public door: rows of a visit in, document out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from told_visits import BROWSER, MODELS, SHOP, activities, read, render, tell, touchpoints, visit

from reconstruct.journeys.build import build_journey, summary_row
from reconstruct.journeys.fit import fit_models
from reconstruct.journeys.rows import ObjectInput, SessionInput

# --- goal and outcome -----------------------------------------------------------------------------------------------


def outcome(text: str, **fields: Any) -> tuple[str | None, str]:
    journey = visit(text, **fields)["customer_journey"]
    return journey["goal"], journey["outcome"]


def cut(until: str) -> str:
    """The shop visit up to a line."""
    return SHOP[: SHOP.index(until)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(SHOP, ("Place order", "achieved"), id="bought"),
        pytest.param(cut("20  POST"), (None, "browsed"), id="looked around"),
        pytest.param(cut("31  GET"), ("Place order", "abandoned"), id="left the basket"),
        pytest.param(cut("55  POST"), ("Place order", "abandoned"), id="left at review"),
        pytest.param(cut("55  POST") + "55 POST /checkout/review/ 200", ("Place order", "failed"), id="form came back"),
        pytest.param(cut("55  POST") + "55 POST /checkout/review/ 502", ("Place order", "failed"), id="gateway failed"),
        pytest.param(
            cut("55  POST") + "55 POST /checkout/review/ 200\n99 POST /checkout/review/ 302\n99 GET /checkout/done 200",
            ("Place order", "achieved"), id="second try",
        ),
        pytest.param(
            "0 GET /basket/ 200\n5 GET /checkout/ 302\n5 GET /basket/ 200", (None, "browsed"), id="nothing to check out"
        ),
        pytest.param(
            "0 GET /index.php?route=product/product&product_id=4 200\n9 POST /index.php?route=checkout/cart/add 200\n"
            "20 GET /index.php?route=checkout/checkout 200\n40 GET /index.php?route=checkout/success 200",
            ("Place order", "achieved"), id="router in the query",
        ),
        pytest.param("0 GET /hotels/5 200\n9 GET /booking/new 200", ("Book", "abandoned"), id="travel"),
        pytest.param("0 GET /contact 200\n60 POST /contact 302\n60 GET /contact/thanks 200", ("Send enquiry", "achieved"), id="lead"),
        pytest.param("0 GET /kontakt 200\n60 POST /kontakt 302", ("Send enquiry", "achieved"), id="enquiry accepted"),
        pytest.param("0 GET /checkout 200\n60 POST /checkout/pay 302", ("Place order", "abandoned"), id="left to pay elsewhere"),
        pytest.param("0 GET /checkout 200\n9 POST /checkout 200\n20 GET /thank-you 200", ("Place order", "achieved"), id="thanks after checkout"),
        pytest.param("0 GET /thank-you 200", (None, "browsed"), id="thanks for nothing"),
        pytest.param("0 GET /signup 200\n60 POST /api/signup 201", ("Register", "achieved"), id="signed up"),
        pytest.param("0 GET /xyz 200\n4 GET /abc 200", (None, "browsed"), id="no model knows it"),
    ],
)  # fmt: skip
def test_outcomes(text: str, expected: tuple[str | None, str]) -> None:
    assert outcome(text) == expected


def test_the_outcome_says_where_and_why() -> None:
    journey = visit(cut("55  POST"))["customer_journey"]
    assert touchpoints({"customer_journey": journey})[journey["outcome_at"]]["activity"] == "Entered address"
    assert "Entered address" in journey["outcome_why"]
    assert journey["stage_reached"] == "purchase"


def test_no_drop_off_is_claimed_where_the_logs_end() -> None:
    assert outcome(cut("31  GET"), cut_off=True) == ("Place order", "ongoing")
    assert outcome(SHOP, cut_off=True) == ("Place order", "achieved")


def test_interfaces_answer_a_post_with_a_page_and_that_is_no_refusal() -> None:
    document = visit("0 GET /api/cart 200\n5 POST /api/cart 200")
    assert [touchpoint["ok"] for touchpoint in touchpoints(document)] == [True, True]


def test_the_data_tells_forms_from_pages_that_answer_themselves() -> None:
    text = "0 GET /ask.php 200\n9 POST /ask.php 200"
    redirecting = fit_models(MODELS, [("POST", "/ask.php", 302, 8), ("POST", "/ask.php", 200, 3)])
    plain = fit_models(MODELS, [("POST", "/ask.php", 200, 30), ("POST", "/other", 302, 30)])
    assert [t["ok"] for t in touchpoints(visit(text, models=redirecting))] == [True, False]
    assert [t["ok"] for t in touchpoints(visit(text, models=plain))] == [True, True]


def order(text: str, trigger: int) -> ObjectInput:
    return ObjectInput("order", "1001", [row._replace(source=9) for row in read(text)], trigger)


def test_the_birth_of_an_order_is_the_goal_and_names_its_touchpoint() -> None:
    thing = order("56 log service=shop | Order 1001 placed: total=20.00 EUR\n900 log service=wms | packed", 7)
    told = tell(SHOP, objects=[thing], caused=thing.rows)
    document = render(told)
    last = touchpoints(document)[-1]
    assert last["activity"] == "Placed order 1001"
    assert [9, 2] in last["events"]
    assert document["business_journeys"][0]["trigger"] == {
        "touchpoint": len(touchpoints(document)) - 1,
        "event": [0, 8],
    }
    assert document["ended_at"] < "2026-05-28T20:28", "what the business does later does not stretch the visit"
    row = summary_row(told)
    assert (row["orders"], row["value"], row["outcome"]) == ("1001 in_progress", "20.00 EUR", "achieved")


def test_a_declined_order_is_a_failed_visit() -> None:
    thing = order("40.5 log service=pay level=warn | Payment declined for order 1001", 7)
    document = visit(cut("55  POST") + "40 POST /checkout/pay 200", objects=[thing], caused=thing.rows)
    assert document["customer_journey"]["outcome"] == "failed"
    assert touchpoints(document)[document["customer_journey"]["outcome_at"]]["activity"] == "Payment declined"


@pytest.mark.parametrize(
    ("then", "outcome"),
    [
        ("56.2 log service=pay level=warn | Payment declined for order 1001", "failed"),
        ("56.2 log service=pay level=warn | Payment declined for order 1001\n58 log service=pay | Payment captured", "achieved"),
        ("9000 log service=pay level=warn | Payment declined for order 1001", "achieved"),
    ],
    ids=["for good", "paid after all", "long after the visit"],
)  # fmt: skip
def test_an_order_that_was_placed_and_then_not_paid_is_no_success(then: str, outcome: str) -> None:
    thing = order(f"56 log service=shop | Order 1001 placed\n{then}", 7)
    document = visit(cut("55  POST") + "55 POST /checkout/pay 402", objects=[thing], caused=thing.rows)
    assert document["customer_journey"]["outcome"] == outcome


def test_an_order_declined_first_is_born_at_the_later_try() -> None:
    text = """
        0 GET /checkout/review 200
        10 POST /checkout/review 200
        60 POST /checkout/review 302
        60 GET /checkout/thanks 200
    """
    thing = order("10.2 log | Payment declined for order 1001\n60.2 log | Order 1001 placed", 1)
    document = visit(text, objects=[thing], caused=thing.rows)
    assert activities(document)[1:] == ["Order refused", "Placed order 1001"]
    assert [[9, 1] in t["events"] for t in touchpoints(document)] == [False, True, False]
    assert document["customer_journey"]["outcome_at"] == 2


def test_an_order_no_request_tells_of_belongs_to_what_was_sent_before_it() -> None:
    thing = order("55.3 log service=shop | Order 1001 placed\n900 log service=wms | packed", 0)
    thing.trigger = None
    document = visit(SHOP + "90 GET /catalogue/ 200", objects=[thing], caused=thing.rows)
    assert activities(document)[-2:] == ["Placed order 1001", "Viewed the range"]
    assert document["business_journeys"][0]["trigger"] == {
        "touchpoint": len(touchpoints(document)) - 2,
        "event": [9, 1],
    }


# --- intent, stages, channel ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("0 GET /a 200", {"source": "direct"}),
        ("0 GET /a 200 ref=https://www.google.de/search?q=wool+throw", {"source": "search", "referrer": "www.google.de", "search": "wool throw"}),
        ("0 GET /a 200 ref=https://mail.google.com/mail", {"source": "mail", "referrer": "mail.google.com"}),
        ("0 GET /a 200 ref=https://chatgpt.com/", {"source": "assistant", "referrer": "chatgpt.com"}),
        ("0 GET /a 200 ref=https://m.facebook.com/", {"source": "social", "referrer": "m.facebook.com"}),
        ("0 GET /a 200 ref=https://blog.example.org/x", {"source": "referral", "referrer": "blog.example.org"}),
        ("0 GET /a?utm_source=news&utm_medium=email&x=1 200", {"source": "campaign", "campaign": {"utm_medium": "email", "utm_source": "news"}}),
    ],
)  # fmt: skip
def test_intent(first: str, expected: dict[str, Any]) -> None:
    assert visit(first)["customer_journey"]["intent"] == {"entry": "/a", **expected}


def test_a_visit_that_goes_on_from_the_site_itself_is_internal() -> None:
    text = "0 GET /a 200 ref=https://shop.example.com/z\n5 GET /b 200 ref=https://shop.example.com/a"
    intent = visit(text, previous="v0")["customer_journey"]["intent"]
    assert intent == {"entry": "/a", "source": "internal", "previous": "v0"}


def test_searches_are_told_and_shown_once_each() -> None:
    document = visit(
        "0 GET /search?q=wool%20throw 200\n9 GET /search?q=wool+throw&page=2 200\n20 GET /search?q=rug 200"
    )
    assert document["customer_journey"]["intent"]["searched"] == ["wool throw", "rug"]
    assert activities(document)[0] == "Searched ‘wool throw’"


def test_milestones_are_the_steps_that_reach_a_stage() -> None:
    document = visit("0 GET / 200\n" + SHOP)
    assert [t["activity"] for t in touchpoints(document) if t["milestone"]] == [
        "Opened the home page", "Viewed the range", "Viewed product ‘lamp’", "Added to basket", "Started checkout",
        "Submitted order",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (BROWSER, "web"),
        ("Lantern/4.2 (com.example.lantern; iOS 18) CFNetwork/1410 Darwin/24", "app"),
        ("python-requests/2.32", "api"),
    ],
)
def test_channel(agent: str, expected: str) -> None:
    assert visit("0 GET /a 200", agent=agent)["channel"] == expected


def test_leads_go_from_the_advertisement_over_a_white_paper_and_a_meeting_to_a_contract() -> None:
    counts = [("GET", "/services", 200, 50), ("GET", "/about", 200, 20), ("POST", "/book-demo", 302, 9)]
    models = fit_models(MODELS, counts)
    assert models.chosen == "lead_generation"
    document = visit(
        """
        0 GET /services?utm_source=ads&utm_campaign=b2b 200
        20 GET /whitepapers/cloud-cost.pdf 200 route=/whitepapers/{}
        90 GET /book-demo 200
        120 POST /book-demo 302
        900 GET /contracts/7 200 route=/contracts/{}
        990 POST /contracts/7/sign 201 route=/contracts/{}/sign
        """,
        models=models,
    )
    assert activities(document) == [
        "Read about the offer", "Fetched white paper ‘cloud cost’", "Opened the appointment form",
        "Asked for an appointment", "Looked at the contract", "Signed the contract",
    ]  # fmt: skip
    journey = document["customer_journey"]
    assert (journey["goal"], journey["outcome"]) == ("Sign contract", "achieved")
    assert journey["intent"]["source"] == "campaign"


@pytest.mark.parametrize(
    ("agent", "device", "text", "channel"),
    [
        (BROWSER, "Safari · mobile", "0 GET / 200", "mobile web"),
        (BROWSER, "Firefox · desktop", "0 GET / 200", "web"),
        ("ShopApp/5 CFNetwork/1490", "", "0 POST /graphql 200", "app"),
        (None, "", "0 log service=calls | call started", "call centre"),
        (None, "", "0 log service=batch | till 3: sale opened", "store"),
        (None, "", "0 log service=mailer | newsletter sent", "e-mail"),
    ],
)
def test_channels_by_what_is_known(agent: str | None, device: str, text: str, channel: str) -> None:
    session = SessionInput("v", None, [], [], agent, device, "human", read(text))
    assert render(build_journey(session, MODELS))["channel"] == channel


def test_a_refused_request_of_a_route_that_gives_birth_to_orders_is_a_try_that_failed() -> None:
    """``/cart/checkout`` is a step on the way by its words, and where orders are placed by what it does."""
    counts = [("POST", "/cart/checkout", 200, 40), ("POST", "/cart/checkout", 500, 3), ("GET", "/catalogue/", 200, 200)]
    text = "0 GET /catalogue/ 200\n9 POST /cart/add 302\n20 POST /cart/checkout 500"
    born = fit_models(MODELS, counts, births=[("POST", "/cart/checkout", "order", 39)])
    assert visit(text, models=born)["customer_journey"]["outcome"] == "failed"
    assert visit(text + "\n30 POST /cart/checkout 500", models=born)["customer_journey"]["outcome_why"].startswith(
        "2 tries"
    )
    for births in ([], [("POST", "/cart/checkout", "order", 3)], [("POST", "/graphql", "order", 39)]):
        course = visit(text, models=fit_models(MODELS, counts, births=births))["customer_journey"]
        assert course["outcome"] == "abandoned", births


def test_of_a_booking_in_several_forms_only_the_one_that_books_is_a_success() -> None:
    counts = [
        ("GET", "/Search", 200, 300),
        ("POST", "/Booking/Start", 302, 90),
        ("POST", "/Booking/Extras", 302, 60),
        ("POST", "/Booking/Payment", 302, 50),
    ]
    begun = "0 GET /Search 200\n9 POST /Booking/Start 302\n10 GET /Booking/Extras 200"
    births = [("POST", "/Booking/Start", "offer", 90), ("POST", "/Booking/Payment", "booking", 50)]
    models = fit_models(MODELS, counts, births=births)
    assert visit(begun, models=models)["customer_journey"]["outcome"] == "abandoned"
    paid = (
        begun
        + "\n40 POST /Booking/Extras 302\n41 GET /Booking/Payment 200"
        + "\n90 POST /Booking/Payment 302\n91 GET /Booking/Confirmation 200"
    )
    assert visit(paid, models=models)["customer_journey"]["outcome"] == "achieved"
    # Where nothing tells where bookings begin, that the form was accepted is all there is.
    unknown = fit_models(MODELS, counts, births=births[:1])
    assert visit(paid, models=unknown)["customer_journey"]["outcome"] == "achieved"
    assert visit(begun, models=unknown)["customer_journey"]["outcome"] == "abandoned", "Start only begins one"


def test_a_form_beside_the_one_that_orders_is_on_the_way_to_an_order() -> None:
    """Its words say nothing: only where orders begin does."""
    counts = [("GET", "/x/plans", 200, 300), ("POST", "/y/details", 302, 90), ("POST", "/y/send", 302, 50)]
    shop = replace(MODELS, use="retail")
    models = fit_models(shop, counts, births=[("POST", "/y/send", "order", 50)])
    begun = "0 GET /x/plans 200\n9 POST /y/details 302\n10 GET /y/send 200"
    assert visit(begun, models=models)["customer_journey"]["outcome"] == "abandoned"
    for text in ("0 GET /y/details 200", "0 POST /x/details 302", "0 POST /y/1001/details 302"):
        assert visit(text, models=models)["customer_journey"]["outcome"] == "browsed", text
    at_root = fit_models(
        shop, [*counts, ("POST", "/api/orders", 201, 50)], births=[("POST", "/api/orders", "order", 50)]
    )
    assert visit("0 POST /api/settings 200", models=at_root)["customer_journey"]["outcome"] == "browsed"


def test_what_is_refused_in_a_later_request_is_told_there_and_not_where_it_began() -> None:
    started = "0 POST /Booking/Start 302\n9 POST /Booking/Driver 302\n60 POST /Booking/Payment 402"
    rows = read(started)
    declined = read("60 log | Payment declined: insufficient funds")[0]._replace(
        source=rows[-1].source, line=rows[-1].line
    )
    thing = ObjectInput("offer", "8b74", [rows[0], declined], 0)
    document = visit(started, objects=[thing])
    told = [(row["activity"], row["ok"]) for row in document["customer_journey"]["touchpoints"]]
    assert told == [("Started booking", True), ("Entered the driver", True), ("Payment declined", False)]
