"""Logs whose addresses are not visitors' but those of what stands in front: the nodes of a balancer, the servers of a delivery network.

Such an address says nothing of who asked, and takes visits apart where every request comes by another one. It shows in the data: visitors
keep their address from page to page.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from reconstruct.correlate.pairing import SAME_REQUEST_NS
from reconstruct.store.listing import sql_list

STAYING = 0.8
"""Share of requests that come from the address of the same visitor's request before, in a log that knows visitors' addresses: even on a
train an address lasts for some pages. Of two nodes taken in turn it is a half."""

LEAST_FOLLOWING = 20
"""Requests that follow another of the same visitor before that is believed."""

MOST_WANDERING = 4_096
"""Addresses of a log beyond which they are visitors': delivery networks ask from some hundreds."""

SAMPLE = 4_096
"""Requests with a referrer that are looked at, about."""

REACH_NS = 30 * 60 * 1_000_000_000
"""A page that a browser opened only once for so long, and that is a referrer of it, is the visitor's."""


def find_wandering(db: duckdb.DuckDBPyConnection, session_types: Sequence[int]) -> set[int]:
    """Families in which one visitor's requests come from ever other addresses, by the sessions they name, or by the page of the same
    browser they come from. Needs ``log_events`` and ``typed``."""
    counts = db.execute(
        "SELECT family, count(referrer), approx_count_distinct(client_ip) FROM log_events"
        " WHERE method IS NOT NULL AND path IS NOT NULL AND client_ip IS NOT NULL GROUP BY family"
    ).fetchall()
    families = [family for family, _, addresses in counts if 1 < addresses <= MOST_WANDERING]
    if not families:
        return set()
    stays = _follow_sessions(db, families, session_types)
    referring = {family: count for family, count, _ in counts if family in families and family not in stays}
    if sum(referring.values()) >= LEAST_FOLLOWING:
        stays |= _follow_pages(db, list(referring), sum(referring.values()))
    return {family for family, share in stays.items() if share < STAYING}


def _follow_sessions(
    db: duckdb.DuckDBPyConnection, families: list[int], session_types: Sequence[int]
) -> dict[int, float]:
    """Per family that says enough, the share of the requests of a session that come from the address of the one before."""
    rows = db.execute(
        f"""
        WITH asked AS (
            SELECT family, client_ip = lag(client_ip) OVER (PARTITION BY family, type, value ORDER BY time_ns, eid) AS stays
            FROM log_events JOIN typed USING (eid)
            WHERE method IS NOT NULL AND path IS NOT NULL AND type IN {sql_list(session_types)} AND NOT multi AND list_contains(?, family))
        SELECT family, avg(stays::INT) FROM asked GROUP BY family HAVING count(stays) >= {LEAST_FOLLOWING}
        """,
        [families],
    ).fetchall()
    return dict(rows)


def _follow_pages(db: duckdb.DuckDBPyConnection, families: list[int], referring: int) -> dict[int, float]:
    """The same for a page and what is asked for from there, by the referrer: of pages that the browser opened only once within REACH_NS
    before, as others may have that browser too. ``referring``: requests with a referrer."""
    rows = db.execute(
        f"""
        WITH followed AS (
                SELECT t.family, t.t, eid, user_agent, client_ip, regexp_extract(referrer, '^(?:https?://[^/?#]*)?(/[^?#]*)', 1) AS path
                FROM timeline t JOIN events e USING (eid)
                WHERE t.request AND list_contains(?, t.family) AND referrer IS NOT NULL AND hash(referrer) % {max(1, referring // SAMPLE)} = 0),
             seen AS (
                SELECT t.family, t.t, eid, user_agent, client_ip, e.path,
                       t.t - lag(t.t) OVER (PARTITION BY user_agent, e.path ORDER BY t.t) AS since
                FROM timeline t JOIN events e USING (eid) SEMI JOIN followed f ON f.user_agent = e.user_agent AND f.path = e.path
                WHERE t.request AND e.path <> ''),
             opened AS (  -- several servers may tell of it
                SELECT t, user_agent, path, lag(t) OVER (PARTITION BY user_agent, path ORDER BY t) AS before
                FROM seen WHERE since IS NULL OR since > {SAME_REQUEST_NS}),
             led AS (
                SELECT f.*, o.t AS page FROM followed f ASOF JOIN opened o ON f.user_agent = o.user_agent AND f.path = o.path AND f.t >= o.t
                WHERE f.t - o.t < {REACH_NS} AND (o.before IS NULL OR f.t - o.before >= {REACH_NS})),
             pages AS (SELECT DISTINCT family, user_agent, path, page FROM led),
             asked AS (
                SELECT family, user_agent,
                       client_ip = lag(client_ip) OVER (PARTITION BY family, user_agent, path, page ORDER BY t, eid) AS stays
                FROM (FROM led UNION ALL BY NAME
                      SELECT family, t, eid, user_agent, client_ip, path, page FROM seen JOIN pages USING (family, user_agent, path)
                      WHERE t - page BETWEEN 0 AND {SAME_REQUEST_NS})),
             browsers AS (  -- a fleet of robots with ever other addresses has one, and is one of many
                SELECT family, user_agent, avg(stays::INT) AS stays, count(stays) AS n FROM asked GROUP BY ALL)
        SELECT family, avg(stays) FROM browsers GROUP BY family HAVING sum(n) >= {LEAST_FOLLOWING}
        """,
        [families],
    ).fetchall()
    return dict(rows)
