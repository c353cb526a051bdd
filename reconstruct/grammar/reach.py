"""What a part of a terminal reads: where it stands, whether it can fail, and how far it looks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconstruct.grammar import characters as ch
from reconstruct.grammar.characters import Ranges
from reconstruct.grammar.patterns import (
    Alt,
    Atomic,
    Capture,
    Chars,
    Edge,
    Look,
    Node,
    Repeat,
    Seq,
    first_characters,
    looks_while_empty,
    width,
)


@dataclass(frozen=True, slots=True)
class Rest:
    """What follows a part inside its terminal."""

    chars: Ranges
    """what it may begin with"""
    fails: bool
    """whether it can fail at all; the end of the terminal cannot"""
    reach: int | None
    """how many characters it looks at; None without limit"""
    sure: bool = True
    """when it can fail: it does whenever the next character is not of ``chars``. False for a part that is repeated at the
    end of a terminal: the rest is another round, or nothing"""


TERMINAL_END = Rest((), fails=False, reach=0)


def step_before(item: Node, rest: Rest) -> Rest:
    """The rest as seen from in front of ``item``."""
    if isinstance(item, Look) and item.ahead and not item.negative and width(item.item)[0] > 0:
        return Rest(first_characters(item.item), fails=True, reach=add_reach(rest, item))
    if isinstance(item, Look | Edge):
        return Rest(ch.EVERY, fails=True, reach=add_reach(rest, item))
    chars = first_characters(item)
    if width(item)[0] == 0:
        chars = ch.EVERY if looks_while_empty(item) else ch.unite(chars + rest.chars)
        sure = rest.sure and not can_fail(item)
    else:
        sure = True
    return Rest(chars, fails=rest.fails or can_fail(item), reach=add_reach(rest, item), sure=sure)


def can_fail(node: Node) -> bool:
    """Whether there is a text the node does not match a beginning of."""
    match node:
        case Seq(items):
            return any(map(can_fail, items))
        case Alt(items):
            return all(map(can_fail, items))
        case Repeat(item, low):
            return low > 0 and can_fail(item)
        case Atomic(item) | Capture(item):
            return can_fail(item)
        case _:
            return True


def add_reach(rest: Rest, item: Node) -> int | None:
    """How far the item and the rest behind it look; None without limit."""
    reach = reach_of(item)
    return None if rest.reach is None or reach is None else rest.reach + reach


def reach_of(node: Node) -> int | None:
    """The greatest number of characters looked at, look-ahead included; None without limit."""
    match node:
        case Look(item):
            return reach_of(item)
        case Edge():
            return 1
        case Atomic(item) | Capture(item):
            return reach_of(item)
        case Seq(items) | Alt(items):
            reaches = [reach_of(item) for item in items]
            known = [reach for reach in reaches if reach is not None]
            return None if len(known) < len(reaches) else sum(known)
        case Repeat(item, _, high):
            reach = reach_of(item)
            return None if reach is None or high is None else reach * high
        case Chars():
            return 1


def next_character_decides(items: tuple[Node, ...], rest: Rest) -> bool:
    """Whether no two alternatives, with what may follow an empty one, begin with the same character."""
    seen: Ranges = ()
    for item in items:
        first = first_characters(item)
        if width(item)[0] == 0:
            first = ch.EVERY if looks_while_empty(item) else ch.unite(first + rest.chars)
        if ch.overlap(seen, first):
            return False
        seen = ch.unite(seen + first)
    return True


def read_in_vain(node: Node, rest: Rest) -> int | None:
    """How many characters the node may read beyond what it takes when its terminal matches; None without limit.

    Where the next character decides and the rest cannot do without it, a part that fails makes the terminal fail.
    """
    settled = rest.fails and rest.sure
    match node:
        case Look(item):
            return reach_of(item)
        case Atomic(item) | Capture(item):
            return read_in_vain(item, rest)
        case Seq(items):
            found: list[int | None] = []
            for item in reversed(items):
                found.append(read_in_vain(item, rest))
                rest = step_before(item, rest)
            return _greatest(found)
        case Alt(items):
            empty = any(width(item)[0] == 0 for item in items)
            tried = items if empty else items[:-1]
            if next_character_decides(items, rest) and (settled or not empty):
                tried = ()
            return _greatest([*(read_in_vain(item, rest) for item in items), *map(read_before_failing, tried)])
        case Repeat(item, low, high):
            first = first_characters(item)
            last = None if low == high or (settled and not ch.overlap(first, rest.chars)) else item
            inner = replace(rest, chars=ch.unite(first + rest.chars), sure=settled)
            return _greatest([read_in_vain(item, inner), read_before_failing(last) if last else 0])
        case _:
            return 0


def read_before_failing(node: Node) -> int | None:
    """How many characters the node may read before it is clear that it does not match; None without limit."""
    match node:
        case Seq(items):
            last = max((i for i, item in enumerate(items) if can_fail(item)), default=None)
            if last is None:
                return 0
            before = [reach_of(item) for item in items[:last]]
            known = [reach for reach in [*before, read_before_failing(items[last])] if reach is not None]
            return sum(known) if len(known) == last + 1 else None
        case Alt(items):
            return _greatest(map(read_before_failing, items))
        case Repeat(item, low):
            reach = reach_of(item)
            if low <= 1 or reach is None:
                return read_before_failing(item) if low <= 1 else None
            return reach * low
        case _:
            return reach_of(node)


def _greatest(numbers: Iterable[int | None]) -> int | None:
    known = list(numbers)
    return None if None in known else max((number for number in known if number is not None), default=0)
