"""Lines made from a grammar at random: what checks and tests feed to both engines."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from reconstruct.grammar import characters as ch
from reconstruct.grammar.lark_engine import LarkMatcher
from reconstruct.grammar.loading import START
from reconstruct.grammar.patterns import Alt, Atomic, Capture, Chars, Edge, Look, Node, Repeat, Seq, read_pattern

if TYPE_CHECKING:
    from lark.grammar import Rule

LIKELY = tuple((ord(character),) * 2 for character in "aeszAGT0129 .:-_/[]()=\"',\\é中")
"""Characters tried first where a set allows them: delimiters make more interesting lines than letters."""

MAX_ROUNDS = 4
"""Rounds of a repetition beyond the least number."""

MAX_DEPTH = 30
"""Nested rules before the shortest alternatives are taken."""

MUTATIONS = 'a0 "[]:,-=\\|.'
"""Characters a mutation writes."""


class LineMaker:
    """Random lines of one grammar. Looks are passed over, so a line need not match."""

    def __init__(self, matcher: LarkMatcher) -> None:
        self._nodes = {name: read_pattern(regexp) for name, regexp in matcher.terminals.items()}
        self._rules: dict[str, list[Rule]] = {}
        for rule in matcher.rules:
            self._rules.setdefault(rule.origin.name, []).append(rule)
        self._costs = self._least_costs()

    def make(self, random: Random) -> str:
        """One line."""
        return self._expand(START, random, 0)

    def _expand(self, name: str, random: Random, depth: int) -> str:
        if name in self._nodes:
            return make_text(self._nodes[name], random)
        rules = self._rules[name]
        rule = random.choice(rules) if depth < MAX_DEPTH else min(rules, key=self._cost)
        return "".join(self._expand(symbol.name, random, depth + 1) for symbol in rule.expansion)

    def _cost(self, rule: Rule) -> float:
        return 1 + sum(self._costs.get(symbol.name, 0) for symbol in rule.expansion)

    def _least_costs(self) -> dict[str, float]:
        """Steps of the shortest text of each rule, by fixpoint."""
        self._costs = dict.fromkeys(self._rules, float("inf"))
        while True:
            costs = {name: min(map(self._cost, rules)) for name, rules in self._rules.items()}
            if costs == self._costs:
                return costs
            self._costs = costs


def make_text(node: Node, random: Random) -> str:
    """A text of a pattern, looks passed over."""
    match node:
        case Chars(ranges):
            likely = ch.intersect(ranges, ch.unite(LIKELY))
            low, high = random.choice(likely if likely and random.random() < 0.9 else ranges)
            return chr(random.randint(low, min(high, low + 50)))
        case Seq(items):
            return "".join(make_text(item, random) for item in items)
        case Alt(items):
            return make_text(random.choice(items), random) if items else ""
        case Repeat(item, low, high):
            most = low + MAX_ROUNDS if high is None else min(high, low + MAX_ROUNDS)
            return "".join(make_text(item, random) for _ in range(random.randint(low, most)))
        case Atomic(item) | Capture(item):
            return make_text(item, random)
        case Look() | Edge():
            return ""


def mutate_line(line: str, random: Random) -> str:
    """The line with one to three characters dropped, inserted or replaced."""
    characters = list(line)
    for _ in range(random.choice((1, 1, 2, 3))):
        place = random.randint(0, len(characters))
        change = random.choice(("drop", "insert", "replace"))
        if change == "insert":
            characters.insert(place, random.choice(MUTATIONS))
        elif place < len(characters):
            characters[place : place + 1] = [] if change == "drop" else [random.choice(MUTATIONS)]
    return "".join(characters)
