"""Pass 1: what each identifier type identifies.

A role is scored from what the values do (how many lines each has, how long it lives, in how many logs it appears, where
it is born); the noun adds at most NAME_POINTS. Reasons are kept in words: they are the plan the user reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from reconstruct.correlate.slices import slice_events
from reconstruct.correlate.types import IdType
from reconstruct.events.nouns import prior_roles
from reconstruct.options import ROLES
from reconstruct.store.listing import sql_list

NAME_POINTS = 2.0
"""What a telling name adds (correlation §7.6: the lexicon adds at most two points)."""

REQUEST_LIFE_S = 60.0
"""A request is over within a minute: 95 % of its identifiers live no longer."""

COUNTED_BITS = 8.0
"""Bits from which what is called a request is one, if no value comes back: frameworks count them (``req-1a``)."""

MOST_LINES = 500
"""Lines of one request: 95 % of requests write fewer, or they are batch runs."""

SESSION_LIFE_S = (10.0, 4 * 3600.0)
"""Median life of a session identifier: longer than a click, shorter than half a day."""

HUB_EVENTS = 100
"""Median lines per value above which a type names a resource that everything touches, not a thing that happens."""

ONE_BROWSER = 0.9
"""Share of a session type's values that must be met with one browser only: people change browsers, sessions do not."""

FEW_REQUESTS = 0.5
"""Share of all requests below which a session that only one page is asked for with is none of the visitor's, but what a payment
provider sends them back with."""

ON_REQUESTS = 0.2
"""Share of mentions on web requests below which a session is no visit to a site: a call, a visit to a till."""

MOSTLY_LISTED = 0.8
"""Share of mentions that stand among others of their kind on one line (the trips a search found, the seats of a train) from
which a type is something to choose from: batch runs list orders too, but each is also worked on by itself."""

MEETS = 1.1
"""Logs a value is met in, on average, from which logs share values and not only a name for them."""

FEW_ASKERS = 2
"""Visitors (address and browser) who ask for a thing that is one customer's: that one, and somebody who serves them."""

OWN_SHARE = 0.9
"""Share of a type's values that must be asked for by so few, where its name and URLs are all there is to tell by."""

FEW_VALUES = 3
"""Values below which it says nothing that they are met from first to last: they may be all that the logs are about."""

LEAST_ALONE = 2
"""Lines beside web requests that name the only value of a type, before its name alone is believed."""

WITHIN = ("request", "trace", "span")
"""Roles of what names a piece of work within a system: no address holds it."""

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
    """logs any of its values appears in, whatever host wrote them"""
    families_per_value: float = 0.0
    """mean number of families a value appears in"""
    back_families: int = 0
    """families without web requests among them"""
    on_requests: float = 0.0
    """share of its mentions that stand on web requests"""
    one_browser: float = 1.0
    """share of its values that come with one user agent only, of those on two and more web requests"""
    one_page: bool = False
    """whether one address of a few requests has all there are on requests; found out for what may be a session"""
    few_askers: float = 0.0
    """share of its values that FEW_ASKERS at most ask for; found out where no log but those of requests has them"""
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


def tabulate_sightings(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``sightings(type, value, log, mentions, t0, t1, on_requests, multi)``: where and when each value is met; a row for each
    slice of the events that it is met in. What several hosts write is one log: it is worked on in no more places for that. Needs
    ``typed``, ``timeline`` and ``family_services``."""
    db.execute(
        """
        CREATE OR REPLACE TEMP TABLE sightings (type INTEGER, value VARCHAR, log INTEGER, mentions BIGINT, t0 BIGINT, t1 BIGINT,
                                                on_requests BIGINT, multi BIGINT)
        """
    )
    for first, last in slice_events(db):
        db.execute(
            f"""
            INSERT INTO sightings
            SELECT type, value, log, count(*), min(t.t), max(t.t), count(*) FILTER (t.request), count(*) FILTER (multi)
            FROM typed y JOIN timeline t USING (eid) JOIN family_services USING (family)
            WHERE y.eid BETWEEN {first} AND {last} AND t.eid BETWEEN {first} AND {last}
            GROUP BY ALL
            """
        )


def observe(db: duckdb.DuckDBPyConnection, types: list[IdType]) -> list[Behaviour]:
    """Behaviour of every type. Needs ``typed``, ``sightings``, ``events`` and ``timeline``; makes
    ``entities(type, value, events, t0, t1, families)``, the last the number of logs a value appears in."""
    whole = "sightings"
    if len(slice_events(db)) > 1:
        whole = "(SELECT type, value, sum(mentions) AS mentions, min(t0) AS t0, max(t1) AS t1 FROM sightings GROUP BY type, value, log)"
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE entities AS
        SELECT type, value, sum(mentions)::BIGINT AS events, min(t0) AS t0, max(t1) AS t1, count(*) AS families
        FROM {whole} GROUP BY type, value
        """
    )
    found = [Behaviour() for _ in types]
    rows = db.execute(
        """
        WITH horizon AS (SELECT greatest(max(t) - min(t), 1) / 1e9 AS span FROM timeline),
             of_values AS (
                SELECT type, count(*) AS values, median(events), quantile_cont(events, .95), median((t1 - t0) / 1e9),
                       quantile_cont((t1 - t0) / 1e9, .95), avg(families), median((t1 - t0) / 1e9) / any_value(span)
                FROM entities, horizon GROUP BY type),
             of_mentions AS (
                SELECT type, sum(mentions)::BIGINT AS mentions, sum(on_requests) / sum(mentions), sum(multi) / sum(mentions),
                       count(DISTINCT log), count(DISTINCT log) FILTER (on_requests < mentions)
                FROM sightings GROUP BY type)
        SELECT * FROM of_values JOIN of_mentions USING (type)
        """
    ).fetchall()
    for number, values, k50, k95, s50, s95, per_value, span_share, mentions, on_requests, multi, families, back in rows:
        found[number] = Behaviour(
            mentions, values, k50, k95, s50, s95, families, per_value, back, on_requests,
            in_paths=_share_in_paths(types[number]), multi=multi, span_share=span_share,
        )  # fmt: skip
    _compare_browsers(db, found)
    _count_askers(db, types, found)
    return found


