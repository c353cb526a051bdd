"""Which access logs stamp a request with the moment it began: Envoy, API Gateway and others do, where most write down its end.

No layout says so, other logs do: what services write while they serve a request lies before its end and after its beginning. So it
lies before the stamps of the one kind of log, and after those of the other.
"""

from __future__ import annotations

import duckdb
import numpy as np

from reconstruct.correlate.calibrate import wilson_lower
from reconstruct.correlate.slices import sample_rows

SAMPLED_REQUESTS = 50_000
SAMPLED_LINES = 500_000
"""Requests and lines of services compared at most: a few hundred would settle it."""

LEAST_LINES = 20
"""Lines on the side that has more of them before it says anything."""

AFTER_SHARE = 2 / 3
"""Share of the lines that must lie after the stamps, at the lower end of its interval: jobs that a request leaves behind lie there, too."""


def find_starting(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``starting(family)``, families of logs. Needs ``anchors``, ``worded``, ``events`` and ``timeline``."""
    db.execute("CREATE OR REPLACE TABLE starting (family INTEGER)")
    asked = db.execute(
        f"""
        WITH resolution AS (
                SELECT family, CASE WHEN bool_or(t % 1000000000 <> 0) THEN 0 ELSE 1000000000 END AS step FROM timeline GROUP BY family)
        SELECT t.family, t.t, (e.duration_ms * 1e6)::BIGINT AS took, step
        FROM anchors a JOIN events e USING (eid) JOIN timeline t USING (eid) JOIN resolution USING (family)
        WHERE NOT a.asset AND e.duration_ms > 0 AND {sample_rows(db, "anchors", "eid", SAMPLED_REQUESTS)}
        """
    ).fetchnumpy()
    if not len(asked["t"]):
        return
    lines = np.sort(
        db.execute(
            f"SELECT t FROM worded JOIN timeline USING (eid) WHERE {sample_rows(db, 'worded', 'eid', SAMPLED_LINES)}"
        ).fetchnumpy()["t"]
    )
    stamp, took = asked["t"], asked["took"]
    over = stamp + asked["step"]  # a stamp of whole seconds may stand for any moment of that second
    before = np.searchsorted(lines, stamp) - np.searchsorted(lines, stamp - took)
    after = np.searchsorted(lines, over + took, "right") - np.searchsorted(lines, over, "right")
    for family in np.unique(asked["family"]).tolist():
        mine = asked["family"] == family
        n_before, n_after = int(before[mine].sum()), int(after[mine].sum())
        if n_after >= LEAST_LINES and wilson_lower(n_after, n_before + n_after) >= AFTER_SHARE:
            db.execute("INSERT INTO starting VALUES (?)", [family])
