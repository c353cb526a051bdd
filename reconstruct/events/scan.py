"""One chunk of lines to Arrow batches of events and mentions, and an account of every line.

    bytes ─ lines ─► read by layers ─► parts ─► folded (multiline) ─► assembled ─► EVENTS ─► MENTIONS

The result does not depend on where chunks are cut: whether a line starts an entry is judged by the line and the
profile, continuations by the entry above within ``profile.reach`` bytes. A chunk accounts for its own lines but those
of its head that an entry of an earlier chunk reaches, and for the lines its last entry reaches in ``lookahead``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.events import mentions
from reconstruct.events.assemble import append_messages, assemble_columns, set_methods_aside
from reconstruct.events.attribute_keys import ATTRIBUTES_CAP, find_in_attributes, find_in_values
from reconstruct.events.below import join_heads, read_below
from reconstruct.events.candidates import Found, join_found
from reconstruct.events.decoded import ATTRIBUTE_VALUES
from reconstruct.events.embedded import read_wrapped
from reconstruct.events.formats import GENERIC, formats_of
from reconstruct.events.layers import Reader
from reconstruct.events.lines import MATCH_CAP, Lines, split_lines
from reconstruct.events.multiline import BLANK, DIRECTIVE, LOOSE, NOBODY, START, Run, find_owners
from reconstruct.events.reading import Layer, Part, Reading, Rows
from reconstruct.events.schema import EVENTS, LABEL, MENTIONS, MESSAGE_CAP
from reconstruct.events.source_profile import SourceProfile
from reconstruct.events.undated import NOTES, Undated
from reconstruct.grammar.plans import MatchPlan
from reconstruct.sources.model import Chunk

SAMPLE_LIMIT = 20
"""Unparsed lines shown per chunk, and lines read by their moment alone; enough to see what they are."""

SAMPLE_CHARACTERS = 300

_AFTER_OBJECT = " \t,]"
"""What may stand behind an object that is an element of a list."""

NO_MENTIONS = pa.RecordBatch.from_pylist([], schema=MENTIONS)

FIRST_LOOK = 4096
"""Bytes of the lookahead read first: it ends the last entry in nearly every chunk."""


@dataclass(frozen=True, slots=True)
class LineAccount:
    """Every line counted exactly once: ``lines`` is the sum of the others."""

    lines: int
    events: int
    """lines that start an event"""
    continuations: int
    directives: int
    blank: int
    unparsed: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A line no format reads."""

    line: int
    """1-based, from the chunk's first line"""
    text: str
    """at most SAMPLE_CHARACTERS"""
    generic: bool
    """known by its moment, and an event; else unparsed"""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a chunk holds. Line numbers are 1-based from the chunk's first line; offsets are those of the stream."""

    events: pa.RecordBatch
    mentions: pa.RecordBatch
    account: LineAccount
    formats: dict[str, int]
    """events per format id, sorted by id"""
    samples: tuple[Sample, ...]
    notes: dict[str, int]
    """what the user should know, and how many lines it concerns"""
    undated: Undated | None
    """what the stamps of the source lack"""
    n_lines: int
    """lines of ``chunk.data``: what the line numbers of the next chunk start after"""


@dataclass(frozen=True, slots=True)
class ReadChunk:
    """A chunk that is read and not searched for identifiers yet."""

    scan: Scan
    """without mentions"""
    in_attributes: Found
    """the candidates of the attributes, by event"""


def scan_chunk(chunk: Chunk, profile: SourceProfile, plans: Mapping[str, MatchPlan] | None = None) -> Scan:
    """Read one chunk of a source. Never raises on any bytes.

    ``plans``: the grammars to know; those of this installation when not given.
    """
    return search_chunks([read_chunk(chunk, profile, plans)])[0]


def search_chunks(chunks: Sequence[ReadChunk]) -> list[Scan]:
    """Find the identifiers in some chunks. A search takes a millisecond or two however little there is to search."""
    found = mentions.extract_each([each.scan.events for each in chunks], [each.in_attributes for each in chunks])
    return [replace(each.scan, mentions=batch) for each, batch in zip(chunks, found, strict=True)]


