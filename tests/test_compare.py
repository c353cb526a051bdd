"""Comparing: what was planted in a simulated shop is found, nothing is invented between equal ones, journeys are aligned."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command import assert_refused, reconstruct

from reconstruct.comparing.asked import compare_queries, earlier_query
from reconstruct.comparing.pair import compare_pair, name_activity
from reconstruct.comparing.populations import compare
from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.results import Reconstruction

ROOT = Path(__file__).parent.parent
SHOP = ROOT / "samples" / "shop" / "logs"
LOGS = Options(cache=False, workers=1, exclude=("truth*", "outcomes.json"))

Document = dict[str, Any]
Shops = Callable[..., Reconstruction]


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    """Reconstructions of simulated shops, each made once."""
    sys.path.insert(0, str(ROOT / "bench"))
    made: dict[tuple[tuple[str, object], ...], Reconstruction] = {}

    def make(**knobs: object) -> Reconstruction:
        key = tuple(sorted(knobs.items()))
        if key not in made:
            simulate = importlib.import_module("simulate")
            place = tmp_path_factory.mktemp("shop")
            simulate.simulate(simulate.Shop(**{"sessions": 450, "days": 3, "buyers": 0.35, **knobs}), place)
            made[key] = open_paths([place], LOGS)
        return made[key]

    yield make
    sys.path.remove(str(ROOT / "bench"))
    for results in made.values():
        results.close()


def sure(document: Document) -> dict[tuple[str, str], Document]:
    return {(row["topic"], row["name"]): row for row in document["changes"] if row["sure"]}


# --- two sets


@pytest.mark.parametrize("seed", [2, 3])
def test_nothing_is_invented_between_equal_shops(shops: Shops, seed: int) -> None:
    document = compare(shops(seed=1), shops(seed=seed), ("one", "other"))
    assert sure(document) == {}
    assert document["compared"] > 30 and document["uneven"] == []


def test_nothing_is_invented_between_halves_of_one_shop(shop: Reconstruction) -> None:
    for digits in ("0*,1*,2*,3*,4*,5*,6*,7*", "0*,2*,4*,6*,8*,a*,c*,e*"):
        # The id of a journey says nothing of it: its first digit is chance.
        half = " or ".join(f"id={each}" for each in digits.split(","))
        document = compare(shop.select(half), shop.select(f"-({half})"), ("half", "other half"))
        assert document["first"]["journeys"] > 200 and document["second"]["journeys"] > 200
        assert sure(document) == {}


def test_a_planted_difference_is_found_and_said_the_right_way_round(shops: Shops) -> None:
    few, declined = shops(seed=1), shops(seed=4, declined=0.5)
    found = sure(compare(few, declined, ("before", "after")))
    assert found["friction", "payment_failed"]["difference"]["value"] > 0
    assert found["step", "order: Payment declined"]["difference"]["low"] > 0.1
    assert ("conversion", "achieved") not in found
    back = sure(compare(declined, few, ("after", "before")))
    assert back.keys() == found.keys()
    assert back["friction", "payment_failed"]["difference"]["value"] < 0


def test_fewer_buyers_show_in_conversion_and_in_where_they_leave(shops: Shops) -> None:
    document = compare(shops(seed=1), shops(seed=6, buyers=0.15), ("before", "after"))
    found = sure(document)
    assert found["conversion", "achieved"]["difference"]["high"] < 0
    assert ("drop-off", "purchase") in found
    assert [row["sure"] for row in document["changes"]] == sorted(
        (row["sure"] for row in document["changes"]), reverse=True
    )
    sizes = [row["size"] for row in document["changes"] if row["sure"]]
    assert sizes == sorted(sizes, reverse=True)


def test_more_cancelled_orders_show_in_outcomes_and_steps(shops: Shops) -> None:
    found = sure(compare(shops(seed=1), shops(seed=7, cancelled=0.3), ("before", "after")))
    assert found["business", "order cancelled"]["difference"]["low"] > 0.1
    assert found["business", "order fulfilled"]["difference"]["high"] < 0
    assert found["step", "order: Stock allocated"]["difference"]["value"] < 0


def test_a_side_that_had_less_time_is_not_blamed(shop: Reconstruction) -> None:
    document = compare(shop.select("-since:2026-09-15"), shop.select("since:2026-09-15"), ("before", "after"))
    assert document["uneven"] == ["order"]
    topics = ("business", "step", "variant", "wait", "time")
    assert [name for topic, name in sure(document) if topic in topics and name.startswith("order")] == []
    assert any(row["uneven"] and row["name"] == "order: Shipment delivered" for row in document["changes"])


def test_the_same_in_both_is_no_change(shop: Reconstruction) -> None:
    document = compare(shop, shop, ("all", "all"))
    assert document["sure"] == 0
    assert all(row["difference"]["value"] == 0 for row in document["changes"])


def test_queries_of_a_comparison_count_what_it_says(shop: Reconstruction) -> None:
    document = compare(shop.select("device:desktop"), shop.select("device:mobile"), ("desktop", "mobile"))
    asked = 0
    for row in document["changes"]:
        for side in (row["first"], row["second"]):
            if side.get("query"):  # in this shop no journey has two orders that are over
                assert shop.count_journeys(side["query"]) == side["n"], side["query"]
                asked += 1
    assert {row["topic"] for row in document["changes"] if row["first"].get("query")} >= {"step", "variant", "business"}
    assert asked > 40


# --- two journeys


def journey(*activities: str, ok: bool = True) -> Document:
    touchpoints = [
        {"at": f"2026-03-10T10:{n:02d}:00.000000Z", "activity": activity, "ok": ok, "latency_ms": 5.0}
        for n, activity in enumerate(activities)
    ]
    return {
        "id": "j", "customer": None, "channel": "web", "started_at": "2026-03-10T10:00:00.000000Z", "duration_ms": 0,
        "customer_journey": {"outcome": "browsed", "touchpoints": touchpoints}, "experience": {"score": 100},
        "business_journeys": [],
    }  # fmt: skip


def test_journeys_are_aligned_and_part_where_they_do() -> None:
    found = compare_pair(
        journey("Viewed a product", "Searched ‘soap’", "Placed order 1001"),
        journey("Viewed a product", "Payment declined", "Searched ‘oil’", "Placed order 1002"),
    )["touchpoints"]
    assert [row["same"] for row in found["rows"]] == [True, False, True, True]
    assert found["parts_at"] == 1 and found["rows"][1]["first"] is None
    assert found["rows"][3]["first"]["activity"] == "Placed order 1001", (
        "what differs from journey to journey is no difference"
    )
    assert found["rows"][3]["second"]["after_ms"] == 180_000


def test_what_failed_on_one_side_only_differs() -> None:
    found = compare_pair(journey("Logged in"), journey("Logged in", ok=False))["touchpoints"]
    assert found["parts_at"] == 0 and [row["same"] for row in found["rows"]] == [False]


def test_no_journey_is_too_long_or_too_short() -> None:
    found = compare_pair(journey(), journey(*["Viewed a product"] * 60))["touchpoints"]
    assert len(found["rows"]) == 60 and found["parts_at"] == 0
    long = journey()
    long["customer_journey"]["touchpoints"] = journey("Checked health")["customer_journey"]["touchpoints"] * 5_000
    found = compare_pair(long, long)["touchpoints"]
    assert found["left_out"] == 8_000 and found["parts_at"] is None


# --- as a user meets it


def test_two_orders_side_by_side() -> None:
    ran = reconstruct("compare", SHOP, "100003", "order:100015")
    assert "order 100003 fulfilled" in ran.stdout and "order 100015 fulfilled" in ran.stdout
    assert ran.stdout.count("← here they part") == 2
    document = json.loads(reconstruct("compare", SHOP, "100003", "100015", "--json").stdout)
    assert document["first"]["business"]["id"] == "order:100003"
    rows = document["steps"]["rows"]
    assert rows[0]["same"] and rows[0]["first"]["activity"] == "Payment authorised"
    by_id = json.loads(
        reconstruct("compare", SHOP, document["first"]["id"], document["second"]["id"][:8], "--json").stdout
    )
    assert by_id["touchpoints"] == document["touchpoints"]


def test_two_queries_two_periods_two_directories(tmp_path: Path) -> None:
    ran = reconstruct("compare", SHOP, "--where", "device:desktop", "--against", "device:mobile").stdout
    assert "no sure difference in" in ran and ran.splitlines()[0].startswith("first   device:desktop: 300 journeys")
    split = json.loads(reconstruct("compare", SHOP, "--split", "2026-09-15", "--json").stdout)
    assert split["first"]["last_begun_at"] < "2026-09-15T00:00:00" <= split["second"]["first_at"]
    first, second = reconstruct("compare", SHOP, "--split", "2026-09-15").stdout.splitlines()[:2]
    assert first.startswith("first   before 2026-09-15: ") and first.endswith(
        ", begun 2026-09-14 04:05 to 2026-09-14 23:45 UTC"
    )
    assert second.startswith("second  2026-09-15 and later: ") and ", begun 2026-09-15 00:06 to " in second
    before = json.loads(reconstruct("compare", SHOP, "--since", "2026-09-15", "--until", "2026-09-15", "--json").stdout)
    assert split["first"]["journeys"] + split["second"]["journeys"] == 503
    assert before["first"]["journeys"] == split["first"]["journeys"], "the day before"
    assert before["first"]["where"].startswith("since:2026-09-14T00:00:00Z")
    for name, n in (("few", 5), ("none", 0)):
        (tmp_path / name).mkdir()
        lines = [
            f'192.0.2.{i} - - [10/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Firefox"\n' for i in range(n)
        ]
        (tmp_path / name / "access.log").write_text("".join(lines), encoding="utf-8")
    few = reconstruct("compare", tmp_path / "few", tmp_path / "few").stdout
    assert "too few journeys to compare" in few
    assert_refused(reconstruct("compare", tmp_path / "few", tmp_path / "none"), 1, "hint")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["nothing to compare with", "compare DIR DIR"]),
        (["x", "y", "z"], ["not 3"]),
        (["--where", "outcome:failed", "--against", "outcom:failed"], ["did you mean outcome"]),
        (["--split", "someday"], ["no moment"]),
        (["--split", "2030-01-01"], ["no journeys to compare", "2030-01-01 and later"]),
        (["--until", "2026-09-15"], ["--since too"]),
        (["--against", "stuck", "--split", "1d"], ["two comparisons"]),
        (["nosuch-journey", "100003"], ["no journey or order is called nosuch-journey"]),
        (["1", "100003"], ["several are called 1", "one of"]),
    ],
)
def test_what_cannot_be_compared_is_said(arguments: list[str], words: list[str]) -> None:
    assert_refused(reconstruct("compare", SHOP, *arguments), 2, *words)


# --- as people say it


def test_names_of_any_length_are_compared_in_linear_time() -> None:
    import time

    begin = time.process_time()
    for text in ("x" * 1_000_000, "‘" * 1_000_000, "a-" * 500_000, "x1" * 500_000):
        name_activity(text)
    assert time.process_time() - begin < 5


@pytest.mark.parametrize(
    ("query", "earlier"),
    [
        ("started:2026-09-15 device:mobile", "since:2026-09-14T00:00:00Z -since:2026-09-15T00:00:00Z device:mobile"),
        ("since:2026-09-15T10 until:2026-09-15T11", "since:2026-09-15T08:00:00Z -since:2026-09-15T10:00:00Z"),
        ("started>=2026-09-15T10 start<2026-09-15T12", "since:2026-09-15T08:00:00Z -since:2026-09-15T10:00:00Z"),
        (
            "started:2026-09-15T08..2026-09-15T09 (a or b)",
            "since:2026-09-15T06:00:00Z -since:2026-09-15T08:00:00Z (a or b)",
        ),
        ("device:mobile", None),
        ("until:2026-09-15", None),
        ("-started:2026-09-15", None),
        ("", None),
    ],
)
def test_the_period_before_a_query(shop: Reconstruction, query: str, earlier: str | None) -> None:
    assert earlier_query(shop, query) == earlier


def test_the_query_of_every_figure_selects_what_it_counts(shop: Reconstruction) -> None:
    document = compare_queries(shop, "device:desktop", "")
    asked = 0
    for row in document["changes"]:
        for side in (row["first"], row["second"]):
            if side["query"]:
                found = shop.select(side["query"])
                assert side["n"] in (found.count_journeys(), len(found.business_rows())), row
                asked += 1
    assert asked > 60
