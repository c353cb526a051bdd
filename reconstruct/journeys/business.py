"""The business journey of one object: trigger → steps by service → outcome.

Rows are gathered into units (one request, one task, or one entry), a unit's entries into steps by what they tell, and
steps told twice (by two services) or done twice (after a failure, by redelivery) into one. Every row of the object ends
in exactly one step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from reconstruct.journeys.activities import QUERY_CAP, Classifier, put_id, words_of
from reconstruct.journeys.amounts import Amount, AmountReader, choose_value
from reconstruct.journeys.labels import (
    CALL,
    NOTHING,
    SEVERITY,
    VAGUE,
    Label,
    Labeler,
    attributes_of,
    program_of,
    skeleton_of,
)
from reconstruct.journeys.models import Models
from reconstruct.journeys.rows import ObjectInput, Row

SECOND = 1_000_000_000
ECHO_NS = 5 * SECOND
"""Two services that tell the same within this tell one thing: the gateway that did it and the shop that asked."""
AGAIN_NS = 60 * SECOND
"""The same service telling the same within this is a redelivery, unless doing it twice costs."""
AROUND_NS = 60 * SECOND
"""What a program writes around its work stands this near: a run of a function, the queue of a mail server."""
LOOK_BACK = 8
"""Steps looked back at for one to fold into."""
ROUTES_KEPT = 10_000
"""Routes whose words are remembered."""
ALARMS = ("error", "fatal")
PROGRESS = ("progress", "born", "done", "nearly")
SAYS_ITSELF = frozenset({"not found"})
"""Verbs that speak of trouble, though only the level of an entry tells whether something failed."""


@dataclass(slots=True)
class Step:
    """One activity of the object's journey, being built."""

    start_ns: int
    end_ns: int
    label: Label
    text: str
    service: str
    services: set[str]
    ok: bool
    events: list[list[int]]
    attempts: int = 1
    unit: int = -1
    """unit it comes from: one request or one task"""
    technical: bool = False
    refused: str = ""
    """what it is called when it failed and its words tell of a success"""
    again: bool = False
    """its unit told this before, in the same words by the same service"""
    mute: bool = False
    """nothing in it says what was done: what a program writes around its work"""
    said: set[tuple[str, str]] = field(default_factory=set)
    """of what costs when it is done twice: who told of it, and in what words"""

    @property
    def key(self) -> str:
        """What must be equal for two steps to be the same activity."""
        return f"{self.label.verb}:{self.label.noun}" if self.label.verb else self.text

    @property
    def told(self) -> str:
        """What it is called: one that failed never by the words of its success."""
        says_itself = self.ok or self.label.failed or self.label.verb in SAYS_ITSELF
        return self.text if says_itself else self.refused or self.text


@dataclass(slots=True)
class Journey:
    """What became of an object."""

    object: ObjectInput
    steps: list[Step]
    outcome: str
    value: dict[str, str] | None
    is_born: bool
    """False when every try for it failed"""
    born_event: list[int] | None
    failure: str
    failed_ns: int | None
    """when it failed for good; None when it did not"""


@dataclass(slots=True)
class _Unit:
    """Rows that belong together: one request, one task, or one entry."""

    rows: list[Row]
    labels: list[Label]
    task: str = ""
    failed: bool = False


