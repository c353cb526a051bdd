"""Web requests as columns of small integers: what visits are made of."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reconstruct.store.codes import Narrow

NO_REFERRER = -1
FOREIGN_REFERRER = -2
"""Values of ``referrer`` for a request that enters the site."""

DETOUR_REFERRER = -3
"""The same for one that comes back to it, from where it had sent its visitor: a payment provider, a sign-in for many sites."""

OPENS, OPENS_SHARED, NOWHERE = 1, 2, 3
"""Values of ``opening``: a page that begins visits, one of an address and browser that several people have, and a request from nobody
knows where, of a visitor of its own."""


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
    """page code of an internal referrer, NO_REFERRER, FOREIGN_REFERRER or DETOUR_REFERRER"""
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
