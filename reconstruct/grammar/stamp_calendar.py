"""Parts of stamps (year, month, day …), as columns, to nanoseconds.

One call gets stamps of one shape, so a part is there for all of them or for none. What a shape does not say is
completed from the anchor: the year, the date, the order of ``01/02/03``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reconstruct.grammar.stamp_shapes import ZONES

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

QUARTER_HOUR_NS = 15 * MINUTE
"""Every zone in use is a multiple of 15 minutes from UTC."""

FIRST_YEAR, LAST_YEAR = 1678, 2261
"""Years that fit into int64 nanoseconds in full."""

CENTURY_PIVOT = 70
"""Two-digit years below are 20xx, as in POSIX strptime (69 there): no log is older than 1970."""

FILE_SLACK = DAY
"""A stamp without year lies before the file's mtime; a day is granted for its unknown zone."""

ENVELOPE_SLACK = 183 * DAY
"""Beside an envelope's time the nearest year wins: half a year to either side."""

CLOCK_SLACK = 13 * HOUR + 10 * MINUTE
"""A time of day without zone runs at most this far ahead of the reference in UTC: New Zealand in summer is +13, with
ten minutes for clocks that differ. The day before that still holds Hawaii (-10) with 50 minutes of delay, so every
inhabited zone but UTC+14 gets its right date, and a whole source gets the same shift."""

ZONED_CLOCK_SLACK = 10 * MINUTE
"""The same for a time of day that says its zone: only clock differences remain."""

EPOCH_SCALES = {"EPOCH_S": SECOND, "EPOCH_MS": 1_000_000, "EPOCH_US": 1_000, "EPOCH_NS": 1}
"""Nanoseconds per unit."""

_DIGITS_TO_UNIT = {9: "EPOCH_S", 10: "EPOCH_S", 12: "EPOCH_MS", 13: "EPOCH_MS", 15: "EPOCH_US", 16: "EPOCH_US",
                   18: "EPOCH_NS", 19: "EPOCH_NS"}  # fmt: skip
"""An epoch number of unknown unit tells it by its length, for times from 1973 to 2286."""

_TAI64_ZERO = (1 << 62) + 10
"""TAI64 label of 1970 as daemontools and runit write it: ten leap seconds, none since."""

_OFFSET = re.compile(r"([+-])([01]\d):([0-5]\d)")

_YEARS = np.arange(FIRST_YEAR - 1, LAST_YEAR + 2)
_YEAR_START = (_YEARS - 1970).astype("M8[Y]").astype("M8[D]").astype(np.int64)
_LEAP = (_YEARS % 4 == 0) & ((_YEARS % 100 != 0) | (_YEARS % 400 == 0))
_MONTH_LENGTH = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0], np.int64)
_MONTH_START = np.concatenate(([0, 0], np.cumsum(_MONTH_LENGTH[1:15])))


class Reference(NamedTuple):
    """What incomplete stamps are completed from; arrays of one entry per stamp."""

    time_ns: Ints
    """the envelope's time, else the file's mtime"""
    from_envelope: Mask
    date_order: str

    @classmethod
    def of(cls, modified_ns: int, envelope_ns: pa.Array | None, rows: Ints, date_order: str) -> Reference:
        """The reference of some rows of a column."""
        time_ns = np.full(len(rows), modified_ns, np.int64)
        if envelope_ns is None:
            return cls(time_ns, np.zeros(len(rows), np.bool_), date_order)
        known = np.asarray(envelope_ns.is_valid())[rows]
        return cls(np.where(known, np.asarray(envelope_ns.fill_null(0))[rows], time_ns), known, date_order)


def epoch_unit(digits: int) -> str | None:
    """The unit of an epoch number with so many digits before the point; None when no unit gives a likely time."""
    return _DIGITS_TO_UNIT.get(digits)


