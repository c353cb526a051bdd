"""One order, two spellings: a number in the address bar, a number with a prefix in the back office."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from pairs import AGENT, START

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

ORDERS = 40


def slots_of(directory: Path, *, thanks: str, minutes_later: int = 0) -> tuple[dict[str, list[str]], set[str]]:
    """Slots per type of a shop, and what its pages ``thanks`` were linked to.

    Visitors see the page ``thanks`` of their order's number when they have ordered, or long after it.
    """
    edge, shop = [], []
    for number in range(1, ORDERS + 1):
        at = START + timedelta(minutes=7 * number)
        asked = {"client_ip": f"192.0.2.{number}", "user_agent": AGENT, "method": "GET", "status": 200}
        edge.append((at, {**asked, "path": "/basket"}))
        # Long after: in another order, or pages of one number and orders of another would come up in step.
        seen = (
            at + timedelta(seconds=2)
            if not minutes_later
            else at + timedelta(minutes=minutes_later + number * number % 97)
        )
        edge.append((seen, {**asked, "path": thanks.format(number)}))
        for step, service in enumerate(("shop", "payments", "depot")):
            told = {"service": service, "message": f"step {step} done", "order_id": f"ORD-2026-{number:06d}"}
            shop.append((at + timedelta(seconds=1 + 600 * step), told))
    for name, lines in (("edge.log", edge), ("shop.log", shop)):
        rows = [
            json.dumps({"ts": at.isoformat(), **line}) + "\n" for at, line in sorted(lines, key=lambda each: each[0])
        ]
        (directory / name).write_text("".join(rows), encoding="utf-8")
    results = open_paths([directory], Options(cache=False, workers=1))
    found = {row["type"]: row["slots"] for row in results.identifiers()}
    journeys = [results.journey(row["id"]) for row in results.journey_rows(limit=1000)]
    edge.sort(key=lambda each: each[0])
    pages = [[0, line] for line, (_, asked) in enumerate(edge, 1) if asked["path"] != "/basket"]
    met = {link["to"] for journey in journeys for link in journey["links"] if link["event"] in pages}
    results.close()
    return found, met - {"session"}


def test_bare_numbers_under_the_same_noun_are_the_prefixed_values(tmp_path: Path) -> None:
    slots, _ = slots_of(tmp_path, thanks="/orders/{}", minutes_later=300)
    assert slots["order"] == ["key:order_id", "path:/orders/{}"]


def test_under_another_noun_they_are_where_they_come_up_together(tmp_path: Path) -> None:
    slots, linked = slots_of(tmp_path, thanks="/thanks/{}")
    assert slots["order"] == ["key:order_id", "path:/thanks/{}"]
    assert linked == {f"order:ORD-2026-{number:06d}" for number in range(1, ORDERS + 1)}


def test_numbers_that_only_happen_to_be_as_high_are_something_else(tmp_path: Path) -> None:
    slots, linked = slots_of(tmp_path, thanks="/product/{}", minutes_later=300)
    assert slots["order"] == ["key:order_id"]
    assert not linked
