"""How the interface behaves whatever happens: odd data, small terminals, no colour, leaving."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from drive import Driver, browse, drive, screen_after
from reader import FakeReader
from shop import hostile_journey, make_shop, odd_documents
from textual.binding import Binding

from reconstruct.errors import StoreError
from reconstruct.options import Look
from reconstruct.tui import bindings
from reconstruct.tui.app import ReconstructApp
from reconstruct.tui.bindings import GROUPS
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.screens.funnel import FunnelView
from reconstruct.tui.screens.help import write_help
from reconstruct.tui.screens.raw import RawView
from reconstruct.tui.screens.timeline import TimelineView

ALL = [*bindings.TABLE, *bindings.GROUPED, *(binding for _, group in GROUPS for binding in group)]
GROUPED = {
    name: getattr(bindings, name)
    for name in ("GLOBAL", "MOVE", "LIST", "GROUPED", "TIMELINE", "FUNNEL", "CHART", "RAW")
}


def keys_of(binding: Binding) -> list[str]:
    return binding.key.split(",")


def test_every_key_has_an_id_and_a_description() -> None:
    assert all(binding.id and binding.description for binding in ALL)


@pytest.mark.parametrize("name", GROUPED)
def test_no_key_means_two_things_in_one_place(name: str) -> None:
    shared = bindings.GLOBAL if name != "GLOBAL" else []
    keys = [key for binding in [*GROUPED[name], *shared] for key in keys_of(binding)]
    assert len(keys) == len(set(keys))


def test_one_id_means_one_thing() -> None:
    meanings: dict[str, set[str]] = {}
    for binding in ALL:
        meanings.setdefault(str(binding.id), set()).add(binding.description)
    assert {id: words for id, words in meanings.items() if len(words) > 1} == {}


def test_nothing_hangs_on_keys_terminals_keep() -> None:
    kept = {"ctrl+e", "ctrl+j", "ctrl+k", "ctrl+q", "ctrl+s"}
    for binding in ALL:
        keys = set(keys_of(binding))
        assert binding.id == "app.quit" or not keys <= kept
        assert not all(key.startswith("f") and key[1:].isdigit() for key in keys)


def test_help_lists_every_binding() -> None:
    text = "\n".join("".join(span.text for span in line.spans) for line in write_help(126, Pen()))
    listed = [binding for _, group in GROUPS for binding in group]
    assert {binding.id for binding in ALL} - {"table.open"} == {binding.id for binding in listed}
    assert all(binding.description in text for binding in listed)


def test_keys_can_be_mapped_by_id() -> None:
    async def script(driver: Driver) -> None:
        driver.app.set_keymap({"move.down": "m"})
        await driver.press("m", "m")
        assert driver.app.screen.query_one("#list").cursor == 2  # type: ignore[attr-defined]

    drive(FakeReader(make_shop(20)), script)


def test_keys_that_were_mapped_are_what_the_strip_the_sheet_and_the_palette_say() -> None:
    async def main() -> None:
        look = Look(keys=(("list.filter", "ctrl+f"), ("move.down", "m"), ("axis.mode", "e")))
        async with browse(FakeReader(make_shop(20)), (140, 40), look=look) as driver:
            assert "^f filter" in driver.lines[-1] and "/ filter" not in driver.lines[-1]
            await driver.press("question_mark")
            assert " ^f  Filter" in driver.text and " m  Down" in driver.text
            await driver.press("escape")
            said = {each.title: each.help for each in driver.app.get_system_commands(driver.app.screen)}
            assert said["Filter"].startswith("^f ")
            await choose(driver, "Down")
            assert driver.app.screen.query_one("#list").cursor == 1  # type: ignore[attr-defined]
            await driver.press("enter")
            assert "e axis" in driver.lines[-1] and "e error" not in driver.lines[-1], "a key means one thing"

    asyncio.run(main())


async def choose(driver: Driver, title: str) -> None:
    """Run an action of the palette."""
    command = next(each for each in driver.app.get_system_commands(driver.app.screen) if each.title == title)
    command.callback()
    await driver.settle()


def test_the_palette_goes_to_the_view_where_an_action_works() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "tab")
        view = driver.app.screen
        assert isinstance(view, TimelineView) and not view.timeline.has_focus
        await choose(driver, "Zoom in")
        assert view.timeline.zoom > 1
        await driver.press("6")
        await choose(driver, "Axis: compressed, linear, ordinal")
        assert driver.app.screen is view and view.timeline.mode == "linear"
        await choose(driver, "Begin of the logs")
        assert isinstance(driver.app.screen, FunnelView) and driver.app.screen.page == "time"
        await choose(driver, "Open in $EDITOR")
        assert isinstance(driver.app.screen, RawView)

    drive(FakeReader(make_shop(10)), script)


def test_a_terminal_too_small_says_so() -> None:
    async def script(driver: Driver) -> None:
        for size in ((39, 24), (80, 9), (12, 4), (1, 1)):
            await driver.resize(*size)
            assert "Term" in driver.text or size == (1, 1)
            assert "alice" not in driver.text

    drive(FakeReader(make_shop(10)), script)


def test_the_smallest_terminal_shows_every_view() -> None:
    async def script(driver: Driver) -> None:
        for key in ("1", "2", "3", "4", "5", "6", "question_mark"):
            await driver.press(key)
            assert "too small" not in driver.text
            assert all(len(line) <= 40 for line in driver.lines)

    drive(FakeReader(make_shop(10)), script, (40, 10))


def test_growing_and_shrinking_keeps_the_view() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "e")
        for size in ((30, 8), (200, 50), (80, 24), (41, 11)):
            await driver.pilot.resize_terminal(*size)
            await driver.settle()
        await driver.pilot.resize_terminal(120, 40)
        await driver.settle()
        assert "POST /pay → 502" in driver.text

    drive(FakeReader(make_shop(10)), script)


def test_odd_documents_never_crash() -> None:
    documents = odd_documents()

    async def script(driver: Driver) -> None:
        await driver.press("d")
        for _ in documents:
            await driver.press("enter", "l", "j", "e", "z", "v", "m", "plus", "G", "space", "enter", "o")
            await driver.press("3", "5", "6", "1", "j")
        assert driver.reader.calls.count("journey types") > 0

    drive(FakeReader(documents, summary={"journeys": "many", "funnel": [None, {"stage": 3}]}), script, (90, 30))


def test_hostile_text_in_every_view_leaves_the_terminal_alone() -> None:
    async def script(driver: Driver) -> None:
        for key in ("d", "enter", "l", "j", "j", "v", "4", "3", "1"):
            await driver.press(key)
            assert not any(sign in driver.text for sign in "\x1b\x07\u202e\u200b\r\t"), key

    drive(FakeReader([hostile_journey()]), script)


def test_without_colour_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = screen_after(FakeReader(make_shop(10)), ["enter"])
    monkeypatch.setenv("NO_COLOR", "1")

    async def script(driver: Driver) -> None:
        assert driver.app.no_color
        await driver.press("enter")
        assert driver.text == coloured
        for strip in driver.app.screen._compositor.render_strips():
            for segment in strip.apply_filter(driver.app.get_line_filters()[-1], driver.app.screen.styles.background):
                if segment.style and segment.style.color and segment.style.color.triplet:
                    assert len(set(segment.style.color.triplet)) == 1, "grey"

    drive(FakeReader(make_shop(10)), script)


def test_themes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONSTRUCT_THEME", "nonsense")

    async def script(driver: Driver) -> None:
        assert driver.app.theme == "reconstruct"
        await driver.press("enter")
        before = driver.text
        for theme in ("reconstruct-light", "ansi-dark", "ansi-light", "nord"):
            driver.app.theme = theme
            await driver.settle()
            assert driver.text == before

    drive(FakeReader(make_shop(10)), script)


def test_ascii_can_be_switched_on_and_off() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter")
        before = driver.text
        await driver.press("A")
        assert driver.text.isascii()
        await driver.press("A")
        assert driver.text == before

    drive(FakeReader(make_shop(10)), script)


def test_leaving_asks_only_at_the_root() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "escape")
        assert driver.app.trail.names == ["journeys"]
        await driver.press("q")
        assert "Quit reconstruct?" in driver.text
        await driver.press("n")
        assert driver.app.return_value is None
        await driver.press("q")
        await driver.pilot.press("y")
        await driver.pilot.pause()
        assert driver.app.return_value == 0

    drive(FakeReader(make_shop(10)), script)


def test_the_palette_offers_every_action() -> None:
    app = ReconstructApp(FakeReader(make_shop(3)))
    commands = {command.title for command in app.get_system_commands(None)}  # type: ignore[arg-type]
    assert {binding.description for binding in ALL if binding.id not in ("palette.open", "table.open")} <= commands


def test_a_question_that_fails_is_a_notice() -> None:
    class Broken(FakeReader):
        def journey(self, id: str) -> dict[str, object]:
            raise StoreError("the store is damaged", path="x", hint="delete it and read the logs again")

    async def script(driver: Driver) -> None:
        await driver.press("enter")
        assert "the store is damaged" in driver.text
        assert "delete it and read the logs again" in driver.text
        assert driver.app.trail.names == ["journeys"]

    drive(Broken(make_shop(10)), script)


def test_a_journey_that_is_gone_is_a_notice() -> None:
    async def script(driver: Driver) -> None:
        driver.reader.documents.clear()
        await driver.press("enter")
        assert "no longer there" in driver.text

    drive(FakeReader(make_shop(10)), script)


def test_it_ends_with_its_terminal_though_no_signal_says_so(logs: Path) -> None:
    """Behind ``make`` in a window that is closed nobody is told: the end of the terminal was read for ever, at full speed."""
    ours, theirs = os.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "reconstruct", str(logs)], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color"}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    os.close(theirs)
    painted = b""
    while b"Journeys" not in painted:
        painted += os.read(ours, 65_536)
    os.close(ours)
    assert child.wait(timeout=30) is not None
