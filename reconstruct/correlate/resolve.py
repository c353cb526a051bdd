"""Pass 2: every event gets at most one session, every object its events and its session.

Each step is one module and one or two tables; this one only puts them in order. The tables it leaves for the journeys:

    event_visit(eid, visit, rule, via_type, via_value, confidence)      one row per event that belongs to a session
    thing_links(eid, object, rule, via_type, via_value, confidence)     one row per event and object
    owned(object, visit, eid, confidence)                               the session and the birth event of an object
    anchored(eid, anchor)                                               which request an event was written for
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field

import duckdb

from reconstruct.correlate import brackets, delays, neighbours, objects, sessions, tiers
from reconstruct.correlate.anchoring import anchor_by_identifier, anchor_by_looks, start_anchoring, tabulate_heads
from reconstruct.correlate.beginnings import find_beginnings
from reconstruct.correlate.behaviour import judge_programs
from reconstruct.correlate.births import find_births
from reconstruct.correlate.calibrate import RuleQuality
from reconstruct.correlate.ends import mark_telling
from reconstruct.correlate.owners import Ownership, find_leading, find_owners, find_roots, settle
from reconstruct.correlate.pins import pin_owners, pin_roots
from reconstruct.correlate.proxies import find_wandering
from reconstruct.correlate.roles import Role, gathers_lines
from reconstruct.correlate.strays import find_strays
from reconstruct.correlate.threads import place_by_thread
from reconstruct.correlate.types import IdType
from reconstruct.correlate.wordings import tabulate_wordings
from reconstruct.events.nouns import prior_roles
from reconstruct.options import Pins
from reconstruct.store.listing import sql_list

PEOPLE = ("session", "customer", "device")
"""Roles of who asked. A short visit writes its lines within a minute too, and is several requests all the same."""

SESSION_CONFIDENCE = 0.99
"""The same for a session identifier on a line without a request."""

NOBODYS = "a request names no address, browser or session"


@dataclass(slots=True)
class Resolution:
    """What pass 2 found out beside the tables."""

    edge: list[int]
    inner: set[int]
    sessions: sessions.SessionReport
    owners: list[Ownership] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)
    rules: list[RuleQuality] = field(default_factory=list)
    """what the rules for lines without a request are worth here, those that were used"""
    abstained: dict[str, int] = field(default_factory=dict)
    """lines without a request that nothing was found for, by the reason"""
    without_address: list[int] = field(default_factory=list)
    """families whose addresses are not visitors'"""


def group_requests(db: duckdb.DuckDBPyConnection, types: list[IdType], roles: list[Role]) -> None:
    """Make ``grouped(eid, type, value, rank, code)``: lines written while serving one request or running one task.

    ``rank`` orders the types, the surest first: a line may carry a request identifier and a trace identifier. ``code`` stands for
    type and value: 64 bits of their hash, which ten million values share once in a million logs. A request that nothing else was
    written for is left out.
    """
    found = [
        role
        for role in roles
        if role.role in ("request", "trace")
        or (role.role not in PEOPLE and gathers_lines(types[role.type], role.behaviour))
    ]
    ranked = sorted(found, key=lambda role: (role.role not in ("request", "trace"), -role.points, role.type))
    listed = [role.type for role in ranked]
    db.execute(
        f"""
        CREATE OR REPLACE TABLE grouped AS
        WITH named AS (SELECT eid, type, value, hash(type, value) AS code FROM typed WHERE type IN {sql_list(listed)} AND NOT multi),
             telling AS (SELECT code FROM named JOIN timeline USING (eid) GROUP BY code HAVING count(*) > 1 OR NOT bool_or(request))
        SELECT eid, type, value, list_position({listed}, type) AS rank, code FROM named SEMI JOIN telling USING (code)
        """
    )


def resolve(
    db: duckdb.DuckDBPyConnection, types: list[IdType], roles: list[Role], pinned: Pins, pool: Executor | None = None
) -> Resolution:
    """Run pass 2. Needs ``events``, ``timeline``, ``typed``, ``entities`` and ``paths``."""
    session_types = [role.type for role in sorted(roles, key=lambda r: -r.points) if role.role == "session"]
    group_requests(db, types, roles)
    wandering = find_wandering(db, session_types)
    logs = tiers.rank_request_logs(db, session_types, wandering)
    monitors = db.execute("SELECT user_agent FROM agents WHERE kind = 'monitor' ORDER BY user_agent").fetchall()
    inner = tiers.find_inner(db, logs, [agent for (agent,) in monitors])
    edge = [log.family for log in logs if log.family not in inner]
    customers = sorted(
        (role for role in roles if role.role == "customer"),
        key=lambda role: (-role.behaviour.mentions * role.behaviour.on_requests, role.type),
    )
    customer_types = [role.type for role in customers]
    find_beginnings(db, edge)
    start_anchoring(db)
    inner_logs = [log for log in logs if log.family in inner]
    if inner_logs:  # what only they tell of takes part in visits, so it must be known before those are built
        tabulate_heads(db, edge, session_types)
        anchor_by_identifier(db, "heads")
        anchor_by_looks(db, inner_logs, edge)
        find_strays(db, inner_logs)
    report = sessions.link_requests(
        db, edge, session_types, customer_types, pool, inner=bool(inner_logs), without_address=wandering
    )
    judge_programs(db, session_types)
    if inner_logs:
        db.execute("DELETE FROM anchored WHERE anchor NOT IN (SELECT eid FROM anchors)")
    else:
        anchor_by_identifier(db, "anchors")
    threads = place_by_thread(db)
    _place_anchored(db)
    _place_by_session(db, session_types, report.habits.cut_s)
    tabulate_wordings(db)
    worth = brackets.place_by_bracket(db)
    _demote_crowded(db, types, roles)
    owners = pin_owners(types, find_owners(db, types, roles), pinned)
    settle(roles, owners)
    things = [role.type for role in roles if role.role in ("object", "sub-object")]
    named = neighbours.find_things(db, things, report.habits.cut_s)
    rules = [each for each in (threads, worth) if each is not None]
    if worth is not None and not worth.measured:
        rules[-1] = neighbours.confirm_brackets(db, named, worth.confidence) or worth
    rules += neighbours.place_by_things(db, named)
    roots = pin_roots(types, find_roots(types, roles, owners), pinned)
    back_office = {role.type: role.behaviour.back_families > 0 for role in roles}
    objects.find_objects(db, roots, owners, back_office, find_leading(types, roles, roots))
    delays.link_by_delay(db)
    find_births(db)
    objects.adopt(db, things)
    objects.split_tries(db)
    rules += neighbours.place_by_neighbours(db, things)
    mark_telling(db, {*edge, *inner})
    abstained = brackets.count_abstentions(db) if worth is not None else {}
    if report.nobodys:
        abstained[NOBODYS] = report.nobodys
    return Resolution(edge, inner, report, owners, roots, rules, abstained, sorted(wandering))


