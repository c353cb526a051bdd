"""Copies of what cannot be read twice: standard input, pipes, members of archives.

They lie in the cache directory under a name made of their content, so the same input is the same file again, an
interrupted copy is never taken for a whole one, and two processes may make the same copy at once.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

from reconstruct.errors import SourceError
from reconstruct.resources import cache_directory
from reconstruct.sources.decode import describe_failure

SPOOL_BYTES = 16 << 30
"""Most bytes the spool keeps from earlier runs; the longest unused go first."""

COPY_BYTES = 1 << 20


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def spool_directory() -> Path:
    """Where copies lie; made when missing, readable by its owner only, since logs are."""
    directory = cache_directory() / "spool"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(
            f"{directory} {describe_failure(error, 'cannot be made')}",
            path=directory,
            hint="Standard input and archives are copied there; set RECONSTRUCT_CACHE_DIR to a writable directory.",
        ) from error
    return directory


def spool_stream(stream: Readable, name: str) -> Path:
    """Copy a stream to its end into the spool. Holds COPY_BYTES of it at a time. Raises SourceError, naming ``name``,
    when it cannot be read."""
    key = blake2b(digest_size=16)

    def read() -> bytes:
        try:
            return stream.read(COPY_BYTES)
        except OSError as error:
            hint = "Pipe logs into it, or give a file or a directory."
            raise SourceError(f"{name} {describe_failure(error)}", path=name, hint=hint) from error

    def copy(into: Path) -> None:
        with into.open("wb") as out:
            while block := read():
                key.update(block)
                out.write(block)

    return keep(copy, lambda: f"stream-{key.hexdigest()}")


def keep(make: Callable[[Path], None], name: Callable[[], str]) -> Path:
    """Let ``make`` write a file or directory at a temporary path, then give it its name for good."""
    directory = spool_directory()
    prune(directory)
    holder = Path(tempfile.mkdtemp(prefix="making-", dir=directory))
    try:
        make(holder / "made")
        final = directory / name()
        try:
            if not final.exists():
                (holder / "made").rename(final)
        except OSError:
            if not final.exists():  # else another process made the same directory in the meantime
                raise
        touch(final)
        return final
    except OSError as error:
        raise SourceError(
            f"{directory} {describe_failure(error, 'cannot take a copy of the input')}",
            path=directory,
            hint="Free some space there, or set RECONSTRUCT_CACHE_DIR to a directory with room.",
        ) from error
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def touch(path: Path) -> None:
    """Mark a copy as used now. Its modification time stays: when the content was first seen anchors its stamps."""
    with suppress(OSError):
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))


def prune(directory: Path, limit: int = SPOOL_BYTES) -> None:
    """Remove the copies used longest ago until the rest is within ``limit`` bytes."""
    copies = []
    for path in directory.iterdir():
        if path.name.startswith("making-"):
            continue
        with suppress(OSError):
            files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
            copies.append((path.stat().st_atime_ns, sum(file.stat().st_size for file in files), path))
    total = sum(size for _, size, _ in copies)
    for _, size, path in sorted(copies):
        if total <= limit:
            return
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        total -= size
