"""Robots that pose as browsers, among people: told by what they do, and people never taken for them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pairs import AGENT, START

from reconstruct.correlate.disguises import Habits, judge
from reconstruct.options import Options
from reconstruct.pipeline import open_paths

SITE = "https://shop.example"
ROBOT = "198.51.100.7"
PRODUCTS = [f"/products/{number}" for number in range(200, 290)]
Request = tuple[float, dict[str, Any]]


def people(n: int = 40, *, files: bool = True, links: bool = True) -> list[Request]:
    """What people send: ten pages each, with their files, from page to page."""
    rng, sent = Random("people"), []
    for number in range(n):
        at, came_from = 400.0 * number, ""
        for _ in range(10):
            page = rng.choice(PRODUCTS)
            told = {"client_ip": f"192.0.2.{number + 1}", "method": "GET", "status": 200}
            sent.append((at, {**told, "path": page, **({"referrer": SITE + came_from} if came_from and links else {})}))
            for name in ("app.css", f"{page[10:]}.jpg") if files else ():
                sent.append(
                    (at + 1, {**told, "path": f"/static/{name}", **({"referrer": SITE + page} if links else {})})
                )
            at, came_from = at + rng.lognormvariate(2.6, 1.1), page
    return sent


def reads(paths: list[str], pause: float = 1.0, **more: Any) -> list[Request]:
    """A visitor who asks for these, one after the other."""
    return [
        (pause * n, {"client_ip": ROBOT, "method": "GET", "status": 200, "path": path, **more})
        for n, path in enumerate(paths)
    ]


def randomly(requests: list[Request], median: float = 14.0) -> list[Request]:
    """The same at the pauses of a person."""
    rng, at, sent = Random("pauses"), 0.0, []
    for _, request in requests:
        at += rng.lognormvariate(2.6, 1.1) * median / 14
        sent.append((at, request))
    return sent


def kinds_of(directory: Path, *requests: list[Request]) -> tuple[set[tuple[str, str | None]], set[str]]:
    """(kind and reason of the journeys of ROBOT, kinds of all others)."""
    lines = sorted((request for each in requests for request in each), key=lambda each: each[0])
    text = "".join(
        json.dumps({"ts": (START + timedelta(seconds=at)).isoformat(), "user_agent": AGENT, **told}) + "\n"
        for at, told in lines
    )
    (directory / "access.log").write_text(text, encoding="utf-8")
    results = open_paths([directory], Options(cache=False, workers=1))
    sessions = [json.loads(document)["session"] for document in results.documents()]
    results.close()
    theirs = {(each["agent_kind"], each.get("agent_why")) for each in sessions if ROBOT in each["client_ip"]}
    return theirs, {each["agent_kind"] for each in sessions if ROBOT not in each["client_ip"]}


@pytest.mark.parametrize(
    ("robot", "told"),
    [
        pytest.param(reads(PRODUCTS), "half of them within 2 s of the one before", id="fast"),
        pytest.param(reads(PRODUCTS[:12], 20.0), "one every 20 s", id="equal pauses"),
        pytest.param(randomly(reads(["/robots.txt", *PRODUCTS[:12]])), "robots.txt read", id="robots.txt"),
        pytest.param(randomly(reads(PRODUCTS)), "90 pages, none of their files, no link followed", id="at random pauses"),
        pytest.param([(3600.0 * n, *rest) for n, (_, *rest) in enumerate(reads(PRODUCTS[:3] * 10))], "one every 3600 s", id="hourly"),
        pytest.param(
            [(4000.0 * n + 900 * (n % 3), *rest) for n, (_, *rest) in enumerate(reads(PRODUCTS[:3] * 9))], "of the 24 hours", id="round the clock"
        ),
        pytest.param(
            randomly(reads(["/account/login"] * 40, method="POST", status=401)), "sends to one place over and over", id="tries passwords"
        ),
        pytest.param(
            reads(["/.env", "/.git/config", "/wp-login.php", "/phpinfo.php"], status=404), "tries doors: 4 places", id="tries doors"
        ),
    ],
)  # fmt: skip
def test_robots_that_pose_as_browsers(tmp_path: Path, robot: list[Request], told: str) -> None:
    theirs, others = kinds_of(tmp_path, people(), robot)
    assert {kind for kind, _ in theirs} == {"bot"}
    assert all(told in str(why) for _, why in theirs), theirs
    assert others == {"human"}


API = [f"/api/products/{number}" for number in range(90)]


@pytest.mark.parametrize(
    ("who", "site"),
    [
        pytest.param(randomly(reads(PRODUCTS[:25])), {}, id="files kept and referrers hidden, at a person's pace"),
        pytest.param(reads(PRODUCTS[:9]), {}, id="too few pages"),
        pytest.param(reads([*PRODUCTS, "/static/app.css"]), {}, id="one file fetched"),
        pytest.param([*reads(PRODUCTS), *reads(["/cart"], referrer=SITE + PRODUCTS[0])], {}, id="one link followed"),
        pytest.param(reads(API * 2), {}, id="an app of the shop, which opens no pages"),
        pytest.param(reads(["/graphql"] * 90, method="POST"), {}, id="an app that asks by one route"),
        pytest.param(
            [*reads(PRODUCTS), *reads(["/cart", "/checkout", "/login"], method="POST")], {}, id="somebody who buys"
        ),
        pytest.param(reads(PRODUCTS), {"files": False, "links": False}, id="an API: nobody behaves like a browser"),
        pytest.param(randomly(reads(PRODUCTS)), {"files": False}, id="files of the site are served elsewhere"),
        pytest.param(reads(PRODUCTS), {"links": False}, id="a site that forbids referrers"),
        pytest.param(reads(PRODUCTS), {"n": 10}, id="too few people to know what browsers do"),
        pytest.param(reads(["/wp-login.php", "/wp-admin/", "/wp-content/a"]), {}, id="doors that are there"),
    ],
)
def test_who_may_be_a_person_is_left_one(tmp_path: Path, who: list[Request], site: dict[str, Any]) -> None:
    theirs, others = kinds_of(tmp_path, people(**site), who)
    assert theirs == {("human", None)}
    assert others == {"human"}


def test_a_robot_of_many_addresses_is_told_by_its_user_agent(tmp_path: Path) -> None:
    agent = AGENT.replace("Firefox/", "Firefox/9").replace("rv:", "rv:9")
    robots = [
        (at, {**told, "client_ip": f"203.0.113.{n % 6}", "user_agent": agent})
        for n, (at, told) in enumerate(randomly(reads(PRODUCTS[:50])))
    ]
    assert kinds_of(tmp_path, people(), robots)[1] == {"human", "bot"}


POLITE = Habits(
    requests=40, pages=40, distinct=40, written=0, most=40, sends=False, shown=True, refused=0, robots_txt=False, pause_s=14, even=0.6,
    hours=3, carried=0, sessions=0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "surely", "robot"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"carried": 40, "sessions": 1}, True, False),
        ({"carried": 40, "sessions": 40}, True, True),
        ({"pause_s": 1.0}, False, True),
        ({"pause_s": 20.0, "even": 0.05}, False, True),
        ({"pause_s": 3.0, "even": 0.0}, False, False),
        ({"hours": 20}, False, True),
        ({"robots_txt": True}, False, True),
        ({"robots_txt": True, "written": 2}, False, False),
        ({"robots_txt": True, "requests": 100}, False, False),
        ({"distinct": 5}, True, False),
    ],
)
def test_one_reason_is_not_enough(change: dict[str, Any], surely: bool, robot: bool) -> None:
    assert bool(judge(replace(POLITE, **change), fetches=True, surely=surely)) is robot
