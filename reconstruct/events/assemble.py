"""Parts of a block, each read by its own format, to one EVENTS batch in line order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from textwrap import dedent

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.events.reading import Part, Rows
from reconstruct.events.schema import EVENTS, LABEL, MESSAGE_CAP, TEXT

_POSITION = ("source", "line", "lines", "offset", "length")
_CONTENT = [field for field in EVENTS if field.name not in _POSITION]


def assemble_columns(parts: Sequence[Part]) -> tuple[Rows, dict[str, pa.Array]]:
    """The rows of all parts, ascending, and the content columns of EVENTS in that order."""
    rows = np.concatenate([part.rows for part in parts]) if parts else np.zeros(0, np.int64)
    order = None if _ascends(rows) else np.argsort(rows, kind="stable")
    columns = {}
    for field in _CONTENT:
        column = _format_column(parts) if field.name == "format" else _content_column(parts, field)
        if order is not None and column.null_count < len(column):
            column = column.take(pa.array(order))
        columns[field.name] = column
    return (rows if order is None else rows[order]), columns


def append_messages(columns: dict[str, pa.Array], added: Mapping[int, str]) -> int:
    """Append text to the message of entries (position → text) and hold all to MESSAGE_CAP; how many were cut."""
    message = columns["message"]
    if pc.any(pc.ends_with(message, "\n")).as_py():
        message = pc.utf8_rtrim(message, "\r\n")
    if added:
        texts = message.to_pylist()
        for at, text in added.items():
            held = texts[at]
            texts[at] = held + text if held else dedent(text.removeprefix("\n"))
        message = pa.array(texts, pa.string())
    long = pc.greater(pc.utf8_length(message), MESSAGE_CAP) if _may_be_long(message) else None
    cut = (pc.sum(long).as_py() or 0) if long is not None else 0
    if cut:
        message = pc.utf8_slice_codeunits(message, 0, MESSAGE_CAP)
    columns["message"] = message
    return int(cut)


def set_methods_aside(columns: dict[str, pa.Array]) -> None:
    """Make methods of nothing that was asked for attributes: an entry about a call (``Sending GET …``), a procedure's name and a command
    of FTP are no web requests."""
    method, attributes = columns["method"], columns["attributes"]
    bare = pc.and_(method.is_valid(), columns["path"].is_null())
    if not pc.any(bare).as_py():
        return
    words, codes = method.dictionary, method.indices
    said = pa.array([f'{{"method":{orjson.dumps(word).decode()}' for word in words.to_pylist()], TEXT)
    rest = pc.if_else(
        attributes.is_null(), "}", pc.binary_join_element_wise(",", pc.utf8_slice_codeunits(attributes, 1), "")
    )
    columns["attributes"] = pc.if_else(bare, pc.binary_join_element_wise(said.take(codes), rest, ""), attributes)
    columns["method"] = pa.DictionaryArray.from_arrays(pc.if_else(bare, pa.scalar(None, codes.type), codes), words)


def _may_be_long(message: pa.Array) -> bool:
    return message.null_count < len(message) and (pc.max(pc.binary_length(message)).as_py() or 0) > MESSAGE_CAP


def _ascends(rows: Rows) -> bool:
    return len(rows) < 2 or bool((rows[1:] > rows[:-1]).all())


def _format_column(parts: Sequence[Part]) -> pa.Array:
    names = sorted({part.format for part in parts})
    codes = [np.full(len(part.rows), names.index(part.format), np.int32) for part in parts]
    indices = pa.array(np.concatenate(codes)) if codes else pa.array([], pa.int32())
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))


def _content_column(parts: Sequence[Part], field: pa.Field) -> pa.Array:
    arrays = [_part_column(part, field) for part in parts]
    if not arrays:
        return pa.array([], field.type)
    if len(arrays) == 1:
        return arrays[0]
    joined = pa.chunked_array(arrays, field.type)
    if field.type == LABEL:
        joined = joined.unify_dictionaries()
    return joined.combine_chunks() if joined.num_chunks != 1 else joined.chunk(0)


def _part_column(part: Part, field: pa.Field) -> pa.Array:
    column = part.columns.get(field.name)
    if column is None:
        count = len(part.rows)
        return _absent(count, field.type) if field.nullable else pa.array(np.zeros(count, np.bool_))
    return column if column.type == field.type else column.cast(field.type)


@lru_cache(maxsize=16)
def _absent(count: int, kind: pa.DataType) -> pa.Array:
    """An empty column. Those of a batch are one: most columns of most formats are empty, and all have to travel."""
    return pa.nulls(count, kind)
