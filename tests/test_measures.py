"""The figures: computed anew from the exported documents, and each traced to its journeys by the query it carries."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from math import comb
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from command import assert_refused, reconstruct
from test_selection import SCHEMA

from reconstruct.export.document import write_json
from reconstruct.intervals import difference, is_sure, order_statistics, quantile_z, wilson
from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.results import Reconstruction

SHOP = Path(__file__).parent.parent / "samples" / "shop" / "logs"
STAGES = ("awareness", "interest", "consideration", "purchase", "after-sales")

Document = dict[str, Any]


@pytest.fixture(scope="module")
def whole(shop: Reconstruction) -> Document:
    out = io.BytesIO()
    write_json(shop, out)
    found: Document = json.loads(out.getvalue())
    return found


@pytest.fixture(scope="module")
def people(whole: Document) -> list[Document]:
    return [each for each in whole["journeys"] if each["session"]["agent_kind"] in ("human", "unknown")]


def figures_in(found: Any, path: str = "") -> Iterator[tuple[str, Document]]:
    """Every figure of a document that carries a query, and where it stands."""
    if isinstance(found, dict):
        if "query" in found:
            yield path, found
        for key, value in found.items():
            yield from figures_in(value, f"{path}/{key}")
    elif isinstance(found, list):
        for number, value in enumerate(found):
            yield from figures_in(value, f"{path}/{number}")


def assert_traceable(results: Reconstruction, summary: Document) -> int:
    """Running the query of a figure counts as many journeys as the figure says; how many figures there are."""
    n = 0
    for path, figure in figures_in(summary):
        assert results.count_journeys(figure["query"]) == figure["journeys"], (path, figure["query"])
        n += 1
    return n


def test_a_query_that_would_be_too_large_is_left_out(shop: Reconstruction) -> None:
    words = " or ".join(f"id:{n}" for n in range(62))
    figures = [figure for _, figure in figures_in(shop.select(words).summary())]
    told = [figure for figure in figures if figure["query"] is not None]
    assert 0 < len(told) < len(figures)
    assert all(shop.count_journeys(figure["query"]) == figure["journeys"] for figure in told)


def achieved(journeys: list[Document]) -> list[Document]:
    return [each for each in journeys if each["customer_journey"]["outcome"] == "achieved"]


# --- traceable


@pytest.mark.parametrize(
    ("query", "since"),
    [
        ("", None),
        ("outcome:failed or stage>=purchase", "2026-09-14T12:00"),
        ('-friction:* device:"chrome"', None),
        ("order(value>100) or agent:bot", None),
        ("customer:nobody-at-all", None),
    ],
)
def test_the_query_of_a_figure_selects_its_journeys(shop: Reconstruction, query: str, since: str | None) -> None:
    some = shop.select(query, since=since)
    assert assert_traceable(shop, some.summary()) > (100 if not query else 0)


def test_values_of_any_kind_are_traced(tmp_path: Path) -> None:
    line = '192.0.2.{n} - - [10/Mar/2026:10:{n:02d}:00 +0000] "GET {target} HTTP/1.1" 200 512 "-" "{agent}"\n'
    targets = [
        "/a*b",
        "/A*B",
        "/a..b",
        "/%22quoted%22",
        "/x,y",
        "/(z)",
        "/or",
        "/caf\u00e9",
        "/a%20b",
        "/=1",
        "/-",
        "/a:b",
    ]
    agents = ["Mozilla/5.0 (X11; Linux x86_64) Firefox/120.0", "we*ird/1.0 (a, b)", "-"]
    lines = [line.format(n=n, target=target, agent=agents[n % 3]) for n, target in enumerate(targets * 3)]
    (tmp_path / "access.log").write_text("".join(lines), encoding="utf-8")
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    summary = results.summary()
    assert assert_traceable(results, summary) > 20
    for name, rows in summary["by"].items():
        assert sum(row["journeys"] for row in rows) == summary["journeys"], name
    assert len(summary["by"]["entry"]) > 5
    results.close()


def test_days_begin_in_the_zone_of_the_user(tmp_path: Path) -> None:
    line = '192.0.2.{n} - - [{day:02d}/Mar/2026:{hour:02d}:30:00 +0000] "GET /p HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11) Firefox/1"\n'
    lines = [
        line.format(n=n, day=day, hour=hour)
        for n, (day, hour) in enumerate((day, hour) for day in range(1, 11) for hour in (1, 12, 23))
    ]
    (tmp_path / "access.log").write_text("".join(lines), encoding="utf-8")
    for zone_s, days in ((0, 10), (3600, 11), (-7200, 11)):
        results = open_paths([tmp_path], Options(cache=False, workers=1, timezone_s=zone_s))
        periods = results.summary()["by"]["period"]
        assert len(periods) == days
        assert assert_traceable(results, periods) == 2 * days
        assert_traceable(results, results.select("id:*").summary()["by"])
        results.close()


@pytest.mark.parametrize(
    ("minutes", "step", "periods"),
    [
        (3, 1, 3),
        (30, 1, 30),
        (60, 1, 6),
        (300, 10, 5),
        (2000, 60, 34),
        (3000, 60, 9),
        (43_200, 1440, 30),
        (525_600, 1440 * 5, 14),
    ],
)
def test_periods_are_as_long_as_gives_a_table(tmp_path: Path, minutes: int, step: int, periods: int) -> None:
    begin = datetime(2026, 3, 2)
    rows = [
        {
            "time": (begin + timedelta(minutes=at)).isoformat() + "Z", "method": "GET", "path": "/p", "status": 200,
            "client_ip": f"10.0.{n // 250}.{n % 250}",
        }
        for n, at in enumerate(range(0, minutes, step))
    ]  # fmt: skip
    (tmp_path / "app.log").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    found = results.summary()["by"]["period"]
    assert len(found) == periods
    assert_traceable(results, found)
    results.close()


# --- right


def test_conversion_and_the_funnel(people: list[Document], whole: Document) -> None:
    summary = whole["summary"]
    assert (summary["achieved"]["n"], summary["achieved"]["of"]) == (len(achieved(people)), len(people))
    assert summary["achieved"]["share"] == summary["conversion"]
    for row in summary["funnel"]:
        place = STAGES.index(row["stage"])
        reached = [each for each in people if STAGES.index(each["customer_journey"]["stage_reached"]) >= place]
        assert row["n"] == len(reached) and row["of"] == len(people)
        if row["stage"] == "after-sales":
            assert row["dropped"] is None
            continue
        dropped = [
            each for each in reached
            if each["customer_journey"]["stage_reached"] == row["stage"]
            and each["customer_journey"]["outcome"] not in ("achieved", "ongoing")
        ]  # fmt: skip
        assert (row["dropped"]["n"], row["dropped"]["of"]) == (len(dropped), len(reached))


def test_friction_with_and_without(people: list[Document], whole: Document) -> None:
    rows = whole["summary"]["friction_cost"]
    kinds = {signal["kind"] for each in people for signal in each["experience"]["signals"]}
    assert {row["kind"] for row in rows} == kinds and len(kinds) > 5
    for row in rows:
        has = [each for each in people if any(s["kind"] == row["kind"] for s in each["experience"]["signals"])]
        assert (row["with"]["journeys"], row["with"]["achieved"]["n"]) == (len(has), len(achieved(has)))
        assert row["without"]["journeys"] == len(people) - len(has)
        assert row["without"]["achieved"]["n"] == len(achieved(people)) - len(achieved(has))
        expected = difference(
            wilson(row["without"]["achieved"]["n"], row["without"]["journeys"]), wilson(len(achieved(has)), len(has))
        )
        assert row["difference"]["low"] == pytest.approx(expected.low, abs=1e-4)


def test_money_is_counted_once_and_to_the_last_digit(whole: Document) -> None:
    business = [each for journey in whole["journeys"] for each in journey["business_journeys"]]
    business += whole["unattributed"]["business_journeys"]
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for each in business:
        if each["value"] is None or "~" in each["id"]:
            continue
        late = any(deviation["kind"] == "late" for deviation in each["deviations"])
        fate = {"in_progress": "late" if late else "open", "cancelled": "lost", "returned": "lost"}
        name = fate.get(each["outcome"], each["outcome"])
        sums[each["value"]["currency"], name] += Decimal(each["value"]["amount"])
    (row,) = whole["summary"]["revenue"]
    for name in ("fulfilled", "open", "lost", "stuck", "failed", "late"):
        assert Decimal(row[name]["amount"]) == sums["GBP", name], name
    assert Decimal(row["at_risk"]["amount"]) == sum(sums["GBP", name] for name in ("stuck", "failed", "late"))
    assert sums["GBP", "fulfilled"] > 10_000


def test_completion_is_of_what_is_over(whole: Document) -> None:
    business = [each for journey in whole["journeys"] for each in journey["business_journeys"] if "~" not in each["id"]]
    (row,) = whole["summary"]["completion"]
    over = [each for each in business if each["outcome"] != "in_progress"]
    assert row["business_journeys"] == len(business)
    assert (row["fulfilled"]["n"], row["fulfilled"]["of"]) == (
        sum(each["outcome"] == "fulfilled" for each in over),
        len(over),
    )
    assert sum(each["n"] for each in row["outcomes"]) == len(business)


def test_times_are_of_the_journeys_that_came_there(people: list[Document], whole: Document) -> None:
    goal, fulfilled = whole["summary"]["times"]
    assert (goal["outcome"], goal["n"]) == ("goal", len(achieved(people)))
    business = [
        each["duration_ms"] for journey in whole["journeys"] for each in journey["business_journeys"]
        if each["outcome"] == "fulfilled"
    ]  # fmt: skip
    business.sort()
    n = len(business)
    assert (fulfilled["type"], fulfilled["n"]) == ("order", n)
    assert fulfilled["p50_ms"] == business[(n + 1) // 2 - 1]
    assert fulfilled["p95_ms"] == business[-(-95 * n // 100) - 1]
    assert fulfilled["low_ms"] <= fulfilled["p50_ms"] <= fulfilled["high_ms"]


def test_amounts_beyond_any_number_are_added_exactly(tmp_path: Path) -> None:
    amounts = ["99999999999999999999.99", "0.01", "12345678901234567890.12"]
    rows = []
    for n, amount in enumerate(amounts * 10):
        order = {"order_id": f"ORD-{7000 + n}"}
        price = {"amount": amount, "currency": "EUR"}
        rows.append({"ts": f"2026-03-10T10:{n:02d}:00Z", "service": "orders", "msg": "order created", **order, **price})
        rows.append({"ts": f"2026-03-10T11:{n:02d}:00Z", "service": "depot", "msg": "order shipped", **order})
    (tmp_path / "app.log").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    out = io.BytesIO()
    write_json(results, out)
    document = json.loads(out.getvalue())
    told = [each["value"] for each in document["unattributed"]["business_journeys"] if each["value"]]
    for row in document["summary"]["revenue"]:
        parts = sum(Decimal(row[name]["amount"]) for name in ("fulfilled", "open", "at_risk", "lost"))
        assert parts == sum(Decimal(value["amount"]) for value in told if value.get("currency") == row["currency"])
    assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(document)) == []
    assert_traceable(results, document["summary"])
    results.close()


# --- intervals


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Exact for shares: the chance of every outcome is known, so nothing is left to luck."""
    for of, true in ((20, 0.1), (50, 0.5), (200, 0.03)):
        found = [(n, wilson(n, of)) for n in range(of + 1)]
        holding = [n for n, (_, low, high) in found if low is not None and high is not None and low <= true <= high]
        held = sum(comb(of, n) * true**n * (1 - true) ** (of - n) for n in holding)
        assert 0.92 <= held <= 0.99, (of, true, held)
    for size in (8, 25, 101):
        low = order_statistics(range(1, size + 1)).low
        assert low is not None
        held = 1 - 2 * sum(comb(size, k) for k in range(int(low))) / 2**size
        assert 0.93 <= held <= 0.995, (size, held)