class Recorder:
    """Builds business journeys; keeps its caches."""

    def __init__(self, models: Models, classifier: Classifier, labeler: Labeler) -> None:
        self._models = models
        self._classifier = classifier
        self._labeler = labeler
        self._amounts = AmountReader(models)
        self._routes: dict[tuple[str, str | None], tuple[str, str]] = {}
        self._callbacks: dict[tuple[str, str], Label] = {}

    def record(self, thing: ObjectInput) -> Journey:
        """Steps, value and outcome of an object."""
        units, amounts = self._gather(thing.rows, self._labeler.noun_of(thing.type))
        steps: list[Step] = []
        for number, unit in enumerate(units):
            steps += self._read_unit(unit, number)
        steps.sort(key=lambda step: (step.start_ns, step.events[0]))
        steps = _fold(_join_mute(steps))
        outcome, is_born, failure, refused_ns = _judge(steps)
        failed_ns = refused_ns if outcome == "failed" else None
        born = next((step.events[0] for step in steps if step.ok and step.label.state == "born"), None)
        return Journey(
            thing, steps, outcome, choose_value(amounts, self._models.minor_keys), is_born, born, failure, failed_ns
        )

    def _gather(self, rows: Sequence[Row], about: str) -> tuple[list[_Unit], list[Amount]]:
        units: list[_Unit] = []
        by_key: dict[tuple[str, str], _Unit] = {}
        amounts: list[Amount] = []
        for row in rows:
            attributes = attributes_of(row)
            label = NOTHING
            key: tuple[str, str] | None = None
            name, phase = "", ""
            if row.method is None or row.message:
                task = self._labeler.task(row, attributes) if row.method is None else None
                if task is not None:
                    key, name, phase = ("task", task.id), task.name, task.phase
                label = self._labeler.label(row, attributes, about)
                if phase and phase != "failed":
                    label = NOTHING  # "Task … succeeded" tells of the task, not of the business
                if label.verb == VAGUE and row.level is not None and row.level not in ALARMS:
                    label = label._replace(verb="", noun="", state="", technical=False)
                amounts += self._amounts.read(row, attributes)
            elif row.query:
                label = self._read_callback(row)
            if key is None and row.request is not None:
                key = ("request", row.request)
            if key is None and row.method is not None:
                unit = _same_request(units, row)
                if unit is not None:
                    unit.rows.append(row)
                    unit.labels.append(label)
                    continue
            unit = by_key.get(key) if key is not None else None
            if unit is None:
                unit = _Unit([], [], name)
                units.append(unit)
                if key is not None:
                    by_key[key] = unit
            unit.rows.append(row)
            unit.labels.append(label)
            unit.failed |= (
                phase == "failed"
                or row.level in ALARMS
                or (row.status is not None and row.status >= 400)
                or (label.failed and label.technical and not label.noun)
            )
        return units, amounts

    def _read_unit(self, unit: _Unit, number: int) -> list[Step]:
        """The steps of a unit: one per thing its entries tell; what tells nothing goes with what is told before it."""
        told = [label for label in unit.labels if label.verb and label.noun]
        if unit.task and len({(label.verb, label.noun) for label in told}) != 1:
            label = self._labeler.name_task(unit.task)
            told_label = next((other for other in told if other.failed), label)
            return [self._whole(unit, told_label if told_label.failed else label, number)]
        if not told:
            action = self._read_action(unit)
            if action is not None:
                return [self._whole(unit, action, number)]
            label = _first_telling(unit)
            if unit.task:
                label = self._labeler.name_task(unit.task)
            elif len({row.service for row in unit.rows if row.method is None}) > 1:
                return self._by_service(unit, number)
            return [self._whole(unit, label, number)]
        steps: list[Step] = []
        by_label: dict[tuple[str, str], Step] = {}
        costly: set[tuple[str, str]] = set()  # what must not be done twice: service and words
        pending: list[Row] = []
        for row, label in zip(unit.rows, unit.labels, strict=True):
            if not (label.verb and label.noun):
                if row.method is not None or not steps:
                    pending.append(row)
                else:
                    _extend(steps[-1], row)
                continue
            step = by_label.get((label.verb, label.noun))
            said = {(row.service, skeleton_of(row.message))} if label.once and row.message else set()
            again = not said.isdisjoint(costly)
            costly |= said
            if step is None or again:
                step = _begin(row, label, number)
                step.again, step.said = again, said
                by_label[label.verb, label.noun] = step
                steps.append(step)
            else:
                _extend(step, row)
                step.said |= said
        main = max(
            steps, key=lambda step: (SEVERITY.get(step.label.state, 0), step.label.state == "born", -step.start_ns)
        )
        for row in pending:
            target = main if row.method is not None else steps[0]
            target.events.append([row.source, row.line])
        main.events.sort()
        if unit.failed and not any(not step.ok for step in steps):
            main.ok = False
            main.technical = True
            main.refused = self._say_refused(unit, main.text)
        return steps

    def _by_service(self, unit: _Unit, number: int) -> list[Step]:
        """A request no verb tells of, through several services: what each of them did is a step."""
        parts: dict[str, _Unit] = {}
        first = next(row.service for row in unit.rows if row.method is None)
        for row, label in zip(unit.rows, unit.labels, strict=True):
            part = parts.setdefault(first if row.method is not None else row.service, _Unit([], []))
            part.rows.append(row)
            part.labels.append(label)
            part.failed |= row.level in ALARMS or (row.status is not None and row.status >= 400)
        return [self._whole(part, _first_telling(part), number) for part in parts.values()]

    def _whole(self, unit: _Unit, label: Label, number: int) -> Step:
        """A unit that is one step."""
        entries = [row for row in unit.rows if row.method is None]
        first = entries[0] if entries else unit.rows[0]
        step = _begin(first, label, number)
        step.events = []
        for row in unit.rows:
            step.events.append([row.source, row.line])
            if row.method is None or not entries:
                _stretch(step, row)
        web = next((row for row in unit.rows if row.method is not None), None)
        step.mute = web is None and not unit.failed and (label.state == CALL or not step.text)
        refused = ""
        if web is not None and (label.state == CALL or not step.text):
            step.text, refused = self._say_route(web)
        if not step.text:
            step.text = first.service.capitalize()
        if unit.failed:
            step.ok = False
            step.refused = refused or self._say_refused(unit, step.text)
            step.technical = not label.failed or label.technical
        return step

    def _read_callback(self, row: Row) -> Label:
        """What a call of a partner's says in its query: ``/hooks/carrier/parcels/{}?status=delivered``."""
        key = (row.route or row.path or "", row.query or "")
        label = self._callbacks.get(key)
        if label is None:
            label = NOTHING
            if self._classifier.classify(row.method or "", key[0], None).kind == "webhook":
                told = dict(parse_qsl(key[1][:QUERY_CAP]))
                result = next((told[name] for name in self._models.vocabulary["keys"]["result"] if name in told), "")
                label = (
                    self._labeler.read(f"{words_of(key[0]).replace(' / ', ' ')} {words_of(result)}")
                    if result
                    else NOTHING
                )
                label = label if label.verb else NOTHING
            if len(self._callbacks) > ROUTES_KEPT:
                self._callbacks.clear()
            self._callbacks[key] = label
        return label

    def _read_action(self, unit: _Unit) -> Label | None:
        """What a request does to the thing its route names: ``POST /admin/orders/{}/cancel``; None: nothing that it says."""
        steps = (
            self._classifier.classify(row.method, row.route or row.path, None).step
            for row in unit.rows
            if row.method is not None
        )
        step = next(filter(None, steps), "")
        return self._labeler.read(step) if step else None

    def _say_refused(self, unit: _Unit, text: str) -> str:
        """A step that failed although its words tell of a success, by how it was answered."""
        words: Mapping[str, str] = self._models.vocabulary["refused"]
        status = max((row.status or 0 for row in unit.rows), default=0)
        said = next((words[key] for key in (str(status), str(status // 100)) if "{activity}" in words.get(key, "")), "")
        return (said or words["step"]).replace("{activity}", text)

    def _say_route(self, row: Row) -> tuple[str, str]:
        """A request nothing else tells of: what its route says, and what that is when it failed."""
        key = (row.method or "", row.route or row.path)
        said = self._routes.get(key)
        if said is None:
            act = self._classifier.classify(key[0], key[1], None)
            said = (put_id(act.text.replace("‘{q}’", ""), ""), put_id(act.failed, ""))
            if len(self._routes) > ROUTES_KEPT:
                self._routes.clear()
            self._routes[key] = said
        return said


def _first_telling(unit: _Unit) -> Label:
    """What a unit no verb tells of is called by: its first entry that says more than that there was a call."""
    said = [label for label in unit.labels if label.text]
    return next((label for label in said if label.state != CALL), said[0] if said else NOTHING)


def _same_request(units: Sequence[_Unit], row: Row) -> _Unit | None:
    """The unit whose request another tier's line without a key tells again."""
    for unit in reversed(units[-LOOK_BACK:]):
        other = unit.rows[0]
        if (
            other.method == row.method
            and other.path == row.path
            and other.status == row.status
            and other.source != row.source
            and abs(row.time_ns - other.time_ns) <= 2 * SECOND
            and all(known.source != row.source for known in unit.rows)
        ):
            return unit
    return None


def _begin(row: Row, label: Label, number: int) -> Step:
    step = Step(
        row.time_ns, row.time_ns, label, label.text, row.service, {row.service}, not label.failed,
        [[row.source, row.line]], unit=number, technical=label.technical,
    )  # fmt: skip
    _stretch(step, row)
    return step


def _stretch(step: Step, row: Row) -> None:
    step.start_ns = min(step.start_ns, row.time_ns)
    end = row.time_ns
    if row.duration_ms is not None and row.method is not None:
        end += int(row.duration_ms * 1_000_000)
    step.end_ns = max(step.end_ns, end)


def _extend(step: Step, row: Row) -> None:
    step.events.append([row.source, row.line])
    step.services.add(row.service)
    _stretch(step, row)


def _join_mute(steps: list[Step]) -> list[Step]:
    """Let what a program writes around its work (``START``, ``END``, ``removed``) go with the step it did then."""
    if not any(step.mute for step in steps):
        return steps
    telling: dict[str, list[Step]] = {}
    for step in steps:
        if not step.mute:
            for program in sorted(set(map(program_of, step.services))):
                telling.setdefault(program, []).append(step)
    joined: set[int] = set()
    for place, step in enumerate(steps):
        near = telling.get(program_of(step.service)) if step.mute else None
        if near:
            nearest = min(near, key=lambda other: abs(other.start_ns - step.start_ns))
            if abs(nearest.start_ns - step.start_ns) <= AROUND_NS:
                nearest.events += step.events
                joined.add(place)
    for step in steps:
        step.events.sort()
    return [step for place, step in enumerate(steps) if place not in joined]


def _fold(steps: list[Step]) -> list[Step]:
    """Fold what is told twice, and what is done again."""
    kept: list[Step] = []
    for step in steps:
        for other in reversed(kept[-LOOK_BACK:]):
            if other.key != step.key:
                continue
            gap = step.start_ns - other.end_ns
            if not step.label.verb:
                if gap > ECHO_NS or other.services.isdisjoint(step.services) or step.ok != other.ok:
                    continue
                _merge(other, step)  # chatter: the same words by the same service
                break
            if other.services.isdisjoint(step.services) and gap <= ECHO_NS and step.ok == other.ok:
                _merge(other, step)
                break
            if other.unit == step.unit and not step.again:
                _merge(other, step)
                break
            if gap <= ECHO_NS and step.ok == other.ok and step.said and other.said and step.said.isdisjoint(other.said):
                _merge(other, step)  # once, told at each stage of its way through a program
                break
            if not other.ok or (gap <= AGAIN_NS and not step.label.once):
                ok = step.ok or (other.ok and step.label.state not in ("failed", "exception"))
                _merge(other, step)
                other.services = set(step.services)  # a service that tells of the new try again echoes it
                other.attempts += step.attempts
                other.ok = ok
                break
        else:
            kept.append(step)
    return kept


def _merge(step: Step, other: Step) -> None:
    step.events += other.events
    step.services |= other.services
    step.said |= other.said
    step.start_ns = min(step.start_ns, other.start_ns)
    step.end_ns = max(step.end_ns, other.end_ns)


def _judge(steps: Sequence[Step]) -> tuple[str, bool, str, int]:
    """Outcome, whether the object came to be, and what the business said when it last failed, and when."""
    final = ""
    nearly = born = moved = False
    pending = ""
    refused_ns = 0
    failure = ""
    for step in steps:
        state, noun = step.label.state, step.label.noun
        if state == "failed":
            if not step.label.technical or noun:
                pending = failure = step.text
                refused_ns = step.end_ns
            continue
        if state == "exception":
            nearly = False  # shipped, and the delivery failed: it is not there, and nothing says that it will be
        if not step.ok:
            continue
        if noun != "email" and state in PROGRESS:
            moved = True
            same_try = state == "born" and (noun == "payment" or step.start_ns - refused_ns <= ECHO_NS)
            if not same_try:
                pending = ""
        if state == "born":
            born = True
        elif state == "nearly":
            nearly = True
        elif state == "done" and noun != "email":
            final = "fulfilled"
        elif state == "returned":
            final = "cancelled" if final == "cancelled" else "returned"
        elif state == "cancelled" and (noun != "payment" or not born):
            final = "cancelled"
    if pending and not final:
        return "failed", born, failure, refused_ns
    if final:
        return final, born or final != "failed", failure, refused_ns
    if nearly:
        return "fulfilled", True, failure, refused_ns
    return "in_progress", born or moved or not failure, failure, refused_ns
