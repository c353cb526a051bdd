"""Where nothing else tells visitors apart, whom their requests name does.

A service behind others may write down neither address nor browser nor session, and only who is signed in: on the line of the
request, or on another line of it. Requests of the same customer are then visits, with the usual silence between them. What nobody
is signed in for stays without a visit.
"""

from __future__ import annotations

import duckdb

from reconstruct.correlate.owners import GROUP_CAP
from reconstruct.store.listing import sql_list

CUSTOMER_CONFIDENCE = 0.95
"""That what one customer does at a time is one visit: now and then it is two, on a telephone and on a desk."""


def find_signed_in(db: duckdb.DuckDBPyConnection, edge: list[int], customer_types: list[int]) -> int | None:
    """Make ``signed_in(eid, type, value, multi)``, like ``typed``: the one customer each request of the edge families names.

    Gives the type, of which most requests name one; None where requests tell of visitors otherwise, or name no customers.
    Needs ``log_events``, ``typed`` and ``grouped``.
    """
    if not edge or not customer_types:
        return None
    asked = f"""
        SELECT eid, e.client_ip, e.user_agent FROM log_events e
        WHERE e.method IS NOT NULL AND e.path IS NOT NULL AND family IN {sql_list(edge)}
    """
    if db.execute(f"SELECT 1 FROM ({asked}) WHERE client_ip IS NOT NULL OR user_agent IS NOT NULL LIMIT 1").fetchall():
        return None
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE signed_in AS
        WITH asked AS ({asked}),
             named AS (SELECT eid, type, value FROM typed WHERE type IN {sql_list(customer_types)} AND NOT multi),
             few AS (SELECT code FROM grouped GROUP BY code HAVING count(*) <= {GROUP_CAP}),
             told AS (
                SELECT eid, type, value FROM asked JOIN named USING (eid)
                UNION
                SELECT g.eid, n.type, n.value FROM asked JOIN grouped g USING (eid) SEMI JOIN few USING (code)
                JOIN grouped h USING (code) JOIN named n ON n.eid = h.eid)
        SELECT eid, type, any_value(value) AS value, false AS multi FROM told GROUP BY eid, type HAVING count(*) = 1
        """
    )
    best = db.execute("SELECT type FROM signed_in GROUP BY type ORDER BY count(*) DESC, type LIMIT 1").fetchall()
    return int(best[0][0]) if best else None
