"""What is counted over many journeys, held against the documents themselves."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from reconstruct.engines import flows, passages
from reconstruct.options import Options, Pin, Pins
from reconstruct.pipeline import find_sources, open_discovery, reopen_with
from reconstruct.query.compiling import Where
from reconstruct.results import Reconstruction
from reconstruct.sources.progress import Progress

SHOP = Path(__file__).parent.parent / "samples" / "shop" / "logs"
Document = dict[str, Any]
PEOPLE = "agent:human,unknown"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reconstruction]:
    options = Options(workers=1, store=tmp_path_factory.mktemp("flows") / "shop.duckdb")
    found = open_discovery(find_sources([SHOP], options), options, Progress())
    yield found
    found.close()


@pytest.fixture(scope="module")
def people(results: Reconstruction) -> list[Document]:
    documents = [orjson.loads(line) for line in results.documents()]
    return [each for each in documents if each["session"]["agent_kind"] in ("human", "unknown")]


def name(activity: str) -> str:
    quoted = re.sub(r"[‘“][^’”]*[’”]", "‘…’", activity)
    return re.sub(r"[0-9A-Za-z_-]*[0-9]{3}[0-9A-Za-z_-]*|\b[0-9]+\b", "…", quoted)


def way(activities: list[str]) -> list[str]:
    return [each for each, _ in groupby(map(name, activities))]


def milestones(document: Document) -> list[str]:
    return way([each["activity"] for each in document["customer_journey"]["touchpoints"] if each["milestone"]])


def test_stages_outcomes_and_scores(results: Reconstruction, people: list[Document]) -> None:
    counts = results.flows()
    inside = [each["customer_journey"] for each in people]
    assert counts["journeys"] == len(people)
    assert counts["funnel"] == results.summary()["funnel"]
    assert counts["outcomes"] == Counter(each["outcome"] for each in inside)
    assert counts["scores"] == Counter(min(9, each["experience"]["score"] // 10) for each in people)
    assert counts["business"] == Counter(thing["outcome"] for each in people for thing in each["business_journeys"])


def test_ways_are_those_of_the_documents(results: Reconstruction, people: list[Document]) -> None:
    expected = Counter(tuple(milestones(each)) for each in people if milestones(each))
    found = results.ways("customer")
    assert (found["total"], found["ways"]) == (sum(expected.values()), len(expected))
    assert {tuple(row["way"]): row["journeys"] for row in found["rows"]} == expected
    steps = Counter(
        tuple(way([step["activity"] for step in thing["steps"]]))
        for each in people
        for thing in each["business_journeys"]
    )
    assert {tuple(row["way"]): row["journeys"] for row in results.ways("order")["rows"]} == steps


def test_the_map_follows_the_documents(results: Reconstruction, people: list[Document]) -> None:
    times: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    follows: Counter[tuple[str, str]] = Counter()
    for each in people:
        for thing in each["business_journeys"]:
            names = [name(step["activity"]) for step in thing["steps"]]
            times.update(names)
            inside.update(set(names))
            follows.update((a, b) for a, b in pairwise(names) if a != b)
    found = results.process_map("order")
    assert {row["activity"]: (row["journeys"], row["times"]) for row in found["nodes"]} == {
        activity: (inside[activity], count) for activity, count in times.items()
    }
    assert {(row["from"], row["to"]): row["times"] for row in found["edges"]} == follows


def test_the_wait_on_an_edge_is_the_median_of_the_steps(results: Reconstruction, people: list[Document]) -> None:
    edge = max(results.process_map("order")["edges"], key=lambda row: row["wait_ms"])
    waits = [
        after["wait_ms"]
        for each in people
        for thing in each["business_journeys"]
        for before, after in pairwise(thing["steps"])
        if (name(before["activity"]), name(after["activity"])) == (edge["from"], edge["to"])
    ]
    assert edge["wait_ms"] == sum(waits)
    assert abs(edge["p50_ms"] - statistics.median(waits)) <= 1


def test_time_is_counted_without_gaps_and_nothing_is_lost(results: Reconstruction, people: list[Document]) -> None:
    over_time = results.flows()["over_time"]
    assert sum(row["journeys"] for row in over_time["rows"]) == len(people)
    assert sum(row["good"] for row in over_time["rows"]) == results.flows()["outcomes"]["achieved"]
    assert 0 < len(over_time["rows"]) <= flows.SLICES
    assert results.flows('customer:"nobody at all"')["over_time"] == {"slice_s": 0, "rows": []}


def test_every_number_asks_for_what_it_counts(results: Reconstruction) -> None:
    for row in results.process_map("order")["nodes"]:
        assert results.count_journeys(f'{PEOPLE} step.does:"{row["activity"]}"') == row["journeys"], row
    for row in results.process_map("customer")["nodes"]:
        assert results.count_journeys(f'{PEOPLE} touchpoint.does:"{row["activity"]}"') == row["journeys"], row
    for subject, entity in (("customer", "journey"), ("order", "business")):
        for row in results.ways(subject)["rows"]:
            assert results.count_journeys(f"{PEOPLE} {entity}.variant:{row['variant']}") == row["journeys"], row


def test_figures_are_of_the_selection(results: Reconstruction) -> None:
    query = "device:mobile stage>=purchase"
    chosen = results.select(query)
    assert results.flows(query) == chosen.flows() != results.flows()
    assert results.ways("order", query) == chosen.ways("order")
    assert results.group_rows("device", query) == chosen.group_rows("device")
    assert sum(row["journeys"] for row in results.group_rows("device", query)) == results.count_journeys(query)


@pytest.mark.parametrize("by", flows.GROUPS)
def test_groups_add_up(results: Reconstruction, by: str) -> None:
    rows = results.group_rows(by)
    assert sum(row["journeys"] for row in rows) == results.count_journeys()


def test_journeys_are_grouped_by_what_there_is() -> None:
    with pytest.raises(ValueError, match="grouped by colour"):
        flows.group_journeys(None, "colour", Where())  # type: ignore[arg-type]


def test_a_course_has_a_sign_for_each_touchpoint_and_step(results: Reconstruction, people: list[Document]) -> None:
    courses = {row["id"]: row["course"] for row in results.journey_rows(limit=10_000)}
    for each in people:
        customer, *business = courses[each["id"]].split(passages.BUSINESS)
        touchpoints = each["customer_journey"]["touchpoints"]
        assert len(customer.replace(passages.GAP, "")) == len(touchpoints) or len(customer) == passages.COURSE_CAP
        assert customer.count(passages.FAILED) == sum(not touch["ok"] for touch in touchpoints)
        assert len(business) == len(each["business_journeys"])
        for course, thing in zip(business, each["business_journeys"], strict=True):
            assert len(course.rstrip(passages.OPEN + passages.MISSING)) == len(thing["steps"])


def test_correlated_anew_is_as_if_read_anew(results: Reconstruction, tmp_path: Path) -> None:
    pins = Pins(
        (Pin("basket", None, "resource"), Pin("shopper", ("text:user", "key:user"), "customer")), ("text:refund",)
    )
    options = Options(workers=1, pins=pins, store=tmp_path / "again.duckdb")
    discovery = find_sources([SHOP], options)
    again = reopen_with(results, discovery, options, Progress())
    anew = open_discovery(discovery, Options(workers=1, pins=pins, cache=False), Progress())
    assert b"\n".join(again.documents()) == b"\n".join(anew.documents()) != b"\n".join(results.documents())
    assert (again.summary(), again.identifiers(), again.sources()) == (
        anew.summary(),
        anew.identifiers(),
        anew.sources(),
    )
    assert not list(tmp_path.glob("*.part*"))
    again.close()
    anew.close()
