"""The rows of all journeys, in order: which journey, when, by what evidence.

They come slice by slice: so many journeys that their lines fit into memory, whatever the logs hold, and that the first are
being built while the next are gathered. Of a slice, everything narrow is sorted and folded as columns of integers, and only
rows that stay get the wide columns of events: two lines of three ask for static files, which become none (``folding``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from reconstruct.correlate.surroundings import writer_of
from reconstruct.engines.folding import Placed, fold_files
from reconstruct.engines.links import EVIDENCE_COLUMNS, Evidence
from reconstruct.journeys.touchpoints import path_of
from reconstruct.store.codes import Codes, code_rows, number_values
from reconstruct.store.database import EID_SHIFT, Store

Columns = dict[str, NDArray[Any]]

SERVICE = f"coalesce({writer_of('e')}, fs.service)"

REQUEST = "coalesce(served.anchor, d.anchor)"
"""Given where it joins lines."""

VIA_VALUE = f"""coalesce(
    CASE v.via_type WHEN 'request' THEN (SELECT path FROM sources WHERE id = TRY_CAST(v.via_value AS BIGINT) >> {EID_SHIFT})
                                        || ':' || (TRY_CAST(v.via_value AS BIGINT) & {(1 << EID_SHIFT) - 1}) ELSE v.via_value END,
    CASE v.via_type WHEN 'address' THEN e.client_ip WHEN 'referrer' THEN e.referrer END)"""
"""Addresses and referrers a link went by stand in the event; a request that has no identifier is told by its line."""

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

FIRST_SLICE = 60_000
"""Lines of the first slice: soon there, so that workers have something to build; each further one may be twice as long …"""

LONGEST_SLICE = 240_000
"""… up to this, which takes some 100 MB with wide lines, and a tenth of a second beside what is in it."""

OF_SLICE = "WHERE n.seq BETWEEN ? AND ?"

GROUNDS = """
    CREATE TEMP TABLE grounds AS
    SELECT (row_number() OVER ())::INTEGER - 1 AS number, *
    FROM (SELECT DISTINCT rule, via_type, confidence FROM event_visit)
"""
"""What evidence is of beside its value: a few dozen."""

GROUND = """
    SELECT rule, coalesce(k.name, g.via_type) AS via_type, confidence::DOUBLE AS confidence, g.via_type AS kind FROM grounds g
    LEFT JOIN type_names k ON k.number = g.via_type ORDER BY g.number
"""

TELLING = """
    CREATE TEMP TABLE telling AS
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
    LEFT JOIN telling x ON x.value = v.via_value {OF_SLICE}
"""
"""One row per event of the journeys of a slice, with what the rows are ordered and folded by …"""

SAID = f"""
    SELECT e.eid, coalesce(i.number, -1) AS address, coalesce(r.number, -1) AS referrer,
           CASE WHEN e.method IS NOT NULL AND NOT p.is_asset THEN p.number ELSE -1 END AS page
    FROM (SELECT eid FROM event_visit JOIN numbered n USING (visit) {OF_SLICE}) JOIN events e USING (eid)
    LEFT JOIN telling i ON i.value = e.client_ip LEFT JOIN telling r ON r.value = e.referrer LEFT JOIN paths p ON p.path = e.path
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
class Slice:
    """The rows of a run of journeys."""

    rows: pa.Table
    """``owner``, the number of the journey, ``time_ns``, ``own``, ``more`` and WIDE; by journey and in the order of time"""
    evidence: Evidence
    """of ``rows``"""
    first: int
    """number of the first journey"""
    n_events: list[int]
    """per journey"""
    ended_ns: list[int]
    """per journey, see ``Folded``"""

    def part(self, first: int, last: int) -> tuple[pa.Table, Evidence]:
        """The rows of the journeys from ``first`` to before ``last``, and the evidence they rest on."""
        start, stop = np.searchsorted(self.rows["owner"].to_numpy(), [first, last]).tolist()
        begin, end = self.rows["more"].chunk(0).offsets.to_numpy()[[start, stop]].tolist()
        own, folded = self.evidence.own[start:stop], self.evidence.more[begin:end]
        used, number = np.unique(np.concatenate([own, folded]), return_inverse=True)
        evidence = Evidence(self.evidence.distinct.take(pa.array(used)), number[: len(own)], number[len(own) :])
        return self.rows.slice(start, stop - start), evidence


