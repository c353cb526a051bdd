"""The field vocabulary: which keys of a line are which fields.

Takes the keys of a line, gives one ``Reading`` per field and the keys that stay attributes. The names are data
(``vocabulary/fields.toml``); a line's keys are judged once per distinct set.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from reconstruct.errors import ModelError
from reconstruct.resources import vocabulary_directory

SETS_KEPT = 4096
"""Key sets remembered. Real logs have dozens; a hostile one has a new set per line."""

KEYS_LENGTH_KEPT = 8192
"""Characters of a key set that is remembered: bounds the memory to 100 MB, whatever comes."""

WRAPPER_COST = 1000
"""Rank added to a name per wrapper taken off: a key of the line's own comes before a nested one."""

NESTED_COST = 10 * WRAPPER_COST
"""Rank added to a name that is believed under any key."""

WRAPPERS_DEEP = 3
"""Wrappers taken off at most: ``payload.http.request.method`` has one, exporters nest three."""

ENDING_PARTS = 2
"""Last parts of a key that together may be a name of ``nested``: ``network.client.ip`` ends in one of two."""

NO_DIALECT = ""
"""Instead of a dialect: none is spoken, whatever the keys."""

REQUEST_FIELDS = ("method", "request")
"""Fields that make a line a request, so that ``in_request`` names count."""

_MARKS = str.maketrans("", "", "_-.@$():/ ")


@dataclass(frozen=True, slots=True)
class Name:
    """One name of a field."""

    field: str
    unit: str
    rank: int
    """place in the list: lower wins"""
    keep: bool
    """the value stays an attribute too"""


@dataclass(frozen=True, slots=True)
class Source:
    """A key that feeds a field."""

    key: int
    """position among the keys of the line"""
    unit: str


@dataclass(frozen=True, slots=True)
class KeySet:
    """What the keys of a line are."""

    fields: dict[str, tuple[Source, ...]]
    """field → the keys that feed it, the best first"""
    attributes: tuple[int, ...]
    """positions of the keys that are attributes, sorted by key"""
    defaults: dict[str, str] = field(default_factory=dict)
    """field → value of lines that leave it out"""


