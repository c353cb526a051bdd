"""Back-office logs without a web log: business journeys are found and can be browsed although no session is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.results import Reconstruction


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Reconstruction]:
    steps = {"orders": "created", "payments": "captured", "depot": "shipped"}
    for number, (service, word) in enumerate(steps.items()):
        lines = [
            json.dumps({"ts": f"2026-03-10T{10 + number}:{i:02d}:00Z", "service": service, "msg": f"order {word}", "order_id": f"ORD-{7000 + i}"})
            for i in range(40)
        ]  # fmt: skip
        (tmp_path / f"{service}.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = open_paths([tmp_path], Options(cache=False, workers=1))
    yield found
    found.close()


def test_business_journeys_are_listed_sorted_filtered_and_opened(results: Reconstruction) -> None:
    assert results.count_journeys() == 40
    rows = results.journey_rows(order_by="id", descending=True, limit=2)
    assert [row["id"] for row in rows] == ["order:ORD-7039", "order:ORD-7038"]
    assert results.count_journeys("ord-7003") == 1
    journey = results.journey("order:ORD-7003")
    assert [step["service"] for step in journey["business_journeys"][0]["steps"]] == ["orders", "payments", "depot"]
    assert journey["customer_journey"]["touchpoints"] == []
    with pytest.raises(KeyError):
        results.journey("order:none")


def test_the_summary_counts_them_and_no_session(results: Reconstruction) -> None:
    figures = results.summary()
    assert (figures["journeys"], figures["business_journeys"], figures["business_journeys_in_sessions"]) == (0, 40, 0)
