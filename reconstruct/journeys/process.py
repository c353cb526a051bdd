"""Process knowledge, learned from the business journeys of the data: usual next steps, delays, and what breaks them.

``learn`` counts; ``annotate`` compares one journey with what was learned and states for each deviation the expectation
it breaks, in numbers. What the end of the logs cuts off is in flight, not missing: shares count only journeys in which
there was time enough for the step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from math import ceil
from typing import Any

from reconstruct.journeys.activities import put_id
from reconstruct.journeys.axis import say_duration
from reconstruct.journeys.labels import Labeler
from reconstruct.journeys.models import Models, load_models

MIN_SAMPLE = 20
"""Journeys needed before anything is called usual: below, a share of nine in ten is within chance of two in three."""
EXPECTED_SHARE = 0.9
"""A step is expected after another when at least this share of the journeys with time for it had it."""
CLOSING_SHARE = 0.75
"""What ends a journey well is waited for from this share on: logs that lose a fifth of their lines show a step that all have four times in
five. Nothing is called missing for it."""
MISSING_SHARE = 0.95
"""Its absence is called missing, and a wrong order or a repetition unusual, from this share on."""
LATE_FACTOR = 1.5
"""A step is late after this many times the 95th percentile of its delay: 5 in 100 lie beyond the percentile itself. Where
delays spread widely, only as far again beyond the percentile as it lies beyond the median: a queue has a long tail."""
SAME_TRY_MS = 5_000
"""A refusal this long before a step is of the same try: the clocks of two services differ, and one of them writes later."""
ORDER_SLACK_MS = 2_000
"""Steps that begin within this of one another are in no order: logs stamped in whole seconds tell it no better."""
LATE_SLACK_MS = 1_000
"""… and at least this much beyond it: a mail that takes 80 ms instead of 40 is not late."""
STEPS_CAP = 60
"""Distinct activities of one journey that are paired: bounds the work on hostile data."""
ENDED = ("failed", "cancelled", "returned")
"""Outcomes after which nothing further is expected."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """A step that usually follows another."""

    after: str
    activity: str
    share: float
    """of the journeys with time for it"""
    n: int
    """journeys with both"""
    p50_ms: int
    p95_ms: int
    """delay from the end of ``after`` to its start"""

    @property
    def limit_ms(self) -> int:
        """Delay from which it is late."""
        return max(round(self.p95_ms * LATE_FACTOR), 2 * self.p95_ms - self.p50_ms, self.p95_ms + LATE_SLACK_MS)


@dataclass(frozen=True, slots=True)
class NextStep:
    """A step that came right after another, and how often."""

    activity: str
    share: float
    n: int
    p50_ms: int
    p95_ms: int


@dataclass(slots=True)
class Course:
    """What is usual for objects of one type."""

    n: int = 0
    expected: list[Expectation] = field(default_factory=list)
    """in usual order; one per activity: its closest reliable predecessor"""
    next_steps: dict[str, list[NextStep]] = field(default_factory=dict)
    """activity → what comes right after it, most frequent first"""
    once: dict[str, tuple[int, int]] = field(default_factory=dict)
    """activity → journeys that have it, journeys that have it once"""
    order: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """pair → journeys with both, journeys in which the first comes first"""
    closing: list[str] = field(default_factory=list)
    """activities that end the journey well, where any is usual"""


@dataclass(slots=True)
class Process:
    """What was learned, by type of object."""

    courses: dict[str, Course] = field(default_factory=dict)
    critical: dict[str, bool] = field(default_factory=dict)
    """activity → doing it twice costs, for activities a verb of the vocabulary names"""
    looks: frozenset[str] = frozenset()
    """activities that only look at an object: nobody's work, so nothing is expected of them"""


@dataclass(frozen=True, slots=True)
class _Seen:
    """First success of an activity in one journey."""

    start_ms: int
    end_ms: int


def learn(documents: Iterable[Mapping[str, Any]], models: Models | None = None) -> Process:
    """Learn usual steps and delays.

    Args:
        documents: Business journeys (``business_journeys[]``), attributed or not, in any order.
        models: For the meaning of activities; the built-in ones when omitted.
    """
    models = models or load_models()
    labeler, looks = Labeler(models), look_only(models)
    critical: dict[str, bool] = {}
    by_type: dict[str, list[Mapping[str, Any]]] = {}
    for document in documents:
        by_type.setdefault(document["object"]["type"], []).append(document)
    courses = {
        name: _learn_course(sorted(found, key=lambda each: str(each["id"])), labeler, critical, looks)
        for name, found in sorted(by_type.items())
    }
    return Process(courses, critical, looks)


