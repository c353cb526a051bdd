"""Make the pictures of the documentation from the bundled shop: ``python docs/make_screenshots.py [DIRECTORY]``.

The interface is driven by keys, as a user would, and writes itself as SVG. The journey shown is found by what happened
in it, not by its name: a payment that failed, was tried again, and the order that came of it.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from reconstruct.live import LiveReader
from reconstruct.options import Options
from reconstruct.sources import discover
from reconstruct.tui.app import ReconstructApp
from reconstruct.tui.widgets.table import FactTable

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "samples" / "shop" / "logs"
SIZE = (128, 36)
"""Columns and rows: small enough to be read in a column of text."""
PATIENCE_S = 120.0
SETTLE_S = 0.6
"""Longer than any redraw that is put off."""
FONTS = "Fira Code, DejaVu Sans Mono, Menlo, Consolas, monospace"

Document = dict[str, Any]


def find_journey(reader: LiveReader) -> str:
    """A customer's journey with something to see: an order that was fulfilled although its payment failed at first.

    Of several, one whose parcel arrived, with no more than the payment gone wrong, and the most on the way to it.
    """
    found = []
    for row in reader.journey_rows(limit=reader.count_journeys()):
        if row["agent_kind"] != "human" or row["outcome"] != "achieved":
            continue
        document = reader.journey(row["id"])
        for business in document["business_journeys"]:
            if business["outcome"] != "fulfilled":
                continue
            failed = {step["activity"].lower() for step in business["steps"] if step["status"] == "failed"}
            reached = {step["activity"].lower() for step in business["steps"]} - failed
            paid_late = any("payment" in activity for activity in failed)
            arrived = any("delivered" in activity for activity in reached)
            found.append((not paid_late, not arrived, len(failed), -row["n_touchpoints"], row["id"]))
    if not found:
        raise SystemExit("no journey in the sample has an order that was fulfilled")
    return str(min(found)[-1])


def find_customer(reader: LiveReader) -> str:
    """A journey of somebody who came back and ordered: of the customers with the most visits, the one with the most orders."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in reader.journey_rows(limit=reader.count_journeys()):
        if row["customer"] and row["agent_kind"] == "human":
            found.setdefault(row["customer"], []).append(row)
    best = max(found.values(), key=lambda rows: (len(rows), sum(bool(row["orders"]) for row in rows), rows[0]["id"]))
    return str(best[0]["id"])


def point_at_bottleneck(app: ReconstructApp) -> None:
    """Put the cursor of the map on the step that is waited for longest."""
    table = app.screen.query_one("#map", FactTable)
    table.point(next((place for place, row in enumerate(table.rows) if row.get("bottleneck")), 0))


async def settle(app: ReconstructApp, pilot: Pilot[Any]) -> None:
    """Wait until nothing is asked and everything is drawn."""
    await pilot.pause(SETTLE_S)
    while app.fetcher.pending or any(not worker.is_finished for worker in app.workers):
        await pilot.pause(0.05)
    await pilot.pause(SETTLE_S)


async def take(directory: Path) -> list[Path]:
    """Drive the interface through its views and write a picture of each."""
    reader = LiveReader(discover([LOGS]), Options())
    app = ReconstructApp(reader, ascii=False)
    taken = []
    async with app.run_test(size=SIZE) as pilot:

        async def shoot(name: str, *keys: str) -> None:
            for key in keys:
                await pilot.press(key)
                await settle(app, pilot)
            path = directory / f"{name}.svg"
            path.write_text(steady(app.export_screenshot(title="reconstruct"), name), encoding="utf-8")
            taken.append(path)

        for _ in range(int(PATIENCE_S / 0.1)):
            if reader.progress().finished:
                break
            await pilot.pause(0.1)
        await settle(app, pilot)
        id = find_journey(reader)
        await shoot("journeys")
        app.open_journey(id)
        await settle(app, pilot)
        await shoot("timeline", "e")
        await shoot("raw", "enter")
        await pilot.press("q")
        app.open_journey(find_customer(reader))
        await settle(app, pilot)
        await shoot("customer", "c")
        await pilot.press("c")
        await shoot("funnel", "3")
        for key in ("p", "p", "o", "o"):  # the map, of orders
            await pilot.press(key)
            await settle(app, pilot)
        point_at_bottleneck(app)
        await settle(app, pilot)
        await shoot("map")
        for key in ("p", "p", "j", "j", "j"):  # the failures, on the first kind
            await pilot.press(key)
            await settle(app, pilot)
        await shoot("failures")
        await shoot("quality", "5")
        await shoot("identifiers", "6")
        for key in ("1", "slash", *"device:mobile", "enter", "T", "o"):
            await pilot.press(key)
            await settle(app, pilot)
        await shoot("compare")
    reader.close()
    return taken


def steady(svg: str, name: str) -> str:
    """The same picture for the same screen, and no fetching of fonts from elsewhere.

    The random prefix of the styles is replaced by the picture's name; letters keep their columns by ``textLength``, so
    any fixed-width font will do.
    """
    svg = re.sub(r"terminal-\d+", f"reconstruct-{name}", svg)
    svg = re.sub(r"@font-face \{[^}]*\}\s*", "", svg)
    svg = svg.replace("font-family: Fira Code, monospace", f"font-family: {FONTS}")
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)


def main() -> int:
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots"
    directory.mkdir(parents=True, exist_ok=True)
    for path in asyncio.run(take(directory)):
        print(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
