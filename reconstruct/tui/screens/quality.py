"""View 5: what was read, as what, and what could not be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from textual.widget import Widget

from reconstruct.journeys.axis import say_duration, say_share, to_datetime
from reconstruct.journeys.moments import mapping_of, mappings_of, number_of, text_of, time_of
from reconstruct.tui.fetch import start
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.reader import Document
from reconstruct.tui.screens import rules
from reconstruct.tui.screens.facts import FactsView
from reconstruct.tui.screens.paged import PagedView
from reconstruct.tui.widgets.columns import Column
from reconstruct.tui.widgets.pages import PageStrip
from reconstruct.tui.widgets.paint import Span
from reconstruct.tui.widgets.rule import Rule
from reconstruct.tui.widgets.sheet import Paragraph, Sheet
from reconstruct.tui.widgets.table import FactTable

ACCOUNT = ("events", "continuations", "directives", "blank", "duplicates", "unparsed")
"""What a line can be; together they are all lines."""


def _path(row: Document, pen: Pen) -> Span:
    return Span(pen.clean(text_of(row.get("path"), "?"), 400), "strong")


def _count(key: str, ink: str = "text") -> Callable[[Document, Pen], Span]:
    def say(row: Document, pen: Pen) -> Span:
        count = int(number_of(row.get(key)))
        return Span(f"{count:,}" if count else pen.signs.unknown, ink if count else "faint")

    return say


def _formats(row: Document, pen: Pen) -> Span:
    formats = sorted(mapping_of(row.get("formats")).items(), key=lambda item: (-number_of(item[1]), item[0]))
    return Span(pen.clean(", ".join(name for name, _ in formats), 400), "accent")


def _parsed(row: Document, pen: Pen) -> Span:
    share = number_of(mapping_of(row.get("quality")).get("parsed"), 1.0)
    return Span(say_share(share), "good" if share > 0.99 else "warn" if share > 0.9 else "bad")


def _generic(row: Document, pen: Pen) -> Span:
    share = number_of(mapping_of(row.get("quality")).get("generic"))
    return Span(say_share(share), "warn") if share else Span(pen.signs.unknown, "faint")


def _zone(row: Document, pen: Pen) -> Span:
    origin = text_of(row.get("timezone_from"))
    words = f"{text_of(row.get('timezone'))} {origin}".strip()
    return Span(pen.clean(words, 60), "warn" if origin == "assumed" else "text")


def _skew(row: Document, pen: Pen) -> Span:
    offset = number_of(row.get("clock_offset_ms"))
    if not offset:
        return Span(pen.signs.unknown, "faint")
    return Span(f"{'+' if offset > 0 else '-'}{say_duration(int(abs(offset) * 1_000_000))}", "warn")


COLUMNS = (
    Column("path", "Source", 26, _path, 0, grows=2, most=60, keeps="ends"),
    Column("lines", "Lines", 9, _count("lines", "strong"), 0, align="right"),
    Column("parsed", "Parsed", 6, _parsed, 0, align="right"),
    Column("generic", "Generic", 7, _generic, 3, align="right"),
    Column("formats", "Formats", 16, _formats, 1, grows=2, most=48),
    Column("unparsed", "Unparsed", 8, _count("unparsed", "bad"), 2, align="right"),
    Column("timezone", "Zone", 15, _zone, 3),
    Column("clock_offset_ms", "Clock", 7, _skew, 4, align="right"),
    Column("events", "Events", 9, _count("events"), 5, align="right"),
    Column("continuations", "Continued", 9, _count("continuations"), 6, align="right"),
    Column("duplicates", "Duplicate", 9, _count("duplicates", "warn"), 7, align="right"),
    Column("blank", "Blank", 7, _count("blank"), 8, align="right"),
    Column("directives", "Directives", 10, _count("directives"), 9, align="right"),
)


class QualityView(PagedView, FactsView):
    """Sources as a table, the chosen one in full below; the rules that journeys rest on, and how far each is trusted."""

    NAME = "quality"
    PAGES = (("sources", "Sources"), ("rules", "Rules"))

    def body(self) -> Iterable[Widget]:
        yield PageStrip(self.PAGES)
        yield Rule(id="totals")
        yield FactTable(COLUMNS, id="sources")
        yield FactTable(rules.COLUMNS, id="rules")
        yield Rule("This source", id="seam")
        yield Sheet(id="detail")

    def on_mount(self) -> None:
        super().on_mount()
        self.page_changed()

    @property
    def table(self) -> FactTable:
        return self.query_one(f"#{self.page}", FactTable)

    def page_changed(self) -> None:
        for each in self.query(FactTable):
            each.display = each.id == self.page
        self.table.focus()
        self.query_one("#seam", Rule).say("This rule" if self.page == "rules" else "This source")
        self.show_detail()
        self.query_one(PageStrip).show(self.page, "")

    def results_changed(self) -> None:
        start(self, "sources", self._read)

    async def _read(self) -> None:
        app = self.reconstruct
        rows = await app.fetcher.ask(app.reader.sources)
        self.query_one("#sources", FactTable).fill(rows, "path")
        self.query_one("#rules", FactTable).fill(rules.rule_rows(app.summary), "rule")
        self.query_one("#totals", Rule).say(app.pen.clean(say_account(rows)))
        self.show_detail()

    def describe(self, row: Document, pen: Pen, width: int) -> list[Paragraph]:
        return rules.describe_rule(row, pen) if self.page == "rules" else describe_source(row, pen, width)


def say_account(rows: list[Document]) -> str:
    """The line account over all sources, and whether it adds up."""
    lines = sum(int(number_of(row.get("lines"))) for row in rows)
    parts = {key: sum(int(number_of(row.get(key))) for row in rows) for key in ACCOUNT}
    words = " + ".join(f"{count:,} {key}" for key, count in parts.items() if count)
    gap = lines - sum(parts.values())
    if not lines:
        return "No line is read yet"
    return f"{lines:,} lines = {words}" + (f"  ({gap:+,} unaccounted)" if gap else "")


def describe_source(row: Document, pen: Pen, width: int = 80) -> list[Paragraph]:
    """Everything known about one source."""
    if not row:
        return [Paragraph([Span("No sources yet", "dim")])]
    quality = mapping_of(row.get("quality"))
    lines = [Paragraph([Span(pen.clean(text_of(row.get("path"), "?")), "title")])]
    if text_of(row.get("forced")):
        words = f"{text_of(row.get('forced'))}, because you said so"
        lines.append(Paragraph([Span(pen.fit("read as", 28), "dim"), Span(pen.clean(words, 80), "warn")]))
    total = max(1.0, number_of(row.get("lines")))
    for name, count in sorted(mapping_of(row.get("formats")).items(), key=lambda item: (-number_of(item[1]), item[0])):
        share = number_of(count) / total
        spans = [Span(pen.fit(pen.clean(name, 80), 28), "accent"), Span(f"{int(number_of(count)):>10,} lines  ")]
        lines.append(Paragraph([*spans, Span(pen.bar(share, 20), "customer"), Span(f" {share:.1%}", "dim")]))
    for key in ACCOUNT:
        count = int(number_of(row.get(key)))
        if count:
            ink = "bad" if key == "unparsed" else "text"
            lines.append(Paragraph([Span(pen.fit(key, 28), "dim"), Span(f"{count:>10,}", ink)]))
    first, last = time_of(row.get("first_at")), time_of(row.get("last_at"))
    if first is not None and last is not None:
        begin, end = to_datetime(first), to_datetime(last)
        words = f"{begin.day} {begin:%b %Y %H:%M:%S} {pen.signs.arrow} {end.day} {end:%b %Y %H:%M:%S} UTC"
        lines.append(Paragraph([Span(pen.fit("time", 28), "dim"), Span(words)]))
    zone, origin = text_of(row.get("timezone")), text_of(row.get("timezone_from"))
    if zone:
        lines.append(Paragraph([Span(pen.fit("zone", 28), "dim"), Span(pen.clean(f"{zone} ({origin})", 80))]))
        if text_of(quality.get("timezone_why")):
            lines[-1].spans.append(Span(f"  {pen.clean(text_of(quality.get('timezone_why')), 400)}", "dim"))
    if number_of(row.get("clock_offset_ms")):
        words = f"{number_of(row.get('clock_offset_ms')):+,.0f} ms against the other sources, corrected"
        lines.append(Paragraph([Span(pen.fit("clock", 28), "dim"), Span(words, "warn")]))
    facts = [("compression", row.get("compression")), ("encoding", row.get("encoding")), ("family", row.get("family"))]
    for name, value in facts:
        if text_of(value) and text_of(value) != text_of(row.get("path")):
            lines.append(Paragraph([Span(pen.fit(name, 28), "dim"), Span(pen.clean(text_of(value), 400))]))
    for note, count in mapping_of(quality.get("notes")).items():
        words = f"{int(number_of(count)):,} lines: {note}"
        lines.append(Paragraph([Span(f"{pen.signs.warn} ", "warn"), Span(pen.clean(words, 400))], 2))
    for generic, title in ((False, "Lines no format claims"), (True, "Lines known by their moment only")):
        samples = [each for each in mappings_of(quality.get("samples")) if bool(each.get("generic")) is generic]
        if samples:
            lines += [Paragraph(), Paragraph([Span(title, "section")])]
            lines += [line for sample in samples for line in _describe_sample(sample, pen, width)]
    return lines


def _describe_sample(sample: Mapping[str, object], pen: Pen, width: int) -> list[Paragraph]:
    """A line, and below it how far the format came that came furthest."""
    number = f"{int(number_of(sample.get('line'))):>8,}  "
    text = pen.cut(pen.clean(text_of(sample.get("text"))), max(8, width - len(number)))
    lines = [Paragraph([Span(number, "dim"), Span(text)])]
    nearest = mapping_of(sample.get("nearest"))
    if nearest:
        expected = nearest.get("expected")
        wanted = "; or ".join(map(text_of, expected)) if isinstance(expected, list) else ""
        words = f"{text_of(nearest.get('format'))} came to column {int(number_of(nearest.get('column')))}, expected {wanted}"
        lines.append(Paragraph([Span(" " * len(number)), Span(pen.clean(words, 400), "dim")], len(number)))
    return lines
