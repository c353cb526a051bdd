"""What authors of grammars get wrong most often, said in their terms: where it is, what is wrong, what to write instead.

Lark says "unexpected input"; what a person who writes a first grammar needs to hear is that text stands in double quotes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from reconstruct.errors import GrammarError
from reconstruct.grammar.definition import Definition, locate_error, read_declarations

SYNTAX = "the syntax of grammars: https://lark-parser.readthedocs.io/en/stable/grammar.html"

LIBRARY = "common"
"""The one file a format may import from."""

_IMPORT = re.compile(r"%import\s+(\.?[\w.]+)\s*(?:\(([^)]*)\))?", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"i?')
_PATTERN = re.compile(r"/(?!/)(?:\\.|[^/\\\n])+/[imslux]*")
_COMMENT = re.compile(r"//.*")
_CLOSING = {")": "(", "]": "["}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong; ``line`` and ``column`` are 1-based."""

    line: int
    column: int
    message: str
    hint: str


def check_imports(definition: Definition, known: Collection[str]) -> None:
    """Refuse what cannot be imported. ``known``: what the library declares.

    Raises:
        GrammarError: a name that is not there, another file than the library, or all of it at once.
    """
    for found in _IMPORT.finditer(_without_comments(definition.text)):
        source, names = found[1].removeprefix("."), found[2]
        library, _, one = source.partition(".")
        at = found.start(1)
        if library != LIBRARY:
            raise _error(
                definition, at, f"there is no {library} to import from", "types come from common: %import common (NAME)"
            )
        if names is None and not one:
            raise _error(definition, at, "what is imported must be named", "%import common (ISO8601, REST)")
        wanted = [(one, found.start(1) + found[1].rindex(one))] if one else _names(names, found.start(2))
        for name, place in wanted:
            if name not in known:
                raise _error(
                    definition, place, f"common.lark has no {name}", _meant(name, known, "types: grammars/common.lark")
                )


def explain_undefined(definition: Definition, name: str, known: Collection[str]) -> tuple[str, str]:
    """Message and hint for a name that is used and nowhere declared. ``known``: what the library declares."""
    own = read_declarations(definition.text)
    if name in known:
        return f"{name} is not imported", f"add it: {_import_with(definition.text, name)}"
    if name.upper() in own or name.lower() in own:
        other = name.upper() if name.upper() in own else name.lower()
        return f"{name} is not declared, {other} is", "capitals are fields and types, small letters are rules"
    what = "type or field" if name.isupper() else "rule"
    return f"no {what} is called {name}", _meant(name, {*own, *known}, f"declare it, as in {name}: WORD")


def explain_syntax(text: str, line: int, column: int) -> Mistake:
    """What is wrong where Lark stopped reading."""
    lines = text.split("\n")
    content = lines[line - 1] if 0 < line <= len(lines) else ""
    for mistake in _look_at_line(content, line, column):
        return mistake
    opened = _find_open(content)
    if opened is not None:
        return Mistake(line, opened + 1, f"{content[opened]} is not closed", "close it on the same line")
    return Mistake(line, column, "not expected here", SYNTAX)


def _look_at_line(content: str, line: int, column: int) -> Iterator[Mistake]:
    """Usual slips in a line, the surest first."""
    bare = _blank(_blank(content, _STRING), _PATTERN)
    head = re.match(r"\s*[!?]*([A-Za-z_][\w-]*)\s*(\S?)", bare)
    if '"' in bare:
        yield Mistake(
            line, bare.rindex('"') + 1, "a quote is not closed", 'text stands in double quotes; a quote in it is \\"'
        )
    if "'" in bare:
        yield Mistake(line, bare.index("'") + 1, "text stands in double quotes", "write \" where it says '")
    if head and head[2] in ("=", "-") and column <= head.end():
        yield Mistake(line, head.start(2) + 1, "a name is followed by a colon", f"{head[1]}: ...")
    for name in _NAME.finditer(bare.partition("%")[0] if bare.startswith("%") else bare):
        after = bare[name.end() : name.end() + 2]
        if re.match(r"-\w", after):
            yield Mistake(
                line, name.end() + 1, "a name has letters, digits and underscores only", "write _ instead of -"
            )
        if not (name[0].isupper() or name[0].islower()) and re.search(r"[A-Z]", name[0]):
            yield Mistake(
                line,
                name.start() + 1,
                f"{name[0]} mixes capitals and small letters",
                f"{name[0].upper()} is a field, {name[0].lower()} a rule",
            )
    if head and head[2] not in (":", "", "{", ".") and not bare.lstrip().startswith(("%", "|")) and head.start(1) == 0:
        yield Mistake(line, head.end(1) + 1, "a name is followed by a colon", f"{head[1]}: ...")
    if re.search(r"/\w*/", content) and column <= len(content) and content.count("/") > 2 and "/" in bare:
        yield Mistake(line, bare.rindex("/") + 1, "a slash ends the pattern", r"inside a pattern write \/ for a slash")
    for number, character in enumerate(bare):
        if character in _CLOSING and _CLOSING[character] not in bare[:number]:
            yield Mistake(
                line, number + 1, f"{character} closes nothing", f"remove it, or open it with {_CLOSING[character]}"
            )


