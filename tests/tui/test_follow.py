"""Following logs on screen: it says so, what is new is marked, and nothing under the user's eyes jumps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from drive import Driver, drive
from reader import FakeFollowing, FakeReader
from shop import STAGES, journey, make_shop, touchpoint

from reconstruct.journeys.moments import Ref
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.screens.journeys import JourneysView
from reconstruct.tui.screens.timeline import TimelineView
from reconstruct.tui.widgets.journey_list import JourneyList
from reconstruct.tui.widgets.strips import say_following
from reconstruct.tui.widgets.timeline import Timeline

Document = dict[str, Any]


def visit(id: str, at: float, steps: int = 4) -> Document:
    names = ["Landing", "Search", "View product", "Cart", "Search again", "View another", "Cart again", "Help"]
    return journey(
        id, [touchpoint(at + 40 * n, names[n % 8], STAGES[min(n, 3)]) for n in range(steps)], customer=f"person {id}"
    )


def updated(new: set[str], changed: set[str], **more: Any) -> FakeFollowing:
    found = FakeFollowing(
        updated_at=time.monotonic() - 2.5, n_new=len(new), n_changed=len(changed), n_since=len(new) + 4, new=frozenset(new),
        changed=frozenset(changed),
    )  # fmt: skip
    return FakeFollowing(**{name: more.get(name, getattr(found, name)) for name in found.__dataclass_fields__})


def test_an_open_journey_that_newer_results_do_not_have_stays_and_says_so_once() -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter")
        open_id = driver.app.journey_id
        assert open_id is not None
        for n in range(2):
            del driver.reader.documents[open_id if not n else "other-0"]
            await publish(driver, [visit(f"other-{n}", 10.0 * n)], FakeFollowing())
        assert open_id in driver.text, "what is read is not taken away"
        notices = [each for each in driver.app._notifications if "no longer there" in each.title]
        assert len(notices) == 1

    drive(FakeReader(make_shop(5)), script)


def list_of(driver: Driver) -> JourneyList:
    view = driver.app.view
    assert isinstance(view, JourneysView)
    return view.table


def row_on_screen(driver: Driver, id: str) -> int:
    (place,) = [y for y, line in enumerate(driver.lines) if f"person {id} " in line]
    return place


def rows_of(driver: Driver) -> list[str]:
    """The rows on screen, without the scrollbar beside them."""
    return [line[:96] for line in driver.lines[list_of(driver).region.y + 1 : -2]]


async def publish(driver: Driver, documents: list[Document], following: FakeFollowing) -> None:
    driver.reader.followed = following
    driver.reader.publish(documents)
    driver.app.poll()
    await driver.settle()
    driver.app.poll()
    await driver.settle()


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
def test_it_looks_right(size: tuple[int, int], golden_screen: Callable[[str, str], None]) -> None:
    async def script(driver: Driver) -> None:
        driver.reader.followed = FakeFollowing(is_on=False)
        await driver.press("L")
        golden_screen(f"follow_quiet_{size[0]}x{size[1]}", driver.text)
        await publish(driver, [visit("fresh", -90), visit("0000", 20, 6)], updated({"fresh"}, {"0000"}))
        golden_screen(f"follow_{size[0]}x{size[1]}", driver.text)

    drive(FakeReader([visit(f"{n:04d}", 500 * n) for n in range(9)]), script, size)


def test_following_is_switched_on_and_off() -> None:
    async def script(driver: Driver) -> None:
        reader = driver.reader
        await driver.press("L")
        assert reader.calls[-1] != "follow True" and "cannot be followed" in driver.text
        reader.followed = FakeFollowing(is_on=False)
        await driver.press("L")
        assert "following" in driver.text and "nothing new yet" in driver.text
        await driver.press("L")
        assert "follow False" in reader.calls and "nothing new yet" not in driver.text

    drive(FakeReader(make_shop(20)), script)


@pytest.mark.parametrize("descending", [False, True])
def test_the_list_keeps_cursor_scroll_filter_and_order(descending: bool) -> None:
    async def script(driver: Driver) -> None:
        await driver.press(*(["R"] if descending else []), "ctrl+d", "ctrl+d", "ctrl+d", "k", "k")
        table = list_of(driver)
        here = table.pointed_id
        assert here is not None
        y, order = row_on_screen(driver, here), (table.order_by, table.descending, table.filter_text)
        earlier = [visit(f"early{n}", -5_000 + n) for n in range(7)]
        await publish(driver, earlier, updated({row["id"] for row in earlier}, set()))
        later = [visit(f"late{n}", 900_000 + n) for n in range(3)]
        await publish(driver, later, updated({row["id"] for row in later}, {here}))
        assert list_of(driver).pointed_id == here
        # the strip that says that logs are followed takes a line
        assert row_on_screen(driver, here) == y + 1
        assert (table.order_by, table.descending, table.filter_text) == order
        line = driver.lines[row_on_screen(driver, here)]
        assert line.startswith("▸* ")

    drive(FakeReader([visit(f"{n:04d}", 500 * n) for n in range(150)]), script)


def test_rows_are_never_those_of_other_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count, rows and place change in one go: no screen in between shows old rows at new places."""

    async def script(driver: Driver) -> None:
        await driver.press("ctrl+d", "ctrl+d", "ctrl+d")
        table = list_of(driver)
        here = table.pointed_id
        assert here is not None
        seen = []
        real = table._rows

        async def watched(offset: int, limit: int) -> list[Document]:
            rows = await real(offset, limit)
            seen.append(rows_of(driver))
            return rows

        monkeypatch.setattr(table, "_rows", watched)
        before = rows_of(driver)
        driver.reader.publish([visit(f"early{n}", -5_000 + n) for n in range(7)])
        driver.app.poll()
        await driver.settle()
        assert seen[0] == before
        assert rows_of(driver) == before

    drive(FakeReader([visit(f"{n:04d}", 500 * n) for n in range(150)]), script)


