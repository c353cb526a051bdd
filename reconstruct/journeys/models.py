"""Journey models and vocabularies: the TOML files that name kinds of touchpoints, goals, steps and friction.

Nothing here knows a site. ``load_models`` reads what ships and what the user added; ``fit.fit_models`` settles what only
the data can tell.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from reconstruct.errors import ModelError
from reconstruct.options import OwnModels
from reconstruct.resources import models_directory, user_config_directory, vocabulary_directory

GENERIC = "generic"
"""The model used when no other one's words cover enough of the data."""

STAGES = ("awareness", "interest", "consideration", "purchase", "after-sales")
"""The stages of the export contract, in order."""


@dataclass(frozen=True, slots=True)
class Goal:
    """Something a visitor may want, and how it shows."""

    name: str
    objects: frozenset[str]
    """classes of business objects (``[object.*]``) whose birth reaches it"""
    commits: frozenset[str]
    """kinds of touchpoints that show the visitor has begun to pursue it"""
    attempts: frozenset[str]
    """kinds that try for it"""
    reached: frozenset[str]
    """kinds that prove it"""
    confirms: frozenset[str]
    """kinds that prove it once it was begun"""
    pays_elsewhere: bool
    """an attempt may lead to a payment provider: a redirect whose page is not in the logs proves nothing"""
    proves: frozenset[str] = field(init=False, repr=False, compare=False)
    """kinds that prove it once it was begun, or at any time"""
    concerned: frozenset[str] = field(init=False, repr=False, compare=False)
    """kinds that say anything of it"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "proves", self.reached | self.confirms)
        object.__setattr__(self, "concerned", self.proves | self.commits | self.attempts)


@dataclass(frozen=True, slots=True)
class JourneyModel:
    """One file of ``models/``."""

    id: str
    title: str
    evidence: frozenset[str]
    goals: tuple[Goal, ...]
    stages: Mapping[str, str]
    """kind → stage, where the model sees it otherwise than the vocabulary"""
    activities: Mapping[str, str]
    """kind → activity, likewise"""
    rules: tuple[Mapping[str, Any], ...]
    """touchpoint rules of its own, tried before the vocabulary's"""
    steps: tuple[Mapping[str, Any], ...]
    """steps of the business by words of its messages, tried before the vocabulary's verbs"""
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """groups of words of its own, for its rules"""


@dataclass(frozen=True, slots=True)
class Models:
    """Everything the builders need to know. Immutable and picklable; caches live with their users."""

    vocabulary: Mapping[str, Any]
    """``vocabulary/activities.toml``, checked"""
    friction: Mapping[str, Any]
    """``vocabulary/friction.toml``, checked"""
    models: Mapping[str, JourneyModel]
    chosen: str = GENERIC
    use: str | None = None
    """the model the user wants; None: the one that covers the data best"""
    coverage: Mapping[str, float] = field(default_factory=dict)
    """model id → share of page requests its evidence covers; empty before ``fit_models``"""
    forms: frozenset[str] = frozenset()
    """routes whose POST is answered by a redirect when it succeeds and by the page itself when it does not"""
    redirects_after_post: bool | None = None
    """some page's POST is answered by a redirect, as forms of server-rendered sites are; None: not known"""
    self_posting: frozenset[str] = frozenset()
    """routes whose POST is always answered by a page: seeing the page again says nothing"""
    birthplaces: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """(method, route) of requests that bring business objects into being whenever they succeed → their ``[object.*]`` tables"""
    bearing: frozenset[tuple[str, str]] = frozenset()
    """(method, route) of those that do so nearly always: one that was accepted and brought nothing has come to nothing"""
    minor_keys: Mapping[str, bool] = field(default_factory=dict)
    """attribute → its whole-number amounts are cents; keys nothing is known of are left out"""

    @property
    def model(self) -> JourneyModel:
        """The chosen journey model."""
        return self.models[self.chosen]


