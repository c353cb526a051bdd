"""Objects as languages print them for people: Node's ``util.inspect`` (``console.log``, winston's ``prettyPrint``), Python's ``repr``,
Ruby's ``inspect``.

They are JSON but for their spelling: keys without quotes, single quotes, ``undefined``, ``None`` and ``nil``, moments without quotes,
``Decimal('12.50')``, ``:paid=>true``, ``[Object]`` for what is left out. The text is cut into tokens once, from left to right, and each is
written as JSON; what is none of them makes the whole text no object. https://nodejs.org/api/util.html#utilinspectobject-options
"""

from __future__ import annotations

import json
import re

from reconstruct.events.lines import strip_terminal_codes

LITERAL_CAP = 65_536
"""Characters of an object looked at: a page of nested ones, or one with a stack trace in it."""

_TOKEN = re.compile(
    r"\s*+(?:(?P<text>'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\"|`(?:[^`\\]|\\.)*+`)"
    r"|<[A-Za-z_][\w.]{0,80}: (?P<member>'[^'\n<>]*+'|-?\d+)>"  # an enumeration's of Python
    r"|(?P<missing>\[(?:Object|Array|Getter|Setter|Circular|Function|AsyncFunction|class)[^\[\]]{0,200}\]|<[A-Z]\w{0,40}[^<>]{0,200}>)"
    r"|(?P<mark><ref \*\d+>|\.\.\. \d+ more \w+)"
    r"|(?:new )?[A-Za-z_][\w.]{0,60}\((?P<inside>(?:[^()'\"]++|'[^']*+'|\"[^\"]*+\"|\([^()]*+\))*+)\)"
    r"|(?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)"
    r"|\[Symbol\((?P<symbol>[\w.]{1,60})\)\]"
    r"|(?P<word>:?[A-Za-z_$][\w$]*+)"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)n?(?![\w.])"
    r"|(?P<sign>=>|[{}\[\]():,+]))",
    re.DOTALL,
)
_BLANK = re.compile(r"\s*+")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,6}\}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_CONSTANTS = {
    "true": "true", "false": "false", "True": "true", "False": "false",
    "null": "null", "undefined": "null", "None": "null", "nil": "null", "NaN": "null", "Infinity": "null",
}  # fmt: skip
_SIGNS = {"=>": ":", "(": "[", ")": "]"}


def load_literal(text: str) -> dict[str, object] | None:
    """The object that a text is; None when it is none.

    >>> load_literal("{ level: 'info', req: { url: '/cart', query: {} }, at: 2026-01-02T15:04:05.123Z, err: undefined }")
    {'level': 'info', 'req': {'url': '/cart', 'query': {}}, 'at': '2026-01-02T15:04:05.123Z', 'err': None}
    >>> load_literal("{'order_id': 17, 'total': Decimal('12.50'), 'items': [('A-1', 2)], 'note': None}")
    {'order_id': 17, 'total': '12.50', 'items': [['A-1', 2]], 'note': None}
    >>> load_literal("{ customer: { name: 'O\\\\'Neil' } }"), load_literal('{:id=>17, "paid"=>true}')
    ({'customer': {'name': "O'Neil"}}, {'id': 17, 'paid': True})
    >>> load_literal("{'broken': 17"), load_literal("{placeholder}"), load_literal("{ the basket: empty }")
    (None, None, None)
    """
    written = _rewrite(text) if text.startswith("{") and len(text) <= LITERAL_CAP else ""
    try:
        value = json.loads(written) if written else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _rewrite(text: str) -> str:
    """The text as JSON, if its parts follow each other as they may; empty when there is something else in it."""
    parts: list[str] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        token = _TOKEN.match(text, at)
        if token is None:
            return ""
        at = token.end()
        last, kind = parts[-1] if parts else "", token.lastgroup or ""
        said = token[kind]
        if kind == "text" and last == "+":  # a long text is written in pieces
            parts[-2:] = [parts[-2][:-1] + _quote(said)[1:]]
        elif kind == "sign":
            if said in "}])" and last == ",":  # (1,)
                parts.pop()
            parts.append(_SIGNS.get(said, said))
        elif kind == "mark":
            if last == ",":
                parts.pop()
        elif kind != "word" or said.startswith(":") or (last in "{,[" and _is_key(text, at)):
            if kind != "inside" or _next(text, at) not in "{[":  # "Map(2) {" is a kind of object
                parts.append(_write(kind, said))
        elif said in _CONSTANTS:
            parts.append(_CONSTANTS[said])
        elif _next(text, at) not in "{[":
            return ""
    return "".join(parts)


def _write(kind: str, said: str) -> str:
    if kind in ("missing", "number"):
        return "null" if kind == "missing" else said
    if kind == "text" or (kind in ("member", "inside") and said[:1] in "'\"`" and said[-1:] == said[:1]):
        return _quote(said)
    return said if kind == "member" else json.dumps(said.removeprefix(":").strip())


def _quote(quoted: str) -> str:
    return json.dumps(_unescape(quoted[1:-1]))


def _is_key(text: str, at: int) -> bool:
    return _next(text, at) == ":" or text.startswith("=>", at)


def _next(text: str, at: int) -> str:
    """The next character that is not blank; a blank at the end."""
    found = _BLANK.match(text, at)
    return (text[found.end() : found.end() + 1] if found is not None else "") or " "


def _unescape(text: str) -> str:
    return strip_terminal_codes(_ESCAPE.sub(_unescape_one, text)) if "\\" in text else text


def _unescape_one(match: re.Match[str]) -> str:
    said = match[1]
    if said[0] in "xu" and len(said) > 1:
        number = int(said[1:].strip("{}"), 16)
        return chr(number) if number <= 0x10FFFF and not 0xD800 <= number < 0xE000 else "\ufffd"
    return _ESCAPED.get(said, said)
