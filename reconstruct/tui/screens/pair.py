"""Two journeys side by side: columns and rows."""

from __future__ import annotations

from collections.abc import Callable

from reconstruct.comparing.telling import NO_ENTRIES, PARTS_HERE, SAME, say_journey
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.reader import Document
from reconstruct.tui.widgets.columns import Column
from reconstruct.tui.widgets.header import FAIR_SCORE, GOOD_SCORE, OUTCOME_WORDS
from reconstruct.tui.widgets.paint import Line, Span
from reconstruct.tui.widgets.sections import section
from reconstruct.wording import say_ms

SIDES = ("first", "second")
SIDE_CELLS = 72
"""Widest side: further apart they are not seen as one row."""
IDENTITY = 4
"""Parts of ``say_journey`` that say who, where and when; the rest is what came of it."""


def _mark(row: Document, pen: Pen) -> Span:
    return Span("" if row["same"] else pen.signs.differs, "warn")


def _time(side: str, key: str, ink: str) -> Callable[[Document, Pen], Span]:
    return lambda row, pen: Span(say_ms(row[side][key]) if row[side] else "", ink)


def _activity(side: str) -> Callable[[Document, Pen], Span]:
    return lambda row, pen: Span(pen.clean(row[side]["activity"], 200) if row[side] else "")


def _paint_activity(side: str) -> Callable[[Document, Pen, int], Line]:
    def paint(row: Document, pen: Pen, cells: int) -> Line:
        entry = row[side]
        if entry is None:
            return []
        words = pen.clean(entry["activity"], 200)
        if not entry["ok"]:
            return [Span(pen.cut(words, cells - 2), "bad"), Span(f" {pen.signs.bad}", "bad")]
        return [Span(pen.cut(words, cells), "text" if row["same"] else "strong")]

    return paint


COLUMNS = (
    Column("mark", "", 1, _mark, 0),
    *(
        column
        for side in SIDES
        for column in (
            Column(f"{side}_after", "After", 6, _time(side, "after_ms", "dim"), 0, align="right"),
            Column(f"{side}_wait", "Wait", 6, _time(side, "wait_ms", "text"), 0, align="right"),
            Column(side, side.title(), 16, _activity(side), 0, grows=1, most=SIDE_CELLS, paint=_paint_activity(side)),
        )
    ),
)


def pair_rows(document: Document, pen: Pen) -> list[Document]:
    """What the visitors did and what the business did, each row with what stands on either side."""
    rows: list[Document] = []
    for title, key in (("What the visitors did", "touchpoints"), ("What the business did", "steps")):
        aligned = document[key]
        rows.append(section(title))
        for number, row in enumerate(aligned["rows"]):
            if number == aligned["parts_at"]:
                rows.append(section(f"{pen.signs.rule * 2} {PARTS_HERE} {pen.signs.rule * 2}", "warn"))
            rows.append(row)
        if not aligned["rows"]:
            rows.append(section(f"  {NO_ENTRIES}", "dim"))
        elif aligned["parts_at"] is None:
            rows.append(section(f"  {SAME}", "good"))
        if aligned["left_out"]:
            rows.append(section(f"  {aligned['left_out']:,} more are not compared", "dim"))
    return rows


def pair_head(document: Document, pen: Pen) -> list[list[Line]]:
    """Two lines of parts for either journey: who and when; what came of it and how it felt."""
    lines: list[list[Line]] = []
    for side in SIDES:
        head = document[side]
        words = [pen.clean(part, 60) for part in say_journey(head)]
        inks = ["title", "strong", "text", "dim", OUTCOME_WORDS.get(head["outcome"], "text")]
        if head["score"] is not None:
            inks.append("good" if head["score"] >= GOOD_SCORE else "warn" if head["score"] >= FAIR_SCORE else "bad")
        if head["business"]:
            inks.append(OUTCOME_WORDS.get(head["business"]["outcome"], "text"))
        parts = [[Span(text, ink)] for text, ink in zip(words, inks, strict=True)]
        lines.append([[Span(f"{side:<6}", "key")], *parts[:IDENTITY]])
        lines.append([[Span(" " * 6)], *parts[IDENTITY:]])
    return lines
