"""Putting what an envelope says around what is inside: columns of the outside fill what the inside leaves open."""

from __future__ import annotations

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.events.decoded import ATTRIBUTE_VALUES
from reconstruct.events.schema import LABEL
from reconstruct.grammar.stamp_calendar import QUARTER_HOUR_NS
from reconstruct.grammar.text_columns import Mask
from reconstruct.grammar.timestamps import format_times

FEW_ENVELOPES = 100
"""Distinct attribute texts whose keys are looked up one by one; streams, containers and pods are fewer."""

SECOND_NS = 1_000_000_000

HELD_NS = 30 * SECOND_NS
"""A line is in the envelope's hands within this, but for whole batches of them."""

LARGEST_OFFSET_NS = 14 * 3_600 * SECOND_NS
"""From UTC (UTC+14 in the Line Islands)."""

MOST = 0.5
"""Share of the lines whose envelope must have been put on when they were written, for it to say when that was."""

ROUNDED_NS = 2 * SECOND_NS
"""A stamp of whole seconds was cut off by up to one, and the line is written a moment later."""


def merge_attributes(outer: pa.Array, inner: pa.Array) -> pa.Array:
    """Two columns of JSON object texts as one; where both have a key, the inner value stays."""
    if outer.null_count == len(outer):
        return inner
    if inner.null_count == len(inner):
        return outer
    if not _share_keys(outer, inner):
        head = pc.utf8_slice_codeunits(outer, 0, -1)
        tail = pc.utf8_slice_codeunits(inner, 1)
        return pc.coalesce(pc.binary_join_element_wise(head, tail, ","), inner, outer)
    merged = [
        a if b is None else b if a is None else _merge_objects(a, b)
        for a, b in zip(outer.to_pylist(), inner.to_pylist(), strict=True)
    ]
    return pa.array(merged, pa.string())


def _share_keys(outer: pa.Array, inner: pa.Array) -> bool:
    """Whether any key of ``outer`` may be one of ``inner``; True as well where it is dear to find out."""
    distinct = pc.unique(outer).drop_null()
    if len(distinct) > FEW_ENVELOPES:
        return True
    names = sorted({name for text in distinct.to_pylist() for name in orjson.loads(text)})
    empty = pc.any(pc.equal(inner, "{}")).as_py()
    return empty or any(pc.any(pc.match_substring(inner, f'"{name}":')).as_py() for name in names)


def _merge_objects(outer: str, inner: str) -> str:
    if inner == "{}":
        return outer
    names = orjson.loads(outer)
    if any(f'"{name}":' in inner for name in names):
        own = orjson.loads(inner)
        names = {name: value for name, value in names.items() if name not in own}
        outer = orjson.dumps(names).decode()
    return f"{outer[:-1]},{inner[1:]}" if names else inner


