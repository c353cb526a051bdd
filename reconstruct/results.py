"""What was reconstructed, as one object that answers questions: the only thing export, interface and commands know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from reconstruct.correlate.resolve import Resolution
from reconstruct.engines.alternatives import find_alternatives
from reconstruct.engines.documents import read_frame
from reconstruct.engines.ingest import COUNTED
from reconstruct.engines.journeys import loads, read_documents
from reconstruct.events import envelopes
from reconstruct.events.formats import GENERIC
from reconstruct.grammar.timestamps import format_time
from reconstruct.journeys.align import SURE
from reconstruct.sources import Discovery, read_slice
from reconstruct.store.database import EID_SHIFT, Store

Document = dict[str, Any]

SORTABLE = frozenset(
    {
        "id", "customer", "channel", "agent_kind", "device", "started_at", "ended_at", "duration_ms", "stage_reached", "outcome",
        "goal", "score", "n_touchpoints", "n_errors", "n_events", "orders", "value", "seq",
    }
)  # fmt: skip
"""Columns the journey list may be ordered by."""

SOURCE_CONTRACT = (
    "id",
    "path",
    "formats",
    "lines",
    "events",
    "continuations",
    "directives",
    "blank",
    "duplicates",
    "unparsed",
)

SAYS_LITTLE = frozenset({GENERIC, *envelopes.KINDS})
"""What the format of an event ends in when no format reads the line itself."""

RAW_CONTEXT_BYTES = 64 << 10
"""Bytes read on either side of an event to show the lines around it."""


@dataclass(frozen=True, slots=True)
class RawLine:
    """One line of a log as it stands in its file."""

    source: int
    line: int
    text: str
    is_entry_start: bool


class Reconstruction:
    """Results of one set of logs. Safe to use from several threads."""

    def __init__(self, store: Store, discovery: Discovery) -> None:
        self.store = store
        self.discovery = discovery

    def close(self) -> None:
        self.store.close()

    # -- the whole -------------------------------------------------------------------------------------------------

    @cached_property
    def _source_documents(self) -> list[Document]:
        return [orjson.loads(row[0]) for row in self.store.rows("SELECT document FROM sources ORDER BY id")]

    def sources(self) -> list[Document]:
        """How every source was read: the row of the export, and family, notes, samples for the quality view."""
        return [_source_row(document) for document in self._source_documents]

    def identifiers(self) -> list[Document]:
        """Identifier types, most telling first."""
        found: list[Document] = orjson.loads(self.store.meta("identifiers") or "[]")
        return found

    def plan_notes(self) -> list[str]:
        """What the user said of the plan that these logs have no place for."""
        found: list[str] = orjson.loads(self.store.meta("plan_notes") or "[]")
        return found

    def summary(self) -> Document:
        """The figures."""
        found: Document = orjson.loads(self.store.meta("summary") or "{}")
        return found

    def documents(self) -> Iterator[bytes]:
        """Every journey document as JSON text, in order."""
        return read_documents(self.store, "journey")

    def unattributed_business(self) -> Iterator[bytes]:
        """Business journeys that no session is known for, as JSON text."""
        return read_documents(self.store, "business")

    def unattributed_events(self) -> dict[str, int]:
        """Events in no journey and of no object, by source id."""
        rows = self.store.rows(
            "SELECT source, count(*) FROM timeline ANTI JOIN event_visit USING (eid) ANTI JOIN thing_links USING (eid) GROUP BY 1 ORDER BY 1"
        )
        return {str(source): n for source, n in rows}

    def customers(self) -> list[Document]:
        """Customers and their journeys in time order."""
        rows = self.store.rows(
            "SELECT customer, list(id ORDER BY seq) FROM journeys WHERE customer IS NOT NULL GROUP BY customer ORDER BY min(seq)"
        )
        return [{"id": customer, "journeys": ids} for customer, ids in rows]

    # -- the list --------------------------------------------------------------------------------------------------

    def count_journeys(self, text: str = "") -> int:
        where, parameters = _text_filter(text)
        return int(self.store.rows(f"SELECT count(*) FROM listed {where}", parameters)[0][0])

    def journey_rows(
        self,
        *,
        text: str = "",
        order_by: str = "started_at",
        descending: bool = False,
        offset: int = 0,
        limit: int = 100,
    ) -> list[Document]:
        """A page of the journey list. Raises ValueError for a column that cannot be ordered by."""
        if order_by not in SORTABLE:
            raise ValueError(f"journeys cannot be ordered by {order_by}")
        where, parameters = _text_filter(text)
        direction = "DESC" if descending else "ASC"
        table = self.store.arrow(
            f"SELECT * EXCLUDE (search) FROM listed {where}"
            f" ORDER BY {order_by} {direction} NULLS LAST, seq LIMIT ? OFFSET ?",
            [*parameters, limit, offset],
        )
        rows: list[Document] = table.to_pylist()
        return rows

    def journey(self, id: str) -> Document:
        """One journey document. Raises KeyError when there is none of that id.

        A business journey without a session is shown as a journey of which the customer's side is not known.
        """
        found = self.store.rows(
            "SELECT docs, position FROM journeys JOIN frames ON kind = 'journey' AND frames.frame = journeys.frame WHERE id = ?",
            [id],
        )
        if not found:
            return self._loose_journey(id)
        docs, position = found[0]
        return loads(read_frame(docs)[position])

    def _loose_journey(self, id: str) -> Document:
        for line in self.unattributed_business():
            business = loads(line)
            if business["id"] == id:
                times = {name: business[name] for name in ("started_at", "ended_at", "duration_ms")}
                unknown: Document = {
                    "ids": [],
                    "client_ip": [],
                    "user_agent": None,
                    "device": "",
                    "agent_kind": "unknown",
                }
                customer = {
                    "intent": {},
                    "goal": None,
                    "outcome": business["outcome"],
                    "stage_reached": "",
                    "touchpoints": [],
                }
                return {
                    "id": id, "customer": None, "session": unknown, "channel": "no session", **times, "customer_journey": customer,
                    "experience": {"score": None, "apdex": None, "signals": []}, "business_journeys": [business], "links": [],
                }  # fmt: skip
        raise KeyError(id)

    def alternatives(self, source: int, line: int) -> list[Document]:
        """Where else the event might have belonged, and why it does not: ``to``, ``journey`` of a session, ``why``; the nearest first.

        Looked up when asked: some tenths of a second.
        """
        eid = source << EID_SHIFT | line
        found = find_alternatives(self.store, [eid], self.summary()["visits"]["cut_s"])
        return [each.render() for each in found.get(eid, [])]

    # -- raw lines -------------------------------------------------------------------------------------------------

    def raw_entry(self, source: int, line: int) -> bytes:
        """The bytes of an event exactly as they stand in the (decompressed) log. Raises KeyError when no event starts there."""
        rows = self.store.rows('SELECT "offset", length FROM events WHERE eid = ?', [source << EID_SHIFT | line])
        if not rows:
            raise KeyError((source, line))
        return read_slice(self.discovery.sources[source], *rows[0])

    def raw(self, source: int, line: int, before: int = 0, after: int = 0) -> list[RawLine]:
        """Lines of a source around one of them, as text; undecodable bytes are replaced."""
        first = max(1, line - before)
        known = self.store.rows(
            'SELECT line, lines, "offset", length FROM events WHERE source = ? AND line BETWEEN ? AND ? ORDER BY line',
            [source, first - 200, line + after],
        )
        if not known:
            return []
        starts = {row[0] for row in known}
        anchor = max((row for row in known if row[0] <= first), default=known[0])
        end = known[-1][2] + known[-1][3] + RAW_CONTEXT_BYTES
        data = read_slice(self.discovery.sources[source], anchor[2], end - anchor[2])
        found = []
        for number, text in enumerate(data.split(b"\n"), anchor[0]):
            if number > line + after:
                break
            if number >= first:
                found.append(RawLine(source, number, text.rstrip(b"\r").decode("utf-8", "replace"), number in starts))
        return found


def _text_filter(text: str) -> tuple[str, list[object]]:
    """Every word of the filter must occur in a journey's text."""
    words = text.lower().split()
    if not words:
        return "", []
    return "WHERE " + " AND ".join(["contains(search, ?)"] * len(words)), list(words)


