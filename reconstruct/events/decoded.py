"""What every decoder of self-describing lines gives back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

ATTRIBUTE_VALUES = "attribute_values"
"""A column of a part beside those of the schema: its attributes as a struct of text columns, see ``gather_values``. It is there
while ``attributes`` says no more than it does, and saves the search for identifiers reading that text again."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A block of lines, decoded. Masks have one entry per line given; columns one per matched line, in order."""

    matched: npt.NDArray[np.bool_]
    """the line is an entry of this kind"""
    columns: dict[str, pa.Array]
    """typed as the event schema; only columns that occur; ``attributes`` (JSON object text) among them"""
    directives: npt.NDArray[np.bool_] | None = None
    """the line is a header or directive (``#Fields:``, a CSV header row); None when the kind has none"""
    continuations: npt.NDArray[np.bool_] | None = None
    """the line belongs to the entry before it (a quoted field with a line end); None when the kind has none"""
