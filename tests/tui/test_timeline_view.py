"""The aligned timelines on screen: what is drawn, and how the cursor moves through it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from drive import Driver, drive, screen_after
from reader import FakeReader
from shop import (
    five_events,
    hostile_journey,
    journey,
    long_journey,
    one_event,
    order_journey,
    three_visits,
    touchpoint,
    two_orders,
)

from reconstruct.journeys.chain import CHAIN_CAP
from reconstruct.journeys.moments import Glyph, Ref
from reconstruct.tui.widgets.timeline import Timeline

SIZES = [(80, 24), (120, 40), (200, 50)]


def timeline_of(driver: Driver) -> Timeline:
    return driver.app.screen.query_one(Timeline)


def test_an_order_with_a_retry_a_wait_and_a_missing_delivery(golden_screen: Callable[[str, str], None]) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter")
        for width, height in SIZES:
            await driver.resize(width, height)
            golden_screen(f"order_{width}x{height}", driver.text)

    drive(FakeReader([order_journey()]), script)


def test_two_orders_one_failed_one_stuck(golden_screen: Callable[[str, str], None]) -> None:
    """Every way to look at a journey; each key is pressed, looked at, and taken back."""
    looks = [
        ("two_orders", [], []),
        ("two_orders_milestones", ["m"], ["m"]),
        ("two_orders_linear", ["z"], []),
        ("two_orders_ordinal", ["z"], ["z"]),
        ("two_orders_stages", ["v"], ["v"]),
        ("two_orders_alone", ["d"], ["d"]),
        ("two_orders_folded", ["j", "space"], ["space", "g"]),
        ("two_orders_zoomed", ["G", "plus", "plus", "plus"], ["0", "g"]),
        ("two_orders", [], []),
    ]

    async def script(driver: Driver) -> None:
        await driver.press("enter")
        for name, keys, back in looks:
            await driver.press(*keys)
            golden_screen(name, driver.text)
            await driver.press(*back)

    drive(FakeReader([two_orders()]), script, (120, 36))


def test_every_sign_has_an_ascii_twin(golden_screen: Callable[[str, str], None]) -> None:
    text = screen_after(FakeReader([order_journey()]), ["enter", "e"], (120, 36), ascii=True)
    assert text.isascii()
    golden_screen("order_ascii", text)


def test_one_event(golden_screen: Callable[[str, str], None]) -> None:
    golden_screen("one_event", screen_after(FakeReader([one_event()]), ["enter"], (80, 24)))


def test_five_events_in_a_millisecond(golden_screen: Callable[[str, str], None]) -> None:
    golden_screen("five_events", screen_after(FakeReader([five_events()]), ["enter"], (80, 24)))


@pytest.mark.parametrize(
    ("size", "ascii"), [((80, 24), False), ((120, 40), False), ((200, 50), False), ((120, 40), True)]
)
def test_a_whole_customer_on_one_axis(
    size: tuple[int, int], ascii: bool, golden_screen: Callable[[str, str], None]
) -> None:
    """From the second visit to all three: the cursor keeps its event, and going back too."""

    async def script(driver: Driver) -> None:
        await driver.press("j", "enter", *["j"] * 4)
        timeline = timeline_of(driver)
        assert timeline.cursor == Ref("step", 0, 2)
        await driver.press("c")
        golden_screen(f"customer_{'ascii' if ascii else f'{size[0]}x{size[1]}'}", driver.text)
        layout = timeline.layout_now
        assert layout is not None and timeline.cursor == Ref("step", 0, 2)
        assert [lane.track.kind for lane in layout.lanes].count("customer") == 3
        (connector,) = layout.connectors
        assert layout.lanes[connector.from_lane].track.name.endswith("app"), "the visit that ordered"
        await driver.press("g", "l", "c")
        assert timeline.cursor is not None
        assert "Journey visit-2" in driver.text

    drive(FakeReader(three_visits()), script, size, ascii=ascii)


def test_a_session_of_nobody_known_says_so() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "c")
        assert "No customer is known" in driver.text

    drive(FakeReader([one_event()]), script)


def test_many_sessions_share_a_lane_per_channel() -> None:
    documents = [journey(f"v{n:03d}", [touchpoint(n * 90_000, "Landing", "awareness")], customer="x", channel=channel)
                 for n, channel in enumerate(["web", "app", "store"] * 100)]  # fmt: skip

    async def script(driver: Driver) -> None:
        await driver.press("enter", "c")
        layout = timeline_of(driver).layout_now
        assert layout is not None
        assert [lane.track.name for lane in layout.lanes] == ["WEB", "APP", "STORE"]
        assert len(layout.places) == CHAIN_CAP
        assert f"{CHAIN_CAP} of 300 sessions" in driver.text

    drive(FakeReader(documents), script)


def test_five_hundred_events_are_counted_in_clusters(golden_screen: Callable[[str, str], None]) -> None:
    golden_screen("long_500", screen_after(FakeReader([long_journey(500)]), ["enter"], (120, 30)))


def test_hostile_text_stays_text(golden_screen: Callable[[str, str], None]) -> None:
    text = screen_after(FakeReader([hostile_journey()]), ["enter"], (120, 40))
    assert "\x1b" not in text
    assert "\u202e" not in text
    golden_screen("hostile", text)


def test_breaks_are_at_the_same_columns_in_every_lane() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter")
        timeline = timeline_of(driver)
        assert timeline.picture is not None
        names, head = timeline.name_cells, timeline.head_rows
        gap = max(timeline.picture.layout.axis.breaks, key=lambda part: part.width)
        top = timeline.region.y + head
        lanes = driver.lines[top : top + len(timeline.picture.rows)]
        inside = [line.ljust(120)[names + gap.column : names + gap.end_column] for line in lanes]
        cut = " " * (gap.width // 2) + "⋯" + " " * (gap.width - gap.width // 2 - 1)
        assert inside.count(cut) >= 4
        assert not any(sign in cells for cells in inside for sign in "●◆✖")

    drive(FakeReader([order_journey()]), script)


def test_the_cursor_walks_lanes_time_errors_objects_and_slow_steps() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter")
        timeline = timeline_of(driver)

        async def at(key: str) -> Ref | None:
            await driver.press(key)
            return timeline.cursor

        assert timeline.cursor == Ref("touchpoint", -1, 0)
        assert await at("l") == Ref("touchpoint", -1, 1)
        assert await at("h") == Ref("touchpoint", -1, 0)
        assert await at("h") == Ref("touchpoint", -1, 0), "the first event has none before it"
        assert await at("e") == Ref("touchpoint", -1, 4)
        assert await at("e") == Ref("step", 0, 1)
        assert await at("E") == Ref("touchpoint", -1, 4)
        assert await at("right_square_bracket") == Ref("touchpoint", -1, 5)
        assert await at("right_square_bracket") == Ref("step", 0, 0)
        assert await at("o") == Ref("step", 0, 1)
        assert await at("j") == Ref("step", 0, 3), "the nearest event of the lane below: inventory"
        assert await at("k") == Ref("step", 0, 2)
        assert await at("s") == Ref("step", 0, 4), "packing waited two hours"
        assert await at("G") == Ref("missing", 0, 1)
        assert await at("g") == Ref("touchpoint", -1, 0)
        first_behind = await at("full_stop")
        assert first_behind == Ref("step", 0, 4), "packing, behind two hours"
        assert await at("comma") == Ref("touchpoint", -1, 6)

    drive(FakeReader([order_journey()]), script)


def test_zoom_keeps_the_event_under_the_cursor_in_its_column() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "l", "l", "l")
        timeline = timeline_of(driver)

        def column() -> int:
            layout = timeline.layout_now
            assert layout is not None and timeline.cursor is not None
            mark = layout.mark_of(timeline.cursor)
            assert mark is not None
            return mark.column - timeline.left

        before = column()
        await driver.press("plus", "plus", "plus")
        assert timeline.zoom > 3
        assert abs(column() - before) <= 1
        await driver.press("z")
        assert timeline.cursor == Ref("touchpoint", -1, 3), "the axis mode keeps the cursor"
        await driver.press("0")
        assert timeline.zoom == 1
        assert timeline.left == 0

    drive(FakeReader([order_journey()]), script)


def test_the_detail_pane_follows_with_friction_and_evidence() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "e")
        assert "POST /pay → 502" in driver.text
        assert "-20 server error" in driver.text
        assert "app/shop.log:88  → session by request r-5498 .980" in driver.text
        assert '"GET /p/104 HTTP/1.1"' in driver.text, "the raw line itself"
        await driver.press("G")
        assert "expected, not seen" in driver.text
        await driver.press("d")
        assert "expected, not seen" not in driver.text

    drive(FakeReader([order_journey()]), script, (120, 44))


def test_a_asks_where_else_the_lines_might_have_belonged() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "e")
        assert "8e2b" not in driver.text
        await driver.press("a")
        assert "not session 8e2b  another cookie, 12s away" in driver.text
        assert "it might have belonged nowhere else" in driver.text, "the other two lines"
        await driver.press("l", "h")
        assert "not session 8e2b" in driver.text, "asked once, known from then on"
        await driver.press("G", "a")
        assert "No line is behind this" in driver.text

    drive(FakeReader([order_journey()]), script, (120, 60))


def test_search_finds_steps_by_name() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "slash", *"capture", "enter")
        timeline = timeline_of(driver)
        assert timeline.cursor == Ref("step", 0, 1)
        await driver.press("n")
        assert timeline.cursor == Ref("step", 0, 2)
        await driver.press("N")
        assert timeline.cursor == Ref("step", 0, 1)

    drive(FakeReader([order_journey()]), script)


def test_twenty_thousand_events_answer_to_keys() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter")
        timeline = timeline_of(driver)
        assert timeline.layout_now is not None
        assert len(timeline.layout_now.places) == 20_000
        await driver.press("e", "plus", "l", "G")
        assert timeline.cursor is not None
        assert timeline.moments[timeline.cursor].glyph in set(Glyph)
        shown = sum(len(mark.moments) for lane in timeline.layout_now.lanes for mark in lane.marks)
        assert shown == 20_000

    drive(FakeReader([long_journey(20_000)]), script, (100, 30))


def test_enter_opens_the_raw_lines_of_the_event() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "e", "enter")
        assert driver.app.trail.names == ["journeys", "timeline", "raw"]
        assert "nginx/access.log:104" in driver.text
        await driver.press("q", "q")
        assert driver.app.trail.names == ["journeys"]

    drive(FakeReader([order_journey()]), script)
