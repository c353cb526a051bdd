"""Where each log ends: what it would tell after that nobody knows. A log of something else that goes on for weeks, or whose clock ran
wild, makes nothing late."""

from __future__ import annotations

from collections.abc import Collection

import duckdb

WILD_NS = 365 * 86_400 * 1_000_000_000
"""A few stamps this long after nearly all others of their log are of a clock that ran wild."""

NEARLY_ALL = 0.99
"""Share of the stamps that say until when a log goes on, give or take a year."""


def tabulate_ends(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``log_ends(family, t, visits, works)``: the last moment of each log. Needs ``timeline``."""
    db.execute(
        f"""
        CREATE OR REPLACE TABLE log_ends AS
        WITH bulk AS (SELECT family, approx_quantile(t, {NEARLY_ALL}) + {WILD_NS} AS latest FROM timeline GROUP BY family)
        SELECT family, max(t) AS t, false AS visits, false AS works FROM timeline JOIN bulk USING (family) WHERE t <= latest GROUP BY family
        """
    )


def mark_telling(db: duckdb.DuckDBPyConnection, asked: Collection[int]) -> None:
    """Say which logs tell of visits (``asked``: those with requests), and in which business objects are worked on. Needs
    ``thing_links``."""
    requests = ", ".join(map(str, sorted(asked))) or "-1"
    db.execute(
        f"""
        UPDATE log_ends SET visits = family IN ({requests}),
               works = family IN (SELECT family FROM thing_links JOIN timeline USING (eid) WHERE rule <> 'batch')
        """
    )


def end_of(which: str) -> str:
    """SQL of the last moment of the logs of which ``which`` is true, of all where it is of none; 0 where there are no events."""
    return f"(SELECT coalesce(max(t) FILTER ({which}), max(t), 0) FROM log_ends)"
