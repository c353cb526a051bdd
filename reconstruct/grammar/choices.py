"""The proof that a whole grammar matches in linear time, and the order in which its terminals are tried.

Every terminal occurrence knows what may follow it. Two alternatives are *told apart* when, walking both along equal
terminals, they reach two different terminals no text can begin with alike (``overlap.can_share_start``). Then one of
them dies no later than the other ends. From that:

* alternatives that are told apart cost the sum of their scans; others are *ambiguous* and multiply: at most
  ``MAX_WAYS`` ways through the grammar;
* a loop gives nothing back (it is possessive) and its rounds must be unambiguous, so a round is scanned a constant
  number of times; only the round that fails may be scanned in vain, once per loop;
* a loop inside a loop must also be told apart from what follows it, or those vain scans would add up.

So a line of n characters costs O(ways * terminals * n), both constants of the grammar.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from reconstruct.grammar.linear import MAX_WAYS, check_repeatable, prove_terminal
from reconstruct.grammar.overlap import can_share_start
from reconstruct.grammar.patterns import PatternError, looks_around, read_pattern
from reconstruct.grammar.rules import (
    Choice,
    Loop,
    Sequence,
    Span,
    Structure,
    Term,
    first_terms,
    is_nullable,
    walk_terms,
)


class Mark(Enum):
    """What may follow a terminal besides another one."""

    END = "the end of the line"
    ROUND = "the end of a round, where a loop commits"


class Rest(Enum):
    """Which texts what follows accepts. Before a rest that accepts anything nothing is ever tried a second time."""

    ANYTHING = "any text"
    NOT_EMPTY = "any text but the empty one"
    NOTHING = "the empty text only"
    SOMETHING = "some texts"


Next = Term | Mark
Follow = dict[Term, tuple[Next, ...]]


class AmbiguityError(ValueError):
    """No proof; ``term`` is the terminal to point at."""

    def __init__(self, message: str, term: Term, hint: str) -> None:
        super().__init__(message)
        self.term = term
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Choices:
    """What was proven about a grammar."""

    ways: int
    preferences: frozenset[tuple[str, str]]
    """terminal keys (a, b) that both match somewhere where a comes first"""


def prove_structure(structure: Structure) -> Choices:
    """Prove the structure linear.

    Raises:
        AmbiguityError: no proof was found.
    """
    follow: Follow = {}
    _link(structure, (Mark.END,), follow)
    preferences: set[tuple[str, str]] = set()
    _note_preferences(structure, (Mark.END,), follow, preferences)
    ways = _count_ways(structure, (Mark.END,), follow, 0, Rest.NOTHING)
    return Choices(ways, frozenset(preferences))


def _link(structure: Structure, after: tuple[Next, ...], follow: Follow) -> tuple[Next, ...]:
    """Record what may follow each terminal; what the structure, and then ``after``, may begin with."""
    match structure:
        case Term():
            follow[structure] = after
            return (structure,)
        case Sequence(items):
            for item in reversed(items):
                after = _link(item, after, follow)
            return after
        case Choice(items):
            return _unique(entry for item in items for entry in _link(item, after, follow))
        case Loop(item):
            _link(item, _unique((*first_terms(item), *after)), follow)
            return _entry(structure, after)
        case Span(_, item):
            return _link(item, after, follow)


def _unique(items: Iterable[Next]) -> tuple[Next, ...]:
    return tuple(dict.fromkeys(items))


def _entry(structure: Structure, after: tuple[Next, ...]) -> tuple[Next, ...]:
    return _unique((*first_terms(structure), *(after if is_nullable(structure) else ())))


def _note_preferences(
    structure: Structure, after: tuple[Next, ...], follow: Follow, preferences: set[tuple[str, str]]
) -> None:
    """Collect which of two terminals that may look alike is tried first, where both are possible."""
    match structure:
        case Sequence(items):
            for item in reversed(items):
                _note_preferences(item, after, follow, preferences)
                after = _entry(item, after)
        case Choice(items):
            entries = [_entry(item, after) for item in items]
            for i, first in enumerate(entries):
                for second in entries[i + 1 :]:
                    _tell_apart(first, second, follow, preferences=preferences)
            for item in items:
                _note_preferences(item, after, follow, preferences)
        case Loop(item):
            again = first_terms(item)
            _tell_apart(again, after, follow, preferences=preferences)
            _note_preferences(item, _unique((*again, *after)), follow, preferences)
        case Span(_, item):
            _note_preferences(item, after, follow, preferences)


def _count_ways(structure: Structure, after: tuple[Next, ...], follow: Follow, depth: int, rest: Rest) -> int:
    """Ambiguous ways through the structure; ``depth`` counts the loops around it, ``rest`` is what ``after`` accepts."""
    match structure:
        case Term():
            return 1
        case Span(_, item):
            return _count_ways(item, after, follow, depth, rest)
        case Sequence(items):
            ways = 1
            for item in reversed(items):
                ways = _limit(ways * _count_ways(item, after, follow, depth, rest), item)
                after, rest = _entry(item, after), _what_precedes(item, rest)
            return ways
        case Choice(items):
            return _count_choice(items, after, follow, depth, rest)
        case Loop(item):
            return _count_loop(item, after, follow, depth)


def _count_choice(items: tuple[Structure, ...], after: tuple[Next, ...], follow: Follow, depth: int, rest: Rest) -> int:
    counts = [_count_ways(item, after, follow, depth, rest) for item in items]
    entries = [_entry(item, after) for item in items]
    pairs = ((first, second) for i, first in enumerate(entries) for second in entries[i + 1 :])
    clash = next((clash for first, second in pairs if (clash := _tell_apart(first, second, follow))), None)
    if clash is None or rest is Rest.ANYTHING:
        return max(counts)
    if depth:
        raise AmbiguityError(
            f"inside a repetition, {clash[0].label} and {_say(clash[1])} may look alike",
            clash[0],
            "make them begin differently, or move the choice out of the repetition",
        )
    return _limit(sum(counts), Choice(items))


def _count_loop(item: Structure, after: tuple[Next, ...], follow: Follow, depth: int) -> int:
    again = first_terms(item)
    if is_nullable(item):
        raise AmbiguityError("repeats something that may be empty", again[0], "leave out the inner option")
    for term in walk_terms(item):
        if looks_around(term.node, behind=True):
            raise AmbiguityError(
                f"{term.label} is repeated and looks behind", term, "match what is before it in the rule"
            )
        try:
            check_repeatable(term.pattern)
        except PatternError as error:
            raise AmbiguityError(f"{term.label}: {error}", term, "make its pattern end by itself") from None
    if depth and (clash := _tell_apart(again, after, follow, whole=_lasts(item))):
        raise AmbiguityError(
            f"a repetition inside a repetition must be told apart from what follows: {clash[0].label} and "
            f"{_say(clash[1])} may look alike",
            clash[0],
            "make them begin differently",
        )
    inside = _unique((*again, *after)) if depth else _unique((*again, Mark.ROUND))
    rounds = dict(follow)
    _link(item, inside, rounds)
    return _count_ways(item, inside, rounds, depth + 1, Rest.SOMETHING)


def _what_precedes(structure: Structure, rest: Rest) -> Rest:
    """Which texts the structure, followed by the rest, accepts."""
    match structure:
        case Term():
            takes_all = structure.node == _REST_OF_LINE and rest in (Rest.NOTHING, Rest.ANYTHING)
            return Rest.NOT_EMPTY if takes_all else Rest.SOMETHING
        case Span(_, item):
            return _what_precedes(item, rest)
        case Sequence(items):
            for item in reversed(items):
                rest = _what_precedes(item, rest)
            return rest
        case Choice(items):
            found = {_what_precedes(item, rest) for item in items}
            if Rest.ANYTHING in found or {Rest.NOT_EMPTY, Rest.NOTHING} <= found:
                return Rest.ANYTHING
            return Rest.NOT_EMPTY if Rest.NOT_EMPTY in found else Rest.SOMETHING
        case Loop(_, least):
            return rest if least == 0 and rest is Rest.ANYTHING else Rest.SOMETHING


_REST_OF_LINE = prove_terminal(read_pattern(".+")).node


def _lasts(structure: Structure) -> frozenset[Term]:
    """The terminals a match may end with."""
    match structure:
        case Term():
            return frozenset((structure,))
        case Choice(items):
            return frozenset().union(*map(_lasts, items))
        case Loop(item) | Span(_, item):
            return _lasts(item)
        case Sequence(items):
            found: frozenset[Term] = frozenset()
            for item in reversed(items):
                found |= _lasts(item)
                if not is_nullable(item):
                    break
            return found


def _tell_apart(
    first: Iterable[Next],
    second: Iterable[Next],
    follow: Follow,
    *,
    whole: frozenset[Term] = frozenset(),
    preferences: set[tuple[str, str]] | None = None,
) -> tuple[Term, Next] | None:
    """None when told apart, else two terminals that may look alike.

    ``whole``: the last terminals of ``first``; being alike up to there is not told apart. ``preferences`` collects
    every pair that may look alike, ``first``'s terminal before ``second``'s.
    """
    waiting = [(p, q) for p in first for q in second]
    seen = set(waiting)
    clash: tuple[Term, Next] | None = None
    while waiting:
        p, q = waiting.pop()
        if isinstance(p, Mark) or isinstance(q, Mark):
            continue
        if p.key != q.key:
            if can_share_start(p.node, q.node):
                clash = (p, q)
                if preferences is not None:
                    preferences.add((p.key, q.key))
        elif p is q or p in whole:
            clash = (p, q)
        else:
            for pair in ((a, b) for a in follow[p] for b in follow[q]):
                if pair == (Mark.END, Mark.END):
                    clash = (p, q)
                elif pair not in seen:
                    seen.add(pair)
                    waiting.append(pair)
        if clash and preferences is None:
            return clash
    return clash


def _say(item: Next) -> str:
    return item.value if isinstance(item, Mark) else item.label


def _limit(ways: int, structure: Structure) -> int:
    if ways > MAX_WAYS:
        raise AmbiguityError(
            f"a line can be read in more than {MAX_WAYS} ways",
            first_terms(structure)[0],
            "let the alternatives begin differently, or match their common part once, in front of them",
        )
    return ways


def order_terminals(appearance: list[str], preferences: frozenset[tuple[str, str]]) -> list[str]:
    """Terminal keys so that each preferred one comes first; otherwise in order of appearance. A circle is cut where it
    appears last."""
    waiting = dict.fromkeys(appearance)
    ordered: list[str] = []
    while waiting:
        free = [key for key in waiting if not any(b == key and a != key and a in waiting for a, b in preferences)]
        chosen = free[0] if free else next(iter(waiting))
        ordered.append(chosen)
        del waiting[chosen]
    return ordered
