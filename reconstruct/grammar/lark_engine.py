"""Matching by Lark's own LALR automaton: for grammars with recursion, for explanations, and as the second opinion the
differential tests compare the regular expressions with.

Lark's stock parser commits to the first terminal that matches, and refuses or hides conflicts. This driver runs the same
automaton but keeps what it did not take, other terminals and both sides of a conflict, and comes back to it when the line fails.
So a grammar means the same in both engines: terminals and loops give nothing back, alternatives are tried in
order, the first way to match the whole line wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
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
from reconstruct.grammar.loading import START, Loaded, field_name, last_part, load_grammar_file, translate_error
from reconstruct.grammar.matcher import Block, Gathered, match_one, spread_pairs
from reconstruct.grammar.plans import MatchPlan

MAX_RETRIES = 4096
"""Ways not taken that are gone back to in one line before it counts as unmatched. Bounds recursive grammars on hostile
lines; no grammar without recursion comes near (``linear.MAX_WAYS``)."""

MAX_OPTIONS = 6
"""Options of one rule that Lark may write out in every combination; beyond, each becomes a rule of its own. A CSV log of
twelve columns that may be empty would be four thousand rules."""

END = "$END"


@dataclass(frozen=True, slots=True)
class Explanation:
    """How far a line matched."""

    fields: dict[str, str] | None
    """None when the line does not match"""
    column: int
    """1-based column of the first character no terminal could take; behind the line when it ended too early"""
    expected: tuple[str, ...]
    """what could have stood there: terminals, or literal text in quotes, sorted; empty when the line matches"""


class _Node(NamedTuple):
    """One entry of the parser's stack."""

    state: int
    below: _Node | None
    start: int
    """where its text begins"""
    depth: int
    """forks that were open before its first terminal was chosen"""


class _Event(NamedTuple):
    """A field met on the way, and those met before it."""

    before: _Event | None
    field: str
    start: int
    end: int
    text: str


class _Step(NamedTuple):
    """One terminal taken."""

    node: _Node
    position: int
    """behind the terminal"""
    events: _Event | None
    committed: int
    """forks that stay open"""
    done: bool
    """the line is complete"""


class LarkMatcher:
    """A grammar run by Lark's LALR automaton."""

    def __init__(self, plan: MatchPlan) -> None:
        self.plan = plan
        definition = parse_definition(plan.text, Path(plan.path))
        loaded = load_grammar_file(definition)
        terminals, rules = compile_rules(definition, loaded)
        self.rules = rules
        """in BNF"""
        self.terminals = {t.name: t.pattern.to_regexp() for t in terminals}
        rank = {key: i for i, key in enumerate(plan.order)}
        regexps = self.terminals
        declared = loaded.terminals
        self._patterns = {name: re.compile(regexp, re.ASCII) for name, regexp in regexps.items()}
        self._fields = {name: field_name(name) if name in declared else None for name in regexps}
        self._labels = {t.name: last_part(t.name) if t.name in declared else f'"{t.pattern.value}"' for t in terminals}
        self._spans = {name: last_part(name) for name in loaded.span_rules}
        self._start, self._end, self._table = _build_table(rules)

        def place(name: str) -> tuple[int, str]:
            return rank.get(name if name in declared else regexps[name], len(rank)), name

        self._candidates = [sorted((name for name in actions if name in regexps), key=place) for actions in self._table]

    def match_block(self, text: str) -> Block:
        """See :class:`reconstruct.grammar.matcher.Matcher`."""
        lines = text.replace("\r\n", "\n").split("\n")
        if lines[-1] == "":
            lines.pop()
        found = [self._match(line) for line in lines]
        matched = np.fromiter((one is not None for one in found), np.bool_, len(found))
        kept = [one for one in found if one is not None]
        columns = {name: [one.fields.get(name, "") for one in kept] for name in self.plan.fields}
        columns |= spread_pairs([one.pairs for one in kept], columns)
        return Block(matched, {name: column for name, column in columns.items() if any(column)})

    def match_line(self, line: str) -> dict[str, str] | None:
        """See :class:`reconstruct.grammar.matcher.Matcher`."""
        return match_one(self, line)

    def explain(self, line: str) -> Explanation:
        """How far the line matches, and what was expected there."""
        reached: dict[int, set[str]] = {}
        if self._match(line, reached) is not None:
            return Explanation(self.match_line(line), len(line) + 1, ())
        column = max(reached, default=0)
        return Explanation(None, column + 1, tuple(sorted(reached.get(column, ()))))

    def _match(self, line: str, reached: dict[int, set[str]] | None = None) -> Gathered | None:
        """The fields of a line; ``reached`` collects the places where no terminal fitted, with what would have."""
        forks: list[list[_Step]] = []
        node, position, events = _Node(self._start, None, 0, 0), 0, None
        for _ in range(len(line) + MAX_RETRIES):
            steps = list(self._steps(line, node, position, events, len(forks)))[::-1]
            if not steps:
                if reached is not None:
                    reached.setdefault(position, set()).update(self._expected(node, position, line))
                del forks[self._committed(node, position, len(forks), line) :]
            while not steps and forks:
                steps = forks.pop()
            if not steps:
                return None
            step = steps.pop()
            del forks[step.committed :]
            if steps:
                forks.append(steps)
            node, position, events = step.node, step.position, step.events
            if step.done:
                return _collect(events)
        return None

    def _steps(self, line: str, node: _Node, position: int, events: _Event | None, depth: int) -> Iterator[_Step]:
        """Every terminal that can be taken here, the preferred one first. ``depth`` forks are open."""
        if position == len(line):
            for reduced in self._reduce(node, END, position, events, depth, depth, line):
                yield _Step(reduced[0], position, reduced[1], reduced[2], done=True)
            return
        for name in self._candidates[node.state]:
            match = self._patterns[name].match(line, position)
            if match is None:
                continue
            value = next((text for text in match.groups() if text is not None), match[0])
            for before, met, committed, state in self._reduce(node, name, position, events, depth, depth, line):
                if field := self._fields[name]:
                    met = _Event(met, field, position, match.end(), value)
                yield _Step(_Node(state, before, position, committed), match.end(), met, committed, done=False)

    def _reduce(
        self, node: _Node, name: str, position: int, events: _Event | None, committed: int, depth: int, line: str
    ) -> Iterator[tuple[_Node, _Event | None, int, int]]:
        """Every way to get ready for terminal ``name``: the stack, fields met, forks that stay open, the next state."""
        for action in self._table[node.state].get(name, ()):
            if isinstance(action, int):
                yield node, events, committed, action
                continue
            children = list(_top(node, len(action.expansion)))
            below = children[-1].below if children else node
            assert below is not None
            start, before = (children[-1].start, children[-1].depth) if children else (position, depth)
            kept, met = committed, events
            if children and action.origin.name.startswith(
                "__"
            ):  # Lark's name for a loop: a round is complete, and final
                first = children[-2] if action.expansion[0] == action.origin else children[-1]
                kept = min(kept, first.depth)
            if (field := self._spans.get(action.origin.name)) and position > start:
                met = _Event(met, field, start, position, line[start:position])
            (goto,) = self._table[below.state][action.origin.name]
            assert isinstance(goto, int)
            reduced = _Node(goto, below, start, before)
            if name == END and goto == self._end:
                yield reduced, met, kept, goto
            else:
                yield from self._reduce(reduced, name, position, met, kept, depth, line)

    def _committed(self, node: _Node, position: int, depth: int, line: str) -> int:
        """How many forks stay open at a dead end: a round that is complete is final even when nothing follows it."""
        ready = (
            one
            for name in self._table[node.state]
            for one in self._reduce(node, name, position, None, depth, depth, line)
        )
        return min((committed for _, _, committed, _ in ready), default=depth)

    def _expected(self, node: _Node, position: int, line: str) -> Iterator[str]:
        """Labels of what the automaton allows here."""
        for name in [*self._candidates[node.state], END]:
            if any(True for _ in self._reduce(node, name, position, None, 0, 0, line)):
                yield self._labels.get(name, "end of line")


