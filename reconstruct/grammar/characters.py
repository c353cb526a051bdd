"""Sets of characters as sorted ranges of code points: exact, and small for what patterns say.

``[^"\\n]`` is three ranges. Ranges are inclusive, disjoint, not adjacent, ascending; the empty tuple is the empty set.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]

HIGHEST = sys.maxunicode
EVERY: Ranges = ((0, HIGHEST),)
NEWLINE: Ranges = ((10, 10),)
DIGITS: Ranges = ((48, 57),)
BLANKS: Ranges = ((9, 13), (32, 32))
"""``\\s`` with ASCII semantics: tab, newline, vertical tab, form feed, carriage return, space."""
WORD_CHARACTERS: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
PRINTABLE: Ranges = ((32, 126),)


def unite(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The canonical set that holds all given ranges, which may overlap and stand in any order."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """Every character that is not in the set."""
    missing: list[tuple[int, int]] = []
    start = 0
    for low, high in ranges:
        if low > start:
            missing.append((start, low - 1))
        start = high + 1
    if start <= HIGHEST:
        missing.append((start, HIGHEST))
    return tuple(missing)


def intersect(a: Ranges, b: Ranges) -> Ranges:
    """The characters in both sets."""
    return unite((max(x[0], y[0]), min(x[1], y[1])) for x in a for y in b if max(x[0], y[0]) <= min(x[1], y[1]))


def overlap(a: Ranges, b: Ranges) -> bool:
    """Whether some character is in both sets."""
    i = j = 0
    while i < len(a) and j < len(b):
        if max(a[i][0], b[j][0]) <= min(a[i][1], b[j][1]):
            return True
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return False


def count(ranges: Ranges) -> int:
    """How many characters the set has."""
    return sum(high - low + 1 for low, high in ranges)


def fold_case(ranges: Ranges) -> Ranges:
    """The set with both cases of its ASCII letters: what ``(?i)`` means with ASCII semantics."""
    shifted = [(low + 32, high + 32) for low, high in intersect(ranges, ((65, 90),))]
    shifted += [(low - 32, high - 32) for low, high in intersect(ranges, ((97, 122),))]
    return unite([*ranges, *shifted])


def write_set(ranges: Ranges) -> str:
    """The set as a regular expression: a literal, ``.``, ``\\S``, a class, or a negated class, whichever is short."""
    if count(ranges) == 1:
        return write_character(ranges[0][0])
    outside = complement(ranges)
    if outside == NEWLINE:
        return "."
    if outside == BLANKS:
        return r"\S"  # a third less time a character than the class
    if ranges and ranges[-1][1] == HIGHEST:
        return "[^" + _write_ranges(outside) + "]" if outside else r"[\x00-\U0010ffff]"
    return "[" + _write_ranges(ranges) + "]"


def _write_ranges(ranges: Ranges) -> str:
    parts: list[str] = []
    for low, high in ranges:
        parts.append(write_character(low))
        if high > low:
            parts.append(("-" if high > low + 1 else "") + write_character(high))
    return "".join(parts)


def write_character(code: int) -> str:
    """One character as it may stand in a pattern, inside or outside a class."""
    character = chr(code)
    if character.isascii() and (character.isalnum() or character in " !\"%',/:;<=>@_`"):
        return character
    if 33 <= code <= 126:
        return "\\" + character
    if code < 256:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
