"""Columns as small integers, so that rows can be compared, grouped and counted by numpy."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Codes = NDArray[np.int64]

MOST = 2**62
"""Codes stay below this, so that they are integers of 64 bits."""


def code_texts(column: pa.ChunkedArray | pa.Array) -> tuple[Codes, pa.Array]:
    """A code per row, -1 for null, and the texts that 0, 1 … stand for."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = whole.dictionary_encode()
    return encoded.indices.fill_null(-1).to_numpy().astype(np.int64), encoded.dictionary


def number_values(values: NDArray[np.int64]) -> tuple[Codes, Codes]:
    """A code per value, from 0 in the order in which values appear; and the row where each appears first.

    By hashing: a tenth of the time that sorting them takes (``numpy.unique``).
    """
    codes = pa.array(values).dictionary_encode().indices.to_numpy().astype(np.int64)
    return codes, np.flatnonzero(np.diff(np.maximum.accumulate(codes), prepend=-1))


def code_rows(columns: Iterable[pa.ChunkedArray | NDArray[np.int64]]) -> Codes:
    """One code per distinct row: equal where all columns are. Not dense."""
    key, span = None, 1
    for column in columns:
        code, size = (
            (column, int(column.max(initial=0)) + 1) if isinstance(column, np.ndarray) else _code_values(column)
        )
        if key is None:
            key, span = code, size
        elif size > 1:
            if span * size > MOST:
                distinct, key = np.unique(key, return_inverse=True)
                span = len(distinct)
            key, span = key * size + code, span * size
    assert key is not None
    return np.asarray(key, np.int64)


def _code_values(column: pa.ChunkedArray) -> tuple[Codes, int]:
    if column.null_count == len(column):
        return np.zeros(len(column), np.int64), 1
    encoded = column.combine_chunks().dictionary_encode()
    codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy()
    return codes.astype(np.int64), len(encoded.dictionary) + 1
