"""The customer journey of one visit: intent → touchpoints → goal → outcome.

Takes the folded touchpoints and what became of the business objects born in the visit; says what each touchpoint was in
plain words, how far the visit got, what the visitor was after and whether it worked. "Unknown" stays null.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from reconstruct.journeys.activities import NO_QUERY, Classifier, fill, put_id, variable_of, words_of
from reconstruct.journeys.labels import VAGUE, Labeler
from reconstruct.journeys.models import STAGES, Goal, Models
from reconstruct.journeys.rows import Row, SessionInput
from reconstruct.journeys.touchpoints import Touchpoint

INTEREST = STAGES.index("interest")
PURCHASE = STAGES.index("purchase")
SENT_BACK = ("view_basket", "home")
"""Pages a checkout sends those to who have nothing to check out."""
FUNNEL = ("view_basket", "change_basket", "login_page", "home")
"""Pages that, after an attempt, say the visitor was sent back."""
VALUE_CAP = 120
"""Characters of a campaign value or referrer search kept."""
LINES_ASKED = 50
"""Log entries of a visit that are asked for its channel, and characters of each."""
LINE_ASKED = 60
SEARCHES_SHOWN = 20
"""Search words of a visit that are listed; a robot has thousands."""
TEXTS_KEPT = 20_000
"""Requests whose words are remembered."""
ALARMS = ("error", "fatal")


@dataclass(frozen=True, slots=True)
class Birth:
    """A business object that began in this visit."""

    type: str
    id: str
    thing: Mapping[str, str]
    """its ``[object.*]`` words"""
    thing_id: str
    """name of that table: ``order``, ``booking`` … ``other``"""
    touchpoint: int
    is_born: bool
    """False: it was tried for, but never came to be"""
    stands: bool
    """it came to be and did not fail before the visit's end: a booking whose payment was declined for good does not stand"""
    failure: str
    """what the business said when it failed; ``""``"""


class Course(NamedTuple):
    """What a visit came to."""

    goal: str | None
    outcome: str
    at: int | None
    """touchpoint that decided it: reached, failed, or was the last before it was abandoned"""
    why: str
    stage: int


