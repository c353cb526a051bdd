"""Identifier candidates on their way to becoming mentions: where they stand and what they say, not yet judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reconstruct.grammar.text_columns import text_array

UNNAMED = "text:"
"""Slot of a value without a noun, until its shape names it (``text:uuid``); dropped when the shape is weak."""

SECRET = "secret:"
"""Slot of a credential: only the claims of a JSON web token leave it."""


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates of a column: parallel arrays."""

    rows: npt.NDArray[np.int64]
    """row of the column"""
    slots: pa.DictionaryArray
    """where each stands; `UNNAMED` where only the shape of the value can tell"""
    values: pa.Array
    """raw text, string"""


def join_found(pieces: Sequence[Found]) -> Found:
    """The candidates of all pieces."""
    if not pieces:
        return found([], [], [])
    slots = pa.chunked_array([piece.slots for piece in pieces]).unify_dictionaries().combine_chunks()
    return Found(
        np.concatenate([piece.rows for piece in pieces]), slots, pa.concat_arrays([piece.values for piece in pieces])
    )


def found(rows: list[int], slots: list[str], values: list[str]) -> Found:
    """Candidates from lists."""
    return Found(np.array(rows, np.int64), text_array(slots).dictionary_encode(), text_array(values))