def _source_row(document: Document) -> Document:
    first, last = document["first_ns"], document["last_ns"]
    row = {name: document[name] for name in SOURCE_CONTRACT}
    row["first_at"] = None if first is None else format_time(first)
    row["last_at"] = None if last is None else format_time(last)
    offset_s = document["offset_s"]
    zone_s = round(offset_s / 900) * 900 if document["timezone_from"] == "inferred" else offset_s
    row["timezone"] = say_offset(zone_s)
    row["timezone_from"] = document["timezone_from"]
    row["clock_offset_ms"] = (zone_s - offset_s) * 1000
    for name in ("family", "rank", "size", "compression", "encoding", "forced", "notes"):
        row[name] = document[name]
    row["quality"] = {
        **share_lines([document]),
        "samples": document["samples"],
        "notes": document["notes"],
        "timezone_why": document["timezone_why"],
    }
    return row


def share_lines(sources: Iterable[Document]) -> dict[str, float]:
    """Of the lines of sources that are not blank: the share that a known format reads or that belongs to such entries,
    that is known by its moment or its envelope only, and that nothing reads."""
    lines = generic = unparsed = 0
    for source in sources:
        lines += source["lines"] - source["blank"]
        unparsed += source["unparsed"]
        generic += sum(n for name, n in source["formats"].items() if name.rpartition("/")[2] in SAYS_LITTLE)
    shares = {"generic": generic / lines, "unparsed": unparsed / lines} if lines else {"generic": 0.0, "unparsed": 0.0}
    rounded = {name: round(share, 4) for name, share in shares.items()}
    return {"parsed": round(1 - sum(rounded.values()), 4), **rounded}


