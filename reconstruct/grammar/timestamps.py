"""Stamp text to UTC nanoseconds, a column at a time, and back.

The shapes are listed in ``stamp_shapes.py``. A column is read by *templates*: the first unread value tells where year,
month … stand, and numpy reads every value of the same skeleton at once; what is left is read value by value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

ANY = "ANY"
"""Decoder name: detect the shape of each value."""


class Times(NamedTuple):
    """A column of moments."""

    time_ns: pa.Array
    """int64, UTC nanoseconds since 1970; null where unreadable"""
    zoned: pa.Array
    """bool, never null: the stamp says its zone. False: ``time_ns`` reads it as UTC"""


@dataclass(frozen=True, slots=True)
class TimeAnchor:
    """What completes stamps that do not say everything: no year, no date, day or month first."""

    modified_ns: int
    """mtime of the file, UTC nanoseconds"""
    envelope_ns: pa.Array | None = None
    """int64, one per value: the time the envelope gives the line; null where it gives none"""
    date_order: str | None = None
    """``mdy``, ``dmy`` or ``ymd`` for ``01/02/03``; None: chosen from the values of the call. A source decides once
    with :func:`choose_date_order`, so that its chunks agree"""


def decode_times(values: pa.Array | Sequence[str | None], kind: str, anchor: TimeAnchor) -> Times:
    """Read a column of stamps. ``kind`` is a shape name (``HTTP_DATE`` …) or ``ANY``; a value that is not of the kind
    is read as ``ANY``. Never raises: null where unreadable."""
    raise NotImplementedError


def choose_date_order(samples: Sequence[str], modified_ns: int) -> str | None:
    """Whether ``01/02/03``-like stamps are ``mdy``, ``dmy`` or ``ymd``; None when there are none."""
    raise NotImplementedError


def find_timestamp(line: str) -> tuple[int, int, str] | None:
    """Where a stamp stands near the beginning of a line: start, end, shape name."""
    raise NotImplementedError


def format_time(time_ns: int) -> str:
    """``2026-01-01T05:43:17.039000Z``: microseconds, rounded down."""
    raise NotImplementedError


def format_times(time_ns: pa.Array) -> pa.Array:
    """:func:`format_time` of a column; null stays null."""
    raise NotImplementedError
