"""Results kept up to date with logs that are being written.

Looking is cheap and goes on all the time (``sources.watch``); when something changed, what is new is read and everything is
correlated anew, as a fresh run over the files as they are now would: the results are the same. What was read before is taken
over from the results before (``engines.known``).
"""

from __future__ import annotations

import itertools
import os
import stat
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from reconstruct.errors import SourceError
from reconstruct.options import Options
from reconstruct.pipeline import content_key, find_sources, open_discovery
from reconstruct.results import Reconstruction
from reconstruct.sources import Discovery, Source
from reconstruct.sources.progress import Progress
from reconstruct.sources.streams import GrowingCopy
from reconstruct.sources.watch import SETTLE_S, Extent, Stamp, look, moved

LOOK_S = 1.0
"""Seconds between two looks at the files. Sooner nobody notices; and a look at a thousand files is a hundredth of it."""

LOOK_REST = 20
"""A look may take one part in so many of the time: over a slow network or a hundred thousand files there are fewer."""

RUN_REST = 2
"""After a run this many times as long is rested: following logs takes a third of the time of a busy processor at most, however
large they are and however fast they grow. What is new is seen after one rest and one run at the latest."""

_STATE = "ended_at, n_events, n_touchpoints, n_errors, outcome, customer, orders, value, stage_reached"
"""What makes a journey another one for who watches: what happened in it. Not what is counted over many (scores, usual waits)."""


@dataclass(frozen=True, slots=True)
class Update:
    """Results that take the place of earlier ones."""

    results: Reconstruction
    new: frozenset[str] = frozenset()
    """ids of journeys that were not there before"""
    changed: frozenset[str] = frozenset()
    """ids of journeys in which more happened"""
    remarks: tuple[str, ...] = ()
    """what became of the files, beside growing"""
    gone: int = 0
    """journeys that are no longer there"""


@dataclass(slots=True)
class _Seen:
    """The files when they were looked at last."""

    files: dict[str, Stamp] = field(default_factory=dict)
    again_at: float = 0.0
    """when the ends of lines that were left out are believed to be whole; 0: none were"""


class Follower:
    """Says when there is something new, and reads it. For one thread."""

    def __init__(
        self, paths: Sequence[str | Path], *, stdin: BinaryIO | None = None, settle_s: float = SETTLE_S
    ) -> None:
        """``stdin``: what ``-`` among the paths means. ``settle_s``: see ``watch.SETTLE_S``."""
        self.paths = list(paths)
        self._settle_s = settle_s
        self._streams = {name: GrowingCopy(opened) for name, opened in _streams(self.paths, stdin)}
        self._seen: _Seen | None = None
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._numbers = itertools.count()
        self._made: Path | None = None
        self._rest_until = 0.0
        self.pause_s = LOOK_S
        """how long to wait before it is asked again whether something is due"""

    @property
    def has_streams(self) -> bool:
        """Whether something comes through a pipe, which cannot be read to its end first."""
        return bool(self._streams)

    @property
    def is_over(self) -> bool:
        """Whether nothing can come any more: streams that ended, and nothing else."""
        return len(self._streams) == len(self.paths) and all(each.ended.is_set() for each in self._streams.values())

    @property
    def is_waiting(self) -> bool:
        """Whether it has been seen that something is to be read, and it was not read yet."""
        return self._seen is None or self._seen.again_at > 0

    def find(self, options: Options) -> Discovery:
        """The logs as they are now; unfinished last lines are left out. Raises SourceError when there is nothing to read."""
        extent = Extent(self._settle_s)
        self._seen = _Seen(self._look())
        copies = {name: copy.path for name, copy in self._streams.items()}
        try:
            return find_sources(self.paths, options, extent=extent, copies=copies)
        finally:
            self._seen.again_at = time.monotonic() + self._settle_s if extent.held else 0.0

    def has_news(self) -> bool:
        """Whether something changed since the last look."""
        started = time.monotonic()
        if self._seen is None or 0 < self._seen.again_at <= started:
            return True
        files = self._look()
        self.pause_s = max(LOOK_S, LOOK_REST * (time.monotonic() - started))
        return files != self._seen.files

    def is_due(self) -> bool:
        """The same, and it is time to read it."""
        return time.monotonic() >= self._rest_until and self.has_news()

    def update(self, earlier: Reconstruction | None, options: Options, progress: Progress) -> Update | None:
        """The results of the logs as they are now; None when they are those of ``earlier``, or the files were moved about while
        they were read: it is due again then.

        Raises SourceError when there is nothing to read (any more), and what ``open_discovery`` raises.
        """
        started = time.monotonic()
        try:
            discovery = self.find(options)
            assert self._seen is not None
            if earlier is not None and content_key(earlier.discovery, options) == content_key(discovery, options):
                return None
            placed = self._place(options)
            results = open_discovery(discovery, placed, progress, earlier)
            if moved(self._seen.files, self._look()):
                self._seen = None
                results.close()
                self._forget(results.store.path, options)
                return None
        except SourceError:
            raise
        except BaseException:  # given up half way: what was new still is
            self._seen = None
            raise
        finally:
            self._rest_until = time.monotonic() + RUN_REST * (time.monotonic() - started)
        self._forget(self._made, options, keep=results.store.path)
        self._made = results.store.path if results.known.key else None  # else it was there already
        return _compare(earlier, results)

    def close(self) -> None:
        """Forget copies and stores that nobody can use later."""
        for stream in self._streams.values():
            stream.close()
        if self._directory is not None:
            self._directory.cleanup()

    def _look(self) -> dict[str, Stamp]:
        files = look([path for path in self.paths if str(path) not in self._streams])
        return files | {name: Stamp.of(copy.path.stat()) for name, copy in self._streams.items()}

    def _place(self, options: Options) -> Options:
        """Where results that are not kept lie, so that the next ones can take over what they know."""
        if options.cache or options.store is not None:
            return options
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="reconstruct-", ignore_cleanup_errors=True)
        return replace(options, store=Path(self._directory.name) / f"{next(self._numbers)}.duckdb")

    def _forget(self, made: Path | None, options: Options, keep: Path | None = None) -> None:
        """Remove the store of a moment that is past. It stays readable for who has it open."""
        if made is not None and made != keep and made != options.store:
            made.unlink(missing_ok=True)


