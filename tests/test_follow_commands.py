"""Following from the command line and by the reader of the interface."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from command import ACCESS, assert_refused, reconstruct

from reconstruct.amending import set_role
from reconstruct.cli.parser import parse
from reconstruct.cli.serve import browse_arguments
from reconstruct.following import Follower
from reconstruct.live import LiveReader
from reconstruct.options import Options
from reconstruct.store.database import Store

PATIENCE_S = 60


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "did not come true"
        time.sleep(0.05)


def append(directory: Path, first: int, last: int) -> None:
    with (directory / "access.log").open("a", encoding="utf-8") as file:
        file.write("".join(ACCESS.format(n=n) for n in range(first, last + 1)))


def start(*arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "reconstruct", *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def read_lines(process: subprocess.Popen[bytes], count: int) -> list[int]:
    assert process.stdout is not None
    return [json.loads(process.stdout.readline())["line"] for _ in range(count)]


def test_events_are_written_as_they_come_until_interrupted(logs: Path) -> None:
    process = start("events", logs, "--follow")
    assert read_lines(process, 29) == list(range(1, 30))
    append(logs, 30, 32)
    assert read_lines(process, 3) == [30, 31, 32]
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out, errors) == (130, b"", b"interrupted\n")


def test_events_of_a_stream_end_with_it(logs: Path) -> None:
    process = start("events", "-", "--follow")
    assert process.stdin is not None
    for n in (1, 2, 3):
        process.stdin.write(ACCESS.format(n=n).encode())
        process.stdin.flush()
        assert read_lines(process, 1) == [n]
    process.stdin.write(ACCESS.format(n=4).rstrip().encode())
    out, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, errors) == (0, b"")
    assert json.loads(out)["line"] == 4, "its last line has no end"


def test_a_reader_that_leaves_ends_it_though_nothing_comes(logs: Path) -> None:
    process = start("events", logs, "--follow")
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    process.stdin.close()
    read_lines(process, 29)
    process.stdout.close()
    assert process.wait(PATIENCE_S) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_an_empty_directory_is_waited_for(tmp_path: Path) -> None:
    process = start("events", tmp_path, "--follow")
    time.sleep(1)
    append(tmp_path, 1, 2)
    assert read_lines(process, 2) == [1, 2]
    process.terminate()
    process.communicate(timeout=PATIENCE_S)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (
            ["export", "LOGS", "-o", "x.json", "--follow"],
            2,
            ["for browsing and for events"],
        ),
        (["summary", "LOGS", "--follow"], 2, ["for browsing and for events", "of one moment"]),
        (["LOGS", "--follow"], 2, ["only be followed in a terminal", "events PATH --follow"]),
        (["events", "LOGS", "--follow", "-o", "x.jsonl"], 2, ["standard output", "> x.jsonl"]),
        (["events", "LOGS/none", "--follow"], 1, ["no such file"]),
        (["events", "LOGS/old.tar", "--follow"], 2, ["old.tar", "archive", "give the directory"]),
        (["events", "LOGS", "--follow", "--since", "whenever"], 2, ["whenever"]),
    ],
)
def test_refuses_what_cannot_be_followed(logs: Path, arguments: list[str], code: int, words: list[str]) -> None:
    subprocess.run(["tar", "-cf", logs.parent / "old.tar", "-C", logs, "access.log"], check=True)
    (logs.parent / "old.tar").rename(logs / "old.tar")
    assert_refused(reconstruct(*(each.replace("LOGS", str(logs)) for each in arguments)), code, *words)


def test_serve_hands_it_on() -> None:
    assert "--follow" in browse_arguments(parse(["serve", "--follow", "logs"]))
    assert "--follow" not in browse_arguments(parse(["serve", "logs"]))


@pytest.fixture
def reader(logs: Path, monkeypatch: pytest.MonkeyPatch) -> LiveReader:
    monkeypatch.setattr("reconstruct.following.RUN_REST", 0)
    monkeypatch.setattr("reconstruct.following.LOOK_S", 0.1)
    options, follower = Options(workers=1, store=logs.parent / "kept.duckdb"), Follower([logs])
    return LiveReader(follower.find(options), options, logs.parent / "reconstruct.toml", follower)


def test_the_reader_follows_when_asked_to_and_stops(reader: LiveReader, logs: Path) -> None:
    until(lambda: reader.progress().finished)
    version = reader.version()
    append(logs, 30, 31)
    time.sleep(0.5)
    following = reader.following()
    assert following is not None and not following.is_on
    assert (reader.version(), reader.count_journeys()) == (version, 29)
    reader.follow(True)
    until(lambda: reader.version() > version)
    following = reader.following()
    assert following is not None and following.is_on and following.n_new == 2 and following.updated_at
    assert reader.count_journeys() == 31
    assert {row["id"] for row in reader.journey_rows(limit=100)} > following.new
    assert reader.progress().finished, "what is on screen stays"
    append(logs, 32, 32)
    until(lambda: reader.version() > version + 1)
    following = reader.following()
    assert following is not None and (following.n_new, following.n_since) == (1, 3)
    reader.follow(False)
    append(logs, 33, 34)
    time.sleep(0.5)
    assert reader.count_journeys() == 32
    reader.close()


def test_results_that_were_replaced_are_closed(reader: LiveReader, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Store] = []
    real = Store.close
    monkeypatch.setattr(Store, "close", lambda store: (closed.append(store), real(store))[1])
    until(lambda: reader.progress().finished)
    shown = [reader._results]
    reader.follow(True)
    for n in (30, 31):
        version = reader.version()
        append(logs, n, n)
        until(lambda: reader.version() > version)  # noqa: B023 - asked at once
        shown.append(reader._results)
        assert reader.count_journeys() == n
    stores = [results.store for results in shown if results]
    assert stores[0] in closed and stores[1] in closed and stores[2] not in closed
    reader.close()
    assert stores[2] in closed


def test_decisions_hold_while_logs_grow(reader: LiveReader, logs: Path) -> None:
    until(lambda: reader.progress().finished)
    reader.follow(True)
    reader.amend(set_role("order", "resource"))
    until(lambda: reader.progress().finished)
    version = reader.version()
    append(logs, 30, 30)
    until(lambda: reader.version() > version)
    assert reader._options.pins.types[0].role == "resource"
    assert reader.failure is None and reader.count_journeys() == 30
    reader.close()


def test_what_is_in_the_way_is_said_and_the_results_stay(reader: LiveReader, logs: Path) -> None:
    until(lambda: reader.progress().finished)
    reader.follow(True)
    (logs / "access.log").rename(logs.parent / "elsewhere")
    until(lambda: (following := reader.following()) and "no files" in following.note)
    assert reader.count_journeys() == 29
    (logs.parent / "elsewhere").rename(logs / "access.log")
    append(logs, 30, 30)
    until(lambda: reader.count_journeys() == 30)
    reader.close()


def test_a_fault_of_the_program_stops_following_and_is_kept(
    reader: LiveReader, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    until(lambda: reader.progress().finished)
    monkeypatch.setattr("reconstruct.following.open_discovery", None)
    reader.follow(True)
    append(logs, 30, 30)
    until(lambda: reader.failure is not None)
    following = reader.following()
    assert following is not None and not following.is_on and "following stopped" in following.note
    assert reader.count_journeys() == 29
    reader.close()


def test_the_interface_opens_before_there_is_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconstruct.following.LOOK_S", 0.1)
    reader = LiveReader(None, Options(workers=1, cache=False), None, Follower([tmp_path]), follow=True)
    until(lambda: reader.progress().finished)
    assert (reader.count_journeys(), reader.summary(), reader.journey_rows()) == (0, {}, [])
    append(tmp_path, 1, 3)
    until(lambda: reader.count_journeys() == 3)
    following = reader.following()
    assert following is not None and following.updated_at is None
    reader.close()
