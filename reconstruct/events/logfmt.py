"""Lines of ``key=value`` pairs."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from reconstruct.events.decoded import Decoded
from reconstruct.events.keyed import KEY_CAP, Part, Row, decode_columns, decode_rows, join_parts
from reconstruct.grammar.text_columns import unescape
from reconstruct.grammar.timestamps import TimeAnchor

_TOKEN = re.compile(r'([^\s="\']++)(?:(=)(?:"((?:[^"\\]++|\\.)*+)"|\'((?:[^\'\\]++|\\.)*+)\'(?!\S)|(\S*+)))?')
"""key, equals sign, double-quoted, single-quoted, bare value. Linear: every repetition is possessive."""

_VALUE = r'("(?:[^"\\]++|\\.)*+"(?!\S)|[^\s"\']\S*+|)'
_PRIORITY = r"\s*(?:<[0-9]{1,3}>\s*)?"
"""What firewalls that send pairs over syslog put in front of them, and no more of its header."""

_FIRST = re.compile(rf"({_PRIORITY})[A-Za-z_@][\w.@#/-]{{0,127}}=(?!=)", re.ASCII)

_SEPARATORS = (",", ";")
"""What some write between the pairs besides the blank: then it stands behind each but the last, the first one too."""

SHAPES_TRIED = 8
"""Sequences of keys that get an expression of their own per block, twice as fast as cutting a line into tokens."""

SHAPE_MIN = 64
"""Lines below which making an expression costs more (1 ms) than it saves (5 µs a line)."""

SHAPE_YIELD = 16
"""A sequence of keys that fewer than one line in so many has ends the tries: the block is mixed."""


def decode_block(lines: Sequence[str], anchor: TimeAnchor) -> Decoded:
    """Decode the lines that are logfmt: a first token ``key=value``, at least two pairs, not more words than pairs.

    ``anchor.envelope_ns``, when given, has one value per line given.

    >>> decoded = decode_block(['level=warn msg="card declined" order=7'], TimeAnchor(0))
    >>> decoded.columns["message"][0].as_py(), decoded.columns["attributes"][0].as_py()
    ('card declined', '{"order":"7"}')
    """
    matched = np.zeros(len(lines), np.bool_)
    parts: list[Part] = []
    left = list(range(len(lines)))
    for _ in range(SHAPES_TRIED):
        if len(left) < SHAPE_MIN:
            break
        keys = _keys_of_first(lines, left)
        if not keys:
            break
        shape = re.compile(_PRIORITY + r"\s+".join(f"{re.escape(key)}={_VALUE}" for key in keys) + r"\s*")
        matches = [
            (at, match.groups())
            for at in left
            if (match := shape.fullmatch(lines[at])) and not match[1].endswith(_SEPARATORS)
        ]
        if matches:
            rows = np.array([at for at, _ in matches])
            columns = dict(zip(keys, zip(*(values for _, values in matches), strict=True), strict=True))
            parts.append(decode_columns(columns, rows, anchor))
            matched[rows] = True
        if len(matches) * SHAPE_YIELD < len(left):
            break
        left = [at for at in left if not matched[at]]
    rest = [(at, row) for at in left if not matched[at] and (row := parse_line(lines[at])) is not None]
    if rest:
        rows = np.array([at for at, _ in rest])
        parts.append(decode_rows([row for _, row in rest], rows, anchor))
        matched[rows] = True
    return Decoded(matched, join_parts(parts))


def _keys_of_first(lines: Sequence[str], left: Sequence[int]) -> tuple[str, ...]:
    """Keys of the first line that is logfmt in the strict sense: pairs only, each key once."""
    for at in left[:SHAPE_MIN]:
        if first := _FIRST.match(lines[at]):
            tokens = _TOKEN.findall(lines[at], first.end(1))
            keys = tuple(key for key, equals, *_ in tokens if equals)
            if 2 <= len(keys) == len(set(keys)) == len(tokens) <= KEY_CAP and not tokens[0][-1].endswith(_SEPARATORS):
                return keys
    return ()


def parse_line(line: str) -> Row | None:
    """The pairs of a logfmt line; None when it is none. A word without ``=`` belongs to the unquoted value before it."""
    first = _FIRST.match(line)
    if first is None:
        return None
    tokens = _TOKEN.findall(line, first.end(1))
    words = sum(not equals for _, equals, *_ in tokens)
    if len(tokens) - words < max(2, words):
        return None
    pairs: list[tuple[str, list[str]]] = []
    is_quoted: list[bool] = []
    is_open = False
    for key, equals, double, single, bare in tokens:
        if equals:
            pairs.append((key, [unescape(double or single) or bare]))
            is_open = bool(bare)
            is_quoted.append(not bare)
        elif is_open:
            pairs[-1][1].append(key)
    texts = [" ".join(words) for _, words in pairs]
    separator = tokens[1][0] if is_quoted[0] else texts[0][-1:]
    if separator in _SEPARATORS and all(
        text.endswith(separator) or is_quoted[at] for at, text in enumerate(texts[:-1])
    ):
        texts = [text.removesuffix(separator) if not is_quoted[at] else text for at, text in enumerate(texts)]
    values: dict[str, list[str]] = {}
    for (key, _), text in zip(pairs, texts, strict=True):
        values.setdefault(key, []).append(text)
    row: Row = {}
    for key, found in values.items():
        row[key] = [*found] if len(found) > 1 else found[0]
    return row
