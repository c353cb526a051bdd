"""Where layouts lie: a file's name and text to the layouts in it. Loads no Lark."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import PurePosixPath

from reconstruct.layouts.languages import Language, load_languages
from reconstruct.layouts.statements import Entry, read_statements
from reconstruct.layouts.trees import read_tree

NESTED_PLACEHOLDERS = 8
"""How often placeholders are filled in what filled others."""

FORMAT_CAP = 8_000
"""Characters of a layout; nobody writes a longer one."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout that was found."""

    language: str
    name: str
    """what the configuration calls it; a part of the format's id"""
    text: str
    place: str
    """file and line, for people"""
    options: Mapping[str, str] = field(default_factory=dict)


def may_hold_layouts(name: str, text: str = "") -> bool:
    """Whether a file of this name (without directories) is worth a look; with its text, whether that says so too."""
    if _name_pattern().fullmatch(name) is None:
        return False
    return not text or any(_is_likely(language, name, text) for language in load_languages().values())


def _is_likely(language: Language, name: str, text: str) -> bool:
    """Whether a file may hold layouts of the language: by its name alone, or by its name and the marker in its text."""
    places = language.places
    if any(fnmatchcase(name, glob) for glob in places.files):
        return True
    return any(fnmatchcase(name, glob) for glob in places.elsewhere) and re.search(places.marker, text) is not None


def is_configuration(name: str) -> bool:
    """Whether the name alone says that it is the configuration of a program whose layouts are understood."""
    return any(fnmatchcase(name, glob) for language in load_languages().values() for glob in language.places.files)


@lru_cache(maxsize=1)
def _name_pattern() -> re.Pattern[str]:
    """The names of every language as one expression, so that most files cost a microsecond."""
    globs = {
        glob for language in load_languages().values() for glob in (*language.places.files, *language.places.elsewhere)
    }
    return re.compile("|".join(re.escape(glob).replace(r"\*", ".*") for glob in sorted(globs)))


def find_layouts(path: str, text: str) -> list[Layout]:
    """The layouts in a configuration file, in order, each once. ``path`` is shown to people; its name tells the syntax.

    Empty when it holds none, or is no configuration that is known. Layouts of lines that describe themselves are among
    them, with their text empty.
    """
    name = PurePosixPath(path).name
    found: dict[tuple[str, str, str], Layout] = {}
    tree: list[Entry] | None = None
    languages = load_languages().values()
    named = [each for each in languages if any(fnmatchcase(name, glob) for glob in each.places.files)]
    for language in [*named, *(each for each in languages if each not in named)]:
        places = language.places
        if not _is_likely(language, name, text):
            continue
        if places.statements and PurePosixPath(name).suffix not in (".yaml", ".yml"):
            entries = read_statements(places.statements, text, places.names)
            layouts = [
                Layout(language.id, each.key, each.value, f"{path}:{each.line}", each.options) for each in entries
            ]
        else:
            tree = read_tree(name, text) if tree is None else tree
            layouts = list(_find_in_tree(language, tree, path))
        for layout in layouts:
            if len(layout.text) <= FORMAT_CAP:
                found.setdefault(
                    (layout.language if not layout.text else "", layout.text, str(sorted(layout.options.items()))),
                    layout,
                )
    return list(found.values())


def _find_in_tree(language: Language, tree: Sequence[Entry], path: str) -> Iterator[Layout]:
    places = language.places
    if not places.keys:
        return
    keys = re.compile("|".join(f"(?:{key})" for key in places.keys))
    described = re.compile("|".join(f"(?:{key})" for key in places.described)) if places.described else None
    values = {**dict(_names_of(tree))}
    told = False
    for entry in tree:
        place = f"{path}:{entry.line}"
        if described is not None and described.fullmatch(entry.key):
            if not told:
                yield Layout(language.id, "json", "", place)
            told = True
            continue
        if not keys.fullmatch(entry.key):
            continue
        beside = {
            each.key.rpartition(".")[2]: each.value
            for each in tree
            if each.key.rpartition(".")[0] == entry.key.rpartition(".")[0] and each is not entry
        }
        if any("json" in beside.get(key, "").lower() for key in ("class", "()")):
            yield Layout(language.id, "json", "", place)
            continue
        style = beside.get(language.styles.get("option", ""), "")
        options = {name: beside[name] for name in _options_of(language) if name in beside}
        text = fill_placeholders(entry.value, values, language)
        yield Layout(
            language.styles.get(style, language.id),
            entry.options.get("label") or _name_in_tree(entry.key),
            text.strip("\n"),
            place,
            options,
        )


def _options_of(language: Language) -> list[str]:
    return [use.option for use in language.stamps.values() if use.option]


def _names_of(tree: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    """Everything a placeholder of the file may name: whole keys, and their last parts."""
    for entry in reversed(tree):
        name = entry.options.get("name") or entry.key
        yield name.rpartition(".")[2], entry.value
    for entry in reversed(tree):
        yield entry.key, entry.value
        yield entry.options.get("name") or entry.key, entry.value


_GENERIC_KEYS = re.compile(
    r"configuration|appenders?|encoder|(?:pattern)?layout|(?:default|conversion)?pattern|logging|formatters?|format|fmt|log4j|property|properties"
    r"|text_format(?:_source)?|inline_string|data|access_?log_?format|logformat"
)


def _name_in_tree(key: str) -> str:
    """What of a dotted key tells it from others: ``logging.pattern.console`` → ``console``."""
    parts = [part for part in re.split(r"[.:]|formatters?_", key) if part and not _GENERIC_KEYS.fullmatch(part)]
    return "_".join(parts[-2:])


def fill_placeholders(text: str, values: Mapping[str, str], language: Language) -> str:
    """The text with every ``${name}``, ``${sys:name}`` and ``${name:-default}`` filled by the file, by the language's
    table, or by its default; one that nothing fills becomes a value of unknown text."""
    if "${" in text and language.placeholders and len(text) <= FORMAT_CAP:
        for _ in range(NESTED_PLACEHOLDERS):
            filled = _PLACEHOLDER.sub(lambda found: _fill(found[1], values, language), text)
            if filled == text or len(filled) > FORMAT_CAP:
                break
            text = filled
    return text


_PLACEHOLDER = re.compile(r"\$\{([^${}]*+(?:\{[^${}]*+\}[^${}]*+)*+)\}")
"""Innermost first: what a default holds is filled before it."""


def _fill(inside: str, values: Mapping[str, str], language: Language) -> str:
    name, dash, default = inside.partition(":-")
    if (
        not dash
        and re.fullmatch(r"[^:]*:[^:]*", name)
        and not re.match(r"(?:sys|env|ctx|bundle|spring|main|java|map|sd|web):", name)
    ):
        name, dash, default = name.partition(":")  # Spring: ${name:default}
    plain = name.rpartition(":")[2]
    for key in (name, plain):
        if key in values:
            return values[key][:FORMAT_CAP]
    for key in (name, plain):
        if key in language.placeholders:
            return language.placeholders[key]
    return default if dash else f"%property{{{re.sub(r'[^A-Za-z0-9_.-]', '', plain)}}}"
