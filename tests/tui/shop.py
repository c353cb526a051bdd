"""A fictitious shop's journeys as the export contract gives them, and a reader that serves them.

Deterministic: the same arguments give the same documents. Nothing here is taken from a real log.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from counted import results_of

from reconstruct.amending import Change, amend
from reconstruct.comparing.asked import compare_queries, earlier_query, find_journey
from reconstruct.comparing.pair import compare_pair
from reconstruct.query.completion import Completion
from reconstruct.results import Reconstruction

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


# --- the reader -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FakeProgress:
    phase: str = "done"
    bytes_done: int = 0
    bytes_total: int = 0
    lines: int = 0
    finished: bool = True
    note: str = ""


@dataclass(frozen=True)
class FakeFollowing:
    is_on: bool = True
    phase: str = ""
    updated_at: float | None = None
    n_new: int = 0
    n_changed: int = 0
    n_since: int = 0
    note: str = ""
    new: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FakeLine:
    source: int
    line: int
    text: str
    is_entry_start: bool = True


def course_of(document: Document) -> str:
    """A course such as the store writes; without pauses."""
    letters = dict(zip(STAGES, "aicps", strict=True))
    touchpoints = (document.get("customer_journey") or {}).get("touchpoints") or []
    parts = [
        "!" if not row.get("ok", True) else letters.get(str(row.get("stage")), "a")
        for row in touchpoints
        if isinstance(row, dict)
    ]
    return "".join(parts)[:400]


@dataclass(frozen=True)
class FakeTimedLine:
    source: int
    line: int
    text: str
    is_entry_start: bool
    at_ns: int
    entry: int


def row_of(document: Document) -> Document:
    inside = document.get("customer_journey") or {}
    touchpoints = [row for row in inside.get("touchpoints") or [] if isinstance(row, dict)]
    orders = [b for b in document.get("business_journeys") or [] if isinstance(b, dict)]
    session = document.get("session") or {}
    return {
        "id": document.get("id", "?"), "customer": document.get("customer"), "channel": document.get("channel"),
        "agent_kind": session.get("agent_kind"), "device": session.get("device"),
        "started_at": document.get("started_at"), "duration_ms": document.get("duration_ms"),
        "stage_reached": inside.get("stage_reached"), "outcome": inside.get("outcome"), "goal": inside.get("goal"),
        "score": (document.get("experience") or {}).get("score"), "n_touchpoints": len(touchpoints),
        "n_errors": sum(1 for row in touchpoints if row.get("ok") is False),
        "orders": ", ".join((b.get("object") or {}).get("id", "?") for b in orders),
        "value": " ".join((b.get("value") or {}).get("amount", "") for b in orders).strip(),
        "n_events": sum(len(row.get("events") or []) for row in touchpoints),
        "course": course_of(document),
    }  # fmt: skip


class FakeReader:
    """Serves documents from memory. ``publish`` adds more, as a run that is still reading does."""

    def __init__(
        self, documents: list[Document], progress: FakeProgress | None = None, summary: Document | None = None
    ):
        self.documents: dict[str, Document] = {}
        self.rows: list[Document] = []
        self._version = 0
        self._progress = progress or FakeProgress(lines=66_000)
        self._summary = summary
        self.calls: list[str] = []
        self.configuration = Path("reconstruct.toml")
        self._real: tuple[int, Reconstruction] | None = None
        self.closed = False
        self.followed: FakeFollowing | None = None
        self.publish(documents)

    def publish(self, documents: list[Document], progress: FakeProgress | None = None) -> None:
        for document in documents:
            self.documents[str(document.get("id", "?"))] = document
        self.rows = [row_of(document) for document in self.documents.values()]
        self._progress = progress or self._progress
        self._version += 1

    def version(self) -> int:
        return self._version

    def progress(self) -> FakeProgress:
        return self._progress

    def following(self) -> FakeFollowing | None:
        return self.followed

    def follow(self, on: bool) -> None:
        self.calls.append(f"follow {on}")
        self.followed = FakeFollowing(on)

    def summary(self) -> Document:
        if self._summary is not None:
            return self._summary
        bought = sum(1 for row in self.rows if row["outcome"] == "achieved")
        people = {row["customer"] for row in self.rows if row["customer"]}
        agents = Counter(row["agent_kind"] or "unknown" for row in self.rows)
        n = agents["human"] + agents["unknown"]
        return {"journeys": n, "agents": dict(agents), "customers": len(people), "business_journeys": 3,
                "conversion": round(bought / max(1, n), 4)}  # fmt: skip

    def sources(self) -> list[Document]:
        def source(id: int, path: str, formats: dict[str, int], **more: Any) -> Document:
            lines = sum(formats.values()) + 12
            return {"id": id, "path": path, "formats": formats, "lines": lines, "events": sum(formats.values()) - 4,
                    "continuations": 8, "directives": 0, "blank": 2, "duplicates": 1, "unparsed": 5, "first_at": iso(0),
                    "last_at": iso(200_000), "timezone": "+00:00", "timezone_from": "stamp", "clock_offset_ms": 0,
                    "quality": {"parsed": 1.0, "generic": 0.0, "unparsed": 0.0, "samples": [], "notes": {}, "timezone_why": ""}} | more  # fmt: skip

        def quality(parsed: float, generic: float, **more: Any) -> Document:
            unparsed = round(1 - parsed - generic, 4)
            nothing: Document = {"samples": [], "notes": {}, "timezone_why": "its stamps state their zone"}
            return nothing | {"parsed": parsed, "generic": generic, "unparsed": unparsed} | more

        return [
            source(
                0,
                "nginx/access.log",
                {"nginx_combined": 12_004, "generic": 3},
                quality=quality(
                    0.9993,
                    0.0003,
                    notes={"message cut at 65536 characters": 2},
                    samples=[
                        {
                            "line": 4711,
                            "text": '192.0.2.7 - - [14/Nov/2025:09:14:02 +0000] "GET /\x1b[31m HTTP/1.1" 2x0 512',
                            "nearest": {"format": "combined", "column": 61, "expected": ["STATUS: HTTP_STATUS"]},
                        },
                        {"line": 9000, "text": "core dumped", "nearest": None},
                    ],
                ),
            ),
            source(
                1,
                "app/shop.log",
                {"docker/python_logging": 8_810},
                timezone="+01:00",
                timezone_from="inferred",
                quality=quality(0.9, 0.0994, timezone_why="212 of 214 shared identifiers agree on it"),
            ),
            source(2, "payments/payments.jsonl", {"json": 941}, clock_offset_ms=-2310, quality=quality(0.5, 0.4948)),
            source(
                3, "warehouse/wms.log", {"spring_boot": 504, "json": 12}, unparsed=0, blank=7, timezone_from="assumed"
            ),
        ]

    def identifiers(self) -> list[Document]:
        return [
            {"type": "session", "role": "session", "slots": ["cookie:sid", "column:session_id"], "distinct": 849,
             "owner": "customer", "why": ["written on every web line", "one customer per value in 99.1% of 849"]},
            {"type": "request", "role": "request", "slots": ["column:request_id", "key:rid"], "distinct": 10_977,
             "owner": "session", "why": ["lives 40 ms at the median", "seen in 3 sources"]},
            {"type": "order", "role": "object", "slots": ["path:/orders/{}", "key:order_id", "text:order"],
             "distinct": 261, "owner": "session", "why": ["born inside one session", "lives on after it"]},
        ]  # fmt: skip

    @property
    def real(self) -> Reconstruction:
        """What the program makes of the documents that keep to the contract."""
        if self._real is None or self._real[0] != self._version:
            self._real = (self._version, results_of(list(self.documents.values())))
        return self._real[1]

    def _match(self, text: str) -> list[Document]:
        if not text.strip():
            return self.rows
        found = {row["id"]: row for row in self.real.journey_rows(text=text, limit=len(self.rows))}
        return [row for row in self.rows if row["id"] in found]

    def completions(self, text: str, cursor: int | None = None) -> list[Completion]:
        return self.real.completions(text, cursor)

    def flows(self, text: str = "") -> Document:
        return self.real.flows(text)

    def ways(self, subject: str, text: str = "") -> Document:
        return self.real.ways(subject, text)

    def process_map(self, subject: str, text: str = "") -> Document:
        return self.real.process_map(subject, text)

    def failures(self, text: str = "") -> Document:
        return self.real.failures(text)

    def group_rows(self, by: str, text: str = "") -> list[Document]:
        return self.real.group_rows(by, text)

    def business_rows(self, text: str = "") -> list[Document]:
        return self.real.business_rows(text)

    def compare_journeys(self, first: str, second: str) -> Document:
        self.calls.append(f"compare {first} {second}")
        found = [find_journey(self.real, said) for said in (first, second)]
        documents = [self.documents[id] for id, _ in found]
        return compare_pair(documents[0], documents[1], (found[0][1], found[1][1]))

    def compare_queries(self, first: str, second: str) -> Document:
        return compare_queries(self.real, first, second)

    def earlier_query(self, text: str) -> str | None:
        return earlier_query(self.real, text)

    def amend(self, change: Change) -> str:
        self.calls.append("amend")
        amend(self.configuration, change)
        return str(self.configuration)

    def count_journeys(self, text: str = "") -> int:
        self.calls.append("count")
        return len(self._match(text))

    def journey_rows(
        self,
        *,
        text: str = "",
        order_by: str = "started_at",
        descending: bool = False,
        offset: int = 0,
        limit: int = 100,
    ) -> list[Document]:
        self.calls.append(f"rows {offset}+{limit}")
        rows = sorted(self._match(text), key=lambda row: str(row["id"]))
        rows.sort(key=lambda row: (row[order_by] is not None, row[order_by] if row[order_by] is not None else 0),
                  reverse=descending)  # fmt: skip
        rows.sort(key=lambda row: row["agent_kind"] in ("bot", "monitor"))
        return rows[offset : offset + limit]

    def journey(self, id: str) -> Document:
        self.calls.append(f"journey {id}")
        return self.documents[id]

    def raw(self, source: int, line: int, before: int = 0, after: int = 0) -> list[FakeLine]:
        lines = []
        for number in range(max(1, line - before), min(20_000, line + after) + 1):
            at = START + timedelta(seconds=number)
            if source == 0:
                text = f'192.0.2.17 - - [{at:%d/%b/%Y:%H:%M:%S +0000}] "GET /p/{number} HTTP/1.1" 200 512 "-" "Example/1.0"'
            elif number % 50 == 7:
                text = f"{at.isoformat()} {HOSTILE}"
            else:
                text = f"{at.isoformat()} INFO shop.orders request r-{number} handled in {number % 90} ms"
            lines.append(FakeLine(source, number, text, number % 50 != 8))
        return lines

    def raw_around(self, source: int, line: int, before: int = 0, after: int = 0) -> list[FakeTimedLine]:
        """Lines of the first three sources by turns, as if each said something every second."""
        self.calls.append(f"around {source}:{line}")
        found = []
        for number in range(max(1, line - before // 3), line + after // 3 + 1):
            for each in range(3):
                (one,) = self.raw(each, number)
                at = (START - EPOCH) // timedelta(microseconds=1) * 1000 + number * 1_000_000_000 + each
                found.append(FakeTimedLine(each, number, one.text, True, at, number))
        return found

    def raw_texts(self, positions: list[tuple[int, int]]) -> list[str]:
        return [self.raw(source, line)[0].text for source, line in positions]

    def plain_file(self, source: int, directory: Path) -> Path:
        path = directory / f"source-{source}.log"
        path.write_text("what an editor would show\n", encoding="utf-8")
        return path

    def alternatives(self, source: int, line: int) -> list[Document]:
        if line != 104:
            return []
        return [{"to": "session", "journey": "8e2b", "why": f"another cookie, 12s away {HOSTILE}"}]

    def customer_journeys(self, customer: str) -> list[str]:
        rows = [d for d in self.documents.values() if d.get("customer") == customer]
        return [row["id"] for row in sorted(rows, key=lambda row: (str(row["started_at"]), str(row["id"])))]

    def close(self) -> None:
        self.closed = True
