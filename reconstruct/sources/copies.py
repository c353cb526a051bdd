"""Logs that hold what another log holds: a backup beside the logs, two bundles that support collected a day apart (``find_copies``, across
directories), a rotation that was copied or was being compressed (``find_twins``, within one log's family).

Read twice, everything would have happened twice. Only what agrees to the byte is left out, and is listed with the log that holds it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple, Protocol

from reconstruct.sources.decode import DecodedStream, Stored
from reconstruct.sources.families import parse_name
from reconstruct.sources.probe import fingerprint_of

HEAD_BYTES = 512
"""Decoded bytes that logs must have and agree in before they are compared: several lines with their stamps. Two servers may well log
the same few words in the same second."""

TWIN_BYTES = 1 << 10
"""Decoded bytes in which ``x.log.1`` and ``x.log.1.gz`` must agree, as far as the latter goes, to be one log that was
being compressed: several lines with their stamps."""

COPY, BEGINNING, COMPRESSED_COPY = "a copy of", "the beginning of", "the compressed copy of"
"""How the reason begins for which a log is skipped that another one holds; the path of that one follows."""


class Log(Stored, Protocol):
    """What is known of a log."""

    @property
    def path(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def head(self) -> bytes:
        """The first TWIN_BYTES, decoded; all, if it has less."""

    @property
    def first_stamp(self) -> int | None: ...


class _Held(NamedTuple):
    """By which log another one is held."""

    by: Log
    is_whole: bool
    """and it holds no more"""


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
    found: dict[str, _Held] = {}
    for group in alike.values():
        if len(group) > 1:
            found |= _compare(sorted(group, key=lambda log: (-many[_directory(log)], log.path.count("/"), log.path)))
    found |= _find_small(logs, found)
    return {path: f"{COPY if held.is_whole else BEGINNING} {held.by.path}" for path, held in found.items()}


def _compare(group: Sequence[Log]) -> dict[str, _Held]:
    """Logs that may hold the same → the log of another directory that holds all of it."""
    found: dict[str, _Held] = {}
    kept: list[Log] = []
    for log in group:
        parts: list[Log] = []
        for other in kept:
            if _directory(other) == _directory(log):
                continue
            is_part, is_whole = _relate(log, other)
            if is_part:
                found[log.path] = _Held(other, is_whole)
                break
            if is_whole:
                parts.append(other)
        else:
            kept = [*(other for other in kept if other not in parts), log]
            found |= {path: _Held(log, False) for path, held in found.items() if held.by in parts}
            found |= {other.path: _Held(log, False) for other in parts}
    return found


def _find_small(logs: Sequence[Log], found: Mapping[str, _Held]) -> dict[str, _Held]:
    """Logs too small to prove anything, in directories that others prove to be copied, under their names there."""
    by_path = {log.path: log for log in logs}
    beside: dict[str, list[Log]] = defaultdict(list)
    for log in logs:
        beside[_directory(log)].append(log)
    copied = {(_directory(by_path[path]), _directory(held.by)) for path, held in found.items()}
    small: dict[str, _Held] = {}
    for here, there in sorted(copied):
        for log in beside[here]:
            other = by_path.get(str(PurePosixPath(there, PurePosixPath(log.path).name)))
            if other is None or log.path in found or other.path in small:
                continue
            if log.fingerprint == other.fingerprint:
                small[log.path] = _Held(other, True)
    return small


def _directory(log: Log) -> str:
    return str(PurePosixPath(log.path).parent)


def _relate(one: Log, other: Log) -> tuple[bool, bool]:
    """Whether all of ``one`` is the beginning of ``other``, and all of ``other`` that of ``one``; both where they are equal."""
    if one.compression is None and other.compression is None and one.encoding == other.encoding:
        short, long = (one, other) if one.size <= other.size else (other, one)
        try:
            begins = fingerprint_of(long.file, short.size) == short.fingerprint
        except OSError:  # gone since it was found: reading it will say so
            return False, False
        return begins and short.size == one.size, begins and short.size == other.size
    streams = (iter(DecodedStream(one)), iter(DecodedStream(other)))
    held = [b"", b""]
    while True:
        for side in (0, 1):
            held[side] = held[side] or next(streams[side], b"")
        common = min(map(len, held))
        if not common:
            return not held[0], not held[1]
        if held[0][:common] != held[1][:common]:
            return False, False
        held = [block[common:] for block in held]


def find_twins(family: Sequence[Log]) -> dict[str, str]:
    """The paths of files of one log that hold what another of its files holds → why they are left out, naming the one that stays.

    Only with a stamp to show for it: two days may well log the same few words.
    """
    found: dict[str, str] = {}
    by_content: dict[str, Log] = {}
    by_mark: dict[tuple[str, int | None], Log] = {}
    for log in sorted(family, key=lambda log: (log.compression is not None, log.path)):
        if log.first_stamp is None:
            continue
        name = parse_name(PurePosixPath(log.path).name)
        original = by_content.setdefault(log.fingerprint, log)
        twin = by_mark.setdefault((name.date, name.number), log)
        if original is not log:
            found[log.path] = f"{COPY} {original.path}"
        elif twin.compression is None and log.compression and twin.head.startswith(log.head):
            found[log.path] = f"{COMPRESSED_COPY} {twin.path}"
    return found
