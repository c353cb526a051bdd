"""Time zones of logs that do not state theirs.

Takes the events, gives every family of logs a zone and the store a ``timeline`` of corrected times. A stamp without a
zone was read as UTC; its family is shifted by the offset under which it agrees with logs that do state their zone:
first by identifiers both logs carry, then by being busy in the same seconds. Raw times stay in ``events``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import duckdb
import numpy as np
from numpy.typing import NDArray

from reconstruct.correlate.busy import (
    LARGEST_OFFSET,
    MINIMUM_PAIRS,
    by_family,
    find_busy_seconds,
    find_offset,
    find_skew,
)
from reconstruct.correlate.exchanges import find_skews
from reconstruct.correlate.slices import sample_mentions
from reconstruct.grammar.stamp_calendar import QUARTER_HOUR_NS, local_changes

SAME_MOMENT_NS = 60 * 1_000_000_000
"""Two lines of one request are this close once zones agree (correlation §7.10); slower pairs say nothing."""

SAME_WORK_NS = 600 * 1_000_000_000
"""What is worked on in two services is named by both within this, as often as not."""

CODE = (
    "length(m.value) >= 5 AND regexp_matches(m.value, '[A-Za-z]') AND regexp_matches(m.value, '[0-9@]')"
    " OR regexp_full_match(m.value, '[1-9][0-9]{5,11}')"
)
"""Values that name the same thing in two logs: letters and digits, an address of mail, a number of six digits."""

AGREEING_SHARE = 0.6
"""Share of shared identifiers that must vote for the winning offset."""

SAMPLED_MENTIONS = 200_000
"""Identifiers on lines that are looked through for those that two logs share: thousands of votes are as good as all."""

SHARED_SAMPLE = 20_000
"""Distinct identifiers of a log that are looked for in the others: enough for any vote, and a bound for large logs."""


STATED = "its stamps state their zone"


@dataclass(frozen=True, slots=True)
class Zone:
    """The zone of one family of logs."""

    family: int
    offset_s: int
    """seconds that were taken off the stamps: east of UTC, and what the clock is ahead"""
    source: str
    """``stamp`` (the log says), ``inferred`` (agrees with others), ``assumed`` (UTC, nothing to go by), ``given``"""
    why: str
    ahead_ns: int = 0
    """what its clock is ahead beside, also of stamps that state their zone"""


def infer_zones(db: duckdb.DuckDBPyConnection, given_offset_s: int | None = None) -> list[Zone]:
    """Zones of all families; needs ``log_events`` and ``mentions``."""
    shares = db.execute(
        "SELECT family, count(*) FILTER (zoned) / count(*), bool_or(time_ns % 1000000000 <> 0) FROM log_events"
        " WHERE time_ns IS NOT NULL GROUP BY family ORDER BY family"
    ).fetchall()
    zoned = [family for family, share, _ in shares if share >= 0.5]
    naive = [family for family, share, _ in shares if share < 0.5]
    below = _below_zoned(db, [family for family, share, _ in shares if 0 < share < 1])
    zones = [_as_stated(family, below.get(family)) for family in zoned]
    if given_offset_s is not None:
        zones += [Zone(family, given_offset_s, "given", "given by the user") for family in naive]
    elif naive:
        apart, busy = _shared_identifiers(db), find_busy_seconds(db, zoned)
        found = {
            family: _by_vote(family, below.get(family), "lines below one that states its zone")
            or _by_vote(family, apart.get(family), "shared identifiers")
            for family in naive
        }
        unsure = [family for family, zone in found.items() if zone is None]
        for family in unsure:
            offset = find_offset(db, family, busy)
            found[family] = Zone(family, offset[0], "inferred", offset[1]) if offset else None
        inferred = [zone for zone in found.values() if zone is not None]
        named = _shared_codes(db, unsure) if unsure else []
        for each in inferred:
            zone = _outvote(each, inferred, _about(each.family, named)) if each.family in unsure else each
            skew = find_skew(db, zone.family, busy, np.array([zone.offset_s // 900]))
            zones.append(replace(zone, offset_s=skew[0], why=skew[1]) if skew else zone)
        zones += [_assume(family, zones, _about(family, named)) for family in unsure if found[family] is None]
    fine = {family for family, _, is_fine in shares if is_fine}
    skews = find_skews(db, {zone.family: zone.offset_s * 1_000_000_000 for zone in zones if zone.family in fine})
    for place, zone in enumerate(zones):
        if off := skews.get(zone.family):
            zones[place] = replace(zone, ahead_ns=off.ns, why=f"{zone.why}; {off.why}")
    return sorted(zones, key=lambda zone: zone.family)


@dataclass(frozen=True, slots=True)
class _Named:
    """What a log without a zone names and one with a zone names too."""

    family: int
    other: int
    value: NDArray[np.int64]
    """numbers of the things, ascending"""
    apart: NDArray[np.int64]
    """for each, nanoseconds its lines are from the nearest of the other log"""

    def near(self, offset_s: int) -> float:
        """Share of the things that are worked on together if the log is so far east of UTC."""
        return float(np.mean(np.abs(self.apart - offset_s * 1_000_000_000) <= SAME_WORK_NS))


def _about(family: int, named: list[_Named]) -> list[_Named]:
    return [each for each in named if each.family == family]


def _outvote(zone: Zone, inferred: list[Zone], named: list[_Named]) -> Zone:
    """The zone, or that of the other logs or UTC where more logs say so: one whose stamps state a zone that is not theirs (local time,
    called UTC) is busy together with it at the wrong offset.

    Logs say so that name the same things within minutes under the one offset, and not under the other.
    """
    mine = round(zone.offset_s / 900) * 900
    best, most = mine, 0
    for offset in sorted({0, *(round(each.offset_s / 900) * 900 for each in inferred)} - {mine}):
        votes = 0
        for each in named:
            if len(each.apart) >= MINIMUM_PAIRS:
                there, here = each.near(offset), each.near(mine)
                votes += there >= AGREEING_SHARE and here <= 1 - AGREEING_SHARE
                votes -= here >= AGREEING_SHARE and there <= 1 - AGREEING_SHARE
        if votes > most:
            best, most = offset, votes
    if not most:
        return zone
    said = f"{best // 3600:+03}:{abs(best) % 3600 // 60:02}" if best else "UTC"
    why = f"read as {said}, where it names what most logs name within ten minutes, though one is busy with it under another offset"
    return replace(zone, offset_s=best, source="assumed", why=why)


def _assume(family: int, zones: list[Zone], named: list[_Named]) -> Zone:
    """The zone of a log that no request ties to others: that of the other logs here that state none, or UTC.

    Things are worked on for minutes and hours, so what is ``named`` elsewhere cannot find a zone; it can tell which of the two it is.
    """
    inferred = Counter(round(zone.offset_s / 900) * 900 for zone in zones if zone.source == "inferred")
    if not inferred:
        return Zone(family, 0, "assumed", "no zone in its stamps, and no other log to compare with: read as UTC")
    offset = min(inferred, key=lambda offset: (-inferred[offset], offset))
    nearest: dict[int, int] = {}
    for each in named:
        for value, apart in zip(each.value.tolist(), each.apart.tolist(), strict=True):
            nearest[value] = min(apart, nearest.get(value, apart), key=abs)
    if offset and len(nearest) >= MINIMUM_PAIRS:
        whole = _Named(family, family, np.array(list(nearest)), np.array(list(nearest.values())))
        as_theirs, as_utc = whole.near(offset), whole.near(0)
        if as_utc >= AGREEING_SHARE and as_theirs <= 1 - AGREEING_SHARE:
            why = f"no zone in its stamps: read as UTC, where {as_utc:.0%} of what it names is named elsewhere within ten minutes"
            return Zone(family, 0, "assumed", why)
    return Zone(family, offset, "assumed", "no zone in its stamps: taken to be that of the other logs without one")


def _shared_codes(db: duckdb.DuckDBPyConnection, families: list[int]) -> list[_Named]:
    """What the given logs name on lines without a zone and others on lines with one.

    Short numbers are left out: they count from one, and mean something else elsewhere.
    """
    sampled = sample_mentions(db, SAMPLED_MENTIONS)
    found = db.execute(
        f"""
        WITH own AS (
            SELECT e.family, m.value, min(e.time_ns) AS t, row_number() OVER (PARTITION BY e.family ORDER BY m.value) AS number
            FROM mentions m JOIN log_events e USING (eid)
            WHERE list_contains($families, e.family) AND e.time_ns IS NOT NULL AND NOT e.zoned AND ({CODE}) AND {sampled}
            GROUP BY e.family, m.value QUALIFY number <= $most),
        other AS (SELECT e.family, m.value, e.time_ns AS t FROM mentions m JOIN log_events e USING (eid) SEMI JOIN own USING (value)
                  WHERE e.zoned AND e.time_ns IS NOT NULL AND {sampled})
        SELECT own.family, other.family AS other, number, arg_min(own.t - other.t, abs(own.t - other.t)) AS apart
        FROM own JOIN other USING (value) GROUP BY ALL ORDER BY ALL
        """,
        {"families": families, "most": SHARED_SAMPLE},
    ).fetchnumpy()
    pairs = np.stack([found["family"], found["other"]], axis=1)
    kinds, which = np.unique(pairs, axis=0, return_inverse=True) if len(pairs) else (pairs, np.zeros(0, np.int64))
    return [
        _Named(int(family), int(other), found["number"][which == n], found["apart"][which == n])
        for n, (family, other) in enumerate(kinds)
    ]


def _shared_identifiers(db: duckdb.DuckDBPyConnection) -> dict[int, NDArray[np.int64]]:
    """Per family, how far its lines without a zone are from lines with one that carry the same long identifier."""
    sampled = sample_mentions(db, SAMPLED_MENTIONS)
    found = db.execute(
        f"""
        WITH own AS (
            SELECT e.family, m.value, min(e.time_ns) AS t
            FROM mentions m JOIN log_events e USING (eid)
            WHERE length(m.value) >= 16 AND e.time_ns IS NOT NULL AND NOT e.zoned AND {sampled}
            GROUP BY e.family, m.value QUALIFY row_number() OVER (PARTITION BY e.family ORDER BY m.value) <= $most),
        other AS (
            SELECT m.value, min(e.time_ns) AS t, max(e.time_ns) AS t1
            FROM mentions m JOIN events e USING (eid) SEMI JOIN own USING (value)
            WHERE e.zoned AND e.time_ns IS NOT NULL AND {sampled} GROUP BY m.value)
        SELECT family, own.t - other.t AS apart FROM own JOIN other USING (value) WHERE other.t1 - other.t <= $moment
        """,
        {"most": SHARED_SAMPLE, "moment": SAME_MOMENT_NS},
    ).fetchnumpy()
    return by_family(found["family"], found["apart"])


def _below_zoned(db: duckdb.DuckDBPyConnection, families: list[int]) -> dict[int, NDArray[np.int64]]:
    """Per family of the given, how far its lines without a zone are from a line with one right above them: Ruby stamps lines in local
    time, and Rails adds to the first line of a request when that was, and where."""
    if not families:
        return {}
    found = db.execute(
        """
        WITH lines AS (SELECT family, source, eid, time_ns, zoned FROM log_events
                       WHERE list_contains($families, family) AND time_ns IS NOT NULL),
             pairs AS (SELECT family, eid, zoned, time_ns, lag(zoned) OVER above AS stated, lag(time_ns) OVER above AS t FROM lines
                       WINDOW above AS (PARTITION BY source ORDER BY eid))
        SELECT family, time_ns - t AS apart FROM pairs WHERE stated AND NOT zoned
        QUALIFY row_number() OVER (PARTITION BY family ORDER BY eid) <= $most ORDER BY eid
        """,
        {"families": families, "most": SHARED_SAMPLE},
    ).fetchnumpy()
    return by_family(found["family"], found["apart"])


def _as_stated(family: int, below: NDArray[np.int64] | None) -> Zone:
    """The zone of a log whose stamps state theirs, most of them."""
    others = _by_vote(family, below, "lines below one that states its zone")
    return (
        Zone(family, 0, "stamp", STATED)
        if others is None
        else replace(others, source="stamp", why=f"{STATED}; {others.why}")
    )


def _by_vote(family: int, values: NDArray[np.int64] | None, voters: str) -> Zone | None:
    """The offset under which most of what was compared (``voters``), so many nanoseconds apart, falls into the same minute."""
    if values is None or len(values) < MINIMUM_PAIRS:
        return None
    quarters = np.rint(values / QUARTER_HOUR_NS).astype(np.int64)
    near = (np.abs(values - quarters * QUARTER_HOUR_NS) <= SAME_MOMENT_NS) & (np.abs(quarters) <= LARGEST_OFFSET)
    offsets, votes = np.unique(quarters[near], return_counts=True)
    if not len(offsets):
        return None
    best = int(np.argmax(votes))
    if votes[best] < MINIMUM_PAIRS or votes[best] < AGREEING_SHARE * len(values):
        return None
    seconds = int(offsets[best]) * 900
    return Zone(family, seconds, "inferred", f"{votes[best]} of {len(values)} {voters} agree on it")


def build_timeline(db: duckdb.DuckDBPyConnection, zones: list[Zone], region: str = "") -> None:
    """Make ``timeline(eid, source, family, t, request)``: corrected times, and whether there is a method.

    An event without a time takes its neighbour's above; a log without any stands where the logs begin, not in 1970, or what spans the
    logs would span half a century. ``region``: of the zone database, for logs whose zone is given; each of their stamps has the
    offset of its season.
    """
    db.execute(
        "CREATE OR REPLACE TABLE zones (family INTEGER, offset_s INTEGER, origin VARCHAR, why VARCHAR, ahead_ns BIGINT)"
    )
    if zones:
        columns = [
            list(column)
            for column in zip(*((z.family, z.offset_s, z.source, z.why, z.ahead_ns) for z in zones), strict=True)
        ]
        db.execute("INSERT INTO zones SELECT unnest(?), unnest(?), unnest(?), unnest(?), unnest(?)", columns)
    ((timeless, begin),) = db.execute(
        "SELECT count(*) FILTER (time_ns IS NULL), coalesce(min(time_ns), 0) FROM events"
    ).fetchall()
    given = _region_offsets(db, region) if region else "offset_s"
    offset = f"CASE origin WHEN 'given' THEN {given} ELSE coalesce(offset_s, 0) END"
    time = f"time_ns - CASE WHEN zoned THEN 0 ELSE ({offset})::BIGINT * 1000000000 END - coalesce(ahead_ns, 0)"
    placed = f"SELECT eid, source, family, {time} AS t, method IS NOT NULL AS request FROM log_events LEFT JOIN zones USING (family)"
    if timeless:
        # Not by a window: one that ignores what has no time goes through all of a log without any, for each of its lines.
        placed = f"""
            WITH placed AS ({placed}),
                 timeless AS (SELECT eid, source, family FROM placed WHERE t IS NULL),
                 timed AS (SELECT source, family, eid, t FROM placed SEMI JOIN timeless USING (source, family) WHERE t IS NOT NULL),
                 firsts AS (SELECT source, family, arg_min(t, eid) AS t FROM timed GROUP BY ALL),
                 lent AS (
                    SELECT l.eid, coalesce(above.t, firsts.t, {begin}) AS t FROM timeless l
                    ASOF LEFT JOIN timed above ON above.source = l.source AND above.family = l.family AND above.eid <= l.eid
                    LEFT JOIN firsts ON firsts.source = l.source AND firsts.family = l.family)
            SELECT p.* REPLACE (coalesce(p.t, lent.t) AS t) FROM placed p LEFT JOIN lent USING (eid)
        """
    db.execute(f"CREATE OR REPLACE TABLE timeline AS {placed}")


def _region_offsets(db: duckdb.DuckDBPyConnection, region: str) -> str:
    """SQL of the seconds east of UTC that hold in a region at the local time ``time_ns``. Sets those of ``zones`` to what holds
    when the log begins."""
    spans = db.execute(
        "SELECT family, min(time_ns), max(time_ns) FROM log_events JOIN zones USING (family)"
        " WHERE NOT zoned AND time_ns IS NOT NULL AND origin = 'given' GROUP BY family ORDER BY family"
    ).fetchall()
    if not spans:
        return "offset_s"
    changes = local_changes(region, min(span[1] for span in spans), max(span[2] for span in spans))
    for family, first, _ in spans:
        begin = [offset for since, offset in changes if since <= first][-1]
        why = f"given by the user: {region}"
        db.execute("UPDATE zones SET offset_s = ?, why = ? WHERE family = ?", [begin, why, family])
    cases = [f"WHEN time_ns >= {since} THEN {offset}" for since, offset in reversed(changes[1:])]
    return f"CASE {' '.join(cases)} ELSE {changes[0][1]} END" if cases else str(changes[0][1])
