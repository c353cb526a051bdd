"""From links to documents: numbers the journeys, cuts them into partitions, has each built, and stores the frames."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

import orjson
import pyarrow.compute as pc

from reconstruct.correlate.ends import LOGS_END
from reconstruct.correlate.plan import Plan
from reconstruct.engines import documents, learning
from reconstruct.engines.alternatives import find_doubts
from reconstruct.engines.assembly import Frame
from reconstruct.engines.documents import ObjectFacts, Partition, SessionFacts
from reconstruct.engines.frames import FrameWriter
from reconstruct.engines.people import identify_visits
from reconstruct.engines.session_rows import ObjectRows, SessionRows, Slice
from reconstruct.engines.workers import Parcel, Shared, run_ahead
from reconstruct.events.nouns import prior_roles
from reconstruct.journeys.fit import fit_models
from reconstruct.journeys.models import Models, describe_model
from reconstruct.journeys.process import Process, learn
from reconstruct.journeys.rows import ObjectInput
from reconstruct.sources.progress import Progress
from reconstruct.store.database import EID_SHIFT, Store
from reconstruct.store.listing import sql_list

PARTITION_EVENTS = 30_000
"""Events per partition: 0.1 s of building, so that a pool stays busy and a frame stays small (some 400 kB, 7 MB of text);
each costs some 3 ms beside what is in it."""

PARTITION_JOURNEYS = 1_000

FRAMES_AHEAD = 12
"""Partitions handed out ahead: enough to keep the workers busy while a slice is gathered, few enough to bound memory (2 MB each)."""

CUT_OFF_NS = 30 * 60 * 1_000_000_000
"""A journey this close to the end of the logs may still be going on."""

FITTED_OBJECTS = 500
"""Business objects that units of amounts are learned from."""

SESSION_IDS_SHOWN = 20
IDENTIFIERS_SHOWN = 20
"""Values of one type listed per journey; a robot can have thousands."""


@dataclass(slots=True)
class Written:
    """What was stored."""

    journeys: int
    business: int


def number_journeys(store: Store) -> None:
    """Make ``numbered(seq, visit, id, n, t0, t1)``: visits with ``n`` events of their own, in time order, with ids made of their content."""
    store.connection.execute(
        """
        CREATE OR REPLACE TABLE numbered AS
        WITH own AS (
            SELECT visit, count(*) AS n, min(t) AS t0, max(t) AS t1, arg_min(eid, (t, eid)) AS first FROM event_visit JOIN timeline USING (eid)
            WHERE rule <> 'object' GROUP BY visit),
             ordered AS (SELECT *, (row_number() OVER (ORDER BY t0, first) - 1)::INTEGER AS seq FROM own),
             hashed AS (
            SELECT seq, visit, n, t0, t1,
                   substr(md5(concat_ws('|', t0, e.client_ip, e.user_agent, e.target, e.message, e.session_id)), 1, 10) AS hash
            FROM ordered JOIN events e ON e.eid = first)
        SELECT seq, visit, n, t0, t1,
               CASE WHEN row_number() OVER same = 1 THEN hash ELSE hash || '-' || row_number() OVER same END AS id
        FROM hashed WINDOW same AS (PARTITION BY hash ORDER BY seq)
        """
    )


def write_journeys(
    store: Store,
    plan: Plan,
    roots: list[int],
    models: Models,
    pool: Executor | None,
    progress: Progress,
    *,
    cut_s: float,
) -> Written:
    """Build and store every journey document and every business journey without a session.

    Args:
        cut_s: Silence that ends a visit.
    """
    ((logs_end,),) = store.rows(f"SELECT {LOGS_END}")
    number_journeys(store)
    beside = ThreadPoolExecutor(1)
    # Takes half a second, and the first rows are the first to need it.
    doubts = beside.submit(find_doubts, store, cut_s)
    rows = SessionRows(store, doubts)
    facts, counts = _session_facts(store, plan, logs_end), _request_counts(store)
    things, object_rows = _object_facts(store, plan), ObjectRows(store)
    owner = dict(store.rows("SELECT object, seq FROM owned JOIN numbered USING (visit)"))
    by_seq: dict[int, list[ObjectFacts]] = defaultdict(list)
    for each in things:
        if each.object in owner:
            by_seq[owner[each.object]].append(each)
    models = fit_models(models, counts, _sample_objects(object_rows, things), _birth_counts(store, plan))
    store.set_meta("model", orjson.dumps(describe_model(models)).decode())
    progress.phase("building journeys", 0)
    built = learning.build_sample(pool, things, object_rows, models)
    learned = learn(built, models)
    # A summary of how they all went: wanted at the end only.
    processes = beside.submit(learning.describe_sample, built, learned, logs_end)
    beside.shutdown(wait=False)
    jobs = _partitions(rows.slices(), object_rows, facts, by_seq)
    writer = FrameWriter(store)
    with store.alone() if pool else nullcontext():
        for frame in _build_all(pool, jobs, models, learned, logs_end):
            writer.add(frame)
            progress.advance(0, pc.sum(frame.journeys["n_events"]).as_py())
    store.set_meta("processes", orjson.dumps(processes.result()).decode())
    loose = [each for each in things if each.object not in owner]
    table = object_rows.of(each.object for each in loose)
    writer.finish(documents.build_unattributed(loose, table, models, learned, logs_end))
    return Written(len(facts), len(things))


def _request_counts(store: Store) -> list[tuple[str, str, int, int]]:
    """(method, route, status, requests) of all pages as the edge saw them: what a journey model is chosen by."""
    return store.rows(
        """
        SELECT e.method, p.route, coalesce(e.status, 0), count(*) FROM anchors JOIN events e USING (eid) JOIN paths p USING (path)
        WHERE NOT p.is_asset GROUP BY ALL ORDER BY ALL
        """
    )


def _birth_counts(store: Store, plan: Plan) -> list[tuple[str, str, str, int]]:
    """(method, route, type, objects) of the requests that business objects began with."""
    rows = store.rows(
        """
        SELECT e.method, p.route, t.type, count(*) FROM owned o JOIN things t USING (object) LEFT JOIN anchored a ON a.eid = o.eid
        JOIN events e ON e.eid = coalesce(a.anchor, o.eid) JOIN paths p USING (path)
        WHERE e.method IS NOT NULL GROUP BY ALL ORDER BY ALL
        """
    )
    return [(method, route, plan.types[kind].name, count) for method, route, kind, count in rows]


def _sample_objects(rows: ObjectRows, things: list[ObjectFacts]) -> list[ObjectInput]:
    chosen = things[:: max(1, len(things) // FITTED_OBJECTS)]
    return documents.object_inputs(chosen, rows.of(each.object for each in chosen))


def _build_all(
    pool: Executor | None, jobs: Iterator[Partition], models: Models, learned: Process, logs_end: int
) -> Iterator[Frame]:
    if pool is None:
        yield from (documents.build_frame(job, models, learned, logs_end) for job in jobs)
        return
    known = Shared((models, learned, logs_end))
    parcels = ((Parcel(job), known) for job in jobs)
    yield from (frame.content for _, frame in run_ahead(pool, _build_away, parcels, FRAMES_AHEAD))


def _build_away(work: tuple[Parcel[Partition], Shared[tuple[Models, Process, int]]]) -> Parcel[Frame]:
    job, known = work
    return Parcel(documents.build_frame(job.content, *known.content))


def _partitions(
    slices: Iterator[Slice],
    object_rows: ObjectRows,
    facts: list[SessionFacts],
    by_seq: dict[int, list[ObjectFacts]],
) -> Iterator[Partition]:
    for each in slices:
        for start, stop in _cut(each.n_events):
            first, last = each.first + start, each.first + stop
            objects = [by_seq.get(seq, []) for seq in range(first, last)]
            own = object_rows.of(thing.object for things in objects for thing in things)
            ended_ns = each.ended_ns[start:stop]
            yield Partition(first, facts[first:last], ended_ns, *each.part(first, last), objects, own)


def _cut(sizes: list[int]) -> Iterator[tuple[int, int]]:
    """Runs [first, last) of journeys of about PARTITION_EVENTS events."""
    first, events = 0, 0
    for place, n in enumerate(sizes, 1):
        events += n
        if events >= PARTITION_EVENTS or place - first >= PARTITION_JOURNEYS or place == len(sizes):
            yield first, place
            first, events = place, 0


def _session_facts(store: Store, plan: Plan, logs_end: int) -> list[SessionFacts]:
    visitors = store.rows(
        """
        SELECT DISTINCT n.seq, w.client_ip, w.user_agent, d.reason FROM (SELECT DISTINCT visit, visitor FROM anchors)
        JOIN numbered n USING (visit) JOIN visitors w USING (visitor) LEFT JOIN disguised d USING (visitor) ORDER BY ALL
        """
    )
    addresses: dict[int, list[str]] = defaultdict(list)
    browsers: dict[int, str] = {}
    reasons: dict[int, str] = {}
    for seq, address, browser, reason in visitors:
        # One visitor of a visit that may be a person makes all of it a person's.
        reasons[seq] = min(reason or "", reasons.get(seq, reason or ""))
        if address is not None and addresses[seq][-1:] != [address]:
            addresses[seq].append(address)
        if browser is not None:
            browsers[seq] = min(browser, browsers.get(seq, browser))
    agents = {row[0]: row[1:] for row in store.rows("SELECT user_agent, kind, device, reason FROM agents")}
    shown = plan.of_role("session", "customer", "object", "sub-object", "device", "batch", "other")
    values: dict[int, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for seq, kind, value in store.rows(
        f"""
        SELECT n.seq, y.type, y.value FROM event_visit v JOIN numbered n USING (visit) JOIN typed y USING (eid)
        LEFT JOIN anchored d USING (eid) LEFT JOIN anchors a ON a.eid = d.anchor
        WHERE (v.rule <> 'object' OR a.visit = v.visit) AND y.type IN {sql_list(shown)} GROUP BY ALL ORDER BY n.seq, y.type, count(*) DESC, y.value
        """
    ):
        values[seq][kind].append(value)
    sessions, customers = plan.of_role("session"), plan.of_role("customer")
    others = [kind for kind in shown if kind not in sessions]
    facts: list[SessionFacts] = []
    names: list[list[tuple[int, str]]] = []
    devices: list[list[str]] = []
    browsers_known = plan.of_role("device")
    for seq, id, last in store.rows("SELECT seq, id, t1 FROM numbered ORDER BY seq"):
        mine, agent = values.get(seq, {}), browsers.get(seq)
        kind, device, why = agents.get(agent, ("unknown", "", ""))
        if reasons.get(seq):
            kind, why = "bot", reasons[seq]
        names.append(
            [(n, f"{plan.types[c].name}:{value}") for n, c in enumerate(customers) for value in mine.get(c, ())]
        )
        facts.append(
            SessionFacts(
                id, [v for s in sessions for v in mine.get(s, [])][:SESSION_IDS_SHOWN], addresses[seq], agent, device, kind,
                {plan.types[k].name: mine[k][:IDENTIFIERS_SHOWN] for k in others if k in mine}, cut_off=last >= logs_end - CUT_OFF_NS,
                agent_why=why,
            )
        )  # fmt: skip
        devices.append([value for k in browsers_known for value in mine.get(k, ())])
    identify_visits(facts, names, devices, _names_on_one_line(store, plan))
    latest: dict[str, str] = {}
    for each in facts:
        if each.customer is not None:
            each.previous = latest.get(each.customer)
            latest[each.customer] = each.id
    return facts


def _names_on_one_line(store: Store, plan: Plan) -> list[tuple[str, str]]:
    """Pairs of names of customers on one line, of types whose names say that they are customers'."""
    kinds = [kind for kind in plan.of_role("customer") if "customer" in prior_roles(plan.types[kind].noun)]
    if len(kinds) < 2:
        return []
    rows = store.rows(
        f"""
        WITH named AS (SELECT eid, type, value FROM typed WHERE NOT multi AND type IN {sql_list(kinds)})
        SELECT DISTINCT a.type, a.value, b.type, b.value FROM named a JOIN named b USING (eid) WHERE a.type < b.type
        """
    )
    return [(f"{plan.types[a].name}:{one}", f"{plan.types[b].name}:{other}") for a, one, b, other in rows]


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
        ObjectFacts(object, plan.types[kind].name, value, births.get(object), parts[object], attempt)
        for object, kind, value, attempt in store.rows(
            "SELECT object, type, value, attempt FROM things ORDER BY object"
        )
    ]
