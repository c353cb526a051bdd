"""A journey document read as lanes of moments: what is to be drawn, before any column is known.

Takes the document of the export contract, gives a ``Story``. Documents may be odd (keys missing, times unreadable,
numbers as text): whatever is there becomes a moment, a moment without a time stands where the one before it stood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, NamedTuple

from reconstruct.journeys.axis import EPOCH, SECOND, say_duration

Labels = Mapping[str, str]
"""What types of identifiers are called in words of the logs, where that is not their name."""
NO_LABELS: Labels = MappingProxyType({})
Level = Literal["user", "customer"]
"""``user``: every step. ``customer``: milestones and failures, the rest counted."""

STAGES = ("awareness", "interest", "consideration", "purchase", "after-sales")
OPEN_OUTCOMES = frozenset({"in_progress", "ongoing", "stuck"})
FAILED_OUTCOMES = frozenset({"failed", "cancelled"})
CUSTOMER = "CUSTOMER"
"""Name of the customer's own lane."""
LATE_KINDS = ("late", "stuck")
"""Deviations about time. One that names a step not seen yet says that this step is expected: it is drawn as missing."""
RUNNING = frozenset({"started", "running", "in_progress", "pending"})
FIRST_ERROR_STATUS = 400
LANES_CAP = 8
"""Up to so many sessions of one customer have a lane each; more share one per channel."""
NOTED_NS = SECOND
"""Shorter work is not worth a number beside its mark."""
WAIT_WORDS = ("wait", "slow", "gave_up", "timeout")
"""Friction whose name holds one of these is about time, and marks the wait before it."""


class Glyph(StrEnum):
    """What a mark stands for. The order is how much it matters: a cluster shows its most telling member."""

    INSTANT = "instant"
    IN_FLIGHT = "in_flight"
    MILESTONE = "milestone"
    MISSING = "missing"
    FAILURE = "failure"


RANK = {glyph: rank for rank, glyph in enumerate(Glyph)}


class Ref(NamedTuple):
    """Which part of the document a moment is."""

    kind: Literal["touchpoint", "step", "missing", "object"]
    business: int
    """index in ``business_journeys``; -1 for the customer's own"""
    place: int
    """index of the touchpoint, step or deviation; 0 for the object as a whole"""


class Moment(NamedTuple):
    """One thing that happened, or that should have."""

    at_ns: int
    end_ns: int
    glyph: Glyph
    label: str
    ref: Ref
    wait_ns: int = 0
    """idle time before it"""
    is_late: bool = False
    typical: str = ""
    """what the wait usually is, in words"""
    has_time: bool = True
    """False: expected, not seen; it stands after everything that happened"""
    slow_ns: int = 0
    """time spent inside it: latency or work"""


@dataclass(slots=True)
class Track:
    """One lane's content."""

    kind: Literal["customer", "stage", "object", "service"]
    name: str
    business: int
    moments: list[Moment] = field(default_factory=list)
    life: tuple[int, int] | None = None
    """from first to last sign of life of an object or session"""
    is_open: bool = False
    """still going on when the logs end"""


class Handoff(NamedTuple):
    """Where a customer's touchpoint starts a business journey."""

    business: int
    trigger: Ref
    labels: tuple[str, ...]
    """object, identifier it went through, confidence; then with less and less of that"""
    confidence: float | None


@dataclass(slots=True)
class Story:
    """A document's moments, sorted by time within each track."""

    document: Mapping[str, object]
    touchpoints: list[Moment]
    stages: list[str]
    """stage of each touchpoint; empty text when unknown"""
    businesses: list[list[tuple[str, Moment]]]
    """(service, moment) of each business journey"""
    objects: list[Track]
    handoffs: list[Handoff]
    start_ns: int
    end_ns: int
    is_open: bool
    rows: dict[Ref, Mapping[str, object]]
    """the part of the document each moment was read from"""
    sessions: list[tuple[str, str, int, int]] = field(default_factory=list)
    """of a customer's sessions on one axis (chain.py): lane name, channel, first touchpoint, one past its last"""
    labels: Labels = field(default_factory=lambda: NO_LABELS)


# --- reading what may be odd ----------------------------------------------------------------------------------------


def mapping_of(value: object) -> Mapping[str, object]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings_of(value: object) -> list[Mapping[str, object]]:
    """A list with anything that is not a mapping read as an empty one, so that indexes stay true."""
    return [mapping_of(item) for item in value] if isinstance(value, list | tuple) else []


def text_of(value: object, default: str = "") -> str:
    """Text of a scalar; the default for None, lists and mappings."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else default


def number_of(value: object, default: float = 0.0) -> float:
    """A finite number, also from text; the default for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return default
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return default
    return number if abs(number) < 1e15 else default  # also drops nan: no comparison with it holds