def test_too_little_is_no_interval() -> None:
    assert wilson(0, 0).low is None
    assert order_statistics([]).low is None
    assert order_statistics([5, 7]) == (5, None, None)
    assert not is_sure(difference(wilson(0, 0), wilson(5, 5)))
    assert is_sure(difference(wilson(10, 100), wilson(60, 100)))
    assert quantile_z(comparisons=100) > quantile_z(comparisons=10) > quantile_z()


# --- as a user meets it


def test_the_summary_says_how_sure_and_by_what_query() -> None:
    lines = reconstruct("summary", SHOP).stdout.splitlines()
    assert len(lines) <= 48, "a screenful"
    text = "\n".join(lines)
    for words in (
        "of 503  person:yes outcome:achieved",
        "dropped here",
        "friction:zero_results",
        "GBP at risk",
        "points (",
    ):
        assert words in text, words
    selected = reconstruct("summary", SHOP, "--where", "outcome:failed or outcome:abandoned").stdout
    assert "  person:yes stage:purchase -outcome:achieved,ongoing" in selected, "without what was selected anyway"


def test_conversion_by_something() -> None:
    ran = reconstruct("summary", SHOP, "--by", "channel")
    head, titles, first, *_ = ran.stdout.splitlines()
    assert head == "conversion by channel; of all 37.4% (33–42%) of 503"
    assert titles.split() == ["channel", "journeys", "achieved", "share", "95%", "query"]
    told = json.loads(reconstruct("summary", SHOP, "--by", "channel", "--json").stdout)
    share = f"{told[0]['achieved']['share']:.1%}"
    assert first.split()[:4] == ["web", str(told[0]["journeys"]), str(told[0]["achieved"]["n"]), share]
    assert first.endswith("  person:yes channel:web")
    entries = [line.split() for line in reconstruct("summary", SHOP, "--by", "entry").stdout.splitlines()[2:]]
    few = [words for words in entries if words[1] in ("1", "2")]
    assert few and all(words[3] == "person:yes" for words in few), "of one or two there are no percentages"
    rows = json.loads(reconstruct("summary", SHOP, "--by", "period", "--json").stdout)
    assert sum(row["journeys"] for row in rows) == 503
    assert_refused(reconstruct("summary", SHOP, "--by", "weather"), 2, "weather")
