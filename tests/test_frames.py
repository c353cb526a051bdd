"""Slices, partitions, frames and row groups are how the work is cut: nothing that is told may show where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconstruct.engines import frames, journeys, session_rows
from reconstruct.engines.session_rows import cut_slices
from reconstruct.journeys.models import STAGES
from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.results import Reconstruction
from reconstruct.store.naming import name_activities, naming_macro

SHOP = Path(__file__).parent.parent / "samples" / "shop" / "logs"
TABLES = ("journeys", "business", "touchpoints", "signals", "steps", "deviations", "members", "identities")
CUTTING = "frame", "position"
"""Columns of ``journeys`` that say where a document is kept."""


def rows_of(results: Reconstruction, table: str) -> list[dict[str, Any]]:
    rows = results.store.arrow(f"SELECT * FROM {table}")
    return list(rows.drop_columns([each for each in CUTTING if table == "journeys"]).to_pylist())


@pytest.fixture(scope="module")
def in_small_pieces() -> Any:
    """The shop, cut as finely as a large log is cut coarsely."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_rows, "FIRST_SLICE", 50)
        patch.setattr(session_rows, "LONGEST_SLICE", 700)
        patch.setattr(journeys, "PARTITION_JOURNEYS", 7)
        patch.setattr(frames, "ROW_GROUP", 64)
        results = open_paths([SHOP], Options(cache=False, workers=1))
    yield results
    results.close()


def test_documents_do_not_depend_on_how_the_work_is_cut(shop: Reconstruction, in_small_pieces: Reconstruction) -> None:
    assert list(in_small_pieces.documents()) == list(shop.documents())
    assert list(in_small_pieces.unattributed_business()) == list(shop.unattributed_business())


@pytest.mark.parametrize("table", TABLES)
def test_tables_do_not_depend_on_how_the_work_is_cut(
    table: str, shop: Reconstruction, in_small_pieces: Reconstruction
) -> None:
    found, whole = (sorted(rows_of(each, table), key=repr) for each in (in_small_pieces, shop))
    assert found == whole
    assert found, "the shop has some of each"


def test_facts_of_touchpoints_are_what_the_documents_say(shop: Reconstruction) -> None:
    told = [
        {**touchpoint, "journey": seq, "position": position}
        for seq, document in enumerate(map(orjson.loads, shop.documents()))
        for position, touchpoint in enumerate(document["customer_journey"]["touchpoints"])
    ]
    facts = rows_of(shop, "touchpoints")
    assert len(facts) == len(told)
    for fact, touchpoint in zip(facts, told, strict=True):
        assert fact.pop("at").isoformat(timespec="microseconds") + "Z" == touchpoint["at"]
        assert fact.pop("dwell_ms") == touchpoint.get("dwell_ms")
        assert fact == {key: touchpoint[key] for key in fact}
        assert fact["stage"] in STAGES


@given(st.lists(st.integers(1, 200_000), max_size=40))
def test_slices_are_runs_of_all_journeys_and_grow(sizes: list[int]) -> None:
    cut = list(cut_slices(np.array(sizes, np.int64)))
    assert [seq for first, last in cut for seq in range(first, last)] == list(range(len(sizes)))
    lines = [sum(sizes[first:last]) for first, last in cut]
    least = [min(session_rows.FIRST_SLICE << number, session_rows.LONGEST_SLICE) for number in range(len(cut))]
    assert all(n >= few for n, few in zip(lines[:-1], least[:-1], strict=True))
    for (first, last), few in zip(cut, least, strict=True):
        assert sum(sizes[first : last - 1]) < few, "the last journey is what made it enough"


@given(st.text(st.sampled_from("aZ09 ‘’“”…-_\n.é"), max_size=40))
def test_activities_are_named_alike_in_sql_and_in_arrow(activity: str) -> None:
    assert name_activities(pa.array([activity])).to_pylist() == [
        NAMER.execute("SELECT name_activity(?)", [activity]).fetchall()[0][0]
    ]


NAMER = duckdb.connect()
NAMER.execute(naming_macro())
