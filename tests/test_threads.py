"""Requests that a log tells of by their first and their last line, as Rails does, and Go and .NET after it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

START = datetime(2026, 3, 2, 10)
ZONE = "-0400"


def ruby(at_ms: int, pid: int, message: str, level: str = "INFO") -> str:
    """A line of Ruby's logger: local time, and no zone."""
    stamp = (START + timedelta(milliseconds=at_ms)).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{level[0]}, [{stamp} #{pid}] {level:>5} -- : {message}"


def started(at_ms: int, pid: int, method: str, target: str, client: str = "192.0.2.7") -> str:
    stamp = (START + timedelta(milliseconds=at_ms)).strftime("%Y-%m-%d %H:%M:%S")
    return ruby(at_ms, pid, f'Started {method} "{target}" for {client} at {stamp} {ZONE}')


def completed(at_ms: int, pid: int, status: int, took_ms: int) -> str:
    return ruby(at_ms, pid, f"Completed {status} {'OK' if status < 400 else 'Internal Server Error'} in {took_ms}ms")


SHOP = [
    started(100, 7, "GET", "/products/5"),
    ruby(102, 7, "Processing by ProductsController#show as HTML"),
    ruby(103, 7, '  Parameters: {"id"=>"5"}'),
    completed(120, 7, 200, 20),
    started(9_000, 7, "POST", "/line_items?product_id=5"),
    ruby(9_002, 7, "Redirected to http://www.example.com/carts/12"),
    completed(9_020, 7, 302, 20),
    started(9_100, 7, "GET", "/carts/12"),
    completed(9_120, 7, 200, 20),
    started(60_000, 7, "POST", "/orders"),
    ruby(60_004, 7, "Processing by OrdersController#create as HTML"),
    completed(60_040, 7, 500, 40),
    ruby(60_041, 7, "ActiveRecord::RecordInvalid (Validation failed)", "FATAL"),
]


def journeys(directory: Path) -> list[dict[str, Any]]:
    results = open_paths([directory], Options(cache=False, workers=1))
    found = [json.loads(document) for document in results.documents()]
    results.close()
    return found


def card(directory: Path) -> dict[str, Any]:
    results = open_paths([directory], Options(cache=False, workers=1))
    found: dict[str, Any] = results.summary()["reconstruction"]
    results.close()
    return found


def write(directory: Path, lines: list[str]) -> None:
    (directory / "production.log").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_the_last_line_tells_how_a_request_ended(tmp_path: Path) -> None:
    write(tmp_path, SHOP)
    (journey,) = journeys(tmp_path)
    told = journey["customer_journey"]
    found = [
        (each["activity"], each["status"], each["latency_ms"], len(each["events"])) for each in told["touchpoints"]
    ]
    assert found == [
        ("Viewed product 5", 200, 20.0, 4),
        ("Added to basket", 302, 20.0, 5),
        ("Order refused", 500, 40.0, 4),
    ]
    assert told["outcome"] != "achieved"
    assert len(journey["links"]) == len(SHOP)
    assert {each["rule"] for each in journey["links"]} == {"start", "address", "same thread"}


def test_stamps_without_a_zone_are_in_that_of_the_lines_above(tmp_path: Path) -> None:
    """A log in two zones would have the requests of New York four hours after what was written while serving them."""
    write(tmp_path, SHOP)
    (journey,) = journeys(tmp_path)
    assert (
        journey["started_at"] == "2026-03-02T14:00:00.100000Z"
    )  # to the millisecond, which the zoned stamp does not have
    assert journey["ended_at"] == "2026-03-02T14:01:00.041000Z"
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    (source,) = results.sources()
    results.close()
    assert source["timezone"] == "-04:00"
    assert "lines below one that states its zone agree" in source["quality"]["timezone_why"]


def overlapping(pids: tuple[int, int]) -> list[str]:
    """Two visitors served at once, a few times: each waits for the other's first line."""
    one, other = pids
    lines = []
    for number in range(6):
        at = number * 30_000
        lines += [
            started(at, one, "GET", f"/products/{number}", "192.0.2.7"),
            started(at + 5, other, "POST", "/orders", "192.0.2.8"),
            completed(at + 15, one, 200, 15),
            completed(at + 25, other, 500, 20),
        ]
    return lines


def test_lines_that_name_another_request_are_not_of_the_one_before(tmp_path: Path) -> None:
    """The last line of one request is lost, and the first of the next."""

    def tagged(line: str, request: int) -> str:
        return line.replace(" -- : ", f" -- : [{request:08x}-1111-4222-8333-444455556666] ")

    lines = []
    for number in range(12):
        at, who = 1000 * number, f"192.0.2.{number + 1}"
        told = [
            started(at, 7, "GET", f"/products/{number}", who),
            ruby(at + 2, 7, "Processing by ProductsController#show as HTML"),
            completed(at + 20, 7, 200, 20),
        ]
        lines += [tagged(line, number) for line in told[number == 7 :]][: None if number != 6 else 2]
    write(tmp_path, lines)
    (found,) = [each for each in journeys(tmp_path) if each["session"]["client_ip"] == ["192.0.2.7"]]
    assert [each["events"] for each in found["customer_journey"]["touchpoints"]] == [[[0, 19], [0, 20]]]


def test_requests_of_one_process_that_overlap_are_left_open(tmp_path: Path) -> None:
    """Which of two requests ended first nothing says: not even that one failed is known."""
    write(tmp_path, [*SHOP, *overlapping((8, 8))])
    found = [each for journey in journeys(tmp_path) for each in journey["customer_journey"]["touchpoints"]]
    assert {each["status"] for each in found if "orders" in each["target"] and len(each["events"]) == 1} == {None}
    assert card(tmp_path)["rules"]["same thread"]["trials"] == 0


def test_processes_keep_overlapping_requests_apart(tmp_path: Path) -> None:
    write(tmp_path, overlapping((8, 9)))
    found = {
        journey["session"]["client_ip"][0]: {each["status"] for each in journey["customer_journey"]["touchpoints"]}
        for journey in journeys(tmp_path)
    }
    assert found == {"192.0.2.7": {200}, "192.0.2.8": {500}}


def test_a_log_that_has_no_stamps_but_of_first_lines(tmp_path: Path) -> None:
    """Rails while developing: a moment only where a request begins, and SQL below."""
    lines = []
    for number, (method, target, status) in enumerate(
        (("GET", "/", 200), ("GET", "/products/5", 200), ("POST", "/orders", 302))
    ):
        lines += [
            f'Started {method} "{target}" for 127.0.0.1 at 2026-03-02 10:00:0{number} +0000',
            "Processing by StoreController#index as HTML",
            '  Cart Load (0.3ms)  SELECT "carts".* FROM "carts" WHERE "carts"."id" = 12',
            f"Completed {status} OK in 12ms (Views: 10.1ms | ActiveRecord: 0.3ms)",
            "",
            "",
        ]
    write(tmp_path, lines)
    (journey,) = journeys(tmp_path)
    assert [each["status"] for each in journey["customer_journey"]["touchpoints"]] == [200, 200, 302]
    assert len([link for link in journey["links"] if link["to"] == "session"]) == 9


def test_the_requests_of_go_and_net_are_told_the_same_way(tmp_path: Path) -> None:
    shop, office = tmp_path / "shop", tmp_path / "office"
    asked = (("GET", "/products/5", 200), ("POST", "/orders", 201), ("GET", "/orders/1001", 404), ("GET", "/", 200))
    for directory in (shop, office):
        directory.mkdir()
    with (shop / "martini.log").open("w") as go, (office / "app.log").open("w") as net:
        for second, (method, target, status) in enumerate(asked):
            go.write(f"[martini] 2026/03/02 10:00:0{second} Started {method} {target} for 192.0.2.5:41000\n")
            go.write(f"[martini] 2026/03/02 10:00:0{second} Completed {status} OK in 118.5µs\n")
            head = f"2026-03-02T10:00:0{second}.%03dZ info: Microsoft.AspNetCore.Hosting.Diagnostics[%d]\n"
            said = f"HTTP/1.1 {method} http://www.example.com{target}"
            net.write(head % (100, 1) + f"      Request starting {said} - -\n")
            net.write(head % (130, 2) + f"      Request finished {said} - {status} - text/html 30.5ms\n")
    (journey,) = journeys(shop)
    touchpoints = journey["customer_journey"]["touchpoints"]
    assert [(each["status"], each["latency_ms"]) for each in touchpoints] == [(each[2], 0.1185) for each in asked]
    assert not journeys(office)
    assert card(office)["abstained"]["a request names no address, browser or session"] == len(asked)


def spring(directory: Path, pool: int) -> None:
    """Two requests at a time, each in a thread of a pool; neither says how it ended, and orders are told of in between."""
    lines = []
    for number in range(40):
        for other, (client, method, target) in enumerate(
            (("192.0.2.7", "GET", "/products/5"), ("192.0.2.8", "POST", "/orders"))
        ):
            at, thread = number * 20_000 + other * 10, (number + other) % pool + 1
            told = f"{method} {target}, client={client}, session={'AB'[other] * 31}{number:X}"
            said = f"Order {1000 + number} created" if other else "Product 5 loaded"
            for after, text in ((0, f"Before request [{told}]"), (30, said), (60, f"After request [{told}]")):
                stamp = (START + timedelta(milliseconds=at + after)).isoformat(sep=" ", timespec="milliseconds")
                lines.append((at + after, f"{stamp}  INFO 1 --- [nio-8080-exec-{thread}] shop.Web : {text}"))
    write(directory, [line for _, line in sorted(lines)])


def test_a_request_is_served_by_the_thread_that_told_of_it(tmp_path: Path) -> None:
    spring(tmp_path, pool=2)
    orders = {
        order["id"]: journey["session"]["client_ip"]
        for journey in journeys(tmp_path)
        for order in journey["business_journeys"]
    }
    assert len(orders) == 40
    assert set(map(tuple, orders.values())) == {("192.0.2.8",)}