def time_of(value: object) -> int | None:
    """Nanoseconds of an ISO-8601 text; None when it is not one. A stamp without a zone is UTC.

    >>> time_of("1970-01-01T00:00:01.500Z")
    1500000000
    """
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        passed = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH
    except (ValueError, OverflowError):
        return None
    return (passed.days * 86_400 + passed.seconds) * SECOND + passed.microseconds * 1000


def _ns(milliseconds: object) -> int:
    return int(max(0.0, number_of(milliseconds)) * 1_000_000)


# --- the story ------------------------------------------------------------------------------------------------------


def read_story(document: Mapping[str, object], labels: Labels = NO_LABELS) -> Story:
    """Read one journey document (docs/json.md)."""
    journey = mapping_of(document.get("customer_journey"))
    started = time_of(document.get("started_at"))
    rows: dict[Ref, Mapping[str, object]] = {}
    touchpoints, stages = _read_touchpoints(mappings_of(journey.get("touchpoints")), started or 0, rows)
    businesses: list[list[tuple[str, Moment]]] = []
    objects: list[Track] = []
    handoffs: list[Handoff] = []
    confidences = _best_links(document, labels)
    for index, business in enumerate(mappings_of(document.get("business_journeys"))):
        trigger = mapping_of(business.get("trigger")).get("touchpoint")
        from_touchpoint = isinstance(trigger, int) and 0 <= trigger < len(touchpoints)
        fallback = touchpoints[trigger].at_ns if isinstance(trigger, int) and from_touchpoint else started or 0
        steps, life = _read_steps(business, index, fallback, rows)
        rows[Ref("object", index, 0)] = business
        businesses.append(steps)
        name, is_open = name_of(business, labels), business.get("outcome") in OPEN_OUTCOMES
        objects.append(Track("object", name, index, [_outcome(business, index, life)], life, is_open))
        if isinstance(trigger, int) and from_touchpoint:
            handoffs.append(_handoff(business, name, index, trigger, confidences))
    times = [time for moment in touchpoints for time in (moment.at_ns, moment.end_ns)]
    times += [time for track in objects if track.life for time in track.life]
    start = min(times, default=started or 0)
    ended = time_of(document.get("ended_at"))
    end = max(times, default=ended or start)
    is_open = journey.get("outcome") == "ongoing"
    sessions = [_read_session(row) for row in mappings_of(document.get("sessions"))]
    return Story(
        document, touchpoints, stages, businesses, objects, handoffs, start, end, is_open, rows, sessions, labels
    )


def _read_session(row: Mapping[str, object]) -> tuple[str, str, int, int]:
    first = int(number_of(row.get("first_touchpoint")))
    return (
        text_of(row.get("name")),
        text_of(row.get("channel")),
        first,
        first + int(number_of(row.get("n_touchpoints"))),
    )


def name_of(business: Mapping[str, object], labels: Labels) -> str:
    """A business object in words: what its type is called, and its id."""
    thing = mapping_of(business.get("object"))
    name = f"{label_of(thing, labels) or 'object'} {text_of(thing.get('id'))}".strip()
    return name if thing else text_of(business.get("id"), "object")


def label_of(part: Mapping[str, object], labels: Labels) -> str:
    """What the type of an identifier is called."""
    kind = text_of(part.get("type"))
    return labels.get(kind, kind)


def _read_touchpoints(
    rows: Sequence[Mapping[str, object]], start_ns: int, read: dict[Ref, Mapping[str, object]]
) -> tuple[list[Moment], list[str]]:
    moments: list[Moment] = []
    stages: list[str] = []
    at, dwell = start_ns, 0
    for index, row in enumerate(rows):
        seen = time_of(row.get("at"))
        at = at if seen is None else seen
        status = int(number_of(row.get("status")))
        ok = row.get("ok", status < FIRST_ERROR_STATUS)
        label = text_of(row.get("activity")) or _request(row) or "event"
        glyph = Glyph.FAILURE if not ok else Glyph.MILESTONE if row.get("milestone") else Glyph.INSTANT
        if not ok and status >= FIRST_ERROR_STATUS:
            label = f"{label} {status}"
        latency = _ns(row.get("latency_ms"))
        friction = row.get("friction")
        words = " ".join(text_of(word) for word in friction) if isinstance(friction, list | tuple) else ""
        is_late = any(word in words for word in WAIT_WORDS)
        ref = Ref("touchpoint", -1, index)
        moments.append(Moment(at, at + latency, glyph, label, ref, dwell, is_late, slow_ns=latency))
        read[ref] = row
        stages.append(text_of(row.get("stage")))
        dwell = _ns(row.get("dwell_ms"))
    return moments, stages


