"""What repetitions hold: ``KEY=VALUE`` pairs, and fields that occur several times in a line."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, takewhile
from operator import not_

import numpy as np
import numpy.typing as npt

from reconstruct.grammar.plans import Scan, Slot

JOIN = ", "
"""Between the texts of a field that occurs more than once in a line, as web servers write lists."""

PAIR = ("key", "value")
"""Terminals that together make one attribute named by the key's text."""

MAX_PAIR_COLUMNS = 512
"""Distinct keys of pairs that get a column of their own in one block. Bounds memory when a hostile file invents keys:
the rarer ones of such a block stay together in the column ``pairs``, as text."""


ROWS = 4096
"""Lines whose pairs are read at a time: what they make stays in the processor's cache."""


@dataclass(slots=True)
class Pairs:
    """Pairs of many lines, in the order in which they are to be joined."""

    rows: list[int] = field(default_factory=list)
    """the line each belongs to"""
    keys: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)

    def extend(self, rows: Iterable[int], keys: Iterable[str], values: Iterable[str]) -> None:
        """Take more pairs."""
        self.rows.extend(rows)
        self.keys.extend(keys)
        self.values.extend(values)


@dataclass(slots=True)
class Gathered:
    """What one line holds, its texts given in the order of the line."""

    fields: dict[str, str] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    """one per key, ``""`` where there is none; the last one may be missing"""

    def add(self, name: str, text: str) -> None:
        """Take the next text."""
        if name == "key":
            self.close_pair()
            self.keys.append(text)
        elif name == "value":
            if len(self.values) < len(self.keys):
                self.values.append(text)
        else:
            held = self.fields.get(name)
            self.fields[name] = f"{held}{JOIN}{text}" if held else text

    def close_pair(self) -> None:
        """The last key has no value if it has none by now."""
        if len(self.values) < len(self.keys):
            self.values.append("")


class Repeats:
    """Takes the groups of repeated parts apart."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        names = dict.fromkeys(name for slot in slots if slot.scan for name in _fields_of(slot.scan))
        self.fields = tuple(name for name in names if name not in PAIR)
        """fields, not pairs, that are filled from repeated parts; their other places are read here too"""
        wanted = {*self.fields, *PAIR}
        self._slots = [(i, slot) for i, slot in enumerate(slots) if slot.scan or slot.field in wanted]
        self._takers = [(i, _taker(slot)) for i, slot in self._slots]
        self._only_pairs = not self.fields and all(_holds_pairs(slot) for _, slot in self._slots if slot.scan)

    @property
    def places(self) -> list[int]:
        """The groups that are read here."""
        return [i for i, _ in self._slots]

    def read(self, slots: Mapping[int, list[str]]) -> tuple[dict[str, list[str]], Pairs]:
        """Columns of the repeated fields, and the pairs, of the lines whose groups ``slots`` holds column by column, by place."""
        return ({}, self._read_pairs(slots)) if self._only_pairs else self._read_lines(slots)

    def _read_pairs(self, slots: Mapping[int, list[str]]) -> Pairs:
        """Column by column: one ``findall`` over the rounds of thousands of lines."""
        pairs = Pairs()
        for place, (i, slot) in enumerate(self._slots):
            if slot.scan:
                _find_pairs(slot.scan.pattern, slots[i], pairs)
            elif slot.field == "key":
                value_slots = takewhile(lambda later: later[1].field == "value", self._slots[place + 1 :])
                values = [slots[j] for j, _ in value_slots]
                rows = [row for row, key in enumerate(slots[i]) if key]
                texts = (next((column[row] for column in values if column[row]), "") for row in rows)
                pairs.extend(rows, [slots[i][row] for row in rows], texts)
        return pairs

    def _read_lines(self, slots: Mapping[int, list[str]]) -> tuple[dict[str, list[str]], Pairs]:
        """Line by line: for fields in repetitions, and repetitions in repetitions."""
        columns: dict[str, list[str]] = {name: [] for name in self.fields}
        pairs = Pairs()
        takers = [take for _, take in self._takers]
        for row, texts in enumerate(zip(*(slots[i] for i, _ in self._slots), strict=True)):
            found = Gathered()
            for text, take in zip(texts, takers, strict=True):
                if text:
                    take(text, found)
            for name, column in columns.items():
                column.append(found.fields.get(name, ""))
            found.close_pair()
            pairs.extend([row] * len(found.keys), found.keys, found.values)
        return columns, pairs


def _holds_pairs(slot: Slot) -> bool:
    """Whether every round of the slot is one pair and nothing else."""
    return slot.scan is not None and tuple(inner.field for inner in slot.scan.slots) == PAIR


def _find_pairs(pattern: str, texts: list[str], pairs: Pairs) -> None:
    """Add the pairs of ``texts``, each the rounds of one line, with or without what follows them."""
    find = compile_pattern(f"(?:{pattern})|.*\n").findall
    for start in range(0, len(texts), ROWS):
        part = texts[start : start + ROWS]
        keys, values = zip(*find("\n".join(part) + "\n"), strict=True)
        ends = np.fromiter(map(not_, keys), np.bool_, len(keys))  # a line end has no key
        rows = start + np.cumsum(ends)
        pairs.extend(rows[~ends].tolist(), filter(None, keys), compress(values, keys))


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A pattern of a plan, ready to run over lines."""
    return re.compile(pattern, re.ASCII | re.MULTILINE)


