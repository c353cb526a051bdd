"""The tree of a query to a condition in SQL over ``listed``. Whatever the user wrote is a bound parameter, never SQL.

A condition on something a journey has many of (touchpoints, steps) holds when one of them meets it; a group holds when one
meets everything in the group. Columns are named without their table: the innermost query's own comes first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise

from reconstruct.errors import QueryError
from reconstruct.query.conditions import TESTS, Test
from reconstruct.query.fields import JOURNEY, Field, Words, load_words
from reconstruct.query.syntax import And, Condition, Group, Node, Not, Or, Range, Single, Text, render
from reconstruct.query.values import Clock

MATCHING = ("text", "word", "flag")
"""Types without an order."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the meaning of a query depends on beside its text."""

    clock: Clock = Clock()  # noqa: RUF009 - a tuple
    kinds: frozenset[str] = frozenset()
    """types of business objects and their parts in these logs, lower-case: each is a field"""


@dataclass(frozen=True, slots=True)
class Where:
    """A condition over ``listed``."""

    sql: str = "true"
    parameters: tuple[object, ...] = ()

    @property
    def listed(self) -> str:
        """SQL of the journeys, and the business journeys without a session, that meet it: their ``listed.seq``."""
        return f"(SELECT seq FROM listed WHERE {self.sql})"


def compile_query(node: Node | None, text: str, context: Context | None = None) -> Where:
    """The condition a query stands for; ``text`` is what errors point into. Raises QueryError."""
    if node is None:
        return Where()
    compiler = _Compiler(text, context or Context(), load_words())
    sql = compiler.node(node, JOURNEY, "")
    return Where(sql, tuple(compiler.parameters))


