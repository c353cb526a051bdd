"""Both journeys on one time axis: where each mark, bar, label, hand-off and number of a document goes.

Pure geometry on whole terminal columns (bars also on fractions of one); nothing here draws. Every moment of the
document is in exactly one mark: alone, or counted in a cluster.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconstruct.journeys.axis import SECOND, Axis, Mode, Tick, build_axis, place_ticks, say_duration
from reconstruct.journeys.moments import (
    NOTED_NS,
    RANK,
    Glyph,
    Level,
    Moment,
    Ref,
    Story,
    Track,
    read_story,
    split_tracks,
)

SURE = 0.9
"""Joins below this confidence are drawn dashed."""
TAIL_SHARE = 6
"""One column in six, at the right, is kept for the labels of the last marks and for steps that never came."""
TAIL_CAP = 16
"""No label needs a wider margin."""
SHORT_LABEL = 5
"""A label cut shorter than this says nothing."""
ENDS_SHARE = 100
"""Work that takes less than one part in so many of the journey, and less than a second, does not stretch the axis."""
WAIT_NS = SECOND
"""Shorter waits are not printed: nobody notices them."""


@dataclass(frozen=True, slots=True)
class Lettering:
    """How text is measured and cut: terminals have characters of two cells and of none."""

    clean: Callable[[str], str] = str
    measure: Callable[[str], int] = len
    cut: Callable[[str, int], str] = lambda text, cells: text if len(text) <= cells else text[: cells - 1] + "…"


@dataclass(frozen=True, slots=True)
class Label:
    """Words at a place: ``row`` 0 is the mark's own row, 1 the row below it."""

    column: int
    row: int
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One glyph, with a count when it stands for several moments."""

    column: int
    width: int
    """cells of glyph and count"""
    glyph: Glyph
    moments: tuple[Moment, ...]
    bar_end: float
    """where the bar behind the glyph ends, in columns; not after ``column + 1``: no bar"""
    label: Label | None = None

    @property
    def end(self) -> int:
        return self.column + self.width

    @property
    def count(self) -> str:
        """Digits printed after the glyph."""
        return str(len(self.moments)) if len(self.moments) > 1 else ""


@dataclass(slots=True)
class Lane:
    """One lane: a row of marks, and a second row when labels need it."""

    track: Track
    marks: list[Mark]
    life: tuple[float, float] | None = None
    """columns of the thin line from first to last sign of life"""
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Connector:
    """The hand-off from a touchpoint to a business object, drawn from lane to lane."""

    business: int
    column: int
    """of the touchpoint that triggers it"""
    arrival: int
    """column of the object's first mark"""
    from_lane: int
    to_lane: int
    labels: tuple[str, ...]
    """what is written beside it, from everything known to the least that tells something"""
    is_dashed: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """A number in the wait row."""

    column: int
    text: str
    is_late: bool
    by_customer: bool
    ref: Ref