def load_models(*directories: Path, own: OwnModels | None = None) -> Models:
    """The built-in models and vocabularies, and the user's.

    Args:
        directories: Places of further models; a file there wins over a built-in one of the same name.
        own: Those of a ``reconstruct.toml``, which win over all others.

    Raises:
        ModelError: A file is wrong; the message names file, key and the nearest key that exists.
    """
    places = (models_directory(), user_config_directory() / "models", *directories)
    stamps = tuple(
        (str(path), path.stat().st_mtime_ns)
        for place in places
        if place.is_dir()
        for path in sorted(place.glob("*.toml"))
    )
    return _load(stamps, own or OwnModels())


@lru_cache(maxsize=4)
def _load(files: tuple[tuple[str, int], ...], own: OwnModels) -> Models:
    activities = vocabulary_directory() / "activities.toml"
    vocabulary = _checked(_read(activities), VOCABULARY, activities)
    _check_vocabulary(vocabulary, activities)
    friction_path = vocabulary_directory() / "friction.toml"
    friction = _checked(_read(friction_path), FRICTION, friction_path)
    _known(friction["words"]["felt"], vocabulary["verb"], friction_path, "words.felt")
    models: dict[str, JourneyModel] = {}
    for name, _ in files:
        path = Path(name)
        models[path.stem] = read_model(_read(path), vocabulary, path)
    if GENERIC not in models:
        raise ModelError(f"there is no model named {GENERIC}", path=models_directory(), key=GENERIC)
    origin = own.origin or Path()
    for name, table in own.tables:
        models.pop(name, None)  # goes to the end: of models that cover as much, the user's own is used
        models[name] = read_model(json.loads(table), vocabulary, origin, name, f"model.{name}.")
    if own.use is not None:
        _known([own.use], models, origin, "model.use")
    return Models(vocabulary, friction, models, use=own.use)


def read_model(
    table: Mapping[str, Any], vocabulary: Mapping[str, Any], path: Path, name: str = "", prefix: str = ""
) -> JourneyModel:
    """A journey model from its TOML table.

    Args:
        path: The file it is in.
        name: What it is called, when not by its file.
        prefix: What stands before its keys in the file.

    Raises:
        ModelError: A key, a kind or a type is unknown or of the wrong form.
    """
    _check(table, MODEL, path, prefix.rstrip("."))
    checked = dict(table)
    rules = tuple(checked.get("touchpoint", ()))
    words = checked.get("words", {})
    steps = tuple({**step, "words": [word.lower() for word in step["words"]]} for step in checked.get("step", ()))
    _check_words(((f"{prefix}words.{group}", texts) for group, texts in words.items()), path)
    _check_words(((f"{prefix}step[{number}].words", step["words"]) for number, step in enumerate(steps)), path)
    _check_rules(rules, {**vocabulary, "words": {**vocabulary["words"], **words}}, path, prefix)
    kinds = {rule["kind"] for rule in (*vocabulary["touchpoint"], *rules)}
    for place, names in (
        ("evidence", checked["evidence"]),
        ("stage", checked.get("stage", {})),
        ("activity", checked.get("activity", {})),
    ):
        _known(names, kinds, path, f"{prefix}{place}")
    for kind, stage in checked.get("stage", {}).items():
        _known([stage], STAGES, path, f"{prefix}stage.{kind}")
    for number, step in enumerate(checked.get("step", ())):
        _known([step["state"]], STATES, path, f"{prefix}step[{number}].state")
    goals = []
    for number, goal in enumerate(checked["goal"]):
        for key in ("commits", "attempts", "reached", "confirms"):
            _known(goal.get(key, ()), kinds, path, f"{prefix}goal[{number}].{key}")
        _known(goal.get("objects", ()), vocabulary["object"], path, f"{prefix}goal[{number}].objects")
        goals.append(
            Goal(
                name=goal["name"],
                objects=frozenset(goal.get("objects", ())),
                commits=frozenset(goal.get("commits", ())),
                attempts=frozenset(goal.get("attempts", ())),
                reached=frozenset(goal.get("reached", ())),
                confirms=frozenset(goal.get("confirms", ())),
                pays_elsewhere=goal.get("pays_elsewhere", False),
            )
        )
    return JourneyModel(
        id=name or path.stem,
        title=checked["title"],
        evidence=frozenset(checked["evidence"]),
        goals=tuple(goals),
        stages=dict(checked.get("stage", {})),
        activities=dict(checked.get("activity", {})),
        rules=rules,
        steps=steps,
        words=words,
    )


