"""Names are a prior: spellings of one noun meet, measures and labels stay out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconstruct.events.nouns import is_secret, may_identify, noun_of, prior_roles, singular, words_of


@pytest.mark.parametrize(
    "slot",
    [
        "key:orderId", "key:order_id", "key:order-id", "key:OrderID", "key:order.id", "key:data.order.id", "key:orderNumber",
        "key:ORDER_NO", "key:orders", "key:order_ids", "key:Order.id", "key:order_order.number", "text:order", "text:order_id",
        "query:order", "query:orderno", "path:/orders/{}", "path:/orders/{}/cancel", "path:/orders/view/{}/",
        "path:/accounts/order-status/{}/{}/#1", "path:/users/{}/orders/{}#2", "column:order_id", "cookie:order",
    ],
)  # fmt: skip
def test_every_spelling_of_order(slot: str) -> None:
    assert noun_of(slot) == "order"


@pytest.mark.parametrize(
    ("slot", "noun"),
    [
        ("column:request_id", "request"),
        ("column:session_id", "session"),
        ("column:trace_id", "trace"),
        ("column:user", "user"),
        ("cookie:JSESSIONID", "session"),
        ("cookie:PHPSESSID", "session"),
        ("cookie:connect.sid", "session"),
        ("key:sess", "session"),
        ("key:django_session.session_key", "session"),
        ("key:http.request.headers.x-request-id", "request"),
        ("key:username", "user"),
        ("key:jwt.sub", "user"),
        ("path:/users/{}/orders/{}#1", "user"),
        ("path:/catalogue/category/{}/", "category"),
        ("key:shipping_address_id", "address"),
        ("key:id", ""),
        ("path:/{}", ""),
        ("text:uuid", ""),
    ],
)
def test_nouns(slot: str, noun: str) -> None:
    assert noun_of(slot) == noun


def test_roles_are_expected_of_known_nouns_only() -> None:
    assert "object" in prior_roles("booking")
    assert "customer" in prior_roles("email")
    assert prior_roles("zarf") == ()


@pytest.mark.parametrize(
    "name",
    ["order_id", "status_id", "lineId", "userName", "sku", "x-correlation-id", "sid", "zarf", "customer.id", "itemRef"],
)
def test_may_identify(name: str) -> None:
    assert may_identify(name)


@pytest.mark.parametrize(
    "name",
    [
        "duration_ms", "responseTime", "bytes", "total_incl_tax", "order_total", "unitPrice", "qty", "status", "statusCode",
        "status_code", "line", "lines", "port", "level", "created_at", "timestamp", "fileName", "message", "event", "user_agent",
        "totalNum", "max_items", "utm_source", "distances", "country_code", "weight_g", "_ga_consent" * 20,
    ],
)  # fmt: skip
def test_measures_instants_and_labels_do_not(name: str) -> None:
    assert not may_identify(name)


@pytest.mark.parametrize(
    "name", ["Authorization", "http.headers.authorization", "password", "user.passwd", "x-api-key", "accessToken"]
)
def test_credentials_are_known(name: str) -> None:
    assert is_secret(name)


def test_words_and_plurals() -> None:
    assert words_of("getHTTPStatus2_ofOrder") == ["get", "http", "status", "of", "order"]
    assert [singular(word) for word in ("ids", "parcels", "addresses", "status", "series")] == [
        "ids",
        "parcel",
        "address",
        "status",
        "sery",
    ]


@given(st.text(max_size=200))
def test_any_name_is_judged(name: str) -> None:
    assert isinstance(noun_of(f"key:{name}"), str)
    assert isinstance(noun_of(name), str)
    assert may_identify(name) in (True, False)
    assert is_secret(name) in (True, False)
