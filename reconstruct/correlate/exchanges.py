"""Clocks by what services say to each other and answer.

One that asks another writes before and after; the other writes in between. How long it took is the same by both clocks, however they are
set, so exchanges show by that: whatever takes the other longer, makes the one wait longer. Where the answer then comes before the
question, the clocks are apart, and by how much is known to the slack of the quickest exchanges, from below and from above.

What merely follows something else shows no such thing: its length has nothing to do with anybody's waiting.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from reconstruct.correlate.calibrate import wilson_lower
from reconstruct.correlate.slices import sample_mentions

SAMPLED_MENTIONS = 40_000
"""Identifiers of lines looked through, chosen by their hash so that those of one exchange are chosen together."""

LONGEST_NS = 60 * 1_000_000_000
"""Exchanges that take longer are work, not a question (correlation §7.10)."""

LARGEST_NS = 90 * 1_000_000_000
"""Clocks are seldom further apart."""

MOST_LINES = 12
"""Lines of one log that name one thing, at most: more are its history."""

LEAST_EXCHANGES = 20
"""Exchanges before anything is concluded."""

TELLING = 4
"""How many times more the lengths of exchanges must vary than what is left over of the waiting: else a fixed pause looks the same."""

LEAST_NS = 20_000_000
"""Clocks nearer than this are left alone: orders of lines that near are of no consequence, and network clocks are no better."""

BUSIER = 0.05
"""Share of its lines that a log must have more, or fewer, in seconds in which others are busy for that to say whose clock is off."""

CONFIRMED = 0.8
"""Lower end of the interval of the share of exchanges that the correction puts in order."""


@dataclass(frozen=True, slots=True)
class Apart:
    """How far the clocks of two logs are apart."""

    asking: int
    answering: int
    ns: int
    """how much the clock of the one that asks is ahead of the other's; 0 where they agree"""
    give_ns: int
    """it may be that much more or less"""
    exchanges: int
    in_order: int
    """exchanges that are in order with that correction"""


@dataclass(frozen=True, slots=True)
class Skew:
    """What the clock of a log is ahead."""

    ns: int
    why: str


def find_skews(db: duckdb.DuckDBPyConnection, offsets: dict[int, int]) -> dict[int, Skew]:
    """Logs whose clocks are off, by family; ``offsets``: nanoseconds to take off the stamps without a zone, of the families to be
    looked at. Stamps of whole seconds tell nothing of this.

    Of two clocks that are apart, the one is off that fewer others agree with; else the one that, once it is set, is busy when others
    are; else that of the log with fewer lines. Needs ``log_events``, ``families`` and ``mentions``.
    """
    pairs = _find_apart(db, offsets) if len(offsets) > 1 else []
    found: dict[int, Skew] = {}
    if not any(pair.ns for pair in pairs):
        return found
    names = dict(db.execute("SELECT family, name FROM families").fetchall())
    agree = Counter(family for pair in pairs if not pair.ns for family in (pair.asking, pair.answering))
    for pair in sorted(pairs, key=lambda pair: (-pair.exchanges, pair.asking, pair.answering)):
        ahead = {pair.asking: pair.ns, pair.answering: -pair.ns}
        left = pair.ns - sum(
            (1 if family == pair.asking else -1) * found[family].ns for family in ahead if family in found
        )
        if abs(left) <= max(pair.give_ns, LEAST_NS) or not ahead.keys() - found.keys():
            continue
        ahead = {pair.asking: left, pair.answering: -left}
        order = {
            family: (-agree[family], *_gain(db, family, ahead, offsets)) for family in ahead if family not in found
        }
        off = max(order, key=lambda family: (*order[family], family))
        other = pair.answering if off == pair.asking else pair.asking
        why = (
            f"{pair.in_order} of {pair.exchanges} exchanges with {names[other]} are in order when its clock is"
            f" {abs(left) // 1_000_000} ms {'ahead' if ahead[off] > 0 else 'behind'}, give or take {pair.give_ns // 1_000_000}"
        )
        found[off] = Skew(ahead[off], why)
    return found


