"""Match plans at work: a block of lines in, columns of raw text out.

One regular expression runs over the whole block, with a last alternative that takes any line, so ``findall`` gives exactly
one row per line without a Python loop. Rows become columns by one ``zip``.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from operator import add, itemgetter
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from reconstruct.grammar.plans import MatchPlan
from reconstruct.grammar.repeats import JOIN, PAIR, Repeats, compile_pattern, spread_pairs

WINDOW = 1 << 18
"""Characters matched at a time. Rows of more outgrow the processor's cache: 256 KiB runs twice as fast as 8 MiB."""

FEW_LINES = 256
"""Lines that are matched one by one: the expression for that is there already when a small file is recognised, and to
compile the other one takes longer than to match them."""


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of a block, matched."""

    matched: npt.NDArray[np.bool_]
    """one per line"""
    columns: dict[str, list[str]]
    """raw texts of the matched lines, in order, ``""`` where absent; only columns that have a text. Fields of the plan
    first, then one column per key of ``KEY=VALUE`` pairs, sorted; a key named like a field is ``pair.KEY``"""


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
        repeated = self._repeats.fields if self._repeats else ()
        self._plain = {
            name: [i for i, slot in enumerate(slots) if slot.field == name]
            for name in plan.fields
            if name not in repeated
        }

    @cached_property
    def _find_rows(self) -> Callable[[str], list[Any]]:
        return compile_pattern(f"(?:{self.plan.scan.pattern}$|.*)\\n?").findall

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
        slots: list[list[str]] = [[] for _ in self.plan.scan.slots]
        flags: list[npt.NDArray[np.bool_]] = [np.ones(0, np.bool_)]
        with _no_collection():
            for window in _windows(text):
                matched, rows = self._match_window(window)
                flags.append(matched)
                for held, column in zip(slots, zip(*rows, strict=True), strict=bool(rows)):
                    held.extend(column)
            return Block(np.concatenate(flags), self._columns(slots))

    def match_line(self, line: str) -> dict[str, str] | None:
        """See :class:`Matcher`."""
        return match_one(self, line)

    def _match_window(self, text: str) -> tuple[npt.NDArray[np.bool_], list[tuple[str, ...]]]:
        """One flag per line, and the groups of each matched line."""
        if text.count("\n") <= FEW_LINES:
            found = [self._match(line + "\n") for line in text.removesuffix("\n").split("\n")] if text else []
            return np.array([one is not None for one in found], np.bool_), [one.groups("") for one in found if one]
        rows = self._find_rows(text)
        rows.pop()  # the empty match behind the last line
        if len(self.plan.scan.slots) == 1:  # then findall gives texts, not tuples of them
            rows = [(row,) for row in rows]
        certain = [list(map(itemgetter(i), rows)) for i in self._certain]
        flags = certain[0] if len(certain) == 1 else list(map(any, zip(*certain, strict=True)))
        if all(flags):
            return np.ones(len(rows), np.bool_), rows
        return np.fromiter(map(bool, flags), np.bool_, len(rows)), list(compress(rows, flags))

    def _columns(self, slots: list[list[str]]) -> dict[str, list[str]]:
        lists = self.plan.lists
        columns = {name: _merge([slots[i] for i in places], name in lists) for name, places in self._plain.items()}
        if self._repeats:
            fields, pairs = self._repeats.read(slots)
            columns = {name: fields[name] if name in fields else columns[name] for name in self.plan.fields}
            columns |= spread_pairs(pairs, len(slots[0]), columns)
        return {name: column for name, column in columns.items() if any(column)}


def match_one(matcher: Matcher, line: str) -> dict[str, str] | None:
    """The fields of one line by way of a block."""
    if "\n" in line:
        return None
    block = matcher.match_block(line + "\n")
    if not block.matched[0]:
        return None
    return {name: column[0] for name, column in block.columns.items()}


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


def _merge(parts: Sequence[list[str]], several: bool) -> list[str]:
    """One column out of the groups of a field; ``several``: more than one of them may have a text in one line."""
    column = parts[0]
    for part in parts[1:]:
        if several:
            column = [f"{a}{JOIN}{b}" if a and b else a or b for a, b in zip(column, part, strict=True)]
        else:
            column = list(map(add, column, part))
    return column
