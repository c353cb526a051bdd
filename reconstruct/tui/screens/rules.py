"""The rules that links rest on: how many each made, how sure they are, and whether that was measured on these logs."""

from __future__ import annotations

from collections.abc import Mapping

from reconstruct.journeys.moments import mapping_of, number_of, text_of
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.reader import Document
from reconstruct.tui.widgets.columns import Column
from reconstruct.tui.widgets.paint import Span
from reconstruct.tui.widgets.sheet import Paragraph

BAR_CELLS = 16
JOINED = {"session": "sessions", "object": "objects"}


def rule_rows(summary: Mapping[str, object]) -> list[Document]:
    """Rules that made links to sessions and to business objects, the busiest first; then those that were tried for nothing."""
    measured = {
        name: mapping_of(row) for name, row in mapping_of(mapping_of(summary.get("visits")).get("rules")).items()
    }
    rows: list[Document] = []
    for target, words in JOINED.items():
        joins = {
            name: mapping_of(row) for name, row in mapping_of(mapping_of(summary.get("joins")).get(target)).items()
        }
        total = sum(number_of(row.get("events")) for row in joins.values()) or 1.0
        for name, row in sorted(joins.items(), key=lambda item: (-number_of(item[1].get("events")), item[0])):
            trial = measured.pop(name, {}) if target == "session" else {}
            rows.append({**trial, **row, "rule": name, "to": words, "share": number_of(row.get("events")) / total})
    rows += [{**row, "rule": name, "to": JOINED["session"]} for name, row in sorted(measured.items())]
    return rows


def _rule(row: Document, pen: Pen) -> Span:
    return Span(pen.clean(text_of(row.get("rule")), 60), "strong")


def _to(row: Document, pen: Pen) -> Span:
    return Span(pen.clean(text_of(row.get("to")), 20), "dim")


def _events(row: Document, pen: Pen) -> Span:
    events = int(number_of(row.get("events")))
    return Span(f"{events:,}" if events else pen.signs.unknown, "text" if events else "faint")


def _bar(row: Document, pen: Pen) -> Span:
    return Span(pen.bar(number_of(row.get("share")), BAR_CELLS), "customer")


def _confidence(row: Document, pen: Pen) -> Span:
    share = number_of(row.get("confidence"))
    return Span(f"{share:.3f}", "good" if share >= 0.9 else "warn" if share >= 0.6 else "bad")


def _sure(row: Document, pen: Pen) -> Span:
    events = number_of(row.get("events"))
    return Span(f"{number_of(row.get('sure')) / events:.0%}" if events else "", "text")


def _known(row: Document, pen: Pen) -> Span:
    if row.get("measured") is True:
        return Span(f"measured, {int(number_of(row.get('trials'))):,} trials", "text")
    return Span("prior" if row.get("measured") is False else pen.signs.unknown, "dim")


COLUMNS = (
    Column("rule", "Rule", 14, _rule, 0, grows=1, most=24),
    Column("to", "Joins to", 8, _to, 0),
    Column("events", "Lines", 9, _events, 0, align="right"),
    Column("share", "", BAR_CELLS, _bar, 2),
    Column("confidence", "Sure", 5, _confidence, 0, align="right"),
    Column("sure", "Solid", 5, _sure, 1, align="right"),
    Column("trials", "Known how", 22, _known, 1),
)


def describe_rule(row: Document, pen: Pen) -> list[Paragraph]:
    """One rule in words."""
    if not row:
        return [Paragraph([Span("No links yet", "dim")])]
    name = pen.clean(text_of(row.get("rule")), 60)
    events, sure = int(number_of(row.get("events"))), int(number_of(row.get("sure")))
    lines = [Paragraph([Span(name, "title"), Span(f"  joins lines to {text_of(row.get('to'))}", "dim")])]
    if events:
        words = (
            f"{events:,} lines were joined by it, right in {number_of(row.get('confidence')):.1%} of cases on average; "
        )
        lines.append(Paragraph([Span(words), Span(f"{sure:,} are drawn solid (.90 and more), the rest dashed")], 2))
    else:
        lines.append(Paragraph([Span("It was tried and joined nothing here")]))
    if row.get("measured") is True:
        words = f"measured on these logs: what is known for sure was hidden {int(number_of(row.get('trials'))):,} times and the rule asked"
        lines.append(Paragraph([Span(words, "dim")], 2))
    elif row.get("measured") is False:
        words = "these logs hold too little to measure it: the figure is the one of the logs it was tried on"
        lines.append(Paragraph([Span(words, "dim")], 2))
    return lines