def _share_in_paths(kind: IdType) -> float:
    in_paths = sum(slot.mentions for slot in kind.slots if slot.name.startswith("path:"))
    return in_paths / max(1, sum(slot.mentions for slot in kind.slots))


def _share_in_urls(kind: IdType) -> float:
    in_urls = sum(slot.mentions for slot in kind.slots if slot.name.startswith(("path:", "query:", "cookie:")))
    return in_urls / max(1, sum(slot.mentions for slot in kind.slots))


def _compare_browsers(db: duckdb.DuckDBPyConnection, found: list[Behaviour]) -> None:
    """Fill in ``one_browser`` and ``one_page`` of the types for which it decides whether they are sessions."""
    wanted = [number for number, seen in enumerate(found) if seen.on_requests >= ON_REQUESTS and _lives_long(seen)]
    rows = db.execute(
        f"""
        SELECT type, avg(one::INT) FROM (
            SELECT type, value, min(hash(user_agent)) = max(hash(user_agent)) AS one FROM typed JOIN events USING (eid)
            WHERE user_agent IS NOT NULL AND type IN {sql_list(wanted)}
            GROUP BY type, value HAVING count(*) >= 2)
        GROUP BY type
        """
    ).fetchall()
    for number, one_browser in rows:
        found[number].one_browser = one_browser
    rows = db.execute(
        f"""
        WITH asked AS (SELECT eid, path FROM events JOIN timeline t USING (eid) WHERE t.request AND path IS NOT NULL)
        SELECT type, count(DISTINCT eid) < {FEW_REQUESTS} * (SELECT count(*) FROM asked) FROM typed JOIN asked USING (eid)
        WHERE type IN {sql_list(wanted)} GROUP BY type HAVING min(path) = max(path)
        """
    ).fetchall()
    for number, few in rows:
        found[number].one_page = few


def _count_askers(db: duckdb.DuckDBPyConnection, types: list[IdType], found: list[Behaviour]) -> None:
    """Fill in ``few_askers`` of the types that are called things and stand in requests only."""
    wanted = [
        number
        for number, seen in enumerate(found)
        if seen.values and not seen.back_families and "object" in prior_roles(types[number].noun)
    ]
    if not wanted:
        return
    rows = db.execute(
        f"""
        SELECT type, avg((n <= {FEW_ASKERS})::INT) FROM (
            SELECT type, value, count(DISTINCT hash(client_ip, user_agent)) AS n FROM typed JOIN events USING (eid)
            WHERE type IN {sql_list(wanted)} AND client_ip IS NOT NULL GROUP BY type, value)
        GROUP BY type
        """
    ).fetchall()
    for number, few in rows:
        found[number].few_askers = few


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
        elif role == "request" and priors == ("sub-object",):
            points = NEVER  # a charge is over as fast as the request that it is made in, and told of again by another
        elif role in ("request", "object") and priors:
            points -= NAME_POINTS  # it is called something else
        elif role in ("session", "object") and priors == ("customer",):
            # Many logs name whom they serve; that makes nobody a thing the business works on, and who comes once is no session.
            points -= NAME_POINTS
        elif role == "session" and priors == ("sub-object",):
            points -= NAME_POINTS  # a payment's name goes along with its customer's requests for a while, too
        verdicts[role] = (points, why)
    for role in priors:
        if role in WITHIN and _share_in_urls(kind) == 1:
            continue  # /payment/transaction/57
        if role not in verdicts and not _is_choice(seen):
            verdicts[role] = (NAME_POINTS + 0.5, [f"called “{kind.noun}”"])
    role = min(verdicts, key=lambda role: (-verdicts[role][0], ROLES.index(role)))
    points, why = verdicts[role]
    if points < LEAST_POINTS:
        role, why = "other", ["no role fits what its values do"]
    elif seen.values < 2 and not (role in priors and (kind.strong or _is_worked_on(role, seen))):
        role, why = "other", ["one value only: nothing to learn from"]
    return Role(number, role, round(points, 1), why, seen)