def describe_model(models: Models) -> dict[str, Any]:
    """The chosen model in the words of its file; ``coverage``: the share of requests its evidence covers."""
    model = models.model
    return {
        "id": model.id,
        "title": model.title,
        "coverage": round(models.coverage.get(model.id, 0.0), 4),
        "evidence": sorted(model.evidence),
        "goals": [
            {key: sorted(value) if isinstance(value, frozenset) else value for key, value in _fields_of(goal)}
            for goal in model.goals
        ],
    }


def _fields_of(goal: Goal) -> list[tuple[str, Any]]:
    return [(each.name, getattr(goal, each.name)) for each in fields(goal) if each.init]  # the others follow from these


def _check_words(lists: Iterable[tuple[str, Iterable[str]]], path: Path) -> None:
    """Words must hold a letter or digit: nothing else is ever compared."""
    for key, words in lists:
        for word in words:
            if not any(map(str.isalnum, word)):
                raise ModelError(f"{path.name}: {key} holds a text without a word: {word!r}", path=path, key=key)


# --- checking -------------------------------------------------------------------------------------------------------

TEXTS = [str]
RULE: dict[str, Any] = {
    "kind": str, "activity": str, "stage": str, "failed?": str, "named?": str, "step?": str, "all?": TEXTS, "none?": TEXTS, "last?": TEXTS,
    "methods?": TEXTS, "query?": TEXTS, "item?": bool, "within?": bool, "root?": bool, "api?": bool, "milestone?": bool, "background?": bool,
}  # fmt: skip
VERB: dict[str, Any] = {
    "words": TEXTS, "noun": str, "nouns": TEXTS, "state": str, "text?": str, "said?": str, "spoken?": {"*": TEXTS}, "of?": TEXTS,
    "technical?": bool, "once?": bool,
}  # fmt: skip
THING: dict[str, Any] = {"born": str, "failed": str, "goal": str, "words": TEXTS}
VOCABULARY: dict[str, Any] = {
    "stages": TEXTS, "router_keys": TEXTS, "search_keys": TEXTS, "campaign_keys": TEXTS, "api_words": TEXTS,
    "operation_verbs": TEXTS, "languages": TEXTS,
    "operation_keys": TEXTS, "name_keys": TEXTS,
    "fallback": {"read": str, "call": str, "write": str, "delete": str, "other": str, "page": str, "log": str, "assets": str},
    "refused": {"*": str}, "words": {"*": TEXTS}, "touchpoint": [RULE], "noun": {"*": TEXTS}, "verb": {"*": VERB},
    "task": {"started": TEXTS, "ended": TEXTS, "failed": TEXTS, "retried": TEXTS},
    "keys": {"event": TEXTS, "task": TEXTS, "task_id": TEXTS, "amount": TEXTS, "minor": TEXTS, "currency": TEXTS,
             "result": TEXTS},
    "object": {"*": THING}, "speaks_of": {"*": TEXTS},
    "small_words": {"prepositions": TEXTS, "ends": TEXTS, "never_qualify": TEXTS, "asides": TEXTS, "calls": TEXTS},
    "status": {"*": TEXTS}, "referrer": {"*": TEXTS}, "channel": {"*": TEXTS},
}  # fmt: skip
FRICTION: dict[str, Any] = {
    "apdex": {"satisfied_ms": float},
    "limits": {"rapid_count": int, "rapid_ms": int, "reload_ms": int, "slow_ms": int, "search_loop": int,
               "retry_loop": int, "retry_ms": int, "poor_rating": float, "poor_nps": float, "regular_cv": float},
    "words": {"zero_results": TEXTS, "zero_keys": TEXTS, "rating_keys": TEXTS, "asked": TEXTS, "support": TEXTS, "felt": TEXTS},
    "weight": {"*": float}, "why": {"*": str},
}  # fmt: skip
MODEL: dict[str, Any] = {
    "title": str, "evidence": TEXTS,
    "goal": [{"name": str, "objects?": TEXTS, "commits?": TEXTS, "attempts?": TEXTS, "reached?": TEXTS, "confirms?": TEXTS,
              "pays_elsewhere?": bool}],
    "stage?": {"*": str}, "activity?": {"*": str}, "words?": {"*": TEXTS}, "touchpoint?": [RULE],
    "step?": [{"activity": str, "words": TEXTS, "state": str, "once?": bool, "technical?": bool}],
}  # fmt: skip
"""Shapes: a type; ``[shape]``, a list of it; a table of keys, ``key?`` optional, ``*`` any key."""

