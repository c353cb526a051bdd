"""Above a filter being typed: what could stand at the cursor, filters used before, and where it is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.style import Style
from textual.strip import Strip

from reconstruct.tui.widgets.paint import Inked, Row

SHOWN = 8
"""Suggestions on screen: a glance."""
TEXT_CELLS = 34


class Suggestion(NamedTuple):
    """Text to put in the place of ``[start, end)`` of the filter, and what it means."""

    text: str
    start: int
    end: int
    help: str


class Suggestions(Inked):
    """As high as what it has to say; nothing when there is nothing."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.entries: list[Suggestion] = []
        self.lit = -1
        """the one chosen; -1: none yet"""
        self.error = ""
        self.caret = 0
        """cell of the screen under which the error is"""

    def on_mount(self) -> None:
        self.show([])

    def show(self, entries: Sequence[Suggestion], error: str = "", caret: int = 0) -> None:
        """Other suggestions, or another error."""
        self.entries = list(entries[:SHOWN])
        self.lit, self.error, self.caret = -1, error, caret
        self.styles.height = len(self.entries) + 2 * bool(error)
        self.display = bool(self.entries or error)
        self.refresh()

    def move(self, direction: int) -> None:
        """Light the next one; past the last is none."""
        self.lit = (self.lit + 1 + direction) % (len(self.entries) + 1) - 1
        self.refresh()

    @property
    def chosen(self) -> Suggestion | None:
        """The lit one; the first when none is."""
        return self.entries[max(0, self.lit)] if self.entries else None

    def draw_line(self, y: int) -> Strip:
        row = Row(self.size.width)
        pen = self.pen
        if y == len(self.entries):
            row.put(2, pen.cut(pen.clean(self.error), row.width - 4), self.ink("bad"))
            return row.strip()
        if y > len(self.entries):
            row.put(max(0, min(self.caret, row.width - 2)), pen.signs.down, self.ink("bad"))
            return row.strip()
        entry = self.entries[y]
        base = self.ink("cursor") if y == self.lit else Style.null()
        click = Style(meta={"@click": f"screen.take_suggestion({y})"})
        row.tint(0, row.width, base + click)
        row.put(2, pen.signs.pointer if y == self.lit else " ", base + click + self.ink("accent"))
        cells = min(TEXT_CELLS, max(12, row.width // 2)) if entry.help else row.width - 6
        row.put(4, pen.cut(pen.clean(entry.text, 400), cells), base + click + self.ink("key"))
        row.put(
            4 + cells + 2, pen.cut(pen.clean(entry.help, 200), row.width - cells - 8), base + click + self.ink("dim")
        )
        return row.strip()
