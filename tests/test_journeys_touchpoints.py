"""Touchpoints of a visit: which rows are one thing that the visitor did, and that each row is in exactly one."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from told_visits import CONTRACT, MODELS, SHOP, activities, kinds, lines, render, row, touchpoints, visit

from reconstruct.journeys.build import build_journey, summary_row
from reconstruct.journeys.models import STAGES, load_models
from reconstruct.journeys.rows import ObjectInput, Row, SessionInput


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
