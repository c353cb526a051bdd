"""Pairs of visitors that are served at once, and the lines a shop writes meanwhile: for tests of what goes by the lines around."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 3, 10, 9, tzinfo=UTC)
PAIRS = 60
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

Wanted = dict[tuple[str, int], str]


def write_logs(directory: Path, *, interleaved: bool, threads: bool = False) -> Wanted:
    """Pairs of visitors, each asking for the same page within the same second. Gives the visitor of each line without identifiers.

    Each request writes five lines into shop.log: the second and fourth name nothing. Interleaved, the two requests' lines alternate;
    with ``threads``, each line names the thread that wrote it.
    """
    edge: list[tuple[datetime, dict[str, object]]] = []
    shop: list[tuple[datetime, dict[str, object], str]] = []
    for number in range(2 * PAIRS):
        pair, second = divmod(number, 2)
        at = START + timedelta(minutes=3 * pair)
        visitor, request = f"192.0.2.{number + 1}", f"{number:08x}5e1f00d5{number:08x}"
        stamp = at + timedelta(seconds=1)
        asked = {"client_ip": visitor, "method": "POST", "path": "/offer", "status": 200, "duration_ms": 1000}
        edge.append((stamp, {**asked, "request_id": request, "user_agent": AGENT}))
        for step in range(5):
            shift = (10 * step + 5 * second if interleaved else 10 * step + 400 * second) + 100
            words = ("price asked", "reading the list", "reading the list", "reading the list", "price told")[step]
            line = {"level": "info", "message": words} | ({"request_id": request} if step in (0, 2, 4) else {})
            line |= {"thread": f"worker-{second}"} if threads else {}
            shop.append((at + timedelta(milliseconds=shift), line, visitor))
    edge.sort(key=lambda each: each[0])
    shop.sort(key=lambda each: each[0])
    stamped = [{"ts": at.isoformat(timespec="milliseconds"), **line} for at, line in edge]
    (directory / "edge.log").write_text("\n".join(map(json.dumps, stamped)) + "\n", encoding="utf-8")
    stamped = [{"ts": at.isoformat(timespec="milliseconds"), **line} for at, line, _ in shop]
    (directory / "shop.log").write_text("\n".join(map(json.dumps, stamped)) + "\n", encoding="utf-8")
    return {
        ("shop.log", place + 1): visitor for place, (_, line, visitor) in enumerate(shop) if "request_id" not in line
    }
