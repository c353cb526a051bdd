"""The directory of finished stores: bounded, oldest use goes first."""

from __future__ import annotations

from pathlib import Path

CACHE_BYTES = 4 << 30
"""What all kept stores may take together; the one just made is never removed."""


def prune_cache(directory: Path, *, keep: Path) -> None:
    """Remove the stores used longest ago until the rest fits. Files of other processes may vanish meanwhile."""
    found = []
    for file in directory.glob("*.duckdb"):
        try:
            status = file.stat()
        except OSError:
            continue
        found.append((status.st_mtime_ns, status.st_size, file))
    room = CACHE_BYTES
    for _, size, file in sorted(found, reverse=True):
        room -= size
        if room < 0 and file != keep:
            file.unlink(missing_ok=True)
