"""What every view has: the bar of views above, progress while reading, its body, the strip of keys below."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events as ui_events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from reconstruct.tui.bindings import remap
from reconstruct.tui.messages import Remark
from reconstruct.tui.widgets.paint import Inked, Row
from reconstruct.tui.widgets.strips import KeyStrip, ProgressStrip, SummaryBar

if TYPE_CHECKING:
    from reconstruct.tui.app import ReconstructApp

LEAST_WIDTH = 40
LEAST_HEIGHT = 10
"""Below this nothing useful fits."""
BROAD = 220
"""Columns from which a list and what is said of its row stand side by side: either has room enough."""


class TooSmall(Inked):
    """Said instead of a view when the terminal is too small for it."""

    def draw_line(self, y: int) -> Strip:
        size = self.app.size
        words = ["Terminal too small", f"{size.width}×{size.height}, needs {LEAST_WIDTH}×{LEAST_HEIGHT}", "q quits"]
        row = Row(self.size.width)
        top = max(0, (self.size.height - len(words)) // 2)
        if 0 <= y - top < len(words):
            text = self.pen.cut(self.pen.clean(words[y - top]), row.width)
            row.put((row.width - len(text)) // 2, text, self.ink("warn" if y == top else "dim"))
        return row.strip()


class View(Screen[None]):
    """A numbered view. Subclasses give the body and say what changes with the results and with the journey."""

    NAME: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = []

    def compose(self) -> ComposeResult:
        yield SummaryBar(self.NAME)
        yield ProgressStrip()
        with Vertical(id="body"):
            yield from self.body()
        yield KeyStrip()
        yield TooSmall()

    def body(self) -> Iterable[Widget]:
        """The widgets of this view."""
        raise NotImplementedError

    @property
    def reconstruct(self) -> ReconstructApp:
        return cast("ReconstructApp", self.app)

    # --- told by the app

    def results_changed(self) -> None:
        """The reader has other results."""

    def journey_changed(self) -> None:
        """Another journey is open, or the same one with more known."""

    def progress_changed(self) -> None:
        """Reading went on."""
        if not self.query(ProgressStrip):
            return  # just switched to: it asks again when it is there
        reader = self.reconstruct.reader
        self.query_one(ProgressStrip).show(reader.progress(), reader.following())
        self.query_one(SummaryBar).show(self.reconstruct.summary)

    # --- conduct

    def on_mount(self) -> None:
        self.progress_changed()
        self.fit()

    def on_screen_resume(self) -> None:
        self.progress_changed()
        self.results_changed()
        self.journey_changed()
        self.show_keys()

    def on_resize(self, _event: ui_events.Resize) -> None:
        self.fit()

    def fit(self) -> None:
        """Say so when the terminal is too small; choose the arrangement for its shape."""
        size = self.app.size
        self.set_class(size.width < LEAST_WIDTH or size.height < LEAST_HEIGHT, "-small")
        self.set_class(size.width >= 120, "-wide")
        self.set_class(size.width >= BROAD, "-broad")
        self.set_class(size.height < 30, "-low")

    def on_descendant_focus(self) -> None:
        self.show_keys()

    def action_toggle_detail(self) -> None:
        """Hide or show the detail pane, where there is one."""
        self.toggle_class("-no-detail")

    def on_remark(self, event: Remark) -> None:
        self.query_one(KeyStrip).remark(event.words)

    def show_keys(self) -> None:
        """The keys of the focused pane, then those that work everywhere."""
        focused = self.focused
        bindings: list[Binding] = []
        for node in [*([focused] if focused else []), self, self.app]:
            given = [binding for binding in type(node).BINDINGS if isinstance(binding, Binding)]
            bindings += [binding for binding in remap(given, self.reconstruct.keymap) if binding.key]
        if not self.query("#detail"):
            bindings = [binding for binding in bindings if binding.id != "detail.toggle"]
        self.query_one(KeyStrip).show(bindings)
