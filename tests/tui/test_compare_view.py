"""Comparing: two journeys side by side, what changed between two sets, the ways there and the doors from there."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from drive import Driver, drive
from reader import FakeReader
from shop import hostile_order, make_shop, order_journey, two_orders
from textual.widgets import Input

from reconstruct.tui.screens.compare import CompareView
from reconstruct.tui.screens.journeys import JourneysView
from reconstruct.tui.widgets.prompt import Prompt

SIZES = [(80, 24), (120, 40)]
Document = dict[str, Any]


def comparing(driver: Driver) -> CompareView:
    view = driver.app.screen
    assert isinstance(view, CompareView), driver.text
    return view


def listed(driver: Driver) -> JourneysView:
    view = driver.app.screen
    assert isinstance(view, JourneysView), driver.text
    return view


async def filter_by(driver: Driver, text: str) -> None:
    await driver.press("slash")
    driver.app.screen.query_one(Input).value = text
    await driver.press("enter")


def differing_shop() -> list[Document]:
    """Half of the visits by web, where many get what they want; half by app, where none does."""
    documents = make_shop(245)[5:]
    for number, document in enumerate(documents):
        document["channel"] = ("web", "app")[number % 2]
        document["customer_journey"]["outcome"] = "achieved" if number % 2 == 0 and number % 3 else "abandoned"
    return documents


# --- two journeys


@pytest.mark.parametrize("size", SIZES, ids=[f"{width}x{height}" for width, height in SIZES])
def test_the_list_marks_one_journey_and_compares_it_with_another(
    size: tuple[int, int], golden_screen: Callable[[str, str], None]
) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("t")
        assert driver.lines[2].startswith("◆")
        assert "Marked: t on another journey compares the two" in driver.text
        await driver.press("j", "t")
        golden_screen(f"compare_pair_{size[0]}x{size[1]}", driver.text)
        assert driver.app.marked is None

    drive(FakeReader([order_journey(), two_orders()]), script, size)


def test_pair_in_ascii(golden_screen: Callable[[str, str], None]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("t", "j", "t")
        assert driver.text.isascii()
        golden_screen("compare_pair_ascii", driver.text)

    drive(FakeReader([order_journey(), two_orders()]), script, (100, 30), ascii=True)


def test_the_same_key_takes_the_mark_away() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("t", "t")
        assert driver.app.marked is None and "◆ 14 Nov" not in driver.text
        assert listed(driver)

    drive(FakeReader([order_journey(), two_orders()]), script)


def test_an_open_journey_asks_for_the_other_by_journey_or_order() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "t")
        view = comparing(driver)
        assert view.query_one(Prompt).is_open
        await driver.press(*"88138", "enter")
        assert "no journey or order is called 88138" not in driver.text
        assert view.found["pair"]["second"]["business"]["id"] == "order:88138"
        assert view.found["pair"]["first"]["id"] == driver.app.journey_id
        await driver.press("t", *"nowhere", "enter")
        assert "no journey or order is called nowhere" in driver.text
        await driver.press("q")
        assert driver.app.trail.here == "timeline"

    drive(FakeReader([order_journey(), two_orders()]), script)


def test_leaving_the_box_goes_back_where_one_was() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "t", "escape")
        assert driver.app.trail.here == "timeline"

    drive(FakeReader([order_journey(), two_orders()]), script)


def test_a_row_opens_the_journey_of_either_side() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("t", "j", "t", "enter", "s")
        assert driver.app.trail.here == "timeline"
        assert driver.app.journey_id == comparing_ids[1]

    reader = FakeReader([order_journey(), two_orders()])
    comparing_ids = [row["id"] for row in reader.journey_rows()]
    drive(reader, script)


def test_the_way_back_from_a_row_leads_to_the_comparison_and_then_where_one_was() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter")
        first = driver.app.journey_id
        other = next(id for id in comparing_ids if id != first)
        await driver.press("t", *other, "enter", "enter", "s")
        assert driver.app.trail.names == ["journeys", "timeline", "compare", "timeline"]
        assert driver.app.journey_id == other
        await driver.press("q")
        assert comparing(driver).pair == (first, other)
        await driver.press("escape")
        assert driver.app.trail.names == ["journeys", "timeline"]
        assert driver.app.journey_id == first

    reader = FakeReader([order_journey(), two_orders()])
    comparing_ids = [row["id"] for row in reader.journey_rows()]
    drive(reader, script)


def test_the_way_back_from_a_figure_leads_to_the_comparison_and_the_filter() -> None:
    async def script(driver: Driver) -> None:
        await filter_by(driver, "channel:web")
        await driver.press("T", "o", "enter", "f")
        assert listed(driver).table.filter_text != "channel:web"
        await driver.press("q")
        assert comparing(driver).page == "sets"
        await driver.press("q")
        assert listed(driver).table.filter_text == "channel:web"
        await driver.press("7")
        assert comparing(driver).found["sets"]

    drive(FakeReader(differing_shop()), script)


def test_equal_journeys_part_nowhere() -> None:
    other = deepcopy(order_journey())
    other["id"] = "twin"
    other["business_journeys"][0].update(id="order:2", object={"type": "order", "id": "2"})

    async def script(driver: Driver) -> None:
        await driver.press("t", "j", "t")
        assert driver.text.count("the same on both sides") == 2
        assert "they part" not in driver.text and "≠" not in driver.text

    drive(FakeReader([order_journey(), other]), script)


def test_hostile_names_are_spelled_out() -> None:
    async def script(driver: Driver) -> None:
        for keys in (("t", "j", "t"), ("enter",), ("escape", "q", "enter", "t", *"x\u202e", "enter")):
            await driver.press(*keys)
            assert not any(sign in driver.text for sign in "\x1b\x07\u202e\u200b\r\t"), keys
            assert "␛[31mred" in driver.text or "called x" in driver.text, driver.text

    drive(FakeReader([hostile_order(), order_journey()]), script, (160, 40))


# --- two sets


@pytest.mark.parametrize("size", SIZES, ids=[f"{width}x{height}" for width, height in SIZES])
def test_sure_changes_come_first(size: tuple[int, int], golden_screen: Callable[[str, str], None]) -> None:
    async def script(driver: Driver) -> None:
        await filter_by(driver, "channel:web")
        await driver.press("T")
        assert "All others" in driver.text and "same length of time" not in driver.text
        await driver.press("o")
        golden_screen(f"compare_sets_{size[0]}x{size[1]}", driver.text)
        assert comparing(driver).found["sets"]["sure"] > 0

    drive(FakeReader(differing_shop()), script, size)


def test_sets_in_ascii(golden_screen: Callable[[str, str], None]) -> None:
    async def script(driver: Driver) -> None:
        await filter_by(driver, "channel:web")
        await driver.press("T", "o")
        assert driver.text.isascii()
        golden_screen("compare_sets_ascii", driver.text)

    drive(FakeReader(differing_shop()), script, (100, 30), ascii=True)


def test_every_figure_opens_the_journeys_it_counts() -> None:
    async def script(driver: Driver) -> None:
        await filter_by(driver, "channel:web")
        await driver.press("T", "o")
        opened = 0
        for place in range(len(comparing(driver).table.rows)):
            row = comparing(driver).table.rows[place]
            if "section" in row or not row["first"]["query"]:
                continue
            for side in ("first", "second"):
                comparing(driver).table.point(place)
                await driver.press("enter", side[0])
                assert listed(driver).table.count == row[side]["n"], (side, row)
                opened += 1
                await driver.press("T", "l")
        assert opened >= 6

    drive(FakeReader(differing_shop()), script, (120, 40))


def test_no_sure_difference_is_said() -> None:
    async def script(driver: Driver) -> None:
        await filter_by(driver, "channel:web")
        await driver.press("T", "/")
        assert comparing(driver).query_one(Prompt).is_open
        comparing(driver).query_one(Input).value = "channel:web"
        await driver.press("enter")
        assert "no sure difference in " in driver.text
        assert driver.app.filters[0] == "channel:web"

    drive(FakeReader(differing_shop()), script)


def test_the_period_before_is_offered_where_there_is_one() -> None:
    async def script(driver: Driver) -> None:
        await filter_by(driver, "started>=2025-11-14T14:00 started<2025-11-14T16:00")
        await driver.press("T", "b")
        first, second = comparing(driver).sets or ("", "")
        assert first == "since:2025-11-14T12:00:00Z -since:2025-11-14T14:00:00Z"
        assert second == driver.app.filter_text
        assert comparing(driver).found["sets"]["first"]["journeys"] > 20

    drive(FakeReader(differing_shop()), script)


def test_nobody_to_compare_with_is_said() -> None:
    async def script(driver: Driver) -> None:
        await filter_by(driver, "channel:web")
        await driver.press("T", "/")
        comparing(driver).query_one(Input).value = "channel:telegraph"
        await driver.press("enter")
        assert "no journeys to compare: channel:telegraph" in driver.text
        comparing(driver).query_one(Prompt)
        await driver.press("T", "/")
        comparing(driver).query_one(Input).value = "channel:"
        await driver.press("enter")
        assert comparing(driver).query_one(Prompt).is_open, "a query that is wrong stays in the box"

    drive(FakeReader(differing_shop()), script)


def test_the_view_without_anything_says_how() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("7")
        assert "t compares a journey with another" in driver.text
        await driver.press("p", "enter", "j", "k", "G", "t")
        assert "T compares the journeys of the filter" in driver.text
        await driver.press("q")
        assert driver.app.trail.names == ["journeys"]

    drive(FakeReader([]), script)


def test_themes_change_colours_and_nothing_else() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("t", "j", "t")
        before = driver.text
        for theme in ("reconstruct-light", "ansi-dark"):
            driver.app.theme = theme
            await driver.settle()
            assert driver.text == before

    drive(FakeReader([order_journey(), two_orders()]), script)
