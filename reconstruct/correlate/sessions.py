"""From web requests to journeys: gathers what ``visits`` needs, runs it, and writes a link for every request.

The request the edge log saw is the *anchor* of everything other logs wrote while serving it.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from reconstruct.correlate import visits
from reconstruct.correlate.askers import are_named_throughout
from reconstruct.correlate.beginnings import find_beginnings
from reconstruct.correlate.calibrate import RuleQuality, calibrate_visits
from reconstruct.correlate.disguises import find_disguised
from reconstruct.correlate.doubles import trust_addresses
from reconstruct.correlate.lending import lend_addresses, needs_addresses
from reconstruct.correlate.openings import find_openings
from reconstruct.correlate.referrers import Referrers, find_internal, read_referrers
from reconstruct.correlate.shards import build_in_shards
from reconstruct.correlate.signed_in import CUSTOMER_CONFIDENCE, find_signed_in
from reconstruct.correlate.slices import slice_events
from reconstruct.correlate.visits import NO_REFERRER, RULES, Requests
from reconstruct.store.codes import Codes, Narrow, TextCodes, narrow, number_values, wide

ENCODING_THREADS = 2
"""Columns of texts turned into codes at a time; Arrow does it without holding the interpreter."""

WRITING_THREADS = 2
"""Tables written at a time."""


@dataclass(slots=True)
class SessionReport:
    """What was measured on the way."""

    cut_s: float
    cut_why: str
    entries: tuple[int, int]
    entries_start: bool
    rules: dict[str, RuleQuality]
    nobodys: int
    """requests that name neither an address nor a browser nor a session"""


def link_requests(
    db: duckdb.DuckDBPyConnection,
    edge: list[int],
    session_types: list[int],
    customer_types: list[int],
    pool: Executor | None,
) -> SessionReport:
    """Make ``anchors(eid, visit, visitor, confidence, asset)`` for the requests of the edge families,
    ``event_visit(eid, visit, rule, via_type, via_value, confidence)`` with the same, ``visitors(visitor, client_ip, user_agent)``
    and ``disguised(visitor, reason)``.

    Needs ``typed``, ``grouped``, ``timeline``, ``paths`` and ``agents``. ``visit`` counts from 0 in time order.
    """
    paths, agents = (
        db.sql(f"SELECT {text} FROM {table} ORDER BY number").to_arrow_table()[text].combine_chunks().cast(pa.string())
        for text, table in (("path", "paths"), ("user_agent", "agents"))
    )
    find_beginnings(db, edge)
    signed_in = None if session_types else find_signed_in(db, edge, customer_types)
    visits_by = ("typed", session_types) if signed_in is None else ("signed_in", [signed_in])
    asked = _requests(db, edge)
    n_asked = len(asked.eid)
    by_name = not session_types and signed_in is None
    found_requests = _as_codes(db, asked, visits_by, customer_types, paths, agents, by_name=by_name)
    requests = found_requests.requests
    cut_s, cut_why = visits.fit_cut(visits.page_gaps(requests))
    entries = visits.measure_entries(requests)
    entries_start, foreign_starts = visits.are_rare(entries), visits.are_rare(visits.measure_foreign(requests))
    if not entries_start:
        requests.opening = find_openings(requests, cut_s)
    found = build_in_shards(requests, pool, cut_s=cut_s, entries_start=entries_start, foreign_starts=foreign_starts)
    rules = calibrate_visits(
        requests, found_requests.customer, cut_s=cut_s, entries_start=entries_start, foreign_starts=foreign_starts
    )
    if signed_in is not None:
        rules["session"] = RuleQuality("customer", 0, 0, CUSTOMER_CONFIDENCE, False)
    numbers = db.execute("SELECT number + 1 FROM agents WHERE kind IN ('bot', 'monitor')").fetchnumpy()
    is_program = np.isin(requests.browser, next(iter(numbers.values())))
    is_program |= find_disguised(db, requests, found_requests.eid)[requests.visitor]
    unmeasured = None if rules["address"].measured else trust_addresses(requests, cut_s)
    links = _links(found_requests, found, rules, is_program, unmeasured)
    tables = {
        "visitors": found_requests.visitors,
        "anchors": links.select(["eid", "visit", "visitor", "confidence", "asset"]),
        "event_visit": links.drop_columns(["visitor", "asset"]),
    }
    # Writing a table takes one processor, and none of these needs another.
    with ThreadPoolExecutor(WRITING_THREADS) as threads:
        list(threads.map(lambda name: _write(db.cursor(), name, tables[name]), tables))
    quality = {each.rule: each for each in rules.values()}
    return SessionReport(cut_s, cut_why, entries, entries_start, quality, n_asked - len(requests.second))


def _write(db: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    with db:
        db.register("found_in", table)
        db.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM found_in")


@dataclass(slots=True)
class _Asked:
    """Web requests as they come out of the store."""

    eid: Codes
    numbers: dict[str, Narrow]
    """second, browser, path, status, asset"""
    texts: dict[str, tuple[Narrow, pa.Array]]
    """per column of TEXTS a code for each request, -1 for none, and the texts by code"""


NUMBERS = ("second", "browser", "path", "status", "asset")
TEXTS = ("client_ip", "asked", "referrer", "vhost")

BATCH_ROWS = 262_144
"""Requests whose texts are in memory at a time."""


def _requests(db: duckdb.DuckDBPyConnection, edge: list[int]) -> _Asked:
    families = ", ".join(map(str, edge)) or "-1"
    query = f"""
        SELECT e.eid, t.t // 1000000000 AS second, e.client_ip, coalesce(g.number, -1) AS browser, p.number AS path,
               CASE WHEN e.query IS NOT NULL THEN e.path || '?' || e.query END AS asked, e.referrer, e.vhost,
               coalesce(e.status, 0) AS status, p.is_asset::TINYINT AS asset
        FROM events e JOIN (SELECT * FROM timeline ANTI JOIN beginnings USING (eid)) t USING (eid)
        JOIN paths p USING (path) LEFT JOIN agents g USING (user_agent)
        WHERE e.method IS NOT NULL AND e.path IS NOT NULL AND t.family IN ({families})
        """
    eids: list[Codes] = []
    numbers: dict[str, list[Narrow]] = {name: [] for name in NUMBERS}
    texts = {name: TextCodes() for name in TEXTS}
    with ThreadPoolExecutor(ENCODING_THREADS) as threads:
        for batch in _batches_of(db, query):
            # Copies: one column that is not would keep the batch, and all its texts.
            eids.append(batch["eid"].to_numpy().copy())
            for name, parts in numbers.items():
                parts.append(narrow(batch[name].to_numpy(zero_copy_only=False)).copy())
            list(threads.map(lambda name, of=batch: texts[name].add(of[name]), TEXTS))
    return _Asked(
        _join(eids, np.int64),
        {name: _join(numbers.pop(name), np.int32) for name in NUMBERS},
        {name: each.finish() for name, each in texts.items()},
    )


def _batches_of(db: duckdb.DuckDBPyConnection, query: str) -> Iterator[pa.RecordBatch]:
    """Rows of a query that joins ``events e`` and ``timeline t``, a slice of the events after the other."""
    for first, last in slice_events(db):
        within = f" AND e.eid BETWEEN {first} AND {last} AND t.eid BETWEEN {first} AND {last}"
        yield from db.sql(query + within).to_arrow_reader(BATCH_ROWS)


def _join(parts: list[NDArray[Any]], empty: type[np.generic]) -> NDArray[Any]:
    return np.concatenate(parts or [np.zeros(0, empty)])


def _find_named(
    db: duckdb.DuckDBPyConnection, eid: Codes, types: list[int], table: str = "typed"
) -> tuple[Narrow, pa.Array]:
    """What each event names of these types, as a table like ``typed`` says: a code, -1 for nothing, and the values by code.

    Of several it is a value of the type that comes first; of several of that, the least.
    """
    reader = db.sql(
        f"SELECT eid, type, value FROM {table} WHERE type IN ({', '.join(map(str, types)) or '-1'}) AND NOT multi"
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


def _find_in_paths(db: duckdb.DuckDBPyConnection, kind: int) -> Codes:
    """Events whose path names a value of the type."""
    rows = db.execute(
        f"""
        SELECT DISTINCT eid FROM told JOIN slot_types t USING (slot) JOIN slots s USING (slot)
        WHERE t.type = {kind} AND starts_with(s.name, 'path:')
        """
    ).fetchnumpy()
    return np.asarray(rows["eid"], np.int64)


@dataclass(slots=True)
class _Coded:
    """Requests as codes, in the order visits are built."""

    requests: Requests
    eid: Codes
    sessions: pa.Array
    """distinct session identifiers, by code"""
    customer: Narrow
    named: NDArray[np.bool_]
    """requests that name whom they are of, where all of a visit do"""
    visitors: pa.Table


def _as_codes(
    db: duckdb.DuckDBPyConnection,
    found: _Asked,
    visits_by: tuple[str, list[int]],
    customer_types: list[int],
    paths: pa.Array,
    agents: pa.Array,
    *,
    by_name: bool,
) -> _Coded:
    """``visits_by``: the table and the types whose values are the session identifiers of requests; ``by_name``: whether the customers
    that requests name, of the first type, tell people apart."""
    table, session_types = visits_by
    session, sessions = _find_named(db, found.eid, session_types, table)
    customer, _ = _find_named(db, found.eid, customer_types)
    asker, _ = _find_named(db, found.eid, customer_types[: int(by_name)])
    if np.any(asker >= 0):
        # A page that one comes to from another is about the customer in its path: staff sees to many. A call of an interface is theirs.
        about = _find_in_paths(db, customer_types[0])
        is_about = np.isin(found.eid, about) & (found.texts["referrer"][0] >= 0)
        asker[is_about] = customer[is_about] = -1
    known = (session >= 0) | (found.texts["client_ip"][0] >= 0) | (found.numbers["browser"] >= 0)
    order = visits.order_requests(found.numbers["second"], found.numbers["asset"].astype(np.bool_), found.eid)
    order = narrow(order[known[order]])
    # One column at a time: what it is made of is let go before the next.
    session, customer, asker, found.eid = session[order], customer[order], asker[order], found.eid[order]
    second, browser, path, status, folded = (found.numbers.pop(name)[order] for name in NUMBERS)
    asset = folded.astype(np.bool_)
    address, addresses = _in_order(found.texts.pop("client_ip"), order)
    pages = None
    if needs_addresses(address, asset):
        pages = _read_pages(found, order, paths, path)
        referred = np.append(pages.named.page, NO_REFERRER)[pages.referrer]
        address = lend_addresses(address, browser, second, asset, pages.page, referred)
    # Without an address and a browser the session identifier is all there is to tell visitors apart.
    alone = (address < 0) & (browser < 0)
    pair = wide(address) * (int(browser.max(initial=0)) + 2) + browser
    pair[alone] = -2 - session[alone]
    by_name, named = bool(np.any(asker >= 0)), np.zeros(len(asker), np.bool_)
    if by_name and are_named_throughout(narrow(number_values(pair)[0]), second, asker):
        pair = pair * (int(asker.max()) + 2) + asker + 1
        customer = np.full(len(customer), -1, np.int32)  # agree by themselves now: nothing can be held against them
        by_name, named = False, asker >= 0
    numbered, first = number_values(pair)
    visitor = narrow(numbered)
    del pair, alone, numbered
    visitors = pa.table(
        {
            "visitor": pa.array(np.arange(len(first)), pa.int32()),
            "client_ip": addresses.take(_present(address[first])).cast(pa.string()),
            "user_agent": agents.take(_present(browser[first])),
        }
    )
    del address
    pages = pages or _read_pages(found, order, paths, path)
    internal = find_internal(visitor, pages.page, pages.referrer, asset, pages.named, found.texts.pop("vhost")[1])
    codes = narrow(np.append(internal, NO_REFERRER))[pages.referrer]
    requests = Requests(second, visitor, browser + 1, session, pages.page, codes, status, asset)
    requests.asker = asker if by_name else None
    return _Coded(requests, found.eid, sessions, customer, named, visitors)


@dataclass(slots=True)
class _Pages:
    """Which page each request asked for, and which it came from."""

    page: Narrow
    """code of path and query"""
    referrer: Narrow
    """index of the referrer; -1 for none"""
    named: Referrers


def _read_pages(found: _Asked, order: Narrow, paths: pa.Array, path: Narrow) -> _Pages:
    """``path``: code of the path alone, in order. Late, if nobody asks before: it is much of what a large log holds."""
    asked, queries = _in_order(found.texts.pop("asked"), order)
    page = narrow(np.where(asked >= 0, len(paths) + wide(asked), path))
    del asked
    referrer, referrers = _in_order(found.texts.pop("referrer"), order)
    return _Pages(page, referrer, read_referrers(referrers, pa.concat_arrays([paths, queries])))


def _in_order(column: tuple[Narrow, pa.Array], order: Narrow) -> tuple[Narrow, pa.Array]:
    codes, texts = column
    return codes[order], texts


def _present(codes: Narrow) -> pa.Array:
    """Codes to take by; null where there is none."""
    return pa.array(codes, mask=codes < 0)


VIA = {
    "session": "session",
    "customer": "customer",
    "referrer": "referrer",
    "roaming": "referrer",
    "redirect": "referrer",
}
"""What a rule went by, where it is not the address. Addresses and referrers stand in the event itself."""


PROGRAM_CONFIDENCE = 0.99
"""That requests of one address are one robot's, by its user agent or by what it does: two people who share an address and a browser
are what makes ``address`` doubtful, and a robot has no doubles."""


NAMED_CONFIDENCE = 0.99
"""That requests of one address and one name are one person's."""


