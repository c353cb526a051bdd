"""The nearest row before that is of the same kind: for many rows at once."""

from __future__ import annotations

import numpy as np

from reconstruct.store.codes import Codes, number_values


def find_earlier(key: Codes, row: Codes, wanted: Codes, at: Codes) -> Codes:
    """For each place in ``at``: the last of ``row`` before it whose ``key`` is the one wanted there, -1 for none.

    >>> find_earlier(np.array([7, 8, 7]), np.array([0, 1, 2]), np.array([7, 7, 8]), np.array([1, 3, 1])).tolist()
    [0, 2, -1]
    """
    if not len(key) or not len(wanted):
        return np.full(len(wanted), -1, np.int64)
    code = number_values(np.concatenate([key, wanted]))[0]
    span = int(max(row.max(), at.max())) + 1
    places = np.sort(code[: len(key)] * span + row)
    found = places[np.searchsorted(places, code[len(key) :] * span + at) - 1]  # of none before: the last of all
    same = (found // span == code[len(key) :]) & (found % span < at)
    return np.where(same, found % span, -1)
