"""``reconstruct compare``: what changed between two sets of journeys, or two journeys side by side."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson

from reconstruct.cli.comparison import render_pair, render_populations
from reconstruct.cli.inputs import open_results
from reconstruct.cli.output import clean
from reconstruct.comparing.pair import compare_pair
from reconstruct.comparing.populations import compare
from reconstruct.errors import EXIT_OK, UsageError
from reconstruct.query.selection import bound, compose
from reconstruct.query.syntax import Not, render
from reconstruct.results import EPOCH, Reconstruction

HINT = "compare DIR DIR; compare DIR --where QUERY --against QUERY; compare DIR --split MOMENT; compare DIR ID ID"


def run(arguments: argparse.Namespace) -> int:
    """Compare. Raises UsageError when it is not clear what with what."""
    places = arguments.paths
    _check(arguments, places)
    if len(places) == 3:
        results = _open(arguments, places[0])
        try:
            _print(arguments, _compare_two(results, places[1], places[2]), render_pair)
        finally:
            results.close()
    elif len(places) == 2:
        _compare_places(arguments, places)
    else:
        results = _open(arguments, places[0] if places else ".")
        try:
            first, second, names = _sides(arguments, results)
            _print(arguments, _compare_sets(first, second, names), render_populations)
        finally:
            results.close()
    return EXIT_OK


def _check(arguments: argparse.Namespace, places: list[str]) -> None:
    inside = [name for name in ("against", "split", "since", "until") if getattr(arguments, name) is not None]
    if len(places) > 3:
        raise UsageError(f"two are compared, not {len(places) - 1}", hint=HINT)
    if len(places) > 1 and arguments.against is not None:
        raise UsageError("--against compares within one place", hint=HINT)
    if len(places) == 3 and (inside or arguments.where):
        raise UsageError("two journeys are compared whole", hint="leave --where and the moments out")
    if len(places) == 2 and arguments.split is not None:
        raise UsageError("--split compares within one place", hint=HINT)
    if len(places) == 2 and arguments.store is not None:
        raise UsageError("--store keeps the results of one place", hint="leave it out: results are kept by themselves")
    if len(places) < 2 and not inside:
        raise UsageError("nothing to compare with", hint=HINT)
    if arguments.against is not None and len(inside) > 1:
        raise UsageError("--against and moments are two comparisons", hint="put since:MOMENT into the queries")
    if arguments.split is not None and len(inside) > 1:
        raise UsageError("--split takes all there is", hint="put since:MOMENT into --where")
    if len(places) < 2 and inside == ["until"]:
        raise UsageError("--until alone has no length", hint="say --since too; the same length before it is compared")
    compose(arguments.against or "", arguments.split, None)


def _open(arguments: argparse.Namespace, place: str) -> Reconstruction:
    return open_results(argparse.Namespace(**{**vars(arguments), "paths": [place]}))


def _compare_places(arguments: argparse.Namespace, places: list[str]) -> None:
    first = _open(arguments, places[0])
    try:
        second = _open(arguments, places[1])
        try:
            sides = [
                each.select(arguments.where, since=arguments.since, until=arguments.until) for each in (first, second)
            ]
            _print(arguments, _compare_sets(sides[0], sides[1], (places[0], places[1])), render_populations)
        finally:
            second.close()
    finally:
        first.close()


def _sides(
    arguments: argparse.Namespace, results: Reconstruction
) -> tuple[Reconstruction, Reconstruction, tuple[str, str]]:
    """Both sets within one place, and what they are called."""
    where = arguments.where
    if arguments.against is not None:
        return results.select(where), results.select(arguments.against), (where or "all", arguments.against or "all")
    chosen = results.select(where)
    if arguments.split is not None:
        later = chosen.select(since=arguments.split)
        return chosen.select(_before(arguments.split)), later, (f"before {arguments.split}", f"since {arguments.split}")
    start, end = results.period(arguments.since, arguments.until or "now")
    length = timedelta(microseconds=max(0, end - start) // 1000)
    begin = f"{(EPOCH + timedelta(microseconds=start // 1000) - length).isoformat(timespec='microseconds')}Z"
    earlier = chosen.select(_before(arguments.since), since=begin)
    later = chosen.select(since=arguments.since, until=arguments.until)
    until = f" until {arguments.until}" if arguments.until else ""
    return earlier, later, ("the same length before", f"since {arguments.since}{until}")


def _before(moment: str) -> str:
    """The query of what ``--since`` leaves out."""
    node = bound("since", moment)
    return render(None if node is None else Not(node))


def _compare_sets(first: Reconstruction, second: Reconstruction, names: tuple[str, str]) -> dict[str, Any]:
    for side, name in ((first, names[0]), (second, names[1])):
        if not side.count_journeys():
            raise UsageError(f"no journeys to compare: {name}", hint="reconstruct summary says what there is, and when")
    return compare(first, second, names)


def _compare_two(results: Reconstruction, first: str, second: str) -> dict[str, Any]:
    """Two journeys by their ids, or by those of business objects."""
    found = [find_journey(results, said) for said in (first, second)]
    documents = [results.journey(id) for id, _ in found]
    return compare_pair(documents[0], documents[1], (found[0][1], found[1][1]))


def find_journey(results: Reconstruction, said: str) -> tuple[str, str]:
    """The id of the journey a user means, and that of the business journey where one was named ("").

    An id of a journey, the beginning of one, an id of a business journey (``order:1001``) or of its object (``1001``). Raises
    UsageError when there is none, or several.
    """
    rows = results.store.rows
    found = [(id, "") for (id,) in rows("SELECT id FROM listed WHERE id = ?", [said])]
    found = found or rows(
        "SELECT l.id, b.id FROM business b JOIN listed l ON l.seq = b.listed WHERE lower(b.id) = lower(?) ORDER BY ALL",
        [said],
    )
    # A try in vain has the id of its object too; meant is the journey that brought it about.
    found = found or rows(
        "SELECT l.id, b.id FROM business b JOIN listed l ON l.seq = b.listed WHERE lower(b.object) = lower(?) "
        "AND b.id = b.type || ':' || b.object ORDER BY ALL",
        [said],
    )
    found = found or [
        (id, "") for (id,) in rows("SELECT id FROM listed WHERE starts_with(id, ?) ORDER BY 1 LIMIT 5", [said])
    ]
    if not found:
        raise UsageError(
            f"no journey or order is called {said}", hint="ids are those of export and of the journey list"
        )
    if len(found) > 1:
        names = ", ".join(business or id for id, business in found)
        raise UsageError(f"several are called {said}", hint=clean(f"one of {names}"))
    return found[0]


def _print(
    arguments: argparse.Namespace, document: dict[str, Any], render_text: Callable[[dict[str, Any]], list[str]]
) -> None:
    if arguments.json:
        sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        print("\n".join(map(clean, render_text(document))))
