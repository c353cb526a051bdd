"""Visits: runs of page requests of one visitor, by address and browser, referrer chain and session identifier.

Takes the web requests in time order as columns of small integers, gives each a visit, the rule that put it there and
what the rule went by. One pass, greedy, in order of evidence (strongest first):

    session     the same session identifier, and the visit not yet over
    redirect    follows a redirect of the visit within moments, with the same referrer
    referrer    its referrer is a page this visit opened
    roaming     the same, from another address of the same browser (mobile networks change addresses)
    address     same address and browser, no evidence against
    start       none of these: a new visit

A request that names no page of the site as its referrer *enters* the site. Where the data show that visitors who carry
an identifier hardly ever do that in mid-visit (measured, see ``measure_entries``), an entry starts a new visit: it is what
tells the people behind one shared address apart.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reconstruct.store.codes import Narrow, narrow, wide

NO_REFERRER = -1
FOREIGN_REFERRER = -2
"""Values of ``referrer`` for a request that enters the site."""

REDIRECT_S = 3
"""A browser follows a redirect at once; access logs round to the second at both ends."""

ROAMING_S = 900
"""A page opened at most this long ago can be continued from a new address. Address changes are rare; a longer
window only adds strangers who opened the same page."""

ENTRY_GAP_S = 60
"""Pages of one identifier this close are one visit beyond doubt: what ``measure_entries`` learns from."""

ENTRY_SHARE = 0.1
"""Share of in-visit pages without an internal referrer below which an entry starts a visit."""

ENTRY_TRIALS = 20
"""In-visit pages needed for that measurement …"""

CLEAR_TRIALS = 8
"""… or so many without one exception: either says less than one in three, at the upper end of the 95 % interval (Wilson)."""

FALLBACK_CUT_S = 1800
"""The usual half hour, where gaps do not show two modes (Catledge & Pitkow 1995; correlation §2)."""

LEAST_LONG_GAPS = 150
"""Gaps beyond half an hour needed before a second mode is believed: with some dozen its foot reaches anywhere, and visits hours
apart merge (simulated shops of 70 sessions: exact .81 with a fitted cut of three hours, .96 with half an hour)."""

CUT_RANGE_S = (300, 4 * 3600)
"""A fitted cut outside five minutes to four hours is an artefact."""

ASSETS_S = 10
"""Assets of one visitor and page in the same ten seconds are placed together."""

SWEPT_EVERY = 64
"""Visits to a page after which those that are over are forgotten: a popular page has all there ever were."""

SWEPT_VISITS = 50_000
"""Visits begun, at least, before all that are over are forgotten: half a gigabyte would be held by a million of them."""

BLOCK = 65_536
"""Requests turned into Python values at a time."""

OPENS, OPENS_SHARED, NOWHERE = 1, 2, 3
"""Values of ``opening``: a page that begins visits, one of an address and browser that several people have, and a request from nobody
knows where, of a visitor of its own."""

RULES = ("start", "session", "redirect", "referrer", "roaming", "address", "asset")
START, SESSION, REDIRECT, REFERRER, ROAMING, ADDRESS, ASSET = range(len(RULES))
_FROM_ELSEWHERE = (SESSION, ROAMING)
"""Rules by which a visitor can come into a visit of another address."""


@dataclass(slots=True)
class Requests:
    """Web requests in time order. All arrays have one entry per request; codes are dense integers from 0, of 32 bits where they fit."""

    second: Narrow
    visitor: Narrow
    """code of (address, browser)"""
    browser: Narrow
    """code of the user agent: an address may change, the browser does not"""
    session: Narrow
    """code of the session identifier; -1 when the request carries none"""
    page: Narrow
    """code of path and query"""
    referrer: Narrow
    """page code of an internal referrer, NO_REFERRER or FOREIGN_REFERRER"""
    status: Narrow
    asset: NDArray[np.bool_]
    opening: NDArray[np.int8] | None = None
    """what ``openings`` says of each, or NOWHERE; None where requests say where they come from"""
    asker: Narrow | None = None
    """code of the customer that a request says it is of, -1 for none; None where that tells nobody apart"""

    def select(self, chosen: NDArray[Any]) -> Requests:
        """Some of the requests, by mask or by ascending indices."""
        columns: list[Any] = [getattr(self, each.name) for each in fields(self)]
        taken: list[Any] = [None if column is None else column[chosen] for column in columns]
        return Requests(*taken)

    def navigates(self) -> NDArray[np.bool_]:
        """Per visitor: ever named a page of the site as referrer. Monitors, webhooks and feeds do not: they enter every time."""
        found = np.zeros(int(self.visitor.max(initial=-1)) + 1, np.bool_)
        found[self.visitor[self.referrer >= 0]] = True
        return found


@dataclass(slots=True)
class Visits:
    """The verdict, per request."""

    visit: Narrow
    """number of the visit, from 0 in order of first request"""
    rule: NDArray[np.int8]
    """index into RULES"""
    entries_start: bool = False
    """whether an entry without a referrer was taken to start a visit"""
    cut_s: float = FALLBACK_CUT_S
    """silence that ends a visit"""
    notes: list[str] = field(default_factory=list)


class _Visit:
    """A visit that may still be going on."""

    __slots__ = ("asker", "last", "last_page_at", "last_referrer", "number", "pages", "redirected", "session")

    def __init__(self, number: int, second: int, session: int) -> None:
        self.number = number
        self.last = second
        self.session = session
        self.asker = -1
        self.pages: dict[int, int] = {}
        self.redirected = False
        self.last_page_at = second
        self.last_referrer = NO_REFERRER


def measure_entries(requests: Requests) -> tuple[int, int]:
    """(entries, pages): consecutive pages of one identifier less than ENTRY_GAP_S apart, and how many of them enter the site.

    Where requests carry no identifier, address and browser stand in for it, and only pages ten seconds apart count:
    strangers behind one address are rarely that close.
    """
    pages = ~requests.asset & requests.navigates()[requests.visitor]
    known = pages & (requests.session >= 0)
    if np.count_nonzero(known) >= ENTRY_TRIALS * 5:
        key, gap = requests.session[known], ENTRY_GAP_S
    else:
        known = pages
        key, gap = requests.visitor[known], 10
    second, referrer, status = requests.second[known], requests.referrer[known], requests.status[known]
    order = np.lexsort((np.arange(len(key)), second, key))
    key, second, referrer, status = key[order], second[order], referrer[order], status[order]
    follows = (key[1:] == key[:-1]) & (second[1:] - second[:-1] <= gap)
    redirected = (status[:-1] >= 300) & (status[:-1] < 400)
    trials = follows & ~redirected
    return int(np.count_nonzero(trials & (referrer[1:] < 0))), int(np.count_nonzero(trials))


def are_rare(measured: tuple[int, int]) -> bool:
    """Whether (found, trials) shows something to be rare; without enough trials it does not."""
    found, trials = measured
    return trials >= (ENTRY_TRIALS if found else CLEAR_TRIALS) and found <= ENTRY_SHARE * trials


def measure_foreign(requests: Requests) -> tuple[int, int]:
    """(led here by another site, pages): consecutive pages of one visitor less than ENTRY_GAP_S apart."""
    pages = ~requests.asset
    visitor, second, referrer = requests.visitor[pages], requests.second[pages], requests.referrer[pages]
    order = np.lexsort((np.arange(len(visitor)), second, visitor))
    visitor, second, referrer = visitor[order], second[order], referrer[order]
    follows = (visitor[1:] == visitor[:-1]) & (second[1:] - second[:-1] <= ENTRY_GAP_S)
    return int(np.count_nonzero(follows & (referrer[1:] == FOREIGN_REFERRER))), int(np.count_nonzero(follows))


def fit_cut(gaps_s: NDArray[np.float64]) -> tuple[float, str]:
    """The silence that ends a visit: where two log-normal modes of gaps are equally likely (Halfaker et al. 2015).

    Expectation maximisation on a histogram of log gaps (1/8 bins). Gives the usual half hour when there are too few gaps
    or two modes explain them hardly better than one (BIC gain below 10).
    """
    gaps = gaps_s[gaps_s >= 1]
    if len(gaps) < 200 or np.count_nonzero(gaps > FALLBACK_CUT_S) < LEAST_LONG_GAPS:
        return FALLBACK_CUT_S, "too few gaps to fit: the usual half hour"
    counts, edges = np.histogram(np.log(gaps), bins=np.arange(0, np.log(gaps.max()) + 0.25, 0.125))
    x = (edges[:-1] + edges[1:]) / 2
    total = counts.sum()
    mean, deviation = float(np.average(x, weights=counts)), float(np.sqrt(np.cov(x, fweights=counts)))
    one = float(np.sum(counts * np.log(_normal(x, mean, deviation) + 1e-300)))
    weight, means, deviations = (
        np.array([0.8, 0.2]),
        np.array([np.log(30.0), np.log(20 * 3600.0)]),
        np.array([1.0, 1.5]),
    )
    for _ in range(200):
        density = weight[:, None] * np.stack([_normal(x, m, d) for m, d in zip(means, deviations, strict=True)])
        share = density / (density.sum(axis=0) + 1e-300) * counts
        mass = share.sum(axis=1) + 1e-9
        weight, means = mass / total, (share * x).sum(axis=1) / mass
        deviations = np.sqrt((share * (x - means[:, None]) ** 2).sum(axis=1) / mass) + 0.05
    two = float(np.sum(counts * np.log(density.sum(axis=0) + 1e-300)))
    if 2 * (two - one) - 3 * np.log(total) < 10 or means[1] - means[0] < 1:
        return FALLBACK_CUT_S, "gaps show one mode only: the usual half hour"
    between = np.linspace(means[0], means[1], 500)
    first = weight[0] * _normal(between, float(means[0]), float(deviations[0]))
    second = weight[1] * _normal(between, float(means[1]), float(deviations[1]))
    cut = float(np.exp(between[np.argmax(second >= first)]))
    cut = min(max(cut, CUT_RANGE_S[0]), CUT_RANGE_S[1])
    return cut, f"gaps have two modes, {np.exp(means[0]):.0f} s and {np.exp(means[1]) / 3600:.1f} h"


def _normal(x: NDArray[np.float64], mean: float, deviation: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi)))


def page_gaps(requests: Requests) -> NDArray[np.float64]:
    """Seconds between consecutive pages of the same visitor (address and browser).

    Only of visitors that come from page to page: a monitor's five minutes would be the most frequent gap of a small shop.
    """
    pages = ~requests.asset & requests.navigates()[requests.visitor]
    order = np.lexsort((requests.second[pages], requests.visitor[pages]))
    visitor, second = requests.visitor[pages][order], requests.second[pages][order]
    return np.asarray(np.diff(second)[visitor[1:] == visitor[:-1]], dtype=np.float64)


def build_visits(
    requests: Requests,
    *,
    cut_s: float,
    entries_start: bool,
    foreign_starts: bool = True,
    pages_missing: bool = False,
    use_sessions: bool = True,
) -> Visits:
    """Give every request a visit.

    Args:
        entries_start: A page without a referrer starts a visit, of visitors that otherwise name one.
        foreign_starts: So does a page that another site led to.
        pages_missing: Whoever comes from a page that is not on record has rather been here all along than moved here.
        use_sessions: False hides the identifiers and names, to measure the other rules.
    """
    every, (head, head_of, until) = requests, _gather_assets(requests)
    requests = every.select(head)
    n = len(head)
    visit, rule = array("i", bytes(4 * n)), bytearray(n)
    session_of = requests.session if use_sessions else np.full(n, -1, np.int32)
    last_seen, first_seen = _lives(session_of, requests.second)  # assets are never asked for theirs
    by_visitor: dict[int, list[_Visit]] = {}
    by_session: dict[int, _Visit] = {}
    by_page: dict[int, list[_Visit]] = {}
    number, sweep_at = 0, SWEPT_VISITS
    window = min(ROAMING_S, cut_s)
    starts = (requests.referrer == NO_REFERRER) & (every.navigates() & entries_start)[requests.visitor]
    starts |= (requests.referrer == FOREIGN_REFERRER) & foreign_starts
    redirects = (requests.status >= 300) & (requests.status < 400)
    # A page as one browser sees it, in one number: what visits on other addresses are found by.
    pages_before = wide(requests.browser) * (
        int(max(requests.page.max(initial=0), requests.referrer.max(initial=0))) + 1
    )
    opening = requests.opening if requests.opening is not None else np.zeros(n, np.int8)
    askers = requests.asker if requests.asker is not None and use_sessions else np.full(n, -1, np.int8)
    columns = (
        requests.second, requests.visitor, requests.asset, requests.referrer, until, pages_before, session_of, requests.page, starts, redirects,
        opening, askers,
    )  # fmt: skip
    for i, (
        second, visitor, asset, referrer, last, offset, session, page, starts_anew, redirected, opens, asker,
    ) in enumerate(_in_blocks(columns)):  # fmt: skip
        near = by_visitor.get(visitor)
        if near is None:
            near = by_visitor[visitor] = []
        elif len(near) > 1:
            near[:] = [each for each in near if each.last >= second - cut_s]
        elif near and near[0].last < second - cut_s:
            near.clear()
        mine = near
        if asker >= 0:  # nobody is two people
            mine = [each for each in near if each.asker < 0 or each.asker == asker]
        found: _Visit | None = None
        why = START
        if asset:
            if len(mine) == 1:
                found, why = mine[0], ASSET
            elif mine:
                found, why = _of_asset(mine, referrer), ASSET
        elif session < 0 and len(mine) == 1 and not mine[0].redirected and referrer in mine[0].pages:
            found, why = mine[0], REFERRER  # as below; nearly all pages are such
        else:
            if session >= 0:
                known = by_session.get(session)
                enters = starts_anew and not (known and known.redirected and known.last_referrer == referrer)
                if known and second - known.last <= (ENTRY_GAP_S if enters else cut_s):
                    found, why = known, SESSION
            if found is None:
                pool = mine
                if session >= 0:
                    pool = [
                        each for each in mine
                        if each.session < 0 or each.session == session or last_seen[each.session] <= first_seen[session]
                    ]  # fmt: skip
                if (
                    opens == OPENS and session >= 0
                ):  # a new identifier where visits begin is a new visitor, not one who signs in
                    pool = [each for each in pool if each.session < 0 or each.session == session]
                found, why = _of_page(pool, second, referrer, starts_anew or opens == OPENS_SHARED)
                if found is None and pool and pages_missing and referrer >= 0:
                    found, why = max(pool, key=_last), ADDRESS
                if found is None and referrer >= 0:
                    found = _roaming(
                        by_page.get(offset + referrer, ()),
                        second - window,
                        referrer,
                        session,
                        last_seen,
                        first_seen,
                        asker,
                        opens == NOWHERE,
                    )
                    why = ROAMING
                    if found is None and pool:
                        found, why = max(pool, key=_last), ADDRESS
        if found is None:
            found, why = _Visit(number, second, session), START
            number += 1
            near.append(found)
            if number == sweep_at:
                alive = _forget(by_visitor, by_session, by_page, second - cut_s)
                sweep_at = number + max(SWEPT_VISITS, alive)
        elif why in _FROM_ELSEWHERE and found not in near:
            near.append(found)
        if not asset:
            if asker >= 0:
                found.asker = asker
            if session >= 0:
                found.session = session
                by_session[session] = found
            pages = found.pages
            if page not in pages:
                opened = by_page.get(offset + page)
                if opened is None:
                    by_page[offset + page] = [found]
                else:
                    if len(opened) % SWEPT_EVERY == 0:  # what is over stays so, and would only be looked through again
                        opened[:] = [each for each in opened if each.last >= second - cut_s]
                    opened.append(found)
            pages[page] = second
            found.redirected = redirected
            found.last_page_at = second
            found.last_referrer = referrer
        found.last = last
        visit[i] = found.number
        rule[i] = why
    is_head = np.zeros(len(head_of), np.bool_)
    is_head[head] = True
    place = (np.cumsum(is_head, dtype=np.int32) - np.int32(1))[head_of]
    rules = np.frombuffer(rule, np.int8)[place]
    rules[~is_head] = ASSET
    return Visits(np.frombuffer(visit, np.int32)[place], rules, entries_start, cut_s)


def _forget(
    by_visitor: dict[int, list[_Visit]], by_session: dict[int, _Visit], by_page: dict[int, list[_Visit]], before: float
) -> int:
    """Take out what was last active before then, as it would be passed over if it was met again; gives how many visits are left."""
    left = 0
    for found in (by_visitor, by_page):
        for key in [key for key, each in found.items() if all(one.last < before for one in each)]:
            del found[key]
    for each in by_visitor.values():
        left += len(each)
    for session in [session for session, one in by_session.items() if one.last < before]:
        del by_session[session]
    return left


def _gather_assets(requests: Requests) -> tuple[Narrow, Narrow, Narrow]:
    """Assets that one visitor asks for in a row, for the same page and at the same time, go where the page went that was opened
    just before, else all one way: one request stands for all.

    Gives the requests that stand for themselves or others, ascending; the one that stands for each request; and for each of the
    former the second of the last request it stands for.
    """
    order = np.argsort(requests.visitor, kind="stable")
    moment = requests.second // ASSETS_S
    of_page = np.where(requests.asset, requests.referrer, requests.page)
    joins = requests.asset[order[1:]]
    for column in (requests.visitor, of_page, moment):
        ordered = column[order]
        joins &= ordered[1:] == ordered[:-1]
    del moment, of_page, column, ordered
    first = np.concatenate([np.ones(min(1, len(order)), np.bool_), ~joins])
    order = narrow(order)
    head_of = np.empty(len(order), order.dtype)
    head_of[order] = order[first][np.cumsum(first) - 1]
    last = np.concatenate([~joins, np.ones(min(1, len(order)), np.bool_)])
    until = np.zeros(len(order), requests.second.dtype)
    until[order[first]] = requests.second[order[last]]
    head = np.sort(order[first])
    return head, head_of, until[head]


def _in_blocks(columns: tuple[NDArray[Any], ...]) -> Iterator[tuple[Any, ...]]:
    """Rows of the columns as Python values, BLOCK at a time: all of a million at once would take 300 MB."""
    for start in range(0, len(columns[0]), BLOCK):
        yield from zip(*(column[start : start + BLOCK].tolist() for column in columns), strict=True)


def _last(visit: _Visit) -> int:
    return visit.last


def _of_asset(near: list[_Visit], referrer: int) -> _Visit:
    """The visit that opened the asset's page last; else the last one active."""
    opened = [each for each in near if referrer in each.pages]
    return max(opened, key=lambda each: each.pages[referrer]) if opened else max(near, key=_last)


