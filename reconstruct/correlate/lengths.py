"""How long before its stamp a request writes lines, where no log says how long it took: combined lines, as most servers write them.

A template whose lines are nearly all followed by a request of the one visitor who is there belongs to such requests, and tells by how
much the slow ones (a payment) take longer than is usual. Where nobody is ever alone (a provider's callback comes right after each payment),
it does if they are followed by requests of routes that hardly come otherwise.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

NEAR_NS = 8 * 1_000_000_000
"""Around a line, no two visitors may ask for anything, and the request may come as long after it."""

LEAST_QUIET = 5
"""Lines of a template that only one visitor was around at, before anything is said of it."""

FOLLOWED = 0.8
"""Share of those that a request must follow."""

USUAL_NS = (1_050_000_000, 500_000_000)
"""Lines this near after and before a request find it anyway (``brackets.serving``): where most do, nothing is learned."""

LEAST_ROUTED = 10
"""Lines of a template before the routes that follow them say anything."""

LOOKED_AT = 200
"""Lines of a template that are looked at for those: shares do not move with more."""

MOST_AROUND = 40
"""Requests within NEAR_NS, in the middle, beyond which what follows a line says nothing."""

ROUTE_SHARE, ROUTE_LIFT = 0.1, 5
"""Share of the lines that a route must follow, and how much more often than at any moment, to be one that they are written for."""

LONGEST_NS = 4 * 1_000_000_000
"""What comes later is the visitor's next page."""

SPREAD = 0.9
"""Share of those requests whose distance counts: the rest waited for something else."""


def find_lengths(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``lengths(template, reach)``: nanoseconds before the stamp of its request that a template's line may be written.

    Needs ``anchors``, ``anchored``, ``waiting_lines(eid, template, t)``, ``events`` and ``timeline``.
    """
    found: dict[int, int] = {}
    told = "JOIN events e USING (eid) WHERE e.method IS NOT NULL AND e.duration_ms IS NOT NULL LIMIT 1"
    if not any(db.execute(f"SELECT 1 FROM {table} {told}").fetchall() for table in ("anchors", "anchored")):
        found = _measure(db)
    reach = pa.table({"template": pa.array(found.keys(), pa.int64()), "reach": pa.array(found.values(), pa.int64())})
    db.register("lengths_in", reach)
    db.execute("CREATE OR REPLACE TEMP TABLE lengths AS SELECT * FROM lengths_in")
    db.unregister("lengths_in")


def _measure(db: duckdb.DuckDBPyConnection) -> dict[int, int]:
    """Template → nanoseconds."""
    asked = db.execute(
        """
        SELECT t.t, a.visit, dense_rank() OVER (ORDER BY coalesce(p.route, e.path)) - 1 AS route
        FROM anchors a JOIN timeline t USING (eid) JOIN events e USING (eid) LEFT JOIN paths p USING (path) WHERE NOT a.asset ORDER BY t.t, a.eid
        """
    ).fetchnumpy()
    lines = db.execute("SELECT template, t FROM waiting_lines").fetchnumpy()
    stamp, visit, t = asked["t"], asked["visit"], lines["t"]
    if not len(stamp):
        return {}
    first, after = np.searchsorted(stamp, t - NEAR_NS), np.searchsorted(stamp, t)
    last = np.searchsorted(stamp, t + NEAR_NS, "right")
    # Changes of visitor between the first and the last request around: none.
    changes = np.concatenate([[0], np.cumsum(visit[1:] != visit[:-1])])
    quiet = last > first
    quiet[quiet] = changes[first[quiet]] == changes[last[quiet] - 1]
    usual = np.searchsorted(stamp, t - USUAL_NS[0]) < np.searchsorted(stamp, t + USUAL_NS[1], "right")
    follows, waits = last > after, stamp[np.minimum(after, len(stamp) - 1)] - t
    found: dict[int, int] = {}
    for each in np.unique(lines["template"]).tolist():
        every = lines["template"] == each
        mine = every & quiet
        if np.count_nonzero(mine) >= LEAST_QUIET:
            if np.mean(usual[mine]) < FOLLOWED and np.mean(follows[mine]) >= FOLLOWED:
                found[each] = int(np.quantile(waits[mine & follows], SPREAD))
        elif np.count_nonzero(every) >= LEAST_ROUTED and np.mean(usual[every]) < FOLLOWED:
            reach = _reach_routes(stamp, asked["route"], np.sort(t[every]))
            if reach is not None:
                found[each] = reach
    return found


def _reach_routes(stamp: NDArray[np.int64], route: NDArray[np.int64], t: NDArray[np.int64]) -> int | None:
    """By how much a template's lines at ``t`` precede the requests that they are written for; None where they are for none that is known."""
    t = t[:: len(t) // LOOKED_AT + 1]
    after, last = np.searchsorted(stamp, t), np.searchsorted(stamp, t + NEAR_NS, "right")
    around = last - after
    if np.median(around) > MOST_AROUND:
        return None
    line = np.repeat(np.arange(len(t)), around)
    request = np.arange(len(line)) - np.repeat(np.cumsum(around) - around, around) + np.repeat(after, around)
    n_routes = int(route.max()) + 1
    pairs = np.unique(line * n_routes + route[request])
    share = np.bincount(pairs % n_routes, minlength=n_routes) / len(t)
    by_chance = np.bincount(route, minlength=n_routes) * (NEAR_NS / max(1, int(stamp[-1] - stamp[0])))
    telling = (share >= ROUTE_SHARE) & (share >= ROUTE_LIFT * by_chance)
    kept = telling[route[request]]
    followed, nearest = np.unique(line[kept], return_index=True)
    if len(followed) < FOLLOWED * len(t):
        return None
    reach = int(np.quantile(stamp[request[kept][nearest]] - t[followed], SPREAD))
    return reach if reach <= LONGEST_NS else None
