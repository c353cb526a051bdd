"""The grammar of last resort: any line with a moment near its beginning is an entry.

Nothing is assumed about the layout. The moment, the *head* around it (level, process, thread, logger, client: what
layouts put in front of the message, read by ``line_head``), a request where one stands, and ``key=value`` pairs; the
rest is the message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from reconstruct.events.decoded import Decoded
from reconstruct.events.keyed import Row, decode_rows
from reconstruct.events.line_head import read_head
from reconstruct.events.plain_requests import read_request
from reconstruct.grammar.text_columns import unescape
from reconstruct.grammar.timestamps import TimeAnchor, find_timestamp

GENERIC = "generic"
"""Format id of such entries."""

PAIRS_CAP = 64
"""Pairs of a line that become attributes; real lines have a dozen."""

_KEY = re.compile(r"[A-Za-z_][\w.-]{0,63}")
_VALUE = re.compile(r'"((?:[^"\\]|\\.)*+)"|\'([^\']*+)\'|([^\s"\',;|&()\[\]{}<>=][^\s"\',;|&()\[\]{}<>]*+)')
_OPENERS = "([{<,;|\"'"
"""What may stand before a key besides a blank."""

_MESSAGES = ("msg", "message")
_PURE = re.compile(r"[A-Za-z_][\w.-]{0,63}=(?!=)")
"""Text that begins with a pair."""


def decode_block(lines: Sequence[str], anchor: TimeAnchor) -> Decoded:
    """Decode the lines that carry a moment near their beginning.

    ``anchor.envelope_ns``, when given, has one value per line given.

    >>> line = "2026-09-17 10:00:05 [4711] WARN shop.Cart - declined order=7"
    >>> columns = decode_block([line], TimeAnchor(0)).columns
    >>> [columns[name][0].as_py() for name in ("level", "pid", "logger", "message", "attributes")]
    ['warn', 4711, 'shop.Cart', 'declined order=7', '{"order":"7"}']
    """
    mask = np.zeros(len(lines), np.bool_)
    rows: list[Row] = []
    for at, line in enumerate(lines):
        found = find_timestamp(line)
        if found is not None:
            mask[at] = True
            rows.append(_read_line(line, found[0], found[1]))
    if not rows:
        return Decoded(mask, {})
    return Decoded(mask, decode_rows(rows, np.flatnonzero(mask), anchor).columns)


def _read_line(line: str, start: int, end: int) -> Row:
    """The fields of a line whose moment stands at ``start`` to ``end``."""
    row: Row = {"time": line[start:end]}
    read_head(line, start, end, row)
    read_request(line, str(row["message"]), row)
    if "=" in line:
        _read_pairs(line[end:], str(row["message"]), row)
    return row


def _read_pairs(text: str, message: str, row: Row) -> None:
    """``key=value`` pairs; the message among them is the message where the text is nothing but pairs. The query of an
    address is no pair, nor a comparison of code."""
    begin = 0
    at = text.find("=")
    for _ in range(PAIRS_CAP):
        if at < 0:
            break
        first = max(begin, text.rfind(" ", begin, at) + 1, text.rfind("\t", begin, at) + 1)
        key = text[first:at].lstrip(_OPENERS)
        value = _VALUE.match(text, at + 1) if _KEY.fullmatch(key) else None
        if value is not None:
            begin = value.end()
            said = unescape(value[1]) if value[1] else value[2] or (value[3] or "").rstrip(".:")
            if key in _MESSAGES and _PURE.match(message):
                row["message"] = said
            elif said:
                row.setdefault(key, said)
        at = text.find("=", max(begin, at + 1))
