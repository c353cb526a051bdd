"""Sources in chunks of whole lines.

One rule cuts every source, so both doors give the same chunks: a chunk ends with the first line end that makes it at
least ``chunk_bytes`` long (LINE_CAP at most). Seekable sources are planned first (a few reads per chunk) and their
ranges read by whoever works on them; the others stream.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from reconstruct.sources.decode import DecodedStream, describe_failure, read_at
from reconstruct.sources.model import CHUNK_BYTES, LINE_CAP, LOOKAHEAD, Chunk, ChunkRef, Source

SEARCH_BYTES = 64 << 10
"""First read when looking for a line end; doubles up to a MB, so a short line costs little and a huge one few calls."""
SEARCH_BYTES_MOST = 1 << 20


def read_chunks(source: Source, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """All chunks of ``source`` in order, at least one. Never raises for what is on disk; see ``Chunk.note``."""
    if source.seekable:
        for ref in plan_ranges(source, chunk_bytes):
            yield load_chunk(source, ref)
    else:
        yield from _stream_chunks(source, chunk_bytes)


def plan_ranges(source: Source, chunk_bytes: int = CHUNK_BYTES, *, offset: int = 0, index: int = 0) -> list[ChunkRef]:
    """Where the chunks of a seekable source are, from chunk ``index`` at ``offset`` on. Reads some 64 kB per chunk. The first
    chunk's ``load_chunk`` reports a file that cannot be opened."""
    if not source.seekable:
        raise ValueError(f"{source.path} has no ranges: it is compressed or not UTF-8")
    chunk_bytes = min(chunk_bytes, LINE_CAP)
    refs: list[ChunkRef] = []
    try:
        with source.file.open("rb", buffering=0) as opened:
            skip = _mark_bytes(opened)
            size = max(source.size - skip, 0)
            while True:
                data_end, end = _find_chunk_end(opened, skip, offset, chunk_bytes, size)
                last = end >= size
                refs.append(ChunkRef(index + len(refs), offset, data_end - offset, end - data_end, last))
                if last:
                    return refs
                offset = end
    except OSError:
        return [ChunkRef(index, offset, source.size - offset, 0, True)]


def load_chunk(source: Source, ref: ChunkRef) -> Chunk:
    """The chunk at ``ref``. Never raises for what is on disk: a file that shrank or went away gives what is left of it
    and a note."""
    data = lookahead = b""
    note = ""
    try:
        with source.file.open("rb", buffering=0) as opened:
            skip = _mark_bytes(opened)
            start = skip + ref.offset
            follows = ref.offset + ref.length + ref.cut
            data = read_at(opened, start, ref.length)
            if len(data) < ref.length:
                note = "the file became shorter while it was read"
            elif not ref.last:
                room = min(LOOKAHEAD, source.size - skip - follows)
                lookahead = read_at(opened, skip + follows, room)
                if skip + follows + len(lookahead) < source.size:
                    lookahead = lookahead[: lookahead.rfind(b"\n") + 1]
    except OSError as error:
        note = describe_failure(error)
    return Chunk(
        source.id,
        ref.index,
        ref.offset,
        data,
        lookahead,
        ref.last,
        ref.cut,
        note,
        ref.length + ref.cut + (skip if not ref.index and not note else 0),
    )


def _mark_bytes(opened: BinaryIO) -> int:
    """Bytes of a UTF-8 byte order mark at the start of the file: 3 or 0."""
    mark = codecs.BOM_UTF8
    return len(mark) if read_at(opened, 0, len(mark)) == mark else 0


def _find_chunk_end(opened: BinaryIO, skip: int, offset: int, chunk_bytes: int, size: int) -> tuple[int, int]:
    """(end of the data, end of the lines) of the chunk at ``offset``, in the decoded stream; they differ by what is cut
    off a line longer than LINE_CAP."""
    at_least = offset + chunk_bytes - 1
    end = _find_line_end(opened, skip, at_least, size)
    if end - offset <= LINE_CAP:
        return end, end
    line_start = _find_line_start(opened, skip, offset, min(at_least, end))
    return min(end, line_start + LINE_CAP), end