def read_chunk(chunk: Chunk, profile: SourceProfile, plans: Mapping[str, MatchPlan] | None = None) -> ReadChunk:
    """`scan_chunk` without the search for identifiers: for small chunks, which are searched together."""
    reader = Reader(formats_of(plans, profile.grammars, profile.local), profile.modified_ns, profile.date_order)
    layer = profile.layer_at(chunk.offset)
    lines, n_own = _split_chunk(chunk, reader, layer, profile.reach)
    reading = reader.read(lines.text, layer)
    join_heads(reading, reader.formats)
    run = _judge_lines(reading, lines)
    owners = find_owners(run, profile.reach)
    skip = _count_head(run, profile.reach) if chunk.index else 0
    owners[:skip] = NOBODY
    joined = _finish_entries(reader, reading, owners)
    read_below(reading, owners, reader)
    parts = [kept for part in reading.parts if (kept := _keep_events(part, owners)) is not None]
    rows, columns = assemble_columns(parts)
    added = _continuation_text(reading, owners, rows, joined)
    n_cut = append_messages(columns, added)
    if added:
        columns["attributes"] = read_wrapped(columns["message"], columns["attributes"], added)
    set_methods_aside(columns)
    if profile.service is not None:
        columns["service"] = _fill_label(columns["service"], profile.service)
    events = _build_events(chunk, lines, owners, rows, columns)
    unparsed = np.flatnonzero((owners == NOBODY) & (run.shape != BLANK) & (run.shape != DIRECTIVE))
    unparsed = unparsed[unparsed >= skip]
    scan = Scan(
        events,
        NO_MENTIONS,
        _count_lines(run, owners, skip, len(rows), len(unparsed)),
        _count_formats(columns["format"]),
        (*_take_samples(lines, unparsed, False), *_take_samples(lines, _generic_rows(rows, columns["format"]), True)),
        _take_notes(lines, n_cut, _count_beyond(run, owners, profile.reach), profile, events),
        profile.undated,
        n_own,
    )
    return ReadChunk(scan, _find_in_attributes(parts, rows))


def _split_chunk(chunk: Chunk, reader: Reader, layer: Layer, reach: int) -> tuple[Lines, int]:
    """The lines the chunk looks at (its own, then those its last entry may reach), and how many are its own."""
    own = split_lines(chunk.data)
    if chunk.cut and len(own):
        own.end[-1] = len(chunk.data) + chunk.cut
        own.stop[-1] = own.end[-1] - 1
    if not chunk.lookahead:
        return own, len(own)
    first_look = chunk.lookahead.find(b"\n", FIRST_LOOK) + 1 or len(chunk.lookahead)
    for size in sorted({first_look, len(chunk.lookahead)}):
        ahead = split_lines(chunk.lookahead[:size])
        starts = np.flatnonzero(_judge_lines(reader.read(ahead.text, layer), ahead).shape == START)
        if len(starts):
            break
    count = int(starts[0]) if len(starts) else int(np.searchsorted(ahead.end, reach, side="right"))
    if not count:
        return own, len(own)
    below = len(chunk.data) + chunk.cut
    joined = Lines(
        [*own.text, *ahead.text[:count]],
        np.concatenate([own.start, ahead.start[:count] + below]),
        np.concatenate([own.stop, ahead.stop[:count] + below]),
        np.concatenate([own.end, ahead.end[:count] + below]),
        own.clipped,
    )
    return joined, len(own)


def _judge_lines(reading: Reading, lines: Lines) -> Run:
    count = len(lines)
    shape = np.full(count, LOOSE, np.int8)
    absorbs = np.zeros(count, np.bool_)
    alone = np.zeros(count, np.bool_)
    for part in reading.parts:
        if part.alone:
            alone[part.rows] = True
        else:
            shape[part.rows] = START
            absorbs[part.rows] = part.absorbs
    shape[reading.directive] = DIRECTIVE
    text = reading.text
    loose = np.flatnonzero(shape == LOOSE)
    blank = [row for row in loose.tolist() if not text[row] or text[row].isspace()]
    shape[blank] = BLANK
    return Run(shape, lines.end, text, absorbs, alone, reading.partial, reading.stream)


