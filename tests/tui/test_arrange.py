"""The list arranged by customer, object, variant …, and its columns."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from drive import Driver, drive
from reader import FakeReader
from shop import make_shop

from reconstruct.tui.glyphs import Pen
from reconstruct.tui.sanitise import measure
from reconstruct.tui.screens.groups import ARRANGEMENTS, BUSINESS, JOURNEYS
from reconstruct.tui.screens.journeys import JourneysView
from reconstruct.tui.widgets.course import draw_course, draw_way

GROUPED = [(letter, by) for letter, _, by in ARRANGEMENTS if by not in (JOURNEYS, BUSINESS)]


def view_of(driver: Driver) -> JourneysView:
    view = driver.app.screen
    assert isinstance(view, JourneysView)
    return view


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=["80x24", "120x40", "200x50"])
def test_arrangements(size: tuple[int, int], golden_screen: Callable[[str, str], None]) -> None:
    async def script(driver: Driver) -> None:
        for letter, name in (("v", "variants"), ("c", "customers"), ("b", "objects")):
            await driver.press("v", letter)
            golden_screen(f"arranged_{name}_{size[0]}x{size[1]}", driver.text)

    drive(FakeReader(make_shop(60)), script, size)


@pytest.mark.parametrize(("letter", "by"), GROUPED, ids=[by for _, by in GROUPED])
def test_a_group_opens_its_journeys(letter: str, by: str) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("v", letter)
        view = view_of(driver)
        rows = list(view.front.rows)  # type: ignore[attr-defined]
        assert sum(row["journeys"] for row in rows) == len(driver.reader.real.journey_rows(limit=1000))
        for place, row in list(enumerate(rows))[:4]:
            view.front.point(place)
            await driver.press("enter")
            assert view.arranged == JOURNEYS
            assert driver.reader.real.count_journeys(view.table.filter_text) == row["journeys"], row
            await driver.press("F", "v", letter)

    drive(FakeReader(make_shop(30)), script)


def test_a_business_object_opens_the_journey_it_was_begun_in() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("v", "b")
        assert "order 88138" in driver.text
        await driver.press("enter")
        assert driver.app.journey_id is not None
        assert driver.app.trail.here == "timeline"
        await driver.press("q")
        assert view_of(driver).arranged == BUSINESS, "one comes back to where one was"

    drive(FakeReader(make_shop(30)), script)


def test_groups_and_objects_are_sorted_by_any_column() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("v", "d", "v", "c", "S", "g")
        table = view_of(driver).front
        names = [row["name"] for row in table.rows]  # type: ignore[attr-defined]
        assert names[:-1] == sorted(names[:-1]) and names[-1] is None, "who is not known comes last"
        await driver.press("S", "x")
        scores = [row["score"] for row in table.rows]  # type: ignore[attr-defined]
        assert scores == sorted(scores, reverse=True)
        await driver.press("S", "x")
        assert [row["score"] for row in table.rows] == sorted(scores)  # type: ignore[attr-defined]
        await driver.press("v", "b", "S", "o")
        outcomes = [row["outcome"] for row in view_of(driver).front.rows]  # type: ignore[attr-defined]
        assert outcomes == sorted(outcomes)

    drive(FakeReader(make_shop(60)), script)


def test_groups_follow_the_filter() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("v", "o", "slash", *"stage:interest", "enter")
        rows = view_of(driver).front.rows  # type: ignore[attr-defined]
        assert sum(row["journeys"] for row in rows) == driver.reader.real.count_journeys("stage:interest")
        await driver.press("v", "j")
        assert view_of(driver).table.has_focus

    drive(FakeReader(make_shop(60)), script)


def test_columns_can_be_left_out_and_come_back() -> None:
    async def script(driver: Driver) -> None:
        assert "Course" in driver.text
        await driver.press("C", "c")
        assert "[ ] Course" in driver.text
        await driver.press("escape")
        assert "Course" not in driver.text
        await driver.press("C", "c", "escape")
        assert "Course" in driver.text

    drive(FakeReader(make_shop(20)), script)


def test_a_menu_is_used_with_arrows_too() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("v", "down", "enter")
        assert view_of(driver).arranged == "customer"

    drive(FakeReader(make_shop(20)), script)


@pytest.mark.parametrize("cells", [1, 2, 5, 8, 13, 40])
@pytest.mark.parametrize(
    "course", ["", "A", "aicpS", "a" * 300, "iiiCpP!P|....|..x?>", "|....>", "a_" * 50 + "|" + "." * 400]
)
def test_a_course_fits_its_cells_and_keeps_failures(course: str, cells: int) -> None:
    for pen in (Pen(), Pen(ascii=True)):
        text = "".join(span.text for span in draw_course(course, pen, cells))
        assert measure(text) <= cells
    if cells >= 13 and "!" in course:
        assert "✖" in "".join(span.text for span in draw_course(course, Pen(), cells))


@pytest.mark.parametrize("cells", [3, 10, 24, 60, 200])
def test_a_way_fits_its_cells(cells: int) -> None:
    way = ["Viewed a product", "Added to basket", "Started checkout", "Placed order …", "東京を見る", "…"]
    text = "".join(span.text for span in draw_way(way, Pen(), cells))
    assert measure(text) <= cells and text
