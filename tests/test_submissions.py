"""Orders that no address names before the page that shows them: what was sent placed them, and who only looks has placed none."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

START = datetime(2026, 3, 10, 8, tzinfo=UTC)
BUYERS = 30
DECLINED = (4, 13)
"""Their card is refused, with a status of success: the answer is the basket, and no order follows."""
CURIOUS = range(20, 29)
"""They come back hours later and look their order up."""


def order_of(number: int) -> str:
    return str(9000 + 7 * number)


def write_shop(directory: Path) -> None:
    told: list[tuple[datetime, str]] = []

    def ask(at: datetime, person: int, method: str, target: str) -> None:
        line = f'192.0.2.{person + 1} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "{method} {target} HTTP/1.1" 200 512 "-" "Firefox/{100 + person}.0"'
        told.append((at, line))

    for number in range(BUYERS):
        at, cart = START + timedelta(minutes=6 * number), f"cart_{500 + 11 * number}"
        for step, (method, target) in enumerate(
            (
                ("GET", "/store/products"),
                ("POST", f"/store/carts/{cart}/line-items"),
                ("GET", f"/store/carts/{cart}"),
                ("POST", f"/store/carts/{cart}/complete"),
                ("GET", f"/store/carts/{cart}" if number in DECLINED else f"/store/orders/{order_of(number)}"),
            )
        ):
            ask(at + timedelta(seconds=20 * step - 19 * (step == 4)), number, method, target)
    for number in CURIOUS:
        at = START + timedelta(hours=9, minutes=4 * number)
        ask(at, number, "GET", "/store/products")
        ask(at + timedelta(seconds=30), number, "GET", f"/store/orders/{order_of(number)}")
    ask(START + timedelta(hours=14), BUYERS, "GET", "/store/products")  # the visits before are over
    (directory / "access.log").write_text("".join(f"{line}\n" for _, line in sorted(told)), encoding="utf-8")


@pytest.fixture(scope="module")
def journeys(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    directory = tmp_path_factory.mktemp("shop")
    write_shop(directory)
    results = open_paths([directory], Options(cache=False, workers=1))
    documents = [json.loads(document) for document in results.documents()]
    results.close()
    return documents


def test_the_form_before_the_page_placed_the_order(journeys: list[dict[str, Any]]) -> None:
    born = {
        business["object"]["id"]: journey["customer_journey"]["touchpoints"][business["trigger"]["touchpoint"]]
        for journey in journeys
        for business in journey["business_journeys"]
    }
    assert set(born) == {order_of(number) for number in range(BUYERS) if number not in DECLINED}
    assert {(touchpoint["method"], touchpoint["route"]) for touchpoint in born.values()} == {
        ("POST", "/store/carts/{}/complete")
    }
    links = [link for journey in journeys for link in journey["links"] if link["rule"] == "sent before"]
    assert len(links) == len(born)
    assert all(0.7 < link["confidence"] < 1 for link in links)


def test_who_looks_an_order_up_has_placed_none(journeys: list[dict[str, Any]]) -> None:
    later = [journey for journey in journeys if "2026-03-10T15" < journey["started_at"] < "2026-03-10T21"]
    assert len(later) == len(CURIOUS)
    assert {journey["customer_journey"]["outcome"] for journey in later} == {"browsed"}
    assert not any(journey["business_journeys"] for journey in later)


def test_what_is_accepted_and_comes_to_nothing_has_failed(journeys: list[dict[str, Any]]) -> None:
    outcomes = {
        journey["session"]["client_ip"][0]: journey["customer_journey"]
        for journey in journeys
        if journey["started_at"] < "2026-03-10T15"
    }
    for number in range(BUYERS):
        found = outcomes[f"192.0.2.{number + 1}"]
        assert found["outcome"] == ("failed" if number in DECLINED else "achieved"), found
    assert "nothing came of it" in outcomes[f"192.0.2.{DECLINED[0] + 1}"]["outcome_why"]


def test_a_basket_has_no_business_journey_beside_the_order(journeys: list[dict[str, Any]]) -> None:
    kinds = {business["object"]["type"] for journey in journeys for business in journey["business_journeys"]}
    assert kinds == {"order"}


def test_looked_up_orders_of_before_the_logs_are_nobodys(tmp_path: Path) -> None:
    """A portal where orders are shown, and forms are for other things."""
    told = []
    for person in range(24):
        at = START + timedelta(minutes=9 * person)
        for step, request in enumerate(
            ("GET /", f"GET /my/orders/{700 + person}")
            if person % 4
            else ("GET /", "POST /contact", "GET /contact/thanks")
        ):
            moment = at + timedelta(seconds=25 * step)
            told.append(
                f'192.0.2.{person + 1} - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] "{request} HTTP/1.1" 200 512 "-" "Firefox/{100 + person}.0"'
            )
    told.append('192.0.2.99 - - [10/Mar/2026:20:00:00 +0000] "GET / HTTP/1.1" 200 512 "-" "Firefox/99.0"')
    (tmp_path / "access.log").write_text("\n".join(told) + "\n", encoding="utf-8")
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    found = [json.loads(document) for document in results.documents()]
    results.close()
    found = [journey for journey in found if journey["started_at"] < "2026-03-10T20"]
    assert len(found) == 24
    assert not any(journey["business_journeys"] for journey in found)
    assert {journey["customer_journey"]["outcome"] for journey in found} == {"browsed", "achieved"}
    assert not [each for each in found if each["customer_journey"]["goal"] == "Place order"]
