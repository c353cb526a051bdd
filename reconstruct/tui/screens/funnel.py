"""View 3: how far journeys come, which ways they take, where they wait, when they begin, what failed. Numbers open what they count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from reconstruct.journeys.axis import SECOND, to_datetime
from reconstruct.journeys.moments import mappings_of, number_of, text_of, time_of
from reconstruct.tui.bindings import FUNNEL
from reconstruct.tui.fetch import start
from reconstruct.tui.messages import Remark, RowPointed
from reconstruct.tui.reader import Document
from reconstruct.tui.screens import counts, failing, ways
from reconstruct.tui.screens.paged import PagedView
from reconstruct.tui.widgets.chart import TimeChart
from reconstruct.tui.widgets.pages import PageStrip
from reconstruct.tui.widgets.rule import Rule
from reconstruct.tui.widgets.sections import SectionTable
from reconstruct.tui.widgets.sheet import Sheet
from reconstruct.tui.widgets.table import FactTable

PEOPLE = "agent:human,unknown"
"""What is counted; the journeys a number opens are those it counts, so this is part of what it asks for."""
WIDE = 130
"""Columns from which the chart has room beside the funnel."""


class FunnelView(PagedView):
    """Five pages over the journeys that the list's filter leaves."""

    NAME = "funnel"
    PAGES = (("counts", "Funnel"), ("ways", "Ways"), ("map", "Map"), ("time", "Over time"), ("failures", "Failures"))
    BINDINGS: ClassVar[list[BindingType]] = list(FUNNEL)

    def __init__(self) -> None:
        super().__init__()
        self.subject = ways.CUSTOMER
        self.was_asked = False
        self.flows: Document = {}
        self.ways: Document = {}
        self.map: Document = {}
        self.failures: Document = {}
        self.first_line: tuple[Document, str] = ({}, "")
        """a kind of error lines, and the first of them"""

    def body(self) -> Iterable[Widget]:
        yield PageStrip(self.PAGES)
        with Horizontal(id="pages"):
            yield FactTable(counts.COLUMNS, on_open=self._open, id="counts")
            yield TimeChart(id="time")
            with Vertical(id="below"):
                yield FactTable(ways.WAY_COLUMNS, on_open=self._open, id="ways")
                yield FactTable(ways.MAP_COLUMNS, on_open=self._open, id="map")
                yield FactTable(failing.COLUMNS, on_open=self._open_failures, id="failures")
                yield Rule("Detail", id="seam")
                yield Sheet(id="detail")
                yield SectionTable(ways.EDGE_COLUMNS, on_open=self._open, id="edges")
        yield Rule(id="note")

    def on_mount(self) -> None:
        super().on_mount()
        self._show_page()

    def fit(self) -> None:
        super().fit()
        if self.is_mounted and self.query("#pages"):
            self._show_page()

    # --- pages

    def page_changed(self) -> None:
        self._show_page()
        self._ask()

    def _show_page(self) -> None:
        """Show the page; beside the funnel the chart too, where there is room."""
        beside = self.page == "counts" and self.app.size.width >= WIDE
        self.query_one("#counts").display = self.page == "counts"
        self.query_one("#time").display = self.page == "time" or beside
        self.query_one("#below").display = self.page in ("ways", "map", "failures")
        for name, pages in (
            ("ways", ("ways",)), ("map", ("map",)), ("edges", ("map",)), ("failures", ("failures",)), ("detail", ("ways", "failures")),
        ):  # fmt: skip
            self.query_one(f"#{name}").display = self.page in pages
        if self.focused is None or not self.focused.display or self.focused.id != self.page:
            self.query_one(f"#{self.page}").focus()
        self._say()

    def _say(self) -> None:
        about = [
            "customers" if self.subject == ways.CUSTOMER else f"business journeys: {self._say_subject(self.subject)}"
        ]
        if self.page in ("counts", "time", "failures"):
            about = []
        if self.reconstruct.filter_text:
            about.insert(0, f"only {self.reconstruct.filter_text}   F clears")
        pen = self.reconstruct.pen
        self.query_one(PageStrip).show(self.page, pen.clean(f" {pen.signs.dot} ".join(about)))
        self.query_one("#note", Rule).say(pen.clean(self._note()))

    def _note(self) -> str:
        if self.page == "ways" and self.ways:
            n, listed = int(number_of(self.ways.get("ways"))), len(mappings_of(self.ways.get("rows")))
            return f"{n:,} different ways" + (f", the first {listed:,} listed" if listed < n else "")
        if self.page == "map" and self.map:
            left_out = len(mappings_of(self.map.get("nodes"))) - self.query_one("#map", FactTable).row_count
            note = f"{int(number_of(self.map.get('total'))):,} journeys, steps in usual order"
            rare = f"; {left_out:,} rare ones left out" if left_out else ""
            return f"{note}; Tab to what comes before and after{rare}"
        if self.flows and not number_of(self.flows.get("journeys")):
            known = bool(mappings_of(self.flows.get("subjects"))) and not self.reconstruct.filter_text
            return "No session in these logs: p shows the ways of business journeys" if known else "No journeys"
        if self.page == "failures" and self.failures and not mappings_of(self.failures.get("kinds")):
            return "Nothing failed"
        if self.page == "failures" and self.failures:
            return f"{failing.say_marks(self.failures)}; Enter opens the journeys"
        return "Enter opens the journeys that are counted; programs are left out"

    # --- reading

    def results_changed(self) -> None:
        self._ask()

    def _ask(self) -> None:
        start(self, "count", self._count)

    async def _count(self) -> None:
        app = self.reconstruct
        text = app.filter_text
        self.flows = await app.fetcher.ask(app.reader.flows, text)
        names = [text_of(row.get("subject")) for row in mappings_of(self.flows.get("subjects"))]
        if names and self.subject not in names:
            self.subject = names[0]
        if names and not self.was_asked and not text and not number_of(self.flows.get("journeys")):
            self.page = "ways"  # no session in these logs: an empty funnel would be the first thing to see
            self._show_page()
        self.was_asked = True
        if self.page in ("counts", "time"):
            table = self.query_one("#counts", FactTable)
            table.fill(counts.count_rows(self.flows))
            if table.rows and table.rows[table.cursor].get("heading"):
                table.point(table.cursor + 1)
            over_time = self.flows.get("over_time")
            self.query_one(TimeChart).show(over_time if isinstance(over_time, dict) else {})
        elif self.page == "ways":
            self.ways = await app.fetcher.ask(app.reader.ways, self.subject, text)
            self.query_one("#ways", FactTable).fill(ways.share_rows(self.ways, self.subject), "variant")
        elif self.page == "failures":
            self.failures = await app.fetcher.ask(app.reader.failures, text)
            self.query_one("#failures", FactTable).fill(failing.failure_rows(self.failures), "label")
        else:
            self.map = await app.fetcher.ask(app.reader.process_map, self.subject, text)
            self._fill_map()
        self.show_detail()
        self._say()

    def _fill_map(self) -> None:
        table, rows = self.query_one("#map", FactTable), ways.map_rows(self.map, self.subject)
        hidden = set() if any(row.get("service") for row in rows) else {"service"}
        if hidden != table.hidden:
            table.hidden = hidden
            table.columns_changed()
        table.fill(rows, "activity")

    # --- the row under the cursor

    def on_row_pointed(self, _event: RowPointed) -> None:
        self.show_detail()

    def show_detail(self) -> None:
        """Say the way or step under the cursor."""
        if self.page not in ("ways", "map", "failures"):
            return
        table = self.query_one(f"#{self.page}", FactTable)
        row = table.rows[table.cursor] if table.rows else {}
        pen = self.reconstruct.pen
        if self.page == "ways":
            self.query_one("#seam", Rule).say("Detail")
            self.query_one("#detail", Sheet).show(lambda width: ways.describe_way(row, pen))
            return
        if self.page == "failures":
            self._show_failure(row)
            return
        self.query_one("#seam", Rule).say(ways.say_step(row, pen))
        edges = self.query_one("#edges", SectionTable)
        if edges.about is not row:
            edges.about = row
            edges.fill(ways.edge_rows(row, self.map, self.subject))
            edges.point_first()

    def _show_failure(self, row: Document) -> None:
        if row.get("example") and self.first_line[0] is not row:
            start(self, "line", self._read_first_line, row)
        example = row.get("example")
        place = ""
        if isinstance(example, list | tuple):
            place = f"{self.reconstruct.paths.get(example[0], example[0])}:{example[1]}"
        text = self.first_line[1] if self.first_line[0] is row else ""
        pen = self.reconstruct.pen
        self.query_one("#seam", Rule).say("Detail")
        self.query_one("#detail", Sheet).show(
            lambda width: failing.describe_failure(row, self.failures, pen, text, place)
        )

    async def _read_first_line(self, row: Document) -> None:
        (text,) = await self.reconstruct.fetcher.ask(self.reconstruct.reader.raw_texts, [tuple(row["example"])])
        self.first_line = (row, text)
        self.show_detail()

    # --- doors

    def action_subject_menu(self) -> None:
        from reconstruct.tui.screens.menu import Menu, letters_for

        app = self.reconstruct
        names = [text_of(row.get("subject")) for row in mappings_of(self.flows.get("subjects"))]
        if not names:
            self.post_message(Remark("No journeys yet"))
            return
        choices = [(letter, app.pen.clean(self._say_subject(name), 40), name) for letter, name in letters_for(names)]

        def chosen(subject: str | None) -> None:
            if subject:
                self.subject = subject
                self.action_show_page(self.page if self.page in ("ways", "map") else "map")

        app.push_screen(Menu("Whose ways", choices, self.subject), chosen)

    def _say_subject(self, name: str) -> str:
        return self.reconstruct.labels.get(name, name)

    def action_clear_filter(self) -> None:
        self.reconstruct.filter_text = ""
        self._ask()

    def _open_failures(self, row: Document) -> None:
        if row.get("query"):
            self.reconstruct.list_journeys(text_of(row["query"]))
        elif "filter" in row:
            self.reconstruct.show_filtered(text_of(row["filter"]) or PEOPLE)
        elif row.get("example"):
            why = (
                "too many journeys to name each" if number_of(row.get("journeys")) else "these lines are in no journey"
            )
            self.post_message(Remark(f"{why.capitalize()}: below is where the first line stands"))

    def _open(self, row: Document) -> None:
        if row.get("filter"):
            self.reconstruct.show_filtered(text_of(row["filter"]), PEOPLE)

    def on_time_chart_opened(self, event: TimeChart.Opened) -> None:
        begin = text_of(event.row.get("at"))
        moment = time_of(begin)
        if moment is not None:
            end = to_datetime(moment + event.slice_s * SECOND)
            span = f'started>="{begin}" started<"{end:%Y-%m-%dT%H:%M:%SZ}"'
            self.reconstruct.show_filtered(f'{span} -channel:"no session"', PEOPLE)
