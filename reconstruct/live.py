"""Results that grow while logs are still being read, and while they are being written: what the terminal interface opens on.

Reading goes on in a thread. As soon as a little has been read, it is reconstructed on its own and shown, with a note that
says how much it covers; when all is read, the whole takes its place. From then on the thread waits for decisions of the user, and
looks for what is new as long as the logs are followed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from reconstruct.amending import Change, amend
from reconstruct.comparing import asked
from reconstruct.configuration import CONFIGURATION
from reconstruct.errors import ConfigurationError, ReconstructError, UsageError
from reconstruct.following import Follower
from reconstruct.options import Options
from reconstruct.pipeline import is_kept, open_discovery, open_part, reopen_with
from reconstruct.query.completion import Completion
from reconstruct.raw_lines import RawLine, TimedLine
from reconstruct.results import Reconstruction
from reconstruct.sources import Discovery
from reconstruct.sources.progress import Progress

FIRST_LOOK_BYTES = 512 << 10
"""How much is reconstructed first: a screenful of journeys, for a third of a second of work."""
WORTH_A_LOOK_BYTES = 4 << 20
"""Less than this is read as a whole in about the time a first look takes."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Status:
    """How far reading has come."""

    phase: str = "opening"
    bytes_done: int = 0
    bytes_total: int = 0
    lines: int = 0
    finished: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Following:
    """How following goes. Moments are those of ``time.monotonic``."""

    is_on: bool = False
    phase: str = ""
    """what is being done; empty: it waits for something new"""
    updated_at: float | None = None
    """when the results changed last"""
    n_new: int = 0
    n_changed: int = 0
    """journeys that came with the last change, and in which more happened"""
    since: float = 0.0
    """when it was switched on"""
    n_since: int = 0
    """journeys that came since then"""
    note: str = ""
    """what became of the files; what is in the way"""
    new: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    """ids of those of the last change"""


