"""How sure it is that one address and browser are one person's, where no identifier says so.

Visits of an address and browser come at some rate. Whoever else comes while a visit lasts, or before the silence that ends it is
over, is taken into it. So the chance of that follows from how often they come: an office's browsers many times a day, a home's once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reconstruct.correlate.web_requests import Requests

FOREIGN = 0.35
"""Share of a visit that is somebody else's where two people's were taken for one: of two of equal length half, less of others."""

RANGE = (0.5, 0.98)
"""What is claimed at least, since one person is most of a visit, and at most: two people may come once."""


def trust_addresses(requests: Requests, cut_s: float) -> NDArray[np.float64]:
    """Per visitor, how sure a request is of the visit of the same address and browser before it. Requests are in time order; a
    silence of ``cut_s`` ends a visit."""
    n_visitors = int(requests.visitor.max(initial=-1)) + 1
    pages = np.flatnonzero(~requests.asset)
    if not len(pages):
        return np.full(n_visitors, RANGE[1])
    order = pages[np.argsort(requests.visitor[pages], kind="stable")]
    visitor, second = requests.visitor[order], requests.second[order]
    starts = np.ones(len(order), np.bool_)
    starts[1:] = (visitor[1:] != visitor[:-1]) | (second[1:] - second[:-1] > cut_s)
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(order)) - 1
    lasts_s = float(np.mean(second[last] - second[first]))
    span_s = max(1.0, float(second.max() - second.min()))
    visits = np.bincount(visitor[first], minlength=n_visitors)
    others = np.maximum(visits - 1, 0) / span_s
    met = 1 - np.exp(-others * (lasts_s + cut_s))
    return np.clip(1 - FOREIGN * met, *RANGE)
