"""What queries and figures look at: the documents of a partition once more, as columns.

One row per touchpoint, signal, step, deviation, part and address, and what the list's own rows do not tell of a journey
or a business journey. Columns are made once per partition, not per document, and travel to the store as Arrow tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, repeat
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reconstruct.journeys.models import STAGES
from reconstruct.journeys.rendering import Renderer

LOOSE = 1_000_000_000
"""A business journey without a session stands in the list of journeys as this and its own number: behind all journeys."""

TEXT = pa.string()
MOMENT = pa.timestamp("us")
"""UTC, as DuckDB's TIMESTAMP."""
ZONED = pa.timestamp("us", "UTC")

JOURNEY_FACTS = pa.schema(
    [
        *((name, TEXT) for name in ("entry", "source", "campaign", "referrer", "searched", "previous", "user_agent")),
        ("apdex", pa.float64()),
        ("outcome_at", pa.int32()),
    ]
)
"""Columns of table ``journeys`` beyond those of the list."""

BUSINESS_FACTS = pa.schema([("object", TEXT), ("thing", pa.int32()), ("trigger", pa.int32())])
"""Columns of table ``business`` beyond those of the list."""

TABLES = {
    "touchpoints": pa.schema(
        [
            ("journey", pa.int32()), ("position", pa.int32()), ("at", MOMENT), ("activity", TEXT), ("stage", TEXT),
            ("milestone", pa.bool_()), ("method", TEXT), ("route", TEXT), ("target", TEXT), ("status", pa.int32()),
            ("ok", pa.bool_()), ("latency_ms", pa.float64()), ("dwell_ms", pa.int64()),
        ]
    ),
    "signals": pa.schema(
        [
            ("journey", pa.int32()), ("position", pa.int32()), ("kind", TEXT), ("at", MOMENT), ("touchpoint", pa.int32()),
            ("weight", pa.float64()),
        ]
    ),
    "steps": pa.schema(
        [
            ("business", pa.int32()), ("journey", pa.int32()), ("position", pa.int32()), ("at", MOMENT), ("activity", TEXT),
            ("service", TEXT), ("status", TEXT), ("exception", TEXT), ("wait_ms", pa.int64()), ("duration_ms", pa.int64()),
            ("attempts", pa.int32()),
        ]
    ),
    "deviations": pa.schema([("business", pa.int32()), ("kind", TEXT), ("activity", TEXT)]),
    "members": pa.schema([("business", pa.int32()), ("type", TEXT), ("value", TEXT)]),
    "identities": pa.schema([("journey", pa.int32()), ("kind", TEXT), ("value", TEXT)]),
}  # fmt: skip
"""The tables of facts; ``store/schema.sql`` says what each row is."""

Document = dict[str, Any]


Tables = dict[str, pa.Table]
"""TABLES of some documents. ``business`` counts from 0 here: numbers are given when all are known."""


def tabulate_journeys(first: int, documents: Sequence[Document], touchpoints: Renderer) -> Tables:
    """The facts of journey documents, the first of which has the number ``first``; ``touchpoints`` has rendered theirs."""
    numbers = np.arange(first, first + len(documents), dtype=np.int32)
    signals = [document["experience"]["signals"] for document in documents]
    owned = [document["business_journeys"] for document in documents]
    owner = np.repeat(numbers, [len(each) for each in owned])
    return {
        **_tabulate_business(list(chain.from_iterable(owned)), owner),
        "touchpoints": _tabulate_touchpoints(touchpoints, numbers),
        "signals": _tabulate("signals", signals, journey=numbers),
        "identities": _identities(numbers, documents),
    }


def describe_journeys(documents: Sequence[Document]) -> pa.Table:
    """JOURNEY_FACTS, one row per document."""
    intents = [document["customer_journey"]["intent"] for document in documents]
    told: dict[str, Iterable[object]] = {
        name: [intent.get(name) for intent in intents] for name in ("entry", "source", "referrer", "previous")
    }
    told["campaign"] = map(_say_campaign, intents)
    told["searched"] = map(_say_searches, intents)
    told["user_agent"] = (document["session"]["user_agent"] for document in documents)
    told["apdex"] = (document["experience"]["apdex"] for document in documents)
    told["outcome_at"] = (document["customer_journey"].get("outcome_at") for document in documents)
    return _table(JOURNEY_FACTS, told)


def tabulate_loose(documents: Sequence[Document]) -> Tables:
    """The facts of business journeys that no session is known for; ``journey`` says where they stand in the list."""
    listed = np.arange(LOOSE, LOOSE + len(documents), dtype=np.int32)
    return _tabulate_business(documents, listed)


