"""Stamp text to UTC nanoseconds, a column at a time, and back.

The shapes are listed in ``stamp_shapes.py``. A column is read by *templates*: the first unread value of a length tells
where year, month … stand, and numpy reads every value of the same skeleton at once; the few that remain go through
the regular expressions, one distinct value at a time. Both ways end in the same arithmetic (``stamp_calendar.py``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.grammar.stamp_calendar import (
    DAY,
    EPOCH_SCALES,
    Ints,
    Mask,
    Reference,
    epoch_unit,
    read_calendar,
    read_epochs,
    read_tai64,
)
from reconstruct.grammar.stamp_columns import Grid, make_template, read_parts
from reconstruct.grammar.stamp_shapes import NUMERIC_DATES, STAMP_CAP, any_timestamp, find_timestamp, match_stamp
from reconstruct.grammar.text_columns import text_scalar

__all__ = [
    "ANY",
    "TimeAnchor",
    "Times",
    "any_timestamp",
    "choose_date_order",
    "decode_times",
    "find_timestamp",
    "format_time",
    "format_times",
]

ANY = "ANY"
"""Decoder name: detect the shape of each value."""

DATE_ORDERS = ("mdy", "dmy", "ymd")

TYPED_ORDERS = {"DAY_FIRST_DATE": "dmy", "MONTH_FIRST_DATE": "mdy", "YEAR_FIRST_DATE": "ymd"}
"""Types of ``common.lark`` that say what the numbers of ``01/02/03`` are."""

TEMPLATE_MIN = 64
"""Rows below which a template costs more (0.2 ms of numpy calls) than reading one by one (3 µs each)."""

TEMPLATE_TRIES = 8
"""Templates tried per length; a column of more skeletons of one length is not a column of stamps."""

CUT_ROWS = 32_768
"""Rows cut at once: a megabyte of stamps stays in the processor's cache."""

