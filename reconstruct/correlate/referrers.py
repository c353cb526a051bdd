"""The pages that requests say they come from: which of them are this site's, and which page of it each names."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from reconstruct.correlate.web_requests import DETOUR_REFERRER, FOREIGN_REFERRER, NO_REFERRER
from reconstruct.store.codes import Codes, Narrow, wide

INTERNAL_SHARE = 0.3
"""Share of a referrer host's requests whose visitor opened that very page on this site: above it, the host is the site."""

DETOUR_SHARE = 0.8
"""Share of the visitors another site led here who must have left this one just before, for it to be a stop on their way: search engines
bring new ones, and back the few who compare."""

LEAST_DETOURS = 5
"""Visitors led here by a site before it is judged."""

DETOUR_S = 1800
"""A payment, a confirmation by telephone and a sign-in are over by then."""

TRACED_REQUESTS = 2_000_000
"""Requests looked up at a time when the hosts of the site are looked for: 60 bytes each."""

SPLIT_AT_ONCE = 262_144
"""Distinct referrers that are Python texts at a time."""


@dataclass(slots=True)
class Referrers:
    """What the distinct referrers name."""

    page: Codes
    """code of the page, NO_REFERRER where it is no URL"""
    size: int
    """a number above all of these codes"""
    host: NDArray[np.int32]
    """index into hosts"""
    hosts: list[str]
    telling: NDArray[np.bool_]
    """says where somebody was; and a False behind the last, for no referrer"""


def read_referrers(referrers: pa.Array, pages: pa.Array) -> Referrers:
    """What distinct referrers name, by the codes of ``pages``: paths, some with queries."""
    hosts: dict[str, int] = {}
    host_code = np.empty(len(referrers), np.int32)
    targets = [pa.array([], pa.string())]
    for start in range(0, len(referrers), SPLIT_AT_ONCE):
        split = [_split_referrer(text) for text in referrers.slice(start, SPLIT_AT_ONCE).to_pylist()]
        host_code[start : start + SPLIT_AT_ONCE] = [hosts.setdefault(host, len(hosts)) for host, _ in split]
        targets.append(pa.array([target for _, target in split], pa.string()))
    whole = pa.chunked_array(targets).combine_chunks()
    codes, size = _code_targets(whole, pages)
    # A bare "/" says nothing: everybody has one, and other sites often send no more.
    front = pc.equal(whole, "/").fill_null(False).to_numpy(zero_copy_only=False)
    return Referrers(codes, size, host_code, list(hosts), np.append(~front, False))


def find_internal(
    visitor: Narrow, page: Narrow, referrer: Narrow, asset: NDArray[np.bool_], named: Referrers, vhosts: pa.Array
) -> Codes:
    """Page code of every distinct referrer, FOREIGN_REFERRER for another site's, NO_REFERRER for an empty one.

    A host is the site's own when visitors come from pages of it that they have opened here before; those of whom only files are here,
    as the log of pages is missing, say nothing of that. Requests are in time order.
    """
    codes, hosts = named.page, named.hosts
    if not len(codes):
        return codes
    opens_pages = np.zeros(int(visitor.max(initial=-1)) + 1, np.bool_)
    opens_pages[visitor[~asset]] = True
    total, returning = np.zeros(len(hosts), np.int64), np.zeros(len(hosts), np.int64)
    is_left = np.zeros(named.size, np.bool_)
    is_left[codes[codes >= 0]] = True
    # What a visitor opened, some visitors at a time.
    shares = len(page) // TRACED_REQUESTS + 1
    for share in range(shares):
        mine = visitor % shares == share if shares > 1 else slice(None)
        who, there, link = wide(visitor[mine]), page[mine], referrer[mine]
        tells = np.flatnonzero(named.telling[link] & opens_pages[who])
        came_from = who[tells] * named.size + codes[link[tells]]
        # Most requests are for files, which nobody comes from: they need not be looked through.
        left = np.flatnonzero(is_left[there])
        # The request by which the visitor opened that page first.
        found = (
            pc.index_in(pa.array(came_from), value_set=pa.array(who[left] * named.size + there[left]))
            .fill_null(-1)
            .to_numpy()
        )
        first = np.append(left, len(there))[found]
        # Opened before, and another page.
        seen = tells[(first < tells) & (came_from != who[tells] * named.size + there[tells])]
        total += np.bincount(named.host[link[tells]], minlength=len(hosts))
        returning += np.bincount(named.host[link[seen]], minlength=len(hosts))
    own = {host for host in vhosts.to_pylist() if host} | {""}
    internal = returning >= INTERNAL_SHARE * np.maximum(total, 1)
    internal |= np.array([host in own for host in hosts])
    codes[(codes >= 0) & ~internal[named.host]] = FOREIGN_REFERRER
    return codes


def mark_detours(
    came_from: NDArray[np.int64], host: NDArray[np.int64], visitor: Narrow, second: Narrow, asset: NDArray[np.bool_]
) -> None:
    """Make DETOUR_REFERRER of FOREIGN_REFERRER in ``came_from`` where the site is one that this one sends its visitors to and gets them
    back from: nearly all that it leads here have been here just before, on a page that they had not come to from there. Requests are in
    time order; ``host`` is that of the referrer of each."""
    pages = np.flatnonzero(~asset)
    if not np.any(came_from[pages] == FOREIGN_REFERRER):
        return
    pages = pages[np.argsort(visitor[pages], kind="stable")]
    who, when, where = visitor[pages], second[pages], host[pages]
    foreign = came_from[pages] == FOREIGN_REFERRER
    returns = np.zeros(len(pages), np.bool_)
    returns[1:] = (who[1:] == who[:-1]) & (when[1:] - when[:-1] <= DETOUR_S)
    reloads = np.zeros(len(pages), np.bool_)
    reloads[1:] = (who[1:] == who[:-1]) & foreign[:-1] & (where[1:] == where[:-1])
    led, back = (
        np.bincount(where[each], minlength=int(host.max()) + 1)
        for each in (foreign & ~reloads, foreign & ~reloads & returns)
    )
    is_stop = (led >= LEAST_DETOURS) & (back >= DETOUR_SHARE * led)
    came_from[(came_from == FOREIGN_REFERRER) & is_stop[host]] = DETOUR_REFERRER


def _code_targets(targets: pa.Array, pages: pa.Array) -> tuple[Codes, int]:
    """The page code of each target, NO_REFERRER where it is null; those that are no page here have codes of their own. And a number
    above all of these codes."""
    at = pc.index_in(targets, value_set=pages)
    elsewhere = pc.if_else(at.is_null(), targets, None).dictionary_encode()
    others = pc.add(elsewhere.indices.cast(pa.int64()), len(pages))
    codes = pc.coalesce(at.cast(pa.int64()), others, NO_REFERRER).to_numpy()
    return codes.copy(), len(pages) + len(elsewhere.dictionary) + 1


def _split_referrer(text: str) -> tuple[str, str | None]:
    """(host, path and query) of a referrer; no target when it is not a URL."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return "", None
    if not parts.path and not parts.netloc:
        return "", None
    if not parts.netloc and not text.startswith("/"):
        return "", None
    path = parts.path or "/"
    return parts.netloc.lower(), f"{path}?{parts.query}" if parts.query else path