def timeline_of(driver: Driver) -> Timeline:
    view = driver.app.view
    assert isinstance(view, TimelineView)
    return view.timeline


def place_of(timeline: Timeline) -> tuple[int, int]:
    place = timeline._held()
    assert place is not None
    return place


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_an_open_timeline_grows_and_the_event_under_the_cursor_stays(steps: int) -> None:
    async def script(driver: Driver) -> None:
        await driver.press("enter", "home", *["l"] * steps)
        timeline = timeline_of(driver)
        driver.reader.followed = updated(set(), set())
        driver.app.poll()
        await driver.settle()
        before, cursor = place_of(timeline), timeline.cursor
        assert cursor is not None
        label = timeline.moments[cursor].label
        for more in (6, 7, 8):
            await publish(driver, [visit("one", 0, more)], updated(set(), {"one"}))
            assert len(timeline.moments) == more
            assert timeline.cursor == cursor and timeline.moments[cursor].label == label
            assert place_of(timeline) == before
        await driver.press("0")
        assert timeline.stretch == 1.0 and timeline.layout_now is not None
        assert timeline.layout_now.width == timeline.view_width

    drive(FakeReader([visit("one", 0, 5)]), script, (100, 30))


def test_the_cursor_keeps_its_event_when_an_earlier_one_comes_late() -> None:
    def told(*names: str) -> Document:
        at = {"Landing": 0, "Search": 40, "Cart": 80, "Pay": 120}
        return journey("one", [touchpoint(at[name], name, "interest") for name in names])

    async def script(driver: Driver) -> None:
        await driver.press("enter", "end", "h")
        timeline = timeline_of(driver)
        assert timeline.cursor == Ref("touchpoint", -1, 1) and timeline.moments[timeline.cursor].label == "Cart"
        await publish(driver, [told("Landing", "Search", "Cart", "Pay")], updated(set(), {"one"}))
        assert timeline.cursor == Ref("touchpoint", -1, 2) and timeline.moments[timeline.cursor].label == "Cart"

    drive(FakeReader([told("Landing", "Cart", "Pay")]), script)


def test_what_is_said_of_following() -> None:
    pen = Pen()

    def said(following: FakeFollowing) -> str:
        return " · ".join(span.text for span in say_following(following, pen, 100.0))

    assert said(FakeFollowing(is_on=False)) == ""
    assert said(FakeFollowing(is_on=False, note="error: following stopped")) == "error: following stopped"
    assert said(FakeFollowing()) == "▶ following · nothing new yet"
    assert (
        said(FakeFollowing(updated_at=98.0, n_new=3, n_changed=2, n_since=9, phase="correlating", note="a.log is gone"))
        == "▶ following · 3 new journeys, 2 changed · updated 2 s ago · 9 new since it began · correlating · a.log is gone"
    )
    assert said(FakeFollowing(updated_at=30.0, n_new=1, n_since=1)) == "▶ following · 1 new journey · updated 1 min ago"
