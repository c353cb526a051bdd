"""View 6: which values identify things, what role they play, whose they are, and why we think so."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from reconstruct.journeys.moments import number_of, text_of
from reconstruct.tui.fetch import start
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.reader import Document
from reconstruct.tui.screens.facts import FactsView
from reconstruct.tui.widgets.columns import Column
from reconstruct.tui.widgets.paint import Span
from reconstruct.tui.widgets.rule import Rule
from reconstruct.tui.widgets.sheet import Paragraph, Sheet
from reconstruct.tui.widgets.table import FactTable

ROLE_INKS = {"session": "customer", "customer": "customer", "object": "accent", "request": "service-2"}


def _words(value: object) -> list[str]:
    return [text_of(item) for item in value if text_of(item)] if isinstance(value, list | tuple) else []


def _type(row: Document, pen: Pen) -> Span:
    return Span(pen.clean(text_of(row.get("type"), "?"), 100), "strong")


def _role(row: Document, pen: Pen) -> Span:
    role = text_of(row.get("role"), "?")
    return Span(pen.clean(role, 60), ROLE_INKS.get(role, "text"))


def _distinct(row: Document, pen: Pen) -> Span:
    return Span(f"{int(number_of(row.get('distinct'))):,}", "text")


def _owner(row: Document, pen: Pen) -> Span:
    owner = pen.clean(text_of(row.get("owner")), 100)
    return Span(f"{pen.signs.arrow} {owner}" if owner else pen.signs.unknown, "dim" if not owner else "text")


def _slots(row: Document, pen: Pen) -> Span:
    return Span(pen.clean(", ".join(_words(row.get("slots"))), 400), "dim")


COLUMNS = (
    Column("type", "Type", 12, _type, 0, grows=1, most=24),
    Column("role", "Role", 10, _role, 0),
    Column("owner", "Owner", 12, _owner, 0, grows=1, most=24),
    Column("distinct", "Values", 9, _distinct, 0, align="right"),
    Column("slots", "Found in", 20, _slots, 1, grows=4),
)


class IdentifiersView(FactsView):
    """Types as a table, the reasons of the chosen one below."""

    NAME = "identifiers"

    def body(self) -> Iterable[Widget]:
        yield FactTable(COLUMNS, id="identifiers")
        yield Rule("Why", id="seam")
        yield Sheet(id="detail")

    def results_changed(self) -> None:
        start(self, "identifiers", self._read)

    async def _read(self) -> None:
        app = self.reconstruct
        self.query_one(FactTable).fill(await app.fetcher.ask(app.reader.identifiers))
        self.show_detail()

    def describe(self, row: Document, pen: Pen, width: int) -> list[Paragraph]:
        return describe_identifier(row, pen)


def describe_identifier(row: Document, pen: Pen) -> list[Paragraph]:
    """One type in full."""
    if not row:
        return [Paragraph([Span("No identifiers yet", "dim")])]
    owner = text_of(row.get("owner"))
    title = [Span(pen.clean(text_of(row.get("type"), "?")), "title"), Span("  role ", "dim")]
    title.append(Span(pen.clean(text_of(row.get("role"), "?")), "accent"))
    if owner:
        title += [Span(", belongs to one ", "dim"), Span(pen.clean(owner), "accent")]
    lines = [Paragraph(title, 2), Paragraph()]
    lines += [Paragraph([Span(f"  {pen.signs.dot} "), Span(pen.clean(reason))], 4) for reason in _words(row.get("why"))]
    slots = _words(row.get("slots"))
    if slots:
        lines += [Paragraph(), Paragraph([Span("Found in", "section")])]
        lines += [Paragraph([Span("  "), Span(pen.clean(slot), "text")], 4) for slot in slots]
    return lines
