"""Whether two terminals can begin alike: decided on their automata."""

from __future__ import annotations

from dataclasses import dataclass
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
    Repeat,
    Seq,
    first_characters,
    width,
)

MAX_COPIES = 12
"""Copies of a counted part in an automaton; more is treated as without limit, which only refuses more grammars."""


@dataclass(slots=True)
class _Automaton:
    """A nondeterministic automaton of a pattern; looks and edges are passed freely, so it accepts no less."""

    steps: list[list[tuple[Ranges, int]]]
    free: list[list[int]]

    def add(self) -> int:
        self.steps.append([])
        self.free.append([])
        return len(self.steps) - 1

    def build(self, node: Node, start: int) -> int:
        """Add the node behind state ``start``; the state behind it."""
        match node:
            case Chars(ranges):
                end = self.add()
                self.steps[start].append((ranges, end))
                return end
            case Seq(items):
                for item in items:
                    start = self.build(item, start)
                return start
            case Alt(items):
                end = self.add()
                for item in items:
                    self.free[self.build(item, start)].append(end)
                return end
            case Repeat(item, low, high):
                return self._build_repeat(item, low, high, start)
            case Atomic(item) | Capture(item):
                return self.build(item, start)
            case Look() | Edge():
                return start

    def _build_repeat(self, item: Node, low: int, high: int | None, start: int) -> int:
        for _ in range(min(low, MAX_COPIES)):
            start = self.build(item, start)
        if high is None or high > MAX_COPIES:
            loop, end = self.add(), self.add()
            self.free[start] += [loop, end]
            self.free[self.build(item, loop)] += [loop, end]
            return end
        end = self.add()
        self.free[start].append(end)
        for _ in range(high - low):
            start = self.build(item, start)
            self.free[start].append(end)
        return end

    def closure(self, states: frozenset[int]) -> frozenset[int]:
        reached, waiting = set(states), list(states)
        while waiting:
            for state in self.free[waiting.pop()]:
                if state not in reached:
                    reached.add(state)
                    waiting.append(state)
        return frozenset(reached)


@cache
def _automaton(node: Node) -> tuple[tuple[tuple[tuple[Ranges, int], ...], ...], frozenset[int], frozenset[int]]:
    """Steps per state with free moves folded in, start states, accepting states."""
    automaton = _Automaton([], [])
    start = automaton.add()
    end = automaton.build(node, start)
    closures = [automaton.closure(frozenset((state,))) for state in range(len(automaton.steps))]
    steps = tuple(
        tuple(sorted({(ranges, to) for member in closure for ranges, to in automaton.steps[member]}))
        for closure in closures
    )
    accepting = frozenset(state for state, closure in enumerate(closures) if end in closure)
    return steps, frozenset((start,)), accepting


@cache
def can_share_start(a: Node, b: Node) -> bool:
    """Whether some text begins with a match of ``a`` and also with a match of ``b``.

    Exact but for looks, which are passed freely: True may then be wrong, False never is. False also bounds scanning: no
    automaton of one lives past the end of a match of the other.
    """
    if not ch.overlap(first_characters(a), first_characters(b)) and width(a)[0] and width(b)[0]:
        return False
    steps_a, start_a, accepting_a = _automaton(a)
    steps_b, start_b, accepting_b = _automaton(b)
    waiting = [(p, q) for p in sorted(start_a) for q in sorted(start_b)]
    seen = set(waiting)
    while waiting:
        p, q = waiting.pop()
        if p in accepting_a or q in accepting_b:
            return True
        for ranges_p, to_p in steps_a[p]:
            for ranges_q, to_q in steps_b[q]:
                pair = (to_p, to_q)
                if pair not in seen and ch.overlap(ranges_p, ranges_q):
                    seen.add(pair)
                    waiting.append(pair)
    return False
