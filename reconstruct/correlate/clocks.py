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

from reconstruct.grammar.stamp_calendar import local_changes

QUARTER_HOUR_NS = 15 * 60 * 1_000_000_000
"""Every zone in use is a multiple of 15 minutes from UTC."""

LARGEST_OFFSET = 14 * 4
"""Quarter hours either side of UTC: Kiribati keeps UTC+14."""

SAME_MOMENT_NS = 60 * 1_000_000_000
"""Two lines of one request are this close once zones agree (correlation §7.10); slower pairs say nothing."""

SAME_WORK_NS = 600 * 1_000_000_000
"""What is worked on in two services is named by both within this, as often as not."""

CODE = "length(m.value) >= 5 AND regexp_matches(m.value, '[A-Za-z]') AND regexp_matches(m.value, '[0-9@]')"
"""Values that name the same thing in two logs: letters and digits, or an address of mail."""

MINIMUM_PAIRS = 3
"""Shared identifiers that must agree on an offset before it is believed."""

AGREEING_SHARE = 0.6
"""Share of shared identifiers that must vote for the winning offset."""

SHARED_SAMPLE = 20_000
"""Distinct identifiers of a log that are looked for in the others: enough for any vote, and a bound for large logs."""

BUSY_SAMPLE = 5_000
"""Distinct seconds of a log that are compared with the others: enough for any real difference to show."""

LARGEST_SKEW_S = 90
"""Clocks that nobody sets are seldom further off; beyond, jobs that follow each other by habit look the same."""

SKEW_SAMPLE, SKEW_LEAST = 200, 50
"""Distinct seconds that are compared at every lag, and how many it takes: the best of 20,000 lags is .14 above chance with 200."""

SKEW_MARGIN = 0.3
"""How much more often a log must be busy together with others at one lag than at any other before its clock is corrected."""

BUSY_MARGIN = 0.1
"""How much more often than under the typical wrong offset a log must be busy together with the others."""


@dataclass(frozen=True, slots=True)
class Zone:
    """The zone of one family of logs."""

    family: int
    offset_s: int
    """seconds that were taken off the stamps: east of UTC, and what the clock is ahead"""
    source: str
    """``stamp`` (the log says), ``inferred`` (agrees with others), ``assumed`` (UTC, nothing to go by), ``given``"""
    why: str


def infer_zones(db: duckdb.DuckDBPyConnection, given_offset_s: int | None = None) -> list[Zone]:
    """Zones of all families; needs ``log_events`` and ``mentions``."""
    shares = db.execute(
        "SELECT family, count(*) FILTER (zoned) / count(*) FROM log_events"
        " WHERE time_ns IS NOT NULL GROUP BY family ORDER BY family"
    ).fetchall()
    zoned = [family for family, share in shares if share >= 0.5]
    naive = [family for family, share in shares if share < 0.5]
    below = _below_zoned(db, [family for family, share in shares if 0 < share < 1])
    zones = [_as_stated(family, below.get(family)) for family in zoned]
    if given_offset_s is not None:
        zones += [Zone(family, given_offset_s, "given", "given by the user") for family in naive]
    elif naive:
        apart, busy = _shared_identifiers(db), _busy_seconds(db, zoned)
        found = {
            family: _by_vote(family, below.get(family), "lines below one that states its zone")
            or _by_vote(family, apart.get(family), "shared identifiers")
            or _by_busy_seconds(family, busy)
            for family in naive
        }
        zones += [_set_clock(zone, busy) for zone in found.values() if zone is not None]
        unknown = [family for family, zone in found.items() if zone is None]
        named = _shared_codes(db, unknown) if unknown else {}
        zones += [_assume(family, zones, named.get(family)) for family in unknown]
    return sorted(zones, key=lambda zone: zone.family)


def _assume(family: int, zones: list[Zone], apart: NDArray[np.int64] | None) -> Zone:
    """The zone of a log that no request ties to others: that of the other logs here that state none, or UTC.

    ``apart``: nanoseconds its lines are from lines of known zone that name the same thing. Things are worked on for minutes and
    hours, so this cannot find a zone; it can tell which of the two it is.
    """
    inferred = Counter(round(zone.offset_s / 900) * 900 for zone in zones if zone.source == "inferred")
    if not inferred:
        return Zone(family, 0, "assumed", "no zone in its stamps, and no other log to compare with: read as UTC")
    offset = min(inferred, key=lambda offset: (-inferred[offset], offset))
    if offset and apart is not None and len(apart) >= MINIMUM_PAIRS:
        as_theirs, as_utc = (
            float(np.mean(np.abs(apart - each * 1_000_000_000) <= SAME_WORK_NS)) for each in (offset, 0)
        )
        if as_utc >= AGREEING_SHARE and as_theirs <= 1 - AGREEING_SHARE:
            why = f"no zone in its stamps: read as UTC, where {as_utc:.0%} of what it names is named elsewhere within ten minutes"
            return Zone(family, 0, "assumed", why)
    return Zone(family, offset, "assumed", "no zone in its stamps: taken to be that of the other logs without one")


