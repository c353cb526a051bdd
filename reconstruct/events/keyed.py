"""Rows of keys and values, as JSON and logfmt lines give them, to typed columns.

Rows with the same keys are judged once (``grammar/vocabulary.py``), so the work per row is moving values into columns.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from reconstruct.grammar.fields import NUMBERS, VERBATIM, Raw, Typed, type_columns, type_fields
from reconstruct.grammar.text_columns import text_column
from reconstruct.grammar.timestamps import TimeAnchor
from reconstruct.grammar.vocabulary import KeySet, read_keys

Scalar = str | int | float | bool | None
Rows = npt.NDArray[np.int64]
Row = dict[str, "Scalar | list[Scalar]"]

DEFAULT_PLACE = 1_000_000
"""Place of a dialect's default among the keys that feed a field: behind them all."""

KEY_CAP = 256
"""Keys of a row that are judged; the rest stay attributes. Real lines have a few dozen, a hostile one a million."""


class Part(NamedTuple):
    """Some lines of a block, decoded."""

    rows: Rows
    """places of the lines in the block, ascending"""
    columns: dict[str, pa.Array]
    """one row per line"""


def decode_rows(rows: Sequence[Row], places: Rows, anchor: TimeAnchor) -> Part:
    """Typed columns of flat rows that stand at ``places`` of a block. ``anchor`` is the block's."""
    rows, surplus = _cap_keys(rows)
    groups = _group(rows)
    slots, raw = _collect(rows, groups)
    typed = type_fields(raw, len(rows), _narrow(anchor, places))
    attributes = _attributes(rows, groups, slots, typed, surplus)
    if attributes.null_count < len(rows):
        typed.columns["attributes"] = attributes
    return Part(places, typed.columns)


def decode_columns(
    columns: Mapping[str, Sequence[str] | pa.Array], places: Rows, anchor: TimeAnchor, *, verbatim: bool = False
) -> Part:
    """Typed columns of text that is columns already. ``verbatim``: quotes and escapes in it are no syntax any more."""
    decoders = dict.fromkeys(columns, VERBATIM) if verbatim else {}
    return Part(places, type_columns(columns, decoders, len(places), _narrow(anchor, places)))


def join_parts(parts: Sequence[Part]) -> dict[str, pa.Array]:
    """The columns of all parts, in the order of their lines."""
    if not parts:
        return {}
    if len(parts) == 1:
        return parts[0].columns
    order = pa.array(np.argsort(np.concatenate([part.rows for part in parts]), kind="stable"))
    joined = {}
    for name in sorted({name for part in parts for name in part.columns}):
        kind = next(part.columns[name].type for part in parts if name in part.columns)
        absent = pa.scalar(False) if pa.types.is_boolean(kind) else pa.scalar(None, kind)
        pieces = [part.columns.get(name, pa.repeat(absent, len(part.rows))) for part in parts]
        column = pa.chunked_array(pieces, kind)
        if pa.types.is_dictionary(kind):
            column = column.unify_dictionaries()
        joined[name] = column.combine_chunks().take(order)
    return joined


def _narrow(anchor: TimeAnchor, places: Rows) -> TimeAnchor:
    """The anchor of some lines of the block."""
    if anchor.envelope_ns is None:
        return anchor
    return TimeAnchor(anchor.modified_ns, anchor.envelope_ns.take(pa.array(places)), anchor.date_order)


def _cap_keys(rows: Sequence[Row]) -> tuple[Sequence[Row], dict[int, Row]]:
    """The rows with at most KEY_CAP keys, and by row the surplus."""
    long = [at for at, row in enumerate(rows) if len(row) > KEY_CAP]
    if not long:
        return rows, {}
    kept = list(rows)
    surplus = {}
    for at in long:
        items = list(rows[at].items())
        kept[at], surplus[at] = dict(items[:KEY_CAP]), dict(items[KEY_CAP:])
    return kept, surplus


Group = tuple[tuple[str, ...], KeySet, list[int]]
Slot = tuple[str, int, str]
"""field, place among the keys that feed it, unit"""


def _group(rows: Sequence[Row]) -> list[Group]:
    """Rows by their keys."""
    members: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        members[tuple(row)].append(at)
    return [(keys, read_keys(keys), rows_of) for keys, rows_of in members.items()]


