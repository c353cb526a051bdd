"""Addresses for requests of which only a log behind the edge is there, from the edge's lines around them.

Behind a proxy the application's log often lacks the visitor's address; and the proxy's line of a page may be lost, or its whole log of pages
missing while that of pictures and scripts is there. A browser asks for the files of a page as soon as it has it, and its visitor goes on from
there: both name the page as their referrer, and are from somebody who, by what else there is, never opened it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reconstruct.correlate.calibrate import RuleQuality, weigh
from reconstruct.correlate.earlier import find_earlier
from reconstruct.correlate.visits import ASSETS_S, ROAMING_S
from reconstruct.store.codes import Codes, Narrow, number_values, wide

LENDING_ROUNDS = 3
"""Times that an address goes on to the page before, where several in a row have none."""

SINGLE_REQUESTS = 5
"""Requests of a browser that all come from one address, before one without an address is taken to come from there as well."""

TRIED = 20
"""One page of so many has its address hidden to see whether it is lent again: as many as a log loses where this matters."""

PRIOR = 0.95
"""Confidence where too few trials allow no measurement. Of two labelled sets that lost 5 and 20 % of their lines .985 and more were right, of
simulated shops all (bench/robustness.py, ``lost-lines``); rounded down, for logs that nobody simulated."""


def needs_addresses(address: Narrow, asset: NDArray[np.bool_]) -> bool:
    """Whether pages lack addresses (-1) that files have."""
    return bool(np.any((address < 0) & ~asset)) and bool(np.any((address >= 0) & asset))


def lend_addresses(
    address: Narrow, browser: Narrow, second: Narrow, asset: NDArray[np.bool_], page: Narrow, referred: Codes
) -> Narrow:
    """The addresses, and for each page without one that of whoever goes on from it without having opened it.

    By its files, ASSETS_S later at most, else by the next pages, within ROAMING_S; each speaks for the page of that name which its
    browser opened last. A page that two addresses go on from keeps none: two people with one browser opened it. What is left goes to the only
    address that its browser ever had. A row per request, in the order visits are built (a page before files of the same second);
    ``referred``: code of the page that the referrer names, negative for none.
    """
    size = int(browser.max(initial=0)) + 2
    opened, came_from = (wide(each) * size + browser + 1 for each in (page, referred))
    wanted = np.unique(opened[~asset & (address < 0)])
    relevant = np.flatnonzero((np.isin(opened, wanted) & ~asset) | (np.isin(came_from, wanted) & (referred >= 0)))
    found = wide(address)
    for _ in range(LENDING_ROUNDS):
        lent = _lend_once(found, relevant, opened, came_from, wide(second), asset, referred >= 0)
        if np.array_equal(lent, found):
            break
        found = lent
    single = _find_single(found, browser)
    return np.where((found < 0) & ~asset, single[browser], found).astype(address.dtype)


def lend_browsers(address: Narrow, browser: Narrow, second: Narrow) -> Narrow:
    """The browsers, and for each request that says an address alone (-1: no browser) the one that the address had right before and right
    after, within ROAMING_S; none where these are two. Columns as above."""
    count = len(address)
    lacking, named = np.flatnonzero((browser < 0) & (address >= 0)), np.flatnonzero((browser >= 0) & (address >= 0))
    named = named[np.isin(address[named], address[lacking])]
    near = []
    for turn in (False, True):  # of the rows in reverse, what is before comes after
        rows, at = (np.flip(count - 1 - named), count - 1 - lacking) if turn else (named, lacking)
        whose = wide(address[np.flip(named) if turn else named])
        found = find_earlier(whose, rows, wide(address[lacking]), at)
        row = np.where(found >= 0, count - 1 - found if turn else found, 0)
        is_near = (found >= 0) & (np.abs(wide(second)[row] - wide(second)[lacking]) <= ROAMING_S)
        near.append(np.where(is_near, browser[row], -1))
    before, after = near
    agreed = np.where((before < 0) | (before == after), after, np.where(after < 0, before, -1))
    lent = browser.copy()
    lent[lacking] = agreed
    return lent


def weigh_lending(lent: Narrow, known: Narrow, tried: Codes) -> RuleQuality:
    """What is worth what was lent to requests whose own was hidden: ``tried``, by TRIED."""
    told = lent[tried] >= 0
    trials, right = int(np.count_nonzero(told)), int(np.count_nonzero(told & (lent[tried] == known[tried])))
    return RuleQuality("stray", trials, right, *weigh(right, trials, PRIOR))


def hide(column: Narrow, asset: NDArray[np.bool_]) -> tuple[Narrow, Codes]:
    """The column with one page of TRIED at -1, and which these are."""
    tried = np.flatnonzero(~asset & (column >= 0))[::TRIED]
    hidden = column.copy()
    hidden[tried] = -1
    return hidden, tried


def _lend_once(
    address: Codes,
    relevant: Codes,
    opened: Codes,
    came_from: Codes,
    second: Codes,
    asset: NDArray[np.bool_],
    linked: NDArray[np.bool_],
) -> Codes:
    """The addresses after one round; ``opened`` and ``came_from``: page and browser as one number, of the ``relevant`` rows."""
    known = address[relevant] >= 0
    links, own = relevant[known & linked[relevant]], relevant[known & ~asset[relevant]]
    waiting = relevant[~known & ~asset[relevant]]
    left = find_earlier(opened[waiting], waiting, came_from[links], links)
    links, left = links[left >= 0], left[left >= 0]
    key = number_values(np.concatenate([opened[own], came_from[links]]))[0] * (int(address.max(initial=0)) + 1)
    key += np.concatenate([address[own], address[links]])
    mine = find_earlier(key[: len(own)], own, key[len(own) :], links)
    found = address.copy()
    for of_files, reach_s in ((True, ASSETS_S), (False, ROAMING_S)):
        goes_on = (asset[links] == of_files) & (second[links] - second[left] <= reach_s)
        goes_on &= (mine < 0) | (second[links] - second[mine] > reach_s)
        least, most = np.full(len(address), np.iinfo(np.int64).max), np.full(len(address), -1, np.int64)
        np.minimum.at(least, left[goes_on], address[links[goes_on]])
        np.maximum.at(most, left[goes_on], address[links[goes_on]])
        found = np.where((found < 0) & (least == most), most, found)
    return found


def _find_single(address: Codes, browser: Narrow) -> Codes:
    """The address of every browser that only one address has, SINGLE_REQUESTS and more; else -1. The last stands for no browser."""
    count = int(browser.max(initial=-1)) + 2
    known = (address >= 0) & (browser >= 0)
    least, most = np.full(count, np.iinfo(np.int64).max), np.full(count, -1, np.int64)
    np.minimum.at(least, browser[known], address[known])
    np.maximum.at(most, browser[known], address[known])
    return np.where((least == most) & (np.bincount(browser[known], minlength=count) >= SINGLE_REQUESTS), most, -1)
