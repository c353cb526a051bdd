"""Days and years that stamps do not say, from the lines around them.

Takes the sources whose stamps lack the day or the year. The scanner reads such a stamp as the latest moment before the file
was last written, so all events of a file lie within one day (or year), and where the log passed midnight (or the end of
the period) they jump back. The newest entry is right; each jump on the way to the oldest is one day (or year) more.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from reconstruct.grammar.stamp_calendar import CLOCK_SLACK, FILE_SLACK

HOUR_NS = 3_600 * 10**9
DAY_NS = 24 * HOUR_NS

PERIODS = {"day": DAY_NS, "year": 366 * DAY_NS}
SLACKS = {"day": CLOCK_SLACK, "year": FILE_SLACK}
"""How far after the moment they are read against such stamps may lie."""

JUMPS = {"day": 6 * HOUR_NS, "year": 183 * DAY_NS}
"""A step against the direction of the file by more than this has passed the end of the period. Lines of several processes
are seconds out of order, those of machines in different zones a few hours; a log quiet for 18 hours on end hides a
midnight."""


MOST = {"day": 3_660, "year": 50}
"""Most midnights (ten years) and New Years that a file is believed to hold. One with more is not in the order of time, and its
lines say nothing of each other."""

_STEPS = """
    SELECT eid, time_ns, time_ns - lag(time_ns) OVER (ORDER BY eid) AS step
    FROM events WHERE source = $source AND NOT zoned AND time_ns BETWEEN $first AND $last
"""

_EARLIER = {
    "day": f"event_rows.time_ns - count * {DAY_NS}",
    "year": "epoch_us(make_timestamp(event_rows.time_ns // 1000) - to_years(count::INTEGER)) * 1000 + event_rows.time_ns % 1000",
}
"""The moment so many days or years before."""


def complete_dates(db: duckdb.DuckDBPyConnection, undated: Mapping[int, tuple[str, int]]) -> None:
    """Correct ``events.time_ns`` of the sources in ``undated``: source → what its stamps lack (``day`` or ``year``), and the
    moment they were read against. Entries that cannot have been read so, since they lie elsewhere, said it themselves."""
    for source, (lack, anchor_ns) in sorted(undated.items()):
        last = anchor_ns + SLACKS[lack]
        given = {"source": source, "jump": JUMPS[lack], "first": last - PERIODS[lack], "last": last}
        ((forward, backward, ups, downs),) = db.execute(
            f"""
            SELECT count(*) FILTER (step BETWEEN 1 AND $jump), count(*) FILTER (step BETWEEN -$jump AND -1),
                   count(*) FILTER (step > $jump), count(*) FILTER (step < -$jump)
            FROM ({_STEPS})
            """,
            given,
        ).fetchall()
        newest_first = backward > forward
        if not 0 < (ups if newest_first else downs) <= MOST[lack]:
            continue
        passed = "step > $jump" if newest_first else "step < -$jump"
        between = "UNBOUNDED PRECEDING AND CURRENT ROW" if newest_first else "1 FOLLOWING AND UNBOUNDED FOLLOWING"
        db.execute(
            f"""
            UPDATE event_rows SET time_ns = {_EARLIER[lack]} FROM (
                SELECT eid, count(*) FILTER ({passed}) OVER (ORDER BY eid ROWS BETWEEN {between}) AS count FROM ({_STEPS})
            ) AS shifts WHERE event_rows.eid = shifts.eid AND count > 0
            """,
            given,
        )
