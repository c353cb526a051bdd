"""From links to documents: numbers the journeys, cuts them into partitions, has each built, and stores the frames."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from reconstruct.correlate.plan import Plan
from reconstruct.engines import documents
from reconstruct.engines.documents import Frame, ObjectFacts, Partition, SessionFacts
from reconstruct.engines.services import name_services
from reconstruct.journeys.fit import fit_models
from reconstruct.journeys.models import Models
from reconstruct.journeys.process import Process
from reconstruct.journeys.rows import ObjectInput
from reconstruct.sources.progress import Progress
from reconstruct.store.database import EID_SHIFT, Store

PARTITION_EVENTS = 20_000
"""Events per partition: 0.1 s of building, so that a pool stays busy and a frame stays small (some 100 kB)."""

PARTITION_JOURNEYS = 500

CUT_OFF_NS = 30 * 60 * 1_000_000_000
"""A journey this close to the end of the logs may still be going on."""

FITTED_OBJECTS = 500
"""Business objects that units of amounts are learned from."""

SESSION_IDS_SHOWN = 20
IDENTIFIERS_SHOWN = 20
"""Values of one type listed per journey; a robot can have thousands."""


ROW = """
    e.source, e.line, t.t AS time_ns,
    CASE WHEN a.eid IS NOT NULL THEN 'edge' WHEN e.method IS NOT NULL THEN 'app' ELSE 'log' END AS tier,
    coalesce(served.anchor, d.anchor)::VARCHAR AS request, e.method, e.path, p.route, e.query, e.status, e.duration_ms, e.referrer,
    e.vhost, e.level, coalesce(e.service, fs.service) AS service, e.logger, e.message, e.attributes,
    coalesce(p.is_asset, false) AS is_asset, NULL::INTEGER[] AS more
"""
"""Columns of journeys.rows.Row, in order. A request key is given where it joins lines."""

VIA_VALUE = (
    """coalesce(v.via_value, CASE v.via_type WHEN 'address' THEN e.client_ip WHEN 'referrer' THEN e.referrer END)"""
)
"""Addresses and referrers a link went by stand in the event."""

EVIDENCE = (
    f"v.rule, coalesce(k.name, v.via_type) AS via_type, {VIA_VALUE} AS via_value, v.confidence::DOUBLE AS confidence"
)
"""Columns documents.EVIDENCE_COLUMNS, in order."""

JOINS = """
    JOIN events e USING (eid) JOIN timeline t USING (eid) JOIN family_services fs ON fs.family = t.family
    LEFT JOIN anchors a USING (eid) LEFT JOIN anchored d USING (eid)
    LEFT JOIN (SELECT DISTINCT anchor FROM anchored) served ON served.anchor = a.eid LEFT JOIN paths p ON p.path = e.path
    LEFT JOIN type_names k ON k.number = v.via_type
