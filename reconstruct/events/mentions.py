"""Identifier candidates of a batch of events.

Takes EVENTS rows, gives MENTIONS rows. Each place an identifier may stand in is a *slot*: ``key:order.id``,
``query:order``, ``path:/orders/{}``, ``cookie:sid``, ``text:order``. Client address, user, request, trace, span and
session ids have columns of their own and are not repeated here. Work is per distinct path, query, context and value;
values that cannot identify (prices, durations, dates, addresses, prose, null words) never leave this module, and of
bearer tokens only the claims that name someone do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, compress
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.events.attribute_keys import find_in_attributes
from reconstruct.events.candidates import SECRET, UNNAMED, Found, join_found
from reconstruct.events.free_text import find_in_text
from reconstruct.events.nouns import lexicon, noun_of
from reconstruct.events.routes import explode
from reconstruct.events.schema import MENTIONS
from reconstruct.events.shapes import CARRIERS, classify, identify, trace_parts
from reconstruct.events.targets import find_in_paths, find_in_queries
from reconstruct.grammar.text_columns import text_array, text_buffers

MENTIONS_PER_EVENT = 256
"""Mentions kept of one event. A batch line with more members is a dump; its first ones show what it is."""

CACHED_VALUES = 131_072
"""Distinct unusual values remembered per process (about 50 MB at worst)."""


def extract(events: pa.RecordBatch) -> pa.RecordBatch:
    """Find the identifier candidates of EVENTS rows; gives MENTIONS rows sorted by event, then slot."""
    return extract_each([events], [find_in_attributes(events.column("attributes"))])[0]


def extract_each(batches: Sequence[pa.RecordBatch], in_attributes: Sequence[Found]) -> list[pa.RecordBatch]:
    """`extract` of several batches, whose candidates in the column ``attributes`` are known: of small ones in one pass."""
    sizes = [batch.num_rows for batch in batches]
    offsets = np.cumsum(sizes) - sizes
    path, query = (pa.concat_arrays([batch.column(name) for batch in batches]) for name in ("path", "query"))
    message = pa.concat_arrays([_searched(batch) for batch in batches])
    moved = [
        Found(piece.rows + offset, piece.slots, piece.values)
        for piece, offset in zip(in_attributes, offsets.tolist(), strict=True)
    ]
    pieces = [find_in_paths(path), find_in_queries(query), find_in_text(message), join_found(moved)]
    mentions = _assemble([piece for piece in pieces if len(piece.rows)])
    return [mentions] if len(batches) == 1 else _split(mentions, offsets)


def _searched(batch: pa.RecordBatch) -> pa.Array:
    """The messages, but for those of formats whose fields say all there is to find."""
    formats, told = batch.column("format"), lexicon().told
    at = [code for code, name in enumerate(formats.dictionary.to_pylist()) if name.rpartition("/")[2] in told]
    if not at:
        return batch.column("message")
    is_told = pa.array(np.isin(formats.indices.to_numpy(zero_copy_only=False), at))
    return pc.if_else(is_told, pa.scalar(None, pa.string()), batch.column("message"))


def _split(mentions: pa.RecordBatch, offsets: npt.NDArray[np.int64]) -> list[pa.RecordBatch]:
    """The mentions of each batch, whose first events are number ``offsets`` of all."""
    event, slot, value, multi = mentions.columns
    bounds = [*np.searchsorted(event.to_numpy(), offsets).tolist(), len(event)]
    split = []
    for offset, start, stop in zip(offsets.tolist(), bounds[:-1], bounds[1:], strict=True):
        codes = slot.indices.to_numpy()[start:stop]
        present, codes = np.unique(codes, return_inverse=True)
        slots = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), slot.dictionary.take(pa.array(present)))
        events = pa.array(event.to_numpy()[start:stop] - offset, pa.int32())
        columns = [events, slots, value.slice(start, stop - start), multi.slice(start, stop - start)]
        split.append(pa.RecordBatch.from_arrays(columns, schema=MENTIONS))
    return split


def _assemble(pieces: list[Found]) -> pa.RecordBatch:
    """Normalise values, expand lists and tokens, drop what cannot identify, mark repeated slots, sort."""
    if not pieces:
        return pa.RecordBatch.from_pylist([], schema=MENTIONS)
    names: dict[str, int] = {}
    rows_of, slots_of, values_of = [], [], []
    for piece in pieces:
        table = np.array([names.setdefault(name, len(names)) for name in piece.slots.dictionary.to_pylist()], np.int64)
        rows, codes, values = _identified(piece, table, names)
        rows_of.append(rows)
        slots_of.append(codes)
        values_of.append(values)
    rows, slots = np.concatenate(rows_of), np.concatenate(slots_of)
    values = pa.concat_arrays(values_of)
    # slots in the order of their names, so that the batch does not depend on which place was read first
    ordered = sorted(names)
    rank = np.zeros(len(ordered), np.int64)
    rank[[names[name] for name in ordered]] = np.arange(len(ordered))
    group = rows * len(ordered) + rank[slots]
    order = np.argsort(group, kind="stable")
    group = group[order]
    order, group = _without_repeats(order, group, values)
    rows = group // len(ordered)
    if np.bincount(rows, minlength=1).max() > MENTIONS_PER_EVENT:
        kept = np.arange(len(group)) - np.searchsorted(rows, rows) < MENTIONS_PER_EVENT
        order, group, rows = order[kept], group[kept], rows[kept]
    same = group[1:] == group[:-1]
    multi = np.zeros(len(group), bool)
    multi[1:] |= same
    multi[:-1] |= same
    slot = group - rows * len(ordered)
    present = np.bincount(slot, minlength=len(ordered)) > 0
    slot_array = pa.DictionaryArray.from_arrays(
        pa.array((np.cumsum(present) - 1)[slot], pa.int32()), pa.array(list(compress(ordered, present)), pa.string())
    )
    return pa.RecordBatch.from_arrays(
        [pa.array(rows, pa.int32()), slot_array, values.take(pa.array(order)), pa.array(multi)], schema=MENTIONS
    )


def _without_repeats(
    order: npt.NDArray[np.int64], group: npt.NDArray[np.int64], values: pa.Array
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Drop the second and later mentions of one value in one slot of one event. ``order``: places in ``values``, sorted by
    group."""
    crowded = np.zeros(len(group), bool)
    same = group[1:] == group[:-1]
    crowded[1:] |= same
    crowded[:-1] |= same
    index = np.flatnonzero(crowded)
    if not len(index):
        return order, group
    codes = values.take(pa.array(order[index])).dictionary_encode().indices.to_numpy(zero_copy_only=False)
    by_value = np.lexsort((codes, group[index]))  # stable: the first of its like stays the first
    repeated = (np.diff(group[index][by_value]) == 0) & (np.diff(codes[by_value]) == 0)
    kept = np.ones(len(group), bool)
    kept[index[by_value[1:][repeated]]] = False
    return order[kept], group[kept]


