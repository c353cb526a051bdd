"""The pages of a view that has several, on one line: the one on screen is lit, each can be clicked."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from textual.strip import Strip

from reconstruct.tui.widgets.paint import Inked, Row


class PageStrip(Inked):
    """The pages of the view, and what they are about."""

    def __init__(self, pages: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.pages = pages
        self.page = pages[0][0]
        self.words = ""

    def show(self, page: str, words: str) -> None:
        """Another page, or other words."""
        if (page, words) != (self.page, self.words):
            self.page, self.words = page, words
            self.refresh()

    def draw_line(self, y: int) -> Strip:
        row = Row(self.size.width)
        column = 1
        for name, title in self.pages:
            click = Style(meta={"@click": f"screen.show_page({name!r})"})
            column = row.put(column, f" {title} ", self.ink("current" if name == self.page else "dim") + click) + 1
            if name == self.page:
                row.tint(column - len(title) - 2, column - 2, self.ink("strong"))
        words = self.pen.cut(self.words, row.width - column - 3)
        row.put(row.width - len(words) - 1, words, self.ink("dim"))
        return row.strip()
