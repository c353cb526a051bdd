"""What is known about one moment of a journey, in words: fields, friction, the lines behind it, why they belong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconstruct.journeys.axis import say_duration, to_datetime
from reconstruct.journeys.moments import (
    Glyph,
    Moment,
    Ref,
    Story,
    label_of,
    mapping_of,
    mappings_of,
    name_of,
    number_of,
    text_of,
    time_of,
)
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.widgets.header import OUTCOME_WORDS, say_intent
from reconstruct.tui.widgets.paint import Span
from reconstruct.tui.widgets.picture import GLYPH_INKS
from reconstruct.tui.widgets.sheet import Paragraph

Position = tuple[int, int]
"""(source id, line)"""
LABEL_CELLS = 13
LINES_SHOWN = 40
"""Raw lines listed in the pane; the raw view has them all."""
STEPS_SHOWN = 200
"""Steps listed of a journey; its timeline has them all."""
IDENTIFIERS_SHOWN = 8
SURE = 0.9
ASSET = "asset"
"""The rule that joins the files of a page to it."""
VALUE_CELLS = 20
"""Cells of an identifier in the evidence: enough to tell two of them apart; the raw line has it whole."""


def positions_of(row: Mapping[str, object]) -> list[Position]:
    """The events of a touchpoint or step; unreadable ones are left out."""
    events = row.get("events")
    found = []
    for event in events if isinstance(events, list | tuple) else []:
        if isinstance(event, list | tuple) and len(event) == 2 and all(isinstance(part, int) for part in event):
            found.append((event[0], event[1]))
    return found


class Describer:
    """Writes the detail pane of one journey."""

    def __init__(self, story: Story, pen: Pen, paths: Mapping[int, str]) -> None:
        self.story = story
        self.pen = pen
        self.paths = paths
        self.alternatives: dict[Position, Sequence[Mapping[str, object]]] = {}
        """of lines that were asked about: where else each might have belonged, and why it does not"""
        self.links: dict[Position, list[Mapping[str, object]]] = {}
        for link in mappings_of(story.document.get("links")):
            for position in positions_of({"events": [link.get("event")]}):
                self.links.setdefault(position, []).append(link)

    def place(self, position: Position) -> str:
        """file:line"""
        return f"{self.pen.clean(self.paths.get(position[0], f'source {position[0]}'))}:{position[1]}"

    # --- parts

    def _label(self, part: Mapping[str, object]) -> str:
        """What the type of an identifier is called."""
        return label_of(part, self.story.labels)

    def _target(self, to: object) -> str:
        """What a line was joined to: ``session``, ``order:1001``."""
        kind, colon, id = text_of(to).partition(":")
        return self.story.labels.get(kind, kind) + colon + id

    def _fact(self, label: str, *spans: Span) -> Paragraph:
        return Paragraph([Span(self.pen.fit(label, LABEL_CELLS), "dim"), *spans], LABEL_CELLS)

    def _text(self, value: object, ink: str = "text") -> Span:
        return Span(self.pen.clean(text_of(value)), ink)

    def _facts(self, pairs: Sequence[tuple[str, object]]) -> list[Paragraph]:
        return [self._fact(label, self._text(value)) for label, value in pairs if text_of(value)]

    def _heading(self, text: str) -> list[Paragraph]:
        return [Paragraph(), Paragraph([Span(text, "section")])]

    def say_time(self, value: object) -> str:
        """An instant of the document, to the millisecond; empty when there is none."""
        at = time_of(value)
        if at is None:
            return ""
        moment = to_datetime(at)
        return f"{moment.day} {moment:%b %Y %H:%M:%S}.{moment.microsecond // 1000:03d} UTC"

    def say_ms(self, milliseconds: object) -> str:
        """A duration of the document; empty when it is none or nothing."""
        value = number_of(milliseconds)
        return say_duration(int(value * 1_000_000)) if value > 0 else ""

    # --- whole texts

    def describe(self, ref: Ref | None, moment: Moment | None, raw: Mapping[Position, str]) -> list[Paragraph]:
        """The pane for a moment, or for the journey as a whole."""
        if ref is None:
            return self.describe_journey()
        row = self.story.rows.get(ref, {})
        glyph = moment.glyph if moment else Glyph.INSTANT
        if ref.kind == "touchpoint":
            return self._touchpoint(ref, row, glyph, raw)
        if ref.kind == "step":
            return self._step(ref, row, glyph, raw)
        return self._missing(row) if ref.kind == "missing" else self._object(row, glyph)

    def _title(self, glyph: Glyph, title: object, *more: object) -> Paragraph:
        ink = GLYPH_INKS.get(glyph, "accent")
        spans = [Span(f"{self.pen.signs.marks[glyph]} ", ink), Span(self.pen.clean(text_of(title, "event")), "title")]
        for word in more:
            if text_of(word):
                spans.append(Span(f"  {self.pen.clean(text_of(word))}", "dim"))
        return Paragraph(spans, 2)

    def _touchpoint(
        self, ref: Ref, row: Mapping[str, object], glyph: Glyph, raw: Mapping[Position, str]
    ) -> list[Paragraph]:
        title = text_of(row.get("activity")) or text_of(row.get("route")) or "event"
        lines = [self._title(glyph, title, row.get("stage"))]
        request = " ".join(text_of(row.get(key)) for key in ("method", "target") if text_of(row.get(key)))
        status = text_of(row.get("status"))
        if request or status:
            good = row.get("ok", True)
            spans = [self._text(request or "request")]
            if status:
                spans += [Span(f" {self.pen.signs.arrow} ", "dim"), self._text(status, "good" if good else "bad")]
            lines.append(self._fact("request", *spans))
        lines += self._facts([("at", self.say_time(row.get("at"))), ("route", row.get("route"))])
        lines += self._facts([("answered in", self.say_ms(row.get("latency_ms"))),
                              ("stayed", self.say_ms(row.get("dwell_ms")))])  # fmt: skip
        friction = row.get("friction")
        signals = [
            signal
            for signal in mappings_of(mapping_of(self.story.document.get("experience")).get("signals"))
            if signal.get("touchpoint") == ref.place
        ]
        if signals or (isinstance(friction, list) and friction):
            lines += self._heading("Friction")
            lines += [self._signal(signal) for signal in signals]
            known = {text_of(signal.get("kind")) for signal in signals}
            for word in friction if isinstance(friction, list) and not signals else []:
                if text_of(word) not in known:
                    lines.append(Paragraph([Span(f"{self.pen.signs.warn} ", "warn"), self._text(word)], 2))
        return lines + self._evidence(positions_of(row), raw)

    def _signal(self, signal: Mapping[str, object]) -> Paragraph:
        weight = f"{-abs(number_of(signal.get('weight'))):.0f}".rjust(4)
        kind = self.pen.clean(text_of(signal.get("kind")).replace("_", " "), 60)
        return Paragraph(
            [Span(f"{weight} ", "warn"), Span(f"{kind}  ", "strong"), self._text(signal.get("why"), "dim")], 5
        )

    def _step(self, ref: Ref, row: Mapping[str, object], glyph: Glyph, raw: Mapping[Position, str]) -> list[Paragraph]:
        business = self.story.rows.get(Ref("object", ref.business, 0), {})
        lines = [
            self._title(glyph, row.get("activity") or "step", row.get("service"), name_of(business, self.story.labels))
        ]
        attempts = int(number_of(row.get("attempts"), 1))
        lines += self._facts([
            ("status", row.get("status")), ("at", self.say_time(row.get("at"))),
            ("waited", self.say_ms(row.get("wait_ms"))), ("usually", self._usual(row)),
            ("worked", self.say_ms(row.get("duration_ms"))),
            ("attempts", str(attempts) if attempts > 1 else ""), ("exception", row.get("exception")),
        ])  # fmt: skip
        activity = text_of(row.get("activity"))
        for deviation in mappings_of(business.get("deviations")):
            if text_of(deviation.get("activity")) == activity:
                lines.append(self._deviation(deviation))
        return lines + self._evidence(positions_of(row), raw)

    def _usual(self, row: Mapping[str, object]) -> str:
        usual = mapping_of(row.get("typical"))
        parts = []
        for name in ("p50", "p95"):
            value = self.say_ms(row.get(f"{name}_ms") or usual.get(f"{name}_ms"))
            if value:
                parts.append(f"{value} ({name})")
        return ", ".join(parts)

    def _deviation(self, deviation: Mapping[str, object]) -> Paragraph:
        kind = self.pen.clean(text_of(deviation.get("kind")).replace("_", " "), 40)
        spans = [Span(f"{self.pen.signs.warn} {kind} ", "warn"), self._text(deviation.get("activity"), "strong")]
        return Paragraph([*spans, Span("  "), self._text(deviation.get("why"), "dim")], 2)

    def _missing(self, row: Mapping[str, object]) -> list[Paragraph]:
        lines = [self._title(Glyph.MISSING, row.get("activity"), "expected, not seen")]
        return lines + self._facts([("kind", row.get("kind")), ("why", row.get("why")),
                                    ("expected", self.say_time(row.get("expected_at")))])  # fmt: skip

    def _object(self, row: Mapping[str, object], glyph: Glyph) -> list[Paragraph]:
        outcome = text_of(row.get("outcome"), "unknown")
        lines = [self._title(glyph, name_of(row, self.story.labels))]
        lines.append(
            self._fact(
                "outcome", Span(self.pen.clean(outcome.replace("_", " "), 60), OUTCOME_WORDS.get(outcome, "text"))
            )
        )
        value = mapping_of(row.get("value"))
        amount = f"{text_of(value.get('amount'))} {text_of(value.get('currency'))}".strip()
        parts = ", ".join(f"{self._label(p)} {text_of(p.get('id'))}" for p in mappings_of(row.get("objects")))
        lines += self._facts([
            ("value", amount), ("from", self.say_time(row.get("started_at"))), ("until", self.say_time(row.get("ended_at"))),
            ("took", self.say_ms(row.get("duration_ms"))), ("with", parts),
        ])  # fmt: skip
        lines += [self._deviation(deviation) for deviation in mappings_of(row.get("deviations"))]
        return lines

    def describe_journey(self) -> list[Paragraph]:
        """The journey as a whole."""
        document = self.story.document
        journey = mapping_of(document.get("customer_journey"))
        session = mapping_of(document.get("session"))
        experience = mapping_of(document.get("experience"))
        outcome = text_of(journey.get("outcome"), "unknown")
        lines = [self._title(Glyph.MILESTONE, f"Journey {text_of(document.get('id'), '?')}")]
        lines.append(self._fact("outcome", Span(self.pen.clean(outcome, 60), OUTCOME_WORDS.get(outcome, "text"))))
        addresses = session.get("client_ip")
        lines += self._facts([
            ("goal", journey.get("goal")), ("because", journey.get("outcome_why")), ("reached", journey.get("stage_reached")),
            ("came by", say_intent(journey.get("intent"), self.pen)), ("customer", document.get("customer")),
            ("device", session.get("device")), ("agent", session.get("agent_kind")), ("told by", session.get("agent_why")),
            ("address", ", ".join(text_of(one) for one in addresses) if isinstance(addresses, list) else addresses),
            ("began", self.say_time(document.get("started_at"))), ("took", self.say_ms(document.get("duration_ms"))),
            ("steps", f"{len(self.story.touchpoints):,}"),
        ])  # fmt: skip
        if "score" in experience:
            lines.append(self._fact("experience", self._text(experience.get("score"), "strong"),
                                    Span(f"  apdex {text_of(experience.get('apdex'), 'unknown')}", "dim")))  # fmt: skip
        lines += [self._signal(signal) for signal in mappings_of(experience.get("signals"))]
        for business in mappings_of(document.get("business_journeys")):
            lines.append(Paragraph())
            lines += self._object(business, Glyph.MILESTONE)
        return lines + self._steps()

    def _steps(self) -> list[Paragraph]:
        """What happened, in order: the visitor's touchpoints, and the steps of the business set in."""
        told = [(moment, "") for moment in self.story.touchpoints]
        told += [(moment, service) for steps in self.story.businesses for service, moment in steps if moment.has_time]
        told.sort(key=lambda one: (one[0].at_ns, one[1]))
        lines = self._heading("What happened") if told else []
        day = None
        for moment, service in told[:STEPS_SHOWN]:
            at = to_datetime(moment.at_ns)
            if at.date() != day:
                lines.append(Paragraph([Span(f"{at:%a} {at.day} {at:%b}", "dim")]))
            day = at.date()
            mark = f"{'  ' * bool(service)}{self.pen.signs.marks[moment.glyph]} "
            spans = [Span(f"{at:%H:%M:%S}  ", "dim"), Span(mark, GLYPH_INKS.get(moment.glyph, "accent"))]
            spans.append(Span(self.pen.clean(moment.label, 200)))
            if service:
                spans.append(Span(f"  {self.pen.clean(service, 40)}", "dim"))
            lines.append(Paragraph(spans, 12))
        if len(told) > STEPS_SHOWN:
            lines.append(Paragraph([Span(f"and {len(told) - STEPS_SHOWN:,} more", "dim")]))
        return lines

    # --- evidence

    def _evidence(self, positions: Sequence[Position], raw: Mapping[Position, str]) -> list[Paragraph]:
        if not positions:
            return []
        count = len(positions)
        named = dict.fromkeys(
            (self._label(part), text_of(part.get("value")))
            for position in positions
            for link in self.links.get(position, [])
            for part in mappings_of(link.get("via"))
        )
        lines = self._heading(f"{count:,} {'line' if count == 1 else 'lines'} behind it")
        if named:
            lines.append(self._fact("identifiers", Span(self._list_identifiers(list(named)))))
        for position in positions[:LINES_SHOWN]:
            lines.append(Paragraph([Span(self.place(position), "accent"), *self.joins(position)], 2))
            if position in raw:
                lines.append(Paragraph([Span(f"  {self.pen.cut(raw[position], 400)}", "dim")], 2))
            lines += self._refused(position)
        if count > LINES_SHOWN:
            lines.append(Paragraph([Span(f"and {count - LINES_SHOWN:,} more: Enter shows all", "dim")]))
        return lines

    def _refused(self, position: Position) -> list[Paragraph]:
        """Where else a line might have belonged, once that was asked."""
        found = self.alternatives.get(position)
        if found is None:
            return []
        lines = []
        for other in found:
            where = self._target(other.get("to"))
            journey = text_of(other.get("journey"))
            spans = [
                Span(f"  not {self.pen.clean(f'{where} {journey}'.strip(), 80)}  ", "warn"),
                self._text(other.get("why"), "dim"),
            ]
            lines.append(Paragraph(spans, 4))
        return lines or [Paragraph([Span("  it might have belonged nowhere else", "dim")], 4)]

    def _list_identifiers(self, named: Sequence[tuple[str, str]]) -> str:
        """Types and values the lines were joined through, each once."""
        shown = [
            self.pen.clean(f"{kind} {self.pen.cut(self.pen.clean(value, 200), VALUE_CELLS * 2)}")
            for kind, value in named
        ]
        more = f" and {len(shown) - IDENTIFIERS_SHOWN} more" if len(shown) > IDENTIFIERS_SHOWN else ""
        return f" {self.pen.signs.dot} ".join(shown[:IDENTIFIERS_SHOWN]) + more

    def _identifier(self, part: Mapping[str, object], rule: str) -> str:
        """Type and value, the type only when the rule does not name it, a long value by its beginning."""
        kind = self._label(part)
        value = self.pen.cut(self.pen.clean(text_of(part.get("value")), 200), VALUE_CELLS)
        return value if kind == rule else f"{kind} {value}"

    def split_assets(self, positions: Sequence[Position]) -> tuple[list[Position], list[Position]]:
        """The lines of files that a page fetched, and those that tell what was done; a moment of files alone is told by them."""
        assets = [at for at in positions if any(link.get("rule") == ASSET for link in self.links.get(at, []))]
        fetched = set(assets)
        telling = [at for at in positions if at not in fetched]
        return (assets, telling) if telling else ([], assets)

    def joins(self, position: Position) -> list[Span]:
        """Why a line belongs here: to what, by which rule and identifiers, how sure."""
        spans: list[Span] = []
        for link in self.links.get(position, []):
            confidence = number_of(link.get("confidence"))
            rule = text_of(link.get("rule"))
            via = ", ".join(self._identifier(part, rule) for part in mappings_of(link.get("via")))
            words = f"{self._target(link.get('to'))} by {rule}"
            sure = confidence >= SURE
            spans.append(Span(f"  {self.pen.signs.arrow} ", "dim"))
            spans.append(Span(self.pen.clean(words, 200), "text" if sure else "warn"))
            spans.append(Span(f" {self.pen.clean(via, 200)}" if via else "", "dim"))
            spans.append(Span(f" {confidence:.3f}".replace(" 0.", " ."), "good" if sure else "warn"))
        return spans
