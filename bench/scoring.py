"""Compare an export document with what really happened.

Truth rows, one a line of ``truth-lines.jsonl.gz``:

    {"path": "edge/access.log", "line": 12, "session": "p7" | null, "orders": ["ORD-2026-000001"]}
    {"order": "ORD-2026-000001", "session": "p7"}        placed there, or tried there in vain under the same number

Lines without a row are not judged. Measures:

    pair_p, pair_r, pair_f1   pairs of lines put into one journey, against pairs of one true session; a line in no journey stands alone
    exact                     share of true sessions rebuilt line for line
    overlap                   mean over true sessions of the largest share of one that a single journey holds
    coverage                  share of the lines of true sessions that are in a journey
    inflation                 largest journey over largest true session, in judged lines
    line_order_p, _r          (line, order) attachments of the lines that have orders
    order_session_p, _r       (order, session that placed it); a journey stands for the true session most of its lines are of
    ece                       expected calibration error of links to sessions: how far stated confidence is from being right, in
                              ten bins; a link is right when its line is of the session most lines of the journey are of
    unparsed, adds_up         line accounting of the sources
"""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import comb
from pathlib import Path
from typing import Any

Place = tuple[str, int]
"""Path of a source and 1-based line."""
BINS = 10
"""Bins of stated confidence."""
ACCOUNTED = ("events", "continuations", "directives", "blank", "duplicates", "unparsed")


@dataclass(slots=True)
class Truth:
    session_of: dict[Place, str] = field(default_factory=dict)
    orders_of: dict[Place, frozenset[str]] = field(default_factory=dict)
    placed_in: set[tuple[str, str]] = field(default_factory=set)
    """(order, session)"""


@dataclass(slots=True)
class Found:
    """What an export says, by place."""

    journey_of: dict[Place, str] = field(default_factory=dict)
    business: list[tuple[str | None, frozenset[str], frozenset[Place]]] = field(default_factory=list)
    """journey it is in, identifiers of its objects, its lines"""
    links: list[tuple[Place, str, float]] = field(default_factory=list)
    """line, journey it was linked to, confidence"""