class _Compiler:
    """Writes SQL and gathers its parameters, both from left to right."""

    def __init__(self, text: str, context: Context, words: Words) -> None:
        self.text = text
        self.context = context
        self.words = words
        self.parameters: list[object] = []

    def node(self, node: Node, scope: str, said: str) -> str:
        """SQL over the table of ``scope``; ``said`` is what the user calls the group, "" outside of any."""
        match node:
            case And(parts):
                return self._joined(" AND ", parts, scope, said)
            case Or(parts):
                return self._joined(" OR ", parts, scope, said)
            case Not(inside):
                return f"({self.node(inside, scope, said)}) IS NOT TRUE"
            case Group():
                return self._group(node, scope, said)
            case Text():
                return self._free_text(node, scope)
            case Condition():
                return self._condition(node, scope, said)

    def _joined(self, sign: str, parts: Sequence[Node], scope: str, said: str) -> str:
        return "(" + sign.join(self.node(part, scope, said) for part in parts) + ")"

    def _group(self, node: Group, scope: str, said: str) -> str:
        entity = self.words.group(node.name)
        kind = node.name.lower() if entity is None and node.name.lower() in self.context.kinds else ""
        name = "business" if kind else entity.name if entity else ""
        if not name or name == scope or not self.words.way(scope, name):
            raise self._no_group(node, scope, said, bool(name))

        def inside() -> str:
            typed = self._typed(kind) if kind else ""
            return typed + self.node(node.inside, name, node.name)

        return self._wrap(scope, name, inside)

    def _typed(self, kind: str) -> str:
        self.parameters.append(kind)
        return "lower(type) = ? AND "

    def _no_group(self, node: Group, scope: str, said: str, exists: bool) -> QueryError:
        known = list(dict.fromkeys(self.words.group_names(scope)))
        near = get_close_matches(node.name.lower(), known, 1)
        if exists:
            reason = f"{node.name}(…) cannot stand in {said}(…)" if said else f"{node.name}(…) is no group"
            hint = f"put it beside {said}(…)" if said else "its conditions need no group: leave the name out"
        else:
            reason = f"no group is called {node.name}"
            hint = f"did you mean {near[0]}(…)?" if near else f"groups: {', '.join(known)}; text goes in quotes"
        return QueryError(reason, query=self.text, column=node.column, hint=hint)

    def _wrap(self, outer: str, inner: str, inside: Callable[[], str]) -> str:
        """``inside`` over the table of ``inner``, asked of ``outer``: one row at least meets it."""
        way = self.words.way(outer, inner)
        before, after = "", ""
        for above, below in pairwise(way):
            entity = self.words.entities[below]
            theirs, own = entity.within[above]
            before += f"({theirs}) IN (SELECT {own if ',' not in own else f'({own})'} FROM {entity.table} WHERE "
            after += ")"
        return f"{before}{inside()}{after}"

    def _free_text(self, node: Text, scope: str) -> str:
        """The words stand in the thing itself or in something that is part of it. One set of all who have them: a query plans
        ten times as fast as with one set for each table."""
        own = self._looks_in(self.words.entities[scope].text, node)
        key, parts = "", []
        for name in self.words.inside(scope)[1:]:
            columns = self.words.entities[name].text
            test = self._wrap(scope, name, lambda columns=columns: self._looks_in(columns, node))  # type: ignore[misc]
            key, _, subquery = test.partition(" IN ")
            parts.append(subquery[1:-1])
        return f"({own} OR {key} IN ({' UNION ALL '.join(parts)}))" if parts else own

    def _looks_in(self, columns: Sequence[str], node: Text) -> str:
        said = node.text.lower()
        parts = [part for part in said.split("*") if part] if "*" in said and not node.quoted else [said]
        if not parts:
            return "true"
        test = "contains({0}, ?)"
        if len(parts) > 1:  # what does not have the first part needs no slower look
            test = "(contains({0}, ?) AND regexp_matches({0}, ?))"
        pattern = "(?s)" + ".*".join(map(re.escape, parts))
        for _ in columns:
            self.parameters += [parts[0], pattern][: 1 + (len(parts) > 1)]
        return "(" + " OR ".join(test.format(column) for column in columns) + ")"

    def _condition(self, node: Condition, scope: str, said: str) -> str:
        field = self.words.find(node.name, scope)
        name = node.name.lower()
        if name in self.context.kinds and scope == JOURNEY and (field is None or field.name != name):
            test = self._of_kind(node, name)
        elif field is None:
            raise self._no_field(node, scope, said)
        else:
            known = field
            test = self._wrap(scope, known.entity, lambda: self._test(known, node))
        return f"({test}) IS NOT TRUE" if node.operator == "!=" else test

    def _of_kind(self, node: Condition, kind: str) -> str:
        """``ticket:T-7``: the id of an object, or of a part of one, of that type."""
        tests = []
        for entity, name in (("business", "object"), ("part", "part")):
            field = self.words.find(f"{entity}.{name}", JOURNEY)
            assert field is not None
            tests.append(self._wrap(JOURNEY, entity, lambda f=field: self._typed(kind) + self._test(f, node)))  # type: ignore[misc]
        return f"({' OR '.join(tests)})"

    def _no_field(self, node: Condition, scope: str, said: str) -> QueryError:
        near = self.words.nearest(node.name, scope)
        outside = self.words.find(node.name, JOURNEY) if said else None
        if outside is not None:
            hint = f"it is a field of {self.words.entities[outside.entity].title}: put it outside of {said}(…)"
        elif near:
            hint = f"did you mean {near}?"
        else:
            hint = f'text with {node.operator} in it goes in quotes: "{node.name}{node.operator}…"'
        reason = f"{said}(…) has no field {node.name}" if said else f"no field is called {node.name}"
        return QueryError(reason, query=self.text, column=node.column, hint=hint)

    def _test(self, field: Field, node: Condition) -> str:
        """SQL over the field's own row."""
        operator = "=" if node.operator == "!=" else node.operator
        if operator == ":" and field.means:
            operator = field.means
        self._check_operator(field, node, operator)
        test = TESTS[field.type](field, self.words, self.context.clock)
        tests = [self._test_value(test, field, node, value, operator) for value in node.values]
        whole = tests[0] if len(tests) == 1 else f"({' OR '.join(tests)})"
        return f"({field.where} AND {whole})" if field.where else whole

    def _check_operator(self, field: Field, node: Condition, operator: str) -> None:
        compares = operator in ("<", "<=", ">", ">=")
        if compares and (field.type in MATCHING or (field.type == "choice" and not field.ordered)):
            raise QueryError(
                f"{node.name} has no order",
                query=self.text,
                column=node.column,
                hint=f"say {node.name}:… or {node.name}=…",
            )
        if compares and (len(node.values) > 1 or isinstance(node.values[0], Range)):
            raise QueryError(
                f"{node.name}{node.operator} takes one value", query=self.text, column=node.column,
                hint=f"for one of several, or from … to: {node.name}:1,2 or {node.name}:1..5",
            )  # fmt: skip

    def _test_value(self, test: Test, field: Field, node: Condition, value: Single | Range, operator: str) -> str:
        if isinstance(value, Single) and value.text == "*" and not value.quoted:
            return f"{field.column} IS NOT NULL"
        try:
            sql, parameters = test.sql(value, operator)
        except ValueError as error:
            hint = str(error)
            elsewhere = self._elsewhere(field, value)
            shown = render(Condition(node.name, node.operator, (value,)))
            raise QueryError(
                f"{shown} is not a condition that can hold", query=self.text, column=value.column,
                hint=elsewhere or hint,
            ) from None  # fmt: skip
        self.parameters += parameters
        return sql

    def _elsewhere(self, field: Field, value: Single | Range) -> str:
        """Another field of the name that has this value: the outcome of a business journey, where a visit's was asked for."""
        if field.type != "choice" or not isinstance(value, Single):
            return ""
        for each in self.words.fields:
            if each is not field and field.name in each.names and value.text.lower() in each.values:
                return f"did you mean {each.entity}.{each.name}:{value.text}?"
        return ""
