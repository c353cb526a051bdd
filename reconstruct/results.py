"""What was reconstructed, as one object that answers questions: the only thing export, interface and commands know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from reconstruct.correlate.ends import LOGS_END
from reconstruct.engines import flows
from reconstruct.engines.alternatives import find_alternatives
from reconstruct.engines.assembly import SEPARATOR
from reconstruct.engines.customers import list_customers
from reconstruct.engines.facts import LOOSE
from reconstruct.engines.frames import loads, read_blocks, read_document, read_documents, read_frame
from reconstruct.engines.known import NOT_KNOWN, Reading
from reconstruct.figures import share_lines, summarise
from reconstruct.grammar.timestamps import format_time
from reconstruct.measures.chosen import PEOPLE, Chosen
from reconstruct.measures.conversion import measure_funnel
from reconstruct.measures.failures import measure_failures
from reconstruct.query.compiling import Context, Where, compile_query
from reconstruct.query.completion import Completion, complete
from reconstruct.query.selection import EVERYTHING, Selection, bound, choose, join, read_bound
from reconstruct.query.syntax import And, Node
from reconstruct.query.values import Clock
from reconstruct.raw_lines import RawLine, TimedLine, plain_file, read_around, read_entry, read_lines, read_texts
from reconstruct.sources import Discovery
from reconstruct.store.database import EID_SHIFT, Store

Document = dict[str, Any]

EPOCH = datetime(1970, 1, 1)
MICROSECOND = timedelta(microseconds=1)

SORTABLE = frozenset(
    {
        "id", "customer", "channel", "agent_kind", "device", "started_at", "ended_at", "duration_ms", "stage_reached", "outcome",
        "goal", "score", "n_touchpoints", "n_errors", "n_events", "orders", "value", "seq",
    }
)  # fmt: skip
"""Columns the journey list has, and may be ordered by."""

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


class Reconstruction:
    """Results of one set of logs, or of the journeys of them that match a query. Safe to use from several threads."""

    def __init__(
        self,
        store: Store,
        discovery: Discovery,
        zone_s: int = 0,
        selection: Selection = EVERYTHING,
        query: Node | None = None,
        known: Reading = NOT_KNOWN,
    ) -> None:
        """``zone_s``: seconds east of UTC of moments in queries that name no zone. ``query`` is what ``selection`` stands for.
        ``known``: how the logs were read, for when they grow."""
        self.store = store
        self.known = known
        self.discovery = discovery
        self.selection = selection
        self._query = query
        self._zone_s = zone_s

    def close(self) -> None:
        self.store.close()

    # -- some of it ------------------------------------------------------------------------------------------------

    def select(self, query: str = "", *, since: str | None = None, until: str | None = None) -> Reconstruction:
        """The same results, narrowed to the journeys that match a query (docs/query.md) and began in a period.

        Lists, documents, customers, business journeys without a session and the figures are those that match; what is said
        of the reading (sources, identifiers) stays. Both share one store: close one of them. Raises QueryError.
        """
        said = [(bound("since", since), f"since:{since}"), (bound("until", until), f"until:{until}")]
        if query.strip():
            from reconstruct.query.parsing import parse_query  # Lark is loaded for those who ask

            said.append((parse_query(query), query))
        for node, text in said:
            compile_query(node, text, self._context)  # each alone: an error points into what was said
        whole = join([self._query, *(node for node, _ in said)])
        if whole is None:
            return self
        return Reconstruction(self.store, self.discovery, self._zone_s, choose(whole, self._context), whole)

    def period(self, since: str | None, until: str | None) -> tuple[int, int]:
        """``[start, end)`` in nanoseconds of two moments as users write them; all there is without them. Raises QueryError."""
        start, end = -(2**63), 2**63 - 1
        if since is not None:
            start = _nanoseconds(read_bound("since", since, self._context.clock).start)
        if until is not None:
            end = _nanoseconds(read_bound("until", until, self._context.clock).end)
        return start, end

    def completions(self, text: str, cursor: int | None = None) -> list[Completion]:
        """What could stand where the cursor is in a query (default: at its end): fields, groups, values seen."""
        labels = {type_.lower(): label for type_, label in self.labels.items()}
        kinds = {kind: labels.get(kind, kind) for kind in self._context.kinds}
        return complete(text, len(text) if cursor is None else cursor, kinds, self.store.rows)

    @cached_property
    def _context(self) -> Context:
        ((logs_end,),) = self.store.rows(f"SELECT {LOGS_END}")
        kinds = self.store.rows("SELECT lower(type) FROM business UNION SELECT lower(type) FROM members")
        clock = Clock(self._zone_s, EPOCH + timedelta(microseconds=logs_end // 1000))
        return Context(clock, frozenset(kind for (kind,) in kinds))

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

    @cached_property
    def labels(self) -> dict[str, str]:
        """What each type of identifier is called in words of the logs."""
        return {row["type"]: row["label"] for row in self.identifiers()}

    def model(self) -> Document:
        """The journey model that was used: ``id``, ``title``, ``coverage``, ``evidence`` and ``goals``."""
        found: Document = orjson.loads(self.store.meta("model") or "{}")
        return found

    def plan_notes(self) -> list[str]:
        """What the user said of the plan that these logs have no place for."""
        found: list[str] = orjson.loads(self.store.meta("plan_notes") or "[]")
        return found

    def summary(self) -> Document:
        """The figures; of a selection they say by what query, as ``where``."""
        if self.selection.text:
            return summarise(self.store, self.selection, self._zone_s)
        found: Document = orjson.loads(self.store.meta("summary") or "{}")
        return found

    def documents(self) -> Iterator[bytes]:
        """Every journey document as JSON text, in order."""
        for block in self.document_blocks():
            yield from block.split(SEPARATOR)

    def document_blocks(self) -> Iterator[bytes]:
        """The same, many at a time, with ``documents.SEPARATOR`` between them: as they are kept, where all are wanted."""
        if not self.selection.text:
            yield from read_blocks(self.store, "journey")
            return
        chosen = f"SELECT frame, list(position ORDER BY seq) AS positions FROM journeys WHERE seq IN {self.selection.listed} GROUP BY frame"
        for docs, positions in self.store.rows(
            f"SELECT docs, positions FROM frames JOIN ({chosen}) USING (frame) WHERE kind = 'journey' ORDER BY frame",
            self.selection.parameters,
        ):
            lines = read_frame(docs)
            yield SEPARATOR.join([lines[position] for position in positions])

    def unattributed_business(self) -> Iterator[bytes]:
        """Business journeys that no session is known for, as JSON text."""
        lines = read_documents(self.store, "business")
        if not self.selection.text:
            yield from lines
            return
        rows = self.store.rows(
            f"SELECT listed FROM business WHERE journey IS NULL AND listed IN {self.selection.listed}",
            self.selection.parameters,
        )
        wanted = {listed - LOOSE for (listed,) in rows}
        yield from (line for number, line in enumerate(lines) if number in wanted)

    def unattributed_events(self) -> dict[str, int]:
        """Events in no journey and of no object, by source id: none of them is in a selection of journeys."""
        if self.selection.text:
            return {}
        rows = self.store.rows(
            "SELECT source, count(*) FROM timeline ANTI JOIN event_visit USING (eid) ANTI JOIN thing_links USING (eid) GROUP BY 1 ORDER BY 1"
        )
        return {str(source): n for source, n in rows}

    def customers(self) -> list[Document]:
        """Customers, each with their journeys over all channels in time order and what they came to."""
        return list_customers(self.store, self.selection.listed, self.selection.parameters)

    def customer_journeys(self, customer: str) -> list[str]:
        """Ids of a customer's journeys, in time order."""
        return [
            row[0] for row in self.store.rows("SELECT id FROM journeys WHERE customer = ? ORDER BY seq", [customer])
        ]

    # -- the list --------------------------------------------------------------------------------------------------

    def count_journeys(self, text: str = "") -> int:
        """How many journeys match a query. Raises QueryError."""
        where = self.select(text).selection.where
        return int(self.store.rows(f"SELECT count(*) FROM listed WHERE {where.sql}", where.parameters)[0][0])

    def conditions_alone(self) -> list[tuple[str, int]]:
        """The conditions that the selection ties together, and how many journeys each leaves alone."""
        parts = self._query.parts if isinstance(self._query, And) else [self._query] if self._query is not None else []
        alone = [choose(part, self._context) for part in parts]
        return [
            (each.text, int(self.store.rows(f"SELECT count(*) FROM {each.listed}", each.parameters)[0][0]))
            for each in alone
        ]

    def extent(self) -> tuple[int, str, str]:
        """How many journeys there are, chosen or not, and when the first and the last begin (RFC 3339; "" where there is none)."""
        ((n, first, last),) = self.store.rows("SELECT count(*), min(started_at), max(started_at) FROM listed")
        return n, str(first or ""), str(last or "")

    def journey_rows(
        self,
        *,
        text: str = "",
        order_by: str = "started_at",
        descending: bool = False,
        offset: int = 0,
        limit: int = 100,
    ) -> list[Document]:
        """A page of the journeys that match a query: those of people first, whatever the order, then those of programs.

        Raises QueryError, and ValueError for a column that cannot be ordered by."""
        if order_by not in SORTABLE:
            raise ValueError(f"journeys cannot be ordered by {order_by}")
        where = self.select(text).selection.where
        direction = "DESC" if descending else "ASC"
        table = self.store.arrow(
            f"SELECT {', '.join(sorted(SORTABLE))}, course, variant FROM listed WHERE {where.sql}"
            f" ORDER BY {PEOPLE} DESC, {order_by} {direction} NULLS LAST, seq LIMIT ? OFFSET ?",
            [*where.parameters, limit, offset],
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
        return loads(read_document(docs, position))

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

    # -- over many journeys ----------------------------------------------------------------------------------------

    def flows(self, text: str = "") -> Document:
        """How far people's journeys come, how they end, when they begin, and whose ways there are. Raises QueryError."""
        chosen = self._people(text)
        over_time = flows.count_over_time(self.store, chosen)
        return {
            **flows.count_journeys(self.store, chosen),
            "funnel": measure_funnel(Chosen(self.store, self.select(text).selection)),
            "over_time": over_time,
            "subjects": flows.list_subjects(self.store),
        }

    def ways(self, subject: str, text: str = "") -> Document:
        """The ways that customers or business objects of a type take, most frequent first. Raises QueryError."""
        return flows.rank_ways(self.store, subject, self._people(text))

    def process_map(self, subject: str, text: str = "") -> Document:
        """What follows what, and after how long. Raises QueryError."""
        return flows.draw_map(self.store, subject, self._people(text))

    def failures(self, text: str = "") -> Document:
        """What failed in the journeys that match, since when and whom it hit: ``failures`` of the summary. Raises QueryError."""
        if not text and not self.selection.text:
            found: Document = self.summary().get("failures", {})
            return found
        return measure_failures(Chosen(self.store, self.select(text).selection), self._zone_s)

    def group_rows(self, by: str, text: str = "") -> list[Document]:
        """The journeys of the list in groups, the largest first. Raises QueryError, and ValueError for what there are no groups by."""
        return flows.group_journeys(self.store, by, self._chosen(text))

    def business_rows(self, text: str = "") -> list[Document]:
        """The business journeys of the journeys in the list. Raises QueryError."""
        rows = flows.list_business(self.store, self._chosen(text))
        return [{**row, "label": self.labels.get(row["type"], row["type"])} for row in rows]

    def _chosen(self, text: str) -> Where:
        selection = self.select(text).selection
        return Where(f"seq IN {selection.listed}", selection.parameters) if selection.text else Where()

    def _people(self, text: str) -> Where:
        chosen = self._chosen(text)
        return Where(f"{PEOPLE} AND {chosen.sql}", chosen.parameters)

    # -- raw lines -------------------------------------------------------------------------------------------------

    def raw_entry(self, source: int, line: int) -> bytes:
        """The bytes of an event exactly as they stand in the (decompressed) log. Raises KeyError when no event starts there."""
        return read_entry(self.store, self.discovery, source, line)

    def raw(self, source: int, line: int, before: int = 0, after: int = 0) -> list[RawLine]:
        """Lines of a source around one of them."""
        return read_lines(self.store, self.discovery, source, line, before, after)

    def raw_around(self, source: int, line: int, before: int = 0, after: int = 0) -> list[TimedLine]:
        """Entries of all logs around one of them, in the order of corrected time."""
        return read_around(self.store, self.discovery, source, line, before, after)

    def raw_texts(self, positions: Sequence[tuple[int, int]]) -> list[str]:
        """The entries at (source, line); empty where none begins."""
        return read_texts(self.store, self.discovery, positions)

    def plain_file(self, source: int, directory: Path) -> Path:
        """The log, or an unpacked copy of it in ``directory``, for another program to open. Raises SourceError."""
        return plain_file(self.discovery, source, directory)


def _nanoseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND * 1000


def _source_row(document: Document) -> Document:
    first, last = document["first_ns"], document["last_ns"]
    row = {name: document[name] for name in SOURCE_CONTRACT}
    row["first_at"] = None if first is None else format_time(first)
    row["last_at"] = None if last is None else format_time(last)
    offset_s = document["offset_s"]
    zone_s = round(offset_s / 900) * 900 if document["timezone_from"] == "inferred" else offset_s
    row["timezone"] = say_offset(zone_s)
    row["timezone_from"] = document["timezone_from"]
    row["clock_offset_ms"] = (zone_s - offset_s) * 1000 - document["ahead_ms"]
    for name in ("family", "rank", "size", "compression", "encoding", "forced", "notes"):
        row[name] = document[name]
    row["quality"] = {
        **share_lines([document]),
        "samples": document["samples"],
        "notes": document["notes"],
        "timezone_why": document["timezone_why"],
    }
    return row


def say_offset(seconds: int) -> str:
    """``+01:00``"""
    sign = "-" if seconds < 0 else "+"
    minutes = abs(seconds) // 60
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"
