"""From web requests to journeys: gathers what ``visits`` needs, runs it, and writes a link for every request.

The request the edge log saw is the *anchor* of everything other logs wrote while serving it.
"""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from reconstruct.correlate import visits
from reconstruct.correlate.calibrate import RuleQuality, calibrate_visits
from reconstruct.correlate.shards import build_in_shards
from reconstruct.correlate.visits import FOREIGN_REFERRER, NO_REFERRER, RULES, Requests
from reconstruct.store.codes import Codes, code_texts, number_values

ENCODING_THREADS = 2
"""Columns of texts turned into codes at a time; Arrow does it without holding the interpreter."""

WRITING_THREADS = 2
"""Tables written at a time."""

INTERNAL_SHARE = 0.3
"""Share of a referrer host's requests whose visitor opened that very page on this site: above it, the host is the site."""


@dataclass(slots=True)
class SessionReport:
    """What was measured on the way."""

    cut_s: float
    cut_why: str
    entries: tuple[int, int]
    entries_start: bool
    rules: dict[str, RuleQuality]


def link_requests(
    db: duckdb.DuckDBPyConnection,
    edge: list[int],
    session_types: list[int],
    customer_types: list[int],
    pool: Executor | None,
) -> SessionReport:
    """Make ``anchors(eid, visit, visitor, confidence, asset)`` for the requests of the edge families,
    ``event_visit(eid, visit, rule, via_type, via_value, confidence)`` with the same, and ``visitors(visitor, client_ip, user_agent)``.

    Needs ``typed``, ``timeline``, ``paths`` and ``agents``. ``visit`` counts from 0 in time order.
    """
    paths, agents = (
        db.sql(f"SELECT {text} FROM {table} ORDER BY number").to_arrow_table()[text].combine_chunks().cast(pa.string())
        for text, table in (("path", "paths"), ("user_agent", "agents"))
    )
    found_requests = _as_codes(db, _requests(db, edge), session_types, customer_types, paths, agents)
    requests = found_requests.requests
    cut_s, cut_why = visits.fit_cut(visits.page_gaps(requests))
    entries = visits.measure_entries(requests)
    entries_start, foreign_starts = visits.are_rare(entries), visits.are_rare(visits.measure_foreign(requests))
    found = build_in_shards(requests, pool, cut_s=cut_s, entries_start=entries_start, foreign_starts=foreign_starts)
    rules = calibrate_visits(
        requests, found_requests.customer, cut_s=cut_s, entries_start=entries_start, foreign_starts=foreign_starts
    )
    numbers = db.execute("SELECT number + 1 FROM agents WHERE kind IN ('bot', 'monitor')").fetchnumpy()
    is_program = np.isin(requests.browser, next(iter(numbers.values())))
    links = _links(found_requests, found, rules, is_program)
    tables = {
        "visitors": found_requests.visitors,
        "anchors": links.select(["eid", "visit", "visitor", "confidence", "asset"]),
        "event_visit": links.drop_columns(["visitor", "asset"]),
    }
    # Writing a table takes one processor, and none of these needs another.
    with ThreadPoolExecutor(WRITING_THREADS) as threads:
        list(threads.map(lambda name: _write(db.cursor(), name, tables[name]), tables))
    return SessionReport(cut_s, cut_why, entries, entries_start, rules)


