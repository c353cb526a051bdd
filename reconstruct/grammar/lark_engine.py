"""Matching by Lark's own LALR automaton: for grammars with recursion, for explanations, and as the second opinion the
differential tests compare the regular expressions with.

Lark's stock parser commits to the first terminal that matches, and refuses or hides conflicts. This driver runs the same
automaton but keeps what it did not take, other terminals and both sides of a conflict, and comes back to it when the
line fails. So a grammar means the same in both engines: alternatives are tried in order, the first way to match the
whole line wins, terminals and repetitions give nothing back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from lark import Tree
from lark.common import ParserConf
from lark.exceptions import LarkError
from lark.grammar import NonTerminal, Rule, RuleOptions
from lark.lexer import TerminalDef
from lark.load_grammar import Grammar
from lark.parsers.lalr_analysis import LALR_Analyzer

from reconstruct.grammar.definition import Definition, parse_definition
from reconstruct.grammar.loading import (
    START,
    Loaded,
    field_name,
    last_part,
    literal_key,
    load_grammar_file,
    translate_error,
)
from reconstruct.grammar.matcher import Block, match_one
from reconstruct.grammar.plans import MatchPlan
from reconstruct.grammar.repeats import Gathered, Pairs, spread_pairs
from reconstruct.grammar.text_columns import text_array

MAX_RETRIES = 4096
"""Ways not taken that are gone back to in one line before it counts as unmatched. Bounds recursive grammars on hostile
lines; no grammar without recursion comes near (``linear.MAX_WAYS``)."""

MAX_OPTIONS = 6
"""Options of one rule that Lark may write out in every combination; beyond, each becomes a rule of its own. A CSV log of
twelve columns that may be empty would be four thousand rules."""

LOOP, ROUND = "_loop_", "_round_"
"""Names of the rules made for a repetition and for one round of it."""

END = "$END"

OPEN = -1
"""The end of a round that is being parsed."""

Action = int | Rule
"""Go to a state, or reduce by a rule."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """How far a line matched."""

    fields: dict[str, str] | None
    """None when the line does not match"""
    column: int
    """1-based column of the first character no terminal could take; behind the line when it ended too early"""
    expected: tuple[str, ...]
    """what could have stood there: terminals, or literal text in quotes, sorted; empty when the line matches"""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a line as the rules of the grammar read it: a rule with what is in it, or a field."""

    name: str
    text: str
    """all of a rule; of a field its value"""
    parts: tuple[Part, ...] = ()
    """of a rule"""


class _Node(NamedTuple):
    """One entry of the parser's stack."""

    state: int
    below: _Node | None
    start: int
    """where its text begins"""


class _Event(NamedTuple):
    """A field met on the way, and those met before it."""

    before: _Event | None
    field: str
    start: int
    end: int
    text: str


class _Step(NamedTuple):
    """A way to go on."""

    node: _Node
    position: int
    """behind the terminal taken"""
    events: _Event | None
    done: bool
    """what was to be matched is complete"""


@dataclass(slots=True)
class _Line:
    """A line at work."""

    text: str
    rounds: dict[tuple[str, int], int | None] = field(default_factory=dict)
    """(round, where it begins) -> where it ends; None when it does not match there"""
    reached: dict[int, set[str]] | None = None
    """places where nothing fitted -> what would have; None when nobody asks"""


