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
        Binding("tab", "complete", "Complete", id="prompt.complete", priority=True),
        Binding("down", "suggest(1)", "Next suggestion", id="prompt.next"),
        Binding("up", "suggest(-1)", "Previous suggestion", id="prompt.previous"),
    ]

    class Answered(Message):
        """Enter."""

        def __init__(self, purpose: str, text: str) -> None:
            super().__init__()
            self.purpose = purpose
            self.text = text

    class Left(Message):
        """Escape."""

    class Suggested(Message):
        """A suggestion is to be lit (``direction`` 1 or -1), or taken (0)."""

        def __init__(self, direction: int) -> None:
            super().__init__()
            self.direction = direction

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

    @property
    def cursor(self) -> int:
        """Where in the text the cursor is."""
        return self.query_one(Input).cursor_position

    def column_of(self, place: int) -> int:
        """The cell of the box's row in which a character of the text stands."""
        box = self.query_one(Input)
        return box.region.x - self.region.x + max(0, place - round(box.scroll_x))

    def put(self, text: str, start: int, end: int) -> None:
        """Write in the place of ``[start, end)``."""
        box = self.query_one(Input)
        box.value = box.value[:start] + text + box.value[end:]
        box.cursor_position = start + len(text)

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

    def action_complete(self) -> None:
        self.post_message(self.Suggested(0))

    def action_suggest(self, direction: int) -> None:
        self.post_message(self.Suggested(direction))

    def action_leave(self) -> None:
        self.is_open = False
        self.display = bool(self.value) and self.purpose == "filter"
        self.post_message(self.Left())

    def on_descendant_blur(self, _event: ui_events.DescendantBlur) -> None:
        self.is_open = False