class SessionRows:
    """The rows of all journeys. Needs ``numbered`` and ``family_services``."""

    def __init__(self, store: Store, doubts: Future[pa.Table]) -> None:
        """``doubts``: what ``find_doubts`` gives; waited for when the first rows are."""
        self._db = store.connection.cursor()  # numbers are its own: no other connection sees a temporary table
        self._doubts = doubts
        self._db.execute(GROUNDS)
        self._db.execute(TELLING)
        self._grounds = self._ask(GROUND)
        self._texts = self._ask("SELECT value FROM telling ORDER BY number")["value"].combine_chunks()
        self._paths = self._ask("SELECT path FROM paths ORDER BY number")["path"].combine_chunks()

    def slices(self) -> Iterator[Slice]:
        """All of them, in order."""
        sizes = self._ask("SELECT n FROM numbered ORDER BY seq")["n"].to_numpy()
        for first, last in cut_slices(sizes):
            yield self._gather(first, last)
        self._db.close()

    def _ask(self, sql: str, *parameters: int) -> pa.Table:
        return self._db.sql(sql, params=list(parameters)).to_arrow_table()

    def _gather(self, first: int, last: int) -> Slice:
        """The slice of the journeys from ``first`` to before ``last``."""
        columns = _join_columns(self._ask(PLACED, first, last - 1), self._ask(SAID, first, last - 1))
        evidence, columns["evidence"] = self._number_evidence(columns)
        columns["leads"] = self._find_pages(columns)
        columns["owner"] = columns["owner"] - first
        order = np.lexsort((columns["eid"], columns["time_ns"], columns["owner"]))
        placed = Placed(**{each.name: columns[each.name][order] for each in fields(Placed)})
        edge = columns["edge"][order]
        folded = fold_files(placed)
        kept = folded.kept
        rows = {name: pa.array(getattr(placed, name)[kept]) for name in ("owner", "time_ns", "own")}
        rows |= {"owner": pa.array(placed.owner[kept] + first), "more": folded.more}
        wanted = {"eid": placed.eid[kept], "place": np.arange(len(kept)), "edge": edge[kept]}
        wide = self._read_wide(pa.table(wanted | {"request": placed.request[kept]}))
        rows |= dict(zip(wide.column_names, wide.columns, strict=True))
        more = folded.more_evidence.flatten().to_numpy()
        proof = Evidence(evidence, placed.evidence[kept], more)
        return Slice(pa.table(rows), proof, first, np.bincount(placed.owner).tolist(), folded.ended_ns.tolist())

    def _read_wide(self, kept: pa.Table) -> pa.Table:
        self._db.register("kept_rows", kept)
        try:
            return self._ask(WIDE)
        finally:
            self._db.unregister("kept_rows")

    def _number_evidence(self, columns: Columns) -> tuple[pa.Table, Codes]:
        """The evidence that occurs, and which of it each row rests on. Addresses and referrers a link went by stand in the event."""
        grounds, doubts = self._grounds, self._doubts.result()
        ground, via = columns["ground"], columns["via"]
        for kind in ("address", "referrer"):
            here = pc.fill_null(pc.equal(grounds["kind"], kind), False).to_numpy()[ground]
            via = np.where(here & (via < 0), columns[kind], via)
        doubt = _find_rows(columns["eid"], doubts["eid"].to_numpy())
        code, first = number_values(code_rows([ground.astype(np.int64), via.astype(np.int64) + 1, doubt + 1]))
        values = self._texts.take(pa.array(via[first], mask=via[first] < 0))
        evidence = grounds.take(pa.array(ground[first])).append_column("via_value", values)
        evidence = evidence.append_column(
            "refused", doubts["refused"].take(pa.array(doubt[first], mask=doubt[first] < 0))
        )
        return evidence.select(EVIDENCE_COLUMNS), code

    def _find_pages(self, columns: Columns) -> Codes:
        """Number of the path that the referrer of each static file names; -1: none, or one that was never asked for."""
        named = np.unique(columns["referrer"][columns["folds"]])
        named = named[named >= 0]
        read = pa.array([path_of(url) for url in self._texts.take(pa.array(named)).to_pylist()], pa.string())
        leads = np.full(len(self._texts) + 1, -1)  # the last is that of no referrer, -1
        leads[named] = pc.fill_null(pc.index_in(read, self._paths), -1).to_numpy()
        return leads[columns["referrer"]]


def cut_slices(sizes: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Runs [first, last) of journeys of so many lines each, FIRST_SLICE to LONGEST_SLICE lines or a little more."""
    ends, first, size = np.cumsum(sizes), 0, FIRST_SLICE
    while first < len(sizes):
        before = int(ends[first - 1]) if first else 0
        last = min(len(sizes), int(np.searchsorted(ends, before + size)) + 1)
        yield first, last
        first, size = last, min(2 * size, LONGEST_SLICE)


def _join_columns(placed: pa.Table, said: pa.Table) -> Columns:
    """PLACED, and what SAID has of each of its rows."""
    columns = {name: placed[name].to_numpy() for name in placed.column_names}
    known = said["eid"].to_numpy()
    by_eid = None if np.all(known[1:] > known[:-1]) else np.argsort(known)
    at = np.searchsorted(known, columns["eid"], sorter=by_eid)
    at = at if by_eid is None else by_eid[at]
    return columns | {name: said[name].to_numpy()[at] for name in said.column_names if name != "eid"}


def _find_rows(values: Codes, among: Codes) -> Codes:
    """Where each value stands among ascending ones; -1 where it does not."""
    if not len(among):
        return np.full(len(values), -1)
    at = np.minimum(np.searchsorted(among, values), len(among) - 1)
    return np.where(among[at] == values, at, -1)


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
