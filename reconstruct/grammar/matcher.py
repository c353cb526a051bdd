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
from itertools import compress
from operator import add, itemgetter
from typing import Protocol

import numpy as np
import numpy.typing as npt

from reconstruct.grammar.plans import MatchPlan, Scan, Slot

MAX_PAIR_COLUMNS = 512
"""Distinct keys of ``KEY=VALUE`` pairs that get a column of their own in one block. Bounds memory when a hostile file
invents keys: the rarer ones of such a block stay together in the column ``pairs``, as text."""

WINDOW = 1 << 18
"""Characters matched at a time. Rows of more outgrow the processor's cache: 256 KiB runs twice as fast as 8 MiB."""

JOIN = ", "
"""Between the texts of a field that occurs more than once in a line, as web servers write lists."""


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
        self._find_rows = _compile(f"(?:{plan.scan.pattern}$|.*)\\n?").findall
        slots = plan.scan.slots
        repeated = {name for slot in slots if slot.scan for name in _leaf_fields(slot.scan)} | {"key", "value"}
        self._certain = [i for i, slot in enumerate(slots) if slot.field == plan.certain]
        self._plain = {
            name: [i for i, slot in enumerate(slots) if slot.field == name]
            for name in plan.fields
            if name not in repeated
        }
        self._gathered = [(i, _gatherer(slot)) for i, slot in enumerate(slots) if slot.scan or slot.field in repeated]

    def match_block(self, text: str) -> Block:
        """See :class:`Matcher`."""
        if "\r" in text:
            text = text.replace("\r\n", "\n")
        slots: list[list[str]] = [[] for _ in self.plan.scan.slots]
        gathered: list[Gathered] = []
        flags: list[npt.NDArray[np.bool_]] = [np.ones(0, np.bool_)]
        with _no_collection():
            for window in _windows(text):
                matched, rows = self._match_window(window)
                flags.append(matched)
                for held, column in zip(slots, zip(*rows, strict=True), strict=bool(rows)):
                    held.extend(column)
                if self._gathered:
                    gathered.extend(map(self._gather, rows))
        return Block(np.concatenate(flags), self._columns(slots, gathered))

    def match_line(self, line: str) -> dict[str, str] | None:
        """See :class:`Matcher`."""
        return match_one(self, line)

    def _match_window(self, text: str) -> tuple[npt.NDArray[np.bool_], list[tuple[str, ...]]]:
        """One flag per line, and the groups of each matched line."""
        rows = self._find_rows(text)
        rows.pop()  # the empty match behind the last line
        if len(self.plan.scan.slots) == 1:  # then findall gives texts, not tuples of them
            rows = [(row,) for row in rows]
        certain = [list(map(itemgetter(i), rows)) for i in self._certain]
        flags = certain[0] if len(certain) == 1 else list(map(any, zip(*certain, strict=True)))
        if all(flags):
            return np.ones(len(rows), np.bool_), rows
        return np.fromiter(map(bool, flags), np.bool_, len(rows)), list(compress(rows, flags))

    def _columns(self, slots: list[list[str]], gathered: list[Gathered]) -> dict[str, list[str]]:
        lists = self.plan.lists
        columns = {name: _merge([slots[i] for i in places], name in lists) for name, places in self._plain.items()}
        if gathered:
            repeated = [name for name in self.plan.fields if name not in columns]
            columns |= {name: [found.fields.get(name, "") for found in gathered] for name in repeated}
            columns = {name: columns[name] for name in self.plan.fields}
            columns |= spread_pairs([found.pairs for found in gathered], columns)
        return {name: column for name, column in columns.items() if any(column)}

    def _gather(self, row: tuple[str, ...]) -> Gathered:
        found = Gathered({}, {})
        for i, gather in self._gathered:
            if row[i]:
                gather(row[i], found)
        found.close_pair()
        return found


def match_one(matcher: Matcher, line: str) -> dict[str, str] | None:
    """The fields of one line by way of a block."""
    if "\n" in line:
        return None
    block = matcher.match_block(line + "\n")
    if not block.matched[0]:
        return None
    return {name: column[0] for name, column in block.columns.items()}


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII | re.MULTILINE)


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


# --- repeated parts ---


@dataclass(slots=True)
class Gathered:
    """What the repeated parts of one line hold."""

    fields: dict[str, str]
    pairs: dict[str, str]
    key: str = ""
    """of a pair whose value was not met yet"""

    def add(self, field: str, text: str) -> None:
        """Take the next text, in the order of the line."""
        if field == "key":
            self.close_pair()
            self.key = text
        elif field == "value" and self.key:
            _join(self.pairs, self.key, text)
            self.key = ""
        else:
            _join(self.fields, field, text)

    def close_pair(self) -> None:
        """A key without a value is absent."""
        self.key = ""


def _join(texts: dict[str, str], name: str, text: str) -> None:
    held = texts.get(name)
    texts[name] = f"{held}{JOIN}{text}" if held else text


def _leaf_fields(scan: Scan) -> Iterator[str]:
    for slot in scan.slots:
        if slot.scan:
            yield from _leaf_fields(slot.scan)
        else:
            yield slot.field


def _gatherer(slot: Slot) -> Callable[[str, Gathered], None]:
    """What takes the text of the slot's group apart."""
    if slot.scan is None:
        field = slot.field
        return lambda text, found: found.add(field, text)
    pattern = _compile(slot.scan.pattern)
    names = [inner.field for inner in slot.scan.slots]
    if names == ["key", "value"] and not slot.ahead:
        return lambda text, found: _gather_pairs(pattern.findall(text), found)
    inner = [_gatherer(slot) for slot in slot.scan.slots]
    find = _rounds_ahead if slot.ahead else _rounds

    def gather(text: str, found: Gathered) -> None:
        for groups in find(pattern, text):
            for part, take in zip(groups, inner, strict=True):
                if part:
                    take(part, found)

    return gather


def _gather_pairs(pairs: list[tuple[str, str]], found: Gathered) -> None:
    for key, value in pairs:
        if value:
            _join(found.pairs, key, value)


def _rounds(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, ...]]:
    """The groups of every round; the text is nothing but rounds."""
    return (found.groups("") for found in pattern.finditer(text))


def _rounds_ahead(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, ...]]:
    """The groups of every round from the beginning of the text; more text follows them."""
    found = pattern.match(text)
    while found:
        yield found.groups("")
        found = pattern.match(text, found.end())


def spread_pairs(pairs: Sequence[dict[str, str]], taken: dict[str, list[str]]) -> dict[str, list[str]]:
    """One column per key, sorted; ``taken`` names are prefixed. See ``MAX_PAIR_COLUMNS`` for too many keys."""
    counts: dict[str, int] = {}
    for found in pairs:
        for key in found:
            counts[key] = counts.get(key, 0) + 1
    kept = sorted(counts)
    rest: dict[str, list[str]] = {}
    if len(kept) > MAX_PAIR_COLUMNS:
        kept = sorted(sorted(counts, key=lambda key: (-counts[key], key))[:MAX_PAIR_COLUMNS])
        held = set(kept)
        rest["pairs"] = [" ".join(f"{k}={v}" for k, v in found.items() if k not in held) for found in pairs]
    columns = {
        f"pair.{key}" if key in taken or key == "pairs" else key: [found.get(key, "") for found in pairs]
        for key in kept
    }
    return columns | rest
