"""A table drawn line by line: a heading, rows fetched or kept by the subclass, a cursor line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.style import Style
from textual import events as ui_events
from textual.binding import BindingType
from textual.strip import Strip

from reconstruct.journeys.moments import Glyph
from reconstruct.tui.bindings import MOVE, TABLE
from reconstruct.tui.messages import RowPointed
from reconstruct.tui.reader import Document
from reconstruct.tui.widgets.columns import AIR, Column, fit_columns
from reconstruct.tui.widgets.paint import EMPTY, LineView, Row


class TableView(LineView):
    """Rows and a cursor. Subclasses say how many rows there are and what each one is."""

    BINDINGS: ClassVar[list[BindingType]] = [*MOVE, *TABLE]
    HEADING = 1

    def __init__(self, columns: Sequence[Column], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.columns = columns
        self.hidden: set[str] = set()
        """keys of columns that are not wanted"""
        self.marked: str | None = None
        """``id`` of a row with a mark before it"""
        self.cursor = 0
        self.order_by = ""
        self.descending = False

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def row(self, index: int) -> Document | None:
        """One row; None while it is being fetched."""
        raise NotImplementedError

    # --- geometry

    def rows_changed(self) -> None:
        """Call after the number of rows changed."""
        self.cursor = max(0, min(self.cursor, self.row_count - 1))
        self.resize_content(self.size.width, self.row_count + self.HEADING)
        self.refresh()

    def on_resize(self, _event: ui_events.Resize) -> None:
        self.rows_changed()
        self._show_cursor()

    def _show_cursor(self) -> None:
        height = max(1, self.size.height - self.HEADING)
        top = round(self.scroll_y)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, immediate=True)

    def action_sort_by(self, key: str) -> None:
        """Put the rows in the order of a column; again: in the opposite one."""

    def columns_changed(self) -> None:
        """Call after other columns were hidden."""
        self.refresh()

    # --- drawing

    def draw_line(self, y: int) -> Strip:
        width = self.size.width
        fitted = fit_columns([each for each in self.columns if each.key not in self.hidden], width - 3)
        if y < self.HEADING:
            return self._heading(fitted, width)
        index = y - self.HEADING + round(self.scroll_y)
        if index >= self.row_count:
            return self._below(index - self.row_count, width)
        row = self.row(index)
        base = EMPTY
        if index == self.cursor:
            base = self.ink("cursor") if self.has_focus else self.ink("current")
        line = Row(width, base)
        if row is None:
            line.put(1, self.pen.signs.unknown, base + self.ink("faint"))
            return line.strip()
        if index == self.cursor:
            line.put(0, self.pen.signs.pointer, base + self.ink("accent"))
        if self.marked is not None and row.get("id") == self.marked:
            line.put(0, self.pen.signs.marks[Glyph.MILESTONE], base + self.ink("key"))
        column = 1
        for part, cells in fitted:
            if part.paint:
                place = column
                for text, ink in part.paint(row, self.pen, cells):
                    place = line.put(place, self.pen.cut(text, column + cells - place), base + self.ink(ink))
                column += cells + AIR
                continue
            text, ink = part.render(row, self.pen)
            if part.keeps == "end":
                text = self.pen.cut_front(text, cells)
            line.put(column, self.pen.fit(text, cells, part.align), base + self.ink(ink))
            column += cells + AIR
        return line.strip()

    def _heading(self, fitted: Sequence[tuple[Column, int]], width: int) -> Strip:
        style = self.ink("head")
        line = Row(width, style)
        column = 1
        for part, cells in fitted:
            title = part.title
            if part.key == self.order_by and title:
                title += self.pen.signs.down if self.descending else self.pen.signs.up
            line.put(column, self.pen.fit(title, cells, part.align), style + self._click(part))
            column += cells + AIR
        return line.strip()

    def _click(self, column: Column) -> Style:
        return Style(meta={"@click": f"sort_by({column.key!r})"}) if column.sort_key else EMPTY

    def _below(self, _distance: int, width: int) -> Strip:
        return Strip.blank(width)

    # --- moving

    def point(self, index: int) -> None:
        """Put the cursor on a row."""
        self.cursor = max(0, min(index, self.row_count - 1))
        self._show_cursor()
        self.refresh()
        self.pointed()

    def pointed(self) -> None:
        """The cursor moved."""
        self.post_message(RowPointed(self.cursor))

    def action_move(self, rows: int) -> None:
        self.point(self.cursor + rows)

    def action_move_page(self, pages: float) -> None:
        self.point(self.cursor + int(pages * max(2, self.size.height - self.HEADING)))

    def action_move_to(self, end: int) -> None:
        self.point(0 if end == 0 else self.row_count - 1)

    def action_open(self) -> None:
        """Enter on a row."""

    def on_click(self, event: ui_events.Click) -> None:
        if event.y >= self.HEADING:
            index = event.y - self.HEADING + round(self.scroll_y)
            if index < self.row_count:
                again = index == self.cursor
                self.point(index)
                if again or event.chain > 1:
                    self.action_open()


class FactTable(TableView):
    """A table of rows kept in memory."""

    def __init__(
        self, columns: Sequence[Column], *, on_open: Callable[[Document], None] | None = None, id: str | None = None
    ) -> None:
        super().__init__(columns, id=id)
        self.rows: list[Document] = []
        self.on_open = on_open

    def fill(self, rows: list[Document], key: str = "") -> None:
        """Show other rows; the cursor stays on the row of the same ``key``, else at its place."""
        if key and self.rows:
            here = self.rows[self.cursor].get(key)
            self.cursor = next((place for place, row in enumerate(rows) if row.get(key) == here), self.cursor)
        self.rows = rows
        self._sort()
        self.rows_changed()
        self._show_cursor()

    def action_sort_by(self, key: str) -> None:
        self.descending = (
            not self.descending if key == self.order_by else bool(self.rows) and is_number(self.rows[0].get(key))
        )
        self.order_by = key
        self._sort()
        self.point(0)

    def _sort(self) -> None:
        """Rows of the same value keep their order, those without one come last."""
        if self.order_by:
            known = [row for row in self.rows if row.get(self.order_by) is not None]
            known.sort(key=lambda row: sort_value(row[self.order_by]), reverse=self.descending)
            self.rows = known + [row for row in self.rows if row.get(self.order_by) is None]

    @property
    def row_count(self) -> int:
        return len(self.rows)

    def row(self, index: int) -> Document | None:
        return self.rows[index]

    def action_open(self) -> None:
        if self.on_open and self.rows:
            self.on_open(self.rows[self.cursor])


def is_number(value: object) -> bool:
    """Whether a value is one that sorts by size, largest first."""
    return isinstance(sort_value(value)[1], float)


def sort_value(value: object) -> tuple[bool, float | str]:
    """Numbers by size, also where they are written as text; texts after them, whatever their case.

    >>> sorted(["b", "10.5", "A", 9], key=sort_value)
    [9, '10.5', 'A', 'b']
    """
    try:
        return (False, float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return (True, str(value).casefold())
