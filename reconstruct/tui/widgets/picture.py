"""Drawing a layout: which row shows what, and the strokes of each row."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rich.style import Style

from reconstruct.journeys.align import Connector, Lane, Layout, Mark
from reconstruct.journeys.axis import say_gap
from reconstruct.journeys.moments import CUSTOMER, Glyph, Ref, Story
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.inks import N_SERVICE_INKS
from reconstruct.tui.sanitise import measure
from reconstruct.tui.widgets.paint import Row

Ink = Callable[[str], Style]

GLYPH_INKS = {Glyph.FAILURE: "bad", Glyph.MISSING: "missing", Glyph.IN_FLIGHT: "running"}
LABEL_INKS = {
    Glyph.FAILURE: "bad", Glyph.MISSING: "missing", Glyph.IN_FLIGHT: "running", Glyph.MILESTONE: "strong",
}  # fmt: skip
NAME_CELLS = 12
"""Narrowest column of lane names."""
NAME_SHARE = 5
"""Lane names take at most one part in so many of the width."""
NAME_CAP = 26


@dataclass(frozen=True, slots=True)
class Planned:
    """What one row of the picture shows."""

    kind: Literal["lane", "labels", "handoff", "blank"]
    lane: int = -1
    connector: Connector | None = None


def name_cells(story: Story, width: int, pen: Pen, *, by_stage: bool) -> int:
    """How wide the column of names is: room for every lane's, also of those that are folded away now."""
    names = {track.name for track in story.objects} | {service for steps in story.businesses for service, _ in steps}
    if story.sessions and not by_stage:
        names |= {name for name, *_ in story.sessions}
    names |= {stage.upper() for stage in story.stages} if by_stage else {CUSTOMER}
    longest = max((measure(pen.clean(name)) for name in names), default=0)
    return min(max(NAME_CELLS, longest + 3), max(NAME_CELLS, width // NAME_SHARE), NAME_CAP)


class Picture:
    """A layout as rows of cells. Row numbers are from the first lane on; columns from the axis' first."""

    def __init__(self, layout: Layout, pen: Pen) -> None:
        self.layout = layout
        self.pen = pen
        self.rows = self._plan()
        self.lane_rows = {row.lane: index for index, row in enumerate(self.rows) if row.kind == "lane"}
        self.colours = self._colours()
        self._passing = self._connector_rows()
        self._density: list[tuple[int, bool]] = []
        self._columns = [[mark.column for mark in lane.marks] for lane in layout.lanes]

    def _plan(self) -> list[Planned]:
        connectors = {connector.to_lane: connector for connector in self.layout.connectors}
        rows: list[Planned] = []
        for index, lane in enumerate(self.layout.lanes):
            if lane.track.kind == "object":
                connector = connectors.get(index)
                if connector:
                    rows.append(Planned("handoff", index, connector))
                elif rows:
                    rows.append(Planned("blank"))
            rows.append(Planned("lane", index))
            if lane.rows > 1:
                rows.append(Planned("labels", index))
        return rows

    def _colours(self) -> list[str]:
        """An ink per lane; a service has the same colour under every object."""
        services: dict[str, int] = {}
        inks = []
        for lane in self.layout.lanes:
            if lane.track.kind == "service":
                number = services.setdefault(lane.track.name, len(services))
                inks.append(f"service-{number % N_SERVICE_INKS}")
            else:
                inks.append("accent" if lane.track.kind == "object" else "customer")
        return inks

    def _connector_rows(self) -> list[tuple[int, int, Connector]]:
        """(first row, last row + 1, connector): the rows each hand-off line runs through."""
        spans = []
        for connector in self.layout.connectors:
            spans.append((self.lane_rows[connector.from_lane] + 1, self.lane_rows[connector.to_lane], connector))
        return spans

    # --- names

    def draw_name(self, row: Row, index: int, cells: int, ink: Ink) -> None:
        """The name of a row's lane."""
        planned = self.rows[index]
        if planned.kind != "lane":
            return
        lane = self.layout.lanes[planned.lane]
        inside = lane.track.kind == "service"
        text = self.pen.cut(self.pen.clean(lane.track.name), cells - 2 - inside)
        style = ink(self.colours[planned.lane])
        row.put(1 + inside, text, style if inside else style + Style(bold=True))

    # --- the rows over and under the lanes

    def draw_head(self, row: Row, line: int, left: int, seen: int, ink: Ink) -> None:
        """Line 0 is the overview, 1 the clock times, 2 the axis."""
        if line == 0:
            self.draw_overview(row, left, seen, ink)
        elif line == 1:
            self.draw_ticks(row, left, ink)
        else:
            self.draw_ruler(row, left, ink)

    def draw_ticks(self, row: Row, left: int, ink: Ink) -> None:
        """Clock times."""
        for tick in self.layout.ticks:
            row.put(tick.column - left, tick.label, ink("text"))

    def draw_ruler(self, row: Row, left: int, ink: Ink) -> None:
        """The axis: a line, a notch under every clock time, the breaks with what they leave out."""
        signs = self.pen.signs
        row.put(-left, signs.ruler * self.layout.axis.width, ink("faint"))
        for tick in self.layout.ticks:
            row.put(tick.at - left, signs.tick, ink("dim"))
        for gap in self.layout.axis.breaks:
            text = say_gap(gap.duration_ns, gap.width, signs.dots)
            row.put(gap.column - left, text, ink("gap"))
        self._shade_gaps(row, left, ink)

    def draw_overview(self, row: Row, left: int, seen: int, ink: Ink) -> None:
        """The whole journey to scale; the part in view is lit, slices with failures are red."""
        cells = row.width
        if len(self._density) != cells:
            self._density = self.layout.density(cells)
        density = self._density
        top = max((count for count, _ in density), default=0) ** 0.5
        axis = self.layout.axis
        first = self.layout.slice_of(axis.time_of(left), cells)
        last = self.layout.slice_of(axis.time_of(left + seen), cells) + 1
        for column, (count, failed) in enumerate(density):
            inside = first <= column < last
            sign = self.pen.spark([count**0.5], top) if count else self.pen.signs.dot
            name = "bad" if failed else "customer" if count and inside else "dim" if count or inside else "faint"
            row.put(column, sign, ink(name))

    def draw_waits(self, row: Row, left: int, ink: Ink) -> None:
        """Idle time as numbers."""
        for wait in self.layout.waits:
            row.put(wait.column - left, self.pen.clean(wait.text), ink("warn" if wait.is_late else "dim"))

    # --- lanes

    def draw_row(self, row: Row, index: int, left: int, cursor: Ref | None, ink: Ink, *, focused: bool) -> None:
        """One row of the lanes, from a column of the axis on."""
        planned = self.rows[index]
        if planned.kind == "lane":
            self._draw_gaps(row, left, ink)
            self._draw_lane(row, planned.lane, left, ink)
        elif planned.kind == "labels":
            self._draw_labels(row, self.layout.lanes[planned.lane], 1, left, ink)
        self._draw_connectors(row, index, left, ink)
        if planned.kind == "lane":
            self._draw_marks(row, planned.lane, left, ink)
        self._shade_gaps(row, left, ink)
        if cursor is not None and planned.lane >= 0:
            self._draw_cursor(row, planned, left, cursor, ink, focused=focused)

    def _draw_gaps(self, row: Row, left: int, ink: Ink) -> None:
        style = ink("break")
        for gap in self.layout.axis.breaks:
            row.put(gap.column + gap.width // 2 - left, self.pen.signs.dots, style)

    def _shade_gaps(self, row: Row, left: int, ink: Ink) -> None:
        """A band through all lanes, also under labels."""
        band = ink("band")
        for gap in self.layout.axis.breaks:
            row.tint(gap.column - left, gap.end_column - left, band)

    def _draw_lane(self, row: Row, index: int, left: int, ink: Ink) -> None:
        lane = self.layout.lanes[index]
        signs = self.pen.signs
        if lane.life:
            begin, end = int(lane.life[0]), int(lane.life[1])
            first, last = max(begin, left), min(end, left + row.width - 1)
            if first <= last:
                row.put(first - left, signs.life * (last - first + 1), ink("faint"))
            for gap in self.layout.axis.breaks:
                if begin <= gap.column < end:
                    row.put(gap.column - left, signs.gap * min(gap.width, end - gap.column), ink("faint"))
            if lane.track.is_open and lane.track.kind != "service":
                self._draw_open_end(row, lane, left, ink)
        colour = ink(f"soft-{self.colours[index]}")
        for mark in self._seen(index, left, row.width):
            self._draw_bar(row, mark, left, colour)
        self._draw_labels(row, lane, 0, left, ink)

    def _draw_open_end(self, row: Row, lane: Lane, left: int, ink: Ink) -> None:
        """Still going on: the line of life fades out behind the last sign of life, with an arrow unless a mark says so."""
        if lane.life is None:
            return
        begin, width = int(lane.life[1]) + 1, self.layout.width
        row.put(begin - left, self.pen.signs.gap * (width - begin), ink("faint"))
        if not any(moment.ref.kind == "object" for mark in lane.marks for moment in mark.moments):
            row.put(width - 1 - left, self.pen.signs.marks[Glyph.IN_FLIGHT], ink("running"))

    def _draw_bar(self, row: Row, mark: Mark, left: int, colour: Style) -> None:
        """From behind the glyph to the end, with an eighth-block end; torn where it runs through a break."""
        begin = mark.column + 1
        full = int(mark.bar_end)
        rest = int((mark.bar_end - full) * 8)
        block = self.pen.signs.eighths
        if full > begin:
            first, last = max(begin, left), min(full, left + row.width)
            row.put(first - left, block[-1] * (last - first), colour)
        if rest and full >= begin:
            row.put(full - left, block[rest - 1], colour)
        for gap in self.layout.axis.breaks:
            if begin <= gap.column and gap.end_column <= full:
                row.put(gap.column - left, self.pen.signs.torn * gap.width, colour)

    def _draw_labels(self, row: Row, lane: Lane, which: int, left: int, ink: Ink) -> None:
        for mark in self._seen_of(lane, left, row.width):
            label = mark.label
            if label and label.row == which:
                end = row.put(label.column - left, label.text, ink(LABEL_INKS.get(mark.glyph, "text")))
                if which == 0:  # air around the words, where a line of life would touch them
                    for column in (label.column - 1 - left, end):
                        if row.is_blank_or(column, self.pen.signs.life + self.pen.signs.gap):
                            row.put(column, " ")

    def _draw_marks(self, row: Row, index: int, left: int, ink: Ink) -> None:
        colour = ink(self.colours[index])
        for mark in self._seen(index, left, row.width):
            style = ink(GLYPH_INKS[mark.glyph]) if mark.glyph in GLYPH_INKS else colour
            if mark.glyph is Glyph.MILESTONE:
                style = style + Style(bold=True)
            column = row.put(mark.column - left, self.pen.signs.marks[mark.glyph], style)
            row.put(column, mark.count[: mark.width - 1], ink("dim") if mark.glyph not in GLYPH_INKS else style)

    def _draw_connectors(self, row: Row, index: int, left: int, ink: Ink) -> None:
        signs = self.pen.signs
        for first, last, connector in self._passing:
            style = ink("warn" if connector.is_dashed else "accent")
            column = connector.column - left
            if first <= index < last and row.is_blank_or(column, signs.dots + signs.life + signs.gap):
                row.put(column, signs.dashed if connector.is_dashed else signs.line, style)
            if index == last - 1 and connector.labels and 0 <= column < row.width:
                self._write_beside(row, column, [self.pen.clean(label) for label in connector.labels], style)
            if index == last and connector.arrival != connector.column:
                low, high = sorted((connector.column, connector.arrival))
                row.put(low - left, signs.life * (high - low), style)
                corner = signs.turn_right if connector.column < connector.arrival else signs.turn_left
                row.put(column, corner, style)

    def _write_beside(self, row: Row, column: int, labels: list[str], style: Style) -> None:
        """The fullest label there is room for, right of a line or else left of it; the shortest is cut when none fits."""
        behind, before = row.width - column - 2, column - 2
        for label in labels:
            cells = measure(label)
            if cells <= behind:
                row.put(column + 2, label, style)
                return
            if cells <= before:
                row.put(column - 1 - cells, label, style)
                return
        text = self.pen.cut(labels[-1], max(0, behind, before))
        row.put(column + 2 if behind >= before else column - 1 - measure(text), text, style)

    def _draw_cursor(self, row: Row, planned: Planned, left: int, cursor: Ref, ink: Ink, *, focused: bool) -> None:
        place = self.layout.places.get(cursor)
        if place is None or place[0] != planned.lane:
            return
        mark = self.layout.lanes[place[0]].marks[place[1]]
        style = ink("cursor" if focused else "current")
        if planned.kind == "lane":
            row.tint(mark.column - left, mark.end - left, style)
        label = mark.label
        if label and label.row == (planned.kind == "labels"):
            row.tint(label.column - left, label.column - left + measure(label.text), style)

    def _seen(self, index: int, left: int, width: int) -> list[Mark]:
        """Marks that may touch the columns in view: those in it and the one before, whose bar or label reaches in."""
        columns = self._columns[index]
        begin = max(0, bisect_left(columns, left) - 1)
        end = bisect_left(columns, left + width)
        return self.layout.lanes[index].marks[begin:end]

    def _seen_of(self, lane: Lane, left: int, width: int) -> list[Mark]:
        return self._seen(self.layout.lanes.index(lane), left, width)
