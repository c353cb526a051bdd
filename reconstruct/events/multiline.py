"""Which lines continue the entry above them.

Whether a line *starts* an entry is decided from the line alone (by the formats). What the lines between two starts are
is decided here, from the entry above and those lines alone, and no further than ``reach`` bytes below it. So a line is
judged the same way in whichever chunk it falls.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reconstruct.events.lines import Positions

START = 0
"""The line starts an entry of a known format."""
LOOSE = 1
"""Something else: a continuation, an entry known by its envelope only, or unparsed."""
BLANK = 2
DIRECTIVE = 3

NOBODY = -1
"""Owner of a line that belongs to no entry."""

_CONTINUES = re.compile(
    r"[ \t]"  # indented: Java "\tat", Python '  File "', SQL, YAML, wrapped JSON
    r"|at (?:async )?[\w$.<>/@-]+ ?[(\[]"  # V8, Java with the indent lost
    r"|Caused by: |Suppressed: |\.\.\. \d+ (?:more|common frames)"  # java.lang.Throwable.printStackTrace
    r"|Traceback \(most recent call last\):|During handling of the above|The above exception was the direct"  # Python
    r"|goroutine \d+ \[|created by [\w./*()-]+|\[signal |exit status \d|runtime\."  # Go
    r"|--- End of (?:inner exception )?stack trace|Stack trace:|#\d+ "  # .NET, PHP, gdb
    r"|stack backtrace:|note: (?:run with `RUST_BACKTRACE|Some details are omitted)"  # Rust
    r"|Last message(?: \(from [^)]{0,100}\))?: "  # Elixir
    r"|[\])}>]+[,;]?\s*$|</[\w:.-]+>\s*$"  # the end of a wrapped literal or element
    r"|\^+\s*$"
)
"""Shapes a line has only as part of the entry above, whatever the format of that entry."""

_BEGINS_ERROR = re.compile(
    r"(?:[A-Za-z_][\w$]{0,60}[.\\]){1,12}[A-Z][\w$]{0,80}(?:Exception|Error|Throwable)(?::|\s*$)"  # java.io.IOException: text, of .NET and PHP too
    r"|Exception in thread \"|[A-Z]\w{0,80}(?:Error|Exception)(?: \[\w{1,60}\])?: |Error: "  # Java, JavaScript, Python
    r"|panic: |fatal error: |thread '[^']{0,200}' panicked at |\*\* \((?:[A-Z]\w{0,60}\.){0,8}[A-Z]\w{0,60}\)"  # Go, Rust, Elixir
    r"|[\w./-]{1,300}\.rb:\d{1,7}:in [`']"  # Ruby
)
"""First lines of error reports: part of the entry that logs the error, or what a program wrote when it broke down."""

_TRACEBACK = "Traceback (most recent call last):"
_GOROUTINE = "goroutine "

_PYTHON_ERROR = re.compile(r"[A-Za-z_][\w.]*(?::|$)")
"""What ends a Python traceback at column 0: ``package.Error: text`` or a bare ``KeyboardInterrupt``."""

_GO_FRAME = re.compile(r"[\w./*()\[\]{}$-]+\(.{0,200}\)?$")
"""A frame of a Go stack at column 0: ``main.run(0x1, 0x2)``; its file follows indented."""


def looks_continued(text: str) -> bool:
    """Whether the line has the shape of a continuation; such a line starts an entry only of a format the source has."""
    return _CONTINUES.match(text) is not None or _BEGINS_ERROR.match(text) is not None


@dataclass(frozen=True, slots=True)
class Run:
    """What folding needs to know of each line of a block; all sequences have one element per line.

    ``absorbs``: a START after which plain text belongs to it (a timestamped text format).
    ``alone``: a LOOSE line that can be an event by itself, because its envelope says when it was written.
    ``partial``: the runtime cut the line here; the next line of its stream goes on with it.
    ``stream``: lines of different streams (container, stdout/stderr) never continue each other; 0 when there is one.
    """

    shape: npt.NDArray[np.int8]
    end: Positions
    text: Sequence[str]
    absorbs: npt.NDArray[np.bool_]
    alone: npt.NDArray[np.bool_]
    partial: npt.NDArray[np.bool_]
    stream: npt.NDArray[np.int32]


def find_owners(run: Run, reach: int) -> npt.NDArray[np.int64]:
    """The row of the entry each line belongs to: its own row for an event, NOBODY for unparsed, blank, directive.

    A blank line inside an entry belongs to it; after its last line, to nobody. An entry is always a run of whole,
    adjacent lines. Lines that end more than ``reach`` bytes below the end of the last START have no entry above.
    """
    count = len(run.shape)
    owners = np.full(count, NOBODY, np.int64)
    starts = np.flatnonzero(run.shape == START)
    owners[starts] = starts
    if len(starts) == count:
        return owners
    first = starts + 1
    stop = np.append(starts[1:], count) if len(starts) else starts
    open_runs = stop > first
    one_stream = not run.stream.any()
    any_partial = bool(run.partial.any())
    head = int(starts[0]) if len(starts) else count
    if head:
        _fold_run(run, owners, NOBODY, 0, head, -1)
    for start, low, high in zip(
        starts[open_runs].tolist(), first[open_runs].tolist(), stop[open_runs].tolist(), strict=True
    ):
        limit = int(run.end[start]) + reach
        if run.absorbs[start] and one_stream and not any_partial:
            _absorb_run(run, owners, start, low, high, limit)
        else:
            _fold_run(run, owners, start, low, high, limit)
    return owners


def _absorb_run(run: Run, owners: npt.NDArray[np.int64], start: int, low: int, high: int, limit: int) -> None:
    """All text up to the limit is the entry's; the common case, without looking at the lines."""
    within = low + int(np.searchsorted(run.end[low:high], limit, side="right"))
    shape = run.shape[low:within]
    stops = np.flatnonzero(shape == DIRECTIVE)
    text = np.flatnonzero(shape[: stops[0]] == LOOSE) if len(stops) else np.flatnonzero(shape == LOOSE)
    if len(text):
        owners[low : low + int(text[-1]) + 1] = start
    rest = low + int(stops[0]) if len(stops) else within
    if rest < high:
        _fold_run(run, owners, NOBODY, rest, high, -1)


