"""The filter box: it counts while one types, completes, says where a query is wrong, and remembers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from drive import Driver, drive
from reader import FakeReader
from shop import make_shop
from textual.widgets import Input

from reconstruct.tui.app import ReconstructApp
from reconstruct.tui.filters import KEPT, keep_filter, load_filters
from reconstruct.tui.screens.journeys import JourneysView
from reconstruct.tui.widgets.suggestions import Suggestions


def view_of(driver: Driver) -> JourneysView:
    view = driver.app.screen
    assert isinstance(view, JourneysView)
    return view


async def type_slowly(driver: Driver, text: str) -> None:
    """Type, and wait until the box has looked at it."""
    await driver.press(*text)
    box = view_of(driver).query_one(Input)
    await driver.until(lambda: box.value.endswith(text[-1]) and not driver.is_busy)
    await driver.pilot.pause(0.25)
    await driver.settle()


def test_completion_of_fields_and_seen_values(golden_screen: Callable[[str, str], None]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("slash")
        await type_slowly(driver, "outc")
        golden_screen("filter_fields", driver.text)
        await driver.press("tab")
        assert view_of(driver).query_one(Input).value == "outcome:"
        await type_slowly(driver, "ab")
        golden_screen("filter_values", driver.text)
        await driver.press("down", "enter", "enter")
        view = view_of(driver)
        assert view.table.filter_text == "outcome:abandoned"
        assert view.table.count == driver.reader.count_journeys("outcome:abandoned") > 0
        assert view.table.has_focus

    drive(FakeReader(make_shop(60)), script, (100, 24))


def test_a_wrong_query_shows_where_and_keeps_the_list(golden_screen: Callable[[str, str], None]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("slash")
        await type_slowly(driver, "outcome:failed")
        table = view_of(driver).table
        before = (table.filter_text, table.count)
        assert before == ("outcome:failed", driver.reader.count_journeys("outcome:failed"))
        await type_slowly(driver, " scroe<50")
        golden_screen("filter_wrong", driver.text)
        assert (table.filter_text, table.count) == before
        caret = next(line for line in driver.lines if line.strip() == "▼")
        box = next(line for line in driver.lines if line.startswith(" filter"))
        assert caret.index("▼") == box.index("scroe")
        await driver.press("enter")
        assert view_of(driver).query_one(Input).has_focus, "it is not taken"
        await driver.press("escape")
        assert table.has_focus and not view_of(driver).query_one(Suggestions).display

    drive(FakeReader(make_shop(60)), script, (100, 24))


def test_filters_used_before_are_offered_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state" / "filters.json"

    def app(*_: object, **more: object) -> ReconstructApp:
        return ReconstructApp(FakeReader(make_shop(30)), filters=path)

    monkeypatch.setattr("drive.ReconstructApp", app)

    async def first(driver: Driver) -> None:
        for text in ("outcome:failed", "score<60"):
            await driver.press("F", "slash", *text, "enter")
        assert driver.app.filters == ["score<60", "outcome:failed"]

    async def second(driver: Driver) -> None:
        await driver.press("slash")
        await driver.settle()
        assert [each.text for each in view_of(driver).query_one(Suggestions).entries[:2]] == [
            "score<60",
            "outcome:failed",
        ]
        await driver.press("down", "down", "enter", "enter")
        assert driver.app.filter_text == "outcome:failed"

    drive(FakeReader([]), first)
    assert json.loads(path.read_text("utf-8")) == ["score<60", "outcome:failed"]
    drive(FakeReader([]), second)


def test_kept_filters_are_bounded_and_a_damaged_file_costs_only_them(tmp_path: Path) -> None:
    path = tmp_path / "filters.json"
    filters: list[str] = []
    for number in range(KEPT + 5):
        filters = keep_filter(path, filters, f"score<{number}")
    assert load_filters(path) == filters == [f"score<{number}" for number in range(KEPT + 4, 4, -1)]
    assert keep_filter(path, filters, filters[3])[0] == filters[3]
    assert keep_filter(path, filters, "x" * 10_000) == filters
    for damage in ("{", '{"a": 1}', "[1, null]"):
        path.write_text(damage, encoding="utf-8")
        assert load_filters(path) == []
    assert load_filters(None) == []
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert keep_filter(blocked / "filters.json", [], "a") == ["a"], "a place that cannot be written is no error"


def test_it_begins_with_a_query_given(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = FakeReader(make_shop(30))
    monkeypatch.setattr("drive.ReconstructApp", lambda *_, **__: ReconstructApp(reader, filter_text="outcome:failed"))

    async def script(driver: Driver) -> None:
        view = view_of(driver)
        assert view.table.filter_text == "outcome:failed"
        assert view.table.count == reader.count_journeys("outcome:failed") > 0
        assert "outcome:failed" in driver.text

    drive(reader, script)
