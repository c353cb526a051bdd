"""Lines of one web request in two logs, told by their looks: the same method and target (of a log without queries: path) within moments.

What identifiers have settled is left alone. Both sides are taken in time order; each edge line goes at most once to each inner
log, and status, browser and referrer agree where both lines have them: a server that writes down what comes in does not know yet
how it will end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reconstruct.correlate.looks import SAME_REQUEST_S, asked_for
from reconstruct.correlate.tiers import RequestLog
from reconstruct.store.codes import Codes, code_texts
from reconstruct.store.listing import sql_list

SAME_REQUEST_NS = SAME_REQUEST_S * 1_000_000_000

PAIR_CONFIDENCE = 0.97
"""Prior for pairs by looks; most wrong pairs swap two lines of one visitor, which changes nothing."""

BLOCK = 65_536
"""Lines whose candidates are in memory together …"""

MANY = 64
"""… where they are no more than this. Of an interface with one address, asked hundreds of times a second, only the nearest that is left is
looked for, line by line."""

PAIRS = pa.schema({"eid": pa.int64(), "anchor": pa.int64()})


def pair_by_looks(db: duckdb.DuckDBPyConnection, inner: Sequence[RequestLog], edge: Sequence[int]) -> pa.Table:
    """Pairs (eid, anchor) of requests of the inner logs that have no anchor yet, and requests of the edge families.

    Needs ``anchored(eid, anchor)`` with what identifiers have settled.
    """
    pairs: list[pa.Table] = []
    for tells_queries in (True, False):
        families = [log.family for log in inner if log.tells_queries == tells_queries]
        table = _read_requests(db, families, edge, asked_for(tells_queries)) if families else None
        if table is not None:
            settled = db.execute(
                "SELECT DISTINCT t.family, anchor FROM anchored JOIN timeline t USING (eid)"
            ).fetchall()
            pairs.append(pair_requests(table, settled))
    return pa.concat_tables(pairs) if pairs else PAIRS.empty_table()


def pair_requests(table: pa.Table, used: Iterable[tuple[int, int]]) -> pa.Table:
    """Pairs (eid, anchor) of requests that wait and others: in order of time each gets the nearest that is left, of those equally near
    the one written first. None of ``used``, as (family, anchor), is left.

    Args:
        table: Requests in time order: ``eid``, ``family``, ``t``, ``user_agent``, ``referrer``, ``asked`` (what for, as a number),
            ``status`` and ``waits``.
    """
    sides = _Sides.of(table)
    eid, family = sides.eid, table["family"].to_numpy().tolist()
    anchors: dict[int, list[int]] = {log: [] for log in set(family)}
    for log, anchor in used:
        if log in anchors:
            anchors[log].append(anchor)
    taken = {log: bytearray(np.isin(eid, held)) for log, held in anchors.items()}
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(sides.waiting), BLOCK):
        rows = sides.waiting[start : start + BLOCK]
        first, last = sides.find_alike(rows)
        few = last - first <= MANY
        row, place = _spread(rows[few], first[few], last[few])
        row, near = sides.sort_by_nearness(row, sides.edge[place])
        begins, nearest = np.searchsorted(row, rows).tolist(), near.tolist()
        ends = [*begins[1:], len(nearest)]
        for at, waiting in enumerate(rows.tolist()):
            gone = taken[family[waiting]]
            if few[at]:
                found = next((other for other in nearest[begins[at] : ends[at]] if not gone[other]), -1)
            else:
                left = sides.edge[first[at] : last[at]]
                found = sides.find_nearest(waiting, left[np.frombuffer(gone, np.bool_)[left] == 0])
            if found >= 0:
                gone[found] = True
                pairs.append((waiting, found))
    chosen = np.array(pairs, np.int64).reshape(-1, 2)
    return pa.table([eid[chosen[:, 0]], eid[chosen[:, 1]]], schema=PAIRS)


def _read_requests(
    db: duckdb.DuckDBPyConnection, inner: Sequence[int], edge: Sequence[int], asked: str
) -> pa.Table | None:
    """Requests of both sides in time order; ``waits`` for those to be paired. None where there are none of these.

    Args:
        asked: SQL of what a request ``e`` asked for, as a number.
    """
    inner_listed = sql_list(inner)
    request = "e.method IS NOT NULL AND e.path IS NOT NULL"
    waiting = f"{request} AND t.family IN {inner_listed} AND e.eid NOT IN (SELECT eid FROM anchored)"
    ((count,),) = db.execute(f"SELECT count(*) FROM events e JOIN timeline t USING (eid) WHERE {waiting}").fetchall()
    if not count:
        return None
    return db.sql(
        f"""
        SELECT e.eid, t.family, t.t, e.user_agent, e.referrer, {asked} AS asked, e.status, t.family IN {inner_listed} AS waits
        FROM events e JOIN timeline t USING (eid) WHERE {waiting} OR {request} AND t.family IN {sql_list(edge)} ORDER BY t.t, e.eid
        """
    ).to_arrow_table()


@dataclass(slots=True)
class _Sides:
    """Requests that wait, and those of the edge that they may be."""

    eid: Codes
    t: Codes
    looks: Codes
    signs: list[Codes]
    """what agrees in two lines of one request where both have it; negative: this one does not"""
    waiting: Codes
    """rows, in time order"""
    edge: Codes
    """rows of the others by looks, in time order among those of one look"""
    key: Codes
    """of the same: looks and row in one number, ascending"""

    @classmethod
    def of(cls, table: pa.Table) -> _Sides:
        looks = np.unique(table["asked"].to_numpy(), return_inverse=True)[1]
        signs = [code_texts(table[name])[0] for name in ("user_agent", "referrer")]
        signs.append(table["status"].fill_null(-1).to_numpy())
        waits = table["waits"].to_numpy(zero_copy_only=False).astype(np.bool_)
        edge = np.flatnonzero(~waits)
        key = np.sort(looks[edge] * table.num_rows + edge)
        edge = key % max(1, table.num_rows)
        return cls(table["eid"].to_numpy(), table["t"].to_numpy(), looks, signs, np.flatnonzero(waits), edge, key)

    def find_alike(self, rows: Codes) -> tuple[Codes, Codes]:
        """For each row the first place in ``edge``, and that behind the last, of those with its looks within SAME_REQUEST_NS."""
        since = np.searchsorted(self.t, self.t[rows] - SAME_REQUEST_NS)
        until = np.searchsorted(self.t, self.t[rows] + SAME_REQUEST_NS, "right")
        first, last = (np.searchsorted(self.key, self.looks[rows] * len(self.t) + place) for place in (since, until))
        return first, last

    def sort_by_nearness(self, row: Codes, other: Codes) -> tuple[Codes, Codes]:
        """The pairs of rows that agree: those of each ``row``, which ascend, from the nearest on."""
        agree = self._agree(row, other)
        row, other = row[agree], other[agree]
        order = np.lexsort((self.eid[other], np.abs(self.t[other] - self.t[row]), row))
        return row, other[order]

    def find_nearest(self, row: int, others: Codes) -> int:
        """The first of them in that order; -1 where none agrees."""
        others = others[self._agree(row, others)]
        if not len(others):
            return -1
        away = np.abs(self.t[others] - self.t[row])
        near = others[away == away.min()]
        return int(near[np.argmin(self.eid[near])])

    def _agree(self, row: Codes | int, other: Codes) -> NDArray[np.bool_]:
        agree = np.ones(len(other), np.bool_)
        for sign in self.signs:
            agree &= (sign[row] == sign[other]) | (sign[row] < 0) | (sign[other] < 0)
        return agree


def _spread(rows: Codes, first: Codes, last: Codes) -> tuple[Codes, Codes]:
    """Each row with each of its places from ``first`` to before ``last``."""
    counts = last - first
    row = np.repeat(rows, counts)
    return row, np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts - first, counts)
