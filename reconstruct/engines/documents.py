"""Builds the documents of a run of journeys: rows in, a frame out.

This is what a worker process does with one partition; nothing here knows of the store.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, compress, islice, pairwise, repeat
from typing import Any

import numpy as np
import pyarrow as pa

from reconstruct.engines.assembly import Assembly, Buffer, Frame, assemble_loose
from reconstruct.engines.links import EVIDENCE_COLUMNS, Evidence, Links, list_events
from reconstruct.journeys import build, process
from reconstruct.journeys.models import Models
from reconstruct.journeys.rows import ObjectInput, Row, SessionInput, name_object
from reconstruct.store.codes import Codes, code_rows, code_texts


@dataclass(slots=True)
class SessionFacts:
    """What is known of a session beside its rows; picklable."""

    id: str
    session_ids: list[str]
    client_ips: list[str]
    user_agent: str | None
    device: str
    agent_kind: str
    identifiers: dict[str, list[str]] = field(default_factory=dict)
    previous: str | None = None
    cut_off: bool = False
    customer: str | None = None
    customer_from: str | None = None
    customer_also: list[str] = field(default_factory=list)
    """filled in by ``engines/people.py``, as in ``SessionInput``"""
    agent_why: str = ""


@dataclass(slots=True)
class ObjectFacts:
    """What is known of a business object beside its rows; picklable."""

    object: int
    type: str
    value: str
    trigger: tuple[int, int] | None
    """(source, line) of its birth event"""
    parts: list[tuple[str, str]] = field(default_factory=list)
    attempt: int = 0
    """the how manieth try in vain, before the visit that succeeded; 0: the object itself"""

    def with_rows(self, rows: list[Row], trigger: int | None) -> ObjectInput:
        return ObjectInput(self.type, self.value, rows, trigger, self.parts, self.attempt)


@dataclass(slots=True)
class Partition:
    """A run of journeys, in order. Tables are sorted by owner, then time."""

    first: int
    """number of the first journey"""
    sessions: list[SessionFacts]
    ended_ns: list[int]
    """when each journey ended"""
    rows: pa.Table
    """columns of Row, ``owner`` (number of the journey) and ``own`` (false: it is there through an object)"""
    evidence: Evidence
    """of ``rows``"""
    objects: list[list[ObjectFacts]]
    """per session"""
    object_rows: pa.Table
    """ROW_COLUMNS, EVIDENCE_COLUMNS and ``object``"""

    def __reduce__(self) -> tuple[Any, ...]:
        evidence = self.evidence
        tables = _pack(self.rows), _pack(evidence.distinct), _pack(self.object_rows)
        return _unpack, (self.first, self.sessions, self.ended_ns, self.objects, (evidence.own, evidence.more), *tables)


def _pack(table: pa.Table) -> pa.Buffer:
    """A table on its way to another process: pickled as it is, a slice takes all that it was cut from with it."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


def _unpack(
    first: int,
    sessions: list[SessionFacts],
    ended_ns: list[int],
    objects: list[list[ObjectFacts]],
    codes: tuple[Codes, Codes],
    *packed: pa.Buffer,
) -> Partition:
    rows, distinct, object_rows = (pa.ipc.open_stream(each).read_all() for each in packed)
    return Partition(first, sessions, ended_ns, rows, Evidence(distinct, *codes), objects, object_rows)


def object_inputs(objects: list[ObjectFacts], rows: pa.Table) -> list[ObjectInput]:
    """The objects with their rows; those without any are left out."""
    by_object = _ObjectRows(rows, objects)
    found = (each.with_rows(by_object.of(each), None) for each in objects)
    return [each for each in found if each.rows]


def build_objects(objects: list[ObjectFacts], rows: pa.Table, models: Models) -> list[dict[str, Any]]:
    """Business journeys of objects, as no visit is known to have begun them; those without rows are left out."""
    return [build.build_business(each, models) for each in object_inputs(objects, rows)]


