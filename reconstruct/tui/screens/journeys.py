"""View 1: every journey, sorted and filtered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from reconstruct.journeys.moments import number_of, text_of
from reconstruct.tui.bindings import GROUPED, MOVE
from reconstruct.tui.fetch import start
from reconstruct.tui.messages import JourneyOpened, JourneyPointed, JourneysCounted
from reconstruct.tui.reader import Document
from reconstruct.tui.screens import groups
from reconstruct.tui.screens.asking import AskingView
from reconstruct.tui.screens.view import BROAD
from reconstruct.tui.screens.ways import quote
from reconstruct.tui.trail import Before
from reconstruct.tui.widgets.detail import Describer
from reconstruct.tui.widgets.journey_list import COLUMNS, JourneyList
from reconstruct.tui.widgets.prompt import Prompt
from reconstruct.tui.widgets.rule import Rule
from reconstruct.tui.widgets.sheet import Sheet
from reconstruct.tui.widgets.suggestions import Suggestions
from reconstruct.tui.widgets.table import FactTable, TableView

POINT_PAUSE_S = 0.12
"""A rest of the cursor before the journey under it is read for the detail pane."""


class GroupTable(FactTable):
    """The list in groups."""

    BINDINGS: ClassVar[list[BindingType]] = [*MOVE, *GROUPED]


class JourneysView(AskingView):
    """The list, its filter, and the journey under the cursor in words."""

    NAME = "journeys"
    BINDINGS: ClassVar[list[BindingType]] = []

    def body(self) -> Iterable[Widget]:
        yield JourneyList(self.reconstruct.reader, self.reconstruct.fetcher, id="list")
        yield GroupTable(groups.GROUP_COLUMNS, on_open=self._open_group, id="groups")
        yield GroupTable(groups.BUSINESS_COLUMNS, on_open=self._open_business, id="businesses")
        yield Suggestions(id="suggestions")
        yield Prompt(id="filter")
        yield Rule("Detail", id="seam")
        yield Sheet(id="detail")

    def __init__(self) -> None:
        super().__init__()
        self.arranged = groups.JOURNEYS

    def on_mount(self) -> None:
        super().on_mount()
        self._show_front()
        self.set_class(self.app.size.width < BROAD, "-no-detail")
        self.table.focus()

    @property
    def table(self) -> JourneyList:
        return self.query_one(JourneyList)

    def progress_changed(self) -> None:
        super().progress_changed()
        for table in self.query(JourneyList):
            table.show_marks()

    def results_changed(self) -> None:
        if self.table.is_mounted:
            self.table.spans_years = self.reconstruct.spans_years
            self.table.logs_end = self.reconstruct.logs_end
            self.table.orphans = int(number_of(self.reconstruct.summary.get("business_journeys")))
            if self.table.filter_text != self.reconstruct.filter_text:
                self.set_filter(self.reconstruct.filter_text)
            else:
                self.table.results_changed()
                self._ask_groups()

    # --- filter

    def action_filter(self) -> None:
        self.ask_query(self.table.filter_text)

    def action_clear_filter(self) -> None:
        self.set_filter("")

    def set_filter(self, text: str) -> None:
        """Filter by a query given elsewhere, which is right."""
        self._apply(text)
        self.query_one(Prompt).remember("filter", text)
        self.query_one(Suggestions).show([])
        self.front.focus()

    def _apply(self, text: str) -> None:
        self.reconstruct.filter_text = text
        self.table.set_filter(text)
        self._ask_groups()

    def typed(self, text: str) -> None:
        self._apply(text)

    def answered(self, text: str) -> None:
        self.reconstruct.remember_filter(text)
        self.set_filter(text)

    def on_journeys_counted(self, event: JourneysCounted) -> None:
        words = f"{event.count:,} {'matches' if event.count != 1 else 'match'}" if event.filter_text else ""
        self.query_one(Prompt).say(words)

    def on_prompt_left(self, _event: Prompt.Left) -> None:
        self.query_one(Suggestions).show([])
        self.query_one(Prompt).remember("filter", self.table.filter_text)
        self.front.focus()

    # --- arrangement

    @property
    def front(self) -> TableView:
        """The table on screen."""
        names = {groups.JOURNEYS: "#list", groups.BUSINESS: "#businesses"}
        return self.query_one(names.get(self.arranged, "#groups"), TableView)

    def action_arrange_menu(self) -> None:
        from reconstruct.tui.screens.menu import Menu

        def chosen(by: str | None) -> None:
            if by:
                self.show_by(by)

        self.app.push_screen(Menu("Arrange by", list(groups.ARRANGEMENTS), self.arranged), chosen)

    def show_by(self, by: str) -> None:
        """Show each journey, each business journey, or groups."""
        self.arranged = by
        self._show_front()
        self._ask_groups()

    def show_each(self) -> None:
        """No groups: each journey is a row."""
        if self.arranged != groups.JOURNEYS:
            self.show_by(groups.JOURNEYS)

    def _show_front(self) -> None:
        for table in self.query(TableView):
            table.display = table is self.front
        self.front.focus()

    def _ask_groups(self) -> None:
        if self.arranged != groups.JOURNEYS:
            start(self, "groups", self._read_groups, self.arranged, self.table.filter_text)

    async def _read_groups(self, by: str, text: str) -> None:
        app = self.reconstruct
        table = self.query_one("#businesses" if by == groups.BUSINESS else "#groups", FactTable)
        if by == groups.BUSINESS:
            table.fill(await app.fetcher.ask(app.reader.business_rows, text))
        else:
            table.fill(groups.share_groups(await app.fetcher.ask(app.reader.group_rows, by, text)))

    def _open_group(self, row: Document) -> None:
        field, name = groups.FIELDS.get(self.arranged, self.arranged), text_of(row.get("name"))
        wanted = f"-{field}:*" if not name else f"{field}:{name}" if name.isalnum() else f"{field}:{quote(name)}"
        if self.arranged == "day":
            wanted = f"started:{name}"
        app = self.reconstruct
        app.trail.open(self.NAME, Before(app.journey_id, app.filter_text, self.arranged))
        self.show_each()
        self.set_filter(" ".join(filter(None, [self.table.filter_text, wanted])))

    def _open_business(self, row: Document) -> None:
        self.reconstruct.open_journey(text_of(row.get("journey_id")))

    # --- columns

    def action_columns_menu(self) -> None:
        from reconstruct.tui.screens.menu import Toggles, letters_for

        named = {column.title: column.key for column in COLUMNS if column.priority}
        choices = [(letter, title, named[title]) for letter, title in letters_for(list(named))]
        self.app.push_screen(Toggles("Columns", choices, self.table.hidden, self.table.columns_changed))

    # --- order

    def action_sort_menu(self) -> None:
        from reconstruct.tui.screens.menu import Menu

        table = self.front
        choices = [(column.sort_key, column.title, column.key) for column in table.columns if column.sort_key]

        def chosen(key: str | None) -> None:
            if key:
                table.action_sort_by(key)

        self.app.push_screen(Menu("Sort by", choices, table.order_by), chosen)

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
        story = await self.reconstruct.stories.of_journey(id)
        if story and id == self.table.pointed_id:
            describer = Describer(story, self.reconstruct.pen, self.reconstruct.paths)
            self.query_one("#detail", Sheet).show(lambda width: describer.describe_journey())

    def action_toggle_detail(self) -> None:
        super().action_toggle_detail()
        if self.table.pointed_id:
            self._describe(self.table.pointed_id)