def find_pattern(text: str, line: int) -> int:
    """Column of the first pattern in a line; 1 when it has none."""
    lines = text.split("\n")
    found = _PATTERN.search(_blank(lines[line - 1], _STRING)) if 0 < line <= len(lines) else None
    return found.start() + 1 if found else 1


def find_unused(definition: Definition) -> list[Mistake]:
    """Terminals and rules that are declared and not used."""
    own = read_declarations(definition.text)
    used = {"start", *(name for declaration in own.values() for name in declaration.mentions)}
    return [
        Mistake(one.line, one.column, f"{name} is declared and not used", f"put {name} into start, or remove it")
        for name, one in own.items()
        if name not in used
    ]


def find_twice(text: str, name: str) -> tuple[int, int] | None:
    """Where a name is declared for the second time."""
    places = [
        (number, found.start(1) + 1)
        for number, line in enumerate(text.split("\n"), 1)
        if (found := re.match(rf"[!?]*({re.escape(name)})(?:\.-?\d+)?\s*:", line))
    ]
    return places[1] if len(places) > 1 else None


def nearest_header(text: str, keys: Iterable[str]) -> tuple[int, str, str] | None:
    """A line of the header whose key is nearly one that is known: its number, its key, the key that was meant."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.startswith("//"):
            return None
        found = re.match(r"//\s*([\w-]+)\s*:", line)
        if found and found[1] not in keys:
            near = get_close_matches(found[1].replace("-", "_").lower(), list(keys), 1, 0.7)
            if near:
                return number, found[1], near[0]
    return None


def _meant(name: str, known: Collection[str], otherwise: str) -> str:
    near = get_close_matches(name, sorted(known), 1) or get_close_matches(name.upper(), sorted(known), 1)
    return f"did you mean {near[0]}?" if near else otherwise


def _import_with(text: str, name: str) -> str:
    found = re.search(r"^%import\s+\.?common\s*\(([^)]*)\)", text, re.MULTILINE)
    names = [each.strip() for each in found[1].split(",")] if found else []
    return f"%import common ({', '.join([*filter(None, names), name])})"


def _names(listed: str, start: int) -> list[tuple[str, int]]:
    return [(found[0], start + found.start()) for found in re.finditer(r"\w+", listed)]


def _error(definition: Definition, at: int, message: str, hint: str) -> GrammarError:
    before = definition.text[:at]
    line, column = before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
    return locate_error(definition.text, definition.path, message, line=line, column=column, hint=hint)


def _without_comments(text: str) -> str:
    """The text with comments blanked, every character in its place."""
    return "\n".join(
        " " * len(line) if line.lstrip().startswith("//") else _blank(line, _COMMENT) for line in text.split("\n")
    )


def _blank(line: str, what: re.Pattern[str]) -> str:
    return what.sub(lambda found: " " * len(found[0]), line)


def _find_open(content: str) -> int | None:
    """The last bracket of a line that nothing closes."""
    waiting: list[int] = []
    for number, character in enumerate(_blank(_blank(_blank(content, _STRING), _PATTERN), _COMMENT)):
        if character in _CLOSING.values():
            waiting.append(number)
        elif character in _CLOSING and waiting:
            waiting.pop()
    return waiting[-1] if waiting else None
