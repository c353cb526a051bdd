"""View 1: every journey, sorted and filtered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Input

from reconstruct.errors import UsageError
from reconstruct.journeys.moments import number_of
from reconstruct.tui.fetch import start
from reconstruct.tui.messages import JourneyOpened, JourneyPointed, JourneysCounted
from reconstruct.tui.screens.view import View
from reconstruct.tui.widgets.detail import Describer
from reconstruct.tui.widgets.journey_list import COLUMNS, JourneyList
from reconstruct.tui.widgets.prompt import Prompt
from reconstruct.tui.widgets.rule import Rule
from reconstruct.tui.widgets.sheet import Sheet

FILTER_PAUSE_S = 0.15
"""A pause in typing before the list follows, so that it is not asked for every letter."""
POINT_PAUSE_S = 0.12
"""A rest of the cursor before the journey under it is read for the detail pane."""


class JourneysView(View):
    """The list, its filter, and the journey under the cursor in words."""

    NAME = "journeys"
    BINDINGS: ClassVar[list[BindingType]] = []

    def body(self) -> Iterable[Widget]:
        yield JourneyList(self.reconstruct.reader, self.reconstruct.fetcher, id="list")
        yield Prompt(id="filter")
        yield Rule("Detail", id="seam")
        yield Sheet(id="detail")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_class(True, "-no-detail")
        self.table.focus()

    @property
    def table(self) -> JourneyList:
        return self.query_one(JourneyList)

    def results_changed(self) -> None:
        if self.table.is_mounted:
            self.table.orphans = int(number_of(self.reconstruct.summary.get("business_journeys")))
            self.table.results_changed()

    # --- filter

    def action_filter(self) -> None:
        self.query_one(Prompt).ask("filter", self.table.filter_text)

    def action_clear_filter(self) -> None:
        self.set_filter("")

    def set_filter(self, text: str) -> None:
        """Filter by a query given elsewhere."""
        start(self, "filter", self._set_filter, text)

    async def _set_filter(self, text: str) -> None:
        await self._check(text)
        self.table.set_filter(text)
        self.query_one(Prompt).remember("filter", text)
        self.table.focus()

    async def _check(self, text: str) -> None:
        """Raise UsageError for what is no query, before the list is asked for it: the list shown stays."""
        if text:
            await self.reconstruct.fetcher.ask(self.reconstruct.reader.count_journeys, text)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        text = event.value
        self.set_timer(FILTER_PAUSE_S, lambda: self._follow(text))

    def _follow(self, text: str) -> None:
        prompt = self.query_one(Prompt)
        if prompt.is_open and prompt.purpose == "filter" and prompt.value == text:
            start(self, "filter", self._follow_typing, text)

    async def _follow_typing(self, text: str) -> None:
        """A query that is not finished is no error yet: what is amiss stands beside it."""
        try:
            await self._check(text)
        except UsageError as error:
            self.query_one(Prompt).say(error.message.partition("\n")[0])
            return
        self.table.set_filter(text)

    def on_prompt_answered(self, event: Prompt.Answered) -> None:
        self.set_filter(event.text)

    def on_journeys_counted(self, event: JourneysCounted) -> None:
        words = f"{event.count:,} {'matches' if event.count != 1 else 'match'}" if event.filter_text else ""
        self.query_one(Prompt).say(words)

    def on_prompt_left(self, _event: Prompt.Left) -> None:
        self.table.focus()

    # --- order

    def action_sort_menu(self) -> None:
        from reconstruct.tui.screens.menu import Menu

        choices = [(column.sort_key, column.title, column.key) for column in COLUMNS if column.sort_key]

        def chosen(key: str | None) -> None:
            if key:
                self.table.action_sort_by(key)

        self.app.push_screen(Menu("Sort by", choices, self.table.order_by), chosen)

    # --- the cursor

    def on_journey_opened(self, event: JourneyOpened) -> None:
        self.reconstruct.open_journey(event.id)

    def on_journey_pointed(self, event: JourneyPointed) -> None:
        if not self.has_class("-no-detail"):
            self.set_timer(POINT_PAUSE_S, lambda: self._describe(event.id))

    def _describe(self, id: str) -> None:
        if id == self.table.pointed_id:
            start(self, "detail", self._show_detail, id)

    async def _show_detail(self, id: str) -> None:
        story = await self.reconstruct.fetch_story(id)
        if story and id == self.table.pointed_id:
            describer = Describer(story, self.reconstruct.pen, self.reconstruct.paths)
            self.query_one("#detail", Sheet).show(lambda width: describer.describe_journey())

    def action_toggle_detail(self) -> None:
        super().action_toggle_detail()
        if self.table.pointed_id:
            self._describe(self.table.pointed_id)