NEVER = float("-inf")


def _is_worked_on(role: str, seen: Behaviour) -> bool:
    """Whether a single value is a thing all the same: what somebody cut out of the logs of one order names that order alone."""
    return role == "object" and round(seen.mentions * (1 - seen.on_requests)) >= LEAST_ALONE


def gathers_lines(kind: IdType, seen: Behaviour) -> bool:
    """Whether lines with the same value were written for one thing in one go: a request, a task, a charge.

    A parameter of a URL names something else than the request.
    """
    return (
        (kind.strong or ("request" in prior_roles(kind.noun) and kind.bits >= COUNTED_BITS))
        and not _is_choice(seen)
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


def _lives_long(seen: Behaviour) -> bool:
    """Whether its values are carried along, each for longer than a request takes."""
    return seen.in_paths <= 0.5 and (seen.life_p95_s > REQUEST_LIFE_S or seen.median_events >= 3)


def _as_session(kind: IdType, seen: Behaviour) -> tuple[float, list[str]]:
    low, high = SESSION_LIFE_S
    if not _lives_long(seen):
        return NEVER, []
    if seen.on_requests < ON_REQUESTS:
        return _as_talk(kind, seen)
    if seen.one_browser < ONE_BROWSER or seen.life_p95_s < low or seen.one_page:
        return NEVER, []
    if not kind.strong and seen.life_p95_s > high:
        return NEVER, []  # few values that come and go for days: a choice in a form, a setting
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


def _as_talk(kind: IdType, seen: Behaviour) -> tuple[float, list[str]]:
    """A session that no web log tells of: a call, a chat, a visit to a till. Only what is called so: tasks behave alike."""
    low, high = SESSION_LIFE_S
    if "session" not in prior_roles(kind.noun) or seen.median_events < 3 or seen.life_p95_s > high:
        return NEVER, []
    if not low <= seen.median_life_s <= high:
        return NEVER, []
    return 2.0, [f"median life {_say_life(seen.median_life_s)}", f"{seen.median_events:g} lines per value"]


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
    if seen.median_events >= HUB_EVENTS or _is_choice(seen):
        return NEVER, []
    points, why = 0.0, list[str]()
    # What several logs have under a name that says nothing need not be the same thing, where none of them knows it from another.
    is_nameless_tag = (
        not prior_roles(kind.noun) and seen.families_per_value < MEETS and seen.life_p95_s <= REQUEST_LIFE_S
    )
    if seen.families_per_value >= 2:
        points, why = points + 2, [*why, f"each value in {seen.families_per_value:.1f} logs"]
    elif seen.families >= 2 and not is_nameless_tag:
        points, why = points + 1, [*why, f"in {seen.families} logs"]
    if seen.back_families >= 2 and not is_nameless_tag:
        points, why = points + 1, [*why, f"worked on in {seen.back_families} back-office logs"]
    if seen.median_life_s > REQUEST_LIFE_S:
        points, why = points + 0.5, [*why, f"median life {_say_life(seen.median_life_s)}"]
    if _is_met_throughout(seen):
        points -= 1.5
    if seen.few_askers >= OWN_SHARE:
        points, why = points + 0.5, [*why, "nearly each value is asked for by one visitor"]
    elif seen.back_families == 0 and (not kind.strong or _share_in_urls(kind) > 0):
        points -= 1.5  # only ever asked for; a service that names a UUID beside the request has made or used the thing
    return points, why


def _as_resource(kind: IdType, seen: Behaviour) -> tuple[float, list[str]]:
    points, why = 0.0, list[str]()
    if _is_met_throughout(seen):
        points, why = points + 1.5, [*why, "its values are met from the first hour to the last"]
    if seen.median_events >= HUB_EVENTS:
        points, why = points + 1.5, [*why, f"{seen.median_events:g} lines per value"]
    if seen.in_paths > 0.5 and seen.back_families == 0:
        points, why = points + 1.5, [*why, "stands in routes only"]
    if _is_choice(seen):
        points, why = points + 2, [*why, f"{seen.multi:.0%} of its mentions are among others of its kind"]
    return points, why


def _is_met_throughout(seen: Behaviour) -> bool:
    return seen.span_share > 0.5 and seen.values >= FEW_VALUES and seen.few_askers < OWN_SHARE


def _is_choice(seen: Behaviour) -> bool:
    """Whether its values are offered together, to choose from, rather than each worked on by itself."""
    return seen.multi >= MOSTLY_LISTED


def _say_life(seconds: float) -> str:
    """
    >>> _say_life(42), _say_life(600), _say_life(9000)
    ('42 s', '10 min', '2.5 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
