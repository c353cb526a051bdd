"""Services that write a request down twice: when it comes in, and when it is answered.

Both lines have method and path, and one request identifier; only the second has a status. The first is then no request of its own
but a line of the other.
"""

from __future__ import annotations

import duckdb

from reconstruct.store.listing import sql_list


def find_beginnings(db: duckdb.DuckDBPyConnection, edge: list[int]) -> None:
    """Make ``beginnings(eid)``: the first lines of requests of the edge families that have both. Needs ``log_events`` and
    ``grouped``."""
    asked = f"""
        SELECT eid, family, e.method, e.path, e.status IS NULL AS begins FROM log_events e
        WHERE e.method IS NOT NULL AND e.path IS NOT NULL AND family IN {sql_list(edge)}
    """
    db.execute("CREATE OR REPLACE TEMP TABLE beginnings (eid BIGINT)")
    # Most logs have lines of one kind only, which shows without reading them all.
    for kind in ("begins", "NOT begins"):
        if not db.execute(f"SELECT 1 FROM ({asked}) WHERE {kind} LIMIT 1").fetchall():
            return
    # An identifier that several requests for one page share says nothing of which line ends which.
    db.execute(
        f"""
        INSERT INTO beginnings
        WITH told AS (SELECT a.*, g.code FROM ({asked}) a JOIN grouped g USING (eid)),
             pairs AS (SELECT code, family, method, path FROM told GROUP BY ALL
                       HAVING count(*) FILTER (NOT begins) = 1)
        SELECT DISTINCT eid FROM told SEMI JOIN pairs USING (code, family, method, path) WHERE begins
        """
    )
