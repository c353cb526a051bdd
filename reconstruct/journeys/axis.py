"""One time axis of whole terminal columns, shared by every lane of a journey.

Takes instants (nanoseconds) and a width, gives a monotone map time -> column. Days of waiting and seconds of clicking
must both be readable, so the default mode cuts long idle gaps out ("breaks") and gives the active stretches
between them the remaining columns in proportion to the square root of their duration. Pure arithmetic: no drawing.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median_low
from typing import Literal

Mode = Literal["compressed", "linear", "ordinal"]
MODES: tuple[Mode, ...] = ("compressed", "linear", "ordinal")

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

GAP_FLOOR_NS = 30 * SECOND
"""Shorter pauses are reading time, part of the activity itself; never cut out."""
GAP_MEDIANS = 8
"""A gap must stand out from the journey's own rhythm to be cut."""
GAP_SHARE = 0.04
"""A gap smaller than this share of the time still drawn costs few columns; a break would not pay for its own cells."""
BREAK_CELLS = 3
"""Cells of the smallest break: room for a coarse length ("41s", "26h")."""
BREAK_CAP = 9
"""Cells of the widest break, whatever its length."""
BREAKS_SHARE = 0.3
"""Breaks are narrowed until they take no more of the width than this: what happened matters more than what did not."""
STRETCH_CELLS = 2
"""Fewest cells of an active stretch: the mark and air behind it."""
LABEL_AIR = 2
"""Blank cells between two tick labels."""
CLOCKS_SHARE = 0.5
"""Of the columns still to be given away, no more go to clock times behind breaks: what happened needs the others."""
PRECISE_CELLS = 24
"""Milliseconds are named only where a stretch is wide enough for two such labels."""
MICROSECONDS_BELOW_NS = 50_000
"""A column that stands for less than this shows clock times to the microsecond: to the millisecond all would be the same."""
PRECISE_NS = 10 * SECOND
"""An ordinal axis, whose columns have no duration of their own, names milliseconds only below this span."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of columns: active time, or a break (idle time cut out)."""

    start_ns: int
    end_ns: int
    column: int
    width: int
    is_break: bool

    @property
    def end_column(self) -> int:
        """The first column after it."""
        return self.column + self.width

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.start_ns


@dataclass(frozen=True, slots=True)
class Tick:
    """A clock label. It starts at ``column``; ``at`` is the column of the instant it names."""

    column: int
    label: str
    at: int


@dataclass(frozen=True, slots=True)
class Axis:
    """A monotone, piecewise linear map from time to columns 0 … width-1."""

    mode: Mode
    width: int
    stretches: tuple[Stretch, ...]
    times: tuple[int, ...]
    """knots of the map, strictly increasing, nanoseconds"""
    positions: tuple[float, ...]
    """their columns, not decreasing"""

    @property
    def start_ns(self) -> int:
        return self.times[0]

    @property
    def end_ns(self) -> int:
        return self.times[-1]

    @property
    def breaks(self) -> tuple[Stretch, ...]:
        return tuple(stretch for stretch in self.stretches if stretch.is_break)

    def position_of(self, time_ns: int) -> float:
        """The column of an instant with its fraction; times outside are clamped to the ends."""
        after = bisect_right(self.times, time_ns)
        if after == 0:
            return self.positions[0]
        if after == len(self.times):
            return self.positions[-1]
        begin, end = self.times[after - 1], self.times[after]
        low, high = self.positions[after - 1], self.positions[after]
        return min(high, low + (time_ns - begin) / (end - begin) * (high - low))

    def column_of(self, time_ns: int) -> int:
        """The column an instant is drawn in."""
        return int(self.position_of(time_ns))

    def time_of(self, column: float) -> int:
        """The earliest instant drawn at a column: the inverse of ``position_of``."""
        after = bisect_left(self.positions, column)
        if after == 0:
            return self.times[0]
        if after == len(self.positions):
            return self.times[-1]
        low, high = self.positions[after - 1], self.positions[after]
        begin, end = self.times[after - 1], self.times[after]
        return begin + int((end - begin) * (column - low) / (high - low))


