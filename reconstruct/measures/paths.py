"""Which ways business journeys take, and how long each of their steps is waited for: what sets of journeys are compared by."""

from __future__ import annotations

import pyarrow as pa

from reconstruct.correlate.ends import LOGS_END
from reconstruct.measures.business import COUNTED, ONCE, OPEN
from reconstruct.measures.chosen import PEOPLE, Chosen, named, within
from reconstruct.query.syntax import Node, Not

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


def count_met(chosen: Chosen) -> dict[str, int]:
    """Step, by type of object (``order: Order shipped``) → business journeys that have it, over or not."""
    return dict(
        chosen.rows(f"({_FIRST_TIME})", "listed", "type || ': ' || activity AS name, count(*)", "GROUP BY 1 ORDER BY 1")
    )


def count_variants(chosen: Chosen) -> list[tuple[str, str, str, int]]:
    """(type, variant, its way, business journeys that are over and took it)"""
    told = f"type, variant, any_value(array_to_string(way, '{ARROW}')), count(*)"
    return chosen.rows("business", "listed", told, f"AND {OVER} AND len(way) > 0 GROUP BY type, variant ORDER BY ALL")


def count_customer_variants(chosen: Chosen) -> list[tuple[str, str, int]]:
    """(variant, its way, journeys of people that took it)"""
    told = f"variant, any_value(array_to_string(way, '{ARROW}')), count(*)"
    return chosen.rows("journeys", "seq", told, f"AND {PEOPLE} AND len(way) > 0 GROUP BY variant ORDER BY ALL")


def query_over(chosen: Chosen, type_: str, *nodes: Node) -> str | None:
    """The query of business journeys of a type that are over and meet some conditions."""
    return chosen.query(within("business", [named("type", type_), ONCE, Not(named("outcome", OPEN)), *nodes]))


def count_over(chosen: Chosen) -> dict[str, int]:
    """Type → business journeys that are over."""
    return chosen.counts("business", "listed", "type", OVER)


def list_followed(chosen: Chosen) -> pa.Table:
    """Per type of object: ``name`` and ``ms``, how long each business journey could be followed, from its begin to the end of the logs."""
    return chosen.arrow(
        f"business, (SELECT make_timestamp({LOGS_END} // 1000) AS logs_end)",
        "listed",
        "type AS name, list(date_diff('millisecond', CAST(started_at AS TIMESTAMP), logs_end)) AS ms",
        f"AND {COUNTED} AND started_at IS NOT NULL GROUP BY 1 ORDER BY 1",
    )
