"""What repetitions hold: ``KEY=VALUE`` pairs, and fields that occur several times in a line."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain, compress, takewhile
from operator import not_

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reconstruct.grammar.plans import Scan, Slot
from reconstruct.grammar.text_columns import has_text, place_texts, text_array

Rows = npt.NDArray[np.int64]

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

    rows: array[int] = field(default_factory=lambda: array("q"))
    """the line each belongs to"""
    keys: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)

    def extend(self, rows: Iterable[int] | Rows, keys: Iterable[str], values: Iterable[str]) -> None:
        """Take more pairs."""
        if isinstance(rows, np.ndarray):
            self.rows.frombytes(rows.tobytes())
        else:
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


class OtherTextError(Exception):
    """A text that was taken for rounds holds something else."""


class Repeats:
    """Takes the groups of repeated parts apart."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        names = dict.fromkeys(name for slot in slots if slot.scan for name in _fields_of(slot.scan))
        self.fields = tuple(name for name in names if name not in PAIR)
        """fields, not pairs, that are filled from repeated parts; their other places are read here too"""
        wanted = {*self.fields, *PAIR}
        self._slots = [(i, slot) for i, slot in enumerate(slots) if slot.scan or slot.field in wanted]
        self._takers = [(i, _taker(slot)) for i, slot in self._slots]
        self.flat = all(_holds_pairs(slot) or _holds_text(slot) for _, slot in self._slots if slot.scan)

    @property
    def places(self) -> list[int]:
        """The groups that are read here."""
        return [i for i, _ in self._slots]

    def read(self, slots: Mapping[int, list[str]], *, whole: bool = False) -> tuple[dict[str, list[str]], Pairs]:
        """Columns of the repeated fields, and the pairs, of the lines whose groups ``slots`` holds column by column, by place.

        ``whole``: the last group must hold rounds and nothing else; `OtherTextError` when it does not."""
        return self._read_columns(slots, whole) if self.flat else self._read_lines(slots)

    def _read_columns(self, slots: Mapping[int, list[str]], whole: bool) -> tuple[dict[str, list[str]], Pairs]:
        """Column by column: one ``findall`` over the rounds of thousands of lines."""
        columns: dict[str, list[str]] = {}
        pairs = Pairs()
        for place, (i, slot) in enumerate(self._slots):
            if slot.scan and _holds_pairs(slot):
                find = _split_rounds if whole and place == len(self._slots) - 1 else _find_rounds
                for lines, (keys, *values) in find(slot.scan.pattern, slots[i]):
                    pairs.extend(lines, filter(None, keys), compress(reduce(_first_texts, values), keys))
            elif slot.scan:
                _add_texts(columns, slot.scan.slots[0].field, _find_texts(slot.scan.pattern, slots[i]))
            elif slot.field not in PAIR:
                _add_texts(columns, slot.field, slots[i])
            elif slot.field == "key":
                value_slots = takewhile(lambda later: later[1].field == "value", self._slots[place + 1 :])
                keys, *values = slots[i], *(slots[j] for j, _ in value_slots)
                pairs.extend(_filled(keys), filter(None, keys), compress(reduce(_first_texts, values), keys))
        return columns, pairs

    def _read_lines(self, slots: Mapping[int, list[str]]) -> tuple[dict[str, list[str]], Pairs]:
        """Line by line: for repetitions of several fields, and repetitions in repetitions."""
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


_ROUNDS = re.compile(r"(?:\(\?=)?\(\?P<(rounds\w*)>(?:\.\*\)\))?(\(\?:)")
"""Where the rounds of a slot begin in a pattern, with what stands before them where they look ahead."""

_REST = re.compile(r"([*+])\+((?:\|?\))*)")
"""What may stand behind the last round: the end of what is around it."""

_PART = re.compile(r"\\.|\[\^?(?:\\.|[^\]\\])+\]|[()]", re.DOTALL)
"""What tells in a pattern how parentheses stand to each other."""


def leave_rounds(pattern: str, slot: Slot) -> str | None:
    """A pattern that ends in the rounds of ``slot``, the last one, with any text in their place; None when it does not end so, or
    the rounds are no pairs.

    It matches the same lines in the same way, if all that stands in place of the rounds is rounds, which who takes them apart
    learns at no cost: so they are read once, and not a first time to see that they are there."""
    *_, begin = _ROUNDS.finditer(pattern) if _holds_pairs(slot) else (None,)
    if begin is None:
        return None
    depth = 0
    for part in _PART.finditer(pattern, begin.start(2)):
        depth += {"(": 1, ")": -1}.get(part[0], 0)
        if not depth:
            rest = _REST.fullmatch(pattern, part.end())
            around = rest[2].removeprefix("" if slot.ahead else ")") if rest else ""
            return f"{pattern[: begin.start()]}(?P<{begin[1]}>.{rest[1]}){around}" if rest else None
    return None


def _holds_pairs(slot: Slot) -> bool:
    """Whether every round of the slot is one pair and nothing else."""
    if slot.scan is None or any(inner.scan for inner in slot.scan.slots):
        return False
    key, *values = (inner.field for inner in slot.scan.slots)
    return key == "key" and set(values) == {"value"}


def _holds_text(slot: Slot) -> bool:
    """Whether every round of the slot is one text of a field and nothing else."""
    return slot.scan is not None and len(slot.scan.slots) == 1 and slot.scan.slots[0].scan is None


