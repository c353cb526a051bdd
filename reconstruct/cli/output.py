"""Where a command writes: a file that appears only when it is complete, or stdout."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from reconstruct.errors import ExportError

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    r"""Text of a log without what a terminal would obey or hide: control characters, direction marks.

    One character for one, unlike the interface's own ``tui.sanitise.clean``: a caret printed below keeps its column.

    >>> clean("a\x1b[31mb")
    'a�[31mb'
    """
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


@contextmanager
def open_output(place: str) -> Iterator[BinaryIO]:
    """A stream for ``place`` (``-`` is stdout). Raises ExportError at once when it cannot be written.

    A regular file is written beside its place and moved there at the end, so a failed run leaves what was there before.
    """
    if place == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(place)
    if path.exists() and not path.is_file():
        try:
            with path.open("wb") as stream:
                yield stream
        except OSError as error:
            raise _refusal(path, error) from None
        return
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise _refusal(path, error) from None
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb", buffering=1 << 20) as stream:
            yield stream
        partial.chmod(0o666 & ~_umask())
        partial.replace(path)
    except OSError as error:
        raise _refusal(path, error) from None
    finally:
        partial.unlink(missing_ok=True)


def check_output(place: str) -> None:
    """Raise ExportError now rather than after minutes of reading."""
    path = Path(place)
    if place == "-":
        return
    if path.is_dir():
        raise ExportError(f"cannot write {place}: it is a directory", path=path, hint="name a file: -o journeys.json")
    if not path.parent.is_dir():
        raise ExportError(
            f"cannot write {place}: no such directory", path=path, hint=f"make it first: mkdir -p {path.parent}"
        )
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise ExportError(f"cannot write {place}: permission denied", path=path, hint="choose another place with -o")


def _refusal(path: Path, error: OSError) -> ExportError:
    return ExportError(
        f"cannot write {path}: {error.strerror or error}", path=path, hint="choose another place with -o"
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
