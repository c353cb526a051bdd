"""Rows of the funnel: stages with who drops off, outcomes, business outcomes, experience; each with what opens it."""

from __future__ import annotations

from collections.abc import Mapping

from reconstruct.journeys.moments import mapping_of, mappings_of, number_of, text_of
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.reader import Document
from reconstruct.tui.widgets.columns import Column
from reconstruct.tui.widgets.paint import Line, Span

BAR_CELLS = 24
LEAST_BAR = 8
"""A bar where there is little room: what is lost tells more."""
WIDE_BAR = 72
"""A bar where there is room."""
BAND = 10
"""Points of an experience band."""
OUTCOME_INKS = {"achieved": "good", "failed": "bad", "abandoned": "warn", "ongoing": "running"}
BUSINESS_INKS = {
    "fulfilled": "good", "failed": "bad", "cancelled": "bad", "stuck": "bad", "in_progress": "running",
}  # fmt: skip


def _label(row: Document, pen: Pen) -> Span:
    words = pen.clean(text_of(row.get("label")), 100)
    return Span(words, "section") if row.get("heading") else Span(f"  {words}")


def _number(row: Document, pen: Pen) -> Span:
    return Span("" if row.get("heading") else f"{int(number_of(row.get('count'))):,}", "strong")


def _share(row: Document, pen: Pen) -> Span:
    return Span("" if row.get("heading") else f"{number_of(row.get('share')):.1%}", "dim")


def _bar(row: Document, pen: Pen) -> Span:
    bar = "" if row.get("heading") else pen.bar(number_of(row.get("share")), BAR_CELLS)
    return Span(bar, text_of(row.get("ink"), "customer"))


def _paint_bar(row: Document, pen: Pen, cells: int) -> Line:
    share = 0.0 if row.get("heading") else number_of(row.get("share"))
    return [Span(pen.bar(share, cells), text_of(row.get("ink"), "customer"))] if share else []


def _lost(row: Document, pen: Pen) -> Span:
    lost = number_of(row.get("lost"))
    share = f"{number_of(row.get('lost_share')):.0%}"
    return Span(f"{pen.signs.down} {int(lost):,} dropped, {share}" if lost else "", "warn")


COLUMNS = (
    Column("label", "", 18, _label, 0, grows=1, most=26),
    Column("count", "Journeys", 9, _number, 0, align="right"),
    Column("share", "Share", 6, _share, 0, align="right"),
    Column("bar", "", LEAST_BAR, _bar, 2, grows=1, most=WIDE_BAR, paint=_paint_bar),
    Column("lost", "Drop-off", 19, _lost, 1),
)


def _heading(words: str) -> Document:
    return {"heading": True, "label": words}


def count_rows(flows: Mapping[str, object]) -> list[Document]:
    """All rows of the funnel."""
    total = number_of(flows.get("journeys"))
    return [*stage_rows(flows), *outcome_rows(flows), *business_rows(flows), *score_rows(flows)] if total else []


def stage_rows(flows: Mapping[str, object]) -> list[Document]:
    """How many reach each stage, and how many of them go no further without having got what they wanted: the figures of the summary."""
    rows = [_heading("Stages")]
    for stage in mappings_of(flows.get("funnel")):
        dropped = mapping_of(stage.get("dropped"))
        name = text_of(stage.get("stage"))
        rows.append({
            "label": name, "count": stage.get("n"), "share": stage.get("share"), "lost": dropped.get("n"), "lost_share": dropped.get("share"),
            "filter": f"stage>={name}" if len(rows) > 1 else "stage:*",
        })  # fmt: skip
    return rows if len(rows) > 1 else []


def outcome_rows(flows: Mapping[str, object]) -> list[Document]:
    """How journeys end."""
    return _ranked("Outcomes", "journey.outcome", mapping_of(flows.get("outcomes")), OUTCOME_INKS)


def business_rows(flows: Mapping[str, object]) -> list[Document]:
    """How their business journeys end."""
    return _ranked("Business journeys", "business.outcome", mapping_of(flows.get("business")), BUSINESS_INKS)


def _ranked(title: str, field: str, counts: Mapping[str, object], inks: Mapping[str, str]) -> list[Document]:
    ranked = sorted(((name, number_of(count)) for name, count in counts.items()), key=lambda item: (-item[1], item[0]))
    total = sum(count for _, count in ranked) or 1.0
    rows = [_heading(title)] if ranked else []
    for name, count in ranked:
        rows.append({
            "label": name.replace("_", " "), "count": count, "share": count / total, "ink": inks.get(name, "dim"),
            "filter": f"{field}:{name}",
        })  # fmt: skip
    return rows


def score_rows(flows: Mapping[str, object]) -> list[Document]:
    """How journeys feel: a histogram of the score, from the best band down to the worst there is."""
    scores = {int(number_of(band)): number_of(count) for band, count in mapping_of(flows.get("scores")).items()}
    total = sum(scores.values())
    if not total:
        return []
    rows = [_heading("Experience")]
    for band in range(100 // BAND - 1, min(scores) - 1, -1):
        low, high = band * BAND, 100 if (band + 1) * BAND == 100 else band * BAND + BAND - 1
        rows.append({
            "label": f"{low}–{high}", "count": scores.get(band, 0), "share": scores.get(band, 0) / total,
            "ink": "good" if low >= 80 else "warn" if low >= 50 else "bad", "filter": f"score:{low}..{high}",
        })  # fmt: skip
    return rows
