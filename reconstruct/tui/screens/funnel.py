"""View 3: how far journeys come, how they end, how they feel. Every number opens the journeys it counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.widget import Widget

from reconstruct.journeys.moments import STAGES, mapping_of, mappings_of, number_of, text_of
from reconstruct.tui.fetch import Fetcher, start
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.reader import Document, Reader
from reconstruct.tui.screens.view import View
from reconstruct.tui.widgets.columns import Column
from reconstruct.tui.widgets.paint import Span
from reconstruct.tui.widgets.rule import Rule
from reconstruct.tui.widgets.table import FactTable

MACHINES = ("bot", "monitor")
"""Agents whose journeys are listed but not counted."""

COUNTED = 50_000
"""Journeys counted from the list when the summary has no funnel of its own; the view says so when there are more."""
PAGE = 5_000
BAR_CELLS = 24
SCORE_STEP = 20
"""Width of an experience band."""


def _label(row: Document, pen: Pen) -> Span:
    if row.get("heading"):
        return Span(pen.clean(text_of(row.get("label"))), "section")
    return Span(f"  {pen.clean(text_of(row.get('label')), 100)}", "text")


def _number(row: Document, pen: Pen) -> Span:
    return Span("" if row.get("heading") else f"{int(number_of(row.get('count'))):,}", "strong")


def _share(row: Document, pen: Pen) -> Span:
    return Span("" if row.get("heading") else f"{number_of(row.get('share')):.1%}", "dim")


def _bar(row: Document, pen: Pen) -> Span:
    return Span(
        "" if row.get("heading") else pen.bar(number_of(row.get("share")), BAR_CELLS),
        text_of(row.get("ink"), "customer"),
    )


def _lost(row: Document, pen: Pen) -> Span:
    lost = number_of(row.get("lost"))
    if row.get("heading"):
        return Span(pen.clean(text_of(row.get("note"))), "dim")
    return Span(f"{pen.signs.down} {int(lost):,} lost, {number_of(row.get('lost_share')):.0%}" if lost else "", "warn")


COLUMNS = (
    Column("label", "", 18, _label, 0, grows=1, most=34),
    Column("count", "Journeys", 9, _number, 0, align="right"),
    Column("share", "Share", 6, _share, 0, align="right"),
    Column("bar", "", BAR_CELLS, _bar, 1),
    Column("lost", "Drop-off", 18, _lost, 2),
)


class FunnelView(View):
    """Stages, outcomes, experience as bars."""

    NAME = "funnel"

    def body(self) -> Iterable[Widget]:
        yield FactTable(COLUMNS, on_open=self._open, id="funnel")
        yield Rule(id="note")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(FactTable).focus()

    def results_changed(self) -> None:
        start(self, "count", self._count)

    async def _count(self) -> None:
        app = self.reconstruct
        counts = await count_rows(app.reader, app.fetcher)
        rows = [
            *stage_rows(app.summary, counts), *outcome_rows(counts), *business_rows(app.summary), *score_rows(counts),
            *variant_rows(app.summary),
        ]  # fmt: skip
        table = self.query_one(FactTable)
        table.fill(rows)
        note = "Enter opens the journeys a line counts"
        if counts["total"] > counts["counted"]:
            note += f" · counted from the first {counts['counted']:,} of {counts['total']:,} journeys"
        self.query_one(Rule).say(app.pen.clean(note))

    def _open(self, row: Document) -> None:
        if row.get("filter"):
            start(self, "open", self._show, row)

    async def _show(self, row: Document) -> None:
        """With the filter as a query; with the plain word where the reader's filter knows words only."""
        app = self.reconstruct
        text = text_of(row["filter"])
        if not await app.fetcher.ask(app.reader.count_journeys, text) and row.get("count"):
            text = text_of(row.get("label"))
        app.show_filtered(text)


async def count_rows(reader: Reader, fetcher: Fetcher) -> Document:
    """Stages, outcomes and scores of people's journeys; those of robots and monitors are left out, as in the summary."""
    total = await fetcher.ask(reader.count_journeys, "")
    stages: dict[str, int] = {}
    outcomes: dict[str, int] = {}
    scores: dict[int, int] = {}
    seen = counted = 0
    while seen < min(total, COUNTED):
        rows = await fetcher.ask(reader.journey_rows, text="", order_by="started_at", offset=seen, limit=PAGE)
        for row in rows:
            if row.get("agent_kind") in MACHINES:
                continue
            counted += 1
            stage, outcome = text_of(row.get("stage_reached")), text_of(row.get("outcome"), "unknown")
            stages[stage] = stages.get(stage, 0) + 1
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            if row.get("score") is not None:
                band = min(99, max(0, int(number_of(row.get("score"))))) // SCORE_STEP
                scores[band] = scores.get(band, 0) + 1
        seen += len(rows)
        if not rows:
            break
    return {"total": total, "counted": counted, "stages": stages, "outcomes": outcomes, "scores": scores}


