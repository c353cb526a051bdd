"""Compressed bytes in, plain bytes out: piece by piece, and as far as the data goes.

A log that is still being compressed, was cut by a full disk, or lost a block is common after an incident, so a
damaged stream gives everything before the damage and one sentence about it, never an exception. Output comes in
bounded pieces whatever the ratio, so a decompression bomb costs time, not memory.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

PIECE_BYTES = 1 << 20
"""Most bytes one step gives. Large enough that the Python around a step does not show."""

ZSTD_FEED_BYTES = 2 << 10
"""Compressed bytes given to zstandard at once: its interface has no output limit, and 2 kB can at worst become 64 MB
(runs of 128 kB in four bytes). Usual logs give 20 to 60 kB of them, enough that the calls do not show."""


class DamagedError(Exception):
    """Compressed data that cannot be read on. The message is a phrase."""


class Inflater(Protocol):
    """One compressed member: bytes go in, pieces come out. Raises DamagedError after giving what was readable."""

    finished: bool
    rest: bytes
    """What followed the member's end in the bytes given last."""

    def feed(self, data: bytes) -> Iterator[bytes]: ...


class _Gzip:
    """Deflate; the only one whose state can be copied, so that damage costs bytes, not a block."""

    def __init__(self) -> None:
        self._state = zlib.decompressobj(wbits=31)
        self.finished = False
        self.rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            before = self._state.copy()
            try:
                piece = self._state.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                yield from _salvage(before, data)
                raise DamagedError(str(error)) from error
            if piece:
                yield piece
            data = self._state.unconsumed_tail
            if self._state.eof:
                self.finished, self.rest = True, self._state.unused_data
                return
            if not data and len(piece) < PIECE_BYTES:
                return


def _salvage(state: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """What ``data`` gives before the byte that breaks it. At most a raw block, so byte by byte is quick enough."""
    for at in range(len(data)):
        try:
            piece = state.decompress(data[at : at + 1])
        except zlib.error:
            return
        if piece:
            yield piece


class _Buffered:
    """bzip2 and xz: decoders that keep their input and say when they need more."""

    def __init__(self, state: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._state = state
        self.finished = False
        self.rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            try:
                piece = self._state.decompress(data, PIECE_BYTES)
            except (OSError, ValueError, lzma.LZMAError) as error:
                raise DamagedError(str(error)) from error
            if piece:
                yield piece
            if self._state.eof:
                self.finished, self.rest = True, self._state.unused_data
                return
            if self._state.needs_input:
                return
            data = b""


class _Zstd:
    def __init__(self) -> None:
        import zstandard  # 6 ms, and few logs need it

        self._error = zstandard.ZstdError
        self._state = zstandard.ZstdDecompressor().decompressobj()
        self.finished = False
        self.rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), ZSTD_FEED_BYTES):
            try:
                piece = self._state.decompress(data[at : at + ZSTD_FEED_BYTES])
            except self._error as error:
                raise DamagedError(str(error)) from error
            for start in range(0, len(piece), PIECE_BYTES):
                yield piece[start : start + PIECE_BYTES]
            if self._state.eof:
                self.finished = True
                self.rest = self._state.unused_data + data[at + ZSTD_FEED_BYTES :]
                return


_INFLATERS: dict[str, Callable[[], Inflater]] = {
    "gzip": _Gzip,
    "bzip2": lambda: _Buffered(bz2.BZ2Decompressor()),
    "xz": lambda: _Buffered(lzma.LZMADecompressor(format=lzma.FORMAT_XZ)),
    "zstd": _Zstd,
}


def compression_of(head: bytes) -> str | None:
    """How a file that begins with ``head`` (10 bytes or more) is compressed; None when it is not, by magic bytes.

    >>> compression_of(b"\\x1f\\x8b\\x08\\x00 and so on")
    'gzip'
    >>> compression_of(b"BZh is how this log line begins") is None
    True
    """
    if head[:3] == b"\x1f\x8b\x08":
        return "gzip"
    if head[:3] == b"BZh" and head[4:10] in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"):  # a block, or an empty stream
        return "bzip2"
    if head[:6] == b"\xfd7zXZ\x00":
        return "xz"
    if head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == b"\x2a\x4d\x18" and head[:1] in _SKIPPABLE):
        return "zstd"
    return None


_SKIPPABLE = frozenset(bytes([0x50 + low]) for low in range(16))
"""First byte of a zstd skippable frame, which pzstd and seekable zstd begin files with (RFC 8878 §3.1.2)."""


def inflate(blocks: Iterable[bytes], compression: str, report: Callable[[str], None]) -> Iterator[bytes]:
    """Decompress ``blocks``, members following one another as ``cat a.gz b.gz`` makes them.

    ``report`` is called at most once, with why the stream ended before its end; what was read stays read.
    """
    new = _INFLATERS[compression]
    member = new()
    fresh = True  # nothing of the member was seen yet
    n_members = 0
    for block in blocks:
        while block:
            if fresh and n_members:
                block = block.lstrip(b"\0")  # padding to a block or tape record, allowed after gzip and xz
                if not block:
                    break
            try:
                yield from member.feed(block)
            except DamagedError as error:
                if fresh and n_members:
                    report(f"bytes after the end of the {compression} data are not read")
                else:
                    report(f"{compression} data is damaged ({error}); read as far as it goes")
                return
            fresh = False
            if not member.finished:
                break
            block = member.rest
            member, fresh = new(), True
            n_members += 1
    if not fresh:
        report(f"{compression} data is truncated; read as far as it goes")
