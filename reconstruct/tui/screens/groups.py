"""The journey list arranged otherwise: by customer, device, variant …, or as its business journeys. What opens a row."""

from __future__ import annotations

from collections.abc import Callable

from reconstruct.journeys.axis import say_duration, to_datetime
from reconstruct.journeys.moments import number_of, text_of, time_of
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.reader import Document
from reconstruct.tui.screens.counts import BUSINESS_INKS
from reconstruct.tui.widgets.columns import Column, say_customer
from reconstruct.tui.widgets.course import draw_way
from reconstruct.tui.widgets.paint import Line, Span

JOURNEYS, BUSINESS = "journeys", "business"
ARRANGEMENTS = (
    ("j", "each journey", JOURNEYS), ("c", "customer", "customer"), ("b", "business object", BUSINESS),
    ("v", "variant: the way they take", "variant"), ("o", "outcome", "outcome"), ("g", "goal", "goal"),
    ("s", "stage reached", "stage_reached"), ("d", "device", "device"), ("h", "channel", "channel"),
    ("a", "day", "day"), ("k", "people, bots, monitors", "agent_kind"),
)  # fmt: skip
"""(letter, words, what the reader groups by)."""
FIELDS = {"stage_reached": "stage", "agent_kind": "agent"}
"""Fields of the query language that are called otherwise than the column."""
NOBODY = "not known"
BAR_CELLS = 12


def _name(row: Document, pen: Pen) -> Span:
    name = say_customer(text_of(row.get("name")))
    return Span(pen.clean(name or NOBODY, 200), "strong" if name else "dim")


def _paint_name(row: Document, pen: Pen, cells: int) -> Line:
    way = row.get("way")
    if isinstance(way, list) and way:
        return draw_way([text_of(each) for each in way], pen, cells)
    words, ink = _name(row, pen)
    return [Span(pen.cut(words, cells), ink)]


def _count(row: Document, pen: Pen) -> Span:
    return Span(f"{int(number_of(row.get('journeys'))):,}", "strong")


def _bar(row: Document, pen: Pen) -> Span:
    return Span(pen.bar(number_of(row.get("share")), BAR_CELLS), "customer")


def _part(key: str, ink: str) -> Callable[[Document, Pen], Span]:
    def say(row: Document, pen: Pen) -> Span:
        count = int(number_of(row.get(key)))
        return Span(f"{count:,}" if count else pen.signs.unknown, ink if count else "faint")

    return say


def _score(row: Document, pen: Pen) -> Span:
    if row.get("score") is None:
        return Span("")
    score = number_of(row.get("score"))
    return Span(f"{score:.0f}", "good" if score >= 80 else "warn" if score >= 50 else "bad")


def _when(key: str) -> Callable[[Document, Pen], Span]:
    def say(row: Document, pen: Pen) -> Span:
        at = time_of(row.get(key))
        if at is None:
            return Span("")
        moment = to_datetime(at)
        return Span(f"{moment.day:2d} {moment:%b %H:%M}", "dim")

    return say


def _duration(key: str) -> Callable[[Document, Pen], Span]:
    def say(row: Document, pen: Pen) -> Span:
        ms = number_of(row.get(key))
        return Span(say_duration(int(ms * 1_000_000)) if ms > 0 else "", "dim")

    return say


GROUP_COLUMNS = (
    Column("name", "Group", 24, _name, 0, grows=1, paint=_paint_name, sort_key="g"),
    Column("journeys", "Journeys", 8, _count, 0, align="right", sort_key="j"),
    Column("share", "", BAR_CELLS, _bar, 3),
    Column("good", "Goal", 6, _part("good", "good"), 0, align="right", sort_key="o"),
    Column("abandoned", "Left", 6, _part("abandoned", "warn"), 1, align="right", sort_key="l"),
    Column("bad", "Failed", 6, _part("bad", "bad"), 1, align="right", sort_key="f"),
    Column("score", "Exp.", 4, _score, 2, align="right", sort_key="x"),
    Column("n_errors", "Err", 5, _part("n_errors", "bad"), 4, align="right", sort_key="e"),
    Column("p50_ms", "p50", 6, _duration("p50_ms"), 5, align="right", sort_key="p"),
    Column("first", "First", 12, _when("first"), 7, sort_key="r"),
    Column("last", "Last", 12, _when("last"), 6, sort_key="a"),
)


def _object(row: Document, pen: Pen) -> Span:
    return Span(
        pen.clean(f"{text_of(row.get('label') or row.get('type'))} {text_of(row.get('object'))}", 100), "strong"
    )


def _outcome(row: Document, pen: Pen) -> Span:
    outcome = text_of(row.get("outcome"))
    signs = {"fulfilled": pen.signs.good, "in_progress": pen.signs.running, "stuck": pen.signs.warn}
    ink = BUSINESS_INKS.get(outcome, "dim")
    sign = signs.get(outcome, pen.signs.bad if ink == "bad" else pen.signs.unknown)
    return Span(f"{sign} {pen.clean(outcome.replace('_', ' '), 30)}", ink)


def _value(row: Document, pen: Pen) -> Span:
    return Span(pen.clean(f"{text_of(row.get('amount'))} {text_of(row.get('currency'))}".strip(), 30))


def _customer(row: Document, pen: Pen) -> Span:
    customer = say_customer(text_of(row.get("customer")))
    return Span(pen.clean(customer, 100) or pen.signs.unknown, "text" if customer else "faint")


def _steps(row: Document, pen: Pen) -> Span:
    return Span(f"{int(number_of(row.get('n_steps'))):,}", "dim")


def _way(row: Document, pen: Pen) -> Span:
    return Span("")


def _paint_way(row: Document, pen: Pen, cells: int) -> Line:
    way = row.get("way")
    return draw_way([text_of(each) for each in way], pen, cells) if isinstance(way, list) else []


BUSINESS_COLUMNS = (
    Column("object", "Object", 18, _object, 0, grows=1, most=32, sort_key="b"),
    Column("outcome", "Outcome", 13, _outcome, 0, sort_key="o"),
    Column("amount", "Value", 12, _value, 1, align="right", sort_key="v"),
    Column("started_at", "Started", 12, _when("started_at"), 2, sort_key="t"),
    Column("duration_ms", "Time", 6, _duration("duration_ms"), 2, align="right", sort_key="d"),
    Column("n_steps", "Steps", 5, _steps, 4, align="right", sort_key="n"),
    Column("customer", "Customer", 16, _customer, 3, grows=1, most=34, sort_key="c"),
    Column("way", "Way", 16, _way, 5, grows=3, paint=_paint_way),
)


def share_groups(rows: list[Document]) -> list[Document]:
    """Groups with their part of the largest one, for bars."""
    most = max((number_of(row.get("journeys")) for row in rows), default=1.0) or 1.0
    return [{**row, "share": number_of(row.get("journeys")) / most} for row in rows]