def _count_head(run: Run, reach: int) -> int:
    """How many lines at the head of a chunk an earlier chunk accounts for."""
    starts = np.flatnonzero(run.shape == START)
    head = int(starts[0]) if len(starts) else len(run.shape)
    return int(np.searchsorted(run.end[:head], reach, side="right"))


def _finish_entries(reader: Reader, reading: Reading, owners: Rows) -> dict[int, int]:
    """Read the entries that only several lines together make; row of such an entry → rows its own text takes.

    An entry that stays unreadable loses its lines, unless its envelope makes it an event.
    """
    taken: dict[int, int] = {}
    for part in [part for part in reading.parts if part.unfinished is not None]:
        reading.parts.remove(part)
        rows = part.rows[owners[part.rows] == part.rows]
        spans = [_find_own_lines(reading, owners, row) for row in rows.tolist()]
        texts = ["".join(reading.text[row:stop]) for row, stop in zip(rows.tolist(), spans, strict=True)]
        n_before = len(reading.parts)
        reader.reread(reading, part, rows, [text.rstrip(_AFTER_OBJECT) for text in texts])
        added = reading.parts[n_before:]
        read = {row for each in added for row in each.rows.tolist()}
        taken.update((row, stop - row) for row, stop in zip(rows.tolist(), spans, strict=True) if row in read)
        lost = np.array([row for row in rows.tolist() if row not in read], np.int64)
        envelope = part.format.rpartition("/")[0]
        if not envelope:
            owners[np.isin(owners, lost)] = NOBODY
        elif len(lost):
            chosen = pa.array(np.isin(part.rows, lost))
            columns = {name: column.filter(chosen) for name, column in part.columns.items()}
            reading.parts.append(Part(lost, envelope, columns))
    return taken


def _find_own_lines(reading: Reading, owners: Rows, row: int) -> int:
    """The line after those that make up the unfinished entry at ``row``: cut pieces, or all it owns."""
    stop = row + 1
    if reading.partial[row]:
        while stop < len(owners) and owners[stop] == row and reading.partial[stop - 1]:
            stop += 1
    else:
        while stop < len(owners) and owners[stop] == row:
            stop += 1
    return stop


def _keep_events(part: Part, owners: Rows) -> Part | None:
    """The rows of a part that are events after folding."""
    kept = owners[part.rows] == part.rows
    if kept.all():
        return part if len(part.rows) else None
    if not kept.any():
        return None
    chosen = pa.array(kept)
    columns = {name: column.filter(chosen) for name, column in part.columns.items()}
    return Part(part.rows[kept], part.format, columns)


def _continuation_text(reading: Reading, owners: Rows, rows: Rows, taken: dict[int, int]) -> dict[int, str]:
    """Text to append to messages, by position of the event in ``rows``."""
    owned = owners[owners != NOBODY]
    if len(owned) == len(rows) and not reading.tails:
        return {}
    spans = np.bincount(owned, minlength=len(owners))[rows]
    tails = np.fromiter(reading.tails, np.int64, len(reading.tails))
    added: dict[int, str] = {}
    for at in np.flatnonzero((spans > 1) | np.isin(rows, tails)).tolist():
        row = int(rows[at])
        stop = row + int(spans[at])
        pieces = ["\n", reading.tails[row]] if row in reading.tails else []
        size = 0
        for below in range(row + taken.get(row, 1), stop):
            text = reading.text[below]
            if reading.told[below] or (not text and not pieces and reading.told[below - 1]):
                continue  # a blank line parts what was told from what follows
            pieces += ("" if reading.partial[below - 1] else "\n", text)
            if below in reading.tails:
                pieces += ("\n", reading.tails[below])
            size += len(text)
            if size > MESSAGE_CAP:
                break
        if pieces:
            added[at] = "".join(pieces)
    return added


def _fill_label(column: pa.Array, value: str) -> pa.Array:
    if not column.null_count:
        return column
    return pc.fill_null(column.cast(pa.string()), value).cast(LABEL)


