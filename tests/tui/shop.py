"""A fictitious shop's journeys as the export contract gives them.

Deterministic: the same arguments give the same documents. Nothing here is taken from a real log.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

Document = dict[str, Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
START = datetime(2025, 11, 14, 9, 14, 2, tzinfo=UTC)
STAGES = ["awareness", "interest", "consideration", "purchase", "after-sales"]
HOSTILE = "\x1b[31mred\x1b[0m [bold]x[/bold] \u202eevil\u202c \u200bzero 東京 é\u0301\u0301\u0301\u0301 \x07\r\n\t end"
PEOPLE = ["alice", "bruno", "chiara", "dmitri", "edith", "farid", "greta", "hanna", "ivo", "june"]


def iso(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def touchpoint(at: float, activity: str, stage: str, **more: Any) -> Document:
    row: Document = {
        "at": iso(at), "activity": activity, "stage": stage, "milestone": False, "method": "GET",
        "route": "/" + activity.lower().replace(" ", "-"), "target": "/" + activity.lower().replace(" ", "-"),
        "status": 200, "ok": True, "latency_ms": 41.0, "dwell_ms": 0, "friction": [], "events": [[0, int(at) % 900 + 1]],
    }  # fmt: skip
    return row | more


def step(at: float, activity: str, service: str, **more: Any) -> Document:
    row: Document = {
        "at": iso(at), "activity": activity, "service": service, "status": "ok", "wait_ms": 0, "duration_ms": 40,
        "attempts": 1, "events": [[2, int(at) % 900 + 1]],
    }  # fmt: skip
    return row | more


def journey(id: str, touchpoints: list[Document], businesses: list[Document] = (), **more: Any) -> Document:  # type: ignore[assignment]
    for before, after in itertools.pairwise(touchpoints):
        span = datetime.fromisoformat(after["at"]) - datetime.fromisoformat(before["at"])
        before["dwell_ms"] = int(span.total_seconds() * 1000)
    start, end = touchpoints[0]["at"], touchpoints[-1]["at"]
    stage = max((STAGES.index(row["stage"]) for row in touchpoints if row["stage"] in STAGES), default=0)
    document: Document = {
        "id": id, "customer": "alice@example.com",
        "session": {"ids": [id], "client_ip": ["192.0.2.17"], "user_agent": "Mozilla/5.0 (X11) Example/1.0",
                    "device": "Chrome · mobile", "agent_kind": "human"},
        "channel": "web", "started_at": start, "ended_at": end,
        "duration_ms": int((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() * 1000),
        "customer_journey": {"intent": {"entry": "/", "referrer": "www.search.example", "source": "search",
                                        "searched": ["kettle"], "previous": "8e2b"},
                             "goal": "Place order", "outcome": "achieved" if businesses else "abandoned", "outcome_at": None,
                             "stage_reached": STAGES[stage], "touchpoints": touchpoints},
        "experience": {"score": 92, "apdex": 0.97, "signals": []},
        "business_journeys": list(businesses), "links": [],
    }  # fmt: skip
    return document | more


def order_journey() -> Document:
    """The journey of the design: a retry at payment, packing after two hours, transport for a day, delivery missing."""
    touchpoints = [
        touchpoint(0, "Landing", "awareness", latency_ms=120.0),
        touchpoint(21, "Search", "interest", target="/search?q=kettle", route="/search"),
        touchpoint(38, "View product", "interest", route="/product/{}"),
        touchpoint(63, "Cart", "consideration", milestone=True, method="POST", status=302),
        touchpoint(104, "Pay", "purchase", ok=False, status=502, method="POST", latency_ms=9800.0,
                   friction=["error", "slow wait"], events=[[0, 104], [1, 88], [1, 89]]),
        touchpoint(116, "Place order", "purchase", milestone=True, method="POST", status=302, latency_ms=2310.0,
                   events=[[0, 116], [1, 97], [3, 12]]),
        touchpoint(140, "Order confirmation", "purchase"),
    ]  # fmt: skip
    business: Document = {
        "id": "order:88138", "object": {"type": "order", "id": "88138"}, "objects": [{"type": "payment", "id": "p-771"}],
        "trigger": {"touchpoint": 5, "event": [1, 97]}, "outcome": "in_progress",
        "value": {"amount": "1299.00", "currency": "EUR"}, "started_at": iso(116.2), "ended_at": iso(101_900),
        "duration_ms": 101_783_800,
        "steps": [
            step(116.2, "Create order", "orders", duration_ms=1400),
            step(117.8, "Capture payment", "payments", status="failed", duration_ms=900),
            step(121.0, "Capture payment", "payments", attempts=2, duration_ms=1900, wait_ms=2300),
            step(124.0, "Allocate stock", "inventory", duration_ms=210),
            step(7690, "Pack parcel", "shipping", wait_ms=7_566_000, duration_ms=260_000, p50_ms=2_700_000, p95_ms=4_200_000),
            step(101_880, "Ship parcel", "shipping", wait_ms=93_930_000, duration_ms=20_000, milestone=True),
        ],
        "deviations": [
            {"kind": "late", "activity": "Pack parcel", "why": "waited 2h06m; nine in ten take at most 1h10m"},
            {"kind": "missing", "activity": "Deliver parcel", "why": "usual within 30h of 'Ship parcel'"},
        ],
    }  # fmt: skip
    return journey(
        "9f3c", touchpoints, [business],
        experience={"score": 58, "apdex": 0.71, "signals": [
            {"kind": "server_error", "at": iso(104), "touchpoint": 4, "weight": 20, "why": "502 at Pay"},
            {"kind": "payment_retry", "at": iso(116), "touchpoint": 5, "weight": 12, "why": "paid again 12s after a failure"},
            {"kind": "slow_wait", "at": iso(104), "touchpoint": 4, "weight": 10, "why": "9.8s for an answer"}]},
        links=[
            {"event": [1, 97], "to": "order:88138", "rule": "birth", "via": [{"type": "request", "value": "r-5521"}],
             "confidence": 0.997},
            {"event": [0, 104], "to": "session", "rule": "cookie", "via": [{"type": "session", "value": "9f3c"}],
             "confidence": 0.999},
            {"event": [1, 88], "to": "session", "rule": "request", "via": [{"type": "request", "value": "r-5498"}],
             "confidence": 0.98},
        ],
    )  # fmt: skip


def one_event() -> Document:
    return journey("one", [touchpoint(0, "Landing", "awareness")], customer=None)


def five_events() -> Document:
    """Within one millisecond."""
    return journey(
        "five", [touchpoint(n * 0.0002, f"Call {n + 1}", "interest", latency_ms=0.1) for n in range(5)], customer=None
    )


def two_orders() -> Document:
    """Two orders in one session, the second joined by a weak rule and still running, the first failed."""
    touchpoints = [touchpoint(at, activity, stage, milestone=bold) for at, activity, stage, bold in [
        (0, "Landing", "awareness", False), (14, "View product", "interest", False), (40, "Cart", "consideration", True),
        (75, "Place order", "purchase", True), (400, "View product", "interest", False), (460, "Cart", "consideration", True),
        (520, "Place order", "purchase", True), (90_000, "Order status", "after-sales", False)]]  # fmt: skip

    def order(number: str, at: float, trigger: int, outcome: str, confidence: float, steps: list[Document]) -> Document:
        return {"id": f"order:{number}", "object": {"type": "order", "id": number}, "objects": [],
                "trigger": {"touchpoint": trigger, "event": [1, trigger]}, "outcome": outcome, "value": None,
                "started_at": iso(at), "ended_at": steps[-1]["at"], "duration_ms": 0, "steps": steps, "deviations": [],
                "confidence": confidence}  # fmt: skip

    first = order("1001", 75.1, 3, "failed", 0.99, [
        step(75.1, "Create order", "orders"), step(76, "Capture payment", "payments", status="failed", attempts=3),
        step(80, "Cancel order", "orders", status="failed")])  # fmt: skip
    second = order("1002", 523, 6, "stuck", 0.74, [
        step(523, "Create order", "orders"), step(525, "Capture payment", "payments", duration_ms=1200),
        step(86_400, "Pack parcel", "shipping", status="in_progress", wait_ms=85_000_000)])  # fmt: skip
    second["deviations"] = [{"kind": "stuck", "activity": "Pack parcel", "why": "no sign of life for 3d"}]
    return journey("two-orders", touchpoints, [first, second], customer="bruno@example.com")


def three_visits() -> list[Document]:
    """A customer who comes back: looks around, buys by app the next day, asks for the order two days later."""
    first = journey("visit-1", [
        touchpoint(0, "Landing", "awareness"), touchpoint(30, "Search", "interest"), touchpoint(95, "View product", "interest"),
    ], customer="carla@example.com")  # fmt: skip
    day = 86_400
    order: Document = {
        "id": "order:2001", "object": {"type": "order", "id": "2001"}, "objects": [], "outcome": "fulfilled", "value": None,
        "trigger": {"touchpoint": 2, "event": [1, 9]}, "started_at": iso(day + 90.2), "ended_at": iso(2 * day), "duration_ms": 0,
        "confidence": 0.97, "deviations": [],
        "steps": [step(day + 90.2, "Create order", "orders"), step(day + 93, "Capture payment", "payments", duration_ms=1900),
                  step(2 * day, "Ship parcel", "shipping", wait_ms=86_000_000, milestone=True)],
    }  # fmt: skip
    second = journey("visit-2", [
        touchpoint(day, "View product", "interest"), touchpoint(day + 40, "Cart", "consideration", milestone=True),
        touchpoint(day + 90, "Place order", "purchase", milestone=True, events=[[1, 9]]),
    ], [order], customer="carla@example.com", channel="app")  # fmt: skip
    third = journey("visit-3", [
        touchpoint(3 * day, "Order status", "after-sales"), touchpoint(3 * day + 12, "Order status", "after-sales", ok=False,
                                                                       status=503),
    ], customer="carla@example.com")  # fmt: skip
    return [first, second, third]


def long_journey(n: int, seed: int = 1) -> Document:
    """A session of ``n`` events with bursts, pauses of days and failures."""
    random = Random(seed)
    at, rows = 0.0, []
    for index in range(n):
        at += (
            random.choice([0.2, 0.4, 1, 3, 8, 20])
            if random.random() < 0.995
            else random.choice([3600, 86_400, 400_000])
        )
        failed = random.random() < 0.02
        rows.append(
            touchpoint(at, random.choice(["View product", "Search", "Cart", "Category"]), random.choice(STAGES[:3]),
                       ok=not failed, status=500 if failed else 200, milestone=random.random() < 0.03,
                       events=[[index % 3, index + 1]])
        )  # fmt: skip
    return journey(f"long-{n}", rows, customer="chiara@example.com")


def hostile_journey() -> Document:
    """Text that tries to drive the terminal, and a field of a megabyte."""
    rows = [
        touchpoint(0, HOSTILE, HOSTILE, target=HOSTILE, friction=[HOSTILE]),
        touchpoint(5, "東京都の商品を見る", "interest"),
        touchpoint(9, "x" * 1_000_000, "purchase", target="y" * 1_000_000),
    ]
    business = {"id": HOSTILE, "object": {"type": HOSTILE, "id": HOSTILE}, "outcome": HOSTILE, "trigger": {"touchpoint": 0},
                "steps": [step(6, HOSTILE, HOSTILE)], "deviations": [{"kind": HOSTILE, "activity": HOSTILE, "why": HOSTILE}]}  # fmt: skip
    return journey("hostile", rows, [business], customer=HOSTILE, channel=HOSTILE)


def hostile_order() -> Document:
    """The same with all that an object has, as it stands in a store."""
    document = hostile_journey()
    for thing in document["business_journeys"]:
        thing.update(
            objects=[], value=None, duration_ms=0, started_at=document["started_at"], ended_at=document["ended_at"]
        )
    return document


def odd_documents() -> list[Document]:
    """Documents that break the contract in every way a bug upstream could."""
    return [
        {},
        {"id": "nothing", "customer_journey": None, "business_journeys": None, "links": None, "session": None},
        {"id": "types", "customer_journey": {"touchpoints": [None, 3, {"at": 5}, {"at": "not a time", "status": "x"}]},
         "business_journeys": [None, {"steps": "no"}, {"trigger": {"touchpoint": 99}, "steps": [None]}],
         "experience": {"score": "high", "signals": [None]}, "links": [None, {"event": [[1], 2]}, {"event": 3}]},
        {"id": "numbers", "duration_ms": float("nan"), "customer_journey": {"touchpoints": [
            {"at": "0001-01-01T00:00:00Z", "latency_ms": 1e300, "dwell_ms": -5}, {"at": "9999-12-31T23:59:59Z"}]}},
    ]  # fmt: skip


def make_shop(n: int = 200, seed: int = 7) -> list[Document]:
    """The named journeys, then small ones up to ``n``."""
    random = Random(seed)
    documents = [order_journey(), two_orders(), one_event(), hostile_journey(), long_journey(500)]
    paths = [
        (["Landing"], "browsed"), (["Landing", "Search", "View product"], "browsed"),
        (["Landing", "View product", "Cart"], "abandoned"), (["View product", "Cart", "Checkout", "Pay"], "failed"),
        (["Landing", "View product", "Cart", "Checkout", "Place order"], "achieved"),
    ]  # fmt: skip
    stage_of = {"Landing": 0, "Search": 1, "View product": 1, "Cart": 2, "Checkout": 2, "Pay": 3, "Place order": 3}
    for index in range(len(documents), n):
        activities, outcome = random.choice(paths)
        at = index * 137.0
        rows = []
        for activity in activities:
            bad = activity == "Pay"
            rows.append(touchpoint(at, activity, STAGES[stage_of[activity]], ok=not bad, status=502 if bad else 200,
                                   milestone=activity in ("Cart", "Place order")))  # fmt: skip
            at += random.randint(3, 60)
        person = random.choice(PEOPLE)
        document = journey(f"s{index:05d}", rows, customer=f"{person}@example.com" if random.random() < 0.6 else None)
        document["customer_journey"]["outcome"] = outcome
        document["experience"]["score"] = random.randint(30, 100)
        documents.append(document)
    return documents
