"""A table drawn line by line: a heading, rows fetched or kept by the subclass, a cursor line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events as ui_events
from textual.binding import BindingType
from textual.geometry import Region
from textual.strip import Strip

from reconstruct.journeys.moments import Glyph
from reconstruct.tui.bindings import MOVE, TABLE
from reconstruct.tui.messages import RowPointed
from reconstruct.tui.reader import Document
from reconstruct.tui.sanitise import measure
from reconstruct.tui.widgets.columns import AIR, Column, fit_columns
from reconstruct.tui.widgets.paint import EMPTY, LineView, Row

DRAWN_KEPT = 600
"""Rows kept as they were drawn: the screens around the one in view, also of a terminal of a hundred rows."""
Fitted = Sequence[tuple[Column, int]]
"""Columns that have room, with their cells."""


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
        self._drawn: dict[int, tuple[Document, object, Strip]] = {}
        """rows as they were drawn, with what they looked like: moving by a line draws two, not a screenful"""
        self._fitted: tuple[int, Fitted] = (-1, ())

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
        self._fitted = (-1, ())
        self._drawn.clear()
        self.refresh()

    def colours_changed(self) -> None:
        self.__dict__["_drawn"] = {}

    # --- drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        """What Textual does for widgets without border, padding and opacity, but with the very strips drawn before.

        It keeps by a strip what it makes of it: filtered colours, cuts, codes for the terminal. Its own cache of lines is
        by their place on screen, of no use where they scroll, and makes new strips of those that are drawn.
        """
        width, ground, background = self.region.width, self.ground, self.background_colors[1]
        strips = [self.draw_line(y).adjust_cell_length(width, ground) for y in crop.line_range]
        for each in self.get_line_filters():
            strips = [strip.apply_filter(each, background) for strip in strips]
        return strips if crop.column_span == (0, width) else [strip.crop(*crop.column_span) for strip in strips]

    def draw_line(self, y: int) -> Strip:
        width = self.size.width
        if y < self.HEADING:
            return self._heading(width).apply_style(self.ground)
        index = y - self.HEADING + round(self.scroll_y)
        if index >= self.row_count:
            return self._below(index - self.row_count, width).apply_style(self.ground)
        row = self.row(index)
        lit = "" if index != self.cursor else "cursor" if self.has_focus else "current"
        if row is None:
            words = Segment(f" {self.pen.signs.unknown}", self.ink_on(lit, "faint"))
            return Strip([words]).adjust_cell_length(width, self.ink_on(lit, ""))
        is_marked = self.marked is not None and row.get("id") == self.marked
        look = (width, lit, is_marked, self.pen)
        kept = self._drawn.pop(index, None)
        if kept is None or kept[0] is not row or kept[1] != look:
            kept = (row, look, self.draw_row(row, width, lit, is_marked=is_marked))
        self._drawn[index] = kept  # as the one used last
        if len(self._drawn) > DRAWN_KEPT:
            del self._drawn[next(iter(self._drawn))]
        return kept[2]

    def draw_row(self, row: Document, width: int, lit: str, *, is_marked: bool) -> Strip:
        """A row over the whole width. ``lit``: the ink it is lit with, empty when it is not."""
        pen = self.pen
        line: list[Segment] = []
        if is_marked:
            line.append(Segment(pen.signs.marks[Glyph.MILESTONE], self.ink_on(lit, "key")))
        else:
            line.append(Segment(pen.signs.pointer if lit else " ", self.ink_on(lit, "accent")))
        used = 1
        blank = self.ink_on(lit, "")
        for part, cells in self.fitted(width):
            if used > 1:
                line.append(Segment(" " * AIR, blank))
                used += AIR
            used += cells
            if part.paint:
                for text, ink in part.paint(row, pen, cells):
                    shown = pen.cut(text, cells)
                    cells -= measure(shown)
                    line.append(Segment(shown, self.ink_on(lit, ink)))
                line.append(Segment(" " * cells, blank))
                continue
            text, ink = part.render(row, pen)
            if part.keeps == "ends":
                text = pen.cut_middle(text, cells)
            line.append(Segment(pen.fit(text, cells, part.align), self.ink_on(lit, ink)))
        return Strip(line, used).adjust_cell_length(width, blank)

    def fitted(self, width: int) -> Fitted:
        """The columns that have room."""
        if self._fitted[0] != width:
            wanted = [each for each in self.columns if each.key not in self.hidden]
            self._fitted = (width, fit_columns(wanted, width - 3))
        return self._fitted[1]

    def _heading(self, width: int) -> Strip:
        style = self.ink("head")
        line = Row(width, style)
        column = 1
        for part, cells in self.fitted(width):
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
        before, top = self.cursor, self.scroll_offset.y
        self.cursor = max(0, min(index, self.row_count - 1))
        self._show_cursor()
        if self.scroll_offset.y == top:  # else all lines are drawn anyway
            self.refresh(*(self._line_at(place) for place in {before, self.cursor}))
        self.pointed()

    def _line_at(self, index: int) -> Region:
        """Where a row is on screen."""
        return Region(0, self.HEADING + index - round(self.scroll_y), self.size.width, 1)

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
