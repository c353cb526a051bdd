"""One shop on two hosts, a directory of logs for each: what is worked on by one service is worked on by one, however many hosts it has."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconstruct.engines.services import service_of_family
from reconstruct.options import Options
from reconstruct.pipeline import open_paths

START = datetime(2026, 3, 10, 9, tzinfo=UTC)
BASKETS = 60


def write_logs(directory: Path, hosts: list[str]) -> None:
    """Every request is served by one of the hosts; half of the baskets are ordered, and orders are picked and shipped."""
    dice = random.Random(7)
    told: list[tuple[datetime, str, str]] = []
    for number in range(BASKETS):
        at = START + timedelta(minutes=2 * number)
        basket = f"basket {700 + number}"
        for step in range(4):
            told.append(
                (at + timedelta(seconds=9 * step), "app/shop.log", f"INFO {basket}: added product {dice.randrange(40)}")
            )
        if number % 2:
            order = f"order {41000 + number}"
            told.append((at + timedelta(seconds=60), "app/shop.log", f"INFO {order} placed"))
            for second, done in enumerate(("reserved", "picked", "packed")):
                told.append((at + timedelta(seconds=61 + second), "worker/stock.log", f"INFO {done} {order}"))
            told.append((at + timedelta(minutes=9), "worker/parcels.log", f"INFO shipped {order}"))
    for at, log, message in sorted(told):
        path = directory / dice.choice(hosts) / log
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(f"{at:%Y-%m-%d %H:%M:%S},000 {message}\n")


@pytest.mark.parametrize("hosts", [["."], ["web-1", "web-2"], ["web-1", "web-2", "web-3"]], ids=len)
def test_as_many_kinds_of_things_on_any_number_of_hosts(tmp_path: Path, hosts: list[str]) -> None:
    write_logs(tmp_path, hosts)
    with closing(open_paths([tmp_path], Options(cache=False, workers=1))) as results:
        found = Counter(kind for (kind,) in results.store.rows("SELECT type FROM business"))
        (order,) = (each for each in results.identifiers() if each["type"] == "order")
    assert found == {"order": BASKETS // 2}
    assert "each value in 3.0 logs" in order["why"]


def test_directories_of_services_are_no_hosts() -> None:
    generic = frozenset({"app", "log"})
    assert service_of_family("orders/app.log", generic) != service_of_family("billing/app.log", generic)


def test_logs_of_containers_are_called_as_docker_calls_the_containers(tmp_path: Path) -> None:
    for hour, id in enumerate(("ab12" * 16, "cd34" * 16), 10):
        path = tmp_path / "containers" / id / f"{id}-json.log"
        path.parent.mkdir(parents=True)
        lines = (
            f'{{"log":"order placed order_id={number}\\n","stream":"stdout","time":"2026-03-02T{hour}:{number}:05.1Z"}}'
            for number in range(10, 50)
        )
        path.write_text("\n".join(lines) + "\n")
    with closing(open_paths([tmp_path], Options(cache=False, workers=1))) as results:
        found = results.store.rows("SELECT DISTINCT service FROM family_services ORDER BY ALL")
    assert found == [("ab12ab12ab12",), ("cd34cd34cd34",)]
