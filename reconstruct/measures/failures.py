"""What failed, since when, whom it hit, and whether it came all at once: requests of people, steps of the business, error lines.

Kinds of failures are told apart by what a person would search for: the request and its answer, the step and its service, the text of
the line without its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconstruct.intervals import quantile_z
from reconstruct.measures.chosen import PERSON, Chosen, Document, named, unknown, within
from reconstruct.measures.slices import LINES, REQUESTS, STEPS, Slices, count_slices, cut_time, say_at
from reconstruct.measures.surges import Stretch, describe_surge, find_surge, say_surge
from reconstruct.query.syntax import Node
from reconstruct.store.listing import sql_list

LISTED = 20
"""Kinds listed of requests, of steps and of lines each, most frequent first; a page."""

NAMED = 300
"""Journeys that a query names one by one; more would be longer than queries may be."""

TECHNICAL = "(status >= 500 OR status IN (408, 499))"
"""Answers that the systems are to blame for: the server's errors, and visitors who were not answered in time."""


@dataclass(slots=True)
class _Kind:
    """One kind of failure."""

    said: Document
    found_by: Document
    """the ``query`` of the journeys it hit; of lines the first as ``example``, and ``in`` the numbers of those journeys"""
    times: int = 0
    journeys: int = 0
    first: datetime | None = None
    last: datetime | None = None
    slices: list[int] = field(default_factory=list)
    hits: list[int] = field(default_factory=list)
    """the same, each journey counted once: one visitor who tries again and again is no incident"""
    is_technical: bool = False


def measure_failures(chosen: Chosen, zone_s: int = 0) -> Document:
    """``failures`` of the summary (docs/json.md).

    Args:
        zone_s: Seconds east of UTC that days begin in.
    """
    slices = cut_time(chosen, zone_s)
    over_time = count_slices(chosen, slices)
    kinds = [*_requests(chosen, slices), *_steps(chosen, slices), *_lines(chosen, slices)]
    going_on = [row["requests"] + row["steps"] for row in over_time]
    z = quantile_z(comparisons=max(1, len(kinds) * slices.n))
    rows: list[Document] = []
    surges: dict[Stretch, list[list[int]]] = {}
    for kind in kinds:
        surge = find_surge(kind.hits, going_on, z)
        if surge is not None:
            surges.setdefault(surge, []).append(kind.slices)
        rows.append({
            **kind.said, "technical": kind.is_technical, "times": kind.times, "journeys": kind.journeys,
            "first_at": kind.first and say_at(kind.first), "last_at": kind.last and say_at(kind.last), "slices": kind.slices,
            "surge": None if surge is None else say_surge(kind.slices, going_on, surge, slices), **kind.found_by,
        })  # fmt: skip
    rows.sort(key=lambda row: (row["surge"] is None, not row["technical"], -row["times"]))
    journeys, failed = _hurt(chosen)
    return {
        "requests": sum(row["requests"] for row in over_time), "failed": failed, "journeys": journeys,
        "query": chosen.query(PERSON, within("touchpoint", [named("ok", "no")])),
        "slice_s": slices.length_s, "over_time": over_time, "kinds": rows,
        "surges": [describe_surge(chosen, surges[each], each, slices) for each in sorted(surges, key=lambda one: (-len(surges[one]), one))],
    }  # fmt: skip


def _hurt(chosen: Chosen) -> tuple[int, int]:
    """Journeys of people in which a request failed, and such requests."""
    ((journeys, failed),) = chosen.rows(REQUESTS, "seq", "count(DISTINCT seq), count(*)", "AND NOT ok")
    return journeys, failed


# --- kinds


def _requests(chosen: Chosen, slices: Slices) -> list[_Kind]:
    names = ("what", "method", "route", "status")

    def make(what: str, method: str | None, route: str | None, status: int | None) -> _Kind:
        met = [
            _is("does", what), _is("method", method), _is("route", route, "="), _is("status", status), named("ok", "no"),
        ]  # fmt: skip
        said = {"kind": "request", **dict(zip(names, (what, method, route, status), strict=True))}
        return _Kind(said, {"query": chosen.query(PERSON, within("touchpoint", met))})

    table = f"(SELECT *, name_activity(activity) AS what FROM {chosen.of(REQUESTS, 'seq')} WHERE NOT ok)"
    return _group(chosen, slices, table, names, make, TECHNICAL)


