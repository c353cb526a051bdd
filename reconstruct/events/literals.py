"""Objects as languages print them for people, read as the JSON they almost are.

``{'order_id': 17, 'paid': True, 'total': Decimal('12.50')}`` is what Python prints of a dictionary, ``{ orderId: 17, paid: true }`` what
Node's ``util.inspect`` does, ``{:order_id=>17, "paid"=>nil}`` Ruby's ``inspect``. The text is cut into tokens once, from left to right, and each
is written as JSON; what is none of them makes the whole text no object.
"""

from __future__ import annotations

import re

import orjson

LITERAL_CAP = 65_536
"""Characters of an object looked at: a page of nested ones, or one with a stack trace in it."""

_TOKEN = re.compile(
    r"'((?:[^'\\]|\\.)*+)'"
    r'|"((?:[^"\\]|\\.)*+)"'
    r"|(-?\d++(?:\.\d++)?(?:[eE][-+]?\d++)?)(?![\w.-])"
    r"|:?([A-Za-z_$][\w$.]*+)"
    r"|<[A-Za-z_][\w.]{0,80}: ('[^'\n<>]*'|-?\d+)>"
    r"|(=>|[{}\[\]():,])"
    r"|(\s++)"
    r"|(.)",
    re.DOTALL,
)
_TEXT, _QUOTED, _NUMBER, _WORD, _SHOWN, _SIGN, _BLANK = range(1, 8)
"""Groups of a token; shown: a member of an enumeration of Python, ``<Status.PAID: 'paid'>``."""

_WORDS = {
    "True": "true", "true": "true", "False": "false", "false": "false",
    "None": "null", "null": "null", "nil": "null", "undefined": "null", "NaN": "null",
}  # fmt: skip
_SIGNS = {"=>": ":", "(": "[", ")": "]"}

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


def load_literal(text: str) -> dict[str, object] | None:
    """The object that a text is; None when it is none.

    >>> load_literal("{'order_id': 17, 'total': Decimal('12.50'), 'items': [('A-1', 2)], 'note': None}")
    {'order_id': 17, 'total': '12.50', 'items': [['A-1', 2]], 'note': None}
    >>> load_literal("{ orderId: 17, customer: { name: 'O\\\\'Neil' } }"), load_literal('{:id=>17, "paid"=>true}')
    ({'orderId': 17, 'customer': {'name': "O'Neil"}}, {'id': 17, 'paid': True})
    >>> load_literal("{'broken': 17"), load_literal("{placeholder}")
    (None, None)
    """
    if len(text) > LITERAL_CAP:
        return None
    tokens = list(_TOKEN.finditer(text))
    written: list[str] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        kind = token.lastindex or 0
        at += 1
        if kind == _WORD and at < len(tokens) and tokens[at][0] == "(":
            stop = _find_end(tokens, at)
            written.append(_open_call(tokens[at + 1 : stop]))
            at = stop + 1
        elif kind == _SIGN:
            if token[0] in "}])" and written and written[-1] == ",":  # (1,)
                written.pop()
            written.append(_SIGNS.get(token[0], token[0]))
        elif kind == _SHOWN:
            written.append(_quote(token[_SHOWN].strip("'")))
        elif kind in (_TEXT, _QUOTED, _NUMBER, _WORD):
            written.append(_write(token))
        elif kind != _BLANK:
            return None
    try:
        value = orjson.loads("".join(written))
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _find_end(tokens: list[re.Match[str]], at: int) -> int:
    """Where the bracket at ``at`` is closed; the end where it is not."""
    depth = 0
    for place in range(at, len(tokens)):
        depth += (tokens[place][0] == "(") - (tokens[place][0] == ")")
        if depth == 0:
            return place
    return len(tokens)


def _open_call(inside: list[re.Match[str]]) -> str:
    """The one text or number that a call holds: ``Decimal('12.50')``, ``ObjectId("507f…")``; of several, all of them as a text."""
    if len(inside) == 1 and inside[0].lastindex in (_TEXT, _QUOTED, _NUMBER):
        return _write(inside[0])
    return _quote("".join(token[0] for token in inside))


def _write(token: re.Match[str]) -> str:
    """A text, number or word as JSON."""
    kind = token.lastindex or 0
    if kind == _NUMBER:
        return token[0]
    if kind == _WORD:
        return _WORDS.get(token[_WORD]) or _quote(token[_WORD])
    return _quote(_ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), token[kind]))


def _quote(text: str) -> str:
    return orjson.dumps(text.encode("utf-8", "replace").decode()).decode()
