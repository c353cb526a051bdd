"""Which logs repeat the requests of another, and which of their lines belong together."""

from __future__ import annotations

import random
from collections.abc import Sequence

import duckdb
import pytest

from reconstruct.correlate.pairing import pair_by_looks
from reconstruct.correlate.tiers import RequestLog, find_inner, rank_request_logs

SECOND = 1_000_000_000
EDGE, INNER, OTHER = 0, 1, 2

Request = tuple[int, float, str, str, int | None, str | None, str | None]
"""family, second, method, target, status, browser, address"""


def shop(
    requests: Sequence[Request], grouped: Sequence[tuple[int, str]] = (), anchored: Sequence[tuple[int, int]] = ()
) -> duckdb.DuckDBPyConnection:
    """The tables that a correlation has by then; a request's eid is its place, a log's source its family."""
    db = duckdb.connect()
    db.execute(
        "CREATE TABLE events (eid BIGINT, source INTEGER, method VARCHAR, path VARCHAR, query VARCHAR, status INTEGER,"
        " user_agent VARCHAR, client_ip VARCHAR, referrer VARCHAR)"
    )
    db.execute("CREATE TABLE timeline (eid BIGINT, source INTEGER, family INTEGER, t BIGINT, request BOOLEAN)")
    db.execute("CREATE TABLE source_family AS SELECT s AS source, s AS family FROM range(3) AS r(s)")
    db.execute("CREATE VIEW log_events AS SELECT e.*, family FROM events e JOIN source_family USING (source)")
    db.execute("CREATE TABLE typed (eid BIGINT, type INTEGER, value VARCHAR, multi BOOLEAN)")
    db.execute("CREATE TABLE grouped (eid BIGINT, code UBIGINT)")
    db.execute("CREATE TABLE anchored (eid BIGINT, anchor BIGINT)")
    for eid, (family, second, method, target, status, browser, address) in enumerate(requests):
        path, _, query = target.partition("?")
        row = [eid, family, method, path, query or None, status, browser, address, None]
        db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        db.execute(
            "INSERT INTO timeline VALUES (?, ?, ?, ?, ?)",
            [eid, family, family, round(second * SECOND), method is not None],
        )
    for eid, value in grouped:
        db.execute("INSERT INTO grouped VALUES (?, hash(?))", [eid, value])
    for eid, anchor in anchored:
        db.execute("INSERT INTO anchored VALUES (?, ?)", [eid, anchor])
    return db


def pages(family: int, seconds: list[float], status: int | None = 200, **more: str) -> list[Request]:
    """A page each, all different."""
    browser, address = more.get("browser"), more.get("address")
    return [
        (family, second, "GET", f"/page/{number}", status, browser, address) for number, second in enumerate(seconds)
    ]


def inner_of(db: duckdb.DuckDBPyConnection) -> set[int]:
    return find_inner(db, rank_request_logs(db, []))


TIMES = [10.0 * n for n in range(6)]


def test_a_log_that_repeats_the_requests_of_one_with_a_better_view_is_inner() -> None:
    edge = pages(EDGE, TIMES, browser="Firefox", address="192.0.2.1")
    assert inner_of(shop(edge + pages(INNER, [t + 1.5 for t in TIMES]))) == {INNER}


@pytest.mark.parametrize("late", [4.0, -4.0])
def test_the_same_pages_at_other_times_are_other_requests(late: float) -> None:
    edge = pages(EDGE, TIMES, browser="Firefox", address="192.0.2.1")
    assert inner_of(shop(edge + pages(INNER, [t + late for t in TIMES]))) == set()


def test_a_status_that_one_log_does_not_say_contradicts_nothing_and_another_does() -> None:
    edge = pages(EDGE, TIMES, browser="Firefox", address="192.0.2.1")
    assert inner_of(shop(edge + pages(INNER, TIMES, status=None))) == {INNER}
    assert inner_of(shop(edge + pages(INNER, TIMES, status=404))) == set()


def test_request_identifiers_decide_before_looks() -> None:
    edge = pages(EDGE, TIMES, browser="Firefox", address="192.0.2.1")
    late = pages(INNER, [t + 500 for t in TIMES])
    shared = [(eid, f"r{eid % 6}") for eid in range(12)]
    assert inner_of(shop(edge + late, shared)) == {INNER}


def test_a_few_requests_that_look_alike_are_chance() -> None:
    edge = pages(EDGE, TIMES, browser="Firefox", address="192.0.2.1")
    assert inner_of(shop(edge + pages(INNER, TIMES[:4]))) == set()


def test_two_outer_logs_may_hold_the_requests_of_an_inner_one_together() -> None:
    edge = pages(EDGE, TIMES, browser="Firefox", address="192.0.2.1")
    other = [(OTHER, t + 5, "GET", f"/other/{t}", 200, "Firefox", "192.0.2.1") for t in TIMES]
    inner = pages(INNER, TIMES) + [(INNER, t + 5, "GET", f"/other/{t}", 200, None, None) for t in TIMES]
    assert inner_of(shop(edge + other + inner)) == {INNER}


