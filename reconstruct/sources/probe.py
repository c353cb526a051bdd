"""One look at a file: what it is, and a key of its content. Reads at most some MB however large the file is."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from reconstruct.sources.archives import is_tar, is_zip
from reconstruct.sources.decode import RAW_BYTES, describe_failure, read_at
from reconstruct.sources.decompress import compression_of, inflate
from reconstruct.sources.encoding import encoding_of, transcode

WHOLE_BYTES = 1 << 20
"""Files up to this size are read whole for their fingerprint."""

SAMPLES, SAMPLE_BYTES = 64, 16 << 10
"""Pieces of a larger file that are read, head and tail among them, evenly spaced: 1 MB together. An edit that keeps the
size and misses every piece would go unseen; logs are appended to and rotated, not edited."""

HEAD_BYTES = 64 << 10
"""Decoded bytes given from the start of a file, to find its first stamp: more than the longest banner."""

TAIL_BYTES = 4 << 10
"""Bytes given from its end, to find the last one."""

_FOREIGN_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"LPKSHHRH", "systemd journal; write it out with: journalctl --file FILE -o json"),
    (0, b"ElfFile\0", "Windows event log (evtx)"),
    (0, b"\x04\x22\x4d\x18", "lz4-compressed; unpack it with: lz4 -d FILE"),
    (0, b"\x1f\x9d", "compressed by compress; unpack it with: uncompress FILE"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z archive; unpack it first"),
    (0, b"Rar!\x1a\x07", "rar archive; unpack it first"),
    (0, b"\xff\xfe\0\0", "UTF-32 text"),
    (0, b"\0\0\xfe\xff", "UTF-32 text"),
    (0, b"SQLite format 3\0", "SQLite database"),
    (8, b"DUCK", "DuckDB database"),
    (0, b"PAR1", "Parquet file"),
    (0, b"%PDF-", "PDF document"),
    (0, b'{"schema":"reconstruct.', "an export of reconstruct"),
)
"""(offset, magic bytes, reason): files that look like text to the eye of a statistic, or whose reason can say more."""


class RefusedError(Exception):
    """A file that is no log. The message is the reason, a phrase."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What one look at a file found."""

    fingerprint: str
    compression: str | None
    encoding: str
    archive: bool
    """A tar or zip archive: unpack it, do not read it."""
    head: bytes
    """The decoded stream's first bytes, at most HEAD_BYTES."""
    tail: bytes
    """The last whole lines of a plain file, at most TAIL_BYTES; empty for others."""


def probe_file(file: Path, size: int) -> Probe:
    """Look at a regular file of ``size`` bytes. Raises RefusedError when it is not a log that can be read."""
    try:
        with file.open("rb", buffering=0) as opened:
            pieces = read_samples(opened, size)
            head = pieces[0]
            compression = compression_of(head)
            if compression is None:
                return _judge(pieces, None, fingerprint_pieces(pieces, size))
            problems: list[str] = []
            blocks = chain([head], iter(lambda: opened.read(RAW_BYTES), b""))
            opened.seek(len(head))
            decoded = bytearray()
            for block in inflate(blocks, compression, problems.append):
                decoded += block
                if len(decoded) >= WHOLE_BYTES:
                    break
            if not decoded:
                raise RefusedError(f"{problems[0].split(';')[0]}: nothing in it can be read" if problems else "empty")
            return _judge([bytes(decoded)], compression, fingerprint_pieces(pieces, size))
    except OSError as error:
        raise RefusedError(describe_failure(error)) from error


def read_samples(opened: BinaryIO, size: int) -> list[bytes]:
    """The whole file when it is small, else SAMPLES pieces of it, head first and tail last."""
    return [read_at(opened, offset, length) for offset, length in sample_spans(size)]


def sample_spans(size: int) -> list[tuple[int, int]]:
    """Offset and length of the pieces of a file of ``size`` bytes that its fingerprint is made of, ascending."""
    if size <= WHOLE_BYTES:
        return [(0, size)]
    step = (size - SAMPLE_BYTES) / (SAMPLES - 1)
    return [(round(i * step), SAMPLE_BYTES) for i in range(SAMPLES)]


def fingerprint_of(file: Path, size: int) -> str:
    """The fingerprint of the first ``size`` bytes of a file. Of a log that was appended to since, with its old size, it
    is the old fingerprint: that is how a grown file is told from another one."""
    with file.open("rb", buffering=0) as opened:
        return fingerprint_pieces(read_samples(opened, size), size)


def fingerprint_pieces(pieces: list[bytes], size: int) -> str:
    """The fingerprint of ``size`` bytes of which these are the pieces (``sample_spans``)."""
    key = blake2b(size.to_bytes(8, "little"), digest_size=16)
    for piece in pieces:
        key.update(piece)
    return key.hexdigest()


def _judge(pieces: list[bytes], compression: str | None, fingerprint: str) -> Probe:
    head = pieces[0]
    if is_tar(head) or (compression is None and is_zip(head)):
        return Probe(fingerprint, compression, "", True, b"", b"")
    for offset, magic, reason in _FOREIGN_MAGIC:
        if head.startswith(magic, offset):
            raise RefusedError(reason)
    encoding = encoding_of(head, b"".join(_whole_lines(piece) for piece in pieces[1:]))
    if encoding is None:
        raise RefusedError("binary file")
    text = b"".join(transcode([head[:HEAD_BYTES]], encoding))
    if len(pieces) == 1 and not text.strip(b"\0\r\n"):
        raise RefusedError("empty")
    tail = _whole_lines(pieces[-1][-TAIL_BYTES:]) if compression is None and encoding == "utf-8" else b""
    return Probe(fingerprint, compression, encoding, False, text, tail)


def _whole_lines(piece: bytes) -> bytes:
    """A piece from the middle of a file without the lines cut at its edges, so that no character is cut either."""
    return piece[piece.find(b"\n") + 1 : piece.rfind(b"\n") + 1]
