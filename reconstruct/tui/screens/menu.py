"""A small menu over a view: one letter, one choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events as ui_events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.strip import Strip

from reconstruct.tui.widgets.paint import Inked, Row


class Choices(Inked):
    """The lines of the menu."""

    def __init__(self, title: str, choices: Sequence[tuple[str, str, str]], current: str) -> None:
        super().__init__()
        self.title = title
        self.choices = choices
        self.current = current

    def draw_line(self, y: int) -> Strip:
        row = Row(self.size.width)
        if y == 0:
            row.put(1, self.title, self.ink("title"))
        elif y <= len(self.choices):
            letter, words, value = self.choices[y - 1]
            row.put(1, letter, self.ink("key"))
            row.put(4, words, self.ink("strong" if value == self.current else "text"))
        return row.strip()


class Menu(ModalScreen[str | None]):
    """Dismissed with the value chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close", id="menu.close"),
    ]

    def __init__(self, title: str, choices: Sequence[tuple[str, str, str]], current: str) -> None:
        super().__init__()
        self.choices = choices
        self.lines = Choices(title, choices, current)

    def compose(self) -> ComposeResult:
        frame = 2  # border
        air = 2  # padding
        widest = max([len(self.lines.title), *(len(words) + 4 for _, words, _ in self.choices)])
        self.lines.styles.height = len(self.choices) + 1 + frame
        self.lines.styles.width = widest + 2 + air + frame
        yield self.lines

    def on_key(self, event: ui_events.Key) -> None:
        for letter, _, value in self.choices:
            if event.character == letter:
                event.stop()
                self.dismiss(value)
