"""When journeys begin, as an area over time with a cursor: the plotting is plotext's, so axes and braille are not ours."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from rich.text import Text
from textual import events as ui_events
from textual.binding import BindingType
from textual.message import Message
from textual_plotext import PlotextPlot

from reconstruct.journeys.axis import to_datetime
from reconstruct.journeys.moments import number_of, time_of
from reconstruct.tui.bindings import CHART
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.inks import mix_ink
from reconstruct.tui.reader import Document

ALMOST = 0.98
"""Where a slice ends on the axis: a little before the next begins, so that it goes straight down between them."""
DAY_S = 86_400
TALL = 30
"""Rows from which counts stand at the quarters of the axis too."""
TO_ASCII = str.maketrans("│┤└┬─┼├┴┘┐┌", "||+++++++++")


def _twice(values: list[float]) -> list[float]:
    return [value for value in values for _ in range(2)]


def say_slice(row: Document, slice_s: int) -> str:
    """The beginning of a slice in words, as precise as the slice is long."""
    at = time_of(row.get("at"))
    if at is None:
        return ""
    moment = to_datetime(at)
    day = f"{moment:%a} {moment.day} {moment:%b}"
    return day if slice_s >= DAY_S else f"{day} {moment:%H:%M}"


class TimeChart(PlotextPlot, can_focus=True):
    """Journeys by the time they begin, those that reach their goal, those that fail. Enter opens those of a slice."""

    BINDINGS: ClassVar[list[BindingType]] = list(CHART)

    class Opened(Message):
        """The journeys of a slice are wanted."""

        def __init__(self, row: Document, slice_s: int) -> None:
            super().__init__()
            self.row = row
            self.slice_s = slice_s

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows: list[Document] = []
        self.slice_s = 0
        self.cursor = 0

    def show(self, over_time: Document) -> None:
        """Other counts; the cursor stays where it was."""
        self.rows = [row for row in over_time.get("rows") or [] if isinstance(row, dict)]
        self.slice_s = int(number_of(over_time.get("slice_s")))
        self.cursor = max(0, min(self.cursor, len(self.rows) - 1))
        self.refresh()

    @property
    def pen(self) -> Pen:
        return cast(Pen, getattr(self.app, "pen", Pen()))

    def render(self) -> Text:
        width, height = self.size
        title = Text(no_wrap=True, overflow="crop")
        if not self.rows or height < 5 or width < 24:
            return title
        ascii = self.pen.ascii
        plot: Any = self.plt
        plot.clear_figure()
        plot.theme("clear")
        plot.plotsize(width, height - 2)
        plot._set_size(width, height - 2)  # textual-plotext does the same: plotsize alone is not enough (its issue 5)
        places = list(range(len(self.rows)))
        counts, good, bad = ([number_of(row.get(key)) for row in self.rows] for key in ("journeys", "good", "bad"))
        solid, shade = ("#", "+") if ascii else ("hd", "▒")
        # A slice is as wide as it is long: a line from slice to slice would show journeys that there are not.
        edges = [edge for place in places for edge in (place, place + ALMOST)]
        plot.plot(edges, _twice(counts), marker=solid, fillx=True, color=self._colour("soft-customer"))
        if any(good):
            plot.plot(edges, _twice(good), marker=shade, fillx=True, color=self._colour("good"))
        failing = [place for place in places if bad[place]]
        if failing:
            sign = "X" if ascii else "✖"
            plot.scatter(
                [place + ALMOST / 2 for place in failing],
                [bad[place] for place in failing],
                marker=sign,
                color=self._colour("bad"),
            )
        if self.has_focus:
            plot.vertical_line(self.cursor + ALMOST / 2, color=self._colour("accent"))
        top = max(1.0, *counts)
        plot.ylim(0, top)
        plot.xlim(0, len(places))
        parts = 4 if height >= TALL and top >= 8 else 2 if top >= 2 else 1
        ticks = [top * part / parts for part in range(parts + 1)]
        plot.yticks(ticks, [f"{n:,.0f}" for n in ticks])
        plot.xticks([])
        plot.xaxes(False, False)
        plot.yaxes(True, False)
        drawn = plot.build()
        title.append_text(self._title())
        title.append("\n")
        title.append_text(Text.from_ansi((drawn.translate(TO_ASCII) if ascii else drawn).rstrip("\n")))
        title.append("\n" + self._labels(width, len(f"{top:,.0f}") + 1))
        return title

    def _labels(self, width: int, left: int) -> str:
        """Where in time the slices are. Written here: which of its labels plotext leaves out differs from run to run."""
        line = " " * left
        for place, row in enumerate(self.rows):
            column = left + place * (width - left) // len(self.rows)
            words = say_slice(row, self.slice_s)
            if (not place or column >= len(line) + 4) and column + len(words) < width:
                line = line.ljust(column) + words
        return line

    def _title(self) -> Text:
        """What is drawn; with the focus, what stands under the cursor."""
        pen, ascii = self.pen, self.pen.ascii
        row = self.rows[self.cursor]
        if self.has_focus:
            n, good, bad = (int(number_of(row.get(key))) for key in ("journeys", "good", "bad"))
            words = f" {pen.signs.pointer} {say_slice(row, self.slice_s)}: {n:,} begin, {good:,} reach their goal, {bad:,} fail"
            return Text(words, mix_ink("accent", self.app.theme_variables, self.background_colors[1]))
        text = Text(" ")
        for sign, words, ink in (
            ("#" if ascii else "█", "journeys begun", "soft-customer"), ("+" if ascii else "▒", "reach their goal", "good"),
            ("X" if ascii else "✖", "fail", "bad"),
        ):  # fmt: skip
            text.append(f"{sign} ", mix_ink(ink, self.app.theme_variables, self.background_colors[1]))
            text.append(f"{words}   ", mix_ink("dim", self.app.theme_variables, self.background_colors[1]))
        return text

    def _colour(self, ink: str) -> Any:
        """A colour as plotext wants it; palettes of the terminal by number."""
        colour = mix_ink(ink, self.app.theme_variables, self.background_colors[1]).color
        if colour is None or (colour.triplet is None and colour.number is None):
            return "default"
        return tuple(colour.triplet) if colour.triplet else colour.number

    # --- the cursor

    def action_slice(self, direction: int) -> None:
        self._point(self.cursor + direction)

    def action_slice_to(self, end: int) -> None:
        self._point(0 if end == 0 else len(self.rows) - 1)

    def _point(self, place: int) -> None:
        self.cursor = max(0, min(place, len(self.rows) - 1))
        self.refresh()

    def action_open(self) -> None:
        if self.rows:
            self.post_message(self.Opened(self.rows[self.cursor], self.slice_s))

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self, event: ui_events.Click) -> None:
        """To the slice under the pointer; axis labels take the cells at the left."""
        left = len(f"{max((number_of(row.get('journeys')) for row in self.rows), default=0):,.0f}") + 1
        share = (event.x - left) / max(1, self.size.width - left - 1)
        self._point(round(share * (len(self.rows) - 1)))
