"""Some of the journeys, by a query: what lists, exports and figures are narrowed to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconstruct.errors import QueryError
from reconstruct.query.compiling import Context, Where, compile_query
from reconstruct.query.syntax import And, Condition, Node, Single, render
from reconstruct.query.values import Clock, Moment, read_moment


@dataclass(frozen=True, slots=True)
class Selection:
    """A query and what it stands for."""

    text: str = ""
    """the query, as it would be written again; "": everything"""
    where: Where = Where()  # noqa: RUF009 - frozen
    node: Node | None = None
    """the query as a tree, to be narrowed further"""

    @property
    def listed(self) -> str:
        """As ``Where.listed``."""
        return self.where.listed

    @property
    def parameters(self) -> tuple[object, ...]:
        """What the question marks of ``listed`` stand for."""
        return self.where.parameters


EVERYTHING = Selection()


def choose(node: Node, context: Context) -> Selection:
    """What matches a query. Raises QueryError."""
    text = render(node)
    return Selection(text, compile_query(node, text, context), node)


def join(nodes: Sequence[Node | None]) -> Node | None:
    """What matches all of some queries."""
    parts: list[Node] = []
    for node in nodes:
        parts += node.parts if isinstance(node, And) else [node] if node is not None else []
    return And(tuple(parts)) if len(parts) > 1 else parts[0] if parts else None


def bound(name: str, moment: str | None) -> Node | None:
    """``since:MOMENT``; None without one."""
    return None if moment is None else Condition(name, ":", (Single(moment, column=len(name) + 2),))


def read_bound(name: str, moment: str, clock: Clock) -> Moment:
    """The moment of ``since`` or ``until``. Raises QueryError."""
    try:
        return read_moment(moment, clock)
    except ValueError as error:
        raise QueryError(
            f"{moment} is no moment", query=f"{name}:{moment}", column=len(name) + 2, hint=f"expected {error}"
        ) from None


class _Anything(frozenset[str]):
    """Names of which only the logs can say whether there are such objects."""

    def __contains__(self, name: object) -> bool:
        return True


def compose(query: str, since: str | None, until: str | None) -> str:
    """One query of three. Raises QueryError for what is wrong whatever the logs hold; names may be types of objects in them."""
    for name, moment in (("since", since), ("until", until)):
        if moment is not None:
            read_bound(name, moment, Clock())
    node = None
    if query.strip():
        from reconstruct.query.parsing import parse_query  # Lark is loaded for those who ask

        node = parse_query(query)
        compile_query(node, query, Context(kinds=_Anything()))
    return render(join([bound("since", since), bound("until", until), node]))
