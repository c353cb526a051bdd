"""Identifier candidates in the attributes of an entry: JSON keys, logfmt keys, key=value tails, cookies."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_plus

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.events.candidates import SECRET, Found, found
from reconstruct.events.nouns import NAME_CAP, is_secret, may_identify
from reconstruct.events.shapes import TOKEN_CAP, classify
from reconstruct.grammar.text_columns import text_array

ATTRIBUTES_CAP = 262_144
"""Longest attributes object read, in characters."""

NESTING = 6
"""Levels of lists and objects searched inside an attribute value."""

MEMBERS = 256
"""Members of a list and cookies of a header read."""

CACHED_NAMES = 65_536
"""Distinct keys remembered per process."""

_COOKIE_KEYS = frozenset(
    {"cookie", "cs(cookie)", "http_cookie", "set-cookie", "set_cookie", "cookies", "sent_http_set_cookie"}
)
_COOKIES = "cookies"
_TAIL_KEY, _TAIL = "tail", "tail"
"""What an administrator put behind a known format of access logs: values by their place, and pairs."""
_TELLING = re.compile(r"(?=[^0-9]*[0-9])[0-9A-Za-z_-]{16,128}")
"""Values without a name that are worth judging: nothing shorter is sure to be one thing's."""
_BEARER = "Bearer "
"""Before a token in a header (RFC 6750)."""
_TAKEN_APART = frozenset({_COOKIES, _TAIL})
"""Slots whose texts hold names and values."""
_UNUSUAL = _TAKEN_APART | {SECRET}
"""Slots whose texts are not their values."""
_COOKIE = "\0"
"""Before the name of a cookie, to tell it from a key."""


def find_in_attributes(column: pa.Array) -> Found:
    """Keys of the attributes object, nested ones by dotted path, cookies by name."""
    candidates = _Candidates([], [], [])
    if column.null_count == len(column):
        return candidates.found()
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
                if slot and slot not in _TAKEN_APART and value != "" and (kind is int or len(value) <= TOKEN_CAP):
                    candidates.add(row, slot, value if kind is str else str(value))
            elif kind is dict or kind is list or (slot and kind is str):
                candidates.visit(row, key, value, 0)
    return candidates.found()


def find_in_values(column: pa.StructArray) -> Found:
    """`find_in_attributes` of attributes that are still columns (``decoded.ATTRIBUTE_VALUES``). Rows are in order per key."""
    slots: list[str] = []
    counts: list[int] = []  # candidates in a row that are of each slot

    rows: list[npt.NDArray[np.int64]] = []
    values: list[pa.Array] = []
    for key, texts in zip(column.type.names, column.flatten(), strict=True):
        slot = _key_slot(key)
        if not slot or texts.null_count == len(texts):
            continue
        filled = np.flatnonzero(_are_short(texts))
        texts = texts if len(filled) == len(texts) else texts.take(pa.array(filled))
        if slot in _TAKEN_APART:
            inside = _Candidates([], [], [])
            for row, text in zip(filled.tolist(), texts.to_pylist(), strict=True):
                inside.visit(row, key, text, 0)
            filled, texts = np.array(inside.rows, np.int64), text_array(inside.values)
            slots += inside.slots
            counts += [1] * len(filled)
        else:
            if slot == SECRET and pc.any(pc.starts_with(texts, _BEARER)).as_py():
                texts = pc.replace_substring_regex(texts, pattern=f"^{_BEARER}", replacement="")
            slots.append(slot)
            counts.append(len(filled))
        rows.append(filled)
        values.append(texts)
    if not slots:
        return found([], [], [])
    names = text_array(slots).dictionary_encode()
    codes = pa.array(names.indices.to_numpy().repeat(counts))
    return Found(
        np.concatenate(rows), pa.DictionaryArray.from_arrays(codes, names.dictionary), pa.concat_arrays(values)
    )


def _are_short(texts: pa.Array) -> npt.NDArray[np.bool_]:
    """Which texts may be an identifier by their length."""
    lengths = np.asarray(pc.binary_length(texts).fill_null(0))
    if lengths.max(initial=0) > TOKEN_CAP:
        lengths = np.asarray(pc.utf8_length(texts).fill_null(0))
    short: npt.NDArray[np.bool_] = (lengths > 0) & (lengths <= TOKEN_CAP)
    return short


class _Candidates(NamedTuple):
    """Candidates being gathered: parallel lists."""

    rows: list[int]
    slots: list[str]
    values: list[str]

    def add(self, row: int, slot: str, value: str) -> None:
        """Take one."""
        self.rows.append(row)
        self.slots.append(slot)
        self.values.append(value)

    def visit(self, row: int, key: str, value: object, depth: int) -> None:
        """Take what one key holds, and what is in it."""
        if isinstance(value, str):
            if len(value) > TOKEN_CAP or not value:
                return
            slot = _key_slot(key)
            if slot == _COOKIES:
                for name, text in _cookies(value, key):
                    self.visit(row, f"{_COOKIE}{name}", text, depth)
            elif slot == _TAIL:
                for name, text in _tail(value):
                    self.visit(row, name, text, depth + 1)
            elif slot:
                self.add(row, slot, value.removeprefix(_BEARER) if slot == SECRET else value)
        elif isinstance(value, bool) or value is None or isinstance(value, float):
            return
        elif isinstance(value, int):
            slot = _key_slot(key)
            if slot and slot not in _TAKEN_APART:
                self.add(row, slot, str(value))
        elif depth < NESTING:
            if isinstance(value, list):
                for element in value[:MEMBERS]:
                    self.visit(row, key, element, depth + 1)
            elif isinstance(value, dict):
                for name, inner in value.items():
                    self.visit(row, f"{key}.{name}", inner, depth + 1)

    def found(self) -> Found:
        """All of them."""
        return found(self.rows, self.slots, self.values)


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
    if key == _TAIL_KEY:
        return _TAIL
    if is_secret(key):
        return SECRET
    return f"key:{key}" if len(key) <= NAME_CAP and key.isprintable() and may_identify(key) else ""


def _cookies(header: str, key: str) -> list[tuple[str, str]]:
    """Names and values of a Cookie or Set-Cookie header."""
    pairs = header.split(";", 1)[:1] if "set" in key.lower() else header.split(";")
    # IIS writes "+" for the space behind the semicolon
    split = (pair.strip(" \t+").partition("=") for pair in pairs[:MEMBERS])
    return [(name, unquote_plus(value) if "%" in value else value) for name, sign, value in split if sign]


def _tail(text: str) -> list[tuple[str, str]]:
    """Names and values of what stands behind a known format; a value without a name is called by its place, and only long ones are
    taken: a format has each of them in the same place on every line.

    >>> _tail("872 0.060 [web-80] fabf39bfe076f4db9addec73a6bebc23 sid=a6203ccbe5")
    [('tail.3', 'fabf39bfe076f4db9addec73a6bebc23'), ('sid', 'a6203ccbe5')]
    """
    pairs = []
    for place, word in enumerate(text.split(" ")[:MEMBERS]):
        name, sign, value = word.strip("\"'[]").partition("=")
        if sign and value and name.isidentifier():
            pairs.append((name, value))
        elif not sign and _TELLING.fullmatch(name):
            shape = classify(name)
            if shape.high_entropy and shape.kind not in ("integer", "word"):
                pairs.append((f"{_TAIL_KEY}.{place}", name))
    return pairs
