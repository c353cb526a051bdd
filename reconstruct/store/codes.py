"""Columns as small integers, so that rows can be compared, grouped and counted by numpy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Codes = NDArray[np.int64]

Narrow = NDArray[np.signedinteger[Any]]
"""Codes of 32 bits where they fit. numpy does not widen what it computes from them: that is for ``wide``."""

MOST = 2**62
"""Codes stay below this, so that they are integers of 64 bits."""


def narrow(values: Narrow) -> Narrow:
    """The same values in 32 bits if they fit, else in 64: a column of ten million takes 40 MB less."""
    limits = np.iinfo(np.int32)
    if values.dtype.itemsize <= limits.dtype.itemsize:
        return values
    fits = not len(values) or (values.min() >= limits.min and values.max() <= limits.max)
    return values.astype(np.int32 if fits else np.int64, copy=False)


def wide(codes: Narrow) -> Codes:
    """Codes to compute with."""
    return codes.astype(np.int64, copy=False)


class TextCodes:
    """Texts as numbers, in the order in which they appear, a batch at a time: what is kept is each text once."""

    JOINED = 8
    """Batches whose texts are in memory beside those of all before."""

    def __init__(self) -> None:
        self._texts = pa.array([], pa.string())
        self._codes: list[Narrow] = []
        self._waiting: list[pa.DictionaryArray] = []

    def add(self, texts: pa.Array) -> None:
        self._waiting.append(texts.dictionary_encode())
        if len(self._waiting) == self.JOINED:
            self._join()

    def finish(self) -> tuple[Narrow, pa.Array]:
        """A code per text, -1 for null, and the texts that 0, 1 … stand for."""
        self._join()
        codes, self._codes = self._codes, []
        return np.concatenate(codes or [np.zeros(0, np.int32)]), self._texts

    def _join(self) -> None:
        before = pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), self._texts)
        # The texts known already stand first, so they keep their codes.
        joined = pa.chunked_array([before, *self._waiting]).unify_dictionaries()
        self._waiting = []
        self._texts = joined.chunk(0).dictionary
        self._codes += [chunk.indices.fill_null(-1).to_numpy() for chunk in joined.chunks[1:]]


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
