"""Requests that only an inner log tells of, as the edge's line of them is missing.

Logs lose lines: a sender drops them, a rotated file was not copied. A visitor's request of which only the application's line is left
still was a visitor's request. What the inner log holds beside those, and no edge ever did, are health checks and what services
ask each other; these are told apart by what usually comes in at the edge: a stray has a method and route, and a browser, of which most
lines of its log repeat a line of the edge.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from reconstruct.correlate.anchoring import anchor_by_identifier, anchor_pairs
from reconstruct.correlate.looks import asked_for
from reconstruct.correlate.pairing import pair_requests
from reconstruct.correlate.tiers import RequestLog
from reconstruct.store.listing import sql_list

REPEATS = 0.5
"""Share of the lines of one method and route, and of one browser, that must repeat a line of the edge."""

SAME_CLIENT = 0.95
"""Share of such pairs that must name the same address for the inner log's to be the visitor's, and not a proxy's; and so with browsers."""


def find_strays(db: duckdb.DuckDBPyConnection, inner: Sequence[RequestLog]) -> None:
    """Make ``strays(eid, client_ip, user_agent)``, address and browser where they are the visitor's.

    ``anchored`` gets what else was written for them: of several inner logs, those with the best view come first. Needs ``anchored``
    with all that the edge explains, ``beginnings``, ``grouped``, ``timeline``, ``events`` and ``paths``.
    """
    db.execute("CREATE OR REPLACE TEMP TABLE strays (eid BIGINT, client_ip VARCHAR, user_agent VARCHAR)")
    if not _find_unexplained(db, [log.family for log in inner]):
        return
    for log in inner:
        found = db.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE new_strays AS
            SELECT DISTINCT ON (coalesce(code, eid)) eid, client_ip, user_agent
            FROM unexplained LEFT JOIN (SELECT eid, min(code) AS code FROM grouped SEMI JOIN unexplained USING (eid) GROUP BY eid) USING (eid)
            ANTI JOIN anchored USING (eid) WHERE family = {log.family} ORDER BY coalesce(code, eid), status IS NULL, eid
            """
        ).fetchall()[0][0]
        if found:
            db.execute("INSERT INTO strays SELECT * FROM new_strays")
            db.execute("INSERT INTO heads SELECT eid FROM new_strays")
            anchor_by_identifier(db, "new_strays")
            _anchor_by_looks(db)


def _find_unexplained(db: duckdb.DuckDBPyConnection, inner: Sequence[int]) -> int:
    """Make ``unexplained(eid, family, status, client_ip, user_agent)``: requests of the inner families that no line of the edge
    explains, of a kind that lines of the edge usually do; gives their number."""
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE left_over AS
        SELECT eid, t.family, e.method, p.route, e.status, e.client_ip, e.user_agent
        FROM timeline t JOIN events e USING (eid) JOIN paths p USING (path) ANTI JOIN anchored USING (eid)
        WHERE t.request AND t.family IN {sql_list(inner)}
        """
    )
    # Lines of the same kinds that the edge explains, and whether it tells the same of them.
    db.execute(
        """
        CREATE OR REPLACE TEMP TABLE of_kind AS
        SELECT t.family, e.method, p.route, e.user_agent, o.method = e.method AND o.path = e.path AS repeats,
               o.client_ip = e.client_ip AS same_address, o.user_agent = e.user_agent AS same_browser
        FROM timeline t JOIN events e USING (eid) JOIN paths p USING (path) LEFT JOIN anchored d USING (eid) LEFT JOIN events o ON o.eid = d.anchor
        SEMI JOIN left_over l ON l.family = t.family AND l.method = e.method AND l.route = p.route
        """
    )
    ((count,),) = db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE unexplained AS
        WITH routes AS (SELECT family, method, route FROM of_kind GROUP BY ALL HAVING count(*) FILTER (repeats) >= {REPEATS} * count(*)),
             browsers AS (SELECT family, user_agent FROM of_kind GROUP BY ALL HAVING count(*) FILTER (repeats) >= {REPEATS} * count(*)),
             told AS (SELECT family, count(*) FILTER (same_address) >= {SAME_CLIENT} * count(same_address) AS addresses,
                             count(*) FILTER (same_browser) >= {SAME_CLIENT} * count(same_browser) AS browsers
                      FROM of_kind WHERE repeats GROUP BY family)
        SELECT eid, family, status, CASE WHEN told.addresses THEN client_ip END AS client_ip,
               CASE WHEN told.browsers THEN l.user_agent END AS user_agent
        FROM left_over l SEMI JOIN routes USING (family, method, route)
        SEMI JOIN browsers b ON b.family = l.family AND b.user_agent IS NOT DISTINCT FROM l.user_agent JOIN told USING (family)
        """
    ).fetchall()
    return int(count)


def _anchor_by_looks(db: duckdb.DuckDBPyConnection) -> None:
    """Hang what other inner logs tell of the newest strays on them."""
    if not db.execute(
        "SELECT 1 FROM unexplained ANTI JOIN anchored USING (eid) ANTI JOIN heads USING (eid) LIMIT 1"
    ).fetchall():
        return
    table = db.sql(
        f"""
        SELECT eid, t.family, t.t, e.user_agent, e.referrer, {asked_for(False)} AS asked, e.status, n.eid IS NULL AS waits
        FROM unexplained u JOIN timeline t USING (eid) JOIN events e USING (eid) LEFT JOIN new_strays n USING (eid)
        ANTI JOIN anchored USING (eid) ANTI JOIN (SELECT eid FROM strays ANTI JOIN new_strays USING (eid)) USING (eid) ORDER BY t.t, eid
        """
    ).to_arrow_table()
    anchor_pairs(db, pair_requests(table, ()))
