"""Whose an order is: who placed it, not who looks it up or reports where it is. Most directories hold some hours of a shop that has been
open for years."""

from __future__ import annotations

import json
import random
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

START = datetime(2026, 3, 10, 9, tzinfo=UTC)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:{}.0) Gecko/20100101 Firefox/{}.0"
CARRIER = "TrackingPush/3.1"
NEW, OLD = range(5000, 5012), range(4000, 4040)


def line(at: datetime, **fields: object) -> str:
    return json.dumps({"ts": at.isoformat(timespec="milliseconds"), **fields})


class Shop:
    """What edge, shop and warehouse write of a morning."""

    def __init__(self, *, app: bool = False) -> None:
        self.dice = random.Random(5)
        self.edge: list[str] = []
        self.shop: list[str] = []
        self.stock: list[str] = []
        self.requests = 0
        self.placed: dict[str, str] = {}
        for number in NEW:
            self._place(number, by_app=app and number % 2 == 0)
        for number in OLD:
            self._go_on(number)

    def _ask(
        self, at: datetime, method: str, path: str, address: str, agent: str, message: str = "", referrer: str = "-"
    ) -> None:
        self.requests += 1
        request = f"{self.requests:08x}c0ffee{self.dice.getrandbits(32):08x}"
        asked = {"method": method, "path": path, "status": 200, "duration_ms": 40, "referrer": referrer}
        self.edge.append(line(at, client_ip=address, user_agent=agent, request_id=request, **asked))
        if message:
            self.shop.append(line(at + timedelta(milliseconds=20), request_id=request, message=message))

    def _place(self, number: int, *, by_app: bool) -> None:
        at = START + timedelta(minutes=9 * (number - NEW.start))
        address, version = f"192.0.2.{number - 4900}", 100 + number - NEW.start
        agent = f"ShopApp/{version}.1" if by_app else BROWSER.format(version, version)
        root = "https://shop.example"
        self._ask(at, "GET", "/", address, agent)
        self._ask(at + timedelta(seconds=20), "GET", "/item/7", address, agent, referrer=f"{root}/")
        if by_app:
            self._ask(
                at + timedelta(seconds=50), "POST", f"/api/orders/{number}", address, agent, f"app order {number} taken"
            )
        else:
            self._ask(
                at + timedelta(seconds=50),
                "POST",
                "/checkout",
                address,
                agent,
                f"order {number} placed",
                f"{root}/item/7",
            )
            self._ask(
                at + timedelta(seconds=52), "GET", f"/thanks/{number}", address, agent, referrer=f"{root}/checkout"
            )
        self.placed[str(number)] = address
        self.stock.append(line(at + timedelta(minutes=20), message=f"picked order {number}"))

    def _go_on(self, number: int) -> None:
        at = START + timedelta(minutes=2.5 * (number - OLD.start), seconds=self.dice.randrange(60))
        if number % 3 == 0:
            agent = BROWSER.format(number % 40 + 80, number % 40 + 80)
            address = f"203.0.113.{number % 200 + 1}"
            self._ask(at, "GET", f"/account/orders/{number}", address, agent, f"order {number} shown")
        else:
            self._ask(at, "POST", f"/hooks/orders/{number}", "198.51.100.9", CARRIER, f"order {number} delivered")
        self.stock.append(line(at + timedelta(minutes=1), message=f"closed order {number}"))

    def sell_to_partner(self, orders: range, address: str) -> None:
        """One system of a partner's orders by another way than people do, and what it ordered is seen to like the rest."""
        for number in orders:
            at = START + timedelta(minutes=4 * (number - orders.start), seconds=33)
            self._ask(at, "POST", "/partner/orders", address, "PartnerSync/2", f"partner order {number} taken")
            self.stock.append(line(at + timedelta(minutes=5), message=f"picked order {number}"))
            self.placed[str(number)] = address

    def write(self, directory: Path, until: datetime = START + timedelta(days=1)) -> None:
        """What is written before ``until``."""
        for name in ("edge", "shop", "stock"):
            lines = sorted(each for each in getattr(self, name) if json.loads(each)["ts"] < until.isoformat())
            (directory / f"{name}.log").write_text("".join(f"{each}\n" for each in lines), encoding="utf-8")


def owners(directory: Path) -> tuple[dict[str, str], set[str]]:
    """Order → address of the visit that owns it; the orders of no visit."""
    with closing(open_paths([directory], Options(cache=False, workers=1))) as results:
        journeys = [json.loads(document) for document in results.documents()]
        loose = {json.loads(document)["object"]["id"] for document in results.unattributed_business()}
    owned = {
        business["object"]["id"]: journey["session"]["client_ip"][0]
        for journey in journeys
        for business in journey["business_journeys"]
    }
    return owned, loose


@pytest.mark.parametrize("app", [False, True], ids=["web", "web and app"])
def test_orders_are_of_who_placed_them(tmp_path: Path, app: bool) -> None:
    shop = Shop(app=app)
    shop.write(tmp_path)
    owned, loose = owners(tmp_path)
    assert {order: owned.get(order) for order in shop.placed} == shop.placed
    assert loose == {str(number) for number in OLD}


def test_how_long_it_took_is_told_of_what_begins_in_the_logs(tmp_path: Path) -> None:
    """The carrier's orders are closed a minute after it reports of them, and were placed days ago."""
    shop = Shop()
    for number in NEW:
        at = START + timedelta(minutes=9 * (number - NEW.start))
        shop.stock += [line(at + timedelta(minutes=30), message=f"order {number} delivered")]
    shop.write(tmp_path)
    with closing(open_paths([tmp_path], Options(cache=False, workers=1))) as results:
        (fulfilled,) = (row for row in results.summary()["times"] if row["outcome"] == "fulfilled")
        assert fulfilled["n"] == len(NEW)
        assert fulfilled["p50_ms"] > 25 * 60_000
        assert "begun:yes" in fulfilled["query"]
        selected = results.select(fulfilled["query"])
        assert selected.summary()["business_outcomes"] == {"fulfilled": len(NEW)}


@pytest.mark.parametrize("minutes", [20, 30, 45])
def test_in_half_an_hour_the_carrier_has_placed_nothing(tmp_path: Path, minutes: int) -> None:
    """It reports of more orders than were placed meanwhile, and of none of these."""
    shop, until = Shop(), START + timedelta(minutes=minutes)
    shop.write(tmp_path, until)
    owned, loose = owners(tmp_path)
    placed = {number for number in NEW if START + timedelta(minutes=9 * (number - NEW.start), seconds=50) < until}
    assert owned == {str(number): shop.placed[str(number)] for number in placed}
    assert loose
    assert loose < {str(number) for number in OLD}


def test_a_partner_that_orders_much_owns_what_it_ordered(tmp_path: Path) -> None:
    shop = Shop()
    shop.sell_to_partner(range(6000, 6009), "198.51.100.40")
    shop.write(tmp_path, START + timedelta(minutes=100))
    owned, loose = owners(tmp_path)
    assert {order: owned.get(order) for order in shop.placed if order in owned or order in loose} == shop.placed
    assert loose <= {str(number) for number in OLD}
