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

from dataclasses import dataclass, replace
from enum import Enum
from functools import cache

from reconstruct.grammar import characters as ch
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
    width,
    write_pattern,
)
from reconstruct.grammar.reach import (
    TERMINAL_END,
    Rest,
    add_reach,
    can_fail,
    next_character_decides,
    reach_of,
    read_in_vain,
    step_before,
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


@cache
def prove_terminal(node: Node) -> Proven:
    """The linear form of a terminal: the same matches as Python's ``re`` gives it, taken whole.

    Raises:
        PatternError: no proof was found; the message says what to change.
    """
    if width(node)[0] == 0:
        raise PatternError("may match the empty text; make it match at least one character and the place optional")
    tight, ways = _tighten(node, TERMINAL_END, _Place.TERMINAL)
    return Proven(tight if ways == 1 else Atomic(tight), ways)


def check_repeatable(node: Node) -> None:
    """A terminal inside a repetition of the rules must not scan much more than it takes, round by round.

    Raises:
        PatternError: it may; the message says what to change.
    """
    _tighten(node, TERMINAL_END, _Place.ROUND)
    vain = read_in_vain(node, TERMINAL_END)
    if vain is None or vain > MAX_TAIL:
        raise PatternError(
            f"may read more than {MAX_TAIL} characters and then do without them, in every round of a repetition"
        )


class _Place(Enum):
    """What is around a part."""

    TERMINAL = "nothing but its terminal"
    ROUND = "a repetition of the rules: scanning on in vain must be bounded, or end the repetition"
    REPEAT = "an unlimited repetition in the terminal"


def _tighten(node: Node, rest: Rest, place: _Place) -> tuple[Node, int]:
    """The node in linear form, and its ways."""
    match node:
        case Chars() | Edge():
            return node, 1
        case Look(item, ahead, negative):
            if place is not _Place.TERMINAL and not _is_short(item):
                raise PatternError(f"a look-ahead inside a repetition may look at {MAX_TAIL} characters at most")
            tight, ways = _tighten(item, TERMINAL_END, place)
            return Look(tight if ways == 1 else Atomic(tight), ahead, negative), 1
        case Atomic(item):
            tight, ways = _tighten(item, TERMINAL_END, place)
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


def _tighten_sequence(items: tuple[Node, ...], rest: Rest, place: _Place) -> tuple[Node, int]:
    tight: list[Node] = []
    ways = 1
    for item in reversed(items):
        done, more = _tighten(item, rest, place)
        tight.append(done)
        ways = _limit(ways * more, item)
        rest = step_before(item, rest)
    return Seq(tuple(reversed(tight))), ways


def _tighten_choice(items: tuple[Node, ...], rest: Rest, place: _Place) -> tuple[Node, int]:
    if not rest.fails:  # the alternatives after one that always matches are never tried
        items = items[: next((i for i, item in enumerate(items) if not can_fail(item)), len(items)) + 1]
    if len(items) == 1:
        return _tighten(items[0], rest, place)
    node = Alt(items)
    decided = next_character_decides(items, rest)
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


def _costs_constant(node: Node, rest: Rest) -> bool:
    """Whether the node and all that follows in the terminal look at a constant number of characters."""
    reach = add_reach(rest, node)
    return reach is not None and reach <= MAX_TAIL


def _is_short(node: Node) -> bool:
    """Whether trying the node and failing costs a constant."""
    reach = reach_of(node)
    return reach is not None and reach <= MAX_TAIL


def _tighten_repeat(node: Repeat, rest: Rest, place: _Place) -> tuple[Node, int]:
    item, low, high, mode = node.item, node.low, node.high, node.mode
    if width(item)[1] == 0 or (high is None and width(item)[0] == 0):
        raise PatternError(f"{write_pattern(node)} repeats something that may be empty")
    if mode == "lazy" and not rest.fails:
        high = low  # nothing asks it for more
    if high == 0:
        return Seq(()), 1
    first = first_characters(item)
    again = low > 1 and high != 1
    inner = Rest(
        ch.unite(first + rest.chars),
        fails=rest.fails or again,
        reach=None if high is None else add_reach(rest, item),
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


def _limit(ways: int, node: Node) -> int:
    if ways > MAX_WAYS:
        raise PatternError(
            f"{write_pattern(node)} can match in more than {MAX_WAYS} ways; let alternatives begin differently"
        )
    return ways
