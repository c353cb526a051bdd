"""Write what neighbouring alternatives share only once.

``TIME " " LEVEL a | TIME " " LEVEL b`` becomes ``TIME " " LEVEL (a | b)``: fewer groups to fill, fewer ways to go back over.
The meaning stays the same to the letter. A common ending may always be shared: the alternatives in front of it are still
tried in order, each with the same rest. A common beginning may be shared when it matches in one way only.
"""

from __future__ import annotations

from collections.abc import Hashable
from collections.abc import Sequence as Many

from reconstruct.grammar.overlap import can_share_start
from reconstruct.grammar.rules import (
    NOTHING,
    Choice,
    Loop,
    Sequence,
    Span,
    Structure,
    Term,
    first_terms,
    is_nullable,
)

Items = tuple[Structure, ...]


def factor(structure: Structure) -> Structure:
    """The structure with common beginnings and endings of neighbouring alternatives shared."""
    match structure:
        case Term():
            return structure
        case Sequence():
            return _join(_items(structure))
        case Loop(item, least):
            return Loop(factor(item), least)
        case Span(field, item):
            return Span(field, factor(item))
        case Choice(items):
            return _join(_share([_items(item) for item in items]))


def _items(structure: Structure) -> Items:
    """The factored parts of a sequence, nested sequences flattened."""
    if isinstance(structure, Sequence):
        return tuple(part for item in structure.items for part in _items(item))
    factored = factor(structure)
    return factored.items if isinstance(factored, Sequence) else (factored,)


def _join(items: Items) -> Structure:
    return items[0] if len(items) == 1 else Sequence(items)


def _share(alternatives: list[Items]) -> Items:
    """A choice between the alternatives as the parts of a sequence."""
    grouped: list[Items] = []
    i = 0
    while i < len(alternatives):
        size, front, back = _find_group(alternatives[i:])
        grouped.append(_share_group(alternatives[i : i + size], front, back))
        i += size
    if len(grouped) == 1:
        return grouped[0]
    return (Choice(tuple(map(_join, grouped))),)


def _find_group(alternatives: list[Items]) -> tuple[int, int, int]:
    """How many alternatives share parts with the first, and how many parts at the beginning and at the end."""
    first = alternatives[0]
    size, front, back = 1, len(first), len(first)
    for other in alternatives[1:]:
        shared = min(front, _count_beginning(first, other)), min(back, _count_ending(first, other))
        if shared == (0, 0):
            break
        front, back = shared
        size += 1
    return size, front, back


def _share_group(group: list[Items], front: int, back: int) -> Items:
    if len(group) == 1:
        return group[0]
    back = min(back, *(len(items) - front for items in group))
    middles = [items[front : len(items) - back] for items in group]
    return (*group[0][:front], *_share_middles(middles), *group[0][len(group[0]) - back :])


def _share_middles(middles: list[Items]) -> Items:
    distinct = [items for i, items in enumerate(middles) if _shapes(items) not in map(_shapes, middles[:i])]
    if len(distinct) == 1:
        return distinct[0]
    return _share(distinct)


def _count_beginning(a: Items, b: Items) -> int:
    """How many first parts two alternatives share, and match in one way only."""
    count = 0
    while count < min(len(a), len(b)) and _shape(a[count]) == _shape(b[count]):
        if not (_has_one_way(a[count], a[count + 1 :]) and _has_one_way(b[count], b[count + 1 :])):
            break
        count += 1
    return count


def _count_ending(a: Items, b: Items) -> int:
    count = 0
    while count < min(len(a), len(b)) and _shape(a[-1 - count]) == _shape(b[-1 - count]):
        count += 1
    return count


def _has_one_way(part: Structure, rest: Many[Structure]) -> bool:
    """Whether a part can match in one way only: a terminal, or an optional one that what follows cannot look like."""
    if isinstance(part, Term):
        return True
    if not (isinstance(part, Choice) and len(part.items) == 2 and isinstance(part.items[0], Term)):
        return False
    option, behind = part.items[0], Sequence(tuple(rest))
    if _shape(part.items[1]) != _shape(NOTHING) or is_nullable(behind):
        return False
    return not any(can_share_start(option.node, term.node) for term in first_terms(behind))


def _shapes(items: Items) -> tuple[Hashable, ...]:
    return tuple(map(_shape, items))


def _shape(structure: Structure) -> Hashable:
    """Equal for structures that match alike and fill the same fields."""
    match structure:
        case Term(key=key, field=field):
            return (key, field)
        case Sequence(items):
            return ("sequence", _shapes(items))
        case Choice(items):
            return ("choice", _shapes(items))
        case Loop(item, least):
            return ("loop", least, _shape(item))
        case Span(field, item):
            return ("span", field, _shape(item))
