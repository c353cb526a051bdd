"""The grammar of last resort: any line with a moment near its beginning is an entry.

Nothing is assumed about the layout. The level is taken when a level word stands near the moment, the request when one
is quoted, the client when the line begins with an address; the rest is the message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from reconstruct.events.decoded import Decoded
from reconstruct.grammar.fields import type_columns
from reconstruct.grammar.timestamps import ANY, TimeAnchor, find_timestamp

GENERIC = "generic"
"""Format id of such entries."""

LEVEL_REACH = 80
"""Characters around the moment in which a level word counts: thread and logger names may stand between the two, and
further on the word is part of a sentence."""

_LEVEL = re.compile(
    r"(?<![\w.=/-])(?:TRACE|DEBUG|INFO(?:RMATION)?|NOTICE|WARN(?:ING)?|ERROR|ERR|SEVERE|CRIT(?:ICAL)?|FATAL|ALERT|EMERG|PANIC"
    r"|(?<=[\[<(|])(?:trace|debug|info|notice|warn(?:ing)?|error|err|crit(?:ical)?|fatal|alert|emerg|panic"
    r"|Trace|Debug|Info(?:rmation)?|Notice|Warn(?:ing)?|Error|Critical|Fatal)(?= *[\]>)|:/]))(?![\w.=/-])"
)
"""Capitals anywhere; other spellings only between brackets, where they are not prose."""

_LEVEL_FIRST = re.compile(
    r"(?:trace|debug|info(?:rmation)?|notice|warn(?:ing)?|error|err|severe|fatal|crit(?:ical)?|alert|emerg|panic)"
    r"(?=[ \t:\])>|/])",
    re.IGNORECASE,
)
"""First word after the moment, in any spelling."""
_REQUEST = re.compile(r'"([A-Z]{3,10}) ([^\s"]{1,8192})(?: (HTTP/\d(?:\.\d)?))?"')
_STATUS = re.compile(r"[ |\"](\d{3})(?= |$|\|)")
_CLIENT = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{1,4}:[0-9a-fA-F:]{3,38})(?=[ ,]|$)")
_EDGES = " \t-|:,;"
_DECODERS = {"time": ANY}


def decode_block(lines: Sequence[str], anchor: TimeAnchor) -> Decoded:
    """Decode the lines that carry a moment near their beginning.

    ``anchor.envelope_ns``, when given, has one value per line given."""
    mask = np.zeros(len(lines), np.bool_)
    rows: dict[str, list[str]] = {
        name: [] for name in ("time", "level", "client_ip", "method", "target", "protocol", "status", "message")
    }
    append = [values.append for values in rows.values()]
    for row, line in enumerate(lines):
        found = find_timestamp(line)
        if found is None:
            continue
        mask[row] = True
        for add, value in zip(append, _read_line(line, found[0], found[1]), strict=True):
            add(value)
    count = int(mask.sum())
    if anchor.envelope_ns is not None:
        anchor = TimeAnchor(anchor.modified_ns, anchor.envelope_ns.filter(mask), anchor.date_order)
    used = {name: values for name, values in rows.items() if any(values)}
    return Decoded(mask, type_columns(used, _DECODERS, count, anchor) if count else {})


def _read_line(line: str, start: int, end: int) -> tuple[str, ...]:
    """time, level, client_ip, method, target, protocol, status, message of one line; ``""`` for absent."""
    before, after = line[:start], line[end:]
    text = after.lstrip(_EDGES + "])>")
    level = _LEVEL_FIRST.match(text, 1 if text[:1] in "[<(" else 0)
    if level is not None:
        text = text[level.end() :].lstrip(_EDGES + "])>")
    else:
        level = _LEVEL.search(before, 0, LEVEL_REACH) or _LEVEL.search(text, 0, LEVEL_REACH)
    request = _REQUEST.search(line)
    client = _CLIENT.match(before)
    method = target = protocol = status = ""
    if request is not None:
        method, target, protocol = request[1], request[2], request[3] or ""
        code = _STATUS.search(line, request.end() - 1, request.end() + LEVEL_REACH)
        status = code[1] if code else ""
    message = f"{before.strip(_EDGES + '[(<')} {text}".strip()
    return (
        line[start:end],
        level[0] if level else "",
        client[1] if client else "",
        method,
        target,
        protocol,
        status,
        message,
    )
