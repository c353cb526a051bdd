"""How people's journeys end: conversion, where they drop off, by what they have in common, with and without friction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from reconstruct.measures.chosen import (
    PEOPLE,
    PERSON,
    Chosen,
    Document,
    named,
    say_difference,
    say_share,
    unknown,
)
from reconstruct.query.syntax import Node, Not

STAGES = ("awareness", "interest", "consideration", "purchase", "after-sales")
"""In order; a journey that reached one has been through those before."""

ENDED = ("achieved", "ongoing")
"""Outcomes that are no drop-off: they got what they wanted, or the logs end first."""

BY = {"channel": ":", "entry": "=", "device": "=", "source": ":"}
"""What journeys are told apart by → the operator that means a whole value of that field."""

LISTED = 20
"""Values listed of each, most frequent first; a page."""

PERIODS_LEAST, PERIODS_MOST = 5, 40
"""Rows of a table by time: fewer show no course, more are no table."""

PERIODS = tuple(
    timedelta(**each)
    for each in (
        {"days": 1}, {"hours": 1}, {"hours": 6}, {"minutes": 10}, {"minutes": 1}, {"weeks": 1}, {"weeks": 4}, {"weeks": 52},
    )
)  # fmt: skip
"""Lengths of time people count in, the one thought of first first. Where none gives so many rows (some minutes, or centuries), it
is the finest or the longest."""

MONDAY = datetime(1970, 1, 5)
"""Weeks begin then."""

ACHIEVED = "count(*) FILTER (outcome = 'achieved')"


def measure_conversion(chosen: Chosen, zone_s: int) -> Document:
    """``achieved``, ``funnel``, ``by`` and ``friction_cost`` of the summary (docs/json.md).

    Args:
        zone_s: Seconds east of UTC that days begin in.
    """
    rows = _count_ends(chosen)
    n = sum(count for _, _, count in rows)
    achieved = sum(count for _, outcome, count in rows if outcome == "achieved")
    return {
        "achieved": say_share(achieved, n, chosen.query(PERSON, _outcome("achieved"))),
        "funnel": _funnel(chosen, rows),
        "by": {**{name: _by_value(chosen, name) for name in BY}, "period": _by_period(chosen, zone_s)},
        "friction_cost": _friction(chosen, n, achieved),
    }


def measure_funnel(chosen: Chosen) -> list[Document]:
    """``funnel`` of the summary."""
    return _funnel(chosen, _count_ends(chosen))


def _count_ends(chosen: Chosen) -> list[tuple[str | None, str, int]]:
    """(stage reached, outcome, journeys)"""
    rows = chosen.rows("journeys", "seq", "stage_reached, outcome, count(*)", f"AND {PEOPLE} GROUP BY ALL")
    return [(stage, outcome, n) for stage, outcome, n in rows]


def _outcome(*values: str) -> Node:
    return named("outcome", *values)


def _funnel(chosen: Chosen, rows: Iterable[tuple[str | None, str, int]]) -> list[Document]:
    """Per stage how many reached it, and how many of these went no further without having got what they wanted; None at the last."""
    ends: dict[str, dict[str, int]] = {stage: {} for stage in STAGES}
    for stage, outcome, n in rows:
        if stage in ends:
            ends[stage][outcome] = ends[stage].get(outcome, 0) + n
    left = first = sum(sum(each.values()) for each in ends.values())
    found = []
    for stage, outcomes in ends.items():
        if not left:
            break
        dropped = sum(n for outcome, n in outcomes.items() if outcome not in ENDED)
        reached = named("stage", stage, operator=">=")
        lost = say_share(dropped, left, chosen.query(PERSON, named("stage", stage), Not(_outcome(*ENDED))))
        found.append({
            "stage": stage,
            **say_share(left, first, chosen.query(PERSON, reached)),
            "dropped": None if stage == STAGES[-1] else lost,
        })  # fmt: skip
        left -= sum(outcomes.values())
    return found


def _converting(chosen: Chosen, n: int, achieved: int, *nodes: Node) -> Document:
    """Some journeys and how many of them converted."""
    return {
        "journeys": n,
        "query": chosen.query(PERSON, *nodes),
        "achieved": say_share(achieved, n, chosen.query(PERSON, *nodes, _outcome("achieved"))),
    }


def _by_value(chosen: Chosen, name: str) -> list[Document]:
    """Conversion by the values of a field, most frequent first; None where it is not known."""
    rows = chosen.rows(
        "journeys",
        "seq",
        f"min({name}), count(*) AS n, {ACHIEVED}",
        f"AND {PEOPLE} GROUP BY lower({name}) ORDER BY n DESC, lower({name}) LIMIT {LISTED}",
    )
    return [{"value": value, **_converting(chosen, n, achieved, _is(name, value))} for value, n, achieved in rows]


def _is(name: str, value: str | None) -> Node:
    return unknown(name) if value is None else named(name, value, operator=BY[name])


def _by_period(chosen: Chosen, zone_s: int) -> list[Document]:
    """Conversion by when journeys began; periods without any are left out."""
    local = f"(CAST(started_at AS TIMESTAMP) + INTERVAL ({int(zone_s)}) SECOND)"
    ((first, last),) = chosen.rows("journeys", "seq", f"min({local}), max({local})", f"AND {PEOPLE}")
    if first is None:
        return []
    fitting = (each for each in PERIODS if PERIODS_LEAST <= _count(first, last, each) <= PERIODS_MOST)
    length = next(fitting, min(PERIODS) if _count(first, last, min(PERIODS)) < PERIODS_LEAST else max(PERIODS))
    start = f"time_bucket(INTERVAL ({int(length.total_seconds())}) SECOND, {local}, TIMESTAMP '{MONDAY}')"
    rows = chosen.rows("journeys", "seq", f"{start}, count(*), {ACHIEVED}", f"AND {PEOPLE} GROUP BY 1 ORDER BY 1")
    return [
        {"value": _say_moment(begin, length), **_converting(chosen, n, achieved, *_during(begin, length))}
        for begin, n, achieved in rows
    ]


def _count(first: datetime, last: datetime, length: timedelta) -> int:
    return (last - MONDAY) // length - (first - MONDAY) // length + 1


def _during(begin: datetime, length: timedelta) -> list[Node]:
    """Began then: a moment as users write it names all of its day, hour or minute."""
    unit = max(each for each in (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)) if each <= length)
    if unit == length:
        return [named("started", _say_moment(begin, unit))]
    return [named("since", _say_moment(begin, unit)), named("until", _say_moment(begin + length - unit, unit))]


def _say_moment(moment: datetime, unit: timedelta) -> str:
    """As precise as a stretch of time needs."""
    text = moment.isoformat(timespec="minutes")
    return text[:10] if unit >= timedelta(days=1) else text[:13] if unit >= timedelta(hours=1) else text


def _friction(chosen: Chosen, n: int, achieved: int) -> list[Document]:
    """Per sign of friction: conversion of the journeys with it, of those without, and the difference.

    A difference is not what the friction costs: who comes further meets more of it, and who wants more endures more.
    """
    rows = chosen.rows(
        "(SELECT DISTINCT journey, kind FROM signals) JOIN journeys ON seq = journey",
        "journey",
        f"kind, count(*) AS n, {ACHIEVED}",
        f"AND {PEOPLE} GROUP BY kind ORDER BY n DESC, kind",
    )
    found = []
    for kind, n_with, achieved_with in rows:
        sign = named("friction", kind)
        rest = (achieved - achieved_with, n - n_with)
        found.append({
            "kind": kind,
            "with": _converting(chosen, n_with, achieved_with, sign),
            "without": _converting(chosen, rest[1], rest[0], Not(sign)),
            "difference": say_difference(rest, (achieved_with, n_with)),
        })  # fmt: skip
    return found
