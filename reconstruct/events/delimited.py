"""Delimited text (CSV, TSV …) with a header row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconstruct.events.decoded import Decoded
from reconstruct.grammar.timestamps import TimeAnchor


@dataclass(frozen=True, slots=True)
class DelimitedHeader:
    """The names of a header row."""

    delimiter: str
    fields: tuple[str, ...]


def find_header(lines: Sequence[str]) -> DelimitedHeader | None:
    """The header row at the head of a file, if its first lines are delimited text under one."""
    raise NotImplementedError


def decode_block(lines: Sequence[str], header: DelimitedHeader, anchor: TimeAnchor) -> Decoded:
    """Decode lines with as many values as the header has names; a repeated header row is a directive."""
    raise NotImplementedError
