"""Web servers behind balancers and delivery networks: their addresses are not visitors', and half of what is known of a visitor is in
each of two logs."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

START = datetime(2026, 3, 10, 9, tzinfo=UTC)
PAGES = ("/", "/catalogue/", "/catalogue/lamp_7/", "/basket/", "/checkout/")
ROOT = "https://shop.example"
PEOPLE = 60
OFFICE = 4
"""People who share an address and a browser, and are there at the same time."""


class Request(NamedTuple):
    at: datetime
    person: int
    path: str
    referrer: str
    agent: str
    visitor: str
    """the address it was sent from"""


def visits() -> list[Request]:
    """Each looks at all pages, half a minute apart; the first page that leads on is told by its referrer."""
    found = []
    for person in range(PEOPLE):
        office = person // OFFICE
        agent = f"Mozilla/5.0 (X11; Linux x86_64; rv:{100 + office}.0) Gecko/20100101 Firefox/{100 + office}.0"
        for step, path in enumerate(PAGES):
            at = START + timedelta(minutes=7 * office, seconds=31 * step + 5 * (person % OFFICE))
            referrer = f"{ROOT}{PAGES[step - 1]}" if step else "https://search.example/"
            found.append(Request(at, person, path, referrer, agent, f"192.0.2.{office + 1}"))
    return sorted(found)


def balancer(request: Request) -> str:
    at = f"{request.at:%Y-%m-%dT%H:%M:%S}.120000Z"
    return (
        f"http {at} app/shop/50dc6c495c0c9188 {request.visitor}:40000 10.0.1.17:80 0.000 0.040 0.000 200 200 320 512 "
        f'"GET {ROOT}:443{request.path} HTTP/1.1" "{request.agent}" - - arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/t/73e2 '
        f'"Root=1-{int(request.at.timestamp()):08x}-{request.person:024x}" "-" "-" 0 {at} "forward" "-" "-" "10.0.1.17:80" "200" "-" "-"'
    )


def server(request: Request, address: str, *, session: bool) -> str:
    told = f" sid=s{request.person:03}k{request.person * 7919 % 1000:03}" if session else ""
    return (
        f'{address} - - [{request.at:%d/%b/%Y:%H:%M:%S +0000}] "GET {request.path} HTTP/1.1" 200 512 "{request.referrer}" '
        f'"{request.agent}"{told}'
    )


def nodes() -> Callable[[], str]:
    """Two of them, in turn by chance."""
    chance = random.Random(7)
    return lambda: f"10.0.1.{chance.choice((5, 6))}"


def network() -> Callable[[], str]:
    """A delivery network asks from hundreds of servers."""
    chance = random.Random(7)
    return lambda: f"198.51.100.{chance.randrange(1, 250)}"


def rebuild(
    directory: Path, logs: dict[str, list[tuple[Request, str]]]
) -> tuple[list[list[int]], list[dict[str, Any]], list[str]]:
    """Whose requests each journey holds, by log and line; the journeys; and the logs that are said not to know visitors' addresses."""
    whose: dict[tuple[str, int], int] = {}
    for name, lines in logs.items():
        (directory / name).write_text("".join(f"{line}\n" for _, line in lines), encoding="utf-8")
        whose |= {(name, number): request.person for number, (request, _) in enumerate(lines, 1)}
    results = open_paths([directory], Options(cache=False, workers=1))
    journeys = [json.loads(document) for document in results.documents()]
    path = {source["id"]: source["path"] for source in results.sources()}
    said = results.summary()["visits"].get("without_address", [])
    results.close()
    events = (
        [event for touch in journey["customer_journey"]["touchpoints"] for event in touch["events"]]
        for journey in journeys
    )
    return sorted(sorted(whose[path[source], line] for source, line in each) for each in events), journeys, said


@pytest.mark.parametrize("address", [nodes, network])
def test_what_the_server_behind_a_balancer_says_of_a_request_counts(
    tmp_path: Path, address: Callable[[], Callable[[], str]]
) -> None:
    requests, by = visits(), address()
    found, journeys, said = rebuild(
        tmp_path,
        {
            "balancer.log": [(each, balancer(each)) for each in requests],
            "server.log": [(each, server(each, by(), session=True)) for each in requests],
        },
    )
    assert found == [[person] * 2 * len(PAGES) for person in range(PEOPLE)]
    assert {tuple(journey["session"]["client_ip"]) for journey in journeys} == {
        (f"192.0.2.{number + 1}",) for number in range(PEOPLE // OFFICE)
    }
    assert {journey["customer_journey"]["intent"].get("referrer") for journey in journeys} == {"search.example"}
    assert said == ["server.log"]


@pytest.mark.parametrize("address", [nodes, network])
@pytest.mark.parametrize("session", [True, False])
def test_addresses_of_what_stands_in_front_take_no_visit_apart(
    tmp_path: Path, address: Callable[[], Callable[[], str]], session: bool
) -> None:
    # One person of each office: the browser is all there is, where no session is named.
    requests, by = [each for each in visits() if not each.person % OFFICE], address()
    found, journeys, said = rebuild(
        tmp_path, {"server.log": [(each, server(each, by(), session=session)) for each in requests]}
    )
    assert found == [[person] * len(PAGES) for person in range(0, PEOPLE, OFFICE)]
    assert all(journey["session"]["client_ip"] == [] for journey in journeys)
    assert said == ["server.log"]


def test_an_office_keeps_its_address(tmp_path: Path) -> None:
    """Many browsers behind few addresses, and every visitor stays at one: those are visitors' addresses."""
    requests = [
        each._replace(visitor=f"192.0.2.{each.person % OFFICE}", agent=f"Firefox/{100 + each.person // OFFICE % 5}.0")
        for each in visits()
    ]
    found, _, said = rebuild(
        tmp_path, {"server.log": [(each, server(each, each.visitor, session=False)) for each in requests]}
    )
    assert found == [[person] * len(PAGES) for person in range(PEOPLE)]
    assert said == []
