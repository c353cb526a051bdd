"""The list of journeys: as many as there are, fetched a page at a time, only what is seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from textual.binding import BindingType
from textual.strip import Strip

from reconstruct.journeys.axis import say_duration, to_datetime
from reconstruct.journeys.moments import STAGES, number_of, text_of, time_of
from reconstruct.tui.bindings import LIST, MOVE
from reconstruct.tui.fetch import Fetcher, start, start_beside
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.messages import JourneyOpened, JourneyPointed, JourneysCounted, Remark
from reconstruct.tui.reader import PROGRAMS, Document, Reader
from reconstruct.tui.widgets.columns import Column, say_customer
from reconstruct.tui.widgets.course import draw_course
from reconstruct.tui.widgets.paint import Line, Row, Span
from reconstruct.tui.widgets.table import TableView
from reconstruct.wording import say_dayless

PAGE = 100
"""Rows per question to the reader: more than a tall screen shows, few enough to answer in milliseconds."""
AHEAD = PAGE // 2
"""So near the end of a page the one behind it is asked for: about a screenful before it is needed, in either direction."""
PAGES_KEPT = 60
"""Pages remembered: 6,000 rows, a few megabytes."""
FIND_ROWS = 2_000
"""How far around its old place the journey under the cursor is looked for when the results changed."""
ERROR_ROWS = 5_000
"""How far ahead a journey with an error is looked for."""

OUTCOME_INKS = {
    "achieved": "good", "failed": "bad", "abandoned": "warn", "ongoing": "running", "browsed": "dim", "fulfilled": "good",
    "cancelled": "bad", "stuck": "bad", "in_progress": "running",
}  # fmt: skip
"""Of journeys; and of business journeys without a session, which are listed too."""


def _is_program(row: Document) -> bool:
    return row.get("agent_kind") in PROGRAMS


def _text(key: str, ink: str = "text") -> Callable[[Document, Pen], Span]:
    return lambda row, pen: Span(pen.clean(text_of(row.get(key)), 200), ink)


def _when(row: Document, pen: Pen) -> Span:
    at = time_of(row.get("started_at"))
    if at is None:
        return Span("")
    moment = to_datetime(at)
    words = f"{moment:%b'%y %H:%M}" if row.get("needs_year") else f"{moment:%b %H:%M:%S}"
    return Span(f"{moment.day:2d} {words}", "dim" if _is_program(row) else "text")


def _outcome(row: Document, pen: Pen) -> Span:
    outcome = text_of(row.get("outcome"))
    sign = {
        "achieved": pen.signs.good, "failed": pen.signs.bad, "abandoned": pen.signs.down, "ongoing": pen.signs.running,
        "fulfilled": pen.signs.good, "cancelled": pen.signs.bad, "stuck": pen.signs.warn, "in_progress": pen.signs.running,
    }.get(outcome, pen.signs.unknown)  # fmt: skip
    ink = "dim" if _is_program(row) else OUTCOME_INKS.get(outcome, "text")
    return Span(f"{sign} {pen.clean(outcome.replace('_', ' '), 40)}", ink)


def _stage(row: Document, pen: Pen) -> Span:
    stage = text_of(row.get("stage_reached"))
    if stage not in STAGES:
        return Span(pen.clean(stage, 40), "dim")
    reached = STAGES.index(stage) + 1
    return Span(pen.signs.stage_full * reached + pen.signs.stage_empty * (len(STAGES) - reached), "customer")


def _score(row: Document, pen: Pen) -> Span:
    if row.get("score") is None:
        return Span("")
    score = number_of(row.get("score"))
    return Span(
        f"{score:.0f} {pen.spark([score], 100)}", "soft-good" if score >= 80 else "warn" if score >= 50 else "bad"
    )


def _errors(row: Document, pen: Pen) -> Span:
    errors = int(number_of(row.get("n_errors")))
    return Span(f"{errors}{pen.signs.bad}" if errors else "", "bad")


def _duration(row: Document, pen: Pen) -> Span:
    duration = number_of(row.get("duration_ms"))
    return Span(say_duration(int(duration * 1_000_000)) if duration > 0 else "", "dim")


def _who(row: Document, pen: Pen) -> Span:
    customer = pen.clean(say_customer(text_of(row.get("customer"))), 200)
    if customer:
        return Span(customer, "strong")
    name = text_of(row.get("device")) if _is_program(row) else ""  # a robot's says more than the number of its visit
    return Span(pen.clean(name or text_of(row.get("id")), 200), "dim")


def _orders(row: Document, pen: Pen) -> Span:
    return Span(pen.clean(text_of(row.get("orders")).replace("in_progress", "in progress"), 200), "accent")


def _steps(row: Document, pen: Pen) -> Span:
    return Span(f"{int(number_of(row.get('n_touchpoints'))):,}", "dim")


def _agent(row: Document, pen: Pen) -> Span:
    kind = text_of(row.get("agent_kind"))
    device = text_of(row.get("device"))
    words = " · ".join(part for part in (text_of(row.get("channel")), device or kind) if part)
    return Span(pen.clean(words, 200), "dim" if _is_program(row) else "text")


def _course(row: Document, pen: Pen) -> Span:
    return Span(pen.clean(text_of(row.get("course")), 400))


def _paint_course(row: Document, pen: Pen, cells: int) -> Line:
    return draw_course(text_of(row.get("course")), pen, cells)


def _mark(row: Document, pen: Pen) -> Span:
    return Span(*MARKS.get(text_of(row.get("mark")), ("", "text")))


MARKS = {"new": ("+", "good"), "changed": ("*", "accent")}
"""What stands before a journey that came with the last change of logs that are followed, or in which more happened."""
MARK_COLUMN = Column("mark", "", 1, _mark, 0)

COLUMNS = (
    MARK_COLUMN,
    Column("started_at", "Started", 15, _when, 0, sort_key="t"),
    Column("customer", "Customer", 16, _who, 0, grows=3, most=34, sort_key="c"),
    Column("outcome", "Outcome", 11, _outcome, 0, grows=3, most=13, sort_key="o"),
    Column("stage_reached", "Stage", 5, _stage, 2, sort_key="g"),
    Column("course", "Course", 12, _course, 1, grows=4, most=60, paint=_paint_course),
    Column("score", "Exp.", 5, _score, 1, align="right", sort_key="s"),
    Column("n_errors", "Err", 4, _errors, 3, align="right", sort_key="e"),
    Column("duration_ms", "Time", 6, _duration, 4, align="right", sort_key="d"),
    Column("orders", "Orders", 16, _orders, 5, grows=2, most=32, sort_key="r"),
    Column("value", "Value", 11, _text("value"), 6, align="right", sort_key="v"),
    Column("n_touchpoints", "Steps", 6, _steps, 7, align="right", sort_key="n"),
    Column("goal", "Goal", 12, _text("goal"), 8, grows=1, most=24),
    Column("channel", "Channel", 14, _agent, 9, grows=2, most=30, sort_key="h"),
    Column("id", "Journey", 10, _text("id", "dim"), 10, grows=1, most=24),
)


class JourneyList(TableView):
    """All journeys that match the filter."""

    BINDINGS: ClassVar[list[BindingType]] = [*MOVE, *LIST]

    def __init__(self, reader: Reader, fetcher: Fetcher, *, id: str | None = None) -> None:
        super().__init__(COLUMNS, id=id)
        self.hidden.add(MARK_COLUMN.key)
        self.reader = reader
        self.fetcher = fetcher
        self.order_by = "started_at"
        self.filter_text = ""
        self.count = 0
        self.pages: dict[int, list[Document]] = {}
        self.stale: set[int] = set()
        """pages of an older version: shown until the new ones are here"""
        self.asked: set[int] = set()
        self.generation = 0
        """grows whenever answers to earlier questions are no longer wanted"""
        self.version = -1
        """of the results it shows"""
        self.pointed_id: str | None = None
        self.is_placed = False
        """whether somebody put the cursor where it is: else it is on the first row, whatever more of the logs brings there"""
        self.is_counted = False
        self.spans_years = False
        self.logs_end = ""
        """whether day and month do not tell when a journey began"""
        self.orphans = 0
        """business journeys of the summary: said when there is no session to list them under"""

    @property
    def row_count(self) -> int:
        return self.count

    def row(self, index: int) -> Document | None:
        page, place = divmod(index, PAGE)
        self._want(page, self.call_next)
        self._want(page - 1 if place < AHEAD else page + 1, self.call_after_refresh)
        rows = self.pages.get(page)
        return rows[place] if rows is not None and place < len(rows) else None

    def _want(self, page: int, when: Callable[..., object]) -> None:
        """Ask for a page, unless it is here, is being fetched, or there is none. ``when``: what puts the question off."""
        if (page not in self.pages or page in self.stale) and page not in self.asked and 0 <= page * PAGE < self.count:
            self.asked.add(page)
            when(start_beside, self, "pages", self._fetch, page, self.generation)

    def on_mount(self) -> None:
        self.results_changed()

    # --- fetching

    async def _rows(self, offset: int, limit: int) -> list[Document]:
        rows = await self.fetcher.ask(
            self.reader.journey_rows,
            text=self.filter_text, order_by=self.order_by, descending=self.descending, offset=offset, limit=limit,
        )  # fmt: skip
        for row in rows:
            row["needs_year"] = self.spans_years
        following = self.reader.following()
        if following is not None and following.is_on and following.updated_at is not None:
            for row in rows:
                id = text_of(row.get("id"))
                row["mark"] = "new" if id in following.new else "changed" if id in following.changed else ""
        return rows

    async def _fetch(self, page: int, generation: int) -> None:
        rows = await self._rows(page * PAGE, PAGE)
        if generation != self.generation:
            return
        self.pages.pop(page, None)
        self.pages[page] = rows
        self.asked.discard(page)
        self.stale.discard(page)
        while len(self.pages) > PAGES_KEPT:
            del self.pages[next(iter(self.pages))]
        if self.cursor // PAGE == page:
            self.pointed()
        top = round(self.scroll_y)
        if page * PAGE < top + self.size.height and top < (page + 1) * PAGE:
            self.refresh()

    def results_changed(self) -> None:
        """If the reader has other results, count again, and keep the journey under the cursor under the cursor, if it was put there."""
        if self.reader.version() != self.version:
            self._ask()

    def _ask(self) -> None:
        self.version = self.reader.version()
        self.generation += 1
        self.stale = set(self.pages)
        self.asked = set(self.stale)  # they stay as they are until it is known where the cursor is now
        start(self, "count", self._recount, self.generation)

    async def _recount(self, generation: int) -> None:
        count = await self.fetcher.ask(self.reader.count_journeys, self.filter_text)
        first = max(0, self.cursor - FIND_ROWS // 2) // PAGE
        offset = first * PAGE
        kept = self.pointed_id if self.is_placed or self._is_following() else None
        rows = await self._rows(offset, FIND_ROWS) if kept is not None else []
        if generation != self.generation:
            return
        self.count = count
        self.is_counted = True
        self.post_message(JourneysCounted(count, self.filter_text))
        # The screen changes at once: count, rows and place in one go.
        around = {first + at // PAGE: rows[at : at + PAGE] for at in range(0, len(rows), PAGE)}
        self.pages |= around
        self.asked -= self.stale
        self.stale -= around.keys()
        if kept is not None:
            places = [index for index, row in enumerate(rows) if text_of(row.get("id")) == kept]
            if places and offset + places[0] != self.cursor:
                moved = offset + places[0] - self.cursor
                self.cursor += moved
                self.rows_changed()
                self.scroll_to(y=max(0, round(self.scroll_y) + moved), animate=False, immediate=True)
        self.rows_changed()
        self._show_cursor()
        self.pointed()

    def show_marks(self) -> None:
        """The column of marks is there while logs are followed."""
        if self._is_following() == (MARK_COLUMN.key in self.hidden):
            self.hidden ^= {MARK_COLUMN.key}
            self.columns_changed()

    def _is_following(self) -> bool:
        following = self.reader.following()
        return following is not None and following.is_on

    def ask_again(self) -> None:
        """Another filter or order: nothing known so far is of use, and what is wanted stands at the top."""
        self.pages.clear()
        self.cursor = 0
        self.pointed_id, self.is_placed = None, False
        self.scroll_to(y=0, animate=False, immediate=True)
        self._ask()

    # --- asking differently

    def set_filter(self, text: str) -> None:
        """Show only journeys that match."""
        if text != self.filter_text:
            self.filter_text = text
            self.ask_again()

    def set_order(self, key: str, descending: bool) -> None:
        """Sort by a column."""
        self.order_by, self.descending = key, descending
        self.ask_again()

    def action_sort_by(self, key: str) -> None:
        self.set_order(
            key, not self.descending if key == self.order_by else key in ("n_errors", "value", "duration_ms")
        )

    def action_reverse(self) -> None:
        self.set_order(self.order_by, not self.descending)

    # --- the cursor

    def current(self) -> Document | None:
        """The row under the cursor, if it is here."""
        return self.row(self.cursor) if self.count else None

    def point(self, index: int) -> None:
        self.is_placed = True
        super().point(index)

    def pointed(self) -> None:
        row = self.current()
        id = text_of(row.get("id")) if row else None
        if id and id != self.pointed_id:
            self.pointed_id = id
            self.post_message(JourneyPointed(id))

    def action_open(self) -> None:
        row = self.current()
        if row:
            self.is_placed = True
            self.post_message(JourneyOpened(text_of(row.get("id"))))

    def action_error(self, direction: int) -> None:
        start(self, "find", self._find_error, direction)

    async def _find_error(self, direction: int) -> None:
        if direction > 0:
            offset, limit = self.cursor + 1, ERROR_ROWS
        else:
            offset = max(0, self.cursor - ERROR_ROWS)
            limit = self.cursor - offset
        rows = await self._rows(offset, limit) if limit else []
        places = [offset + index for index, row in enumerate(rows) if number_of(row.get("n_errors")) > 0]
        if places:
            self.point(places[0] if direction > 0 else places[-1])
        else:
            self.post_message(Remark("No journey with an error there"))
        await asyncio.sleep(0)

    def _below(self, distance: int, width: int) -> Strip:
        line = Row(width)
        clock = say_dayless(self.filter_text, self.logs_end) if distance == 2 and self.is_counted else ""
        if clock and not self.count:
            line.put(2, self.pen.cut(clock, width - 2), self.ink("dim"))
        if distance == 1 and not self.count and self.is_counted:
            finished = self.reader.progress().finished
            matches = "No journey matches this filter" if finished else "No journey read so far matches this filter"
            words = matches if self.filter_text else "No journeys were found in these logs"
            hint = "F clears the filter" if self.filter_text else "5 shows what was read, and how"
            if not self.filter_text and self.orphans:
                words = f"No session in these logs; {self.orphans:,} business journeys have none to belong to"
                hint = "export writes them"
            if not finished and not self.filter_text:
                words, hint = "Reading: the first journeys will appear here", ""
            column = line.put(2, words, self.ink("dim"))
            line.put(column + 3, hint, self.ink("faint"))
        return line.strip()