def read_truth(path: Path) -> Truth:
    truth = Truth()
    with gzip.open(path, "rt", encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            if "path" not in row:
                truth.placed_in.add((row["order"], row["session"]))
                continue
            place = (row["path"], row["line"])
            if row["session"] is not None:
                truth.session_of[place] = row["session"]
            if row["orders"]:
                truth.orders_of[place] = frozenset(row["orders"])
    return truth


def read_found(document: dict[str, Any]) -> Found:
    paths = {source["id"]: source["path"] for source in document["sources"]}
    found = Found()
    for journey in document["journeys"]:
        for event in _events(journey["customer_journey"]["touchpoints"]):
            found.journey_of.setdefault((paths[event[0]], event[1]), journey["id"])
        found.business += _business(journey["business_journeys"], journey["id"], paths)
        for link in journey["links"]:
            if link["to"] == "session":
                source, line = link["event"]
                found.links.append(((paths[source], line), journey["id"], link["confidence"]))
    found.business += _business(document["unattributed"]["business_journeys"], None, paths)
    return found


def score(document: dict[str, Any], truth: Truth) -> dict[str, float]:
    """Every measure that the truth at hand allows."""
    found = read_found(document)
    return {
        **score_sessions(truth.session_of, found.journey_of),
        **score_orders(truth, found),
        "ece": score_confidence(truth, found),
        **account(document["sources"]),
    }


def score_sessions(true: dict[Place, str], found: dict[Place, str]) -> dict[str, float]:
    alone = ((place, found.get(place, f"\0{place}")) for place in true)
    cells = Counter((true[place], journey) for place, journey in alone)
    sessions, journeys = Counter(true.values()), Counter[str]()
    for (_, journey), n in cells.items():
        journeys[journey] += n
    together = sum(comb(n, 2) for n in cells.values())
    p = _ratio(together, sum(comb(n, 2) for n in journeys.values()))
    r = _ratio(together, sum(comb(n, 2) for n in sessions.values()))
    covered = sum(place in found for place in true)
    largest: dict[str, int] = {}
    for (session, _), n in cells.items():
        largest[session] = max(largest.get(session, 0), n)
    exact = sum(n == sessions[session] == journeys[journey] for (session, journey), n in cells.items())
    return {
        "lines": len(true),
        "sessions": len(sessions),
        "pair_p": p,
        "pair_r": r,
        "pair_f1": _ratio(2 * p * r, p + r),
        "exact": _ratio(exact, len(sessions)),
        "overlap": _ratio(sum(n / sessions[session] for session, n in largest.items()), len(sessions)),
        "coverage": _ratio(covered, len(true)),
        "inflation": _ratio(max(journeys.values(), default=0), max(sessions.values(), default=0)),
    }


def score_orders(truth: Truth, found: Found) -> dict[str, float]:
    known = frozenset().union(*truth.orders_of.values())
    stands_for = _sessions_of_journeys(truth, found)
    attached, placed = set(), set()
    for journey, identifiers, places in found.business:
        order = _order_of(identifiers & known, places, truth)
        if order is None:
            continue
        attached |= {(place, order) for place in places if place in truth.orders_of}
        if journey in stands_for:
            placed.add((order, stands_for[journey]))
    wanted = {(place, order) for place, orders in truth.orders_of.items() for order in orders}
    homes = truth.placed_in
    return {
        "orders": len({order for order, _ in homes}),
        "line_order_p": _ratio(len(attached & wanted), len(attached)),
        "line_order_r": _ratio(len(attached & wanted), len(wanted)),
        "order_session_p": _ratio(len(placed & homes), len(placed)),
        "order_session_r": _ratio(len(placed & homes), len(homes)),
    }


def score_confidence(truth: Truth, found: Found) -> float:
    stands_for = _sessions_of_journeys(truth, found)
    n, right, stated = [0] * BINS, [0] * BINS, [0.0] * BINS
    for place, journey, confidence in found.links:
        if place in truth.session_of:
            number = min(int(confidence * BINS), BINS - 1)
            n[number] += 1
            right[number] += truth.session_of[place] == stands_for.get(journey)
            stated[number] += confidence
    return _ratio(sum(abs(s - r) for s, r in zip(stated, right, strict=True)), sum(n))


def _sessions_of_journeys(truth: Truth, found: Found) -> dict[str | None, str]:
    """The true session each journey stands for: that of most of its lines."""
    votes: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
    for place, journey in found.journey_of.items():
        if place in truth.session_of:
            votes[journey][truth.session_of[place]] += 1
    return {journey: each.most_common(1)[0][0] for journey, each in votes.items()}


def account(sources: list[dict[str, Any]]) -> dict[str, float]:
    return {
        "all_lines": sum(source["lines"] for source in sources),
        "unparsed": sum(source["unparsed"] for source in sources),
        "adds_up": all(source["lines"] == sum(source[kind] for kind in ACCOUNTED) for source in sources),
    }


def _order_of(named: frozenset[str], places: Iterable[Place], truth: Truth) -> str | None:
    """The true order a business journey stands for: by identifier, else by most of its lines."""
    if len(named) == 1:
        return next(iter(named))
    votes = Counter(order for place in places for order in sorted(truth.orders_of.get(place, ())))
    return votes.most_common(1)[0][0] if votes else None


def _business(
    documents: list[dict[str, Any]], journey: str | None, paths: dict[int, str]
) -> Iterator[tuple[str | None, frozenset[str], frozenset[Place]]]:
    for document in documents:
        identifiers = frozenset(str(each["id"]) for each in [document["object"], *document["objects"]])
        yield journey, identifiers, frozenset((paths[s], line) for s, line in _events(document["steps"]))


def _events(parts: list[dict[str, Any]]) -> Iterator[list[int]]:
    for part in parts:
        yield from part["events"]


def _ratio(a: float, b: float) -> float:
    return a / b if b else 0.0