def _shared_codes(db: duckdb.DuckDBPyConnection, families: list[int]) -> dict[int, NDArray[np.int64]]:
    """Per family of the given, how far its lines without a zone are from the nearest line with one that names the same thing.

    Numbers are left out: they count from one, and mean something else elsewhere.
    """
    found = db.execute(
        f"""
        WITH own AS (
            SELECT e.family, m.value, min(e.time_ns) AS t FROM mentions m JOIN log_events e USING (eid)
            WHERE list_contains($families, e.family) AND e.time_ns IS NOT NULL AND NOT e.zoned AND {CODE}
            GROUP BY e.family, m.value QUALIFY row_number() OVER (PARTITION BY e.family ORDER BY m.value) <= $most),
        other AS (SELECT m.value, e.time_ns AS t FROM mentions m JOIN log_events e USING (eid) SEMI JOIN own USING (value)
                  WHERE e.zoned AND e.time_ns IS NOT NULL)
        SELECT family, arg_min(own.t - other.t, abs(own.t - other.t)) AS apart FROM own JOIN other USING (value) GROUP BY family, value
        """,
        {"families": families, "most": SHARED_SAMPLE},
    ).fetchnumpy()
    return _by_family(found["family"], found["apart"])


def _shared_identifiers(db: duckdb.DuckDBPyConnection) -> dict[int, NDArray[np.int64]]:
    """Per family, how far its lines without a zone are from lines with one that carry the same long identifier."""
    found = db.execute(
        """
        WITH own AS (
            SELECT e.family, m.value, min(e.time_ns) AS t
            FROM mentions m JOIN log_events e USING (eid)
            WHERE length(m.value) >= 16 AND e.time_ns IS NOT NULL AND NOT e.zoned
            GROUP BY e.family, m.value QUALIFY row_number() OVER (PARTITION BY e.family ORDER BY m.value) <= $most),
        other AS (
            SELECT m.value, min(e.time_ns) AS t, max(e.time_ns) AS t1
            FROM mentions m JOIN events e USING (eid) SEMI JOIN own USING (value)
            WHERE e.zoned AND e.time_ns IS NOT NULL GROUP BY m.value)
        SELECT family, own.t - other.t AS apart FROM own JOIN other USING (value) WHERE other.t1 - other.t <= $moment
        """,
        {"most": SHARED_SAMPLE, "moment": SAME_MOMENT_NS},
    ).fetchnumpy()
    return _by_family(found["family"], found["apart"])


def _by_family(families: object, values: object) -> dict[int, NDArray[np.int64]]:
    """Values of each family, in the order given."""
    keys, column = np.asarray(families, np.int64), np.asarray(values, np.int64)
    return {int(family): column[keys == family] for family in np.unique(keys)}


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
    return _by_family(found["family"], found["apart"])


