"""Pass 1: what each identifier type identifies.

A role is scored from what the values do (how many lines each has, how long it lives, in how many logs it appears, where
it is born); the noun adds at most NAME_POINTS. Reasons are kept in words: they are the plan the user reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from reconstruct.correlate.types import IdType
from reconstruct.events.nouns import prior_roles
from reconstruct.options import ROLES

NAME_POINTS = 2.0
"""What a telling name adds (correlation §7.6: the lexicon adds at most two points)."""

REQUEST_LIFE_S = 60.0
"""A request is over within a minute: 95 % of its identifiers live no longer."""

MOST_LINES = 500
"""Lines of one request: 95 % of requests write fewer, or they are batch runs."""

SESSION_LIFE_S = (10.0, 4 * 3600.0)
"""Median life of a session identifier: longer than a click, shorter than half a day."""

HUB_EVENTS = 100
"""Median lines per value above which a type names a resource that everything touches, not a thing that happens."""

ONE_BROWSER = 0.9
"""Share of a session type's values that must be met with one browser only: people change browsers, sessions do not."""

LEAST_POINTS = 2.0
"""A role with fewer points is a guess; the type is then ``other``."""


@dataclass(slots=True)
class Behaviour:
    """What the values of one type do, over all logs."""

    mentions: int = 0
    values: int = 0
    median_events: float = 0.0
    events_p95: float = 0.0
    median_life_s: float = 0.0
    life_p95_s: float = 0.0
    families: int = 0
    """families of logs any of its values appears in"""
    families_per_value: float = 0.0
    """mean number of families a value appears in"""
    back_families: int = 0
    """families without web requests among them"""
    on_requests: float = 0.0
    """share of its mentions that stand on web requests"""
    one_browser: float = 1.0
    """share of its values that come with one user agent only, of those on two and more web requests"""
    in_paths: float = 0.0
    """share of its mentions that are route segments"""
    multi: float = 0.0
    """share of mentions that are one of several on their line"""
    span_share: float = 0.0
    """median life as a share of the time the logs cover"""


@dataclass(slots=True)
class Role:
    """The verdict on one type."""

    type: int
    """index into the types"""
    role: str
    points: float
    why: list[str] = field(default_factory=list)
    behaviour: Behaviour = field(default_factory=Behaviour)
    pinned: bool = False
    """the user said so"""


def observe(db: duckdb.DuckDBPyConnection, types: list[IdType]) -> list[Behaviour]:
    """Behaviour of every type. Needs ``typed`` and ``timeline``; makes ``entities(type, value, events, t0, t1, families)``."""
    paths = [slot.id for kind in types for slot in kind.slots if slot.name.startswith("path:")]
    db.execute(
        """
        CREATE OR REPLACE TABLE entities AS
        SELECT type, value, count(DISTINCT eid) AS events, min(t) AS t0, max(t) AS t1,
               list_sort(list(DISTINCT family)) AS families
        FROM typed JOIN timeline USING (eid) GROUP BY type, value
        """
    )
    found = [Behaviour() for _ in types]
    rows = db.execute(
        """
        WITH horizon AS (SELECT greatest(max(t) - min(t), 1) / 1e9 AS span FROM timeline)
        SELECT type, count(*), median(events), quantile_cont(events, .95), median((t1 - t0) / 1e9),
               quantile_cont((t1 - t0) / 1e9, .95), len(list_distinct(flatten(list(families)))), avg(len(families)),
               median((t1 - t0) / 1e9) / any_value(span)
        FROM entities, horizon GROUP BY type
        """
    ).fetchall()
    for number, values, k50, k95, s50, s95, families, per_value, span_share in rows:
        found[number] = Behaviour(0, values, k50, k95, s50, s95, families, per_value, span_share=span_share)
    rows = db.execute(
        """
        SELECT type, count(*), avg((e.method IS NOT NULL)::INT), avg(multi::INT),
               count(DISTINCT CASE WHEN e.method IS NULL THEN t.family END)
        FROM typed JOIN events e USING (eid) JOIN timeline t USING (eid) GROUP BY type
        """
    ).fetchall()
    for number, mentions, on_requests, multi, back in rows:
        behaviour = found[number]
        behaviour.mentions, behaviour.on_requests, behaviour.multi, behaviour.back_families = (
            mentions,
            on_requests,
            multi,
            back,
        )
    for number, one_browser in db.execute(
        """
        SELECT type, avg((browsers = 1)::INT) FROM (
            SELECT type, value, count(DISTINCT user_agent) AS browsers FROM typed JOIN events USING (eid)
            WHERE user_agent IS NOT NULL GROUP BY type, value HAVING count(*) >= 2)
        GROUP BY type
        """
    ).fetchall():
        found[number].one_browser = one_browser
    in_paths = {
        slot: kind for kind, each in enumerate(types) for slot in (s.id for s in each.slots) if slot in set(paths)
    }
    for slot, number in in_paths.items():
        mentions = next(s.mentions for s in types[number].slots if s.id == slot)
        found[number].in_paths += mentions / max(1, sum(s.mentions for s in types[number].slots))
    return found


def judge_roles(types: list[IdType], behaviours: list[Behaviour]) -> list[Role]:
    """The best role of each type, with its reasons."""
    return [_judge(number, kind, behaviours[number]) for number, kind in enumerate(types)]


