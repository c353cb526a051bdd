"""Text of a query to its tree, by ``grammars/query.lark``. The only module of this room that knows Lark."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput

from reconstruct.errors import QueryError
from reconstruct.query.syntax import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_LENGTH,
    And,
    Condition,
    Group,
    Node,
    Not,
    Or,
    Range,
    Single,
    Text,
    Value,
)  # fmt: skip
from reconstruct.resources import grammars_directory

SPOKEN = {
    "VALUE": "a value", "QUOTED": "a text in quotes", "WORD": "a word", "FIELD": "a condition", "GROUP": "a group",
    "OPERATOR": "one of : = != < <= > >=", "LPAR": '"("', "RPAR": '")"', "_COMMA": '","', "_TO": '".."', "_ON": '".."',
}  # fmt: skip
"""Terminals as the user would call them; the others go without saying."""

_ESCAPE = re.compile(r"\\([\s\S])")


def parse_query(text: str) -> Node | None:
    """The tree of a query; None when it says nothing, which everything matches. Raises QueryError."""
    _refuse_unfit(text)
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _explain(text, error) from None
    if not tree.children:
        return None
    return _Builder(text).build(_subtree(tree.children[0]), 1)


def _refuse_unfit(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise QueryError(
            f"the query has {len(text):,} characters", query="", hint=f"it may have {MAX_LENGTH:,}: say less"
        )
    place = next((at for at, char in enumerate(text) if char == "\0" or "\ud800" <= char <= "\udfff"), None)
    if place is not None:
        raise QueryError("this is no character", query=text, column=place + 1, hint="queries are UTF-8 without NUL")


@lru_cache(maxsize=1)
def _parser() -> Lark:
    text = (grammars_directory() / "query.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", lexer="contextual", propagate_positions=True, maybe_placeholders=False)


class _Builder:
    """Makes nodes of Lark's tree, counting them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._conditions = 0

    def build(self, tree: Tree[Token], depth: int) -> Node:
        column = tree.meta.column
        if depth > MAX_DEPTH:
            raise QueryError(
                "this is nested too deeply", query=self._text, column=column, hint=f"{MAX_DEPTH} levels are enough"
            )
        match str(tree.data):
            case "or" | "any":
                return Or(tuple(self._parts(tree.children, depth)))
            case "all":
                return And(tuple(self._parts(tree.children, depth)))
            case "negation":
                return Not(self.build(_subtree(tree.children[0]), depth + 1))
            case "group":
                return Group(str(tree.children[0]), self.build(_subtree(tree.children[1]), depth + 1), column)
            case "condition":
                name, operator, values = tree.children
                read = tuple(map(_read_value, _subtree(values).children))
                return self._count(Condition(str(name), str(operator), read, column), column)
            case _:
                single = _read_single(tree)
                return self._count(Text(single.text, single.quoted, column), column)

    def _parts(self, children: Iterable[Tree[Token] | Token], depth: int) -> Iterable[Node]:
        return [self.build(_subtree(child), depth + 1) for child in children]

    def _count(self, node: Node, column: int) -> Node:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            hint = "put words that belong together in quotes; a field takes a list: outcome:failed,abandoned"
            raise QueryError(f"more than {MAX_CONDITIONS} conditions", query=self._text, column=column, hint=hint)
        return node


def _subtree(child: Tree[Token] | Token) -> Tree[Token]:
    assert isinstance(child, Tree)
    return child


def _read_value(child: Tree[Token] | Token) -> Value:
    tree = _subtree(child)
    if tree.data == "single":
        return _read_single(tree)
    ends = [_read_single(_subtree(each)) for each in tree.children]
    if tree.data == "between":
        return Range(ends[0], ends[1])
    return Range(ends[0], None) if tree.data == "least" else Range(None, ends[0])


def _read_single(tree: Tree[Token]) -> Single:
    token = tree.children[0]
    assert isinstance(token, Token)
    if token.type == "QUOTED":
        literal = _ESCAPE.sub(r"\1", token[1:-1])
        return Single(literal, "*" in literal, token.column or 1)
    return Single(str(token), False, token.column or 1)


def _explain(text: str, error: UnexpectedInput) -> QueryError:
    """What is wrong, in the user's words."""
    at = error.pos_in_stream
    token = getattr(error, "token", None)
    if at is None or (isinstance(token, Token) and token.type == "$END"):
        at = len(text)
    if at < len(text) and text[at] == '"':
        return QueryError("this quote is never closed", query=text, column=at + 1, hint='close it with "')
    if isinstance(error, UnexpectedCharacters):
        names = error.allowed or set()
    else:
        names = getattr(error, "accepts", None) or getattr(error, "expected", None) or set()
    opened = text[:at].rstrip().endswith("(")
    if at < len(text) and text[at] == ")" and not opened and "VALUE" not in names:
        return QueryError(
            "nothing was opened that this closes",
            query=text,
            column=at + 1,
            hint="take it away, or quote what it is part of",
        )
    expected = "expected " + " or ".join(sorted({SPOKEN[name] for name in names if name in SPOKEN}))
    if {"VALUE", "QUOTED"} <= set(names) and "WORD" not in names:
        expected = "expected a value, as in outcome:failed; one with blanks or parentheses goes in quotes"
    elif "WORD" in names:
        expected = "expected a word or a condition such as outcome:failed; what is meant literally goes in quotes"
    reason = "the query ends too early" if at >= len(text) else f"{text[at]} is not expected here"
    return QueryError(reason, query=text, column=at + 1, hint=expected)
