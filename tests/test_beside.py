"""What lies beside the logs and is none: tables of orders, notes, configuration. It is read and counted, and changes no journey."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ORDERS = [str(52_000 + 7 * number) for number in range(30)]


def write_shop(directory: Path) -> None:
    """Thirty visitors, each with an order; the shop's log tells what becomes of it."""
    access, shop = [], []
    for number, order in enumerate(ORDERS):
        hour, minute = 8 + number // 6, number % 6 * 10
        asked = ["GET /p/12", "POST /cart", "POST /checkout", f"GET /thanks/{order}"]
        for step, request in enumerate(asked):
            at = f"02/Mar/2026:{hour:02}:{minute:02}:{10 * step:02} +0000"
            status = 302 if request.startswith("POST") else 200
            page = f"https://shop.example.com{asked[step - 1].split()[1]}" if step else "-"
            access.append(f'192.0.2.{number + 1} - - [{at}] "{request} HTTP/1.1" {status} 512 "{page}" "{AGENT}"')
        for second, told in ((20, "placed, total EUR 59.90"), (21, "paid"), (50, "shipped")):
            shop.append(f"2026-03-02T{hour:02}:{minute:02}:{second}Z INFO order {order} {told}")
    directory.mkdir(exist_ok=True)
    (directory / "access.log").write_text("\n".join(access) + "\n")
    (directory / "shop.log").write_text("\n".join(shop) + "\n")


def journeys_of(directory: Path) -> list[dict[str, Any]]:
    """The journeys, without the numbers of their logs."""
    results = open_paths([directory], Options(cache=False, workers=1))
    names = {source["id"]: source["path"] for source in results.sources()}
    found = [json.loads(document) for document in results.documents()]
    results.close()
    for journey in found:
        for each in (*journey["links"], *journey["customer_journey"]["touchpoints"]):
            each["events"] = [
                [names[source], line] for source, line in each.get("events") or [each.pop("event", [0, 0])]
            ]
        for business in journey["business_journeys"]:
            business["trigger"]["event"][0] = names[business["trigger"]["event"][0]]
            for step in business["steps"]:
                step["events"] = [[names[source], line] for source, line in step["events"]]
    return found


BESIDE = {
    "orders.jsonl": "".join(f'{{"order": "{order}", "state": "shipped", "total": "59.90"}}\n' for order in ORDERS),
    "orders.csv": "order,state,total\n" + "".join(f"{order},shipped,59.90\n" for order in ORDERS),
    "dated.jsonl": "".join(f'{{"date": "2026-03-02", "order": "{order}", "state": "shipped"}}\n' for order in ORDERS),
    "orders.json": json.dumps([{"order": order, "state": "shipped"} for order in ORDERS], indent=2),
    "notes.md": "# Orders\n\n" + "".join(f"* order {order}: rang the customer\n" for order in ORDERS),
    "dump.sql": "".join(f"INSERT INTO orders (id, state) VALUES ({order}, 'shipped');\n" for order in ORDERS),
}


@pytest.mark.parametrize("name", BESIDE)
def test_a_table_of_orders_changes_no_journey(tmp_path: Path, name: str) -> None:
    write_shop(tmp_path / "logs")
    alone = journeys_of(tmp_path / "logs")
    assert len(alone) == len(ORDERS)
    assert [each["object"]["id"] for journey in alone for each in journey["business_journeys"]] == ORDERS
    (tmp_path / "logs" / name).write_text(BESIDE[name])
    assert journeys_of(tmp_path / "logs") == alone


BESIDE_LATER = {
    "goes_on": [f"2026-03-{day:02}T04:00:00Z INFO cron: nightly run done" for day in range(2, 32)],
    "ran_wild": [
        "2026-03-02T08:00:00Z INFO cron: nightly run done",
        "2099-01-01T00:00:00Z INFO cron: nightly run done",
    ],
}


@pytest.mark.parametrize("name", BESIDE_LATER)
def test_what_another_log_tells_later_makes_nothing_late(tmp_path: Path, name: str) -> None:
    """The shop's logs end minutes after the last orders: these are on their way, and their visits may still go on."""
    write_shop(tmp_path / "logs")
    shop = tmp_path / "logs" / "shop.log"
    shop.write_text("".join(shop.read_text().splitlines(keepends=True)[:-1]))  # the last order is not shipped yet
    alone = journeys_of(tmp_path / "logs")
    ended = [business["outcome"] for journey in alone for business in journey["business_journeys"]]
    assert ended[-1] == "in_progress"
    (tmp_path / "logs" / "cron.log").write_text("\n".join(BESIDE_LATER[name]) + "\n")
    assert journeys_of(tmp_path / "logs") == alone


def test_a_stamp_of_a_clock_that_ran_wild_is_not_the_end_of_its_log(tmp_path: Path) -> None:
    write_shop(tmp_path)
    log = tmp_path / "shop.log"
    beats = [f"2026-03-02T{hour:02}:59:{second:02}Z INFO heartbeat" for hour in range(8, 13) for second in range(60)]
    log.write_text(log.read_text() + "\n".join([*beats, "2099-01-01T00:00:00Z INFO heartbeat"]) + "\n")
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    assert results.select(since="2d").count_journeys() == len(ORDERS)
    results.close()


def test_where_no_log_says_when_what_they_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_text(BESIDE["orders.jsonl"])
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    assert {each["type"]: each["distinct"] for each in results.identifiers()}["order"] == len(ORDERS)
    results.close()


def test_members_of_archives_have_names_in_any_encoding(tmp_path: Path) -> None:
    content = b"2026-03-02T10:00:00Z INFO order 4711 placed\n"
    with tarfile.open(tmp_path / "logs.tar", "w", errors="surrogateescape") as archive:
        for name in (b"bestell\xfcbersicht.log", b"bestell\xf6bersicht.log"):
            info = tarfile.TarInfo(name.decode("utf-8", "surrogateescape"))
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    assert len({source["path"] for source in results.sources()}) == 2
    results.close()