def _fields_of(scan: Scan) -> Iterator[str]:
    for slot in scan.slots:
        if slot.scan:
            yield from _fields_of(slot.scan)
        else:
            yield slot.field


Take = Callable[[str, Gathered], None]


def _taker(slot: Slot) -> Take:
    """What takes the text of the slot's group apart."""
    if slot.scan is None:
        name = slot.field
        return lambda text, found: found.add(name, text)
    pattern = compile_pattern(slot.scan.pattern)
    inner = [_taker(slot) for slot in slot.scan.slots]
    find = _rounds_ahead if slot.ahead else _rounds

    def take(text: str, found: Gathered) -> None:
        for groups in find(pattern, text):
            for part, take_part in zip(groups, inner, strict=True):
                if part:
                    take_part(part, found)

    return take


def _rounds(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, ...]]:
    """The groups of every round; the text is nothing but rounds."""
    return (found.groups("") for found in pattern.finditer(text))


def _rounds_ahead(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, ...]]:
    """The groups of every round from the beginning of the text; more text follows them."""
    found = pattern.match(text)
    while found:
        yield found.groups("")
        found = pattern.match(text, found.end())


def spread_pairs(pairs: Pairs, n: int, taken: Container[str]) -> dict[str, list[str]]:
    """One column of ``n`` texts per key, sorted; a key named like a ``taken`` column is prefixed. See
    ``MAX_PAIR_COLUMNS`` for too many keys."""
    codes: defaultdict[str, int] = defaultdict()
    codes.default_factory = codes.__len__  # a new key gets the next number, without a Python step per pair
    code = np.fromiter(map(codes.__getitem__, pairs.keys), np.int64, len(pairs.keys))
    rows = np.array(pairs.rows, np.int64)
    values = np.array(pairs.values, object)
    order = np.argsort(code, kind="stable")
    bounds = np.searchsorted(code[order], np.arange(len(codes) + 1)).tolist()
    places = {key: order[bounds[i] : bounds[i + 1]] for key, i in codes.items()}
    kept = sorted(sorted(places, key=lambda key: (-len(places[key]), key))[:MAX_PAIR_COLUMNS])
    columns = {
        f"pair.{key}" if key in taken or key == "pairs" else key: _scatter(rows[places[key]], values[places[key]], n)
        for key in kept
    }
    if len(kept) == len(places):
        return columns
    rare = np.sort(np.concatenate([places[key] for key in places.keys() - set(kept)]))
    texts = np.array([f"{pairs.keys[i]}={pairs.values[i]}" for i in rare], object)
    return columns | {"pairs": _scatter(rows[rare], texts, n, " ")}


def _scatter(rows: npt.NDArray[np.int64], values: npt.NDArray[np.object_], n: int, separator: str = JOIN) -> list[str]:
    """A column with the values in their rows, those of one row joined."""
    column = np.full(n, "", object)
    column[rows] = values
    if len(rows) and np.bincount(rows).max() > 1:
        column[rows] = ""
        for row, value in zip(rows.tolist(), values.tolist(), strict=True):
            column[row] = f"{column[row]}{separator}{value}" if column[row] and value else column[row] or value
    texts: list[str] = column.tolist()
    return texts
