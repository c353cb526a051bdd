"""When a business object was brought into being, and in whose visit.

Most logs hold some hours of a shop that has been open for years: most orders in them were placed before. Whoever looks such an order up, and
the carrier that reports where it is, did not place it, though theirs is the first line that names it here.
"""

from __future__ import annotations

import duckdb

from reconstruct.correlate.submissions import bear_by_what_was_sent, judge_looks

BIRTH_REACH_NS = 120 * 1_000_000_000
"""Where no session is known for the usual birth line, the first lines that name the object stand in for it, up to this long after:
the thank-you page, say. Later ones are callbacks and look-ups."""

KNOWN_BIRTHS = 5
"""Objects of a type whose birth was seen in a session from which on it is known what else such sessions hold."""

AT_HOME = 0.5
"""Share of lines of a kind that stand in the session in which what they name was born, for one of them to tell that session; and share of
births with a request that changes something, for a look to be none."""

NOBODY, SOMEBODY, SOMEBODY_WHO_ACTS, CUSTOMER = range(4)
"""Who first names an object: nobody who is known, a visit, one that changes something of it, one that has also looked around."""


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
    _gather_namings(db)
    judge_looks(db)
    _find_usual(db)
    _find_homes(db)
    _judge_callers(db)
    db.execute(
        f"""
        CREATE OR REPLACE TABLE births AS
        SELECT object, eid, t, visit, confidence, typical
        FROM named_in_visits LEFT JOIN born_by_acts USING (type) LEFT JOIN home_habits USING (type, template)
        LEFT JOIN callers USING (type, visitor) LEFT JOIN busiest_at_home USING (type) LEFT JOIN going_on USING (type, first)
        WHERE typical OR near AND object NOT IN (SELECT object FROM birth_homes) AND (NOT by_robot OR by_whom = {NOBODY})
              AND CASE WHEN by_acts IS NULL THEN acted OR by_whom < {SOMEBODY_WHO_ACTS} OR type NOT IN (SELECT type FROM birth_homes)
                       WHEN at_home IS NULL THEN acted OR NOT by_acts ELSE at_home >= {AT_HOME} END
              AND (most IS NULL OR alike >= {AT_HOME} OR callers.n <= most AND (browses OR alike IS NULL))
        ORDER BY object, t, eid
        """
    )
    bear_by_what_was_sent(db)
    _bear_by_what_led(db)


def _gather_namings(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``namings``: every line that names an object by its identifier, what kind of line it is (``template``), by which kind its object
    was first named, whether that was just before, and what its visit is like: ``acted`` on the object, ``browses``, is ``by_robot``."""
    db.execute(
        """
        CREATE OR REPLACE TEMP TABLE robot_visits AS
        SELECT DISTINCT visit FROM anchors JOIN visitors USING (visitor) LEFT JOIN agents USING (user_agent)
        WHERE kind IN ('bot', 'monitor') OR visitor IN (SELECT visitor FROM disguised)
        """
    )
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
                          WHERE method = 'GET' AND NOT asset)
        SELECT named.*, coalesce(visitor, -1 - visit) AS visitor, first, t <= t0 + {BIRTH_REACH_NS} AS near, coalesce(acted, false) AS acted,
               coalesce(browses, false) AS browses, visit IN (SELECT visit FROM robot_visits) IS TRUE AS by_robot
        FROM named JOIN begun USING (object) LEFT JOIN acts USING (object, visit)
             LEFT JOIN callers USING (visit) LEFT JOIN browsing USING (visit)
        """
    )


def _find_usual(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``named_in_visits``: the namings in visits that are no mere look-ups, with the surest kind of people who first name objects of the
    type (``by_whom``), and whether it is the kind of line by which those name most of them first (``typical``)."""
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE named_in_visits AS
        WITH begun AS (
                SELECT object, type, first, min(visitor) FILTER (somebodys) AS visitor,
                       coalesce(max(CASE WHEN NOT acted THEN {SOMEBODY} WHEN NOT browses THEN {SOMEBODY_WHO_ACTS} ELSE {CUSTOMER} END)
                                FILTER (somebodys), {NOBODY}) AS by_whom
                FROM (SELECT *, near AND visit IS NOT NULL AND NOT by_robot AS somebodys FROM namings) GROUP BY ALL),
             surest AS (SELECT type, max(by_whom) AS by_whom FROM begun GROUP BY type),
             counted AS (SELECT type, first, count(*) AS n, count(DISTINCT visitor) AS visitors
                         FROM begun SEMI JOIN surest USING (type, by_whom) GROUP BY ALL),
             usual AS (SELECT type, arg_max(first, (visitors, -n, first)) AS usual FROM counted GROUP BY type)
        SELECT namings.*, template = usual AS typical, by_whom FROM namings JOIN usual USING (type) JOIN surest USING (type)
        ANTI JOIN (SELECT object, eid FROM looks WHERE idle) looked_up USING (object, eid) WHERE visit IS NOT NULL
        """
    )


