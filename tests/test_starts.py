"""Access logs that stamp a request with its beginning, those that do with its end, and those that do not say how long it took: its
lines are found."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

START = datetime(2026, 3, 10, 9, tzinfo=UTC)
VISITS, TOOK_MS = 30, 700
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def write_logs(directory: Path, *, at_the_end: bool, took_ms: int = TOOK_MS, told: bool = True) -> None:
    """Visits of three requests; the service says two things about each, and names nothing. ``told``: how long they took is."""
    edge, service = [], []
    for visit in range(VISITS):
        for request, path in enumerate(("/", "/cart", "/checkout")):
            begun = START + timedelta(seconds=41 * visit + 9 * request, milliseconds=37 * visit)
            stamp = begun + timedelta(milliseconds=took_ms * at_the_end)
            asked = {"client_ip": f"192.0.2.{visit + 1}", "method": "GET", "path": path, "status": 200}
            took = {"duration_ms": took_ms} if told else {}
            edge.append({"time": stamp.isoformat(), **asked, **took, "user_agent": BROWSER})
            for after, said in ((200, "looking up stock"), (600, "rendering")):
                at = begun + timedelta(milliseconds=after)
                service.append({"time": at.isoformat(), "level": "info", "message": said})
    for name, lines in (("edge", edge), ("service", service)):
        (directory / f"{name}.log").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def service_lines(directory: Path) -> list[list[int]]:
    """Those of each journey."""
    results = open_paths([directory], Options(cache=False, workers=1))
    journeys = [json.loads(document) for document in results.documents()]
    (service,) = (each["id"] for each in results.sources() if each["path"].endswith("service.log"))
    results.close()
    return sorted(
        sorted(event[1] for each in journey["customer_journey"]["touchpoints"] for event in each["events"] if event[0] == service)
        for journey in journeys
    )  # fmt: skip


OWN_LINES = [list(range(6 * visit + 1, 6 * visit + 7)) for visit in range(VISITS)]


@pytest.mark.parametrize("at_the_end", [False, True])
def test_lines_are_placed_while_their_request_was_served(tmp_path: Path, at_the_end: bool) -> None:
    write_logs(tmp_path, at_the_end=at_the_end)
    assert service_lines(tmp_path) == OWN_LINES


def test_how_long_slow_requests_take_is_learned_where_no_log_says(tmp_path: Path) -> None:
    write_logs(tmp_path, at_the_end=True, took_ms=2500, told=False)
    assert service_lines(tmp_path) == OWN_LINES