def test_what_watches_an_application_past_the_edge_does_not_count() -> None:
    edge = pages(EDGE, TIMES, browser="Firefox", address="192.0.2.1")
    beats = [(INNER, float(t), "GET", "/ready", 200, "kube-probe/1.31", None) for t in range(60)]
    db = shop(edge + pages(INNER, TIMES, browser="Firefox") + beats)
    logs = rank_request_logs(db, [])
    assert find_inner(db, logs) == set()
    assert find_inner(db, logs, ["kube-probe/1.31"]) == {INNER}
    # A log that holds nothing else is nobody's repetition.
    alone = shop(edge + beats)
    assert find_inner(alone, rank_request_logs(alone, []), ["kube-probe/1.31"]) == set()


def test_an_edge_that_lost_lines_is_told_from_one_that_is_as_busy() -> None:
    dice = random.Random(1)
    moments = [(dice.randrange(40_000) / 10, f"/page/{dice.randrange(12)}") for _ in range(600)]
    inner: list[Request] = [(INNER, at, "GET", page, 200, None, None) for at, page in moments]

    def edge(seed: int, moved_s: float) -> list[Request]:
        lost = random.Random(seed)
        return [
            (EDGE, at + moved_s, "GET", page, 200, "Firefox", "192.0.2.1")
            for at, page in moments
            if lost.random() > 0.35
        ]

    assert inner_of(shop(edge(2, 0.5) + inner)) == {INNER}
    assert inner_of(shop(edge(2, 70.5) + inner)) == set(), "the same pages, by others"
    # A quarter of what the other log is asked for does not come through this edge.
    others: list[Request] = [(INNER, at + 3, "GET", f"/api{page}", 200, None, None) for at, page in moments[:200]]
    assert inner_of(shop(edge(2, 0.5) + inner + others)) == set()


def pair_slowly(requests: list[Request], settled: set[tuple[int, int]], waiting: set[int]) -> list[tuple[int, int]]:
    """In words: in time order, each to the nearest that is left and contradicts nothing."""
    order = sorted(range(len(requests)), key=lambda eid: (round(requests[eid][1] * SECOND), eid))
    used, pairs = set(settled), []
    for eid in (each for each in order if each in waiting):
        family, second, method, target, *signs, _ = requests[eid]
        found = [
            (abs(round(requests[other][1] * SECOND) - round(second * SECOND)), other)
            for other in order
            if requests[other][0] == EDGE
            and requests[other][2:4] == (method, target)
            and (family, other) not in used
            and all(a is None or b is None or a == b for a, b in zip(signs, requests[other][4:6], strict=True))
        ]
        near = [each for each in found if each[0] <= 2 * SECOND]
        if near:
            used.add((family, min(near)[1]))
            pairs.append((eid, min(near)[1]))
    return pairs


@pytest.mark.parametrize("seed", range(20))
def test_pairs_are_the_nearest_that_are_left(seed: int) -> None:
    dice = random.Random(seed)
    requests: list[Request] = [
        (
            dice.choice([EDGE, EDGE, INNER, OTHER]), dice.randrange(200) / 10, "GET", dice.choice(["/a", "/b"]),
            dice.choice([200, 404, None]), dice.choice(["Firefox", "Safari", None]), None,
        )
        for _ in range(80)
    ]  # fmt: skip
    edge = [eid for eid, each in enumerate(requests) if each[0] == EDGE]
    others = [eid for eid, each in enumerate(requests) if each[0] != EDGE]
    settled = [(eid, dice.choice(edge)) for eid in dice.sample(others, 8)]
    db = shop(requests, anchored=settled)
    found = pair_by_looks(db, [RequestLog(INNER, 0, 0.0), RequestLog(OTHER, 0, 0.0)], [EDGE]).to_pydict()
    expected = pair_slowly(
        requests, {(requests[eid][0], anchor) for eid, anchor in settled}, set(others) - {eid for eid, _ in settled}
    )
    assert expected
    assert list(zip(found["eid"], found["anchor"], strict=True)) == expected


def test_nothing_to_pair_gives_nothing() -> None:
    db = shop(pages(EDGE, TIMES))
    assert pair_by_looks(db, [], [EDGE]).num_rows == 0
    assert pair_by_looks(db, [RequestLog(INNER, 0, 0.0)], [EDGE]).num_rows == 0


def searches(family: int, seconds: list[float], query: str, **more: str) -> list[Request]:
    return [
        (family, t, "GET", f"/search{query.format(n)}", 200, more.get("browser"), more.get("address"))
        for n, t in enumerate(seconds)
    ]


def test_a_log_that_never_tells_queries_is_compared_without_them() -> None:
    edge = searches(EDGE, TIMES, "?q={}", browser="Firefox", address="192.0.2.1")
    db = shop(edge + searches(INNER, TIMES, ""))
    logs = rank_request_logs(db, [])
    assert [log.tells_queries for log in logs] == [True, False]
    assert find_inner(db, logs) == {INNER}
    pairs = pair_by_looks(db, [log for log in logs if log.family == INNER], [EDGE]).to_pydict()
    assert pairs == {"eid": [6, 7, 8, 9, 10, 11], "anchor": [0, 1, 2, 3, 4, 5]}


def test_queries_that_both_logs_tell_must_be_the_same() -> None:
    edge = searches(EDGE, TIMES, "?q={}", browser="Firefox", address="192.0.2.1")
    assert inner_of(shop(edge + searches(INNER, TIMES, "?q=other{}"))) == set()
