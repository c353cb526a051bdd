"""A progress bar on the terminal; nothing at all anywhere else.

Work reports to a ``Progress``. ``progress_on(sys.stderr)`` draws one line there when it is a terminal and is silent
otherwise, so callers never ask. Drawing is rate-limited: telling it of every chunk, or of every line, is fine.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

REDRAW_SECONDS = 0.1
"""Least time between two drawings: as often as an eye reads a number, seldom enough for a slow connection."""

SHOW_AFTER_SECONDS = 0.3
"""Work shorter than this draws nothing: a bar that flashes tells nobody anything."""

BAR_CELLS = 24
LEAST_BAR_CELLS = 8
"""Below this the bar says less than the figures it would push out."""


class Progress:
    """Where work says how far it is. This one tells nobody; ``ProgressBar`` draws."""

    def phase(self, name: str, total_bytes: int = 0) -> None:
        """A new part of the work begins: ``name`` in a word ("reading"), ``total_bytes`` to do; 0 when unknown."""

    def advance(self, n_bytes: int = 0, n_lines: int = 0) -> None:
        """So many bytes (on disk) and lines more are done."""

    def close(self) -> None:
        """All work is over, or given up; the line is cleared."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ProgressBar(Progress):
    """One line of a terminal, redrawn in place: ``reading ██████────── 50%  120/240 MB  1,234,567 lines  310k/s``."""

    def __init__(
        self,
        stream: TextIO,
        *,
        clock: Callable[[], float] = time.monotonic,
        columns: Callable[[], int] = lambda: shutil.get_terminal_size().columns,
        ascii_only: bool | None = None,
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._columns = columns
        self._cells = "#-" if (ascii_only if ascii_only is not None else not _can_write_blocks(stream)) else "█─"
        self._begun = clock()
        self._drawn = float("-inf")
        self._width = 0
        self._start("", 0)

    def _start(self, name: str, total_bytes: int) -> None:
        self._name = name
        self._total_bytes = total_bytes
        self._bytes = self._lines = 0
        self._phase_begun = self._clock()

    def phase(self, name: str, total_bytes: int = 0) -> None:
        self._start(name, total_bytes)
        self._draw_if_due(now=self._clock(), every=0.0)

    def advance(self, n_bytes: int = 0, n_lines: int = 0) -> None:
        self._bytes += n_bytes
        self._lines += n_lines
        self._draw_if_due(now=self._clock(), every=REDRAW_SECONDS)

    def close(self) -> None:
        if self._width:
            self._write("\r" + " " * self._width + "\r")
            self._width = 0

    def _draw_if_due(self, now: float, every: float) -> None:
        if now - self._begun < SHOW_AFTER_SECONDS or now - self._drawn < every:
            return
        self._drawn = now
        line = self._render(max(self._columns() - 1, 0), now - self._phase_begun)  # the last column would wrap
        self._write("\r" + line + " " * (self._width - len(line)))
        self._width = len(line)

    def _render(self, room: int, seconds: float) -> str:
        """The most telling parts that fit into ``room`` cells."""
        share = min(self._bytes / self._total_bytes, 1.0) if self._total_bytes else None
        figures = [f"{share:4.0%}"] if share is not None else []
        if self._bytes:
            total = f"/{_short_bytes(self._total_bytes)}" if self._total_bytes else ""
            figures.append(f"{_short_bytes(self._bytes)}{total}")
        if self._lines:
            figures.append(f"{self._lines:,} lines")
            if seconds > 0:
                figures.append(f"{_short_count(self._lines / seconds)}/s")
        while figures and len(self._name) + sum(len(figure) + 2 for figure in figures) > room:
            figures.pop()
        bar = ""
        left = room - len(self._name) - sum(len(figure) + 2 for figure in figures) - 1
        if share is not None and left >= LEAST_BAR_CELLS:
            n_cells = min(left, BAR_CELLS)
            n_full = int(share * n_cells)
            bar = " " + self._cells[0] * n_full + self._cells[1] * (n_cells - n_full)
        return (self._name + bar + "".join("  " + figure for figure in figures))[:room]

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the terminal went away: the work goes on
            self._columns = lambda: 0


def progress_on(stream: TextIO | None = None) -> Progress:
    """A bar on ``stream`` (stderr when not given) when it is a terminal that can redraw a line, else silence."""
    stream = stream if stream is not None else sys.stderr
    if stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb":
        return ProgressBar(stream)
    return Progress()


def _can_write_blocks(stream: TextIO) -> bool:
    try:
        "█─".encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _short_bytes(n_bytes: float) -> str:
    for unit in ("B", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"


def _short_count(count: float) -> str:
    for unit in ("", "k"):
        if count < 1000:
            return f"{count:.0f}{unit}"
        count /= 1000
    return f"{count:.1f}M"
