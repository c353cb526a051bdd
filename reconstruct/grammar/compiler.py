"""Grammar to match plan.

Reads the grammar as Lark loads it (EBNF, before Lark turns it into BNF), writes every rule out in place, proves the result
linear and writes it as one regular expression with named groups. A grammar with recursion gets a plan for the Lark
engine. Anything that has no proof is refused with the place in the file and the change that would help.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from lark import Tree
from lark.grammar import NonTerminal, Terminal
from lark.load_grammar import PrepareLiterals

from reconstruct.errors import GrammarError
from reconstruct.grammar import patterns
from reconstruct.grammar.characters import EVERY
from reconstruct.grammar.choices import AmbiguityError, order_terminals, prove_structure
from reconstruct.grammar.definition import (
    Declaration,
    Definition,
    find_mention,
    locate_error,
    read_declarations,
)
from reconstruct.grammar.emission import write_scan
from reconstruct.grammar.factoring import factor
from reconstruct.grammar.linear import prove_terminal
from reconstruct.grammar.loading import (
    START,
    Loaded,
    field_name,
    last_part,
    literal_key,
    load_grammar_file,
    read_common,
)
from reconstruct.grammar.mistakes import find_pattern
from reconstruct.grammar.patterns import Node, PatternError
from reconstruct.grammar.plans import MatchPlan, Scan
from reconstruct.grammar.repeats import PAIR
from reconstruct.grammar.rules import (
    Choice,
    Loop,
    Sequence,
    Span,
    Structure,
    Term,
    begins_with,
    count_fields,
    held_texts,
    is_nullable,
    optional,
    specificity,
    telling_fields,
    walk_terms,
)

_PATTERN_HINT = "what a pattern may be: grammars/README.md, What a grammar means and Linear time"

MAX_COUNT = 16
"""Highest count of ``x~n`` in a rule: each is written out. Nothing in a log line is counted higher."""


def compile_definition(definition: Definition) -> MatchPlan:
    """The match plan of a format.

    Raises:
        GrammarError: the grammar is wrong or has no linear-time proof; ``line`` and ``column`` say where.
    """
    reading = _Reading(definition, load_grammar_file(definition))
    written = reading.read_start()
    if written is None:
        return _plan_recursive(definition, reading)
    structure = factor(written)
    try:
        choices = prove_structure(structure)
    except AmbiguityError as error:
        raise reading.error(str(error), error.term.rule, error.term.label, error.hint) from None
    if is_nullable(structure):
        raise reading.error("matches an empty line", START, "", "one terminal must always be there")
    counts = count_fields(structure)
    fields = [name for name in counts if name not in PAIR]
    telling = telling_fields(structure, fields)
    if not telling:
        raise reading.error(
            "no field is there on every line", START, "", "at least one field must be outside [] and never empty"
        )
    keys = list(dict.fromkeys(term.key for term in walk_terms(structure)))
    return MatchPlan(
        id=definition.id,
        kind=definition.kind,
        title=definition.title,
        docs=definition.docs,
        wins_over=definition.wins_over,
        below=definition.below,
        zone=definition.zone,
        engine="regex",
        scan=write_scan(structure),
        fields=tuple(fields),
        lists=tuple(name for name in fields if counts[name] > 1),
        decoders=reading.decoders(),
        certain=tuple(name for name in fields if name in telling),
        specificity=round(specificity(structure), 1),
        begins=begins_with(structure),
        holds=held_texts(structure),
        ways=choices.ways,
        order=tuple(order_terminals(keys, choices.preferences)),
        text=definition.text,
        path=str(definition.path),
    )


def _plan_recursive(definition: Definition, reading: _Reading) -> MatchPlan:
    """The plan of a grammar with recursion: what can be said without writing it out."""
    names = [name for name in reading.terminals if name in reading.used_terminals]
    return MatchPlan(
        id=definition.id,
        kind=definition.kind,
        title=definition.title,
        docs=definition.docs,
        wins_over=definition.wins_over,
        below=definition.below,
        zone=definition.zone,
        engine="lark",
        scan=Scan("", ()),
        fields=tuple(dict.fromkeys(reading.recursive_fields())),
        lists=(),
        decoders=reading.decoders(),
        certain=(),
        specificity=0.0,
        begins=EVERY,
        holds=(),
        ways=1,
        order=tuple(names),
        text=definition.text,
        path=str(definition.path),
    )


@dataclass(slots=True)
class _Rule:
    tree: Any
    """Lark's tree of the right side, literals as patterns"""
    is_field: bool
    """declared with ``!``: its whole text is a field"""


