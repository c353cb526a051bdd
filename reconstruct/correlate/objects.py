"""Business objects: which events are theirs, and in whose session they were born.

An event is an object's when it names it, names a part of it (payment, parcel), or was written while serving the same
request or task as a line that does. A request that touches several objects gives each only the lines that name it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from reconstruct.correlate.births import BIRTH_REACH_NS
from reconstruct.correlate.owners import GROUP_CAP, Ownership
from reconstruct.store.listing import sql_list

MAJORITY = 0.9
"""Share of meetings a part must have with one object to be called its part (correlation §7.7)."""

BIRTH_LEAD_NS = 2 * 1_000_000_000
"""Clocks of two services differ this much without anyone noticing."""


CROWDED = 4
"""Visits that half the values of a type are met in, from which they are resources: a restaurant, a branch, a decision. What the business
works on is one customer's, who comes back to it now and then."""

MOST_REQUESTS = 0.5
"""Share of all requests beyond which what they name, and is not called a thing, says who asks, and for whom: a project, a tenant."""

OWN_OBJECTS = 3
"""Objects a visitor asks for by name at most, where they are the visitor's own: an order and its basket, and one more."""

CROWDED_BY_NAME = 12
"""The same for what is called a thing: an order is looked at often while it is on its way."""


def find_crowded(db: duckdb.DuckDBPyConnection, kinds: Sequence[int]) -> dict[int, float]:
    """For each of these types the median number of visits in which a value is met, of those met in any. Needs ``event_visit``."""
    return dict(
        db.execute(
            f"""
            SELECT type, median(n) FROM (
                SELECT type, value, count(DISTINCT visit) AS n FROM typed JOIN event_visit USING (eid)
                WHERE type IN {sql_list(kinds)} AND NOT multi GROUP BY ALL)
            GROUP BY type ORDER BY type
            """
        ).fetchall()
    )


def find_everywhere(db: duckdb.DuckDBPyConnection, kinds: Sequence[int]) -> dict[int, float]:
    """For each of these types the share of the edge's requests for pages that name a value themselves. Needs ``anchors``."""
    return dict(
        db.execute(
            f"""
            WITH pages AS (SELECT eid FROM anchors WHERE NOT asset)
            SELECT type, count(DISTINCT eid) / (SELECT count(*) FROM pages) FROM typed SEMI JOIN pages USING (eid)
            WHERE type IN {sql_list(kinds)} AND NOT multi GROUP BY type ORDER BY type
            """
        ).fetchall()
    )


def find_objects(
    db: duckdb.DuckDBPyConnection,
    roots: list[int],
    owners: list[Ownership],
    back_office: Mapping[int, bool],
    leading: Sequence[int],
) -> None:
    """Make ``things(object, type, value, attempt)`` and ``thing_links(eid, object, rule, via_type, via_value, confidence)``,
    and ``leads(type, value, object)``.

    ``back_office[type]`` says whether values of a root type appear in logs without web requests; if so, a value that only
    ever stood in a URL is somebody's guess and no object. ``via_type`` is the type's index as text. ``leading`` are types of things
    that others come of: what is charged for a basket is charged for the order that it becomes.
    """
    guarded = sql_list(root for root in roots if back_office[root])
    db.execute(
        f"""
        CREATE OR REPLACE TABLE things AS
        SELECT (row_number() OVER (ORDER BY min(t.t), type, value) - 1)::INTEGER AS object, type, value, 0 AS attempt
        FROM typed JOIN timeline t USING (eid) WHERE type IN {sql_list(roots)}
        GROUP BY type, value HAVING type NOT IN {guarded} OR NOT bool_and(t.request)
        """
    )
    db.execute(
        """
        CREATE OR REPLACE TABLE thing_links AS
        SELECT eid, object, CASE WHEN multi THEN 'batch' ELSE 'identifier' END AS rule, type::VARCHAR AS via_type, value AS via_value,
               CASE WHEN multi THEN 0.9 ELSE 0.99 END AS confidence
        FROM typed JOIN things USING (type, value)
        """
    )
    # Lines written for one request belong together, whether an identifier says so or the time. One line alone says nothing more.
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE bundles AS
        WITH every AS (
            SELECT eid, type::VARCHAR AS type, value, 1.0 AS confidence, code FROM grouped
            UNION ALL SELECT eid, 'request', anchor::VARCHAR, confidence, hash(anchor) FROM anchored
            UNION ALL SELECT DISTINCT anchor, 'request', anchor::VARCHAR, 1.0, hash(anchor) FROM anchored)
        SELECT * FROM every SEMI JOIN (SELECT code FROM every GROUP BY code HAVING count(*) BETWEEN 2 AND {GROUP_CAP}) USING (code)
        """
    )
    roots_of = _descendants(roots, owners)
    for _ in range(2):
        _close_over_groups(db)
        _find_leads(db, leading)
        if roots_of:
            _close_over_parts(db, roots_of)
    _close_over_groups(db)


def _descendants(roots: list[int], owners: list[Ownership]) -> dict[int, int]:
    """The root type of each type that has one above it."""
    known = {root: root for root in roots}
    for _ in owners:
        known |= {each.child: known[each.owner] for each in owners if each.owner in known and each.child not in known}
    return {child: root for child, root in known.items() if child != root}


def _close_over_groups(db: duckdb.DuckDBPyConnection) -> None:
    """Lines of a request or task in which exactly one object of a kind is named are that object's."""
    db.execute(
        """
        INSERT INTO thing_links
        WITH linked AS (SELECT l.*, o.type AS kind FROM thing_links l JOIN things o USING (object)),
             single AS (
                SELECT b.code, kind, min(object) AS object, min(b.confidence * l.confidence) AS confidence
                FROM bundles b JOIN linked l USING (eid) GROUP BY b.code, kind HAVING min(object) = max(object))
        SELECT eid, object, 'request', arg_max(type, (b.confidence, type)), arg_max(value, (b.confidence, type, value)),
               0.98 * max(b.confidence * s.confidence)
        FROM bundles b JOIN single s USING (code) ANTI JOIN linked USING (eid, kind) GROUP BY eid, object
        """
    )


