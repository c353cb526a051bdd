"""A layout string to its parts: text and directives. The only module of this room that knows Lark.

Each language is a Lark grammar whose rules have the same few names: ``text``, ``escape``, ``directive`` (``sample``),
``group``; so one reading serves all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from reconstruct.errors import GrammarError
from reconstruct.layouts.languages import layouts_directory

DEEPEST = 16
"""Levels of groups; a layout nested deeper was made to be a nuisance."""


@dataclass(frozen=True, slots=True)
class Text:
    """What is written as it stands; of an escape, with its backslash or doubled sign."""

    text: str
    column: int
    """1-based"""
    escape: bool = False


@dataclass(frozen=True, slots=True)
class Directive:
    """A place in the layout that is filled for each line."""

    name: str
    arguments: tuple[str, ...]
    padding: str
    """as written: ``-5.5``"""
    flags: str
    column: int
    inside: tuple[Part, ...] | None = None
    """the parts of a group in parentheses; None for a plain directive"""


Part = Text | Directive


def read_parts(grammar: str, layout: str, place: str) -> tuple[Part, ...]:
    """The parts of a layout in the language of ``layouts/<grammar>.lark``.

    ``place`` says in errors where the layout stands.
    Raises: GrammarError with a caret when it is not of the language.
    """
    if _depth(layout) > DEEPEST:
        raise locate_layout_error(layout, place, f"nested more than {DEEPEST} deep", 1)
    try:
        tree = _parser(grammar).parse(layout)
    except UnexpectedInput as error:
        column = error.pos_in_stream + 1 if error.pos_in_stream is not None else len(layout) + 1
        if isinstance(getattr(error, "token", None), Token) and error.token.type == "$END":  # type: ignore[attr-defined]
            column = len(layout) + 1
        message = "it ends in the middle of a directive" if column > len(layout) else "not expected here"
        raise locate_layout_error(layout, place, message, column, hint=_expected(error)) from None
    parts = tuple(_read_children(tree))
    if any(terminal.name == "OPTION" for terminal in _parser(grammar).terminals):
        _refuse_open_braces(parts, layout, place)
    return parts


def _refuse_open_braces(parts: tuple[Part, ...], layout: str, place: str) -> None:
    """A brace right behind a directive that is no option is one that was never closed."""
    for part, following in pairwise(parts):
        if isinstance(part, Directive) and isinstance(following, Text) and following.text.startswith("{"):
            raise locate_layout_error(
                layout, place, f"the brace after %{part.name} is never closed", following.column, 'expected "}"'
            )


def locate_layout_error(layout: str, place: str, message: str, column: int, hint: str = "") -> GrammarError:
    """An error in a layout, with a caret under the column (1-based)."""
    shown = "".join(char if char.isprintable() else " " for char in layout)
    caret = " " * (column - 1) + "^"
    text = f"{place}, column {column}: {message}\n  {shown}\n  {caret}"
    return GrammarError(text, path=place, line=1, column=column, hint=hint)


@lru_cache(maxsize=16)
def _parser(grammar: str) -> Lark:
    text = (layouts_directory() / f"{grammar}.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="contextual", propagate_positions=True, maybe_placeholders=False)


def _depth(layout: str) -> int:
    depth = deepest = 0
    for char in layout:
        depth += (char in "({") - (char in ")}")
        deepest = max(deepest, depth)
    return deepest


_SPOKEN = {
    "NAME": "a name", "ARGUMENT": "an argument", "TYPE": "a conversion such as s or d", "RBRACE": '"}"', "RPAR": '")"', "RSQB": '"]"',
    "PERCENT": '"%"', "LBRACE": '"{"', "CLOSE": '")"', "QUOTED": "a closing quote", "FLAG": "a flag", "LENGTH": "a length",
}  # fmt: skip


def _expected(error: UnexpectedInput) -> str:
    names = getattr(error, "accepts", None) or getattr(error, "allowed", None) or getattr(error, "expected", None) or ()
    spoken = sorted({_SPOKEN[name] for name in names if name in _SPOKEN})
    return "expected " + " or ".join(spoken) if spoken else ""


def _read_children(tree: Tree[Token]) -> list[Part]:
    parts: list[Part] = []
    for child in tree.children:
        if isinstance(child, Tree):
            parts.append(_read_part(child))
        elif child.type in ("OPEN", "CLOSE"):  # a parenthesis that opens no group
            parts.append(Text(str(child), child.column or 1))
    return parts


def _read_part(tree: Tree[Token]) -> Part:
    column = tree.meta.column
    tokens = [child for child in tree.children if isinstance(child, Token)]
    if tree.data in ("text", "inner", "quoted"):
        text = str(tokens[0])
        return Text(text[1:-1] or "'" if tree.data == "quoted" else text, column)
    if tree.data == "escape":
        return Text(str(tokens[0]), column, escape=True)
    said = {token.type: str(token) for token in tokens}
    arguments = [str(token) for token in tokens if token.type == "ARGUMENT"]
    arguments += [str(token)[1:-1] for token in tokens if token.type == "OPTION"]
    inside = None
    if tree.data == "group":
        opened = next(at for at, child in enumerate(tree.children) if getattr(child, "type", "") == "OPEN")
        closed = max(at for at, child in enumerate(tree.children) if getattr(child, "type", "") == "CLOSE")
        inside = tuple(_read_children(Tree("group", tree.children[opened + 1 : closed])))
    flags = "".join(said.get(name, "") for name in ("FLAGS", "FLAG", "CONDITION", "SPEC"))
    name = "sample" if tree.data == "sample" else said.get("WIDTH", "") + said.get("NAME", "")
    return Directive(name, tuple(arguments), said.get("PADDING", ""), flags, column, inside)