def _identified(
    piece: Found, table: npt.NDArray[np.int64], names: dict[str, int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], pa.Array]:
    """Rows, slot numbers and normalised values of the candidates that identify. Judges each distinct value once."""
    encoded = piece.values.dictionary_encode()
    raw = encoded.dictionary
    # identifier number i < len(raw) is raw value i itself; those of values that must be judged follow
    counts = _are_plain(raw).astype(np.int64)
    starts = np.arange(len(raw))
    suspects = _without_measures(raw, np.flatnonzero(counts == 0))
    found = list(map(judge_value, raw.take(pa.array(suspects)).to_pylist()))
    judged = list(chain.from_iterable(found))
    counts[suspects] = np.fromiter(map(len, found), np.int64, len(found))
    starts[suspects] = len(raw) + np.cumsum(counts[suspects]) - counts[suspects]
    own = np.full(len(raw) + len(judged), _FROM_PLACE)
    own[len(raw) :] = [names.setdefault(one.slot, len(names)) if one.slot else _FROM_PLACE for one in judged]
    is_word = np.zeros(len(own), bool)
    is_word[len(raw) :] = [one.is_word for one in judged]

    codes = encoded.indices.to_numpy(zero_copy_only=False)
    if counts.max(initial=0) <= 1:
        at = np.flatnonzero(counts[codes])
        identifier = starts[codes[at]]
    else:
        at, within = explode(counts[codes])
        identifier = starts[codes][at] + within
    slots = table[piece.slots.indices.to_numpy(zero_copy_only=False)][at]
    slots = np.where(slots == names.get(SECRET, _FROM_PLACE), _DROPPED, slots)
    slots = np.where(own[identifier] == _FROM_PLACE, slots, own[identifier])
    in_text = np.array([name.startswith("text:") for name in names] + [False])  # the last one: _DROPPED
    kept = np.flatnonzero((slots != _DROPPED) & ~(is_word[identifier] & in_text[slots]))
    values = pa.concat_arrays([raw, text_array([one.value for one in judged])]).take(pa.array(identifier[kept]))
    return _named_by_shape(piece.rows[at][kept], slots[kept], values, names)


