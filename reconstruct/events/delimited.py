"""Delimited text (CSV, TSV …) with a header row, or with one of the known layouts that have none."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from reconstruct.errors import ModelError
from reconstruct.events.decoded import Decoded
from reconstruct.events.keyed import decode_columns
from reconstruct.grammar.timestamps import TimeAnchor
from reconstruct.grammar.vocabulary import read_keys
from reconstruct.resources import vocabulary_directory

DELIMITERS = ",\t;|"

NAMES_MIN = 3
"""Names of a header row at least: with two, prose with one comma would qualify."""

FIELDS_MIN = 2
"""Names among them that the vocabulary knows, or one of a time."""

LINES_JUDGED = 20
"""Lines after a header row of which half must have as many values."""

ENTRY_LINES_CAP = 200
"""Lines that a quoted value may run over; PostgreSQL writes whole statements, a lone quote must not eat the file."""

_TYPE = re.compile(r'\ufeff?"?#TYPE [^,;"]{1,200}"?\s*')
"""What PowerShell's Export-Csv writes above the header row."""

_NAME = re.compile(r"[A-Za-z_@$#][\w .@()/#%:+-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class DelimitedHeader:
    """The names of the columns."""

    delimiter: str
    fields: tuple[str, ...]


def find_header(lines: Sequence[str]) -> DelimitedHeader | None:
    """The header row at the head of a file, if its first lines are delimited text under one; else a known layout."""
    filled = [line for line in lines if line.strip()]
    if filled and _TYPE.fullmatch(filled[0]):
        del filled[0]
    if not filled:
        return None
    for delimiter in DELIMITERS:
        names = tuple(name.strip() for name in _split(filled[0].lstrip("\ufeff#"), delimiter))
        if len(names) >= NAMES_MIN and len(set(names)) == len(names) and all(map(_NAME.fullmatch, names)):
            fields = read_keys(names).fields
            if ("time" in fields or len(fields) >= FIELDS_MIN) and _fits(filled[1:], delimiter, len(names)):
                return DelimitedHeader(delimiter, names)
    return next((header for header, tests in _layouts() if _is_layout(filled, header, tests)), None)


def _fits(lines: Sequence[str], delimiter: str, width: int) -> bool:
    judged = lines[:LINES_JUDGED]
    return bool(judged) and 2 * sum(len(_split(line, delimiter)) == width for line in judged) >= len(judged)


def _is_layout(lines: Sequence[str], header: DelimitedHeader, tests: dict[str, re.Pattern[str]]) -> bool:
    """Whether half of the lines have the width of a layout and pass its tests."""
    good = 0
    judged = lines[:LINES_JUDGED]
    for line in judged:
        values = dict(zip(header.fields, _split(line, header.delimiter), strict=False))
        full = len(values) == len(header.fields) == len(_split(line, header.delimiter))
        good += full and all(test.fullmatch(values[name]) for name, test in tests.items())
    return 2 * good >= len(judged)


@lru_cache(maxsize=1)
def _layouts() -> list[tuple[DelimitedHeader, dict[str, re.Pattern[str]]]]:
    """The known layouts without a header row, from ``vocabulary/layouts.toml``."""
    path = vocabulary_directory() / "layouts.toml"
    try:
        return [
            (
                DelimitedHeader(layout["delimiter"], tuple(layout["fields"][:width])),
                {name: re.compile(pattern) for name, pattern in layout["tests"].items()},
            )
            for layout in tomllib.loads(path.read_text(encoding="utf-8"))["layout"]
            for width in layout["widths"]
        ]
    except (tomllib.TOMLDecodeError, KeyError, TypeError, re.error) as error:
        raise ModelError(f"the layouts of delimited text are wrong: {error}", path=path) from error


def decode_block(lines: Sequence[str], header: DelimitedHeader, anchor: TimeAnchor) -> Decoded:
    """Decode lines with as many values as the header has names; a repeated header row is a directive. A quoted value
    may run over several lines: those after the first are continuations.

    ``anchor.envelope_ns``, when given, has one value per line given.

    >>> decoded = decode_block(["time,level,n", "2026-09-14,warn,7"], DelimitedHeader(",", ("time", "level", "n")), TimeAnchor(0))
    >>> decoded.directives.tolist(), decoded.columns["level"][0].as_py(), decoded.columns["attributes"][0].as_py()
    ([True, False], 'warn', '{"n":"7"}')
    """
    matched, directives, continuations = (np.zeros(len(lines), np.bool_) for _ in range(3))
    width = len(header.fields)
    rows: list[list[str]] = []
    at = 0
    while at < len(lines):
        values, end = _read_entry(lines, at, header.delimiter)
        if len(values) == width:
            if tuple(map(str.strip, values)) == header.fields:
                directives[at] = True
            else:
                matched[at] = True
                rows.append(values)
            continuations[at + 1 : end] = True
            at = end
        else:
            directives[at] = _TYPE.fullmatch(lines[at]) is not None
            at += 1
    if not rows:
        return Decoded(matched, {}, directives, continuations)
    columns = dict(zip(header.fields, zip(*rows, strict=True), strict=True))
    part = decode_columns(columns, np.flatnonzero(matched), anchor, verbatim=True)
    return Decoded(matched, part.columns, directives, continuations)


def _read_entry(lines: Sequence[str], at: int, delimiter: str) -> tuple[list[str], int]:
    """The values that begin at a line, and the line after them."""
    line = lines[at]
    if '"' not in line:
        return line.split(delimiter), at + 1
    end = at + 1
    if line.count('"') % 2:
        quotes = line.count('"')
        while end < min(len(lines), at + ENTRY_LINES_CAP) and quotes % 2:
            quotes += lines[end].count('"')
            end += 1
        if quotes % 2:
            return [], at + 1
        line = "\n".join(lines[at:end])
    return _split(line, delimiter), end


def _split(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader(line.splitlines(keepends=True), delimiter=delimiter), [])
    except csv.Error:  # a value beyond the parser's limit of 128 KiB
        return []
