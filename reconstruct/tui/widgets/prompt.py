"""The one-line box for filters and searches; hidden until asked for."""

from __future__ import annotations

from typing import ClassVar

from textual import events as ui_events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Input

from reconstruct.tui.widgets.paint import Inked, Row


class Caption(Inked):
    """What the box is for."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.words = ""

    def say(self, words: str) -> None:
        """Other words, and just the room they need."""
        self.words = words
        self.styles.width = len(words) + 2 if words else 0
        self.refresh()

    def draw_line(self, y: int) -> Strip:
        row = Row(self.size.width)
        row.put(1, self.words, self.ink("key"))
        return row.strip()


class Prompt(Horizontal):
    """Asks for a line of text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave the box", id="prompt.leave", priority=True),
    ]

    class Answered(Message):
        """Enter."""

        def __init__(self, purpose: str, text: str) -> None:
            super().__init__()
            self.purpose = purpose
            self.text = text

    class Left(Message):
        """Escape."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.purpose = ""
        self.is_open = False

    def compose(self) -> ComposeResult:
        yield Caption()
        yield Input(compact=True, select_on_focus=False)
        yield Caption(id="answer")

    def on_mount(self) -> None:
        self.display = False

    def say(self, words: str) -> None:
        """What the text gives, at the right."""
        self.query_one("#answer", Caption).say(words)

    @property
    def value(self) -> str:
        return self.query_one(Input).value

    def ask(self, purpose: str, text: str = "") -> None:
        """Open the box."""
        self.purpose = purpose
        self.is_open = True
        self.query_one(Caption).say(purpose)
        self.say("")
        self.display = True
        box = self.query_one(Input)
        box.disabled = False
        with box.prevent(Input.Changed):
            box.value = text
        box.cursor_position = len(text)
        box.focus()

    def remember(self, purpose: str, text: str) -> None:
        """Leave a filter that is in force readable; hide the box when there is none."""
        self.purpose = purpose
        self.is_open = False
        box = self.query_one(Input)
        with box.prevent(Input.Changed):
            box.value = text
        self.query_one(Caption).say(purpose)
        self.display = bool(text)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.is_open = False
        self.post_message(self.Answered(self.purpose, event.value))

    def action_leave(self) -> None:
        self.is_open = False
        self.display = bool(self.value) and self.purpose == "filter"
        self.post_message(self.Left())

    def on_descendant_blur(self, _event: ui_events.DescendantBlur) -> None:
        self.is_open = False
