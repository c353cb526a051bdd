"""Clocks by when logs are busy: services that work for each other write in the same seconds.

Takes the seconds with events of logs that state their zone and of those that do not; finds what was taken off or added to the stamps
of the latter, to the quarter of an hour or, where a clock is off as well, to the second.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from reconstruct.events.templates import skeletons

LARGEST_OFFSET = 14 * 4
"""Quarter hours either side of UTC: Kiribati keeps UTC+14."""

MINIMUM_PAIRS = 3
"""Shared identifiers that must agree on an offset before it is believed."""

BUSY_SAMPLE = 5_000
"""Distinct seconds of a log that are compared with the others: enough for any real difference to show."""

LARGEST_SKEW_S = 90
"""Clocks that nobody sets are seldom further off; beyond, jobs that follow each other by habit look the same."""

LEAST_REQUEST_SKEW_S = 2
"""Of a log of requests a second is no clock that is off: one stamps the beginning of a request, another its end, and both round."""

SKEW_SAMPLE, SKEW_LEAST = 200, 50
"""Distinct seconds that are compared at every lag, and how many it takes: the best of 20,000 lags is .14 above chance with 200."""

LEAST_STEPS, STEP_LEAST, STEP_SHARE = 2, 5, 0.5
"""Things a log tells of that must fall together with other logs at the same lag, in that many seconds and that share of theirs: with one
alone, a job that sends a mail twelve seconds after it began had a clock twelve seconds behind."""

SKEW_MARGIN = 0.3
"""How much more often a log must be busy together with others at one lag than at any other before its clock is corrected."""

BUSY_MARGIN = 0.1
"""How much more often than under the typical wrong offset a log must be busy together with the others."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Distinct seconds with events, ascending."""

    naive: dict[int, NDArray[np.int64]]
    """per family, of lines without a zone"""
    zoned: NDArray[np.int64]
    """of all logs whose zone is known"""


def find_busy_seconds(db: duckdb.DuckDBPyConnection, zoned: list[int]) -> Busy:
    if not zoned:
        return Busy({}, np.zeros(0, np.int64))
    found = db.execute(
        "SELECT DISTINCT CASE WHEN e.zoned THEN NULL ELSE e.family END AS family, e.time_ns // 1000000000 AS s"
        " FROM log_events e"
        " WHERE e.time_ns IS NOT NULL AND (NOT e.zoned OR list_contains($zoned, e.family)) ORDER BY s",
        {"zoned": zoned},
    ).fetchnumpy()
    families, seconds = found["family"], np.asarray(found["s"], np.int64)
    known = np.ma.getmaskarray(families)
    return Busy(by_family(families[~known], seconds[~known]), seconds[known])


def by_family(families: object, values: object) -> dict[int, NDArray[np.int64]]:
    """Values of each family, in the order given."""
    keys, column = np.asarray(families, np.int64), np.asarray(values, np.int64)
    return {int(family): column[keys == family] for family in np.unique(keys)}


