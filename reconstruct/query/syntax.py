"""A query as a tree, and back to text. What names mean is not known here: see ``fields`` and ``compiling``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_LENGTH = 4096
"""Characters of a query; nobody types more, and each costs work in the database."""
MAX_DEPTH = 32
"""Levels of groups and negations: the tree is read, and the database plans it, by recursion."""
MAX_CONDITIONS = 64
"""Conditions and words: each looks at a table or more, and planning grows faster than their number."""

KEYWORDS = frozenset(("and", "or", "not"))

_PLAIN_WORD = re.compile(r"(?!\.\.|!=)[^\s()\",:=<>-][^\s()\"]*|-")
_PLAIN_VALUE = re.compile(r"(?!=)(?:(?!\.\.)[^\s(),\"])+")
_LIKE_A_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\s*(?:!=|[:=<>])")
_URL = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*://")


@dataclass(frozen=True, slots=True)
class Single:
    """One value, as written but for its quotes."""

    text: str
    quoted: bool = False
    """its stars are taken literally; False where there is none"""
    column: int = field(default=1, compare=False)
    """1-based"""


@dataclass(frozen=True, slots=True)
class Range:
    """``low..high``, both included; None: open."""

    low: Single | None
    high: Single | None

    @property
    def column(self) -> int:
        return (self.low or self.high or Single("")).column


Value = Single | Range


@dataclass(frozen=True, slots=True)
class Text:
    """Words that stand somewhere in a journey."""

    text: str
    quoted: bool = False
    """as for a value"""
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Condition:
    """``name:value,value``"""

    name: str
    operator: str
    """one of ``: = != < <= > >=``"""
    values: tuple[Value, ...]
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Group:
    """``step(…)``: conditions on one and the same thing."""

    name: str
    inside: Node
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    inside: Node


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Node, ...]
    """two or more"""


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Node, ...]
    """two or more"""


Node = Text | Condition | Group | Not | And | Or


def render(node: Node | None) -> str:
    """The text of a query; reading it again gives the same tree.

    >>> render(And((Condition("outcome", ":", (Single("failed"),)), Not(Text("card declined", True)))))
    'outcome:failed -"card declined"'
    """
    match node:
        case None:
            return ""
        case Or(parts):
            return " or ".join(_within(part, Or) for part in parts)
        case And(parts):
            return " ".join(_within(part, And) for part in parts)
        case Not(inside):
            return "-" + _within(inside, Not)
        case Group(name, inside):
            return f"{name}({render(inside)})"
        case Condition(name, operator, values):
            return f"{name}{operator}{','.join(map(_render_value, values))}"
        case Text(text, quoted):
            return _quote(text) if quoted or not is_plain_word(text) else text


def is_allowed(node: Node) -> bool:
    """Whether the text of a query could be read again: its length, its conditions and its levels are within bounds."""
    conditions, depth = _extent(node)
    return conditions <= MAX_CONDITIONS and depth <= MAX_DEPTH and len(render(node)) <= MAX_LENGTH


def _extent(node: Node) -> tuple[int, int]:
    """Number of conditions and words; levels."""
    match node:
        case Or(parts) | And(parts):
            inside = [_extent(part) for part in parts]
        case Not(one) | Group(_, one):
            inside = [_extent(one)]
        case _:
            return 1, 0
    return sum(conditions for conditions, _ in inside), 1 + max(depth for _, depth in inside)


def _within(node: Node, outer: type[And] | type[Or] | type[Not]) -> str:
    """A part with parentheses where it would be read otherwise without them."""
    loose = isinstance(node, And | Or) and not (outer is Or and isinstance(node, And))
    return f"({render(node)})" if loose else render(node)


def _render_value(value: Value) -> str:
    match value:
        case Single(text, quoted):
            return _quote(text) if quoted or not is_plain_value(text) else text
        case Range(low, high):
            least = "" if low is None else _quote(low.text) if low.text.endswith(".") else _render_value(low)
            return f"{least}..{_render_value(high) if high else ''}"


def is_plain_word(text: str) -> bool:
    """Whether a word of free text is read as one without quotes."""
    if not _PLAIN_WORD.fullmatch(text) or text.lower() in KEYWORDS:
        return False
    return bool(_URL.match(text)) or not _LIKE_A_FIELD.match(text)


def is_plain_value(text: str) -> bool:
    """Whether a value is read as one without quotes."""
    return bool(_PLAIN_VALUE.fullmatch(text))


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
