"""``reconstruct compare``: what changed between two sets of journeys, or two journeys side by side."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import orjson

from reconstruct.cli.comparison import render_pair, render_populations
from reconstruct.cli.inputs import open_results
from reconstruct.cli.output import clean
from reconstruct.comparing.asked import before, begin_before, compare_journeys, compare_sets
from reconstruct.errors import EXIT_OK, UsageError
from reconstruct.query.selection import compose
from reconstruct.results import Reconstruction

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
            _print(arguments, compare_sets(first, second, names), render_populations)
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
            _print(arguments, compare_sets(sides[0], sides[1], (places[0], places[1])), render_populations)
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
        return (
            chosen.select(before(arguments.split)),
            later,
            (f"before {arguments.split}", f"{arguments.split} and later"),
        )
    begin = begin_before(results, arguments.since, arguments.until)
    earlier = chosen.select(before(arguments.since), since=begin)
    later = chosen.select(since=arguments.since, until=arguments.until)
    until = f" through {arguments.until}" if arguments.until else ""  # a day counts to its end
    return earlier, later, ("the same length before", f"since {arguments.since}{until}")


def _compare_two(results: Reconstruction, first: str, second: str) -> dict[str, Any]:
    try:
        return compare_journeys(results, first, second)
    except UsageError as error:  # its hint lists names from logs
        raise UsageError(error.message, hint=clean(error.hint)) from None


def _print(
    arguments: argparse.Namespace, document: dict[str, Any], render_text: Callable[[dict[str, Any]], list[str]]
) -> None:
    if arguments.json:
        sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        print("\n".join(map(clean, render_text(document))))