_FROM_PLACE = -2
"""The identifier belongs to the slot it was found in."""
_DROPPED = -1


def _are_plain(raw: pa.Array) -> npt.NDArray[np.bool_]:
    """True for values that are identifiers in normal form beyond doubt: what most values are, judged in bulk."""
    if len(raw) <= FEW_VALUES:
        return np.fromiter(map(_is_plain, raw.to_pylist()), np.bool_, len(raw))
    plain = _match(raw, _CERTAIN)
    # most values are certain or short, and the other patterns cost as much again, each
    left = np.flatnonzero(~plain & (text_buffers(raw)[1] >= SHORTEST))
    rest = raw.take(pa.array(left))
    plain[left] = _match(rest, _RANDOM) & _match(rest, _MIXED)
    left = left[~plain[left]]
    rest = raw.take(pa.array(left))
    digits = _match(rest, _WITH_DIGITS) & _match(rest, _NOT_ZERO)
    plain[left] = digits & ~pc.starts_with(rest, _ZEROS).to_numpy(zero_copy_only=False)
    return plain


def _without_measures(raw: pa.Array, suspects: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The suspects without those that are a fraction, a version, a moment or an address beyond doubt. Text is full of them, and
    to judge one takes some microseconds."""
    if len(suspects) <= FEW_VALUES:
        return suspects
    return suspects[~_match(raw.take(pa.array(suspects)), MEASURE)]


def _match(texts: pa.Array, pattern: str) -> npt.NDArray[np.bool_]:
    return np.array(pc.match_substring_regex(texts, pattern=pattern).to_numpy(zero_copy_only=False), dtype=bool)


def _is_plain(text: str) -> bool:
    """The same of one value."""
    if re.fullmatch(_CERTAIN, text):
        return True
    if re.fullmatch(_WITH_DIGITS, text) and re.search(_NOT_ZERO, text) and not text.startswith(_ZEROS):
        return True
    return re.fullmatch(_RANDOM, text) is not None and re.search(_MIXED, text) is not None


FEW_VALUES = 64
"""Distinct values that are judged one by one: Arrow compiles its patterns at every call, which takes longer."""

_CERTAIN = "^(?:[1-9][0-9]{0,17}|[A-WYZ][A-Z]{0,7}-?[0-9]{4,18})$"
_WITH_DIGITS = (
    "^(?:[0-9a-f]{16,64}|[a-z]{2,10}_[0-9a-z]{12,64}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$"
)

MEASURE = (
    r"^(?:[0-9]+(?:\.[0-9]+)+|[0-9]{1,3}(?:\.[0-9]{1,3}){3}[:/][0-9]+"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.,+Z-]*)?|[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?"
    r"|[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{0,4}){5,6}:[0-9a-fA-F]{1,4})$"
)
"""Values that `judge_value` finds nothing in."""

SHORTEST = 15
"""Bytes of the shortest value that the other patterns take: ``ab_0123456789ab``."""

_NOT_ZERO, _ZEROS = "[1-9]", "0" * 16
_RANDOM, _MIXED = "^[a-z0-9]{20,64}$", "[a-z][0-9]+[a-z]+[0-9]"


class Identifier(NamedTuple):
    """An identifier inside a value."""

    value: str
    """normalised"""
    slot: str
    """slot of its own (a claim of a token), else empty"""
    is_word: bool
    """a mere word: believed only where a key holds it"""


@lru_cache(maxsize=CACHED_VALUES)
def judge_value(raw: str) -> tuple[Identifier, ...]:
    """Identifiers in one value: itself, the members of a list, or what a token or propagation header carries.

    >>> [one.value for one in judge_value("A17,B22")], judge_value("12.50")
    (['A17', 'B22'], ())
    """
    value, kind = identify(raw)
    if value is not None:
        return (Identifier(value, "", kind == "word"),)
    if kind in CARRIERS:
        return tuple(Identifier(value, f"key:{name}", False) for name, value in trace_parts(raw))
    if "," in raw and kind in ("other", "prose", "long"):
        members = [identify(part) for part in raw.split(",")[:MENTIONS_PER_EVENT]]
        if all(value is not None and kind != "word" for value, kind in members):
            return tuple(Identifier(value, "", False) for value, _ in members if value is not None)
    return ()


def _named_by_shape(
    rows: npt.NDArray[np.int64], slots: npt.NDArray[np.int64], values: pa.Array, names: dict[str, int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], pa.Array]:
    """Give values without a noun the slot of their shape; drop those whose shape is too common to link by itself."""
    index = np.flatnonzero(slots == names.get(UNNAMED, _FROM_PLACE))
    if len(index):
        unnamed = values.take(pa.array(index))
        number = pc.ascii_is_decimal(unnamed).to_numpy(zero_copy_only=False)  # most of them, and too common
        slots[index[number]] = _DROPPED
        index = index[~number]
        encoded = unnamed.filter(pa.array(~number)).dictionary_encode()
        named = [_slot_by_shape(value) for value in encoded.dictionary.to_pylist()]
        table = np.array([names.setdefault(name, len(names)) if name else _DROPPED for name in named], np.int64)
        slots[index] = table[encoded.indices.to_numpy(zero_copy_only=False)]
        kept = np.flatnonzero(slots != _DROPPED)
        rows, slots, values = rows[kept], slots[kept], values.take(pa.array(kept))
    return rows, slots, _hexadecimal_traces(values, slots, names)


@lru_cache(maxsize=CACHED_VALUES)
def _slot_by_shape(value: str) -> str:
    """Slot of a value that stands in text without a noun: the prefix it carries or its shape; empty when it is weak."""
    shape = classify(value)
    if shape.kind in ("email", "mac"):
        return f"text:{shape.kind}"
    prefix = _PREFIX.match(value)
    if value.startswith("0x"):
        return ""  # an address in memory, unless something names it
    if prefix and (shape.kind == "prefixed" or (shape.kind == "code" and _NUMBERED.search(value))):
        return f"text:{prefix[1].lower()}"
    return f"text:{shape.kind}" if shape.high_entropy and shape.kind not in ("integer", "word") else ""


_PREFIX = re.compile(r"([A-Za-z]{2,10})[-_]")
"""``pay_2d6662e25ad0d538``, ``SKU-OA0062``: the letters say what it is."""
_NUMBERED = re.compile(r"[0-9]{3}")


def _hexadecimal_traces(values: pa.Array, slots: npt.NDArray[np.int64], names: dict[str, int]) -> pa.Array:
    """Trace and span ids written as unsigned 64-bit decimals (Datadog), as the 16 hexadecimal digits others write."""
    traced = np.array([noun_of(name) in ("trace", "span") for name in names])[slots]
    index = np.flatnonzero(traced)
    if len(index):
        index = index[_match(values.take(pa.array(index)), "^[0-9]{15,20}$")]
    if not len(index):
        return values
    written = [f"{int(value):016x}" for value in values.take(pa.array(index)).to_pylist()]
    mask = np.zeros(len(values), bool)
    mask[index] = True
    return pc.replace_with_mask(values, pa.array(mask), pa.array(written, pa.string()))
