"""Where the user was: kept in a small file beside the stores, one per set of logs, so that the next start goes on there."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from reconstruct.resources import cache_directory

STATES_KEPT = 200
"""Files kept; the ones written longest ago go first."""


@dataclass(slots=True)
class State:
    """What is restored. Everything has a default: a file from another version, or a damaged one, is no error."""

    view: str = "journeys"
    journey: str = ""
    """the open one"""
    whole_customer: bool = False
    cursor: str = ""
    """of the timeline: kind, business, place"""
    mode: str = "compressed"
    level: str = "user"
    by_stage: bool = False
    zoom: float = 1.0
    filter: str = ""
    order_by: str = "started_at"
    descending: bool = False
    row: int = 0
    """of the journey list"""
    row_id: str = ""
    arranged: str = "journeys"
    """what the list is arranged by"""
    counted: str = "counts"
    """page of view 3"""
    subject: str = "customer"
    """whose ways"""
    compared: str = "pair"
    """page of view 7"""
    first: str = ""
    """journeys that are compared"""
    second: str = ""
    first_query: str = ""
    """queries whose journeys are compared"""
    second_query: str = ""
    compares_queries: bool = False
    """both may be empty: all journeys"""


def state_path(paths: Iterable[Path | str]) -> Path:
    """The file for these logs."""
    names = sorted(str(Path(path).absolute()) for path in paths)
    key = hashlib.blake2b("\0".join(names).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    return cache_directory() / "views" / f"{key}.json"


def load_state(path: Path) -> State:
    """What was kept; defaults for what is missing or odd."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return State()
    return read_state(found if isinstance(found, dict) else {})


def read_state(found: Mapping[str, object]) -> State:
    """A state from a JSON object; values of another type than expected are left out.

    >>> read_state({"zoom": 2, "view": 7, "other": 1}).zoom, read_state({"view": 7}).view
    (2.0, 'journeys')
    """
    state = State()
    for each in fields(State):
        value, default = found.get(each.name), getattr(state, each.name)
        if isinstance(default, float) and isinstance(value, int | float) and not isinstance(value, bool):
            value = float(value)
        if type(value) is type(default):
            setattr(state, each.name, value)
    return state


def save_state(path: Path, state: State) -> None:
    """Keep it, for this user's eyes only; a disk that is full or read-only is no reason to fail."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            json.dump(asdict(state), out, ensure_ascii=False, indent=1)
        unfinished.replace(path)
        _prune(path.parent)
    except OSError:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _prune(directory: Path) -> None:
    kept = sorted(directory.glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in kept[STATES_KEPT:]:
        path.unlink(missing_ok=True)
