"""Entries whose fields stand on several lines: a date line with the level below it, a block of ``name: value`` lines.

The first line is an entry of its format like any other. Grammars that name this format in their header (``// below:``)
read the lines folded under it, each by itself; what they say fills the entry's fields, and their text is not repeated
in its message. Of several lines that say a field the first counts; attributes are listed.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.events.decoded import ATTRIBUTE_VALUES
from reconstruct.events.formats import Formats
from reconstruct.events.layers import Reader
from reconstruct.events.reading import Part, Reading, Rows
from reconstruct.events.wrapping import coalesce_columns, merge_attributes
from reconstruct.grammar.fields import type_columns
from reconstruct.grammar.vocabulary import read_keys


def join_heads(reading: Reading, formats: Formats) -> None:
    """Where the second line of an entry may be a first line too (``# User@Host:`` of MySQL, which leaves ``# Time:`` out
    when it is the same second), only the first of two adjacent ones begins an entry."""
    for at, part in enumerate(reading.parts):
        name = _name_of(part)
        if not formats.below(name) or len(part.rows) < 2:
            continue
        candidates = np.flatnonzero(np.diff(part.rows) == 1) + 1
        if not len(candidates):
            continue
        second = candidates[formats.is_below(name, _texts(reading, part.rows[candidates]))]
        second = second[~formats.is_below(name, _texts(reading, part.rows[second - 1]))]
        if len(second):
            kept = np.ones(len(part.rows), np.bool_)
            kept[second] = False
            reading.parts[at] = _filter_part(part, kept)


def read_below(reading: Reading, owners: Rows, reader: Reader) -> None:
    """Fill the fields of entries from the lines they own."""
    for at, part in enumerate(reading.parts):
        name = _name_of(part)
        if not reader.formats.below(name) or not len(part.rows):
            continue
        place = np.full(len(owners), -1, np.int64)
        place[part.rows] = np.arange(len(part.rows))
        owned = np.flatnonzero(owners >= 0)
        owned = owned[(owners[owned] != owned) & (place[owners[owned]] >= 0)]
        if not len(owned):
            continue
        found = reader.formats.match_below(name, _texts(reading, owned))
        if not found.matched.any():
            continue
        reading.told[owned[found.matched]] = True
        entries = place[owners[owned]].tolist()
        names = tuple(found.columns)
        many = {names[at] for at in read_keys(names, frozenset(found.fields)).attributes}
        columns: dict[str, list[str]] = {}
        for field, said in found.columns.items():
            texts = columns[field] = [""] * len(part.rows)
            for line, text in said:
                entry = entries[line]
                if not texts[entry]:
                    texts[entry] = text
                elif field in many:
                    texts[entry] += f", {text}"
        anchor = reader.anchor_at(part.columns.get("time_ns"))
        typed = type_columns(columns, found.decoders, len(part.rows), anchor, found.fields)
        reading.parts[at] = Part(part.rows, part.format, _fill(part.columns, typed), part.absorbs, part.alone)


def _fill(head: dict[str, pa.Array], below: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """The columns of both; the first line counts where both say something, but for a moment that only the lines below
    give a zone."""
    columns = dict(head)
    for name, column in below.items():
        if name not in ("time_ns", "zoned", "attributes"):
            columns[name] = coalesce_columns(head[name], column) if name in head else column
    if "attributes" in below:
        columns.pop(ATTRIBUTE_VALUES, None)
        columns["attributes"] = (
            merge_attributes(below["attributes"], head["attributes"]) if "attributes" in head else below["attributes"]
        )
    if "time_ns" in below and "time_ns" in head:
        take = pc.and_(
            below["time_ns"].is_valid(),
            pc.or_(head["time_ns"].is_null(), pc.and_(below["zoned"], pc.invert(head["zoned"]))),
        )
        columns["time_ns"] = pc.if_else(take, below["time_ns"], head["time_ns"])
        columns["zoned"] = pc.if_else(take, below["zoned"], head["zoned"])
    elif "time_ns" in below:
        columns["time_ns"], columns["zoned"] = below["time_ns"], below["zoned"]
    return columns


def _texts(reading: Reading, rows: Rows) -> list[str]:
    return [reading.text[row] for row in rows.tolist()]


def _name_of(part: Part) -> str:
    return part.format.rpartition("/")[2]


def _filter_part(part: Part, kept: np.ndarray) -> Part:
    chosen = pa.array(kept)
    columns = {name: column.filter(chosen) for name, column in part.columns.items()}
    return Part(part.rows[kept], part.format, columns, part.absorbs, part.alone, part.unfinished)