class LiveReader:
    """A ``tui.reader.Reader`` over logs that are being read."""

    def __init__(
        self,
        discovery: Discovery | None,
        options: Options,
        configuration: Path | None = None,
        follower: Follower | None = None,
        *,
        follow: bool = False,
    ) -> None:
        """``discovery``: None while there is nothing to read yet. ``configuration``: the file that decisions about the plan are
        written to. ``follower``: looks for what is new; it is closed with this. ``follow``: from the beginning."""
        self._discovery, self._options, self._configuration = discovery, options, configuration
        self._follower = follower
        self._following = Following(is_on=follow, since=time.monotonic()) if follower else None
        self._wake = threading.Event()
        self._is_amended = False
        self._retired: list[Reconstruction] = []
        """Results that were shown before, to be closed when the interface asks the next question: it asks one at a time."""
        self._status = Status()
        self._version = 0
        self._results: Reconstruction | None = None
        self._closed = False
        self.failure: Exception | None = None
        """What ended the reading though it should not have: a fault of the program, for the caller to raise"""
        # Its helper process is started now: it inherits the standard streams, which the interface is about to replace.
        resource_tracker.ensure_running()
        self._thread = threading.Thread(target=self._work, name="reading", daemon=True)
        self._thread.start()

    # -- the interface's side --------------------------------------------------------------------------------------

    def version(self) -> int:
        return self._version

    def following(self) -> Following | None:
        return self._following

    def follow(self, on: bool) -> None:
        if self._following is not None:
            self._following = Following(is_on=on, since=time.monotonic())
            self._wake.set()

    def progress(self) -> Status:
        return self._status

    def summary(self) -> Document:
        results = self._now()
        return results.summary() if results else {}

    def sources(self) -> list[Document]:
        results = self._now()
        return results.sources() if results else []

    def identifiers(self) -> list[Document]:
        results = self._now()
        return results.identifiers() if results else []

    def count_journeys(self, text: str = "") -> int:
        results = self._now()
        return results.count_journeys(text) if results else 0

    def completions(self, text: str, cursor: int | None = None) -> list[Completion]:
        results = self._now()
        return results.completions(text, cursor) if results else []

    def journey_rows(
        self,
        *,
        text: str = "",
        order_by: str = "started_at",
        descending: bool = False,
        offset: int = 0,
        limit: int = 100,
    ) -> list[Document]:
        results = self._now()
        if results is None:
            return []
        return results.journey_rows(text=text, order_by=order_by, descending=descending, offset=offset, limit=limit)

    def journey(self, id: str) -> Document:
        results = self._now()
        if results is None:
            raise KeyError(id)
        return results.journey(id)

    def flows(self, text: str = "") -> Document:
        results = self._now()
        return results.flows(text) if results else {}

    def ways(self, subject: str, text: str = "") -> Document:
        results = self._now()
        return results.ways(subject, text) if results else {}

    def process_map(self, subject: str, text: str = "") -> Document:
        results = self._now()
        return results.process_map(subject, text) if results else {}

    def failures(self, text: str = "") -> Document:
        results = self._now()
        return results.failures(text) if results else {}

    def group_rows(self, by: str, text: str = "") -> list[Document]:
        results = self._now()
        return results.group_rows(by, text) if results else []

    def business_rows(self, text: str = "") -> list[Document]:
        results = self._now()
        return results.business_rows(text) if results else []

    def compare_journeys(self, first: str, second: str) -> Document:
        return asked.compare_journeys(self._ready(), first, second)

    def compare_queries(self, first: str, second: str) -> Document:
        return asked.compare_queries(self._ready(), first, second)

    def earlier_query(self, text: str) -> str | None:
        return asked.earlier_query(self._ready(), text)

    def _ready(self) -> Reconstruction:
        results = self._now()
        if results is None:
            raise UsageError("nothing has been read yet", hint="wait for the first journeys")
        return results

    def _now(self) -> Reconstruction | None:
        """The results to answer from. Those before them are not asked any more: this is the next question."""
        results = self._results
        while self._retired and self._retired[0] is not results:
            self._retired.pop(0).close()
        return results

    def raw(self, source: int, line: int, before: int = 0, after: int = 0) -> Sequence[RawLine]:
        results = self._now()
        return results.raw(source, line, before, after) if results else []

    def raw_around(self, source: int, line: int, before: int = 0, after: int = 0) -> Sequence[TimedLine]:
        results = self._now()
        return results.raw_around(source, line, before, after) if results else []

    def raw_texts(self, positions: Sequence[tuple[int, int]]) -> list[str]:
        results = self._now()
        return results.raw_texts(positions) if results else [""] * len(positions)

    def plain_file(self, source: int, directory: Path) -> Path:
        results = self._now()
        if results is None:
            raise KeyError(source)
        return results.plain_file(source, directory)

    def alternatives(self, source: int, line: int) -> list[Document]:
        results = self._now()
        return results.alternatives(source, line) if results else []

    def customer_journeys(self, customer: str) -> list[str]:
        results = self._now()
        return results.customer_journeys(customer) if results else []

    def amend(self, change: Change) -> str:
        """Write a decision into the configuration file, and correlate anew by it, from what was read. Gives the file's path.

        Raises ConfigurationError; also while logs are being read, when there is nothing to decide about yet.
        """
        path = self._configuration or Path(CONFIGURATION)
        if self._results is None or not self._status.finished:
            raise ConfigurationError("the logs are still being read", path=path, hint="wait for the end of it")
        configuration = amend(path, change)
        self._options = replace(self._options, pins=configuration.pins)
        self._status = Status("correlating")
        self._is_amended = True
        self._wake.set()
        return str(path)

    def close(self) -> None:
        """Stop reading at the next chunk, and let go of the results."""
        self._closed = True
        self._wake.set()
        self._thread.join(timeout=5)
        for results in [*self._retired, self._results]:
            if results is not None:
                results.close()
        if self._follower is not None:
            self._follower.close()

    # -- the reading side ------------------------------------------------------------------------------------------

    def _work(self) -> None:
        self._run(self._read)
        while not self._closed:
            following = self._following is not None and self._following.is_on
            self._wake.wait(self._follower.pause_s if self._follower and following else None)
            self._wake.clear()
            if self._is_amended:
                self._is_amended = False
                self._run(self._correlate)
            elif not self._closed and self._following is not None and self._following.is_on:
                self._look(self._following)

    def _read(self) -> None:
        discovery, options = self._discovery, self._options
        if discovery is None:
            return
        if discovery.total_bytes > WORTH_A_LOOK_BYTES and not is_kept(discovery, options):
            self._show(open_part(discovery, options, FIRST_LOOK_BYTES), "shown: the first lines of each log")
        self._show(open_discovery(discovery, options, _Relay(self)), "")

    def _correlate(self) -> None:
        if self._results is not None:
            self._show(reopen_with(self._results, self._results.discovery, self._options, _Relay(self)), "")

    def _look(self, following: Following) -> None:
        """Read what is new, if there is something; what is in the way is said, and tried again when files change."""
        assert self._follower is not None
        try:
            if not self._follower.is_due():
                return
            update = self._follower.update(self._results, self._options, _Watch(self))
            if update is None:
                self._say(note="")
                return
            if self._results is not None:  # else they are the first: none is new beside others
                self._say(
                    updated_at=time.monotonic(), n_new=len(update.new), n_changed=len(update.changed), new=update.new,
                    changed=update.changed, n_since=following.n_since + len(update.new), note="; ".join(update.remarks),
                )  # fmt: skip
            self._show(update.results, self._status.note)
        except _Stopped:
            pass
        except ReconstructError as error:
            self._say(note=f"{error.message} ({error.hint})" if error.hint else error.message)
        except Exception as error:  # a thread's exception would vanish without a word
            self.failure = error
            self._say(is_on=False, phase="", note=f"error: following stopped: {type(error).__name__}: {error}")
        finally:
            self._say(phase="")

    def _say(self, **changes: Any) -> None:
        """Of following, unless it was switched off or on meanwhile."""
        if self._following is not None and self._following.is_on:
            self._following = replace(self._following, **changes)

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
            notes = self._results.plan_notes() if self._results else []
            self._status = replace(self._status, phase="done", finished=True, note=notes[0] if notes else "")
        except _Stopped:
            self._status = replace(self._status, phase="stopped", finished=True)
        except ReconstructError as error:
            note = f"{error.message} ({error.hint})" if error.hint else error.message
            self._status = replace(self._status, phase="failed", finished=True, note=f"error: {note}")
        except Exception as error:  # a thread's exception would vanish without a word
            self.failure = error
            note = f"error: reading stopped: {type(error).__name__}: {error}"
            self._status = replace(self._status, phase="failed", finished=True, note=note)

    def _show(self, results: Reconstruction, note: str) -> None:
        if self._closed:
            results.close()
            raise _Stopped
        # The results shown before stay open: the interface may be in the middle of a question to them.
        if self._results is not None:
            self._retired.append(self._results)
        self._results = results
        self._status = replace(self._status, note=note)
        self._version += 1


class _Stopped(Exception):  # noqa: N818 - not an error
    """The user has left."""


class _Relay(Progress):
    """Progress of the reading thread, for the interface to look at; also where reading can be stopped."""

    def __init__(self, reader: LiveReader) -> None:
        self._reader = reader

    def phase(self, name: str, total_bytes: int = 0) -> None:
        self._update(Status(name, 0, total_bytes, 0, False, self._reader._status.note))

    def advance(self, n_bytes: int = 0, n_lines: int = 0) -> None:
        status = self._reader._status
        self._update(replace(status, bytes_done=status.bytes_done + n_bytes, lines=status.lines + n_lines))

    def _update(self, status: Status) -> None:
        if self._reader._closed:
            raise _Stopped
        self._reader._status = status


class _Watch(Progress):
    """Progress of following: what is being done, beside results that stay; also where it can be stopped."""

    def __init__(self, reader: LiveReader) -> None:
        self._reader = reader

    def phase(self, name: str, total_bytes: int = 0) -> None:
        self.advance()
        self._reader._say(phase=name)

    def advance(self, n_bytes: int = 0, n_lines: int = 0) -> None:
        following = self._reader._following
        if self._reader._closed or self._reader._is_amended or following is None or not following.is_on:
            raise _Stopped
