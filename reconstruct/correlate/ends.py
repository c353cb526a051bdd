"""Where the logs end that tell of visits and business: what would have come after that nobody knows. A log of something else that goes on
for weeks, or whose clock ran wild, makes nothing late.

They are taken together. A service whose log falls silent while others go on may have died: what waits for it is stuck.
"""

from __future__ import annotations

from collections.abc import Collection

import duckdb

from reconstruct.grammar.stamp_calendar import DAY
from reconstruct.store.listing import sql_list

WILD_NS = 365 * DAY
"""A few stamps this long after nearly all others of their log are of a clock that ran wild."""

NEARLY_ALL = 0.99
"""Share of the stamps that say until when a log goes on, give or take a year."""


def tabulate_ends(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``log_ends(family, t, tells)``: the last moment of each log. Needs ``timeline``."""
    db.execute(
        f"""
        CREATE OR REPLACE TABLE log_ends AS
        WITH bulk AS (SELECT family, approx_quantile(t, {NEARLY_ALL}) + {WILD_NS} AS latest FROM timeline GROUP BY family)
        SELECT family, max(t) AS t, false AS tells FROM timeline JOIN bulk USING (family) WHERE t <= latest GROUP BY family
        """
    )


def mark_telling(db: duckdb.DuckDBPyConnection, asked: Collection[int]) -> None:
    """Say which logs tell of visits (``asked``: those with requests), or of business objects. Needs ``thing_links``."""
    db.execute(
        f"""
        UPDATE log_ends SET tells = family IN {sql_list(asked)}
            OR family IN (SELECT family FROM thing_links JOIN timeline USING (eid) WHERE rule <> 'batch')
        """
    )


LOGS_END = "(SELECT coalesce(max(t) FILTER (tells), max(t), 0) FROM log_ends)"
"""SQL of that moment, in nanoseconds; where no log tells of any, of the end of all, 0 where there are no events."""
