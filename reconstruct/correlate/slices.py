"""Parts of the logs, for statements whose memory or time would grow with them: what is grouped by event is so in each slice of events on
its own, and what is voted on is so by some of the identifiers."""

from __future__ import annotations

import duckdb

SLICE_EVENTS = 2_000_000
"""Events of a slice: what a statement keeps of so many stays within the database's memory (500 MB), whatever the logs name."""


def slice_events(db: duckdb.DuckDBPyConnection) -> list[tuple[int, int]]:
    """Ranges of eids, first and last, that together hold all events; about SLICE_EVENTS in each."""
    ((count, first, last),) = db.execute("SELECT count(*), min(eid), max(eid) FROM events").fetchall()
    if not count:
        return []
    parts = -(-count // SLICE_EVENTS)
    shares = [number / parts for number in range(1, parts)]
    cuts = db.execute(f"SELECT approx_quantile(eid, {shares}) FROM events").fetchall()[0][0] if shares else []
    starts = sorted({first, *(cut for cut in cuts if first < cut <= last)})
    return list(zip(starts, [start - 1 for start in starts[1:]] + [last], strict=True))


def sample_mentions(db: duckdb.DuckDBPyConnection, most: int) -> str:
    """A condition on ``value`` that leaves about so many of the mentions: all of a value, or none."""
    ((count,),) = db.execute("SELECT count(*) FROM mentions").fetchall()
    return f"hash(value) % {count // most + 1} = 0"