def _find_homes(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``birth_homes``: the visits in which objects were born by a typical line; ``born_by_acts``: of types with enough of them, whether
    births come with a request that changes something; ``home_habits``: which share of the lines of a kind stands at the home of what it names."""
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE birth_homes AS
        SELECT object, type, visit, visitor, bool_or(acted) AS acted FROM named_in_visits WHERE typical GROUP BY ALL;
        CREATE OR REPLACE TEMP TABLE born_by_acts AS
        SELECT type, count_if(acted) >= {AT_HOME} * count(*) AS by_acts FROM birth_homes
        GROUP BY type HAVING count(DISTINCT object) >= {KNOWN_BIRTHS};
        CREATE OR REPLACE TEMP TABLE home_habits AS
        SELECT type, template, count(h.visit) / count(*) AS at_home
        FROM named_in_visits SEMI JOIN birth_homes USING (object) LEFT JOIN birth_homes h USING (object, type, visit) GROUP BY ALL
        """
    )


def _judge_callers(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``callers``: with how many objects each visitor has to do; ``busiest_at_home``: with how many of a type at most who brought any
    into being; ``going_on``: of what begins with a kind of line, the share that goes on like what was seen born."""
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE callers AS
        SELECT type, visitor, count(DISTINCT object) AS n FROM named_in_visits WHERE near GROUP BY ALL;
        CREATE OR REPLACE TEMP TABLE busiest_at_home AS
        SELECT type, max(n) AS most FROM callers SEMI JOIN birth_homes USING (type, visitor) GROUP BY type;
        CREATE OR REPLACE TEMP TABLE going_on AS
        WITH born AS (SELECT type, count(DISTINCT object) AS n FROM birth_homes GROUP BY type),
             courses AS (SELECT type, template FROM namings SEMI JOIN birth_homes USING (object) JOIN born USING (type) WHERE template <> first
                         GROUP BY ALL HAVING count(DISTINCT object) >= {AT_HOME} * any_value(n))
        SELECT type, first, count(DISTINCT object) FILTER (usual) / count(DISTINCT object) AS alike
        FROM namings SEMI JOIN courses USING (type) LEFT JOIN (SELECT *, true AS usual FROM courses) USING (type, template)
        GROUP BY type, first
        """
    )


def _bear_by_what_led(db: duckdb.DuckDBPyConnection) -> None:
    """Where nobody or only a robot named an object first (a provider's callback says that a subscription exists), what led to it
    (its checkout session) tells where it was brought into being: in the last visit that had to do with that before."""
    db.execute(
        """
        CREATE OR REPLACE TEMP TABLE led AS
        WITH named AS (SELECT object, min(t) AS t0 FROM namings GROUP BY object),
             met AS (SELECT l.object, y.eid, t.t, v.visit, v.confidence, t.t <= t0 AS before
                     FROM leads l JOIN named USING (object) JOIN typed y USING (type, value) JOIN timeline t USING (eid)
                          JOIN event_visit v USING (eid)
                     WHERE NOT multi AND v.visit NOT IN (SELECT visit FROM robot_visits))
        SELECT object, arg_max(eid, nearest) AS eid, arg_max(t, nearest) AS t, arg_max(visit, nearest) AS visit,
               arg_max(confidence, nearest) AS confidence
        FROM (SELECT *, (before, CASE WHEN before THEN t ELSE -t END, eid) AS nearest FROM met)
        WHERE object NOT IN (SELECT object FROM births WHERE visit NOT IN (SELECT visit FROM robot_visits)) GROUP BY object
        """
    )
    db.execute("DELETE FROM births WHERE object IN (SELECT object FROM led)")
    db.execute("INSERT INTO births SELECT object, eid, t, visit, confidence, false FROM led")
