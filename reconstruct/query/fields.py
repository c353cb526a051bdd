"""The words of the query language (``vocabulary/query.toml``): entities, their fields, and which one a name means."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from reconstruct.errors import ModelError
from reconstruct.resources import vocabulary_directory

JOURNEY = "journey"
"""The entity that a whole query is about."""

TYPES = ("text", "word", "choice", "flag", "number", "status", "duration", "moment", "amount")
"""What a field's values are; ``values`` reads each."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of thing that has fields: a row of one table."""

    name: str
    title: str
    table: str
    text: tuple[str, ...]
    """SQL, lower-cased: what free text looks in"""
    within: Mapping[str, tuple[str, str]]
    """outer entity → columns of it, and of this one, that are equal"""
    also: tuple[str, ...] = ()
    hidden: bool = False
    """it cannot be named as a group"""


@dataclass(frozen=True, slots=True)
class Field:
    """Something that can be asked about."""

    entity: str
    name: str
    type: str
    """one of TYPES"""
    column: str
    """SQL over the entity's table"""
    help: str
    example: str
    also: tuple[str, ...] = ()
    where: str = ""
    """SQL that must hold too"""
    means: str = ""
    """the operator that ``:`` stands for; "" is being equal"""
    values: tuple[str, ...] = ()
    ordered: bool = False
    synonyms: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.also)


class Words:
    """All entities and fields, and what a name means where it is said."""

    def __init__(
        self, entities: Mapping[str, Entity], fields: tuple[Field, ...], currencies: Mapping[str, str]
    ) -> None:
        self.entities = entities
        self.fields = fields
        self.currencies = currencies
        """sign → code"""
        self._groups = {
            name: each.name for each in entities.values() if not each.hidden for name in (each.name, *each.also)
        }

    def group(self, name: str) -> Entity | None:
        """The entity a group is of; None when none is called so."""
        found = self._groups.get(name.lower())
        return self.entities[found] if found else None

    def group_names(self, scope: str) -> list[str]:
        """Groups that can stand within one."""
        return [name for name, entity in self._groups.items() if entity != scope and self.way(scope, entity)]

    def inside(self, scope: str) -> list[str]:
        """The entity itself, and those that are part of it, in the order names are looked up."""
        return [name for name in self.entities if name == scope or self.way(scope, name)]

    def way(self, outer: str, inner: str) -> tuple[str, ...]:
        """Entities from ``outer`` to ``inner``, both included; () when none leads there."""
        if outer == inner:
            return (outer,)
        ways = [self.way(outer, parent) for parent in self.entities[inner].within]
        found = min((way for way in ways if way), key=len, default=())
        return (*found, inner) if found else ()

    def find(self, name: str, scope: str) -> Field | None:
        """The field a name means in a scope: a field's own name before other names for one, and the outermost first."""
        entity, dot, rest = name.lower().rpartition(".")
        inside = self.inside(scope)
        if dot:
            named = self._groups.get(entity)
            inside = [named] if named in inside else []
        own = self._first(rest, inside, lambda each: (each.name,))
        return own or self._first(rest, inside, lambda each: each.also)

    def _first(self, name: str, inside: Iterable[str], names: Any) -> Field | None:
        return next(
            (each for entity in inside for each in self.fields if each.entity == entity and name in names(each)), None
        )

    def visible(self, scope: str) -> Iterator[tuple[str, Field]]:
        """(name, field) of what can be said in a scope; fields hidden by others of their name as ``entity.name``."""
        for each in self.fields:
            if each.entity in self.inside(scope):
                name = each.name if self.find(each.name, scope) is each else f"{each.entity}.{each.name}"
                if self.find(name, scope) is each:
                    yield name, each

    def nearest(self, name: str, scope: str) -> str:
        """The name most like one that is none; "" when none is like it."""
        known = [name for each in self.fields if each.entity in self.inside(scope) for name in each.names]
        near = get_close_matches(name.lower(), [*known, *(name for name, _ in self.visible(scope))], 1)
        return near[0] if near else ""


@lru_cache(maxsize=1)
def load_words() -> Words:
    """The words that ship. Raises ModelError when the file is wrong."""
    path = vocabulary_directory() / "query.toml"
    try:
        return read_words(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"the words of the query language cannot be read: {error}",
            path=path,
            key=str(error.args[0]) if isinstance(error, KeyError) else "",
            hint="install reconstruct again: the file ships with it",
        ) from None


def read_words(table: Mapping[str, Any]) -> Words:
    """The words of a parsed file. Raises KeyError, TypeError or ValueError when it does not fit."""
    entities = {
        name: Entity(
            name, said["title"], said["table"], tuple(said["text"]),
            {outer: (keys[0], keys[1]) for outer, keys in said.get("within", {}).items()},
            tuple(said.get("also", ())), said.get("hidden", False),
        )
        for name, said in table["entity"].items()
    }  # fmt: skip
    fields = tuple(map(_read_field, table["field"]))
    for each in fields:
        if each.entity not in entities or each.type not in TYPES:
            raise ValueError(f"field {each.name}: no such entity or type: {each.entity}, {each.type}")
    return Words(entities, fields, table["currency"])


def _read_field(said: Mapping[str, Any]) -> Field:
    lists = ("also", "values")
    told: dict[str, Any] = {key: tuple(value) if key in lists else value for key, value in said.items()}
    return Field(**told)
