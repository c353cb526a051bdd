"""The structure of a grammar with every rule written out: what the compiler makes of Lark's trees.

Each occurrence of a terminal is an object of its own (``Term``), so that what may follow it is known exactly.
What a structure means (``grammars/README.md`` says it to authors):

* a terminal takes what its pattern matches first, a loop takes as many rounds as it can; neither gives anything back;
* alternatives are tried in the order written, and the first way to match the whole line wins.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from reconstruct.grammar import characters as ch
from reconstruct.grammar import patterns
from reconstruct.grammar.characters import Ranges
from reconstruct.grammar.patterns import Node


@dataclass(frozen=True, eq=False, slots=True)
class Term:
    """One occurrence of a terminal."""

    key: str
    """the terminal's name; for literal text, its pattern"""
    label: str
    """as the author wrote it"""
    pattern: Node
    """its pattern as written"""
    node: Node
    """its pattern in linear form"""
    field: str | None
    """the field it fills; None when it is dropped"""
    rule: str
    """the rule it stands in, for messages"""


@dataclass(frozen=True, eq=False, slots=True)
class Sequence:
    """One after the other; the empty sequence is the empty text."""

    items: tuple[Structure, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Choice:
    """The first alternative with which the whole line matches."""

    items: tuple[Structure, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Loop:
    """As many rounds as possible."""

    item: Structure
    least: int
    """0 or 1 rounds"""


@dataclass(frozen=True, eq=False, slots=True)
class Span:
    """Its item, whose whole text is a field too."""

    field: str
    item: Structure


Structure = Term | Sequence | Choice | Loop | Span

NOTHING = Sequence(())


def optional(item: Structure) -> Structure:
    """The item if possible, else nothing."""
    return Choice((item, NOTHING))


def is_nullable(structure: Structure) -> bool:
    """Whether the structure matches the empty text."""
    match structure:
        case Term():
            return False
        case Sequence(items):
            return all(map(is_nullable, items))
        case Choice(items):
            return any(map(is_nullable, items))
        case Loop(item, least):
            return least == 0 or is_nullable(item)
        case Span(_, item):
            return is_nullable(item)


def first_terms(structure: Structure) -> tuple[Term, ...]:
    """The terminals a match may begin with, in order of preference."""
    match structure:
        case Term():
            return (structure,)
        case Choice(items):
            return tuple(term for item in items for term in first_terms(item))
        case Loop(item) | Span(_, item):
            return first_terms(item)
        case Sequence(items):
            found: list[Term] = []
            for item in items:
                found.extend(first_terms(item))
                if not is_nullable(item):
                    break
            return tuple(found)


def begins_with(structure: Structure) -> Ranges:
    """Every character a match may begin with; more than that where a terminal or the structure may be empty."""
    found: list[tuple[int, int]] = []
    for term in first_terms(structure):
        if patterns.width(term.node)[0] == 0:
            return ch.EVERY
        found.extend(patterns.first_characters(term.node))
    return ch.EVERY if is_nullable(structure) else ch.unite(found)


HELD_TEXTS = 3
"""Texts kept of those that every match holds: the longest; each further one keeps away few lines more."""


def held_texts(structure: Structure) -> tuple[str, ...]:
    """Texts that stand in every match, the longest first."""
    spelled = "".join("\n" if character is None else character for character in _spell(structure))
    texts = {text for text in spelled.split("\n") if len(text) > 1}
    longest = sorted(texts, key=lambda text: (-len(text), text))
    return tuple(text for at, text in enumerate(longest) if not any(text in other for other in longest[:at]))[
        :HELD_TEXTS
    ]


def _spell(structure: Structure) -> patterns.Spelling:
    match structure:
        case Term():
            return patterns.spell(structure.node)
        case Sequence(items):
            return tuple(character for item in items for character in _spell(item))
        case Choice():
            return (None,)
        case Loop(item, least):
            return (None, *_spell(item), None) if least else (None,)
        case Span(_, item):
            return _spell(item)


def walk_terms(structure: Structure) -> Iterator[Term]:
    """Every terminal, in the order written."""
    match structure:
        case Term():
            yield structure
        case Sequence(items) | Choice(items):
            for item in items:
                yield from walk_terms(item)
        case Loop(item) | Span(_, item):
            yield from walk_terms(item)


def has_fields(structure: Structure) -> bool:
    """Whether anything inside fills a field."""
    match structure:
        case Term():
            return structure.field is not None
        case Span():
            return True
        case Sequence(items) | Choice(items):
            return any(map(has_fields, items))
        case Loop(item):
            return has_fields(item)


def certain_fields(structure: Structure) -> set[str]:
    """The fields that are there, and not empty, on every match."""
    match structure:
        case Term():
            return {structure.field} if structure.field and value_width(structure.node) > 0 else set()
        case Sequence(items):
            return set().union(*map(certain_fields, items))
        case Choice(items):
            return set.intersection(*map(certain_fields, items))
        case Loop():
            return set()
        case Span(field, item):
            return certain_fields(item) | (set() if is_nullable(item) else {field})


def telling_fields(structure: Structure, among: Collection[str]) -> set[str]:
    """Fields of ``among`` of which at least one is there, and not empty, on every match; empty when there are none."""
    sure = certain_fields(structure)
    if found := next((name for name in among if name in sure), None):
        return {found}
    match structure:
        case Sequence(items):
            return next(filter(None, (telling_fields(item, among) for item in items)), set())
        case Choice(items):
            each = [telling_fields(item, among) for item in items]
            return set().union(*each) if all(each) else set()
        case _:
            return set()


def count_fields(structure: Structure) -> Counter[str]:
    """Every field, in the order written, and how often one line may fill it; 2 is several times."""
    match structure:
        case Term():
            return Counter([structure.field] if structure.field else [])
        case Sequence(items):
            return sum(map(count_fields, items), Counter())
        case Choice(items):
            counts: Counter[str] = Counter()
            for item in items:
                counts |= count_fields(item)
            return counts
        case Loop(item):
            return Counter(dict.fromkeys(count_fields(item), 2))
        case Span(field, item):
            return Counter([field]) + count_fields(item)


def value_width(node: Node) -> int:
    """The least number of characters of a terminal's value: of its capturing group if it has one."""
    match node:
        case patterns.Capture(item):
            return patterns.width(item)[0]
        case patterns.Seq(items) if patterns.captures(node):
            return min(value_width(item) for item in items if patterns.captures(item))
        case patterns.Alt(items):
            return min(map(value_width, items))
        case patterns.Atomic(item):
            return value_width(item)
        case patterns.Repeat(_, 0, _):
            return 0
        case _:
            return patterns.width(node)[0]


def specificity(structure: Structure) -> float:
    """How much a matching line says: the bits of surprise of the least surprising line that matches.

    A character out of n printable ones counts ``log2(95 / n)`` bits: 6.6 for a literal, 3.2 for a digit, 0 for any.
    """
    match structure:
        case Term():
            return _bits(structure.node)
        case Sequence(items):
            return sum(map(specificity, items))
        case Choice(items):
            return min(map(specificity, items))
        case Loop(item, least):
            return least * specificity(item)
        case Span(_, item):
            return specificity(item)


def _bits(node: Node) -> float:
    match node:
        case patterns.Chars(ranges):
            printable = ch.count(ch.PRINTABLE)
            return math.log2(printable / max(1, ch.count(ch.intersect(ranges, ch.PRINTABLE))))
        case patterns.Seq(items):
            return sum(map(_bits, items))
        case patterns.Alt(items):
            return min(map(_bits, items))
        case patterns.Repeat(item, low, _):
            return low * _bits(item)
        case patterns.Atomic(item) | patterns.Capture(item):
            return _bits(item)
        case _:
            return 0.0
