"""Logs of several programs put one behind the other into one file: told apart by what their lines look like."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

START = datetime(2026, 3, 10, 8, tzinfo=UTC)
VISITORS = 60
LOCAL = timedelta(hours=2)
"""How far the application's stamps, which name no zone, are from those of the access log."""


def logs() -> dict[str, list[str]]:
    """An access log, and an application server's that repeats its requests and says what it did."""
    access: list[tuple[datetime, str]] = []
    server: list[tuple[datetime, str]] = []
    for number in range(VISITORS):
        page = "-"
        for step, target in enumerate(
            ("/", f"/search?q=w{number % 7}", f"/items/{number % 9}", "/cart", f"/orders/SO-{7000 + number}/thanks")
        ):
            at = START + timedelta(seconds=97 * number + 31 * step, milliseconds=number)
            agent = f"Mozilla/5.0 (X11; Linux x86_64; rv:{100 + number}.0) Gecko/20100101 Firefox/140.0"
            access.append(
                (
                    at,
                    f'192.0.2.{number + 1} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET {target} HTTP/1.1" 200 99 "{page}" "{agent}"',
                )
            )
            page = f"https://shop.example.com{target}"
            for after, message in (
                (5, f"rendered {'order SO-' + str(7000 + number) if step == 4 else 'page'}"),
                (9, "request finished"),
            ):
                when = at + timedelta(milliseconds=after) + LOCAL
                line = {
                    "asctime": f"{when:%Y-%m-%d %H:%M:%S},{when.microsecond // 1000:03}",
                    "levelname": "INFO",
                    "name": "web",
                    "message": message,
                }
                if message == "request finished":
                    line |= {"method": "GET", "path": target.partition("?")[0], "status": 200}  # type: ignore[dict-item]
                server.append((when, json.dumps(line)))
    return {"access.log": [line for _, line in sorted(access)], "web.log": [line for _, line in sorted(server)]}


def told(directory: Path) -> list[tuple[str, int, str, list[str]]]:
    """Beginning, number of lines, outcome and orders of each journey."""
    results = open_paths([directory], Options(cache=False, workers=1))
    documents = [json.loads(document) for document in results.documents()]
    results.close()
    return sorted(
        (
            each["started_at"],
            sum(len(touchpoint["events"]) for touchpoint in each["customer_journey"]["touchpoints"]),
            each["customer_journey"]["outcome"],
            [business["id"] for business in each["business_journeys"]],
        )
        for each in documents
    )


@pytest.mark.parametrize("order", [("access.log", "web.log"), ("web.log", "access.log")])
def test_files_put_one_behind_the_other_tell_the_same(tmp_path: Path, order: tuple[str, str]) -> None:
    apart, together = tmp_path / "apart", tmp_path / "together"
    apart.mkdir()
    together.mkdir()
    written = logs()
    for name, lines in written.items():
        (apart / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (together / "all.txt").write_text(
        "".join(f"{line}\n" for name in order for line in written[name]), encoding="utf-8"
    )
    expected = told(apart)
    assert len(expected) == VISITORS
    assert {n for _, n, _, _ in expected} == {15}
    assert told(together) == expected
