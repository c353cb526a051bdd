"""The ``events`` lines (docs/json.md): every parsed event, in the order of sources and lines."""

from __future__ import annotations

from collections import defaultdict
from typing import BinaryIO

from reconstruct.events.render import event_lines
from reconstruct.events.schema import EVENTS
from reconstruct.results import Reconstruction
from reconstruct.store.database import EID_SHIFT

ROWS_AT_ONCE = 50_000
"""Events in memory at a time."""


def write_events(results: Reconstruction, out: BinaryIO, *, since: str | None = None, until: str | None = None) -> None:
    """Write every event, or those of a period, with its corrected time and its identifiers. Raises QueryError.

    An entry without a stamp of its own is of the time of those around it.
    """
    start, end = results.period(since, until)
    paths = [source["path"] for source in results.sources()]
    columns = ", ".join("t.t AS time_ns" if name == "time_ns" else f'e."{name}"' for name in EVENTS.names)
    stamped = columns.replace("t.t AS time_ns", "CASE WHEN e.time_ns IS NULL THEN NULL ELSE t.t END AS time_ns")
    ordered = results.store.batches(
        f"SELECT {stamped} FROM events e JOIN timeline t USING (eid) WHERE t.t >= ? AND t.t < ? ORDER BY e.eid",
        ROWS_AT_ONCE,
        [start, end],
    )
    for batch in ordered:
        for line in event_lines(batch, paths, _identifiers(results, batch)):
            out.write(line)


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
