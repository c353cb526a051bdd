"""Lines without a request identifier, placed by what was going on when they were written.

A line written while exactly one request was being served belongs to it. Where several were, the line's template decides: which
route it is usually written under is learned from the unambiguous lines. Templates that are not written while requests are served,
or not more often than chance has it, are background work, and stay where they are.

The rule is tried on lines whose request is known; the measured precision is its confidence.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from reconstruct.correlate.calibrate import RuleQuality, weigh, wilson_lower
from reconstruct.correlate.lengths import find_lengths
from reconstruct.correlate.starts import find_starting
from reconstruct.correlate.threads import OPENING_SHARE

UNKNOWN_DURATION_S = 0.5
"""How long a request is taken to last when no log says: most pages are served in less."""

LONGEST_S = 60
"""Requests longer than this are downloads and long polls: lines inside say nothing."""

MOST_SERVED = 300
"""Requests served within a second, beyond which its lines stay where they are: each of them may be any line's, and all of all would have to
be compared. A shop that is asked a hundred times a second has as many."""

SLACK_S = 0.05
"""Clocks of two processes on one machine, and the time between the event and its being written."""

HABIT = 0.8
"""Share of the moments (seconds) a template is written in that must be while some request is served."""

LEAST_MOMENTS = 3
"""Moments of a template before it has habits."""

OTHER_TIMES_S = (-29, -13, -7, 7, 13, 29)
"""Seconds to either side at which chance is asked the same question: near enough for the shop to be as busy, far enough for the
request to be another one, and no multiples of each other or of what jobs run by."""

RATIO = 10.0
"""How much likelier the chosen request's route must be than the next one's (correlation §7.8)."""

SMOOTHING = 0.1
"""Added to each count of lines per template and route, so that an unseen pair is unlikely rather than impossible."""

PRIOR_RANGE = (0.9, 0.97)
"""Confidence where no known lines allow a measurement: what chance leaves (``_find_habits``), within this. Of labelled lines .987 and
more were right, .976 where all visits fall into one hour (bench/robustness.py, ``threads``); rounded down, for threads that nobody
simulated."""


def place_by_bracket(db: duckdb.DuckDBPyConnection) -> RuleQuality | None:
    """Add unplaced log lines to ``anchored`` and ``event_visit`` (rule ``in flight``); gives its worth, None if nothing was added.

    Needs ``anchors``, ``anchored``, ``event_visit``, ``timeline``, ``worded`` and ``paths``.
    """
    ((waiting,),) = db.execute("SELECT count(*) FROM worded ANTI JOIN event_visit USING (eid)").fetchall()
    find_starting(db)
    if not waiting or not _tabulate_served(db):
        return None
    _tabulate_lines(db)
    prior = _find_habits(db)
    _choose(db)
    ((trials, right),) = db.execute(
        """
        SELECT count(*), count(*) FILTER (a.anchor = c.anchor OR v.visit = w.visit)
        FROM chosen c JOIN known_lines a USING (eid) JOIN anchors v ON v.eid = a.anchor JOIN anchors w ON w.eid = c.anchor
        """
    ).fetchall()
    confidence, is_measured = weigh(right, trials, prior)
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE placed_lines AS
        SELECT c.eid, c.anchor, 'in flight' AS rule, 'route' AS via_type, c.route AS via_value, {confidence}::DOUBLE AS confidence
        FROM chosen c ANTI JOIN known_lines USING (eid)
        """
    )
    db.execute("INSERT INTO anchored SELECT * FROM placed_lines ANTI JOIN anchored USING (eid)")
    db.execute(
        """
        INSERT INTO event_visit
        SELECT p.eid, a.visit, p.rule, p.via_type, p.via_value, p.confidence * a.confidence
        FROM placed_lines p JOIN anchors a ON a.eid = p.anchor ANTI JOIN event_visit v ON v.eid = p.eid
        """
    )
    return RuleQuality("in flight", trials, right, confidence, is_measured)


