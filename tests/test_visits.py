"""Visits from request columns: the traps of shared addresses, changing addresses and identifiers that come and go."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconstruct.correlate import shards, visits
from reconstruct.correlate.calibrate import calibrate_visits, wilson_lower
from reconstruct.correlate.habits import FALLBACK_CUT_S, VisitHabits, are_rare, fit_cut, measure_entries, page_gaps
from reconstruct.correlate.visits import RULES, build_visits
from reconstruct.correlate.web_requests import FOREIGN_REFERRER, NO_REFERRER, Requests

HOME, SEARCH, PRODUCT, BASKET, CHECKOUT, THANKS = range(6)

Row = tuple[int, int, int, int, int, int, bool]
"""second, visitor, session (-1: none), page, referrer, status, asset"""


def requests_of(rows: list[Row], browsers: dict[int, int] | None = None) -> Requests:
    columns = list(zip(*rows, strict=True))
    visitor = np.array(columns[1], np.int64)
    browser = np.array([(browsers or {}).get(v, v) for v in columns[1]], np.int64)
    session, page, referrer, status = (np.array(column, np.int64) for column in columns[2:6])
    asset = np.array(columns[6], np.bool_)
    return Requests(np.array(columns[0], np.int64), visitor, browser, session, page, referrer, status, asset)


def visits_of(
    rows: list[Row], *, entries_start: bool = True, cut_s: float = 1800, browsers: dict[int, int] | None = None
) -> list[int]:
    found = build_visits(requests_of(rows, browsers), VisitHabits(cut_s, entries_start))
    return [int(visit) for visit in found.visit]


def test_follows_the_referrer_chain() -> None:
    assert visits_of([(0, 0, -1, HOME, NO_REFERRER, 200, False), (9, 0, -1, PRODUCT, HOME, 200, False)]) == [0, 0]


def test_the_beat_of_a_monitor_is_no_gap_between_pages() -> None:
    monitor = [(300 * n, 1, -1, HOME, NO_REFERRER, 200, False) for n in range(20)]
    person = [(0, 0, -1, HOME, NO_REFERRER, 200, False), (9, 0, -1, PRODUCT, HOME, 200, False)]
    assert page_gaps(requests_of(sorted(monitor + person))).tolist() == [9]


def test_splits_after_a_long_silence() -> None:
    rows = [(0, 0, -1, HOME, NO_REFERRER, 200, False), (9000, 0, -1, PRODUCT, HOME, 200, False)]
    assert visits_of(rows) == [0, 1]


def test_tells_two_people_behind_one_address_apart_by_their_pages() -> None:
    rows = [
        (0, 0, -1, HOME, NO_REFERRER, 200, False),
        (5, 0, -1, SEARCH, FOREIGN_REFERRER, 200, False),
        (9, 0, -1, PRODUCT, HOME, 200, False),
        (12, 0, -1, BASKET, SEARCH, 200, False),
        (13, 0, -1, 99, BASKET, 200, True),
    ]
    assert visits_of(rows) == [0, 1, 0, 1, 1]


def test_an_identifier_that_changes_at_login_stays_one_visit() -> None:
    rows = [
        (0, 0, 0, HOME, NO_REFERRER, 200, False),
        (20, 0, 0, SEARCH, HOME, 302, False),
        (20, 0, 1, PRODUCT, HOME, 200, False),
        (40, 0, 1, BASKET, PRODUCT, 200, False),
    ]
    assert visits_of(rows) == [0, 0, 0, 0]


def test_identifiers_in_use_at_the_same_time_are_two_visits() -> None:
    rows = [
        (0, 0, 0, HOME, NO_REFERRER, 200, False),
        (5, 0, 1, HOME, NO_REFERRER, 200, False),
        (9, 0, 0, PRODUCT, HOME, 200, False),
        (10, 0, 1, PRODUCT, HOME, 200, False),
    ]
    assert visits_of(rows) == [0, 1, 0, 1]


def test_a_cookie_kept_for_days_does_not_join_visits() -> None:
    rows = [(0, 0, 7, HOME, NO_REFERRER, 200, False), (90_000, 0, 7, PRODUCT, NO_REFERRER, 200, False)]
    assert visits_of(rows) == [0, 1]


def test_follows_a_browser_that_changes_its_address() -> None:
    rows = [
        (0, 0, -1, HOME, NO_REFERRER, 200, False),
        (10, 0, -1, PRODUCT, HOME, 200, False),
        (40, 1, -1, BASKET, PRODUCT, 200, False),
    ]
    assert visits_of(rows, browsers={0: 5, 1: 5}) == [0, 0, 0]
    assert visits_of(rows, browsers={0: 5, 1: 6}) == [0, 0, 1], "another browser is another person"


def test_a_redirect_keeps_the_visit_although_it_names_no_referrer() -> None:
    rows = [
        (0, 0, -1, HOME, NO_REFERRER, 302, False),
        (1, 0, -1, SEARCH, NO_REFERRER, 200, False),
        (9, 0, -1, PRODUCT, SEARCH, 200, False),
    ]
    assert visits_of(rows) == [0, 0, 0]


def test_a_monitor_that_never_names_a_referrer_is_not_cut_at_every_request() -> None:
    rows: list[Row] = [(300 * i, 0, -1, HOME, NO_REFERRER, 200, False) for i in range(10)]
    assert set(visits_of(rows)) == {0}


def test_entries_are_measured_within_one_identifier() -> None:
    calm: list[Row] = [
        (i, i // 10, i // 10, i % 10, NO_REFERRER if i % 10 == 0 else i % 10 - 1, 200, False) for i in range(400)
    ]
    entries, trials = measure_entries(requests_of(calm))
    assert (entries, trials) == (0, 360)
    silent: list[Row] = [(i, i // 10, i // 10, i % 10, NO_REFERRER if i % 2 else 0, 200, False) for i in range(400)]
    entries, trials = measure_entries(requests_of(silent))
    assert entries > trials / 3


def test_a_few_pages_show_that_nobody_enters_in_mid_visit_if_none_does() -> None:
    assert are_rare((0, 8)) and are_rare((2, 20))
    assert not are_rare((0, 7)) and not are_rare((1, 12)) and not are_rare((3, 20))


def test_the_cut_lies_between_two_modes_of_gaps() -> None:
    random = np.random.default_rng(1)
    gaps = np.concatenate([random.lognormal(np.log(20), 1, 5000), random.lognormal(np.log(40_000), 1, 800)])
    cut, why = fit_cut(gaps)
    assert 300 < cut < 14_400
    assert "two modes" in why
    assert fit_cut(gaps[:50])[0] == FALLBACK_CUT_S


def test_rules_are_calibrated_against_the_hidden_identifier() -> None:
    rows: list[Row] = []
    for person in range(60):
        start = person * 40_000
        rows += [(start + 10 * i, person, person, i, NO_REFERRER if i == 0 else i - 1, 200, False) for i in range(8)]
    nobody = np.full(len(rows), -1)
    found = calibrate_visits(requests_of(rows), VisitHabits(1800, entries_start=True), nobody)
    assert found["referrer"].measured
    assert found["referrer"].right == found["referrer"].trials == 420
    assert found["referrer"].confidence == pytest.approx(wilson_lower(420, 420), abs=1e-4)
    assert not found["roaming"].measured


def test_without_session_identifiers_customers_calibrate_the_rules() -> None:
    alone: list[Row] = [
        (person * 40_000 + 10 * i, person, -1, i, NO_REFERRER, 200, False) for person in range(60) for i in range(8)
    ]
    requests = requests_of(alone)
    own = np.arange(len(alone)) // 8
    found = calibrate_visits(requests, VisitHabits(1800, entries_start=False), own)["address"]
    assert found.measured
    assert found.right == found.trials == 420
    shared = np.arange(len(alone)) % 2  # two people take turns at every address
    assert calibrate_visits(requests, VisitHabits(1800, entries_start=False), shared)["address"].right == 0


def test_who_signs_in_under_another_name_is_somebody_else() -> None:
    """Two people of one browser, the second of whom comes while the first is there; neither says where from."""
    pages = [(0, -1), (10, 1), (20, -1), (30, 2), (40, 1), (50, 2), (60, 2)]
    requests = requests_of([(at, 0, -1, PRODUCT, NO_REFERRER, 200, False) for at, _ in pages])
    requests.asker = np.array([name for _, name in pages])
    found = build_visits(requests, VisitHabits(1800, entries_start=False))
    assert found.visit.tolist() == [0, 0, 0, 1, 0, 1, 1]
    blind = build_visits(requests, VisitHabits(1800, entries_start=False), use_sessions=False)
    assert set(blind.visit.tolist()) == {0}


rows = st.lists(
    st.tuples(
        st.integers(0, 5000), st.integers(0, 3), st.integers(-1, 3), st.integers(0, 6), st.integers(-2, 6),
        st.sampled_from([200, 302, 404]), st.booleans(),
    ),
    min_size=1, max_size=60,
)  # fmt: skip


@given(rows, st.booleans())
def test_every_request_gets_one_visit_and_visits_are_numbered_from_their_first_request(
    rows: list[Row], entries: bool
) -> None:
    rows = sorted(rows, key=lambda row: (row[0], row[6]))
    found = build_visits(requests_of(rows, {0: 0, 1: 0, 2: 1, 3: 1}), VisitHabits(600, entries))
    numbers = found.visit.tolist()
    first = list(dict.fromkeys(numbers))
    assert first == list(range(len(first)))
    starts = [n for n, rule in zip(numbers, found.rule.tolist(), strict=True) if RULES[rule] == "start"]
    assert starts == first, "each visit is started exactly once"
    for number in first:
        seconds = [row[0] for row, n in zip(rows, numbers, strict=True) if n == number]
        assert all(b - a <= 600 for a, b in pairwise(seconds)), "no silence within a visit"


@given(rows, st.booleans())
def test_to_forget_what_is_over_changes_nothing(rows: list[Row], entries: bool) -> None:
    rows = sorted(rows, key=lambda row: (row[0], row[6]))
    requests = requests_of(rows, {0: 0, 1: 0, 2: 1, 3: 1})
    whole = build_visits(requests, VisitHabits(600, entries))
    with mock.patch.object(visits, "SWEPT_VISITS", 1):
        swept = build_visits(requests, VisitHabits(600, entries))
    assert swept.visit.tolist() == whole.visit.tolist()
    assert swept.rule.tolist() == whole.rule.tolist()


def test_of_a_crowd_behind_one_address_only_the_latest_are_looked_through() -> None:
    people, rounds = 40, 3
    crowd = [(at * people + n, 0, n, PRODUCT, NO_REFERRER, 200, False) for at in range(rounds) for n in range(people)]
    nobody = (people * rounds, 0, -1, BASKET, NO_REFERRER, 200, False)
    with (
        mock.patch.object(visits, "MOST_AT_ONCE", 4),
        mock.patch.object(visits, "_of_page", wraps=visits._of_page) as looked,
    ):
        found = visits_of([*crowd, nobody], entries_start=False)
    assert found == [*list(range(people)) * rounds, people - 1], "their identifiers tell them apart all the same"
    assert max(len(call.args[0]) for call in looked.call_args_list) <= 4


@given(rows, st.sampled_from([1, 7, shards.SHARD_REQUESTS]), st.booleans())
def test_dealing_requests_out_to_processes_changes_nothing(rows: list[Row], most: int, is_alone: bool) -> None:
    rows = sorted(rows, key=lambda row: (row[0], row[6]))
    requests = requests_of(rows, {0: 0, 1: 0, 2: 1, 3: 2})
    whole = build_visits(requests, VisitHabits(600, entries_start=True))
    with (
        ThreadPoolExecutor(1) as pool,
        mock.patch.multiple(shards, WORTH_SHARING=0, SHARD_REQUESTS=most),
    ):
        helper = None if is_alone else pool
        dealt = shards.build_in_shards(requests, VisitHabits(600, entries_start=True), helper)
    assert dealt.visit.tolist() == whole.visit.tolist()
    assert dealt.rule.tolist() == whole.rule.tolist()
