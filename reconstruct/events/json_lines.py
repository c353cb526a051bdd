"""Lines that are one JSON object each, of any shape."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from urllib.parse import unquote_plus

import numpy as np
import orjson

from reconstruct.events.decoded import Decoded
from reconstruct.events.keyed import Row, Scalar, decode_rows
from reconstruct.events.literals import load_literal
from reconstruct.grammar.timestamps import TimeAnchor
from reconstruct.grammar.vocabulary import is_message

DEPTH_CAP = 16
"""Nesting that becomes dotted keys; what lies deeper is marked as cut. Real lines have four levels."""

CUT = "…"
"""Stands for what lies deeper than DEPTH_CAP."""

_CONTAINERS = {dict, list}
_JOURNAL_TEXT = "MESSAGE"
_TEXT_OF_OBJECT = '"{\\"'
_ENCODED_OBJECT = '"%7B%22'
_BLANKS = " \t\r\n\0\ufeff"
_OPENING = ("{", *_BLANKS)
_OPENING_BYTES = tuple(each.encode() for each in _OPENING)
_HEX_ESCAPES = re.compile(r"\\(?:((?:x[0-9A-Fa-f]{2})(?:\\x[0-9A-Fa-f]{2})*)|([^\"\\/bfnrtu])|.)", re.DOTALL)
_COLOUR_CODE = r"\u001"
_COLOURS = re.compile(r"\\u001[bB]\[[0-9;]{0,20}m")
"""Colour codes in texts: winston's ``colorize`` in front of ``json``."""
_NO_VALUE = re.compile(r'(": *)-?(?= *[,}])')


def decode_block(lines: Sequence[str | bytes], anchor: TimeAnchor) -> Decoded:
    """Decode the lines that are JSON objects. Nested objects become dotted keys, lists of scalars stay lists, lists of
    objects become lists under the dotted keys of their objects (``items.sku``).

    ``anchor.envelope_ns``, when given, has one value per line given.

    >>> decoded = decode_block(['{"level":"info","order":{"id":7}}'], TimeAnchor(0))
    >>> decoded.columns["level"][0].as_py(), decoded.columns["attributes"][0].as_py()
    ('info', '{"order.id":7}')
    """
    rows = [parse_line(line) for line in lines]
    matched = np.fromiter((row is not None for row in rows), np.bool_, len(rows))
    found = [row for row in rows if row is not None]
    return Decoded(matched, decode_rows(found, np.flatnonzero(matched), anchor).columns if found else {})


def parse_line(line: str | bytes) -> Row | None:
    """The flat keys and values of a line that is a JSON object; None when it is not."""
    if not line.startswith(_OPENING if type(line) is str else _OPENING_BYTES):
        return None
    if type(line) is str and _COLOUR_CODE in line:
        line = _COLOURS.sub("", line)
    try:
        value = orjson.loads(line)
    except ValueError:
        value = _parse_leniently(line)
    if type(value) is not dict:
        return None
    row = flat(value)
    return _open_texts(row) if type(line) is str and (_TEXT_OF_OBJECT in line or _ENCODED_OBJECT in line) else row


def flat(value: dict[str, object]) -> Row:
    """An object as a row: itself when nothing is nested in it."""
    if _CONTAINERS.isdisjoint(map(type, value.values())):
        return value  # type: ignore[return-value]
    row = flatten(value)
    text = row.get(_JOURNAL_TEXT)
    if type(text) is list:
        row[_JOURNAL_TEXT] = _decode_bytes(text)
    return row


def _decode_bytes(values: list[Scalar]) -> str | list[Scalar]:
    """A text that journalctl writes as a list of bytes, since it is no UTF-8 or has control characters."""
    try:
        return bytes(values).decode("utf-8", "replace")  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return values


def _open_texts(row: Row) -> Row:
    """Objects in texts under dotted keys, but for messages: those are read as lines."""
    opened: dict[str, object] = {}
    for key, value in row.items():
        inner = None
        if type(value) is str and value.startswith(('{"', "%7B%22")) and not is_message(key):
            inner = _load_object(unquote_plus(value) if value.startswith("%") else value)
        opened |= flatten({key: inner}) if inner else {key: value}
    return opened  # type: ignore[return-value]


def _load_object(text: str) -> dict[str, object] | None:
    try:
        value = orjson.loads(text)
    except ValueError:
        return None
    return value if type(value) is dict else None


def flatten(value: dict[str, object]) -> Row:
    """Dotted keys for nested objects; nothing for empty ones."""
    flat: dict[str, object] = {}
    if _flatten(value, "", flat, 0) != len(flat):  # {"a.b": 1, "a": {"b": 2}}
        flat = _Merging()
        _flatten(value, "", flat, 0)
    return flat  # type: ignore[return-value]


