"""Pages that the application logs without addresses, beside the log of files that has them: the log of pages is missing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from reconstruct.correlate.lending import lend_addresses
from reconstruct.options import Options
from reconstruct.pipeline import open_paths

START = datetime(2026, 3, 10, 9, tzinfo=UTC)
PAGES = ("/", "/catalogue/", "/catalogue/lamp_7/", "/basket/", "/checkout/")
PEOPLE = 40
ROOT = "https://shop.example"


def write_logs(directory: Path) -> dict[tuple[str, int], int]:
    """Everybody has the same browser, and two of them at a time go the same way, some seconds apart. Gives whose each line is."""
    told: list[tuple[str, datetime, str, int]] = []
    for person in range(PEOPLE):
        for step, page in enumerate(PAGES):
            at = START + timedelta(minutes=3 * (person // 2), seconds=25 * step + 12 * (person % 2))
            referrer = f"{ROOT}{PAGES[step - 1]}" if step else "-"
            stamp = f"[{at:%d/%b/%Y:%H:%M:%S} +0000]"
            agent = '"Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"'
            told.append(("app.log", at, f'- - - {stamp} "GET {page} HTTP/1.1" 200 512 "{referrer}" {agent}', person))
            for name in ("site.css", f"picture-{step}.jpg"):
                file = f'"GET /static/{name} HTTP/1.1" 200 99 "{ROOT}{page}" {agent}'
                told.append(("static.log", at, f"192.0.2.{person + 1} - - {stamp} {file}", person))
    whose: dict[tuple[str, int], int] = {}
    for log in ("app.log", "static.log"):
        lines = sorted((at, person, line) for name, at, line, person in told if name == log)
        (directory / log).write_text("".join(f"{line}\n" for *_, line in lines), encoding="utf-8")
        whose |= {(log, number): person for number, (_, person, _) in enumerate(lines, 1)}
    return whose


def test_files_say_where_the_pages_went_that_they_belong_to(tmp_path: Path) -> None:
    whose = write_logs(tmp_path)
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    journeys = [json.loads(document) for document in results.documents()]
    path = {source["id"]: source["path"] for source in results.sources()}
    results.close()
    found = [
        sorted(whose[path[source], line] for each in journey["customer_journey"]["touchpoints"] for source, line in each["events"])
        for journey in journeys
    ]  # fmt: skip
    assert sorted(found) == [[person] * 3 * len(PAGES) for person in range(PEOPLE)]


def test_an_address_is_lent_to_the_page_opened_last_and_to_none_in_doubt() -> None:
    #                    page A  page A  file  | page B  file  file of another | page C, its file too late
    address = np.array([-1, -1, 5, -1, 6, 7, -1, 8])
    second = np.array([0, 2, 3, 20, 21, 21, 40, 99])
    page = np.array([1, 1, 90, 2, 90, 90, 3, 90])
    referred = np.array([-1, -1, 1, -1, 2, 2, -1, 3])
    asset = np.array([0, 0, 1, 0, 1, 1, 0, 1], np.bool_)  # fmt: skip
    lent = lend_addresses(address, np.zeros(8, np.int64), second, asset, page, referred)
    assert lent.tolist() == [-1, 5, 5, -1, 6, 7, -1, 8]
    # Another browser's file says nothing.
    assert lend_addresses(address, np.array([0, 0, 1] + [0] * 5), second, asset, page, referred)[1] == -1