@dataclass(slots=True)
class Layout:
    """Everything placed, on ``width`` columns: the axis' own and the margin behind it."""

    width: int
    axis: Axis
    ticks: list[Tick]
    lanes: list[Lane]
    connectors: list[Connector]
    waits: list[Wait]
    places: dict[Ref, tuple[int, int]] = field(default_factory=dict)
    """lane and mark (indexes) of every moment"""
    order: list[Ref] = field(default_factory=list)
    """every moment in time order: the cursor's way"""

    def mark_of(self, ref: Ref) -> Mark | None:
        """The mark a moment is in."""
        place = self.places.get(ref)
        return self.lanes[place[0]].marks[place[1]] if place else None

    def density(self, cells: int) -> list[tuple[int, bool]]:
        """Moments per equal slice of real time, and whether one of them failed: the whole journey to scale."""
        counts = [0] * cells
        failed = [False] * cells
        for lane in self.lanes:
            for mark in lane.marks:
                for moment in mark.moments:
                    cell = self.slice_of(moment.at_ns, cells)
                    counts[cell] += moment.has_time
                    failed[cell] |= moment.glyph is Glyph.FAILURE
        return list(zip(counts, failed, strict=True))

    def slice_of(self, time_ns: int, cells: int) -> int:
        """Which of ``cells`` equal slices of the axis' time an instant is in."""
        span = max(1, self.axis.end_ns - self.axis.start_ns)
        return max(0, min(cells - 1, (time_ns - self.axis.start_ns) * cells // span))


def lay_out(
    document: Story | Mapping[str, object],
    width: int,
    mode: Mode = "compressed",
    level: Level = "user",
    *,
    by_stage: bool = False,
    folded: Iterable[int] = (),
    label_rows: int = 2,
    lettering: Lettering | None = None,
) -> Layout:
    """Place a journey on ``width`` columns.

    Args:
        document: The journey document, or the story read from it (reading takes longer than placing).
        width: Columns to use; zooming is asking for more of them than the screen has.
        mode: How the axis treats idle time.
        level: Every step, or milestones.
        by_stage: One customer lane per stage.
        folded: Business journeys (indexes) shown in one lane.
        label_rows: Labels that do not fit beside their mark go below it: 2 in all lanes, 1 in the customer's, 0 in none.
        lettering: How text is measured; plain characters when omitted.
    """
    story = document if isinstance(document, Story) else read_story(document)
    lettering = lettering or Lettering()
    tracks = split_tracks(story, level=level, by_stage=by_stage, folded=folded)
    width = max(2, width)
    margin = min(TAIL_CAP, width // TAIL_SHARE)
    timed = [[moment.at_ns for moment in track.moments if moment.has_time] for track in tracks]
    starts, ends = _instants(story)
    axis = build_axis(starts if mode == "ordinal" else [*starts, *ends], width - margin, mode, crowds=timed)
    lanes: list[Lane] = []
    for track in tracks:
        collapse = level == "customer" and track.kind in ("customer", "stage")
        marks = _place_marks(track, axis, width, collapse=collapse)
        lane = Lane(track, marks)
        if track.life:
            lane.life = (axis.position_of(track.life[0]), axis.position_of(track.life[1]))
        lanes.append(lane)
    layout = Layout(width, axis, place_ticks(axis, starts, margin), lanes, [], [])
    _index(layout)
    layout.connectors = _connect(layout, story)
    _place_labels(layout, lettering, label_rows)
    layout.waits = _place_waits(layout)
    return layout


def _instants(story: Story) -> tuple[list[int], list[int]]:
    """Starts (distinct, sorted) and ends that the axis must hold: of all moments, so that folding never moves it."""
    moments = [*story.touchpoints, *(moment for steps in story.businesses for _, moment in steps)]
    moments += [moment for track in story.objects for moment in track.moments]
    moments = [moment for moment in moments if moment.has_time]
    starts = sorted({moment.at_ns for moment in moments})
    span = starts[-1] - starts[0] if starts else 0
    ends = [
        moment.end_ns for moment in moments if moment.slow_ns >= NOTED_NS or 0 < span <= moment.slow_ns * ENDS_SHARE
    ]
    return starts, ends


# --- marks ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Group:
    """Moments that will share a mark."""

    column: int
    end: int
    """first column it must not touch: the end of its stretch"""
    moments: list[Moment]

    @property
    def cells(self) -> int:
        return 1 + len(str(len(self.moments))) if len(self.moments) > 1 else 1

    @property
    def placed(self) -> int:
        """Its column, moved left when the count would run out of the stretch."""
        return max(0, min(self.column, self.end - self.cells))


def _place_marks(track: Track, axis: Axis, width: int, *, collapse: bool) -> list[Mark]:
    """Moments of one lane as marks, in order and never overlapping: what would overlap becomes a cluster."""
    groups: list[_Group] = []
    borders = [stretch.column for stretch in axis.stretches]
    for moment in track.moments:
        if moment.has_time:
            column = axis.column_of(moment.at_ns)
            end = axis.stretches[bisect_right(borders, column) - 1].end_column
        else:
            column, end = min(axis.width + 1, width - 1), width
        plain = collapse and moment.glyph is Glyph.INSTANT
        if groups and (groups[-1].column == column or (plain and groups[-1].moments[0].glyph is Glyph.INSTANT)):
            groups[-1].moments.append(moment)
        else:
            groups.append(_Group(column, end, [moment]))
    settled: list[_Group] = []
    for group in groups:
        current = group
        while settled and settled[-1].placed + settled[-1].cells + (settled[-1].cells > 1) > current.placed:
            before = settled.pop()
            current = _Group(before.column, before.end, before.moments + current.moments)
        settled.append(current)
    marks = []
    for group in settled:
        glyph = max((moment.glyph for moment in group.moments), key=RANK.__getitem__)
        bar_end = max(axis.position_of(moment.end_ns) if moment.has_time else 0.0 for moment in group.moments)
        if len(group.moments) > 1 and (collapse or bar_end < group.placed + group.cells + 1):
            bar_end = 0.0
        if glyph is Glyph.IN_FLIGHT and track.kind == "service":
            bar_end = float(width - 1)
        cells = min(group.cells, width - group.placed)
        marks.append(Mark(group.placed, cells, glyph, tuple(group.moments), bar_end))
    return marks


def _index(layout: Layout) -> None:
    ordered: list[tuple[bool, int, int, Ref]] = []
    for lane_index, lane in enumerate(layout.lanes):
        for mark_index, mark in enumerate(lane.marks):
            for moment in mark.moments:
                layout.places[moment.ref] = (lane_index, mark_index)
                ordered.append((not moment.has_time, moment.at_ns, lane_index, moment.ref))
    ordered.sort()
    layout.order = [ref for *_, ref in ordered]


# --- hand-offs ------------------------------------------------------------------------------------------------------


def _connect(layout: Layout, story: Story) -> list[Connector]:
    connectors = []
    first_lane = {
        lane.track.business: index
        for index, lane in reversed(list(enumerate(layout.lanes)))
        if lane.track.business >= 0
    }
    for handoff in story.handoffs:
        place = layout.places.get(handoff.trigger)
        lane = first_lane.get(handoff.business)
        if place is None or lane is None:
            continue
        column = layout.lanes[place[0]].marks[place[1]].column
        life = layout.lanes[lane].life
        arrival = int(life[0]) if life else column
        marks = layout.lanes[lane].marks
        if marks and abs(marks[0].column - arrival) <= marks[0].width:
            arrival = marks[0].column  # a cluster may stand a little to the left of its first moment
        dashed = handoff.confidence is not None and handoff.confidence < SURE
        connectors.append(Connector(handoff.business, column, arrival, place[0], lane, handoff.labels, dashed))
    return connectors


# --- labels ---------------------------------------------------------------------------------------------------------


def _place_labels(layout: Layout, lettering: Lettering, label_rows: int) -> None:
    for index, lane in enumerate(layout.lanes):
        passing = [part.column for part in layout.connectors if part.from_lane <= index < part.to_lane]
        below = label_rows > (0 if lane.track.business < 0 else 1)
        _label_lane(lane, layout.width, passing, lettering, may_go_below=below)


def _label_lane(lane: Lane, width: int, passing: Sequence[int], lettering: Lettering, *, may_go_below: bool) -> None:
    """Names beside marks, the most telling first; what does not fit goes below, or is left to the detail pane."""
    beside = bytearray(width)
    below = bytearray(width)
    for mark in lane.marks:
        end = min(width, max(mark.end, math.ceil(mark.bar_end)))
        beside[mark.column : end] = b"\1" * max(0, end - mark.column)
    for column in passing:
        below[column] = 1
        if lane.marks and not any(mark.column <= column < mark.end for mark in lane.marks):
            beside[column] = 1
    labels: dict[int, Label] = {}
    for index in sorted(range(len(lane.marks)), key=lambda index: (-RANK[lane.marks[index].glyph], index)):
        mark = lane.marks[index]
        text = lettering.clean(_words(mark))
        if not text:
            continue
        wanted = lettering.measure(text)
        behind = max(mark.end, math.ceil(mark.bar_end) if mark.bar_end > mark.column + 1 else 0) + 1
        following = lane.marks[index + 1].column if index + 1 < len(lane.marks) else width
        room = _room(beside, behind) if behind < following else 0  # behind another mark it would name that one
        if room < wanted and may_go_below:
            column = mark.column + 2 if mark.column in passing else mark.column  # beside the hand-off, not on it
            under = _room(below, column)
            if column == mark.column:
                column, under = _shift(below, column, under, wanted)
            if under >= wanted or (under >= SHORT_LABEL and under > room):
                labels[index] = _write(below, column, 1, text, under, lettering)
                continue
        if room >= min(wanted, SHORT_LABEL):
            labels[index] = _write(beside, behind, 0, text, room, lettering)
    lane.marks = [
        Mark(mark.column, mark.width, mark.glyph, mark.moments, mark.bar_end, labels.get(index))
        for index, mark in enumerate(lane.marks)
    ]
    lane.rows = 2 if any(label.row for label in labels.values()) else 1


def _words(mark: Mark) -> str:
    """What a mark is called: its moment, or the most telling of a cluster."""
    return max(mark.moments, key=lambda moment: RANK[moment.glyph]).label if _is_telling(mark) else ""


def _is_telling(mark: Mark) -> bool:
    return len(mark.moments) == 1 or mark.glyph is not Glyph.INSTANT


def _room(taken: bytearray, column: int) -> int:
    """Free cells from a column on, with one left blank before whatever comes next."""
    if column >= len(taken) or taken[column] or (column and taken[column - 1] == 2):
        return 0
    end = taken.find(1, column)
    other = taken.find(2, column)
    ends = [place for place in (end, other) if place >= 0]
    return min(ends) - column - 1 if ends else len(taken) - column


def _shift(taken: bytearray, column: int, room: int, wanted: int) -> tuple[int, int]:
    """Begin further left, still under the mark, when the room to the right is too short: (column, room)."""
    if not room or room >= wanted:
        return column, room
    before = max(taken.rfind(1, 0, column), taken.rfind(2, 0, column))
    begin = max(before + 2 if before >= 0 else 0, column + room - wanted)
    return begin, column + room - begin


def _write(taken: bytearray, column: int, row: int, text: str, room: int, lettering: Lettering) -> Label:
    text = lettering.cut(text, room) if lettering.measure(text) > room else text
    cells = lettering.measure(text)
    taken[column : column + cells] = b"\2" * cells
    return Label(column, row, text)


# --- waits ----------------------------------------------------------------------------------------------------------


def _place_waits(layout: Layout) -> list[Wait]:
    """Idle time before moments as numbers, the late and the long first, none touching another."""
    candidates: list[tuple[bool, int, int, Moment, Lane]] = []
    for lane in layout.lanes:
        for mark in lane.marks:
            moment = max(mark.moments, key=lambda moment: (moment.is_late, moment.wait_ns))
            if _say_wait(moment):
                candidates.append((not moment.is_late, -moment.wait_ns, mark.column, moment, lane))
    candidates.sort(key=lambda candidate: candidate[:3])
    free = bytearray(b"\1" * layout.width)
    waits: dict[int, Wait] = {}

    def put(column: int, texts: Sequence[str], moment: Moment, lane: Lane) -> None:
        """The first of the texts that touches no other number."""
        for text in texts:
            end = column + len(text)
            if end <= layout.width and all(free[max(0, column - 1) : end + 1]):
                free[column:end] = bytes(len(text))
                waits[column] = Wait(column, text, moment.is_late, lane.track.business < 0, moment.ref)
                return

    for _, _, column, moment, lane in candidates:
        text = _say_wait(moment)
        usual = f"{text} {moment.typical}"
        put(column, [usual, text] if moment.is_late and moment.typical and moment.wait_ns else [text], moment, lane)
    for in_time, _, column, moment, lane in candidates:
        if (
            in_time and moment.typical and column in waits and waits[column].ref == moment.ref
        ):  # in time: only if there is room
            text = waits.pop(column).text
            free[column : column + len(text)] = b"\1" * len(text)
            put(column, [f"{text} {moment.typical}", text], moment, lane)
    return [waits[column] for column in sorted(waits)]


def _say_wait(moment: Moment) -> str:
    if not moment.has_time or (moment.glyph is Glyph.MISSING and moment.is_late):
        return "overdue !"
    if moment.ref.kind == "object":
        return "stuck !" if moment.is_late else ""
    if moment.wait_ns < WAIT_NS:
        return ""
    words = say_duration(moment.wait_ns)
    return f"{words} !" if moment.is_late else words


__all__ = ["Connector", "Label", "Lane", "Layout", "Lettering", "Mark", "Wait", "build_axis", "lay_out", "read_story"]