def _build_events(chunk: Chunk, lines: Lines, owners: Rows, rows: Rows, columns: dict[str, pa.Array]) -> pa.RecordBatch:
    count = len(rows)
    spans = np.bincount(owners[owners != NOBODY], minlength=len(owners))[rows] if count else np.zeros(0, np.int64)
    starts = lines.start[rows]
    lengths = np.minimum(lines.stop[rows + spans - 1] - starts, np.iinfo(np.int32).max)
    position = {
        "source": np.full(count, chunk.source, np.int32),
        "line": (rows + 1).astype(np.int32),
        "lines": spans.astype(np.int32),
        "offset": starts + chunk.offset,
        "length": lengths.astype(np.int32),
    }
    arrays = [pa.array(position[name]) if name in position else columns[name] for name in EVENTS.names]
    return pa.RecordBatch.from_arrays(arrays, schema=EVENTS)


def _count_lines(run: Run, owners: npt.NDArray[np.int64], skip: int, n_events: int, n_unparsed: int) -> LineAccount:
    free = owners[skip:] == NOBODY
    shape = run.shape[skip:][free]
    return LineAccount(
        lines=len(owners) - skip,
        events=n_events,
        continuations=int(len(free) - free.sum()) - n_events,
        directives=int((shape == DIRECTIVE).sum()),
        blank=int((shape == BLANK).sum()),
        unparsed=n_unparsed,
    )


def _count_formats(column: pa.DictionaryArray) -> dict[str, int]:
    names = column.dictionary.to_pylist()
    counts = np.bincount(column.indices.to_numpy(zero_copy_only=False), minlength=len(names))
    return {name: int(n) for name, n in sorted(zip(names, counts.tolist(), strict=True)) if n}


def _generic_rows(rows: Rows, formats: pa.DictionaryArray) -> Rows:
    """The rows of ``rows`` that are events by their moment alone."""
    little = [at for at, name in enumerate(formats.dictionary.to_pylist()) if name.rpartition("/")[2] == GENERIC]
    return rows[np.isin(formats.indices.to_numpy(zero_copy_only=False), little)] if little else rows[:0]


def _find_in_attributes(parts: list[Part], rows: Rows) -> Found:
    """Identifier candidates in the attributes of each part, by position of the event in ``rows``."""
    pieces = []
    for part in parts:
        texts, values = part.columns.get("attributes"), part.columns.get(ATTRIBUTE_VALUES)
        if texts is None:
            continue
        if values is not None and (pc.max(pc.binary_length(texts)).as_py() or 0) <= ATTRIBUTES_CAP:
            piece = find_in_values(values)
        else:
            piece = find_in_attributes(texts)
        pieces.append(Found(np.searchsorted(rows, part.rows)[piece.rows], piece.slots, piece.values))
    return join_found(pieces)


def _take_samples(lines: Lines, rows: Rows, generic: bool) -> list[Sample]:
    return [Sample(row + 1, lines.text[row][:SAMPLE_CHARACTERS], generic) for row in rows[:SAMPLE_LIMIT].tolist()]


def _count_beyond(run: Run, owners: Rows, reach: int) -> int:
    """Lines of text that would be part of the entry above, were it not longer than an entry may be."""
    starts = np.flatnonzero(run.shape == START)
    loose = np.flatnonzero((owners == NOBODY) & (run.shape == LOOSE))
    if not len(starts) or not len(loose):
        return 0
    above = np.searchsorted(starts, loose) - 1
    loose, entry = loose[above >= 0], starts[above[above >= 0]]
    return int((run.absorbs[entry] & (run.end[loose] > run.end[entry] + reach)).sum())


def _take_notes(
    lines: Lines, n_cut: int, n_beyond: int, profile: SourceProfile, events: pa.RecordBatch
) -> dict[str, int]:
    n_completed = 0
    if profile.undated:  # an envelope around an entry may say it all, and its zone with it
        n_completed = pc.sum(pc.and_not(events["time_ns"].is_valid(), events["zoned"])).as_py() or 0
    notes = {
        f"more than {profile.reach >> 10} KiB below the entry they seem to belong to": n_beyond,
        f"longer than {MATCH_CAP >> 20} MiB, not read to the end": len(lines.clipped),
        f"message cut at {MESSAGE_CAP} characters": n_cut,
        NOTES[profile.undated] if profile.undated else "": n_completed,
    }
    return {text: n for text, n in notes.items() if text and n}
