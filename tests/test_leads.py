"""What leads to an order, and what its provider says of it: a checkout that is paid for before there is an order, a provider's session that
a subscription comes of, callbacks that name nothing else, and visitors who come back from the provider's page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import duckdb
import numpy as np
import pytest

from reconstruct.correlate.lengths import _reach_routes
from reconstruct.correlate.objects import MOST_REQUESTS, find_everywhere
from reconstruct.correlate.referrers import mark_detours
from reconstruct.correlate.web_requests import DETOUR_REFERRER, FOREIGN_REFERRER, NO_REFERRER
from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.results import Reconstruction

START = datetime(2026, 3, 10, 9, tzinfo=UTC)
VISITS = 30
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PROVIDER = "Stripe/1.0 (+https://stripe.example/docs/webhooks)"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


class Logs:
    """Lines of several logs, written in the order of time."""

    def __init__(self, seed: str) -> None:
        self.rng = Random(seed)
        self.lines: dict[str, list[tuple[datetime, str]]] = {}

    def token(self, prefix: str) -> str:
        return f"{prefix}3{''.join(self.rng.choices(LETTERS, k=23))}"

    def edge(
        self, at: datetime, address: str, request: str, referrer: str = "-", agent: str = BROWSER, tail: str = ""
    ) -> None:
        line = f'{address} - - [{at:%d/%b/%Y:%H:%M:%S +0000}] "{request} HTTP/1.1" 200 512 "{referrer}" "{agent}"{tail}'
        self.lines.setdefault("edge", []).append((at, line))

    def say(self, log: str, at: datetime, **fields: object) -> None:
        line = json.dumps({"ts": at.isoformat(timespec="milliseconds"), **fields})
        self.lines.setdefault(log, []).append((at, line))

    def write(self, directory: Path) -> None:
        for name, lines in self.lines.items():
            text = "\n".join(line for _, line in sorted(lines, key=lambda each: each[0]))
            (directory / f"{name}.log").write_text(f"{text}\n", encoding="utf-8")


def journeys_of(results: Reconstruction) -> list[dict[str, Any]]:
    return [json.loads(document) for document in results.documents()]


def lines_of(results: Reconstruction, business: dict[str, Any]) -> dict[str, int]:
    """How many lines of each log a business journey tells of."""
    names = {each["id"]: Path(each["path"]).stem for each in results.sources()}
    found: dict[str, int] = {}
    for step in business["steps"]:
        for source, _ in step["events"]:
            found[names[source]] = found.get(names[source], 0) + 1
    return found


# ---------------------------------------------------------------------------------------------------- one address for all requests


@pytest.fixture(scope="module")
def graphql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reconstruction]:
    """A shop's GraphQL interface: two of three checkouts become orders; a payment is made for the checkout, and the provider names it alone."""
    logs = Logs("graphql")
    for number in range(VISITS):
        at, address, checkout = (
            START + timedelta(minutes=11 * number),
            f"192.0.2.{number + 1}",
            str(UUID(int=number + 9 << 80)),
        )
        payment, order = logs.token("pi_"), str(4100 + number)
        operations = ["ProductDetails", "CheckoutCreate", "CheckoutLinesAdd", "checkoutShippingAddressUpdate"]
        for operation in [*operations, "transactionInitialize", "checkoutComplete"] if number % 3 else operations:
            at += timedelta(seconds=25)
            request = f"{number:06x}{len(logs.lines.get('edge', ())):06x}c0ffee1dea"
            logs.edge(at, address, "POST /graphql/", "https://shop.example/", tail=f" rid={request}")
            logs.say("api", at, message="operation", operation_name=operation, request_id=request)
            if operation == "CheckoutCreate":
                logs.say("api", at, message="Checkout created", checkout_id=checkout, request_id=request)
            if operation == "transactionInitialize":
                paid = {"checkout_id": checkout, "psp_reference": payment, "amount": "20.50", "currency": "EUR"}
                logs.say("api", at, message="Transaction initialized", **paid, request_id=request)
            if operation == "checkoutComplete":
                logs.say(
                    "api", at, message="Order created", checkout_id=checkout, order_number=order, request_id=request
                )
                later = at + timedelta(seconds=40)
                logs.edge(later, "198.51.100.63", "POST /webhooks/", agent=PROVIDER, tail=f" rid=ca11{request}")
                logs.say("api", later, message="payment succeeded", psp_reference=payment, request_id=f"ca11{request}")
    directory = tmp_path_factory.mktemp("graphql")
    logs.write(directory)
    found = open_paths([directory], Options(cache=False, workers=1))
    yield found
    found.close()


