"""The guards of the correlator, and how to switch each off from outside.

A guard is switched off by replacing the constants or functions it stands on for the time of one run in this process; one whose name
has gone from the package is an error, so that the table never shows a guard that was not off.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Replacement = tuple[str, str, Any]
"""Module of ``reconstruct.correlate``, name, and what to put in its place: a value, or a function that is given the original."""


def nothing(*_: Any, **__: Any) -> None:
    return None


def no_lines(*_: Any, **__: Any) -> dict[str, float]:
    return {}


def always_half_an_hour(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda gaps: (1800.0, "ablation")


def blindfolded(original: Callable[..., Any]) -> Callable[..., Any]:
    from reconstruct.correlate.visits import build_visits

    return lambda requests, habits, pool: build_visits(requests, habits, use_sessions=False)


def lists_as_single(original: Callable[..., Any]) -> Callable[..., Any]:
    def type_mentions(db: Any, types: Any) -> None:
        original(db, types)
        db.execute("UPDATE typed SET multi = false")

    return type_mentions


def never_rare(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda measured: False


def priors_only(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda requests, habits, customer: original(requests.select(slice(0, 0)), habits, customer[:0])


def keep_hubs(*_: Any, **__: Any) -> dict[int, list[str]]:
    return {}


GUARDS: dict[str, tuple[Replacement, ...]] = {
    "rule between lines, beside a line": (("neighbours", "place_by_neighbours", lambda _: no_lines),),
    "rule same thing": (("neighbours", "place_by_things", lambda _: no_lines),),
    "rule in flight": (("brackets", "place_by_bracket", lambda _: nothing),),
    "rule delay": (("delays", "link_by_delay", lambda _: nothing),),
    "rule roaming": (("visits", "_roaming", lambda _: nothing),),
    "an entry starts a visit": (("sessions", "are_rare", never_rare),),
    "session identifiers": (("sessions", "build_in_shards", blindfolded),),
    "fitted cut": (("sessions", "fit_cut", always_half_an_hour),),
    "any cut (a week)": (("sessions", "fit_cut", lambda _: lambda gaps: (7 * 86_400.0, "ablation")),),
    "hubs set aside": (("plan", "set_hubs_aside", lambda _: keep_hubs),),
    "habits of templates in flight": (("brackets", "RATIO", 0.0), ("brackets", "HABIT", 0.0)),
    "lists join nothing": (("plan", "type_mentions", lists_as_single),),
    "a part belongs to one object": (("objects", "MAJORITY", 0.0),),
    "tries told apart": (("objects", "split_tries", lambda _: nothing),),
    "calibration": (("sessions", "calibrate_visits", priors_only),),
    "inferred zones": (("clocks", "MINIMUM_PAIRS", 10**9),),
}


@contextmanager
def switched_off(guard: str) -> Iterator[None]:
    """Run without one guard. Raises AttributeError when the package has no such name any more."""
    put_back = []
    try:
        for module_name, name, replacement in GUARDS[guard]:
            module = importlib.import_module(f"reconstruct.correlate.{module_name}")
            original = getattr(module, name)
            put_back.append((module, name, original))
            setattr(module, name, replacement(original) if callable(replacement) else replacement)
        yield
    finally:
        for module, name, original in reversed(put_back):
            setattr(module, name, original)
