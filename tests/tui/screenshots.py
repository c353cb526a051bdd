"""Take the pictures of the documentation: ``python tests/tui/screenshots.py LOGS JOURNEY DIRECTORY``.

LOGS are logs to read, JOURNEY the id of the journey to show. The same input gives the same files, byte for byte.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from pathlib import Path

from drive import Driver

from reconstruct.live import LiveReader
from reconstruct.options import Options
from reconstruct.sources import discover
from reconstruct.tui.app import ReconstructApp

PICTURES = [
    ("journeys", (120, 30), ["1"]),
    ("timeline", (140, 38), ["e"]),
    ("timeline-80x24", (80, 24), ["e"]),
    ("raw", (140, 34), ["e", "enter"]),
    ("funnel", (110, 30), ["3"]),
    ("quality", (140, 34), ["5"]),
    ("identifiers", (120, 34), ["6", "j"]),
]
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def self_contained(svg: str) -> str:
    """Without fonts from elsewhere: any monospaced one will do, every text has its length."""
    svg = FONT_FACE.sub("", svg)
    return svg.replace("Fira Code, monospace", "Fira Code, DejaVu Sans Mono, Menlo, Consolas, monospace")


async def take(reader: LiveReader, journey: str, name: str, size: tuple[int, int], keys: list[str]) -> str:
    app = ReconstructApp(reader)
    async with app.run_test(size=size) as pilot:
        driver = Driver(app, pilot, reader)  # type: ignore[arg-type]
        await driver.settle()
        app.open_journey(journey)
        for _ in range(3):
            await driver.settle()
        await driver.press(*keys)
        for _ in range(3):
            await driver.settle()
        return self_contained(app.export_screenshot(title=f"reconstruct · {name}"))


def main(logs: str, journey: str, directory: Path) -> None:
    reader = LiveReader(discover([logs]), Options())
    while not reader.progress().finished:
        time.sleep(0.1)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        for name, size, keys in PICTURES:
            svg = asyncio.run(take(reader, journey, name.split("-")[0], size, keys))
            (directory / f"{name}.svg").write_text(svg, encoding="utf-8")
    finally:
        reader.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