def serving(condition: str = "true") -> str:
    """A query of (anchor, route, t0, t1, family, thread): when each page request was being served, and where it was told of. ``condition``
    is over ``t.t``, its moment.

    A log writes a request down when it is over, but for those that ``starting`` holds; one that tells neither how it ended nor how long
    it took, when it began: it lasts until the line that has its status. The longest duration any tier states counts; a stamp of whole
    seconds may stand for any moment of that second, unless a tier behind it wrote down the moment itself.
    """
    return f"""
        WITH resolution AS (
                SELECT family, CASE WHEN bool_or(t % 1000000000 <> 0) THEN 0 ELSE 1000000000 END AS step FROM timeline GROUP BY family),
             opening AS (SELECT family FROM log_events GROUP BY family
                         HAVING count(method) FILTER (status IS NULL AND duration_ms IS NULL)
                                >= greatest({OPENING_SHARE} * count(method), 1)),
             inner_ms AS (SELECT d.anchor, max(e.duration_ms) AS ms,
                                 max(t.t) FILTER (step = 0 AND e.status IS NOT NULL AND o.family IS NULL AND b.family IS NULL) AS over
                          FROM anchored d JOIN events e USING (eid) JOIN timeline t USING (eid) JOIN resolution USING (family)
                          LEFT JOIN opening o USING (family) LEFT JOIN starting b USING (family)
                          WHERE e.method IS NOT NULL GROUP BY d.anchor),
             ended AS (SELECT d.anchor, max(t.t) AS t FROM anchored d JOIN events e USING (eid) JOIN timeline t USING (eid)
                       WHERE e.method IS NULL AND e.status IS NOT NULL GROUP BY d.anchor)
        SELECT a.eid AS anchor, e.method || ' ' || coalesce(p.route, e.path) AS route,
               (least(coalesce(greatest(e.duration_ms, i.ms), {UNKNOWN_DURATION_S * 1000}), {LONGEST_S * 1000}) * 1e6)::BIGINT AS took,
               o.family IS NULL AND b.family IS NULL AND coalesce(over BETWEEN t.t - step AND t.t + step, false) AND step > 0 AS is_told,
               CASE WHEN is_told THEN over ELSE t.t END
                   - CASE WHEN o.family IS NOT NULL OR b.family IS NOT NULL THEN 0 ELSE took END - {int(SLACK_S * 1e9)} AS t0,
               CASE WHEN is_told THEN over - step
                    WHEN b.family IS NOT NULL THEN t.t + took
                    WHEN o.family IS NULL THEN t.t WHEN n.t BETWEEN t.t AND t.t + {LONGEST_S}::BIGINT * 1000000000 THEN n.t
                    ELSE t.t + {int(UNKNOWN_DURATION_S * 1e9)} END + step + {int(SLACK_S * 1e9)} AS t1,
               t.family, e.thread
        FROM anchors a JOIN events e USING (eid) JOIN timeline t USING (eid) JOIN resolution USING (family)
        LEFT JOIN paths p ON p.path = e.path LEFT JOIN inner_ms i ON i.anchor = a.eid LEFT JOIN ended n ON n.anchor = a.eid
        LEFT JOIN opening o ON o.family = t.family LEFT JOIN starting b ON b.family = t.family
        WHERE NOT a.asset AND {condition}
        """


def _tabulate_served(db: duckdb.DuckDBPyConnection) -> int:
    """Make ``served``, what ``serving`` gives; the number of its rows."""
    db.execute(f"CREATE OR REPLACE TEMP TABLE served AS {serving()}")
    return int(db.execute("SELECT count(*) FROM served").fetchall()[0][0])