def _links(
    coded: _Coded,
    found: visits.Visits,
    rules: dict[str, RuleQuality],
    is_program: NDArray[np.bool_],
    trusted: NDArray[np.float64] | None,
) -> pa.Table:
    """``rules``: by the name in RULES, under the name it is told by; ``is_program``: per request, whether it is a
    robot's or a monitor's; ``trusted``: per visitor, how far the address alone is, where that is not measured."""
    told = [rules[name].rule for name in RULES]
    code = pa.array(found.rule.astype(np.int8))
    confidence = np.array([rules[name].confidence for name in RULES])[found.rule]
    if trusted is not None:
        # A file without a referrer goes by the address as well.
        by_address = (found.rule == visits.ADDRESS) | ((found.rule == visits.ASSET) & (coded.requests.referrer < 0))
        sure = trusted[coded.requests.visitor[by_address]]
        confidence[by_address] = np.minimum(sure, rules["asset"].confidence)
    confidence[is_program & (found.rule == visits.ADDRESS)] = PROGRAM_CONFIDENCE
    confidence[coded.named] = NAMED_CONFIDENCE
    session = np.where(found.rule == visits.SESSION, coded.requests.session, np.int32(-1))
    # Texts by number: whole, they would be the largest thing in memory.
    named = pa.array([VIA.get(name, "address") for name in told])
    via_value = pa.DictionaryArray.from_arrays(_present(session), coded.sessions.cast(pa.string()))
    return pa.table(
        {
            "eid": coded.eid, "visit": found.visit, "visitor": coded.requests.visitor,
            "rule": pa.DictionaryArray.from_arrays(code, pa.array(told)), "via_type": pa.DictionaryArray.from_arrays(code, named),
            "via_value": via_value, "confidence": confidence, "asset": coded.requests.asset,
        }
    )  # fmt: skip