"""


@dataclass(slots=True)
class Written:
    """What was stored."""

    journeys: int
    business: int


def number_journeys(store: Store) -> None:
    """Make ``numbered(seq, visit, id, t0, t1)``: visits with events of their own, in time order, with ids made of their content."""
    store.connection.execute(
        """
        CREATE OR REPLACE TABLE numbered AS
        WITH own AS (
            SELECT visit, min(t) AS t0, max(t) AS t1, arg_min(eid, (t, eid)) AS first FROM event_visit JOIN timeline USING (eid)
            WHERE rule <> 'object' GROUP BY visit),
             ordered AS (SELECT *, (row_number() OVER (ORDER BY t0, first) - 1)::INTEGER AS seq FROM own),
             hashed AS (
            SELECT seq, visit, t0, t1,
                   substr(md5(concat_ws('|', t0, e.client_ip, e.user_agent, e.target, e.message, e.session_id)), 1, 10) AS hash
            FROM ordered JOIN events e ON e.eid = first)
        SELECT seq, visit, t0, t1,
               CASE WHEN row_number() OVER same = 1 THEN hash ELSE hash || '-' || row_number() OVER same END AS id
        FROM hashed WINDOW same AS (PARTITION BY hash ORDER BY seq)
        """
    )


def write_journeys(
    store: Store, plan: Plan, roots: list[int], models: Models, pool: Executor | None, progress: Progress
) -> Written:
    """Build and store every journey document and every business journey without a session."""
    number_journeys(store)
    name_services(store)
    rows, object_rows = _session_rows(store), _object_rows(store)
    (logs_end,) = store.rows("SELECT coalesce(max(t), 0) FROM timeline")[0]
    facts = _session_facts(store, plan, logs_end)
    things = _object_facts(store, plan)
    owner = dict(store.rows("SELECT object, seq FROM owned JOIN numbered USING (visit)"))
    by_seq: dict[int, list[ObjectFacts]] = defaultdict(list)
    for each in things:
        if each.object in owner:
            by_seq[owner[each.object]].append(each)
    models = fit_models(models, _request_counts(store), _sample_objects(store, things))
    progress.phase("building journeys", 0)
    learned = documents.learn_process(things, _object_table(store, "true"), models) if things else Process()
    jobs = _partitions(store, rows, object_rows, facts, by_seq)
    summaries: list[dict[str, Any]] = []
    businesses: list[dict[str, Any]] = []
    frames: list[tuple[str, int, bytes]] = []
    for number, frame in enumerate(_build_all(pool, jobs, models, learned, logs_end)):
        frames.append(("journey", number, frame.docs))
        businesses += [row | {"journey": len(summaries) + row["at"]} for row in frame.business]
        summaries += [row | {"frame": number, "position": i} for i, row in enumerate(frame.rows)]
        progress.advance(0, sum(row["n_events"] for row in frame.rows))
    loose = [each for each in things if each.object not in owner]
    table = _object_table(store, "l.object NOT IN (SELECT object FROM owned)")
    unattributed = documents.build_unattributed(loose, table, models, learned, logs_end)
    frames.append(("business", 0, unattributed.docs))
    businesses += [row | {"journey": None} for row in unattributed.business]
    kinds, numbers, docs = zip(*frames, strict=True)
    store.insert(
        "frames",
        pa.table(
            {"kind": pa.array(kinds), "frame": pa.array(numbers, pa.int32()), "docs": pa.array(docs, pa.binary())}
        ),
    )
    _save_rows(
        store, "journeys", [{"seq": seq, "search": _search_text(row), **row} for seq, row in enumerate(summaries)]
    )
    _save_rows(store, "business", businesses)
    return Written(len(summaries), len(things))


def _request_counts(store: Store) -> list[tuple[str, str, int, int]]:
    """(method, route, status, requests) of all pages as the edge saw them: what a journey model is chosen by."""
    return store.rows(
        """
        SELECT e.method, p.route, coalesce(e.status, 0), count(*) FROM anchors JOIN events e USING (eid) JOIN paths p USING (path)
        WHERE NOT p.is_asset GROUP BY ALL ORDER BY ALL
        """
    )


def _sample_objects(store: Store, things: list[ObjectFacts]) -> list[ObjectInput]:
    chosen = things[:: max(1, len(things) // FITTED_OBJECTS)]
    listed = ", ".join(str(each.object) for each in chosen) or "-1"
    return documents.object_inputs(chosen, _object_table(store, f"l.object IN ({listed})"))


def _build_all(
    pool: Executor | None, jobs: Iterator[Partition], models: Models, learned: Process, logs_end: int
) -> Iterator[Frame]:
    if pool is None:
        yield from (documents.build_frame(job, models, learned, logs_end) for job in jobs)
        return
    from collections import deque
    from itertools import islice

    waiting = deque(pool.submit(documents.build_frame, job, models, learned, logs_end) for job in islice(jobs, 6))
    while waiting:
        frame = waiting.popleft().result()
        waiting.extend(pool.submit(documents.build_frame, job, models, learned, logs_end) for job in islice(jobs, 1))
        yield frame


def _session_rows(store: Store) -> _Runs:
    """Rows of all sessions, with the index of their journey as ``owner``.

    Two lines of three ask for static files. What one page asked for in a row becomes one row: files of one source with the
    same referrer and the same evidence between two pages of a journey.
    """
    store.connection.execute(
        """
        CREATE OR REPLACE TABLE beats AS
        SELECT v.eid, n.seq, t.t, a.asset IS TRUE AND v.rule <> 'object' AS asset,
               count(*) FILTER (a.asset IS NOT TRUE OR v.rule = 'object') OVER (PARTITION BY n.seq ORDER BY t.t, v.eid) AS page
        FROM event_visit v JOIN numbered n USING (visit) JOIN timeline t USING (eid) LEFT JOIN anchors a USING (eid)
        """
    )
    return _Runs(
        store,
        f"""
        SELECT * FROM (
            SELECT v.seq AS owner, {ROW}, {EVIDENCE}, v.rule <> 'object' AS own, v.eid AS position
            FROM (SELECT v.*, b.seq FROM event_visit v JOIN beats b USING (eid) WHERE NOT b.asset) v {JOINS}
            UNION ALL
            SELECT seq, source, min_by(line, (t, eid)), min(t), 'edge', request, min_by(method, (t, eid)), min_by(path, (t, eid)),
                   NULL, NULL, min_by(status, (t, eid)), NULL, referrer, NULL, NULL, service, NULL, NULL, NULL, true,
                   CASE WHEN count(*) > 1 THEN (list(line ORDER BY t, eid))[2:] END, rule, via_type, via_value, confidence, true, min(eid)
            FROM (
                SELECT b.seq, b.page, b.t, b.eid, e.source, e.line, served.anchor::VARCHAR AS request, e.method, e.path, e.status,
                       e.referrer, coalesce(e.service, fs.service) AS service, {EVIDENCE}
                FROM beats b JOIN event_visit v USING (eid) JOIN events e USING (eid) JOIN timeline t USING (eid)
                JOIN family_services fs ON fs.family = t.family LEFT JOIN type_names k ON k.number = v.via_type
                LEFT JOIN (SELECT DISTINCT anchor FROM anchored) served ON served.anchor = b.eid WHERE b.asset)
            GROUP BY seq, page, source, referrer, request, service, rule, via_type, via_value, confidence)
        ORDER BY owner, time_ns, position
        """,
    )


def _object_rows(store: Store) -> _Runs:
    """Rows of all objects born in a session, with the index of its journey as ``owner``."""
    return _Runs(
        store,
        f"SELECT n.seq AS owner, v.object, {ROW}, {EVIDENCE}"
        f" FROM (SELECT l.*, o.visit FROM thing_links l JOIN owned o USING (object)) v JOIN numbered n USING (visit) {JOINS}"
        " ORDER BY n.seq, v.object, t.t, v.eid",
    )


def _partitions(
    store: Store, rows: _Runs, object_rows: _Runs, facts: list[SessionFacts], by_seq: dict[int, list[ObjectFacts]]
) -> Iterator[Partition]:
    sizes = store.rows("SELECT seq, count(*) FROM event_visit JOIN numbered USING (visit) GROUP BY seq ORDER BY seq")
    bounds = _cut(sizes)
    for first, last in bounds:
        table = rows.until(last)
        at = table.column("owner").to_numpy() - first
        objects = [by_seq.get(seq, []) for seq in range(first, last)]
        yield Partition(
            facts[first:last],
            table.append_column("at", pa.array(at)),
            objects,
            object_rows.until(last),
        )


def _cut(sizes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Runs [first, last) of journeys of about PARTITION_EVENTS events."""
    bounds, first, events = [], 0, 0
    for seq, n in sizes:
        events += n
        if events >= PARTITION_EVENTS or seq + 1 - first >= PARTITION_JOURNEYS:
            bounds.append((first, seq + 1))
            first, events = seq + 1, 0
    if sizes and first <= sizes[-1][0]:
        bounds.append((first, sizes[-1][0] + 1))
    return bounds