class LarkMatcher:
    """A grammar run by Lark's LALR automaton."""

    def __init__(self, plan: MatchPlan) -> None:
        self.plan = plan
        definition = parse_definition(plan.text, Path(plan.path))
        loaded = load_grammar_file(definition)
        terminals, self.rules = compile_rules(definition, loaded)
        self.terminals = {t.name: t.pattern.to_regexp() for t in terminals}
        declared = loaded.terminals
        rank = {key: i for i, key in enumerate(plan.order)}
        self._patterns = {name: re.compile(regexp, re.ASCII) for name, regexp in self.terminals.items()}
        self._fields = {name: field_name(name) if name in declared else None for name in self.terminals}
        self._labels = {t.name: last_part(t.name) if t.name in declared else f'"{t.pattern.value}"' for t in terminals}
        self._spans = {name: last_part(name) for name in loaded.span_rules}
        self._starts, self._ends, self._table = _build_table(self.rules)

        def place(name: str) -> tuple[int, str]:
            key = name if name in declared else literal_key(self.terminals[name], declared)
            return rank.get(key, len(rank)), name

        self._candidates = [
            sorted((name for name in actions if name in self.terminals), key=place) for actions in self._table
        ]

    def match_block(self, text: str) -> Block:
        """See :class:`reconstruct.grammar.matcher.Matcher`."""
        lines = text.replace("\r\n", "\n").split("\n")
        if lines[-1] == "":
            lines.pop()
        found = [self._match(_Line(line)) for line in lines]
        matched = np.fromiter((one is not None for one in found), np.bool_, len(found))
        kept = [one for one in found if one is not None]
        columns = {name: [one.fields.get(name, "") for one in kept] for name in self.plan.fields}
        pairs = Pairs()
        for row, one in enumerate(kept):
            pairs.extend([row] * len(one.keys), one.keys, one.values)
        spread = spread_pairs(pairs, len(kept), columns)
        return Block(matched, {name: text_array(texts) for name, texts in columns.items() if any(texts)} | spread)

    def recognise(self, lines: Sequence[str]) -> list[bool]:
        """See :class:`reconstruct.grammar.matcher.Matcher`."""
        return [self._match(_Line(line.removesuffix("\r"))) is not None for line in lines]

    def match_line(self, line: str) -> dict[str, str] | None:
        """See :class:`reconstruct.grammar.matcher.Matcher`."""
        return match_one(self, line)

    def explain(self, line: str) -> Explanation:
        """How far the line matches, and what was expected there."""
        reached: dict[int, set[str]] = {}
        if self._match(_Line(line, reached=reached)) is not None:
            return Explanation(self.match_line(line), len(line) + 1, ())
        column = max(reached, default=0)
        return Explanation(None, column + 1, tuple(sorted(reached.get(column, ()))))

    def parse(self, line: str) -> tuple[Part, ...] | None:
        """The parts of a line, nested as the rules are; None when it does not match."""
        spans = self._spans
        names = {rule.origin.name for rule in self.rules} - {START}
        self._spans = spans | {name: last_part(name) for name in names if not name.startswith("_")}
        step = self._parse(_Line(line), START, 0)
        self._spans = spans
        return None if step is None else _nest(_in_order(step.events))

    def _match(self, line: _Line) -> Gathered | None:
        step = self._parse(line, START, 0)
        return None if step is None else _collect(step.events)

    def _parse(self, line: _Line, start: str, position: int) -> _Step | None:
        """Match ``start`` from ``position``: the whole rest of the line for the start rule, else as much as it takes."""
        node, events = _Node(self._starts[start], None, position), None
        forks: list[list[_Step]] = []
        for _ in range(len(line.text) + MAX_RETRIES):
            steps = list(self._steps(line, node, position, events, start))[::-1]
            if not steps and line.reached is not None:
                line.reached.setdefault(position, set()).update(self._expected(line, node, position, start))
            while not steps:
                if not forks:
                    return None
                steps = forks.pop()
            step = steps.pop()
            if step.done:
                return step
            if steps:
                forks.append(steps)
            node, position, events, _ = step
        return None

    def _steps(self, line: _Line, node: _Node, position: int, events: _Event | None, start: str) -> Iterator[_Step]:
        """Every way to go on, the preferred one first."""
        for name in self._candidates[node.state]:
            match = self._patterns[name].match(line.text, position)
            if match is None:
                continue
            value = next((text for text in match.groups() if text is not None), match[0])
            for before, met, state in self._reduce(line, node, name, position, events, start):
                if field := self._fields[name]:
                    met = _Event(met, field, position, match.end(), value)
                yield _Step(_Node(state, before, position), match.end(), met, done=False)
        if start != START or position == len(line.text):
            for before, met, _ in self._reduce(line, node, END, position, events, start):
                yield _Step(before, position, met, done=True)

    def _reduce(
        self, line: _Line, node: _Node, name: str, position: int, events: _Event | None, start: str
    ) -> Iterator[tuple[_Node, _Event | None, int]]:
        """Every way to get ready for terminal ``name``: the stack, the fields met, the next state."""
        for action in self._table[node.state].get(name, ()):
            if isinstance(action, int):
                yield node, events, action
                continue
            children = list(_top(node, len(action.expansion)))[::-1]
            if not self._gives_nothing_back(line, action, children, position):
                continue
            below = children[0].below if children else node
            assert below is not None
            begin = children[0].start if children else position
            met = events
            if (field := self._spans.get(action.origin.name)) and position > begin:
                met = _Event(met, field, begin, position, line.text[begin:position])
            (goto,) = self._table[below.state][action.origin.name]
            assert isinstance(goto, int)
            reduced = _Node(goto, below, begin)
            if name == END and goto == self._ends[start] and below.below is None:
                yield reduced, met, goto
            else:
                yield from self._reduce(line, reduced, name, position, met, start)

    def _gives_nothing_back(self, line: _Line, rule: Rule, children: list[_Node], position: int) -> bool:
        """Whether a reduction respects repetitions: a round takes what it takes first, and a loop ends where no further
        round matches."""
        origin = rule.origin.name
        if origin.startswith(ROUND):
            return self._round_end(line, origin, children[0].start) in (position, OPEN)
        for i, symbol in enumerate(rule.expansion):
            if symbol.name.startswith(LOOP) and symbol.name != origin:
                end = children[i + 1].start if i + 1 < len(children) else position
                if self._round_end(line, symbol.name.replace(LOOP, ROUND), end) not in (None, OPEN):
                    return False
        return True

    def _round_end(self, line: _Line, name: str, position: int) -> int | None:
        """Where the round beginning at ``position`` ends; None when there is none, ``OPEN`` while that is being found out."""
        key = (name, position)
        if key not in line.rounds:
            line.rounds[key] = OPEN
            step = self._parse(line, name, position)
            line.rounds[key] = None if step is None else step.position
        return line.rounds[key]

    def _expected(self, line: _Line, node: _Node, position: int, start: str) -> Iterator[str]:
        """Labels of what the automaton allows here."""
        for name in [*self._candidates[node.state], END]:
            if any(True for _ in self._reduce(line, node, name, position, None, start)):
                yield self._labels.get(name, "end of line")


