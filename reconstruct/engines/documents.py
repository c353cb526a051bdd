"""Builds the documents of a run of journeys: rows in, one compressed frame of JSON lines and the list's columns out.

This is what a worker process does with one partition; nothing here knows of the store.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import zstandard

from reconstruct.journeys import build, process
from reconstruct.journeys.models import Models
from reconstruct.journeys.rows import ObjectInput, Row, SessionInput

FRAME_LEVEL = 1
"""zstd level of a frame: documents repeat themselves, level 1 already takes 90 % off at 500 MB/s."""

ROW_COLUMNS = Row._fields

EVIDENCE_COLUMNS = ("rule", "via_type", "via_value", "confidence")


@dataclass(slots=True)
class SessionFacts:
    """What is known of a session beside its rows; picklable."""

    id: str
    customer: str | None
    session_ids: list[str]
    client_ips: list[str]
    user_agent: str | None
    device: str
    agent_kind: str
    identifiers: dict[str, list[str]] = field(default_factory=dict)
    previous: str | None = None
    cut_off: bool = False


@dataclass(slots=True)
class ObjectFacts:
    """What is known of a business object beside its rows; picklable."""

    object: int
    type: str
    value: str
    trigger: tuple[int, int] | None
    """(source, line) of its birth event"""
    parts: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Partition:
    """A run of journeys, in order. Tables are sorted by owner, then time."""

    sessions: list[SessionFacts]
    rows: pa.Table
    """ROW_COLUMNS, EVIDENCE_COLUMNS, ``at`` (index into ``sessions``) and ``own`` (false: it is there through an object)"""
    objects: list[list[ObjectFacts]]
    """per session"""
    object_rows: pa.Table
    """ROW_COLUMNS, EVIDENCE_COLUMNS and ``object``"""


@dataclass(slots=True)
class Frame:
    """What a partition becomes."""

    docs: bytes
    """zstd; one JSON document a line"""
    rows: list[dict[str, Any]]
    """one per journey document: the columns of the journey list"""
    business: list[dict[str, Any]]
    """one per business journey: the columns of table ``business``; ``at`` is the journey's place in the partition"""


def object_inputs(objects: list[ObjectFacts], rows: pa.Table) -> list[ObjectInput]:
    """The objects with their rows; those without any are left out."""
    by_object = _object_rows(rows)
    found = (ObjectInput(each.type, each.value, by_object[each.object][0], None, each.parts) for each in objects)
    return [each for each in found if each.rows]


def learn_process(objects: list[ObjectFacts], rows: pa.Table, models: Models) -> process.Process:
    """What usually happens to objects of these logs: from all their business journeys at once."""
    return process.learn([build.build_business(each, models) for each in object_inputs(objects, rows)], models)


def build_frame(partition: Partition, models: Models, learned: process.Process, logs_end_ns: int) -> Frame:
    """Documents of a partition of sessions, in order, with links and deviations."""
    by_object = _object_rows(partition.object_rows)
    lines: list[bytes] = []
    summaries: list[dict[str, Any]] = []
    businesses: list[dict[str, Any]] = []
    for number, (rows, evidence, own) in enumerate(_session_rows(partition.rows, len(partition.sessions))):
        facts, things = partition.sessions[number], partition.objects[number]
        session_rows = rows if own is None else [row for row, mine in zip(rows, own, strict=True) if mine]
        place = {(row.source, row.line): index for index, row in enumerate(session_rows)} if things else {}
        objects = [
            ObjectInput(each.type, each.value, by_object[each.object][0], place.get(each.trigger) if each.trigger else None, each.parts)
            for each in things
        ]  # fmt: skip
        session = SessionInput(
            facts.id, facts.customer, facts.session_ids, facts.client_ips, facts.user_agent, facts.device, facts.agent_kind,
            session_rows, objects, [] if own is None else [row for row, mine in zip(rows, own, strict=True) if not mine],
            facts.identifiers, facts.previous, facts.cut_off,
        )  # fmt: skip
        document = build.build_journey(session, models)
        document["business_journeys"] = [
            process.annotate(business, learned, logs_end_ns) for business in document["business_journeys"]
        ]
        businesses += [_business_row(business, number) for business in document["business_journeys"]]
        summary = build.summary_row(document)
        summary |= {
            "n_events": sum(1 if row.more is None else 1 + len(row.more) for row in rows),
            "ended_at": document["ended_at"],
        }
        summaries.append(summary)
        links = _render_links(rows, evidence, "session")
        for each in things:
            links += _render_links(*by_object[each.object], f"{each.type}:{each.value}")
        document["links"] = orjson.Fragment(f"[{','.join(links)}]")
        lines.append(orjson.dumps(document))
    return Frame(zstandard.ZstdCompressor(FRAME_LEVEL).compress(b"\n".join(lines)), summaries, businesses)