def _streams(paths: Sequence[str | Path], stdin: BinaryIO | None) -> list[tuple[str, BinaryIO | Path]]:
    """The paths that are streams."""
    found: list[tuple[str, BinaryIO | Path]] = []
    for path in map(str, paths):
        if path == "-" and stdin is not None:
            found.append((path, stdin))
        elif path != "-" and os.path.exists(path) and stat.S_ISFIFO(Path(path).stat().st_mode):  # noqa: PTH110 - "-" is none
            found.append((path, Path(path)))
    return found


def _compare(earlier: Reconstruction | None, results: Reconstruction) -> Update:
    if earlier is None:
        return Update(results)
    before, after = _states(earlier), _states(results)
    return Update(
        results,
        frozenset(id for id in after if id not in before),
        frozenset(id for id, state in after.items() if id in before and before[id] != state),
        tuple(_remark(earlier, results)),
        sum(id not in after for id in before),
    )


def _states(results: Reconstruction) -> dict[str, int]:
    return dict(results.store.rows(f"SELECT id, hash({_STATE}) FROM listed"))


def _remark(earlier: Reconstruction, results: Reconstruction) -> list[str]:
    """What happened to files beside growing, in words."""
    old = {source.path: source for source in earlier.discovery.sources}
    new = {source.path: source for source in results.discovery.sources}
    origin = _origins(earlier.discovery.sources, results)
    went = {
        path: source.path
        for source in results.discovery.sources
        if (path := origin.get(source.id)) and path != source.path
    }
    said = [f"{path} is now {now}" for path, now in sorted(went.items())]
    said += [f"{path} is new" for path, source in sorted(new.items()) if path not in old and source.id not in origin]
    said += [f"{path} is gone" for path in sorted(old) if path not in new and path not in went]
    if origin:
        said += [
            f"{path} began anew"
            for path in sorted(old)
            if path in new and new[path].id not in origin and path not in went
        ]
    return said


def _origins(old: Sequence[Source], results: Reconstruction) -> dict[int, str]:
    """``Source.id`` → the path its beginning was read under before."""
    origin = results.known.origins
    if origin:
        return {id: path for id, (path, _) in origin.items()}
    by_content = {source.fingerprint: source.path for source in old}
    return {
        source.id: by_content[source.fingerprint]
        for source in results.discovery.sources
        if source.fingerprint in by_content
    }


__all__ = ["Follower", "Update"]