def wrap_columns(outer: dict[str, pa.Array], inner: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """The columns of lines whose inside is known: what the inside says, and what it leaves open from outside.

    A moment without a zone inside yields to the envelope's, which has one, and is kept as attribute ``inner_time``: unless the two are
    not the same but for the zone. What was loaded into a store long after, or held back by a buffer, was written when it says.
    """
    columns = dict(outer)
    for name, column in inner.items():
        if name in ("time_ns", "zoned", "attributes", ATTRIBUTE_VALUES):
            continue
        columns[name] = coalesce_columns(column, outer[name]) if name in outer else column
    wrap_attributes(columns, inner)
    if "time_ns" in inner and "time_ns" in outer:
        stamps, columns["time_ns"], columns["zoned"] = _choose_times(outer, inner)
        if stamps.null_count < len(stamps):
            columns["attributes"] = _add_inner_time(columns.get("attributes"), stamps)
            columns.pop(ATTRIBUTE_VALUES, None)
    elif "time_ns" in inner:
        columns["time_ns"], columns["zoned"] = inner["time_ns"], inner["zoned"]
    return columns


def wrap_attributes(columns: dict[str, pa.Array], inner: dict[str, pa.Array]) -> None:
    """Put the attributes of ``columns`` around those of what is inside."""
    if "attributes" not in inner:
        return
    outer = columns.get("attributes")
    columns.pop(ATTRIBUTE_VALUES, None)
    if outer is not None:
        columns["attributes"] = merge_attributes(outer, inner["attributes"])
        return
    for name in ("attributes", ATTRIBUTE_VALUES):
        if name in inner:
            columns[name] = inner[name]


def _choose_times(outer: dict[str, pa.Array], inner: dict[str, pa.Array]) -> tuple[pa.Array, pa.Array, pa.Array]:
    """The stamps inside that yield, ``time_ns`` and ``zoned`` of lines with a stamp outside and, mostly, one inside."""
    vague = pc.and_(pc.and_(outer["zoned"], pc.invert(inner["zoned"])), inner["time_ns"].is_valid())
    same, moved = _place(outer["time_ns"], inner["time_ns"], np.asarray(vague))
    take_outer = pc.and_(outer["time_ns"].is_valid(), pc.or_(inner["time_ns"].is_null(), same))
    own = pc.coalesce(moved, _refine(outer, inner))
    time_ns = pc.if_else(take_outer, outer["time_ns"], own)
    zoned = pc.if_else(take_outer, outer["zoned"], pc.or_(inner["zoned"], moved.is_valid()))
    yielded = pc.if_else(pc.or_(take_outer, moved.is_valid()), inner["time_ns"], pa.scalar(None, pa.int64()))
    return format_times(yielded), time_ns, zoned


def _place(outer: pa.Array, inner: pa.Array, vague: Mask) -> tuple[pa.Array, pa.Array]:
    """Of the lines whose stamp inside names no zone (``vague``): which of them the envelope was put on at that very moment, and when the
    others were written, if those tell the zone."""
    known = vague & np.asarray(outer.is_valid())
    apart = outer.fill_null(0).to_numpy() - inner.fill_null(0).to_numpy()
    offset = np.rint(apart / QUARTER_HOUR_NS).astype(np.int64) * QUARTER_HOUR_NS
    same = known & (np.abs(apart - offset) <= HELD_NS) & (np.abs(offset) <= LARGEST_OFFSET_NS)
    moved = np.zeros(len(apart), np.bool_)
    if same.sum() < MOST * known.sum():
        same = moved
    elif (known & ~same).any():
        offsets, counts = np.unique(offset[same], return_counts=True)
        offset[:] = offsets[np.argmax(counts)]
        moved = known & ~same
    return pa.array(same), pa.array(inner.fill_null(0).to_numpy() + offset, mask=~moved)


def _refine(outer: dict[str, pa.Array], inner: dict[str, pa.Array]) -> pa.Array:
    """The moments inside. One of whole seconds and in a zone takes the fraction from a stamp outside that is the same moment in local
    time: Rails adds ``at 2026-03-02 10:00:00 -0400`` to what Ruby has stamped to the microsecond."""
    told = pc.and_(inner["zoned"], pc.invert(outer["zoned"])).to_numpy(zero_copy_only=False)
    if not told.any():
        return inner["time_ns"]
    known = np.asarray(pc.and_(outer["time_ns"].is_valid(), inner["time_ns"].is_valid()))
    out, within = (column["time_ns"].fill_null(0).to_numpy() for column in (outer, inner))
    later = (out - within) % QUARTER_HOUR_NS
    same = told & known & (within % SECOND_NS == 0) & (later < ROUNDED_NS)
    return pa.array(within + np.where(same, later, 0), pa.int64(), mask=~np.asarray(inner["time_ns"].is_valid()))


def _add_inner_time(attributes: pa.Array | None, stamps: pa.Array) -> pa.Array:
    """``attributes`` with the stamps (``…Z``, though they have no zone) as their last member."""
    member = pc.binary_join_element_wise('"inner_time":"', pc.replace_substring(stamps, "Z", ""), '"}', "")
    first = pc.binary_join_element_wise("{", member, "")
    if attributes is None or attributes.null_count == len(attributes):
        return first
    attributes = pc.if_else(pc.equal(attributes, "{}"), pa.scalar(None, pa.string()), attributes)
    more = pc.binary_join_element_wise(pc.utf8_slice_codeunits(attributes, 0, -1), member, ",")
    return pc.coalesce(more, first, attributes)


def coalesce_columns(first: pa.Array, second: pa.Array) -> pa.Array:
    """The first column, its gaps filled from the second."""
    if first.null_count == 0 or second.null_count == len(second):
        return first
    if first.null_count == len(first):
        return second
    if pa.types.is_dictionary(first.type):  # no coalesce kernel for two dictionaries
        return pc.coalesce(first.cast(pa.string()), second.cast(pa.string())).cast(LABEL)
    return pc.coalesce(first, second)