class _Merging(dict[str, object]):
    """A row that keeps all values of a key."""

    def __setitem__(self, key: str, value: object) -> None:
        held = self.get(key, [])
        both = [*(held if isinstance(held, list) else [held]), *(value if isinstance(value, list) else [value])]
        super().__setitem__(key, both if len(both) > 1 or isinstance(value, list) else value)


def _flatten(value: dict[str, object], prefix: str, flat: dict[str, object], depth: int) -> int:
    """Put the values under their dotted keys; how many there were."""
    if depth > DEPTH_CAP:
        flat[prefix[:-1]] = CUT
        return 1
    count = len(value)
    for key, inner in value.items():
        if isinstance(inner, dict):
            if _PHP_MOMENT in inner and isinstance(inner.get("date"), str):
                flat[prefix + key] = f"{inner['date']} {inner.get('timezone', '')}".rstrip()
            else:
                count += _flatten(inner, f"{prefix}{key}.", flat, depth + 1) - 1
        elif isinstance(inner, list):
            count += _flatten_list(inner, prefix + key, flat, depth + 1) - 1
        else:
            flat[prefix + key] = inner
    return count


def _flatten_list(values: list[object], name: str, flat: dict[str, object], depth: int) -> int:
    """Put the scalars of a list under its key, and those of its objects under dotted keys; how many keys."""
    if depth > DEPTH_CAP:
        values = [CUT]
    if _CONTAINERS.isdisjoint(map(type, values)):
        if values:
            flat[name] = values
        return 1 if values else 0
    pairs = _read_pairs(values)
    if pairs is not None:
        return _flatten(pairs, f"{name}.", flat, depth)
    columns: dict[str, list[object]] = {}
    for value in values:
        inner: dict[str, object] = {}
        if isinstance(value, dict):
            _flatten(value, f"{name}.", inner, depth)
        elif isinstance(value, list):
            _flatten_list(value, name, inner, depth + 1)
        else:
            inner[name] = value
        for key, item in inner.items():
            column = columns.setdefault(key, [])
            if isinstance(item, list):
                column.extend(item)
            else:
                column.append(item)
    for key, column in columns.items():
        flat[key] = column
    return len(columns)


_PHP_MOMENT = "timezone_type"
"""A key of what PHP's json_encode makes of a DateTime: its date, and the zone that is meant."""

TYPED = frozenset(("stringValue", "intValue", "boolValue", "doubleValue"))
"""What OpenTelemetry wraps a scalar in to say its type."""


def _read_pairs(values: list[object]) -> dict[str, object] | None:
    """A list of names and values as an object: headers (AWS WAF), parameters (GitLab), labels. None for other lists."""
    pairs: dict[str, object] = {}
    for each in values:
        if type(each) is not dict or len(each) != 2 or "value" not in each:
            return None
        name = each.get("name", each.get("key"))
        if type(name) is not str or not name or name in pairs:
            return None
        value = each["value"]
        pairs[name] = (
            next(iter(value.values())) if type(value) is dict and len(value) == 1 and value.keys() <= TYPED else value
        )
    return pairs or None


_PRINTED = (" ", "\n", "'", ":")
"""What stands behind the brace of an object that Node, Python or Ruby prints; ``{a:1}`` is none of theirs."""


def _parse_leniently(line: str | bytes) -> object:
    """An object that orjson refuses: NaN, control characters, ``\\xHH`` as nginx writes it, ``"rt": ,`` of hand-made
    JSON, a comma or braces too many after the object; and those that are no JSON (``{ level: 'info' }``). None when it is none."""
    text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
    text = text.strip(_BLANKS).removesuffix(",")
    if not (text.startswith("{") and text.endswith("}")):
        return None
    repaired = text
    for repair in (None, _repair_escapes, _repair_values):
        if repair is not None:
            repaired = repair(repaired)
        try:
            value, end = _LENIENT.raw_decode(repaired)
        except (ValueError, RecursionError):
            continue
        return value if not repaired[end:].strip("} ") else None
    return load_literal(text) if text[1:2] in _PRINTED else None


def _parse_int(digits: str) -> int | str:
    """Whole numbers beyond 64 bits stay text: no column and no reader of JSON holds them."""
    return int(digits) if len(digits) <= 18 else digits


_LENIENT = json.JSONDecoder(strict=False, parse_constant=lambda _: None, parse_int=_parse_int)


def _repair_escapes(text: str) -> str:
    return _HEX_ESCAPES.sub(_repair_escape, text)


def _repair_escape(match: re.Match[str]) -> str:
    if match[1]:
        return json.dumps(bytes.fromhex(match[1].replace("\\x", "").replace("x", "")).decode("utf-8", "replace"))[1:-1]
    return f"\\\\{match[2]}" if match[2] else match[0]


def _repair_values(text: str) -> str:
    return _NO_VALUE.sub(r"\1null", text)
