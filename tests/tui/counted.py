"""The documents of the fictitious shop in a real store, so that what is counted and asked over them is what the program does."""

from __future__ import annotations

from typing import Any, cast

import orjson
import pyarrow as pa

from reconstruct.engines import documents as engine
from reconstruct.engines.facts import tabulate_journeys, tabulate_loose
from reconstruct.engines.journeys import _save
from reconstruct.engines.passages import summarise_passages
from reconstruct.figures import summarise
from reconstruct.results import Reconstruction
from reconstruct.sources import Discovery
from reconstruct.store.database import Store

Document = dict[str, Any]

NO_LOGS = (
    "events (eid BIGINT)",
    "event_visit (visit BIGINT, rule VARCHAR, confidence DOUBLE)",
    "numbered (visit BIGINT, seq BIGINT)",
    "thing_links (object BIGINT, rule VARCHAR, confidence DOUBLE)",
)
"""What a store holds of logs: of documents alone, nothing."""


def results_of(documents: list[Document]) -> Reconstruction:
    """The documents that keep to the contract, as results. Others are left out: the program never writes them."""
    store = Store.create(None, threads=1, memory_limit="200MB")
    store.connection.execute("CREATE TABLE timeline AS SELECT 0::BIGINT AS t")
    kept = [document for document in documents if keeps_to_contract(document)]
    business = [thing for document in kept for thing in document["business_journeys"]]
    facts = tabulate_journeys(0, kept, list(range(len(business))))
    rows = [engine._journey_row(document, 0) for document in kept]
    things = [
        engine._business_row(thing, number) for number, each in enumerate(kept) for thing in each["business_journeys"]
    ]
    frame = engine._frame([], rows, things, facts)
    _save(store, [frame], engine._frame([], [], [], tabulate_loose([], [])))
    summarise_passages(store)
    for table in NO_LOGS:
        store.connection.execute(f"CREATE TABLE IF NOT EXISTS {table}")
    store.set_meta("reading", '{"visits": {}, "reconstruction": {}, "skipped": []}')
    store.set_meta("summary", orjson.dumps(summarise(store)).decode())
    return Reconstruction(store, cast(Discovery, None))


def keeps_to_contract(document: Document) -> bool:
    """Whether a document has what the program always writes."""
    try:
        things = document["business_journeys"]
        tabulate_journeys(0, [document], [0] * len(things))
        engine._journey_row(document, 0)
        for thing in things:
            engine._business_row(thing, 0)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, pa.ArrowInvalid):
        return False
    return True
