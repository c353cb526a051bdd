"""Identifier candidates in request targets: variable path segments and query parameters. Worked out per distinct text."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import unquote_plus

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.events.candidates import SECRET, Found, found
from reconstruct.events.nouns import NAME_CAP, is_secret, may_identify
from reconstruct.events.routes import explode, is_asset, shape_paths
from reconstruct.events.shapes import TOKEN_CAP
from reconstruct.grammar.text_columns import text_scalar

QUERY_CAP = 8_192
"""Longest query string read, in characters: the request line limit of common servers."""

ROUTE_CAP = 2 * NAME_CAP
"""Longest route that names a slot, in bytes."""

CACHED_NAMES = 65_536
"""Distinct parameter names remembered per process."""


_PATH, _NUMBER, _EMPTY = map(text_scalar, ("path:", "#", ""))


def _distinct(column: pa.Array) -> tuple[pa.Array, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Distinct values of a column without its nulls; the rows that have one; which one each has."""
    rows = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    encoded = column.drop_null().dictionary_encode()
    return encoded.dictionary, rows, encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def _spread(rows: npt.NDArray[np.int64], codes: npt.NDArray[np.int64], of_distinct: Found, n_distinct: int) -> Found:
    """Candidates of distinct values, repeated for every row that has the value."""
    counts = np.bincount(of_distinct.rows, minlength=n_distinct)
    starts = np.cumsum(counts) - counts
    at, within = explode(counts[codes])
    taken = pa.array(starts[codes][at] + within)
    return Found(rows[at], of_distinct.slots.take(taken), of_distinct.values.take(taken))


def find_in_paths(column: pa.Array) -> Found:
    """Variable segments of paths; static files have none."""
    distinct, rows, codes = _distinct(column)
    pages = pc.invert(is_asset(distinct))
    candidates = pc.and_(pages, pc.match_substring_regex(distinct, pattern="[0-9@]"))
    index = np.flatnonzero(candidates.to_numpy(zero_copy_only=False))
    if not len(index):
        return found([], [], [])
    shaped = shape_paths(distinct.take(pa.array(index)))
    # a route longer than a name is none: and a path of a thousand numbers must not become a thousand copies of itself
    short = pc.less_equal(pc.binary_length(shaped.routes), pa.scalar(ROUTE_CAP, pa.int32())).to_numpy(
        zero_copy_only=False
    )
    kept = np.flatnonzero(short[shaped.path])
    path, ordinal = shaped.path[kept], shaped.ordinal[kept]
    slots = pc.binary_join_element_wise(_PATH, shaped.routes.take(pa.array(path)), _EMPTY)
    numbered = shaped.variables[path] > 1
    ordinals = pa.array(np.where(numbered, ordinal + 1, 0)).cast(pa.string())
    slots = pc.if_else(pa.array(numbered), pc.binary_join_element_wise(slots, ordinals, _NUMBER), slots)
    of_distinct = Found(index[path], slots.dictionary_encode(), shaped.values.take(pa.array(kept)))
    return _spread(rows, codes, of_distinct, len(distinct))


def find_in_queries(column: pa.Array) -> Found:
    """Parameters of query strings."""
    distinct, rows, codes = _distinct(column)
    at: list[int] = []
    slots: list[str] = []
    values: list[str] = []
    for index, query in enumerate(distinct.to_pylist()):
        for pair in query[:QUERY_CAP].split("&"):
            name, _, value = pair.partition("=")
            if value and len(value) <= TOKEN_CAP:
                slot = _query_slot(name)
                if slot:
                    at.append(index)
                    slots.append(slot)
                    values.append(unquote_plus(value) if "%" in value or "+" in value else value)
    return _spread(rows, codes, found(at, slots, values), len(distinct))


@lru_cache(maxsize=CACHED_NAMES)
def _query_slot(name: str) -> str:
    """Slot of a query parameter; empty when it cannot hold an identifier."""
    if not name or len(name) > NAME_CAP:
        return ""
    name = unquote_plus(name).removeprefix("amp;").removesuffix("[]")
    if is_secret(name):
        return SECRET
    return f"query:{name}" if name.isprintable() and " " not in name and may_identify(name) else ""