def _gain(
    db: duckdb.DuckDBPyConnection, family: int, ahead: dict[int, int], offsets: dict[int, int]
) -> tuple[int, int]:
    """(how many more of its lines stand in seconds in which logs beside the two are busy, once its clock is set; fewer lines first)."""
    shift = offsets[family]
    row = db.execute(
        f"""
        WITH others AS (
                SELECT DISTINCT (time_ns - CASE WHEN zoned THEN 0 ELSE coalesce(shift, 0) END) // 1000000000 AS s
                FROM log_events LEFT JOIN (SELECT unnest($families) AS family, unnest($shifts) AS shift) USING (family)
                WHERE time_ns IS NOT NULL AND NOT list_contains($pair, family)),
             own AS (SELECT time_ns - CASE WHEN zoned THEN 0 ELSE {shift} END AS t FROM log_events
                     WHERE family = $own AND time_ns IS NOT NULL),
             placed AS (SELECT t // 1000000000 AS now, (t - $ahead) // 1000000000 AS set FROM own)
        SELECT count(b.s) - count(a.s), count(*)
        FROM placed LEFT JOIN others a ON a.s = now LEFT JOIN others b ON b.s = set
        """,
        {
            "families": list(offsets), "shifts": list(offsets.values()), "pair": list(ahead), "own": family, "ahead": ahead[family],
        },
    ).fetchall()  # fmt: skip
    gain, lines = row[0]
    return (gain if abs(gain) >= BUSIER * lines else 0), -lines


def _find_apart(db: duckdb.DuckDBPyConnection, offsets: dict[int, int]) -> list[Apart]:
    """Pairs of logs that show how far their clocks are apart."""
    shifts = [list(offsets), list(offsets.values())]
    found = db.execute(
        f"""
        WITH named AS (SELECT DISTINCT value, eid FROM mentions
                       WHERE length(value) >= 5 AND {sample_mentions(db, SAMPLED_MENTIONS)}),
             lines AS (
                SELECT value, family, time_ns - CASE WHEN zoned THEN 0 ELSE shift END AS t
                FROM named JOIN log_events USING (eid) JOIN (SELECT unnest(?) AS family, unnest(?) AS shift) USING (family)
                WHERE time_ns IS NOT NULL),
             told AS (SELECT value, family, list(t ORDER BY t) AS t FROM lines GROUP BY ALL
                      HAVING count(*) BETWEEN 2 AND {MOST_LINES} AND max(t) - min(t) BETWEEN 1 AND {LONGEST_NS})
        SELECT a.family, b.family, list((a.t, b.t) ORDER BY a.value) FROM told a JOIN told b USING (value)
        WHERE a.family <> b.family GROUP BY ALL HAVING count(*) >= {LEAST_EXCHANGES} ORDER BY ALL
        """,
        shifts,
    ).fetchall()
    apart = (_compare(asking, answering, told) for asking, answering, told in found)
    return [each for each in apart if each is not None]


def _compare(asking: int, answering: int, told: list[tuple[list[int], list[int]]]) -> Apart | None:
    """How far two clocks are apart by what both tell of the same things; None where that does not show."""
    found = {exchange for mine, theirs in told if (exchange := _fit(mine, theirs)) is not None}
    if len(found) < max(LEAST_EXCHANGES, CONFIRMED * len({tuple(theirs) for _, theirs in told})):
        return None
    least, most, took = np.array(
        sorted(found)
    ).T  # bounds of what the one that asks is ahead, and how long the answer took
    if _spread(took) < TELLING * max(_spread(most - least), LEAST_NS // TELLING):
        return None
    low, high = int(np.quantile(least, 0.95)), int(np.quantile(most, 0.05))
    if low > high:
        return None
    ns = 0 if low <= 0 <= high else (low + high) // 2
    in_order = int(np.count_nonzero((least <= ns) & (ns <= most)))
    if 0 < abs(ns) < LEAST_NS or wilson_lower(in_order, len(found)) < CONFIRMED:
        return None
    return Apart(asking, answering, ns, (high - low) // 2, len(found), in_order)


def _fit(mine: list[int], theirs: list[int]) -> tuple[int, int, int] | None:
    """(least, most) that the clock of ``mine`` is ahead if they waited for what stands in ``theirs``, and how long that took."""
    first, last = theirs[0], theirs[-1]
    took = last - first
    waits = [
        (after - before - took, before - first, after - last)
        for before, after in itertools.pairwise(mine)
        if after - before >= took and abs(before - first) <= LARGEST_NS
    ]
    return (*min(waits)[1:], took) if waits else None


def _spread(values: NDArray[np.int64]) -> float:
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high - low)
