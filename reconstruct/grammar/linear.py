"""The proof that a terminal matches in linear time, and its pattern in the form that makes it so.

Input is hostile: a line may be a megabyte made to send a backtracking matcher round in circles. So every terminal is
proven before it is used:

* *Deterministic* parts, where the next character decides every choice (first sets of alternatives, and of a repetition
  and what follows it, are disjoint), are written with possessive repetition: going back could never help. One pass.
* A choice the next character does not decide is *ambiguous*. Outside repetition the ways multiply and must stay
  below ``MAX_WAYS``; the terminal is then written as an atomic group.
* An ambiguous unlimited repetition of a deterministic part (``.*?(?= HTTP)``) goes back character by character; what
  follows it in the terminal must reach at most ``MAX_TAIL`` characters, so that each step back costs a constant.
* Inside an unlimited repetition everything must be deterministic, or fail within ``MAX_TAIL`` characters: a choice
  decided by one character fails only together with the repetition around it, so no text is scanned twice.

Everything else is refused, with the change that would help.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache

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
    PatternError,
    Repeat,
    Seq,
    first_characters,
    looks_while_empty,
    width,
    write_pattern,
)

MAX_WAYS = 64
"""Ambiguous ways through one terminal, and through one grammar. Each costs at most one more scan of the line: the worst
line of a megabyte stays under a second. Real formats need fewer than ten."""

MAX_TAIL = 64
"""Characters that may be looked at for each step back of an ambiguous repetition. Real ones need the length of a
delimiter (`` HTTP/1.1"`` is ten)."""


@dataclass(frozen=True, slots=True)
class Proven:
    """A terminal in its linear form."""

    node: Node
    ways: int
    """ambiguous ways; 1 for deterministic"""


@dataclass(frozen=True, slots=True)
class _Rest:
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


_END = _Rest((), fails=False, reach=0)


@cache
def prove_terminal(node: Node) -> Proven:
    """The linear form of a terminal: the same matches as Python's ``re`` gives it, taken whole.

    Raises:
        PatternError: no proof was found; the message says what to change.
    """
    if width(node)[0] == 0:
        raise PatternError("may match the empty text; make it match at least one character and the place optional")
    tight, ways = _tighten(node, _END, _Place.TERMINAL)
    return Proven(tight if ways == 1 else Atomic(tight), ways)


def check_repeatable(node: Node) -> None:
    """A terminal inside a repetition of the rules must not scan much more than it takes, round by round.

    Raises:
        PatternError: it may; the message says what to change.
    """
    _tighten(node, _END, _Place.ROUND)
    vain = _read_in_vain(node, _END)
    if vain is None or vain > MAX_TAIL:
        raise PatternError(
            f"may read more than {MAX_TAIL} characters and then do without them, in every round of a repetition"
        )


class _Place(Enum):
    """What is around a part."""

    TERMINAL = "nothing but its terminal"
    ROUND = "a repetition of the rules: scanning on in vain must be bounded, or end the repetition"
    REPEAT = "an unlimited repetition in the terminal"


def _tighten(node: Node, rest: _Rest, place: _Place) -> tuple[Node, int]:
    """The node in linear form, and its ways."""
    match node:
        case Chars() | Edge():
            return node, 1
        case Look(item, ahead, negative):
            if place is not _Place.TERMINAL and not _is_short(item):
                raise PatternError(f"a look-ahead inside a repetition may look at {MAX_TAIL} characters at most")
            tight, ways = _tighten(item, _END, place)
            return Look(tight if ways == 1 else Atomic(tight), ahead, negative), 1
        case Atomic(item):
            tight, ways = _tighten(item, _END, place)
            return (Atomic(tight) if ways > 1 else tight), 1
        case Capture(item):
            tight, ways = _tighten(item, rest, place)
            return Capture(tight), ways
        case Seq(items):
            return _tighten_sequence(items, rest, place)
        case Alt(items):
            return _tighten_choice(items, rest, place)
        case Repeat():
            return _tighten_repeat(node, rest, place)


def _tighten_sequence(items: tuple[Node, ...], rest: _Rest, place: _Place) -> tuple[Node, int]:
    tight: list[Node] = []
    ways = 1
    for item in reversed(items):
        done, more = _tighten(item, rest, place)
        tight.append(done)
        ways = _limit(ways * more, item)
        rest = _before(item, rest)
    return Seq(tuple(reversed(tight))), ways


def _tighten_choice(items: tuple[Node, ...], rest: _Rest, place: _Place) -> tuple[Node, int]:
    if not rest.fails:  # the alternatives after one that always matches are never tried
        items = items[: next((i for i, item in enumerate(items) if not _can_fail(item)), len(items)) + 1]
    if len(items) == 1:
        return _tighten(items[0], rest, place)
    node = Alt(items)
    decided = _next_character_decides(items, rest)
    if rest.fails and not rest.sure and any(width(item)[0] == 0 for item in items[:-1]):
        decided = False  # an empty alternative in front may or may not be final
    cheap = _costs_constant(node, rest) or (not rest.fails and all(map(_is_short, items[:-1])))
    if place is not _Place.TERMINAL and not decided and not cheap:
        raise PatternError(
            f"inside a repetition the next character must decide between the alternatives of {write_pattern(node)}"
        )
    parts = [_tighten(item, rest, place) for item in items]
    tight = Alt(tuple(part for part, _ in parts))
    if decided:  # the order is free, and an empty alternative must not be taken before the others were tried
        tight = Alt(tuple(sorted(tight.items, key=lambda part: width(part)[0] == 0)))
        return tight, max(ways for _, ways in parts)
    ways = _limit(sum(ways for _, ways in parts), node)
    return (tight, ways) if rest.fails else (Atomic(tight), 1)


def _next_character_decides(items: tuple[Node, ...], rest: _Rest) -> bool:
    seen: Ranges = ()
    for item in items:
        first = first_characters(item)
        if width(item)[0] == 0:
            first = ch.EVERY if looks_while_empty(item) else ch.unite(first + rest.chars)
        if ch.overlap(seen, first):
            return False
        seen = ch.unite(seen + first)
    return True


def _costs_constant(node: Node, rest: _Rest) -> bool:
    """Whether the node and all that follows in the terminal look at a constant number of characters."""
    reach = _plus(rest, node)
    return reach is not None and reach <= MAX_TAIL


def _is_short(node: Node) -> bool:
    """Whether trying the node and failing costs a constant."""
    reach = _reach(node)
    return reach is not None and reach <= MAX_TAIL


def _tighten_repeat(node: Repeat, rest: _Rest, place: _Place) -> tuple[Node, int]:
    item, low, high, mode = node.item, node.low, node.high, node.mode
    if width(item)[1] == 0 or (high is None and width(item)[0] == 0):
        raise PatternError(f"{write_pattern(node)} repeats something that may be empty")
    if mode == "lazy" and not rest.fails:
        high = low  # nothing asks it for more
    if high == 0:
        return Seq(()), 1
    first = first_characters(item)
    again = low > 1 and high != 1
    inner = _Rest(
        ch.unite(first + rest.chars),
        fails=rest.fails or again,
        reach=None if high is None else _plus(rest, item),
        sure=rest.fails and rest.sure,
    )
    if high == low:
        tight, ways = _tighten(item, inner if high > 1 else rest, place)
        return Repeat(tight, low, high), _limit(ways**low, node)
    decided = not ch.overlap(first, rest.chars) and (mode != "lazy" or rest.sure)
    steps_back = high is None and rest.fails and rest.reach is not None and rest.reach <= MAX_TAIL
    cheap = _costs_constant(node, rest) or (place is _Place.ROUND and steps_back)
    if place is not _Place.TERMINAL and not (decided or cheap or mode == "possessive"):
        raise PatternError(
            f"inside a repetition {write_pattern(node)} must not begin like what follows it; exclude that character, "
            "or let it take all with ++"
        )
    if decided or not rest.fails or mode == "possessive":
        held = replace(inner, fails=again or (rest.fails and mode != "possessive"))
        tight, ways = _tighten(item, held, _Place.REPEAT if high is None else place)
        if ways == 1 or not rest.fails or mode == "possessive":
            return Repeat(tight, low, high, "possessive"), 1
    if high is not None:
        tight, ways = _tighten(item, inner, place)
        return Repeat(tight, low, high, mode), _limit(sum(ways**n for n in range(low, high + 1)), node)
    if not steps_back:
        raise PatternError(
            f"{write_pattern(node)} can be followed by what it repeats, and then by more than {MAX_TAIL} characters: "
            "exclude the delimiter from the repeated set, as in [^,]*"
        )
    tight, _ = _tighten(item, inner, _Place.REPEAT)
    return Repeat(tight, low, None, mode), 2


def _before(item: Node, rest: _Rest) -> _Rest:
    """The rest as seen from in front of ``item``."""
    if isinstance(item, Look) and item.ahead and not item.negative and width(item.item)[0] > 0:
        return _Rest(first_characters(item.item), fails=True, reach=_plus(rest, item))
    if isinstance(item, Look | Edge):
        return _Rest(ch.EVERY, fails=True, reach=_plus(rest, item))
    chars = first_characters(item)
    if width(item)[0] == 0:
        chars = ch.EVERY if looks_while_empty(item) else ch.unite(chars + rest.chars)
        sure = rest.sure and not _can_fail(item)
    else:
        sure = True
    return _Rest(chars, fails=rest.fails or _can_fail(item), reach=_plus(rest, item), sure=sure)


def _can_fail(node: Node) -> bool:
    match node:
        case Seq(items):
            return any(map(_can_fail, items))
        case Alt(items):
            return all(map(_can_fail, items))
        case Repeat(item, low):
            return low > 0 and _can_fail(item)
        case Atomic(item) | Capture(item):
            return _can_fail(item)
        case _:
            return True


def _plus(rest: _Rest, item: Node) -> int | None:
    reach = _reach(item)
    return None if rest.reach is None or reach is None else rest.reach + reach


def _reach(node: Node) -> int | None:
    """The greatest number of characters looked at, look-ahead included; None without limit."""
    match node:
        case Look(item):
            return _reach(item)
        case Edge():
            return 1
        case Atomic(item) | Capture(item):
            return _reach(item)
        case Seq(items) | Alt(items):
            reaches = [_reach(item) for item in items]
            known = [reach for reach in reaches if reach is not None]
            return None if len(known) < len(reaches) else sum(known)
        case Repeat(item, _, high):
            reach = _reach(item)
            return None if reach is None or high is None else reach * high
        case Chars():
            return 1


def _read_in_vain(node: Node, rest: _Rest) -> int | None:
    """How many characters the node may read beyond what it takes when its terminal matches; None without limit.

    Where the next character decides and the rest cannot do without it, a part that fails makes the terminal fail.
    """
    settled = rest.fails and rest.sure
    match node:
        case Look(item):
            return _reach(item)
        case Atomic(item) | Capture(item):
            return _read_in_vain(item, rest)
        case Seq(items):
            found: list[int | None] = []
            for item in reversed(items):
                found.append(_read_in_vain(item, rest))
                rest = _before(item, rest)
            return _greatest(found)
        case Alt(items):
            empty = any(width(item)[0] == 0 for item in items)
            tried = items if empty else items[:-1]
            if _next_character_decides(items, rest) and (settled or not empty):
                tried = ()
            return _greatest([*(_read_in_vain(item, rest) for item in items), *map(_read_before_failing, tried)])
        case Repeat(item, low, high):
            first = first_characters(item)
            last = None if low == high or (settled and not ch.overlap(first, rest.chars)) else item
            inner = replace(rest, chars=ch.unite(first + rest.chars), sure=settled)
            return _greatest([_read_in_vain(item, inner), _read_before_failing(last) if last else 0])
        case _:
            return 0


def _read_before_failing(node: Node) -> int | None:
    """How many characters the node may read before it is clear that it does not match; None without limit."""
    match node:
        case Seq(items):
            last = max((i for i, item in enumerate(items) if _can_fail(item)), default=None)
            if last is None:
                return 0
            before = [_reach(item) for item in items[:last]]
            known = [reach for reach in [*before, _read_before_failing(items[last])] if reach is not None]
            return sum(known) if len(known) == last + 1 else None
        case Alt(items):
            return _greatest(map(_read_before_failing, items))
        case Repeat(item, low):
            reach = _reach(item)
            if low <= 1 or reach is None:
                return _read_before_failing(item) if low <= 1 else None
            return reach * low
        case _:
            return _reach(node)


def _greatest(numbers: Iterable[int | None]) -> int | None:
    known = list(numbers)
    return None if None in known else max((number for number in known if number is not None), default=0)


def _limit(ways: int, node: Node) -> int:
    if ways > MAX_WAYS:
        raise PatternError(
            f"{write_pattern(node)} can match in more than {MAX_WAYS} ways; let alternatives begin differently"
        )
    return ways