def look_only(models: Models) -> frozenset[str]:
    """Activities of requests that only read: a customer who looks at the order is no step of the business."""
    rules = (*models.model.rules, *models.vocabulary["touchpoint"])
    return frozenset(put_id(rule["activity"], "") for rule in rules if "read" in rule.get("methods", ()))


def _learn_course(
    documents: Sequence[Mapping[str, Any]], labeler: Labeler, critical: dict[str, bool], looks: Set[str]
) -> Course:
    course = Course(n=len(documents))
    logs_end_ms = max((milliseconds(document["ended_at"]) for document in documents), default=0)
    delays: dict[tuple[str, str], list[int]] = {}
    direct: dict[tuple[str, str], list[int]] = {}
    both: dict[tuple[str, str], list[int]] = {}
    left: dict[str, list[tuple[int, frozenset[str]]]] = {}
    ranks: dict[str, list[float]] = {}
    done: dict[str, int] = {}
    for document in documents:
        seen, counts = _read(document, looks)
        for activity, count in counts.items():
            have, single = course.once.get(activity, (0, 0))
            course.once[activity] = (have + 1, single + (count == 1))
        ok = [step for step in document["steps"] if step["status"] == "ok" and step["activity"] not in looks]
        for step, following in pairwise(ok):
            wait = milliseconds(following["at"]) - milliseconds(step["at"]) - step["duration_ms"]
            direct.setdefault((step["activity"], following["activity"]), []).append(max(0, wait))
        if document["outcome"] in ENDED:
            continue
        names = list(seen)[:STEPS_CAP]
        present = frozenset(seen)
        for place, activity in enumerate(names):
            done[activity] = done.get(activity, 0) + 1
            left.setdefault(activity, []).append((logs_end_ms - seen[activity].end_ms, present))
            ranks.setdefault(activity, []).append(place / len(names))
            for later in names[place + 1 :]:
                delays.setdefault((activity, later), []).append(max(0, seen[later].start_ms - seen[activity].end_ms))
                pair = (activity, later) if activity < later else (later, activity)
                both.setdefault(pair, []).append(1 if pair[0] == activity else 0)
    for pair, firsts in both.items():
        course.order[pair] = (len(firsts), sum(firsts))
    for activity in course.once:
        label = labeler.read(activity)
        if label.verb:
            critical[activity] = label.once
    course.expected = _expect(delays, left, done, course, EXPECTED_SHARE)
    rank = {activity: sum(places) / len(places) for activity, places in ranks.items()}
    course.expected.sort(key=lambda expected: (rank[expected.activity], expected.activity))
    ending = {pair: found for pair, found in delays.items() if labeler.read(pair[1]).state == "done"}
    course.closing = [expected.activity for expected in _expect(ending, left, done, course, CLOSING_SHARE)]
    course.next_steps = _count_next(direct)
    return course


def _expect(
    delays: Mapping[tuple[str, str], list[int]],
    left: Mapping[str, list[tuple[int, frozenset[str]]]],
    done: Mapping[str, int],
    course: Course,
    least: float,
) -> list[Expectation]:
    """For each activity that is usual, the closest step it reliably follows: in a share of ``least`` of the journeys that had the time."""
    best: dict[str, Expectation] = {}
    for (after, activity), found in sorted(delays.items()):
        n = len(found)
        if n < MIN_SAMPLE or n < least * done[activity]:
            continue
        n_both, n_first = _ordered(course, after, activity)
        if n_first < least * n_both:
            continue
        found.sort()
        p50, p95 = quantile(found, 0.5), quantile(found, 0.95)
        eligible = sum(1 for remaining, present in left[after] if activity in present or remaining >= p95)
        share = n_both / eligible if eligible else 0.0
        if share < least:
            continue
        expected = Expectation(after, activity, share, n, p50, p95)
        known = best.get(activity)
        if known is None or (p50, p95, -share, after) < (known.p50_ms, known.p95_ms, -known.share, known.after):
            best[activity] = expected
    return [best[activity] for activity in sorted(best)]


