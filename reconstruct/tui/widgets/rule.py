"""A line between two panes, with a caption."""

from __future__ import annotations

from textual.strip import Strip

from reconstruct.tui.sanitise import measure
from reconstruct.tui.widgets.paint import Inked, Row


class Rule(Inked):
    """Says what is below it."""

    def __init__(self, words: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.words = words
        self.state = ""

    def say(self, words: str, state: str = "") -> None:
        """Another caption on the left, another state on the right (clean text)."""
        if (words, state) != (self.words, self.state):
            self.words, self.state = words, state
            self.refresh()

    def draw_line(self, y: int) -> Strip:
        row = Row(self.size.width)
        row.put(0, self.pen.signs.rule * row.width, self.ink("faint"))
        if self.words:
            row.put(2, f" {self.pen.cut(self.words, row.width - 6)} ", self.ink("section"))
        if self.state:
            row.put(row.width - measure(self.state) - 4, f" {self.state} ", self.ink("dim"))
        return row.strip()