HOURS_KEPT = 100_000
"""Hours whose text is kept: eleven years."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_hours: dict[int, str] = {}
_SIXTY = [f"{number:02d}" for number in range(60)]

_SCIENTIFIC = re.compile(r"\d\.\d{1,20}[eE]\+?\d\d?", re.ASCII)


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
    """Read a column of stamps. ``kind`` is a shape name (``HTTP_DATE`` …), an epoch unit (``EPOCH_MS`` …) or ``ANY``;
    a value that is not of the kind is read as ``ANY``. Never raises: null where unreadable.

    >>> decode_times(["14/Sep/2026:00:10:01 +0100"], "HTTP_DATE", TimeAnchor(0)).time_ns[0].as_py()
    1789341001000000000
    """
    if kind in TYPED_ORDERS:
        anchor, kind = replace(anchor, date_order=TYPED_ORDERS[kind]), "NUMERIC_DATE"
    reading = _Reading(_text_column(values), kind, anchor)
    lengths = reading.grid.lengths
    left = []
    for length in np.unique(lengths[(lengths > 0) & (lengths <= STAMP_CAP)]):
        rows = np.flatnonzero(lengths == length)
        for start in range(0, len(rows), CUT_ROWS):
            left.append(_read_by_template(reading, rows[start : start + CUT_ROWS], int(length)))
    if left:
        _read_one_by_one(reading, np.concatenate(left))
    return Times(pa.array(reading.time_ns, mask=~reading.found), pa.array(reading.zoned))


def choose_date_order(samples: Sequence[str], modified_ns: int) -> str | None:
    """Whether ``01/02/03``-like stamps are ``mdy``, ``dmy`` or ``ymd``; None when the samples have none.

    The order under which every sample is a date, none lies after the file's mtime, and all lie closest together: a log
    is compact, its misreading is spread over a year. What stays open goes to the order that falls into the week before
    the mtime, then to the one with the latest year (of ``26/09/14`` either end may be it), then to custom: month first with
    slashes, day first with dots and dashes.
    """
    stamps = [
        stamp[1] for text in samples if (stamp := match_stamp(text, "NUMERIC_DATE")) and stamp[0] in NUMERIC_DATES
    ]
    if not stamps:
        return None
    parts = {name: np.array([int(stamp[name]) for stamp in stamps], np.int64) for name in "abc"}
    orders = ["mdy", "dmy"] if stamps[0]["sep"] == "/" else ["dmy", "mdy"]
    if len(stamps[0]["c"]) == 2:
        orders.append("ymd")

    def unlikelihood(order: str) -> tuple[int, bool, int, bool, int]:
        reference = Reference.of(modified_ns, None, np.arange(len(stamps)), order)
        days, ok = read_calendar(parts, "", reference)
        if not ok.any():
            return len(stamps), True, 0, True, 0
        first, last = int(days[ok].min()), int(days[ok].max())
        future = last > modified_ns + 2 * DAY
        year = int(np.datetime64(last, "ns").astype("M8[Y]").astype(np.int64))
        return int((~ok).sum()), future, (last - first) // DAY, future or modified_ns - last > 7 * DAY, -year

    return min(orders, key=unlikelihood)


def format_time(time_ns: int) -> str:
    """``2026-01-01T05:43:17.039000Z``: microseconds, rounded down.

    >>> format_time(1767246197039000000)
    '2026-01-01T05:43:17.039000Z'
    """
    second, micros = divmod(time_ns // 1000, 1_000_000)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    text = _hours.get(hour)
    if text is None:
        if len(_hours) > HOURS_KEPT:
            _hours.clear()
        text = _hours[hour] = (_EPOCH + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:")
    return f"{text}{_SIXTY[minute]}:{_SIXTY[second]}.{micros:06d}Z"


def format_times(time_ns: pa.Array) -> pa.Array:
    """:func:`format_time` of a column; null stays null."""
    microseconds = np.asarray(time_ns.fill_null(0)) // 1000
    stamps = pa.array(microseconds.astype("M8[us]"), pa.timestamp("us"), mask=np.asarray(time_ns.is_null()))
    spaced = pc.cast(stamps, pa.string())  # a tenth of the time of strftime
    return pc.binary_join_element_wise(pc.replace_substring(spaced, " ", "T"), *map(text_scalar, ("Z", "")))


class _Reading:
    """The column being read, and what is known of it so far."""

    def __init__(self, column: pa.Array, kind: str, anchor: TimeAnchor) -> None:
        self.column = column
        self.kind = kind
        self.anchor = anchor
        self.grid = Grid(column)
        self.time_ns = np.zeros(len(column), np.int64)
        self.found = np.zeros(len(column), np.bool_)
        self.zoned = np.zeros(len(column), np.bool_)
        self._order = anchor.date_order

    def store_calendar(self, rows: Ints, shape: str, parts: dict[str, Ints], zone: str) -> None:
        """Keep stamps of one shape; those that are no real time stay unread for good. A numeric date that is none in
        the source's order is read in the next that makes it one."""
        for order in self._date_orders() if shape in NUMERIC_DATES else ("",):
            reference = Reference.of(self.anchor.modified_ns, self.anchor.envelope_ns, rows, order)
            time_ns, ok = read_calendar(parts, zone, reference)
            self._store(rows, time_ns, ok, bool(zone) or "offset" in parts)
            if ok.all():
                break
            rows, parts = rows[~ok], {name: part[~ok] for name, part in parts.items()}

    def unit_of(self, digits: int) -> str | None:
        """The unit of epoch numbers of so many digits before the point; None when they are no likely time."""
        return self.kind if self.kind in EPOCH_SCALES else epoch_unit(digits)

    def store_epochs(self, rows: Ints, parts: dict[str, Ints], digits: int) -> None:
        """Keep epoch numbers of so many digits before the point."""
        unit = self.unit_of(digits)
        if unit is not None:
            time_ns, ok = read_epochs(parts["n"].view(np.uint64), parts.get("f"), unit)
            self._store(rows, time_ns, ok, zoned=True)

    def store_moment(self, rows: Ints, time_ns: int) -> None:
        """Keep one moment for all rows."""
        self._store(rows, np.full(len(rows), time_ns, np.int64), np.ones(len(rows), np.bool_), zoned=True)

    def _store(self, rows: Ints, time_ns: Ints, ok: Mask, zoned: bool) -> None:
        good = rows[ok]
        self.time_ns[good] = time_ns[ok]
        self.found[good] = True
        self.zoned[good] = zoned

    def _date_orders(self) -> list[str]:
        if self._order is None:
            distinct = pc.unique(self.column).drop_null().to_pylist()
            self._order = choose_date_order(distinct, self.anchor.modified_ns) or "mdy"
        return sorted(DATE_ORDERS, key=lambda order: order != self._order)


