"""Lines of the edge that are lost, where the application's server repeats its requests without saying whose they are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from reconstruct.correlate.habits import VisitHabits
from reconstruct.correlate.lending import lend_addresses, lend_browsers
from reconstruct.correlate.missing_pages import are_pages_missing
from reconstruct.correlate.visits import build_visits
from reconstruct.correlate.web_requests import NO_REFERRER, Requests
from reconstruct.options import Options
from reconstruct.pipeline import open_paths

START = datetime(2026, 3, 10, 9, tzinfo=UTC)
PAGES = ("/", "/catalogue/", "/catalogue/lamp_7/", "/basket/", "/checkout/")
PEOPLE = 40
ROOT = "https://shop.example"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"


class Asked(NamedTuple):
    """A request of one of PEOPLE; ``step`` -1 is a file."""

    person: int
    step: int


Lines = list[tuple[datetime, str, Asked | None]]
Lost = Callable[[Asked], bool]


def write_logs(directory: Path, lost: Lost, *, addresses: bool = False) -> dict[tuple[str, int], Asked]:
    """Everybody has the same browser; pages take twenty seconds, and somebody comes every half minute. Gives what each line is of.

    Args:
        lost: Which pages the edge has no line of.
        addresses: Whether the application's server says whom it serves; else it names the browser.
    """
    edge: Lines = []
    inner: Lines = []
    for person in range(PEOPLE):
        for step, page in enumerate(PAGES):
            at = START + timedelta(seconds=30 * person + 20 * step)
            stamp = f"[{at:%d/%b/%Y:%H:%M:%S} +0000]"
            came = f"{ROOT}{PAGES[step - 1]}" if step else "-"
            rid = f"{person * 100 + step + 1:032x}"
            asked = Asked(person, step)
            request, address = f'"GET {page} HTTP/1.1" 200 512', f"192.0.2.{person + 1}"
            if not lost(asked):
                edge.append((at, f'{address} - - {stamp} {request} "{came}" "{AGENT}" rid={rid}', asked))
            whom = (
                f'{address} - - {stamp} {request} "-" "-"'
                if addresses
                else f'- - - {stamp} {request} "{came}" "{AGENT}"'
            )
            inner.append((at, f"{whom} rid={rid}", asked))
            if step == 2:
                file = f'{address} - - {stamp} "GET /static/lamp.jpg HTTP/1.1" 200 99 "{ROOT}{page}" "{AGENT}" rid=-'
                edge.append((at, file, Asked(person, -1)))
    for beat in range(0, 1200, 10):
        # Past the edge: the supervisor of the application, and another service that asks it.
        at = START + timedelta(seconds=beat)
        stamp = f"[{at:%d/%b/%Y:%H:%M:%S} +0000]"
        inner.append((at, f'- - - {stamp} "GET /ready HTTP/1.1" 200 2 "-" "kube-probe/1.31" rid=-', None))
        inner.append((at, f'- - - {stamp} "GET /internal/stock HTTP/1.1" 200 40 "-" "Go-http-client/1.1" rid=-', None))
    whose: dict[tuple[str, int], Asked] = {}
    for name, told in (("edge.log", edge), ("server.log", inner)):
        told.sort(key=lambda line: line[0])
        (directory / name).write_text("".join(f"{text}\n" for _, text, _ in told), encoding="utf-8")
        whose |= {(name, number): asked for number, (*_, asked) in enumerate(told, 1) if asked is not None}
    return whose


def find_journeys(
    directory: Path, whose: dict[tuple[str, int], Asked]
) -> list[tuple[list[Asked | None], dict[str, Any]]]:
    """Of each journey: what its touchpoints are of, and its document."""
    results = open_paths([directory], Options(cache=False, workers=1))
    path = {source["id"]: source["path"] for source in results.sources()}
    found = []
    for text in results.documents():
        journey = json.loads(text)
        touchpoints = []
        for each in journey["customer_journey"]["touchpoints"]:
            steps = {whose.get((path[source], line)) for source, line in each["events"]}
            touchpoints.append(next((asked for asked in steps if asked is None or asked.step >= 0), None))
        found.append((touchpoints, journey))
    results.close()
    return found


NOTHING: Lost = lambda asked: False  # noqa: E731
MID_VISIT: Lost = lambda asked: asked.step == 2 and asked.person % 4 == 1  # noqa: E731
LAST: Lost = lambda asked: asked.step == 4 and asked.person % 4 == 1  # noqa: E731
FIRST: Lost = lambda asked: asked.step == 0 and asked.person % 4 == 1  # noqa: E731
TWO: Lost = lambda asked: asked.step in (1, 2) and asked.person % 8 == 1  # noqa: E731


@pytest.mark.parametrize("lost", [NOTHING, MID_VISIT, FIRST, TWO], ids=["nothing", "mid-visit", "first", "two"])
def test_a_lost_page_is_in_the_visit_it_was_of_once(tmp_path: Path, lost: Lost) -> None:
    found = find_journeys(tmp_path, write_logs(tmp_path, lost))
    assert sorted(steps for steps, _ in found) == [
        [Asked(person, step) for step in range(5)] for person in range(PEOPLE)
    ]
    rules = Counter(link["rule"] for _, journey in found for link in journey["links"])
    assert rules["stray"] == sum(lost(Asked(person, step)) for person in range(PEOPLE) for step in range(5))


def test_who_was_last_on_the_page_it_came_from_went_on_if_nobody_else_was_there(tmp_path: Path) -> None:
    whose = write_logs(tmp_path, LAST)
    found = find_journeys(tmp_path, whose)
    assert len(found) == PEOPLE
    stray = [
        (steps[0], asked)
        for steps, _ in found
        if steps[0] is not None
        for asked in steps
        if asked is not None and LAST(asked)
    ]
    assert stray and all(first.person == asked.person for first, asked in stray)


def test_an_address_that_the_application_is_told_is_believed(tmp_path: Path) -> None:
    found = find_journeys(tmp_path, write_logs(tmp_path, LAST, addresses=True))
    assert sorted(steps for steps, _ in found) == [
        [Asked(person, step) for step in range(5)] for person in range(PEOPLE)
    ]


def test_what_never_comes_through_the_edge_is_nobodys_visit(tmp_path: Path) -> None:
    whose = write_logs(tmp_path, MID_VISIT)
    targets = {
        each["target"]
        for _, journey in find_journeys(tmp_path, whose)
        for each in journey["customer_journey"]["touchpoints"]
    }
    assert targets <= {*PAGES, "/static/lamp.jpg"}


def columns(rows: list[tuple[int, int, int, int, int, bool]]) -> dict[str, np.ndarray[Any, Any]]:
    """second, address, browser, page, referred page, whether it is a file: as ``lend_addresses`` takes them."""
    names = ("second", "address", "browser", "page", "referred", "asset")
    found = {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    return {**found, "asset": found["asset"].astype(np.bool_)}


def test_a_page_goes_to_who_goes_on_from_it_without_having_opened_it() -> None:
    rows = [
        (0, 5, 0, 1, -1, False),
        (5, 6, 0, 2, -1, False),
        (9, -1, 0, 2, 1, False),
        (20, 6, 0, 3, 2, False),
        (25, 5, 0, 3, 2, False),
    ]
    assert lend_addresses(**columns(rows)).tolist() == [5, 6, 5, 6, 5]
    # Both have opened it themselves: nobody needs the one without an address.
    rows[0] = (0, 5, 0, 2, -1, False)
    assert lend_addresses(**columns(rows))[2] == -1


def test_pages_lost_one_after_the_other_go_to_who_goes_on_from_the_last() -> None:
    rows = [(0, 6, 0, 9, -1, False), (5, -1, 0, 1, -1, False), (9, -1, 0, 2, 1, False), (20, 7, 0, 3, 2, False)]
    assert lend_addresses(**columns(rows)).tolist() == [6, 7, 7, 7]


def test_a_browser_that_one_address_ever_had_is_there() -> None:
    beats = [(300 * n, 7 if n != 3 else -1, 1, 4, -1, False) for n in range(8)]
    assert set(lend_addresses(**columns(beats)).tolist()) == {7}
    assert lend_addresses(**columns([*beats, (9000, 8, 1, 4, -1, False)]))[3] == -1


def test_an_address_has_the_browser_it_has_before_and_after() -> None:
    address, second = np.array([5, 6, 5, 5, 5, 6, 5]), np.array([0, 1, 2, 3, 9, 10, 5000])
    browser = np.array([0, 0, -1, 0, -1, 1, -1])
    assert lend_browsers(address, browser, second).tolist() == [0, 0, 0, 0, 0, 1, -1]
    assert lend_browsers(address, np.array([0, 0, -1, 1, -1, 1, -1]), second)[2] == -1, "two people"


def requests_of(rows: list[tuple[int, int, int, int]]) -> Requests:
    """second, visitor, page, referrer; all of one browser."""
    second, visitor, page, referrer = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    none = np.zeros(len(rows), np.int64)
    return Requests(second, visitor, none, none - 1, page, referrer, none + 200, none.astype(np.bool_))


def test_whoever_comes_from_a_page_that_is_not_on_record_was_there_all_along() -> None:
    # Two visitors; the line of page 1 that the second opened is lost, and the first has opened one like it.
    rows = [(0, 0, 1, NO_REFERRER), (5, 1, 9, NO_REFERRER), (30, 1, 2, 1)]
    whole = build_visits(requests_of(rows), VisitHabits(600, entries_start=True))
    assert whole.visit.tolist() == [0, 1, 0], "a phone that has changed networks"
    lossy = build_visits(requests_of(rows), VisitHabits(600, entries_start=True, pages_missing=True))
    assert lossy.visit.tolist() == [0, 1, 1]


def test_pages_are_missing_where_visitors_come_from_pages_that_nobody_opened() -> None:
    moved = [(0, 0, 1, NO_REFERRER), (5, 1, 9, NO_REFERRER), (30, 1, 2, 1)]
    assert not are_pages_missing(requests_of(moved), 600)
    assert not are_pages_missing(requests_of([(0, 0, 1, NO_REFERRER), (5, 0, 2, 1)]), 600)
    assert are_pages_missing(requests_of([*moved, (40, 0, 3, 7), (50, 1, 4, 8)]), 600)
