"""Columns of numbers, durations and levels, from text or from numbers of a JSON line.

Every function gives the typed column; what the type does not take is null, and :func:`text_columns.refused` finds it.
"""

from __future__ import annotations

import math
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.grammar.text_columns import as_text, map_distinct
from reconstruct.grammar.vocabulary import Vocabulary

MILLISECONDS = {"s": 1000.0, "ms": 1.0, "us": 0.001, "ns": 0.000001, "auto": 1.0, "": 1.0}
"""Factor to milliseconds. A duration that says no unit is in milliseconds: the custom of most libraries."""

_WHOLE = r"^[+-]?[0-9]{1,18}$"
_INTEGER_AT_END = re.compile(r"(?:^|[ ,:])(\d{1,9})$", re.ASCII)
_PLAIN_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_NUMBER_AND_UNIT = re.compile(r"(\d+(?:\.\d+)?) ?([a-zµμ]+)", re.ASCII | re.IGNORECASE)
_CLOCK = re.compile(r"(?:(?:(\d+)[.d ])?(\d{1,3}):)?(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)", re.ASCII)  # .NET TimeSpan, Python
_ISO = re.compile(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?", re.ASCII)
_UNIT_MILLISECONDS = {
    "d": 86_400_000.0, "day": 86_400_000.0, "days": 86_400_000.0,
    "h": 3_600_000.0, "hr": 3_600_000.0, "hour": 3_600_000.0, "hours": 3_600_000.0,
    "m": 60_000.0, "min": 60_000.0, "mins": 60_000.0, "minute": 60_000.0, "minutes": 60_000.0,
    "s": 1000.0, "sec": 1000.0, "secs": 1000.0, "second": 1000.0, "seconds": 1000.0,
    "ms": 1.0, "msec": 1.0, "msecs": 1.0, "milli": 1.0, "millis": 1.0, "millisecond": 1.0, "milliseconds": 1.0,
    "us": 0.001, "µs": 0.001, "μs": 0.001, "usec": 0.001, "micros": 0.001, "microsecond": 0.001, "microseconds": 0.001,
    "ns": 0.000001, "nsec": 0.000001, "nanos": 0.000001, "nanosecond": 0.000001, "nanoseconds": 0.000001,
}  # fmt: skip

DURATION_CAP_MS = 1e12
"""A duration above is no duration (32 years): a time stamp in the wrong place."""

MONOLOG_FROM = 100
"""Numbers from here are Monolog levels; up to 7 syslog severities; between Bunyan levels."""

SYSLOG_TO = 7


def integer_column(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Whole numbers within ``kind`` (int32, int64). A list like nginx's ``502, 200`` gives its last."""
    if pa.types.is_integer(values.type):
        numbers = values if values.type == pa.int64() else pc.cast(values, pa.int64(), safe=False)
    elif pa.types.is_floating(values.type):
        floats = np.asarray(values.fill_null(math.nan))
        with np.errstate(invalid="ignore"):
            whole = (np.floor(floats) == floats) & (np.abs(floats) < 2**53)
        numbers = pa.array(np.where(whole, floats, 0).astype(np.int64), mask=~whole)
    else:
        numbers = _read_integers(as_text(values))
    return _within(numbers, kind)


def _read_integers(text: pa.Array) -> pa.Array:
    try:
        return pc.cast(text, pa.int64())
    except pa.ArrowInvalid:
        pass
    good = pc.match_substring_regex(text, _WHOLE)
    numbers = pc.cast(pc.if_else(good, text, pa.scalar(None, pa.string())), pa.int64())
    odd = pc.and_(text.is_valid(), pc.invert(good.fill_null(False)))
    return pc.replace_with_mask(numbers, odd, map_distinct(text.filter(odd), _last_integer, pa.int64()))


def _last_integer(text: str) -> int | None:
    match = _INTEGER_AT_END.search(text[-64:]) if len(text) <= 4096 else None
    return int(match[1]) if match and not text[0].isalpha() else None


def _within(numbers: pa.Array, kind: pa.DataType) -> pa.Array:
    if kind == pa.int64():
        return numbers
    info = np.iinfo(np.int32)
    inside = _between(numbers, int(info.min), int(info.max))
    if not pc.all(inside).as_py():
        numbers = pc.if_else(inside, numbers, pa.scalar(None, pa.int64()))
    return pc.cast(numbers, kind)


def _between(numbers: pa.Array, least: int, most: int) -> pa.Array:
    # of a stated type: see text_scalar
    low, high = pa.scalar(least, numbers.type), pa.scalar(most, numbers.type)
    return pc.and_(pc.greater_equal(numbers, low), pc.less_equal(numbers, high))


def bounded(numbers: pa.Array, least: int, most: int) -> pa.Array:
    """The column with numbers outside the bounds null."""
    inside = _between(numbers, least, most)
    return numbers if pc.all(inside).as_py() else pc.if_else(inside, numbers, pa.scalar(None, numbers.type))


def duration_column(values: pa.Array, unit: str) -> pa.Array:
    """Milliseconds, float64. ``unit`` holds for bare numbers; a text may say its own (``1.5s``, ``00:00:01.5``)."""
    factor = MILLISECONDS[unit]
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        floats = pc.multiply(pc.cast(values, pa.float64(), safe=False), factor)
    else:
        text = as_text(values)
        try:
            floats = pc.multiply(pc.cast(text, pa.float64()), pa.scalar(factor, pa.float64()))
        except pa.ArrowInvalid:
            floats = map_distinct(text, lambda value: parse_duration(value, factor), pa.float64())
    numbers = np.asarray(floats.fill_null(math.nan))
    with np.errstate(invalid="ignore"):
        good = (numbers >= 0) & (numbers <= DURATION_CAP_MS)
    rounded = np.round(np.where(good, numbers, 0), 6)  # a nanosecond: 0.1 s must not become 100.00000000000001 ms
    return pa.array(rounded, mask=~good)


def parse_duration(text: str, factor: float = 1.0) -> float | None:
    """A duration text in milliseconds; ``factor`` is for a bare number. None when it is no duration.

    >>> parse_duration("1m2.5s"), parse_duration("00:00:01.5"), parse_duration("PT0.5S")
    (62500.0, 1500.0, 500.0)
    """
    text = text.strip()
    if len(text) > 64:
        return None
    if _PLAIN_NUMBER.fullmatch(text):
        return float(text) * factor
    clock = _CLOCK.fullmatch(text)
    if clock:
        days, hours, minutes = (int(part or 0) for part in clock.group(1, 2, 3))
        return ((days * 24 + hours) * 60 + minutes) * 60_000.0 + float(clock[4].replace(",", ".")) * 1000
    iso = _ISO.fullmatch(text)
    if iso and any(iso.groups()):
        days, hours, minutes = (int(part or 0) for part in iso.group(1, 2, 3))
        return ((days * 24 + hours) * 60 + minutes) * 60_000.0 + float((iso[4] or "0").replace(",", ".")) * 1000
    total, end = 0.0, 0
    for part in _NUMBER_AND_UNIT.finditer(text):
        scale = _UNIT_MILLISECONDS.get(part[2].lower())
        if scale is None or text[end : part.start()].strip(" ,"):
            return None
        total += float(part[1]) * scale
        end = part.end()
    return total if end == len(text) and end else None


def level_column(values: pa.Array, unit: str, vocabulary: Vocabulary) -> pa.Array:
    """Levels as their normal word (``pa.string()``). ``unit`` is the scheme of numbers, ``auto`` or ``""`` by size."""
    return map_distinct(as_text(values), lambda text: normal_level(text, unit, vocabulary), pa.string())


def normal_level(text: str, unit: str, vocabulary: Vocabulary) -> str | None:
    """The level a word or number stands for; None when it is none."""
    word = text[:64].strip(" []()<>:|-\t").lower() or text[:64].strip()  # nothing but a sign: Redis
    if word in vocabulary.levels:
        return vocabulary.levels[word]
    number = word.removesuffix(".0")
    if not number.isdecimal() or len(number) > 4:
        return None
    return _level_of_number(int(number), unit, vocabulary)


def _level_of_number(number: int, unit: str, vocabulary: Vocabulary) -> str | None:
    if unit == "pri":
        number, unit = number & 7, "syslog"
    if unit in ("", "auto"):
        unit = "syslog" if number <= SYSLOG_TO else "monolog" if number >= MONOLOG_FROM else "bunyan"
    steps = vocabulary.level_numbers[unit]
    if unit == "syslog":
        return next((level for most, level in steps if number <= most), None)
    return next((level for least, level in reversed(steps) if number >= least), None)
