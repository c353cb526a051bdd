"""The rows of all journeys, in order: which journey, when, by what evidence.

Everything narrow is sorted and folded here, as columns of integers; the wide columns of events follow in that order and are
never whole in memory. Two lines of three ask for static files: they become no rows of their own (``folding``).
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from reconstruct.engines.folding import Placed, fold_files
from reconstruct.engines.links import EVIDENCE_COLUMNS, Evidence
from reconstruct.engines.runs import Runs
from reconstruct.journeys.touchpoints import path_of
from reconstruct.store.codes import Codes, code_rows, number_values
from reconstruct.store.database import Store

Columns = dict[str, NDArray[Any]]

SERVICE = "coalesce(e.service, fs.service)"

REQUEST = "coalesce(served.anchor, d.anchor)"
"""Given where it joins lines."""

VIA_VALUE = (
    """coalesce(v.via_value, CASE v.via_type WHEN 'address' THEN e.client_ip WHEN 'referrer' THEN e.referrer END)"""
)
"""Addresses and referrers a link went by stand in the event."""

ANCHORED = """
    LEFT JOIN anchors a USING (eid) LEFT JOIN anchored d USING (eid)
    LEFT JOIN (SELECT DISTINCT anchor FROM anchored) served ON served.anchor = a.eid
"""

FACTS = f"""
    e.source, e.line, {SERVICE} AS service, e.method, e.path, p.route, e.query, e.status, e.duration_ms, e.referrer, e.vhost,
    e.level, e.logger, e.message, e.attributes, coalesce(p.is_asset, false) AS is_asset
"""

JOIN_FACTS = """
    JOIN source_family f ON f.source = e.source JOIN family_services fs ON fs.family = f.family LEFT JOIN paths p ON p.path = e.path
"""

GROUNDS = """
    CREATE OR REPLACE TABLE grounds AS
    SELECT (row_number() OVER ())::INTEGER - 1 AS number, *
    FROM (SELECT DISTINCT rule, via_type, confidence FROM event_visit)
"""
"""What evidence is of beside its value: a few dozen."""

TELLING = """
    CREATE OR REPLACE TABLE telling AS
    SELECT (row_number() OVER ())::INTEGER - 1 AS number, value FROM (
        SELECT client_ip AS value FROM events UNION SELECT referrer FROM events UNION SELECT via_value FROM event_visit)
    WHERE value IS NOT NULL
"""
"""Addresses, referrers and identifiers, so that rows hold numbers for them."""

PLACED = f"""
    SELECT v.eid, n.seq AS owner, t.t AS time_ns, v.rule <> 'object' AS own, a.asset IS TRUE AND v.rule <> 'object' AS folds,
           a.eid IS NOT NULL AS edge, coalesce({REQUEST}, -1) AS request, g.number AS ground, coalesce(x.number, -1) AS via
    FROM event_visit v JOIN numbered n USING (visit) JOIN timeline t USING (eid)
    JOIN grounds g ON g.rule = v.rule AND g.via_type IS NOT DISTINCT FROM v.via_type AND g.confidence = v.confidence {ANCHORED}
    LEFT JOIN telling x ON x.value = v.via_value
"""
"""One row per event of a journey, with what the rows are ordered and folded by …"""

SAID = """
    SELECT e.eid, coalesce(i.number, -1) AS address, coalesce(r.number, -1) AS referrer,
           CASE WHEN e.method IS NOT NULL AND NOT p.is_asset THEN p.number ELSE -1 END AS page
    FROM events e LEFT JOIN telling i ON i.value = e.client_ip LEFT JOIN telling r ON r.value = e.referrer
    LEFT JOIN paths p ON p.path = e.path
"""
"""… of which the events themselves say this. By itself: joined to the above in SQL it takes twice as long."""

WIDE = f"""
    SELECT CASE WHEN k.edge THEN 'edge' WHEN e.method IS NOT NULL THEN 'app' ELSE 'log' END AS tier,
           CASE WHEN k.request >= 0 THEN k.request::VARCHAR END AS request, {FACTS}
    FROM kept_rows k JOIN events e USING (eid) {JOIN_FACTS} ORDER BY k.place