def _request(row: Mapping[str, object]) -> str:
    return f"{text_of(row.get('method'))} {text_of(row.get('route')) or text_of(row.get('target'))}".strip()


def _read_steps(
    business: Mapping[str, object], index: int, fallback_ns: int, read: dict[Ref, Mapping[str, object]]
) -> tuple[list[tuple[str, Moment]], tuple[int, int]]:
    """The steps and the missing steps of a business journey, and its life."""
    deviations = mappings_of(business.get("deviations"))
    kinds: dict[str, set[str]] = {}
    for row in deviations:
        kinds.setdefault(text_of(row.get("activity")), set()).add(text_of(row.get("kind")))
    seen_before: set[str] = set()
    rows = mappings_of(business.get("steps"))
    done = len(rows) - 1 if business.get("outcome") == "fulfilled" else -1
    steps: list[tuple[str, Moment]] = []
    at = fallback_ns if (began := time_of(business.get("started_at"))) is None else began
    for place, row in enumerate(rows):
        seen = time_of(row.get("at"))
        at = at if seen is None else seen
        work = _ns(row.get("duration_ms"))
        activity = text_of(row.get("activity"), "step")
        label = activity
        if activity in seen_before and "repeated" in kinds.get(activity, ()):
            label += " again"
        seen_before.add(activity)
        if (attempts := int(number_of(row.get("attempts"), 1))) > 1:
            label += f" ×{attempts}"
        if work >= NOTED_NS:
            label += f" {say_duration(work)}"
        status = text_of(row.get("status"))
        if status == "failed":
            glyph = Glyph.FAILURE
        elif status in RUNNING:
            glyph = Glyph.IN_FLIGHT
        else:
            glyph = Glyph.MILESTONE if row.get("milestone") or place == done else Glyph.INSTANT
        moment = Moment(
            at, at + work, glyph, label, Ref("step", index, place), _ns(row.get("wait_ms")),
            not kinds.get(activity, set()).isdisjoint(LATE_KINDS),
            _typical(row), slow_ns=work,
        )  # fmt: skip
        steps.append((text_of(row.get("service")), moment))
        read[moment.ref] = row
    steps.sort(key=lambda step: step[1].at_ns)
    times = [time for _, moment in steps for time in (moment.at_ns, moment.end_ns)]
    ended = time_of(business.get("ended_at"))
    life = (min([*times, *([began] if began is not None else [])], default=at), max(times, default=ended or at))
    services = {text_of(row.get("activity")): text_of(row.get("service")) for row in rows}
    for place, row in enumerate(deviations):
        kind, activity = row.get("kind"), text_of(row.get("activity"), "step")
        if kind == "missing" or (kind in LATE_KINDS and activity not in seen_before):
            expected = time_of(row.get("expected_at"))
            moment = Moment(
                life[1] if expected is None else expected, life[1] if expected is None else expected, Glyph.MISSING,
                f"{activity}?", Ref("missing", index, place), is_late=True, has_time=expected is not None,
            )  # fmt: skip
            steps.append((text_of(row.get("service")) or services.get(activity, ""), moment))
            read[moment.ref] = row
    return steps, life


def _typical(row: Mapping[str, object]) -> str:
    usual = mapping_of(row.get("typical"))
    known = [(name, number_of(row.get(f"{name}_ms")) or number_of(usual.get(f"{name}_ms"))) for name in ("p50", "p95")]
    return " ".join(f"{name} {say_duration(int(value * 1_000_000))}" for name, value in known if value)


def _outcome(business: Mapping[str, object], index: int, life: tuple[int, int]) -> Moment:
    outcome = text_of(business.get("outcome"), "unknown")
    glyph = Glyph.MILESTONE
    if outcome in FAILED_OUTCOMES:
        glyph = Glyph.FAILURE
    elif outcome in OPEN_OUTCOMES or outcome == "unknown":
        glyph = Glyph.IN_FLIGHT
    label = outcome.replace("_", " ")
    return Moment(life[1], life[1], glyph, label, Ref("object", index, 0), is_late=outcome == "stuck")


def _best_links(
    document: Mapping[str, object], labels: Labels
) -> dict[tuple[tuple[object, ...], str], tuple[float, str]]:
    """(event, target) -> (confidence, identifier types it went through): the surest link of each."""
    best: dict[tuple[tuple[object, ...], str], tuple[float, str]] = {}
    for link in mappings_of(document.get("links")):
        event = link.get("event")
        if not isinstance(event, list | tuple):
            continue
        key = (tuple(event), text_of(link.get("to")))
        confidence = number_of(link.get("confidence"))
        via = ", ".join(f"{label_of(part, labels)} id".strip() for part in mappings_of(link.get("via")))
        try:
            if key not in best or best[key][0] < confidence:
                best[key] = (confidence, via or text_of(link.get("rule")))
        except TypeError:  # an event position that holds lists
            continue
    return best


