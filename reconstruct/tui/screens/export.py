"""``x``: what to write and where to. The suffix of the name says what; nothing is replaced without being asked twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Input

from reconstruct.journeys.moments import text_of
from reconstruct.tui.fetch import start
from reconstruct.tui.portrait import Look, to_html, to_svg
from reconstruct.tui.widgets.paint import Inked, Row
from reconstruct.tui.writing import (
    JOURNEY_KINDS,
    LIST_SUFFIX,
    Kind,
    free_path,
    journey_json,
    kind_of,
    list_lines,
    write_texts,
)

if TYPE_CHECKING:
    from reconstruct.tui.app import ReconstructApp

SUFFIX_CELLS = 8


class Chosen(NamedTuple):
    """What the dialog answers."""

    kind: Kind
    path: Path
    replace: bool


class Kinds(Inked):
    """The kinds of file, the chosen one lit; what is wrong with the name, if anything."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        super().__init__()
        self.kinds = kinds
        self.kind: Kind | None = None
        self.trouble = ""
        self.styles.height = len(kinds) + 3

    def draw_line(self, y: int) -> Strip:
        row = Row(self.size.width)
        if y == 0:
            row.put(0, "Export", self.ink("title"))
        elif y <= len(self.kinds):
            kind = self.kinds[y - 1]
            chosen = kind is self.kind
            row.put(0, self.pen.signs.pointer if chosen else " ", self.ink("accent"))
            row.put(2, kind.suffix, self.ink("key" if chosen else "dim"))
            row.put(2 + SUFFIX_CELLS, self.pen.clean(kind.words), self.ink("strong" if chosen else "text"))
        elif y == len(self.kinds) + 1:
            words = self.trouble or "up, down: what   Enter: write   Esc: leave"
            row.put(0, self.pen.cut(self.pen.clean(words), row.width), self.ink("warn" if self.trouble else "dim"))
        return row.strip()


class ExportDialog(ModalScreen[Chosen | None]):
    """Asks for a path; arrows change the kind and with it the suffix."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", id="export.close", priority=True),
        Binding("down,tab", "kind(1)", "Another kind of file", id="export.next", priority=True),
        Binding("up,shift+tab", "kind(-1)", "Another kind of file", id="export.previous", priority=True),
    ]

    def __init__(self, kinds: Sequence[Kind], stems: Callable[[Kind], str]) -> None:
        super().__init__()
        self.kinds = kinds
        self.stems = stems
        self.suggested = ""
        self.asked_twice = ""
        """a path that is taken and was said to be"""

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Kinds(self.kinds)
            yield Input(compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        self._suggest(self.kinds[0])
        self.query_one(Input).focus()

    def _suggest(self, kind: Kind) -> None:
        """The name for a kind: the suggested one, or what the user made of it with another suffix."""
        box = self.query_one(Input)
        if box.value == self.suggested:
            box.value = self.suggested = str(free_path(Path.cwd(), self.stems(kind), kind.suffix))
        else:
            box.value = str(Path(box.value).with_suffix(kind.suffix)) if box.value else ""
        box.cursor_position = len(box.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._say("", kind_of(Path(event.value), self.kinds))

    def _say(self, trouble: str, kind: Kind | None) -> None:
        shown = self.query_one(Kinds)
        shown.trouble, shown.kind = trouble, kind
        shown.refresh()

    def action_kind(self, direction: int) -> None:
        current = kind_of(Path(self.query_one(Input).value), self.kinds)
        place = self.kinds.index(current) if current else -direction if direction < 0 else -1
        self._suggest(self.kinds[(place + direction) % len(self.kinds)])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        path = Path(text).expanduser() if text else Path()
        kind = kind_of(path, self.kinds)
        if not text or kind is None:
            self._say(f"The name must end in {', '.join(each.suffix for each in self.kinds)}", kind)
        elif path.is_dir():
            self._say("This is a directory: add a name", kind)
        elif not path.parent.is_dir():
            self._say(f"No such directory: {path.parent}", kind)
        elif path.exists() and self.asked_twice != text:
            self.asked_twice = text
            self._say("There is such a file: Enter again replaces it", kind)
        else:
            self.dismiss(Chosen(kind, path, path.exists()))


def open_export(app: ReconstructApp) -> None:
    """Ask what of the journey on screen, or of the list, is to be written, and write it."""
    from reconstruct.tui.screens.journeys import JourneysView

    view = app.view
    listed = view.table if isinstance(view, JourneysView) else None
    id = listed.pointed_id if listed else app.journey_id
    kinds = list(JOURNEY_KINDS) if id else []
    if listed:
        kinds.append(Kind(LIST_SUFFIX, "all journeys of this list, one JSON document a line"))
    if not kinds:
        app.notify("No journey is open", severity="warning", markup=False)
        return

    def chosen(answer: Chosen | None) -> None:
        if answer is None:
            return
        if answer.kind.suffix == LIST_SUFFIX and listed:
            start(app, "export", _write_list, app, answer, listed.filter_text, listed.order_by, listed.descending)
        elif id:
            start(app, "export", _write_journey, app, answer, id)

    stem = f"journey-{id}"
    app.push_screen(ExportDialog(kinds, lambda kind: "journeys" if kind.suffix == LIST_SUFFIX else stem), chosen)


def _look(app: ReconstructApp) -> Look:
    """As the timeline view has it, if it was ever opened."""
    from reconstruct.tui.screens.timeline import TimelineView

    view = app.get_screen("timeline")
    timeline = view.timeline if isinstance(view, TimelineView) and view.is_mounted else None
    width = app.size.width
    if timeline is None or timeline.story is not app.story:
        return Look("compressed", "user", False, frozenset(), width, app.theme_variables)
    folded = frozenset(timeline.folded)
    return Look(timeline.mode, timeline.level, timeline.by_stage, folded, width, app.theme_variables)


async def _write_journey(app: ReconstructApp, answer: Chosen, id: str) -> None:
    story = app.story if app.journey_id == id and app.story else await app.stories.of_journey(id)
    if story is None:
        app.notify("This journey is no longer there", severity="warning", markup=False)
        return
    look, pen, paths = _look(app), app.pen, dict(app.paths)

    def write() -> None:
        if answer.kind.suffix == ".svg":
            text = to_svg(story, pen, look)
        elif answer.kind.suffix == ".html":
            text = to_html(story, pen, look, paths)
        else:
            text = journey_json(dict(story.document))
        write_texts(answer.path, [text], replace=answer.replace)

    await _write(app, answer, write, "")


async def _write_list(app: ReconstructApp, answer: Chosen, text: str, order_by: str, descending: bool) -> None:
    said = []

    def write() -> None:
        lines = list_lines(app.reader, text, order_by, descending)
        n = write_texts(answer.path, lines, replace=answer.replace, go_on=lambda: app.is_running)
        said.append(f"{n:,} {'journey' if n == 1 else 'journeys'}")

    await _write(app, answer, write, said)


async def _write(app: ReconstructApp, answer: Chosen, write: Callable[[], None], said: Sequence[str]) -> None:
    name = app.pen.clean(answer.path.name, 200)
    try:
        await app.fetcher.ask(write)
    except OSError as error:
        app.notify(f"{name} cannot be written: {text_of(error.strerror)}", severity="error", markup=False)
        return
    words = f"Written: {name}" + (f", {said[0]}" if said else "")
    app.notify(words, title=app.pen.clean(str(answer.path.parent), 200), markup=False)
