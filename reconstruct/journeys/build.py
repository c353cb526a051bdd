"""One visit and its business objects → the journey document (docs/json.md, without ``links``).

Pure: the same rows give the same document. Times are nanoseconds inside, ISO 8601 UTC with microseconds outside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from reconstruct.grammar.timestamps import format_time
from reconstruct.journeys.activities import Classifier, kind_of_object
from reconstruct.journeys.business import ECHO_NS, Journey, Recorder
from reconstruct.journeys.customer import Birth, Teller
from reconstruct.journeys.experience import Limits, add_waits, apdex, observe
from reconstruct.journeys.labels import Labeler
from reconstruct.journeys.models import STAGES, Models
from reconstruct.journeys.process import Process, annotate
from reconstruct.journeys.rows import ObjectInput, Row, SessionInput
from reconstruct.journeys.status import ORDERS, status_of
from reconstruct.journeys.touchpoints import Touchpoint, events_of, fold_rows, list_events


@dataclass(slots=True)
class Visit:
    """What is told of one visit."""

    document: dict[str, Any]
    """all of it but ``customer_journey.touchpoints``, which are only rendered"""
    touchpoints: list[Touchpoint]


def render_visit(document: dict[str, Any], touchpoints: bytes) -> bytes:
    """The document of a visit as JSON, whole. ``touchpoints``: its own, as a Renderer renders them."""
    document["customer_journey"]["touchpoints"] = orjson.Fragment(touchpoints)
    return orjson.dumps(document)


class Builder:
    """Builds documents with one set of caches. Keep one for many sessions; not shared between threads."""

    def __init__(self, models: Models) -> None:
        self.models = models
        self._classifier = Classifier(models)
        self._labeler = Labeler(models)
        self._teller = Teller(models, self._classifier, self._labeler)
        self._recorder = Recorder(models, self._classifier, self._labeler)
        self._limits = Limits(models)
        self._things: dict[str, tuple[str, Mapping[str, str]]] = {}

    def build_journey(self, session: SessionInput) -> Visit:
        """One visit."""
        rows = session.rows or session.caused
        touchpoints = fold_rows(rows, self._classifier, self._labeler, self.models)
        first_ns, last_ns = (rows[0].time_ns, rows[-1].time_ns) if rows else (0, 0)
        if session.ended_ns is not None:
            last_ns = session.ended_ns
        business: list[dict[str, Any]] = []
        births: list[Birth] = []
        if session.objects or session.caused:
            told = list_events(touchpoints)
            places = {(source, line): place for place, events in enumerate(told) for source, line in events}
            _own(session, touchpoints, places)
            for thing in session.objects:
                journey = self._recorder.record(thing)
                place, event = _trigger_of(journey, session.rows, places)
                business.append(self._render_business(journey, place, event))
                if place is not None:
                    births.append(self._birth(journey, place, places, last_ns))
        self._teller.name(touchpoints, births)
        course = self._teller.judge(session, touchpoints, births)
        ended_badly = course.outcome in ("abandoned", "failed", "browsed")
        experience = observe(touchpoints, self.models, self._limits, ended_badly=ended_badly)
        for signal in (*experience.signals, *experience.feedback):
            signal["at"] = format_time(signal["at"])
        document: dict[str, Any] = {
            "id": session.id,
            "customer": session.customer,
            "customer_from": session.customer_from,
            **({"customer_also": session.customer_also} if session.customer_also else {}),
            "session": {
                "ids": session.session_ids,
                "client_ip": session.client_ips,
                "user_agent": session.user_agent,
                "device": session.device,
                "agent_kind": session.agent_kind,
                **({"agent_why": session.agent_why} if session.agent_kind != "human" and session.agent_why else {}),
            },
            "channel": self._teller.channel(session, touchpoints),
            "started_at": format_time(first_ns),
            "ended_at": format_time(last_ns),
            "duration_ms": (last_ns - first_ns) // 1_000_000,
            "customer_journey": {
                "intent": self._teller.intent(session, touchpoints),
                "goal": course.goal,
                "outcome": course.outcome,
                "outcome_at": course.at,
                "outcome_why": course.why,
                "stage_reached": STAGES[course.stage],
                "touchpoints": [],
            },
            "experience": {
                "score": experience.score,
                "estimated": not experience.feedback,
                "apdex": apdex(touchpoints, self.models),
                "signals": experience.signals,
                "feedback": experience.feedback,
            },
            "business_journeys": business,
        }
        return Visit(document, touchpoints)

    def build_business(self, thing: ObjectInput) -> dict[str, Any]:
        """The document of a business object no visit is known to have begun."""
        return self._render_business(self._recorder.record(thing), None, None)

    def annotate(self, visit: Visit, learned: Process, logs_end_ns: int) -> None:
        """Compare the business journeys of a visit with what is usual, and note what the customer waited for."""
        document = visit.document
        document["business_journeys"] = [
            annotate(business, learned, logs_end_ns) for business in document["business_journeys"]
        ]
        add_waits(document, visit.touchpoints, self.models, self._labeler)

    def _birth(self, journey: Journey, place: int, places: Mapping[tuple[int, int], int], last_ns: int) -> Birth:
        thing_id, thing = self._thing_of(journey.object.type)
        home = place
        if journey.is_born and journey.born_event is not None:
            home = places.get((journey.born_event[0], journey.born_event[1]), place)
        elif journey.failure:  # what was refused later is told where it was refused, not where it was begun
            refused = (step for step in reversed(journey.steps) if step.label.failed and step.text == journey.failure)
            found = (places.get((event[0], event[1])) for step in refused for event in step.events)
            home = next((at for at in found if at is not None), place)
        undone = journey.failed_ns is not None and journey.failed_ns <= last_ns + ECHO_NS
        stands = journey.is_born and not undone
        return Birth(
            journey.object.type, journey.object.id, thing, thing_id, home, journey.is_born, stands, journey.failure
        )

    def _thing_of(self, type_name: str) -> tuple[str, Mapping[str, str]]:
        """The ``[object.*]`` table for an identifier type, by its words."""
        found = self._things.get(type_name)
        if found is None:
            name = kind_of_object(type_name, self.models)
            found = self._things[type_name] = (name, self.models.vocabulary["object"][name])
        return found

    def _render_business(self, journey: Journey, place: int | None, event: list[int] | None) -> dict[str, Any]:
        thing = journey.object
        steps: list[dict[str, Any]] = []
        ended: int | None = None
        for step in journey.steps:
            wait = 0 if ended is None else max(0, step.start_ns - ended)
            rendered = {
                "at": format_time(step.start_ns),
                "activity": step.told,
                "service": step.service,
                "status": "ok" if step.ok else "failed",
                "wait_ms": wait // 1_000_000,
                "duration_ms": (step.end_ns - step.start_ns) // 1_000_000,
                "attempts": step.attempts,
                "events": step.events,
            }
            if not step.ok or step.label.state == "exception":
                rendered["exception"] = "technical" if step.technical else "business"
            steps.append(rendered)
            ended = step.end_ns if ended is None else max(ended, step.end_ns)
        status = None
        if self._thing_of(thing.type)[0] in ORDERS:
            status = status_of(journey.steps, journey.outcome, self.models.vocabulary["status"])
        first = min((step.start_ns for step in journey.steps), default=0)
        last = max((step.end_ns for step in journey.steps), default=first)
        return {
            "id": thing.name,
            "object": {"type": thing.type, "id": thing.id},
            "objects": [{"type": kind, "id": value} for kind, value in thing.objects],
            "trigger": {"touchpoint": place, "event": event} if event is not None else None,
            "outcome": journey.outcome,
            "status": status,
            "value": journey.value,
            "started_at": format_time(first),
            "ended_at": format_time(last),
            "duration_ms": (last - first) // 1_000_000,
            "steps": steps,
            "deviations": [],
        }


def _trigger_of(
    journey: Journey, rows: Sequence[Row], places: Mapping[tuple[int, int], int]
) -> tuple[int | None, list[int] | None]:
    """The touchpoint that gave birth to an object, and the event that tells of it.

    Where no request of the visit tells (``trigger`` is None), it is the entry of the object's birth, else its first
    entry, among those the visit caused.
    """
    thing = journey.object
    if thing.trigger is not None and 0 <= thing.trigger < len(rows):
        event = [rows[thing.trigger].source, rows[thing.trigger].line]
    else:
        told = [journey.born_event or [], *([row.source, row.line] for row in thing.rows)]
        event = next((each for each in told if tuple(each) in places), [])
    return (places[event[0], event[1]], event) if event else (None, None)


def _own(session: SessionInput, touchpoints: Sequence[Touchpoint], places: dict[tuple[int, int], int]) -> None:
    """What the business did because of the visit belongs to the touchpoints that caused it.

    To the one whose request wrote it; else, of the touchpoints that sent something about the object (first of all its
    trigger, and tries of the same form), to the last one before it. Where none is known to, of all that sent something.
    """
    sending = [place for place, touchpoint in enumerate(touchpoints) if touchpoint.act.write]
    requests = {
        row.request: places[row.source, row.line]
        for row in session.rows
        if row.request is not None and not row.is_asset
    }
    homes: dict[tuple[int, int], list[int]] = {}
    for thing in session.objects:
        about = {places.get((row.source, row.line), -1) for row in thing.rows}
        senders = {place for place in about if place >= 0 and touchpoints[place].act.write}
        if thing.trigger is not None and 0 <= thing.trigger < len(session.rows):
            row = session.rows[thing.trigger]
            trigger = places[row.source, row.line]
            sent = touchpoints[trigger]
            senders.add(trigger)
            senders.update(place for place in sending if touchpoints[place].path == sent.path)
        for row in thing.rows:
            homes.setdefault((row.source, row.line), sorted(senders))
    for row in session.caused if touchpoints else ():
        key = (row.source, row.line)
        if key in places:
            continue
        place = requests.get(row.request) if row.request is not None else None
        if place is None:
            known = homes.get(key) or sending or range(len(touchpoints))
            place = next((p for p in reversed(known) if touchpoints[p].at_ns <= row.time_ns), known[0])
        places[key] = place
        touchpoints[place].events.append(events_of(row))


_builder: Builder | None = None


def _builder_for(models: Models) -> Builder:
    """The last builder when the models are the same, so that callers need not keep one.

    Equal is enough: a worker process is handed a copy of the models with every piece of work.
    """
    global _builder
    if _builder is None or (_builder.models is not models and _builder.models != models):
        _builder = Builder(models)
    _builder.models = models
    return _builder


def build_journey(session: SessionInput, models: Models) -> Visit:
    """One visit, without ``links``."""
    return _builder_for(models).build_journey(session)


def annotate_journey(visit: Visit, learned: Process, models: Models, logs_end_ns: int) -> None:
    """Give the business journeys of a visit their deviations, and its experience the waits they meant."""
    if visit.document["business_journeys"]:
        _builder_for(models).annotate(visit, learned, logs_end_ns)


def build_business(thing: ObjectInput, models: Models) -> dict[str, Any]:
    """The document of a business object no visit is known to have begun (``unattributed.business_journeys``)."""
    return _builder_for(models).build_business(thing)


def summary_row(visit: Visit) -> dict[str, Any]:
    """Flat columns of a journey for lists: one value each, text, number or None."""
    document, touchpoints = visit.document, visit.touchpoints
    told = document["customer_journey"]
    business = document["business_journeys"]
    at = told["outcome_at"]
    achieved = touchpoints[at] if told["outcome"] == "achieved" and at is not None else None
    amounts: dict[str, float] = {}
    for entry in business:
        if entry["value"] and entry["outcome"] not in ("failed", "cancelled"):
            currency = entry["value"].get("currency", "")
            amounts[currency] = amounts.get(currency, 0.0) + float(entry["value"]["amount"])
    return {
        "id": document["id"],
        "customer": document["customer"],
        "channel": document["channel"],
        "agent_kind": document["session"]["agent_kind"],
        "device": document["session"]["device"],
        "started_at": document["started_at"],
        "ended_at": document["ended_at"],
        "duration_ms": document["duration_ms"],
        "stage_reached": told["stage_reached"],
        "outcome": told["outcome"],
        "goal": told["goal"],
        "score": document["experience"]["score"],
        "n_touchpoints": len(touchpoints),
        "n_errors": [touchpoint.ok for touchpoint in touchpoints].count(False),
        "orders": ", ".join([f"{entry['object']['id']} {entry['outcome']}" for entry in business]),
        "value": ", ".join([f"{amount:.2f} {currency}".strip() for currency, amount in sorted(amounts.items())])
        or None,
        "achieved_at": None if achieved is None else format_time(achieved.at_ns),
    }
