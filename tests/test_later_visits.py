"""What is done for an order in a later visit, and by staff, where application lines carry no identifier of the request."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

START = datetime(2026, 3, 10, 8, tzinfo=UTC)
CUSTOMERS = 40
APART_S = 240
"""Between the visits of two customers: at most one request is being served at a time."""
STAFF = "192.0.2.250"


def write_logs(directory: Path) -> dict[int, tuple[str, str]]:
    """An edge and an application log; gives whose visit each application line was written in, and what it says."""
    edge: list[tuple[datetime, str]] = []
    app: list[tuple[datetime, str, str, str]] = []

    def ask(at: datetime, address: str, method: str, target: str, page: str, status: int = 200) -> None:
        agent = f"Mozilla/5.0 (X11; Linux x86_64; rv:{address.rpartition('.')[2]}.0) Gecko/20100101 Firefox/140.0"
        referrer = f"https://shop.example.com{page}" if page else "-"
        edge.append(
            (
                at,
                f'{address} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "{method} {target} HTTP/1.1" {status} 512 "{referrer}" "{agent}"',
            )
        )

    def say(at: datetime, visit: str, what: str, order: int | None = None) -> None:
        message = f'Order {what} {{"order":{order}}}' if order else f"Product {what} []"
        line = f'[{at:%Y-%m-%dT%H:%M:%S.%f+00:00}] app.INFO: {message} {{"uid":"{hash_of(len(app)):07x}"}}'
        app.append((at + timedelta(milliseconds=100), line, visit, what))

    for number in range(CUSTOMERS):
        address, order = f"192.0.2.{number + 1}", 5001 + number
        at = START + timedelta(seconds=APART_S * number)
        ask(at, address, "GET", "/", "")
        for step in range(10, 50, 5):
            ask(at + timedelta(seconds=step), address, "GET", "/products/7", "/")
            say(at + timedelta(seconds=step), f"{number}", "shown")
        ask(at + timedelta(seconds=50), address, "POST", "/checkout", "/products/7", 302)
        say(at + timedelta(seconds=50), f"{number}", "placed", order)
        ask(at + timedelta(seconds=51), address, "GET", f"/orders/{order}/thanks", "/products/7")
        if number % 2:
            at += timedelta(days=1, seconds=7)
            ask(at, address, "GET", f"/orders/{order}", "")
            ask(at + timedelta(seconds=40), address, "POST", f"/orders/{order}/change", f"/orders/{order}", 302)
            say(at + timedelta(seconds=40), f"{number} again", "changed", order)
        at = START + timedelta(days=2, seconds=APART_S * number)
        ask(at, STAFF, "POST", f"/orders/{order}/note", "/orders", 302)
        say(at, "staff", "noted", order)
    (directory / "access.log").write_text("".join(line + "\n" for _, line in sorted(edge)), encoding="utf-8")
    app.sort()
    (directory / "app.log").write_text("".join(line + "\n" for _, line, _, _ in app), encoding="utf-8")
    return {number: (visit, what) for number, (_, _, visit, what) in enumerate(app, 1)}


def hash_of(number: int) -> int:
    """Numbers that look drawn at random (Knuth's multiplicative hash)."""
    return number * 2_654_435_761 % 2**28


def read(directory: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    results = open_paths([directory], Options(cache=False, workers=1))
    journeys = [json.loads(document) for document in results.documents()]
    identifiers = results.identifiers()
    results.close()
    return journeys, identifiers


def test_who_comes_back_to_change_an_order_does_so_in_that_visit(tmp_path: Path) -> None:
    told = write_logs(tmp_path)
    journeys, _ = read(tmp_path)
    days: dict[int, set[str]] = {}
    for journey in journeys:
        for touchpoint in journey["customer_journey"]["touchpoints"]:
            for source, line in touchpoint["events"]:
                if source == 1:
                    days.setdefault(line, set()).add(journey["started_at"][:10])
    assert {next(iter(days[line])) for line, (_, what) in told.items() if what == "placed"} == {"2026-03-10"}
    assert {next(iter(days[line])) for line, (_, what) in told.items() if what == "changed"} == {"2026-03-11"}
    # What staff does for an order is part of what became of it.
    assert {next(iter(days[line])) for line, (_, what) in told.items() if what == "noted"} == {"2026-03-10"}


def test_a_tag_of_every_line_is_nothing_the_business_works_on(tmp_path: Path) -> None:
    write_logs(tmp_path)
    (tmp_path / "jobs.log").write_text(
        "".join(
            f"{START + timedelta(minutes=n):%Y-%m-%d %H:%M:%S},000 INFO [cron] job done: uid=33\n" for n in range(60)
        ),
        encoding="utf-8",
    )
    _, identifiers = read(tmp_path)
    roles = {slot: each["role"] for each in identifiers for slot in each["slots"]}
    assert roles["key:order"] == "object"
    assert roles["key:uid"] != "object"
