"""An order tried in vain in one visit and placed in another: two business journeys, each in its own visit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconstruct.journeys.rows import name_object
from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.results import Reconstruction

START = datetime(2026, 3, 10, 9, tzinfo=UTC)
ORDERS = 40
RETURNING = (5, 17, 30)
"""Orders whose first visitor is declined and comes back the next day."""


class Logs:
    def __init__(self) -> None:
        self.edge: list[dict[str, Any]] = []
        self.app: list[dict[str, Any]] = []
        self.requests = 0

    def visit(self, start: datetime, session: str, address: str, order: int, *, declined: bool) -> None:
        for step, (method, path) in enumerate([("GET", "/"), ("GET", "/basket"), ("POST", "/checkout")]):
            at = start + timedelta(seconds=20 * step)
            self.requests += 1
            request = f"{self.requests:016x}c0ffee{order:04x}"
            status = 402 if declined and method == "POST" else 200
            common = {"ts": at.isoformat(timespec="milliseconds"), "request_id": request}
            self.edge.append(
                {
                    **common,
                    "client_ip": address,
                    "method": method,
                    "path": path,
                    "status": status,
                    "session_id": session,
                }
                | {"user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
            )
            if method == "POST":
                words = [
                    f"placing order {order}",
                    f"payment declined for order {order}" if declined else f"order {order} placed",
                ]
                self.app += [{**common, "level": "INFO", "message": text} for text in words]

    def write(self, directory: Path) -> None:
        for name, lines in (("edge", self.edge), ("shop", self.app)):
            ordered = sorted(lines, key=lambda line: line["ts"])
            (directory / f"{name}.log").write_text("\n".join(map(json.dumps, ordered)) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reconstruction]:
    logs = Logs()
    for number in range(ORDERS):
        start, address = START + timedelta(minutes=7 * number), f"192.0.2.{number + 1}"
        returns = number in RETURNING
        logs.visit(start, f"s{number:04d}aaaaaaaaaaaaaaaa", address, 71_000 + number, declined=returns)
        if returns:
            logs.visit(
                start + timedelta(days=1), f"s{number:04d}bbbbbbbbbbbbbbbb", address, 71_000 + number, declined=False
            )
    directory = tmp_path_factory.mktemp("tries")
    logs.write(directory)
    found = open_paths([directory], Options(cache=False, workers=1))
    yield found
    found.close()


def test_each_visit_tells_of_its_own_try(results: Reconstruction) -> None:
    journeys = [json.loads(document) for document in results.documents()]
    assert len(journeys) == ORDERS + len(RETURNING)
    told = {business["id"]: (journey, business) for journey in journeys for business in journey["business_journeys"]}
    for number in RETURNING:
        first, second = told[f"order:{71_000 + number}~1"], told[f"order:{71_000 + number}"]
        assert first[0]["started_at"] < second[0]["started_at"]
        assert (first[0]["customer_journey"]["outcome"], first[1]["outcome"]) == ("failed", "failed")
        assert second[0]["customer_journey"]["outcome"] == "achieved"
        assert first[1]["object"] == second[1]["object"]
    assert len(told) == ORDERS + len(RETURNING)


def test_links_name_the_business_journey_they_lead_to(results: Reconstruction) -> None:
    for document in results.documents():
        journey = json.loads(document)
        names = {business["id"] for business in journey["business_journeys"]}
        assert {link["to"] for link in journey["links"]} == {"session", *names}


def test_names() -> None:
    assert (name_object("order", "7", 0), name_object("order", "7", 2)) == ("order:7", "order:7~2")
