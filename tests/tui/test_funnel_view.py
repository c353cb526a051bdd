"""Funnel, ways, map, time: what they show at three sizes and in ASCII, and that every number opens what it counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from drive import Driver, drive
from reader import FakeReader
from shop import hostile_order, make_shop

from reconstruct.tui.screens.funnel import PEOPLE, FunnelView
from reconstruct.tui.screens.journeys import JourneysView
from reconstruct.tui.screens.ways import map_rows, quote
from reconstruct.tui.widgets.chart import TimeChart
from reconstruct.tui.widgets.sections import SectionTable
from reconstruct.tui.widgets.table import FactTable

SIZES = [(80, 24), (120, 40), (200, 50)]
PAGES = [("counts", []), ("ways", ["p"]), ("map", ["p"]), ("time", ["p"]), ("failures", ["p"])]


@pytest.mark.parametrize("size", SIZES, ids=[f"{width}x{height}" for width, height in SIZES])
def test_pages(size: tuple[int, int], golden_screen: Callable[[str, str], None]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("3")
        for name, keys in PAGES:
            await driver.press(*keys)
            golden_screen(f"funnel_{name}_{size[0]}x{size[1]}", driver.text)

    drive(FakeReader(make_shop(60)), script, size)


def test_pages_in_ascii(golden_screen: Callable[[str, str], None]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("3")
        for name, keys in PAGES:
            await driver.press(*keys)
            assert driver.text.isascii()
            golden_screen(f"funnel_{name}_ascii", driver.text)

    drive(FakeReader(make_shop(60)), script, (120, 40), ascii=True)


def test_themes_change_colours_and_nothing_else() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("3")
        for page in ("counts", "ways", "map", "time", "failures"):
            view = driver.app.screen
            assert isinstance(view, FunnelView)
            view.action_show_page(page)
            await driver.settle()
            before = driver.text
            for theme in ("reconstruct-light", "ansi-dark", "ansi-light"):
                driver.app.theme = theme
                await driver.settle()
                assert driver.text == before
            driver.app.theme = "reconstruct"

    drive(FakeReader(make_shop(60)), script, (160, 40))


@pytest.mark.parametrize("page", ["counts", "ways", "map", "failures"])
def test_every_number_opens_what_it_counts(page: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("3")
        view = driver.app.screen
        assert isinstance(view, FunnelView)
        view.action_show_page(page)
        await driver.settle()
        table = view.query_one(f"#{page}", FactTable)
        for place in range(len(table.rows)):
            row = table.rows[place]
            if row.get("heading"):
                continue
            whole = {"": PEOPLE, None: None}.get(
                row.get("filter"), row.get("filter")
            )  # what was going on, not what failed
            counted = row.get("count", row.get("journeys")) if whole is None else driver.reader.count_journeys(whole)
            table.point(place)
            await driver.press("enter")
            shown = driver.app.screen
            assert isinstance(shown, JourneysView), row
            assert shown.table.count == counted, row
            await driver.press("F", "q" if len(driver.app.trail.names) > 1 else "3")
            await driver.press("3")

    drive(FakeReader(make_shop(40)), script, (120, 50))


@pytest.mark.parametrize("subject", ["customer", "order"])
def test_every_edge_of_the_map_opens_the_journeys_that_take_it(subject: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("3")
        view = driver.app.screen
        assert isinstance(view, FunnelView)
        view.subject = subject
        view.action_show_page("map")
        await driver.settle()
        steps, edges, opened = view.query_one("#map", FactTable), view.query_one("#edges", SectionTable), 0
        for place in range(len(steps.rows)):
            steps.point(place)
            await driver.settle()
            for number, row in enumerate(edges.rows):
                if "section" in row:
                    continue
                edges.point(number)
                edges.focus()
                await driver.press("enter")
                shown = driver.app.screen
                assert isinstance(shown, JourneysView), row
                assert row["filter"] in shown.table.filter_text
                n = shown.table.count  # of orders, one visit may have several
                assert n == row["journeys"] if subject == "customer" else 0 < n <= row["journeys"], row
                await driver.press("q")
                assert driver.app.screen is view and driver.app.filter_text == ""
                opened += 1
        assert opened >= 6

    drive(FakeReader(make_shop(20)), script, (120, 50))


def test_a_slice_of_time_opens_the_journeys_that_begin_in_it() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("3", "P", "P")
        chart = driver.app.screen.query_one(TimeChart)
        assert chart.has_focus
        await driver.press("l", "l", "l", "l", "h", "enter")
        shown = driver.app.screen
        assert isinstance(shown, JourneysView)
        assert shown.table.count == chart.rows[3]["journeys"] > 0
        await driver.press("F", "3", "G", "enter")
        assert shown.table.count == chart.rows[-1]["journeys"] > 0

    drive(FakeReader(make_shop(60)), script, (120, 40))


def test_failures_say_since_when_and_whom_they_hit() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("3", "P")
        table = driver.app.screen.query_one("#failures", FactTable)
        assert table.has_focus
        kinds = [place for place, row in enumerate(table.rows) if row.get("kind")]
        assert kinds and any(row["kind"] == "step" for row in map(table.row, kinds) if row)
        for place in kinds:
            table.point(place)
            await driver.settle()
            row = table.rows[place]
            times = "once" if row["times"] == 1 else f"{row['times']:,} times"
            assert f"{times}, in {row['journeys']:,} journey" in driver.text
        assert " a mark, " in driver.text
        await driver.press("1", "slash", *"device:mobile", "enter", "3")
        asked = driver.reader.failures("device:mobile")
        assert [row["times"] for row in table.rows if row.get("kind")] == [row["times"] for row in asked["kinds"]]

    drive(FakeReader(make_shop(60)), script, (120, 40))


def test_business_objects_have_ways_and_a_map_of_their_own() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("3", "o")
        assert "Whose ways" in driver.text
        await driver.press("o")
        assert "business journeys: order" in driver.text
        assert "Capture payment" in driver.text
        assert "bottleneck" in driver.text
        await driver.press("P")
        assert "different ways" in driver.text

    drive(FakeReader(make_shop(30)), script, (140, 40))


def test_what_is_counted_follows_the_filter() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("slash", *"outcome:failed", "enter")
        await driver.press("3")
        assert "only outcome:failed" in driver.text
        view = driver.app.screen
        assert isinstance(view, FunnelView)
        assert view.flows["journeys"] == driver.reader.count_journeys("outcome:failed")
        await driver.press("F")
        assert view.flows["journeys"] > driver.reader.count_journeys("outcome:failed")
        await driver.press("1")
        shown = driver.app.screen
        assert isinstance(shown, JourneysView) and shown.table.filter_text == ""

    drive(FakeReader(make_shop(60)), script, (140, 40))


def test_nothing_to_count_is_no_error() -> None:
    async def script(driver: Driver) -> None:
        for key in ("3", "enter", "p", "enter", "p", "enter", "o", "p", "l", "enter"):
            await driver.press(key)
        assert isinstance(driver.app.screen, FunnelView)

    drive(FakeReader([]), script)


def test_hostile_names_are_spelled_out() -> None:
    async def script(driver: Driver) -> None:
        for key in ("3", "p", "p", "o", "h", "P"):
            await driver.press(key)
            assert not any(sign in driver.text for sign in "\x1b\x07\u202e\u200b\r\t"), key
        assert "␛[31mred" in driver.text

    drive(FakeReader([hostile_order()]), script, (160, 40))


def test_a_wait_is_the_bottleneck_only_when_it_is_long() -> None:
    nodes = [{"activity": name, "journeys": 10, "times": 10} for name in "abcdefgh"]
    edges = [
        {"from": a, "to": b, "times": 10, "p50_ms": 5, "p95_ms": 9, "wait_ms": 50}
        for a, b in zip("abcdefg", "bcdefgh", strict=True)
    ]
    even = map_rows({"total": 10, "nodes": nodes, "edges": edges}, "order")
    assert not any(row.get("bottleneck") for row in even)
    edges[3]["wait_ms"] = 5000
    assert [
        row["activity"]
        for row in map_rows({"total": 10, "nodes": nodes, "edges": edges}, "order")
        if row.get("bottleneck")
    ] == ["e"]
    assert [row["activity"] for row in map_rows({"total": 5000, "nodes": nodes}, "order")] == [], (
        "rare ones are left out"
    )


def test_names_with_quotes_can_be_asked_for() -> None:
    assert quote('5" \\ nails') == '"5\\" \\\\ nails"'


@pytest.mark.parametrize("slices", [1, 7, 62, 92, 400])
def test_moments_below_the_chart_stand_apart(slices: int) -> None:
    """Also where several slices share a column."""
    chart = TimeChart()
    chart.rows = [{"at": f"2026-09-{14 + place // 24:02}T{place % 24:02}:00:00Z"} for place in range(slices)]
    chart.slice_s = 3600
    words = chart._labels(62, 4).split("   ")
    told = [word.strip() for word in words if word.strip()]
    assert told[0] == "Mon 14 Sep 00:00"
    assert all(len(word) == len("Mon 14 Sep 00:00") for word in told)
    assert len(set(told)) == len(told)
