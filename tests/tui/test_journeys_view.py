"""The journey list: as long as there are journeys, fetched only where it is looked at."""

from __future__ import annotations

from collections.abc import Callable

from drive import Driver, drive, screen_after
from reader import FakeProgress, FakeReader
from shop import journey, make_shop, touchpoint

from reconstruct.tui.widgets.journey_list import COLUMNS, PAGE, JourneyList

SIZES = [(80, 24), (120, 40), (200, 50)]


def table_of(driver: Driver) -> JourneyList:
    return driver.app.get_screen("journeys").query_one(JourneyList)


def test_the_list(golden_screen: Callable[[str, str], None]) -> None:
    async def script(driver: Driver) -> None:
        for width, height in SIZES:
            await driver.resize(width, height)
            golden_screen(f"journeys_{width}x{height}", driver.text)

    drive(FakeReader(make_shop(60)), script)


def test_a_broad_terminal_says_the_journey_beside_the_list(golden_screen: Callable[[str, str], None]) -> None:
    async def script(driver: Driver) -> None:
        await driver.until(lambda: "What happened" in driver.text)
        golden_screen("journeys_300x60", driver.text)
        await driver.press("d")
        assert "What happened" not in driver.text

    drive(FakeReader(make_shop(60)), script, (300, 60))


def test_the_list_in_ascii(golden_screen: Callable[[str, str], None]) -> None:
    text = screen_after(FakeReader(make_shop(60)), [], (80, 24), ascii=True)
    assert text.isascii()
    golden_screen("journeys_ascii", text)


def test_only_the_pages_that_are_seen_are_fetched() -> None:
    async def script(driver: Driver) -> None:
        assert driver.reader.calls.count(f"rows 0+{PAGE}") >= 1
        assert not any(call.startswith(f"rows {PAGE}+") for call in driver.reader.calls)
        await driver.press("G")
        assert f"rows 2900+{PAGE}" in driver.reader.calls
        assert not any(call.startswith("rows 1500+") for call in driver.reader.calls), "the middle was never seen"
        assert "s02999" in driver.text

    drive(FakeReader(make_shop(3000)), script, (200, 30))


def test_moving() -> None:
    async def script(driver: Driver) -> None:
        table = table_of(driver)
        await driver.press("j", "j", "k", "down")
        assert table.cursor == 2
        await driver.press("ctrl+d")
        assert table.cursor > 8
        await driver.press("g")
        assert table.cursor == 0
        await driver.press("G")
        assert table.cursor == 299

    drive(FakeReader(make_shop(300)), script, (100, 30))


def test_robots_stand_behind_people_in_any_order_and_are_counted_apart() -> None:
    early = journey("probe", [touchpoint(-900, "Checked health", "awareness")], customer=None)
    early["session"] |= {"device": "ExampleProbe", "agent_kind": "monitor"}

    async def script(driver: Driver) -> None:
        table = table_of(driver)
        assert table.pointed_id not in (None, "probe"), "a newcomer who presses Enter sees a person"
        assert "· 1 by robots" in driver.lines[0]
        await driver.press("R")
        assert table.pointed_id not in (None, "probe")
        await driver.press("G")
        assert table.pointed_id == "probe"
        assert "ExampleProbe" in driver.lines[-2], "named by what it calls itself"
        await driver.press("S", "d", "G")
        assert table.pointed_id == "probe"

    drive(FakeReader([early, *make_shop(30)]), script, (160, 30))


def test_a_cursor_nobody_moved_is_on_the_first_row_whatever_comes_there() -> None:
    """The first look at the logs may show a robot alone; a newcomer who then presses Enter wants the first person."""
    lone = journey("probe", [touchpoint(-900, "Checked health", "awareness")], customer=None)
    lone["session"] |= {"device": "ExampleProbe", "agent_kind": "monitor"}

    async def script(driver: Driver) -> None:
        table = table_of(driver)
        assert table.pointed_id == "probe"
        driver.reader.publish(make_shop(30))
        for _ in range(2):
            driver.app.poll()
            await driver.settle()
        assert (table.cursor, table.pointed_id == "probe") == (0, False)

    drive(FakeReader([lone]), script)


def test_sorting_by_a_letter_and_back() -> None:
    async def script(driver: Driver) -> None:
        table = table_of(driver)
        await driver.press("S")
        assert "Sort by" in driver.text
        await driver.press("s")
        assert (table.order_by, table.descending) == ("score", False)
        scores = [table.row(index)["score"] for index in range(10)]  # type: ignore[index]
        assert scores == sorted(scores)
        await driver.press("R")
        scores = [table.row(index)["score"] for index in range(10)]  # type: ignore[index]
        assert scores == sorted(scores, reverse=True)

    drive(FakeReader(make_shop(300)), script)


