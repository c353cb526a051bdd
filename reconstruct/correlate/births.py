"""When a business object was brought into being, and in whose visit.

Most logs hold some hours of a shop that has been open for years: most orders in them were placed before. Whoever looks such an order up, and
the carrier that reports where it is, did not place it, though theirs is the first line that names it here.
"""

from __future__ import annotations

import duckdb

BIRTH_REACH_NS = 120 * 1_000_000_000
"""Where no session is known for the usual birth line, the first lines that name the object stand in for it, up to this long after:
the thank-you page, say. Later ones are callbacks and look-ups."""

KNOWN_BIRTHS = 5
"""Objects of a type whose birth was seen in a session from which on it is known what else such sessions hold."""

AT_HOME = 0.5
"""Share of lines of a kind that stand in the session in which what they name was born, for one of them to tell that session; and share of
births with a request that changes something, for a look to be none."""


def find_births(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``births(object, eid, t, visit, confidence, typical)``: every time an object was (tried to be) brought into being in a session.

    The birth line of a type is the one by which objects of most visitors are first named (``typical``), of those that begin with somebody
    who has looked around and does something, if there are any. Where an object's was not seen, its first line in a session stands for it if
    lines of its kind come up in the sessions in which others are born, or come up nowhere else and somebody did something: the app's own
    checkout. Whoever looks around nowhere, or has to do with more objects than anybody brings into being, has only done so if what begins like
    that goes on like those whose birth was seen: what a partner orders does, what a carrier reports of does not.
    Needs ``things``, ``thing_links``, ``event_visit``, ``anchors``, ``visitors``, ``agents``, ``disguised``, ``worded``,
    ``wordings`` and ``family_services``.
    """
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE namings AS
        WITH named AS (
                SELECT l.object, l.eid, t.t, o.type, v.visit, v.confidence,
                       coalesce(e.method || ' ' || coalesce(p.route, ''), text, '') || log AS template
                FROM thing_links l JOIN things o ON o.object = l.object AND o.type::VARCHAR = l.via_type
                JOIN timeline t USING (eid) JOIN family_services USING (family) JOIN events e USING (eid) LEFT JOIN paths p USING (path)
                LEFT JOIN event_visit v USING (eid)
                LEFT JOIN worded ON worded.eid = l.eid LEFT JOIN wordings USING (wording) WHERE l.rule = 'identifier'),
             begun AS (SELECT object, min(t) AS t0, arg_min(template, (t, eid)) AS first FROM named GROUP BY object),
             callers AS (SELECT visit, min(visitor) AS visitor FROM anchors SEMI JOIN named USING (visit) GROUP BY visit),
             acts AS (SELECT DISTINCT object, visit, true AS acted FROM thing_links JOIN event_visit USING (eid) JOIN events USING (eid)
                      WHERE method NOT IN ('GET', 'HEAD')),
             browsing AS (SELECT DISTINCT visit, true AS browses FROM anchors SEMI JOIN acts USING (visit) JOIN events USING (eid)
                          WHERE method = 'GET' AND NOT asset),
             robots AS (SELECT DISTINCT visit, true AS by_robot FROM anchors JOIN visitors USING (visitor) LEFT JOIN agents USING (user_agent)
                        WHERE kind IN ('bot', 'monitor') OR visitor IN (SELECT visitor FROM disguised))
        SELECT named.*, coalesce(visitor, -1 - visit) AS visitor, first, t <= t0 + {BIRTH_REACH_NS} AS near, coalesce(acted, false) AS acted,
               coalesce(browses, false) AS browses, coalesce(by_robot, false) AS by_robot
        FROM named JOIN begun USING (object) LEFT JOIN acts USING (object, visit) LEFT JOIN robots USING (visit)
             LEFT JOIN callers USING (visit) LEFT JOIN browsing USING (visit)
        """
    )
    db.execute(
        f"""
        CREATE OR REPLACE TABLE births AS
        WITH begun AS (  -- by somebody who looked around and did something, by somebody who did, by somebody, by nobody who is known
                SELECT object, type, first, coalesce(max(1 + acted::TINYINT * (1 + browses::TINYINT)) FILTER (somebodys), 0) AS by_whom,
                       min(visitor) FILTER (somebodys) AS visitor
                FROM (SELECT *, near AND visit IS NOT NULL AND NOT by_robot AS somebodys FROM namings) GROUP BY ALL),
             surest AS (SELECT type, max(by_whom) AS by_whom FROM begun GROUP BY type),
             counted AS (SELECT type, first, count(*) AS n, count(DISTINCT visitor) AS visitors
                         FROM begun SEMI JOIN surest USING (type, by_whom) GROUP BY ALL),
             usual AS (SELECT type, arg_max(first, (visitors, -n, first)) AS usual FROM counted GROUP BY type),
             seen AS (SELECT namings.*, template = usual AS typical FROM namings JOIN usual USING (type) WHERE visit IS NOT NULL),
             homes AS (SELECT object, type, visit, visitor, bool_or(acted) AS acted FROM seen WHERE typical GROUP BY ALL),
             known AS (SELECT type, count_if(acted) >= {AT_HOME} * count(*) AS by_acts FROM homes
                       GROUP BY type HAVING count(DISTINCT object) >= {KNOWN_BIRTHS}),
             habits AS (SELECT type, template, count(h.visit) / count(*) AS at_home
                        FROM seen SEMI JOIN homes USING (object) LEFT JOIN homes h USING (object, type, visit) GROUP BY ALL),
             busy AS (SELECT type, visitor, count(DISTINCT object) AS n FROM seen WHERE near GROUP BY ALL),
             ordinary AS (SELECT type, max(n) AS most FROM busy SEMI JOIN homes USING (type, visitor) GROUP BY type),
             born AS (SELECT type, count(DISTINCT object) AS n FROM homes GROUP BY type),
             courses AS (SELECT type, template FROM namings SEMI JOIN homes USING (object) JOIN born USING (type) WHERE template <> first
                         GROUP BY ALL HAVING count(DISTINCT object) >= {AT_HOME} * any_value(n)),
             going_on AS (SELECT type, first, count(DISTINCT object) FILTER (usual) / count(DISTINCT object) AS alike
                          FROM namings SEMI JOIN courses USING (type) LEFT JOIN (SELECT *, true AS usual FROM courses) USING (type, template)
                          GROUP BY type, first)
        SELECT object, eid, t, visit, confidence, typical
        FROM seen JOIN surest USING (type) LEFT JOIN known USING (type) LEFT JOIN habits USING (type, template)
        LEFT JOIN busy USING (type, visitor) LEFT JOIN ordinary USING (type) LEFT JOIN going_on USING (type, first)
        WHERE typical OR near AND object NOT IN (SELECT object FROM homes) AND (NOT by_robot OR by_whom = 0)
              AND CASE WHEN by_acts IS NULL THEN acted OR by_whom < 2 OR type NOT IN (SELECT type FROM homes)
                       WHEN at_home IS NULL THEN acted OR NOT by_acts ELSE at_home >= {AT_HOME} END
              AND (most IS NULL OR alike >= {AT_HOME} OR busy.n <= most AND (browses OR alike IS NULL))
        ORDER BY object, t, eid
        """
    )
