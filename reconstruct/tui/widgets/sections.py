"""A table whose rows stand under lines of their own."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.binding import BindingType
from textual.strip import Strip

from reconstruct.journeys.moments import text_of
from reconstruct.tui.bindings import DOORS, MOVE
from reconstruct.tui.reader import Document
from reconstruct.tui.widgets.table import FactTable


def section(words: str, ink: str = "section") -> Document:
    """A line over rows; clean text."""
    return {"section": words, "ink": ink}


class SectionTable(FactTable):
    """Rows made by ``section`` go over all columns."""

    BINDINGS: ClassVar[list[BindingType]] = [*MOVE, *DOORS]

    about: Document | None = None
    """what the rows are about, where they are of one thing"""

    def draw_row(self, row: Document, width: int, lit: str, *, is_marked: bool) -> Strip:
        if "section" not in row:
            return super().draw_row(row, width, lit, is_marked=is_marked)
        words = self.pen.cut(text_of(row["section"]), width - 2)
        line = [
            Segment(self.pen.signs.pointer if lit else " ", self.ink_on(lit, "accent")),
            Segment(words, self.ink_on(lit, text_of(row["ink"]))),
        ]
        return Strip(line).adjust_cell_length(width, self.ink_on(lit, ""))

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