def build_axis(
    instants: Sequence[int], width: int, mode: Mode = "compressed", crowds: Sequence[Sequence[int]] = ()
) -> Axis:
    """Lay instants (nanoseconds, any order) out on ``width`` columns.

    Args:
        instants: Every moment that must be visible: starts and ends. Empty is allowed.
        width: Columns, at least 1.
        mode: ``compressed`` cuts idle gaps, ``linear`` keeps them to scale, ``ordinal`` spaces instants evenly.
        crowds: Sorted instants of each lane, so that a stretch is never too narrow to print how many it holds.

    >>> axis = build_axis([0, 10 * SECOND, 26 * HOUR], 40)
    >>> [(part.column, part.width, part.is_break) for part in axis.stretches]
    [(0, 32, False), (32, 6, True), (38, 2, False)]
    """
    times = sorted(set(instants)) or [0]
    width = max(1, width)
    if mode == "ordinal":
        return _ordinal(times, width)
    cuts = _find_breaks(times, width, crowds) if mode == "compressed" else []
    return _join(times, width, mode, cuts, crowds)


def _ordinal(times: list[int], width: int) -> Axis:
    step = width / len(times)
    positions = tuple(float(int(index * step)) for index in range(len(times)))
    whole = Stretch(times[0], times[-1], 0, width, False)
    return Axis("ordinal", width, (whole,), tuple(times), positions)


