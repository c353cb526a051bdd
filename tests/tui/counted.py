"""The documents of the fictitious shop in a real store, so that what is counted and asked over them is what the program does."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, cast

import orjson
import pyarrow as pa

from reconstruct.engines.assembly import Assembly, Frame
from reconstruct.engines.frames import FrameWriter
from reconstruct.figures import summarise
from reconstruct.journeys.build import Visit
from reconstruct.journeys.models import STAGES
from reconstruct.journeys.moments import time_of
from reconstruct.journeys.touchpoints import Touchpoint
from reconstruct.results import Reconstruction
from reconstruct.sources import Discovery
from reconstruct.store.database import Store

Document = dict[str, Any]

NO_LOGS = (
    "events (eid BIGINT, source BIGINT, line BIGINT, format VARCHAR, service VARCHAR, process VARCHAR, level VARCHAR, method VARCHAR, "
    "message VARCHAR, attributes VARCHAR)",
    "source_family (source BIGINT, family BIGINT)",
    "family_services (family BIGINT, service VARCHAR)",
    "event_visit (eid BIGINT, visit BIGINT, rule VARCHAR, confidence DOUBLE)",
    "numbered (visit BIGINT, seq BIGINT)",
    "thing_links (object BIGINT, rule VARCHAR, confidence DOUBLE)",
)
"""What a store holds of logs: of documents alone, nothing."""


def results_of(documents: list[Document]) -> Reconstruction:
    """The documents that keep to the contract, as results. Others are left out: the program never writes them."""
    store = Store.create(None, threads=1, memory_limit="200MB")
    store.connection.execute("CREATE TABLE timeline AS SELECT 0::BIGINT AS eid, 0 AS family, 0::BIGINT AS t")
    store.connection.execute("CREATE TABLE log_ends AS SELECT 0 AS family, 0::BIGINT AS t, true AS tells")
    writer = FrameWriter(store)
    writer.add(_frame([document for document in documents if keeps_to_contract(document)]))
    writer.finish(_frame([]))
    for table in NO_LOGS:
        store.connection.execute(f"CREATE TABLE IF NOT EXISTS {table}")
    store.set_meta("reading", '{"visits": {}, "reconstruction": {}, "skipped": []}')
    store.set_meta("summary", orjson.dumps(summarise(store)).decode())
    return Reconstruction(store, cast(Discovery, None))


def _frame(documents: list[Document]) -> Frame:
    visits = [Visit(deepcopy(document), list(map(_touchpoint, _told(document)))) for document in documents]
    things = [thing for document in documents for thing in document["business_journeys"]]
    frame = Assembly(0)
    for visit in visits:
        frame.add(visit, 0, [])
    return frame.finish(list(range(len(things))))


def _told(document: Document) -> list[Document]:
    touchpoints: list[Document] = document["customer_journey"]["touchpoints"]
    return touchpoints


def _touchpoint(told: Document) -> Touchpoint:
    """What a touchpoint was before it was told."""
    touch = Touchpoint.__new__(Touchpoint)
    touch.text, touch.milestone = told["activity"], told["milestone"]
    touch.stage = STAGES.index(told["stage"]) if told["stage"] in STAGES else 0
    touch.method, touch.route, touch.path, touch.query = told["method"], told["route"], told["target"], None
    touch.status, touch.ok, touch.latency_ms = told["status"], told["ok"], told["latency_ms"]
    touch.friction, touch.at_ns = told["friction"], time_of(told["at"]) or 0
    touch.events = [orjson.dumps(event) for event in told["events"]]
    return touch


def keeps_to_contract(document: Document) -> bool:
    """Whether a document has what the program always writes."""
    try:
        _frame([document])
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, pa.ArrowInvalid):
        return False
    return True
