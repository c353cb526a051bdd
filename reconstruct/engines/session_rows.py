"""The rows of all journeys, in order: which journey, when, by what evidence.

Everything narrow is sorted here, as columns; the wide columns of events follow in that order and are never whole in memory.
Two lines of three ask for static files: what one page asked for in a row becomes one row.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pyarrow as pa

from reconstruct.engines.links import EVIDENCE_COLUMNS
from reconstruct.engines.runs import Runs
from reconstruct.store.codes import Codes, code_rows
from reconstruct.store.database import EID_SHIFT, Store

TIER = "CASE WHEN a.eid IS NOT NULL THEN 'edge' WHEN e.method IS NOT NULL THEN 'app' ELSE 'log' END"
REQUEST = "coalesce(served.anchor, d.anchor)::VARCHAR"
"""Given where it joins lines."""
SERVICE = "coalesce(e.service, fs.service)"

VIA_VALUE = (
    """coalesce(v.via_value, CASE v.via_type WHEN 'address' THEN e.client_ip WHEN 'referrer' THEN e.referrer END)"""
)
"""Addresses and referrers a link went by stand in the event."""

EVIDENCE = (
    f"v.rule, coalesce(k.name, v.via_type) AS via_type, {VIA_VALUE} AS via_value, v.confidence::DOUBLE AS confidence"
)
"""Columns links.EVIDENCE_COLUMNS."""

FACTS = """
    e.source, e.line, e.method, e.path, p.route, e.query, e.status, e.duration_ms, e.referrer, e.vhost, e.level, e.logger, e.message,
    e.attributes, coalesce(p.is_asset, false) AS is_asset
"""

JOINS = """
    JOIN events e USING (eid) JOIN timeline t USING (eid) JOIN family_services fs ON fs.family = t.family
    LEFT JOIN anchors a USING (eid) LEFT JOIN anchored d USING (eid)
    LEFT JOIN (SELECT DISTINCT anchor FROM anchored) served ON served.anchor = a.eid
    LEFT JOIN type_names k ON k.number = v.via_type
"""

PLACED = f"""
    SELECT v.eid, n.seq AS owner, t.t AS time_ns, v.rule <> 'object' AS own, a.asset IS TRUE AND v.rule <> 'object' AS folds,
           {TIER} AS tier, {REQUEST} AS request, {SERVICE} AS service, {EVIDENCE}, e.referrer
    FROM event_visit v JOIN numbered n USING (visit) {JOINS}
"""
"""One row per event of a journey, with what the rows are ordered and folded by."""

WIDE = (
    f"SELECT {FACTS} FROM kept_rows k JOIN events e USING (eid) LEFT JOIN paths p ON p.path = e.path ORDER BY k.place"
)
"""The rest of the rows that stay."""

OBJECTS = f"""
    SELECT v.object, t.t AS time_ns, {TIER} AS tier, {REQUEST} AS request, {SERVICE} AS service, {EVIDENCE}, {FACTS},
           NULL::INTEGER[] AS more
    FROM thing_links v {JOINS} LEFT JOIN paths p ON p.path = e.path ORDER BY v.object, t.t, v.eid
"""
"""One row per event of a business object."""


def gather_rows(store: Store) -> tuple[Runs, Codes]:
    """Rows of all journeys by ``owner`` (their number), in the order of time; and how many events each has. Needs ``numbered``."""
    placed = store.arrow(PLACED)
    eid, owner, time_ns = (placed[name].to_numpy() for name in ("eid", "owner", "time_ns"))
    order = np.lexsort((eid, time_ns, owner))
    kept, more = _fold_assets(placed, order)
    narrow = placed.select(["owner", "time_ns", "own", "tier", "request", "service", *EVIDENCE_COLUMNS])
    narrow = narrow.take(pa.array(kept)).append_column("more", more)
    n_events = np.bincount(owner)
    kept_in = pa.table({"eid": eid[kept], "place": np.arange(len(kept))})
    del placed, eid, owner, time_ns, order  # a third of the peak of memory, which the query is about to reach
    pa.default_memory_pool().release_unused()
    store.connection.register("kept_in", kept_in)
    store.connection.execute("CREATE OR REPLACE TABLE kept_rows AS SELECT * FROM kept_in")
    store.connection.unregister("kept_in")
    return Runs(store, WIDE, narrow), n_events


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


def _fold_assets(placed: pa.Table, order: Codes) -> tuple[Codes, pa.Array]:
    """Rows that stay, in order, and for each the lines folded into it (null: none).

    Folded are files of one source with the same referrer and the same evidence between two pages of a journey.
    """
    asset = placed["folds"].to_numpy()[order]
    if not asset.any():
        return order, pa.nulls(len(order), pa.list_(pa.int32()))
    at = np.flatnonzero(asset)
    rows = order[at]
    eid = placed["eid"].to_numpy()[rows]
    # Between two pages of a journey: rows with the same number of other rows before them.
    alike = code_rows(placed.select(["owner", "referrer", "request", "service", *EVIDENCE_COLUMNS]).columns)
    key = code_rows([np.cumsum(~asset)[at], eid >> EID_SHIFT, alike[rows]])
    # Most follow one of their kind, so what is told apart first is runs.
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    _, first, group = np.unique(key[starts], return_index=True, return_inverse=True)
    first, group = starts[first], np.repeat(group, np.diff([*starts, len(key)]))
    head = first[group] == np.arange(len(at))
    stays = np.ones(len(order), np.bool_)
    stays[at[~head]] = False
    kept = order[stays]
    # Lines of each group but its head, in order of time, at the place its head has among the rows that stay.
    place = (np.cumsum(stays) - 1)[at[first]][group[~head]]
    by_place = np.argsort(place, kind="stable")
    counts = np.bincount(place, minlength=len(kept))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    lines = pa.array((eid[~head][by_place] & 0xFFFFFFFF).astype(np.int32))
    more = pa.ListArray.from_arrays(pa.array(offsets), lines, mask=pa.array(counts == 0))
    return kept, more
