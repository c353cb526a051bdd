"""What is wrong with a grammar file, said to its author: the checks behind ``formats check`` and the test suite."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from random import Random

from reconstruct.errors import GrammarError
from reconstruct.grammar.compiler import compile_definition
from reconstruct.grammar.definition import (
    HEADER_KEYS,
    Definition,
    find_mention,
    locate_error,
    read_declarations,
    read_definition,
)
from reconstruct.grammar.generation import LineMaker, mutate_line
from reconstruct.grammar.lark_engine import LarkMatcher
from reconstruct.grammar.matcher import Matcher, matcher_for
from reconstruct.grammar.mistakes import Mistake, find_unused, nearest_header
from reconstruct.grammar.wording import say_expected

MADE_LINES = 40
"""Lines made from the grammar for one check. Of a grammar that works most match; 40 tell "none" from "few"."""

SEED = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to change."""

    message: str
    line: int = 0
    """1-based line of the grammar file; 0 when it has no single place"""
    column: int = 0
    hint: str = ""


def check_definition(
    path: Path, samples: Sequence[str] = (), known: Collection[str] | None = None, made_lines: int = MADE_LINES
) -> list[Problem]:
    """Everything that is wrong with a grammar file; empty when it is fine.

    ``samples`` are lines that must match; without them, the lines of a ``.log`` file of the same name beside the grammar.
    ``known`` are the ids of all formats, for ``wins_over``. ``made_lines`` lines are made from the grammar itself.
    """
    try:
        definition = read_definition(path)
        plan = compile_definition(definition)
        lark = LarkMatcher(plan)
    except GrammarError as error:
        return [Problem(error.message, error.line, error.column, error.hint)]
    problems = [
        _explain_reference(definition, "wins_over", name, known)
        for name in definition.wins_over
        if known is not None and name not in known
    ]
    if known is not None and definition.below and definition.below not in known:
        problems.append(_explain_reference(definition, "below", definition.below, known))
    problems += _check_header(definition)
    problems += [_place(definition, one) for one in find_unused(definition)]
    matcher = matcher_for(plan)
    lines = list(samples) or _lines_beside(path)
    problems += [
        _explain_miss(lark, number, line) for number, line in enumerate(lines, 1) if not _matches(matcher, line)
    ]
    made = make_lines(lark, made_lines)
    if not any(_matches(matcher, line) for line in made):
        problems.append(_explain_none(definition, lark, made))
    problems += compare_engines(matcher, lark, [*lines, *made])
    return problems


def make_lines(lark: LarkMatcher, count: int = MADE_LINES, seed: int = SEED) -> list[str]:
    """Lines made from the grammar, the same ones every time."""
    maker, random = LineMaker(lark), Random(seed)
    return [maker.make(random) for _ in range(count)]


def compare_engines(matcher: Matcher, lark: LarkMatcher, lines: Sequence[str]) -> list[Problem]:
    """The first of the lines, or of their mutations, about which the two engines differ."""
    random = Random(SEED)
    for line in [*lines, *(mutate_line(line, random) for line in lines for _ in range(2))]:
        if "\n" in line or "\r" in line:
            continue
        by_regex, by_lark = matcher.match_line(line), lark.match_line(line)
        if by_regex != by_lark:
            return [
                Problem(
                    f"can be read in two ways: {line!r}\n  {by_regex}\n  {by_lark}",
                    hint="let alternatives begin differently, or put the more specific one first",
                )
            ]
    return []


def _explain_reference(definition: Definition, key: str, name: str, known: Collection[str]) -> Problem:
    """A key of the header that names a format which does not exist."""
    lines = definition.text.split("\n")
    line = next((i for i, text in enumerate(lines, 1) if re.match(rf"//\s*{key}:", text)), 1)
    near = get_close_matches(name, sorted(known), 1)
    return _place(
        definition,
        Mistake(
            line,
            max(0, lines[line - 1].find(name)) + 1,
            f"{key} names {name}, which is no format",
            f"did you mean {near[0]}?" if near else "reconstruct formats list names them",
        ),
    )


def _check_header(definition: Definition) -> list[Problem]:
    found = nearest_header(definition.text, HEADER_KEYS)
    if found is None:
        return []
    line, key, meant = found
    column = definition.text.split("\n")[line - 1].find(key) + 1
    return [_place(definition, Mistake(line, column, f"the header has no key {key}", f"did you mean {meant}?"))]


def _place(definition: Definition, mistake: Mistake) -> Problem:
    error = locate_error(
        definition.text, definition.path, mistake.message, line=mistake.line, column=mistake.column, hint=mistake.hint
    )
    return Problem(error.message, error.line, error.column, error.hint)


def _matches(matcher: Matcher, line: str) -> bool:
    return matcher.match_line(line) is not None


def _lines_beside(path: Path) -> list[str]:
    beside = path.with_suffix(".log")
    if not beside.is_file():
        return []
    return [line for line in beside.read_text(encoding="utf-8", errors="replace").split("\n") if line]


def _explain_miss(lark: LarkMatcher, number: int, line: str) -> Problem:
    found = lark.explain(line)
    caret = " " * (found.column - 1) + "^"
    return Problem(
        f"sample line {number} does not match from column {found.column}\n  {line}\n  {caret}",
        hint="expected " + "; or ".join(say_expected(lark.plan, label) for label in found.expected),
    )


def _explain_none(definition: Definition, lark: LarkMatcher, made: Sequence[str]) -> Problem:
    """Why no line made from the grammar matches it: nearly always a terminal that eats what should follow it."""
    found, line = max(((lark.explain(line), line) for line in made), key=lambda pair: pair[0].column)
    start = read_declarations(definition.text)["start"]
    wanted = found.expected[0] if found.expected else ""
    row, column = find_mention(definition.text, start, wanted)
    caret = " " * (found.column - 1) + "^"
    return Problem(
        "no line made from the grammar matches it: a terminal takes what should follow it\n"
        f"  {line}\n  {caret} expected {'; or '.join(say_expected(lark.plan, label) for label in found.expected)}",
        row,
        column,
        "use a type that stops before the delimiter, as UNTIL_COLON",
    )
