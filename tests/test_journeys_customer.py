"""Customer journeys through the public door: rows of a visit in, document out."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconstruct.journeys.build import Visit, build_journey, summary_row
from reconstruct.journeys.experience import add_waits
from reconstruct.journeys.fit import fit_models
from reconstruct.journeys.labels import Labeler
from reconstruct.journeys.models import STAGES, load_models
from reconstruct.journeys.rendering import Renderer
from reconstruct.journeys.rows import ObjectInput, Row, SessionInput

SCHEMA = json.loads((Path(__file__).parents[1] / "reconstruct/export/schema/journeys-1.0.json").read_text("utf-8"))
CONTRACT = Draft202012Validator({"$ref": "#/$defs/journey", "$defs": SCHEMA["$defs"]})
SECOND = 1_000_000_000
START = 1_780_000_000 * SECOND
MODELS = load_models()
LABELER = Labeler(MODELS)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/142.0"
ASSET = re.compile(r"\.(css|js|png)$")


def read(text: str) -> list[Row]:
    """Rows of a small notation, one a line: ``SECONDS METHOD TARGET STATUS key=value…`` or ``SECONDS log key=value… | message``."""
    rows = []
    for number, line in enumerate(filter(None, map(str.strip, text.splitlines())), 1):
        head, _, message = line.partition(" | ")
        seconds, kind, *rest = head.split()
        options = dict(part.split("=", 1) for part in rest if "=" in part and not part.startswith("/"))
        is_log = kind == "log"
        path, _, query = ("", "", "") if is_log else rest[0].partition("?")
        route = options.get("route", re.sub(r"/[^/]*\d[^/]*", "/{}", path))
        rows.append(
            Row(
                source=int(options.get("src", 1 if is_log else 0)),
                line=number,
                time_ns=START + round(float(seconds) * 1000) * 1_000_000,
                tier="log" if is_log else options.get("tier", "edge"),
                request=options.get("req"),
                method=None if is_log else kind,
                path=None if is_log else path,
                route=None if is_log else route,
                query=query or None,
                status=None if is_log else int(rest[1]),
                duration_ms=float(options["ms"]) if "ms" in options else None,
                referrer=options.get("ref"),
                vhost=None,
                level=options.get("level"),
                service=options.get("service", "web"),
                logger=None,
                message=message or None,
                attributes=options.get("attributes"),
                is_asset=bool(ASSET.search(path)),
            )
        )
    return sorted(rows, key=lambda row: (row.time_ns, row.source, row.line))


def tell(text: str, **fields: Any) -> Visit:
    models = fields.pop("models", MODELS)
    session = SessionInput(
        id="v1", customer=None, session_ids=[], client_ips=["192.0.2.7"], user_agent=fields.pop("agent", BROWSER),
        device="Firefox", agent_kind="human", rows=read(text), **fields,
    )  # fmt: skip
    return build_journey(session, models)


def render(told: Visit) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(told.render(Renderer()))
    return document


def visit(text: str, **fields: Any) -> dict[str, Any]:
    return render(tell(text, **fields))


def touchpoints(document: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["customer_journey"]["touchpoints"]
    return found


def activities(document: dict[str, Any]) -> list[str]:
    return [touchpoint["activity"] for touchpoint in touchpoints(document)]


def lines(touchpoint: dict[str, Any]) -> list[int]:
    return sorted(line for _, line in touchpoint["events"])


def kinds(document: dict[str, Any]) -> list[str]:
    return [signal["kind"] for signal in document["experience"]["signals"]]


SHOP = """
    0   GET /catalogue/ 200 ref=https://www.google.com/
    9   GET /catalogue/lamp-12/ 200
    20  POST /basket/add/12/ 302
    20  GET /catalogue/lamp-12/ 200
    31  GET /checkout/ 200
    40  POST /checkout/address/ 302
    40  GET /checkout/review/ 200
    55  POST /checkout/review/ 302
    55  GET /checkout/thank-you/ 200