def _read_by_template(reading: _Reading, rows: Ints, length: int) -> Ints:
    """Read rows of one length; gives back those that are left for reading one by one."""
    for attempt in range(TEMPLATE_TRIES):
        if len(rows) < TEMPLATE_MIN:
            break
        sample = rows[attempt * len(rows) // TEMPLATE_TRIES]
        stamp = match_stamp(reading.column[int(sample)].as_py(), reading.kind)
        template = make_template(*stamp) if stamp else None
        if template is None or (template.shape == "EPOCH" and not reading.unit_of(template.digits)):
            continue  # a number of fourteen digits is no moment, and the next one may be a date and a clock
        fits, parts = template.read(reading.grid.cut(rows, length))
        if template.shape == "EPOCH":
            reading.store_epochs(rows[fits], parts, template.digits)
        else:
            reading.store_calendar(rows[fits], template.shape, parts, template.zone)
        rows = rows[~fits]
    return rows


def _read_one_by_one(reading: _Reading, rows: Ints) -> None:
    """Read each distinct text by itself, then compute together those that say the same parts."""
    texts = reading.column.take(pa.array(rows)).dictionary_encode()
    alike: dict[tuple[str, str, int, tuple[str, ...]], list[tuple[int, tuple[int, ...]]]] = defaultdict(list)
    by_code = np.argsort(np.asarray(texts.indices), kind="stable")
    bounds = np.searchsorted(np.asarray(texts.indices)[by_code], np.arange(len(texts.dictionary) + 1))
    for code, text in enumerate(texts.dictionary.to_pylist()):
        stamp = match_stamp(_plain(text), reading.kind)
        if stamp is None:
            continue
        shape, match = stamp
        if shape == "TAI64N":
            moment = read_tai64(match["x"])
            if moment is not None:
                reading.store_moment(rows[by_code[bounds[code] : bounds[code + 1]]], moment)
            continue
        parts = read_parts(match)
        digits = len(match["n"]) if shape == "EPOCH" else 0
        alike[shape, parts.zone, digits, tuple(parts.numbers)].append((code, tuple(parts.numbers.values())))
    for (shape, zone, digits, names), members in alike.items():
        counts = [bounds[code + 1] - bounds[code] for code, _ in members]
        taken = rows[np.concatenate([by_code[bounds[code] : bounds[code + 1]] for code, _ in members])]
        numbers = np.repeat(np.array([numbers for _, numbers in members], np.int64), counts, axis=0)
        parts_of_all = {name: np.ascontiguousarray(numbers[:, column]) for column, name in enumerate(names)}
        if shape == "EPOCH":
            reading.store_epochs(taken, parts_of_all, digits)
        else:
            reading.store_calendar(taken, shape, parts_of_all, zone)


def _plain(text: str) -> str:
    """The text with the space that new Java versions write before AM made plain, and ``1.7e9`` written out."""
    if not text.isascii():
        return text.replace("\u202f", " ")
    return format(Decimal(text), "f") if _SCIENTIFIC.fullmatch(text) else text


def _text_column(values: pa.Array | Sequence[str | None]) -> pa.Array:
    """The values as one ``pa.string()`` array."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if not isinstance(values, pa.Array):
        return pa.array(values, pa.string())
    return values if values.type == pa.string() else pc.cast(values, pa.string())
