"""From web requests to journeys: gathers what ``visits`` needs, runs it, and writes a link for every request.

The request the edge log saw is the *anchor* of everything other logs wrote while serving it.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reconstruct.correlate import lending, visits
from reconstruct.correlate.asked import NUMBERS, Asked, find_named, order_requests, rank_strays, read_requests
from reconstruct.correlate.askers import are_named_throughout
from reconstruct.correlate.calibrate import RuleQuality, calibrate_visits
from reconstruct.correlate.disguises import find_disguised
from reconstruct.correlate.doubles import trust_addresses
from reconstruct.correlate.habits import VisitHabits, are_rare, fit_cut, measure_entries, measure_foreign, page_gaps
from reconstruct.correlate.inside import tell_sessions
from reconstruct.correlate.lending import hide, lend_addresses, lend_browsers, needs_addresses, weigh_lending
from reconstruct.correlate.missing_pages import are_pages_missing
from reconstruct.correlate.openings import find_openings
from reconstruct.correlate.referrers import Referrers, find_internal, mark_detours, read_referrers
from reconstruct.correlate.shards import build_in_shards
from reconstruct.correlate.signed_in import CUSTOMER_CONFIDENCE, find_signed_in
from reconstruct.correlate.visits import RULES
from reconstruct.correlate.web_requests import NO_REFERRER, NOWHERE, Requests
from reconstruct.store.codes import Codes, Narrow, narrow, number_values, wide

WRITING_THREADS = 2
"""Tables written at a time."""


@dataclass(slots=True)
class SessionReport:
    """What was measured on the way."""

    habits: VisitHabits
    cut_why: str
    entries: tuple[int, int]
    rules: dict[str, RuleQuality]
    nobodys: int
    """requests that name neither an address nor a browser nor a session"""


def link_requests(
    db: duckdb.DuckDBPyConnection,
    edge: list[int],
    session_types: list[int],
    customer_types: list[int],
    pool: Executor | None,
    *,
    inner: bool = False,
    without_address: Collection[int] = (),
) -> SessionReport:
    """Make ``anchors(eid, visit, visitor, confidence, asset)`` for the requests of the edge families,
    ``event_visit(eid, visit, rule, via_type, via_value, confidence)`` with the same, ``visitors(visitor, client_ip, user_agent)``
    and ``disguised(visitor, reason)``.

    Args:
        inner: There are logs behind the edge: what they tell of its requests counts, and their ``strays`` are requests too.
        without_address: Families whose addresses are not visitors'.

    Needs ``typed``, ``grouped``, ``timeline``, ``paths`` and ``agents``. ``visit`` counts from 0 in time order.
    """
    paths, agents = (
        db.sql(f"SELECT {text} FROM {table} ORDER BY number").to_arrow_table()[text].combine_chunks().cast(pa.string())
        for text, table in (("path", "paths"), ("user_agent", "agents"))
    )
    signed_in = None if session_types else find_signed_in(db, edge, customer_types)
    visits_by = ("typed", session_types) if signed_in is None else ("signed_in", [signed_in])
    if session_types and inner and tell_sessions(db, edge, session_types):
        visits_by = ("typed_sessions", session_types)
    asked = read_requests(db, edge, without_address, inner=inner)
    n_asked = len(asked.eid)
    by_name = not session_types and signed_in is None
    found_requests = _as_codes(db, asked, visits_by, customer_types, paths, agents, by_name=by_name)
    requests = found_requests.requests
    cut_s, cut_why = fit_cut(page_gaps(requests))
    entries = measure_entries(requests)
    habits = VisitHabits(
        cut_s,
        entries_start=are_rare(entries),
        foreign_starts=are_rare(measure_foreign(requests)),
        pages_missing=are_pages_missing(found_requests.at_home(), cut_s),
    )
    if not habits.entries_start:
        requests.opening = find_openings(requests, cut_s)
    if np.any(found_requests.homeless):
        opening = np.zeros(len(requests.second), np.int8) if requests.opening is None else requests.opening
        requests.opening = np.where(found_requests.homeless, np.int8(NOWHERE), opening)
    found = build_in_shards(requests, habits, pool)
    rules = calibrate_visits(requests, habits, found_requests.customer)
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
    if found_requests.lending is not None:
        quality[STRAY] = found_requests.lending
    return SessionReport(habits, cut_why, entries, quality, n_asked - len(requests.second))


def _write(db: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    with db:
        db.register("found_in", table)
        db.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM found_in")


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
    stray: NDArray[np.bool_]
    """requests of which only an inner log tells, without an address"""
    homeless: NDArray[np.bool_]
    """those that none was lent to"""
    lending: RuleQuality | None
    """what a lent address is worth; None where there are no strays"""

    def at_home(self) -> Requests:
        """The requests whose visitor is known."""
        return self.requests.select(~self.homeless) if np.any(self.homeless) else self.requests


def _as_codes(
    db: duckdb.DuckDBPyConnection,
    found: Asked,
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
    n_asked = len(found.eid)
    session, sessions = find_named(db, found.eid, session_types, table)
    customer, _ = find_named(db, found.eid, customer_types)
    asker, _ = find_named(db, found.eid, customer_types[: int(by_name)])
    if np.any(asker >= 0):
        # A page that one comes to from another is about the customer in its path: staff sees to many. A call of an interface is theirs.
        about = _find_in_paths(db, customer_types[0])
        is_about = np.isin(found.eid, about) & (found.texts["referrer"][0] >= 0)
        asker[is_about] = customer[is_about] = -1
    known = (session >= 0) | (found.texts["client_ip"][0] >= 0) | (found.numbers["browser"] >= 0)
    is_stray = np.arange(n_asked) >= n_asked - found.strays
    rank = rank_strays(is_stray, found.numbers["status"]) if found.strays else None
    order = order_requests(found.numbers["second"], found.numbers["asset"].astype(np.bool_), found.eid, rank)
    order = narrow(order[known[order]])
    # One column at a time: what it is made of is let go before the next.
    session, customer, asker, found.eid = session[order], customer[order], asker[order], found.eid[order]
    second, browser, path, status, folded = (found.numbers.pop(name)[order] for name in NUMBERS)
    asset = folded.astype(np.bool_)
    address, addresses = _in_order(found.texts.pop("client_ip"), order)
    pages, worth = None, None
    stray = is_stray[order]
    if found.strays:
        stray &= (address < 0) | ((browser < 0) & bool(np.any(browser[~stray] >= 0)))
    if np.any(stray & (address < 0)) or needs_addresses(address, asset):
        pages = _read_pages(found, order, paths, path)
        beside = (second, asset, pages.page, np.append(pages.named.page, NO_REFERRER)[pages.referrer])
        if np.any(stray):
            hidden, tried = hide(address, asset)
            worth = weigh_lending(lend_addresses(hidden, browser, *beside), address, tried)
        address = lend_addresses(address, browser, *beside)
    if np.any(stray & (browser < 0)):
        hidden, tried = hide(browser, asset)
        worth = weigh_lending(lend_browsers(address, hidden, second), browser, tried)
        browser = np.where(stray, lend_browsers(address, browser, second), browser)
    homeless = stray & ((address < 0) | (browser < 0))
    # Without an address and a browser the session identifier is all there is to tell visitors apart.
    alone = (address < 0) & (browser < 0)
    pair = wide(address) * (int(browser.max(initial=0)) + 2) + browser
    pair[alone] = -2 - session[alone]
    pair[homeless] = -3 - len(sessions) - np.arange(np.count_nonzero(homeless))
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
    mark_detours(codes, np.append(pages.named.host, -1)[pages.referrer], visitor, second, asset)
    requests = Requests(second, visitor, browser + 1, session, pages.page, codes, status, asset)
    requests.asker = asker if by_name else None
    return _Coded(requests, found.eid, sessions, customer, named, visitors, stray, homeless, worth)


@dataclass(slots=True)
class _Pages:
    """Which page each request asked for, and which it came from."""

    page: Narrow
    """code of path and query"""
    referrer: Narrow
    """index of the referrer; -1 for none"""
    named: Referrers


def _read_pages(found: Asked, order: Narrow, paths: pa.Array, path: Narrow) -> _Pages:
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

VIAS = ("session", "customer", "referrer", "address")

STRAY = "stray"
"""Rule of requests of which only an inner log tells (``strays``), told of an address by ``lending``, or by the page they came from."""

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
    told = [*(rules[name].rule for name in RULES), STRAY]
    code, confidence = found.rule.astype(np.int8), np.array([rules[name].confidence for name in RULES])[found.rule]
    if trusted is not None:
        # A file without a referrer goes by the address as well.
        by_address = (found.rule == visits.ADDRESS) | ((found.rule == visits.ASSET) & (coded.requests.referrer < 0))
        sure = trusted[coded.requests.visitor[by_address]]
        confidence[by_address] = np.minimum(sure, rules["asset"].confidence)
    confidence[is_program & (found.rule == visits.ADDRESS)] = PROGRAM_CONFIDENCE
    confidence[coded.named] = NAMED_CONFIDENCE
    via = np.array([VIAS.index(VIA.get(name, "address")) for name in told[:-1]], np.int8)[found.rule]
    value = np.where(found.rule == visits.SESSION, coded.requests.session, np.int32(-1))
    values = coded.sessions.cast(pa.string())
    if coded.lending is not None:
        lent = coded.stray & ~coded.homeless & (found.rule != visits.SESSION)
        by_page = coded.homeless & (found.rule == visits.ROAMING)
        code[lent | by_page] = len(RULES)
        confidence[lent] *= coded.lending.confidence
        confidence[by_page] = lending.PRIOR
        # What a line does not say itself stands beside it.
        via[lent] = VIAS.index("address")
        value = np.where(lent, len(values) + wide(coded.requests.visitor), value)
        values = pa.concat_arrays([values, coded.visitors["client_ip"].combine_chunks()])
    # Texts by number: whole, they would be the largest thing in memory.
    table = pa.table(
        {
            "eid": coded.eid, "visit": found.visit, "visitor": coded.requests.visitor,
            "rule": pa.DictionaryArray.from_arrays(code, pa.array(told)), "via_type": pa.DictionaryArray.from_arrays(via, pa.array(VIAS)),
            "via_value": pa.DictionaryArray.from_arrays(_present(value), values), "confidence": confidence, "asset": coded.requests.asset,
        }
    )  # fmt: skip
    if coded.lending is None:
        return table
    # Nothing shows that somebody came for this one request alone.
    alone = coded.homeless & (np.bincount(found.visit)[found.visit] == 1)
    return table.filter(pa.array(~alone))