def _judge(number: int, kind: IdType, seen: Behaviour) -> Role:
    priors = prior_roles(kind.noun)
    verdicts: dict[str, tuple[float, list[str]]] = {}
    for role, (points, why) in {
        "request": _as_request(kind, seen),
        "session": _as_session(kind, seen),
        "customer": _as_customer(kind, seen),
        "object": _as_object(kind, seen),
        "resource": _as_resource(kind, seen),
    }.items():
        if role in priors and points > float("-inf"):
            points, why = points + NAME_POINTS, [*why, f"called “{kind.noun}”"]
        elif role == "request" and priors:
            points -= NAME_POINTS  # it is called something else
        verdicts[role] = (points, why)
    for role in priors:
        if role not in verdicts:
            verdicts[role] = (NAME_POINTS + 0.5, [f"called “{kind.noun}”"])
    role = min(verdicts, key=lambda role: (-verdicts[role][0], ROLES.index(role)))
    points, why = verdicts[role]
    if points < LEAST_POINTS:
        role, why = "other", ["no role fits what its values do"]
    elif seen.values < 2 and not (kind.strong and role in priors):
        role, why = "other", ["one value only: nothing to learn from"]
    return Role(number, role, round(points, 1), why, seen)


NEVER = float("-inf")


def gathers_lines(kind: IdType, seen: Behaviour) -> bool:
    """Whether lines with the same value were written for one thing in one go: a request, a task, a charge.

    A parameter of a URL names something else than the request.
    """
    return (
        kind.strong
        and not all(slot.name.startswith("query:") for slot in kind.slots)
        and seen.life_p95_s <= REQUEST_LIFE_S
        and seen.events_p95 <= MOST_LINES
    )


def _as_request(kind: IdType, seen: Behaviour) -> tuple[float, list[str]]:
    if not gathers_lines(kind, seen):
        return NEVER, []
    points, why = 2.0, [f"95 % of its values live under {max(1, round(seen.life_p95_s))} s"]
    if seen.median_events >= 2:
        points, why = points + 1.5, [*why, f"{seen.median_events:g} lines per value"]
    if seen.families >= 2:
        points, why = points + 1, [*why, f"in {seen.families} logs"]
    return points, why


def _as_session(kind: IdType, seen: Behaviour) -> tuple[float, list[str]]:
    low, high = SESSION_LIFE_S
    if seen.one_browser < ONE_BROWSER:
        return NEVER, []
    if seen.on_requests < 0.2 or seen.in_paths > 0.5 or (seen.life_p95_s <= REQUEST_LIFE_S and seen.median_events < 3):
        return NEVER, []
    points, why = 0.0, list[str]()
    if kind.strong:
        points, why = points + 1, [*why, f"{kind.bits:.0f} bits"]
    if seen.on_requests >= 0.5:
        points, why = points + 1, [*why, f"{seen.on_requests:.0%} of its mentions are on web requests"]
    if low <= seen.median_life_s <= high:
        points, why = points + 1, [*why, f"median life {_say_life(seen.median_life_s)}"]
    if seen.median_events >= 3:
        points, why = points + 1, [*why, f"{seen.median_events:g} lines per value"]
    return points, why


def _as_customer(kind: IdType, seen: Behaviour) -> tuple[float, list[str]]:
    if seen.in_paths > 0.9:
        return NEVER, []
    points, why = 0.0, list[str]()
    if any(slot.shape == "email" for slot in kind.slots[:3]):
        points, why = points + 2, [*why, "its values are e-mail addresses"]
    if seen.life_p95_s > SESSION_LIFE_S[1]:
        points, why = points + 0.5, [*why, "its values come back after hours"]
    return points, why


def _as_object(kind: IdType, seen: Behaviour) -> tuple[float, list[str]]:
    if seen.median_events >= HUB_EVENTS or seen.values < 2:
        return NEVER, []
    points, why = 0.0, list[str]()
    if seen.families_per_value >= 2:
        points, why = points + 2, [*why, f"each value in {seen.families_per_value:.1f} logs"]
    elif seen.families >= 2:
        points, why = points + 1, [*why, f"in {seen.families} logs"]
    if seen.back_families >= 2:
        points, why = points + 1, [*why, f"worked on in {seen.back_families} back-office logs"]
    if seen.median_life_s > REQUEST_LIFE_S:
        points, why = points + 0.5, [*why, f"median life {_say_life(seen.median_life_s)}"]
    if seen.span_share > 0.5:
        points -= 1.5
    if seen.back_families == 0:
        points -= 1.5
    return points, why


def _as_resource(kind: IdType, seen: Behaviour) -> tuple[float, list[str]]:
    points, why = 0.0, list[str]()
    if seen.span_share > 0.5:
        points, why = points + 1.5, [*why, "its values are met from the first hour to the last"]
    if seen.median_events >= HUB_EVENTS:
        points, why = points + 1.5, [*why, f"{seen.median_events:g} lines per value"]
    if seen.in_paths > 0.5 and seen.back_families == 0:
        points, why = points + 1.5, [*why, "stands in routes only"]
    return points, why


def _say_life(seconds: float) -> str:
    """
    >>> _say_life(42), _say_life(600), _say_life(9000)
    ('42 s', '10 min', '2.5 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
