"""What is no field: as one JSON object text per row, and as columns to search."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.grammar.text_columns import has_byte_in, has_char, map_distinct, text_scalar

TEXT = pa.string()

_NONE, _EMPTY, _COMMA, _QUOTE_COMMA, _OPEN, _CLOSE = map(text_scalar, (None, "", ",", '",', "{", "}"))
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
    members = [_members(key, column, numeric) for key, column, numeric in sorted(columns, key=lambda item: item[0])]
    members = [column for column in members if column.null_count < n]
    if not members:
        return pa.nulls(n, TEXT)
    # Not null_handling="skip": that drops rows whose parts are all null (pyarrow 26)
    joined = pc.binary_join_element_wise(*members, _EMPTY, null_handling="replace", null_replacement="")
    joined = pc.if_else(pc.equal(joined, _EMPTY), _NONE, pc.ascii_rtrim(joined, ","))
    return pc.binary_join_element_wise(_OPEN, joined, _CLOSE, _EMPTY)


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


def _members(key: str, column: pa.Array, numeric: bool) -> pa.Array:
    """``"key":"text",`` of every text; null stays null."""
    prefix = orjson.dumps(key).decode() + ":"
    special = has_byte_in(column, _SPECIAL)
    quoted = pc.binary_join_element_wise(text_scalar(f'{prefix}"'), column, _QUOTE_COMMA, _EMPTY)
    if pc.any(special).as_py():
        escaped = map_distinct(column.filter(special), lambda text: f"{prefix}{orjson.dumps(text).decode()},", TEXT)
        quoted = pc.replace_with_mask(quoted, special, escaped)
    if not numeric:
        return quoted
    number = pc.match_substring_regex(column, _JSON_NUMBER)
    return pc.if_else(number, pc.binary_join_element_wise(text_scalar(prefix), column, _COMMA, _EMPTY), quoted)