def _demote_crowded(db: duckdb.DuckDBPyConnection, types: list[IdType], roles: list[Role]) -> None:
    """Make resources of objects that many visits meet each, or that most requests name: visits, which tell so, are known by now."""
    things = [role for role in roles if role.role in ("object", "sub-object") and not role.pinned]
    crowded = objects.find_crowded(db, [role.type for role in things])
    everywhere = objects.find_everywhere(db, [role.type for role in things])
    for role in things:
        visits = crowded.get(role.type, 0.0)
        named = bool({"object", "sub-object"}.intersection(prior_roles(types[role.type].noun)))
        if visits >= (objects.CROWDED_BY_NAME if named else objects.CROWDED):
            role.role, role.why = "resource", [*role.why, f"half of its values are met in {visits:g} visits and more"]
        elif not named and (share := everywhere.get(role.type, 0.0)) > objects.MOST_REQUESTS:
            role.role, role.why = (
                "resource",
                [*role.why, f"stands on {share:.0%} of all requests: whose they are, not what about"],
            )


def _place_anchored(db: duckdb.DuckDBPyConnection) -> None:
    """Lines that were written for a request go where it went."""
    db.execute(
        """
        INSERT INTO event_visit
        SELECT d.eid, a.visit, d.rule, d.via_type, d.via_value, d.confidence * a.confidence
        FROM anchored d JOIN anchors a ON a.eid = d.anchor
        """
    )


def _place_by_session(db: duckdb.DuckDBPyConnection, session_types: list[int], cut_s: float) -> None:
    """Lines that name a session but no request: into the visit that carries it at that time, else into visits of their own."""
    if not session_types:
        return
    cut_ns = int(cut_s * 1e9)
    ((waiting,),) = db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE session_lines AS
        SELECT eid, min(type) AS type, arg_min(value, (type, value)) AS value, any_value(t) AS t
        FROM typed JOIN timeline USING (eid) ANTI JOIN event_visit USING (eid)
        WHERE type IN {sql_list(session_types)} AND NOT multi GROUP BY eid
        """
    ).fetchall()
    if not waiting:
        return
    db.execute(
        f"""
        INSERT INTO event_visit
        WITH spans AS (
            SELECT s.type, s.value, v.visit, min(t.t) AS t0, max(t.t) AS t1
            FROM typed s SEMI JOIN session_lines USING (type, value) JOIN event_visit v USING (eid) JOIN timeline t USING (eid)
            WHERE s.type IN {sql_list(session_types)} GROUP BY ALL)
        SELECT l.eid, arg_min(s.visit, (greatest(s.t0 - l.t, l.t - s.t1, 0), s.visit)), 'session', any_value(l.type)::VARCHAR,
               any_value(l.value), {SESSION_CONFIDENCE}
        FROM session_lines l JOIN spans s USING (type, value)
        WHERE l.t BETWEEN s.t0 - {cut_ns} AND s.t1 + {cut_ns} GROUP BY l.eid
        """
    )
    db.execute(
        f"""
        INSERT INTO event_visit
        WITH base AS (SELECT coalesce(max(visit), -1) AS top FROM event_visit),
             rest AS (SELECT l.* FROM session_lines l ANTI JOIN event_visit USING (eid)),
             gaps AS (SELECT *, t - lag(t) OVER (PARTITION BY type, value ORDER BY t, eid) > {cut_ns} AS cut FROM rest),
             runs AS (SELECT *, sum(coalesce(cut, false)::INT) OVER (PARTITION BY type, value ORDER BY t, eid) AS run FROM gaps),
             named AS (SELECT type, value, run, row_number() OVER (ORDER BY min(t), min(eid)) AS n FROM runs GROUP BY ALL)
        SELECT r.eid, (top + n)::INTEGER, 'session', r.type::VARCHAR, r.value, {SESSION_CONFIDENCE}
        FROM runs r JOIN named USING (type, value, run), base
        """
    )
