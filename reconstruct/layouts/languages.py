"""Layout languages as data: what each directive of a language means, and in which files its layouts lie.

``grammars/layouts/<id>.toml``, beside ``<id>.lark`` unless it is written ``like`` another one; adding a directive, or a
language whose files are of a known syntax, touches no Python. Reads text only, so that looking at a directory of logs never
loads Lark.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from reconstruct.errors import GrammarError
from reconstruct.resources import grammars_directory


@dataclass(frozen=True, slots=True)
class StampUse:
    """A directive that writes a moment."""

    dialect: str
    """language of its pattern: ``java_date``, ``strftime``"""
    default: str
    """the pattern, or the name of one, when the layout gives none"""
    named: Mapping[str, tuple[str, str, str]]
    """names this directive alone knows: pattern, example, what it tells"""
    prefixes: tuple[str, ...]
    """in front of a pattern, and no part of it"""
    option: str
    """where the pattern is when it is not the argument: beside the layout, under this key"""
    alone: str
    """meaning where there is no moment beside it that it completes"""


@dataclass(frozen=True, slots=True)
class Places:
    """Where layouts of a language lie."""

    files: tuple[str, ...] = ()
    """glob patterns of names that say enough"""
    elsewhere: tuple[str, ...] = ()
    """names of files that may hold a layout: they are looked into when they contain ``marker``"""
    marker: str = ""
    """regular expression"""
    statements: str = ""
    """syntax of files that are not trees: nginx, apache, haproxy, assignment"""
    names: tuple[str, ...] = ()
    """variables, for assignments"""
    keys: tuple[str, ...] = ()
    """regular expressions of dotted keys, lower case, in trees"""
    described: tuple[str, ...] = ()
    """the same for lines that describe themselves"""


@dataclass(frozen=True, slots=True)
class Language:
    """One layout language."""

    id: str
    grammar: str
    """stem of the ``.lark`` file with its syntax: its own, or that of the language it is like"""
    title: str
    docs: str
    kind: str
    """of its formats, as in ``definition.KINDS``"""
    wins_over: tuple[str, ...]
    """formats that read many such layouts and know less of each"""
    fields: Mapping[str, str]
    """directive, as ``name`` or ``name(argument)`` with ``*`` for any → ``FIELD: TYPE``, or the name of a rule"""
    quoted: Mapping[str, str]
    """directive → rule of ``common.lark`` that takes the double quotes around it too"""
    rules: Mapping[str, Mapping[str, Any]]
    stamps: Mapping[str, StampUse]
    together: tuple[tuple[tuple[str, ...], str], ...]
    """names and the text between them → what they are as one"""
    wrappers: Mapping[str, tuple[str, ...]]
    """``pattern``: the first argument is a layout; ``optional``: it may be left out; ``group``: around parentheses"""
    nothing: frozenset[str]
    """directives that write nothing on the first line"""
    line_end: frozenset[str]
    escapes: Mapping[str, str]
    """escape → its text; others stand for their last character"""
    options: Mapping[str, Mapping[str, Mapping[str, bool]]]
    """key beside the layout → value → what it changes"""
    styles: Mapping[str, str]
    """value of ``styles["option"]`` → language to be read instead"""
    placeholders: Mapping[str, str]
    """``${name}`` → what stands for it when the file does not say"""
    known: Mapping[str, str]
    """layout → format that reads it already"""
    quote_flag: str
    sticky: str
    single_blanks: bool
    """blanks in a row are written as one, and none at the beginning"""
    prefix_words: bool
    """a word is the longest known one that the letters begin with"""
    always: frozenset[str] = frozenset()
    """directives that always write something, in a language whose layouts are blocks between blanks: a block with another one
    is left out where that has nothing to write; empty for other languages"""
    places: Places = field(default_factory=Places)


@dataclass(frozen=True, slots=True)
class Types:
    """What the writer must know of the types of ``common.lark``."""

    characters: Mapping[str, str]
    """type → character class of what goes on in a value"""
    begins: Mapping[str, str]
    """type → character class of what a value begins with"""
    first: Mapping[str, str]
    """type → expression of values that end by themselves"""


@lru_cache(maxsize=1)
def load_languages() -> dict[str, Language]:
    """Every layout language by id, sorted.

    Raises: GrammarError when a table is wrong."""
    tables = {path.stem: _read_table(path) for path in sorted(layouts_directory().glob("*.toml"))}
    return {name: _read_language(name, tables) for name, table in tables.items() if "docs" in table}


@lru_cache(maxsize=1)
def load_types() -> Types:
    """``types.toml``."""
    table = _read_table(layouts_directory() / "types.toml")
    return Types(table["characters"], table["begins"], table["first"])


@lru_cache(maxsize=1)
def load_shapes(name: str) -> dict[str, str]:
    """What values look like that the directives of a language write: name → regular expression of the whole value."""
    shapes: dict[str, str] = _read_table(layouts_directory() / f"{name}.toml")["shapes"]
    return shapes


@lru_cache(maxsize=8)
def load_dialect(name: str) -> dict[str, Any]:
    """The table of a language of time stamps."""
    return _read_table(layouts_directory() / f"{name}.toml")


def layouts_directory() -> Path:
    """Where the languages are."""
    return grammars_directory() / "layouts"


def _read_table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise GrammarError(f"the table of a layout language is wrong: {error}", path=path) from error


def _read_language(name: str, tables: Mapping[str, Mapping[str, Any]]) -> Language:
    """A language; what its table leaves out is that of the one it is ``like``, but for the places."""
    own = tables[name]
    like = tables[own["like"]] if "like" in own else {}
    table = {**{key: value for key, value in like.items() if key not in ("configuration", "known")}, **own}
    nothing = table.get("nothing", {})
    return Language(
        id=name,
        grammar=name if (layouts_directory() / f"{name}.lark").is_file() else own["like"],
        title=table["title"],
        docs=table["docs"],
        kind=table["kind"],
        wins_over=tuple(table.get("wins_over", ())),
        fields=table["fields"],
        quoted=table.get("quoted", {}),
        rules=table.get("rules", {}),
        stamps={key: _read_stamp(value) for key, value in table.get("stamps", {}).items()},
        together=tuple((tuple(each["parts"]), each["is"]) for each in table.get("together", ())),
        wrappers={key: tuple(value) for key, value in table.get("wrappers", {}).items()},
        nothing=frozenset(nothing.get("names", ())),
        line_end=frozenset(nothing.get("line_end", ())),
        escapes=table.get("escapes", {}),
        options=table.get("options", {}),
        styles=table.get("styles", {}),
        placeholders=table.get("placeholders", {}),
        known={layout: id for id, layouts in table.get("known", {}).items() for layout in layouts},
        quote_flag=table.get("quote_flag", ""),
        sticky=table.get("sticky", ""),
        single_blanks=table.get("single_blanks", False),
        prefix_words=table.get("prefix_words", False),
        always=frozenset(table.get("always", ())),
        places=_read_places(table.get("configuration", {})),
    )


def _read_places(table: Mapping[str, Any]) -> Places:
    return Places(
        files=tuple(table.get("files", ())),
        elsewhere=tuple(table.get("elsewhere", ())),
        marker=table.get("marker", ""),
        statements=table.get("statements", ""),
        names=tuple(table.get("names", ())),
        keys=tuple(table.get("keys", ())),
        described=tuple(table.get("described", ())),
    )


def _read_stamp(table: Mapping[str, Any]) -> StampUse:
    return StampUse(
        table["dialect"],
        table["default"],
        {key: (value[0], value[1], value[2]) for key, value in table.get("named", {}).items()},
        tuple(table.get("prefixes", ())),
        table.get("option", ""),
        table.get("alone", ""),
    )