def _find_rounds(pattern: str, texts: list[str]) -> Iterator[tuple[Rows, list[list[str]]]]:
    """The rounds of ``texts``, each those of one line, with or without what follows them: the line each is of, and its groups,
    column by column. Every column also has an empty text per line; that of the first is empty there alone."""
    find = compile_pattern(f"(?:{pattern})|.*\n").findall
    for start, filled, text in _batches(texts):
        found = find(text)
        flat = list(chain.from_iterable(found))
        columns = [flat[i :: len(found[0])] for i in range(len(found[0]))]
        ends = np.fromiter(map(not_, columns[0]), np.bool_, len(columns[0]))
        yield start + filled[np.cumsum(ends)[~ends]], columns


def _split_rounds(pattern: str, texts: list[str]) -> Iterator[tuple[Rows, list[list[str]]]]:
    """The same of texts that are rounds and nothing else, without the empty texts, in two thirds of the time.

    Raises: OtherTextError when there is something else."""
    rounds = compile_pattern(pattern)
    for start, filled, text in _batches(texts):
        flat = rounds.split(text)
        between = flat[:: rounds.groups + 1]
        if "".join(between) != "\n" * len(filled):
            raise OtherTextError
        line = np.cumsum(np.fromiter(map(len, between[:-1]), np.int64, len(between) - 1))
        columns = [flat[i :: rounds.groups + 1] for i in range(1, rounds.groups + 1)]
        yield (
            start + filled[line],
            [[text or "" for text in column] if None in column else column for column in columns],
        )


def _batches(texts: list[str]) -> Iterator[tuple[int, Rows, str]]:
    """The texts that are not empty, ROWS lines at a time, each with a line end: which line is the first, and where among them they are."""
    for start in range(0, len(texts), ROWS):
        part = texts[start : start + ROWS]
        filled = _filled(part)
        if len(filled):
            yield start, filled, "\n".join(filter(None, part)) + "\n"


def _filled(texts: Sequence[str]) -> Rows:
    """The places of the texts that are not empty."""
    return np.flatnonzero(np.fromiter(map(bool, texts), np.bool_, len(texts)))


def _find_texts(pattern: str, texts: list[str]) -> list[str]:
    """One column of the texts that the rounds of each line hold, joined."""
    found = [(rows, list(compress(held, rounds))) for rows, (rounds, held) in _find_rounds(f"({pattern})", texts)]
    if not found:
        return [""] * len(texts)
    values = [text for _, held in found for text in held]
    return _scatter(np.concatenate([rows for rows, _ in found]), np.array(values, object), len(texts))


def _add_texts(columns: dict[str, list[str]], name: str, texts: list[str]) -> None:
    """Add texts that stand behind those of the column."""
    held = columns.get(name)
    columns[name] = (
        texts if held is None else [f"{a}{JOIN}{b}" if a and b else a or b for a, b in zip(held, texts, strict=True)]
    )


def _first_texts(first: Iterable[str], second: Iterable[str]) -> Iterable[str]:
    return [a or b for a, b in zip(first, second, strict=True)]


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


def spread_pairs(pairs: Pairs, n: int, taken: Container[str]) -> dict[str, pa.Array]:
    """One column of ``n`` texts per key that has a text, sorted; a key named like a ``taken`` column is prefixed. See
    ``MAX_PAIR_COLUMNS`` for too many keys."""
    codes: defaultdict[str, int] = defaultdict()
    codes.default_factory = codes.__len__  # a new key gets the next number, without a Python step per pair
    code = np.fromiter(map(codes.__getitem__, pairs.keys), np.int64, len(pairs.keys))
    rows = np.frombuffer(pairs.rows, np.int64)
    texts = text_array(pairs.values)
    order = np.argsort(code.astype(np.int16) if len(codes) < 1 << 15 else code, kind="stable")  # int16: by radix
    bounds = np.cumsum(np.bincount(code, minlength=len(codes) + 1)) if len(code) else np.zeros(1, np.int64)
    places = {key: order[bounds[i - 1] if i else 0 : bounds[i]] for key, i in codes.items()}
    kept = sorted(sorted(places, key=lambda key: (-len(places[key]), key))[:MAX_PAIR_COLUMNS])
    columns = {}
    for key in kept:
        at = places[key]
        column = _spread(rows[at], at, texts, n)
        if column is None:
            column = text_array(_scatter(rows[at], np.array([pairs.values[i] for i in at.tolist()], object), n))
        columns[f"pair.{key}" if key in taken or key == "pairs" else key] = column
    if len(kept) < len(places):
        rare = np.sort(np.concatenate([places[key] for key in places.keys() - set(kept)]))
        members = np.array([f"{pairs.keys[i]}={pairs.values[i]}" for i in rare], object)
        columns["pairs"] = text_array(_scatter(rows[rare], members, n, " "))
    return {name: column for name, column in columns.items() if has_text(column)}


def _spread(rows: Rows, at: Rows, texts: pa.Array, n: int) -> pa.Array | None:
    """The texts ``at`` in their rows, nothing in the others. None when a row has several."""
    if (np.diff(rows) <= 0).any():
        order = np.argsort(rows, kind="stable")
        rows, at = rows[order], at[order]
        if not np.diff(rows).all():
            return None
    return place_texts(texts.take(pa.array(at)), rows, n)


def _scatter(rows: Rows, values: npt.NDArray[np.object_], n: int, separator: str = JOIN) -> list[str]:
    """A column with the values in their rows, those of one row joined."""
    column = np.full(n, "", object)
    column[rows] = values
    if len(rows) and np.bincount(rows).max() > 1:
        column[rows] = ""
        for row, value in zip(rows.tolist(), values.tolist(), strict=True):
            column[row] = f"{column[row]}{separator}{value}" if column[row] and value else column[row] or value
    texts: list[str] = column.tolist()
    return texts
