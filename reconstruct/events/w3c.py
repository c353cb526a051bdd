"""W3C extended log files (IIS, CloudFront, Exchange, Zeek …): lines described by ``#Fields:`` directives."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from reconstruct.events.decoded import Decoded
from reconstruct.events.keyed import Part, decode_columns, join_parts
from reconstruct.grammar.timestamps import TimeAnchor

_FIELDS = re.compile(r"#fields[: \t]\s*(\S.*)", re.IGNORECASE)  # Zeek: "#fields<tab>ts<tab>uid"
_DATE = re.compile(r"#date: *(\d{4}-\d\d-\d\d)", re.IGNORECASE)
_SOFTWARE = re.compile(r"#software: *(.*\S)", re.IGNORECASE)
_LOCAL_TIME = re.compile(r"#time format: *local", re.IGNORECASE)  # Windows Firewall
_VALUE = re.compile(r'"((?:[^"]++|"")*+)"|(\S++)')
_QUOTED = re.compile(r'"(?:[^"]++|"")*+"')
_SECONDS = re.compile(r"\d{1,9}\.\d{1,9}")
_TAKEN = "time-taken"
"""The standard wants seconds with a fraction, as WebLogic writes; IIS and proxies write whole milliseconds."""
_IN_SECONDS = "x-edge-location"
"""Field of CloudFront, whose dialect knows the unit."""


@dataclass(frozen=True, slots=True)
class W3cHeader:
    """What the directives in force say."""

    fields: tuple[str, ...]
    """names of the ``#Fields:`` directive, each once"""
    software: str = ""
    """the ``#Software:`` directive"""
    date: str = ""
    """day of the ``#Date:`` directive, for lines that have a time alone"""
    local: bool = False
    """times are local; the standard wants UTC"""
    comma: bool = False
    """values are separated by commas (Exchange)"""


def find_header(lines: Sequence[str]) -> W3cHeader | None:
    """The header that the first directives among the lines give; None without ``#Fields:``."""
    header = W3cHeader(())
    for line in lines:
        if line.startswith("#"):
            header = _read_directive(header, line)
        if header.fields and not line.startswith("#"):
            break
    return header if header.fields else None


def read_directives(header: W3cHeader, directives: Sequence[str]) -> W3cHeader:
    """The header in force after some directives."""
    for directive in directives:
        header = _read_directive(header, directive)
    return header


def _read_directive(header: W3cHeader, line: str) -> W3cHeader:
    """The header after a directive."""
    if match := _FIELDS.match(line):
        text = match[1].strip()
        comma = "," in text and " " not in text and "\t" not in text
        return replace(header, fields=_unique(text.split(",") if comma else text.split()), comma=comma)
    if match := _DATE.match(line):
        return replace(header, date=match[1])
    if match := _SOFTWARE.match(line):
        return replace(header, software=match[1])
    return replace(header, local=True) if _LOCAL_TIME.match(line) else header


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """The names, a repeated one with its number."""
    seen: dict[str, int] = defaultdict(int)
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return tuple(unique)


def decode_block(lines: Sequence[str], header: W3cHeader | None, anchor: TimeAnchor) -> Decoded:
    """Decode lines under ``header`` (the one in force before the block) and the directives in the block.

    ``anchor.envelope_ns``, when given, has one value per line given. A line with another number of values than its
    directive has names is not matched.

    >>> decoded = decode_block(["#Fields: date time cs-method", "2026-09-14 05:00:00 GET"], None, TimeAnchor(0))
    >>> decoded.matched.tolist(), decoded.columns["method"][0].as_py()
    ([False, True], 'GET')
    """
    force = header or W3cHeader(())
    directives = np.zeros(len(lines), np.bool_)
    found: dict[W3cHeader, tuple[list[int], list[list[str]]]] = defaultdict(lambda: ([], []))
    for at, line in enumerate(lines):
        if line.startswith("#"):
            directives[at] = True
            force = _read_directive(force, line)
            continue
        values = _split(line, force)
        if len(values) == len(force.fields) and values:
            places, rows = found[force]
            places.append(at)
            rows.append(values)
    matched = np.zeros(len(lines), np.bool_)
    parts = []
    for header_of_rows, (places, rows) in found.items():
        matched[places] = True
        parts.append(_decode(header_of_rows, places, rows, anchor))
    return Decoded(matched, join_parts(parts), directives)


def _split(line: str, header: W3cHeader) -> list[str]:
    if header.comma:
        return next(csv.reader([line]), []) if '"' in line else line.split(",")
    if "\t" in line:
        values = line.split("\t")
        return (
            [value[1:-1].replace('""', '"') if _QUOTED.fullmatch(value) else value for value in values]
            if '"' in line
            else values
        )
    if '"' in line:
        return [quoted.replace('""', '"') or bare for quoted, bare in _VALUE.findall(line)]
    return line.split()


def _decode(header: W3cHeader, places: list[int], rows: list[list[str]], anchor: TimeAnchor) -> Part:
    columns: dict[str, Sequence[str]] = dict(zip(header.fields, zip(*rows, strict=True), strict=True))
    if header.date and "date" not in columns and "time" in columns:
        columns["date"] = [header.date] * len(rows)
    if _TAKEN in columns and _IN_SECONDS not in columns:
        columns[_TAKEN] = [str(Decimal(text) * 1000) if _SECONDS.fullmatch(text) else text for text in columns[_TAKEN]]
    part = decode_columns(columns, np.array(places), anchor, verbatim=True)
    if not header.local and "date" in columns and "time_ns" in part.columns:
        part.columns["zoned"] = part.columns["time_ns"].is_valid()
    return part
