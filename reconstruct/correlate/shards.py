"""Visits of many requests on several processors.

Visits never cross browsers, but for a session identifier that several browsers carry: those browsers stay together. So the
requests fall into groups that know nothing of each other, and the result is the same however they are dealt out.
"""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from reconstruct.correlate.habits import VisitHabits
from reconstruct.correlate.visits import Visits, build_visits
from reconstruct.correlate.web_requests import Requests
from reconstruct.store.codes import wide

WORTH_SHARING = 200_000
"""Requests below which handing them to another process costs more than it saves."""

AT_ONCE = 2
"""Parts that are worked on at a time: one by this process, the rest by others."""

SHARD_REQUESTS = 1_000_000
"""Requests of a part, about: what is made of so many stays within 200 MB."""


def build_in_shards(requests: Requests, habits: VisitHabits, pool: Executor | None) -> Visits:
    """What ``build_visits`` gives, with the help of ``pool`` when there is much to do."""
    build = partial(build_visits, habits=habits)
    count = len(requests.second)
    if count < WORTH_SHARING or (pool is None and count <= SHARD_REQUESTS):
        return build(requests)
    n_shards = AT_ONCE * -(-count // (AT_ONCE * SHARD_REQUESTS))
    shard = _deal_out(requests, n_shards)
    visit, rule = np.zeros(count, np.int32), np.zeros(count, np.int8)
    before = 0
    for start in range(0, n_shards, AT_ONCE):
        parts = [shard == number for number in range(start, start + AT_ONCE)]
        waiting = [pool.submit(build, requests.select(part)) for part in parts[1:]] if pool is not None else []
        found = [build(requests.select(part)) for part in parts[: len(parts) - len(waiting)]]
        found += [each.result() for each in waiting]
        for part, each in zip(parts, found, strict=True):
            visit[part] = each.visit + before
            rule[part] = each.rule
            before += int(each.visit.max(initial=-1)) + 1
    first = np.empty(before, np.int64)
    first[visit[::-1]] = np.arange(count)[::-1]  # of several the last one written stays: the first request
    number = np.empty(before, np.int32)
    number[np.argsort(first, kind="stable")] = np.arange(before)
    return Visits(number[visit], rule)


def _deal_out(requests: Requests, n_shards: int) -> NDArray[np.int16]:
    """The shard of every request: groups of browsers, the largest first, each to the shard with the least to do."""
    group = _group_browsers(requests)
    sizes = np.bincount(group[requests.browser], minlength=len(group))
    load, shard_of = [0] * n_shards, np.zeros(len(group), np.int16)
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
    pairs = np.unique(wide(requests.session[known]) * n + requests.browser[known])
    session, browser = pairs // n, (pairs % n).tolist()
    for at in np.flatnonzero(session[1:] == session[:-1]).tolist():
        low, high = sorted((find(browser[at]), find(browser[at + 1])))
        root[high] = low
    return np.array([find(each) for each in range(n)], np.int64)
