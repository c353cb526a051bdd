"""Results that grow while logs are still being read: what the terminal interface opens on.

Reading goes on in a thread. As soon as a little has been read, it is reconstructed on its own and shown, with a note that
says how much it covers; when all is read, the whole takes its place.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from reconstruct.amending import Change, amend
from reconstruct.comparing import asked
from reconstruct.configuration import CONFIGURATION
from reconstruct.errors import ConfigurationError, ReconstructError, UsageError
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


class LiveReader:
    """A ``tui.reader.Reader`` over logs that are being read."""

    def __init__(self, discovery: Discovery, options: Options, configuration: Path | None = None) -> None:
        """``configuration``: the file that decisions about the plan are written to."""
        self._discovery, self._options, self._configuration = discovery, options, configuration
        self._status = Status()
        self._version = 0
        self._results: Reconstruction | None = None
        self._closed = False
        self.failure: Exception | None = None
        """What ended the reading though it should not have: a fault of the program, for the caller to raise"""
        # Its helper process is started now: it inherits the standard streams, which the interface is about to replace.
        resource_tracker.ensure_running()
        self._thread = threading.Thread(target=self._run, args=(self._read,), name="reading", daemon=True)
        self._thread.start()

    # -- the interface's side --------------------------------------------------------------------------------------

    def version(self) -> int:
        return self._version

    def progress(self) -> Status:
        return self._status

    def summary(self) -> Document:
        return self._results.summary() if self._results else {}

    def sources(self) -> list[Document]:
        return self._results.sources() if self._results else []

    def identifiers(self) -> list[Document]:
        return self._results.identifiers() if self._results else []

    def count_journeys(self, text: str = "") -> int:
        return self._results.count_journeys(text) if self._results else 0

    def completions(self, text: str, cursor: int | None = None) -> list[Completion]:
        return self._results.completions(text, cursor) if self._results else []

    def journey_rows(
        self,
        *,
        text: str = "",
        order_by: str = "started_at",
        descending: bool = False,
        offset: int = 0,
        limit: int = 100,
    ) -> list[Document]:
        if self._results is None:
            return []
        return self._results.journey_rows(
            text=text, order_by=order_by, descending=descending, offset=offset, limit=limit
        )

    def journey(self, id: str) -> Document:
        if self._results is None:
            raise KeyError(id)
        return self._results.journey(id)

    def flows(self, text: str = "") -> Document:
        return self._results.flows(text) if self._results else {}

    def ways(self, subject: str, text: str = "") -> Document:
        return self._results.ways(subject, text) if self._results else {}

    def process_map(self, subject: str, text: str = "") -> Document:
        return self._results.process_map(subject, text) if self._results else {}

    def group_rows(self, by: str, text: str = "") -> list[Document]:
        return self._results.group_rows(by, text) if self._results else []

    def business_rows(self, text: str = "") -> list[Document]:
        return self._results.business_rows(text) if self._results else []

    def compare_journeys(self, first: str, second: str) -> Document:
        return asked.compare_journeys(self._ready(), first, second)

    def compare_queries(self, first: str, second: str) -> Document:
        return asked.compare_queries(self._ready(), first, second)

    def earlier_query(self, text: str) -> str | None:
        return asked.earlier_query(self._ready(), text)

    def _ready(self) -> Reconstruction:
        if self._results is None:
            raise UsageError("nothing has been read yet", hint="wait for the first journeys")
        return self._results

    def raw(self, source: int, line: int, before: int = 0, after: int = 0) -> Sequence[RawLine]:
        return self._results.raw(source, line, before, after) if self._results else []

    def raw_around(self, source: int, line: int, before: int = 0, after: int = 0) -> Sequence[TimedLine]:
        return self._results.raw_around(source, line, before, after) if self._results else []

    def raw_texts(self, positions: Sequence[tuple[int, int]]) -> list[str]:
        return self._results.raw_texts(positions) if self._results else [""] * len(positions)

    def plain_file(self, source: int, directory: Path) -> Path:
        if self._results is None:
            raise KeyError(source)
        return self._results.plain_file(source, directory)

    def alternatives(self, source: int, line: int) -> list[Document]:
        return self._results.alternatives(source, line) if self._results else []

    def customer_journeys(self, customer: str) -> list[str]:
        return self._results.customer_journeys(customer) if self._results else []

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
        self._thread = threading.Thread(target=self._run, args=(self._correlate,), name="correlating", daemon=True)
        self._thread.start()
        return str(path)

    def close(self) -> None:
        """Stop reading at the next chunk, and let go of the results."""
        self._closed = True
        self._thread.join(timeout=5)
        if self._results is not None:
            self._results.close()

    # -- the reading side ------------------------------------------------------------------------------------------

    def _read(self) -> None:
        discovery, options = self._discovery, self._options
        if discovery.total_bytes > WORTH_A_LOOK_BYTES and not is_kept(discovery, options):
            self._show(
                open_part(discovery, options, FIRST_LOOK_BYTES), "the first lines of each log; the rest is being read"
            )
        self._show(open_discovery(discovery, options, _Relay(self)), "")

    def _correlate(self) -> None:
        if self._results is not None:
            self._show(reopen_with(self._results, self._discovery, self._options, _Relay(self)), "")

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