def _fold_run(run: Run, owners: npt.NDArray[np.int64], start: int, low: int, high: int, limit: int) -> None:
    """The lines [low, high) between two STARTs, one by one; ``start`` is the entry above or NOBODY."""
    owner, last = start, start
    absorbs = bool(run.absorbs[start]) if start != NOBODY else False
    error = _ErrorText(run.text[start]) if start != NOBODY else _ErrorText("")
    for row in (low + np.flatnonzero(run.shape[low:high] != BLANK)).tolist():
        if run.shape[row] == DIRECTIVE:
            owner = NOBODY
            continue
        text = run.text[row]
        if (
            owner != NOBODY
            and run.end[row] <= limit
            and run.stream[row] == run.stream[owner]
            and (absorbs or run.partial[last] or _continues(text, alone=bool(run.alone[row])) or error.goes_on(text))
        ):
            owners[last + 1 : row + 1] = owner
            last = row
            error.read(text)
        elif run.alone[row]:
            owners[row] = row
            owner = row if run.end[row] <= limit else NOBODY
            last, absorbs, error = row, False, _ErrorText(text)
        else:
            owner = NOBODY


def _continues(text: str, *, alone: bool) -> bool:
    """Whether the shape of a line makes it a part of the entry above. An error report whose envelope says when it was
    written is an entry of its own."""
    return _CONTINUES.match(text) is not None or (not alone and _BEGINS_ERROR.match(text) is not None)


class _ErrorText:
    """Where in an error report the lines are: what may follow at column 0."""

    __slots__ = ("go", "python")

    def __init__(self, text: str) -> None:
        self.python = self.go = False
        self.read(text)

    def read(self, text: str) -> None:
        if _TRACEBACK in text:
            self.python = True
        elif text.startswith(_GOROUTINE):
            self.go = True
        elif self.python and text[:1] not in (" ", "\t", ""):
            self.python = False

    def goes_on(self, text: str) -> bool:
        return (self.python and _PYTHON_ERROR.match(text) is not None) or (
            self.go and _GO_FRAME.match(text) is not None
        )