def _find_leads(db: duckdb.DuckDBPyConnection, leading: Sequence[int]) -> None:
    """Make ``leads(type, value, object)``: the basket that became the order, the provider's session that a subscription came of. What is
    met with more than one object of a kind led to none."""
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE leads AS
        SELECT t.type, t.value, min(l.object) AS object
        FROM typed t JOIN thing_links l USING (eid) JOIN things o USING (object)
        WHERE t.type IN {sql_list(leading)} AND NOT multi AND l.rule <> 'batch'
        GROUP BY t.type, t.value, o.type HAVING min(l.object) = max(l.object)
        """
    )


def _close_over_parts(db: duckdb.DuckDBPyConnection, roots_of: Mapping[int, int]) -> None:
    """A part that is met with one object of its kind of root only, or with what led to it, belongs to it, and so do the lines that
    name the part."""
    pairs = ", ".join(f"({part}, {root})" for part, root in sorted(roots_of.items()))
    db.execute(
        f"""
        CREATE OR REPLACE TABLE parts AS
        WITH told AS (
                SELECT eid, object FROM thing_links WHERE rule <> 'batch'
                UNION SELECT eid, object FROM typed JOIN leads USING (type, value) WHERE NOT multi),
             votes AS (
                SELECT p.type, p.value, told.object, kinds.root, count(*) AS n
                FROM typed p JOIN (VALUES {pairs}) kinds(type, root) USING (type)
                JOIN told USING (eid) JOIN things o ON o.object = told.object AND o.type = kinds.root GROUP BY ALL)
        SELECT type, value, any_value(root) AS root, arg_max(object, (n, -object)) AS object, max(n) / sum(n) AS share
        FROM votes GROUP BY type, value HAVING max(n) >= {MAJORITY} * sum(n)
        """
    )
    db.execute(
        """
        INSERT INTO thing_links
        WITH linked AS (SELECT l.eid, o.type AS root FROM thing_links l JOIN things o USING (object))
        SELECT eid, object, 'identifier', min(p.type)::VARCHAR, arg_min(p.value, (p.type, p.value)), 0.98 * min(share)
        FROM typed t JOIN parts p ON p.type = t.type AND p.value = t.value ANTI JOIN linked USING (eid, root)
        GROUP BY eid, object
        """
    )


def adopt(db: duckdb.DuckDBPyConnection, things: Sequence[int]) -> None:
    """Make ``owned(object, visit, eid, confidence)``, the session of each object, and give its session the lines that have none.

    An object that was tried more than once belongs to the last try; each line belongs to the try it follows. Where the usual
    birth was not seen in any session, the first line that was decides: later ones are callbacks and look-ups.

    Args:
        things: Types whose values stand for one thing each.
    """
    db.execute(
        """
        CREATE OR REPLACE TABLE owned AS
        WITH ranked AS (SELECT *, (typical, CASE WHEN typical THEN t ELSE -t END, eid, visit, confidence) AS standing FROM births)
        SELECT object, arg_max(visit, standing) AS visit, arg_max(eid, standing) AS eid, arg_max(confidence, standing) * 0.99 AS confidence
        FROM ranked GROUP BY object
        """
    )
    # An object that stays untried after its first session (no retry) keeps the first of several births in that session.
    db.execute(
        """
        UPDATE owned SET eid = first.eid
        FROM (SELECT b.object, arg_min(b.eid, (b.t, b.eid)) AS eid FROM births b JOIN owned o USING (object, visit)
              GROUP BY b.object) first
        WHERE owned.object = first.object
        """
    )
    # Whose line it is by the objects it is of: of a cart and an order, that of the last one that was born or tried before.
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE placeable AS
        WITH open_lines AS (
                SELECT l.eid, l.object, l.confidence * owned.confidence AS confidence, o.type, o.value, t.t, owned.visit
                FROM thing_links l JOIN things o USING (object) JOIN timeline t USING (eid) LEFT JOIN owned USING (object)
                ANTI JOIN (SELECT eid FROM event_visit WHERE rule <> 'in flight') placed USING (eid) WHERE l.rule <> 'batch'),
             clear AS (SELECT eid FROM open_lines GROUP BY eid HAVING count(DISTINCT object) = count(DISTINCT type)),
             tries AS (
                SELECT l.eid, l.object, arg_max(b.visit, (b.t, b.eid)) AS visit, max(b.t) AS born FROM open_lines l JOIN births b USING (object)
                WHERE b.t <= l.t + {BIRTH_LEAD_NS} GROUP BY l.eid, l.object)
        SELECT l.eid, coalesce(tries.visit, l.visit) AS visit, l.type, l.value, l.confidence
        FROM open_lines l SEMI JOIN clear USING (eid) LEFT JOIN tries USING (eid, object) WHERE l.visit IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY l.eid ORDER BY born DESC NULLS LAST, l.object) = 1
        """
    )
    # What is known of the object is worth more than what else was being served at that moment, unless that visit asks for this very
    # object, and few others: who changes a booking on another day. (Who deals with many objects is staff, and what is then
    # done for one is part of its customer's story.) What is only known of it through the request being served says whose line it
    # is at the birth; long after (somebody looks at an old order) it does not, unless the line names a thing itself.
    db.execute(
        f"""
        DELETE FROM event_visit WHERE rule = 'in flight' AND eid IN (SELECT eid FROM placeable)
          AND eid NOT IN (
            WITH asked AS (SELECT DISTINCT a.visit, a.visitor, l.object FROM thing_links l JOIN anchors a USING (eid) WHERE l.rule = 'identifier'),
                 own AS (SELECT visitor FROM asked GROUP BY visitor HAVING count(DISTINCT object) <= {OWN_OBJECTS})
            SELECT d.eid FROM anchored d JOIN anchors a ON a.eid = d.anchor JOIN thing_links l ON l.eid = d.eid
            JOIN asked ON asked.visit = a.visit AND asked.object = l.object SEMI JOIN own ON own.visitor = asked.visitor
            WHERE d.rule = 'in flight')
          AND eid IN (SELECT l.eid FROM thing_links l JOIN owned o USING (object) JOIN timeline t ON t.eid = l.eid JOIN timeline b ON b.eid = o.eid
                      WHERE l.rule <> 'batch' AND (
                          NOT (l.rule = 'request' AND l.via_type = 'request') OR abs(t.t - b.t) <= {BIRTH_REACH_NS}
                          OR l.eid IN (SELECT eid FROM typed WHERE type IN {sql_list(things)})))
        """
    )
    db.execute(
        """
        INSERT INTO event_visit
        SELECT eid, visit, 'object', type::VARCHAR, value, confidence FROM placeable ANTI JOIN event_visit USING (eid)
        """
    )