def test_every_sort_letter_is_its_own() -> None:
    letters = [column.sort_key for column in COLUMNS if column.sort_key]
    assert len(letters) == len(set(letters))
    assert not {"q"} & set(letters)


def test_the_filter_follows_the_typing_and_counts() -> None:
    async def script(driver: Driver) -> None:
        table = table_of(driver)
        await driver.press("slash", *"bruno")
        await driver.until(lambda: table.filter_text == "bruno")
        await driver.settle()
        assert table.count == driver.reader.count_journeys("bruno") > 0
        assert f"{table.count} matches" in driver.text
        await driver.press("enter", "j")
        assert table.has_focus
        await driver.press("F")
        assert table.count == 300
        await driver.press("f", *"nobody-at-all", "enter")
        assert "No journey matches this filter" in driver.text
        assert "F clears the filter" in driver.text
        await driver.press("F", "f", *"14:05", "enter")
        assert "14:05 needs its day: at:" in driver.text

    drive(FakeReader(make_shop(300)), script)


def test_the_next_error_is_found_beyond_the_screen() -> None:
    async def script(driver: Driver) -> None:
        table = table_of(driver)
        await driver.press("e")
        first = table.cursor
        assert driver.reader.rows and table.row(first)["n_errors"] > 0  # type: ignore[index]
        await driver.press("e")
        assert table.cursor > first
        await driver.press("E")
        assert table.cursor == first

    drive(FakeReader(make_shop(300)), script)


def test_the_cursor_stays_on_its_journey_when_more_come() -> None:
    documents = make_shop(400)

    async def script(driver: Driver) -> None:
        table = table_of(driver)
        await driver.press(*["j"] * 9)
        wanted = table.pointed_id
        assert wanted is not None
        driver.reader.publish(documents[5:250])
        await driver.until(lambda: table.count == len(driver.reader.rows))
        await driver.settle()
        row = table.row(table.cursor)
        assert row is not None and row["id"] == wanted
        assert table.cursor > 100, "earlier journeys came in above it"

    drive(FakeReader(documents[250:]), script)


def test_it_opens_at_once_and_fills_as_results_come(golden_screen: Callable[[str, str], None]) -> None:
    documents = make_shop(40)
    reading = FakeProgress("parsing", 12_400_000, 59_000_000, 84_211, finished=False)

    async def script(driver: Driver) -> None:
        assert "Reading: the first journeys will appear here" in driver.text
        golden_screen("reading", driver.text)
        driver.reader.publish(documents, FakeProgress("parsing", 59_000_000, 59_000_000, 402_320, finished=False))
        await driver.until(lambda: "alice@example.com" in driver.text)
        assert "402,320 lines" in driver.text
        driver.reader.publish([], FakeProgress(lines=402_320))
        await driver.until(lambda: "402,320 lines" not in driver.text)

    drive(FakeReader([], reading), script, (100, 24))


def test_what_is_not_read_yet_is_not_said_to_be_missing() -> None:
    reading = FakeProgress("parsing", 12_400_000, 59_000_000, 84_211, finished=False)

    async def script(driver: Driver) -> None:
        await driver.press("slash", *"alice", "enter")
        assert "No journey read so far matches this filter" in driver.text
        driver.app.list_journeys("")
        await driver.app.load_journey("9f3c")
        await driver.settle()
        assert "This journey is not read yet" in driver.text
        await driver.press("5")
        assert "No line is read yet" in driver.text and "0 lines" not in driver.text

    reader = FakeReader([], reading)
    reader.sources = list  # type: ignore[method-assign]
    drive(reader, script, (100, 24))


def test_an_error_while_reading_stays_on_screen() -> None:
    failed = FakeProgress("failed", note="error: the disk is full (free some space)")
    assert "the disk is full (free some space)" in screen_after(FakeReader([], failed), [], (100, 24))


def test_business_journeys_without_a_session_are_mentioned() -> None:
    text = screen_after(FakeReader([], summary={"journeys": 0, "business_journeys": 300}), [], (110, 24))
    assert "No session in these logs; 300 business journeys have none to belong to" in text


def test_a_journey_in_words_beside_the_list() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("d")
        await driver.until(lambda: 'search · www.search.example · "kettle" · /' in driver.text)

    drive(FakeReader(make_shop(30)), script)


def test_next_and_previous_journey_from_the_timeline() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter")
        assert driver.app.journey_id == "9f3c"
        await driver.press("right_curly_bracket")
        assert driver.app.journey_id == "hostile"
        await driver.press("left_curly_bracket")
        assert driver.app.journey_id == "9f3c"
        await driver.press("q")
        assert table_of(driver).cursor == 0

    drive(FakeReader(make_shop(30)), script)
