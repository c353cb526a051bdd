"""Text on a scrolling sheet: paragraphs of inked spans, wrapped to the width, some of them doors to elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from textual import events as ui_events
from textual.binding import BindingType
from textual.strip import Strip

from reconstruct.tui.bindings import MOVE
from reconstruct.tui.sanitise import measure, wrap
from reconstruct.tui.widgets.paint import Line, LineView, Span


@dataclass(slots=True)
class Paragraph:
    """Spans that belong on one line; continued below with an indent when they do not fit."""

    spans: Line = field(default_factory=list)
    indent: int = 0


def flow(paragraph: Paragraph, width: int) -> list[Line]:
    """A paragraph as lines of at most ``width`` cells, broken at blanks."""
    lines: list[Line] = [[]]
    column = 0
    indent = min(paragraph.indent, max(0, width - 8))
    for text, ink in paragraph.spans:
        if column + measure(text) <= width:
            lines[-1].append(Span(text, ink))
            column += measure(text)
            continue
        first = width - column
        head, rest = _split(text, first, force=column == 0) if first > 4 else ("", text)
        if head:
            lines[-1].append(Span(head, ink))
        for piece in wrap(rest.lstrip(" "), width - indent):
            lines.append([Span(" " * indent), Span(piece, ink)])
            column = indent + measure(piece)
    return lines


def _split(text: str, cells: int, *, force: bool) -> tuple[str, str]:
    """As many whole words as fit, and the rest; part of a word only when forced."""
    leading = len(text) - len(text.lstrip(" "))
    head = wrap(text[leading:], cells - leading)[0]
    blank = text.find(" ", leading)
    if not force and (blank < 0 or len(head) < len(text[leading:blank])):
        return "", text
    return " " * leading + head, text[leading + len(head) :]


class Sheet(LineView):
    """Shows what ``write`` gives for a width."""

    BINDINGS: ClassVar[list[BindingType]] = list(MOVE)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.write: Callable[[int], Sequence[Paragraph]] = lambda width: []
        self.lines: list[Line] = []
        self.width = 0
        """what the lines were made for"""

    def show(self, write: Callable[[int], Sequence[Paragraph]], *, keep_place: bool = False) -> None:
        """Other content."""
        self.write = write
        if not keep_place:
            self.scroll_to(y=0, animate=False, immediate=True)
        self._flow()

    def on_resize(self, _event: ui_events.Resize) -> None:
        if self.size.width != self.width:
            self._flow()

    def _flow(self) -> None:
        self.width = self.size.width
        if not self.width:
            return  # not laid out yet; its first size comes with an event
        width = max(8, self.width - 2)
        self.lines = [line for paragraph in self.write(width) for line in flow(paragraph, width)]
        self.resize_content(self.size.width, len(self.lines))
        self.refresh()

    def draw_line(self, y: int) -> Strip:
        index = y + round(self.scroll_y)
        width = self.size.width
        if index >= len(self.lines):
            return Strip.blank(width)
        return self.line_of([Span(" "), *self.lines[index]], width)

    def action_move(self, rows: int) -> None:
        self.scroll_relative(y=rows, animate=False, immediate=True)

    def action_move_page(self, pages: float) -> None:
        self.scroll_relative(y=int(pages * self.size.height), animate=False, immediate=True)

    def action_move_to(self, end: int) -> None:
        self.scroll_to(y=0 if end == 0 else len(self.lines), animate=False, immediate=True)