def _find_breaks(times: list[int], width: int, crowds: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Which gaps to cut, as (index of the instant before it, cells), in time order.

    The longest gap is judged first, against the span that would still be drawn: after two days of transport are cut
    away, the forty minutes of packing are judged against the hours that remain, not against the days that are gone.
    """
    gaps = [after - before for before, after in pairwise(times)]
    if not gaps:
        return []
    floor = max(GAP_FLOOR_NS, GAP_MEDIANS * median_low(gaps))
    drawn = times[-1] - times[0]
    chosen: list[int] = []
    for index in sorted(range(len(gaps)), key=lambda index: (-gaps[index], index)):
        if gaps[index] <= max(floor, GAP_SHARE * drawn):
            break
        more = sorted([*chosen, index])
        needs = _needs(times, [(place, BREAK_CELLS) for place in more], crowds)
        if sum(needs) + BREAK_CELLS * len(more) > width:
            break
        chosen = more
        drawn -= gaps[index]
    wanted = [BREAK_CELLS + int(math.log10(gaps[index] / floor)) for index in chosen]
    cells = wanted
    for cap in range(BREAK_CAP, BREAK_CELLS - 1, -1):
        cells = [min(cap, each) for each in wanted]
        if sum(cells) <= width * BREAKS_SHARE:
            break
    return list(zip(chosen, cells, strict=True))


def _runs(times: list[int], cuts: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The active stretches between the cuts, as (first instant, last instant)."""
    borders = [0, *(edge for index, _ in cuts for edge in (index, index + 1)), len(times) - 1]
    return [(times[begin], times[end]) for begin, end in zip(borders[::2], borders[1::2], strict=True)]


def _needs(times: list[int], cuts: Sequence[tuple[int, int]], crowds: Sequence[Sequence[int]]) -> list[int]:
    """Fewest cells of each active stretch: enough to print the count of the lane with the most instants in it."""
    needs = []
    for begin, end in _runs(times, cuts):
        crowd = max((bisect_right(lane, end) - bisect_left(lane, begin) for lane in crowds), default=0)
        needs.append(max(STRETCH_CELLS, 1 + len(str(crowd)) if crowd > 1 else 0))
    return needs


def _clock_room(
    runs: Sequence[tuple[int, int]], cuts: Sequence[tuple[int, int]], needs: Sequence[int], spare: int
) -> list[int]:
    """More cells for stretches behind breaks, so that the clock times on both sides of each can be printed.

    A label may run on over the break that follows, and over the margin behind the last stretch. The longest gaps are
    served first: what came after a night says more than what came after a minute.
    """
    more = [0] * len(runs)
    room = int(spare * CLOCKS_SHARE)
    for index in sorted(range(1, len(runs)), key=lambda index: runs[index - 1][1] - runs[index][0]):
        begin, end = runs[index]
        label = len(say_clock(begin, SECOND, runs[0][0])) + LABEL_AIR
        following = cuts[index][1] if index < len(cuts) else label
        wanted = label - following
        if end > begin and following < label and end - begin >= GAP_FLOOR_NS:
            wanted += len(say_clock(end, SECOND, runs[0][0])) + LABEL_AIR
        extra = max(0, wanted - needs[index])
        if extra <= room:
            more[index] = extra
            room -= extra
    return more


def _join(
    times: list[int], width: int, mode: Mode, cuts: list[tuple[int, int]], crowds: Sequence[Sequence[int]]
) -> Axis:
    runs = _runs(times, cuts)
    needs = _needs(times, cuts, crowds) if cuts else [min(width, STRETCH_CELLS)]
    spare = width - sum(needs) - sum(cells for _, cells in cuts)
    for index, more in enumerate(_clock_room(runs, cuts, needs, spare)):
        needs[index] += more
        spare -= more
    shares = share_out(spare, [math.sqrt(end - begin) for begin, end in runs])
    stretches: list[Stretch] = []
    knots: list[tuple[int, float]] = []
    column = 0
    for index, (begin, end) in enumerate(runs):
        cells = needs[index] + shares[index]
        stretches.append(Stretch(begin, end, column, cells, False))
        knots.append((begin, float(column)))
        if end > begin:
            knots.append((end, float(column + cells - 1)))
        column += cells
        if index < len(cuts):
            stretches.append(Stretch(end, runs[index + 1][0], column, cuts[index][1], True))
            column += cuts[index][1]
    return Axis(mode, width, tuple(stretches), tuple(time for time, _ in knots), tuple(place for _, place in knots))


def share_out(cells: int, weights: Sequence[float]) -> list[int]:
    """Divide whole cells in proportion to weights, by largest remainder; the parts add up. Equal parts when all are 0.

    >>> share_out(10, [1.0, 1.0, 2.0])
    [3, 2, 5]
    """
    total = sum(weights)
    exact = [cells * weight / total if total > 0 else cells / len(weights) for weight in weights]
    parts = [int(part) for part in exact]
    by_rest = sorted(range(len(parts)), key=lambda index: (parts[index] - exact[index], index))
    for index in by_rest[: cells - sum(parts)]:
        parts[index] += 1
    return parts


# --- words for time -------------------------------------------------------------------------------------------------


def say_share(share: float) -> str:
    """A share in percent; what is less than the whole is never shown as 100%, what is more than nothing never as 0%.

    >>> say_share(1.0), say_share(0.99999), say_share(0.5), say_share(0.00001), say_share(0.0)
    ('100%', '99.9%', '50.0%', '0.1%', '0%')
    """
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    return f"{min(max(share, 0.001), 0.999):.1%}"


def say_duration(duration_ns: int) -> str:
    """A duration in at most two units, for people.

    >>> [say_duration(part) for part in (1_900_000_000, 41 * SECOND, 11_520 * SECOND, 26 * HOUR, 40 * DAY)]
    ['1.9s', '41s', '3h12m', '26h', '40d']
    """
    duration_ns = max(0, duration_ns)
    if duration_ns < SECOND:
        return f"{duration_ns // 1_000_000}ms" if duration_ns >= 1_000_000 else ("0ms" if not duration_ns else "<1ms")
    seconds = duration_ns / SECOND
    if seconds < 9.95:
        return f"{seconds:.1f}s".replace(".0s", "s")
    whole = int(seconds)
    if whole < 100:
        return f"{whole}s"
    if whole < 3600:
        return _pair(whole, 60, "m", 1, "s", 600)
    if whole < 2 * 86_400:
        return _pair(whole, 3600, "h", 60, "m", 36_000)
    if whole < 700 * 86_400:
        return _pair(whole, 86_400, "d", 3600, "h", 5 * 86_400)
    return f"{whole / (365.25 * 86_400):.1f}y"


def _pair(seconds: int, unit: int, name: str, small: int, small_name: str, until: int) -> str:
    """Two units below ``until`` seconds, one above: the second unit of a long time is noise."""
    rest = seconds % unit // small
    if seconds >= until or not rest:
        return f"{seconds // unit}{name}"
    return f"{seconds // unit}{name}{rest:02d}{small_name}"


def say_gap(duration_ns: int, cells: int, dots: str = "⋯") -> str:
    """A break's length in exactly ``cells`` cells: as precise as fits, filled with dots.

    >>> say_gap(11_520 * SECOND, 9), say_gap(11_520 * SECOND, 4), say_gap(41 * SECOND, 5)
    ('⋯⋯3h12m⋯⋯', '⋯3h⋯', '⋯41s⋯')
    """
    for text in (say_duration(duration_ns), _one_unit(duration_ns)):
        if len(text) + 2 <= cells:
            return text.center(cells, "\0").replace("\0", dots)
    text = _one_unit(duration_ns)
    return text.center(cells, "\0").replace("\0", dots) if len(text) <= cells else dots * cells


def _one_unit(duration_ns: int) -> str:
    """At most three characters up to 99 years."""
    whole = duration_ns // SECOND
    for unit, name, until in ((1, "s", 100), (60, "m", 100), (3600, "h", 49), (86_400, "d", 100), (604_800, "w", 100)):
        if whole < until * unit:
            return f"{whole // unit}{name}"
    return f"{round(whole / (365.25 * 86_400))}y"


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_datetime(time_ns: int) -> datetime:
    """UTC; clamped to the years a datetime can hold."""
    try:
        return EPOCH + timedelta(microseconds=time_ns // 1000)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if time_ns > 0 else datetime.min.replace(tzinfo=UTC)


def say_clock(time_ns: int, cell_ns: float, first_ns: int) -> str:
    """Clock time as precise as one column deserves; days after the first are marked.

    Args:
        time_ns: The instant.
        cell_ns: Time one column stands for where the label is; 0 for a lone instant.
        first_ns: Where the axis starts: tells which day is day one.

    >>> say_clock(26 * HOUR, 0, 0), say_clock(90 * SECOND, 1e6, 0), say_clock(400 * DAY, 5 * DAY, 0)
    ('02:00 +1d', '00:01:30.000', '5 Feb 1971')
    """
    moment = to_datetime(time_ns)
    days = time_ns // DAY - first_ns // DAY
    if cell_ns >= DAY / 2:
        return f"{moment.day} {moment:%b}" if days < 300 else f"{moment.day} {moment:%b} {moment.year}"
    if days > 99:
        return f"{moment.day} {moment:%b} {moment.year}"
    suffix = f" +{days}d" if days else ""
    if 0 < cell_ns < MICROSECONDS_BELOW_NS:
        return f"{moment:%H:%M:%S}.{moment.microsecond:06d}{suffix}"
    if 0 < cell_ns < SECOND / 20:
        return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}{suffix}"
    if cell_ns < 30 * SECOND and not days:
        return f"{moment:%H:%M:%S}"
    return f"{moment:%H:%M}{suffix}"


# --- ticks ----------------------------------------------------------------------------------------------------------

ROUND_STEPS = tuple(
    [scale * step for scale in (SECOND // 1_000_000, SECOND // 1000) for step in (1, 2, 5, 10, 20, 50, 100, 200, 500)]
    + [SECOND * step for step in (1, 2, 5, 10, 15, 30)]
    + [MINUTE * step for step in (1, 2, 5, 10, 15, 30)]
    + [HOUR * step for step in (1, 2, 3, 6, 12)]
    + [DAY * step for step in (1, 2, 7, 14, 30, 91, 182, 365)]
)


def place_ticks(axis: Axis, instants: Sequence[int], room: int = 0) -> list[Tick]:
    """Clock labels that do not touch each other: both sides of every break first, then as many as fit.

    Args:
        axis: The axis.
        instants: Sorted moments worth naming (a linear axis names round times instead).
        room: Blank columns behind the axis that the last label may run on over.
    """
    width = axis.width + room
    free = bytearray(b"\1") * (width + LABEL_AIR)
    ticks: list[Tick] = []

    def put(time_ns: int, stretch: Stretch, *, ends_here: bool = False) -> None:
        cell_ns = stretch.duration_ns / max(1, stretch.width - 1)
        if stretch.width < PRECISE_CELLS or (axis.mode == "ordinal" and stretch.duration_ns > PRECISE_NS):
            cell_ns = SECOND
        at = axis.column_of(time_ns)
        if not free[at]:
            return
        label = say_clock(time_ns, cell_ns, axis.start_ns)
        column = at - len(label) + 1 if ends_here else at
        if column < 0 or column + len(label) > width or not all(free[column : column + len(label)]):
            return
        begin, end = max(0, column - LABEL_AIR), column + len(label) + LABEL_AIR
        free[begin:end] = bytes(end - begin)
        ticks.append(Tick(column, label, at))

    active = [stretch for stretch in axis.stretches if not stretch.is_break]
    for stretch in active:
        put(stretch.start_ns, stretch)
    for stretch in active[:-1]:
        put(stretch.end_ns, stretch, ends_here=True)
    for stretch in active:
        for time_ns in _round_times(axis, stretch) if axis.mode == "linear" else _within(instants, stretch):
            put(time_ns, stretch)
    return sorted(ticks, key=lambda tick: tick.column)


def _within(instants: Sequence[int], stretch: Stretch) -> Sequence[int]:
    """The instants of a stretch, thinned to a few per column: more can never be labelled."""
    inside = instants[bisect_left(instants, stretch.start_ns) : bisect_right(instants, stretch.end_ns)]
    return inside[:: max(1, len(inside) // (4 * stretch.width))]


def _round_times(axis: Axis, stretch: Stretch) -> list[int]:
    """Round clock times about fourteen columns apart."""
    wanted = stretch.duration_ns / max(1, stretch.width) * 14
    step = next((step for step in ROUND_STEPS if step >= wanted), None) or int(wanted // DAY + 1) * DAY
    first = -(-stretch.start_ns // step) * step
    return list(range(first, stretch.end_ns + 1, step))
