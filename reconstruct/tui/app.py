"""The terminal interface: six views on one reader, opened at once and filled as results come."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from reconstruct.journeys.moments import Ref, Story, text_of
from reconstruct.options import Look
from reconstruct.tui.bindings import GLOBAL, read_keymap
from reconstruct.tui.elsewhere import has_terminal
from reconstruct.tui.failures import say_failure, write_report
from reconstruct.tui.fetch import Fetcher, start
from reconstruct.tui.filters import keep_filter, load_filters
from reconstruct.tui.glyphs import Pen, ascii_wanted
from reconstruct.tui.memory import Memory
from reconstruct.tui.palette import list_commands
from reconstruct.tui.reader import Document, Reader
from reconstruct.tui.screens.compare import CompareView, compare_journey, compare_sets
from reconstruct.tui.screens.funnel import FunnelView
from reconstruct.tui.screens.identifiers import IdentifiersView
from reconstruct.tui.screens.journeys import JourneysView
from reconstruct.tui.screens.quality import QualityView
from reconstruct.tui.screens.raw import RawView
from reconstruct.tui.screens.timeline import TimelineView
from reconstruct.tui.screens.view import View
from reconstruct.tui.stories import Stories, spans_years
from reconstruct.tui.themes import DARK, LIGHT, service_colours
from reconstruct.tui.trail import Before, Trail

ALONE_S = 2.0
"""Seconds between two looks at whether the terminal is still there."""

POLL_S = 0.25
"""How often progress and the version of the results are looked at."""
FIRST_POLL_S = 0.03
"""How often the version is, until there is something to show: the first journeys are waited for."""
THEME_VARIABLE = "RECONSTRUCT_THEME"
"""Name of a theme: reconstruct, reconstruct-light, or one of Textual's own (ansi-dark, nord, …)."""


