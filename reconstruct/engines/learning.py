"""What usually happens to the business objects of these logs: a sample of them is built, on all processors, and learned from."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from itertools import chain
from typing import Any

import pyarrow as pa

from reconstruct.engines import documents
from reconstruct.engines.documents import ObjectFacts
from reconstruct.engines.session_rows import ObjectRows
from reconstruct.engines.workers import Parcel, Shared, run_ahead
from reconstruct.journeys import process, variants
from reconstruct.journeys.models import Models

SAMPLE = 5_000
"""Objects of a type that are learned from, evenly spaced by id: percentiles settle long before."""

OBJECTS_AT_A_TIME = 250
"""Built by a worker at a time: a tenth of a second."""

WAITING_PARTS = 8
"""Parts handed out ahead: a megabyte each."""

Document = dict[str, Any]
_Part = tuple[list[ObjectFacts], pa.Table]


def build_sample(
    pool: Executor | None, things: Iterable[ObjectFacts], rows: ObjectRows, models: Models
) -> list[Document]:
    """Business journeys of a sample of ``things``, by type, then id; those without rows are left out."""
    chosen = _choose(things)
    shares = [chosen[start : start + OBJECTS_AT_A_TIME] for start in range(0, len(chosen), OBJECTS_AT_A_TIME)]
    parts = ((share, rows.of(each.object for each in share)) for share in shares)
    if pool is None or len(shares) < 2:
        return list(chain.from_iterable(documents.build_objects(*part, models) for part in parts))
    known = Shared(models)
    built = run_ahead(pool, _build_away, ((Parcel(part), known) for part in parts), WAITING_PARTS)
    return list(chain.from_iterable(found for _, found in built))


def _choose(things: Iterable[ObjectFacts]) -> list[ObjectFacts]:
    """At most SAMPLE of each type; a try in vain is nothing to learn from."""
    by_type: dict[str, list[ObjectFacts]] = {}
    for each in things:
        if not each.attempt:
            by_type.setdefault(each.type, []).append(each)
    whole = (sorted(found, key=lambda each: each.value) for _, found in sorted(by_type.items()))
    return [each for found in whole for each in found[:: -(-len(found) // SAMPLE)]]


def _build_away(work: tuple[Parcel[_Part], Shared[Models]]) -> list[Document]:
    part, models = work
    return documents.build_objects(*part.content, models.content)


def describe_sample(built: Iterable[Document], learned: process.Process, logs_end_ns: int) -> list[Document]:
    """``summary.processes``: how they went, each compared with what is usual."""
    return variants.describe_processes((process.annotate(each, learned, logs_end_ns) for each in built), learned)