def compile_rules(definition: Definition, loaded: Loaded) -> tuple[list[TerminalDef], list[Rule]]:
    """The grammar in BNF, and the terminals it uses; those of literal text have names Lark made up.

    Raises:
        GrammarError: Lark refuses it.
    """
    rules: list[Any] = []
    for name, parameters, tree, options in loaded.grammar.rule_defs:
        crowded = sum(map(_is_option, tree.iter_subtrees())) > MAX_OPTIONS
        rules.append((name, parameters, _name_parts(tree, rules, crowded), options))
    try:
        grammar = Grammar(rules, loaded.grammar.term_defs, loaded.grammar.ignore)
        terminals, compiled, _ = grammar.compile([START], ())
    except (LarkError, AssertionError, KeyError) as error:
        raise translate_error(definition, error) from None
    return terminals, compiled


def _is_option(tree: Any) -> bool:
    return isinstance(tree, Tree) and (tree.data == "maybe" or (tree.data == "expr" and tree.children[1] == "?"))


def _name_parts(tree: Any, rules: list[Any], options: bool) -> Any:
    """The tree with each repetition, and each of its ``options``, a rule of its own, added to ``rules``."""
    if not isinstance(tree, Tree):
        return tree
    children = [_name_parts(child, rules, options) for child in tree.children]
    number = len(rules)
    if tree.data == "expr" and children[1] in ("*", "+"):
        loop, one = f"{LOOP}{number}", f"{ROUND}{number}"
        _add_rule(rules, one, children[:1])
        _add_rule(rules, loop, [_refer(one)] if children[1] == "+" else [], [_refer(loop), _refer(one)])
        return _refer(loop)
    if options and _is_option(tree):
        _add_rule(rules, f"_option_{number}", children[:1], [])
        return _refer(f"_option_{number}")
    return Tree(tree.data, children)


