"""The decoded stream of a source: decompressed, as UTF-8, without a byte order mark; as far as it can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from reconstruct.sources.decompress import inflate
from reconstruct.sources.encoding import transcode

RAW_BYTES = 1 << 18
"""Bytes read from disk at once: some 2 MB of log when it is compressed."""


class Stored(Protocol):
    """Where a log's bytes are, and how they become text; see ``Source``."""

    @property
    def file(self) -> Path: ...
    @property
    def size(self) -> int: ...
    @property
    def compression(self) -> str | None: ...
    @property
    def encoding(self) -> str: ...


class DecodedStream:
    """Iterates over blocks of a source's decoded stream, in order, each at most a few MB and never empty.

    Never raises for what is on disk: the stream just ends, and ``note`` says why it ended early.
    """

    def __init__(self, source: Stored) -> None:
        self._source = source
        self.note = ""
        self.disk_bytes = 0
        """Bytes read from disk so far."""

    def __iter__(self) -> Iterator[bytes]:
        source = self._source
        blocks = self._raw_blocks(source.file, source.size)
        if source.compression is not None:
            blocks = inflate(blocks, source.compression, self._report)
        return transcode(blocks, source.encoding)

    def _raw_blocks(self, file: Path, size: int) -> Iterator[bytes]:
        try:
            with file.open("rb", buffering=0) as opened:
                while self.disk_bytes < size:
                    block = opened.read(min(RAW_BYTES, size - self.disk_bytes))
                    if not block:
                        self._report("the file became shorter while it was read")
                        return
                    self.disk_bytes += len(block)
                    yield block
        except OSError as error:
            self._report(describe_failure(error))

    def _report(self, note: str) -> None:
        self.note = self.note or note


def describe_failure(error: OSError, what: str = "cannot be read") -> str:
    """What the system says about a file, as a phrase: "cannot be read: permission denied"."""
    return f"{what}: {(error.strerror or str(error)).lower()}"


def read_at(opened: BinaryIO, offset: int, length: int) -> bytes:
    """``length`` bytes at ``offset``, fewer only where the file ends."""
    opened.seek(offset)
    parts = []
    while length > 0:
        part = opened.read(length)
        if not part:
            break
        parts.append(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
