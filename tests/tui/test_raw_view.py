"""Raw lines: the journey's among those of all logs, searched, copied, opened elsewhere."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from drive import Driver, drive
from reader import FakeReader
from shop import long_journey, make_shop, order_journey

from reconstruct.journeys.moments import read_story
from reconstruct.tui.app import ReconstructApp
from reconstruct.tui.screens.raw import RawView
from reconstruct.tui.widgets.merged_view import MergedLines
from reconstruct.tui.widgets.raw_view import FileLines, JourneyLines, journey_lines
from reconstruct.tui.widgets.timeline import Timeline


def test_raw_lines_follow_the_journey_through_its_files() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "4", "w")
        view = driver.app.screen
        assert isinstance(view, RawView)
        lines, file = view.query_one(JourneyLines), view.query_one(FileLines)
        await driver.press("o", "o", "o", "o")
        await driver.settle()
        assert lines.lines[lines.cursor][1] == (0, 104)
        await driver.until(lambda: bool(file.lines) and file.lines[file.cursor].line == 104)
        assert {116, 104} <= file.lit
        await driver.press("o")
        await driver.until(lambda: bool(file.lines) and file.lines[file.cursor].source == 1)
        await driver.press("tab")
        assert file.has_focus
        await driver.press("o")
        assert lines.lines[lines.cursor][1] == (1, 89), "o works in both lists"

    drive(FakeReader(make_shop(10)), script)


def test_what_never_came_opens_the_last_line_that_is_known_of_its_object() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "G")
        cursor = driver.app.screen.query_one(Timeline).cursor
        assert cursor is not None and cursor.kind == "missing"
        await driver.press("enter")
        lines = driver.app.screen.query_one(JourneyLines)
        own = [place for place, line in enumerate(lines.lines) if line[2].business == cursor.business]
        assert lines.cursor == own[-1] > 0

    drive(FakeReader([order_journey()]), script)


def test_what_an_order_set_off_hours_later_stands_where_it_happened() -> None:
    document = order_journey()
    business = document["business_journeys"][0]
    later = business["steps"][-1]["events"] = [[3, 500]]
    document["customer_journey"]["touchpoints"][5]["events"] = [[0, 116], [1, 97], *later]
    told = journey_lines(read_story(document))
    assert [line[0] for line in told] == sorted(line[0] for line in told)
    (at,) = [line[2] for line in told if line[1] == (3, 500)]
    assert at.kind == "step"
    assert told[-1][1] == (3, 500)
    assert any(line[1] == (0, 116) and line[2].kind == "touchpoint" for line in told)


def test_raw_lines_of_all_logs_stand_in_the_order_of_time() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "4", "o", "o", "o", "o", "tab")
        view = driver.app.screen
        assert isinstance(view, RawView)
        merged = view.query_one(MergedLines)
        assert merged.has_focus
        await driver.until(lambda: merged.n_lines > 0 and merged.position(merged.cursor) == (0, 104))
        times = [line.at_ns for line in merged.lines]
        assert times == sorted(times)
        assert {line.source for line in merged.lines} == {0, 1, 2}
        lit = {merged.position(index) for index in range(merged.n_lines) if merged.is_lit(index)}
        assert {(0, 104), (0, 116), (1, 88), (1, 97)} <= lit
        assert (1, 104) not in lit, "a neighbour"
        first, last = merged.lines[0], merged.lines[-1]
        await driver.press("G")
        await driver.until(lambda: merged.lines[-1] != last)
        assert merged.position(merged.cursor) == (last.source, last.line), "more lines below, the cursor on its line"
        assert merged.lines[0] != first
        await driver.press("w")
        assert view.query_one(FileLines).has_focus
        await driver.press("w")
        assert merged.has_focus

    drive(FakeReader(make_shop(10)), script)


def test_raw_search() -> None:
    async def script(driver: Driver) -> None:
        view_of = driver.app.get_screen
        await driver.press("enter", "4", "slash", *"p/64 ", "enter")
        view = view_of("raw")
        assert isinstance(view, RawView)
        assert view.lines.lines[view.lines.cursor][1] == (0, 64)
        await driver.press("n")
        assert "No further match" in driver.text
        await driver.press("tab", "slash", "ctrl+u", *"R-70 ", "enter")
        merged = view.query_one(MergedLines)
        assert merged.line_text(merged.cursor) is not None
        assert "r-70 " in str(merged.line_text(merged.cursor)), "case does not matter"
        await driver.press("n", "N")
        assert "r-70 " in str(merged.line_text(merged.cursor))

    drive(FakeReader(make_shop(10)), script)


def test_search_in_a_long_journey_reads_lines_nobody_saw() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "4", "slash", *"/p/19000 ", "enter")
        view = driver.app.screen
        assert isinstance(view, RawView)
        await driver.until(lambda: view.lines.lines[view.lines.cursor][1] == (0, 19_000))

    drive(FakeReader([long_journey(20_000)]), script)


def test_a_line_is_copied_without_what_could_act_in_a_shell() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "4", "y")
        assert driver.app.clipboard.startswith("192.0.2.17 - - [14/Nov/2025")
        assert "Copied: the line" in driver.text
        await driver.press("tab", *["j"] * 20)
        view = driver.app.screen
        assert isinstance(view, RawView)
        merged = view.query_one(MergedLines)
        place = next(i for i in range(merged.n_lines) if "\x1b" in (merged.line_text(i) or ""))
        merged.point(place)
        await driver.press("y")
        assert "␛[31mred" in driver.app.clipboard
        assert not any(sign in driver.app.clipboard for sign in "\x1b\x07\u202e")

    drive(FakeReader(make_shop(10)), script)


def test_a_text_too_long_for_the_clipboard_is_refused() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "Y")
        assert "Too long for a terminal's clipboard" in driver.text
        assert driver.app.clipboard == ""

    drive(FakeReader([long_journey(500)]), script)


def test_the_editor_opens_at_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    def start_editor(command: list[str], *, check: bool) -> CompletedProcess[bytes]:
        started.append([*command[:-1], Path(command[-1]).read_text("utf-8")])
        return CompletedProcess(command, 0)

    monkeypatch.setattr("reconstruct.tui.elsewhere.subprocess.run", start_editor)
    monkeypatch.setattr(ReconstructApp, "suspend", lambda _app: nullcontext())
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "vim -R")

    async def script(driver: Driver) -> None:
        await driver.press("enter", "4", "o", "ctrl+o")
        assert started == [["vim", "-R", "+22", "what an editor would show\n"]]

    drive(FakeReader(make_shop(10)), script)


def test_a_terminal_that_cannot_be_left_is_a_notice() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "4", "ctrl+o")
        assert "cannot be left to an editor" in driver.text

    drive(FakeReader(make_shop(10)), script)


def test_hostile_raw_lines_are_spelled_out() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "4", "w", *["o"] * 8)
        await driver.until(lambda: "␛[31mred" in driver.text)
        assert "<U+202E>" in driver.text
        assert "\x1b" not in driver.text

    drive(FakeReader(make_shop(10)), script, (160, 50))
