"""Where each log ends: what it would tell after that nobody knows. A log of something else that goes on for weeks, or whose clock ran
wild, makes nothing late."""

from __future__ import annotations

from collections.abc import Collection

import duckdb


def tabulate_ends(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``log_ends(family, t, visits, works)``: the last moment of each log. Needs ``timeline``."""
    db.execute(
        "CREATE OR REPLACE TABLE log_ends AS"
        " SELECT family, max(t) AS t, false AS visits, false AS works FROM timeline GROUP BY family"
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