def _ordered(course: Course, first: str, second: str) -> tuple[int, int]:
    """Journeys with both, and those in which ``first`` comes first."""
    if first < second:
        return course.order.get((first, second), (0, 0))
    n, n_first = course.order.get((second, first), (0, 0))
    return n, n - n_first


def _count_next(direct: Mapping[tuple[str, str], list[int]]) -> dict[str, list[NextStep]]:
    totals: dict[str, int] = {}
    for (activity, _), waits in direct.items():
        totals[activity] = totals.get(activity, 0) + len(waits)
    found: dict[str, list[NextStep]] = {}
    for (activity, following), waits in sorted(direct.items()):
        waits.sort()
        found.setdefault(activity, []).append(
            NextStep(following, len(waits) / totals[activity], len(waits), quantile(waits, 0.5), quantile(waits, 0.95))
        )
    for steps in found.values():
        steps.sort(key=lambda step: (-step.n, step.activity))
    return found


def quantile(ordered: Sequence[int], share: float) -> int:
    """The value a share of a sorted list does not exceed (nearest rank).

    >>> quantile([1, 2, 3, 4], 0.5), quantile([1, 2, 3, 4], 0.95)
    (2, 4)
    """
    return ordered[max(0, ceil(len(ordered) * share) - 1)]


def annotate(document: Mapping[str, Any], process: Process, logs_end_ns: int | None = None) -> dict[str, Any]:
    """A copy of a business journey with its deviations, usual waits, and the outcome they lead to.

    Args:
        document: As built.
        process: From ``learn``.
        logs_end_ns: Time of the last event of the logs; without it nothing is called overdue.
    """
    course = process.courses.get(document["object"]["type"]) or Course()
    seen, counts = _read(document, process.looks)
    found = _repeated(document, counts, course, process) + _out_of_order(seen, course)
    end_ms = None if logs_end_ns is None else logs_end_ns // 1_000_000
    outcome = document["outcome"]
    if outcome == "fulfilled" and course.closing and not any(activity in seen for activity in course.closing):
        outcome = "in_progress"  # shipped, say, where the logs usually go on to delivered
    usual: dict[str, dict[str, int]] = {}
    for expected in course.expected:
        usual[expected.activity] = {"p50_ms": expected.p50_ms, "p95_ms": expected.p95_ms}
        after, step = seen.get(expected.after), seen.get(expected.activity)
        if after is None:
            continue
        if step is not None:
            if step.start_ms - after.end_ms > expected.limit_ms and not _refused_between(document, after, step):
                found.append(_late(expected, step.start_ms - after.end_ms))
        else:
            waited = None if end_ms is None else end_ms - after.end_ms
            if _moved_on(expected, after, seen, course):
                if expected.share >= MISSING_SHARE:  # else it is often left out, or often not logged
                    found.append(_absent("missing", expected, after, None))
            elif outcome not in ENDED and waited is not None and waited > expected.limit_ms:
                kind = "missing" if outcome == "fulfilled" else "stuck"
                found.append(_absent(kind, expected, after, waited))
    if outcome == "in_progress" and any(deviation["kind"] == "stuck" for deviation in found):
        outcome = "stuck"
    steps = []
    for step_document in document["steps"]:
        steps.append({**step_document, **usual.pop(step_document["activity"], {})})
    return {**document, "outcome": outcome, "steps": steps, "deviations": found}


def _moved_on(expected: Expectation, after: _Seen, seen: Mapping[str, _Seen], course: Course) -> bool:
    """Something that always comes after the step has come, without it."""
    for activity, step in seen.items():
        if step.start_ms >= after.end_ms and activity != expected.after:
            n, n_first = _ordered(course, expected.activity, activity)
            if n >= MIN_SAMPLE and n_first >= MISSING_SHARE * n:
                return True
    return False


def _repeated(
    document: Mapping[str, Any], counts: Mapping[str, int], course: Course, process: Process
) -> list[dict[str, Any]]:
    """Steps done more than once that are done once: all that cost, and others where the data shows it."""
    found = []
    for activity, count in counts.items():
        if count < 2 or activity not in process.critical:
            continue
        have, single = course.once.get(activity, (0, 0))
        share = single / have if have else 0.0
        known = have >= MIN_SAMPLE
        if (known and share >= MISSING_SHARE) or (
            process.critical[activity] and (not known or share >= EXPECTED_SHARE)
        ):
            usual = f"once in {single} of {have} journeys" if known else "it should be done once"
            found.append({"kind": "repeated", "activity": activity, "why": f"{count} times; {usual}"})
    return found


