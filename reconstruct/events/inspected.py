"""Objects as programs print them for people: Node's ``util.inspect`` (``console.log``, winston's ``prettyPrint``), Python's ``repr``.

They are JSON but for their spelling: keys without quotes, single quotes, ``undefined`` and ``None``, moments and identifiers
without quotes, ``[Object]`` for what is left out. https://nodejs.org/api/util.html#utilinspectobject-options
"""

from __future__ import annotations

import json
import re

from reconstruct.events.lines import strip_terminal_codes

_TOKEN = re.compile(
    r"\s*+(?:('(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\"|`(?:[^`\\]|\\.)*+`)"
    r"|(\[(?:Object|Array|Getter|Setter|Circular|Function|AsyncFunction|class)[^\[\]]{0,200}\]|<ref \*\d+>"
    r"|<[A-Z]\w{0,40}[^<>]{0,200}>|\.\.\. \d+ more \w+)"
    r"|(?:new )?([A-Z]\w{0,60})\(([^()]{0,200})\)"
    r"|(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)"
    r"|(\[?[A-Za-z_$][\w$]*+(?:\([\w.]{1,60}\)\])?)"
    r"|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)n?(?![\w.])"
    r"|([{}\[\],:+]))",
    re.DOTALL,
)
_OPENS = re.compile(r"\{(?:\s+(?:[A-Za-z_$][\w$]*+:|\[Symbol\(|')|')")
_BLANK = re.compile(r"\s*+")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,6}\}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_CONSTANTS = {
    "true": "true", "false": "false", "True": "true", "False": "false",
    "null": "null", "undefined": "null", "None": "null", "NaN": "null", "Infinity": "null",
}  # fmt: skip


def read_inspected(text: str) -> object:
    """The object a text shows; None when it shows none.

    >>> read_inspected("{ level: 'info', req: { url: '/cart', query: {} }, at: 2026-01-02T15:04:05.123Z, err: undefined }")
    {'level': 'info', 'req': {'url': '/cart', 'query': {}}, 'at': '2026-01-02T15:04:05.123Z', 'err': None}
    >>> read_inspected("{'event': 'placed', 'paid': True, 'id': ObjectId('65a1')}")
    {'event': 'placed', 'paid': True, 'id': '65a1'}
    >>> read_inspected("{ the basket: empty }")
    """
    if _OPENS.match(text) is None:
        return None
    written = _rewrite(text)
    try:
        return json.loads(written) if written else None
    except (ValueError, RecursionError):
        return None


def _rewrite(text: str) -> str:
    """The text as JSON, if its parts follow each other as they may; empty when there is something else in it."""
    parts: list[str] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        token = _TOKEN.match(text, at)
        if token is None:
            return ""
        at = token.end()
        last = parts[-1] if parts else ""
        if token[1]:
            said = json.dumps(_unescape(token[1][1:-1]))
            if last == "+":  # a long text is written in pieces
                parts.pop()
                parts[-1] = parts[-1][:-1]
                parts.append(said[1:])
            else:
                parts.append(said)
        elif token[2]:
            if token[2].startswith("..."):
                if last == ",":
                    parts.pop()
            elif not token[2].startswith("<ref"):
                parts.append("null")
        elif token[3]:
            if last in ("{", ",") and text[at : at + 1] == ":":
                return ""
            if _next(text, at) not in ("{", "["):  # "Map(2) {" is a kind of object
                parts.append(json.dumps(token[4].strip("'\"` ")))
        elif token[5]:
            parts.append(json.dumps(token[5]))
        elif token[6]:
            if last in ("{", ",", "[", "") and _next(text, at) == ":":
                parts.append(json.dumps(token[6].removeprefix("[Symbol(").removesuffix(")]")))
            elif token[6] in _CONSTANTS:
                parts.append(_CONSTANTS[token[6]])
            elif _next(text, at) not in ("{", "["):
                return ""
        elif token[7]:
            parts.append(token[7])
        else:
            sign = token[8]
            if sign in "}]" and last == ",":
                parts.pop()
            parts.append(sign)
    return "".join(parts)


def _next(text: str, at: int) -> str:
    """The next character that is not blank."""
    found = _BLANK.match(text, at)
    return text[found.end() : found.end() + 1] if found is not None else ""


def _unescape(text: str) -> str:
    return strip_terminal_codes(_ESCAPE.sub(_unescape_one, text)) if "\\" in text else text


def _unescape_one(match: re.Match[str]) -> str:
    said = match[1]
    if said[0] in "xu" and len(said) > 1:
        number = int(said[1:].strip("{}"), 16)
        return chr(number) if number <= 0x10FFFF and not 0xD800 <= number < 0xE000 else "\ufffd"
    return _ESCAPED.get(said, said)