def stage_rows(summary: Mapping[str, object], counts: Document) -> list[Document]:
    """How many reach each stage, and how many are lost on the way there."""
    reached = _given_funnel(summary)
    if not reached:
        ends = mapping_of(summary.get("stages_reached"))
        stages = {stage: int(number_of(count)) for stage, count in ends.items()} or counts["stages"]
        known = [stage for stage in STAGES if any(stages.get(later) for later in STAGES[STAGES.index(stage) :])]
        reached = [(stage, sum(stages.get(later, 0) for later in STAGES[STAGES.index(stage) :])) for stage in known]
    if not reached:
        return []
    rows: list[Document] = [{"heading": True, "label": "Stages", "note": ""}]
    top = max(1, reached[0][1])
    for index, (stage, count) in enumerate(reached):
        before = reached[index - 1][1] if index else count
        lost = max(0, before - count)
        rows.append({
            "label": stage, "count": count, "share": count / top, "lost": lost, "lost_share": lost / max(1, before),
            "filter": f"stage>={stage}",
        })  # fmt: skip
    return rows


def _given_funnel(summary: Mapping[str, object]) -> list[tuple[str, int]]:
    given = summary.get("funnel")
    if isinstance(given, Mapping):
        return [(text_of(stage), int(number_of(count))) for stage, count in given.items()]
    rows = mappings_of(given)
    return [(text_of(row.get("stage")), int(number_of(row.get("journeys") or row.get("count")))) for row in rows if row]


def variant_rows(summary: Mapping[str, object]) -> list[Document]:
    """The most frequent ways through, when the summary knows them."""
    variants = mappings_of(summary.get("variants"))[:10]
    total = sum(number_of(row.get("journeys") or row.get("count")) for row in variants) or 1.0
    rows: list[Document] = [{"heading": True, "label": "Variants", "note": ""}] if variants else []
    for row in variants:
        count = number_of(row.get("journeys") or row.get("count"))
        path = row.get("activities") or row.get("path")
        words = " → ".join(text_of(part) for part in path) if isinstance(path, list) else text_of(path)
        share = number_of(row.get("share"), count / total)
        rows.append({"label": words, "count": count, "share": share, "filter": text_of(row.get("filter"))})
    return rows


def outcome_rows(counts: Document) -> list[Document]:
    """How journeys end."""
    inks = {"achieved": "good", "failed": "bad", "abandoned": "warn", "ongoing": "running"}
    outcomes = sorted(counts["outcomes"].items(), key=lambda item: (-item[1], item[0]))
    rows: list[Document] = [{"heading": True, "label": "Outcomes", "note": ""}] if outcomes else []
    for outcome, count in outcomes:
        rows.append({
            "label": outcome, "count": count, "share": count / max(1, counts["counted"]),
            "ink": inks.get(outcome, "dim"), "filter": f"outcome:{outcome}",
        })  # fmt: skip
    return rows


def business_rows(summary: Mapping[str, object]) -> list[Document]:
    """How business journeys end."""
    inks = {"fulfilled": "good", "failed": "bad", "cancelled": "bad", "stuck": "bad", "in_progress": "running"}
    outcomes = {name: number_of(count) for name, count in mapping_of(summary.get("business_outcomes")).items()}
    total = sum(outcomes.values()) or 1.0
    rows: list[Document] = [{"heading": True, "label": "Business journeys", "note": ""}] if outcomes else []
    for outcome, count in sorted(outcomes.items(), key=lambda item: (-item[1], item[0])):
        label = text_of(outcome).replace("_", " ")
        rows.append({"label": label, "count": count, "share": count / total, "ink": inks.get(outcome, "dim")})
    return rows


def score_rows(counts: Document) -> list[Document]:
    """How journeys feel, in bands of the score."""
    scores: dict[int, int] = counts["scores"]
    total = sum(scores.values())
    rows: list[Document] = [{"heading": True, "label": "Experience", "note": ""}] if total else []
    for band in range(100 // SCORE_STEP - 1, -1, -1) if total else ():
        low, high = band * SCORE_STEP, band * SCORE_STEP + SCORE_STEP - 1
        high = 100 if high == 99 else high
        count = scores.get(band, 0)
        ink = "good" if low >= 80 else "warn" if low >= 40 else "bad"
        rows.append({
            "label": f"{low}–{high}", "count": count, "share": count / total, "ink": ink,
            "filter": f"score>={low} score<={high}",
        })  # fmt: skip
    return rows
