"""What is on disk just now, cheaply: asked again and again while logs are followed.

Files are asked for their size instead of waiting for the system to report changes: the same code then works on every system, on
network drives and in containers, where such reports do not arrive, and nothing has to be installed. A thousand files cost
some ten milliseconds a look.
"""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconstruct.sources.archives import is_tar, is_zip
from reconstruct.sources.decode import read_at
from reconstruct.sources.decompress import compression_of
from reconstruct.sources.walk import walk_directory

SETTLE_S = 5.0
"""A last line without a line end is left alone this long after the last write: the writer is in the middle of it. Buffers of
loggers are flushed within a second or so; a line that is still not ended then never will be, and counts as it is."""

LINE_MOST = 1 << 20
"""Bytes of an unfinished line that are waited for: a longer one is read as far as it goes, and anew when more comes."""

TEXT_BYTES = 4 << 10
"""Bytes at the end of a file that tell text from anything else."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the system says of a file."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


Look = Mapping[str, Stamp]
"""Path → what is there."""


def look(paths: Sequence[str | Path]) -> dict[str, Stamp]:
    """Every file the paths lead to now, as ``discover`` finds them. What cannot be looked at is not there."""
    found: dict[str, Stamp] = {}
    for argument in paths:
        path = os.fspath(argument)
        if path == "-":
            continue
        for each in [path] if os.path.lexists(path) else glob.glob(path, recursive=True):  # noqa: PTH207 - as in discover
            file = Path(each)
            try:
                if file.is_dir():
                    found.update((str(one.path), Stamp.of(one.stat)) for one in walk_directory(file, _pass))
                else:
                    found[each] = Stamp.of(file.stat())
            except OSError:
                continue
    return found


def _pass(_path: Path, _reason: str) -> None:
    """Nobody is told of what is passed over, second after second."""


def moved(before: Look, after: Look) -> bool:
    """Whether a file that was there is gone, is another one, or is shorter: what was read meanwhile may be neither."""
    return any(
        (now := after.get(path)) is None or (now.device, now.inode) != (then.device, then.inode) or now.size < then.size
        for path, then in before.items()
    )


class Extent:
    """How much of each file is to be read: up to the last line that is whole, while it is being written."""

    def __init__(self, settle_s: float = SETTLE_S) -> None:
        self._settle_s = settle_s
        self.held = False
        """Whether the end of a file was left out."""

    def __call__(self, file: Path, size: int, modified_ns: int) -> int:
        """Bytes of ``file`` to read."""
        if not size or abs(time.time_ns() - modified_ns) >= self._settle_s * 1e9:
            return size
        try:
            with file.open("rb", buffering=0) as opened:
                tail = read_at(opened, max(0, size - TEXT_BYTES), min(size, TEXT_BYTES))
                if tail.endswith(b"\n") or b"\0" in tail:  # NUL: UTF-16, or no text
                    return size
                head = read_at(opened, 0, TEXT_BYTES)
                if compression_of(head) or is_zip(head) or is_tar(head):
                    return size
                start = max(0, size - LINE_MOST)
                end = read_at(opened, start, size - start).rfind(b"\n") + 1
        except OSError:
            return size
        if start and not end:
            return size
        self.held = True
        return start + end
