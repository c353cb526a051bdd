"""Which ways business journeys take, and how long each of their steps is waited for: what sets of journeys are compared by."""

from __future__ import annotations

import pyarrow as pa

from reconstruct.measures.business import COUNTED, OPEN
from reconstruct.measures.chosen import Chosen

ARROW = " › "
"""Between the steps of a way."""

OVER = f"outcome <> '{OPEN}' AND {COUNTED}"
"""What is in progress has not gone its way yet."""

_FIRST_TIME = """
    SELECT b.type, s.business, s.activity, min_by(s.wait_ms, s.position) AS wait_ms, min(s.position) AS position, any_value(outcome) AS outcome,
           any_value(b.id) AS id, any_value(b.object) AS object, any_value(b.listed) AS listed
    FROM steps s JOIN business b ON b.number = s.business GROUP BY ALL"""
"""The first time that a business journey comes to an activity: what is done again was not waited for."""


def list_waits(chosen: Chosen) -> pa.Table:
    """Per step, by type of object: ``name`` (``order: Order shipped``) and ``ms``, the waits before it. The first step waits for nothing."""
    return chosen.arrow(
        f"({_FIRST_TIME})",
        "listed",
        "type || ': ' || activity AS name, list(wait_ms) AS ms",
        "AND position > 0 AND wait_ms IS NOT NULL GROUP BY 1 ORDER BY 1",
    )


def count_steps(chosen: Chosen) -> list[tuple[str, str, int]]:
    """(type, activity, business journeys that are over and have it)"""
    return chosen.rows(
        f"({_FIRST_TIME})", "listed", "type, activity, count(*)", f"AND {OVER} GROUP BY ALL ORDER BY ALL"
    )


def count_variants(chosen: Chosen) -> list[tuple[str, str, int]]:
    """(type, steps in order, business journeys that are over and went so); a repetition in a row is told once."""
    told = """
        SELECT business, string_agg(activity, ?1 ORDER BY position) AS way FROM (
            SELECT business, activity, position, lag(activity) OVER (PARTITION BY business ORDER BY position) AS before FROM steps
        ) WHERE before IS DISTINCT FROM activity GROUP BY business""".replace("?1", f"'{ARROW}'")
    return chosen.rows(
        f"business JOIN ({told}) ON business = number",
        "listed",
        "type, way, count(*)",
        f"AND {OVER} GROUP BY ALL ORDER BY ALL",
    )


def count_over(chosen: Chosen) -> dict[str, int]:
    """Type → business journeys that are over."""
    return chosen.counts("business", "listed", "type", OVER)


def list_followed(chosen: Chosen) -> pa.Table:
    """Per type of object: ``name`` and ``ms``, how long each business journey could be followed, from its begin to the end of the logs."""
    return chosen.arrow(
        "business, (SELECT make_timestamp(max(t) // 1000) AS logs_end FROM timeline)",
        "listed",
        "type AS name, list(date_diff('millisecond', CAST(started_at AS TIMESTAMP), logs_end)) AS ms",
        f"AND {COUNTED} AND started_at IS NOT NULL GROUP BY 1 ORDER BY 1",
    )
