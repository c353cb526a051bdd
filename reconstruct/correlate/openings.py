"""Pages by which visits begin, where requests do not say where they come from: an app's start, the only page of a single-page site.

A page that nearly every visitor opens first, and once, tells visits apart that follow each other on one address and browser. Whether
it is such a page is measured, a vote a visitor, so that a few busy addresses, where it comes up all the time, do not decide.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reconstruct.correlate.habits import ENTRY_TRIALS, are_rare
from reconstruct.correlate.web_requests import OPENS, OPENS_SHARED, Requests
from reconstruct.store.codes import wide

LEAST_REOPENED = 2
"""Times within visits that such a page must come up on one address and browser for several people to be behind it: one person
reloads it now and then."""

REOPENED_FACTOR = 4
"""And how many times oftener than in a visit of those where it hardly ever does."""


def find_openings(requests: Requests, cut_s: float) -> NDArray[np.int8]:
    """Per request 0, OPENS for a page that begins visits, OPENS_SHARED where that shows several people behind one address and browser.

    Requests are in time order; a silence of ``cut_s`` ends a visit.
    """
    found = np.zeros(len(requests.second), np.int8)
    pages = np.flatnonzero(~requests.asset)
    order = pages[np.argsort(requests.visitor[pages], kind="stable")]
    if not len(order):
        return found
    visitor, second, page = requests.visitor[order], requests.second[order], requests.page[order]
    starts = np.ones(len(order), np.bool_)
    starts[1:] = (visitor[1:] != visitor[:-1]) | (second[1:] - second[:-1] > cut_s)
    run = np.cumsum(starts) - 1
    often = np.bincount(page[starts], minlength=int(page.max()) + 1) >= ENTRY_TRIALS
    at = np.flatnonzero(often[page] & (requests.referrer[order] < 0))
    if not len(at):
        return found
    # Runs that hold such a page: well begun with it, or not.
    size = len(often)
    held, first, times = np.unique(run[at] * size + page[at], return_index=True, return_counts=True)
    well = starts[at[first]] & (times == 1)
    who, which = wide(visitor[at[first]]), held % size
    votes, vote_of = np.unique(who * size + which, return_inverse=True)
    runs, bad_runs = np.bincount(vote_of), np.bincount(vote_of, ~well)
    against = bad_runs * 2 > runs
    voters, refused = np.bincount(votes % size, minlength=size), np.bincount((votes % size)[against], minlength=size)
    begins = np.array([are_rare(each) for each in zip(refused.tolist(), voters.tolist(), strict=True)], np.bool_)
    opening = at[begins[page[at]]]
    found[order[opening]] = OPENS
    within = opening[~starts[opening]]
    n_visitors = int(visitor.max()) + 1
    reopened = np.bincount(visitor[within], minlength=n_visitors)
    visits = np.bincount(visitor[starts], minlength=n_visitors)
    alone = reopened < LEAST_REOPENED
    usual = reopened[alone].sum() / max(1, visits[alone].sum())
    shared = ~alone & (reopened >= REOPENED_FACTOR * usual * visits)
    mine = opening[shared[visitor[opening]]]
    found[order[mine]] = OPENS_SHARED
    return found
