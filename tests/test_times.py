"""Times of whole files, through the front door: what stamps do not say is completed, and it is said that it was."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from reconstruct.export.events import write_events
from reconstruct.options import Options
from reconstruct.pipeline import open_paths

WRITTEN = datetime(2026, 9, 14, 20, 0, tzinfo=UTC)


def read(
    path: Path, lines: list[str], written: datetime = WRITTEN, name: str = "app.log", **options: Any
) -> tuple[list[str], dict[str, Any]]:
    """The times of the events, without their ``Z``, and the source's row."""
    file = path / name
    file.write_text("\n".join(lines) + "\n")
    os.utime(file, (written.timestamp(), written.timestamp()))
    results = open_paths([path], Options(cache=False, workers=1, **options))
    out = io.BytesIO()
    write_events(results, out)
    (source,) = results.sources()
    results.close()
    events = [orjson.loads(line) for line in out.getvalue().splitlines()]
    assert len(events) == len(lines)
    return [event["time"].rstrip("Z") for event in events], source


def moments(first: datetime, last: datetime, step: timedelta) -> list[datetime]:
    return [first + n * step for n in range(int((last - first) / step) + 1)]


def written_as(when: list[datetime], shape: str) -> list[str]:
    return [f"{each.strftime(shape)} app: order {n} placed" for n, each in enumerate(when)]


def iso(when: list[datetime]) -> list[str]:
    return [each.strftime("%Y-%m-%dT%H:%M:%S.%f") for each in when]


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        ("1789380721", "2026-09-14T10:12:01.000000"),
        ("1789380721.5", "2026-09-14T10:12:01.500000"),
        ("1789380721123", "2026-09-14T10:12:01.123000"),
        ("1789380721123456", "2026-09-14T10:12:01.123456"),
        ("1789380721123456789", "2026-09-14T10:12:01.123456"),
        ("2026-09-14T10:12:01.1Z", "2026-09-14T10:12:01.100000"),
        ("2026-09-14T10:12:01.123456789123Z", "2026-09-14T10:12:01.123456"),
        ("2026-09-14T10:12:01,123+02:00", "2026-09-14T08:12:01.123000"),
        ("2026-09-14 10:12:01.123 +0200", "2026-09-14T08:12:01.123000"),
        ("2026-09-14 10:12:01 CEST", "2026-09-14T08:12:01.000000"),
        ("2026-09-14T10:12Z", "2026-09-14T10:12:00.000000"),
        ("20260914101201", "2026-09-14T10:12:01.000000"),
        ("Mon Sep 14 10:12:01 CEST 2026", "2026-09-14T08:12:01.000000"),
        ("Mon, 14 Sep 2026 10:12:01 +0200", "2026-09-14T08:12:01.000000"),
        ("14 sept. 2026 10:12:01", "2026-09-14T10:12:01.000000"),
        ("[14/Sep/2026:10:12:01.123 +0200]", "2026-09-14T08:12:01.123000"),
        ("14.09.2026 10:12:01", "2026-09-14T10:12:01.000000"),
        ("09/14/2026 11:59:59 PM", "2026-09-14T23:59:59.000000"),
        ("09/14/2026 12:00:01 AM", "2026-09-14T00:00:01.000000"),
        ("9/14/2026 12:00 p.m.", "2026-09-14T12:00:00.000000"),
        ("Sep 14, 2026 9:12:01 PM", "2026-09-14T21:12:01.000000"),
        ("Sep 14 10:12:01", "2026-09-14T10:12:01.000000"),
        ("14 Sep 10:12:01.123", "2026-09-14T10:12:01.123000"),
        ("09-14 10:12:01.123", "2026-09-14T10:12:01.123000"),
        ("10:12:01,123", "2026-09-14T10:12:01.123000"),
    ],
)
def test_stamps(tmp_path: Path, stamp: str, time: str) -> None:
    times, _ = read(tmp_path, [f"{stamp} INFO order placed"])
    assert times == [time]


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_year_comes_from_the_file_and_the_lines_around(tmp_path: Path, newest_first: bool) -> None:
    when = moments(datetime(2023, 9, 1), datetime(2026, 9, 14), timedelta(days=31))
    when = when[::-1] if newest_first else when
    times, source = read(tmp_path, written_as(when, "%b %e %H:%M:%S web1"))
    assert times == iso(when)
    assert any("no year in its stamps" in note for note in source["notes"])


