"""Going on where one was, and what happens when something nobody foresaw goes wrong."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from drive import Driver, browse, drive
from reader import FakeReader
from shop import make_shop
from textual.pilot import Pilot

from reconstruct.errors import ReconstructError
from reconstruct.tui import running
from reconstruct.tui.app import ReconstructApp
from reconstruct.tui.state import STATES_KEPT, State, load_state, save_state, state_path
from reconstruct.tui.widgets.timeline import Timeline


def visit(reader: FakeReader, memory: Path, *keys: str) -> list[tuple[list[str], str]]:
    """One run of the app with a memory: keys, a look, and leaving as a user does; gives trail and screen."""
    seen: list[tuple[list[str], str]] = []

    async def main() -> None:
        async with browse(reader, memory=memory) as driver:
            await driver.press(*keys)
            seen.append((list(driver.app.trail.names), "\n".join(driver.lines[:-1])))  # a remark may stand in the last
            driver.app.exit(0)

    asyncio.run(main())
    return seen


def test_the_next_start_goes_on_where_one_was(tmp_path: Path) -> None:
    memory = tmp_path / "views" / "a.json"
    before = visit(FakeReader(make_shop(60)), memory, "j", "enter", "e", "z", "plus")
    after = visit(FakeReader(make_shop(60)), memory)
    assert before == after
    assert after[0][0] == ["journeys", "timeline"]


def test_filter_order_and_row_come_back(tmp_path: Path) -> None:
    memory = tmp_path / "a.json"
    before = visit(FakeReader(make_shop(60)), memory, "slash", *"edith", "enter", "R", "j", "j")
    after = visit(FakeReader(make_shop(60)), memory)
    assert before == after
    assert "edith" in after[0][1]
    visit(FakeReader(make_shop(60)), memory, "F")
    assert load_state(memory).filter == ""


def test_raw_lines_come_back(tmp_path: Path) -> None:
    memory = tmp_path / "a.json"
    visit(FakeReader(make_shop(10)), memory, "enter", "4")
    trail, text = visit(FakeReader(make_shop(10)), memory)[0]
    assert trail == ["journeys", "raw"]
    assert "nginx/access.log:1" in text


@pytest.mark.parametrize("keys", [("t", "j", "t"), ("T", "/", *"outcome:failed", "enter"), ("3", "p", "p"), ("v", "c")],
                         ids=["pair", "sets", "map", "groups"])  # fmt: skip
def test_pages_comparisons_and_groups_come_back(keys: tuple[str, ...], tmp_path: Path) -> None:
    memory = tmp_path / "a.json"
    before = visit(FakeReader(make_shop(60)), memory, *keys)
    after = visit(FakeReader(make_shop(60)), memory)
    assert before == after


def test_a_journey_that_is_gone_leaves_the_list(tmp_path: Path) -> None:
    memory = tmp_path / "a.json"
    save_state(memory, State(view="timeline", journey="gone", row=70_000, row_id="gone"))
    trail, text = visit(FakeReader(make_shop(10)), memory)[0]
    assert trail == ["journeys"]
    assert "two-orders" in text or "bruno" in text


@pytest.mark.parametrize("text", ["", "{", "[]", '{"view": 3, "zoom": "wide", "mode": "sideways", "cursor": "x y", "row": -4}',
                                  '{"zoom": 1e308, "view": "nowhere"}', '{"journey": "9f3c", "view": "timeline", "mode": "?",'
                                  ' "level": "?", "cursor": "step 99 99"}'])  # fmt: skip
def test_a_damaged_memory_is_no_error(text: str, tmp_path: Path) -> None:
    memory = tmp_path / "a.json"
    memory.write_text(text, encoding="utf-8")
    visit(FakeReader(make_shop(10)), memory, "1")


def test_states_are_private_bounded_and_one_per_set_of_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONSTRUCT_CACHE_DIR", str(tmp_path))
    assert state_path(["b", "a"]) == state_path(["a", "b"]) != state_path(["a"])
    for number in range(STATES_KEPT + 5):
        save_state(state_path([str(number)]), State())
    kept = list((tmp_path / "views").iterdir())
    assert len(kept) == STATES_KEPT
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)
    (tmp_path / "file").write_text("", encoding="utf-8")
    save_state(tmp_path / "file" / "a.json", State())  # a place that cannot be written: nothing happens


class Broken(FakeReader):
    """Fails in a way nobody foresaw."""

    def journey(self, id: str) -> dict[str, object]:
        raise ZeroDivisionError(f"in {id}")


def test_a_failure_in_the_background_leaves_the_view_and_says_where_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONSTRUCT_CACHE_DIR", str(tmp_path))

    async def script(driver: Driver) -> None:
        await driver.press("enter")
        assert "ZeroDivisionError: in 9f3c" in driver.text
        assert "Traceback" not in driver.text
        await driver.press("j")
        assert driver.app.trail.names == ["journeys"]
        assert [type(error) for error in driver.app.failures] == [ZeroDivisionError]
        driver.app.failures.clear()

    drive(Broken(make_shop(10)), script)
    (report,) = (tmp_path / "failures").iterdir()
    text = report.read_text("utf-8")
    assert "Traceback (most recent call last)" in text and "ZeroDivisionError: in 9f3c" in text
    assert "view: journeys" in text


def test_a_failure_of_the_interface_keeps_the_state_and_shows_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RECONSTRUCT_CACHE_DIR", str(tmp_path))
    memory = tmp_path / "a.json"

    def fail(*_: object) -> None:
        raise ZeroDivisionError("while drawing")

    async def press_keys(pilot: Pilot[int]) -> None:
        await pilot.pause(0.5)
        await pilot.press("enter")
        await pilot.pause(0.5)
        monkeypatch.setattr(Timeline, "draw_line", fail)
        pilot.app.simulate_key("z")
        await asyncio.sleep(0.5)  # the pilot's own pause would draw, and fail, in the pilot

    real = ReconstructApp.run
    monkeypatch.setattr(ReconstructApp, "run", lambda app: real(app, headless=True, auto_pilot=press_keys))
    with pytest.raises(ReconstructError, match="the interface failed: ZeroDivisionError: while drawing") as caught:
        running.run(FakeReader(make_shop(10)), memory=memory)
    (report,) = (tmp_path / "failures").iterdir()
    assert str(report) in caught.value.hint
    assert "Traceback" in report.read_text("utf-8")
    shown = capsys.readouterr()
    assert "Traceback" not in shown.out + shown.err
    kept = json.loads(memory.read_text("utf-8"))
    assert (kept["view"], kept["journey"]) == ("timeline", "9f3c")
