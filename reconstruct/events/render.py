"""Events as JSON Lines: the ``events`` output, columns in, bytes out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.events.lines import strip_terminal_codes
from reconstruct.events.schema import EVENTS
from reconstruct.grammar.timestamps import format_times

_HIDDEN = frozenset(("offset", "length", "time_ns", "zoned", "attributes", "source"))
"""Columns that are not fields of an output line as they are."""

_ORDER = ("source", "line", "lines", "format", "time")
_FIELDS = (*_ORDER, *(name for name in EVENTS.names if name not in _HIDDEN and name not in _ORDER))

ROWS_AT_ONCE = 20_000
"""Rows turned into Python values at a time: bounds memory, and an hour of events shows while the rest is written."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a terminal may obey: C0 but tab and line feed, DEL, C1."""

_HAS_CONTROL = "[\\x00-\\x08\\x0b-\\x1f\\x7f\u0080-\u009f]"
_HAS_ESCAPED = r"\\u00[01789][0-9a-fA-F]|\\[bfr]"
"""JSON escapes of control characters in attribute texts; may hit an escaped backslash, which costs a look only."""

Identifiers = Mapping[int, Sequence[tuple[str, str]]]
"""Row of the batch → identifiers of the event as (type, value)."""


def event_lines(events: pa.RecordBatch, source_paths: Sequence[str], ids: Identifiers | None = None) -> Iterator[bytes]:
    """The events as JSON objects, one line each with its line end. Absent fields are left out.

    ``source_paths[i]`` is the shown path of source ``i``; terminal escapes are removed from all values.
    """
    for start in range(0, events.num_rows, ROWS_AT_ONCE):
        piece = events.slice(start, ROWS_AT_ONCE)
        names, columns = _list_columns(piece, source_paths)
        if ids is not None:
            names.append("ids")
            columns.append([_list_ids(ids.get(row)) for row in range(start, start + piece.num_rows)])
        dumps, line_end = orjson.dumps, orjson.OPT_APPEND_NEWLINE
        for values in zip(*columns, strict=True):
            yield dumps(
                {name: value for name, value in zip(names, values, strict=True) if value is not None}, None, line_end
            )


def _list_columns(events: pa.RecordBatch, source_paths: Sequence[str]) -> tuple[list[str], list[list[object]]]:
    """Field names in output order and their values; fields that no row has are left out."""
    names: list[str] = []
    columns: list[list[object]] = []
    for name in _FIELDS:
        values = _read_column(events, name, source_paths)
        if values is not None:
            names.append(name)
            columns.append(values)
    attributes = events.column("attributes")
    if attributes.null_count < len(attributes):
        names.append("attributes")
        columns.append([_embed(text) for text in _clean_attributes(attributes)])
    return names, columns


def _read_column(events: pa.RecordBatch, name: str, source_paths: Sequence[str]) -> list[object] | None:
    if name == "source":
        return [source_paths[each] for each in events.column("source").to_pylist()]
    column = format_times(events.column("time_ns")) if name == "time" else events.column(name)
    if column.null_count == len(column):
        return None
    if pa.types.is_dictionary(column.type):
        texts = _clean(column.dictionary).to_pylist()
        return [None if code is None else texts[code] for code in column.indices.to_pylist()]
    values: list[object] = (_clean(column) if pa.types.is_string(column.type) else column).to_pylist()
    return values


def _clean(texts: pa.Array) -> pa.Array:
    """Texts without what a terminal would obey."""
    if not pc.any(pc.match_substring_regex(texts, _HAS_CONTROL)).as_py():
        return texts
    return pa.array([None if text is None else clean_text(text) for text in texts.to_pylist()], pa.string())


def clean_text(text: str) -> str:
    """``text`` without terminal escape sequences and control characters but tab and line feed."""
    return _CONTROL.sub("", strip_terminal_codes(text))


def _clean_attributes(attributes: pa.Array) -> list[str | None]:
    texts: list[str | None] = attributes.to_pylist()
    escaped = pc.match_substring_regex(attributes, _HAS_ESCAPED)
    if pc.any(escaped).as_py():
        for row, hit in enumerate(escaped.to_pylist()):
            text = texts[row]
            if hit and text is not None:
                texts[row] = orjson.dumps(_clean_value(orjson.loads(text))).decode()
    return texts


def _clean_value(value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(key): _clean_value(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_clean_value(each) for each in value]
    return value


def _embed(text: str | None) -> orjson.Fragment | None:
    return None if text is None or text == "{}" else orjson.Fragment(text)


def _list_ids(found: Sequence[tuple[str, str]] | None) -> list[dict[str, str]] | None:
    return [{"type": kind, "value": value} for kind, value in found] if found else None