def explain_line(plan: MatchPlan, line: str) -> Explanation:
    """How far a line matches a format. Building the automaton takes some 30 ms; for many lines keep a LarkMatcher."""
    return LarkMatcher(plan).explain(line)


def compile_rules(definition: Definition, loaded: Loaded) -> tuple[list[TerminalDef], list[Rule]]:
    """The grammar in BNF, and the terminals it uses; those of literal text have names Lark made up.

    Raises:
        GrammarError: Lark refuses it.
    """
    rules: list[Any] = []
    for name, parameters, tree, options in loaded.grammar.rule_defs:
        crowded = sum(map(_is_option, tree.iter_subtrees())) > MAX_OPTIONS
        rules.append((name, parameters, _name_options(tree, rules) if crowded else tree, options))
    try:
        grammar = Grammar(rules, loaded.grammar.term_defs, loaded.grammar.ignore)
        terminals, compiled, _ = grammar.compile([START], ())
    except (LarkError, AssertionError, KeyError) as error:
        raise translate_error(definition, error) from None
    return terminals, compiled


def _is_option(tree: Any) -> bool:
    return isinstance(tree, Tree) and (tree.data == "maybe" or (tree.data == "expr" and tree.children[1] == "?"))


def _name_options(tree: Any, rules: list[Any]) -> Any:
    """The tree with each option a rule of its own, added to ``rules``."""
    if not isinstance(tree, Tree):
        return tree
    children = [_name_options(child, rules) for child in tree.children]
    if not _is_option(tree):
        return Tree(tree.data, children)
    name = f"_option_{len(rules)}"
    item = Tree("expansions", [Tree("expansion", children[:1]), Tree("expansion", [])])
    rules.append((name, (), item, RuleOptions()))
    return Tree("value", [NonTerminal(name)])


Action = int | Rule
"""Go to a state, or reduce by a rule."""


def _build_table(rules: list[Rule]) -> tuple[int, int, list[dict[str, list[Action]]]]:
    """Start state, end state, and per state the actions for each symbol: a shift first, then reductions in the order of
    the rules. Lark would keep one of them."""
    analyzer = LALR_Analyzer(ParserConf(rules, {}, [START]))
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
    start = analyzer.lr0_start_states[START]
    (end,) = (numbers[target] for symbol, target in start.transitions.items() if symbol.name == START)
    return numbers[start], end, table


def _top(node: _Node, size: int) -> Iterator[_Node]:
    """The uppermost entries of the stack, from the top."""
    current: _Node | None = node
    for _ in range(size):
        assert current is not None
        yield current
        current = current.below


def _collect(events: _Event | None) -> Gathered:
    """The fields of a matched line, from the chain of events."""
    met: list[_Event] = []
    while events:
        met.append(events)
        events = events.before
    found = Gathered({}, {})
    for event in sorted(met, key=lambda event: (event.start, -event.end)):
        if event.text:
            found.add(event.field, event.text)
    found.close_pair()
    return found