STATES = (
    "born", "done", "nearly", "failed", "cancelled", "returned", "started", "progress", "exception",
)  # fmt: skip
METHODS = ("read", "write", "delete")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path.name} cannot be read: {error}", path=path) from error
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{path.name} is not TOML: {error}", path=path) from error


def _checked(table: Mapping[str, Any], shape: Mapping[str, Any], path: Path) -> dict[str, Any]:
    _check(table, shape, path, "")
    return dict(table)


def _check(value: Any, shape: Any, path: Path, key: str) -> None:
    if isinstance(shape, dict):
        if not isinstance(value, Mapping):
            raise _wrong(path, key, "a table")
        known = {name.rstrip("?"): inner for name, inner in shape.items()}
        for name, inner in value.items():
            place = f"{key}.{name}" if key else name
            if name not in known and "*" not in known:
                raise _unknown(path, place, name, known)
            _check(inner, known.get(name, known.get("*")), path, place)
        for name in shape:
            if not name.endswith("?") and name != "*" and name not in value:
                place = f"{key}.{name}" if key else name
                raise ModelError(f"{path.name}: {place} is missing", path=path, key=place)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise _wrong(path, key, "a list")
        for number, item in enumerate(value):
            _check(item, shape[0], path, f"{key}[{number}]")
    elif shape is float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(path, key, "a number")
    elif not isinstance(value, shape) or (isinstance(value, bool) and shape is int):
        raise _wrong(path, key, {str: "text", bool: "true or false", int: "a whole number"}[shape])


def _wrong(path: Path, key: str, wanted: str) -> ModelError:
    return ModelError(f"{path.name}: {key} must be {wanted}", path=path, key=key)


def _unknown(path: Path, place: str, name: str, known: Iterable[str]) -> ModelError:
    near = get_close_matches(name, sorted(known), n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
    return ModelError(f"{path.name}: {place}: {name} is not known", path=path, key=place, hint=hint)


def _known(names: Iterable[str], known: Iterable[str], path: Path, key: str) -> None:
    allowed = set(known)
    for name in names:
        if name not in allowed:
            raise _unknown(path, key, name, allowed)


def _check_rules(
    rules: Iterable[Mapping[str, Any]], vocabulary: Mapping[str, Any], path: Path, prefix: str = ""
) -> None:
    for number, rule in enumerate(rules):
        place = f"{prefix}touchpoint[{number}]"
        _known([rule["stage"]], vocabulary["stages"], path, f"{place}.stage")
        _known(rule.get("methods", ()), METHODS, path, f"{place}.methods")
        for key in ("all", "none", "last"):
            _known(rule.get(key, ()), vocabulary["words"], path, f"{place}.{key}")


def _check_vocabulary(vocabulary: Mapping[str, Any], path: Path) -> None:
    _known(vocabulary["stages"], STAGES, path, "stages")
    _check_rules(vocabulary["touchpoint"], vocabulary, path)
    for name, verb in vocabulary["verb"].items():
        _known([verb["state"]], STATES, path, f"verb.{name}.state")
        _known([*verb["nouns"], *filter(None, [verb["noun"]])], vocabulary["noun"], path, f"verb.{name}.nouns")
        for word, nouns in verb.get("spoken", {}).items():
            _known([word], verb["words"], path, f"verb.{name}.spoken")
            _known(nouns, vocabulary["noun"], path, f"verb.{name}.spoken.{word}")
        _known(verb.get("of", ()), vocabulary["noun"], path, f"verb.{name}.of")
    _known(vocabulary["speaks_of"], vocabulary["noun"], path, "speaks_of")
    for status, verbs in vocabulary["status"].items():
        _known(verbs, vocabulary["verb"], path, f"status.{status}")
