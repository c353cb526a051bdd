"""A cart becomes an order: what is written then is of both, and neither hides the session or a part of the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.results import Reconstruction

START = datetime(2026, 3, 10, 9, tzinfo=UTC)
CARTS = 30
"""Every third of them is left behind."""
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def line(at: datetime, **fields: object) -> str:
    return json.dumps({"ts": at.isoformat(timespec="milliseconds"), **fields})


def write_shop(directory: Path) -> None:
    """Edge, shop, stock and a log of statements that knows no request; an order has a UUID and a number that is its part."""
    logs: dict[str, list[str]] = {"edge": [], "shop": [], "stock": [], "billing": [], "statements": []}
    for number in range(CARTS):
        start, cart, order = START + timedelta(minutes=9 * number), 61_000 + number, str(UUID(int=number + 7 << 90))
        visits = ["GET /", "POST /cart", "POST /checkout"] if number % 3 else ["GET /", "POST /cart"]
        for step, (method, path) in enumerate(each.split() for each in visits):
            at, request = start + timedelta(seconds=95 * step), f"{number:08x}{step:02x}c0ffee1dea"
            asked = {"method": method, "path": path, "status": 200, "duration_ms": 80, "user_agent": BROWSER}
            logs["edge"].append(line(at, client_ip=f"192.0.2.{number + 1}", request_id=request, **asked))
            if path == "/cart":
                logs["shop"].append(line(at, request_id=request, message=f"added to cart {cart}"))
                logs["stock"].append(line(at, request_id=request, message=f"held for cart {cart}"))
            if path == "/checkout":
                placed = f"order {order} no. {88_000 + number} made of cart {cart}"
                logs["shop"].append(line(at, request_id=request, message=placed, order_number=88_000 + number))
                logs["statements"].append(line(at, message=f"insert for order {order} of cart {cart}"))
        if number % 3:
            for hours, log in enumerate(("stock", "billing"), 1):
                logs[log].append(line(start + timedelta(hours=hours), message="worked on", order_id=order))
            logs["billing"].append(line(start + timedelta(hours=3), message="paid", order_number=88_000 + number))
    for name, lines in logs.items():
        (directory / f"{name}.log").write_text("\n".join(sorted(lines)) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reconstruction]:
    directory = tmp_path_factory.mktemp("carts")
    write_shop(directory)
    found = open_paths([directory], Options(cache=False, workers=1))
    yield found
    found.close()


def told_of(results: Reconstruction, kind: str) -> list[set[str]]:
    """The logs that each business object of a kind is told of in."""
    names = {each["id"]: Path(each["path"]).stem for each in results.sources()}
    journeys = [json.loads(document) for document in results.documents()]
    return [
        {names[event[0]] for step in business["steps"] for event in step["events"]}
        for journey in journeys
        for business in journey["business_journeys"]
        if business["object"]["type"] == kind
    ]


def test_the_request_that_makes_an_order_of_a_cart_is_of_both(results: Reconstruction) -> None:
    roles = {each["type"]: each["role"] for each in results.identifiers()}
    assert (roles["cart"], roles["order"]) == ("object", "object")
    orders, carts = told_of(results, "order"), told_of(results, "cart")
    assert len(orders) == CARTS * 2 // 3
    assert len(carts) == CARTS
    assert all("edge" in logs for logs in orders + carts)


def test_a_line_that_names_both_is_in_their_session(results: Reconstruction) -> None:
    (statements,) = (each["id"] for each in results.sources() if Path(each["path"]).stem == "statements")
    journeys = [json.loads(document) for document in results.documents()]
    placed = {
        event[1]
        for journey in journeys
        for touchpoint in journey["customer_journey"]["touchpoints"]
        for event in touchpoint["events"]
        if event[0] == statements
    }
    assert len(placed) == CARTS * 2 // 3


def test_a_part_is_the_order_s_though_it_meets_the_cart_too(results: Reconstruction) -> None:
    journeys = [json.loads(document) for document in results.documents()]
    orders = [
        each for journey in journeys for each in journey["business_journeys"] if each["object"]["type"] == "order"
    ]
    assert all(len(order["objects"]) == 1 for order in orders)
    assert all(len(order["steps"]) >= 4 for order in orders)