def _find_line_end(opened: BinaryIO, skip: int, offset: int, size: int) -> int:
    """Offset after the first line end at or after ``offset``; ``size`` when there is none."""
    step = SEARCH_BYTES
    while offset < size:
        block = read_at(opened, skip + offset, min(step, size - offset))
        found = block.find(b"\n")
        if found >= 0:
            return offset + found + 1
        if not block:
            break
        offset += len(block)
        step = min(2 * step, SEARCH_BYTES_MOST)
    return size


def _find_line_start(opened: BinaryIO, skip: int, lowest: int, offset: int) -> int:
    """Offset after the last line end before ``offset``; ``lowest`` when there is none at or after that."""
    while offset > lowest:
        start = max(lowest, offset - SEARCH_BYTES_MOST)
        found = read_at(opened, skip + start, offset - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        offset = start
    return lowest


def _stream_chunks(source: Source, chunk_bytes: int) -> Iterator[Chunk]:
    stream = DecodedStream(source)
    buffer = _LineBuffer(stream)
    index = offset = taken = 0
    while True:
        data, cut = buffer.take_lines(min(chunk_bytes, LINE_CAP))
        lookahead = buffer.peek_lines(LOOKAHEAD)
        last = buffer.at_end()
        disk_bytes, taken = stream.disk_bytes - taken, stream.disk_bytes
        yield Chunk(source.id, index, offset, data, lookahead, last, cut, stream.note if last else "", disk_bytes)
        if last:
            return
        index += 1
        offset += len(data) + cut


class _LineBuffer:
    """Lines taken off the front of a stream; holds what was read and not yet taken."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._held = bytearray()
        self._ended = False

    def at_end(self) -> bool:
        """True when nothing is left to take."""
        return not self._held and not self._fill(1)

    def take_lines(self, least: int) -> tuple[bytes, int]:
        """Lines of ``least`` bytes together or a little more, and how many bytes of the last one were cut off."""
        search = least - 1
        while (found := self._held.find(b"\n", search)) < 0:
            search = max(search, len(self._held))
            if len(self._held) > LINE_CAP:
                line_start = self._held.rfind(b"\n", 0, least - 1) + 1
                if len(self._held) - line_start > LINE_CAP:
                    return self._take(line_start + LINE_CAP), self._drop_line()
            if not self._fill(len(self._held) + 1):
                return self._take(len(self._held)), 0
        line_start = self._held.rfind(b"\n", 0, found) + 1
        if found + 1 - line_start > LINE_CAP:
            return self._take(line_start + LINE_CAP), self._drop_line()
        return self._take(found + 1), 0

    def peek_lines(self, most: int) -> bytes:
        """Whole lines of at most ``most`` bytes together that come next; the last may be the unended end of it all."""
        if not self._fill(most + 1):
            return bytes(self._held)
        return bytes(self._held[: self._held.rfind(b"\n", 0, most) + 1])

    def _fill(self, size: int) -> bool:
        """Read until ``size`` bytes are held; False when the stream ends first."""
        while len(self._held) < size and not self._ended:
            block = next(self._blocks, None)
            if block is None:
                self._ended = True
            else:
                self._held += block
        return len(self._held) >= size

    def _take(self, size: int) -> bytes:
        with memoryview(self._held) as view:
            taken = bytes(view[:size])
        del self._held[:size]
        return taken

    def _drop_line(self) -> int:
        """Drop the rest of a line, its line end included; how many bytes that was."""
        dropped = 0
        while (found := self._held.find(b"\n")) < 0:
            dropped += len(self._held)
            self._held.clear()
            if not self._fill(1):
                return dropped
        del self._held[: found + 1]
        return dropped + found + 1
