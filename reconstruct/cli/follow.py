"""What commands that follow logs have in common."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from reconstruct.errors import SourceError, UsageError
from reconstruct.following import LOOK_S, Follower
from reconstruct.options import Options
from reconstruct.sources import Discovery

HINT = "give the directory that logs are written to, or a log"


def begin(follower: Follower, options: Options, *, wait: bool) -> Discovery | None:
    """The logs to begin with. Where there are none yet they are waited for, or None is given: a service may start later than who
    watches it. Raises SourceError for a path that does not exist."""
    while True:
        try:
            return follower.find(options)
        except SourceError:
            if follower.is_over or not all(str(path) == "-" or Path(path).exists() for path in follower.paths):
                raise
        if not wait:
            return None
        time.sleep(LOOK_S)


def check_follow(discovery: Discovery, paths: Sequence[str | Path]) -> None:
    """Raise UsageError when nothing that was named can grow: archives and compressed files."""
    named = [Path(path) for path in paths]
    if any(str(path) == "-" or not path.is_file() for path in named):
        return
    plain = {source.file.resolve() for source in discovery.sources if source.compression is None}
    if not any(path.resolve() in plain for path in named):
        raise UsageError(f"nothing is written to {named[0]}: it is compressed or an archive", hint=HINT)


def keys_from_terminal() -> BinaryIO:
    """Standard input for logs, while keys come from the terminal itself. Raises UsageError without a terminal."""
    stream = os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0)
    if not stream.isatty():
        try:
            terminal = os.open("/dev/tty", os.O_RDWR)
        except OSError:
            raise UsageError(
                "there is no terminal to read keys from", hint="reconstruct summary - needs none"
            ) from None
        os.dup2(terminal, sys.stdin.fileno())
        os.close(terminal)
    return stream
