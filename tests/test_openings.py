"""Visits that no identifier and no referrer tells apart: by the page that begins them, and how sure an address is where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reconstruct.correlate.doubles import RANGE, trust_addresses
from reconstruct.correlate.habits import VisitHabits
from reconstruct.correlate.openings import find_openings
from reconstruct.correlate.visits import build_visits
from reconstruct.correlate.web_requests import NO_REFERRER, OPENS_SHARED, Requests

START, LIST, DETAIL = range(3)
HOMES, CUT_S = 40, 1800
OFFICE = HOMES


def requests_of(rows: list[tuple[int, int, int, int]]) -> Requests:
    """Rows (second, visitor, session, page) of requests that say nothing of where they come from."""
    second, visitor, session, page = np.array(sorted(rows), np.int64).T
    none = np.full(len(second), NO_REFERRER)
    return Requests(
        second, visitor, visitor, session, page, none, np.full(len(second), 200), np.zeros(len(second), bool)
    )


def visit(at: int, visitor: int, session: int = -1, *, reloads: bool = False) -> list[tuple[int, int, int, int]]:
    pages = (START, LIST, START if reloads else DETAIL, LIST, DETAIL)
    return [(at + 20 * step, visitor, session, page) for step, page in enumerate(pages)]


def homes(*, reload_every: int = 0) -> list[tuple[int, int, int, int]]:
    return [
        row
        for home in range(HOMES)
        for row in visit(600 * home, home, reloads=bool(reload_every) and home % reload_every == 0)
    ]


def visits_of(requests: Requests) -> list[int]:
    opened = replace(requests, opening=find_openings(requests, CUT_S))
    return [int(each) for each in build_visits(opened, VisitHabits(CUT_S, entries_start=False)).visit]


def test_people_of_one_address_are_told_apart_by_the_page_that_begins_visits() -> None:
    requests = requests_of(homes() + [row for person in range(6) for row in visit(300 * person, OFFICE)])
    assert len(set(visits_of(requests))) == HOMES + 6


def test_who_reloads_the_first_page_stays() -> None:
    requests = requests_of(homes(reload_every=20))
    assert len(set(visits_of(requests))) == HOMES


def test_a_page_that_many_come_back_to_begins_nothing() -> None:
    requests = requests_of(homes(reload_every=3) + [row for person in range(6) for row in visit(300 * person, OFFICE)])
    assert not np.any(find_openings(requests, CUT_S) == OPENS_SHARED)
    assert len(set(visits_of(requests))) == HOMES + 1


def test_a_new_session_on_the_first_page_is_somebody_else_s_and_on_another_page_a_login() -> None:
    begins_anew = visit(0, OFFICE, 1) + visit(200, OFFICE, 2)
    signs_in = [(at, visitor, 3 + (at > 90_030), page) for at, visitor, _, page in visit(90_000, OFFICE)]
    found = visits_of(requests_of(homes() + begins_anew + signs_in))
    assert len(set(found)) == HOMES + 3


def test_an_address_is_trusted_the_less_the_more_visits_it_has() -> None:
    busy = [row for person in range(20) for row in visit(1500 * person, OFFICE)]
    seldom = [row for at in range(0, 30_000, 5000) for row in visit(at, OFFICE + 1)]
    trust = trust_addresses(requests_of(homes() + busy + seldom), cut_s=600)
    assert all(trust[:HOMES] == RANGE[1])
    assert RANGE[0] < trust[OFFICE] < trust[OFFICE + 1] < RANGE[1]