def _tabulate_lines(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``known_lines(eid, anchor)`` and ``line_candidates(eid, template, t, anchor, route, distance)``.

    A template is a wording in one family of logs: both numbers in one. In a log that names threads, a request is served by the one that
    told of it.
    """
    db.execute(
        """
        CREATE OR REPLACE TEMP TABLE known_lines AS
        SELECT d.eid, d.anchor FROM anchored d SEMI JOIN worded USING (eid) WHERE d.rule = 'request'
        """
    )
    db.execute(
        """
        CREATE OR REPLACE TEMP TABLE waiting_lines AS
        WITH wanted AS (SELECT eid FROM worded ANTI JOIN event_visit USING (eid) UNION SELECT eid FROM known_lines)
        SELECT eid, t, (t.family::BIGINT << 32) | coalesce(wording, 0) AS template, t // 1000000000 AS s, t.family, e.thread
        FROM wanted JOIN worded USING (eid) JOIN timeline t USING (eid) JOIN events e USING (eid) WHERE e.time_ns IS NOT NULL
        """
    )
    db.execute(
        f"""
        DELETE FROM waiting_lines WHERE s IN (
            SELECT s FROM (SELECT unnest(range(t0 // 1000000000, t1 // 1000000000 + 1)) AS s FROM served)
            GROUP BY s HAVING count(*) > {MOST_SERVED})
        """
    )
    find_lengths(db)
    db.execute(
        """
        CREATE OR REPLACE TEMP TABLE line_candidates AS
        WITH seconds AS (SELECT anchor, route, t0, t1, family, thread, unnest(range(t0 // 1000000000, t1 // 1000000000 + 1)) AS s FROM served)
        SELECT l.eid, l.template, l.t, c.anchor, c.route, abs(l.t - (c.t0 + c.t1) / 2) AS distance
        FROM waiting_lines l LEFT JOIN seconds c
          ON c.s = l.s AND l.t BETWEEN c.t0 AND c.t1 AND (c.family <> l.family OR c.thread = l.thread) IS NOT FALSE
        """
    )
    ((slow,),) = db.execute("SELECT count(*) FROM lengths").fetchall()
    if slow:
        db.execute(
            """
            CREATE OR REPLACE TEMP TABLE slow_candidates AS
            SELECT l.eid, l.template, l.t, c.anchor, c.route, abs(l.t - (c.t0 + c.t1) / 2) AS distance
            FROM waiting_lines l JOIN lengths r USING (template) JOIN served c ON c.t0 > l.t AND c.t0 <= l.t + r.reach
            """
        )
        db.execute("DELETE FROM line_candidates WHERE anchor IS NULL AND eid IN (SELECT eid FROM slow_candidates)")
        db.execute("INSERT INTO line_candidates SELECT * FROM slow_candidates")


def _find_habits(db: duckdb.DuckDBPyConnection) -> float:
    """Make ``habits(template)``: those written while requests are served, and more often so than at any other time.

    The share of a template's moments in which a request is served must reach HABIT, and its lower bound must be above the share
    of the same moments moved by OTHER_TIMES_S: where the site is always busy, jobs that run by the clock seem to serve it, too.

    Gives the confidence that all this leaves to a line with one request to go to. Let b be the share of moved moments in which
    a request is served, and u that of lines whose own request is in no log. A line finds none with u(1 − b), which is counted;
    it finds a wrong one, and no other, with u·b, and its own alone with (1 − u)(1 − b).
    """
    rows = db.execute(
        """
        SELECT template, count(*), count(*) FILTER (served) FROM (
            SELECT template, t // 1000000000 AS s, bool_or(anchor IS NOT NULL) AS served FROM line_candidates GROUP BY ALL)
        GROUP BY template ORDER BY template
        """
    ).fetchall()
    often = {
        template: wilson_lower(served, moments)
        for template, moments, served in rows
        if moments >= LEAST_MOMENTS and served >= HABIT * moments
    }
    db.register("often_in", pa.table({"template": pa.array(often.keys(), pa.int64()), "least": list(often.values())}))
    shifts = ", ".join(f"({shift})" for shift in OTHER_TIMES_S)
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE habits AS
        WITH moments AS (SELECT template, min(t) AS t FROM line_candidates SEMI JOIN often_in USING (template)
                         GROUP BY template, t // 1000000000),
             moved AS (SELECT template, t + shift * 1000000000::BIGINT AS t, coalesce(reach, 0) AS ahead
                       FROM moments LEFT JOIN lengths USING (template), (VALUES {shifts}) other(shift)),
             reach AS (SELECT t0, max(t1) OVER (ORDER BY t0) AS t1 FROM served),
             busy AS (SELECT DISTINCT m.template, m.t, coalesce(m.t <= r.t1, false) AS served
                      FROM (SELECT *, t + ahead AS until FROM moved) m ASOF LEFT JOIN reach r ON r.t0 <= m.until)
        SELECT template, avg(served::INT) AS by_chance FROM busy JOIN often_in USING (template)
        GROUP BY template, least HAVING by_chance < least
        """
    )
    db.unregister("often_in")
    by_chance = dict(db.execute("SELECT template, by_chance FROM habits").fetchall())
    habits = [(moments, served, by_chance[template]) for template, moments, served in rows if template in by_chance]
    total = sum(moments for moments, _, _ in habits)
    if not total:
        return PRIOR_RANGE[0]
    chance = sum(moments * share for moments, _, share in habits) / total
    unserved = 1 - wilson_lower(sum(served for _, served, _ in habits), total)
    lost = min(1.0, unserved / (1 - chance))
    wrong, right = lost * chance, (1 - lost) * (1 - chance)
    low, high = PRIOR_RANGE
    return round(min(high, max(low, right / (right + wrong) if right else low)), 4)


def count_abstentions(db: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Lines without a request that no rule placed, of which no object is known either, by the reason; after ``place_by_bracket``. Of
    one that nobody tried so many requests were being served."""
    rows = db.execute(
        """
        WITH left_out AS (SELECT eid, time_ns FROM events ANTI JOIN event_visit USING (eid) ANTI JOIN thing_links USING (eid) WHERE method IS NULL),
             tried AS (SELECT eid, any_value(template) AS template, count(DISTINCT a.visit) AS visits
                       FROM line_candidates c SEMI JOIN left_out USING (eid) LEFT JOIN anchors a ON a.eid = c.anchor GROUP BY eid)
        SELECT CASE WHEN time_ns IS NULL THEN 'there is no moment' WHEN visits = 0 THEN 'no request was being served'
                    WHEN template IS NOT NULL AND template NOT IN (SELECT template FROM habits) THEN 'the kind of line is not written for requests'
                    ELSE 'several requests were being served' END AS reason, count(*)
        FROM left_out LEFT JOIN tried t USING (eid) GROUP BY reason ORDER BY reason
        """
    ).fetchall()
    return dict(rows)


def _choose(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``chosen(eid, anchor, route)``: lines with one likely request. Needs ``habits``."""
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE chosen AS
        WITH alone AS (SELECT eid, any_value(template) AS template, any_value(route) AS route FROM line_candidates
                       WHERE anchor IS NOT NULL GROUP BY eid HAVING count(*) = 1),
             pairs AS (SELECT template, route, count(*) AS n FROM alone GROUP BY ALL),
             totals AS (SELECT template, sum(n) AS n FROM pairs GROUP BY template),
             scored AS (
                SELECT c.eid, c.anchor, c.route, a.visit, c.distance,
                       (coalesce(p.n, 0) + {SMOOTHING}) / (coalesce(t.n, 0) + 1) AS likelihood
                FROM line_candidates c SEMI JOIN habits USING (template) JOIN anchors a ON a.eid = c.anchor
                LEFT JOIN pairs p ON p.template = c.template AND p.route = c.route LEFT JOIN totals t ON t.template = c.template),
             per_visit AS (SELECT eid, visit, max(likelihood) AS likelihood FROM scored GROUP BY ALL),
             best AS (SELECT eid, max(likelihood) AS first, max(likelihood, 2) AS two, count(*) AS visits FROM per_visit GROUP BY eid)
        SELECT s.eid, arg_min(s.anchor, (-s.likelihood, s.distance, s.anchor)) AS anchor,
               arg_min(s.route, (-s.likelihood, s.distance, s.anchor)) AS route
        FROM scored s JOIN best b USING (eid)
        WHERE b.visits = 1 OR b.two[1] >= {RATIO} * b.two[2]
        GROUP BY s.eid
        """
    )
