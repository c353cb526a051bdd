"""Which lines of a block speak which dialect: the pairs of a line say what program wrote it, not those of the lines around it.

Takes the raw columns of a grammar whose lines hold ``KEY=VALUE`` pairs, gives the lines of each dialect; also apart stand lines whose
keys mean something else because the line is a request, and others have no method. Columns in, rows out: no line is looked at by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reconstruct.grammar.text_columns import Mask, text_buffers
from reconstruct.grammar.vocabulary import NO_DIALECT, REQUEST_FIELDS, SETS_KEPT, load_vocabulary, read_keys

Rows = npt.NDArray[np.int64]


def split_by_dialect(columns: Mapping[str, pa.Array], n: int, fields: frozenset[str]) -> list[tuple[str, Rows]]:
    """The dialects that are spoken, and the rows of each, ascending; together all rows. `NO_DIALECT`: none.

    ``columns``: raw texts, ``""`` where absent. ``fields``: what the grammar names itself, which every line has."""
    left = np.ones(n, np.bool_)
    groups: list[tuple[str, Mask]] = []
    for name, needed in _spoken_among(frozenset(columns) - fields, fields):
        speaks = left & _have(columns, needed, n)
        if speaks.any():
            groups.append((name, speaks))
            left &= ~speaks
        if not left.any():
            break
    if left.any():
        groups.append((NO_DIALECT, left))
    keys = tuple(columns)
    split: list[tuple[str, Rows]] = []
    for name, rows in groups:
        asking = _told_by_method(keys, fields, name)
        requests = rows & _have_any(columns, asking, n) if asking else rows
        split += [(name, np.flatnonzero(part)) for part in (requests, rows & ~requests) if part.any()]
    return split


def _have(columns: Mapping[str, pa.Array], keys: tuple[str, ...], n: int) -> Mask:
    """The rows that say all of the keys."""
    rows = np.ones(n, np.bool_)
    for key in keys:
        rows &= text_buffers(columns[key])[1] > 0
    return rows


def _have_any(columns: Mapping[str, pa.Array], keys: tuple[str, ...], n: int) -> Mask:
    """The rows that say one of the keys."""
    rows = np.zeros(n, np.bool_)
    for key in keys:
        rows |= text_buffers(columns[key])[1] > 0
    return rows


@lru_cache(maxsize=SETS_KEPT)
def _spoken_among(pairs: frozenset[str], fields: frozenset[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The dialects that lines with some of these keys may speak, in their order, and which pairs tell each."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for dialect in load_vocabulary().dialects:
        if dialect.keys <= pairs | fields:
            found.append((dialect.id, tuple(sorted(dialect.keys - fields))))
            if not found[-1][1]:
                break  # every line speaks it
    return tuple(found)


@lru_cache(maxsize=SETS_KEPT)
def _told_by_method(keys: tuple[str, ...], fields: frozenset[str], dialect: str) -> tuple[str, ...]:
    """The pairs that make a line a request, where that changes what other keys mean; else none."""
    meant = read_keys(keys, fields, dialect).fields
    asking = {keys[source.key] for name in REQUEST_FIELDS for source in meant.get(name, ())}
    if not asking or asking & fields:
        return ()
    without = tuple(key for key in keys if key not in asking)
    others = read_keys(without, fields, dialect).fields
    before = {name: [keys[source.key] for source in sources] for name, sources in meant.items()}
    after = {name: [without[source.key] for source in sources] for name, sources in others.items()}
    same = all(before.get(name) == after.get(name) for name in (before.keys() | after.keys()) - set(REQUEST_FIELDS))
    return () if same else tuple(sorted(asking))