def test_an_order_is_no_part_of_the_checkout_it_came_of(graphql: Reconstruction) -> None:
    told = [each for journey in journeys_of(graphql) for each in journey["business_journeys"]]
    assert [each["object"]["type"] for each in told] == ["order"] * (VISITS * 2 // 3)


def test_a_callback_that_names_the_payment_of_the_checkout_is_the_order_s(graphql: Reconstruction) -> None:
    for journey in journeys_of(graphql):
        for order in journey["business_journeys"]:
            assert lines_of(graphql, order) == {"api": 5, "edge": 3}
            assert order["value"] == {"amount": "20.50", "currency": "EUR"}
            assert journey["session"]["agent_kind"] == "human"


def test_operations_of_lines_written_for_a_request_say_what_was_asked(graphql: Reconstruction) -> None:
    people = [each["customer_journey"] for each in journeys_of(graphql) if each["session"]["agent_kind"] == "human"]
    people = [each for each in people if each["outcome"] != "ongoing"]
    done = ["Viewed a product", "Started checkout", "Added to basket", "Entered address", "Transaction initialize"]
    assert {each["outcome"] for each in people} == {"achieved", "abandoned"}
    for each in people:
        told = [touchpoint["activity"] for touchpoint in each["touchpoints"]]
        assert told[: len(done)] == done[: len(told)]
        assert ("Placed order" in told[-1]) == (each["outcome"] == "achieved")


# ---------------------------------------------------------------------------------------------------- the page of a provider


@pytest.fixture(scope="module")
def subscriptions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reconstruction]:
    """A plan is paid for on a provider's page, which sends people back; that there is a subscription only its callback says. The
    interface counts its requests (``req-1a``)."""
    logs, site = Logs("subscriptions"), "https://app.example"
    for number in range(VISITS):
        at, address = START + timedelta(minutes=7 * number), f"192.0.2.{number + 1}"
        session, subscription = f"{logs.token('cs_live_')}{logs.token('')}", logs.token("sub_")
        logs.edge(at, address, "GET /", "-")
        logs.edge(at + timedelta(seconds=8), address, "GET /pricing", f"{site}/")
        logs.edge(at + timedelta(seconds=30), address, "POST /api/checkout-sessions", f"{site}/pricing")
        named = f"req-{number * 2 + 50:x}"
        asked = {"method": "POST", "path": "/api/checkout-sessions", "status": 200, "duration_ms": 12}
        logs.say("api", at + timedelta(seconds=30), reqId=named, message="session created", checkoutSession=session)
        logs.say("api", at + timedelta(seconds=30), reqId=named, message="completed", **asked)
        if not number % 3:
            logs.edge(at + timedelta(seconds=95), address, "GET /billing/cancel", "https://pay.example/")
            continue
        logs.edge(
            at + timedelta(seconds=95), address, f"GET /billing/success?session_id={session}", "https://pay.example/"
        )
        called, named = at + timedelta(seconds=92), f"req-{number * 2 + 51:x}"
        logs.edge(called, "198.51.100.63", "POST /api/webhooks/stripe", agent=PROVIDER)
        told = {"checkoutSession": session, "subscription": subscription}
        logs.say("api", called, reqId=named, message="event received", eventType="checkout.session.completed", **told)
        logs.say("api", called, reqId=named, message="completed", **(asked | {"path": "/api/webhooks/stripe"}))
    directory = tmp_path_factory.mktemp("subscriptions")
    logs.write(directory)
    found = open_paths([directory], Options(cache=False, workers=1))
    yield found
    found.close()


def test_who_comes_back_from_a_provider_s_page_goes_on_with_the_visit(subscriptions: Reconstruction) -> None:
    people = [each for each in journeys_of(subscriptions) if each["session"]["agent_kind"] != "bot"]
    assert len(people) == VISITS
    ends = [each["customer_journey"]["touchpoints"][-1]["activity"] for each in people]
    assert ends.count("Came back without paying") == VISITS // 3


