"""Comparing: two journeys side by side, or what changed between the journeys of the filter and others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.strip import Strip
from textual.widget import Widget

from reconstruct.errors import UsageError
from reconstruct.journeys.moments import text_of
from reconstruct.tui.bindings import COMPARE, MOVE
from reconstruct.tui.fetch import start
from reconstruct.tui.messages import Remark, RowPointed
from reconstruct.tui.reader import Document
from reconstruct.tui.screens import changes, pair
from reconstruct.tui.screens.asking import AskingView
from reconstruct.tui.screens.paged import PagedView
from reconstruct.tui.widgets.header import place_parts
from reconstruct.tui.widgets.pages import PageStrip
from reconstruct.tui.widgets.paint import Inked, Line, Row
from reconstruct.tui.widgets.prompt import Prompt
from reconstruct.tui.widgets.rule import Rule
from reconstruct.tui.widgets.sections import SectionTable, section
from reconstruct.tui.widgets.sheet import Sheet
from reconstruct.tui.widgets.suggestions import Suggestions

if TYPE_CHECKING:
    from reconstruct.tui.app import ReconstructApp

WITH = "with"
"""The box asks for a journey."""
USED_SHOWN = 5
"""Filters used before that are offered to compare with; / asks for any other."""


class Sides(Inked):
    """What is compared with what."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[list[Line]] = []
        self.styles.height = 4

    def show(self, lines: list[list[Line]]) -> None:
        """Others."""
        self.lines = lines
        self.refresh()

    def draw_line(self, y: int) -> Strip:
        row = Row(self.size.width)
        if y < len(self.lines):
            place_parts(row, self.lines[y], self)
        return row.strip()


class ComparedTable(SectionTable):
    """What is compared, row by row."""

    BINDINGS: ClassVar[list[BindingType]] = [*MOVE, *COMPARE]


