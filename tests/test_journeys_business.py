"""Business journeys and what is learned from many of them."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from reconstruct.grammar.timestamps import format_time
from reconstruct.journeys.activities import Classifier
from reconstruct.journeys.build import build_business
from reconstruct.journeys.business import Recorder
from reconstruct.journeys.fit import fit_models
from reconstruct.journeys.labels import Labeler
from reconstruct.journeys.models import load_models
from reconstruct.journeys.process import annotate, learn
from reconstruct.journeys.rows import ObjectInput, Row

SECOND = 1_000_000_000
HOUR = 3600
START = 1_780_000_000 * SECOND
MODELS = load_models()


def read(text: str, origin: int = START) -> list[Row]:
    """Rows, one a line: ``SECONDS SERVICE key=value… | message``, or ``SECONDS SERVICE POST /path 200 key=value…``."""
    rows = []
    for number, line in enumerate(filter(None, map(str.strip, text.splitlines())), 1):
        head, _, message = line.partition(" |")
        seconds, service, *rest = head.split()
        is_web = bool(rest) and rest[0] in ("GET", "POST")
        options = dict(part.split("=", 1) for part in rest[3 * is_web :])
        rows.append(
            Row(
                source=int(options.get("src", 0)), line=number, time_ns=origin + round(float(seconds) * 1000) * 1_000_000,
                tier=options.get("tier", "edge" if is_web else "log"), request=options.get("req"),
                method=rest[0] if is_web else None, path=rest[1] if is_web else None, route=rest[1] if is_web else None,
                query=None, status=int(rest[2]) if is_web else None, duration_ms=float(options["ms"]) if "ms" in options else None,
                referrer=None, vhost=None, level=options.get("level", None if is_web else "info"), service=service, logger=None,
                message=message.strip() or None, attributes=options.get("json"), is_asset=False,
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: (row.time_ns, row.source, row.line))


def build(
    text: str, kind: str = "order", name: str = "1001", origin: int = START, models: Any = MODELS
) -> dict[str, Any]:
    return build_business(ObjectInput(kind, name, read(text, origin), None), models)


def told(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["activity"], step["status"]) for step in document["steps"]]


# --- steps ----------------------------------------------------------------------------------------------------------


def test_the_document_has_the_keys_of_the_contract() -> None:
    document = build("0 shop | Order 1001 placed: total=20.00 EUR\n60 wms | packed")
    assert list(document) == [
        "id", "object", "objects", "trigger", "outcome", "status", "value", "started_at", "ended_at", "duration_ms", "steps", "deviations",
    ]  # fmt: skip
    assert document["object"] == {"type": "order", "id": "1001"}
    assert document["trigger"] is None
    assert document["steps"][1] == {
        "at": format_time(START + 60 * SECOND), "activity": "Order packed", "service": "wms", "status": "ok", "wait_ms": 60_000,
        "duration_ms": 0, "attempts": 1, "events": [[0, 2]],
    }  # fmt: skip


def test_a_request_with_its_entries_is_told_by_the_entries() -> None:
    document = build("""
        0 nginx POST /webhooks/carrier/ 200 req=a ms=12
        0.4 shop req=a | consignment PX0123456: OUT_FOR_DELIVERY
        90 nginx POST /webhooks/carrier/ 200 req=b
    """)
    assert told(document) == [("Shipment out for delivery", "ok"), ("Received a callback from carrier", "ok")]
    assert document["steps"][0]["events"] == [[0, 1], [0, 2]]
    assert document["steps"][0]["service"] == "shop"


def test_a_request_that_did_several_things_is_several_steps() -> None:
    document = build("""
        0 nginx POST /checkout/ 302 req=a
        0.1 shop req=a | Order 1001: starting submission
        0.2 shop req=a | Payment pay_88f2a authorised for order 1001
        0.3 shop req=a | Order 1001 placed
        0.4 shop req=a | counters refreshed
    """)
    assert [(s["activity"], s["events"]) for s in document["steps"]] == [
        ("Payment authorised", [[0, 3], [0, 2]]),
        ("Order placed", [[0, 1], [0, 4], [0, 5]]),
    ]


def test_a_task_is_one_step_however_many_lines_it_writes() -> None:
    document = build("""
        0 worker | Task shop.tasks.notify_partner[2a09ef26-538c-48f1-8998-7a00c2f021ff] received
        1 worker | shop.tasks.notify_partner[2a09ef26-538c-48f1-8998-7a00c2f021ff]: partner chosen
        3 worker | Task shop.tasks.notify_partner[2a09ef26-538c-48f1-8998-7a00c2f021ff] succeeded in 2.99s: None
    """)
    assert told(document) == [("Notify partner", "ok")]
    assert document["steps"][0]["duration_ms"] == 3_000


def test_a_task_told_by_its_number_alone_at_its_end_is_one_step() -> None:
    document = build("""
        0 worker | job 7c9e6679-7425-40de-944b-e07fc1f90ae7 started: mail order-confirmation for order 1001
        2 worker | job 7c9e6679-7425-40de-944b-e07fc1f90ae7 finished in 2000ms
    """)
    assert told(document) == [("Mail order confirmation", "ok")]
    assert document["steps"][0]["duration_ms"] == 2000


def test_what_a_partner_says_in_the_query_of_its_call_is_the_step() -> None:
    told_by = Recorder(MODELS, Classifier(MODELS), Labeler(MODELS))
    (row,) = read("0 shop POST /hooks/norline/parcels/{} 204")
    for status, activity in (("delivered", "Shipment delivered"), ("collected", "Shipment collected")):
        asked = ObjectInput("order", "1", [row._replace(query=f"status={status}")], None)
        assert [step.text for step in told_by.record(asked).steps] == [activity]


@pytest.mark.parametrize(("method", "path", "status", "said"), [
    ("GET", "/orders/{}", 503, "Order not shown"),
    ("POST", "/frobs/1001/polish", 500, "Submitted frobs polish: server error"),
    ("POST", "/frobs/1001/polish", 429, "Submitted frobs polish: refused"),
    ("POST", "/frobs/1001/polish", 200, "Submitted frobs polish"),
])  # fmt: skip
def test_a_request_that_failed_is_not_told_by_the_words_of_its_success(
    method: str, path: str, status: int, said: str
) -> None:
    assert told(build(f"0 edge {method} {path} {status} |")) == [(said, "ok" if status < 400 else "failed")]


def test_what_failed_for_a_machine_is_told_by_what_was_to_be_done() -> None:
    document = build("""
        0 shop req=r1 | Shipment delivered for order 1001
        1 edge POST /webhooks/carrier 500 req=r1 |
    """)
    assert told(document) == [("Shipment delivered: server error", "failed")]


def test_a_task_that_fails_is_a_failed_step_of_a_machine() -> None:
    document = build("""
        0 worker | Task shop.tasks.notify_partner[2a09ef26-538c-48f1] received
        3 worker level=error | Task shop.tasks.notify_partner[2a09ef26-538c-48f1] raised unexpected: OSError()
    """)
    assert told(document) == [("Notify partner: failed", "failed")]
    assert document["steps"][0]["exception"] == "technical"


def test_what_two_services_tell_of_one_thing_is_one_step() -> None:
    document = build("""
        0 paygate json={"event":"payment.captured","amount":2000} |
        0.1 worker | captured 20.00 EUR on pay_88f2a for order 1001
    """)
    assert told(document) == [("Payment captured", "ok")]
    assert (document["steps"][0]["service"], document["steps"][0]["attempts"]) == ("paygate", 1)


def test_tries_after_a_failure_and_redeliveries_are_attempts() -> None:
    document = build("""
        0 pay level=warn | Payment declined for order 1001
        40 pay level=warn | Payment declined for order 1001
        90 pay | Payment authorised for order 1001
        5000 hooks req=a | parcel 77: DELIVERED
        5002 hooks req=b | parcel 77: DELIVERED
    """)
    assert [(s["activity"], s["attempts"]) for s in document["steps"]] == [
        ("Payment declined", 2), ("Payment authorised", 1), ("Shipment delivered", 2),
    ]  # fmt: skip
    assert document["steps"][0]["exception"] == "business"


def test_chatter_is_one_step() -> None:
    document = build(
        "0 s | recomputing totals for 12\n1 s | recomputing totals for 13\n90 s | recomputing totals for 14"
    )
    assert [(step["activity"], len(step["events"])) for step in document["steps"]] == [
        ("Recomputing totals", 2),
        ("Recomputing totals", 1),
    ]


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        pytest.param(
            """
            0 invoice | START RequestId: eaee823c-c559-4e4b-8c9d-5175b071dee3 Version: $LATEST
            0.1 invoice | invoice created
            0.3 invoice | END RequestId: eaee823c-c559-4e4b-8c9d-5175b071dee3
            0.3 invoice | REPORT RequestId: eaee823c-c559-4e4b-8c9d-5175b071dee3 Duration: 311.47 ms Memory Size: 512 MB Max Memory Used: 118 MB
            """,
            [("Invoice created", 4)],
            id="a run of a function",
        ),
        pytest.param(
            """
            0 postfix/pickup | 4235156DBE: uid=33 from=<www-data>
            0 postfix/cleanup | 4235156DBE: message-id=<order-AB-88022.c23bec81@portal.werkzeug.example>
            0 postfix/qmgr | 4235156DBE: from=<shop@werkzeug.example>, size=3151, nrcpt=1 (queue active)
            2 postfix/smtp | 4235156DBE: to=<dirk@firma.example>, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as EA97543224)
            4 postfix/qmgr | 4235156DBE: removed
            """,
            [("Email sent", 5)],
            id="a mail",
        ),
        pytest.param("0 api | END\n300 api | Order 1 shipped", [("End", 1), ("Order shipped", 1)], id="far apart"),
        pytest.param("0 api | END\n1 wms | Order 1 shipped", [("End", 1), ("Order shipped", 1)], id="of another"),
        pytest.param(
            """
            0 iis POST /Booking/Extras 302 req=a
            0 app req=a | HTTP {RequestMethod} {RequestPath} responded {StatusCode} in {Elapsed:0.0000} ms
            """,
            [("Chose extras", 2)],
            id="a request that says that it was one",
        ),
        pytest.param("0 mailer | sent", [("Email sent", 1)], id="a program that does one thing"),
    ],
)
def test_what_a_program_writes_around_its_work_is_no_step(text: str, steps: list[tuple[str, int]]) -> None:
    assert [(step["activity"], len(step["events"])) for step in build(text)["steps"]] == steps


def test_a_delivery_that_failed_is_a_failed_step_and_not_the_end() -> None:
    document = build(
        "0 shop | Order 1 placed\n60 shop | consignment P: DELIVERY_FAILED\n7200 shop | consignment P: DELIVERED"
    )
    assert told(document) == [("Order placed", "ok"), ("Delivery failed", "failed"), ("Shipment delivered", "ok")]
    assert document["outcome"] == "fulfilled"
    undelivered = build("0 shop | Order 1 placed\n60 wms | Order 1 shipped\n7200 shop | consignment P: DELIVERY_FAILED")
    assert undelivered["outcome"] == "in_progress", "shipped is not delivered where that failed"


def test_what_costs_twice_is_never_folded() -> None:
    document = build("0 pay | payment captured\n9 pay | payment captured")
    assert told(document) == [("Payment captured", "ok")] * 2


def test_a_request_that_charges_twice_has_two_steps_and_one_that_says_so_in_other_words_has_one() -> None:
    twice = build("0 pay req=a | payment captured, 20.00 EUR\n0.3 pay req=a | payment captured, 20.00 EUR")
    assert told(twice) == [("Payment captured", "ok")] * 2
    once = build("0 pay req=a | capturing payment 88\n0.3 pay req=a | capture 88\n0.5 pay req=a | payment captured")
    assert told(once) == [("Payment captured", "ok")]


def test_what_costs_once_is_told_at_each_stage_of_its_way_through_a_program() -> None:
    stages = build(
        "0 s | Sending command: ShipOrderCommand - OrderNumber: 88 (Shop.ShipOrderCommand)\n"
        "0.01 s | Handling command ShipOrderCommand (Shop.Commands.Shipping.ShipOrderCommand)\n0.02 s | order 88 shipped\n"
        "0.03 s | Commit transaction 9d1 for ShipOrderCommand"
    )
    assert told(stages) == [("Order shipped", "ok")]
    assert told(build("0 s | order 88 shipped\n0.01 s | order 88 shipped")) == [("Order shipped", "ok")] * 2


@pytest.mark.parametrize(
    ("line", "activity"),
    [
        ('bus json={"event_type":"OrderShipped"} |', "Order shipped"),
        ('bus json={"type":"invoice.issued"} |', "Invoice issued"),
        ("bus | Sending confirmation email to ann@example.com", "Confirmation email sent"),
        ("bus | Order 88: status Pending -> Being processed", "Order being processed"),
        ("bus | state=delivered parcel=12", "Shipment delivered"),
        ("bus | completed", "Order completed"),
        ("bus | request completed in 12 ms", "Request completed"),
        ("bus | request completed", "Request completed"),
        (
            "bus | TraceID: 46b80e2ccbe4a489c108d57cb40f9c84 SpanID: 5321dcef5eecd1b5 [ShipOrder] completed request",
            "Order shipped",
        ),
        ("bus | was successfully completed", "Order completed"),
        ("bus | reindexed the catalogue for 12", "Reindexed the catalogue"),
        ("bus | Booking AB12C confirmed", "Booking confirmed"),
        ("bus POST /api/v1/invoices 201", "Submitted invoices"),
        ("bus POST /admin/orders/{}/cancel 200", "Order cancelled"),
        ("bus POST /admin/orders/{}/fulfillments/{}/shipments 200", "Order shipped"),
        ("bus | short pick, bin empty", "Out of stock"),
        ("bus | Get order by id: failed, order not found", "Order not found"),
        ("bus | reindexed shelves " + "[a_1=2, " * 40 + "shelf", "Reindexed shelves"),
    ],
)
def test_activities(line: str, activity: str) -> None:
    assert [step["activity"] for step in build(f"0 {line}")["steps"]] == [activity]


# --- outcome and value ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("0 s | Order 1 placed", "in_progress"),
        ("0 s | Order 1 placed\n9 s | order 1 shipped", "fulfilled"),
        ("0 s | Order 1 placed\n9 s | parcel 5 delivered", "fulfilled"),
        ("0 s | Order 1 placed\n9 s | confirmation email delivered", "in_progress"),
        ("0 s | Order 1 placed\n9 s | Order 1: status New -> Cancelled\n20 pay | refund created", "cancelled"),
        ("0 s | parcel 5 delivered\n9 s | Order 1: status Complete -> Returned", "returned"),
        ("0 s | Order 1 placed\n5 s | parcel 5 delivered\n90 pay | payment refunded", "returned"),
        ("0 pay level=warn | payment declined", "failed"),
        ("0 pay level=warn | payment declined\n60 pay | payment authorised\n61 s | order 1 placed", "in_progress"),
        ("0 pay level=error | gateway timeout\n1 s level=error | payment error", "failed"),
        ("0 s | Order 1 placed\n9 staff POST /admin/orders/{}/cancel 200", "cancelled"),
        ("0 s | Order 1 placed\n9 staff POST /admin/orders/{}/cancel 409", "in_progress"),
        (
            "0 s | Order 1 placed\n9 staff POST /admin/orders/{}/cancel 200 req=a\n9 s req=a | order 1 is shipped already",
            "fulfilled",
        ),
        ("0 s | Order 1 placed\n9 staff POST /admin/orders/{}/fulfillments/{}/shipments 200", "fulfilled"),
        ("0 s | Order 1 placed\n9 me GET /orders/{}/shipments 200", "in_progress"),
        (
            "0 s | order 1 placed\n9 hooks POST /hooks 500 req=a\n9 hooks req=a level=error | Internal Server Error",
            "in_progress",
        ),
    ],
)
def test_outcomes(text: str, outcome: str) -> None:
    assert build(text)["outcome"] == outcome


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0 s | Order 1 placed total=450.07 GBP", {"amount": "450.07", "currency": "GBP"}),
        ("0 s | Order 1 placed total=450.07", {"amount": "450.07"}),
        ("0 s | Order 1 placed - Amount: 8000 XAF", {"amount": "8000", "currency": "XAF"}),
        ("0 s | Order 1 placed, total: 12.50 ms, total=3 items", None),
        ("0 s | 订单 1 创建, 金额 99.50元", {"amount": "99.50", "currency": "CNY"}),
        ("0 s | charged €1,299.00 for order 1", {"amount": "1299.00", "currency": "EUR"}),
        ('0 s json={"total":12.5,"currency":"eur"} | placed', {"amount": "12.50", "currency": "EUR"}),
        ('0 s json={"amount":1250,"currency":"EUR"} |\n1 s | total=12.50 EUR', {"amount": "12.50", "currency": "EUR"}),
        ('0 s json={"amount":1250,"currency":"EUR"} |', None),
        ('0 s json={"amount":1250,"currency":"JPY"} |', {"amount": "1250", "currency": "JPY"}),
        ('0 s json={"amount_cents":1250,"currency":"EUR"} |', {"amount": "12.50", "currency": "EUR"}),
        ('0 s json={"total":20.0,"currency":"EUR"} |\n1 s json={"amount":3.5,"currency":"EUR"} |', {"amount": "20.00", "currency": "EUR"}),
        ("0 s | order 1 placed, 3 lines", None),
        ("0 s | Saved order: CustomerOrder{id='1', items=[Item{unitPrice=7.99}, Item{unitPrice=12.00}], total=24.98}", {"amount": "24.98"}),
        ('0 s | Order response: {"id":"1","items":[{"unitPrice":7.99}],"total":24.98}', {"amount": "24.98"}),
        ("0 s | Sending order confirmation for order 1 total 273.64 eur", {"amount": "273.64", "currency": "EUR"}),
        ("0 s | order 1: total=3, attempt 5 try", None),
        ('0 s json={"amount":NaN,"total":"1e999"} |', None),
        ('0 s json={"total":7.5} |', {"amount": "7.50"}),
        ('0 s json={"OrderTotal":7.5,"CurrencyCode":"EUR"} |', {"amount": "7.50", "currency": "EUR"}),
        ('0 s json={"amountMinor":1250,"currency":"eur"} |', {"amount": "12.50", "currency": "EUR"}),
        ('0 s json={"currency":"?","Currency":"EUR","Total":9.5} |', {"amount": "9.50", "currency": "EUR"}),
    ],
)  # fmt: skip
def test_value(text: str, value: dict[str, str] | None) -> None:
    assert build(text)["value"] == value


def test_the_data_tells_whether_whole_amounts_are_cents() -> None:
    def things(amounts: list[str]) -> list[ObjectInput]:
        line = '0 pay json={{"amount":{},"currency":"EUR"}} |'
        return [ObjectInput("order", str(n), read(line.format(amount)), None) for n, amount in enumerate(amounts)]

    only_whole = fit_models(MODELS, [], things([str(1000 + n) for n in range(30)]))
    some_decimal = fit_models(MODELS, [], things(["12.5", *[str(10 + n) for n in range(30)]]))
    alone = '0 pay json={"amount":1250,"currency":"EUR"} |'
    assert build(alone, models=only_whole)["value"] == {"amount": "12.50", "currency": "EUR"}
    assert build(alone, models=some_decimal)["value"] == {"amount": "1250.00", "currency": "EUR"}


# --- what is learned ------------------------------------------------------------------------------------------------

DAY = 24 * HOUR


def usual(number: int, *, origin: int, until: int = 5, pick: int = HOUR, extra: str = "") -> dict[str, Any]:
    """An order of the usual course, up to a step."""
    steps = [
        f"0 shop | Order {number} placed",
        "2 pay | payment authorised",
        f"{pick + number % 7} wms | packed",
        f"{pick + 600} wms | shipped",
        f"{pick + 601} pay | payment captured",
        f"{pick + 20 * HOUR + 60 * (number % 50)} carrier | parcel delivered",
    ]
    return build("\n".join([*steps[: until + 1], extra]), name=str(number), origin=origin)


ORIGINS = [START + n * HOUR * SECOND for n in range(100)]
HISTORY = [usual(1000 + n, origin=origin) for n, origin in enumerate(ORIGINS)]
PROCESS = learn(HISTORY, MODELS)
END = ORIGINS[-1] + 40 * HOUR * SECOND


def deviations(document: dict[str, Any], logs_end_ns: int | None = END) -> list[tuple[str, str]]:
    return [(d["kind"], d["activity"]) for d in annotate(document, PROCESS, logs_end_ns)["deviations"]]


def test_the_usual_course_breaks_no_expectation() -> None:
    assert all(not annotate(document, PROCESS, END)["deviations"] for document in HISTORY)
    course = PROCESS.courses["order"]
    assert [expected.activity for expected in course.expected][:2] == ["Payment authorised", "Order packed"]
    assert course.next_steps["Order placed"][0].activity == "Payment authorised"


def test_late_says_how_late_and_what_is_usual() -> None:
    document = usual(1, origin=START, pick=9 * HOUR)
    assert deviations(document) == [("late", "Order packed")]
    why = annotate(document, PROCESS, END)["deviations"][0]["why"]
    assert "8h59m" in why
    assert "100 journeys" in why


def test_a_step_left_out_is_missing_only_when_the_journey_went_on_without_it() -> None:
    whole = usual(1, origin=START)
    without = {**whole, "steps": [step for step in whole["steps"] if step["activity"] != "Payment captured"]}
    assert deviations(without) == [("missing", "Payment captured")]
    just_placed = usual(2, origin=END - 60 * SECOND, until=1)
    assert deviations(just_placed) == []
    assert annotate(just_placed, PROCESS, END)["outcome"] == "in_progress"


def test_stuck_needs_the_end_of_the_logs() -> None:
    document = usual(1, origin=START, until=1)
    found = annotate(document, PROCESS, END)
    assert found["outcome"] == "stuck"
    assert [(d["kind"], d["activity"]) for d in found["deviations"]] == [("stuck", "Order packed")]
    assert found["deviations"][0]["expected_at"] > document["ended_at"]
    assert annotate(document, PROCESS)["outcome"] == "in_progress"


def test_shipped_is_not_the_end_where_delivery_is_logged() -> None:
    document = usual(1, origin=END - 3 * HOUR * SECOND, until=4)
    assert document["outcome"] == "fulfilled"
    assert annotate(document, PROCESS, END)["outcome"] == "in_progress"
    assert annotate(document, learn([document], MODELS), END)["outcome"] == "fulfilled"


def test_charged_twice_is_repeated_even_when_nothing_was_learned() -> None:
    twice = usual(1, origin=START, extra=f"{2 * HOUR} pay | payment captured")
    assert ("repeated", "Payment captured") in deviations(twice)
    alone = annotate(twice, learn([], MODELS), END)["deviations"]
    assert alone == []  # an activity never met says nothing …
    assert [d["kind"] for d in annotate(twice, learn([twice], MODELS), END)["deviations"]] == [
        "repeated"
    ]  # … one that was does


def test_out_of_order() -> None:
    document = build(
        f"0 shop | Order 1 placed\n2 pay | payment authorised\n60 wms | shipped\n{HOUR} wms | packed\n{HOUR + 1} pay | payment captured"
    )
    assert ("out_of_order", "Order shipped") in deviations(document)


def test_failed_and_cancelled_journeys_expect_nothing_more() -> None:
    cancelled = build("0 shop | Order 1 placed\n2 pay | payment authorised\n60 shop | Order 1: status New -> Cancelled")
    assert deviations(cancelled) == []


def test_few_journeys_teach_nothing() -> None:
    assert learn(HISTORY[:10], MODELS).courses["order"].expected == []


def test_the_end_of_the_logs_does_not_lower_what_is_usual() -> None:
    cut = [usual(2000 + n, origin=END - (n + 1) * 600 * SECOND, until=4) for n in range(60)]
    course = learn([*HISTORY, *cut], MODELS).courses["order"]
    assert "Shipment delivered" in [expected.activity for expected in course.expected]


def test_learning_does_not_depend_on_the_order_of_documents() -> None:
    shuffled = HISTORY[:]
    random.Random(3).shuffle(shuffled)
    assert learn(shuffled, MODELS) == PROCESS


def test_annotating_leaves_the_document_alone() -> None:
    document = usual(1, origin=START, until=1)
    before = json.dumps(document)
    steps = annotate(document, PROCESS, END)["steps"]
    assert json.dumps(document) == before
    assert steps[1]["p50_ms"] == 2_000
