"""A view of facts: a table, and the row under the cursor in full below it."""

from __future__ import annotations

from reconstruct.tui.glyphs import Pen
from reconstruct.tui.messages import RowPointed
from reconstruct.tui.reader import Document
from reconstruct.tui.screens.view import View
from reconstruct.tui.widgets.sheet import Paragraph, Sheet
from reconstruct.tui.widgets.table import FactTable


class FactsView(View):
    """Subclasses give a ``FactTable`` and a ``Sheet`` with the id ``detail``, and say a row in full."""

    def describe(self, row: Document, pen: Pen, width: int) -> list[Paragraph]:
        """The row in full; empty when there is none."""
        raise NotImplementedError

    def on_mount(self) -> None:
        super().on_mount()
        self.table.focus()

    @property
    def table(self) -> FactTable:
        """The table on screen."""
        return self.query_one(FactTable)

    def on_row_pointed(self, _event: RowPointed) -> None:
        self.show_detail()

    def show_detail(self) -> None:
        """Say the row under the cursor."""
        table = self.table
        row = table.rows[table.cursor] if table.rows else {}
        pen = self.reconstruct.pen
        self.query_one("#detail", Sheet).show(lambda width: self.describe(row, pen, width))