"""


# --- folding --------------------------------------------------------------------------------------------------------


def test_files_belong_to_the_page_that_asked_for_them() -> None:
    document = visit("""
        0   GET /a 200
        5   GET /b 200
        5.1 GET /x.css 200 ref=https://shop.example.com/b
        5.2 GET /y.css 200 ref=https://shop.example.com/a?tab=2
        5.3 GET /z.css 200
    """)
    assert [lines(touchpoint) for touchpoint in touchpoints(document)] == [[1, 4], [2, 3, 5]]


def test_files_before_the_first_page_and_files_alone() -> None:
    assert [lines(t) for t in touchpoints(visit("0 GET /x.css 200\n1 GET /a 200"))] == [[1, 2]]
    alone = visit("0 GET /x.css 200\n1 GET /y.js 200")
    assert [lines(touchpoint) for touchpoint in touchpoints(alone)] == [[1, 2]]
    assert activities(alone) == ["Fetched files"]


def test_a_redirect_and_the_page_it_leads_to_are_one_touchpoint() -> None:
    document = visit("""
        0 POST /basket/add/3 302 ms=40
        0 GET /basket 200 ms=60
        60 GET /basket 200
    """)
    first, second = touchpoints(document)
    assert (lines(first), lines(second)) == ([1, 2], [3])
    assert (first["activity"], first["method"], first["status"], first["latency_ms"]) == (
        "Added to basket",
        "POST",
        302,
        100,
    )


def test_a_chain_of_redirects_is_named_by_where_it_ends() -> None:
    document = visit("0 GET /old 301\n0 GET /older 302\n1 GET /catalogue/lamp-3/ 200")
    assert activities(document) == ["Viewed product ‘lamp’"]


def test_a_page_long_after_a_redirect_is_not_its_page() -> None:
    assert len(touchpoints(visit("0 POST /contact 302\n30 GET /catalogue/ 200"))) == 2


def test_tiers_of_a_request_join_by_key() -> None:
    document = visit("""
        0.9 log req=r1 | search "oak" -> 12 results
        1 GET /search?q=oak 200 src=2 tier=app req=r1 ms=40
        1 GET /search?q=oak 200 req=r1 ms=44 src=3
        1.2 log req=r1 | done
        9 GET /about 200 req=r2
    """)
    assert [lines(touchpoint) for touchpoint in touchpoints(document)] == [[1, 2, 3, 4], [5]]
    assert touchpoints(document)[0]["latency_ms"] == 44  # the edge's


def test_tiers_of_a_request_join_without_a_key() -> None:
    document = visit("""
        1 GET /a 200 src=2 tier=app
        2 GET /a 200
        3 GET /a 200
        3 GET /a 200 src=2 tier=app
        9 GET /a 500 src=2 tier=app
    """)
    assert [lines(touchpoint) for touchpoint in touchpoints(document)] == [[1, 2], [3, 4], [5]]


def test_log_entries_without_a_request_belong_to_what_went_on() -> None:
    document = visit("""
        0 log | warming up
        1 GET /a 200
        8 log | still here
        9 GET /b 200 ms=500
        8.7 log | working on b
        50 log | the end
    """)
    assert [lines(touchpoint) for touchpoint in touchpoints(document)] == [[1, 2, 3], [4, 5, 6]]


def test_a_form_sent_twice_is_one_act_and_the_confirmation_counts() -> None:
    document = visit("""
        0 GET /checkout/review/ 200
        9 POST /checkout/review/ 302
        9 POST /checkout/review/ 302
        10 GET /basket/ 200
        10 GET /checkout/thank-you/ 200
    """)
    assert len(touchpoints(document)) == 2
    assert document["customer_journey"]["outcome"] == "achieved"
    assert kinds(document) == ["double_submit"]


def test_polling_folds_into_the_page_and_visits_do_not() -> None:
    polled = visit("0 GET /orders 200\n" + "\n".join(f"{5 + 10 * n} GET /api/orders/7/state 200" for n in range(8)))
    assert [len(touchpoint["events"]) for touchpoint in touchpoints(polled)] == [9]
    looked = visit("\n".join(f"{second} GET /deals 200" for second in (0, 31, 40, 180, 200)))
    assert len(touchpoints(looked)) == 5
    searched = visit("\n".join(f"{20 * n} GET /search?q=lamp+{n} 200" for n in range(5)))
    assert len(touchpoints(searched)) == 5


def test_background_requests_are_not_touchpoints() -> None:
    document = visit("0 GET /a 200\n1 POST /api/telemetry 204\n2 OPTIONS /api/cart 204\n3 GET /healthz 200")
    assert [lines(touchpoint) for touchpoint in touchpoints(document)] == [[1, 2, 3, 4]]


def test_calls_of_one_view_fold_and_take_its_best_name() -> None:
    document = visit("""
        0 GET /api/v1/bootstrap 200
        0.2 GET /api/v1/products/42 200
        0.4 GET /api/v1/products/42/stock 200
        30 POST /api/v1/cart/items 201
        31 POST /api/v1/orders 201
    """)
    assert activities(document) == ["Viewed product 42", "Added to basket", "Placed order"]
    assert document["customer_journey"]["outcome"] == "achieved"


def test_graphql_is_named_by_its_operations() -> None:
    document = visit("""
        0 POST /graphql 200 attributes={"operationName":"GetProduct"}
        20 POST /graphql?operationName=AddToCart 200
        40 POST /graphql 200 attributes={"operationName":"PlaceOrder"}
    """)
    assert activities(document) == ["Viewed a product", "Added to basket", "Submitted order"]
    assert document["customer_journey"]["outcome"] == "achieved"


def test_calls_that_hide_what_they_do_and_machines_calls_are_not_double_submits() -> None:
    document = visit("0 POST /graphql 200\n0.5 POST /graphql 200\n9 POST /webhooks/pay 200\n10 POST /webhooks/pay 200")
    assert [len(touchpoint["events"]) for touchpoint in touchpoints(document)] == [2, 1, 1]
    assert kinds(document) == []


def test_a_page_that_fails_after_an_accepted_form_does_not_undo_it() -> None:
    document = visit("0 POST /login 302\n0 GET /gone 404\n60 POST /checkout/review 302\n60 GET /checkout/thanks 500")
    assert activities(document) == ["Logged in, then: Page not found", "Submitted order: server error"]
    assert [touchpoint["status"] for touchpoint in touchpoints(document)] == [302, 302]
    assert kinds(document) == ["not_found", "server_error"]
    assert document["customer_journey"]["outcome"] == "achieved"


def test_trouble_behind_a_page_that_was_served_is_not_the_visitors() -> None:
    text = """
        0 GET /help 200 req=a
        0 log req=a level=error | could not load recommendations
        9 POST /cart/add/3 200 req=b
        9 log req=b level=error | out of stock
    """
    assert [(t["activity"], t["ok"]) for t in touchpoints(visit(text))] == [
        ("Read help", True),
        ("Out of stock", False),
    ]


def test_a_monitor_is_one_touchpoint_whatever_its_application_writes() -> None:
    document = visit(
        "0 HEAD /healthz 200\n0.5 log | app sent a body where none belongs\n300 HEAD /healthz 200\n301 log | app sent a body"
    )
    assert [(t["activity"], len(t["events"])) for t in touchpoints(document)] == [("Checked health", 4)]


def test_tokens_in_routes_are_not_shown() -> None:
    document = visit(
        "0 GET /order-status/1001:c29tZXNpZ25hdHVyZQ 200\n9 GET /order-status/c29tZXNpZ25hdHVyZTAxMjM0NTY3ODk 200"
    )
    assert activities(document) == ["Tracked order 1001", "Tracked order"]


def test_a_visit_only_logs_tell_of() -> None:
    document = visit("""
        0 log req=a service=pos | product viewed
        0.1 log req=a service=pos | cache miss
        20 log req=b service=pos | cart item added
        40 log req=c service=pos | Payment declined for order 88
    """, agent=None)  # fmt: skip
    assert [lines(touchpoint) for touchpoint in touchpoints(document)] == [[1, 2], [3], [4]]
    assert [touchpoint["ok"] for touchpoint in touchpoints(document)] == [True, True, False]
    assert document["channel"] == "store"


row = st.builds(
    Row,
    source=st.integers(0, 3), line=st.integers(1, 10_000), time_ns=st.integers(START, START + 90 * SECOND),
    tier=st.sampled_from(["edge", "app", "log"]), request=st.sampled_from([None, None, "r1", "r2", "r3"]),
    method=st.sampled_from([None, "GET", "POST", "HEAD", "BREW"]), path=st.sampled_from(["/", "/a", "/cart/add/3", "/x.css", None]),
    route=st.sampled_from([None, "/", "/a", "/cart/add/{}"]), query=st.sampled_from([None, "q=x", "%", "a=b&c"]),
    status=st.sampled_from([None, 0, 200, 204, 302, 304, 404, 499, 500, 999]), duration_ms=st.sampled_from([None, 0.0, 12.5, 9e6]),
    referrer=st.sampled_from([None, "", "/a", "https://shop.example.com/a", "://", "\x00"]), vhost=st.none(),
    level=st.sampled_from([None, "error", "info"]), service=st.just("web"), logger=st.none(),
    message=st.sampled_from([None, "", "Payment declined", "order 1: status a -> b", "x" * 900, "status=shipped", "{}"]),
    attributes=st.sampled_from([None, "{}", "[]", "{", '{"event":"order.placed","amount":1200}']), is_asset=st.booleans(), events=st.none(),
    at=st.none(),
)  # fmt: skip


@given(st.lists(row, unique_by=lambda row: (row.source, row.line), min_size=1, max_size=40))
def test_files_told_in_one_row_are_placed_like_files_in_rows_of_their_own(rows: list[Row]) -> None:
    rows = [each._replace(request=None) for each in sorted(rows, key=lambda row: (row.time_ns, row.source, row.line))]
    told = [
        each._replace(events=b"[%d,%d],[%d,%d]" % (each.source, each.line, each.source, each.line + 20_000))
        if each.is_asset
        else each
        for each in rows
    ]
    apart = [
        part for each in rows for part in ([each, each._replace(line=each.line + 20_000)] if each.is_asset else [each])
    ]

    def events(own: list[Row]) -> list[list[list[int]]]:
        session = SessionInput("v", None, [], [], None, "", "human", own)
        return [sorted(touchpoint["events"]) for touchpoint in touchpoints(render(build_journey(session, MODELS)))]

    assert events(told) == events(apart)


@given(st.lists(row, unique_by=lambda row: (row.source, row.line), min_size=1, max_size=40), st.data())
def test_every_row_is_in_exactly_one_touchpoint_and_step(rows: list[Row], data: st.DataObject) -> None:
    rows.sort(key=lambda row: (row.time_ns, row.source, row.line))
    cut = data.draw(st.integers(1, len(rows)))
    own, caused = rows[:cut], rows[cut:]
    things = [ObjectInput("order", "1", rows, data.draw(st.integers(0, cut - 1)))]
    session = SessionInput("v", None, [], [], None, "", "human", own, objects=things, caused=caused)
    told = build_journey(session, MODELS)
    document = render(told)
    placed = [tuple(event) for touchpoint in touchpoints(document) for event in touchpoint["events"]]
    assert sorted(placed) == sorted((row.source, row.line) for row in rows)
    steps = [tuple(event) for step in document["business_journeys"][0]["steps"] for event in step["events"]]
    assert sorted(steps) == sorted((row.source, row.line) for row in rows)
    assert [t["at"] for t in touchpoints(document)] == sorted(t["at"] for t in touchpoints(document))
    assert json.dumps(document) == json.dumps(render(build_journey(session, load_models())))
    experience = document["experience"]
    taken = sum(signal["weight"] for signal in experience["signals"])
    assert experience["score"] == max(0, round(100 - taken))
    for signal in experience["signals"]:
        assert signal["kind"] in touchpoints(document)[signal["touchpoint"]]["friction"]
    CONTRACT.validate(json.loads(json.dumps({**document, "links": []})))
    assert summary_row(told)["n_touchpoints"] == len(touchpoints(document))


def test_the_document_has_the_keys_of_the_contract() -> None:
    document = visit(SHOP)
    assert list(document) == [
        "id", "customer", "customer_from", "session", "channel", "started_at", "ended_at", "duration_ms", "customer_journey",
        "experience", "business_journeys",
    ]  # fmt: skip
    first = touchpoints(document)[0]
    assert list(first) == [
        "at", "activity", "stage", "milestone", "method", "route", "target", "status", "ok", "latency_ms", "dwell_ms",
        "friction", "events",
    ]  # fmt: skip
    assert "dwell_ms" not in touchpoints(document)[-1]
    assert first["dwell_ms"] == 9_000
    assert {touchpoint["stage"] for touchpoint in touchpoints(document)} <= set(STAGES)
    assert document["started_at"] == "2026-05-28T20:26:40.000000Z"
    assert document["duration_ms"] == 55_000


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


# --- experience -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("0 GET /a 200\n60 GET /b 200", [], id="nothing"),
        pytest.param("0 GET /a 200\n60 GET /b 500\n99 GET /c 200", ["server_error"], id="error"),
        pytest.param("0 GET /a 200\n60 GET /b 404\n99 GET /c 200", ["not_found"], id="missing page"),
        pytest.param("0 GET /a 200\n60 GET /b 404", ["not_found", "dead_end"], id="dead end"),
        pytest.param("0 GET /a 200\n60 GET /b 499\n99 GET /c 200", ["gave_up_waiting"], id="hung up"),
        pytest.param("0 GET /a 200 ms=2500", ["slow_wait"], id="slow"),
        pytest.param("0 GET /a 200\n4 GET /a 200", ["reload"], id="reload"),
        pytest.param("0 GET /a 200\n40 GET /a 200", [], id="came back later"),
        pytest.param("0 GET /a 200\n1 GET /a 200\n2 GET /a 200", ["reload", "rapid_repeat"], id="hammering"),
        pytest.param("0 GET /a 200\n3 GET /b 200\n6 GET /a 200", ["back_and_forth"], id="u-turn"),
        pytest.param("0 POST /login 401\n20 POST /login 401\n40 POST /login 302", ["login_failed", "login_loop"], id="login"),
        pytest.param("0 GET /search?q=a 200\n20 GET /search?q=b 200\n40 GET /search?q=c 200", ["search_loop"], id="search loop"),
        pytest.param("0 GET /search?q=a 200 req=r\n0 log req=r | search a: 0 results", ["zero_results"], id="nothing found"),
        pytest.param("0 GET /search?q=a 200 req=r\n0 log req=r | search a: 10 results", [], id="ten are not zero"),
        pytest.param("0 GET /f 200\n9 POST /f 200\n30 POST /f 200\n60 POST /f 302", ["form_sent_back", "form_struggle"], id="form"),
        pytest.param("0 POST /cart/add/1 302\n1 POST /cart/add/1 302\n2 POST /cart/add/1 302", ["rapid_repeat"], id="impatient"),
    ],
)  # fmt: skip
def test_friction(text: str, expected: list[str]) -> None:
    assert kinds(visit(text)) == expected


def test_the_score_never_rises_with_more_trouble_and_stays_bounded() -> None:
    worse = "0 GET /a 200"
    scores = []
    for n in range(40):
        scores.append(visit(worse)["experience"]["score"])
        worse += f"\n{60 + 60 * n + n * n} GET /page-{n} 500"
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 100
    assert scores[-1] >= 100 - 2 * 15 - 10, "one kind of trouble takes at most twice its weight"


def test_apdex_counts_only_what_was_measured() -> None:
    assert visit("0 GET /a 200")["experience"]["apdex"] is None
    measured = "0 GET /a 200 ms=100\n20 GET /b 200 ms=900\n40 GET /c 200 ms=9000\n60 GET /d 500 ms=10\n80 GET /e 200"
    assert visit(measured)["experience"]["apdex"] == 0.38


def test_a_low_rating_is_taken_from_the_log_only() -> None:
    document = visit('0 GET /a 200 req=r\n1 log req=r attributes={"csat":1} | feedback')
    assert kinds(document) == ["poor_rating"]


@pytest.mark.parametrize(
    ("text", "feedback", "expected"),
    [
        ("0 GET /a 200 req=r\n1 log req=r | survey answered, rating=5", [("rating", 5)], []),
        ("0 GET /a 200 req=r\n1 log req=r | survey answered, rating=1", [("rating", 1)], ["poor_rating"]),
        ('0 GET /a 200 req=r\n1 log req=r attributes={"nps":6} | answer', [("nps", 6)], ["poor_rating"]),
        ('0 GET /a 200 req=r\n1 log req=r attributes={"nps":9} | answer', [("nps", 9)], []),
        ("0 GET /a 200 req=r\n1 log req=r | product 7 shown with rating=1", [], []),
    ],
)
def test_feedback_is_what_visitors_said_themselves(
    text: str, feedback: list[tuple[str, float]], expected: list[str]
) -> None:
    experience = visit(text)["experience"]
    assert [(each["kind"], each["value"]) for each in experience["feedback"]] == feedback
    assert experience["estimated"] is not bool(feedback)
    assert [signal["kind"] for signal in experience["signals"]] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 GET /a 503\n20 GET /a 200", ["server_error", "error_retry"]),
        ("0 GET /a 503\n200 GET /a 200", ["server_error"]),
        ("0 POST /cart/coupon 422\n20 POST /cart/coupon 422\n50 GET / 200", ["voucher_refused", "voucher_loop"]),
        ("0 GET /a 200\n20 POST /support/tickets 201", ["asked_support"]),
    ],
)
def test_further_signs_of_friction(text: str, expected: list[str]) -> None:
    assert [kind for kind in kinds(visit(text)) if kind != "dead_end"] == expected


def _with_business(*deviations: tuple[str, str], taken: float = 0.0) -> dict[str, Any]:
    told = tell(SHOP)
    document = told.document
    why = [{"kind": kind, "activity": activity, "why": "96 % within 1h"} for kind, activity in deviations]
    document["experience"]["signals"] = (
        [{"kind": "x", "at": "", "touchpoint": 0, "weight": taken, "why": ""}] if taken else []
    )
    document["experience"]["score"] = round(100 - taken)
    document["business_journeys"] = [
        {
            "object": {"type": "order", "id": "7"}, "trigger": {"touchpoint": 2, "event": [0, 3]}, "deviations": why,
            "ended_at": "2026-01-01T00:00:00.000000Z",
        }
    ]  # fmt: skip
    add_waits(document, told.touchpoints, MODELS, LABELER)
    return render(told)


def test_waits_while_the_business_worked_are_felt_only_where_the_customer_sees_the_step() -> None:
    document = _with_business(
        ("late", "Shipment delivered"), ("late", "Stock allocated"), ("repeated", "Payment captured")
    )
    (signal,) = document["experience"]["signals"]
    assert (signal["kind"], signal["touchpoint"], signal["weight"]) == ("waited_long", 2, 10)
    assert signal["why"].startswith("estimated")
    assert "order 7" in signal["why"]
    assert document["experience"]["score"] == 90
    assert "waited_long" in touchpoints(document)[2]["friction"]
    assert kinds(_with_business(("stuck", "Shipment delivered"))) == ["still_waiting"]


@given(
    st.lists(st.sampled_from([("late", "Shipment delivered"), ("stuck", "Order shipped"), ("late", "Scored")]), max_size=40),
    st.floats(0, 100).map(lambda value: round(value, 1)),
)  # fmt: skip
def test_waits_keep_the_score_in_its_bounds(deviations: list[tuple[str, str]], taken: float) -> None:
    document = _with_business(*deviations, taken=taken)
    score, signals = document["experience"]["score"], document["experience"]["signals"]
    assert 0 <= score <= 100
    assert score == max(0, round(100 - sum(signal["weight"] for signal in signals)))
    assert score >= round(100 - taken) - 2 * 10 - 2 * 15 - 1


@given(st.lists(row, max_size=25))
def test_the_score_is_bounded_and_is_the_sum_of_its_signals(rows: list[Row]) -> None:
    session = SessionInput(
        "v", None, [], [], None, "", "human", sorted(rows, key=lambda r: (r.time_ns, r.source, r.line))
    )
    experience = render(build_journey(session, MODELS))["experience"]
    assert 0 <= experience["score"] <= 100
    assert experience["score"] == max(0, round(100 - sum(signal["weight"] for signal in experience["signals"])))
    assert all(signal["weight"] > 0 and signal["why"] for signal in experience["signals"])


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
