"""What can be known of orders where the access log is all there is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

START = datetime(2026, 3, 10, 8, tzinfo=UTC)
CUSTOMERS = 40
OFFERS = 12
STAFF = CUSTOMERS + 1


def write_log(directory: Path) -> dict[str, set[int]]:
    """Everybody looks at some offers and places an order, which staff looks at the next day; gives the lines of each order."""
    told: list[tuple[datetime, str, str]] = []

    def ask(at: datetime, person: int, target: str, order: str = "") -> None:
        line = f'192.0.2.{person} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET {target} HTTP/1.1" 200 512 "-" "Firefox/{100 + person}.0"'
        told.append((at, line, order))

    for number in range(CUSTOMERS):
        at, order = START + timedelta(minutes=7 * number), f"SO-{4471 + 3 * number}"
        for step in range(5):
            ask(at + timedelta(seconds=9 * step), number + 1, f"/offers/{(number + 5 * step) % OFFERS + 1}")
        ask(at + timedelta(seconds=80), number + 1, f"/orders/{order}/thanks", order)
        ask(at + timedelta(seconds=200), number + 1, f"/orders/{order}", order)
        ask(START + timedelta(days=1, minutes=number), STAFF, f"/admin/orders/{order}", order)
    told.sort()
    (directory / "access.log").write_text("".join(line + "\n" for _, line, _ in told), encoding="utf-8")
    lines: dict[str, set[int]] = {}
    for number, (_, _, order) in enumerate(told, 1):
        if order:
            lines.setdefault(order, set()).add(number)
    return lines


def test_orders_are_told_by_their_urls_and_what_everybody_looks_at_is_none(tmp_path: Path) -> None:
    wanted = write_log(tmp_path)
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    journeys = [json.loads(document) for document in results.documents()]
    roles = {each["type"]: each["role"] for each in results.identifiers()}
    results.close()
    assert roles["order"] == "object"
    assert roles["offer"] != "object"
    found: dict[str, set[int]] = {}
    for journey in journeys:
        for business in journey["business_journeys"]:
            assert journey["started_at"] < "2026-03-11"  # the customer's visit, not that of staff
            assert business["outcome"] in ("in_progress", "stuck")  # nothing says more
            found[business["object"]["id"]] = {line for step in business["steps"] for _, line in step["events"]}
    assert found == wanted
