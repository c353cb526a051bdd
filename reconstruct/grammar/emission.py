"""A proven structure as regular expressions with named groups."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from reconstruct.grammar import patterns
from reconstruct.grammar.patterns import Node
from reconstruct.grammar.plans import Scan, Slot
from reconstruct.grammar.rules import Choice, Loop, Sequence, Span, Structure, Term, has_fields, walk_terms


@dataclass(slots=True)
class _Groups:
    """The groups of one pattern, in the order in which they open."""

    slots: list[Slot] = field(default_factory=list)
    names: Counter[str] = field(default_factory=Counter)

    def open(self, slot: Slot) -> str:
        """Take the next group for the slot; its name, unique in the pattern."""
        self.slots.append(slot)
        self.names[slot.field] += 1
        number = self.names[slot.field]
        return slot.field if number == 1 else f"{slot.field}__{number}"


def write_scan(structure: Structure) -> Scan:
    """The pattern of the structure, and what its groups fill. Repeated fields get a scan of their own."""
    groups = _Groups()
    pattern = _write(structure, groups)
    return Scan(pattern, tuple(groups.slots))


def _write(structure: Structure, groups: _Groups | None) -> str:
    """The structure as a pattern; without ``groups`` nothing captures."""
    match structure:
        case Term():
            return _write_term(structure, groups)
        case Sequence(items):
            return "".join(_write(item, groups) for item in items)
        case Choice(items):
            return "(?:" + "|".join(_write(item, groups) for item in items) + ")"
        case Span(name, item):
            if groups is None:
                return _write(item, None)
            return f"(?P<{groups.open(Slot(name))}>{_write(item, groups)})"
        case Loop(item, least):
            # Nothing captures inside a possessive repetition (Python 3.11.0 to 3.11.4 lose such groups, and only the
            # last round would be kept); the rounds are found again in the text of the whole.
            repeated = f"(?:{_write(item, None)}){'+' if least else '*'}+"
            if groups is None or not has_fields(item):
                return repeated
            if any(patterns.looks_around(term.node) for term in walk_terms(item)):
                return f"(?=(?P<{groups.open(Slot('rounds', write_scan(item), ahead=True))}>.*)){repeated}"
            return f"(?P<{groups.open(Slot('rounds', write_scan(item)))}>{repeated})"


def _write_term(term: Term, groups: _Groups | None) -> str:
    if term.field is None or groups is None:
        text = patterns.write_pattern(term.node)
        return f"(?:{text})" if isinstance(term.node, patterns.Alt) else text
    name = term.field

    def open_group() -> str:
        assert groups is not None
        return groups.open(Slot(name))

    text = patterns.write_pattern(mark_value(term.node), open_group)
    return f"(?:{text})" if isinstance(term.node, patterns.Alt) and patterns.captures(term.node) else text


def mark_value(node: Node) -> Node:
    """The node with its value in a capturing group: its own group, or in every alternative that has none, the whole."""
    if not patterns.captures(node):
        return patterns.Capture(node)
    match node:
        case patterns.Alt(items):
            return patterns.Alt(tuple(map(mark_value, items)))
        case patterns.Atomic(item):
            return patterns.Atomic(mark_value(item))
        case _:
            return node
