"""What is compared, as users say it: journeys by the names of their objects, queries, the period before one.

For the command line and the interface alike.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from reconstruct.comparing.pair import compare_pair
from reconstruct.comparing.populations import compare
from reconstruct.errors import UsageError
from reconstruct.query.fields import JOURNEY, load_words
from reconstruct.query.selection import bound, join
from reconstruct.query.syntax import And, Condition, Node, Not, Range, Single, render
from reconstruct.results import EPOCH, Reconstruction

Document = dict[str, Any]

BOUNDS = ("since", "until", "started")
"""Fields that say when journeys began."""
SAID_NAMES = 5
"""Names listed where several are meant."""


def compare_journeys(results: Reconstruction, first: str, second: str) -> Document:
    """Two journeys, by their ids or by those of business objects, side by side. Raises UsageError."""
    found = [find_journey(results, said) for said in (first, second)]
    documents = [results.journey(id) for id, _ in found]
    return compare_pair(documents[0], documents[1], (found[0][1], found[1][1]), results.labels)


def compare_sets(first: Reconstruction, second: Reconstruction, names: tuple[str, str]) -> Document:
    """Two sets of journeys. Raises UsageError when one of them is empty."""
    for side, name in ((first, names[0]), (second, names[1])):
        if not side.count_journeys():
            raise UsageError(f"no journeys to compare: {name}", hint="reconstruct summary says what there is, and when")
    return compare(first, second, names)


def compare_queries(results: Reconstruction, first: str, second: str) -> Document:
    """The journeys of two queries; "" is all of them. Raises QueryError and UsageError."""
    return compare_sets(results.select(first), results.select(second), (first or "all", second or "all"))


def find_journey(results: Reconstruction, said: str) -> tuple[str, str]:
    """The id of the journey a user means, and that of the business journey where one was named ("").

    An id of a journey, the beginning of one, an id of a business journey (``order:1001``) or of its object (``1001``). Raises
    UsageError when there is none, or several.
    """
    rows = results.store.rows
    found = [(id, "") for (id,) in rows("SELECT id FROM listed WHERE id = ?", [said])]
    found = found or rows(
        "SELECT l.id, b.id FROM business b JOIN listed l ON l.seq = b.listed WHERE lower(b.id) = lower(?) ORDER BY ALL",
        [said],
    )
    # A try in vain has the id of its object too; meant is the journey that brought it about.
    found = found or rows(
        "SELECT l.id, b.id FROM business b JOIN listed l ON l.seq = b.listed WHERE lower(b.object) = lower(?) "
        "AND b.id = b.type || ':' || b.object ORDER BY ALL",
        [said],
    )
    found = found or [
        (id, "")
        for (id,) in rows(f"SELECT id FROM listed WHERE starts_with(id, ?) ORDER BY 1 LIMIT {SAID_NAMES}", [said])
    ]
    if not found:
        raise UsageError(
            f"no journey or order is called {said}", hint="ids are those of export and of the journey list"
        )
    if len(found) > 1:
        names = ", ".join(business or id for id, business in found)
        raise UsageError(f"several are called {said}", hint=f"one of {names}")
    return found[0]


# --- periods


def before(moment: str) -> str:
    """The query of what ``since`` leaves out."""
    node = bound("since", moment)
    return render(None if node is None else Not(node))


def begin_before(results: Reconstruction, since: str, until: str | None) -> str:
    """When the same length before a period began. Raises QueryError."""
    start, end = results.period(since, until or "now")
    return _stamp(start - max(0, end - start))


def earlier_query(results: Reconstruction, query: str) -> str | None:
    """The same query, of the same length of time before the one it is about; None when it does not say since when.

    Looked at are conditions on the begin that hold for all it finds: not those within ``or`` and negations. Raises QueryError.
    """
    if not query.strip():
        return None
    from reconstruct.query.parsing import parse_query  # Lark is loaded for those who ask

    results.select(query)
    node = parse_query(query)
    assert node is not None
    rest: list[Node] = []
    start: int | None = None
    end: int | None = None
    for part in node.parts if isinstance(node, And) else (node,):
        span = _span_of(results, part)
        if span is None:
            rest.append(part)
            continue
        start = span[0] if start is None else max(start, span[0]) if span[0] is not None else start
        end = span[1] if end is None else min(end, span[1]) if span[1] is not None else end
    if start is None:
        return None
    end = results.period(None, "now")[1] if end is None else end
    begin, border = _stamp(start - max(0, end - start)), _stamp(start)
    return render(join([bound("since", begin), Not(Condition("since", ":", (Single(border),))), *rest]))


def _span_of(results: Reconstruction, node: Node) -> tuple[int | None, int | None] | None:
    """``[start, end)`` in nanoseconds that a condition on the begin allows, None: open; None for every other condition."""
    if not isinstance(node, Condition) or len(node.values) != 1:
        return None
    field = load_words().find(node.name, JOURNEY)
    if field is None or field.entity != JOURNEY or field.name not in BOUNDS:
        return None
    (value,) = node.values
    if isinstance(value, Range):
        low = results.period(value.low.text, None)[0] if value.low else None
        return low, results.period(None, value.high.text)[1] if value.high else None
    if value.text == "*":
        return None
    start, end = results.period(value.text, value.text)
    spans: dict[tuple[str, str], tuple[int | None, int | None]] = {
        ("since", ":"): (start, None), ("until", ":"): (None, end),
        ("started", ":"): (start, end), ("started", "="): (start, end),
        ("started", ">="): (start, None), ("started", ">"): (end, None),
        ("started", "<="): (None, end), ("started", "<"): (None, start),
    }  # fmt: skip
    return spans.get((field.name, node.operator))


def _stamp(t: int) -> str:
    moment = EPOCH + timedelta(microseconds=t // 1000)
    return f"{moment.isoformat(timespec='microseconds' if moment.microsecond else 'seconds')}Z"
