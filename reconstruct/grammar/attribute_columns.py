"""What is no field: as one JSON object text per row, and as columns to search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.grammar.text_columns import has_byte_in, has_char, map_distinct, place_texts, text_scalar

TEXT = pa.string()

_NONE, _EMPTY, _OPEN, _CLOSE = map(text_scalar, (None, "", "{", "}"))
_ZERO, _MINUS_ZERO = map(text_scalar, ("0", "-0"))

_SPECIAL = bytes(range(32)) + b'"\\'
"""Bytes that JSON text escapes."""

_JSON_NUMBER = r"^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?$"
"""Text that is a JSON number and stays the same number in every reader (below 2^53)."""

_FRACTION = _JSON_NUMBER.replace("(?:\\.[0-9]{1,9})?$", "\\.[0-9]{1,9}$")
"""The same with a fraction."""


def join_attributes(columns: Sequence[tuple[str, pa.Array, bool]], n: int) -> pa.Array:
    """JSON object texts (``pa.string()``, null where nothing is left) of text columns, keys sorted.

    ``columns``: key, texts, and whether the texts are numbers (``0017`` is still text)."""
    ordered = sorted((each for each in columns if each[1].null_count < n), key=lambda item: item[0])
    if not ordered:
        return pa.nulls(n, TEXT)
    # Beside a key that every row has, it is known where commas stand: behind those before it, before those behind it.
    everywhere = next((at for at, (_, column, _) in enumerate(ordered) if not column.null_count), len(ordered))
    pieces: list[pa.Array | pa.Scalar] = []
    literal = "{"
    for at, (key, column, numeric) in enumerate(ordered):
        name = f"{',' if at > everywhere else ''}{orjson.dumps(key).decode()}:"
        comma = "," if at < everywhere else ""
        is_number = pc.match_substring_regex(column, _JSON_NUMBER) if numeric else None
        if is_number is not None and pc.all(is_number, skip_nulls=True).as_py():
            before, after = name, comma
        else:
            before, after = f'{name}"', f'"{comma}'
            special = has_byte_in(column, _SPECIAL)
            if is_number is not None or pc.any(special).as_py():
                column = _members(column, special, is_number, name, comma)
                before = after = ""
        if column.null_count and (before or after):
            rows = np.flatnonzero(np.asarray(column.is_valid()))
            members = pc.binary_join_element_wise(text_scalar(before), column.drop_null(), text_scalar(after), _EMPTY)
            column = place_texts(members, rows, n)
            before = after = ""
        if literal + before:
            pieces.append(text_scalar(literal + before))
        pieces.append(column)
        literal = after
    if everywhere < len(ordered):
        pieces.append(text_scalar(literal + "}"))
        return _join(pieces)
    joined = _join(pieces[1:])
    joined = pc.if_else(pc.equal(joined, _EMPTY), _NONE, pc.ascii_rtrim(joined, ","))
    return pc.binary_join_element_wise(_OPEN, joined, _CLOSE, _EMPTY)


def _join(pieces: Sequence[pa.Array | pa.Scalar]) -> pa.Array:
    # Not null_handling="skip": that drops rows whose parts are all null (pyarrow 26)
    return pc.binary_join_element_wise(*pieces, _EMPTY, null_handling="replace", null_replacement="")


def gather_values(columns: Sequence[tuple[str, pa.Array, bool]]) -> pa.StructArray | None:
    """What the objects of :func:`join_attributes` hold under each key, as text: a column each, null where there is nothing
    or a fraction. None when there are no columns."""
    kept = {
        key: _whole_numbers(column) if numeric else column
        for key, column, numeric in sorted(columns, key=lambda item: item[0])
        if column.null_count < len(column)
    }
    return pa.StructArray.from_arrays(list(kept.values()), list(kept)) if kept else None


def _whole_numbers(column: pa.Array) -> pa.Array:
    """Numbers as a JSON reader gives them when it reads fractions as such; other text stays."""
    if pc.any(has_char(column, ".")).as_py():
        column = pc.if_else(pc.match_substring_regex(column, _FRACTION), _NONE, column)
    return pc.if_else(pc.equal(column, _MINUS_ZERO), _ZERO, column) if pc.any(has_char(column, "-")).as_py() else column


def _members(column: pa.Array, special: pa.Array, is_number: pa.Array | None, name: str, comma: str) -> pa.Array:
    """Name and text of every text, escaped where it needs it; null stays null."""
    quoted = pc.binary_join_element_wise(text_scalar(f'{name}"'), column, text_scalar(f'"{comma}'), _EMPTY)
    if pc.any(special).as_py():
        escaped = map_distinct(column.filter(special), lambda text: f"{name}{orjson.dumps(text).decode()}{comma}", TEXT)
        quoted = pc.replace_with_mask(quoted, special, escaped)
    if is_number is None:
        return quoted
    number = pc.binary_join_element_wise(text_scalar(name), column, text_scalar(comma), _EMPTY)
    return pc.if_else(is_number, number, quoted)
