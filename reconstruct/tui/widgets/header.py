"""The two lines over a timeline: whose journey, when, what came of it, how it felt."""

from __future__ import annotations

from collections import Counter

from textual.strip import Strip

from reconstruct.journeys.axis import DAY, say_duration, to_datetime
from reconstruct.journeys.moments import Story, mapping_of, mappings_of, name_of, number_of, text_of
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.reader import PROGRAMS
from reconstruct.tui.sanitise import measure
from reconstruct.tui.widgets.columns import say_customer
from reconstruct.tui.widgets.paint import Drawer, Inked, Row, Span

SPARK_CELLS = 8
OBJECTS_SHOWN = 4
"""Business objects named in the header; the lanes show all."""
SHORT_PART = 8
"""A part cut to less says nothing."""
GOOD_SCORE = 80
"""From here on an experience reads as good; from FAIR_SCORE on as fair. Bands of the experience score's own scale."""
FAIR_SCORE = 50

INTENT_ORDER = ("source", "campaign", "medium", "referrer", "searched", "entry")
"""Most telling first; whatever else the intent holds comes behind."""
INTENT_LINKS = frozenset({"previous"})
"""Ids of other journeys, not reasons to come."""

OUTCOME_WORDS = {
    "fulfilled": "good", "achieved": "good", "failed": "bad", "cancelled": "bad", "returned": "warn", "stuck": "bad",
    "in_progress": "running", "ongoing": "running", "abandoned": "warn", "browsed": "dim",
}  # fmt: skip


class JourneyHeader(Inked):
    """Identity and span on the first line, outcome and experience on the second."""

    def __init__(self) -> None:
        super().__init__()
        self.story: Story | None = None

    def show(self, story: Story | None) -> None:
        """Another journey."""
        self.story = story
        self.refresh()

    def draw_line(self, y: int) -> Strip:
        row = Row(self.size.width)
        if self.story is None:
            return row.strip()
        parts = (say_identity if y == 0 else say_outcome)(self.story, self.pen)
        place_parts(row, [part for part in parts if part != NOBODY] if too_wide(parts, row.width) else parts, self)
        return row.strip()


NOBODY = [Span("unknown customer", "dim")]
"""The first to go when room is short: what is not known tells less than when it was."""


def too_wide(parts: list[list[Span]], width: int) -> bool:
    """Whether parts with air between them need more cells than there are."""
    return sum(measure(span.text) for part in parts for span in part) + 3 * (len(parts) - 1) + 2 > width


def place_parts(row: Row, parts: list[list[Span]], drawer: Drawer) -> None:
    """Parts with air between them; a part that does not fit is left out, the last one that is begun is cut."""
    column = 1
    for part in parts:
        cells = sum(measure(span.text) for span in part)
        room = row.width - column - 1
        if cells > room:
            if room < SHORT_PART:
                break
            for text, ink in part:
                shown = drawer.pen.cut(text, row.width - 1 - column)
                column = row.put(column, shown, drawer.ink(ink))
                if shown != text or column >= row.width - 1:
                    break
            break
        for text, ink in part:
            column = row.put(column, text, drawer.ink(ink))
        column += 3


def say_identity(story: Story, pen: Pen) -> list[list[Span]]:
    """Journey, customer, channel and device, span."""
    document = story.document
    if story.sessions:
        return _say_customer(story, pen)
    session = mapping_of(document.get("session"))
    parts = [[Span("Journey ", "dim"), Span(pen.cut(pen.clean(text_of(document.get("id"), "?")), 16), "title")]]
    customer = pen.clean(say_customer(text_of(document.get("customer"))), 200)
    parts.append([Span(pen.cut(customer, 40), "strong")] if customer else NOBODY)
    kind = text_of(session.get("agent_kind"))
    device = [text_of(document.get("channel")), text_of(session.get("device"))]
    if kind in PROGRAMS:
        device.append(kind)
    words = f" {pen.signs.dot} ".join(pen.clean(word, 60) for word in device if word)
    span = [Span(say_span(story, pen), "text"), Span(f"  {say_duration(story.end_ns - story.start_ns)}", "dim")]
    parts.append(span)
    if words:
        parts.insert(2, [Span(words, "text")])
    return parts


def _say_customer(story: Story, pen: Pen) -> list[list[Span]]:
    """Whose sessions stand on one axis, and how many of how many."""
    name = pen.cut(pen.clean(say_customer(text_of(story.document.get("customer"))), 200), 60)
    shown, known = len(story.sessions), int(number_of(story.document.get("n_sessions")))
    count = f"{shown:,} of {known:,} sessions" if known > shown else f"{shown:,} session{'s'[: shown != 1]}"
    span = [Span(say_span(story, pen)), Span(f"  {say_duration(story.end_ns - story.start_ns)}", "dim")]
    return [[Span("Customer ", "dim"), Span(name, "title")], [Span(count, "strong")], span]


