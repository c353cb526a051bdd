"""Every file below a directory, in one order on every machine, and why the others were passed over."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from reconstruct.sources.decode import describe_failure

Skip = Callable[[Path, str], None]
"""Told of each path that is passed over, and the reason."""

_BACKUP_SUFFIXES = ("~", ".bak", ".orig", ".rej")
_STATE_SUFFIXES = (".pid", ".lock")
_GRAMMAR_SUFFIX = ".lark"
_OWN_FILES = ("reconstruct.toml",)

_KINDS = (
    (stat.S_ISFIFO, "named pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file."""

    path: Path
    stat: os.stat_result
    linked: bool
    """Reached through a symbolic link, its own or a directory's."""


def why_passed_over(name: str) -> str | None:
    """Why a file or directory of this name is not looked at unless the user names it; None when it is.

    >>> why_passed_over("access.log~"), why_passed_over("access.log.1")
    ('editor backup', None)
    """
    if name.startswith("."):
        return "hidden"
    if name.endswith(_BACKUP_SUFFIXES) or (name.startswith("#") and name.endswith("#")):
        return "editor backup"
    if name.endswith(_STATE_SUFFIXES):
        return "process state, not a log"
    if name.endswith(_GRAMMAR_SUFFIX):
        return "a grammar, not a log"
    if name in _OWN_FILES:
        return "configuration of reconstruct"
    return None


def kind_of(mode: int) -> str | None:
    """What a path is when it is neither a regular file nor a directory; None when it is one of them."""
    return next((kind for test, kind in _KINDS if test(mode)), None)


def walk_directory(top: Path, skip: Skip) -> Iterator[Found]:
    """Regular files below ``top``: real directories first, then linked ones, each sorted by name.

    Links are followed, since log directories are built of them (Kubernetes), but into no directory twice and into none
    above ``top``. Raises OSError when ``top`` itself cannot be listed.
    """
    above = {_identity(parent.stat()) for parent in top.resolve().parents}
    seen: set[tuple[int, int]] = set()
    real, linked = deque([(top, top.stat(), False)]), deque[tuple[Path, os.stat_result, bool]]()
    while real or linked:
        directory, status, by_link = (real or linked).popleft()
        if _identity(status) in seen or _identity(status) in above:
            skip(directory, "link to a directory above" if _identity(status) in above else "directory already read")
            continue
        seen.add(_identity(status))
        try:
            names = sorted(os.listdir(directory))  # noqa: PTH208 - iterdir makes a Path of each name first
        except OSError as error:
            if directory == top:
                raise
            skip(directory, describe_failure(error))
            continue
        for name in names:
            path = directory / name
            try:
                is_link = path.is_symlink()
                status = path.stat()
            except OSError as error:
                skip(path, "broken symbolic link" if isinstance(error, FileNotFoundError) else describe_failure(error))
                continue
            reason = why_passed_over(name) or kind_of(status.st_mode)
            if reason:
                skip(path, reason)
            elif not stat.S_ISDIR(status.st_mode):
                yield Found(path, status, by_link or is_link)
            elif is_link:
                linked.append((path, status, True))
            else:
                real.append((path, status, by_link))


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