def build_unattributed(
    objects: list[ObjectFacts], rows: pa.Table, models: Models, learned: process.Process, logs_end_ns: int
) -> Frame:
    """Business journeys that no session is known for."""
    by_object = _object_rows(rows)
    lines, businesses = [], []
    for each in objects:
        thing = ObjectInput(each.type, each.value, by_object[each.object][0], None, each.parts)
        business = process.annotate(build.build_business(thing, models), learned, logs_end_ns)
        lines.append(orjson.dumps(business))
        businesses.append(_business_row(business, None))
    return Frame(zstandard.ZstdCompressor(FRAME_LEVEL).compress(b"\n".join(lines)), [], businesses)


def _business_row(business: dict[str, Any], at: int | None) -> dict[str, Any]:
    value = business.get("value") or {}
    return {
        "at": at, "id": business["id"], "type": business["object"]["type"], "outcome": business["outcome"],
        "amount": value.get("amount"), "currency": value.get("currency"), "n_steps": len(business["steps"]),
        "started_at": business["started_at"], "ended_at": business["ended_at"], "duration_ms": business["duration_ms"],
    }  # fmt: skip


def read_frame(docs: bytes) -> list[bytes]:
    """The JSON documents of a frame."""
    return zstandard.ZstdDecompressor().decompress(docs).split(b"\n")


def _values(table: pa.Table, name: str) -> list[Any]:
    """A column as Python values. Texts repeat (routes, referrers, rules), so equal ones become one object."""
    column = table.column(name).combine_chunks()
    if column.null_count == len(column):
        return [None] * len(column)
    if pa.types.is_list(column.type):
        return list(column.to_pylist())
    if pa.types.is_string(column.type):
        encoded = column.dictionary_encode()
        texts = [*encoded.dictionary.to_pylist(), None]  # the code of null is -1: the last
        return [texts[code] for code in encoded.indices.fill_null(-1).to_numpy().tolist()]
    if column.null_count or pa.types.is_boolean(column.type):
        return list(column.to_pylist())
    return list(column.to_numpy().tolist())


def _rows(table: pa.Table) -> Iterator[Row]:
    return map(Row._make, zip(*(_values(table, name) for name in ROW_COLUMNS), strict=True))


def _evidence(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(_values(table, name) for name in EVIDENCE_COLUMNS), strict=True)


Rows = list[Row]
Evidence = list[tuple[Any, ...]]


def _session_rows(table: pa.Table, count: int) -> Iterator[tuple[Rows, Evidence, list[bool] | None]]:
    """Per session its rows, their evidence, and which are its own (None: all). Rows are sorted by session."""
    rows, evidence = list(_rows(table)), list(_evidence(table))
    own = table.column("own").to_numpy()
    bounds = np.searchsorted(table.column("at").to_numpy(), np.arange(count + 1)).tolist()
    for start, stop in pairwise(bounds):
        mine = own[start:stop]
        yield rows[start:stop], evidence[start:stop], None if mine.all() else mine.tolist()


def _object_rows(table: pa.Table) -> dict[int, tuple[Rows, Evidence]]:
    found: dict[int, tuple[Rows, Evidence]] = defaultdict(lambda: ([], []))
    for number, row, why in zip(table.column("object").to_pylist(), _rows(table), _evidence(table), strict=True):
        rows, evidence = found[number]
        rows.append(row)
        evidence.append(why)
    return found


def _render_links(rows: Sequence[Row], evidence: Iterable[tuple[Any, ...]], to: str) -> list[str]:
    """One JSON link per row. The tail of a link repeats for most events of a session, so it is rendered once."""
    tails: dict[tuple[Any, ...], str] = {}
    links = []
    for row, why in zip(rows, evidence, strict=True):
        tail = tails.get(why)
        if tail is None:
            rule, via_type, via_value, confidence = why
            via = [{"type": via_type, "value": via_value}] if via_value is not None else []
            body = {"to": to, "rule": rule, "via": via, "confidence": round(confidence, 4)}
            tail = tails[why] = orjson.dumps(body)[1:].decode()
        links.append(f'{{"event":[{row[0]},{row[1]}],{tail}')
        if row[19] is not None:
            links += [f'{{"event":[{row[0]},{line}],{tail}' for line in row[19]]
    return links