@pytest.mark.parametrize("newest_first", [False, True])
def test_new_year(tmp_path: Path, newest_first: bool) -> None:
    when = moments(datetime(2025, 12, 31, 23, 59, 58), datetime(2026, 1, 1, 0, 0, 3), timedelta(seconds=1))
    when = when[::-1] if newest_first else when
    times, _ = read(tmp_path, written_as(when, "%b %e %H:%M:%S web1"), datetime(2026, 1, 1, 0, 0, 3, tzinfo=UTC))
    assert times == iso(when)


@pytest.mark.parametrize("hours", [0, 2, -7, 12])
def test_a_time_of_day_of_one_day(tmp_path: Path, hours: int) -> None:
    """Wherever the server stands: stamps are local, the file's time is not."""
    when = moments(datetime(2026, 9, 14, 0, 5), datetime(2026, 9, 14, 23, 55), timedelta(minutes=50))
    times, source = read(
        tmp_path, written_as(when, "%H:%M:%S.%f"), when[-1].replace(tzinfo=UTC) - timedelta(hours=hours)
    )
    assert times == iso(when)
    assert any("no day in its stamps" in note for note in source["notes"])


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("first_hour", [0, 9])
def test_a_time_of_day_of_many_days(tmp_path: Path, newest_first: bool, first_hour: int) -> None:
    when = moments(datetime(2026, 9, 10), datetime(2026, 9, 14, 20), timedelta(minutes=40))
    when = [each for each in when if each.hour >= first_hour]
    when = when[::-1] if newest_first else when
    times, _ = read(tmp_path, written_as(when, "%H:%M:%S"))
    assert times == iso(when)


def test_chunks_do_not_matter_to_days(tmp_path: Path) -> None:
    when = moments(datetime(2026, 9, 10), datetime(2026, 9, 14, 20), timedelta(minutes=3))
    times, _ = read(tmp_path, written_as(when, "%H:%M:%S"), chunk_bytes=4096)
    assert times == iso(when)


def test_the_day_of_a_copy_comes_from_its_name(tmp_path: Path) -> None:
    when = moments(datetime(2026, 9, 14, 5), datetime(2026, 9, 14, 23), timedelta(hours=1))
    times, _ = read(tmp_path, written_as(when, "%H:%M:%S"), datetime(2027, 3, 1, tzinfo=UTC), name="app-2026-09-14.log")
    assert times == iso(when)


def test_lines_out_of_order_are_no_midnight(tmp_path: Path) -> None:
    when = [datetime(2026, 9, 14, 18, minute) for minute in (1, 0, 2, 1, 3)]
    times, _ = read(tmp_path, written_as(when, "%H:%M:%S"))
    assert times == iso(when)


def test_dated_logs_that_were_joined_keep_their_days(tmp_path: Path) -> None:
    when = moments(datetime(2026, 9, 14, 1), datetime(2026, 9, 14, 19), timedelta(hours=1)) * 2
    times, source = read(tmp_path, written_as(when, "%Y-%m-%d %H:%M:%S"))
    assert times == iso(when)
    assert source["notes"] == {}


def test_an_envelope_gives_the_day(tmp_path: Path) -> None:
    lines = [
        '{"log":"23:59:59.123 [main] INFO shop.A - a\\n","stream":"stdout","time":"2026-03-14T23:59:59.2Z"}',
        '{"log":"00:00:01.123 [main] INFO shop.A - b\\n","stream":"stdout","time":"2026-03-15T00:00:01.2Z"}',
    ]
    times, source = read(tmp_path, lines)
    assert times == ["2026-03-14T23:59:59.200000", "2026-03-15T00:00:01.200000"]
    assert source["timezone_from"] == "stamp"


