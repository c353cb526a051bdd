"""What is selected of a store, as a table to count in, and figures that carry the query of the journeys they count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from reconstruct.intervals import Estimate, difference, wilson
from reconstruct.query.selection import EVERYTHING, Selection, join
from reconstruct.query.syntax import Condition, Group, Node, Not, Single, is_allowed, render
from reconstruct.store.database import Store

Document = dict[str, Any]

PEOPLE = "agent_kind IN ('human', 'unknown')"
"""Figures are of people's journeys; those of programs are counted beside them."""

DIGITS = 4
"""Of shares: a hundredth of a percent, finer than any interval here."""


class Chosen:
    """Questions about what is selected. Not for use by several threads."""

    def __init__(self, store: Store, selection: Selection = EVERYTHING) -> None:
        self.selection = selection
        self._cursor = store.connection.cursor()
        if selection.text:
            # Once, not in every question. Temporary tables are the cursor's own, also of a store open for reading.
            self._cursor.execute(f"CREATE TEMP TABLE chosen AS {selection.listed[1:-1]}", list(selection.parameters))

    def rows(self, table: str, key: str, columns: str, more: str = "") -> list[tuple[Any, ...]]:
        """Columns over the rows of a table of which ``key`` is a ``listed.seq`` that is selected."""
        return self.ask(self._ask(table, key, columns, more))

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """What a statement gives: of all there is, but for tables named by ``of``."""
        return self._cursor.execute(sql).fetchall()

    def of(self, table: str, key: str) -> str:
        """A table for a statement: its rows of which ``key`` is a ``listed.seq`` that is selected."""
        return f"({self._ask(table, key, '*', '')})"

    def arrow(self, table: str, key: str, columns: str, more: str = "") -> pa.Table:
        """The same as an Arrow table."""
        return self._cursor.sql(self._ask(table, key, columns, more)).to_arrow_table()

    def counts(self, table: str, key: str, column: str, which: str = "true") -> dict[str, int]:
        return dict(self.rows(table, key, f"{column}, count(*)", f"AND {which} GROUP BY 1 ORDER BY 1"))

    def _ask(self, table: str, key: str, columns: str, more: str) -> str:
        where = f"{key} IN (SELECT seq FROM chosen)" if self.selection.text else "true"
        return f"SELECT {columns} FROM {table} WHERE {where} {more}"

    def query(self, *nodes: Node) -> str | None:
        """The query of the journeys selected that meet some conditions; None when it is larger than queries may be."""
        node = join([self.selection.node, *nodes])
        return render(node) if node is not None and is_allowed(node) else None


def named(name: str, *values: str, operator: str = ":") -> Condition:
    """``name:value,value``, stars in them taken literally."""
    return Condition(name, operator, tuple(Single(value, "*" in value) for value in values))


def unknown(name: str) -> Node:
    """``-name:*``"""
    return Not(Condition(name, ":", (Single("*"),)))


def known(name: str) -> Node:
    """``name:*``"""
    return Condition(name, ":", (Single("*"),))


def within(group: str, nodes: Iterable[Node]) -> Node:
    """``group(…)``"""
    inside = join(list(nodes))
    assert inside is not None
    return Group(group, inside)


PERSON = named("person", "yes")
"""``PEOPLE``, as a query."""


def say_share(n: int, of: int, query: str | None, journeys: int | None = None) -> Document:
    """A share as it stands in documents.

    Args:
        journeys: How many the query selects, where that is not ``n``: an order is counted, its journeys are selected.
    """
    found = wilson(n, of)
    return {
        "n": n, "of": of, "share": rounded(found.value) if of else None, "low": rounded(found.low),
        "high": rounded(found.high), "journeys": n if journeys is None else journeys, "query": query,
    }  # fmt: skip


def say_difference(first: tuple[int, int], second: tuple[int, int]) -> Document:
    """``second`` less ``first``, each ``n`` of how many; None throughout when there is nothing on one side."""
    if not first[1] or not second[1]:
        return {"value": None, "low": None, "high": None}
    return render_estimate(difference(wilson(*first), wilson(*second)))


def render_estimate(found: Estimate) -> Document:
    return {"value": rounded(found.value), "low": rounded(found.low), "high": rounded(found.high)}


def rounded(share: float | None) -> float | None:
    return None if share is None else round(share, DIGITS)
