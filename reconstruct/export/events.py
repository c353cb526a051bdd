"""The ``events`` lines (docs/json.md): every parsed event, in the order of sources and lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import BinaryIO

from reconstruct.events.render import event_lines
from reconstruct.events.schema import EVENTS
from reconstruct.results import Reconstruction
from reconstruct.sources import Source
from reconstruct.store.database import EID_SHIFT

ROWS_AT_ONCE = 50_000
"""Events in memory at a time."""


def write_events(
    results: Reconstruction,
    out: BinaryIO,
    *,
    since: str | None = None,
    until: str | None = None,
    lines: Sequence[tuple[int, int]] | None = None,
) -> int:
    """Write every event, or those of a period, with its corrected time and its identifiers, and say how many. Raises QueryError.

    An entry without a stamp of its own is of the time of those around it. ``lines``: of each source only entries that begin
    behind the first of these lines, and before the second.
    """
    start, end = results.period(since, until)
    paths = [source["path"] for source in results.sources()]
    columns = ", ".join("t.t AS time_ns" if name == "time_ns" else f'e."{name}"' for name in EVENTS.names)
    stamped = columns.replace("t.t AS time_ns", "CASE WHEN e.time_ns IS NULL THEN NULL ELSE t.t END AS time_ns")
    wanted = "t.t >= ? AND t.t < ?"
    given: list[object] = [start, end]
    if lines is not None:
        wanted += " AND e.line > (?::BIGINT[])[e.source + 1] AND e.line < (?::BIGINT[])[e.source + 1]"
        given += [[after for after, _ in lines], [before for _, before in lines]]
    ordered = results.store.batches(
        f"SELECT {stamped} FROM events e JOIN timeline t USING (eid) WHERE {wanted} ORDER BY e.eid", ROWS_AT_ONCE, given
    )
    n = 0
    for batch in ordered:
        n += batch.num_rows
        for line in event_lines(batch, paths, _identifiers(results, batch)):
            out.write(line)
    return n


class EventTail:
    """Writes each event once, while logs grow, are rotated, and are compressed."""

    def __init__(self, out: BinaryIO, since: str | None = None, until: str | None = None) -> None:
        self._out, self._since, self._until = out, since, until
        self._written: dict[str, int] = {}
        """path → the line at which the last event written begins"""

    def write(self, results: Reconstruction, is_resting: Callable[[Source], bool], *, grown: bool) -> bool:
        """Write what is new, and whether something was held back: the last entry of a log that is being written may still
        get lines. ``is_resting``: whether a log is not. ``grown``: whether these are other results than the last time."""
        sources = results.discovery.sources
        if grown:
            origins = {sources[id].path: path for id, (path, _) in results.known.origins.items()}
            self._written = {path: self._written.get(origin, 0) for path, origin in origins.items()}
        last = dict(results.store.rows("SELECT source, max(line) FROM events GROUP BY source"))
        ends = {
            source.id: last[source.id] + int(is_resting(source)) for source in sources if source.id in last
        }  # the last event is before its end, or just not
        spans = [(self._written.get(source.path, 0), ends.get(source.id, 0)) for source in sources]
        write_events(results, self._out, since=self._since, until=self._until, lines=spans)
        self._out.flush()
        for source_id, line in results.store.rows(
            "SELECT source, max(line) FROM events WHERE line < (?::BIGINT[])[source + 1] GROUP BY source",
            [[end for _, end in spans]],
        ):
            self._written[sources[source_id].path] = line
        return any(ends[id] == line for id, line in last.items())


def _identifiers(results: Reconstruction, batch: object) -> dict[int, list[tuple[str, str]]]:
    """Row of the batch → (type, value) of the identifiers on the event."""
    source = batch.column("source").to_pylist()  # type: ignore[attr-defined]
    line = batch.column("line").to_pylist()  # type: ignore[attr-defined]
    eids = [s << EID_SHIFT | n for s, n in zip(source, line, strict=True)]
    row_of = {eid: row for row, eid in enumerate(eids)}
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for eid, kind, value in results.store.rows(
        "SELECT DISTINCT eid, name, value FROM typed JOIN type_names ON number = type::VARCHAR WHERE eid BETWEEN ? AND ? ORDER BY ALL",
        [eids[0], eids[-1]],
    ):
        if eid in row_of:
            found[row_of[eid]].append((kind, value))
    return found
