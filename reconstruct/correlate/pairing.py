"""Lines of one web request in two logs, told by their looks: the same method and target (of a log without queries: path) within moments.

What identifiers have settled is left alone. Both sides are taken in time order; each edge line goes at most once to each inner
log, and status, browser and referrer agree where both lines have them: a server that writes down what comes in does not know yet
how it will end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import numpy as np
import pyarrow as pa

from reconstruct.correlate.looks import SAME_REQUEST_S, asked_for
from reconstruct.correlate.tiers import RequestLog
from reconstruct.store.codes import Codes, code_texts
from reconstruct.store.listing import sql_list

SAME_REQUEST_NS = SAME_REQUEST_S * 1_000_000_000

PAIR_CONFIDENCE = 0.97
"""Prior for pairs by looks; most wrong pairs swap two lines of one visitor, which changes nothing."""

BLOCK = 65_536
"""Lines whose candidates are in memory together: a page that everybody opens at once has hundreds for each."""

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
            pairs.append(pair_requests(table, set(settled)))
    return pa.concat_tables(pairs) if pairs else PAIRS.empty_table()


def pair_requests(table: pa.Table, used: set[tuple[int, int]]) -> pa.Table:
    """Pairs (eid, anchor) of requests that wait and others; ``used`` gets them as (family, anchor), and none that it holds is taken.

    Args:
        table: Requests in time order: ``eid``, ``family``, ``t``, ``user_agent``, ``referrer``, ``asked`` (what for, as a number),
            ``status`` and ``waits``.
    """
    pairs: list[tuple[int, int]] = []
    eid, family = table["eid"].to_numpy(), table["family"].to_numpy()
    before = -1
    # The nearest candidate that is left; of those equally near the one written first.
    for row, other in _candidates(table):
        log, anchor = int(family[row]), int(eid[other])
        if row != before and (log, anchor) not in used:
            used.add((log, anchor))
            pairs.append((int(eid[row]), anchor))
            before = row
    return pa.table([[a for a, _ in pairs], [b for _, b in pairs]], schema=PAIRS)


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


def _candidates(table: pa.Table) -> Iterator[tuple[int, int]]:
    """(row that waits, row of the edge) for all that may be one request: by the waiting row, then the nearest first."""
    t, eid = table["t"].to_numpy(), table["eid"].to_numpy()
    looks = np.unique(table["asked"].to_numpy(), return_inverse=True)[1]
    signs = [code_texts(table[name])[0] for name in ("user_agent", "referrer")]
    signs.append(table["status"].fill_null(-1).to_numpy())
    waits = table["waits"].to_numpy(zero_copy_only=False).astype(np.bool_)
    waiting, edge = np.flatnonzero(waits), np.flatnonzero(~waits)
    # Rows are in time order, so looks and row together are sorted by looks, then time.
    key = np.sort(looks[edge] * len(t) + edge)
    for start in range(0, len(waiting), BLOCK):
        rows = waiting[start : start + BLOCK]
        since, until = (
            np.searchsorted(t, t[rows] - SAME_REQUEST_NS),
            np.searchsorted(t, t[rows] + SAME_REQUEST_NS, "right"),
        )
        first, last = (np.searchsorted(key, looks[rows] * len(t) + place) for place in (since, until))
        row, place = _spread(rows, first, last)
        other = key[place] % len(t)
        agree = np.ones(len(row), np.bool_)
        for sign in signs:
            agree &= (sign[row] == sign[other]) | (sign[row] < 0) | (sign[other] < 0)
        row, other = row[agree], other[agree]
        order = np.lexsort((eid[other], np.abs(t[other] - t[row]), row))
        yield from zip(row[order].tolist(), other[order].tolist(), strict=True)


def _spread(rows: Codes, first: Codes, last: Codes) -> tuple[Codes, Codes]:
    """Each row with each of its places from ``first`` to before ``last``."""
    counts = last - first
    row = np.repeat(rows, counts)
    return row, np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts - first, counts)
