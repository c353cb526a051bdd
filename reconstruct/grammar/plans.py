"""Match plans: compiled formats, and their cache.

A plan is plain data, kept as JSON in the user's cache directory under the hash of what it was made from: grammar text,
``common.lark``, Lark's version, ``CACHE_VERSION``. A warm start reads one file and does not import Lark. The cache may be
unwritable, deleted or damaged at any time; then plans are compiled again.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from reconstruct.errors import GrammarError
from reconstruct.grammar.characters import Ranges
from reconstruct.grammar.definition import Definition, load_definitions
from reconstruct.grammar.kept import read_kept, write_kept
from reconstruct.resources import grammars_directory

CACHE_VERSION = 7
"""Raised with every change of the compiler or of ``MatchPlan``: older plans are then compiled again."""

CACHE_NAME = "plans.json"

MAX_CACHED = 1000
"""Plans kept, those of grammars that were changed included; then the cache starts anew."""


@dataclass(frozen=True, slots=True)
class Scan:
    """How the groups of one pattern fill fields."""

    pattern: str
    """a regular expression; every group is named and filled or skipped, in this order"""
    slots: tuple[Slot, ...]
    """one per group"""


@dataclass(frozen=True, slots=True)
class Slot:
    """What one group is: the text of a field, or repeated text to be scanned on."""

    field: str
    """field name; ``key`` and ``value`` make pairs; of a scan, the name of its group"""
    scan: Scan | None = None
    """matches one round of a repetition; the group's text is all its rounds"""
    ahead: bool = False
    """the group's text goes on to the end of the line, for rounds that look ahead; the rounds end where one fails"""


@dataclass(frozen=True, slots=True)
class MatchPlan:
    """One format, compiled."""

    id: str
    kind: str
    title: str
    docs: str
    wins_over: tuple[str, ...]
    below: str
    """the format whose entries go on in these lines; empty: the lines are entries themselves"""
    zone: str
    """of stamps that name none; empty: not known"""
    engine: str
    """``regex``, or ``lark`` for a grammar with recursion"""
    scan: Scan
    """of one line, without anchors; empty for ``lark``"""
    fields: tuple[str, ...]
    """every field it may fill, in order of appearance; pairs not included"""
    lists: tuple[str, ...]
    """fields that may occur more than once in a line"""
    decoders: dict[str, str]
    """field -> name of its type in ``common.lark``, where the grammar says it"""
    certain: tuple[str, ...]
    """fields of which at least one is there on every matching line, and not empty"""
    specificity: float
    """bits a matching line says at least; see ``rules.specificity``"""
    begins: Ranges
    """the characters a matching line may begin with: a format is not tried on lines with others"""
    holds: tuple[str, ...]
    """texts that every matching line holds: a format is not tried on lines without them; see ``rules.held_texts``"""
    ways: int
    """ambiguous ways through the grammar: the constant of its linear time"""
    order: tuple[str, ...]
    """terminals in the order in which they are tried where several are possible; literals by their pattern"""
    text: str
    """the grammar, for the Lark engine"""
    path: str
    """the file, for messages"""


def load_plans(directories: Iterable[Path] = ()) -> dict[str, MatchPlan]:
    """Every format's plan by id, sorted; compiled when the cache does not have it.

    A user's grammar that is wrong is left out, so that one bad file does not stop everything; see ``refused_formats``.

    Raises:
        GrammarError: a built-in grammar is wrong.
    """
    return compile_plans(load_definitions(directories))


def plans_of(definitions: Iterable[Definition]) -> tuple[MatchPlan, ...]:
    """The plans of definitions that come from elsewhere, in order; nothing is read when there are none."""
    named = {definition.id: definition for definition in definitions}
    return tuple(compile_plans(named).values()) if named else ()


def compile_plans(definitions: Mapping[str, Definition]) -> dict[str, MatchPlan]:
    """The plan of each definition, by id; compiled when the cache does not have it.

    One that is wrong is left out, unless it is built in; see ``refused_formats``.

    Raises:
        GrammarError: a built-in grammar is wrong.
    """
    common = (grammars_directory() / "common.lark").read_text(encoding="utf-8")
    keys = {name: hash_definition(definition, common) for name, definition in definitions.items()}
    cached = read_kept(CACHE_NAME)
    plans: dict[str, MatchPlan] = {}
    compiled: dict[str, Any] = {}
    for name, definition in definitions.items():
        plan = _plan_from_json(cached.get(keys[name]))
        if plan is None:
            from reconstruct.grammar.compiler import compile_definition  # imports lark: 80 ms a warm start saves

            try:
                plan = compile_definition(definition)
            except GrammarError as error:
                if definition.path.is_relative_to(grammars_directory()):
                    raise
                _refused[str(definition.path)] = error
                continue
            compiled[keys[name]] = plan_to_json(plan)
        plans[name] = replace(plan, path=str(definition.path))
    if compiled:
        kept = cached if len(cached) < MAX_CACHED else {}
        write_kept(CACHE_NAME, kept | compiled)
    return plans


_refused: dict[str, GrammarError] = {}


def refused_formats() -> list[GrammarError]:
    """What is wrong with the user's grammars that ``load_plans`` left out, by path."""
    return [error for _, error in sorted(_refused.items())]


def hash_definition(definition: Definition, common: str) -> str:
    """The content key of a plan: 64 hexadecimal digits."""
    parts = (definition.id, definition.text, common, _lark_version(), str(CACHE_VERSION))
    return hashlib.sha256(b"\0".join(part.encode() for part in parts)).hexdigest()


@lru_cache(maxsize=1)
def _lark_version() -> str:
    return importlib.metadata.version("lark")


def plan_to_json(plan: MatchPlan) -> dict[str, Any]:
    """The plan as plain JSON values."""
    return asdict(plan)


def _plan_from_json(entry: Any) -> MatchPlan | None:
    """The plan of a cache entry; None when it is damaged."""
    try:
        return MatchPlan(
            **{
                **entry,
                "wins_over": tuple(entry["wins_over"]),
                "scan": _scan_from_json(entry["scan"]),
                "fields": tuple(entry["fields"]),
                "lists": tuple(entry["lists"]),
                "certain": tuple(entry["certain"]),
                "begins": tuple((low, high) for low, high in entry["begins"]),
                "holds": tuple(entry["holds"]),
                "order": tuple(entry["order"]),
            }
        )
    except (TypeError, KeyError, ValueError):
        return None


def _scan_from_json(entry: Any) -> Scan:
    return Scan(
        entry["pattern"],
        tuple(
            Slot(slot["field"], _scan_from_json(slot["scan"]) if slot["scan"] else None, slot["ahead"])
            for slot in entry["slots"]
        ),
    )