def _handoff(
    business: Mapping[str, object],
    name: str,
    index: int,
    trigger: int,
    links: Mapping[tuple[tuple[object, ...], str], tuple[float, str]],
) -> Handoff:
    thing = mapping_of(business.get("object"))
    event = mapping_of(business.get("trigger")).get("event")
    target = f"{text_of(thing.get('type'))}:{text_of(thing.get('id'))}"
    confidence: float | None = None
    via = ""
    if isinstance(event, list | tuple):
        try:
            found = links.get((tuple(event), target))
        except TypeError:
            found = None
        if found:
            confidence, via = found
    if confidence is None and "confidence" in business:
        confidence = number_of(business.get("confidence"))
    sure = "" if confidence is None else say_confidence(confidence)
    labels = (
        " · ".join(filter(None, parts)) for parts in ((name, via, sure), (name, sure), (text_of(thing.get("id")), sure))
    )
    return Handoff(index, Ref("touchpoint", -1, trigger), tuple(dict.fromkeys(filter(None, labels))), confidence)


def say_confidence(confidence: float) -> str:
    """Two digits, never rounded up to certainty.

    >>> say_confidence(0.997), say_confidence(1.0), say_confidence(0.85)
    ('.99', '1.0', '.85')
    """
    if confidence >= 1:
        return "1.0"
    return f".{int(max(0.0, confidence) * 100):02d}"


# --- tracks ---------------------------------------------------------------------------------------------------------


def split_tracks(story: Story, *, level: Level, by_stage: bool, folded: Iterable[int] = ()) -> list[Track]:
    """The lanes of a story, from top to bottom.

    Args:
        story: What happened.
        level: At ``customer`` level every object is folded into one lane.
        by_stage: One customer lane per stage instead of one for all.
        folded: Business journeys (by index) whose services share the object's lane.
    """
    tracks = _customer_tracks(story, by_stage)
    closed = set(folded) if level == "user" else set(range(len(story.objects)))
    for index, steps in enumerate(story.businesses):
        whole = story.objects[index]
        services: dict[str, list[Moment]] = {}
        for service, moment in steps:
            services.setdefault(service, []).append(moment)
        own = services.pop("", [])
        if index in closed or len(services) <= 1:
            merged = [moment for moments in services.values() for moment in moments] + own
            tracks.append(
                Track("object", whole.name, index, _sorted(merged) or whole.moments, whole.life, whole.is_open)
            )
            continue
        head = own if any(moment.ref.kind == "step" for moment in own) else [*whole.moments, *own]
        tracks.append(Track("object", whole.name, index, _sorted(head), whole.life, whole.is_open))
        tracks.extend(Track("service", name, index, _sorted(moments)) for name, moments in services.items())
    return tracks


def _customer_tracks(story: Story, by_stage: bool) -> list[Track]:
    life = (story.touchpoints[0].at_ns, story.touchpoints[-1].end_ns) if story.touchpoints else None
    if story.businesses and not story.touchpoints:
        return []  # the customer's side is not known: an empty lane would say that nothing happened there
    if story.sessions and not by_stage:
        return _session_tracks(story)
    if not by_stage:
        moments = _sorted(story.touchpoints)
        return [Track("customer", CUSTOMER, -1, moments, life, story.is_open)]
    stages: dict[str, list[Moment]] = {stage: [] for stage in STAGES}
    for stage, moment in zip(story.stages, story.touchpoints, strict=True):
        stages.setdefault(stage or "other", []).append(moment)
    named = [Track("stage", stage.upper(), -1, _sorted(moments)) for stage, moments in stages.items() if moments]
    return named or [Track("customer", CUSTOMER, -1, [], None, story.is_open)]


def _session_tracks(story: Story) -> list[Track]:
    """A lane per session; per channel when there are many."""
    per_channel = len(story.sessions) > LANES_CAP
    lanes: dict[str, list[Moment]] = {}
    for name, channel, first, end in story.sessions:
        lane = lanes.setdefault(channel.upper() if per_channel else name, [])
        lane += story.touchpoints[first:end]
    tracks = []
    for name, moments in lanes.items():
        life = (min(moment.at_ns for moment in moments), max(moment.end_ns for moment in moments)) if moments else None
        tracks.append(Track("customer", name, -1, _sorted(moments), None if per_channel else life))
    if tracks:
        tracks[-1].is_open = story.is_open
    return tracks


def _sorted(moments: Iterable[Moment]) -> list[Moment]:
    return sorted(moments, key=lambda moment: (not moment.has_time, moment.at_ns, moment.ref.place))
