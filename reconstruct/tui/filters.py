"""Filters used before, newest first, in a small file of the state directory. A lost or damaged file costs only them."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

KEPT = 50
"""More nobody looks through."""
LONGEST = 2_000


def load_filters(path: Path | None) -> list[str]:
    """Filters kept in a file; none when it cannot be read."""
    if path is None:
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [text for text in found if isinstance(text, str)][:KEPT] if isinstance(found, list) else []


def keep_filter(path: Path | None, filters: list[str], text: str) -> list[str]:
    """The filters with one more, or with it in front again; written down where there is a file."""
    text = text.strip()
    if not text or len(text) > LONGEST:
        return filters
    kept = [text, *(each for each in filters if each != text)][:KEPT]
    if path is not None:
        with suppress(OSError):  # read-only home: they are then those of this run
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_suffix(".new")
            beside.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            beside.replace(path)
    return kept
