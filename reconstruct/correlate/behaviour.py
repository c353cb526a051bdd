"""What programs do that do not say what they are: asking for one thing over and over.

A carrier's callbacks and a scraper's product pages come from no person, and nothing in ``okhttp/4.12`` says so: the same library
sits in the shop's own app. What is done tells them apart. A client of people goes from one thing to another, or carries a session.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from reconstruct.store.listing import sql_list

LEAST_REQUESTS = 20
"""Requests of a user agent before it has habits: a person with curl asks less often."""

ONE_ROUTE = 0.9
"""Share of its requests that go to one route, the method counted in."""

PER_ADDRESS = 5
"""Requests for each address it comes from: what thirty addresses ask once each are thirty people with an odd browser."""

REASON = "asks for one thing over and over"


def judge_programs(db: duckdb.DuckDBPyConnection, session_types: Sequence[int]) -> None:
    """Make those of ``agents`` robots that are no browsers and behave like none: one route, no session, no page they came from.

    Needs ``anchors``, ``paths``, ``typed`` and ``agents``.
    """
    db.execute(
        f"""
        UPDATE agents SET kind = 'bot', reason = '{REASON}' WHERE kind = 'unknown' AND user_agent IN (
            WITH asked AS (
                SELECT e.user_agent, e.eid, e.method, p.route, e.referrer, n.visitor
                FROM anchors n JOIN events e USING (eid) JOIN paths p USING (path)
                JOIN agents g USING (user_agent) WHERE g.kind = 'unknown'),
                 routes AS (SELECT user_agent, method, route, count(*) AS n, count(referrer) AS came FROM asked GROUP BY ALL),
                 places AS (SELECT user_agent, count(DISTINCT visitor) AS addresses FROM asked GROUP BY user_agent),
                 carries AS (SELECT DISTINCT user_agent FROM asked
                             SEMI JOIN (SELECT eid FROM typed WHERE type IN {sql_list(session_types)}) USING (eid))
            SELECT user_agent FROM routes JOIN places USING (user_agent) ANTI JOIN carries USING (user_agent)
            GROUP BY user_agent, addresses
            HAVING sum(n) >= {LEAST_REQUESTS} AND max(n) >= {ONE_ROUTE} * sum(n) AND sum(came) = 0
               AND sum(n) >= {PER_ADDRESS} * addresses)
        """
    )