def _refused_between(document: Mapping[str, Any], after: _Seen, step: _Seen) -> bool:
    """The business refused something meanwhile (a card, say): the customer had to come again, nobody was slow."""
    return any(
        each.get("exception") == "business"
        and after.start_ms - SAME_TRY_MS <= milliseconds(each["at"]) <= step.start_ms
        for each in document["steps"]
    )


def _late(expected: Expectation, delay_ms: int) -> dict[str, Any]:
    return {
        "kind": "late",
        "activity": expected.activity,
        "why": f"95 % come {_usual(expected)}; this one came after {_say(delay_ms)}",
    }


def _out_of_order(seen: Mapping[str, _Seen], course: Course) -> list[dict[str, Any]]:
    """Usual steps that came the other way round than usual; the one that explains most of it first."""
    usual = {name for expected in course.expected for name in (expected.activity, expected.after)}
    steps = [(name, step) for name, step in seen.items() if name in usual][:STEPS_CAP]
    swapped: dict[tuple[str, str], tuple[int, int]] = {}  # (came first, should have) → journeys with both, usual ones
    for place, (early, first) in enumerate(steps):
        for late, second in steps[place + 1 :]:
            if second.start_ms - first.start_ms > ORDER_SLACK_MS:
                n, n_usual = _ordered(course, late, early)
                if n >= MIN_SAMPLE and n_usual >= MISSING_SHARE * n:
                    swapped[early, late] = (n, n_usual)
    found = []
    while swapped:
        counts: dict[str, int] = {}
        for pair in swapped:
            for name in pair:
                counts[name] = counts.get(name, 0) + 1
        moved = max(counts, key=lambda name: (counts[name], name == next(iter(swapped))[0], name))
        early, late = next(pair for pair in swapped if moved in pair)
        n, n_usual = swapped[early, late]
        other, said, usually = (late, "before", "after") if moved == early else (early, "after", "before")
        why = f"in {n_usual / n:.0%} of {n} journeys it comes {usually} {other}; here it came {said}"
        found.append({"kind": "out_of_order", "activity": moved, "why": why})
        swapped = {pair: known for pair, known in swapped.items() if moved not in pair}
    return found


def _absent(kind: str, expected: Expectation, after: _Seen, waited_ms: int | None) -> dict[str, Any]:
    if waited_ms is None:
        waited = "this one went on without it"
    elif kind == "missing":
        waited = "this one was finished without it"
    else:
        waited = f"this one has waited {_say(waited_ms)}"
    at = datetime.fromtimestamp((after.end_ms + expected.p50_ms) / 1000, UTC)
    return {
        "kind": kind,
        "activity": expected.activity,
        "why": f"{expected.share:.0%} have it, nearly all {_usual(expected)}; {waited}",
        "expected_at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


def _usual(expected: Expectation) -> str:
    half = f", half within {_say(expected.p50_ms)}" if expected.p50_ms < expected.p95_ms else ""
    return f"within {_say(expected.p95_ms)} of {expected.after}{half} ({expected.n} journeys)"


def _say(milliseconds: int) -> str:
    return say_duration(milliseconds * 1_000_000) if milliseconds else "a moment"


def _read(document: Mapping[str, Any], looks: Set[str]) -> tuple[dict[str, _Seen], dict[str, int]]:
    """First successes by activity in time order, and how often each was done."""
    seen: dict[str, _Seen] = {}
    counts: dict[str, int] = {}
    for step in document["steps"]:
        if step["status"] != "ok" or step["activity"] in looks:
            continue
        activity = step["activity"]
        counts[activity] = counts.get(activity, 0) + 1
        if activity not in seen:
            start = milliseconds(step["at"])
            seen[activity] = _Seen(start, start + step["duration_ms"])
    return seen, counts


def milliseconds(at: str) -> int:
    """An instant of a document as milliseconds since 1970."""
    return int(datetime.fromisoformat(at).timestamp() * 1000)