def _refer(name: str) -> Any:
    return Tree("value", [NonTerminal(name)])


def _add_rule(rules: list[Any], name: str, *alternatives: list[Any]) -> None:
    tree = Tree("expansions", [Tree("expansion", alternative) for alternative in alternatives])
    rules.append((name, (), tree, RuleOptions()))


def _build_table(rules: list[Rule]) -> tuple[dict[str, int], dict[str, int], list[dict[str, list[Action]]]]:
    """Start and end state of the start rule and of every round, and per state the actions for each symbol: a shift
    first, then reductions in the order of the rules. Lark would keep one of them."""
    starts = [START, *dict.fromkeys(rule.origin.name for rule in rules if rule.origin.name.startswith(ROUND))]
    analyzer = LALR_Analyzer(ParserConf(rules, {}, starts))
    analyzer.compute_lr0_states()
    analyzer.compute_reads_relations()  # type: ignore[no-untyped-call]
    analyzer.compute_includes_lookback()  # type: ignore[no-untyped-call]
    analyzer.compute_lookaheads()  # type: ignore[no-untyped-call]
    numbers: dict[Any, int] = {itemset: i for i, itemset in enumerate(analyzer.lr0_itemsets)}
    order: dict[Any, int] = {rule: i for i, rule in enumerate(rules)}
    table: list[dict[str, list[Action]]] = []
    for itemset in numbers:
        actions: dict[str, list[Action]] = {}
        for symbol, target in itemset.transitions.items():
            actions.setdefault(symbol.name, []).append(numbers[target])
        for symbol, reductions in itemset.lookaheads.items():
            actions.setdefault(symbol.name, []).extend(sorted(reductions, key=lambda rule: order.get(rule, len(order))))
        table.append(actions)
    first = {name: numbers[itemset] for name, itemset in analyzer.lr0_start_states.items()}
    last = {
        name: numbers[target]
        for name, itemset in analyzer.lr0_start_states.items()
        for symbol, target in itemset.transitions.items()
        if symbol.name == name
    }
    return first, last, table


def _top(node: _Node, size: int) -> Iterator[_Node]:
    """The uppermost entries of the stack, from the top."""
    current: _Node | None = node
    for _ in range(size):
        assert current is not None
        yield current
        current = current.below


def _in_order(events: _Event | None) -> list[_Event]:
    """Events as they stand in the line, the outer ones first: of two with the same text, the one that ended later."""
    met: list[_Event] = []
    while events:
        met.append(events)
        events = events.before
    return sorted(met, key=lambda event: (event.start, -event.end))


def _nest(events: list[_Event]) -> tuple[Part, ...]:
    parts: list[Part] = []
    while events:
        outer = events.pop(0)
        inside = [event for event in events if event.end <= outer.end and event.start < outer.end]
        del events[: len(inside)]
        parts.append(Part(outer.field, outer.text, _nest(inside)))
    return tuple(parts)


def _collect(events: _Event | None) -> Gathered:
    """The fields of a matched line, from the chain of events."""
    found = Gathered()
    for event in _in_order(events):
        if event.text:
            found.add(event.field, event.text)
    found.close_pair()
    return found
