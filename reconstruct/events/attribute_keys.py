"""Identifier candidates in the attributes of an entry: JSON keys, logfmt keys, key=value tails, cookies."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import unquote_plus

import orjson
import pyarrow as pa

from reconstruct.events.candidates import SECRET, Found, found
from reconstruct.events.nouns import NAME_CAP, is_secret, may_identify
from reconstruct.events.shapes import TOKEN_CAP

ATTRIBUTES_CAP = 262_144
"""Longest attributes object read, in characters."""

NESTING = 6
"""Levels of lists and objects searched inside an attribute value."""

MEMBERS = 256
"""Members of a list and cookies of a header read."""

CACHED_NAMES = 65_536
"""Distinct keys remembered per process."""

_COOKIE_KEYS = frozenset({"cookie", "http_cookie", "set-cookie", "set_cookie", "cookies", "sent_http_set_cookie"})
_COOKIES = "cookies"
_UNUSUAL = frozenset({_COOKIES, SECRET})
"""Slots whose texts are taken apart."""
_COOKIE = "\0"
"""Before the name of a cookie, to tell it from a key."""


def find_in_attributes(column: pa.Array) -> Found:
    """Keys of the attributes object, nested ones by dotted path, cookies by name."""
    if column.null_count == len(column):
        return found([], [], [])
    rows: list[int] = []
    slots: list[str] = []
    values: list[str] = []

    def visit(row: int, key: str, value: object, depth: int) -> None:
        if isinstance(value, str):
            if len(value) > TOKEN_CAP or not value:
                return
            slot = _key_slot(key)
            if slot == _COOKIES:
                for name, text in _cookies(value, key):
                    visit(row, f"{_COOKIE}{name}", text, depth)
            elif slot:
                value = value.removeprefix("Bearer ") if slot == SECRET else value
                rows.append(row)
                slots.append(slot)
                values.append(value)
        elif isinstance(value, bool) or value is None or isinstance(value, float):
            return
        elif isinstance(value, int):
            slot = _key_slot(key)
            if slot and slot != _COOKIES:
                rows.append(row)
                slots.append(slot)
                values.append(str(value))
        elif depth < NESTING:
            if isinstance(value, list):
                for element in value[:MEMBERS]:
                    visit(row, key, element, depth + 1)
            elif isinstance(value, dict):
                for name, inner in value.items():
                    visit(row, f"{key}.{name}", inner, depth + 1)

    known: dict[str, str] = {}
    for row, text in enumerate(column.to_pylist()):
        if text is None or len(text) <= 2 or len(text) > ATTRIBUTES_CAP:
            continue
        try:
            attributes = orjson.loads(text)
        except ValueError:
            continue
        if not isinstance(attributes, dict):
            continue
        for key, value in attributes.items():
            slot = known.get(key)
            if slot is None:
                slot = known[key] = _key_slot(key)
            kind = type(value)
            if kind is int or (
                kind is str and slot not in _UNUSUAL
            ):  # as visit does, without asking again what the key is
                if slot and slot != _COOKIES and value != "" and (kind is int or len(value) <= TOKEN_CAP):
                    rows.append(row)
                    slots.append(slot)
                    values.append(value if kind is str else str(value))
            elif kind is dict or kind is list or (slot and kind is str):
                visit(row, key, value, 0)
    return found(rows, slots, values)


@lru_cache(maxsize=CACHED_NAMES)
def _key_slot(key: str) -> str:
    """Slot of an attribute; empty when it cannot hold an identifier; `_COOKIES` when it holds a cookie header."""
    if key.startswith(_COOKIE):
        name = key[1:]
        if is_secret(name):
            return SECRET
        return f"cookie:{name}" if len(name) <= NAME_CAP and name.isprintable() and may_identify(name) else ""
    if key.lower().rpartition(".")[2] in _COOKIE_KEYS:
        return _COOKIES
    if is_secret(key):
        return SECRET
    return f"key:{key}" if len(key) <= NAME_CAP and key.isprintable() and may_identify(key) else ""


def _cookies(header: str, key: str) -> list[tuple[str, str]]:
    """Names and values of a Cookie or Set-Cookie header."""
    pairs = header.split(";", 1)[:1] if "set" in key.lower() else header.split(";")
    split = (pair.strip().partition("=") for pair in pairs[:MEMBERS])
    return [(name, unquote_plus(value) if "%" in value else value) for name, sign, value in split if sign]
