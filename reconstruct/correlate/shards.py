"""Visits of many requests on several processors.

Visits never cross browsers, but for a session identifier that several browsers carry: those browsers stay together. So the
requests fall into groups that know nothing of each other, and the result is the same however they are dealt out.
"""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from reconstruct.correlate.visits import Requests, Visits, build_visits

WORTH_SHARING = 200_000
"""Requests below which handing them to another process costs more than it saves."""

SHARDS = 2
"""Parts the requests are dealt into: one for this process, the rest for others."""


def build_in_shards(
    requests: Requests, pool: Executor | None, *, cut_s: float, entries_start: bool, foreign_starts: bool
) -> Visits:
    """What ``build_visits`` gives, with the help of ``pool`` when there is much to do."""
    if pool is None or len(requests.second) < WORTH_SHARING:
        return build_visits(requests, cut_s=cut_s, entries_start=entries_start, foreign_starts=foreign_starts)
    shard = _deal_out(requests)
    parts = [np.flatnonzero(shard == number) for number in range(SHARDS)]
    mine, *others = (requests.select(part) for part in parts)
    waiting = [
        pool.submit(build_visits, each, cut_s=cut_s, entries_start=entries_start, foreign_starts=foreign_starts)
        for each in others
    ]
    found = [build_visits(mine, cut_s=cut_s, entries_start=entries_start, foreign_starts=foreign_starts)]
    found += [each.result() for each in waiting]
    visit, rule = np.zeros(len(shard), np.int64), np.zeros(len(shard), np.int8)
    before = 0
    for part, each in zip(parts, found, strict=True):
        visit[part] = each.visit + before
        rule[part] = each.rule
        before += int(each.visit.max(initial=-1)) + 1
    first = np.unique(visit, return_index=True)[1]
    number = np.empty(len(first), np.int64)
    number[np.argsort(first, kind="stable")] = np.arange(len(first))
    return Visits(number[visit], rule, entries_start, cut_s)


def _deal_out(requests: Requests) -> NDArray[np.int64]:
    """The shard of every request: groups of browsers, the largest first, each to the shard with the least to do."""
    group = _group_browsers(requests)
    sizes = np.bincount(group[requests.browser], minlength=len(group))
    load, shard_of = [0] * SHARDS, np.zeros(len(group), np.int64)
    for number in np.argsort(-sizes, kind="stable").tolist():
        least = load.index(min(load))
        shard_of[number] = least
        load[least] += int(sizes[number])
    return np.asarray(shard_of[group[requests.browser]])


def _group_browsers(requests: Requests) -> NDArray[np.int64]:
    """Per browser the smallest browser it shares a session identifier with, over any number of steps."""
    n = int(requests.browser.max(initial=0)) + 1
    root = list(range(n))

    def find(browser: int) -> int:
        while root[browser] != browser:
            root[browser] = root[root[browser]]
            browser = root[browser]
        return browser

    known = requests.session >= 0
    pairs = np.unique(requests.session[known] * n + requests.browser[known])
    session, browser = pairs // n, (pairs % n).tolist()
    for at in np.flatnonzero(session[1:] == session[:-1]).tolist():
        low, high = sorted((find(browser[at]), find(browser[at + 1])))
        root[high] = low
    return np.array([find(each) for each in range(n)], np.int64)
