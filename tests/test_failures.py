"""What failed, since when and whom it hit: kinds of failures, those that come all at once, and what becomes of those who come then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from command import reconstruct

from reconstruct.pipeline import open_paths
from reconstruct.results import Reconstruction

SHOP = Path(__file__).parent.parent / "samples" / "shop" / "logs"
FIRST = datetime(2026, 3, 10, 6, tzinfo=UTC)
OUTAGE = (datetime(2026, 3, 10, 14, tzinfo=UTC), datetime(2026, 3, 10, 15, tzinfo=UTC))
VISITS = 360
"""One every four minutes, over 24 hours."""
Fails = Callable[[int, datetime], bool]

Document = dict[str, Any]


def visits(fails: Fails) -> Iterator[str]:
    """An access log: who comes looks at a product, fills the basket, checks out and orders. ``fails``: whether the checkout of a
    visit, by its number, answers with 503."""
    for n in range(VISITS):
        at = FIRST + timedelta(minutes=4 * n)
        page = "-"
        steps = [("GET", f"/product/{n % 7}", 200), ("POST", "/basket/add", 302), ("GET", "/checkout", 200)]
        steps += [("POST", "/checkout/place-order", 503)] if fails(n, at) else [
            ("POST", "/checkout/place-order", 302), ("GET", f"/order/confirmation/{7000 + n}", 200),
        ]  # fmt: skip
        for second, (method, path, status) in enumerate(steps):
            moment = at + timedelta(seconds=20 * second)
            yield (
                f'198.51.{n // 200}.{n % 200 + 1} - - [{moment:%d/%b/%Y:%H:%M:%S +0000}] "{method} {path} HTTP/1.1" {status} 512 '
                f'"{page}" "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"\n'
            )
            page = f"https://shop.example{path}"


def measure(directory: Path, fails: Fails) -> Reconstruction:
    (directory / "access.log").write_text("".join(visits(fails)), encoding="utf-8")
    return open_paths([directory])


def test_an_outage_is_told_with_its_time_its_route_and_whom_it_hit(tmp_path: Path) -> None:
    results = measure(tmp_path, lambda n, at: OUTAGE[0] <= at < OUTAGE[1] or n % 90 == 0)
    failures = results.summary()["failures"]
    assert failures["slice_s"] == 3600
    kind = failures["kinds"][0]
    assert (kind["kind"], kind["method"], kind["route"], kind["status"]) == (
        "request",
        "POST",
        "/checkout/place-order",
        503,
    )
    assert kind["technical"] and kind["times"] == 19 and sum(kind["slices"]) == 19
    assert kind["surge"]["from_at"] == "2026-03-10T14:00:00.000000Z"
    assert kind["surge"]["until_at"] == "2026-03-10T15:00:00.000000Z"
    assert kind["surge"]["times"] == 15 and kind["surge"]["usual"] < 1
    (surge,) = failures["surges"]
    assert surge["failed"]["n"] == surge["failed"]["journeys"] == 15
    assert surge["achieved"]["n"] == 0 and surge["achieved"]["of"] == 15
    assert surge["achieved_difference"]["high"] < 0
    assert results.count_journeys(surge["failed"]["query"]) == 15
    results.close()
    told = reconstruct("summary", tmp_path).stdout
    assert "  ! all at once, 10 Mar 14:00 to 15:00 UTC: " in told
    assert "15 journeys were hit; of visits begun then 0% (0–20%) of 15 reached their goal" in told


def test_failures_that_are_always_there_are_no_surge(tmp_path: Path) -> None:
    with_some = measure(tmp_path, lambda n, at: n % 9 == 0)
    failures = with_some.summary()["failures"]
    assert failures["kinds"][0]["times"] == 40 and failures["surges"] == []
    with_some.close()


def test_one_visitor_who_tries_again_and_again_is_no_incident(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text("".join(visits(lambda n, at: False)), encoding="utf-8")
    again = [
        f'203.0.113.9 - - [10/Mar/2026:14:{n // 4:02d}:{n % 4 * 15:02d} +0000] "POST /checkout/place-order HTTP/1.1" 503 0 '
        '"https://shop.example/checkout" "Mozilla/5.0 (Windows NT 10.0; rv:130.0) Gecko/20100101 Firefox/130.0"\n'
        for n in range(40)
    ]
    (tmp_path / "again.log").write_text("".join(again), encoding="utf-8")
    results = open_paths([tmp_path])
    kind = results.summary()["failures"]["kinds"][0]
    assert kind["journeys"] == 1 and kind["surge"] is None
    results.close()


def test_error_lines_are_kinds_with_the_first_of_them(tmp_path: Path) -> None:
    lines = [
        f"2026-03-10 {9 + n // 6:02d}:{n % 6 * 10:02d}:00,000 ERROR [worker] could not reach printer {n + 100} in 30 s\n"
        for n in range(12)
    ]
    (tmp_path / "worker.log").write_text(
        "2026-03-10 08:00:00,000 INFO [worker] started\n" + "".join(lines), encoding="utf-8"
    )
    results = open_paths([tmp_path])
    (kind,) = results.summary()["failures"]["kinds"]
    assert (kind["kind"], kind["service"], kind["level"], kind["times"]) == ("line", "worker", "error", 12)
    assert kind["what"] == "could not reach printer … in … s"
    assert kind["example"] == [0, 2] and "query" not in kind
    results.close()
    said = reconstruct("summary", tmp_path).stdout
    assert "worker error: could not reach printer … in … s" in said and said.count("the first: worker.log:2") == 1


def test_error_lines_open_the_journeys_they_are_in(shop: Reconstruction) -> None:
    kinds = [kind for kind in shop.summary()["failures"]["kinds"] if kind["kind"] == "line"]
    assert any(kind["journeys"] for kind in kinds)
    for kind in kinds:
        assert ("query" in kind) == bool(kind["journeys"])
        assert not kind["journeys"] or shop.select(kind["query"]).count_journeys() == kind["journeys"], kind
    some = shop.select("device:mobile")
    for kind in some.summary()["failures"]["kinds"]:
        if kind["kind"] == "line":
            assert shop.select(kind["query"]).count_journeys() == kind["journeys"], kind


def test_nothing_failed_is_said(tmp_path: Path) -> None:
    measure(tmp_path, lambda n, at: False).close()
    assert "nothing failed" in reconstruct("summary", tmp_path).stdout.splitlines()


def test_slices_are_those_of_the_journeys_that_are_chosen(tmp_path: Path) -> None:
    results = measure(tmp_path, lambda n, at: OUTAGE[0] <= at < OUTAGE[1])
    some = results.select(since="2026-03-10T14", until="2026-03-10T14")
    failures = some.summary()["failures"]
    assert failures["slice_s"] == 120 and failures["over_time"][0]["at"] == "2026-03-10T14:00:00.000000Z"
    assert failures["failed"] == 15
    assert results.failures("since:2026-03-10T14 until:2026-03-10T14") == failures
    results.close()


@pytest.mark.parametrize("query", ["", "device:mobile", "order(outcome:failed)"])
def test_what_is_counted_adds_up(query: str, shop: Reconstruction) -> None:
    failures = shop.select(query).summary()["failures"]
    requests = [kind for kind in failures["kinds"] if kind["kind"] == "request"]
    assert sum(kind["times"] for kind in requests) == failures["failed"]
    assert sum(row["requests"] for row in failures["over_time"]) == failures["requests"]
    for kind in failures["kinds"]:
        assert sum(kind["slices"]) == kind["times"] if not query else sum(kind["slices"]) <= kind["times"]
        assert kind["first_at"] <= kind["last_at"]


def test_the_figures_are_those_of_json() -> None:
    document: Document = json.loads(reconstruct("summary", SHOP, "--json").stdout)
    told = reconstruct("summary", SHOP).stdout
    failures = document["failures"]
    assert f"what failed: {failures['failed']:,} of {failures['requests']:,} requests of people" in told
    assert failures["kinds"][0]["what"] in told


def test_an_error_without_words_is_told_by_its_pairs(tmp_path: Path) -> None:
    lines = [{"code": 7, "task": "settle"}, {"msg": "\nno route to host\n"}, {}]
    rows = ({"time": f"2026-03-10T06:00:0{n}Z", "level": "error", **line} for n, line in enumerate(lines))
    (tmp_path / "jobs.json").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    results = open_paths([tmp_path])
    said = {kind["example"][1]: kind["what"] for kind in results.summary()["failures"]["kinds"]}
    results.close()
    assert said == {1: "code=… task=settle", 2: "no route to host", 3: "error"}
