"""Figures in words: shares with their interval and what they are of, differences, times, money."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from reconstruct.journeys.axis import say_duration, say_share

Document = dict[str, Any]

FEW = 10
"""Of fewer than these a share is said as numbers only: a percentage would look like more than is known."""

ERRORS_FROM = 400
"""Statuses from here on say that something went wrong; of others the words tell it."""

_CLOCK = re.compile(r"(?<!\S)(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?!\S)")
"""A clock that stands alone."""

MS = 1_000_000
"""Nanoseconds of a millisecond."""


def say_part(found: Document) -> str:
    """``31.5% (28–35%) of 596``

    >>> say_part({"n": 188, "of": 596, "share": 0.3154, "low": 0.2794, "high": 0.3538})
    '31.5% (28–35%) of 596'
    >>> say_part({"n": 2, "of": 3, "share": 0.6667, "low": 0.2, "high": 0.9})
    '2 of 3'
    """
    if found["of"] < FEW:
        return f"{found['n']:,} of {found['of']:,}"
    return f"{say_share(found['share'])} ({say_range(found)}) of {found['of']:,}"


def say_range(found: Document) -> str:
    """``28–35%``, as wide as it is at least."""
    if found["low"] is None:
        return "unknown"
    low, high = found["low"] * 100, found["high"] * 100
    digits = 0 if high - low >= 2 else 1
    return f"{low:.{digits}f}–{high:.{digits}f}%"


def say_points(found: Document) -> str:
    """A difference of shares, in percentage points: ``+32.1 points (+13.6 to +47.8)``"""
    if found["value"] is None:
        return "not known"
    value = f"{found['value'] * 100:+.1f} points"
    return value + (
        f" ({found['low'] * 100:+.1f} to {found['high'] * 100:+.1f})"
        if found["low"] is not None
        else " (too few to say)"
    )


def say_ms(ms: float) -> str:
    """``4m53s``"""
    return say_duration(int(ms) * MS)


def say_median(found: Document) -> str:
    """``4m53s (4m19s–5m22s), n 188``"""
    if not found["n"]:
        return "n 0"
    low, high = found["low_ms"], found["high_ms"]
    known = f"{say_ms(low)}–{say_ms(high)}, " if low is not None else ""
    return f"{say_ms(found['p50_ms'])} ({known}n {found['n']:,})"


def say_money(amount: str, currency: str | None) -> str:
    """``26,424.72 GBP``; no digit is lost.

    >>> say_money("26424.72", "GBP"), say_money("-1000", None)
    ('26,424.72 GBP', '-1,000')
    """
    whole, point, rest = amount.partition(".")
    return f"{int(whole):,}{point}{rest}" + (f" {currency}" if currency else "")


def own_query(query: str | None, where: str) -> str:
    """A figure's query without what was selected anyway."""
    text = query or ""
    for prefix in (f"{where} ", f"({where}) "):
        if where and text.startswith(prefix):
            return text.removeprefix(prefix)
    return text


def table(rows: list[list[str]], left: frozenset[int] = frozenset({0})) -> list[str]:
    """Columns under each other, numbers flush right; ``left``: columns of words. The last is never padded."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    return [
        "  "
        + "  ".join(
            cell if i == len(row) - 1 and i in left else cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


RAMP = " ▁▂▃▄▅▆▇█"


def spark(values: Sequence[float], ramp: str = RAMP, top: float = 0.0) -> str:
    """Values as heights, one sign each; zero is the first sign, the smallest value is still seen.

    >>> spark([0, 1, 4, 8])
    ' ▁▄█'
    """
    top = max([top, *values, 1e-9])
    steps = len(ramp) - 1
    return "".join(ramp[0 if value <= 0 else max(1, round(value / top * steps))] for value in values)


def say_failure(kind: Document) -> str:
    """A kind of failure in words: ``Payment declined, POST /checkout 402``; a step or a line behind who wrote it."""
    if kind["kind"] == "request":
        status = kind["status"] if (kind["status"] or 0) >= ERRORS_FROM else None
        words = [kind["method"], kind["route"], status]
        return f"{kind['what']}, {' '.join(str(word) for word in words if word is not None)}".rstrip(", ")
    level = f" {kind['level']}" if kind["kind"] == "line" else ""
    return f"{kind['service'] or 'somebody'}{level}: {kind['what']}"


def say_surge(surge: Document) -> str:
    """What came with failures that came all at once, and what became of those who came then; "" where neither surely differs."""
    if not any(_is_sure(surge[name]) for name in ("failed_difference", "achieved_difference")):
        return ""
    said = []
    if surge["failed"]["of"] and surge["failed_else"]["of"]:
        said.append(
            f"{say_part(surge['failed'])} requests failed, at other times {say_share(surge['failed_else']['share'])}; "
            f"{surge['failed']['journeys']:,} journeys were hit"
        )
    if surge["achieved"]["of"] and surge["achieved_else"]["of"]:
        said.append(
            f"of visits begun then {say_part(surge['achieved'])} reached their goal, of others {say_part(surge['achieved_else'])}"
        )
        said.append(
            f"{surge['begun']:,} business journeys begun, {surge['begun_usual']:g} would be usual of so many visits"
        )
    return "; ".join(said)


def _is_sure(difference: Document) -> bool:
    low, high = difference["low"], difference["high"]
    return low is not None and high is not None and (low > 0 or high < 0)


def say_period(surge: Document) -> str:
    """From when to when: ``15 Sep 15:00 to 18:00``."""
    (begin_day, begin), (end_day, end) = (say_moment(surge[name]).rsplit(" ", 1) for name in ("from_at", "until_at"))
    return f"{begin_day.strip()} {begin} to {end if end_day == begin_day else f'{end_day.strip()} {end}'}"


def say_dayless(text: str, at: str) -> str:
    """What somebody who asks for a clock alone would ask for, on the day of a moment of the logs; "" where there is no clock alone.

    >>> say_dayless("declined 9:05", "2026-09-14T13:05:59Z")
    '9:05 needs its day: at:2026-09-14T09:05 is when something happened, started:2026-09-14T09:05 when the visit began'
    >>> say_dayless("at:2026-09-14T14:05", "2026-09-14T13:05:59Z")
    ''
    """
    found = _CLOCK.search(text)
    if not found or not at:
        return ""
    moment = f"{at[:10]}T{found[0].zfill(len(found[0].partition(':')[2]) + 3)}"
    return f"{found[0]} needs its day: at:{moment} is when something happened, started:{moment} when the visit began"


def say_moment(at: str) -> str:
    """``14 Sep 13:05`` of a moment of the export: in one set of logs the year goes without saying.

    >>> say_moment("2026-09-04T13:05:59.250000Z")
    ' 4 Sep 13:05'
    """
    moment = datetime.fromisoformat(at)
    return f"{moment.day:2} {moment:%b %H:%M}"