def find_offset(db: duckdb.DuckDBPyConnection, family: int, busy: Busy) -> tuple[int, str] | None:
    """(seconds, why): the offset under which the log is busy in the same seconds as logs whose zone is known."""
    own, others = busy.naive.get(family), busy.zoned
    if own is None or len(own) < MINIMUM_PAIRS or not len(others):
        return None
    own = own[:: max(1, len(own) // BUSY_SAMPLE)]
    offsets = np.arange(-LARGEST_OFFSET, LARGEST_OFFSET + 1)
    shares = _shares_near(own[None, :] - offsets[:, None] * 900, others)
    best = int(np.argmax(shares))
    typical = float(np.median(shares))
    if shares[best] < typical + BUSY_MARGIN or np.count_nonzero(shares >= shares[best] - BUSY_MARGIN / 2) > 1:
        return find_skew(db, family, busy, offsets)
    why = f"{shares[best]:.0%} of its seconds are busy in other logs too, {typical:.0%} under other offsets"
    return int(offsets[best]) * 900, why


def find_skew(
    db: duckdb.DuckDBPyConnection, family: int, busy: Busy, quarters: NDArray[np.int64]
) -> tuple[int, str] | None:
    """The same for a clock that is off by seconds as well; None where it is not, or where that does not show beyond doubt.

    ``quarters``: offsets that it may have beside, in quarters of an hour.
    """
    own, others = busy.naive.get(family), busy.zoned
    if own is None or len(own) < SKEW_LEAST or not len(others):
        return None
    own = own[:: max(1, len(own) // SKEW_SAMPLE)]
    skews = np.arange(-LARGEST_SKEW_S, LARGEST_SKEW_S + 1)
    lags = (quarters[:, None] * 900 + skews).ravel()
    at = np.minimum(np.searchsorted(others, own[None, :] - lags[:, None]), len(others) - 1)
    together = others[at] == own[None, :] - lags[:, None]
    shares = np.mean(together, axis=1)
    best = int(np.argmax(shares))
    skew = int(skews[best % len(skews)])
    # A request takes a second or two from its first line to the one the edge writes: neighbours of the best lag are no rivals.
    far = np.abs(lags - lags[best]) > 2
    if (
        not skew
        or shares[best] < np.max(shares[far]) + SKEW_MARGIN
        or shares[best] < shares[lags % 900 == 0].max() + SKEW_MARGIN
        or _count_steps(db, family, own, together[best]) < LEAST_STEPS
        or (abs(skew) < LEAST_REQUEST_SKEW_S and _holds_requests(db, family))
    ):
        return None
    why = f"{shares[best]:.0%} of its seconds are busy in other logs too when its clock is {abs(skew)} s {'ahead' if skew > 0 else 'behind'}"
    return int(lags[best]), why


def _holds_requests(db: duckdb.DuckDBPyConnection, family: int) -> bool:
    """Whether most lines of the log are web requests."""
    ((requests, lines),) = db.execute(
        "SELECT count(method), count(*) FROM log_events WHERE family = ?", [family]
    ).fetchall()
    return bool(2 * requests > lines)


def _count_steps(
    db: duckdb.DuckDBPyConnection, family: int, seconds: NDArray[np.int64], together: NDArray[np.bool_]
) -> int:
    """How many things the log tells of that each, apart from the others, fall together with other logs.

    A clock that is off shifts all there is; what follows one thing always after the same while is a pause, and shows as the same lag.
    Wordings that stand in the same seconds tell of one thing.
    """
    rows = db.sql(
        """
        SELECT e.time_ns // 1000000000 AS s, coalesce(e.message, e.method || ' ' || e.path, '') AS text
        FROM log_events e JOIN (SELECT unnest($seconds) AS s) ON s = e.time_ns // 1000000000
        WHERE e.family = $family AND NOT e.zoned ORDER BY s, e.eid
        """,
        params={"seconds": seconds.tolist(), "family": family},
    ).to_arrow_table()
    worded = skeletons(rows["text"].combine_chunks())
    place: NDArray[np.int64] = np.searchsorted(seconds, rows["s"].to_numpy())
    said = worded.indices.to_numpy()
    wordings = [np.unique(place[said == code]) for code in range(len(worded.dictionary))]
    steps: list[NDArray[np.int64]] = []
    for told in sorted(wordings, key=lambda told: (-len(told), told.tolist())):
        agreeing = told[together[told]]
        if (
            len(agreeing) >= STEP_LEAST and len(agreeing) >= STEP_SHARE * len(told)
            and all(len(np.intersect1d(agreeing, each)) <= STEP_SHARE * len(agreeing) for each in steps)
        ):  # fmt: skip
            steps.append(agreeing)
    return len(steps)


def _shares_near(seconds: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
    """Per row of ``seconds``, the share that has one of the sorted ``others`` at most one second away."""
    after = np.searchsorted(others, seconds - 1)
    found = after < len(others)
    shares: NDArray[np.float64] = np.mean(found & (others[np.minimum(after, len(others) - 1)] <= seconds + 1), axis=1)
    return shares
