"""``x``: what is written, where to, and that nothing is lost by it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from drive import Driver, drive
from reader import FakeReader
from shop import hostile_journey, long_journey, make_shop, order_journey, three_visits
from textual.widgets import Input

from reconstruct.journeys.moments import read_story
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.portrait import Look, to_html, to_svg
from reconstruct.tui.themes import DARK, LIGHT
from reconstruct.tui.writing import write_texts


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def look(theme: str = "reconstruct") -> Look:
    variables = {theme.name: theme.to_color_system().generate() for theme in (DARK, LIGHT)}[theme]
    variables |= DARK.variables
    return Look("compressed", "user", False, frozenset(), 120, variables)


def test_the_dialog_names_the_kinds_of_files(golden_screen: Callable[[str, str], None], tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("x", "down")
        box = driver.app.screen.query_one(Input)
        assert box.value == str(tmp_path / "journey-9f3c.svg")
        box.value = "journey-9f3c.svg"
        await driver.settle()
        golden_screen("export_80x24", driver.text)

    drive(FakeReader(make_shop(10)), script, (80, 24))


def test_a_journey_as_json_picture_and_page() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "x", "enter")
        assert "Written: journey-9f3c.json" in driver.text
        await driver.press("x", "down", "enter", "x", "up", "enter")

    reader = FakeReader(make_shop(10))
    drive(reader, script)
    assert sorted(path.name for path in Path.cwd().iterdir()) == [
        f"journey-9f3c.{kind}" for kind in ("html", "json", "svg")
    ]
    assert json.loads(Path("journey-9f3c.json").read_text("utf-8")) == reader.journey("9f3c")


def test_the_list_as_filtered_one_journey_a_line() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("slash", *"edith", "enter", "x", "up", "enter")
        assert re.search(r"Written: journeys\.jsonl, \d+ journeys", driver.text)

    reader = FakeReader(make_shop(60))
    drive(reader, script)
    lines = [json.loads(line) for line in Path("journeys.jsonl").read_text("utf-8").splitlines()]
    assert len(lines) == reader.count_journeys("edith") > 1
    assert {line["customer"] for line in lines} == {"edith@example.com"}


def test_nothing_is_replaced_without_asking_twice() -> None:
    taken = Path("taken.json")
    taken.write_text("mine", encoding="utf-8")

    async def script(driver: Driver) -> None:
        await driver.press("x")
        driver.app.screen.query_one(Input).value = str(taken)
        await driver.press("enter")
        assert "Enter again replaces it" in driver.text
        assert taken.read_text("utf-8") == "mine"
        await driver.press("escape")
        assert taken.read_text("utf-8") == "mine"
        await driver.press("x")
        driver.app.screen.query_one(Input).value = str(taken)
        await driver.press("enter", "enter")
        assert taken.read_text("utf-8") != "mine"
        await driver.press("x", "enter", "x", "enter")

    drive(FakeReader(make_shop(10)), script)
    names = {path.name for path in Path.cwd().iterdir()}
    assert names == {"taken.json", "journey-9f3c.json", "journey-9f3c-2.json"}, "the suggested name is a free one"


def test_names_that_do_not_do_are_refused_in_the_dialog() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("x")
        box = driver.app.screen.query_one(Input)
        for value, words in (
            ("", "must end in .json"), ("a.doc", "must end in .json"), ("no/such/place/a.svg", "No such directory"),
        ):  # fmt: skip
            box.value = value
            await driver.press("enter")
            assert words in driver.text
        await driver.press("escape")
        assert not any(Path.cwd().iterdir())

    drive(FakeReader(make_shop(10)), script)


def test_a_disk_that_is_full_is_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left")

    monkeypatch.setattr("reconstruct.tui.screens.export.write_texts", full)

    async def script(driver: Driver) -> None:
        await driver.press("x", "enter")
        assert "cannot be written: No space left" in driver.text

    drive(FakeReader(make_shop(10)), script)


def test_a_file_is_there_only_when_it_is_whole() -> None:
    with pytest.raises(InterruptedError):
        write_texts(Path("a.jsonl"), ["1", "2"], replace=False, go_on=iter([True, False]).__next__)
    assert not any(Path.cwd().iterdir())
    Path("b.json").write_text("old", encoding="utf-8")
    with pytest.raises(FileExistsError):
        write_texts(Path("b.json"), ["new"], replace=False)
    assert Path("b.json").read_text("utf-8") == "old"
    assert write_texts(Path("b.json"), ["new"], replace=True) == 1
    assert [path.name for path in Path.cwd().iterdir()] == ["b.json"]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


@pytest.mark.parametrize("document", [order_journey(), hostile_journey(), *three_visits()[1:2]], ids=lambda d: d["id"])
def test_pictures_and_pages_hold_everything_and_fetch_nothing(document: dict[str, object]) -> None:
    story = read_story(document)
    svg, page = to_svg(story, Pen(), look()), to_html(story, Pen(), look(), {0: "nginx/access.log"})
    ElementTree.fromstring(svg)
    for text in (svg, page):
        assert not re.search(r"(?:src|href)=|url\((?!#)|@import|<script", text)
        assert not any(sign in text for sign in "\x1b\x07\u202e\u200b")
    parser = _Page()
    parser.feed(page)
    moments = len(story.touchpoints) + sum(map(len, story.businesses))
    assert parser.tags["tr"] == moments + 1
    assert not parser.links
    assert "bold" not in parser.tags, "markup in a log is text"


def test_files_that_a_page_fetched_are_counted_and_what_tells_of_it_is_named() -> None:
    document = order_journey()
    first = document["customer_journey"]["touchpoints"][0]
    first["events"] = [[0, line] for line in range(1, 20)]
    document["links"] = [
        {"event": [0, line], "to": "session", "rule": "asset" if line > 1 else "start", "via": [], "confidence": 0.99}
        for line in range(1, 20)
    ]
    page = to_html(read_story(document), Pen(), look(), {0: "www.log"})
    assert "www.log:1<" in page and "18 files it fetched" in page
    assert "www.log:2<" not in page
    first["events"].pop(0)
    page = to_html(read_story(document), Pen(), look(), {0: "www.log"})
    assert "www.log:2<" in page and "and 6 more" in page, "of files alone, they are what is known"


def test_a_page_of_twenty_thousand_events() -> None:
    story = read_story(long_journey(20_000))
    page = to_html(story, Pen(), look("reconstruct-light"), {})
    assert page.count("<tr>") == 20_001
    assert "#fbfbf8" in page.lower(), "light, as the interface is"


def test_the_same_journey_gives_the_same_bytes() -> None:
    story = read_story(order_journey())
    assert to_svg(story, Pen(), look()) == to_svg(story, Pen(), look())