class ReconstructApp(App[int]):
    """Holds what views share: the reader, the open journey, where one came from."""

    CSS_PATH = "app.tcss"
    TITLE = "reconstruct"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = list(GLOBAL)
    SCREENS: ClassVar[dict[str, Callable[[], Screen[Any]]]] = {
        "journeys": JourneysView,
        "timeline": TimelineView,
        "funnel": FunnelView,
        "raw": RawView,
        "quality": QualityView,
        "identifiers": IdentifiersView,
        "compare": CompareView,
    }

    def __init__(
        self,
        reader: Reader,
        *,
        ascii: bool | None = None,
        filter_text: str = "",
        memory: Path | None = None,
        look: Look | None = None,
        filters: Path | None = None,
    ) -> None:
        """``filter_text``: a query to begin with. ``filters``: where queries used before are kept."""
        super().__init__()
        self.memory = Memory(self, memory)
        self.failure: Exception | None = None
        """what ended the interface, though nothing should"""
        self.failures: list[Exception] = []
        """what else went wrong that nobody foresaw"""
        self.reader = reader
        self.fetcher = Fetcher(lambda: self.is_running)
        self.labels: dict[str, str] = {}
        """what types of identifiers are called in words of the logs"""
        self.stories = Stories(reader, self.fetcher, self.labels)
        self.look = look or Look()
        wanted = self.look.ascii if ascii is None else ascii
        self.pen = Pen(ascii_wanted() if wanted is None else wanted)
        self.summary: Document = {}
        self.paths: dict[int, str] = {}
        self.spans_years = False
        """whether the logs hold more than a year"""
        self.logs_end = ""
        """when the last entry was written"""
        self.journey_id: str | None = None
        self.story: Story | None = None
        self._lost = ""
        """the open journey, when it was said that newer results do not have it"""
        self.marked: str | None = None
        """a journey that another is to be compared with"""
        self.whole_customer = False
        """all sessions of the journey's customer on one axis"""
        self.pointed: Ref | None = None
        """a moment to show in the view opened next"""
        self.filter_text = filter_text
        """what the journeys are filtered by, in the list and in all that is counted"""
        self.filters_path, self.filters = filters, load_filters(filters)
        self.trail = Trail()
        self.keymap: dict[str, str] = {}
        """keys by id, where the user gave others"""
        self.version_shown = -1
        """version of the results the views show"""
        self._is_refreshing = False
        self._was_finished = False

    # --- life

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return service_colours(self.current_theme)

    def on_mount(self) -> None:
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        wanted = os.environ.get(THEME_VARIABLE) or self.look.theme or DARK.name
        self.theme = wanted if wanted in self.available_themes else DARK.name
        self.keymap, wrong = read_keymap(self.look.keys)
        if self.look.theme and self.look.theme not in self.available_themes:
            wrong.append(f"no theme is called {self.look.theme}: {', '.join(sorted(self.available_themes))}")
        self.set_keymap(self.keymap)
        if wrong:
            self.notify(
                "\n".join(map(self.pen.clean, wrong)), title="reconstruct.toml", severity="warning", markup=False
            )
        self.set_class(self.pen.ascii, "-ascii")
        self.push_screen("journeys")
        if not self.filter_text:  # what was asked for now comes before what was last time
            self.memory.begin()
        self.set_interval(POLL_S, self.poll)
        self._first_look = self.set_interval(FIRST_POLL_S, self._poll_for_first)
        self.call_after_refresh(self.poll)
        if has_terminal():
            self.set_interval(ALONE_S, self._leave_when_alone)

    def _leave_when_alone(self) -> None:
        """Quit when the terminal has gone and no signal said so, as behind ``make``: its end would be read for ever, at full speed."""
        if not has_terminal():
            self.exit()

    def exit(self, result: int | None = None, return_code: int = 0, message: Any | None = None) -> None:
        self.memory.keep()  # while the views are still there
        super().exit(result, return_code, message)

    def on_unmount(self) -> None:
        self.fetcher.close()

    def _handle_exception(self, error: Exception) -> None:
        """Textual would print a traceback; the user gets a line that says where it is kept (``run``)."""
        if self.failure is None:
            self.failure = error
            self.memory.keep()
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    def report(self, error: Exception) -> None:
        """Work in the background failed in a way nobody foresaw: the view stays, a notice says where it is kept."""
        if self.failure is not None:
            return  # what breaks while the interface falls to pieces is a consequence
        path = write_report(error, self.memory.gather())
        self.failures.append(error)
        self.notify(
            f"Kept in {path}" if path else "", title=say_failure(error), severity="error", markup=False, timeout=15
        )

    def _poll_for_first(self) -> None:
        if self.reader.version() or self.reader.progress().finished:
            self._first_look.stop()
            self.poll()

    def poll(self) -> None:
        """Look whether reading went on and whether the results changed."""
        view = self.view
        if view is None:
            return
        self.memory.keep_sometimes()
        finished = self.reader.progress().finished
        following = self.reader.following()
        if not finished or not self._was_finished or (following is not None and following.is_on):
            view.progress_changed()
        self._was_finished = finished
        version = self.reader.version()
        if version != self.version_shown and not self._is_refreshing:
            start(self, "results", self._refresh)

    async def _refresh(self) -> None:
        self._is_refreshing = True
        try:
            await self._read_results()
        finally:
            self._is_refreshing = False

    async def _read_results(self) -> None:
        version = self.reader.version()
        self.summary = await self.fetcher.ask(self.reader.summary)
        sources = await self.fetcher.ask(self.reader.sources)
        self.paths.clear()
        self.paths.update({row["id"]: text_of(row.get("path")) for row in sources if isinstance(row.get("id"), int)})
        identifiers = await self.fetcher.ask(self.reader.identifiers)
        self.labels.clear()
        self.labels.update(
            {text_of(row.get("type")): text_of(row.get("label") or row.get("type")) for row in identifiers}
        )
        self.spans_years = spans_years(sources)
        self.logs_end = max((text_of(row.get("last_at")) for row in sources), default="")
        self.version_shown = version
        view = self.view
        if view:
            view.progress_changed()
            view.results_changed()
        if self.journey_id is not None:
            await self.load_journey(self.journey_id, quietly=True)
        await self.memory.restore()

    @property
    def view(self) -> View | None:
        """The numbered view on screen, also under a menu."""
        if not self._screen_stack:
            return None
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, View)), None)

    # --- journeys

    def open_journey(self, id: str) -> None:
        """Read a journey and show its timeline."""
        start(self, "journey", self._open, id)

    def open_beside(self, id: str) -> None:
        """The same from a view that shows others: the way back leads there, and to the journey that is open now."""
        start(self, "journey", self._open, id, Before(self.journey_id, self.filter_text))

    async def _open(self, id: str, before: Before | None = None) -> None:
        await self.load_journey(id)
        if before is None:
            self.action_view("timeline")
        else:
            self.trail.open("timeline", before)
            self.switch_screen("timeline")

    async def load_journey(self, id: str, *, quietly: bool = False) -> None:
        """Read a journey, or all of its customer's, and show it wherever it is shown."""
        story = await self.stories.of_customer(id) if self.whole_customer else None
        story = story or await self.stories.of_journey(id)
        if story is None:
            if quietly and self.story is not None and id != self._lost:
                words = "Among all that is read now it became another one. What you see is how it was before."
                self.notify(words, title="This journey is no longer there", severity="warning", markup=False)
                self._lost = id
            elif not quietly:
                read = self.reader.progress().finished
                words = "This journey is no longer there" if read else "This journey is not read yet"
                self.notify(words, severity="warning", markup=False)
            return
        unchanged = self.story is not None and self.journey_id == id and self.story.document == story.document
        self.journey_id = id
        if not unchanged:
            self.story = story
            await self._tell_journey()

    async def _tell_journey(self) -> None:
        """Tell the view on screen; and the timeline first, so that it is laid out before it is seen."""
        timeline = self.get_screen("timeline")
        if isinstance(timeline, TimelineView) and timeline.is_mounted and self.story is not None:
            await timeline.expect(self.story)
        view = self.view
        if view and view.is_mounted:
            view.journey_changed()

    def show_filtered(self, *conditions: str) -> None:
        """The journeys a number counts: those of the filter in force that meet more conditions."""
        self.list_journeys(" ".join(dict.fromkeys(filter(None, [self.filter_text, *conditions]))))

    def list_journeys(self, query: str) -> None:
        """The journeys of a query; the way back leads here, and to the filter in force now."""
        journeys = self.get_screen("journeys")
        assert isinstance(journeys, JourneysView)
        self.trail.open("journeys", Before(self.journey_id, self.filter_text, journeys.arranged))
        journeys.show_each()
        self.filter_text = query
        self.switch_screen("journeys")  # where the filter is looked at when the view comes up

    def remember_filter(self, text: str) -> None:
        """A filter was used: offer it again."""
        self.filters = keep_filter(self.filters_path, self.filters, text)

    # --- actions

    def action_view(self, name: str) -> None:
        if self.trail.here == name:
            return
        self.trail.go(name)
        self.switch_screen(name)
        if name in ("timeline", "raw") and self.story is None:
            self._open_pointed()

    def _open_pointed(self) -> None:
        """Open the journey the list points at, so that no view is empty without need."""
        screen = self.get_screen("journeys")
        if isinstance(screen, JourneysView) and screen.table.pointed_id:
            start(self, "journey", self.load_journey, screen.table.pointed_id)

    def action_leave(self) -> None:
        if len(self.trail.names) > 1:
            self._go_back(self.trail.leave())
            return
        from reconstruct.tui.screens.menu import Menu

        def chosen(answer: str | None) -> None:
            if answer == "quit":
                self.exit(0)

        self.push_screen(Menu("Quit reconstruct?", [("y", "Quit", "quit"), ("n", "Stay", "stay")], ""), chosen)

    def _go_back(self, before: Before | None) -> None:
        """To the view that is the last of the trail now, with what was open there."""
        if before is not None:
            self.filter_text = before.filter
            if before.journey is not None and before.journey != self.journey_id:
                start(self, "journey", self.load_journey, before.journey)
        view = self.get_screen(self.trail.here)
        if before is not None and before.arranged and isinstance(view, JourneysView):
            view.show_by(before.arranged)
        if view is self.view:
            view.results_changed()
        else:
            self.switch_screen(self.trail.here)

    async def action_quit(self) -> None:
        self.exit(0)

    def action_help(self) -> None:
        from reconstruct.tui.screens.help import HelpSheet

        self.push_screen(HelpSheet())

    def action_press(self, key: str) -> None:
        self.simulate_key(key)

    def action_follow(self) -> None:
        following = self.reader.following()
        if following is None:
            self.notify("These logs cannot be followed", severity="warning", markup=False)
            return
        self.reader.follow(not following.is_on)
        view = self.view
        if view:
            view.progress_changed()

    def action_ascii(self) -> None:
        self.pen = Pen(not self.pen.ascii)
        self.set_class(self.pen.ascii, "-ascii")
        view = self.view
        pen_changed = getattr(view, "pen_changed", None)
        if pen_changed:
            pen_changed()
        if view:
            view.results_changed()
            view.refresh(recompose=False, layout=True)
            for widget in view.query("*"):
                widget.refresh()

    def action_journey(self, direction: int) -> None:
        """The next journey of the list, without going there."""
        screen = self.get_screen("journeys")
        if not isinstance(screen, JourneysView) or not screen.table.is_mounted:
            return
        screen.table.action_move(direction)
        if screen is not self.view:
            start(self, "journey", self._step_journey, screen)

    async def _step_journey(self, screen: JourneysView) -> None:
        rows = await self.fetcher.ask(
            self.reader.journey_rows, text=screen.table.filter_text, order_by=screen.table.order_by,
            descending=screen.table.descending, offset=screen.table.cursor, limit=1,
        )  # fmt: skip
        if rows:
            await self.load_journey(text_of(rows[0].get("id")))

    def action_compare_journey(self) -> None:
        compare_journey(self)

    def action_compare_sets(self) -> None:
        compare_sets(self)

    def action_export(self) -> None:
        from reconstruct.tui.screens.export import open_export

        open_export(self)

    def action_copy_journey(self) -> None:
        from reconstruct.tui.elsewhere import copy_text
        from reconstruct.tui.writing import journey_json

        if self.story is not None:
            copy_text(self, journey_json(dict(self.story.document)), "the journey as JSON")

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action of every view, in the palette."""
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)
        yield from list_commands(self)