class _Runs:
    """A sorted query result, taken in runs of its ``owner`` column; never whole in memory."""

    def __init__(self, store: Store, sql: str) -> None:
        self._batches = store.batches(sql, 16_384)
        # Sorting takes its time, so it begins now, beside whatever else there is to do before the first run is asked for.
        with_first = ThreadPoolExecutor(1)
        self._first: Future[pa.RecordBatch | None] | None = with_first.submit(next, self._batches, None)
        with_first.shutdown(wait=False)
        self._left: list[pa.RecordBatch] = []
        self._schema: pa.Schema | None = None

    def until(self, owner: int) -> pa.Table:
        """All further rows whose owner is below ``owner``."""
        import numpy as np

        taken: list[pa.RecordBatch] = []
        while True:
            if not self._left:
                following = self._next()
                if following is None:
                    break
                self._left = [following]
                self._schema = following.schema
            batch = self._left.pop()
            cut = int(np.searchsorted(batch.column("owner").to_numpy(), owner))
            if cut:
                taken.append(batch.slice(0, cut))
            if cut < batch.num_rows:
                self._left.append(batch.slice(cut))
                break
        if self._schema is None:
            names = ["owner", "object", "own", *documents.ROW_COLUMNS, *documents.EVIDENCE_COLUMNS]
            return pa.table({name: pa.array([], pa.int64()) for name in names})
        return pa.Table.from_batches(taken, self._schema)

    def _next(self) -> pa.RecordBatch | None:
        if self._first is not None:
            first, self._first = self._first, None
            return first.result()
        return next(self._batches, None)