"""
"""The rest of the rows that stay."""

OBJECTS = f"""
    SELECT v.object, t.t AS time_ns, CASE WHEN a.eid IS NOT NULL THEN 'edge' WHEN e.method IS NOT NULL THEN 'app' ELSE 'log' END AS tier,
           {REQUEST}::VARCHAR AS request, {FACTS}, NULL::INTEGER[] AS more,
           v.rule, coalesce(k.name, v.via_type) AS via_type, v.confidence::DOUBLE AS confidence,
           {VIA_VALUE} AS via_value, NULL::VARCHAR AS refused
    FROM thing_links v JOIN events e USING (eid) JOIN timeline t USING (eid) {ANCHORED}
    LEFT JOIN type_names k ON k.number = v.via_type {JOIN_FACTS} ORDER BY v.object, t.t, v.eid
"""
"""One row per event of a business object."""


@dataclass(slots=True)
class SessionRows:
    """The rows of all journeys."""

    runs: Runs
    """by ``owner``, the number of the journey, and in the order of time; ``evidence`` is a row of ``evidence``"""
    evidence: pa.Table
    """EVIDENCE_COLUMNS; each that occurs, once"""
    n_events: list[int]
    """per journey"""
    ended_ns: list[int]
    """per journey, see ``Folded``"""

    def until(self, owner: int) -> tuple[pa.Table, Evidence]:
        """All further rows whose owner is below ``owner``, and the evidence they rest on."""
        table = self.runs.until(owner)
        own, more = table["evidence"].to_numpy(), table["more_evidence"].combine_chunks().flatten().to_numpy()
        used, number = np.unique(np.concatenate([own, more]), return_inverse=True)
        evidence = Evidence(self.evidence.take(pa.array(used)), number[: len(own)], number[len(own) :])
        return table.drop_columns(["evidence", "more_evidence"]), evidence


def number_texts(store: Store) -> None:
    """Make ``grounds`` and ``telling``."""
    store.connection.execute(GROUNDS)
    store.connection.execute(TELLING)


def read_said(store: Store) -> pa.Table:
    """SAID: may be asked for before journeys have numbers. Needs ``telling``."""
    return store.arrow(SAID)


def gather_rows(store: Store, said: Future[pa.Table], doubts: Future[pa.Table]) -> SessionRows:
    """The rows of all journeys. Needs ``grounds``, ``telling``, ``numbered`` and ``family_services``.

    Args:
        said: What ``read_said`` gives.
        doubts: What ``find_doubts`` gives.
    """
    columns = _join_columns(store.arrow(PLACED), said.result())
    texts = store.arrow("SELECT value FROM telling ORDER BY number")["value"].combine_chunks()
    evidence, columns["evidence"] = _number_evidence(store, columns, texts, doubts.result())
    columns["leads"] = _find_pages(store, columns, texts)
    order = np.lexsort((columns["eid"], columns["time_ns"], columns["owner"]))
    placed = Placed(**{each.name: columns[each.name][order] for each in fields(Placed)})
    edge = columns["edge"][order]
    del columns, order  # a third of the peak of memory, which the query is about to reach
    pa.default_memory_pool().release_unused()
    folded = fold_files(placed)
    kept = folded.kept
    narrow = {name: getattr(placed, name)[kept] for name in ("owner", "time_ns", "own", "evidence")}
    wanted = {
        "eid": placed.eid[kept],
        "place": np.arange(len(kept)),
        "edge": edge[kept],
        "request": placed.request[kept],
    }
    store.connection.register("kept_in", pa.table(wanted))
    store.connection.execute("CREATE OR REPLACE TABLE kept_rows AS SELECT * FROM kept_in")
    store.connection.unregister("kept_in")
    runs = Runs(store, WIDE, pa.table({**narrow, "more": folded.more, "more_evidence": folded.more_evidence}))
    return SessionRows(runs, evidence, np.bincount(placed.owner).tolist(), folded.ended_ns.tolist())


def drop_tables(store: Store) -> None:
    """What only gathering rows needed."""
    for name in ("kept_rows", "grounds", "telling"):
        store.connection.execute(f"DROP TABLE IF EXISTS {name}")


def _join_columns(placed: pa.Table, said: pa.Table) -> Columns:
    """PLACED, and what SAID has of each of its rows."""
    columns = {name: placed[name].to_numpy() for name in placed.column_names}
    known = said["eid"].to_numpy()
    by_eid = None if np.all(known[1:] > known[:-1]) else np.argsort(known)
    at = np.searchsorted(known, columns["eid"], sorter=by_eid)
    at = at if by_eid is None else by_eid[at]
    return columns | {name: said[name].to_numpy()[at] for name in said.column_names if name != "eid"}


def _number_evidence(store: Store, columns: Columns, texts: pa.Array, doubts: pa.Table) -> tuple[pa.Table, Codes]:
    """The evidence that occurs, and which of it each row rests on. Addresses and referrers a link went by stand in the event."""
    grounds = store.arrow(
        """
        SELECT rule, coalesce(k.name, g.via_type) AS via_type, confidence::DOUBLE AS confidence, g.via_type AS kind FROM grounds g
        LEFT JOIN type_names k ON k.number = g.via_type ORDER BY g.number
        """
    )
    ground, via = columns["ground"], columns["via"]
    for kind in ("address", "referrer"):
        here = pc.fill_null(pc.equal(grounds["kind"], kind), False).to_numpy()[ground]
        via = np.where(here & (via < 0), columns[kind], via)
    doubt = _find_rows(columns["eid"], doubts["eid"].to_numpy())
    code, first = number_values(code_rows([ground.astype(np.int64), via.astype(np.int64) + 1, doubt + 1]))
    values = texts.take(pa.array(via[first], mask=via[first] < 0))
    evidence = grounds.take(pa.array(ground[first])).append_column("via_value", values)
    evidence = evidence.append_column("refused", doubts["refused"].take(pa.array(doubt[first], mask=doubt[first] < 0)))
    return evidence.select(EVIDENCE_COLUMNS), code


def _find_rows(values: Codes, among: Codes) -> Codes:
    """Where each value stands among ascending ones; -1 where it does not."""
    if not len(among):
        return np.full(len(values), -1)
    at = np.minimum(np.searchsorted(among, values), len(among) - 1)
    return np.where(among[at] == values, at, -1)


def _find_pages(store: Store, columns: Columns, texts: pa.Array) -> Codes:
    """Number of the path that the referrer of each static file names; -1: none, or one that was never asked for."""
    named = np.unique(columns["referrer"][columns["folds"]])
    named = named[named >= 0]
    paths = store.arrow("SELECT path FROM paths ORDER BY number")["path"].combine_chunks()
    read = pa.array([path_of(url) for url in texts.take(pa.array(named)).to_pylist()], pa.string())
    leads = np.full(len(texts) + 1, -1)  # the last is that of no referrer, -1
    leads[named] = pc.fill_null(pc.index_in(read, paths), -1).to_numpy()
    return leads[columns["referrer"]]


class ObjectRows:
    """The rows of all business objects."""

    def __init__(self, store: Store) -> None:
        self._table = store.arrow(OBJECTS)
        objects, first = np.unique(self._table.column("object").to_numpy(), return_index=True)
        self._start = dict(zip(objects.tolist(), pairwise([*first.tolist(), self._table.num_rows]), strict=True))

    def of(self, objects: Iterable[int]) -> pa.Table:
        """The rows of some objects, object by object."""
        spans = [np.arange(*self._start[each]) for each in objects if each in self._start]
        return self._table.take(pa.array(np.concatenate([np.zeros(0, np.int64), *spans])))

    def all(self) -> pa.Table:
        return self._table
