"""A frame: what some visits became, as text and as the columns of the store's tables.

Documents are rendered once, here; lists, queries and figures look at the columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import zstandard

from reconstruct.engines.facts import Tables, describe_business, describe_journeys, tabulate_journeys, tabulate_loose
from reconstruct.engines.passages import draw_courses, tell_ways
from reconstruct.journeys.build import Visit, render_visit, summary_row
from reconstruct.journeys.rendering import Renderer
from reconstruct.store.codes import Codes

FRAME_LEVEL = 1
"""zstd level of a frame: documents repeat themselves, level 1 already takes 90 % off at 500 MB/s."""

SEPARATOR = b",\n"
"""What stands between documents: what the export has there, so that it writes a frame as it is. No document holds a line end."""

Buffer = bytes | memoryview
Document = dict[str, Any]

JOURNEYS = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("id", "customer", "channel", "agent_kind", "device", "started_at", "ended_at")
        ),
        ("duration_ms", pa.int64()),
        *((name, pa.string()) for name in ("stage_reached", "outcome", "goal", "orders", "value", "search")),
        ("achieved_at", pa.string()),
        *((name, pa.int32()) for name in ("score", "n_touchpoints", "n_errors", "n_events")),
    ]
)
"""Columns of table ``journeys`` that a document tells."""

BUSINESS = pa.schema(
    [
        ("journey", pa.int32()),
        *((name, pa.string()) for name in ("id", "type", "outcome", "amount", "currency", "started_at", "ended_at")),
        ("duration_ms", pa.int64()),
        ("n_steps", pa.int32()),
    ]
)
"""Columns of table ``business``."""

SEARCHED = ("id", "customer", "channel", "device", "agent_kind", "stage_reached", "outcome", "goal", "orders")
"""What the filter box of the journey list looks in."""


@dataclass(slots=True)
class Frame:
    """What a partition becomes."""

    docs: bytes
    """zstd; one JSON document a line"""
    journeys: pa.Table
    """table ``journeys`` but for ``seq``, ``frame`` and ``position``: one row per journey document"""
    business: pa.Table
    """table ``business`` but for ``number`` and ``listed``: one row per business journey"""
    facts: Tables
    """the same documents as columns"""


class Assembly:
    """Makes a frame of visits, in order."""

    def __init__(self, first: int) -> None:
        """``first``: number of the first journey."""
        self._first = first
        self._renderer = Renderer()
        self._rows: list[Document] = []
        self._documents: list[Document] = []
        self._links: list[Sequence[Buffer]] = []

    def add(self, visit: Visit, n_events: int, links: Sequence[Buffer]) -> None:
        """The next visit, of so many events, with the text of its links."""
        row = summary_row(visit)
        row["n_events"] = n_events
        row["search"] = " ".join(filter(None, map(row.get, SEARCHED))).lower()
        self._rows.append(row)
        self._renderer.add(visit.touchpoints)
        self._documents.append(visit.document)
        self._links.append(links)

    def finish(self, things: Sequence[int]) -> Frame:
        """``things``: the numbers of all business objects, in order."""
        documents, first = self._documents, self._first
        owned = [document["business_journeys"] for document in documents]
        tables = tabulate_journeys(first, documents, self._renderer)
        touchpoints = tables["touchpoints"]
        owner = touchpoints["journey"].to_numpy() - first
        reached = touchpoints["milestone"].to_numpy()
        passed = touchpoints["activity"].filter(pa.array(reached)).combine_chunks()
        journeys = _beside(pa.Table.from_pylist(self._rows, JOURNEYS), describe_journeys(documents))
        journeys = _with_ways(journeys, owner[reached], passed)
        journeys = journeys.append_column("course", draw_courses(touchpoints, owner, owned))
        numbers = np.repeat(np.arange(first, first + len(owned)), list(map(len, owned))).tolist()
        business = _business_table(list(chain.from_iterable(owned)), numbers, things, tables)
        return Frame(_compress(self._render()), journeys, business, tables)

    def _render(self) -> list[Buffer]:
        """The text of the documents, each after a SEPARATOR. Links are half of it: they are copied once, into the frame."""
        pieces: list[Buffer] = []
        for document, touchpoints, links in zip(self._documents, self._renderer.render(), self._links, strict=True):
            body = memoryview(render_visit(document, touchpoints))[:-1]
            pieces += [SEPARATOR, body, b',"links":[', *_between(b",", links), b"]}"]
        return pieces


def assemble_loose(documents: Sequence[Document], things: Sequence[int]) -> Frame:
    """A frame of business journeys that no session is known for; ``things``: the numbers of their objects."""
    pieces: list[Buffer] = [piece for document in documents for piece in (SEPARATOR, orjson.dumps(document))]
    tables = tabulate_loose(documents)
    business = _business_table(documents, [None] * len(documents), things, tables)
    return Frame(_compress(pieces), JOURNEYS.empty_table(), business, tables)


def _compress(pieces: Sequence[Buffer]) -> bytes:
    """``pieces``: of the text of the documents, each after a SEPARATOR."""
    return zstandard.ZstdCompressor(FRAME_LEVEL).compress(b"".join(pieces[1:]))


def _business_table(
    documents: Sequence[Document], journeys: Sequence[int | None], things: Sequence[int], tables: Tables
) -> pa.Table:
    rows = pa.Table.from_pylist(list(map(_business_row, documents, journeys)), BUSINESS)
    steps = tables["steps"]
    rows = _beside(rows, describe_business(documents, things))
    return _with_ways(rows, steps["business"].to_numpy(), steps["activity"].combine_chunks())


def _business_row(business: Document, journey: int | None) -> Document:
    value = business.get("value") or {}
    return {
        "journey": journey, "id": business["id"], "type": business["object"]["type"], "outcome": business["outcome"],
        "amount": value.get("amount"), "currency": value.get("currency"), "n_steps": len(business["steps"]),
        "started_at": business["started_at"], "ended_at": business["ended_at"], "duration_ms": business["duration_ms"],
    }  # fmt: skip


def _with_ways(rows: pa.Table, owner: Codes, activity: pa.Array) -> pa.Table:
    way, variant = tell_ways(owner, activity, rows.num_rows)
    return rows.append_column("way", way).append_column("variant", variant)


def _beside(left: pa.Table, right: pa.Table) -> pa.Table:
    """Tables of the same rows as one."""
    return pa.table({name: table[name] for table in (left, right) for name in table.column_names})


def _between(separator: Buffer, pieces: Sequence[Buffer]) -> list[Buffer]:
    return list(pieces) if len(pieces) < 2 else [each for piece in pieces for each in (separator, piece)][1:]
