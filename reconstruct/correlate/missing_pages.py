"""Whether lines of pages are missing: a shipper drops some, a log is sampled, a rotated file was not copied.

In whole logs whoever comes from a page of the site has opened it there, or has opened it elsewhere and has moved (a phone that changes
networks). Where visitors come from pages that nobody opened, lines are missing, and that somebody else opened a page says little.
"""

from __future__ import annotations

import numpy as np

from reconstruct.correlate.earlier import find_earlier
from reconstruct.correlate.visits import ROAMING_S
from reconstruct.correlate.web_requests import Requests
from reconstruct.store.codes import wide

SAMPLED_REQUESTS = 50_000
"""Requests looked at, about: all of some browsers, as nobody comes from a page of another browser."""


def are_pages_missing(requests: Requests, cut_s: float) -> bool:
    """Whether visitors in mid-visit come from pages that nobody opened of late more often than from one that somebody else opened.

    Requests are in time order; a silence of ``cut_s`` ends a visit.
    """
    keep = len(requests.second) // SAMPLED_REQUESTS + 1
    pages = np.flatnonzero(~requests.asset & (requests.browser % keep == 0))
    second, visitor, browser = (wide(each[pages]) for each in (requests.second, requests.visitor, requests.browser))
    page, referrer = wide(requests.page[pages]), wide(requests.referrer[pages])
    size = int(max(page.max(initial=0), referrer.max(initial=0))) + 1
    linked = np.flatnonzero(referrer >= 0)
    before = find_earlier(visitor, every := np.arange(len(pages)), visitor[linked], linked)
    active = (before >= 0) & (second[linked] - second[before] <= cut_s)
    opened = find_earlier(visitor * size + page, every, (visitor * size + referrer)[linked], linked)
    unopened = linked[active & ((opened < 0) | (second[linked] - second[opened] > cut_s))]
    others = find_earlier(browser * size + page, every, (browser * size + referrer)[unopened], unopened)
    elsewhere = (others >= 0) & (second[unopened] - second[others] <= ROAMING_S)
    return 2 * int(np.count_nonzero(elsewhere)) < len(unopened)