def test_an_hour_that_is_left_out_or_comes_twice(tmp_path: Path) -> None:
    """What the clocks of a server do in spring and autumn is a time all the same; the zone is said to be assumed."""
    stamps = [
        "2026-03-29 01:59:59",
        "2026-03-29 02:30:00",
        "2026-03-29 03:00:01",
        "2026-10-25 02:30:00",
        "2026-10-25 02:10:00",
    ]
    times, source = read(tmp_path, [f"{stamp} INFO order placed" for stamp in stamps], WRITTEN + timedelta(days=90))
    assert times == [f"{stamp.replace(' ', 'T')}.000000" for stamp in stamps]
    assert source["timezone_from"] == "assumed"


def test_a_region_that_is_given_has_its_seasons(tmp_path: Path) -> None:
    """Each stamp has the offset of its day, whatever holds today; of an hour that comes twice the first is meant."""
    stamps = [
        "2026-01-02 15:00:00",
        "2026-03-29 01:59:59",
        "2026-03-29 03:00:00",
        "2026-07-02 15:00:00",
        "2026-10-25 02:30:00",
        "2026-10-25 03:00:00",
        "2027-07-02 15:00:00",
    ]
    lines = [f"{stamp} INFO order placed" for stamp in stamps]
    times, source = read(tmp_path, lines, timezone_s=7200, region="Europe/Paris")
    paris = [datetime.fromisoformat(stamp).replace(tzinfo=ZoneInfo("Europe/Paris")) for stamp in stamps]
    assert times == iso([moment.astimezone(UTC) for moment in paris])
    assert (source["timezone"], source["timezone_from"]) == ("+01:00", "given")
    assert source["quality"]["timezone_why"] == "given by the user: Europe/Paris"
    assert read(tmp_path, lines, timezone_s=7200)[0] != times


def test_lines_that_say_their_year_keep_it(tmp_path: Path) -> None:
    """HAProxy's own stamp in a syslog of HAProxy: whatever order the lines are in."""
    tail = "http-in app/web1 0/0/1/2/3 200 512 - - ---- 1/1/0/0/0 0/0"
    lines = [
        f'Sep 10 10:00:00 lb1 haproxy[71]: 192.0.2.7:4711 [10/Sep/{year}:10:00:00.000] {tail} "GET /a HTTP/1.1"'
        for year in (2024, 2012, 2025, 2018)
    ]
    times, _ = read(tmp_path, lines)
    assert [time[:4] for time in times] == ["2024", "2012", "2025", "2018"]


def test_lines_in_no_order_are_left_alone(tmp_path: Path) -> None:
    when = [datetime(2026, 1 + 7 * (n % 2), 1, 0, 0, n % 60) for n in range(200)]
    times, _ = read(tmp_path, written_as(when, "%b %e %H:%M:%S web1"))
    assert times == iso(when)


def test_a_log_without_any_moment_stands_where_the_logs_begin(tmp_path: Path) -> None:
    """1970 would be the first day of every chart."""
    (tmp_path / "development.log").write_text(
        "Started GET /products/5 for 192.0.2.5:41000\nCompleted 200 OK in 1.2ms\n" * 4
    )
    (tmp_path / "access.log").write_text(
        "".join(
            f'192.0.2.9 - - [14/Sep/2026:10:0{minute}:00 +0000] "GET /products/{minute} HTTP/1.1" 200 5 "-" "curl/8.5"\n'
            for minute in range(5)
        )
    )
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    began = {orjson.loads(document)["started_at"][:16] for document in results.documents()}
    results.close()
    assert began == {"2026-09-14T10:00"}


def test_an_envelope_says_the_day_that_stamps_inside_lack(tmp_path: Path) -> None:
    """Then nothing was taken from anywhere else, and nothing needs saying."""
    told = ("accepted", "looked up", "sent")
    (tmp_path / "app-json.log").write_text(
        "".join(
            f'{{"log":"18:0{at}:00.120 INFO  c.e.Orders#4{at} order {text}\\n","stream":"stdout","time":"2026-03-02T10:0{at}:00.120345678Z"}}\n'
            for at, text in enumerate(told)
        )
    )
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    (source,) = results.sources()
    results.close()
    assert (source["first_at"], source["notes"]) == ("2026-03-02T10:00:00.120345Z", {})
