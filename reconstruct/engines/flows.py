"""What is counted over many journeys at once: how far they come, which ways they take, where they wait, when they begin.

Every function takes what was chosen of the list of journeys, by columns that ``journeys`` and ``listed`` both have. All
counting is done by the store; what comes back is as large as a screen, not as the logs.
"""

from __future__ import annotations

from typing import Any

from reconstruct.query.compiling import Where
from reconstruct.store.database import Store

Document = dict[str, Any]

CUSTOMER = "customer"
"""Subject of the map of what customers do; other subjects are types of business objects."""

WAYS = 200
"""Ways listed: what comes after has a journey or two each."""
BANDS = 10
"""Bands of the experience score, ten points wide; 100 is in the last."""
SLICES = 120
"""Most slices that time is cut into: two per cell of a chart, as braille has them."""
SLICE_S = (60, 300, 900, 3600, 3 * 3600, 6 * 3600, 86400, 7 * 86400, 30 * 86400)
"""Lengths that people count time in."""
EDGES = 400
GROUPS_LISTED = 5_000
"""Groups and business journeys listed: a filter finds the others."""


def count_journeys(store: Store, chosen: Where) -> Document:
    """How many of a selection end how, and feel how."""
    parameters = chosen.parameters
    journeys = f"SELECT * FROM journeys WHERE {chosen.sql}"

    def by(column: str) -> dict[str, int]:
        sql = f"SELECT {column}, count(*) FROM ({journeys}) WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 1"
        return {str(name): n for name, n in store.rows(sql, parameters)}

    (total,) = store.rows(f"SELECT count(*) FROM ({journeys})", parameters)[0]
    bands = by(f"least(greatest(score, 0) // {100 // BANDS}, {BANDS - 1})")
    business = store.rows(
        f"SELECT b.outcome, count(*) FROM business b JOIN ({journeys}) j ON b.journey = j.seq GROUP BY 1 ORDER BY 1",
        parameters,
    )
    return {
        "journeys": total, "outcomes": by("outcome"), "devices": by("device"),
        "scores": {int(band): n for band, n in bands.items()}, "business": dict(business),
    }  # fmt: skip


def rank_ways(store: Store, subject: str, chosen: Where) -> Document:
    """The ways that journeys of a selection take, most frequent first.

    Returns:
        ``total`` journeys, number of different ``ways``, ``rows`` with ``variant``, ``way``, ``journeys``, ``good`` (how
        many reach their goal, or are fulfilled) and ``p50_ms`` (median duration).
    """
    parameters = chosen.parameters
    if subject == CUSTOMER:
        table, good = f"(SELECT * FROM journeys WHERE {chosen.sql})", "achieved"
    else:
        table, good = f"(SELECT * FROM business WHERE type = ? AND listed IN {chosen.listed})", "fulfilled"
        parameters = (subject, *parameters)
    rows = store.rows(
        f"""
        SELECT variant, any_value(way), count(*) AS n, count(*) FILTER (outcome = '{good}'), median(duration_ms)::BIGINT
        FROM {table} WHERE len(way) > 0 GROUP BY variant ORDER BY n DESC, variant
        """,
        parameters,
    )
    listed = [
        {"variant": variant, "way": way, "journeys": n, "good": fine, "p50_ms": p50}
        for variant, way, n, fine, p50 in rows[:WAYS]
    ]
    return {"total": sum(row[2] for row in rows), "ways": len(rows), "rows": listed}


def draw_map(store: Store, subject: str, chosen: Where) -> Document:
    """What follows what, and after how long.

    Returns:
        ``total`` (journeys), ``nodes`` in usual order: ``activity``, ``service``, ``journeys`` that have it, ``times`` it
        happens, ``failed`` of these, ``first`` and ``last`` (journeys that begin and end with it), ``position`` (median
        place of the first time); ``edges``: ``from``, ``to``, ``times``, ``journeys`` that take it, ``p50_ms``, ``p95_ms``,
        ``wait_ms`` (sum of all waits).
    """
    moves, parameters = _moves(subject, chosen)
    nodes = store.rows(
        f"""
        SELECT name, mode(service), count(DISTINCT thing) AS n, count(*), count(*) FILTER (NOT ok),
               count(*) FILTER (position = 0), count(*) FILTER (position = last), median(position) FILTER (position = begin) AS middle
        FROM ({moves}) GROUP BY name ORDER BY middle, avg(position) FILTER (position = begin), n DESC, name
        """,
        parameters,
    )
    edges = store.rows(
        f"""
        SELECT before, name, count(*) AS n, count(DISTINCT thing),
               quantile_cont(wait_ms, .5)::BIGINT, quantile_cont(wait_ms, .95)::BIGINT, sum(wait_ms)::BIGINT
        FROM ({moves}) WHERE before IS NOT NULL AND before <> name
        GROUP BY ALL ORDER BY n DESC, before, name LIMIT {EDGES}
        """,
        parameters,
    )
    (total,) = store.rows(f"SELECT count(DISTINCT thing) FROM ({moves})", parameters)[0]
    named = ("activity", "service", "journeys", "times", "failed", "first", "last", "position")
    taken = ("from", "to", "times", "journeys", "p50_ms", "p95_ms", "wait_ms")
    return {
        "total": total,
        "nodes": [dict(zip(named, row, strict=True)) for row in nodes],
        "edges": [dict(zip(taken, row, strict=True)) for row in edges],
    }


