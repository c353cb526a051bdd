"""How much of what one log of web requests says stands in others as well: the same method, target and status within moments.

All logs that are asked about are read and sorted once; each question then costs one pass over a column of flags and a search for each
request of the log. A cluster has a log for each of hundreds of pods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from reconstruct.store.codes import Codes, number_values
from reconstruct.store.listing import sql_list

SAME_REQUEST_S = 2
"""Two servers write one request down within two seconds: both stamps are rounded, and the outer one waits for the inner."""

CHANCE_SHIFTS_S = (-29, -13, 13, 29)
"""Seconds to either side at which chance is asked the same: near enough to be as busy, too far for one request."""

_MARGIN_S = SAME_REQUEST_S + max(CHANCE_SHIFTS_S) + 1
"""Between the seconds of two codes, so that what is near in one is not in the other."""


def asked_for(tells_queries: bool) -> str:
    """SQL of what a request ``e`` asked for, to be compared with a log that tells queries or does not: 64 bits of its hash, which ten
    million requests share once in a million logs."""
    return f"hash(e.method, e.path{', e.query' if tells_queries else ''})"


@dataclass(frozen=True, slots=True)
class _Ordered:
    """Requests by a code and, of one code, by second."""

    moment: Codes
    """of each request: grows with code and second"""
    order: NDArray[np.intp]
    sorted: Codes

    @classmethod
    def by(cls, code: Codes, second: Codes) -> _Ordered:
        start, end = (int(second.min()), int(second.max())) if len(second) else (0, 0)
        moment = number_values(code)[0] * (end - start + _MARGIN_S) + second - start
        order = np.argsort(moment)
        return cls(moment, order, moment[order])

    def are_near(self, rows: Codes, among: NDArray[np.bool_], shift_s: int) -> NDArray[np.bool_]:
        """Per row: is one of those ``among`` of the same code and about the same second, moved by so many?"""
        before = np.append(0, np.cumsum(among[self.order]))
        wanted = self.moment[rows] + shift_s
        first = np.searchsorted(self.sorted, wanted - SAME_REQUEST_S)
        last = np.searchsorted(self.sorted, wanted + SAME_REQUEST_S, side="right")
        return np.asarray(before[last] > before[first])


class Looks:
    """What servers write alike of one request, of all requests for what some logs were asked for."""

    def __init__(self, family: Codes, target: Codes, status: Codes, second: Codes) -> None:
        """A column each, a row per request. ``target``: code of what it asked for; ``status``: -1 where the log does not say."""
        self._family = family
        self._target = target
        self._said = status >= 0
        self._by_target = _Ordered.by(target, second)
        self._by_status = _Ordered.by(target * (int(status.max(initial=-1)) + 2) + status + 1, second)

    def count_repeated(self, family: int, outer: Sequence[int], shift_s: int = 0) -> int:
        """Requests of one family that one of the others has as well, within SAME_REQUEST_S; its clock moved by so many seconds."""
        mine, others = np.flatnonzero(self._family == family), np.isin(self._family, outer)
        found = self._by_status.are_near(mine, others, shift_s)
        # A status that one of the two does not say contradicts nothing.
        silent = ~self._said[mine]
        found[silent] |= self._by_target.are_near(mine[silent], others, shift_s)
        found |= self._by_target.are_near(mine, others & ~self._said, shift_s)
        return int(np.count_nonzero(found))

    def count_asked(self, family: int, outer: Sequence[int]) -> int:
        """Requests of one family for what one of the others was ever asked for."""
        mine, others = self._target[self._family == family], self._target[np.isin(self._family, outer)]
        return int(np.count_nonzero(np.isin(mine, others)))


def read_looks(db: duckdb.DuckDBPyConnection, families: Sequence[int], *, tells_queries: bool) -> Looks:
    """All requests for what some logs were asked for, that ``watching(eid)`` does not list."""
    table = db.sql(
        f"""
        WITH requests AS (SELECT t.family, {asked_for(tells_queries)} AS asked, coalesce(e.status, -1)::BIGINT AS status,
                                 t.t // 1000000000 AS second
                          FROM events e JOIN timeline t USING (eid) ANTI JOIN watching USING (eid)
                          WHERE e.method IS NOT NULL AND e.path IS NOT NULL)
        SELECT * FROM requests SEMI JOIN (SELECT DISTINCT asked FROM requests WHERE family IN {sql_list(families)}) USING (asked)
        """
    ).to_arrow_table()
    family, status, second = (table[name].to_numpy().astype(np.int64) for name in ("family", "status", "second"))
    return Looks(family, number_values(table["asked"].to_numpy().view(np.int64))[0], status, second)
