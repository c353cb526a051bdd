"""Web requests out of the store, as columns of small integers, and in the order visits are built."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from reconstruct.correlate.inside import tell_referrers
from reconstruct.correlate.slices import slice_events
from reconstruct.store.codes import Codes, Narrow, TextCodes, narrow, wide
from reconstruct.store.listing import sql_list

ENCODING_THREADS = 2
"""Columns of texts turned into codes at a time; Arrow does it without holding the interpreter."""

NUMBERS = ("second", "browser", "path", "status", "asset")
TEXTS = ("client_ip", "asked", "referrer", "vhost")

BATCH_ROWS = 262_144
"""Requests whose texts are in memory at a time."""

STRAYS = "(SELECT e.* REPLACE (s.client_ip AS client_ip, s.user_agent AS user_agent) FROM events e JOIN strays s USING (eid))"

REFERRED = (
    "(SELECT e.* REPLACE (coalesce(e.referrer, r.referrer) AS referrer) FROM events e LEFT JOIN referred r USING (eid))"
)


@dataclass(slots=True)
class Asked:
    """Web requests as they come out of the store."""

    eid: Codes
    numbers: dict[str, Narrow]
    """second, browser, path, status, asset"""
    texts: dict[str, tuple[Narrow, pa.Array]]
    """per column of TEXTS a code for each request, -1 for none, and the texts by code"""
    strays: int
    """how many of the last are strays"""


def read_requests(
    db: duckdb.DuckDBPyConnection, edge: list[int], without_address: Collection[int], *, inner: bool
) -> Asked:
    """Requests of the edge families, and behind them those of table ``strays``, where there are ``inner`` logs.

    ``without_address``: families whose addresses are not visitors'. Needs ``timeline``, ``paths``, ``agents`` and ``beginnings``.
    """
    proxied = sql_list(without_address)
    query = """
        SELECT e.eid, t.t // 1000000000 AS second, CASE WHEN t.family NOT IN {proxied} THEN e.client_ip END AS client_ip,
               coalesce(g.number, -1) AS browser, p.number AS path,
               CASE WHEN e.query IS NOT NULL THEN e.path || '?' || e.query END AS asked, e.referrer, e.vhost,
               coalesce(e.status, 0) AS status, p.is_asset::TINYINT AS asset
        FROM {events} e JOIN (SELECT * FROM timeline ANTI JOIN beginnings USING (eid)) t USING (eid)
        JOIN paths p USING (path) LEFT JOIN agents g USING (user_agent)
        WHERE e.method IS NOT NULL AND e.path IS NOT NULL AND {condition}
        """
    events = REFERRED if inner and tell_referrers(db, edge) else "events"
    queries = [query.format(events=events, proxied=proxied, condition=f"t.family IN {sql_list(edge)}")]
    if inner:
        queries.append(query.format(events=STRAYS, proxied=proxied, condition="true"))
    eids: list[Codes] = []
    numbers: dict[str, list[Narrow]] = {name: [] for name in NUMBERS}
    texts = {name: TextCodes() for name in TEXTS}
    n_strays = 0
    with ThreadPoolExecutor(ENCODING_THREADS) as threads:
        for is_stray, batch in (
            (place > 0, batch) for place, query in enumerate(queries) for batch in _batches_of(db, query)
        ):
            n_strays += len(batch) * is_stray
            # Copies: one column that is not would keep the batch, and all its texts.
            eids.append(batch["eid"].to_numpy().copy())
            for name, parts in numbers.items():
                parts.append(narrow(batch[name].to_numpy(zero_copy_only=False)).copy())
            list(threads.map(lambda name, of=batch: texts[name].add(of[name]), TEXTS))
    return Asked(
        _join(eids, np.int64),
        {name: _join(numbers.pop(name), np.int32) for name in NUMBERS},
        {name: each.finish() for name, each in texts.items()},
        strays=n_strays,
    )


def _batches_of(db: duckdb.DuckDBPyConnection, query: str) -> Iterator[pa.RecordBatch]:
    """Rows of a query that joins ``events e`` and ``timeline t``, a slice of the events after the other."""
    for first, last in slice_events(db):
        within = f" AND e.eid BETWEEN {first} AND {last} AND t.eid BETWEEN {first} AND {last}"
        yield from db.sql(query + within).to_arrow_reader(BATCH_ROWS)


def _join(parts: list[NDArray[Any]], empty: type[np.generic]) -> NDArray[Any]:
    return np.concatenate(parts or [np.zeros(0, empty)])


def find_named(
    db: duckdb.DuckDBPyConnection, eid: Codes, types: list[int], table: str = "typed"
) -> tuple[Narrow, pa.Array]:
    """What each event names of these types, as a table like ``typed`` says: a code, -1 for nothing, and the values by code.

    Of several it is a value of the type that comes first; of several of that, the least.
    """
    reader = db.sql(
        f"SELECT eid, type, value FROM {table} WHERE type IN {sql_list(types)} AND NOT multi"
    ).to_arrow_reader(BATCH_ROWS)
    texts, eids, kinds = TextCodes(), list[Codes](), list[Narrow]()
    for batch in reader:
        texts.add(batch["value"])
        eids.append(batch["eid"].to_numpy().copy())
        kinds.append(batch["type"].to_numpy().copy())
    code, values = texts.finish()
    if not len(code):
        return np.full(len(eid), -1, np.int32), values
    named = np.concatenate(eids)
    if not np.all(named[1:] > named[:-1]):
        rank = np.argsort(types)[np.searchsorted(np.sort(types), np.concatenate(kinds))]
        alphabetic = np.argsort(pc.sort_indices(values).to_numpy())[code]
        order = np.lexsort((alphabetic, rank, named))
        named, code = named[order], code[order]
    place = np.minimum(np.searchsorted(named, eid), len(named) - 1)  # of several the first
    return np.where(named[place] == eid, code[place], code.dtype.type(-1)), values


def order_requests(
    second: Narrow, asset: NDArray[np.bool_], eid: NDArray[np.int64], rank: NDArray[np.int8] | None = None
) -> NDArray[np.int64]:
    """Indices in the order visits are built: by second, a page before the assets it asks for, then by ``rank``, then as logged."""
    key = wide(second) * 2 + asset
    if rank is None and np.all(eid[1:] > eid[:-1]):
        # Logs are nearly in time order, and the stable sort runs through what is sorted already.
        return np.argsort(key, kind="stable")
    before = np.argsort(eid, kind="stable") if rank is None else np.lexsort((eid, rank))
    return before[np.argsort(key[before], kind="stable")]


def rank_strays(is_stray: NDArray[np.bool_], status: Narrow) -> NDArray[np.int8]:
    """Of one second, where stamps of two logs tell no order, a redirect comes first, and what is no redirect last."""
    redirects = (status >= 300) & (status < 400)
    return np.where(is_stray, np.where(redirects, -1, 1), 0).astype(np.int8)