def _total(sources: Iterable[Document]) -> Document:
    """The account of lines over all sources."""
    rows = list(sources)
    counts = {name: sum(row[name] for row in rows) for name in COUNTED}
    return {**counts, **{f"{name}_share": share for name, share in share_lines(rows).items()}}


def say_offset(seconds: int) -> str:
    """``+01:00``"""
    sign = "-" if seconds < 0 else "+"
    minutes = abs(seconds) // 60
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def summarise(store: Store, discovery: Discovery, resolution: Resolution) -> Document:
    """The figures of the export's ``summary``: people's journeys only, programs counted beside them."""
    people = "agent_kind IN ('human', 'unknown')"
    n, customers, achieved = store.rows(
        f"SELECT count(*) FILTER ({people}), count(DISTINCT customer), count(*) FILTER ({people} AND outcome = 'achieved') FROM journeys"
    )[0]
    outcomes = dict(store.rows(f"SELECT outcome, count(*) FROM journeys WHERE {people} GROUP BY 1 ORDER BY 1"))
    stages = dict(
        store.rows(
            f"SELECT stage_reached, count(*) FROM journeys WHERE {people} AND stage_reached IS NOT NULL GROUP BY 1 ORDER BY 1"
        )
    )
    kinds = dict(store.rows("SELECT agent_kind, count(*) FROM journeys GROUP BY 1 ORDER BY 1"))
    score = store.rows(f"SELECT round(avg(score), 1) FROM journeys WHERE {people}")[0][0]
    (objects,) = store.rows("SELECT count(*) FROM things")[0]
    (bridged,) = store.rows("SELECT count(*) FROM owned")[0]
    placed, total = store.rows("SELECT (SELECT count(*) FROM event_visit), (SELECT count(*) FROM events)")[0]
    business = dict(store.rows("SELECT outcome, count(*) FROM business GROUP BY 1 ORDER BY 1"))
    report = resolution.sessions
    return {
        "journeys": n,
        "customers": customers,
        "business_journeys": objects,
        "conversion": round(achieved / n, 4) if n else 0.0,
        "outcomes": outcomes,
        "stages_reached": stages,
        "business_outcomes": business,
        "experience": score,
        "agents": kinds,
        "events": total,
        "events_in_journeys": placed,
        "business_journeys_in_sessions": bridged,
        "joins": {"session": _joins(store, "event_visit"), "object": _joins(store, "thing_links")},
        "visits": {
            "cut_s": round(report.cut_s, 1),
            "cut_why": report.cut_why,
            "entry_starts_visit": report.entries_start,
        },
        "reconstruction": _say_reconstruction(placed, total, store, resolution),
        "quality": _total(orjson.loads(row[0]) for row in store.rows("SELECT document FROM sources ORDER BY id")),
        "skipped": [{"path": each.path, "reason": each.reason} for each in discovery.skipped],
    }


def _say_reconstruction(placed: int, total: int, store: Store, resolution: Resolution) -> Document:
    """How far the journeys can be trusted: what they cover, what was left out and why, what each weak rule was right in."""
    ((largest,),) = store.rows("SELECT coalesce(max(n_events), 0) FROM journeys")
    rules: dict[str, Document] = {}
    # A rule tried on several types of things is worth what it is for the doubtful one.
    for each in sorted((*resolution.sessions.rules.values(), *resolution.rules), key=lambda one: -one.confidence):
        rules[each.rule] = {
            "confidence": each.confidence,
            "measured": each.measured,
            "trials": each.trials,
            "right": each.right,
        }
    return {
        "coverage": round(placed / total, 4) if total else 0.0,
        "largest_journey": round(largest / total, 4) if total else 0.0,
        "abstained": resolution.abstained,
        "rules": dict(sorted(rules.items())),
    }


def _joins(store: Store, links: str) -> Document:
    """What a table of links rests on: per rule its links, their mean confidence, and how many are sure enough to be drawn solid."""
    rows = store.rows(
        f"SELECT rule, count(*), round(avg(confidence), 4), count(*) FILTER (confidence >= {SURE}) FROM {links} GROUP BY 1 ORDER BY 1"
    )
    return {rule: {"events": n, "confidence": mean, "sure": sure} for rule, n, mean, sure in rows}
