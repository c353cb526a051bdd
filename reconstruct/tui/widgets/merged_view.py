"""The lines of all logs around one of them, in the order of corrected time: the journey's lit, its neighbours dim."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from reconstruct.journeys.axis import say_duration
from reconstruct.tui.inks import N_SERVICE_INKS
from reconstruct.tui.reader import TimedLine
from reconstruct.tui.widgets.detail import Position
from reconstruct.tui.widgets.paint import Row
from reconstruct.tui.widgets.raw_view import Stretch, place_cells, say_clock_ms

EDGE = 40
"""Lines from the end at which more are fetched, before the cursor gets there."""
PAUSE_NS = 5_000_000_000
"""A pause in all logs that is at least this long is said: nothing happened anywhere."""


class MergedLines(Stretch[TimedLine]):
    """A stretch of all logs; each file has a colour of its own."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lit: Collection[Position] = ()
        self.paths: Mapping[int, str] = {}

    def show(
        self, lines: Sequence[TimedLine], lit: Collection[Position], paths: Mapping[int, str], at: Position, *, row: int
    ) -> None:
        """Another stretch, with the cursor on a line of it.

        Args:
            lines: In time order.
            lit: Entries of the journey.
            paths: Of the sources.
            at: (source, line) the cursor goes to.
            row: Where on screen that line is to be; below 0 for the middle.
        """
        self.lines, self.lit, self.paths = lines, lit, paths
        self.cursor = next((i for i, line in enumerate(lines) if (line.source, line.line) == at), 0)
        self.lines_changed()
        wanted = row if row >= 0 else self.size.height // 2
        self.call_after_refresh(self._place, wanted)

    def _place(self, row: int) -> None:
        self.scroll_to(y=max(0, self.cursor - row), animate=False, immediate=True)

    @property
    def row_on_screen(self) -> int:
        """Where the cursor's line is on screen."""
        return self.cursor - round(self.scroll_y)

    @property
    def wants_more(self) -> Position | None:
        """The entry to fetch more around, when the cursor is near an end."""
        if not self.lines or EDGE <= self.cursor < self.n_lines - EDGE:
            return None
        line = self.lines[self.cursor]
        return line.source, line.entry

    def is_lit(self, index: int) -> bool:
        line = self.lines[index]
        return (line.source, line.entry) in self.lit

    def draw(self, index: int, row: Row) -> None:
        line = self.lines[index]
        lit = self.is_lit(index)
        row.put(0, self.pen.signs.pointer if lit else " ", self.ink("accent"))
        column = row.put(
            1, say_clock_ms(line.at_ns) if line.is_entry_start else " " * 12, self.ink("text" if lit else "faint")
        )
        cells = place_cells(row.width)
        number = f":{line.line}"
        path = self.pen.clean(self.paths.get(line.source, f"source {line.source}"))
        name = self.pen.fit(self.pen.cut_middle(path, cells - len(number)) + number, cells)
        soft = "" if lit else "soft-"
        row.put(column + 1, name, self.ink(f"{soft}service-{line.source % N_SERVICE_INKS}"))
        self.put_text(row, column + cells + 2, line.text, "strong" if lit else "dim", self.query_text)
        before = self.lines[index - 1] if index else line
        pause = line.at_ns - before.at_ns
        if pause >= PAUSE_NS and line.is_entry_start:
            words = f" {self.pen.signs.dots}{say_duration(pause)} "
            row.put(row.width - len(words), words, self.ink("gap"))