@dataclass(frozen=True, slots=True)
class Dialect:
    """A program whose keys mean something of their own."""

    id: str
    keys: frozenset[str]
    fields: dict[str, Name | None]
    defaults: dict[str, str]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names of all fields."""

    fields: frozenset[str]
    names: dict[str, Name]
    """plain name → what it always is"""
    in_request: dict[str, Name]
    """plain name → what it is in a request"""
    wrappers: frozenset[str]
    nested: frozenset[str]
    """plain names that count under any key"""
    dialects: tuple[Dialect, ...]
    levels: dict[str, str]
    """word, lower case → level"""
    level_numbers: dict[str, list[tuple[int, str]]]
    """scheme → (least number, level), ascending; for ``syslog`` the greatest"""

    def read_keys(
        self, keys: tuple[str, ...], certain: frozenset[str] = frozenset(), spoken: str | None = None
    ) -> KeySet:
        """Judge the keys of a line. ``certain``: keys that are the field of their name, if there is one. ``spoken``: the dialect;
        when None, the first whose keys are all there."""
        given = set(keys)
        dialect = next(
            (each for each in self.dialects if (each.keys <= given if spoken is None else each.id == spoken)), None
        )
        ranked: dict[str, list[tuple[int, int, Name]]] = {}
        in_request: list[tuple[int, Name]] = []
        for position, key in enumerate(keys):
            if key in certain and key in self.fields:
                ranked.setdefault(key, []).append((-2 * WRAPPER_COST, position, Name(key, "", 0, False)))
                continue
            if dialect is not None and key in dialect.fields:
                name = dialect.fields[key]
                if name is not None:
                    ranked.setdefault(name.field, []).append((name.rank, position, name))
                continue
            plain = self._find(self.names, key)
            if plain is not None:
                ranked.setdefault(plain.field, []).append((plain.rank, position, plain))
            special = self._find(self.in_request, key)
            if special is not None:
                in_request.append((position, special))
        if any(name in ranked for name in REQUEST_FIELDS):
            for position, name in in_request:
                for sources in ranked.values():
                    sources[:] = [source for source in sources if source[1] != position]
                ranked.setdefault(name.field, []).append((WRAPPER_COST // 2 + name.rank, position, name))
        self._find_nested(keys, ranked)
        fields: dict[str, tuple[Source, ...]] = {}
        used: set[int] = set()
        for name_of_field in sorted(ranked):
            best = sorted(ranked[name_of_field], key=lambda source: source[:2])
            if best:
                fields[name_of_field] = tuple(Source(position, name.unit) for _, position, name in best)
                if not best[0][2].keep:
                    used.add(best[0][1])
        attributes = sorted((position for position in range(len(keys)) if position not in used), key=keys.__getitem__)
        return KeySet(fields, tuple(attributes), dialect.defaults if dialect is not None else {})

    def _find_nested(self, keys: tuple[str, ...], ranked: dict[str, list[tuple[int, int, Name]]]) -> None:
        """Fill fields that no key feeds from the last part of nested keys."""
        found: dict[str, list[tuple[int, int, Name]]] = {}
        used = {position for sources in ranked.values() for _, position, _ in sources}
        for position, key in enumerate(keys):
            last = next(filter(self.nested.__contains__, _endings(key)), None) if position not in used else None
            if last is not None:
                name = self.names[last]
                if not ranked.get(name.field):
                    weak = Name(name.field, name.unit, name.rank + NESTED_COST, keep=True)
                    found.setdefault(name.field, []).append((weak.rank, position, weak))
        ranked.update(found)

    def _find(self, names: Mapping[str, Name], key: str) -> Name | None:
        """The name of a key, if need be without what wraps it."""
        for cost in range(WRAPPERS_DEEP + 1):
            name = names.get(plain_name(key))
            if name is not None:
                return Name(name.field, name.unit, name.rank + cost * WRAPPER_COST, name.keep)
            wrapper, dot, rest = key.partition(".")
            if not dot or plain_name(wrapper) not in self.wrappers:
                return None
            key = rest
        return None


def _endings(key: str) -> Iterator[str]:
    """The plain names of the last parts of a dotted key, the longest first: ``a.b.client.ip`` ends in ``client.ip``."""
    parts = key.rsplit(".", ENDING_PARTS)
    for first in range(1, len(parts)):
        yield plain_name(".".join(parts[first:]))


def plain_name(key: str) -> str:
    """A key without case and marks: ``http.request_method`` and ``httpRequestMethod`` are one name.

    >>> plain_name("cs(User-Agent)")
    'csuseragent'
    """
    return key.lower().translate(_MARKS)


@lru_cache(maxsize=1)
def load_vocabulary() -> Vocabulary:
    """The built-in vocabulary, read once.

    Raises: ModelError when the file is wrong."""
    path = vocabulary_directory() / "fields.toml"
    try:
        return read_vocabulary(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ModelError(f"the field vocabulary is wrong: {error}", path=path) from error


def read_keys(keys: tuple[str, ...], certain: frozenset[str] = frozenset(), spoken: str | None = None) -> KeySet:
    """``Vocabulary.read_keys`` of the built-in vocabulary, remembered for likely keys."""
    likely = sum(map(len, keys)) <= KEYS_LENGTH_KEPT
    return (_read_likely_keys if likely else load_vocabulary().read_keys)(keys, certain, spoken)


@lru_cache(maxsize=SETS_KEPT)
def _read_likely_keys(keys: tuple[str, ...], certain: frozenset[str], spoken: str | None) -> KeySet:
    return load_vocabulary().read_keys(keys, certain, spoken)


def is_message(key: str) -> bool:
    """Whether a key names the message of a line, wrapped or not.

    >>> is_message("log"), is_message("fields.payload")
    (True, False)
    """
    vocabulary = load_vocabulary()
    name = vocabulary._find(vocabulary.names, key)
    return name is not None and name.field == "message"


def read_vocabulary(table: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary of a parsed file.

    Raises: ValueError when a name stands in two places; KeyError, TypeError when the file has another structure."""
    names: dict[str, Name] = {}
    in_request: dict[str, Name] = {}
    for name_of_field, lists in table["field"].items():
        _add_names(names, name_of_field, lists.get("names", ()))
        _add_names(in_request, name_of_field, lists.get("in_request", ()))
    levels = {word: level for level, words in table["levels"].items() for word in words}
    numbers = {
        scheme: sorted((int(number), level) for level, number in steps.items())
        for scheme, steps in table["level_numbers"].items()
    }
    dialects = tuple(_read_dialect(dialect) for dialect in table["dialect"])
    wrappers = frozenset(map(plain_name, table["wrappers"]))
    nested = frozenset(map(plain_name, table["nested"]))
    if unknown := sorted(nested - names.keys()):
        raise ValueError(f"nested: {', '.join(unknown)} is no name of a field")
    return Vocabulary(frozenset(table["field"]), names, in_request, wrappers, nested, dialects, levels, numbers)


def _add_names(names: dict[str, Name], name_of_field: str, spelled: Sequence[str]) -> None:
    for rank, text in enumerate(spelled):
        name, unit, keep = _split_name(text)
        plain = plain_name(name)
        if plain in names:
            raise ValueError(f"{name!r} is a name of {names[plain].field} and of {name_of_field}")
        names[plain] = Name(name_of_field, unit, rank, keep)


def _read_dialect(table: Mapping[str, Any]) -> Dialect:
    fields: dict[str, Name | None] = {}
    for rank, (key, text) in enumerate(table["fields"].items()):
        name, unit, keep = _split_name(text)
        fields[key] = Name(name, unit, rank - WRAPPER_COST, keep) if name else None
    return Dialect(table["id"], frozenset(table["keys"]), fields, dict(table.get("defaults", {})))


def _split_name(text: str) -> tuple[str, str, bool]:
    """``"latency ms +"`` → name, unit, keep."""
    match = re.fullmatch(r"(\S*)(?: (\w+))?( \+)?", text)
    if match is None:
        raise ValueError(f"{text!r} is not a name, its unit and an optional +")
    return match[1], match[2] or "", bool(match[3])