def _object_table(store: Store, condition: str) -> pa.Table:
    return store.arrow(
        f"SELECT v.object, {ROW}, {EVIDENCE}"
        f" FROM (SELECT * FROM thing_links l WHERE {condition}) v {JOINS} ORDER BY v.object, t.t, v.eid"
    )


def _session_facts(store: Store, plan: Plan, logs_end: int) -> list[SessionFacts]:
    basics = store.rows(
        """
        SELECT n.seq, n.id, n.t1,
               list_sort(list(DISTINCT e.client_ip) FILTER (e.client_ip IS NOT NULL AND a.eid IS NOT NULL)),
               min(e.user_agent) FILTER (a.eid IS NOT NULL)
        FROM event_visit v JOIN numbered n USING (visit) JOIN events e USING (eid) LEFT JOIN anchors a USING (eid)
        WHERE v.rule <> 'object' GROUP BY ALL ORDER BY n.seq
        """
    )
    agents = {row[0]: (row[1], row[2]) for row in store.rows("SELECT user_agent, kind, device FROM agents")}
    shown = plan.of_role("session", "customer", "object", "sub-object", "device", "batch", "other")
    listed = ", ".join(map(str, shown)) or "-1"
    values: dict[int, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for seq, kind, value in store.rows(
        f"""
        SELECT n.seq, y.type, y.value FROM event_visit v JOIN numbered n USING (visit) JOIN typed y USING (eid)
        WHERE v.rule <> 'object' AND y.type IN ({listed}) GROUP BY ALL ORDER BY n.seq, y.type, count(*) DESC, y.value
        """
    ):
        values[seq][kind].append(value)
    sessions, customers = plan.of_role("session"), plan.of_role("customer")
    others = [kind for kind in shown if kind not in sessions]
    facts = []
    for seq, id, end, addresses, agent in basics:
        mine = values[seq]
        kind, device = agents.get(agent, ("unknown", ""))
        named = next((f"{plan.types[c].name}:{mine[c][0]}" for c in customers if c in mine), None)
        facts.append(
            SessionFacts(
                id, named, [v for s in sessions for v in mine.get(s, [])][:SESSION_IDS_SHOWN], addresses or [], agent, device, kind,
                {plan.types[k].name: mine[k][:IDENTIFIERS_SHOWN] for k in others if k in mine}, None, end >= logs_end - CUT_OFF_NS,
            )
        )  # fmt: skip
    latest: dict[str, str] = {}
    for each in facts:
        if each.customer is not None:
            each.previous = latest.get(each.customer)
            latest[each.customer] = each.id
    return facts


def _object_facts(store: Store, plan: Plan) -> list[ObjectFacts]:
    parts: dict[int, list[tuple[str, str]]] = defaultdict(list)
    tables = {name for (name,) in store.rows("SELECT table_name FROM duckdb_tables()")}
    if "parts" in tables:
        for object, kind, value in store.rows("SELECT object, type, value FROM parts ORDER BY object, type, value"):
            parts[object].append((plan.types[kind].name, value))
    births = {
        object: (eid >> EID_SHIFT, eid & 0xFFFFFFFF) for object, eid in store.rows("SELECT object, eid FROM owned")
    }
    return [
        ObjectFacts(object, plan.types[kind].name, value, births.get(object), parts[object])
        for object, kind, value in store.rows("SELECT object, type, value FROM things ORDER BY object")
    ]


def _save_rows(store: Store, name: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        schema = store.arrow(f"SELECT * FROM {name} LIMIT 0").schema
        store.insert(
            name,
            pa.table([pa.array([row.get(each.name) for row in rows], each.type) for each in schema], schema=schema),
        )


def _search_text(row: dict[str, Any]) -> str:
    texts = [
        row.get(name)
        for name in (
            "id",
            "customer",
            "channel",
            "device",
            "agent_kind",
            "stage_reached",
            "outcome",
            "goal",
            "orders",
            "search",
        )
    ]
    return " ".join(str(text) for text in texts if text).lower()


def read_documents(store: Store, kind: str) -> Iterator[bytes]:
    """All stored documents of a kind, in order."""
    for (docs,) in (
        store.connection.cursor().execute("SELECT docs FROM frames WHERE kind = ? ORDER BY frame", [kind]).fetchall()
    ):
        yield from (line for line in documents.read_frame(docs) if line)


def loads(document: bytes) -> dict[str, Any]:
    """A stored document as a dictionary."""
    found: dict[str, Any] = orjson.loads(document)
    return found