def _steps(chosen: Chosen, slices: Slices) -> list[_Kind]:
    names = ("what", "service", "exception")

    def make(what: str, service: str | None, exception: str | None) -> _Kind:
        met = [_is("does", what), _is("service", service), _is("exception", exception), named("status", "failed")]
        return _Kind(
            {"kind": "step", **dict(zip(names, (what, service, exception), strict=True))},
            {"query": chosen.query(within("step", met))},
        )

    table = f"(SELECT *, name_activity(activity) AS what FROM {chosen.of(STEPS, 'seq')} WHERE status = 'failed')"
    return _group(chosen, slices, table, names, make, "exception = 'technical'")


def _lines(chosen: Chosen, slices: Slices) -> list[_Kind]:
    """No query selects lines: the first of them is named, and the journeys they are in are, one by one."""

    def make(what: str, service: str | None, level: str) -> _Kind:
        return _Kind({"kind": "line", "what": what, "service": service, "level": level}, {})

    kinds = _group(chosen, slices, chosen.of(LINES, "seq"), ("what", "service", "level"), make, "true", has_place=True)
    hit = sorted({seq for kind in kinds for seq in kind.found_by["in"]})
    ids = dict(chosen.ask(f"SELECT seq, id FROM listed WHERE seq IN {sql_list(hit)}"))
    for kind in kinds:
        names = sorted(ids[seq] for seq in kind.found_by.pop("in") if seq in ids)
        query = chosen.query(named("id", *names, operator="=")) if names else None
        kind.found_by |= {"query": query} if query else {}
    return kinds


def _is(name: str, value: object, operator: str = ":") -> Node:
    return unknown(name) if value is None else named(name, str(value), operator=operator)


def _group(
    chosen: Chosen,
    slices: Slices,
    table: str,
    names: Sequence[str],
    make: Callable[..., _Kind],
    technical: str,
    *,
    has_place: bool = False,
) -> list[_Kind]:
    """The kinds of failures that a table holds, most frequent first; as queries do, capitals are not minded."""
    keys = ", ".join(f"lower(CAST({name} AS VARCHAR)) AS k{number}" for number, name in enumerate(names))
    numbers = ", ".join(f"k{number}" for number in range(len(names)))
    shown = ", ".join(f"min({name}) AS s{number}" for number, name in enumerate(names))
    place = (
        f"""arg_min(source, ("at", source, line)), arg_min(line, ("at", source, line)),
            CASE WHEN count(DISTINCT seq) BETWEEN 1 AND {NAMED} THEN list(DISTINCT seq) FILTER (seq IS NOT NULL) END"""
        if has_place
        else "NULL, NULL, NULL"
    )
    counted = f"""
        SELECT {numbers}, slice, GROUPING(slice) AS is_whole, {shown}, count(*) AS n, count(DISTINCT seq) AS journeys,
               count(DISTINCT seq) + count(*) FILTER (seq IS NULL) AS hits,
               min("at") AS first, max("at") AS last, bool_or({technical}) AS technical, {place}
        FROM (SELECT *, {keys}, {slices.sql()} AS slice FROM {table})
        GROUP BY GROUPING SETS (({numbers}), ({numbers}, slice))"""
    rows = chosen.ask(
        f"""
        SELECT * EXCLUDE (most) FROM (SELECT *, max(n) OVER (PARTITION BY {numbers}) AS most FROM ({counted}))
        QUALIFY dense_rank() OVER (ORDER BY most DESC, {numbers}) <= {LISTED}
        ORDER BY most DESC, {numbers}, is_whole DESC, slice
        """
    )
    kinds: list[_Kind] = []
    width = len(names)
    for row in rows:
        number, is_whole = row[width], row[width + 1]
        values, (n, journeys, hits, first, last, is_technical, *where, inside) = (
            row[width + 2 : 2 * width + 2],
            row[2 * width + 2 :],
        )
        if is_whole:
            kind = make(*values)
            kind.times, kind.journeys, kind.first, kind.last, kind.is_technical = (
                n,
                journeys,
                first,
                last,
                bool(is_technical),
            )
            kind.slices, kind.hits = [0] * slices.n, [0] * slices.n
            if has_place:
                kind.found_by = {"example": where, "in": inside or []}
            kinds.append(kind)
        elif number is not None:
            kinds[-1].slices[number], kinds[-1].hits[number] = n, hits
    return kinds
