"""Labelled tab-separated values (http://ltsv.org): ``time:...<tab>host:192.0.2.7<tab>req:GET / HTTP/1.1<tab>status:200``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from reconstruct.events.decoded import Decoded
from reconstruct.events.keyed import KEY_CAP, decode_columns, join_parts
from reconstruct.grammar.timestamps import TimeAnchor

_FIRST = re.compile(r"[A-Za-z_][\w.-]{0,127}:[^\t]*+\t[\w.-]{1,128}:", re.ASCII)
_LABEL = re.compile(r"[\w.-]{1,128}", re.ASCII)

LEAST_PAIRS = 3
"""Pairs from which a line is LTSV: two may be columns of some table."""


def decode_block(lines: Sequence[str], anchor: TimeAnchor) -> Decoded:
    """Decode the lines that are LTSV: labelled values and nothing else. Values have no escapes.

    ``anchor.envelope_ns``, when given, has one value per line given.

    >>> decoded = decode_block(["host:192.0.2.7\\treq:GET /cart HTTP/1.1\\tstatus:200"], TimeAnchor(0))
    >>> decoded.columns["path"][0].as_py(), decoded.columns["client_ip"][0].as_py()
    ('/cart', '192.0.2.7')
    """
    matched = np.zeros(len(lines), np.bool_)
    alike: dict[tuple[str, ...], list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
    for at, line in enumerate(lines):
        if _FIRST.match(line):
            labels, marks, values = zip(*(field.partition(":") for field in line.split("\t")), strict=True)
            if "" not in marks:
                alike[labels].append((at, values))
    parts = []
    for labels, members in alike.items():
        if not LEAST_PAIRS <= len(set(labels)) == len(labels) <= KEY_CAP or not all(map(_LABEL.fullmatch, labels)):
            continue
        rows = np.array([at for at, _ in members])
        columns = dict(zip(labels, zip(*(values for _, values in members), strict=True), strict=True))
        parts.append(decode_columns(columns, rows, anchor, verbatim=True))
        matched[rows] = True
    return Decoded(matched, join_parts(parts))
