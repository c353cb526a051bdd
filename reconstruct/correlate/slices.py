"""Parts of the logs. For statements whose memory or time would grow with them: what is grouped by event is so in each slice of events on
its own, and what is voted on is so by some of the identifiers. And those that can be placed in time, which journeys are made of."""

from __future__ import annotations

import duckdb

from reconstruct.grammar.stamp_calendar import DAY
from reconstruct.store.database import EID_SHIFT
from reconstruct.store.listing import sql_list

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


def sample_rows(db: duckdb.DuckDBPyConnection, table: str, column: str, most: int) -> str:
    """A condition on ``column`` that leaves about so many rows of a table, the same in every run: all of a value, or none."""
    ((count,),) = db.execute(f"SELECT count(*) FROM {table}").fetchall()
    return f"hash({column}) % {count // most + 1} = 0"


def sample_mentions(db: duckdb.DuckDBPyConnection, most: int) -> str:
    """The same on ``value``, of the mentions."""
    return sample_rows(db, "mentions", "value", most)


def set_timeless_aside(db: duckdb.DuckDBPyConnection) -> None:
    """Make the view ``told``: ``mentions``, but for those of files that name no moment, or days only, where others name moments.

    A table of orders that somebody exported beside the logs names them all, and says nothing of when: each order would begin with it,
    long before anybody placed it, and no visit would own one. Needs ``events`` and ``mentions``.
    """
    # A day alone was read as its midnight.
    found = db.execute(
        f"SELECT source, count(*) FILTER (time_ns % {DAY} <> 0) > 0 FROM events GROUP BY source ORDER BY source"
    ).fetchall()
    timeless = [source for source, is_timed in found if not is_timed]
    among = f"WHERE eid >> {EID_SHIFT} NOT IN {sql_list(timeless)}"
    db.execute(
        f"CREATE OR REPLACE TEMP VIEW told AS SELECT * FROM mentions {among if 0 < len(timeless) < len(found) else ''}"
    )
