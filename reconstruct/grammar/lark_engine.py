"""Matching by Lark's own LALR tables: for grammars with recursion, for explanations, and as the second opinion the
differential tests compare the regular expressions with.

Lark's stock parser commits to the first terminal that matches. This driver runs the same tables but keeps the
terminals it did not take and comes back to them when the line fails, so that a grammar means the same in both engines:
terminals and loops give nothing back, alternatives are tried in order, the first way to match the whole line wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from lark import Lark
from lark.exceptions import LarkError
from lark.parsers.lalr_analysis import Shift

from reconstruct.grammar.compiler import field_name, last_part, translate_error
from reconstruct.grammar.definition import parse_definition
from reconstruct.grammar.matcher import Block, Gathered, match_one, spread_pairs
from reconstruct.grammar.plans import MatchPlan
from reconstruct.resources import grammars_directory

MAX_RETRIES = 4096
"""Terminals taken back in one line before it counts as unmatched. Bounds recursive grammars on hostile lines; no
grammar without recursion comes near (``linear.MAX_WAYS``)."""

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

    state: Any
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


class _Fork(NamedTuple):
    """Terminals not taken at a place."""

    node: _Node
    position: int
    events: _Event | None
    options: list[tuple[str, int]]
    """terminal and where it ends, the next to try last"""


class LarkMatcher:
    """A grammar run by Lark's LALR tables."""

    def __init__(self, plan: MatchPlan) -> None:
        self.plan = plan
        try:
            lark = build_lark(plan)
        except (LarkError, AssertionError) as error:
            raise translate_error(parse_definition(plan.text, Path(plan.path)), error) from None
        tables = lark.parse_interactive("").parser_state.parse_conf
        self._states: dict[Any, dict[str, tuple[Any, Any]]] = tables.states
        self._start, self._end = tables.start_state, tables.end_state
        declared = {name for name, _ in lark.grammar.term_defs}
        rank = {key: i for i, key in enumerate(plan.order)}
        regexps = {t.name: t.pattern.to_regexp() for t in lark.terminals}
        self._patterns = {name: re.compile(regexp, re.ASCII) for name, regexp in regexps.items()}
        self._fields = {name: field_name(name) if name in declared else None for name in regexps}
        self._labels = {t.name: t.name if t.name in declared else f'"{t.pattern.value}"' for t in lark.terminals}
        self._spans = {
            name: last_part(name) for name, _, _, options in lark.grammar.rule_defs if options.keep_all_tokens
        }

        def place(name: str) -> tuple[int, str]:
            return rank.get(name if name in declared else regexps[name], len(rank)), name

        self._candidates = {
            state: sorted((name for name in actions if name in regexps), key=place)
            for state, actions in self._states.items()
        }

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
        node: _Node | None = _Node(self._start, None, 0, 0)
        position, events = 0, None
        forks: list[_Fork] = []
        retries = 0
        options = self._options(line, 0, self._start)
        while True:
            assert node is not None
            taken = None
            while options and taken is None:
                name, end = options.pop()
                taken = self._feed(node, name, position, end, events, forks, line)
            if reached is not None and taken is None:
                reached.setdefault(position, set()).update(self._expected(node, position, line))
            if taken is None:
                if not forks or retries == MAX_RETRIES:
                    return None
                retries += 1
                node, position, events, options = forks.pop()
                continue
            if options:
                forks.append(_Fork(node, position, events, options))
            node, events = taken
            if name == END:
                return _collect(events)
            position = end
            options = self._options(line, position, node.state)

    def _options(self, line: str, position: int, state: Any) -> list[tuple[str, int]]:
        """The terminals that match here and where they end, the preferred one last."""
        if position == len(line):
            return [(END, position)] if END in self._states[state] else []
        found = [
            (name, match.end())
            for name in self._candidates[state]
            if (match := self._patterns[name].match(line, position))
        ]
        return found[::-1]

    def _feed(
        self, node: _Node, name: str, position: int, end: int, events: _Event | None, forks: list[_Fork], line: str
    ) -> tuple[_Node, _Event | None] | None:
        """Shift a terminal after the reductions it asks for; None when the tables do not allow it after all."""
        reduced = self._reduce(node, name, position, events, len(forks), line)
        if reduced is None:
            return None
        node, events, committed = reduced
        del forks[committed:]
        if name == END:
            return node, events
        if field := self._fields[name]:
            events = _Event(events, field, position, end, self._value(name, line, position))
        return _Node(self._states[node.state][name][1], node, position, len(forks)), events

    def _reduce(
        self, node: _Node, name: str, position: int, events: _Event | None, depth: int, line: str
    ) -> tuple[_Node, _Event | None, int] | None:
        """The stack ready to shift ``name``, the fields met, and how many forks stay open; None when not allowed."""
        committed = depth
        while action := self._states[node.state].get(name):
            if action[0] is Shift:
                return node, events, committed
            rule = action[1]
            children = list(_top(node, len(rule.expansion)))
            below = children[-1].below if children else node
            assert below is not None
            start, before = (children[-1].start, children[-1].depth) if children else (position, depth)
            if children and rule.origin.name.startswith("__"):  # Lark's name for a loop: a round is complete, and final
                first = children[-2] if rule.expansion[0] == rule.origin else children[-1]
                committed = min(committed, first.depth)
            if (field := self._spans.get(rule.origin.name)) and position > start:
                events = _Event(events, field, start, position, line[start:position])
            node = _Node(self._states[below.state][rule.origin.name][1], below, start, before)
            if name == END and node.state == self._end:
                return node, events, committed
        return None

    def _value(self, name: str, line: str, position: int) -> str:
        """The value of a terminal: its capturing group, or all of it."""
        match = self._patterns[name].match(line, position)
        assert match is not None
        return next((text for text in match.groups() if text is not None), match[0])

    def _expected(self, node: _Node, position: int, line: str) -> Iterator[str]:
        """Labels of what the tables allow here."""
        for name in [*self._candidates[node.state], END]:
            if self._reduce(node, name, position, None, 0, line):
                yield self._labels.get(name, "end of line")


def build_lark(plan: MatchPlan) -> Lark:
    """Lark's LALR parser of a plan's grammar.

    Raises:
        LarkError: the grammar is not LALR(1).
    """
    return Lark(
        plan.text,
        parser="lalr",
        lexer="contextual",
        import_paths=[str(grammars_directory())],
        source_path=plan.path,
        g_regex_flags=re.ASCII,
        maybe_placeholders=False,
    )


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