def split_tries(db: duckdb.DuckDBPyConnection) -> None:
    """Give each visit that tried for an object in vain, before the visit that owns it, an object of its own.

    Somebody is declined, leaves, and comes back the next day: the same order number, but two stories. Or numbers start again, and
    the same one is somebody else's. Such an object has the type and value of the last one, and ``attempt`` 1, 2 … in the order of time.
    A line belongs to the try of its visit; one of no such visit to the try it follows.
    """
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE earlier_tries AS
        WITH home AS (SELECT object, visit, t FROM owned JOIN timeline USING (eid)),
             earlier AS (SELECT b.object, b.visit, min(h.t) AS until, min(b.t) AS t, arg_min(b.eid, (b.t, b.eid)) AS eid,
                                max(b.confidence) AS confidence
                         FROM births b JOIN home h USING (object) WHERE b.typical AND b.visit <> h.visit AND b.t < h.t
                         GROUP BY b.object, b.visit)
        SELECT *, row_number() OVER (PARTITION BY object ORDER BY t, eid) AS attempt,
               coalesce(lead(t) OVER (PARTITION BY object ORDER BY t, eid), until) - {BIRTH_LEAD_NS} AS next,
               (SELECT max(object) FROM things) + row_number() OVER (ORDER BY t, eid) AS number
        FROM earlier
        """
    )
    db.execute(
        """
        UPDATE thing_links SET object = try.number
        FROM (SELECT l.object, l.eid, arg_max(e.number, (v.visit IS NOT DISTINCT FROM e.visit, e.t, e.number)) AS number
              FROM earlier_tries e JOIN thing_links l USING (object) JOIN timeline t ON t.eid = l.eid
              LEFT JOIN event_visit v ON v.eid = l.eid LEFT JOIN owned o ON o.object = e.object AND o.visit = v.visit
              WHERE t.t < e.until AND (v.visit = e.visit OR o.object IS NULL AND t.t >= e.t AND t.t < e.next)
              GROUP BY l.object, l.eid) try
        WHERE thing_links.eid = try.eid AND thing_links.object = try.object AND rule <> 'batch'
        """
    )
    db.execute(
        "INSERT INTO things SELECT e.number, type, value, e.attempt FROM earlier_tries e JOIN things USING (object)"
    )
    db.execute("INSERT INTO owned SELECT number, visit, eid, confidence * 0.99 FROM earlier_tries")