class CompareView(PagedView, AskingView):
    """Both sides above, the rows below; of a figure all that is known."""

    NAME = "compare"
    PURPOSE = "against"
    PAGES = (("pair", "Two journeys"), ("sets", "What changed"))

    def __init__(self) -> None:
        super().__init__()
        self.pair = ("", "")
        """journeys, by what they were called"""
        self.sets: tuple[str, str] | None = None
        """queries"""
        self.found: dict[str, Document] = {}
        """page → what was compared"""
        self.failed: dict[str, str] = {}
        """page → why nothing could be"""
        self.known: dict[str, object] = {}
        """page → what it was asked for, so that it is asked once"""
        self.asking = ""
        """what is to be asked as soon as the view is up: ``with``, ``against``"""

    def body(self) -> Iterable[Widget]:
        yield PageStrip(self.PAGES)
        yield Sides()
        yield ComparedTable(pair.COLUMNS, on_open=self._open_entry, id="pair")
        yield ComparedTable(changes.COLUMNS, on_open=self._open_change, id="sets")
        yield Rule("Detail", id="seam")
        yield Sheet(id="detail")
        yield Suggestions(id="suggestions")
        yield Prompt(id="ask")

    def on_mount(self) -> None:
        super().on_mount()
        self.results_changed()

    @property
    def table(self) -> SectionTable:
        return self.query_one(f"#{self.page}", SectionTable)

    # --- what is compared

    def show_pair(self, first: str, second: str) -> None:
        """Compare two journeys; without a second one it is asked for."""
        self.page, self.pair, self.asking = "pair", (first, second), "" if second else WITH
        self._come_up()

    def show_sets(self, first: str, second: str | None) -> None:
        """Compare the journeys of two queries; without a second one it is asked for."""
        self.page, self.asking = "sets", "" if second is not None else self.PURPOSE
        if second is not None:
            self.sets = (first, second)
        self._come_up()

    def _come_up(self) -> None:
        app = self.reconstruct
        if app.view is self:
            self._show_page()
            self.results_changed()
        else:
            app.action_view(self.NAME)

    def results_changed(self) -> None:
        if not self.is_mounted or not self.query(Prompt):
            return  # asked again as soon as it is there
        self._show_page()
        if self.asking:
            asking, self.asking = self.asking, ""
            self.call_after_refresh(self._ask, asking)
        start(self, "compare", self._compare)

    def _ask(self, asking: str) -> None:
        if asking == WITH:
            self.ask_journey()
        else:
            self.ask_query(self.sets[1] if self.sets else "")

    async def _compare(self) -> None:
        app, page = self.reconstruct, self.page
        wanted = self.pair if page == "pair" else self.sets
        key = (app.reader.version(), wanted)
        if wanted is None or (page == "pair" and not all(wanted)) or self.known.get(page) == key:
            self._fill()
            return
        self.known[page] = key
        ask = app.reader.compare_journeys if page == "pair" else app.reader.compare_queries
        self.found.pop(page, None)
        self.failed.pop(page, None)
        try:
            self.found[page] = await app.fetcher.ask(ask, *wanted)
        except UsageError as error:
            self.failed[page] = f"{error.message}: {error.hint}" if error.hint else error.message
        except KeyError:
            self.failed[page] = "a journey is no longer there"
        self._fill()
        self.query_one(f"#{page}", SectionTable).point_first()

    # --- pages

    def page_changed(self) -> None:
        self._show_page()
        start(self, "compare", self._compare)

    def _show_page(self) -> None:
        for name, _ in self.PAGES:
            self.query_one(f"#{name}").display = name == self.page
        for name in ("#seam", "#detail"):
            self.query_one(name).display = self.page == "sets"
        if not self.query_one(Prompt).is_open:
            self.table.focus()
        self.query_one(PageStrip).show(self.page, "")

    def pen_changed(self) -> None:
        """ASCII or not: everything is written anew."""
        self._fill()

    def _fill(self) -> None:
        pen, page, found = self.reconstruct.pen, self.page, self.found.get(self.page)
        self.query_one(Sides).display = found is not None
        if found is None:
            words = self.failed.get(page)
            hint = "t compares a journey with another" if page == "pair" else "T compares the journeys of the filter"
            self.table.fill([section(pen.clean(words, 400), "bad") if words else section(hint, "dim")])
        elif page == "pair":
            self.query_one(Sides).show(pair.pair_head(found, pen))
            self.table.fill(pair.pair_rows(found, pen))
        else:
            self.query_one(Sides).show(changes.change_head(found, pen))
            self.table.fill(changes.change_rows(found, pen))
        self.show_detail()

    # --- the row under the cursor

    def on_row_pointed(self, _event: RowPointed) -> None:
        self.show_detail()

    def show_detail(self) -> None:
        """Say the figure under the cursor."""
        table, pen = self.query_one("#sets", SectionTable), self.reconstruct.pen
        row = table.rows[table.cursor] if table.rows else {}
        self.query_one("#detail", Sheet).show(lambda width: changes.describe_change(row, pen))

    # --- asking

    def ask_journey(self) -> None:
        """Ask for the second journey."""
        self.query_one(Suggestions).show([])
        self.query_one(Prompt).ask(WITH)
        self.query_one(Prompt).say("journey or order")

    def on_prompt_answered(self, event: Prompt.Answered) -> None:
        if event.purpose != WITH:
            return  # Textual asks the base class next
        event.prevent_default()
        self._leave_box()
        if event.text.strip():
            self.show_pair(self.pair[0], event.text.strip())

    def answered(self, text: str) -> None:
        self._leave_box()
        self.reconstruct.remember_filter(text)
        self.show_sets(self.reconstruct.filter_text, text)

    def on_prompt_left(self) -> None:
        self._leave_box()
        if self.page not in self.found and self.page not in self.failed:
            self.reconstruct.action_leave()

    def _leave_box(self) -> None:
        self.query_one(Suggestions).show([])
        prompt = self.query_one(Prompt)
        prompt.is_open = prompt.display = False
        self.table.focus()

    # --- doors

    def _open_entry(self, row: Document) -> None:
        found = self.found.get("pair")
        if found is None or "section" in row:
            return
        names = {side: text_of(found[side]["id"]) for side in pair.SIDES if row[side]}
        if len(names) == 1:
            self.reconstruct.open_beside(*names.values())
        else:
            self._choose_side("Open the journey", names, self.reconstruct.open_beside)

    def _open_change(self, row: Document) -> None:
        found = self.found.get("sets")
        if found is None or "section" in row:
            return
        queries = {side: text_of(row[side].get("query")) for side in changes.SIDES}
        queries = {side: query for side, query in queries.items() if query}
        if not queries:
            self.post_message(Remark("No query selects just these"))
            return
        labels = {side: f"{changes.brief(row[side], row['unit'])}: {found[side]['name']}" for side in queries}
        self._choose_side("Open the journeys it counts", queries, self.reconstruct.list_journeys, labels)

    def _choose_side(
        self, title: str, values: dict[str, str], then: Callable[[str], None], labels: dict[str, str] | None = None
    ) -> None:
        from reconstruct.tui.screens.menu import Menu

        pen = self.reconstruct.pen
        width = max(16, self.app.size.width - 24)
        choices = [
            (side[0], pen.cut(f"{side:<6} {pen.clean((labels or values)[side], 200)}", width), value)
            for side, value in values.items()
        ]

        def chosen(value: str | None) -> None:
            if value:
                then(value)

        self.app.push_screen(Menu(title, choices, ""), chosen)


