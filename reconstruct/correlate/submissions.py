"""What was sent before a page that is the first to name an object: that brought it into being, where most pages of the kind follow it.

An interface answers ``POST /carts/7/complete`` without a word of the order in its address, and the next request is ``GET /orders/12``. The
order was placed by the first. Whoever asks for the second without having sent anything looks up what was there already.
"""

from __future__ import annotations

import duckdb

from reconstruct.correlate.calibrate import wilson_lower

REACH_NS = 120 * 1_000_000_000
"""How long before the page the form was sent, at most: a payment by another site's page lies between them."""

USUAL = 0.5
"""Share of the pages of a kind that follow what is sent, from which one that does not is a look-up; and share that follow requests
of one route, from which that route brings the object into being."""

RARE = 0.1
"""Share of the pages of a kind that come after something was sent, up to which they are for looking things up: people who look up an order
and then shop, and two visitors taken for one."""

KNOWN_PAGES = 5
"""Pages of a kind before anything is concluded."""


def judge_looks(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``looks(object, eid, sent, confidence, idle)``, a row for each page of a visit that names an object.

    ``sent``: the request that brought the object into being, null where none is known to. ``idle``: the page was a look-up; so is each
    before which its visit sent nothing, where hardly any of the kind comes after something was sent though visits do send.
    Needs ``namings``, ``anchors`` and ``paths``.
    """
    sends = "EXISTS (FROM anchors JOIN events USING (eid) WHERE method IN ('POST', 'PUT', 'PATCH'))"
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE looks AS
        WITH asked AS (SELECT n.object, n.eid, n.t, n.visit, n.first, e.method || ' ' || coalesce(p.route, e.path) AS kind
                       FROM namings n JOIN events e USING (eid) LEFT JOIN paths p USING (path)
                       WHERE visit IS NOT NULL AND e.method IN ('GET', 'HEAD')),
             openings AS (SELECT DISTINCT n.first, a.kind FROM namings n JOIN asked a USING (object, eid) WHERE n.template = n.first),
             pages AS (SELECT object, eid, t, visit, a.kind,
                              o.kind IS NOT NULL AND row_number() OVER (PARTITION BY object, a.kind ORDER BY t, eid) = 1 AS opens
                       FROM asked a LEFT JOIN openings o USING (first, kind)),
             sent AS (SELECT a.visit, t.t, max(a.eid) AS eid, arg_max(e.method || ' ' || coalesce(p.route, e.path), a.eid) AS asked
                      FROM anchors a JOIN events e USING (eid) JOIN timeline t USING (eid) LEFT JOIN paths p USING (path)
                      WHERE e.method IN ('POST', 'PUT', 'PATCH') AND a.visit IN (SELECT visit FROM pages) GROUP BY a.visit, t.t),
             preceded AS (SELECT g.*, s.eid AS sent, s.asked, g.t - s.t AS since
                          FROM pages g ASOF LEFT JOIN sent s ON g.visit = s.visit AND g.t >= s.t),
             counted AS (SELECT kind, count(*) AS n, count(sent) AS ever, count_if(since <= {REACH_NS}) AS soon
                         FROM preceded WHERE opens GROUP BY kind),
             routes AS (SELECT kind, asked, count(*) AS n FROM preceded WHERE opens AND since <= {REACH_NS} GROUP BY ALL),
             usual AS (SELECT kind, max(n) AS n, arg_max(asked, (n, asked)) AS asked FROM routes GROUP BY kind),
             kinds AS (SELECT c.kind, c.n >= {KNOWN_PAGES} AND c.soon >= {USUAL} * c.n AS follows, c.n, u.n AS alike, u.asked,
                              c.n >= {KNOWN_PAGES} AND c.ever <= {RARE} * c.n AND {sends} AS never
                       FROM counted c LEFT JOIN usual u USING (kind))
        SELECT object, eid, CASE WHEN follows AND alike >= {USUAL} * k.n AND p.asked = k.asked AND since <= {REACH_NS} THEN sent END AS sent,
               alike, k.n AS pages, coalesce(never AND sent IS NULL OR follows AND coalesce(since > {REACH_NS}, true), false) AS idle
        FROM preceded p LEFT JOIN kinds k USING (kind)
        """
    )
    rates = db.execute("SELECT DISTINCT alike, pages FROM looks WHERE sent IS NOT NULL ORDER BY ALL").fetchall()
    listed = ", ".join(f"({alike}, {pages}, {wilson_lower(alike, pages)})" for alike, pages in rates) or "(0, 0, 0)"
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE looks AS
        SELECT object, eid, sent, idle, coalesce(rate, 0) AS confidence
        FROM looks LEFT JOIN (VALUES {listed}) rates(alike, pages, rate) USING (alike, pages)
        """
    )


def bear_by_what_was_sent(db: duckdb.DuckDBPyConnection) -> None:
    """Put births seen by a look where they happened, and note with the object the request that was sent and what was written for it.
    Needs ``births``, ``looks``, ``anchored`` and ``thing_links``."""
    db.execute(
        """
        INSERT INTO thing_links
        WITH born AS (SELECT DISTINCT k.sent, k.object, o.type, e.method || ' ' || coalesce(p.route, e.path) AS route, k.confidence
                      FROM looks k SEMI JOIN births USING (object, eid) JOIN things o USING (object)
                      JOIN events e ON e.eid = k.sent LEFT JOIN paths p USING (path)),
             written AS (SELECT sent AS eid, object, type, route, confidence FROM born
                         UNION ALL
                         SELECT a.eid, object, type, route, b.confidence * a.confidence FROM born b JOIN anchored a ON a.anchor = b.sent),
             taken AS (SELECT DISTINCT l.eid, o.type FROM thing_links l JOIN things o USING (object))
        SELECT eid, min(object), 'sent before', 'route', any_value(route), max(confidence) FROM written ANTI JOIN taken USING (eid, type)
        GROUP BY eid, type HAVING min(object) = max(object)
        """
    )
    db.execute(
        """
        UPDATE births SET eid = k.sent, t = s.t FROM looks k JOIN timeline s ON s.eid = k.sent
        WHERE births.object = k.object AND births.eid = k.eid
        """
    )
