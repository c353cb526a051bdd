"""A directory of logs that holds what another one holds: nothing happened twice."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconstruct.cli import main
from reconstruct.sources import discover

DAYS = ("16", "17", "18")


def day(number: str, count: int = 40, host: str = "a") -> bytes:
    return b"".join(
        f"2026-09-{number} 10:{n // 60:02}:{n % 60:02},{n:03} INFO [shop.orders] {host} order {number}{n:03} placed\n".encode()
        for n in range(count)
    )


def write(directory: Path, logs: dict[str, bytes]) -> None:
    for name, data in logs.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def read(directory: Path) -> tuple[list[str], dict[str, str]]:
    found = discover([directory])
    return [source.path for source in found.sources], {each.path: each.reason for each in found.skipped}


NOW = {"shop.log": day("18"), "shop.log.1": day("17"), "shop.log.2.gz": day("16")}


def test_a_backup_beside_the_logs_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, NOW)
    shutil.copytree(tmp_path, tmp_path / "backup")
    assert read(tmp_path) == (sorted(NOW), {f"backup/{name}": f"a copy of {name}" for name in NOW})


def test_of_bundles_collected_on_two_days_each_entry_counts_once(tmp_path: Path) -> None:
    write(tmp_path / "monday", {"shop.log": day("17", 25), "shop.log.1": day("16")})
    write(tmp_path / "tuesday", NOW)
    assert read(tmp_path) == (
        ["tuesday/shop.log", "tuesday/shop.log.1", "tuesday/shop.log.2.gz"],
        {
            "monday/shop.log": "the beginning of tuesday/shop.log.1",
            "monday/shop.log.1": "a copy of tuesday/shop.log.2.gz",
        },
    )


def test_events_of_a_copied_directory_are_those_of_one(tmp_path: Path) -> None:
    write(tmp_path / "logs", NOW)
    write(tmp_path / "logs" / "copy", NOW)
    assert main(["events", "--no-cache", str(tmp_path / "logs"), "-o", str(tmp_path / "out")]) == 0
    events = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert len(events) == 120 and {event["source"] for event in events} == set(NOW)


def test_small_logs_are_copies_only_in_a_directory_that_is_one(tmp_path: Path) -> None:
    started = b"2026-09-18 09:00:00,000 INFO [shop] started\n"
    write(tmp_path, {"a/boot.log": started, "b/boot.log": started})
    assert read(tmp_path) == (["a/boot.log", "b/boot.log"], {})
    write(tmp_path, {"a/shop.log": day("18"), "b/shop.log": day("18")})
    assert read(tmp_path) == (
        ["a/boot.log", "a/shop.log"],
        {"b/boot.log": "a copy of a/boot.log", "b/shop.log": "a copy of a/shop.log"},
    )


@pytest.mark.parametrize(
    "other", [day("18", host="b"), day("18", 20) + day("19", 20), day("18").replace(b"018 ", b"O18 ")]
)
def test_what_differs_anywhere_is_no_copy(tmp_path: Path, other: bytes) -> None:
    write(tmp_path, {"a/shop.log": day("18"), "b/shop.log": other})
    assert read(tmp_path) == (["a/shop.log", "b/shop.log"], {})


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=4), st.randoms())
def test_whatever_was_copied_when_all_of_it_is_read_once(
    tmp_path_factory: pytest.TempPathFactory, copies: list[tuple[int, bool]], dice: object
) -> None:
    """The longest of several copies stays, compressed or not."""
    directory = tmp_path_factory.mktemp("copies")
    lines = day("18", 60).splitlines(keepends=True)
    sizes = [max(size, 10) for size, _ in copies]
    for number, (size, (_, is_packed)) in enumerate(zip(sizes, copies, strict=True)):
        write(directory / f"d{number}", {f"shop.log{'.gz' if is_packed else ''}": b"".join(lines[:size])})
    (stays,), skipped = read(directory)
    number = int(stays.partition("/")[0][1:])
    assert sizes[number] == max(sizes) and len(skipped) == len(copies) - 1
    for path, reason in skipped.items():
        is_whole = sizes[int(path.partition("/")[0][1:])] == max(sizes)
        assert reason == f"{'a copy' if is_whole else 'the beginning'} of {stays}"