def _as_stated(family: int, below: NDArray[np.int64] | None) -> Zone:
    """The zone of a log whose stamps state theirs, most of them."""
    why = "its stamps state their zone"
    others = _by_vote(family, below, "lines below one that states its zone")
    return (
        Zone(family, 0, "stamp", why) if others is None else replace(others, source="stamp", why=f"{why}; {others.why}")
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


def _by_busy_seconds(family: int, busy: _Busy) -> Zone | None:
    """The offset under which the log is busy in the same seconds as logs whose zone is known."""
    own, others = busy.naive.get(family), busy.zoned
    if own is None or len(own) < MINIMUM_PAIRS or not len(others):
        return None
    own = own[:: max(1, len(own) // BUSY_SAMPLE)]
    offsets = np.arange(-LARGEST_OFFSET, LARGEST_OFFSET + 1)
    shares = _shares_near(own[None, :] - offsets[:, None] * 900, others)
    best = int(np.argmax(shares))
    typical = float(np.median(shares))
    if shares[best] < typical + BUSY_MARGIN or np.count_nonzero(shares >= shares[best] - BUSY_MARGIN / 2) > 1:
        return _by_late_seconds(family, busy, offsets)
    why = f"{shares[best]:.0%} of its seconds are busy in other logs too, {typical:.0%} under other offsets"
    return Zone(family, int(offsets[best]) * 900, "inferred", why)


def _set_clock(zone: Zone, busy: _Busy) -> Zone:
    """The zone with what the clock is ahead in it, if that shows."""
    return _by_late_seconds(zone.family, busy, np.array([zone.offset_s // 900])) or zone


def _by_late_seconds(family: int, busy: _Busy, quarters: NDArray[np.int64]) -> Zone | None:
    """The same for a clock that is off by seconds as well; None where it is not, or where that does not show beyond doubt."""
    own, others = busy.naive.get(family), busy.zoned
    if own is None or len(own) < SKEW_LEAST or not len(others):
        return None
    own = own[:: max(1, len(own) // SKEW_SAMPLE)]
    skews = np.arange(-LARGEST_SKEW_S, LARGEST_SKEW_S + 1)
    lags = (quarters[:, None] * 900 + skews).ravel()
    at = np.minimum(np.searchsorted(others, own[None, :] - lags[:, None]), len(others) - 1)
    shares = np.mean(others[at] == own[None, :] - lags[:, None], axis=1)
    best = int(np.argmax(shares))
    skew = int(skews[best % len(skews)])
    # A request takes a second or two from its first line to the one the edge writes: neighbours of the best lag are no rivals.
    far = np.abs(lags - lags[best]) > 2
    if (
        not skew
        or shares[best] < np.max(shares[far]) + SKEW_MARGIN
        or shares[best] < shares[lags % 900 == 0].max() + SKEW_MARGIN
    ):
        return None
    why = f"{shares[best]:.0%} of its seconds are busy in other logs too when its clock is {abs(skew)} s {'ahead' if skew > 0 else 'behind'}"
    return Zone(family, int(lags[best]), "inferred", why)


@dataclass(frozen=True, slots=True)
class _Busy:
    """Distinct seconds with events, ascending."""

    naive: dict[int, NDArray[np.int64]]
    """per family, of lines without a zone"""
    zoned: NDArray[np.int64]
    """of all logs whose zone is known"""


def _busy_seconds(db: duckdb.DuckDBPyConnection, zoned: list[int]) -> _Busy:
    if not zoned:
        return _Busy({}, np.zeros(0, np.int64))
    found = db.execute(
        "SELECT DISTINCT CASE WHEN e.zoned THEN NULL ELSE e.family END AS family, e.time_ns // 1000000000 AS s"
        " FROM log_events e"
        " WHERE e.time_ns IS NOT NULL AND (NOT e.zoned OR list_contains($zoned, e.family)) ORDER BY s",
        {"zoned": zoned},
    ).fetchnumpy()
    families, seconds = found["family"], np.asarray(found["s"], np.int64)
    known = np.ma.getmaskarray(families)
    return _Busy(_by_family(families[~known], seconds[~known]), seconds[known])


def _shares_near(seconds: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
    """Per row of ``seconds``, the share that has one of the sorted ``others`` at most one second away."""
    after = np.searchsorted(others, seconds - 1)
    found = after < len(others)
    shares: NDArray[np.float64] = np.mean(found & (others[np.minimum(after, len(others) - 1)] <= seconds + 1), axis=1)
    return shares


def build_timeline(db: duckdb.DuckDBPyConnection, zones: list[Zone], region: str = "") -> None:
    """Make ``timeline(eid, source, family, t, request)``: corrected times, and whether there is a method.

    An event without a time takes its neighbour's above. ``region``: of the zone database, for logs whose zone is given; each of
    their stamps has the offset of its season.
    """
    db.execute("CREATE OR REPLACE TABLE zones (family INTEGER, offset_s INTEGER, origin VARCHAR, why VARCHAR)")
    if zones:
        columns = [
            list(column) for column in zip(*((z.family, z.offset_s, z.source, z.why) for z in zones), strict=True)
        ]
        db.execute("INSERT INTO zones SELECT unnest(?), unnest(?), unnest(?), unnest(?)", columns)
    ((timeless,),) = db.execute("SELECT count(*) FROM events WHERE time_ns IS NULL").fetchall()
    given = _region_offsets(db, region) if region else "offset_s"
    offset = f"CASE origin WHEN 'given' THEN {given} ELSE coalesce(offset_s, 0) END"
    time = f"time_ns - CASE WHEN zoned THEN 0 ELSE ({offset})::BIGINT * 1000000000 END"
    if timeless:
        time = f"coalesce({time}, last_value({time} IGNORE NULLS) OVER above, first_value({time} IGNORE NULLS) OVER below, 0)"
    db.execute(
        f"""
        CREATE OR REPLACE TABLE timeline AS
        SELECT eid, source, family, {time} AS t, method IS NOT NULL AS request
        FROM log_events LEFT JOIN zones USING (family)
        WINDOW above AS (PARTITION BY source, family ORDER BY eid ROWS UNBOUNDED PRECEDING),
               below AS (PARTITION BY source, family ORDER BY eid ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
        """
    )


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
