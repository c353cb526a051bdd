"""What to do with an exception nobody expected: keep it in a file, and say where."""

from __future__ import annotations

import os
import platform
import time
import traceback
from dataclasses import asdict
from pathlib import Path

from reconstruct.errors import ReconstructError
from reconstruct.resources import cache_directory
from reconstruct.tui.state import State

WORDS_CAP = 200
"""Characters of an exception's message that are shown; the file has them all."""


def write_report(error: BaseException, state: State | None = None) -> Path | None:
    """Keep the traceback and the state; None when nothing can be written."""
    path = cache_directory() / "failures" / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    parts = [f"python {platform.python_version()} on {platform.system()}\n"]
    parts += [f"{name}: {value}\n" for name, value in asdict(state).items()] if state else []
    parts += traceback.format_exception(error)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8") as out:
            out.write("".join(parts) + "\n")
    except OSError:
        return None
    return path


def say_failure(error: BaseException) -> str:
    """The exception in one line."""
    words = " ".join(str(error).split())[:WORDS_CAP]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def saved(error: BaseException, what: str, state: State | None = None) -> ReconstructError:
    """The same as an error message that says where the traceback is."""
    path = write_report(error, state)
    hint = (
        f"what happened is kept in {path}; please send it with your report"
        if path
        else "nothing could be written about it"
    )
    return ReconstructError(f"{what}: {say_failure(error)}", hint=hint)
