"""Logs in one directory that hold what a log in another one holds, or its beginning: a backup beside the logs, two bundles that support
collected a day apart.

Read twice, everything would have happened twice. Only what agrees to the byte is left out, and is listed with the log that holds it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Protocol

from reconstruct.sources.decode import DecodedStream, Stored
from reconstruct.sources.probe import fingerprint_of

HEAD_BYTES = 512
"""Decoded bytes that logs must have and agree in before they are compared: several lines with their stamps. Two servers may well log
the same few words in the same second."""


class Log(Stored, Protocol):
    """What is known of a log."""

    @property
    def path(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def head(self) -> bytes: ...
    @property
    def first_stamp(self) -> int | None: ...


def find_copies(logs: Sequence[Log]) -> dict[str, str]:
    """The paths of logs that another directory holds too → why they are left out, naming the log that stays.

    Of equal ones that stays which stands in the directory with more logs, so that most rotations of one log stay together; then the one
    nearest to the root, then the first by name.
    """
    many = Counter(map(_directory, logs))
    alike: dict[tuple[bytes, int], list[Log]] = defaultdict(list)
    for log in logs:
        if log.first_stamp is not None and len(log.head) >= HEAD_BYTES:
            alike[log.head[:HEAD_BYTES], log.first_stamp].append(log)
    found: dict[str, Log] = {}
    for group in alike.values():
        if len(group) > 1:
            found |= _compare(sorted(group, key=lambda log: (-many[_directory(log)], log.path.count("/"), log.path)))
    found |= _find_small(logs, found)
    by_path = {log.path: log for log in logs}
    return {path: _say(whole, by_path[path]) for path, whole in found.items()}


def _compare(group: Sequence[Log]) -> dict[str, Log]:
    """Logs that may hold the same → the log of another directory that holds all of it."""
    found: dict[str, Log] = {}
    kept: list[Log] = []
    for log in group:
        others = [other for other in kept if _directory(other) != _directory(log)]
        whole = next((other for other in others if _begins_with(other, log)), None)
        if whole is not None:
            found[log.path] = whole
            continue
        parts = [other for other in others if _begins_with(log, other)]
        kept = [*(other for other in kept if other not in parts), log]
        found |= {path: log for path, other in found.items() if other in parts}
        found |= {other.path: log for other in parts}
    return found


def _find_small(logs: Sequence[Log], found: Mapping[str, Log]) -> dict[str, Log]:
    """Logs too small to prove anything, in directories that others prove to be copied, under their names there."""
    by_path = {log.path: log for log in logs}
    copied = {(_directory(by_path[path]), _directory(log)) for path, log in found.items()}
    small: dict[str, Log] = {}
    for here, there in sorted(copied):
        for log in logs:
            other = by_path.get(str(PurePosixPath(there, PurePosixPath(log.path).name)))
            if _directory(log) != here or other is None or log.path in found or other.path in small:
                continue
            if log.fingerprint == other.fingerprint:
                small[log.path] = other
    return small


def _say(whole: Log, log: Log) -> str:
    return f"{'a copy' if _begins_with(log, whole) else 'the beginning'} of {whole.path}"


def _directory(log: Log) -> str:
    return str(PurePosixPath(log.path).parent)


def _begins_with(whole: Log, part: Log) -> bool:
    """Whether all of ``part`` is the beginning of ``whole``."""
    if whole.compression is None and part.compression is None and whole.encoding == part.encoding:
        return part.size <= whole.size and fingerprint_of(whole.file, part.size) == part.fingerprint
    held, blocks = b"", iter(DecodedStream(whole))
    for block in DecodedStream(part):
        while len(held) < len(block):
            more = next(blocks, None)
            if more is None:
                return False
            held += more
        if not held.startswith(block):
            return False
        held = held[len(block) :]
    return True
