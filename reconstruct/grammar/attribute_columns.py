"""What is no field, as one JSON object text per row, built a column at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.grammar.text_columns import map_distinct

_SPECIAL = r'["\\\x00-\x1f]'
_JSON_NUMBER = r"^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?$"
"""Text that is a JSON number and stays the same number in every reader (below 2^53)."""


def join_attributes(columns: Sequence[tuple[str, pa.Array, bool]], n: int) -> pa.Array:
    """JSON object texts (``pa.string()``, null where nothing is left) of text columns, keys sorted.

    ``columns``: key, texts, and whether the texts are numbers (``0017`` is still text)."""
    members = [_members(key, column, numeric) for key, column, numeric in sorted(columns, key=lambda item: item[0])]
    members = [column for column in members if column.null_count < n]
    if not members:
        return pa.nulls(n, pa.string())
    if len(members) == 1:
        joined = members[0]
    else:
        # Arrow 26 drops the rows of "skip" that are null in every column, instead of giving them ""
        nothing = reduce(pc.and_, (column.is_null() for column in members))
        members[0] = pc.if_else(nothing, pa.scalar("", pa.string()), members[0])
        joined = pc.binary_join_element_wise(*members, ",", null_handling="skip")
        joined = pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), joined)
    return pc.binary_join_element_wise("{", joined, "}", "")


def _members(key: str, column: pa.Array, numeric: bool) -> pa.Array:
    """``"key":"text"`` of every text; null stays null."""
    prefix = orjson.dumps(key).decode() + ":"
    special = pc.match_substring_regex(column, _SPECIAL).fill_null(False)
    quoted = pc.binary_join_element_wise(f'{prefix}"', column, '"', "")
    if pc.any(special).as_py():
        escaped = map_distinct(column.filter(special), lambda text: prefix + orjson.dumps(text).decode(), pa.string())
        quoted = pc.replace_with_mask(quoted, special, escaped)
    if not numeric:
        return quoted
    number = pc.match_substring_regex(column, _JSON_NUMBER)
    return pc.if_else(number, pc.binary_join_element_wise(prefix, column, ""), quoted)
