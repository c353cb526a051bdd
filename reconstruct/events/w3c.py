"""W3C extended log files (IIS, CloudFront …): lines described by ``#Fields:`` directives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconstruct.events.decoded import Decoded
from reconstruct.grammar.timestamps import TimeAnchor


@dataclass(frozen=True, slots=True)
class W3cHeader:
    """The names of a ``#Fields:`` directive."""

    fields: tuple[str, ...]
    software: str = ""
    """the ``#Software:`` directive: which dialect of units"""


def find_header(lines: Sequence[str]) -> W3cHeader | None:
    """The first ``#Fields:`` among the lines."""
    raise NotImplementedError


def decode_block(lines: Sequence[str], header: W3cHeader | None, anchor: TimeAnchor) -> Decoded:
    """Decode lines under ``header`` (the one in force before the block) and the directives in the block."""
    raise NotImplementedError
