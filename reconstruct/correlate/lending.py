"""Addresses for pages from the files they ask for.

Behind a proxy the application's log often lacks the visitor's address, and the proxy's log of pages is missing while that of pictures and
scripts is there. A browser asks for the files of a page as soon as it has it, and names it as their referrer: that says where the page went.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reconstruct.correlate.visits import ASSETS_S
from reconstruct.store.codes import Codes, Narrow, number_values, wide


def needs_addresses(address: Narrow, asset: NDArray[np.bool_]) -> bool:
    """Whether pages lack addresses (-1) that files have."""
    return bool(np.any((address < 0) & ~asset)) and bool(np.any((address >= 0) & asset))


def lend_addresses(
    address: Narrow, browser: Narrow, second: Narrow, asset: NDArray[np.bool_], page: Narrow, referred: Codes
) -> Narrow:
    """The addresses, and that of its files for each page without one.

    A file is taken for one of the page of that name which its browser opened last, ASSETS_S ago at most. A page whose files went to two
    addresses keeps none: two people with one browser opened it at once. A row per request, in the order visits are built (a page before
    files of the same second); ``referred``: code of the page that the referrer names, negative for none.
    """
    opens, asks = ~asset & (address < 0), asset & (address >= 0) & (referred >= 0)
    rows = np.flatnonzero(opens | asks)
    names = np.where(asset[rows], referred[rows], page[rows])
    key = number_values(names * (int(browser.max(initial=0)) + 2) + browser[rows] + 1)[0]
    rows = rows[np.argsort(key, kind="stable")]
    key = np.sort(key, kind="stable")
    place = np.where(opens[rows], np.arange(len(rows)), -1)
    opened = np.maximum.accumulate(place)  # the page of any name that stands before
    files = np.flatnonzero(asks[rows])
    files = files[opened[files] >= 0]
    pages = opened[files]
    near = (key[pages] == key[files]) & (wide(second)[rows[files]] - wide(second)[rows[pages]] <= ASSETS_S)
    pages, theirs = rows[pages[near]], wide(address)[rows[files[near]]]
    least, most = np.full(len(address), np.iinfo(np.int64).max), np.full(len(address), -1, np.int64)
    np.minimum.at(least, pages, theirs)
    np.maximum.at(most, pages, theirs)
    return np.where(least == most, most, wide(address)).astype(address.dtype)
