"""Entries that were shipped twice count once; honest repetition stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

Document = dict[str, object]


def request(n: int, second: int | None = None) -> str:
    second = n if second is None else second
    return (
        f"192.0.2.{n % 7 + 1} - - [02/Jan/2026:15:{second // 60:02d}:{second % 60:02d} +0000] "
        f'"GET /p/{n % 11} HTTP/1.1" 200 {100 + n} "-" "Mozilla/5.0 (X11)"\n'
    )


LOG = [request(n) for n in range(200)]


def read(
    directory: Path, files: dict[str, list[str]], workers: int = 1, chunk_bytes: int = 0
) -> list[dict[str, object]]:
    for name, lines in files.items():
        (directory / name).write_text("".join(lines))
    options = (
        Options(cache=False, workers=workers)
        if not chunk_bytes
        else Options(cache=False, workers=workers, chunk_bytes=chunk_bytes)
    )
    results = open_paths([directory], options)
    sources = list(results.sources())
    assert sum(int(source["events"]) for source in sources) == results.store.rows("SELECT count(*) FROM events")[0][0]
    assert results.store.rows("SELECT count(*) FROM mentions WHERE eid NOT IN (SELECT eid FROM events)") == [(0,)]
    results.close()
    for source in sources:
        parts = ("events", "continuations", "directives", "blank", "duplicates", "unparsed")
        assert sum(int(source[part]) for part in parts) == source["lines"]
        assert sum(source["formats"].values()) == source["events"]
    return sources


@pytest.mark.parametrize("chunk_bytes", [0, 4096])
def test_the_overlap_of_a_rotated_copy_counts_once(tmp_path: Path, chunk_bytes: int) -> None:
    now, before = read(tmp_path, {"access.log": LOG[80:], "access.log.1": LOG[:120]}, chunk_bytes=chunk_bytes)
    assert (before["events"], before["duplicates"]) == (120, 0)
    assert (now["events"], now["duplicates"]) == (80, 40)
    assert now["notes"] == {"again what stands from access.log.1:81 on; counted once": 40}


def test_a_block_sent_again_counts_once(tmp_path: Path) -> None:
    (source,) = read(tmp_path, {"a.log": LOG[:150] + LOG[100:150] + LOG[100:150] + LOG[150:]})
    assert (source["events"], source["duplicates"]) == (200, 100)
    assert source["notes"] == {"again what stands from line 101 on; counted once": 100}


def test_lines_below_an_entry_go_with_it(tmp_path: Path) -> None:
    entries = [
        f"2026-01-02 15:04:{n:02d},123 ERROR [main] shop.Orders - no {n}\njava.lang.IllegalStateException: {n}\n\tat shop.A.b(A.java:{n})\n"
        for n in range(30)
    ]
    (source,) = read(tmp_path, {"a.log": entries + entries[10:]})
    assert (source["events"], source["continuations"], source["duplicates"]) == (30, 60, 60)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([request(1, n // 2) for n in range(200)], id="two probes in the same second"),
        pytest.param([request(1, 5)] * 50, id="one request in a loop"),
        pytest.param(LOG[:100] + LOG[93:100] + LOG[100:], id="fewer than can be told from chance"),
        pytest.param(LOG[:100] + [request(7, 99)] * 20 + LOG[100:], id="many within a second"),
        pytest.param([request(n, n - n % 3 * 2 + 4) for n in range(200)], id="in the order in which requests ended"),
        pytest.param(list(reversed(LOG)), id="newest first"),
        pytest.param([line for n in range(0, 200, 10) for line in LOG[n : n + 10] + LOG[n + 3 : n + 5]], id="pieces"),
    ],
)
def test_honest_repetition_stays(tmp_path: Path, lines: list[str]) -> None:
    (source,) = read(tmp_path, {"a.log": lines})
    assert (source["events"], source["duplicates"]) == (len(lines), 0)


def test_what_differs_in_one_value_is_no_copy(tmp_path: Path) -> None:
    other = [line.replace('" 200 ', '" 304 ') for line in LOG[50:100]]
    (source,) = read(tmp_path, {"a.log": LOG + other})
    assert (source["events"], source["duplicates"]) == (250, 0)


def test_two_logs_of_one_content_are_two_logs(tmp_path: Path) -> None:
    sources = read(tmp_path, {"web-a.log": LOG, "web-b.log": LOG[:150]})
    assert [source["duplicates"] for source in sources] == [0, 0]


# --- what a syslog daemon writes into several files -----------------------------------------------------------------------


def said(n: int, host: str = "web1", program: str = "shop") -> str:
    level = "WARN" if n % 5 == 0 else "INFO"
    return (
        f"Jan  2 15:{n // 60:02d}:{n % 60:02d} {host} {program}[{700 + n % 3}]: {level} order {5000 + n // 2} placed\n"
    )


SAID = [said(n) for n in range(120)]
OTHERS = [said(n, program="cron").replace("placed", "checked") for n in range(0, 120, 3)]


def duplicates(sources: list[dict[str, object]]) -> dict[str, tuple[object, object]]:
    return {str(source["path"]): (source["events"], source["duplicates"]) for source in sources}


def test_what_stands_in_a_larger_log_too_was_said_once(tmp_path: Path) -> None:
    everything = sorted(SAID + OTHERS, key=lambda line: line[:15])
    calm = [line for line in SAID if "WARN" not in line]
    sources = read(tmp_path, {"syslog": everything, "user.log": SAID, "messages": calm, "cron.log": OTHERS})
    assert duplicates(sources) == {"cron.log": (0, 40), "messages": (0, 96), "syslog": (160, 0), "user.log": (0, 120)}
    assert all(
        any("syslog:" in note for note in source["notes"])  # type: ignore[attr-defined]
        for source in sources
        if source["duplicates"]
    )


def test_what_the_larger_log_does_not_reach_back_to_stays(tmp_path: Path) -> None:
    recent = sorted(SAID[40:] + OTHERS[14:], key=lambda line: line[:15])
    sources = read(tmp_path, {"syslog": recent, "user.log": SAID[:100]})
    assert duplicates(sources)["user.log"] == (40, 60)


def test_said_twice_is_kept_twice(tmp_path: Path) -> None:
    """As often as the larger log has it, and no oftener."""
    sources = read(tmp_path, {"syslog": sorted(SAID + OTHERS), "user.log": sorted(SAID + SAID[:5])})
    assert duplicates(sources) == {"syslog": (160, 0), "user.log": (5, 120)}


@pytest.mark.parametrize(
    "other",
    [
        [said(n, host="web2") for n in range(100)],
        [said(n) for n in range(60)] + [said(n, program="pay") for n in range(60, 100)],
        [request(n) for n in range(100)],
    ],
    ids=["another host", "half of it", "a log without writers"],
)
def test_another_log_is_none(tmp_path: Path, other: list[str]) -> None:
    sources = read(tmp_path, {"a.log": SAID, "b.log": other})
    assert duplicates(sources) == {"a.log": (120, 0), "b.log": (100, 0)}


def test_two_hosts_that_log_the_same_requests_are_two(tmp_path: Path) -> None:
    """A monitor asks both at the same second: nothing in the lines says who wrote them."""
    probes = [
        f'192.0.2.9 - - [02/Jan/2026:15:{n:02d}:00 +0000] "GET /up HTTP/1.1" 200 2 "-" "UptimeRobot/2.0"\n'
        for n in range(50)
    ]
    sources = read(tmp_path, {"web1.log": probes, "web2.log": [*probes, request(3000)]})
    assert [source["duplicates"] for source in sources] == [0, 0]
