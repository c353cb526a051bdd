"""What somebody has cut out of the logs for one customer: nothing can be measured on it, and names have to do."""

from __future__ import annotations

import json
from pathlib import Path

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Mobile/15E148 Safari/604.1"
VISIT = [
    ("10:00:01", "GET /product/blue-hoodie/", "-"),
    ("10:00:20", "POST /?wc-ajax=add_to_cart", "/product/blue-hoodie/"),
    ("10:00:21", "POST /?wc-ajax=get_refreshed_fragments", "/product/blue-hoodie/"),
    ("10:00:40", "GET /checkout/", "/product/blue-hoodie/"),
    ("10:00:41", "POST /?wc-ajax=update_order_review", "/checkout/"),
    ("10:02:10", "POST /?wc-ajax=checkout", "/checkout/"),
    ("10:02:13", "GET /checkout/order-received/4711/?key=wc_order_AbCdEf123456", "/checkout/"),
]
GATEWAY = """\
2026-03-02T10:02:11+00:00 INFO Info: Begin processing payment for order 4711 for the amount of 59.90
2026-03-02T10:02:15+00:00 INFO Incoming webhook: charge.succeeded for order 4711
"""
DEBUG = """\
[02-Mar-2026 10:02:12 UTC] Order 4711: status changed from pending to processing
[03-Mar-2026 12:00:00 UTC] Order 4711: status changed from processing to completed
"""


def write_shop(directory: Path) -> None:
    with (directory / "access.log").open("w") as log:
        for at, request, page in VISIT:
            referrer = "-" if page == "-" else f"https://shop.example.com{page}"
            log.write(f'203.0.113.9 - - [02/Mar/2026:{at} +0000] "{request} HTTP/1.1" 200 512 "{referrer}" "{PHONE}"\n')
    (directory / "stripe-2026-03-02.log").write_text(GATEWAY)
    (directory / "debug.log").write_text(DEBUG)


def test_one_order_is_an_order(tmp_path: Path) -> None:
    write_shop(tmp_path)
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    (journey,) = (json.loads(document) for document in results.documents())
    kinds = {each["type"]: each for each in results.identifiers()}
    results.close()
    assert kinds["order"]["role"] == "object"
    assert "path:/checkout/order-received/{}/" in kinds["order"]["slots"]
    (order,) = journey["business_journeys"]
    assert (order["id"], order["outcome"]) == ("order:4711", "fulfilled")
    assert order["trigger"] is not None
    told = {event[0] for step in order["steps"] for event in step["events"]}
    assert len(told) == 3  # all three logs


def test_what_a_page_asks_for_by_itself_is_no_step(tmp_path: Path) -> None:
    write_shop(tmp_path)
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    (journey,) = (json.loads(document) for document in results.documents())
    results.close()
    activities = [each["activity"] for each in journey["customer_journey"]["touchpoints"]]
    assert activities[1:] == ["Added to basket", "Started checkout", "Went on in checkout", "Placed order 4711"]


def test_a_lone_value_of_unknown_name_is_nothing(tmp_path: Path) -> None:
    lines = [f"2026-03-02T10:00:0{second}Z INFO worker frobnication 4711 step {second}" for second in range(6)]
    (tmp_path / "app.log").write_text("\n".join(lines) + "\n")
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    assert "object" not in {each["role"] for each in results.identifiers()}
    results.close()


def test_a_lone_order_of_a_url_is_somebodys_guess(tmp_path: Path) -> None:
    with (tmp_path / "access.log").open("w") as log:
        for second in range(4):
            log.write(
                f'203.0.113.9 - - [02/Mar/2026:10:00:0{second} +0000] "GET /orders/4711 HTTP/1.1" 404 12 "-" "{PHONE}"\n'
            )
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    assert "object" not in {each["role"] for each in results.identifiers()}
    results.close()


CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36"


def write_sales(directory: Path, numbers: range) -> None:
    """A shop whose confirmation page has the number of the order in a place that does not say so, and products of such numbers."""
    with (directory / "access.log").open("w") as access, (directory / "laravel.log").open("w") as app:
        for step, number in enumerate(numbers):
            at, client = f"{10 + step // 20:02}:{step % 20 * 3:02}", f"203.0.113.{step + 1}"
            offer = f"/offers/{numbers[-1 - step]}"
            for second, request, page in (
                (5, f"GET {offer}", "-"),
                (10, "POST /checkout", offer),
                (12, f"GET /done/{number}", "/checkout"),
            ):
                referrer = page if page == "-" else f"https://shop.example.com{page}"
                access.write(
                    f'{client} - - [02/Mar/2026:{at}:{second:02} +0000] "{request} HTTP/2.0" 200 512 "{referrer}" "{CHROME}"\n'
                )
            app.write(f'[2026-03-02 {at}:10] production.INFO: Order created {{"order_id":{number},"total":"59.90"}} \n')


def test_a_number_in_a_url_is_the_order_that_comes_up_with_it(tmp_path: Path) -> None:
    write_sales(tmp_path, range(5001, 5041))
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    found = {journey["id"]: journey["business_journeys"] for journey in map(json.loads, results.documents())}
    slots = next(each["slots"] for each in results.identifiers() if each["type"] == "order")
    goals = {journey["customer_journey"]["goal"] for journey in map(json.loads, results.documents())}
    results.close()
    assert "path:/done/{}" in slots and "path:/offers/{}" not in slots
    assert [len(orders) for orders in found.values()] == [1] * 40
    assert goals == {"Place order"}


def test_an_order_on_record_whose_answer_was_an_error_is_felt_as_one(tmp_path: Path) -> None:
    write_sales(tmp_path, range(5001, 5041))
    log = tmp_path / "access.log"
    log.write_text(log.read_text().replace('"POST /checkout HTTP/2.0" 200', '"POST /checkout HTTP/2.0" 500'))
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    journey = json.loads(next(results.documents()))
    results.close()
    (sent,) = (each for each in journey["customer_journey"]["touchpoints"] if each["method"] == "POST")
    assert (sent["ok"], sent["activity"]) == (False, f"Order {journey['business_journeys'][0]['object']['id']} failed")
    assert journey["experience"]["score"] < 100
