"""Match plans at work: a block of lines in, columns of raw text out.

One regular expression runs over the whole block, with a last alternative that takes any line, so ``findall`` gives exactly
one row per line without a Python loop. It runs window by window, and the texts of a window become Arrow columns while they
are still in the processor's cache.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, compress
from operator import add
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reconstruct.grammar.plans import MatchPlan
from reconstruct.grammar.repeats import (
    JOIN,
    PAIR,
    OtherTextError,
    Pairs,
    Repeats,
    compile_pattern,
    leave_rounds,
    spread_pairs,
)
from reconstruct.grammar.text_columns import text_array

WINDOW = 1 << 18
"""Characters matched at a time. Rows of more outgrow the processor's cache: 256 KiB runs twice as fast as 8 MiB."""

FEW_LINES = 256
"""Lines that are matched one by one: the expression for that is there already when a small file is recognised, and to
compile the other one takes longer than to match them."""


_QUOTED = r'[^\x0a"\\]*+(?:\\.[^\x0a"\\]*+)*+'
"""What the pattern of a plan has for text between quotes."""

_BETWEEN_QUOTES = re.compile(rf'"\((\?P<\w+>){re.escape(_QUOTED)}\)"')
"""In a named group, which is never inside of a look ahead: that could see over a line end unnoticed."""


def read_to_quotes(pattern: str) -> str:
    """The pattern with quoted text read to the next quote, whatever comes before: one comparison a character instead of a
    look into a table, which takes a third off an access log.

    Where the text has no backslash and no match goes over a line end, this matches the same: both then read up to the next
    quote, and where the line has none the pattern fails, or goes over the line end. It stays linear, since the text begins
    behind a quote: no two lines read the same way to the next one.
    """
    return _BETWEEN_QUOTES.sub(r'"(\1[^"]*+)"', pattern)


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of a block, matched."""

    matched: npt.NDArray[np.bool_]
    """one per line"""
    columns: dict[str, pa.Array]
    """raw texts (string) of the matched lines, in order, ``""`` where absent; only columns that have a text. Fields of the
    plan first, then one column per key of ``KEY=VALUE`` pairs, sorted; a key named like a field is ``pair.KEY``"""

    def texts(self) -> dict[str, list[str]]:
        """The columns as lists."""
        return {name: column.to_pylist() for name, column in self.columns.items()}


class Matcher(Protocol):
    """One format, ready to match."""

    plan: MatchPlan

    def match_block(self, text: str) -> Block:
        """Match every line of ``text``. Lines end at ``\\n``, a ``\\r`` before it belongs to the end; what stands behind
        the last ``\\n`` is a line unless it is empty."""
        ...

    def match_line(self, line: str) -> dict[str, str] | None:
        """The fields of one line, absent ones left out; None when it does not match."""
        ...

    def recognise(self, lines: Sequence[str]) -> list[bool]:
        """Which of some lines match, and nothing else of them: what detection asks of every format."""
        ...


def matcher_for(plan: MatchPlan) -> Matcher:
    """The matcher of a plan. Lark is imported for recursive grammars only."""
    if plan.engine == "regex":
        return RegexMatcher(plan)
    from reconstruct.grammar.lark_engine import LarkMatcher

    return LarkMatcher(plan)


class RegexMatcher:
    """The regular expression of a plan, run over whole blocks."""

    def __init__(self, plan: MatchPlan) -> None:
        self.plan = plan
        slots = plan.scan.slots
        self._certain = [i for i, slot in enumerate(slots) if slot.field in plan.certain]
        self._repeats = Repeats(slots) if any(slot.scan or slot.field in PAIR for slot in slots) else None
        self._loose = leave_rounds(plan.scan.pattern, slots[-1]) if self._repeats and self._repeats.flat else None
        repeated = self._repeats.fields if self._repeats else ()
        self._plain = {
            name: [i for i, slot in enumerate(slots) if slot.field == name]
            for name in plan.fields
            if name not in repeated
        }

    @cached_property
    def _exactly(self) -> Finder:
        return Finder(self.plan.scan.pattern)

    @cached_property
    def _loosely(self) -> Finder | None:
        """The same with any text in place of the rounds at the end, see `leave_rounds`; None when it does not end in rounds."""
        return Finder(self._loose) if self._loose else None

    @cached_property
    def _match(self) -> Callable[[str], re.Match[str] | None]:
        return compile_pattern(f"{self.plan.scan.pattern}$").match

    def recognise(self, lines: Sequence[str]) -> list[bool]:
        """See :class:`Matcher`."""
        match = self._match  # each line with its end, as in a block: a look ahead may see it
        return [match(line.removesuffix("\r") + "\n") is not None for line in lines]

    def match_block(self, text: str) -> Block:
        """See :class:`Matcher`."""
        if "\r" in text:
            text = text.replace("\r\n", "\n")
        if text.count("\n", 0, WINDOW) <= FEW_LINES:
            return self._read_block(text, self._match_lines)
        if self._loosely:
            with suppress(OtherTextError):
                return self._read_block(text, self._loosely.find, whole=True)
        return self._read_block(text, self._exactly.find)

    def _read_block(self, text: str, match: Callable[[str], list[Any]], whole: bool = False) -> Block:
        repeated: dict[int, list[str]] = {i: [] for i in self._repeats.places} if self._repeats else {}
        with _no_collection():
            windows = [self._read_rows(match(window), repeated) for window in _windows(text)]
            columns = _join_windows(windows, self._plain)
            if self._repeats:
                fields, pairs = self._repeats.read(repeated, whole=whole)
                columns = self._add_repeated(columns, fields, pairs, sum(window.n for window in windows))
        return Block(np.concatenate([window.matched for window in windows]), columns)

    def match_line(self, line: str) -> dict[str, str] | None:
        """See :class:`Matcher`."""
        return match_one(self, line)

    def _match_lines(self, text: str) -> list[Any]:
        """What `Finder.find` gives, of few lines."""
        nothing = ("",) * len(self.plan.scan.slots)
        found = [self._match(line + "\n") for line in text.removesuffix("\n").split("\n")] if text else []
        rows = [one.groups("") if one else nothing for one in found]
        return rows if len(nothing) != 1 else [row[0] for row in rows]

    def _read_rows(self, rows: list[Any], repeated: dict[int, list[str]]) -> _Window:
        """Read what was matched of a window. The groups that hold repetitions are added to ``repeated``."""
        slots, lists = self.plan.scan.slots, self.plan.lists
        flat = list(chain.from_iterable(rows)) if len(slots) > 1 else rows
        groups = [
            flat[i :: len(slots)] for i in range(len(slots))
        ]  # turns rows into columns in a quarter of the time of zip
        certain = [groups[i] for i in self._certain]
        flags = certain[0] if len(certain) == 1 else list(map(any, zip(*certain, strict=True)))
        matched = np.ones(len(rows), np.bool_)
        if not all(flags):
            matched = np.fromiter(map(bool, flags), np.bool_, len(rows))
            groups = [list(compress(texts, flags)) for texts in groups]
        for i, texts in repeated.items():
            texts.extend(groups[i])
        read = {name: _merge([groups[i] for i in places], name in lists) for name, places in self._plain.items()}
        columns = {name: text_array(texts) for name, texts in read.items() if texts is not None}
        return _Window(matched, int(matched.sum()), columns)

    def _add_repeated(
        self, columns: dict[str, pa.Array], fields: dict[str, list[str]], pairs: Pairs, n: int
    ) -> dict[str, pa.Array]:
        more = {name: text_array(texts) for name, texts in fields.items() if any(texts)}
        columns = {
            name: more[name] if name in more else columns[name]
            for name in self.plan.fields
            if name in more or name in columns
        }
        return columns | spread_pairs(pairs, n, self.plan.fields)


class Finder:
    """A pattern of lines, run over many of them."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    @cached_property
    def _find_rows(self) -> Callable[[str], list[Any]]:
        return compile_pattern(f"(?:{self._pattern}$|.*)\\n?").findall

    @cached_property
    def _find_quoted(self) -> Callable[[str], list[Any]] | None:
        """The same where quoted text is read faster, see `read_to_quotes`; None when the pattern has none."""
        pattern = read_to_quotes(self._pattern)
        return compile_pattern(f"(?:{pattern}$|.*)\\n?").findall if pattern != self._pattern else None

    def find(self, text: str) -> list[Any]:
        """The groups of each line, all empty where it does not match; of a single group its texts alone."""
        if self._find_quoted and "\\" not in text:
            rows = self._find_quoted(text)
            if len(rows) == text.count("\n") + 1 + (not text.endswith("\n")):  # so every match is within a line
                rows.pop()
                return rows
        rows = self._find_rows(text)
        rows.pop()  # the empty match behind the last line
        return rows


