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
an identifier hardly ever do that in mid-visit (measured, see ``habits``), an entry starts a new visit: it is what
tells the people behind one shared address apart.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reconstruct.correlate.habits import ENTRY_GAP_S, VisitHabits
from reconstruct.correlate.web_requests import FOREIGN_REFERRER, NO_REFERRER, NOWHERE, OPENS, OPENS_SHARED, Requests
from reconstruct.store.codes import Narrow, narrow, wide

REDIRECT_S = 3
"""A browser follows a redirect at once; access logs round to the second at both ends."""

ROAMING_S = 900
"""A page opened at most this long ago can be continued from a new address. Address changes are rare; a longer
window only adds strangers who opened the same page."""

ASSETS_S = 10
"""Assets of one visitor and page in the same ten seconds are placed together."""

SWEPT_EVERY = 64
"""Visits to a page after which those that are over are forgotten: a popular page has all there ever were."""

SWEPT_VISITS = 50_000
"""Visits begun, at least, before all that are over are forgotten: half a gigabyte would be held by a million of them."""

MOST_AT_ONCE = 1_000
"""Visits of one address and browser at a time, beyond which those that are silent longest are only found by their identifiers: a load test
has a hundred thousand of them, and to look through all for each request takes the square of that."""

BLOCK = 65_536
"""Requests turned into Python values at a time."""

RULES = ("start", "session", "redirect", "referrer", "roaming", "address", "asset")
START, SESSION, REDIRECT, REFERRER, ROAMING, ADDRESS, ASSET = range(len(RULES))
_FROM_ELSEWHERE = (SESSION, ROAMING)
"""Rules by which a visitor can come into a visit of another address."""


@dataclass(slots=True)
class Visits:
    """The verdict, per request."""

    visit: Narrow
    """number of the visit, from 0 in order of first request"""
    rule: NDArray[np.int8]
    """index into RULES"""


class _Visit:
    """A visit that may still be going on."""

    __slots__ = (
        "asker",
        "last",
        "last_page_at",
        "last_referrer",
        "number",
        "pages",
        "redirected",
        "session",
        "visitors",
    )

    def __init__(self, number: int, second: int, session: int, visitor: int) -> None:
        self.number = number
        self.last = second
        self.session = session
        self.asker = -1
        self.pages: dict[int, int] = {}
        self.redirected = False
        self.last_page_at = second
        self.last_referrer = NO_REFERRER
        self.visitors = {visitor}


def build_visits(requests: Requests, habits: VisitHabits, *, use_sessions: bool = True) -> Visits:
    """Give every request a visit.

    Args:
        use_sessions: False hides the identifiers and names, to measure the other rules.
    """
    cut_s = habits.cut_s
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
    starts = (requests.referrer == NO_REFERRER) & (every.navigates() & habits.entries_start)[requests.visitor]
    starts |= (requests.referrer == FOREIGN_REFERRER) & habits.foreign_starts
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
        found: _Visit | None = None
        why = START
        if session >= 0 and not asset:
            known = by_session.get(session)
            enters = starts_anew and not (known and known.redirected and known.last_referrer == referrer)
            if known and second - known.last <= (ENTRY_GAP_S if enters else cut_s):
                found, why = known, SESSION
        if found is None:
            if len(near) > 1:
                near[:] = [each for each in near if each.last >= second - cut_s]
                if len(near) > MOST_AT_ONCE:
                    _pass_over(near, visitor)
            elif near and near[0].last < second - cut_s:
                near.clear()
            mine = near
            if asker >= 0:  # nobody is two people
                mine = [each for each in near if each.asker < 0 or each.asker == asker]
            if asset:
                if len(mine) == 1:
                    found, why = mine[0], ASSET
                elif mine:
                    found, why = _of_asset(mine, referrer), ASSET
            elif session < 0 and len(mine) == 1 and not mine[0].redirected and referrer in mine[0].pages:
                found, why = mine[0], REFERRER  # as below; nearly all pages are such
            else:
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
                if found is None and pool and habits.pages_missing and referrer >= 0:
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
            found, why = _Visit(number, second, session, visitor), START
            number += 1
            near.append(found)
            if number == sweep_at:
                alive = _forget(by_visitor, by_session, by_page, second - cut_s)
                sweep_at = number + max(SWEPT_VISITS, alive)
        elif why in _FROM_ELSEWHERE and visitor not in found.visitors:
            near.append(found)
            found.visitors.add(visitor)
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
    return Visits(np.frombuffer(visit, np.int32)[place], rules)


def _pass_over(near: list[_Visit], visitor: int) -> None:
    """Take half of MOST_AT_ONCE visits and more out, so that it is not done for each request."""
    near.sort(key=_last)
    for each in near[: -MOST_AT_ONCE // 2]:
        each.visitors.discard(visitor)
    del near[: -MOST_AT_ONCE // 2]


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
