"""What failed, since when and whom it hit: the columns of the page, its rows, and what is said of one."""

from __future__ import annotations

from collections.abc import Mapping

from reconstruct.journeys.axis import say_duration
from reconstruct.journeys.moments import mapping_of, mappings_of, number_of, text_of
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.reader import Document
from reconstruct.tui.widgets.columns import Column
from reconstruct.tui.widgets.paint import Line, Span
from reconstruct.tui.widgets.sheet import Paragraph
from reconstruct.wording import say_failure, say_moment, say_period, say_surge

MARKS = 40
"""Cells of a course over time, as many as there are slices."""


def failure_rows(failures: Mapping[str, object]) -> list[Document]:
    """What was going on, then the kinds of failures in the order of the figures: surges first, then those of the systems."""
    over_time = mappings_of(failures.get("over_time"))

    def course(key: str) -> list[float]:
        return [number_of(row.get(key)) for row in over_time]

    rows: list[Document] = []
    for label, key, more in (
        ("all requests of people", "requests", ""),
        ("business journeys begun", "begun", "object:*"),
    ):
        if any(course(key)):
            rows.append(
                {"label": label, "times": sum(course(key)), "slices": course(key), "ink": "dim", "filter": more}
            )
    if number_of(failures.get("failed")):
        rows.append({
            "label": "requests that failed", "times": failures.get("failed"), "journeys": failures.get("journeys"),
            "slices": course("failed"), "ink": "strong", "query": failures.get("query"),
        })  # fmt: skip
    for kind in mappings_of(failures.get("kinds")):
        ink = "warn" if kind.get("surge") else "bad" if kind.get("technical") else "text"
        rows.append({**kind, "label": say_failure(dict(kind)), "ink": ink})
    return rows


def say_marks(failures: Mapping[str, object]) -> str:
    """What time the courses are of: how long a mark is, and from when to when they go."""
    over_time = mappings_of(failures.get("over_time"))
    if not over_time:
        return ""
    length = say_duration(int(number_of(failures.get("slice_s"))) * 1_000_000_000)
    return f"{length} a mark, {say_moment(text_of(over_time[0].get('at'))).strip()} to {say_moment(text_of(over_time[-1].get('at'))).strip()} UTC"


def _label(row: Document, pen: Pen) -> Span:
    sign = f"{pen.signs.warn} " if row.get("surge") else "  "
    return Span(f"{sign}{pen.clean(text_of(row.get('label')), 200)}", text_of(row.get("ink"), "text"))


def _count(key: str) -> Column:
    def render(row: Document, _pen: Pen) -> Span:
        n = int(number_of(row.get(key)))
        return Span(f"{n:,}" if n else "", "strong" if key == "times" else "text")

    title = "Times" if key == "times" else "Journeys"
    return Column(key, title, 8, render, 0 if key == "times" else 1, align="right")


def _moment(key: str, title: str, priority: int) -> Column:
    def render(row: Document, _pen: Pen) -> Span:
        return Span(say_moment(text_of(row[key])) if row.get(key) else "", "dim")

    return Column(key, title, 12, render, priority)


def _paint_course(row: Document, pen: Pen, cells: int) -> Line:
    """Heights, a cell for each slice, or for some together where there is no room."""
    found = row.get("slices")
    slices = [number_of(n) for n in found] if isinstance(found, list) else []
    together = max(1, -(-len(slices) // max(1, cells)))
    heights = [sum(slices[at : at + together]) for at in range(0, len(slices), together)]
    ink = text_of(row.get("ink"), "text")
    return [Span(pen.spark(heights), "text" if ink == "strong" else ink)]


def _course(row: Document, pen: Pen) -> Span:
    return Span("".join(span.text for span in _paint_course(row, pen, MARKS)))


COLUMNS = (
    Column("label", "What failed", 24, _label, 0, grows=3, most=80),
    _count("times"),
    _count("journeys"),
    _moment("first_at", "First", 3),
    _moment("last_at", "Last", 2),
    Column("slices", "Over time", 20, _course, 1, grows=1, most=MARKS, paint=_paint_course),
)


def describe_failure(row: Document, failures: Mapping[str, object], pen: Pen, text: str, place: str) -> list[Paragraph]:
    """A kind of failure in full. ``text``: its first line, where it is lines; ``place``: where that stands."""
    if not row:
        return [Paragraph([Span("Nothing failed", "dim")])]
    lines = [Paragraph([Span(pen.clean(text_of(row.get("label"))), "title")], 2), Paragraph()]
    surge = mapping_of(row.get("surge"))
    if surge:
        usual = surge.get("usual")
        words = f"{say_period(dict(surge))} UTC: {int(number_of(surge.get('times'))):,} times"
        words += f", {number_of(usual):g} would be usual" if usual is not None else ""
        lines.append(Paragraph([Span("All at once  ", "warn"), Span(pen.clean(words))], 2))
        whole = next(
            (each for each in mappings_of(failures.get("surges")) if each.get("from_at") == surge.get("from_at")), None
        )
        told = say_surge(dict(whole)) if whole else ""
        lines += [Paragraph([Span(pen.clean(told))], 2)] if told else []
    n, journeys = int(number_of(row.get("times"))), int(number_of(row.get("journeys")))
    told = "once" if n == 1 else f"{n:,} times"
    told += f", in {journeys:,} {'journey' if journeys == 1 else 'journeys'}" if journeys else ""
    if row.get("first_at"):
        told += f", from {say_moment(text_of(row['first_at'])).strip()} to {say_moment(text_of(row['last_at'])).strip()} UTC"
    lines.append(Paragraph([Span(told)], 2))
    if text:
        lines += [
            Paragraph([Span(f"the first: {pen.clean(place)}", "accent")], 2),
            Paragraph([Span(pen.clean(text, 2000), "dim")], 2),
        ]
    return lines
