"""What could stand at a place in a query that is being typed: names of fields and groups, and values seen in the store."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconstruct.query.fields import JOURNEY, Field, Words, load_words
from reconstruct.query.syntax import MAX_LENGTH, Condition, Single, render

SHOWN = 20
"""Completions given at most: more than fit a list, few enough to be read."""

VALUE_CHARACTERS = 80
"""Longer values are nobody's to type: user agents."""

_UNFINISHED = re.compile(
    r"(?P<minus>-?)(?:(?P<field>[A-Za-z_][A-Za-z0-9_.]*)(?P<operator>!=|<=|>=|[:=<>])(?P<list>(?:[^\s()\",]*,)*))?"
    r"(?P<typed>\"(?:[^\"\\]|\\.)*|[^\s()\",]*)$"
)
"""The end of the text before the cursor: what is being typed, and the field it is a value of."""

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"?')
_OPENED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)?\(")

Rows = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Completion:
    """Text to put in the place of ``[start, end)`` of the query."""

    text: str
    start: int
    end: int
    kind: str
    """``field``, ``group`` or ``value``"""
    help: str
    """what it means; of a value how many journeys or things have it"""


def complete(text: str, cursor: int, kinds: Mapping[str, str], rows: Rows) -> list[Completion]:
    """Completions at the cursor, the likeliest first. ``kinds``: types of objects seen → what they are called; ``rows`` asks the store."""
    before = text[: max(0, cursor)][-MAX_LENGTH:]
    skipped = len(text[: max(0, cursor)]) - len(before)
    found = _UNFINISHED.search(before)
    if found is None or before.count('"', 0, found.start("typed")) % 2:
        return []
    words = load_words()
    scope = _scope(before[: found.start()], words, frozenset(kinds))
    start, end = skipped + found.start("typed"), skipped + len(before)
    if found["field"] is None:
        return _names(words, scope, found["typed"], start, end, kinds)
    field = words.find(found["field"], scope)
    if field is None:
        return []
    return [Completion(value, start, end, "value", help) for value, help in _values(field, words, found["typed"], rows)]


def _scope(before: str, words: Words, kinds: frozenset[str]) -> str:
    """The entity of the innermost group that is still open."""
    open_groups: list[str] = []
    for piece in re.finditer(rf"{_QUOTED.pattern}|{_OPENED.pattern}|\)", before):
        if piece[0] == ")":
            del open_groups[-1:]
        elif not piece[0].startswith('"'):
            outer = open_groups[-1] if open_groups else JOURNEY
            entity = words.group(piece[1]) if piece[1] else None
            inner = entity.name if entity else "business" if (piece[1] or "").lower() in kinds else outer
            open_groups.append(inner)
    return open_groups[-1] if open_groups else JOURNEY


def _names(words: Words, scope: str, typed: str, start: int, end: int, kinds: Mapping[str, str]) -> list[Completion]:
    """Fields first by their own names, then by others; then groups."""
    wanted = typed.lower()
    if "." in wanted:
        told = [(f"{each.entity}.{each.name}", each) for each in words.fields]
        return [
            Completion(f"{name}:", start, end, "field", field.help)
            for name, field in told
            if name.startswith(wanted) and words.find(name, scope) is field
        ]
    own = [(name, field) for name, field in words.visible(scope) if name.startswith(wanted)]
    others = [
        (name, field)
        for _, field in words.visible(scope)
        for name in field.also
        if wanted and name.startswith(wanted) and words.find(name, scope) is field
    ]
    shown = {name for name, _ in own}
    found = [
        Completion(f"{name}:", start, end, "field", field.help)
        for name, field in [*own, *(each for each in others if each[0] not in shown)]
    ]
    found += [
        Completion(f"{kind}:", start, end, "field", f"id of the {kinds[kind]}")
        for kind in sorted(kinds)
        if scope == JOURNEY and kind.startswith(wanted) and f"{kind}:" not in {each.text for each in found}
    ]
    found += [
        Completion(f"{name}(", start, end, "group", f"conditions on one of the {entity.title}")
        for name in words.group_names(scope)
        if name.startswith(wanted) and (entity := words.group(name)) is not None
    ]
    return found[:SHOWN] if wanted else found


def _values(field: Field, words: Words, typed: str, rows: Rows) -> list[tuple[str, str]]:
    wanted = typed.removeprefix('"').lower()
    if field.type == "choice":
        return [(value, "") for value in field.values if value.startswith(wanted)]
    if field.type == "flag":
        return [(value, "") for value in ("yes", "no") if value.startswith(wanted)]
    if field.type in ("moment", "duration", "amount"):
        return []
    entity = words.entities[field.entity]
    text = f"CAST({field.column} AS VARCHAR)"
    where = f"{field.where or 'true'} AND length({text}) BETWEEN 1 AND {VALUE_CHARACTERS}"
    match = f"starts_with(lower({text}), ?)" if field.type != "text" else f"contains(lower({text}), ?)"
    seen = rows(
        f"SELECT {text} AS value, count(*) AS n FROM {entity.table} WHERE {where} AND {match}"
        f" GROUP BY 1 ORDER BY n DESC, value LIMIT {SHOWN}",
        [wanted],
    )
    return [
        (_written(value), f"in {n:,} {entity.title}" if n > 1 else f"in one of the {entity.title}") for value, n in seen
    ]


def _written(value: str) -> str:
    """A value as it must be written in a query."""
    return render(Condition("x", ":", (Single(value, "*" in value),)))[2:]
