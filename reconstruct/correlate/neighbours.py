"""Lines that no request is known for, placed by lines near them: of the same thing, or in the same place of the same log.

    same thing      names something (a basket) that at that time only lines of one visit name
    between lines   names nothing, and stands between two lines of one visit that are written within moments
    beside a line   names nothing, stands right beside one such line, and all others are far

Each is tried on lines whose visit is known, as if it were not. Where it is not nearly always right in these logs (many requests at
a time, interleaved; a thing that many share), it is not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reconstruct.correlate.calibrate import RuleQuality, wilson_lower
from reconstruct.store.listing import sql_list

SPAN_NS = 2 * 1_000_000_000
"""The two lines around are at most this far apart: most requests write all they write in less."""

BESIDE_NS = 100_000_000
"""Right beside: what one request writes is hardly ever further apart."""

ALONE = 10
"""The next line on the other side is this many times further away, or more."""

AT_REQUESTS = 0.5
"""Share of a log's lines that must be placed by surer rules: what writes while it serves visitors, and not the back office,
which works on their things hours later."""

TRUSTED = 0.9
"""Measured precision (lower bound) below which a rule is not used: a line left out is better than one in the wrong journey."""

Ints = NDArray[np.int64]


@dataclass(slots=True)
class _Lines:
    """Lines sorted by group, and in it by place. ``visit`` is -1 where unknown."""

    eid: Ints
    t: Ints
    visit: Ints
    above: Ints
    """the nearest placed line above in the group, but never the line itself; -1: none"""
    below: Ints
    since: Ints
    """nanoseconds since the line above; FAR where there is none"""
    until: Ints


FAR = np.iinfo(np.int64).max // (4 * ALONE)


def _arrange(eid: Ints, t: Ints, visit: Ints, group: Ints) -> _Lines:
    count = len(eid)
    if not count:
        return _Lines(*([np.zeros(0, np.int64)] * 7))
    place, known = np.arange(count), visit >= 0
    last = np.maximum.accumulate(np.where(known, place, -1))
    following = np.minimum.accumulate(np.where(known, place, count)[::-1])[::-1]
    above, below = np.concatenate([[-1], last[:-1]]), np.concatenate([following[1:], [-1]])
    below[below == count] = -1
    for near in (above, below):
        near[(near >= 0) & (group[near] != group)] = -1
    gaps = [np.where(near >= 0, np.abs(t - t[near]), FAR) for near in (above, below)]
    return _Lines(eid, t, visit, above, below, *gaps)


@dataclass(slots=True)
class Things:
    """Lines that name a thing, with the nearest placed line that names the same."""

    lines: _Lines
    near: Ints
    """-1: none, or two that differ"""
    type: Ints
    value: pa.Array
    in_flight: NDArray[np.bool_]
    """placed by what was being served"""


def find_things(db: duckdb.DuckDBPyConnection, types: Sequence[int], cut_s: float) -> Things:
    """Lines of logs written while visitors are served, that name a value of one of the ``types``.

    Args:
        types: Types whose values stand for one thing each; not resources, which everybody names.
        cut_s: Silence after which the same thing may be another visit's.
    """
    table = db.sql(
        f"""
        WITH at_requests AS (
            SELECT t.family FROM timeline t LEFT JOIN event_visit v USING (eid) WHERE NOT t.request
            GROUP BY t.family HAVING count(v.eid) >= {AT_REQUESTS} * count(*))
        SELECT y.eid, y.type, y.value, t.t, coalesce(v.visit, -1)::BIGINT AS visit, coalesce(v.rule = 'in flight', false) AS in_flight
        FROM typed y JOIN timeline t USING (eid) SEMI JOIN at_requests USING (family) LEFT JOIN event_visit v USING (eid)
        WHERE y.type IN {sql_list(types)} AND NOT y.multi ORDER BY y.type, y.value, t.t, y.eid
        """
    ).to_arrow_table()
    kind, values = table["type"].to_numpy().astype(np.int64), table["value"].combine_chunks()
    code = values.dictionary_encode().indices.to_numpy().astype(np.int64)
    group = np.cumsum((np.diff(kind, prepend=-1) != 0) | (np.diff(code, prepend=-1) != 0))
    eid, t, visit = (table[name].to_numpy() for name in ("eid", "t", "visit"))
    lines = _arrange(eid, t, visit, group)
    in_flight = table["in_flight"].to_numpy(zero_copy_only=False).astype(np.bool_)
    return Things(lines, _of_same_thing(lines, int(cut_s * 1e9)), kind, values, in_flight)


def confirm_brackets(db: duckdb.DuckDBPyConnection, things: Things, prior: float) -> RuleQuality | None:
    """Where lines placed by what was being served could not be held against request identifiers: do lines of one thing agree?

    Two agree only when both are right, so the share that does is a lower bound. Gives it, and makes it the confidence in place
    of ``prior``; None where it is no higher, as with few of them.
    """
    known = things.in_flight & (things.near >= 0)
    agreement = _measure("in flight", things.lines, things.near, known)
    if agreement.confidence <= prior:
        return None
    for table in ("event_visit", "anchored"):
        db.execute(
            f"UPDATE {table} SET confidence = confidence * {agreement.confidence / prior} WHERE rule = 'in flight'"
        )
    return agreement


def place_by_things(db: duckdb.DuckDBPyConnection, things: Things) -> list[RuleQuality]:
    """Add lines to ``event_visit`` by the rule ``same thing``; gives what it is worth for each type that was used."""
    used = []
    lines = things.lines
    for number in np.unique(things.type).tolist():
        mine = (things.near >= 0) & (things.type == number)
        worth = _measure("same thing", lines, things.near, mine)
        found = np.flatnonzero(mine & (lines.visit < 0))
        if worth.confidence >= TRUSTED and len(found):
            used.append(worth)
            value = things.value.take(pa.array(found))
            via = pa.table({"via_type": pa.repeat(str(number), len(found)), "via_value": value})
            _place(db, lines, found, things.near[found], worth, via)
    return used


def place_by_neighbours(db: duckdb.DuckDBPyConnection, types: Sequence[int]) -> list[RuleQuality]:
    """Add lines to ``event_visit`` and ``thing_links`` by the rules ``between lines`` and ``beside a line``; gives what those used are worth.

    Args:
        types: Types whose values stand for one thing each: a line that names one is not judged by what stands around it.
    """
    table = db.sql(
        f"""
        SELECT e.eid, t.t, coalesce(v.visit, -1)::BIGINT AS visit, e.eid IN (
                   SELECT eid FROM typed WHERE type IN {sql_list(types)}) AS names,
               dense_rank() OVER (ORDER BY e.source, e.process, e.pid, e.thread) AS worker
        FROM events e JOIN timeline t USING (eid) LEFT JOIN event_visit v USING (eid)
        WHERE e.method IS NULL AND e.time_ns IS NOT NULL ORDER BY worker, e.eid
        """
    ).to_arrow_table()
    eid, t, visit, worker = (table[name].to_numpy() for name in ("eid", "t", "visit", "worker"))
    names = table["names"].to_numpy(zero_copy_only=False)
    lines = _arrange(eid, t, visit, worker)
    waiting = (visit < 0) & ~names
    used = []
    for rule, near in (("between lines", _between(lines)), ("beside a line", _beside(lines))):
        worth = _measure(rule, lines, near, near >= 0)
        found = np.flatnonzero((near >= 0) & waiting)
        if worth.confidence >= TRUSTED and len(found):
            used.append(worth)
            waiting[found] = False
            number = pa.array(eid[near[found]] & 0xFFFFFFFF).cast(pa.string())
            via = pa.table({"via_type": pa.repeat("line", len(found)), "via_value": number})
            _place(db, lines, found, near[found], worth, via)
            _follow_objects(db)
    return used


def _measure(rule: str, lines: _Lines, near: Ints, told: NDArray[np.bool_]) -> RuleQuality:
    """How many of the lines that are placed already the rule puts where they are; its confidence is the lower bound of their share."""
    known = np.flatnonzero(told & (lines.visit >= 0))
    right = int((lines.visit[near[known]] == lines.visit[known]).sum())
    return RuleQuality(rule, len(known), right, round(wilson_lower(right, len(known)), 4), True)


def _of_same_thing(lines: _Lines, reach_ns: int) -> Ints:
    """For each line the nearest placed one of its group within reach, if the other one within reach is of the same visit; else -1."""
    first = lines.since <= lines.until
    near = np.where(first, lines.above, lines.below)
    near[np.minimum(lines.since, lines.until) > reach_ns] = -1
    both = (lines.since <= reach_ns) & (lines.until <= reach_ns)
    near[both & (lines.visit[lines.above] != lines.visit[lines.below])] = -1
    return near


def _between(lines: _Lines) -> Ints:
    """For each line the placed one above it, if the one below is of the same visit and both are near; else -1."""
    both = lines.since + lines.until <= SPAN_NS
    return np.where(both & (lines.visit[lines.above] == lines.visit[lines.below]), lines.above, -1)


def _beside(lines: _Lines) -> Ints:
    """For each line the placed one right beside it, if the one on the other side is far away; else -1."""
    first = lines.since <= lines.until
    near, far = np.where(first, lines.since, lines.until), np.where(first, lines.until, lines.since)
    alone = (near <= BESIDE_NS) & (far >= ALONE * np.maximum(near, BESIDE_NS))
    return np.where(alone, np.where(first, lines.above, lines.below), -1)


def _place(
    db: duckdb.DuckDBPyConnection, lines: _Lines, found: Ints, near: Ints, worth: RuleQuality, via: pa.Table
) -> None:
    """Make ``near_lines(eid, near, rule, via_type, via_value, confidence)`` and place its lines where ``near`` is."""
    table = pa.table({"eid": lines.eid[found], "near": lines.eid[near], "rule": pa.repeat(worth.rule, len(found))})
    table = table.append_column("via_type", via["via_type"]).append_column("via_value", via["via_value"])
    db.register("near_in", table.append_column("confidence", pa.repeat(worth.confidence, len(found))))
    db.execute("CREATE OR REPLACE TEMP TABLE near_lines AS SELECT DISTINCT ON (eid) * FROM near_in ORDER BY ALL")
    db.unregister("near_in")
    db.execute(
        """
        INSERT INTO event_visit
        SELECT n.eid, v.visit, n.rule, n.via_type, n.via_value, n.confidence * v.confidence
        FROM near_lines n JOIN event_visit v ON v.eid = n.near ANTI JOIN event_visit w ON w.eid = n.eid
        """
    )


def _follow_objects(db: duckdb.DuckDBPyConnection) -> None:
    """What was just placed beside a line of one object is that object's as well."""
    db.execute(
        """
        INSERT INTO thing_links
        WITH one AS (SELECT eid, min(object) AS object, max(confidence) AS confidence FROM thing_links GROUP BY eid
                     HAVING count(DISTINCT object) = 1 AND bool_and(rule <> 'batch'))
        SELECT n.eid, o.object, n.rule, n.via_type, n.via_value, n.confidence * o.confidence
        FROM near_lines n JOIN one o ON o.eid = n.near ANTI JOIN thing_links l ON l.eid = n.eid
        """
    )
