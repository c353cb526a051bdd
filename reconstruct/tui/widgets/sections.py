"""A table whose rows stand under lines of their own."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.strip import Strip

from reconstruct.journeys.moments import text_of
from reconstruct.tui.bindings import COMPARE, MOVE
from reconstruct.tui.reader import Document
from reconstruct.tui.widgets.paint import Row
from reconstruct.tui.widgets.table import FactTable


def section(words: str, ink: str = "section") -> Document:
    """A line over rows; clean text."""
    return {"section": words, "ink": ink}


class SectionTable(FactTable):
    """Rows made by ``section`` go over all columns."""

    BINDINGS: ClassVar[list[BindingType]] = [*MOVE, *COMPARE]

    def draw_line(self, y: int) -> Strip:
        index = y - self.HEADING + round(self.scroll_y)
        if y < self.HEADING or index >= self.row_count or "section" not in self.rows[index]:
            return super().draw_line(y)
        found = self.rows[index]
        row = Row(self.size.width)
        if index == self.cursor:
            row = Row(self.size.width, self.ink("cursor" if self.has_focus else "current"))
            row.put(0, self.pen.signs.pointer, self.ink("accent"))
        row.put(1, self.pen.cut(text_of(found["section"]), row.width - 2), self.ink(text_of(found["ink"])))
        return row.strip()

    def action_move(self, rows: int) -> None:
        """Sections are passed by; above the first row the one over it is still shown."""
        place, step = self.cursor + rows, 1 if rows > 0 else -1
        while 0 <= place < self.row_count and "section" in self.rows[place]:
            place += step
        if 0 <= place < self.row_count:
            self.point(place)
        elif place < 0:
            self.scroll_to(y=0, animate=False, immediate=True)

    def point_first(self) -> None:
        """Put the cursor on the first row that is no section."""
        first = next((place for place, row in enumerate(self.rows) if "section" not in row), 0)
        self.scroll_to(y=0, animate=False, immediate=True)
        self.point(first)