def build_frame(partition: Partition, models: Models, learned: process.Process, logs_end_ns: int) -> Frame:
    """Documents of a partition of sessions, in order, with links and deviations."""
    table = partition.rows
    numbers = np.arange(partition.first, partition.first + len(partition.sessions) + 1)
    bounds = np.searchsorted(table.column("owner").to_numpy(), numbers).tolist()
    all_rows, own = _rows(table), table.column("own").to_numpy()
    foreign = np.concatenate([[0], np.cumsum(~own)])[bounds].tolist()  # rows of objects before each journey
    links = Links(table, partition.evidence, repeat("session", partition.evidence.distinct.num_rows))
    by_object = _ObjectRows(partition.object_rows, list(chain.from_iterable(partition.objects)))
    frame = Assembly(partition.first)
    for number, ((start, stop), (n_events, own_links)) in enumerate(
        zip(pairwise(bounds), links.between(bounds), strict=True)
    ):
        facts, things = partition.sessions[number], partition.objects[number]
        rows, caused = list(islice(all_rows, stop - start)), []
        if foreign[number] != foreign[number + 1]:
            mine = own[start:stop]
            rows, caused = list(compress(rows, mine)), list(compress(rows, ~mine))
        lines = {each.trigger[1] for each in things if each.trigger}
        place = {(row.source, row.line): index for index, row in enumerate(rows) if row.line in lines} if lines else {}
        objects = [
            each.with_rows(by_object.of(each), place.get(each.trigger) if each.trigger else None) for each in things
        ]
        session = SessionInput(
            facts.id, facts.customer, facts.session_ids, facts.client_ips, facts.user_agent, facts.device, facts.agent_kind,
            rows, objects, caused, facts.identifiers, facts.previous, facts.cut_off, partition.ended_ns[number], facts.customer_from,
            facts.customer_also, facts.agent_why,
        )  # fmt: skip
        visit = build.build_journey(session, models)
        if things:
            build.annotate_journey(visit, learned, models, logs_end_ns)
        frame.add(visit, n_events, [text for text in (own_links, *map(by_object.links_of, things)) if text])
    return frame.finish([each.object for each in chain.from_iterable(partition.objects)])


def build_unattributed(
    objects: list[ObjectFacts], rows: pa.Table, models: Models, learned: process.Process, logs_end_ns: int
) -> Frame:
    """Business journeys that no session is known for."""
    by_object = _ObjectRows(rows, objects)
    documents = [
        process.annotate(build.build_business(each.with_rows(by_object.of(each), None), models), learned, logs_end_ns)
        for each in objects
    ]
    return assemble_loose(documents, [each.object for each in objects])


def _values(table: pa.Table, name: str) -> list[Any]:
    """A column as Python values. Texts repeat (routes, referrers, rules), so equal ones become one object."""
    column = table.column(name).combine_chunks()
    if column.null_count == len(column):
        return [None] * len(column)
    if name == "events":  # no two are alike
        return list(column.to_pylist())
    if pa.types.is_string(column.type):
        codes, texts = code_texts(column)
        if len(texts) == 1 and not column.null_count:
            return [texts[0].as_py()] * len(column)
        told = np.array([*texts.to_pylist(), None], np.object_)  # the code of null is -1: the last
        return list(told[codes].tolist())
    if column.null_count or pa.types.is_list(column.type):
        return list(column.to_pylist())
    return list(column.to_numpy(zero_copy_only=False).tolist())


def _rows(table: pa.Table) -> Iterator[Row]:
    """Made one after the other: those of one visit fit into the processor's cache."""
    table = table.append_column("events", list_events(table))
    columns = (_values(table, name) for name in Row._fields)
    return map(partial(tuple.__new__, Row), zip(*columns, strict=True))  # Row._make, without its checks


class _ObjectRows:
    """The rows of business objects, and their links. ``table`` has them object by object."""

    def __init__(self, table: pa.Table, objects: list[ObjectFacts]) -> None:
        self._rows: list[Row] = []
        self._spans: dict[int, tuple[int, int]] = {}
        self._links: dict[int, Buffer] = {}
        if not table.num_rows:
            return
        self._rows = list(_rows(table))
        names = {each.object: name_object(each.type, each.value, each.attempt) for each in objects}
        number = table.column("object").to_numpy()
        starts = np.flatnonzero(np.diff(number, prepend=-1))
        bounds = [*starts.tolist(), len(number)]
        self._spans = dict(zip(number[starts].tolist(), pairwise(bounds), strict=True))
        found, code = np.unique(number, return_inverse=True)
        key = code_rows([code, *table.select(EVIDENCE_COLUMNS).columns])
        _, first, number = np.unique(key, return_index=True, return_inverse=True)
        evidence = Evidence(table.take(pa.array(first)), number, number[:0])
        links = Links(table, evidence, (names.get(each, "") for each in found[code[first]].tolist()))
        self._links = {thing: text for thing, (_, text) in zip(self._spans, links.between(bounds), strict=True)}

    def of(self, thing: ObjectFacts) -> list[Row]:
        return self._rows[slice(*self._spans.get(thing.object, (0, 0)))]

    def links_of(self, thing: ObjectFacts) -> Buffer:
        return self._links.get(thing.object, b"")
