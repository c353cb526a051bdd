"""Values as a user writes them: durations, numbers, amounts, moments. Each gives what is compared in the store, or a ValueError
whose text is a hint: what would have been right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import NamedTuple

DURATION_MS = {"ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}

SCALE = {"": 1, "k": 1_000, "m": 1_000_000}

MOST = 10**15
"""Numbers stay below this, and durations in milliseconds: no log has more, and integers of 64 bits and microseconds hold it."""

MAX_DIGITS = 24
"""Digits of an amount, before and behind the point: what a DECIMAL(38) surely holds."""

_NUMBER = re.compile(r"(-?\d{1,15}(?:\.\d{1,9})?)([kKmM]?)", re.ASCII)
_DURATION = re.compile(r"(?:\d{1,15}(?:\.\d{1,9})?(?:ms|min|[smhdw]))+", re.IGNORECASE | re.ASCII)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|min|[smhdw])", re.IGNORECASE | re.ASCII)
_STATUS = re.compile(r"[1-9](?:[0-9]{2}|[0-9]x|xx)", re.IGNORECASE)
_AMOUNT = re.compile(
    r"(?P<before>[^\W\d_]{3}|[^\w\s.,-])?\s*(?P<number>-?\d+(?:\.\d+)?)\s*(?P<after>[^\W\d_]{3}|[^\w\s.,-])?", re.ASCII
)
_CLOCK = re.compile(r"t?\d{1,2}:\d\d(?::\d\d)?")
_MOMENT = re.compile(
    r"(\d{4})-(\d\d)(?:-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?)?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?",
    re.IGNORECASE | re.ASCII,
)  # fmt: skip

POINT = timedelta(microseconds=1)

Span = tuple[float, float]
"""Least and most, both included."""


class Money(NamedTuple):
    """An amount; without a currency of any."""

    amount: Decimal
    currency: str | None


class Moment(NamedTuple):
    """A stretch of time ``[start, end)``, UTC without zone: as long as what was said is exact."""

    start: datetime
    end: datetime
    is_relative: bool = False


class Clock(NamedTuple):
    """What moments are read with."""

    zone_s: int = 0
    """seconds east of UTC of moments that name no zone"""
    logs_end: datetime = datetime(1970, 1, 1)
    """what relative moments count back from, UTC without zone"""


def read_number(text: str) -> float:
    """``3``, ``0.7``, ``2k``"""
    found = _NUMBER.fullmatch(text)
    value = float(found[1]) * SCALE[found[2].lower()] if found else MOST
    if abs(value) >= MOST:
        raise ValueError("a number, as in 3, 0.7 or 2k")
    return value


def read_duration(text: str) -> float:
    """Milliseconds of ``5m``, ``1h30m``, ``500ms``; a number alone says no unit.

    >>> read_duration("1h30m")
    5400000.0
    """
    if text == "0":
        return 0.0
    value = float(MOST)
    if _DURATION.fullmatch(text):
        value = sum(float(n) * DURATION_MS[unit.lower()] for n, unit in _DURATION_PART.findall(text))
    if value >= MOST:
        raise ValueError("a duration with its unit (ms, s, m, h, d, w), as in 500ms, 5m or 1h30m")
    return value


def read_status(text: str) -> Span:
    """``404``, ``5xx``, ``50x``"""
    if not _STATUS.fullmatch(text):
        raise ValueError("an HTTP status, as in 404 or 5xx")
    lower = text.lower()
    return int(lower.replace("x", "0")), int(lower.replace("x", "9"))


def read_flag(text: str) -> bool:
    """``yes``, ``no``"""
    lower = text.lower()
    if lower not in ("yes", "no", "true", "false"):
        raise ValueError("yes or no")
    return lower in ("yes", "true")


def read_money(text: str, currencies: Mapping[str, str]) -> Money:
    """``100``, ``99.50EUR``, ``EUR 100``, ``€100``

    >>> read_money("99.50 eur", {})
    Money(amount=Decimal('99.50'), currency='EUR')
    """
    found = _AMOUNT.fullmatch(text.strip())
    marks = [mark for mark in (found["before"], found["after"]) if mark] if found else []
    codes = [currencies.get(mark, mark.upper()) for mark in marks]
    if not found or len(codes) > 1 or len(found["number"]) > MAX_DIGITS or not all(len(code) == 3 for code in codes):
        raise ValueError("an amount, as in 100, 99.50EUR or €20")
    return Money(Decimal(found["number"]), codes[0] if codes else None)


def read_moment(text: str, clock: Clock) -> Moment:
    """``2026-09``, ``2026-09-14``, ``2026-09-14T10``, ``2026-09-14T10:30+02:00``; before the end of the logs: ``2d``, ``36h``,
    ``now``; and the days of that end, ``today`` and ``yesterday``."""
    hint = "a moment: 2026-09-14, 2026-09-14T10:30, or before the end of the logs: 2d, 36h, today, yesterday"
    lower = text.strip().lower()
    try:
        if lower in ("today", "yesterday"):
            zone = timedelta(seconds=clock.zone_s)
            local = clock.logs_end + zone
            start = local.replace(hour=0, minute=0, second=0, microsecond=0) - zone
            start -= timedelta(days=lower == "yesterday")
            return Moment(start, start + timedelta(days=1))
        ago = lower.removeprefix("-")
        if ago == "now" or _DURATION.fullmatch(ago):
            back = 0.0 if ago == "now" else read_duration(ago)
            start = clock.logs_end - timedelta(milliseconds=back)
            return Moment(start, start + POINT, True)
        return _read_stamp(lower, clock.zone_s)
    except (ValueError, OverflowError):
        if _CLOCK.fullmatch(lower):  # an hour is of a day, and nobody can tell of which
            hint = f"a moment with its day: 2026-09-14T{lower.removeprefix('t').zfill(5)}; " + hint.removeprefix(
                "a moment: "
            )
        raise ValueError(hint) from None


def _read_stamp(text: str, zone_s: int) -> Moment:
    found = _MOMENT.fullmatch(text)
    if not found:
        raise ValueError
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    start = datetime(
        int(year), int(month), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0),
        int((fraction or "").ljust(6, "0")),
    )  # fmt: skip
    if day is None:
        end = (start + timedelta(days=31)).replace(day=1)
    else:
        exact = (("hours", minute), ("minutes", second), ("seconds", fraction), ("microseconds", ""))
        unit = "days" if hour is None else next(name for name, finer in exact if not finer)
        end = start + timedelta(**{unit: 1})
    shift = timedelta(seconds=_offset(zone) if zone else zone_s)
    return Moment(start - shift, end - shift)


def _offset(zone: str) -> int:
    """Seconds east of UTC of ``Z`` or ``+02:00``."""
    if zone in ("z", "utc"):
        return 0
    stated = datetime.strptime(zone.replace(":", ""), "%z").tzinfo
    assert isinstance(stated, timezone)
    return int(stated.utcoffset(None).total_seconds())