# --- from anywhere


def _view_of(app: ReconstructApp) -> CompareView:
    view = app.get_screen(CompareView.NAME)
    assert isinstance(view, CompareView)
    return view


def compare_journey(app: ReconstructApp) -> None:
    """Mark a journey of the list, or compare it with the one marked; of an open journey ask for the other."""
    from reconstruct.tui.screens.journeys import JourneysView

    view = app.view
    if isinstance(view, CompareView):
        if view.page == "pair" and view.pair[0]:
            view.ask_journey()
        else:
            view.post_message(Remark("On a journey, t compares it with another"))
        return
    listed = isinstance(view, JourneysView) and view.front is view.table
    id = view.table.pointed_id if isinstance(view, JourneysView) and listed else app.journey_id
    if view is None or not id:
        if view is not None:
            view.post_message(Remark("No journey is chosen"))
        return
    marked = app.marked
    if marked and marked != id:
        _mark(app, None)
        _view_of(app).show_pair(marked, id)
    elif listed:
        _mark(app, None if marked else id)
        view.post_message(Remark("No longer marked" if marked else "Marked: t on another journey compares the two"))
    else:
        _mark(app, None)
        _view_of(app).show_pair(id, "")


def _mark(app: ReconstructApp, id: str | None) -> None:
    from reconstruct.tui.screens.journeys import JourneysView

    app.marked = id
    view = app.get_screen("journeys")
    if isinstance(view, JourneysView) and view.is_mounted:
        view.table.marked = id
        view.table.refresh()


def compare_sets(app: ReconstructApp) -> None:
    """Ask what the journeys of the filter are to be compared with."""
    start(app, "sets", _offer_sets, app)


async def _offer_sets(app: ReconstructApp) -> None:
    from reconstruct.tui.screens.menu import Menu

    text, view = app.filter_text, _view_of(app)
    earlier = await app.fetcher.ask(app.reader.earlier_query, text)
    offered = [("b", "The same length of time before", "before")] if earlier else []
    offered += [("o", "All others", "others")] if text.strip() else []
    used = [each for each in app.filters if each.strip() and each != text][:USED_SHOWN]
    offered += [(str(place), app.pen.clean(each, 60), f"used {each}") for place, each in enumerate(used, 1)]
    offered += [("/", f"Another query {app.pen.signs.ellipsis}", "ask")]
    offered += [("l", "The last comparison again", "last")] if view.sets else []

    def chosen(value: str | None) -> None:
        if value == "before" and earlier:
            view.show_sets(earlier, text)
        elif value == "others":
            view.show_sets(text, f"-({text})")
        elif value == "ask":
            view.show_sets(text, None)
        elif value == "last" and view.sets:
            view.show_sets(*view.sets)
        elif value:
            view.show_sets(text, value.removeprefix("used "))

    title = app.pen.cut(f"Compare {app.pen.clean(text, 200) or 'all journeys'} with", 60)
    app.push_screen(Menu(title, offered, ""), chosen)
