"""A small menu over a view: one letter, one choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from string import ascii_lowercase, digits
from typing import ClassVar

from textual import events as ui_events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.strip import Strip

from reconstruct.tui.widgets.paint import Inked, Row


def letters_for(names: Sequence[str], kept: str = "q") -> list[tuple[str, str]]:
    """A letter for each name: of its own where there is one free, else the next of the alphabet; none when all are given.

    >>> letters_for(["order", "offer"])
    [('o', 'order'), ('f', 'offer')]
    """
    taken, found = set(kept), []
    for name in names:
        wanted = [*filter(str.isascii, filter(str.isalnum, name.lower())), *ascii_lowercase, *digits]
        letter = next((each for each in wanted if each not in taken), "")
        taken.add(letter)
        found.append((letter, name))
    return found


class Choices(Inked):
    """The lines of the menu. One is lit: arrows move it, Enter takes it."""

    def __init__(self, title: str, choices: Sequence[tuple[str, str, str]], current: str) -> None:
        super().__init__()
        self.title = title
        self.choices = choices
        self.current = current
        self.lit = next((place for place, choice in enumerate(choices) if choice[2] == current), 0)

    def draw_line(self, y: int) -> Strip:
        row = Row(self.size.width)
        if y == 0:
            row.put(1, self.title, self.ink("title"))
        elif y <= len(self.choices):
            letter, words, value = self.choices[y - 1]
            row.put(0, self.pen.signs.pointer if y - 1 == self.lit else " ", self.ink("accent"))
            row.put(1, letter, self.ink("key"))
            row.put(4, words, self.ink("strong" if value == self.current else "text"))
            if y - 1 == self.lit:
                row.tint(0, row.width, self.ink("current"))
        return row.strip()


class Menu(ModalScreen[str | None]):
    """Dismissed with the value chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close", id="menu.close"),
        Binding("down", "light(1)", "Down", id="menu.down"),
        Binding("up", "light(-1)", "Up", id="menu.up"),
        Binding("enter", "take", "Choose", id="menu.take"),
    ]

    def __init__(self, title: str, choices: Sequence[tuple[str, str, str]], current: str) -> None:
        super().__init__()
        self.choices = choices
        self.lines = Choices(title, choices, current)

    def compose(self) -> ComposeResult:
        frame = 2  # border
        air = 2  # padding
        widest = max([len(self.lines.title) + 1, *(len(words) + 4 for _, words, _ in self.choices)])
        self.lines.styles.height = len(self.choices) + 1 + frame
        self.lines.styles.width = widest + 2 + air + frame
        yield self.lines

    def choose(self, value: str) -> None:
        """A line was taken."""
        self.dismiss(value)

    def action_light(self, direction: int) -> None:
        self.lines.lit = (self.lines.lit + direction) % max(1, len(self.choices))
        self.lines.refresh()

    def action_take(self) -> None:
        if self.choices:
            self.choose(self.choices[self.lines.lit][2])

    def on_click(self, event: ui_events.Click) -> None:
        """A click on a line chooses it, one beside the menu closes it."""
        box = self.lines.content_region
        place = event.screen_y - box.y - 1
        inside = box.contains(event.screen_x, event.screen_y)
        if inside and 0 <= place < len(self.choices):
            self.choose(self.choices[place][2])
        elif not self.lines.region.contains(event.screen_x, event.screen_y):
            self.dismiss(None)

    def on_key(self, event: ui_events.Key) -> None:
        for letter, _, value in self.choices:
            if event.character == letter:
                event.stop()
                self.choose(value)
                return


class Toggles(Menu):
    """Each letter switches something off or on; closed by Esc."""

    def __init__(
        self, title: str, choices: Sequence[tuple[str, str, str]], hidden: set[str], changed: Callable[[], None]
    ) -> None:
        super().__init__(title, choices, "")
        self.hidden = hidden
        self.changed = changed
        self.words = choices
        self._mark()

    def _mark(self) -> None:
        signs = [f"[{' ' if value in self.hidden else 'x'}] {words}" for _, words, value in self.words]
        self.lines.choices = self.choices = [
            (letter, sign, value) for (letter, _, value), sign in zip(self.words, signs, strict=True)
        ]
        self.lines.refresh()

    def choose(self, value: str) -> None:
        self.hidden ^= {value}
        self._mark()
        self.changed()
