"""Raw lines of the logs, by position or by time: the text behind every fact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reconstruct.errors import SourceError
from reconstruct.sources import Discovery, read_slice, read_slices
from reconstruct.store.database import EID_SHIFT, Store

RAW_CONTEXT_BYTES = 64 << 10
"""Bytes read on either side of an event to show the lines around it."""
ENTRY_BYTES = 256 << 10
"""Bytes of one entry that are shown among others; a dump of megabytes is read in its own file."""
COPY_BYTES = 256 << 20
"""A compressed log is unpacked for another program up to this size."""
LONGEST_ENTRY = 200
"""Lines before a place in which the entry that covers it is looked for."""


@dataclass(frozen=True, slots=True)
class RawLine:
    """One line of a log as it stands in its file."""

    source: int
    line: int
    text: str
    is_entry_start: bool


@dataclass(frozen=True, slots=True)
class TimedLine:
    """One line among those of all logs, in the order of corrected time."""

    source: int
    line: int
    text: str
    is_entry_start: bool
    at_ns: int
    """of its entry, corrected"""
    entry: int
    """first line of its entry"""


def read_entry(store: Store, discovery: Discovery, source: int, line: int) -> bytes:
    """The bytes of an event exactly as they stand in the (decompressed) log. Raises KeyError when no event starts there."""
    rows = store.rows('SELECT "offset", length FROM events WHERE eid = ?', [source << EID_SHIFT | line])
    if not rows:
        raise KeyError((source, line))
    return read_slice(discovery.sources[source], *rows[0])


def read_lines(
    store: Store, discovery: Discovery, source: int, line: int, before: int = 0, after: int = 0
) -> list[RawLine]:
    """Lines of a source around one of them, as text; undecodable bytes are replaced."""
    first = max(1, line - before)
    known = store.rows(
        'SELECT line, lines, "offset", length FROM events WHERE source = ? AND line BETWEEN ? AND ? ORDER BY line',
        [source, first - LONGEST_ENTRY, line + after],
    )
    if not known:
        return []
    starts = {row[0] for row in known}
    anchor = max((row for row in known if row[0] <= first), default=known[0])
    end = known[-1][2] + known[-1][3] + RAW_CONTEXT_BYTES
    data = read_slice(discovery.sources[source], anchor[2], end - anchor[2])
    found = []
    for number, text in enumerate(data.split(b"\n"), anchor[0]):
        if number > line + after:
            break
        if number >= first:
            found.append(RawLine(source, number, _decode(text), number in starts))
    return found


def read_texts(store: Store, discovery: Discovery, positions: Sequence[tuple[int, int]]) -> list[str]:
    """The entries at (source, line), each as it stands in its file; empty where none begins."""
    eids = [source << EID_SHIFT | line for source, line in positions]
    texts = _read_places(discovery, _places(store, eids))
    return [texts.get(eid, "") for eid in eids]


def read_around(store: Store, discovery: Discovery, source: int, line: int, before: int, after: int) -> list[TimedLine]:
    """Entries of all logs around one of them, in the order of corrected time, each with all its lines.

    Args:
        store: Where the events are.
        discovery: Where the logs are.
        source: Of the entry in the middle; nothing is found when no entry begins there.
        line: Its first line.
        before: Entries before it.
        after: Entries after it.
    """
    eid = source << EID_SHIFT | line
    here = store.rows("SELECT t FROM timeline WHERE eid = ?", [eid])
    if not here:
        return []
    at = here[0][0]
    rows = store.rows(
        "(SELECT eid, t FROM timeline WHERE t < ? OR (t = ? AND eid < ?) ORDER BY t DESC, eid DESC LIMIT ?) UNION ALL"
        " (SELECT eid, t FROM timeline WHERE t > ? OR (t = ? AND eid >= ?) ORDER BY t, eid LIMIT ?) ORDER BY t, eid",
        [at, at, eid, before, at, at, eid, after + 1],
    )
    texts = _read_places(discovery, _places(store, [row[0] for row in rows]))
    found = []
    for number, time_ns in rows:
        owner, first = number >> EID_SHIFT, number & ((1 << EID_SHIFT) - 1)
        for index, text in enumerate(texts.get(number, "").split("\n")):
            found.append(TimedLine(owner, first + index, text, index == 0, time_ns, first))
    return found


def plain_file(discovery: Discovery, source: int, directory: Path) -> Path:
    """A file another program can open at a line: the log itself, or what is in it, unpacked into ``directory``.

    Raises SourceError when it cannot be read, or is too large to be unpacked.
    """
    log = discovery.sources[source]
    if log.compression is None:
        return log.file
    data = read_slice(log, 0, COPY_BYTES + 1)
    if len(data) > COPY_BYTES:
        raise SourceError(
            f"{log.path} is too large to be unpacked for an editor", path=log.path, hint="unpack it beside the others"
        )
    path = directory / Path(log.path).name.removesuffix(Path(log.path).suffix)
    path.write_bytes(data)
    return path


def _places(store: Store, eids: Sequence[int]) -> list[tuple[int, int, int]]:
    """(eid, offset, length) of events."""
    return store.rows(
        'SELECT eid, "offset", length FROM events WHERE eid IN (SELECT unnest(?::BIGINT[]))', [list(eids)]
    )


def _read_places(discovery: Discovery, places: Sequence[tuple[int, int, int]]) -> dict[int, str]:
    """Texts of entries, each source read once."""
    by_source: dict[int, list[tuple[int, int, int]]] = {}
    for eid, offset, length in places:
        by_source.setdefault(eid >> EID_SHIFT, []).append((eid, offset, min(length, ENTRY_BYTES)))
    texts = {}
    for source, wanted in by_source.items():
        slices = read_slices(discovery.sources[source], [(offset, length) for _, offset, length in wanted])
        for (eid, _, _), data in zip(wanted, slices, strict=True):
            texts[eid] = _decode(data.rstrip(b"\n")).replace("\r\n", "\n")
    return texts


def _decode(data: bytes) -> str:
    return data.rstrip(b"\r").decode("utf-8", "replace")