def say_span(story: Story, pen: Pen) -> str:
    """From when to when; the date once when it is one day."""
    begin, end = to_datetime(story.start_ns), to_datetime(story.end_ns)
    arrow = pen.signs.arrow
    if story.start_ns // DAY == story.end_ns // DAY:
        return f"{begin.day} {begin:%b %Y %H:%M:%S} {arrow} {end:%H:%M:%S}"
    if begin.year == end.year:
        return f"{begin.day} {begin:%b %Y %H:%M} {arrow} {end.day} {end:%b %H:%M}"
    return f"{begin.day} {begin:%b %Y} {arrow} {end.day} {end:%b %Y}"


def say_outcome(story: Story, pen: Pen) -> list[list[Span]]:
    """Goal, business objects with their state, experience with how it sank, intent."""
    document = story.document
    journey = mapping_of(document.get("customer_journey"))
    if story.sessions:
        outcomes = Counter(text_of(row.get("outcome")) for row in mappings_of(document.get("sessions")))
        counts = [[Span(f"{n:,} ", "strong"), Span(pen.clean(word), OUTCOME_WORDS.get(word, "text"))]
                  for word, n in outcomes.most_common()]  # fmt: skip
        return counts + [
            _say_object(row, story, pen) for row in mappings_of(document.get("business_journeys"))[:OBJECTS_SHOWN]
        ]
    outcome = text_of(journey.get("outcome"), "unknown")
    goal = pen.clean(text_of(journey.get("goal")), 60)
    sign = {"achieved": pen.signs.good, "failed": pen.signs.bad, "ongoing": pen.signs.running}.get(outcome, "")
    ink = OUTCOME_WORDS.get(outcome, "text")
    parts: list[list[Span]] = []
    if story.businesses and not story.touchpoints:
        parts.append([Span("session ", "dim"), Span("not known", "warn")])
    elif outcome == "achieved" and goal:
        parts.append([Span("goal ", "dim"), Span(f"{goal} {sign}", ink)])
    else:
        words = f"{outcome} {sign}".strip() if not goal else f"{goal} {pen.signs.dot} {outcome} {sign}".rstrip()
        parts.append([Span("goal " if goal else "outcome ", "dim"), Span(pen.clean(words), ink)])
    for business in mappings_of(document.get("business_journeys"))[:OBJECTS_SHOWN]:
        parts.append(_say_object(business, story, pen))
    score = mapping_of(document.get("experience")).get("score")
    if score is not None:
        value = number_of(score)
        ink = "good" if value >= GOOD_SCORE else "warn" if value >= FAIR_SCORE else "bad"
        spark = pen.spark(felt_over_time(story), 100)
        parts.append([Span("experience ", "dim"), Span(f"{value:.0f} {spark}", ink)])
    intent = say_intent(journey.get("intent"), pen)
    if intent:
        parts.append([Span("came by ", "dim"), Span(intent)])
    return parts


def _say_object(business: object, story: Story, pen: Pen) -> list[Span]:
    row = mapping_of(business)
    outcome = text_of(row.get("outcome"), "unknown")
    kinds = {text_of(deviation.get("kind")) for deviation in mappings_of(row.get("deviations"))}
    worst = next((kind for kind in ("stuck", "late", "missing", "repeated", "out_of_order") if kind in kinds), "")
    words = pen.clean(outcome.replace("_", " "), 40)
    spans = [
        Span(f"{pen.cut(pen.clean(name_of(row, story.labels), 80), 24)} ", "strong"),
        Span(words, OUTCOME_WORDS.get(outcome, "text")),
    ]
    if worst and worst != outcome:
        spans.append(Span(f" {worst.replace('_', ' ')} {pen.signs.warn}", "warn"))
    return spans


def say_intent(intent: object, pen: Pen) -> str:
    """Entry, campaign, search term: whatever is known, in one line."""
    if isinstance(intent, str):
        return pen.clean(intent, 200)
    known = mapping_of(intent)
    names = [name for name in INTENT_ORDER if name in known]
    names += [name for name in known if name not in INTENT_ORDER and name not in INTENT_LINKS]
    words = []
    for name in names:
        value = known[name]
        texts = [text_of(part) for part in value] if isinstance(value, list | tuple) else [text_of(value)]
        words += [f'"{text}"' if name == "searched" else text for text in texts if text]
    return f" {pen.signs.dot} ".join(pen.clean(word, 120) for word in words)


def felt_over_time(story: Story) -> list[float]:
    """The experience score as it sank: 100 less what has gone wrong so far, in eight parts of the session."""
    signals = mappings_of(mapping_of(story.document.get("experience")).get("signals"))
    steps = max(1, len(story.touchpoints))
    lost = [0.0] * SPARK_CELLS
    for signal in signals:
        place = min(steps - 1, max(0, int(number_of(signal.get("touchpoint")))))
        lost[place * SPARK_CELLS // steps] += abs(number_of(signal.get("weight")))
    felt, values = 100.0, []
    for part in lost:
        felt = max(1.0, felt - part)
        values.append(felt)
    return values
