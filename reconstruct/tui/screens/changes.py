"""What changed between two sets of journeys: columns, rows, and what is said of one."""

from __future__ import annotations

from collections.abc import Callable

from reconstruct.comparing.telling import say_change, say_counts, say_rest, say_uneven, say_verdict, split_changes
from reconstruct.journeys.axis import say_share
from reconstruct.journeys.moments import text_of
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.reader import Document
from reconstruct.tui.sanitise import measure
from reconstruct.tui.widgets.columns import Column
from reconstruct.tui.widgets.paint import Line, Span
from reconstruct.tui.widgets.sections import section
from reconstruct.tui.widgets.sheet import Paragraph
from reconstruct.wording import FEW, say_ms, say_part

SIDES = ("first", "second")


def brief(found: Document, unit: str) -> str:
    """A figure with its sample, where there is no room for the interval.

    >>> brief({"n": 188, "of": 596, "share": 0.3154}, "share"), brief({"n": 67, "p50_ms": 1140000}, "ms")
    ('31.5% of 596', '19m, n 67')
    """
    if unit == "ms":
        return f"{say_ms(found['p50_ms'])}, n {found['n']:,}" if found["n"] else "n 0"
    return f"{say_share(found['share'])} of {found['of']:,}" if found["of"] >= FEW else say_part(found)


def _fitting(wordings: list[str], pen: Pen, cells: int) -> str:
    """The first wording that fits, else the last, cut."""
    cleaned = [pen.clean(words, 200) for words in wordings]
    return next((words for words in cleaned if measure(words) <= cells), pen.cut(cleaned[-1], cells))


def _mark(row: Document, pen: Pen) -> Span:
    return Span(pen.signs.differs, "warn") if row["sure"] else Span(pen.signs.unknown, "faint")


def _name(row: Document, pen: Pen) -> Span:
    return Span(pen.clean(row["label"], 400))


def _paint_name(row: Document, pen: Pen, cells: int) -> Line:
    topic, name = pen.clean(row["topic"], 40), pen.clean(row["label"], 400)
    if measure(topic) + 1 + measure(name) > cells and row["topic"] in ("step", "wait", "variant"):
        _, _, name = name.partition(": ")  # the type of object says least
    ink = "strong" if row["sure"] else "text"
    cut = pen.cut_middle if row["topic"] == "variant" else pen.cut  # of a way the last step tells as much as the first
    return [Span(f"{topic} ", "dim"), Span(cut(name, cells - measure(topic) - 1), ink)]


def _figure(side: str) -> Callable[[Document, Pen], Span]:
    return lambda row, pen: Span(brief(row[side], row["unit"]))


def _paint_figure(side: str) -> Callable[[Document, Pen, int], Line]:
    def paint(row: Document, pen: Pen, cells: int) -> Line:
        return [Span(_fitting([getattr(say_change(row), side), brief(row[side], row["unit"])], pen, cells), "text")]

    return paint


def _change(row: Document, pen: Pen) -> Span:
    return Span(say_change(row).change)


def _paint_change(row: Document, pen: Pen, cells: int) -> Line:
    full = say_change(row).change
    shorter = full.replace(" points", "")
    words = _fitting([full, shorter, shorter.replace(" to ", " ")], pen, cells)
    value, blank, interval = words.partition(" (")
    return [Span(value, "strong" if row["sure"] else "text"), Span(blank + interval, "dim")]


COLUMNS = (
    Column("mark", "", 1, _mark, 0),
    Column("name", "What", 18, _name, 0, grows=5, most=60, paint=_paint_name),
    Column("first", "First", 12, _figure("first"), 0, grows=2, most=27, paint=_paint_figure("first")),
    Column("second", "Second", 12, _figure("second"), 0, grows=2, most=27, paint=_paint_figure("second")),
    Column("change", "Change", 22, _change, 0, grows=1, most=32, paint=_paint_change),
)


def change_rows(document: Document, pen: Pen) -> list[Document]:
    """What changed for sure, the largest first, after conversion where that is not sure; then what may be chance, and what is not judged."""
    sure, rest, uneven = split_changes(document)
    rows = [row for row in rest if row["topic"] == "conversion"]  # what everybody asks about, sure or not
    rest = [row for row in rest if row["topic"] != "conversion"]
    rows.append(section(pen.clean(say_verdict(document)), "section" if sure else "strong"))
    rows += sure
    for title, part in ((say_rest(document, len(rest)), rest), (say_uneven(document, len(uneven)), uneven)):
        if part:
            rows += [section(pen.clean(f"{title}; the largest first"), "dim"), *part]
    return rows


def change_head(document: Document, pen: Pen) -> list[list[Line]]:
    """Two lines for either set: its query, and how many it has."""
    lines: list[list[Line]] = []
    for side in SIDES:
        found = document[side]
        lines.append([[Span(f"{side:<6}", "key")], [Span(pen.clean(found["name"], 400), "title")]])
        lines.append([[Span(" " * 6)], [Span(pen.clean(say_counts(found), 400), "dim")]])
    return lines


def describe_change(row: Document, pen: Pen) -> list[Paragraph]:
    """One figure in full: what is counted, on either side, and how sure the difference is."""
    if "topic" not in row:
        return []
    told = say_change(row)
    verdict = "changed for sure" if row["sure"] else "not judged" if row["uneven"] else "may be chance"
    lines = [
        Paragraph([
            Span(pen.clean(f"{row['topic']} {row['label']}", 400), "title"),
            Span(f"  {pen.clean(told.change, 200)} {pen.signs.dot} {verdict}", "warn" if row["sure"] else "dim"),
        ], 2)
    ]  # fmt: skip
    for side in SIDES:
        query = text_of(row[side].get("query"))
        lines.append(Paragraph([
            Span(f"{side:<6}  ", "key"), Span(pen.clean(getattr(told, side), 200)),
            Span(f"  {pen.clean(query, 400)}", "dim"),
        ], 8))  # fmt: skip
    return lines
