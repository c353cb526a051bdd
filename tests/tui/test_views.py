"""Funnel, raw lines, quality, identifiers, help: what they show and what they open."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from drive import Driver, drive
from reader import FakeReader
from shop import make_shop

from reconstruct.tui.screens.counts import business_rows, stage_rows
from reconstruct.tui.screens.quality import say_account


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
def test_views(size: tuple[int, int], golden_screen: Callable[[str, str], None]) -> None:
    looks = [
        ("funnel", ["3"]), ("quality", ["5", "j", "j"]), ("identifiers", ["6", "j"]), ("help", ["question_mark"]),
        ("raw", ["q", "1", "enter", "e", "enter"]),
    ]  # fmt: skip

    async def script(driver: Driver) -> None:
        for name, keys in looks:
            await driver.press(*keys)
            golden_screen(f"{name}_{size[0]}x{size[1]}", driver.text)

    drive(FakeReader(make_shop(60)), script, size)


def test_the_funnel_says_of_each_stage_what_the_summary_says() -> None:
    reader = FakeReader(make_shop(60))
    rows = stage_rows(reader.flows())[1:]
    funnel = reader.real.summary()["funnel"]
    assert [(row["label"], row["count"]) for row in rows] == [(row["stage"], row["n"]) for row in funnel]
    assert [row["lost"] for row in rows[:-1]] == [row["dropped"]["n"] for row in funnel[:-1]]
    assert rows[-1]["lost"] is None
    assert business_rows({"business": {"fulfilled": 3, "in_progress": 1}})[1]["share"] == 0.75
    assert stage_rows({}) == []


def test_unparsed_lines_say_how_near_they_came(golden_screen: Callable[[str, str], None]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("5")
        golden_screen("quality_unparsed_120x56", driver.text)
        assert "combined came to column 61, expected STATUS: HTTP_STATUS" in driver.text
        assert "2 lines: message cut at 65536 characters" in driver.text

    drive(FakeReader(make_shop(60)), script, (120, 56))


def test_the_line_account_says_when_it_does_not_add_up() -> None:
    assert say_account([{"lines": 10, "events": 9, "blank": 1}]) == "10 lines = 9 events + 1 blank"
    assert say_account([{"lines": 10, "events": 8}]) == "10 lines = 8 events  (+2 unaccounted)"


def test_views_without_a_journey_open_the_one_pointed_at() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("j", "2")
        assert driver.app.journey_id == "hostile"

    drive(FakeReader(make_shop(10)), script)