def read_epochs(whole: npt.NDArray[np.uint64], fraction_ns: Ints | None, unit: str) -> tuple[Ints, Mask]:
    """Epoch numbers to nanoseconds. ``fraction_ns``: the digits after the point as billionths."""
    scale = EPOCH_SCALES[unit]
    ok = whole <= np.uint64((2**63 - 1) // scale - 1)
    time_ns = np.where(ok, whole, 0).astype(np.int64) * scale
    if fraction_ns is not None:
        time_ns += fraction_ns * scale // SECOND
    return time_ns, ok


def read_tai64(label: str) -> int | None:
    """A TAI64N label (without ``@``) to nanoseconds; None out of range."""
    seconds = int(label[:16], 16) - _TAI64_ZERO
    nanoseconds = int(label[16:] or "0", 16)
    if not 0 <= seconds < 2**63 // SECOND or nanoseconds >= SECOND:
        return None
    return seconds * SECOND + nanoseconds


def read_calendar(parts: Mapping[str, Ints], zone: str, reference: Reference) -> tuple[Ints, Mask]:
    """Calendar parts to nanoseconds, and which of them are a real time.

    ``parts``: the groups of ``stamp_shapes`` as numbers, ``f`` as billionths, ``ap`` as 12 for p.m. and 0 for a.m.,
    ``offset`` as minutes east. ``zone``: a zone that holds for all of them: a name of ``ZONES``, minutes east
    (``+90``), a region of the zone data base, or ``""``.
    """
    clock, ok = _clock(parts)
    offset = parts.get("offset")
    if offset is None and zone and "/" not in zone:
        offset = np.full(len(clock), ZONES[zone] if zone in ZONES else int(zone), np.int64)
    zoned = offset is not None or bool(zone)
    date = _date_parts(parts, reference.date_order)
    if date is None:
        return _complete_date(clock, offset, zone, reference), ok
    year, month, day = date
    ok &= (month >= 1) & (month <= 12) & (day >= 1)
    month = np.where(ok, month, 1)
    if year is None:
        year = _complete_year(month, day, clock, reference)
    ok &= (year >= FIRST_YEAR) & (year <= LAST_YEAR)
    year = np.where(ok, year, 1970)
    ok &= day <= _MONTH_LENGTH[month] + ((month == 2) & _LEAP[year - _YEARS[0]])
    local = _days(year, month, np.where(ok, day, 1)) * DAY + clock
    return (_to_utc(local, offset, zone) if zoned else local), ok


def _clock(parts: Mapping[str, Ints]) -> tuple[Ints, Mask]:
    """Nanoseconds since midnight. 24:00:00 and a leap second roll over."""
    if "h" not in parts:
        some = next(iter(parts.values()))
        return np.zeros(len(some), np.int64), np.ones(len(some), np.bool_)
    hour, minute = parts["h"], parts["mi"]
    second = parts.get("s")
    if "ap" in parts:
        hour = np.where(hour <= 12, hour % 12 + parts["ap"], hour)
    ok = (hour <= 24) & (minute <= 59)
    total = hour * 3600 + minute * 60
    if second is not None:
        ok &= second <= 60
        total = total + second
    ok &= total <= 86_400
    clock = np.where(ok, total, 0) * SECOND
    if "f" in parts:
        clock += parts["f"]
    return clock, ok


def _date_parts(parts: Mapping[str, Ints], order: str) -> tuple[Ints | None, Ints, Ints] | None:
    """Year (None: not said), month and day; None when the stamp has no date."""
    if "a" in parts:
        named = dict(zip(order, (parts["a"], parts["b"], parts["c"]), strict=True))
        return _full_year(named["y"]), named["m"], named["d"]
    if "j" in parts:
        return _ordinal(parts["Y"], parts["j"])
    if "d" not in parts:
        return None
    year = parts.get("Y")
    if year is None and "y2" in parts:
        year = _full_year(parts["y2"])
    return year, parts["mo"], parts["d"]


def _ordinal(year: Ints, day_of_year: Ints) -> tuple[Ints, Ints, Ints]:
    """Year, month and day of a day of the year; month 0 when the year has no such day."""
    days = (year - 1970).astype("M8[Y]").astype("M8[D]") + (day_of_year - 1)
    months = days.astype("M8[M]")
    real = (day_of_year >= 1) & (months.astype("M8[Y]").astype(np.int64) + 1970 == year)
    month = np.where(real, months.astype(np.int64) % 12 + 1, 0)
    return year, month, (days - months.astype("M8[D]")).astype(np.int64) + 1


def _full_year(year: Ints) -> Ints:
    return np.where(year < 100, year + np.where(year < CENTURY_PIVOT, 2000, 1900), year)


def _days(year: Ints, month: Ints, day: Ints) -> Ints:
    index = year - _YEARS[0]
    days: Ints = _YEAR_START[index] + _MONTH_START[month] + ((month > 2) & _LEAP[index]) + day - 1
    return days


def _complete_year(month: Ints, day: Ints, clock: Ints, reference: Reference) -> Ints:
    """The latest year that does not put the stamp behind its limit; for 29 February the latest leap year."""
    limit = reference.time_ns + np.where(reference.from_envelope, ENVELOPE_SLACK, FILE_SLACK)
    year = np.clip(limit.astype("M8[ns]").astype("M8[Y]").astype(np.int64) + 1970, FIRST_YEAR + 8, LAST_YEAR)
    year = year - (_days(year, month, np.clip(day, 1, 31)) * DAY + clock > limit)
    leap_day = (month == 2) & (day == 29)
    if leap_day.any():
        for _ in range(7):  # at most eight years apart (1896 to 1904)
            year = year - (leap_day & ~_LEAP[year - _YEARS[0]])
    return year


def _complete_date(clock: Ints, offset: Ints | None, zone: str, reference: Reference) -> Ints:
    """The latest date that does not put the time of day behind its limit."""
    if offset is not None or zone:
        minutes = offset if offset is not None else _offset_at(zone, reference.time_ns) // MINUTE
        limit = reference.time_ns + ZONED_CLOCK_SLACK
        clock = (clock - minutes * MINUTE) % DAY
    else:
        limit = reference.time_ns + CLOCK_SLACK
    result: Ints = (limit - clock) // DAY * DAY + clock
    return result


def shift_to_utc(local: Ints, zone: str) -> Ints:
    """Nanoseconds of local times, read as UTC so far, in a zone that ``knows_zone`` knows. An hour that a clock goes through twice
    is taken for its first time, one that it leaves out for the time it would have been."""
    minutes = _minutes(zone)
    return local - minutes * MINUTE if minutes is not None else _to_utc(local, None, zone)


def local_changes(region: str, first: int, last: int) -> list[tuple[int, int]]:
    """From which local time on, in nanoseconds, which offset of the region holds, in seconds: all that is needed for the
    times from ``first`` to ``last``, by the rule of :func:`shift_to_utc`."""
    years = np.array([first - DAY, last + DAY]).astype("M8[ns]").astype("M8[Y]").astype(np.int64) + 1970
    since: list[tuple[int, int]] = []
    for year in range(int(years[0]), int(years[1]) + 1):
        for moment, offset in zip(*(column.tolist() for column in _changes(region, year)), strict=True):
            if not since or offset // SECOND != since[-1][1]:
                since.append((moment + max(offset, since[-1][1] * SECOND if since else offset), offset // SECOND))
    return since


def offset_s(zone: str, time_ns: int) -> int:
    """Seconds east of UTC of a zone that ``knows_zone`` knows, at a moment in UTC."""
    minutes = _minutes(zone)
    return minutes * 60 if minutes is not None else _region_offset(zone, time_ns // SECOND) // SECOND


def knows_zone(zone: str) -> bool:
    """Whether it is ``UTC``, an offset as ``+02:00``, or a region of this machine's zone data base."""
    return _minutes(zone) is not None or has_region(zone)


def _minutes(zone: str) -> int | None:
    if zone == "UTC":
        return 0
    found = _OFFSET.fullmatch(zone)
    minutes = int(found[2]) * 60 + int(found[3]) if found else None
    return -minutes if found and minutes is not None and found[1] == "-" else minutes


def _to_utc(local: Ints, offset: Ints | None, zone: str) -> Ints:
    if offset is not None:
        return local - offset * MINUTE
    before, after = _offset_at(zone, local - DAY), _offset_at(zone, local + DAY)
    early, late = local - before, local - after
    has_changed = (_offset_at(zone, early) != before) & (_offset_at(zone, late) == after)
    return np.where(has_changed, late, early)


def _offset_at(zone: str, time_ns: Ints) -> Ints:
    """Nanoseconds east of UTC at moments in UTC."""
    years = time_ns.astype("M8[ns]").astype("M8[Y]").astype(np.int64) + 1970
    offsets = np.zeros(len(time_ns), np.int64)
    for year in np.unique(years):
        moments, values = _changes(zone, int(year))
        rows = years == year
        offsets[rows] = values[np.searchsorted(moments, time_ns[rows], "right") - 1]
    return offsets


@lru_cache(maxsize=256)
def _changes(zone: str, year: int) -> tuple[Ints, Ints]:
    """From when in the year which offset holds, both in nanoseconds. Days are looked at, then the quarters of those in which it
    changes: rules change on quarters of an hour."""
    day = 86_400
    first, last = (int(np.datetime64(str(each), "s").astype(np.int64)) for each in (year, year + 1))
    moments, values = [first], [_region_offset(zone, first)]
    for start in range(first, last, day):
        if _region_offset(zone, start + day) == values[-1]:
            continue
        for moment in range(start + 900, start + day + 1, 900):
            if (value := _region_offset(zone, moment)) != values[-1]:
                moments.append(moment)
                values.append(value)
    return np.array(moments, np.int64) * SECOND, np.array(values, np.int64)


@lru_cache(maxsize=256)
def has_region(zone: str) -> bool:
    """The zone data base of this machine has the region."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _region_offset(zone: str, seconds: int) -> int:
    offset = datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return int(offset.total_seconds()) * SECOND if offset is not None else 0
