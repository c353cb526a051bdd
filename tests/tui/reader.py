"""A reader that serves documents from memory, as results do that are read from logs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from counted import results_of
from shop import EPOCH, HOSTILE, STAGES, START, iso

from reconstruct.amending import Change, amend
from reconstruct.comparing.asked import compare_queries, earlier_query, find_journey
from reconstruct.comparing.pair import compare_pair
from reconstruct.query.completion import Completion
from reconstruct.results import Reconstruction

Document = dict[str, Any]


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