def _write(db: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    with db:
        db.register("found_in", table)
        db.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM found_in")


@dataclass(slots=True)
class _Asked:
    """Web requests as they come out of the store."""

    numbers: pa.Table
    """eid, second, browser, path, status, asset"""
    texts: dict[str, tuple[Codes, pa.Array]]
    """per column of TEXTS a code for each request, -1 for none, and the texts by code"""


TEXTS = ("client_ip", "asked", "referrer", "vhost")

BATCH_ROWS = 262_144
"""Requests whose texts are in memory at a time."""


def _requests(db: duckdb.DuckDBPyConnection, edge: list[int]) -> _Asked:
    families = ", ".join(map(str, edge)) or "-1"
    reader = db.sql(
        f"""
        SELECT e.eid, t.t // 1000000000 AS second, e.client_ip, coalesce(g.number, -1) AS browser, p.number AS path,
               CASE WHEN e.query IS NOT NULL THEN e.path || '?' || e.query END AS asked, e.referrer, e.vhost,
               coalesce(e.status, 0) AS status, p.is_asset AS asset
        FROM events e JOIN timeline t USING (eid) JOIN paths p USING (path) LEFT JOIN agents g USING (user_agent)
        WHERE e.method IS NOT NULL AND e.path IS NOT NULL AND t.family IN ({families})
        """
    ).to_arrow_reader(BATCH_ROWS)
    numbers, encoded = [], []
    with ThreadPoolExecutor(ENCODING_THREADS) as threads:
        for batch in reader:
            numbers.append(batch.drop_columns(list(TEXTS)))
            encoded.append(list(threads.map(lambda name, of=batch: of[name].dictionary_encode(), TEXTS)))
    schema = pa.schema([field for field in reader.schema if field.name not in TEXTS])
    texts = {name: _join_codes([each[place] for each in encoded]) for place, name in enumerate(TEXTS)}
    return _Asked(pa.Table.from_batches(numbers, schema), texts)


def _join_codes(parts: list[pa.DictionaryArray]) -> tuple[Codes, pa.Array]:
    """Codes of all parts, and the texts by code: in the order in which they appear."""
    whole = pa.chunked_array(parts, pa.dictionary(pa.int32(), pa.string())).unify_dictionaries()
    if not whole.num_chunks:
        return np.zeros(0, np.int64), pa.array([], pa.string())
    codes = [chunk.indices.fill_null(-1).to_numpy() for chunk in whole.chunks]
    return np.concatenate(codes).astype(np.int64), whole.chunk(0).dictionary


def _find_named(db: duckdb.DuckDBPyConnection, eid: NDArray[np.int64], types: list[int]) -> tuple[Codes, pa.Array]:
    """What each event names of these types: a code, -1 for nothing, and the values by code.

    Of several it is a value of the type that comes first; of several of that, the least.
    """
    table = db.sql(
        f"SELECT eid, type, value FROM typed WHERE type IN ({', '.join(map(str, types)) or '-1'}) AND NOT multi"
    ).to_arrow_table()
    code, values = code_texts(table["value"])
    if not len(code):
        return np.full(len(eid), -1, np.int64), values
    named = table["eid"].to_numpy()
    if not np.all(named[1:] > named[:-1]):
        rank = np.argsort(types)[np.searchsorted(np.sort(types), table["type"].to_numpy())]
        alphabetic = np.argsort(pc.sort_indices(values).to_numpy())[code]
        order = np.lexsort((alphabetic, rank, named))
        named, code = named[order], code[order]
    place = np.minimum(np.searchsorted(named, eid), len(named) - 1)  # of several the first
    return np.where(named[place] == eid, code[place], -1), values


@dataclass(slots=True)
class _Coded:
    """Requests as codes, in the order visits are built."""

    requests: Requests
    eid: NDArray[np.int64]
    sessions: pa.Array
    """distinct session identifiers, by code"""
    customer: NDArray[np.int64]
    visitors: pa.Table


def _as_codes(
    db: duckdb.DuckDBPyConnection,
    found: _Asked,
    session_types: list[int],
    customer_types: list[int],
    paths: pa.Array,
    agents: pa.Array,
) -> _Coded:
    numbers = found.numbers
    eid, second = numbers["eid"].to_numpy(), numbers["second"].to_numpy()
    asset = numbers["asset"].to_numpy(zero_copy_only=False).astype(np.bool_)
    session, sessions = _find_named(db, eid, session_types)
    customer, _ = _find_named(db, eid, customer_types)
    known = (session >= 0) | (found.texts["client_ip"][0] >= 0) | (numbers["browser"].to_numpy() >= 0)
    order = visits.order_requests(second, asset, eid)
    order = order[known[order]]
    (address, addresses), (asked, queries), (referrer, referrers), (_, vhosts) = (
        (codes[order], texts) for codes, texts in (found.texts.pop(name) for name in TEXTS)
    )
    eid, second, asset, session, customer = (each[order] for each in (eid, second, asset, session, customer))
    browser, path, status = (numbers[name].to_numpy().astype(np.int64)[order] for name in ("browser", "path", "status"))
    page = np.where(asked >= 0, len(paths) + asked, path)
    del found, numbers  # what follows takes as much again
    # Without an address and a browser the session identifier is all there is to tell visitors apart.
    alone = (address < 0) & (browser < 0)
    pair = np.where(alone, -2 - session, address * (browser.max(initial=0) + 2) + browser)
    visitor, first = number_values(pair)
    visitors = pa.table(
        {
            "visitor": pa.array(np.arange(len(first)), pa.int32()),
            "client_ip": addresses.take(_present(address[first])).cast(pa.string()),
            "user_agent": agents.take(_present(browser[first])),
        }
    )
    pages = paths.to_pylist() + queries.to_pylist()
    internal = _internal_pages(visitor, page, referrer, pages, referrers.to_pylist(), vhosts)
    codes = np.append(internal, NO_REFERRER)[referrer]
    requests = Requests(second, visitor, browser + 1, session, page, codes, status, asset)
    return _Coded(requests, eid, sessions, customer, visitors)


def _present(codes: NDArray[np.int64]) -> pa.Array:
    """Codes to take by; null where there is none."""
    return pa.array(codes, mask=codes < 0)


def _internal_pages(
    visitor: NDArray[np.int64],
    page: NDArray[np.int64],
    referrer: NDArray[np.int64],
    pages: list[str],
    referrers: list[str],
    vhosts: pa.Array,
) -> NDArray[np.int64]:
    """Page code of every distinct referrer, FOREIGN_REFERRER for another site's, NO_REFERRER for an empty one.

    A host is the site's own when visitors come from pages of it that they have opened here before. Requests are in time order.
    """
    if not referrers:
        return np.zeros(0, np.int64)
    known = {text: code for code, text in enumerate(pages)}
    own = {host for host in vhosts.to_pylist() if host}
    hosts: list[str] = []
    codes = np.full(len(referrers), FOREIGN_REFERRER, np.int64)
    for number, text in enumerate(referrers):
        host, target = _split_referrer(text)
        hosts.append(host)
        if target is None:
            codes[number] = NO_REFERRER
        else:
            codes[number] = known.setdefault(target, len(known))
    host_code = np.unique(np.array(hosts, dtype=object), return_inverse=True)[1] if hosts else np.zeros(0, np.int64)
    has = referrer >= 0
    size = len(known) + 1
    opened = visitor * size + page
    came_from = np.where(has, visitor * size + codes[np.where(has, referrer, 0)], -1)
    # The request by which the visitor opened that page first.
    found = pc.index_in(pa.array(came_from), value_set=pa.array(opened)).fill_null(len(page)).to_numpy()
    # Opened before, and another page. A bare "/" says nothing: everybody has one, and other sites often send no more.
    telling = has & np.append(codes != known.get("/", -1), False)[referrer]
    seen = telling & (found < np.arange(len(page))) & (came_from != opened)
    n_hosts = int(host_code.max(initial=-1)) + 1
    total = np.bincount(host_code[referrer[telling]], minlength=n_hosts)
    returning = np.bincount(host_code[referrer[seen]], minlength=n_hosts)
    internal = returning >= INTERNAL_SHARE * np.maximum(total, 1)
    for number, host in enumerate(hosts):
        if codes[number] >= 0 and host and host not in own and not internal[host_code[number]]:
            codes[number] = FOREIGN_REFERRER
    return codes


def _split_referrer(text: str) -> tuple[str, str | None]:
    """(host, path and query) of a referrer; no target when it is not a URL."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return "", None
    if not parts.path and not parts.netloc:
        return "", None
    if not parts.netloc and not text.startswith("/"):
        return "", None
    path = parts.path or "/"
    return parts.netloc.lower(), f"{path}?{parts.query}" if parts.query else path


VIA = {"session": "session", "referrer": "referrer", "roaming": "referrer", "redirect": "referrer"}
"""What a rule went by, where it is not the address. Addresses and referrers stand in the event itself."""


PROGRAM_CONFIDENCE = 0.99
"""That requests of one address are one robot's, which says in its user agent that it is one: two people who share an address and a
browser are what makes ``address`` doubtful, and a robot has no doubles."""


def _links(
    coded: _Coded, found: visits.Visits, rules: dict[str, RuleQuality], is_program: NDArray[np.bool_]
) -> pa.Table:
    """``is_program``: per request, whether its user agent says that it is a program."""
    code = pa.array(found.rule.astype(np.int8))
    confidence = np.array([rules[name].confidence for name in RULES])[found.rule]
    confidence[is_program & (found.rule == visits.ADDRESS)] = PROGRAM_CONFIDENCE
    session = np.where(found.rule == visits.SESSION, coded.requests.session, -1)
    # Texts by number: whole, they would be the largest thing in memory.
    named = pa.array([VIA.get(name, "address") for name in RULES])
    via_value = pa.DictionaryArray.from_arrays(_present(session), coded.sessions.cast(pa.string()))
    return pa.table(
        {
            "eid": coded.eid, "visit": found.visit.astype(np.int32), "visitor": coded.requests.visitor.astype(np.int32),
            "rule": pa.DictionaryArray.from_arrays(code, pa.array(RULES)), "via_type": pa.DictionaryArray.from_arrays(code, named),
            "via_value": via_value, "confidence": confidence, "asset": coded.requests.asset,
        }
    )  # fmt: skip
