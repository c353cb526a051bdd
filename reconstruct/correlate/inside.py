"""What the logs behind the edge tell of a request that the edge's line does not: where it came from, and of which session it is.

A load balancer knows the visitor's address and writes down neither referrer nor cookie; the web servers behind it write both, and the
balancer's address for everybody. Each of the two sees half of the visitor, and lines of one request belong to one.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from reconstruct.store.listing import sql_list


def tell_referrers(db: duckdb.DuckDBPyConnection, edge: Sequence[int]) -> bool:
    """Make ``referred(eid, referrer)``: the referrers of requests of the edge families that never tell any, by lines of other logs for
    the same request and path; False where there are none. Needs ``anchored``, ``timeline`` and ``events``."""
    ((count,),) = db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE referred AS
        WITH silent AS (SELECT family FROM timeline JOIN events USING (eid) WHERE request AND family IN {sql_list(edge)}
                        GROUP BY family HAVING count(referrer) = 0)
        SELECT a.anchor AS eid, min(e.referrer) AS referrer
        FROM anchored a JOIN events e USING (eid) JOIN timeline t ON t.eid = a.anchor JOIN events o ON o.eid = a.anchor
        WHERE t.family IN (FROM silent) AND e.referrer IS NOT NULL AND e.method = o.method AND e.path = o.path GROUP BY a.anchor
        """
    ).fetchall()
    return bool(count)


def tell_sessions(db: duckdb.DuckDBPyConnection, edge: Sequence[int], session_types: Sequence[int]) -> bool:
    """Make ``typed_sessions``, as ``typed``: what requests of the edge families name of these types, and of those that none of them names
    what other lines of the request do; False where there are none of the latter. Needs ``anchored``, ``timeline`` and ``typed``."""
    types = sql_list(session_types)
    ((count,),) = db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE typed_sessions AS
        WITH own AS (SELECT y.* FROM typed y JOIN timeline t USING (eid) WHERE type IN {types} AND t.request AND t.family IN {sql_list(edge)})
        SELECT DISTINCT a.anchor AS eid, type, value, multi FROM anchored a JOIN typed USING (eid)
        WHERE type IN {types} AND type NOT IN (SELECT type FROM own)
        """
    ).fetchall()
    if count:
        db.execute(f"INSERT INTO typed_sessions SELECT eid, type, value, multi FROM typed WHERE type IN {types}")
    return bool(count)
