"""Whom requests say they are of, where no session identifier tells people behind one address apart: the user of a web server's log.

A server that asks for a name at the door writes it on every request of a visit: who is not named is another person than who is. Where
people sign in on the way, visits begin without a name and get one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reconstruct.correlate.habits import FALLBACK_CUT_S
from reconstruct.store.codes import Narrow

NAMED_LATER = 0.5
"""Share of names that come up where the same address and browser did without before, from which people sign in on the way. Of people
who do nearly all begin so; of others only those before whom a stranger came."""


def are_named_throughout(visitor: Narrow, second: Narrow, asker: Narrow) -> bool:
    """Whether a visit is named from its first request on or not at all. Requests are in time order; ``asker`` is the code of the
    customer each one names, -1 for none."""
    order = np.argsort(visitor, kind="stable")
    visitor, second, asker = visitor[order], second[order], asker[order]
    starts = np.ones(len(order), np.bool_)
    starts[1:] = (visitor[1:] != visitor[:-1]) | (second[1:] - second[:-1] > FALLBACK_CUT_S)
    run = np.cumsum(starts) - 1
    unnamed = np.cumsum(asker < 0)
    before: NDArray[np.int64] = unnamed - (unnamed - (asker < 0))[np.flatnonzero(starts)][run]  # of the run, up to here
    named = np.flatnonzero(asker >= 0)
    _, first = np.unique(run[named].astype(np.int64) * (int(asker.max()) + 1) + asker[named], return_index=True)
    return float(np.mean(before[named[first]] > 0)) < NAMED_LATER
