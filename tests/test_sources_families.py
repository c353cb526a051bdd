"""Rotated files: which belong together, and in which order they were written."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from reconstruct.sources.families import Member, find_first_stamp, group_families, parse_name

DAY_NS = 86_400 * 10**9


def order(paths: Sequence[str], stamps: Sequence[int | None] = (), ages: Sequence[int] = ()) -> list[list[str]]:
    """Families of ``paths``, whichever order they come in. ``stamps`` are (first) stamps; ``ages`` are days."""
    known = itertools.zip_longest(paths, stamps, ages)
    members = [Member(path, -(age or 0) * DAY_NS, stamp) for path, stamp, age in known]
    found = list(group_families(members).values())
    assert list(group_families(reversed(members)).values()) == found
    return found


@pytest.mark.parametrize(
    ("oldest_first", "family"),
    [
        (["x.log.10", "x.log.9.gz", "x.log.2", "x.log.1", "x.log"], "x.log"),
        (["syslog.3.xz", "syslog.2", "syslog.1", "syslog"], "syslog"),
        (["x.log.1.bz2", "x.log.0.bz2", "x.log"], "x.log"),
        (["x.log.old", "x.log"], "x.log"),
        (["x.log-20260101.gz", "x.log-20260102", "x.log"], "x.log"),
        (["x.log-20260101-1767225600", "x.log-20260101-1767229200.gz", "x.log"], "x.log"),
        (["x.log-2026010109", "x.log-2026010110"], "x.log"),
        (["x.log.1767225600", "x.log.1767229200", "x.log"], "x.log"),
        (["x.2026-01-01.log", "x.2026-01-02.log.zst", "x.log"], "x.log"),
        (["x.2026-01-01.0.log", "x.2026-01-01.1.log", "x.2026-01-02.0.log"], "x.log"),
        (["x-2026-01-31-1.log.gz", "x-2026-01-31-2.log.gz", "x-2026-02-01-1.log.gz", "x.log"], "x.log"),
        (["x.log.2026-09-14", "x.log.2026-09-15"], "x.log"),
        (["x.log.2026-09-14-05", "x.log.2026-09-14-06", "x.log"], "x.log"),
        (["x.log.2026-09-14_05-30-00", "x.log.2026-09-14_05-30-30"], "x.log"),
        (["x20.log.2026-09-14T05:30:00", "x20.log"], "x20.log"),
        (["x_20260914.txt", "x_20260914_001.txt", "x_20260914_002.txt", "x_20260915.txt"], "x.txt"),
        (["u_ex260914.log", "u_ex260915.log"], "u_ex.log"),
        (["access-2026-08.log", "access-2026-09.log"], "access.log"),
        (["2026-09-14_app.log", "2026-09-15_app.log"], "app.log"),
        (["2026-09-14.log", "2026-09-15.log"], "log"),
        (["0.log.20260914-110203.gz", "0.log.20260915-110203", "0.log"], "0.log"),
        (["x-2.log", "x-1.log", "x.log"], "x.log"),
    ],
)
def test_names_alone_give_the_usual_order(oldest_first: list[str], family: str) -> None:
    paths = [f"app/{name}" for name in oldest_first]
    for shuffled in (sorted(paths), sorted(paths, reverse=True)):
        assert group_families([Member(path, 0, None) for path in shuffled]) == {f"app/{family}": paths}


@pytest.mark.parametrize(
    "names",
    [
        ["a/x.log", "b/x.log"],
        ["web-1.log", "web-2.log"],
        ["10.0.0.1.log", "10.0.0.2.log"],
        ["192.0.2.1", "192.0.2.2"],
        ["shop-1.2.log", "shop-1.3.log"],
        ["service-v1.log", "service-v2.log"],
        ["0.log", "1.log"],
        ["app.log.8080", "app.log.8081"],
        ["ts-auth-service-7f8d7d756d-k7b9j.log", "ts-auth-service-7f8d7d756d-x2b9j.log"],
        ["access.log", "error.log", "access.json"],
    ],
)
def test_strangers_stay_strangers(names: list[str]) -> None:
    assert list(group_families(Member(name, 0, None) for name in names)) == sorted(names)


def test_directories_do_not_mix() -> None:
    members = [Member("a/x.log", 0, None), Member("b/x.log.1", 0, None)]
    assert group_families(members) == {"a/x.log": ["a/x.log"], "b/x.log": ["b/x.log.1"]}


def test_files_of_a_day_and_its_directory_are_one_log() -> None:
    load_balancer = "AWSLogs/12/elasticloadbalancing/eu-central-1/2026/{}/12_elasticloadbalancing_eu-central-1_app.shop.50dc6c_{}_{}_{}.log.gz"
    paths = [
        load_balancer.format("03/02", "20260302T2355Z", "10.0.3.1", "5f3ab1cd"),
        load_balancer.format("03/03", "20260303T0000Z", "10.0.3.1", "0a77be12"),
        load_balancer.format("03/02", "20260302T2355Z", "10.0.3.2", "77aa02ff"),
    ]
    nodes = group_families(Member(path, 0, None) for path in paths)
    assert sorted(nodes.values()) == [paths[:2], paths[2:]]
    assert len({name.rpartition("/")[0] for name in nodes}) == 1
    by_hour = [f"cdn/E2K1ABCDEFGHIJ.2026-09-14-{hour:02}.0a1b2c{hour:02x}.gz" for hour in range(12)]
    assert list(group_families(Member(path, 0, None) for path in by_hour).values()) == [by_hour]
    # A directory's day is no mark where the names have none: two exports of one file may be two hosts'.
    assert len(group_families([Member("2026/03/02/x.log", 0, None), Member("2026/03/03/x.log", 0, None)])) == 2


def test_stamps_beat_names() -> None:
    assert order(["x.log", "x.log.1", "x.log.2"], [10, 20, 30]) == [["x.log", "x.log.1", "x.log.2"]]
    assert order(["x.log", "x.log.1", "x.log.2"], [30, 10, 20]) == [["x.log.1", "x.log.2", "x.log"]]
    assert order(["x.log", "x.log.1", "x.log-20260101"], [30, 20, 10]) == [["x.log-20260101", "x.log.1", "x.log"]]


def test_some_stamps_choose_the_direction_for_all() -> None:
    paths = ["x.log", "x.log.1", "x.log.2", "x.log.3"]
    assert order(paths, [None, 10, None, 30]) == [["x.log.1", "x.log.2", "x.log.3", "x.log"]]
    assert order(paths, [None, 30, None, 10]) == [["x.log.3", "x.log.2", "x.log.1", "x.log"]]


def test_modification_times_choose_when_there_are_no_stamps() -> None:
    paths = ["x.log", "x.log.1", "x.log.2"]
    assert order(paths, ages=[0, 2, 1]) == [["x.log.1", "x.log.2", "x.log"]]
    assert order(paths, ages=[2, 1, 0]) == [paths]
    assert order(paths, ages=[0, 1, 2]) == [["x.log.2", "x.log.1", "x.log"]]


def test_copied_files_do_not_speak_by_their_times() -> None:
    """Copying sets modification times within seconds, in the order of names."""
    members = [Member(path, i * 10**9, None) for i, path in enumerate(["x.log", "x.log.1", "x.log.2"])]
    assert group_families(members) == {"x.log": ["x.log.2", "x.log.1", "x.log"]}


def test_numbered_hosts_are_told_from_numbered_rotations() -> None:
    side_by_side = [Member("web-1.log", 0, 100, 900), Member("web-2.log", 0, 105, 880)]
    assert group_families(side_by_side) == {"web-1.log": ["web-1.log"], "web-2.log": ["web-2.log"]}
    in_turns = [Member("web-1.log", 0, 500, 900), Member("web-2.log", 0, 100, 505), Member("web.log", 0, 900, 950)]
    assert group_families(in_turns) == {"web.log": ["web-2.log", "web-1.log", "web.log"]}
    assert order(["web-1.log", "web-2.log", "web-3.log"], ages=[3, 2, 1]) == [["web-1.log", "web-2.log", "web-3.log"]]


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        (b'192.0.2.1 - - [14/Nov/2026:09:13:02 +0100] "GET /"', 20261114091302),
        (b'{"time":"2026-11-14T09:13:02.123Z"}', 20261114091302),
        (b"banner\n2026-11-14 09:13:02,123 INFO x 2025-01-01 00:00:00", 20261114091302),
        (b"2026/11/14 09:13:02 [error]", 20261114091302),
        (b"Nov 14 09:13:02 host", None),
        (b"id 12026-11-14", None),
    ],
)
def test_first_stamps(text: bytes, digits: int | None) -> None:
    assert find_first_stamp(text) == digits


def test_a_marked_name_keeps_what_follows_its_log() -> None:
    assert parse_name("access.log.2.GZ").log == "access.log"
    assert parse_name("README").marked is False