def _moves(subject: str, chosen: Where) -> tuple[str, tuple[object, ...]]:
    """Every activity of a subject's journeys, with what came before it and the wait between."""
    parameters = chosen.parameters
    if subject == CUSTOMER:
        base = f"""
            SELECT journey AS thing, position, name_activity(activity) AS name, NULL::VARCHAR AS service, ok, lag(dwell_ms) OVER w AS wait_ms
            FROM touchpoints WHERE journey IN {chosen.listed} WINDOW w AS (PARTITION BY journey ORDER BY position)"""
    else:
        base = f"""
            SELECT s.business AS thing, position, name_activity(activity) AS name, service, status <> 'failed' AS ok,
                   CASE WHEN position > 0 THEN wait_ms END AS wait_ms
            FROM steps s JOIN business b ON b.number = s.business WHERE b.type = ? AND b.listed IN {chosen.listed}"""
        parameters = (subject, *parameters)
    moves = f"""
        SELECT *, lag(name) OVER w AS before, max(position) OVER (PARTITION BY thing) AS last,
               min(position) OVER (PARTITION BY thing, name) AS begin
        FROM ({base}) WINDOW w AS (PARTITION BY thing ORDER BY position)"""
    return moves, parameters


def list_subjects(store: Store) -> list[Document]:
    """Whose ways there are: the customer's, then types of business objects, those with most steps first."""
    (customers,) = store.rows("SELECT count(*) FROM journeys")[0]
    found = store.rows("SELECT type, count(*), sum(n_steps) AS n FROM business GROUP BY 1 ORDER BY n DESC, type")
    subjects = [{"subject": CUSTOMER, "journeys": customers}] if customers else []
    return subjects + [{"subject": name, "journeys": n} for name, n, _ in found]


GROUPS = {
    "customer": "customer", "outcome": "outcome", "channel": "channel", "device": "device", "variant": "variant", "goal": "goal",
    "day": "started_at[:10]", "stage_reached": "stage_reached", "agent_kind": "agent_kind",
}  # fmt: skip
"""What the journey list may be grouped by, and the expression of each."""


def group_journeys(store: Store, by: str, chosen: Where) -> list[Document]:
    """The rows of the list in groups: ``name``, ``way`` (of a variant), ``journeys``, how many end how, ``score``,
    ``n_errors``, ``first`` and ``last`` (begin of a journey), ``p50_ms``. Raises ValueError."""
    if by not in GROUPS:
        raise ValueError(f"journeys cannot be grouped by {by}")
    way = "any_value(way)" if by == "variant" else "NULL"
    found = store.arrow(
        f"""
        SELECT {GROUPS[by]} AS name, {way} AS way, count(*) AS journeys, count(*) FILTER (outcome IN ('achieved', 'fulfilled')) AS good,
               count(*) FILTER (outcome = 'failed') AS bad, count(*) FILTER (outcome = 'abandoned') AS abandoned,
               round(avg(score), 1) AS score, sum(n_errors)::BIGINT AS n_errors, min(started_at) AS first, max(started_at) AS last,
               median(duration_ms)::BIGINT AS p50_ms
        FROM listed WHERE {chosen.sql} GROUP BY 1 ORDER BY journeys DESC, name NULLS LAST LIMIT {GROUPS_LISTED}
        """,
        chosen.parameters,
    )
    rows: list[Document] = found.to_pylist()
    return rows


def list_business(store: Store, chosen: Where) -> list[Document]:
    """The business journeys of the list's rows, in order of their begin, with ``journey_id`` (or their own id, where no
    session is known) and the ``customer``."""
    found = store.arrow(
        f"""
        SELECT b.id, b.type, b.object, b.outcome, b.amount, b.currency, b.started_at, b.duration_ms, b.n_steps, b.way, b.variant,
               coalesce(j.id, b.id) AS journey_id, j.customer
        FROM business b JOIN (SELECT * FROM listed WHERE {chosen.sql}) j ON b.listed = j.seq
        ORDER BY b.started_at, b.number LIMIT {GROUPS_LISTED}
        """,
        chosen.parameters,
    )
    rows: list[Document] = found.to_pylist()
    return rows


def count_over_time(store: Store, chosen: Where) -> Document:
    """When journeys of a selection begin.

    Returns:
        ``slice_s`` and ``rows``, gapless: ``at`` (begin of the slice, ISO 8601), ``journeys``, ``good``, ``bad``.
    """
    begun = f"(SELECT epoch(started_at::TIMESTAMP)::BIGINT AS s, outcome FROM journeys WHERE {chosen.sql})"
    first, last = store.rows(f"SELECT min(s), max(s) FROM {begun}", chosen.parameters)[0]
    if first is None:
        return {"slice_s": 0, "rows": []}
    length = next((each for each in SLICE_S if (last // each - first // each) < SLICES), SLICE_S[-1])
    rows = store.rows(
        f"""
        SELECT strftime(make_timestamp(slice * {length * 1_000_000}), '%Y-%m-%dT%H:%M:%SZ'), count(s),
               count(*) FILTER (outcome = 'achieved'), count(*) FILTER (outcome = 'failed')
        FROM range({first // length}, {last // length + 1}) AS slices(slice) LEFT JOIN {begun} ON s // {length} = slice
        GROUP BY slice ORDER BY slice
        """,
        chosen.parameters,
    )
    return {
        "slice_s": length,
        "rows": [dict(zip(("at", "journeys", "good", "bad"), row, strict=True)) for row in rows],
    }
