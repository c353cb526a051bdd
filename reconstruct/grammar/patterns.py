"""Terminal patterns as trees: read with Python's own regular-expression parser, written back in a tighter form.

The tree is what proofs work on (``linear.py``). Reading makes two things exact that a pattern leaves open: ``\\d \\s
\\w`` and ``(?i)`` are ASCII, and no character set holds the line end, so a block of lines can be matched as one text.
"""

from __future__ import annotations

import re
import re._parser as sre  # type: ignore[import-not-found]  # the only parser that agrees with re in every corner
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from reconstruct.grammar import characters as ch
from reconstruct.grammar.characters import Ranges


class PatternError(ValueError):
    """The pattern uses something that has no linear-time meaning; the message says what."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of a set."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Seq:
    """One after the other; the empty sequence matches the empty text."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """The first that matches."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """Its item several times."""

    item: Node
    low: int
    high: int | None
    """None is without limit"""
    mode: str = "greedy"
    """``greedy``, ``lazy`` or ``possessive``"""


@dataclass(frozen=True, slots=True)
class Atomic:
    """As its item, without going back into it."""

    item: Node


@dataclass(frozen=True, slots=True)
class Capture:
    """The part of a terminal that is its value."""

    item: Node


@dataclass(frozen=True, slots=True)
class Look:
    """A look ahead or behind; consumes nothing."""

    item: Node
    ahead: bool
    negative: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """A place: ``^``, ``$``, ``\\b`` or ``\\B``; consumes nothing."""

    text: str


Node = Chars | Seq | Alt | Repeat | Atomic | Capture | Look | Edge

EMPTY = Seq(())

Spelling = tuple[str | None, ...]
"""Characters that stand in every match, in order; None where others may stand between."""


def spell(node: Node) -> Spelling:
    """The characters that every match of a pattern has."""
    match node:
        case Chars(ranges):
            (low, high), *more = ranges or ((0, 1),)
            return (chr(low),) if low == high and not more else (None,)
        case Seq(items):
            return tuple(character for item in items for character in spell(item))
        case Repeat(item, low):
            return (None, *spell(item), None) if low else (None,)
        case Atomic(item) | Capture(item):
            return spell(item)
        case Look() | Edge():
            return ()
        case Alt():
            return (None,)


@cache
def read_pattern(pattern: str) -> Node:
    """The tree of a regular expression.

    Raises:
        PatternError: back references, conditionals, or a pattern ``re`` itself refuses.
    """
    try:
        parsed = sre.parse(pattern, re.ASCII)
    except re.error as error:
        raise PatternError(f"not a regular expression: {error}") from None
    return _read_sequence(parsed, bool(parsed.state.flags & re.IGNORECASE))


def _read_sequence(items: Any, fold: bool) -> Node:
    return sequence(_read_item(str(code), argument, fold) for code, argument in items)


def _read_item(code: str, argument: Any, fold: bool) -> Node:
    if code in _SETS:
        return Chars(_without_line_end(_SETS[code](argument), fold))
    if code == "IN":
        return Chars(_without_line_end(_read_class(argument, fold), False))
    if code == "BRANCH":
        return Alt(tuple(_read_sequence(item, fold) for item in argument[1]))
    if code in _REPEATS:
        low, high, item = argument
        return Repeat(_read_sequence(item, fold), low, None if high == sre.MAXREPEAT else int(high), _REPEATS[code])
    if code == "SUBPATTERN":
        group, add, remove, item = argument
        fold = (fold or bool(add & re.IGNORECASE)) and not remove & re.IGNORECASE
        inner = _read_sequence(item, fold)
        return inner if group is None else Capture(inner)
    if code == "ATOMIC_GROUP":
        return Atomic(_read_sequence(argument, fold))
    if code in ("ASSERT", "ASSERT_NOT"):
        direction, item = argument
        return Look(_read_sequence(item, fold), direction > 0, code == "ASSERT_NOT")
    if code == "AT" and str(argument) in _EDGES:
        return Edge(_EDGES[str(argument)])
    raise PatternError(f"{_NAMES.get(code, code)} cannot be matched in linear time; say it without")


_REPEATS = {"MAX_REPEAT": "greedy", "MIN_REPEAT": "lazy", "POSSESSIVE_REPEAT": "possessive"}
_EDGES = {"AT_BEGINNING": "^", "AT_END": "$", "AT_BOUNDARY": r"\b", "AT_NON_BOUNDARY": r"\B"}
_NAMES = {"GROUPREF": "a back reference", "GROUPREF_EXISTS": "a conditional group", "AT": r"\A or \Z"}
_SETS: dict[str, Callable[[Any], Ranges]] = {
    "LITERAL": lambda code: ((code, code),),
    "NOT_LITERAL": lambda code: ch.complement(((code, code),)),
    "ANY": lambda _: ch.complement(ch.NEWLINE),
}
_CATEGORIES: dict[str, Ranges] = {
    "CATEGORY_DIGIT": ch.DIGITS,
    "CATEGORY_NOT_DIGIT": ch.complement(ch.DIGITS),
    "CATEGORY_SPACE": ch.BLANKS,
    "CATEGORY_NOT_SPACE": ch.complement(ch.BLANKS),
    "CATEGORY_WORD": ch.WORD_CHARACTERS,
    "CATEGORY_NOT_WORD": ch.complement(ch.WORD_CHARACTERS),
}


def _read_class(items: Any, fold: bool) -> Ranges:
    ranges: list[tuple[int, int]] = []
    negated = False
    for code, argument in items:
        match str(code):
            case "NEGATE":
                negated = True
            case "LITERAL":
                ranges.append((argument, argument))
            case "RANGE":
                ranges.append(argument)
            case "CATEGORY":
                ranges.extend(_CATEGORIES[str(argument)])
    united = ch.unite(ranges)
    if fold:
        united = ch.fold_case(united)
    return ch.complement(united) if negated else united


def _without_line_end(ranges: Ranges, fold: bool) -> Ranges:
    ranges = ch.intersect(ch.fold_case(ranges) if fold else ranges, ch.complement(ch.NEWLINE))
    if not ranges:
        raise PatternError("a line end is never inside a line; leave it out")
    return ranges


def sequence(items: Iterator[Node] | list[Node]) -> Node:
    """One after the other, nested sequences flattened."""
    flat: list[Node] = []
    for item in items:
        flat.extend(item.items if isinstance(item, Seq) else (item,))
    return flat[0] if len(flat) == 1 else Seq(tuple(flat))


@cache
def width(node: Node) -> tuple[int, int | None]:
    """The least and the greatest number of characters; None is without limit."""
    match node:
        case Chars():
            return 1, 1
        case Look() | Edge():
            return 0, 0
        case Atomic(item) | Capture(item):
            return width(item)
        case Seq(items):
            widths = [width(item) for item in items]
            return sum(low for low, _ in widths), _add(high for _, high in widths)
        case Alt(items):
            widths = [width(item) for item in items]
            highs = [high for _, high in widths if high is not None]
            return min(low for low, _ in widths), max(highs) if len(highs) == len(widths) else None
        case Repeat(item, low, high):
            least, greatest = width(item)
            if greatest == 0 or high == 0:
                return 0, 0
            return least * low, None if high is None or greatest is None else greatest * high


def _add(numbers: Iterator[int | None]) -> int | None:
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


@cache
def first_characters(node: Node) -> Ranges:
    """The characters a match may begin with. A node that may be empty adds nothing for that."""
    match node:
        case Chars(ranges):
            return ranges
        case Look() | Edge():
            return ()
        case Atomic(item) | Capture(item):
            return first_characters(item)
        case Repeat(item, _, high):
            return () if high == 0 else first_characters(item)
        case Alt(items):
            return ch.unite(r for item in items for r in first_characters(item))
        case Seq(items):
            found: list[tuple[int, int]] = []
            for item in items:
                found.extend(first_characters(item))
                if width(item)[0] > 0:
                    break
            return ch.unite(found)


def captures(node: Node) -> int:
    """How many capturing groups one match may fill: alternatives count once, repetition counts as many."""
    match node:
        case Capture(item):
            return 1 + captures(item)
        case Seq(items):
            return sum(map(captures, items))
        case Alt(items):
            return max(map(captures, items))
        case Repeat(item, _, _):
            return 2 * captures(item)
        case Atomic(item) | Look(item):
            return captures(item)
        case _:
            return 0


def looks_around(node: Node, *, behind: bool = False) -> bool:
    """Whether matching depends on text outside the match; with ``behind``, on text before it."""
    match node:
        case Look(_, ahead):
            return not (ahead and behind)
        case Edge(text):
            return text != "$" or not behind
        case Seq(items) | Alt(items):
            return any(looks_around(item, behind=behind) for item in items)
        case Repeat(item) | Atomic(item) | Capture(item):
            return looks_around(item, behind=behind)
        case _:
            return False


def looks_while_empty(node: Node) -> bool:
    """Whether the node may match the empty text on the condition of a look."""
    match node:
        case Look() | Edge():
            return True
        case Atomic(item) | Capture(item) | Repeat(item):
            return width(item)[0] == 0 and looks_while_empty(item)
        case Seq(items):
            return width(node)[0] == 0 and any(map(looks_while_empty, items))
        case Alt(items):
            return any(map(looks_while_empty, items))
        case Chars():
            return False


def write_pattern(node: Node, group: Callable[[], str] | None = None) -> str:
    """The tree as a regular expression. ``group`` names the next capturing group; without it, none captures."""
    match node:
        case Chars(ranges):
            return ch.write_set(ranges)
        case Seq(items):
            return "".join(_write_part(item, group) for item in items)
        case Alt(items):
            return "|".join(write_pattern(item, group) for item in items)
        case Repeat(item, low, high, mode):
            inner = write_pattern(item, group)
            if not isinstance(item, Chars):
                inner = f"(?:{inner})"
            return inner + _write_count(low, high, mode)
        case Atomic(item):
            return f"(?>{write_pattern(item, group)})"
        case Capture(item):
            inner = write_pattern(item, group)
            return f"(?:{inner})" if group is None else f"(?P<{group()}>{inner})"
        case Look(item, ahead, negative):
            return f"(?{'' if ahead else '<'}{'!' if negative else '='}{write_pattern(item)})"
        case Edge(text):
            return text


def _write_part(node: Node, group: Callable[[], str] | None) -> str:
    text = write_pattern(node, group)
    return f"(?:{text})" if isinstance(node, Alt) else text


def _write_count(low: int, high: int | None, mode: str) -> str:
    if low == high:
        return "" if low == 1 else f"{{{low}}}"
    count = {(0, 1): "?", (0, None): "*", (1, None): "+"}.get((low, high))
    if count is None:
        count = f"{{{low},{'' if high is None else high}}}"
    return count + {"greedy": "", "lazy": "?", "possessive": "+"}[mode]


def check_captures(node: Node) -> None:
    """A terminal has one value.

    Raises:
        PatternError: several groups could be filled at once, or a match could fill none of them.
    """
    if captures(node) == 0:
        return
    if isinstance(node, Alt):
        for item in node.items:
            check_captures(item)
    elif captures(node) > 1 or not _always_captures(node):
        raise PatternError("each alternative may have one capturing group, outside repetition and options; use (?:...)")


def _always_captures(node: Node) -> bool:
    match node:
        case Capture():
            return True
        case Alt(items):
            return all(map(_always_captures, items))
        case Seq(items):
            return any(map(_always_captures, items))
        case Atomic(item):
            return _always_captures(item)
        case _:
            return False
