"""What reading lines goes by and gives: layers, levels, parts.

A *layer* says how the lines of one level are read. It is decided once per source (``choosing``), so that the same line is
read the same way whichever chunk it is in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reconstruct.events.formats import NO_HEADERS, Headers
from reconstruct.events.lines import Shape
from reconstruct.events.writers import Writers

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Layer:
    """How the lines of one level are read; see ``source_profile`` for how it is decided."""

    envelopes: tuple[tuple[str, Layer], ...] = ()
    """what wraps some of the lines, and how the insides are read"""
    formats: tuple[str, ...] = ()
    """formats seen in the sample, in order of trial"""
    nested: tuple[tuple[str, Layer], ...] = ()
    """formats whose message is itself a line of a known format"""
    headers: Headers = NO_HEADERS
    unread: frozenset[Shape] = frozenset()
    """shapes of sample lines that no grammar reads; lines of these shapes are not shown to all the others again"""
    pretty: str = ""
    """the line that opens a JSON object written over several lines; empty: there are none"""
    plain: bool = False
    """lines of no known format, each whole: every one is an entry if its envelope says when it was written"""
    closed: bool = False
    """no other format is tried: the user has named the one there is"""
    only: tuple[tuple[str, frozenset[str]], ...] = ()
    """formats that say too little to be tried on lines of other writers than these"""
    nameless: bool = False
    """who wrote the lines is not told apart: nothing says it, or more names do than there are services"""
    known: frozenset[str] | None = None
    """of messages: the writers that the sample says enough of; None: it says all there is to say"""

    @property
    def tried(self) -> frozenset[str]:
        """Formats that every line is shown to."""
        return frozenset(self.formats).difference(name for name, _ in self.only)

    @property
    def asks_writers(self) -> bool:
        """Whether it matters who wrote a line."""
        inner = (layer for _, layer in (*self.envelopes, *self.nested))
        return bool(self.only) or self.known is not None or any(layer.asks_writers for layer in inner)


@dataclass(slots=True, eq=False)
class Part:
    """Entries read alike. ``columns`` have one element per row; ``rows`` are lines of the block, ascending."""

    rows: Rows
    format: str
    columns: dict[str, pa.Array]
    absorbs: bool = False
    alone: bool = False
    """entries known by their envelope only: events unless they continue the entry above"""
    unfinished: Layer | None = None
    """the first of several lines that only together are an entry; read by this layer once they are joined"""


@dataclass(slots=True)
class Reading:
    """What a block of lines holds. The arrays have one element per line and are filled in while reading."""

    text: Sequence[str]
    """each line without its envelopes"""
    parts: list[Part]
    directive: npt.NDArray[np.bool_]
    partial: npt.NDArray[np.bool_]
    stream: npt.NDArray[np.int32]
    told: Mask
    """the entry above has the text of this line already"""
    below: Mask
    """the line says more of an entry of a format of the source: it starts none"""
    tails: dict[int, str]
    """text after the first line end inside a line: what a shipper has folded already"""
    streams: dict[tuple[int, str], int] = field(default_factory=dict)
    """codes given to streams, in order of appearance"""

    def add_tail(self, row: int, text: str) -> None:
        """Remember text that follows what is matched of a line; the innermost comes first."""
        self.tails[row] = f"{text}\n{self.tails[row]}" if row in self.tails else text


@dataclass(frozen=True, slots=True)
class Level:
    """Lines to be read by one layer; ``rows`` and the columns of ``outer`` have one element per line."""

    rows: Rows
    lines: Sequence[str]
    layer: Layer
    prefix: str
    """format ids of the envelopes, each with a slash"""
    outer: dict[str, pa.Array]
    """what the envelopes say"""
    writers: Writers | None = None
    """who wrote the lines, where that matters; None at the outside, where nothing says it"""

    def take_writers(self, chosen: Rows) -> Writers | None:
        return None if self.writers is None else self.writers.take(chosen)

    def written_by(self, chosen: Rows, names: frozenset[str]) -> Mask:
        """Which of the chosen lines one of these wrote."""
        if self.writers is None:
            return np.full(len(chosen), "" in names)
        return self.writers.take(chosen).are_among(names)

    def choose(self, chosen: Rows) -> Sequence[str]:
        if len(chosen) == len(self.lines):
            return self.lines
        lines = list(self.lines)
        return [lines[at] for at in chosen.tolist()]

    def take_outer(self, chosen: Rows) -> dict[str, pa.Array]:
        if len(chosen) == len(self.lines):
            return self.outer
        at = pa.array(chosen)
        return {name: column.take(at) for name, column in self.outer.items()}
