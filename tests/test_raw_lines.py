"""Raw lines by position and by time, from plain and compressed logs, with all the lines of an entry."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.results import Reconstruction

START = datetime(2026, 3, 10, 10, 0, tzinfo=UTC)
N = 40


def access(number: int) -> str:
    at = START + timedelta(seconds=2 * number)
    return f'192.0.2.7 - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET /p/{number} HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11; Linux x86_64)"\n'


def application(number: int) -> str:
    at = START + timedelta(seconds=2 * number + 1)
    trace = (
        'Traceback (most recent call last):\n  File "a.py", line 3, in f\nValueError: é \x1b[31m\n'
        if number == 9
        else ""
    )
    return f"{at:%Y-%m-%d %H:%M:%S},000 ERROR shop.orders: order {number} refused\n{trace}"


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("logs")
    (directory / "access.log").write_text("".join(map(access, range(N))), encoding="utf-8")
    (directory / "app.log.gz").write_bytes(gzip.compress("".join(map(application, range(N))).encode()))
    return directory


@pytest.fixture(scope="module")
def results(logs: Path) -> Iterator[Reconstruction]:
    found = open_paths([logs], Options(cache=False, workers=1, timezone_s=0))
    yield found
    found.close()


def test_lines_around_are_of_all_logs_in_the_order_of_time(results: Reconstruction) -> None:
    found = results.raw_around(0, 11, before=4, after=5)
    entries = [(line.source, line.line) for line in found if line.is_entry_start]
    assert entries == [(0, 9), (1, 9), (0, 10), (1, 10), (0, 11), (1, 14), (0, 12), (1, 15), (0, 13), (1, 16)]
    assert [line.at_ns for line in found] == sorted(line.at_ns for line in found)
    middle = next(line for line in found if (line.source, line.line) == (0, 11))
    assert middle.text == access(10).rstrip("\n")
    assert middle.at_ns == int((START + timedelta(seconds=20)).timestamp()) * 1_000_000_000


def test_an_entry_comes_with_all_its_lines(results: Reconstruction) -> None:
    found = [line for line in results.raw_around(1, 10) if line.entry == 10]
    assert [line.line for line in found] == [10, 11, 12, 13]
    assert [line.is_entry_start for line in found] == [True, False, False, False]
    assert found[3].text == "ValueError: é \x1b[31m", "as it stands in the log: whoever shows it spells it out"


def test_at_the_ends_there_are_fewer_and_nowhere_none(results: Reconstruction) -> None:
    assert [(line.source, line.line) for line in results.raw_around(0, 1, before=5, after=1)] == [(0, 1), (1, 1)]
    assert results.raw_around(0, 10_000, 3, 3) == []
    assert results.raw_around(1, 12) == [], "no entry begins there"


def test_texts_of_many_positions_in_the_order_asked(results: Reconstruction) -> None:
    found = results.raw_texts([(1, 10), (0, 3), (0, 10_000), (1, 1)])
    assert found[0] == application(9).rstrip("\n")
    assert found[1:] == [access(2).rstrip("\n"), "", application(0).rstrip("\n")]
    assert results.raw_texts([]) == []


def test_other_programs_get_the_file_itself_or_an_unpacked_copy(
    results: Reconstruction, logs: Path, tmp_path: Path
) -> None:
    assert results.plain_file(0, tmp_path) == logs / "access.log"
    copy = results.plain_file(1, tmp_path)
    assert copy == tmp_path / "app.log"
    assert copy.read_text("utf-8") == "".join(map(application, range(N)))


def test_journeys_of_a_customer_are_found_in_the_order_of_time(results: Reconstruction) -> None:
    for row in results.customers():
        assert results.customer_journeys(row["id"]) == row["journeys"]
    assert results.customer_journeys("nobody") == []