def describe_business(documents: Sequence[Document], things: Iterable[int]) -> pa.Table:
    """BUSINESS_FACTS, one row per business journey; ``things``: the numbers of their objects."""
    triggers = (document["trigger"] for document in documents)
    told: dict[str, Iterable[object]] = {
        "object": (document["object"]["id"] for document in documents),
        "thing": things,
        "trigger": (trigger and trigger["touchpoint"] for trigger in triggers),
    }
    return _table(BUSINESS_FACTS, told)


def _tabulate_touchpoints(rendered: Renderer, numbers: NDArray[np.int32]) -> pa.Table:
    """What repeats is made once for each shape."""
    sizes = np.array(rendered.sizes, np.int64)
    shapes = rendered.shapes
    code = pa.array(rendered.code, pa.int32())
    schema = TABLES["touchpoints"]
    columns: dict[str, Any] = {
        name: _array([getattr(shape, name) for shape in shapes], schema.field(name).type).take(code)
        for name in ("activity", "milestone", "method", "route", "target", "status", "ok")
    }
    columns["stage"] = _array([STAGES[shape.stage] for shape in shapes], TEXT).take(code)
    columns["journey"], columns["position"] = np.repeat(numbers, sizes), _positions(sizes)
    columns["at"] = pa.array(np.array(rendered.at_ns, np.int64) // 1000).cast(MOMENT)
    columns["latency_ms"], columns["dwell_ms"] = rendered.latency_ms, rendered.dwell_ms
    return _table(schema, columns)


def _tabulate_business(documents: Sequence[Document], journey: NDArray[np.int32]) -> Tables:
    numbers = np.arange(len(documents), dtype=np.int32)
    steps, deviations, members = (
        [document[name] for document in documents] for name in ("steps", "deviations", "objects")
    )
    return {
        "steps": _tabulate("steps", steps, business=numbers, journey=journey),
        "deviations": _tabulate("deviations", deviations, business=numbers),
        "members": _tabulate("members", members, {"value": itemgetter("id")}, business=numbers),
    }


def _tabulate(
    name: str,
    lists: Sequence[Sequence[Document]],
    read: dict[str, Callable[[Document], object]] | None = None,
    **owners: NDArray[np.int32],
) -> pa.Table:
    """A table with a row per entry of the lists: what the entry says, the list's owners, and where it stands in its list."""
    rows = list(chain.from_iterable(lists))
    sizes = np.fromiter(map(len, lists), np.int64, len(lists))
    columns: dict[str, Any] = {key: np.repeat(values, sizes) for key, values in owners.items()}
    if "position" in TABLES[name].names:
        columns["position"] = _positions(sizes)
    for column in TABLES[name].names:
        if column not in columns:
            columns[column] = map((read or {}).get(column) or _reader(column), rows)
    return _table(TABLES[name], columns)


def _positions(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1 … of each list."""
    return np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)


OPTIONAL = frozenset(("exception",))
"""Keys that a document leaves out where there is nothing to say."""


def _reader(key: str) -> Callable[[Document], object]:
    return (lambda row: row.get(key)) if key in OPTIONAL else itemgetter(key)


def _table(schema: pa.Schema, columns: dict[str, Any]) -> pa.Table:
    return pa.Table.from_arrays([_array(columns[each.name], each.type) for each in schema], schema=schema)


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    if isinstance(values, np.ndarray):
        return pa.array(values, kind, safe=False) if values.dtype != np.int32 else pa.array(values)
    if kind == MOMENT:
        return pa.array(list(values), TEXT).cast(ZONED).cast(MOMENT)
    return pa.array(list(values), kind)


def _identities(numbers: NDArray[np.int32], documents: Sequence[Document]) -> pa.Table:
    """Addresses, session identifiers and names of customers of journeys."""
    parts = []
    for kind, values in (
        ("ip", [document["session"]["client_ip"] for document in documents]),
        ("session", [document["session"]["ids"] for document in documents]),
        ("customer", [_names_of(document) for document in documents]),
    ):
        whose = np.repeat(numbers, np.fromiter(map(len, values), np.int64, len(values)))
        columns = {"journey": whose, "kind": repeat(kind, len(whose)), "value": chain.from_iterable(values)}
        parts.append(_table(TABLES["identities"], columns))
    return pa.concat_tables(parts)


def _names_of(document: Document) -> list[str]:
    return [document["customer"], *document.get("customer_also", ())] if document["customer"] else []


def _say_campaign(intent: Document) -> str | None:
    """``utm_campaign=spring utm_source=mail``"""
    campaign = intent.get("campaign")
    return " ".join(f"{key}={value}" for key, value in campaign.items()) if campaign else None


def _say_searches(intent: Document) -> str | None:
    """What was searched for, on the way here and here, one a line."""
    terms = [intent[key] for key in ("search",) if key in intent] + intent.get("searched", [])
    return "\n".join(dict.fromkeys(terms)) or None