def _of_page(pool: list[_Visit], second: int, referrer: int, starts_anew: bool) -> tuple[_Visit | None, int]:
    if not pool:
        return None, START
    followed = [
        each for each in pool
        if each.redirected and second - each.last_page_at <= REDIRECT_S and each.last_referrer == referrer
    ]  # fmt: skip
    if followed:
        return max(followed, key=_last), REDIRECT
    if referrer >= 0:
        opened = [each for each in pool if referrer in each.pages]
        if opened:
            return max(opened, key=lambda each: each.pages[referrer]), REFERRER
        return None, START
    if starts_anew:
        return None, START
    return max(pool, key=_last), ADDRESS


def _roaming(
    candidates: tuple[_Visit, ...] | list[_Visit],
    since: float,
    referrer: int,
    session: int,
    last_seen: NDArray[np.int64],
    first_seen: NDArray[np.int64],
    asker: int,
    doubted: bool,
) -> _Visit | None:
    """The visit on another address that opened the referrer last; those still on that page come first. One that is ``doubted`` goes with
    the only such, if at all."""
    open_ones = [
        each for each in candidates
        if each.last >= since
        and (asker < 0 or each.asker < 0 or each.asker == asker)
        and (session < 0 or each.session < 0 or each.session == session or last_seen[each.session] <= first_seen[session])
    ]  # fmt: skip
    if not open_ones:
        return None
    still_there = [each for each in open_ones if each.pages[referrer] == each.last_page_at]
    likely = still_there or open_ones
    if doubted and len(likely) > 1:
        return None
    return max(likely, key=lambda each: each.pages[referrer])


def _lives(session: Narrow, second: Narrow) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(last, first) second of every session identifier."""
    known = session >= 0
    size = int(session.max(initial=-1)) + 1
    last = np.full(size, np.iinfo(np.int64).min)
    first = np.full(size, np.iinfo(np.int64).max)
    np.maximum.at(last, session[known], second[known])
    np.minimum.at(first, session[known], second[known])
    return last, first
