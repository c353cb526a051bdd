"""Drives the app in tests: keys in, screens as plain text out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from reader import FakeReader
from textual.pilot import Pilot

from reconstruct.options import Look
from reconstruct.tui.app import ReconstructApp

PATIENCE = 5_000
"""Milliseconds before a test gives up waiting."""
CALM = 3
"""Turns without anything to do that count as calm."""
DRAWN = 2
"""Times it is drawn: laying out may bring a scrollbar, and that another layout."""


class Driver:
    """One running app. Waits by looking at what is left to do, not at the clock: a machine may be slow."""

    def __init__(self, app: ReconstructApp, pilot: Pilot[Any], reader: FakeReader) -> None:
        self.app = app
        self.pilot = pilot
        self.reader = reader

    @property
    def is_busy(self) -> bool:
        """Questions open, workers at work, or messages not handled."""
        app = self.app
        nodes = [app, *app._registry]
        return bool(
            app.fetcher.pending
            or app.version_shown != self.reader.version()
            or any(not worker.is_finished for worker in app.workers)
            or any(node._message_queue is not None and node._message_queue.qsize() for node in nodes)
            or any(node._next_callbacks for node in nodes)
        )

    async def settle(self) -> None:
        """Wait until every question is answered and drawn: calm, and still calm after drawing."""
        for _ in range(DRAWN):
            calm = 0
            for _ in range(PATIENCE):
                await asyncio.sleep(0.001)
                calm = 0 if self.is_busy else calm + 1
                if calm == CALM:
                    break
            self.app.screen._on_timer_update()

    async def press(self, *keys: str) -> None:
        """Keys one after the other, each with everything it causes."""
        for key in keys:
            self.app.simulate_key(key)
            await self.settle()

    async def resize(self, width: int, height: int) -> None:
        """Another size of the terminal."""
        await self.pilot.resize_terminal(width, height)
        await self.settle()
        await self.settle()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that needs a timer."""
        for _ in range(PATIENCE // 10):
            if condition():
                return
            await asyncio.sleep(0.01)
            await self.settle()
        raise AssertionError(f"did not come true:\n{self.text}")

    @property
    def lines(self) -> list[str]:
        """The screen as text."""
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


@asynccontextmanager
async def browse(
    reader: FakeReader,
    size: tuple[int, int] = (120, 40),
    *,
    ascii: bool = False,
    memory: Path | None = None,
    look: Look | None = None,
) -> AsyncIterator[Driver]:
    """The app on a reader, settled."""
    app = ReconstructApp(reader, ascii=ascii, memory=memory, look=look)
    async with app.run_test(size=size, notifications=True) as pilot:
        driver = Driver(app, pilot, reader)
        await driver.settle()
        await driver.settle()
        yield driver
        assert not app.failures, app.failures


def drive(
    reader: FakeReader,
    script: Callable[[Driver], Awaitable[None]],
    size: tuple[int, int] = (120, 40),
    *,
    ascii: bool = False,
) -> None:
    """Run a script against the app."""

    async def main() -> None:
        async with browse(reader, size, ascii=ascii) as driver:
            await script(driver)

    asyncio.run(main())


def screen_after(reader: FakeReader, keys: list[str], size: tuple[int, int] = (120, 40), *, ascii: bool = False) -> str:
    """The screen after some keys."""
    found: list[str] = []

    async def script(driver: Driver) -> None:
        await driver.press(*keys)
        found.append(driver.text)

    drive(reader, script, size, ascii=ascii)
    return found[0]