class _Reading:
    """One pass over a loaded grammar."""

    def __init__(self, definition: Definition, loaded: Loaded) -> None:
        self.definition = definition
        self.declared = read_declarations(definition.text)
        self.common = read_common().declared
        self.rules: dict[str, _Rule] = {}
        self.used_terminals: dict[str, None] = {}
        self._proven: dict[str, tuple[Node, Node]] = {}
        self._open: list[str] = []
        self._recursive = False
        if loaded.grammar.ignore:
            raise self.error("%ignore has no meaning here", "", "%ignore", "spell out every blank in the rules")
        self.terminals = loaded.terminals
        for name, parameters, tree, _ in loaded.grammar.rule_defs:
            if parameters:
                raise self.error("templates are not supported", name, "", "write the rule out")
            self.rules[name] = _Rule(PrepareLiterals().transform(deepcopy(tree)), name in loaded.span_rules)
        if START not in self.rules:
            other = next((name for name in self.declared if name.lower() == START), "")
            hint = "write start in small letters" if other else "start: ... is one line of the log"
            raise self.error("there is no rule `start`", other, "", hint)
        self._check_types()

    def error(self, message: str, rule: str, name: str, hint: str) -> GrammarError:
        """An error at ``name`` inside ``rule``, or at the rule, or at the file's beginning."""
        if name.startswith("%"):
            number = next(i for i, text in enumerate(self.definition.text.split("\n"), 1) if text.startswith(name))
            return locate_error(self.definition.text, self.definition.path, message, line=number, hint=hint)
        line, column = find_mention(self.definition.text, self.declared.get(rule), name)
        return locate_error(self.definition.text, self.definition.path, message, line=line, column=column, hint=hint)

    def _check_types(self) -> None:
        """A type of ``common.lark`` must not stand in a rule of this file: its name would be the field's."""
        for rule, declaration in self.declared.items():
            if rule not in self.rules:
                continue
            for name in declaration.mentions:
                if name in self.terminals and name not in self.declared and not name.startswith("_"):
                    alone = declaration.mentions == (name,)
                    field = rule.upper() if alone and rule != START else "FIELD"
                    hint = f"declare the field in capitals: `{field}: {name}`"
                    raise self.error(f"{name} is a type, not a field", rule, name, hint)

    def read_start(self) -> Structure | None:
        """The whole grammar written out; None when it is recursive."""
        structure = self._read_rule(START)
        return None if self._recursive else structure

    def _read_rule(self, name: str) -> Structure:
        if name in self._open:
            self._recursive = True
            return Sequence(())
        self._open.append(name)
        rule = self.rules[name]
        structure = self._read(rule.tree, name)
        self._open.pop()
        if rule.is_field:
            return Span(last_part(name), structure)
        return structure

    def _read(self, node: Any, rule: str) -> Structure:
        if isinstance(node, Terminal):
            return self._read_terminal(node.name, rule)
        if isinstance(node, NonTerminal):
            return self._read_rule(node.name)
        assert isinstance(node, Tree), node
        match node.data:
            case "expansions":
                items = [self._read(child, rule) for child in node.children]
                return items[0] if len(items) == 1 else Choice(tuple(items))
            case "expansion":
                items = [self._read(child, rule) for child in node.children]
                return items[0] if len(items) == 1 else Sequence(tuple(items))
            case "alias" | "value":
                return self._read(node.children[0], rule)
            case "maybe":
                return optional(self._read(node.children[0], rule))
            case "pattern":
                return self._read_literal(node.children[0], rule)
            case "expr":
                return self._read_repeat(node, rule)
        raise self.error(f"{node.data} is not supported", rule, "", "write it out")

    def _read_repeat(self, node: Any, rule: str) -> Structure:
        item, operator, *counts = node.children
        if operator == "?":
            return optional(self._read(item, rule))
        if operator in "+*":
            return Loop(self._read(item, rule), 1 if operator == "+" else 0)
        low, high = int(counts[0]), int(counts[-1])
        if high > MAX_COUNT:
            raise self.error(f"~{high} is more than {MAX_COUNT}", rule, "", "use + or *")
        tail: Structure = Sequence(())
        for _ in range(high - low):
            tail = optional(Sequence((self._read(item, rule), tail)))
        return Sequence((*(self._read(item, rule) for _ in range(low)), tail))

    def _read_terminal(self, name: str, rule: str) -> Term:
        self.used_terminals[name] = None
        if name not in self._proven:
            self._proven[name] = self._prove(self.terminals[name], name, name)
        return Term(name, name, *self._proven[name], field_name(name), rule)

    def _read_literal(self, pattern: Any, rule: str) -> Term:
        regexp = pattern.to_regexp()
        label = pattern.raw or repr(pattern.value)
        for name, other in self.terminals.items():
            if other == regexp and field_name(name):
                raise self.error(
                    f"the literal {label} is the whole pattern of {name}, and would fill it",
                    rule,
                    label,
                    f"write {name}",
                )
        key = literal_key(regexp, self.terminals)
        if key not in self._proven:
            self._proven[key] = self._prove(regexp, rule, label)
        return Term(key, label, *self._proven[key], None, rule)

    def _prove(self, regexp: str, declared_in: str, label: str) -> tuple[Node, Node]:
        """A terminal's pattern as written and in linear form."""
        try:
            node = patterns.read_pattern(regexp)
            patterns.check_captures(node)
            return node, prove_terminal(node).node
        except PatternError as error:
            place = self.declared.get(declared_in)
            if place is None:
                raise self.error(f"{label}: {error}", declared_in, "", _PATTERN_HINT) from None
            line, path = place.line, self.definition.path
            column = max(place.column, find_pattern(self.definition.text, line))
            raise locate_error(
                self.definition.text, path, f"{label}: {error}", line=line, column=column, hint=_PATTERN_HINT
            ) from None

    def recursive_fields(self) -> list[str]:
        """The fields of a recursive grammar, terminals first."""
        fields = [field_name(name) for name in self.used_terminals]
        fields += [last_part(name) for name, rule in self.rules.items() if rule.is_field]
        return [name for name in fields if name and name not in PAIR]

    def decoders(self) -> dict[str, str]:
        """Field -> type, for fields declared by a type. A variant (``TARGET__SPACED``) only gives another pattern."""
        found: dict[str, str] = {}
        for terminal in sorted(self.used_terminals, key=lambda name: "__" in last_part(name)):
            name = field_name(terminal)
            types = sorted(set(self._types_of(terminal))) if name else []
            if len(types) > 1:
                raise self.error(
                    f"{terminal} has two types, {' and '.join(types)}", terminal, types[1], "a field has one type"
                )
            if name and types:
                found.setdefault(name, types[0])
        return dict(sorted(found.items()))

    def _types_of(self, terminal: str) -> list[str]:
        """The types of ``common.lark`` a field terminal is declared by, through other terminals of its file."""
        types: list[str] = []
        own = self.declared.get(terminal)
        declaration: Declaration | None = own or self.common.get(last_part(terminal))
        for name in declaration.mentions if declaration else ():
            if name in self.declared and own:
                types += self._types_of(name)
            elif name in self.common:
                types.append(name)
        return types
