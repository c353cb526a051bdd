"""Stamps that do not say everything: which sources have them, and which moment completes them.

A stamp without a day or a year is first read as the latest moment before the file was last written. What that gets
wrong, in a file of many days or years, its neighbours put right when all lines are known (``correlate/dates.py``).
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Literal

import numpy as np
import numpy.typing as npt

from reconstruct.grammar.stamp_calendar import CLOCK_SLACK, DAY, SECOND
from reconstruct.sources.families import parse_name

Undated = Literal["day", "year"]
"""what a stamp lacks: the day and all above it, or the year"""

SHAPES: dict[str, Undated] = {
    "TIME_OF_DAY": "day", "KITCHEN": "day", "SYSLOG": "year", "DAY_MONTH": "year", "DAY_MONTH_MINUTE": "year", "MONTH_DAY": "year",
    "KLOG": "year", "MONTH_DAY_BASIC": "year",
}  # fmt: skip
"""Shapes of stamps that lack something."""

MOST = 0.5
"""Share of the stamped lines whose stamps lack the same: then the source does."""

NAME_DAYS = 2
"""A file with a date in its name is believed to have been last written on that day or the next: rotation. A later time is
that of a copy, and the name tells more."""

NOTES: dict[Undated, str] = {
    "day": "no day in its stamps: taken from when the file was last written, its name, and the lines around",
    "year": "no year in its stamps: taken from when the file was last written, its name, and the lines around",
}


def find_undated(shapes: Sequence[str], weights: npt.NDArray[np.float64]) -> Undated | None:
    """What most stamps of a sample lack. ``shapes``: of the first stamp of each line, empty for none."""
    total = sum(weight for shape, weight in zip(shapes, weights.tolist(), strict=True) if shape)
    for lack in ("day", "year"):
        share = sum(w for shape, w in zip(shapes, weights.tolist(), strict=True) if SHAPES.get(shape) == lack)
        if total and share >= MOST * total:
            return lack
    return None


def anchor_ns(path: str, modified_ns: int) -> int:
    """What completes the stamps of a file: when it was last written, or the day in its name when that was long before.

    >>> anchor_ns("app.log", 1_789_430_400 * 10**9)
    1789430400000000000
    >>> anchor_ns("app-2026-09-14.log", 1_800_000_000 * 10**9) < 1_789_430_400 * 10**9
    True
    """
    digits = parse_name(PurePosixPath(path).name).date
    if len(digits) < 8 or not digits.startswith(("19", "20")):
        return modified_ns
    try:
        day_ns = calendar.timegm((int(digits[:4]), int(digits[4:6]), int(digits[6:8]), 0, 0, 0)) * SECOND
    except ValueError:
        return modified_ns
    if day_ns <= modified_ns < day_ns + NAME_DAYS * DAY:
        return modified_ns
    return day_ns + DAY - CLOCK_SLACK - SECOND