def _collect(rows: Sequence[Row], groups: Sequence[Group]) -> tuple[list[Slot], dict[str, list[Raw]]]:
    """The raw columns of all fields. ``slots`` names them in the order of each field's list."""
    values: dict[Slot, list[object]] = {}
    for keys, key_set, members in groups:
        whole = len(members) == len(rows)
        for name, sources in key_set.fields.items():
            for place, source in enumerate(sources):
                key = keys[source.key]
                slot = (name, place, source.unit)
                if whole:
                    values[slot] = [row[key] for row in rows]
                    continue
                column = _slot_column(values, slot, len(rows))
                for at in members:
                    column[at] = rows[at][key]
        for name, default in key_set.defaults.items():
            column = _slot_column(values, (name, DEFAULT_PLACE, ""), len(rows))
            for at in members:
                column[at] = default
    slots = sorted(values)
    raw: dict[str, list[Raw]] = defaultdict(list)
    for slot in slots:
        raw[slot[0]].append(Raw(_value_column(values[slot], slot[0] in NUMBERS), slot[2]))
    return slots, raw


def _slot_column(values: dict[Slot, list[object]], slot: Slot, n: int) -> list[object]:
    column = values.get(slot)
    if column is None:
        column = values[slot] = [None] * n
    return column


def _value_column(values: list[object], numeric: bool) -> pa.Array:
    """Values as a column: numbers if all are and the field is one, else text.

    Text fields take whole numbers only: beside a fraction arrow would write the identifier 7 as 7.0."""
    try:
        column = pa.array(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        column = None
    if column is not None:
        kind = column.type
        if pa.types.is_integer(kind) or (numeric and pa.types.is_floating(kind)):
            return column
        if kind == pa.string() or pa.types.is_null(kind):
            return text_column(column)
    return text_column([_text(value) for value in values])


def _text(value: object) -> str | None:
    """A value as text; a list as its values, separated by commas."""
    if isinstance(value, list):
        return ", ".join(filter(None, map(_text, value)))
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _attributes(
    rows: Sequence[Row], groups: Sequence[Group], slots: Sequence[Slot], typed: Typed, surplus: Mapping[int, Row]
) -> pa.Array:
    """What is no field, as JSON object texts."""
    places = _places(slots)
    extra = _refused_values(rows, groups, places, typed)
    for at, more in surplus.items():
        extra.setdefault(at, {}).update(more)
    texts: list[bytes | None] = [None] * len(rows)
    for keys, key_set, members in groups:
        left = [keys[at] for at in key_set.attributes]
        if not left:
            continue
        kept: list[Row] = [
            {key: value for key in left if (value := row[key]) is not None and value != "" and value != "-"}
            for row in map(rows.__getitem__, members)
        ]
        for name, sources in key_set.fields.items():
            for place, source in enumerate(sources):
                consumed = typed.consumed.get((name, places[name, place, source.unit]))
                if consumed is not None:
                    for at, values in zip(members, kept, strict=True):
                        if consumed[at]:
                            values.pop(keys[source.key], None)
        filled = [(at, values) for at, values in zip(members, kept, strict=True) if values]
        for (at, _), text in zip(filled, dump_rows([values for _, values in filled]), strict=True):
            texts[at] = text
    for at, values in extra.items():
        held = texts[at]
        texts[at] = _dump(dict(sorted({**(orjson.loads(held) if held else {}), **values}.items())))
    return pa.array(texts, pa.string())


def _places(slots: Iterable[Slot]) -> dict[Slot, int]:
    """Position of each slot in the list of its field."""
    seen: dict[str, int] = defaultdict(int)
    places = {}
    for slot in slots:
        places[slot] = seen[slot[0]]
        seen[slot[0]] += 1
    return places


def _refused_values(
    rows: Sequence[Row], groups: Sequence[Group], places: Mapping[Slot, int], typed: Typed
) -> dict[int, Row]:
    """By row the values that their fields did not take."""
    extra: dict[int, Row] = {}
    if not typed.refused:
        return extra
    for keys, key_set, members in groups:
        chosen = np.array(members)
        for name, sources in key_set.fields.items():
            for place, source in enumerate(sources):
                mask = typed.refused.get((name, places[name, place, source.unit]))
                if mask is None or source.key in key_set.attributes:
                    continue
                for at in chosen[mask[chosen]].tolist():
                    extra.setdefault(at, {})[keys[source.key]] = rows[at][keys[source.key]]
    return extra


def dump_rows(rows: list[Row]) -> list[bytes]:
    """The JSON text of each row. One call for all: orjson takes a kilobyte per call, and keeping thousands of those
    is 15 times slower. ``},{"`` parts the rows, unless a text ends so; then they are written one by one."""
    try:
        texts = orjson.dumps(rows)[1:-1].replace(b'},{"', b'}\n{"').split(b"\n")
    except TypeError:
        texts = []
    return texts if len(texts) == len(rows) else [_dump(row) for row in rows]


def _dump(row: Row) -> bytes:
    try:
        return orjson.dumps(row)
    except TypeError:  # broken surrogates, which only the standard parser lets through
        return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace")
