"""How long before its stamp a request writes lines, where no log says how long it took: combined lines, as most servers write them.

A template whose lines are nearly all followed by a request of the one visitor who is there belongs to such requests, and tells by how
much the slow ones (a payment) take longer than is usual.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

NEAR_NS = 8 * 1_000_000_000
"""Around a line, no two visitors may ask for anything, and the request may come as long after it."""

LEAST_QUIET = 5
"""Lines of a template that only one visitor was around at, before anything is said of it."""

FOLLOWED = 0.8
"""Share of those that a request must follow."""

USUAL_NS = (1_050_000_000, 500_000_000)
"""Lines this near after and before a request find it anyway (``brackets.serving``): where most do, nothing is learned."""

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
        "SELECT t.t, a.visit FROM anchors a JOIN timeline t USING (eid) WHERE NOT a.asset ORDER BY t.t, a.eid"
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
    template, follows = lines["template"][quiet], (last > after)[quiet]
    usual = np.searchsorted(stamp, t - USUAL_NS[0]) < np.searchsorted(stamp, t + USUAL_NS[1], "right")
    waits = stamp[np.minimum(after[quiet], len(stamp) - 1)] - t[quiet]
    found: dict[int, int] = {}
    for each in np.unique(template).tolist():
        mine = template == each
        if np.count_nonzero(mine) < LEAST_QUIET or np.mean(usual[quiet][mine]) >= FOLLOWED:
            continue
        if np.mean(follows[mine]) >= FOLLOWED:
            found[each] = int(np.quantile(waits[mine & follows], SPREAD))
    return found