def test_a_subscription_is_of_the_visit_that_its_checkout_session_was_made_in(subscriptions: Reconstruction) -> None:
    homes = [each for each in journeys_of(subscriptions) if each["business_journeys"]]
    assert len(homes) == VISITS * 2 // 3
    for home in homes:
        (business,) = home["business_journeys"]
        assert (business["object"]["type"], home["session"]["agent_kind"]) == ("subscription", "human")
        assert lines_of(subscriptions, business) == {"api": 2, "edge": 1}


def test_a_session_of_one_page_only_is_not_the_visitor_s(subscriptions: Reconstruction) -> None:
    roles = {each["slots"][0]: each["role"] for each in subscriptions.identifiers()}
    assert roles["key:checkoutSession"] != "session"


# ---------------------------------------------------------------------------------------------------- measured by themselves


def test_a_site_is_a_detour_when_nearly_all_that_it_leads_here_were_here_before() -> None:
    """Twenty visitors: here, to the provider (host 1), and back; and twenty whom a search engine (host 0) brings, a third of them twice."""
    rows = [
        (v * 100 + s, v, *came) for v in range(20) for s, came in ((0, (NO_REFERRER, -1)), (60, (FOREIGN_REFERRER, 1)))
    ]
    rows += [(v * 100, v, FOREIGN_REFERRER, 0) for v in range(20, 40)]
    rows += [(v * 100 + 30, v, 7, -1) for v in range(20, 27)] + [
        (v * 100 + 50, v, FOREIGN_REFERRER, 0) for v in range(20, 27)
    ]
    second, visitor, came_from, host = (np.array(column, np.int64) for column in zip(*sorted(rows), strict=True))
    mark_detours(came_from, host, visitor, second, np.zeros(len(rows), np.bool_))
    assert set(came_from[host == 1]) == {DETOUR_REFERRER}
    assert set(came_from[host == 0]) == {FOREIGN_REFERRER}


@pytest.mark.parametrize(("written_for", "reach_s"), [(True, (1, 3)), (False, None)])
def test_routes_that_follow_the_lines_of_a_kind_tell_how_far_ahead_they_are(
    written_for: bool, reach_s: tuple[int, int] | None
) -> None:
    """Each payment (route 0) is followed by its callback (route 1) within seconds, and others ask for pages (2 to 9) all the time."""
    rng, second = np.random.default_rng(7), 1_000_000_000
    paid = np.arange(60, dtype=np.int64) * 97 * second
    pages = rng.integers(0, 60 * 97, 1500) * second
    stamps = np.concatenate([paid, paid + rng.integers(1, 5, 60) * second, pages])
    routes = np.concatenate([np.zeros(60), np.ones(60), rng.integers(2, 10, 1500)]).astype(np.int64)
    order = np.argsort(stamps, kind="stable")
    lines = paid - rng.integers(700, 2000, 60) * 1_000_000 if written_for else paid + 40 * second
    found = _reach_routes(stamps[order], routes[order], np.sort(lines))
    if reach_s is None:
        assert found is None
    else:
        assert found is not None and reach_s[0] * second < found < reach_s[1] * second


def test_how_many_requests_name_a_type_themselves() -> None:
    """Eight pages and two files: a project (type 3) on six pages and a file, a server (type 4) on two, and among others on one."""
    db = duckdb.connect()
    db.execute("CREATE TABLE anchors AS SELECT i AS eid, i >= 8 AS asset FROM range(10) t(i)")
    db.execute("CREATE TABLE typed (eid BIGINT, type INTEGER, value VARCHAR, multi BOOLEAN)")
    on = [(eid, 3, f"p{eid % 2}", False) for eid in (0, 1, 2, 3, 4, 5, 8)]
    db.executemany(
        "INSERT INTO typed VALUES (?, ?, ?, ?)", [*on, (6, 4, "a", False), (7, 4, "b", False), (0, 4, "c", True)]
    )
    assert find_everywhere(db, [3, 4, 5]) == {3: 0.75, 4: 0.25}
    assert 0.25 < MOST_REQUESTS < 0.75
