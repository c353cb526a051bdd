"""What travels out of this room: sources, what was passed over, and chunks of whole lines.

A *decoded stream* is what a source holds after decompression, as UTF-8, without a byte order mark. All offsets and
lengths in the program count bytes of it; for a plain UTF-8 file without a mark it is the file itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reconstruct.grammar.definition import Definition

CHUNK_BYTES = 8 << 20
"""Bytes per chunk: some 30,000 access-log lines. Small enough that two workers share a 20 MB file and that a chunk and
everything made from it stay within some 200 MB; large enough that per-chunk work (a task, a batch) does not show."""

LOOKAHEAD = 256 << 10
"""Bytes after a chunk that its last entry may reach into: four times what a message keeps, so a stack trace that
begins at the end of a chunk is whole. Costs 3 % more reading."""

LINE_CAP = 64 << 20
"""Bytes of one line that are kept. No log writer makes such lines on purpose; a one-line export of documents may come
near. Bounds the memory of a chunk to CHUNK_BYTES + LINE_CAP whatever the input."""

STDIN = "stdin"
"""The shown path of standard input."""


@dataclass(frozen=True, slots=True)
class Source:
    """One log file, one member of an archive, or standard input."""

    id: int
    """Position in the list sorted by path: stable for the same set of files."""
    path: str
    """Shown name, POSIX, unique: relative to the directory given, or the file's name; ``x.tar/in.log`` in archives."""
    file: Path
    """Where the bytes are: the file itself, or a spool file for standard input and archive members."""
    size: int
    """Bytes on disk when it was discovered; what is appended later is not read."""
    compression: str | None
    """``gzip``, ``bzip2``, ``xz``, ``zstd``; None for a plain file. By content, never by name."""
    encoding: str
    """``utf-8``, ``utf-16-le``, ``utf-16-be``, ``latin-1``. UTF-8 that is broken in places is still ``utf-8``."""
    family: str
    """The rotated files of one log share it: ``nginx/access.log`` for access.log, .1, .2.gz, -20260101 …"""
    rank: int
    """Position in the family in time order, 0 = oldest."""
    modified_ns: int
    """Modification time in nanoseconds since 1970: anchors stamps without a year or a date."""
    fingerprint: str
    """Content key: the same for the same bytes, whatever the name and time. 32 hex digits."""
    forced: str = ""
    """The format the user says it has; empty: it is recognised."""
    grammars: tuple[str, ...] = ()
    """Directories with grammars of the user's to know besides those of this installation."""

    @property
    def seekable(self) -> bool:
        """True when the decoded stream is the file's own bytes, so that workers can read ranges of it."""
        return self.compression is None and self.encoding == "utf-8"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or directory that was found and not read."""

    path: str
    """Shown like ``Source.path``; directories end in ``/``."""
    reason: str
    """A phrase for the user: "binary file", "named pipe" …"""


@dataclass(frozen=True, slots=True)
class Discovery:
    """Everything the given paths led to."""

    root: Path
    """The directory that shown paths are relative to."""
    sources: tuple[Source, ...]
    """Sorted by path; ``sources[i].id == i``. Never empty."""
    skipped: tuple[Skipped, ...]
    """Sorted by path."""
    formats: tuple[Definition, ...] = ()
    """What the layouts in configuration files among the logs say of their lines; ``Definition.path`` is the file, shown
    like ``Source.path``. Sorted by id."""

    @property
    def total_bytes(self) -> int:
        """Bytes on disk of all sources: what a progress bar counts to."""
        return sum(source.size for source in self.sources)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of whole lines of one source.

    ``data`` ends with ``\\n`` except where the stream ends without one, or where the last line was cut. Either way the
    lines of a chunk are ``data.split(b"\\n")`` without the empty rest after a final ``\\n``, and adding them up over
    the chunks of a source counts every line once.
    """

    source: int
    """``Source.id``"""
    index: int
    """Position among the chunks of the source, from 0."""
    offset: int
    """Offset of ``data`` in the decoded stream; always the start of a line."""
    data: bytes
    """UTF-8 (or what was in its place); line ends and NUL bytes as they are."""
    lookahead: bytes
    """Whole lines that follow ``data``, up to LOOKAHEAD bytes: where the last entry continues. Never a cut line."""
    last: bool
    """True for the last chunk; every source has one, empty if need be."""
    cut: int = 0
    """Bytes of the last line that were left out because it is longer than LINE_CAP, its line end included; else 0.
    ``data`` then ends with the first LINE_CAP bytes of that line and no line end."""
    note: str = ""
    """Where the stream ended early: why ("gzip data is truncated …"), for the user; else empty."""
    disk_bytes: int = 0
    """Bytes on disk this chunk took, for progress; they add up to ``Source.size`` unless the stream ended early."""

    @property
    def end(self) -> int:
        """Offset in the decoded stream of what follows: the next chunk's ``offset``."""
        return self.offset + len(self.data) + self.cut


@dataclass(frozen=True, slots=True)
class ChunkRef:
    """Where a chunk of a seekable source is, so that a worker can read it itself."""

    index: int
    offset: int
    length: int
    """Bytes of ``Chunk.data``."""
    cut: int
    last: bool