@dataclass(frozen=True, slots=True)
class _Window:
    """What a window holds."""

    matched: npt.NDArray[np.bool_]
    n: int
    """matched lines"""
    columns: dict[str, pa.Array]
    """those outside repetitions that have a text"""


def _join_windows(windows: Sequence[_Window], names: Iterable[str]) -> dict[str, pa.Array]:
    """The columns of all windows, in the order of ``names``."""
    columns = {}
    for name in names:
        if any(name in window.columns for window in windows):
            parts = [
                window.columns[name] if name in window.columns else text_array([""] * window.n) for window in windows
            ]
            columns[name] = parts[0] if len(parts) == 1 else pa.concat_arrays(parts)
    return columns


def match_one(matcher: Matcher, line: str) -> dict[str, str] | None:
    """The fields of one line by way of a block."""
    if "\n" in line:
        return None
    block = matcher.match_block(line + "\n")
    if not block.matched[0]:
        return None
    return {name: texts[0] for name, texts in block.texts().items()}


def _windows(text: str) -> Iterator[str]:
    """The text in pieces of whole lines."""
    start = 0
    while len(text) - start > WINDOW:
        end = text.find("\n", start + WINDOW) + 1 or len(text)
        yield text[start:end]
        start = end
    yield text[start:]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector from walking a hundred thousand fresh tuples, none of which is garbage: a fifth of
    the time of a block."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _merge(parts: Sequence[list[str]], several: bool) -> list[str] | None:
    """One column out of the groups of a field, None when it has no text; ``several``: more than one of them may have a
    text in one line."""
    parts = [part for part in parts if any(part)]
    if not parts:
        return None
    column = parts[0]
    for part in parts[1:]:
        if several:
            column = [f"{a}{JOIN}{b}" if a and b else a or b for a, b in zip(column, part, strict=True)]
        else:
            column = list(map(add, column, part))
    return column
