"""What was compiled once, kept as JSON in the user's cache directory: one file per kind of work, entries by key."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from reconstruct.resources import cache_directory


def read_kept(name: str) -> dict[str, Any]:
    """The entries of a file; none when it is not there or no such file."""
    try:
        content = orjson.loads((cache_directory() / name).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def write_kept(name: str, entries: Mapping[str, Any]) -> None:
    """Replace a file in one step, so that a reader never sees half of it. One that cannot be written is no error."""
    directory = cache_directory()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=directory, prefix=name)
        with os.fdopen(handle, "wb") as file:
            file.write(orjson.dumps(dict(entries), option=orjson.OPT_SORT_KEYS))
        Path(part).replace(directory / name)
    except OSError:
        return
