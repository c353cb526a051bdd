"""Frames in the store: what partitions became goes in as it comes, and comes out as documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import orjson
import pyarrow as pa
import zstandard
from numpy.typing import NDArray

from reconstruct.engines.assembly import SEPARATOR, Document, Frame
from reconstruct.engines.facts import LOOSE
from reconstruct.engines.workers import run_ahead
from reconstruct.store.database import Store

ROW_GROUP = 122_880
"""Rows that the database compresses together (its default). So many are written at once, while further frames are being built;
what is left of a table at the end: parts of a group would be compressed again and again."""


OPEN_AHEAD = 2
"""Frames opened (7 MB each) while the one before is being written out."""


class FrameWriter:
    """Fills ``frames``, ``journeys``, ``business`` and the tables of facts: frames of journeys in order, then that of business
    journeys without a session."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[str, list[pa.Table]] = defaultdict(list)
        self._frames = self._journeys = self._business = 0

    def add(self, frame: Frame) -> None:
        """The journeys that come next."""
        n = frame.journeys.num_rows
        places = {
            "seq": np.arange(self._journeys, self._journeys + n),
            "frame": np.full(n, self._frames),
            "position": np.arange(n),
        }
        self._keep("journeys", _with_numbers(frame.journeys, **places))
        self._add("journey", self._frames, frame, frame.business["journey"])
        self._journeys += n
        self._frames += 1

    def finish(self, unattributed: Frame) -> None:
        """The business journeys no session is known for."""
        listed = pa.array(np.arange(LOOSE, LOOSE + unattributed.business.num_rows), pa.int32())
        self._add("business", 0, unattributed, listed)
        self._store.insert_all({name: pa.concat_tables(tables) for name, tables in self._waiting.items()})

    def _add(self, kind: str, number: int, frame: Frame, listed: pa.ChunkedArray | pa.Array) -> None:
        docs = {
            "kind": pa.array([kind], pa.string()),
            "frame": pa.array([number], pa.int32()),
            "docs": pa.array([frame.docs], pa.binary()),
        }
        self._keep("frames", pa.table(docs))
        n = frame.business.num_rows
        numbers = np.arange(self._business, self._business + n)
        self._keep("business", _with_numbers(frame.business, number=numbers).append_column("listed", listed))
        for name, table in frame.facts.items():
            self._keep(name, _shift(table, self._business))
        self._business += n

    def _keep(self, name: str, rows: pa.Table) -> None:
        waiting = self._waiting[name]
        waiting.append(rows)
        if sum(each.num_rows for each in waiting) >= ROW_GROUP:
            table = pa.concat_tables(waiting)
            self._waiting[name] = [table.slice(ROW_GROUP)]
            self._store.insert(name, table.slice(0, ROW_GROUP))


def _with_numbers(rows: pa.Table, **numbers: NDArray[np.int64]) -> pa.Table:
    for name, values in numbers.items():
        rows = rows.append_column(name, pa.array(values, pa.int32()))
    return rows


def _shift(table: pa.Table, start: int) -> pa.Table:
    """Business journeys count from 0 in each frame; in the store they are numbered through."""
    if not start or not table.num_rows or "business" not in table.column_names:
        return table
    moved = table.column("business").to_numpy() + np.int32(start)
    return table.set_column(table.schema.get_field_index("business"), "business", pa.array(moved, pa.int32()))


def open_frame(docs: bytes) -> bytes:
    """The JSON documents of a frame as one text, with a SEPARATOR between them."""
    return zstandard.ZstdDecompressor().decompress(docs)


def read_frame(docs: bytes) -> list[bytes]:
    """The JSON documents of a frame."""
    return open_frame(docs).split(SEPARATOR)


def read_document(docs: bytes, position: int) -> bytes:
    """One JSON document of a frame; the others are not taken apart."""
    lines = open_frame(docs)
    start = 0
    for _ in range(position):
        start = lines.index(SEPARATOR, start) + len(SEPARATOR)
    end = lines.find(SEPARATOR, start)
    return lines[start:] if end < 0 else lines[start:end]


def read_blocks(store: Store, kind: str) -> Iterator[bytes]:
    """All stored documents of a kind, in order: many at a time, with a SEPARATOR between them."""
    frames = (docs for (docs,) in store.rows("SELECT docs FROM frames WHERE kind = ? ORDER BY frame", [kind]))
    with ThreadPoolExecutor(1) as beside:
        yield from (text for _, text in run_ahead(beside, open_frame, frames, OPEN_AHEAD))


def read_documents(store: Store, kind: str) -> Iterator[bytes]:
    """All stored documents of a kind, in order."""
    for block in read_blocks(store, kind):
        yield from block.split(SEPARATOR) if block else ()


def loads(document: bytes) -> Document:
    """A stored document as a dictionary."""
    found: Document = orjson.loads(document)
    return found
