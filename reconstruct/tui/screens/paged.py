"""A view that has several pages, of which one is on screen."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from reconstruct.tui.bindings import PAGED
from reconstruct.tui.screens.view import View


class PagedView(View):
    """Subclasses name their pages, the first of which is shown first, and show ``page``."""

    PAGES: ClassVar[tuple[tuple[str, str], ...]]
    """(name, title) of each"""
    BINDINGS: ClassVar[list[BindingType]] = list(PAGED)

    def __init__(self) -> None:
        super().__init__()
        self.page = self.PAGES[0][0]

    def action_page(self, direction: int) -> None:
        names = [name for name, _ in self.PAGES]
        self.action_show_page(names[(names.index(self.page) + direction) % len(names)])

    def action_show_page(self, name: str) -> None:
        if name in dict(self.PAGES):
            self.page = name
        self.page_changed()

    def page_changed(self) -> None:
        """Show the page."""
        raise NotImplementedError