class Teller:
    """Names touchpoints and judges visits; keeps what it has looked up."""

    def __init__(self, models: Models, classifier: Classifier, labeler: Labeler) -> None:
        self._models = models
        self._classifier = classifier
        self._labeler = labeler
        self._campaign = frozenset(models.vocabulary["campaign_keys"])
        self._channels: dict[str, str] = {}
        self._devices: dict[str, str] = {}
        self._ways = {
            goal.name: tuple(
                sorted(
                    {
                        _directory(route)
                        for (_, route), kinds in models.birthplaces.items()
                        if not kinds.isdisjoint(goal.objects) and _is_own(_directory(route), models)
                    }
                )
            )
            for goal in models.model.goals
        }
        self._places = {
            goal.name: frozenset(
                place
                for place, kinds in models.birthplaces.items()
                if not kinds.isdisjoint(goal.objects) and classifier.classify(*place, None).kind in goal.attempts
            )
            for goal in models.model.goals
        }
        self._hosts: dict[str, str] = {}
        self._filled: dict[tuple[str, str, str | None, str | None, str | None], str] = {}

    # --- naming -----------------------------------------------------------------------------------------------------

    def name(self, touchpoints: Sequence[Touchpoint], births: Sequence[Birth]) -> None:
        """Give every touchpoint its words and its verdict."""
        shown: set[str | None] = set()
        redirects = self._models.redirects_after_post
        if redirects is None:
            redirects = any(
                touchpoint.act.write and touchpoint.status is not None and 300 <= touchpoint.status < 400
                for touchpoint in touchpoints
            )
        for touchpoint in touchpoints:
            act = touchpoint.act
            said = ""
            if touchpoint.logs is not None:
                said = self._judge_logs(touchpoint)
            if act.write:
                if (
                    touchpoint.status == 200
                    and redirects
                    and not act.api
                    and not said
                    and self._came_back(touchpoint, shown)
                ):
                    touchpoint.ok = False
                    touchpoint.refused = True
            elif touchpoint.ok:
                shown.add(touchpoint.path)
            if touchpoint.follow_path is not None:
                shown.add(touchpoint.follow_path)
            if not touchpoint.ok:
                touchpoint.text = self._refusal(touchpoint, said)
            elif act.filled:
                touchpoint.text = self._fill(touchpoint)
            else:
                touchpoint.text = act.text
            if not touchpoint.text:
                touchpoint.text = self._models.vocabulary["fallback"]["log"]
            if touchpoint.background:
                touchpoint.text = self._models.vocabulary["fallback"]["assets"]
        for birth in births:
            touchpoint = touchpoints[birth.touchpoint]
            if birth.is_born:
                # What the visitor was shown counts: an order may be on record although the answer was an error.
                touchpoint.ok = (touchpoint.stumble or touchpoint.status or 0) < 400
                touchpoint.refused = False
                told = birth.thing["born" if touchpoint.ok else "failed"]
                touchpoint.text = put_id(told.replace("{type}", birth.type), birth.id, is_object=True)
            elif birth.failure:
                touchpoint.ok = False
                touchpoint.text = birth.failure

    def _judge_logs(self, touchpoint: Touchpoint) -> str:
        """What the application's own entries say against a success; ``""`` when nothing."""
        if touchpoint.method is not None and not touchpoint.act.write:
            return ""  # a page that was served may have had trouble nobody saw
        said = ""
        for row in touchpoint.logs or ():
            label = self._labeler.label(row)
            if label.failed or (row[13] in ALARMS and touchpoint.act.write):
                touchpoint.ok = False
            if label.failed and label.verb != VAGUE:
                said = label.text
            elif label.failed and not said and (touchpoint.status or 0) < 400:
                said = touchpoint.act.failed or label.text
        return said

    def _came_back(self, touchpoint: Touchpoint, shown: set[str | None]) -> bool:
        """A form answered by itself: by what the whole data shows of its route, else by having been shown before."""
        route = touchpoint.route or touchpoint.path or ""
        if route in self._models.forms:
            return True
        return touchpoint.path in shown and route not in self._models.self_posting

    def _refusal(self, touchpoint: Touchpoint, said: str) -> str:
        act = touchpoint.act
        if said:
            return put_id(said, variable_of(touchpoint.route, touchpoint.path))
        words: Mapping[str, str] = self._models.vocabulary["refused"]
        if touchpoint.stumble is not None and not touchpoint.refused:
            page = words.get(str(touchpoint.stumble)) or words.get(str(touchpoint.stumble // 100)) or "{activity}"
            name = self._fill(touchpoint)
            return page.replace("{activity}", name) if "{activity}" in page else f"{name}, then: {page}"
        if act.failed:
            return put_id(act.failed, variable_of(touchpoint.route, touchpoint.path))
        status = touchpoint.status or 0
        key = "form" if touchpoint.refused and status < 400 else str(status)
        words_for = words.get(key) or words.get(str(status // 100)) or "{activity}"
        return words_for.replace("{activity}", self._fill(touchpoint))

    def _fill(self, touchpoint: Touchpoint) -> str:
        """The activity's words for this request; many ask for the same."""
        act, route, path, query = touchpoint.act, touchpoint.route, touchpoint.path, touchpoint.query
        key = (act.text, act.named, route, path, query)
        text = self._filled.get(key)
        if text is None:
            if len(self._filled) > TEXTS_KEPT:
                self._filled.clear()
            asked = self._classifier.read_query(query) if query else NO_QUERY
            text = self._filled[key] = fill(act, route, path, asked)
        return text

    # --- judging ----------------------------------------------------------------------------------------------------

    def judge(self, session: SessionInput, touchpoints: Sequence[Touchpoint], births: Sequence[Birth]) -> Course:
        """What the visitor was after, how far it went, and how it ended."""
        stage = self._mark_stages(touchpoints, births)
        kinds = {touchpoint.act.kind for touchpoint in touchpoints}
        sent = [touchpoint for touchpoint in touchpoints if touchpoint.act.write]
        for touchpoint in touchpoints:
            if touchpoint.follows is not None:
                kinds.update([act.kind for act in touchpoint.follows])
        classes = {birth.thing_id for birth in births}
        for goal in self._models.model.goals:
            engaged = not (
                goal.commits.isdisjoint(kinds)
                and goal.attempts.isdisjoint(kinds)
                and goal.reached.isdisjoint(kinds)
                and goal.objects.isdisjoint(classes)
                and not any(_is_on_way(touchpoint, self._ways[goal.name]) for touchpoint in sent)
            )
            if engaged:
                course = _pursue(
                    goal,
                    touchpoints,
                    births,
                    stage,
                    self._models.birthplaces,
                    self._places[goal.name],
                    self._ways[goal.name],
                    self._models.bearing,
                )
                if course is not None:
                    return self._censor(session, course)
        for birth in births:
            name = birth.thing["goal"].replace("{type}", birth.type)
            if birth.stands:
                why = f"{birth.type} {birth.id} was born here"
                return Course(name, "achieved", birth.touchpoint, why, stage)
            failed = Course(name, "failed", birth.touchpoint, birth.failure or "it never came to be", stage)
            return self._censor(session, failed)
        return self._censor(session, Course(None, "browsed", None, "nothing was begun", stage))

    @staticmethod
    def _censor(session: SessionInput, course: Course) -> Course:
        """Where the logs end while the visit may go on, nothing but a success is certain."""
        if session.cut_off and course.outcome != "achieved":
            return Course(course.goal, "ongoing", course.at, "the logs end before the visit does", course.stage)
        return course

    def _mark_stages(self, touchpoints: Sequence[Touchpoint], births: Sequence[Birth]) -> int:
        """Mark the milestones; the furthest stage reached."""
        reached = -1
        seen: set[str] = set()
        born = {birth.touchpoint for birth in births if birth.is_born}
        for place, touchpoint in enumerate(touchpoints):
            act = touchpoint.act
            # A page no rule knows is awareness where the visit begins and interest after that.
            stage = touchpoint.stage = act.stage if act.kind else INTEREST if place and touchpoint.method else 0
            if touchpoint.ok or reached < 0:
                if stage > reached:
                    reached = stage
                    touchpoint.milestone = True
                elif act.milestone and act.kind not in seen:
                    touchpoint.milestone = True
                seen.add(act.kind)
            if place in born:
                touchpoint.milestone = True
                reached = max(reached, PURCHASE)
        return max(reached, 0)

    # --- intent and channel -----------------------------------------------------------------------------------------

    def intent(self, session: SessionInput, touchpoints: Sequence[Touchpoint]) -> dict[str, Any]:
        """Why the visitor came, as far as the first request tells."""
        if not touchpoints:
            return {}
        first = touchpoints[0]
        told: dict[str, Any] = {}
        entry = first.route or first.path
        if entry:
            told["entry"] = entry
        source = "direct"
        if first.referrer:
            host, _, rest = first.referrer.partition("://")[2].partition("/")
            host = host.lower() or first.referrer.lower()
            source = "internal" if self._is_own(host, first, touchpoints, session.rows) else self._class_of(host)
            if source != "internal":
                told["referrer"] = host[:VALUE_CAP]
                if "?" in rest:
                    term = self._classifier.read_query(rest.partition("?")[2]).term
                    if term:
                        told["search"] = term
        elif first.method is None:
            source = "unknown"
        if first.query and "=" in first.query:
            campaign = {
                key: value[:VALUE_CAP]
                for key, value in parse_qsl(first.query[:2000], max_num_fields=None)
                if key.lower() in self._campaign
            }
            if campaign:
                source = "campaign"
                told["campaign"] = dict(sorted(campaign.items()))
        told["source"] = source
        searches = [
            term
            for touchpoint in touchpoints
            if touchpoint.act.kind == "search" and touchpoint.query
            if (term := self._classifier.read_query(touchpoint.query).term)
        ]
        if searches:
            told["searched"] = list(dict.fromkeys(searches))[:SEARCHES_SHOWN]
        if session.previous is not None:
            told["previous"] = session.previous
        return told

    def _class_of(self, host: str) -> str:
        found = self._hosts.get(host)
        if found is None:
            labels = set(host.partition(":")[0].split("."))
            found = "referral"
            for name, words in self._models.vocabulary["referrer"].items():
                if any(word in labels or host == word or host.endswith(f".{word}") for word in words):
                    found = name
                    break
            if len(self._hosts) > 10_000:
                self._hosts.clear()
            self._hosts[host] = found
        return found

    @staticmethod
    def _is_own(host: str, first: Touchpoint, touchpoints: Sequence[Touchpoint], rows: Sequence[Row]) -> bool:
        """The referrer is the site itself: by the virtual host, else by what later pages were reached from."""
        for row in rows:
            if row[12] and row[5] is not None:
                if row[12].lower() == host:
                    return True
                break
        return any(
            touchpoint.referrer is not None
            and touchpoint.referrer.partition("://")[2].partition("/")[0].lower() == host
            for touchpoint in touchpoints[1:4]
        )

    def channel(self, session: SessionInput, touchpoints: Sequence[Touchpoint]) -> str:
        """web, mobile web, app, api, store, call centre or e-mail."""
        agent = session.user_agent
        if agent is None:
            if any(touchpoint.method for touchpoint in touchpoints):
                return self._web(session)
            named = {words_of(row[14]) for row in session.rows[:LINES_ASKED]}
            said = {words_of((row[16] or "")[:LINE_ASKED]) for row in session.rows[:LINES_ASKED]}
            return next((found for words in (named, said) if (found := self._spoken_in(words))), "app")
        known = self._channels.get(agent)
        if known is None:
            words = f" {agent[:300].lower().replace('/', ' ').replace(';', ' ')} "
            known = self._channel_in(words, ("app",))
            if not known and "mozilla" not in words and "opera" not in words:
                known = self._channel_in(words, ("api",))
            if len(self._channels) > 10_000:
                self._channels.clear()
            self._channels[agent] = known
        return known or self._web(session)

    def _web(self, session: SessionInput) -> str:
        found = self._devices.get(session.device)
        if found is None:
            found = self._channel_in(f" {words_of(session.device)} ", ("mobile web",)) or "web"
            if len(self._devices) > 10_000:
                self._devices.clear()
            self._devices[session.device] = found
        return found

    def _spoken_in(self, said: Set[str]) -> str:
        """The channel that log entries without a request speak of."""
        return self._channel_in(f" {' '.join(sorted(said))} ", ("store", "call centre", "e-mail"))

    def _channel_in(self, words: str, names: Sequence[str]) -> str:
        table: Mapping[str, Sequence[str]] = self._models.vocabulary["channel"]
        return next((name for name in names if any(f" {word} " in words for word in table.get(name, ()))), "")


def _pursue(
    goal: Goal,
    touchpoints: Sequence[Touchpoint],
    births: Sequence[Birth],
    stage: int,
    birthplaces: Container[tuple[str, str]],
    places: Set[tuple[str, str]],
    ways: tuple[str, ...],
    bearing: Container[tuple[str, str]],
) -> Course | None:
    """How the pursuit of one goal ended; None when nothing that happened was part of it.

    ``birthplaces``: (method, route) of requests that bring the object of a goal into being whenever they succeed; when one does
    not, the goal was tried for. ``places``: those where what this goal is about begins. Where they are known, other attempts that are
    accepted are steps on the way: of a booking in five forms only the last one books. ``ways``: what forms beside these begin with.
    ``bearing``: where an attempt that is accepted bears an object nearly always: one that bears none has failed.
    """
    reached: int | None = None
    believed: int | None = None  # reached as far as the answer to an attempt tells
    tried: int | None = None
    begun: int | None = None
    failed = ""
    tries = 0
    for place, touchpoint in enumerate(touchpoints):
        kind = touchpoint.act.kind
        if not touchpoint.ok and goal.objects and (touchpoint.method, touchpoint.route) in birthplaces:
            tries += 1
            begun = tried = place
            failed = touchpoint.text
            continue
        if touchpoint.follows is None and kind not in goal.concerned and not _is_on_way(touchpoint, ways):
            continue
        kinds = {kind} if touchpoint.follows is None else {kind, *[act.kind for act in touchpoint.follows]}
        proofs = goal.reached if begun is None and kind not in goal.attempts else goal.proves
        if (touchpoint.ok or touchpoint.stumble is not None) and not kinds.isdisjoint(proofs):
            reached = place
        elif kind in goal.attempts:
            tries += 1
            if _succeeded(touchpoint, goal):
                if (touchpoint.method, touchpoint.route) in bearing:
                    tried = place  # what was born here is told by its birth
                    failed = f"{touchpoint.text}: nothing came of it"
                elif not places or (touchpoint.method, touchpoint.route) in places:
                    believed = place
            elif not touchpoint.ok:
                tried = place
                failed = touchpoint.text
            begun = place
        elif touchpoint.ok and (_commits(touchpoint, goal) or _is_on_way(touchpoint, ways)):
            begun = place
    for birth in births:
        if birth.thing_id in goal.objects:
            believed = None  # the business itself says what became of it
            if birth.stands:
                return Course(goal.name, "achieved", birth.touchpoint, f"{birth.type} {birth.id} was born here", stage)
            tries = max(tries, 1)
            tried = birth.touchpoint if tried is None else max(tried, birth.touchpoint)
            failed = failed or birth.failure
    reached = believed if reached is None else reached
    if reached is not None:
        return Course(goal.name, "achieved", reached, f"reached by: {touchpoints[reached].text}", stage)
    if tried is not None:
        times = f"{tries} tries, " if tries > 1 else ""
        return Course(goal.name, "failed", tried, f"{times}{failed or 'refused'}, no success after", stage)
    if begun is not None:
        return Course(goal.name, "abandoned", begun, f"went as far as: {touchpoints[begun].text}", stage)
    return None


def _directory(route: str) -> str:
    """What a route begins with, up to its last segment: ``/order/`` of ``/order/submit``."""
    return route.rpartition("/")[0] + "/"


def _is_own(directory: str, models: Models) -> bool:
    """Whether routes that begin so are about one thing: all of a site's, or of its interface, are not."""
    words = [part for part in directory.split("/") if part and part not in models.vocabulary["api_words"]]
    return bool(words) and "{}" not in words


def _is_on_way(touchpoint: Touchpoint, ways: tuple[str, ...]) -> bool:
    """A form sent beside the one by which the object of a goal is brought into being: the address of an order, its payment."""
    if not (ways and touchpoint.act.write and touchpoint.ok and touchpoint.route):
        return False
    return touchpoint.route.startswith(ways) and "{}" not in touchpoint.route  # what has a number is there already


def _commits(touchpoint: Touchpoint, goal: Goal) -> bool:
    """The visitor has begun to pursue a goal; being sent back from checkout to an empty basket is no beginning."""
    if touchpoint.act.stage == PURCHASE and any(act.kind in SENT_BACK for act in touchpoint.follows or ()):
        return False
    return touchpoint.act.kind in goal.commits or any(act.kind in goal.commits for act in touchpoint.follows or ())


def _succeeded(touchpoint: Touchpoint, goal: Goal) -> bool:
    """An attempt that went through: accepted, and not followed by a page from before it."""
    if not touchpoint.ok and touchpoint.stumble is None:
        return False
    if touchpoint.follows:
        return all(
            act.kind not in goal.commits and act.kind not in goal.attempts and act.kind not in FUNNEL
            for act in touchpoint.follows
        )
    return not goal.pays_elsewhere or touchpoint.status is None or touchpoint.status < 300
