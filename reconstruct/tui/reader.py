"""What the terminal interface needs from the rest: one object that answers questions about the results.

``pipeline.Reconstruction`` is one; tests bring their own. Answers are plain dictionaries of the export contract.
``version``, ``progress`` and ``following`` are cheap and called on the interface's own thread four times a second; everything else
is called from one other thread, one call at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from reconstruct.amending import Change

Document = dict[str, Any]
"""A JSON object of the export contract (docs/json.md)."""
PROGRAMS = ("bot", "monitor")
"""Kinds of visitors whose journeys are listed behind those of people, and counted apart."""


class Progress(Protocol):
    """How far reading has come."""

    @property
    def phase(self) -> str: ...
    @property
    def bytes_done(self) -> int: ...
    @property
    def bytes_total(self) -> int: ...
    @property
    def lines(self) -> int: ...
    @property
    def finished(self) -> bool: ...
    @property
    def note(self) -> str: ...


class Following(Protocol):
    """How following logs that are being written goes. Moments are those of ``time.monotonic``."""

    @property
    def is_on(self) -> bool: ...
    @property
    def phase(self) -> str: ...
    @property
    def updated_at(self) -> float | None: ...
    @property
    def n_new(self) -> int: ...
    @property
    def n_changed(self) -> int: ...
    @property
    def n_since(self) -> int: ...
    @property
    def note(self) -> str: ...
    @property
    def new(self) -> frozenset[str]: ...
    @property
    def changed(self) -> frozenset[str]: ...


class RawLine(Protocol):
    """One line of a log as it stands in its file."""

    @property
    def source(self) -> int: ...
    @property
    def line(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def is_entry_start(self) -> bool: ...


class Completion(Protocol):
    """Text to put in the place of ``[start, end)`` of a filter."""

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def help(self) -> str: ...


class TimedLine(RawLine, Protocol):
    """One line among those of all logs."""

    @property
    def at_ns(self) -> int: ...
    @property
    def entry(self) -> int: ...


class Reader(Protocol):
    """Results, complete or still growing."""

    def version(self) -> int:
        """Grows whenever the results changed."""

    def progress(self) -> Progress:
        """How far reading has come."""

    def following(self) -> Following | None:
        """How following goes; None where there is nothing to follow. As cheap as ``version``."""

    def follow(self, on: bool) -> None:
        """Begin or stop to look for what is new in the logs."""

    def summary(self) -> Document:
        """The ``summary`` of the export document."""

    def sources(self) -> list[Document]:
        """The ``sources`` rows: one log file each."""

    def identifiers(self) -> list[Document]:
        """The ``identifiers`` rows: one type each."""

    def count_journeys(self, text: str = "") -> int:
        """How many journeys match a query (docs/query.md). Raises QueryError for what is none, as all that take one."""

    def completions(self, text: str, cursor: int | None = None) -> Sequence[Completion]:
        """What could stand at a place of a filter."""

    def journey_rows(
        self,
        *,
        text: str = "",
        order_by: str = "started_at",
        descending: bool = False,
        offset: int = 0,
        limit: int = 100,
    ) -> list[Document]:
        """A page of the journeys that match a query: those of people first, then those of robots and monitors."""

    def journey(self, id: str) -> Document:
        """One whole journey document, with links."""

    def flows(self, text: str = "") -> Document:
        """How far the journeys that match come, how they end and feel, when they begin, and whose ways there are."""

    def ways(self, subject: str, text: str = "") -> Document:
        """The ways that journeys of a subject (``customer``, or a type of business object) take, by frequency."""

    def process_map(self, subject: str, text: str = "") -> Document:
        """What follows what in journeys of a subject, and after how long."""

    def failures(self, text: str = "") -> Document:
        """What failed in the journeys that match, since when and whom it hit: ``failures`` of the summary."""

    def group_rows(self, by: str, text: str = "") -> list[Document]:
        """The journeys that match, in groups."""

    def business_rows(self, text: str = "") -> list[Document]:
        """The business journeys of the journeys that match."""

    def compare_journeys(self, first: str, second: str) -> Document:
        """Two journeys aligned (docs/compare.md), by ids of theirs or of their business objects. Raises UsageError."""

    def compare_queries(self, first: str, second: str) -> Document:
        """What changed from the journeys of one query to those of another. Raises QueryError, and UsageError for none at all."""

    def earlier_query(self, text: str) -> str | None:
        """The query of the same length of time before; None when it does not say since when."""

    def raw(self, source: int, line: int, before: int = 0, after: int = 0) -> Sequence[RawLine]:
        """Lines of a file around one of them."""

    def raw_around(self, source: int, line: int, before: int = 0, after: int = 0) -> Sequence[TimedLine]:
        """Entries of all logs around one of them, in the order of corrected time."""

    def raw_texts(self, positions: Sequence[tuple[int, int]]) -> list[str]:
        """The entries at (source, line); empty where none begins."""

    def plain_file(self, source: int, directory: Path) -> Path:
        """The log, or an unpacked copy of it in ``directory``, for another program. Raises SourceError."""

    def alternatives(self, source: int, line: int) -> list[Document]:
        """Where else an event might have belonged (``to``, ``journey``), and ``why`` it does not; the nearest first."""

    def customer_journeys(self, customer: str) -> list[str]:
        """Ids of a customer's journeys, in time order."""

    def amend(self, change: Change) -> str:
        """Write a decision about the plan into the configuration file and correlate anew; gives the file's path.
        Raises ConfigurationError."""

    def close(self) -> None:
        """Let go of files and threads."""
