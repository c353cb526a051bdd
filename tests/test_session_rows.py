"""Static files in journeys: each at the page that asked for it, each with evidence of its own, whichever way the rows were made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

SITE = "https://shop.example.com"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"


def requests(text: str) -> list[str]:
    """Access log lines of a small notation: ``SECOND TARGET STATUS REFERRER``, the referrer a path of the site or ``-``."""
    lines = []
    for row in filter(None, map(str.strip, text.splitlines())):
        second, target, status, referrer = row.split()
        came_from = "-" if referrer == "-" else f"{SITE}{referrer}"
        moment = f"10/Mar/2026:09:{int(second) // 60:02d}:{int(second) % 60:02d} +0000"
        lines.append(f'192.0.2.7 - - [{moment}] "GET {target} HTTP/1.1" {status} 512 "{came_from}" "{BROWSER}"')
    return lines


def journeys(directory: Path, text: str) -> list[dict[str, Any]]:
    (directory / "access.log").write_text("\n".join(requests(text)) + "\n", encoding="utf-8")
    results = open_paths([directory], Options(cache=False, workers=1))
    found = [json.loads(document) for document in results.documents()]
    results.close()
    return found


def told(document: dict[str, Any]) -> list[tuple[str, list[int]]]:
    return [
        (each["target"], [line for _, line in each["events"]]) for each in document["customer_journey"]["touchpoints"]
    ]


def test_files_stand_with_the_page_that_asked_for_them(tmp_path: Path) -> None:
    (document,) = journeys(tmp_path, """
        0  /            200 -
        1  /a.css       200 /
        1  /b.js        200 /
        9  /p/kettle-7  200 /
        10 /k.png       200 /p/kettle-7
        11 /late.png    200 /
        12 /l.png       200 /p/kettle-7
        30 /basket      200 /p/kettle-7
        31 /c.png       200 -
        31 /d.png       200 /p/kettle-7
    """)  # fmt: skip
    assert told(document) == [("/", [1, 2, 3, 6]), ("/p/kettle-7", [4, 5, 7, 10]), ("/basket", [8, 9])]
    assert document["ended_at"] == "2026-03-10T09:00:31.000000Z"


def test_files_before_the_first_page_and_of_redirects_are_kept(tmp_path: Path) -> None:
    (document,) = journeys(tmp_path, """
        0  /early.css   200 /old
        5  /go          302 /old
        5  /landing     200 /old
        6  /m.png       200 /landing
        7  /n.png       200 /go
    """)  # fmt: skip
    assert [line for _, lines in told(document) for line in lines] == [1, 2, 3, 4, 5]


def test_every_file_has_the_evidence_it_was_placed_by(tmp_path: Path) -> None:
    (document,) = journeys(tmp_path, """
        0  /       200 -
        1  /a.css  200 /
        1  /b.js   200 /
        9  /faq    200 /
        9  /c.png  200 /faq
    """)  # fmt: skip
    links = {link["event"][1]: (link["rule"], link["via"][0]["value"]) for link in document["links"]}
    assert len(document["links"]) == 5
    assert {line for line, (rule, _) in links.items() if rule == "asset"} == {2, 3, 5}
    assert links[1] == ("start", "192.0.2.7")
    assert links[4] == ("referrer", f"{SITE}/")


def test_nothing_but_files_is_a_journey_too(tmp_path: Path) -> None:
    (document,) = journeys(tmp_path, "0 /a.css 200 -\n1 /b.css 200 -\n2 /c.png 404 /gone\n")
    ((target, lines),) = told(document)
    assert (target, lines) == ("/a.css", [1, 2, 3])
