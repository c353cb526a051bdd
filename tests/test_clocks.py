"""Clocks of logs that state no zone: set by what falls together, and not by what merely follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

START = datetime(2026, 3, 2, 8)
Line = tuple[float, str]


def offsets(directory: Path, **logs: Iterable[Line]) -> dict[str, tuple[int, str]]:
    """Seconds taken off the stamps of each log, and where that is from; ``*_z`` says that it is UTC, the others say nothing."""
    for name, lines in logs.items():
        text = "".join(_line(name, START + timedelta(seconds=at), said) for at, said in sorted(lines))
        (directory / f"{name}.log").write_text(text, encoding="utf-8")
    results = open_paths([directory], Options(cache=False, workers=1))
    rows = results.store.rows("SELECT name, offset_s, origin FROM families JOIN zones USING (family)")
    results.close()
    return {name.removesuffix(".log"): (offset, origin) for name, offset, origin in rows}


def _line(name: str, at: datetime, said: str) -> str:
    stamp = at.isoformat(timespec="milliseconds")
    return (
        f"time={stamp}Z level=info msg={said}\n"
        if name.endswith("_z")
        else f"{stamp.replace('T', ' ')} INFO {name}: {said}\n"
    )


def moments(n: int = 120) -> list[float]:
    rng, at, found = Random(f"moments {n}"), 0.0, []
    for _ in range(n):
        at += rng.uniform(40, 400)
        found.append(at)
    return found


BOOKINGS = [f"{Random(n).choice('QWERTZ')}{n:03}XK" for n in range(120)]


def two_lines(at: float) -> list[Line]:
    """A job that tells of one thing twice."""
    return [(at, "Loading the ticket"), (at + 0.2, "Ticket loaded")]


def later_ended(at: float) -> list[Line]:
    return [(at, "Picking a ticket up"), (at + Random(at).uniform(3, 30), "Ticket printed")]


@pytest.mark.parametrize("work", [two_lines, later_ended])
@pytest.mark.parametrize("pause", [12, -12, 40])
def test_a_pause_that_is_always_the_same_is_no_clock(
    tmp_path: Path, work: Callable[[float], list[Line]], pause: int
) -> None:
    found = offsets(
        tmp_path,
        mail_z=[(at + pause, '"mail sent"') for at in moments()],
        job=[each for at in moments() for each in work(at)],
    )
    assert found["job"][0] == 0


@pytest.mark.parametrize("ahead", [12, -12, 40])
def test_a_clock_that_is_off_shifts_all_a_log_tells(tmp_path: Path, ahead: int) -> None:
    said = ["Cart opened", "Customer signed in", "Order placed"]
    app = [(at + ahead, said[n % 3]) for n, at in enumerate(moments())]
    assert offsets(tmp_path, gateway_z=[(at, '"called"') for at in moments()], app=app)["app"] == (ahead, "inferred")


@pytest.mark.parametrize("false_s", [7200, -7200, 19_800])
def test_a_false_zone_misleads_no_other_log(tmp_path: Path, false_s: int) -> None:
    """The depot writes local time and calls it UTC; the worker, which is right, is busy when the depot is."""
    work = list(zip(moments(), BOOKINGS, strict=True))
    found = offsets(
        tmp_path,
        depot_z=[(at + false_s, f'"packed" booking={name}') for at, name in work],
        payments_z=[(at - Random(name).uniform(5, 300), f'"paid" booking={name}') for at, name in work],
        edge_z=[(at - Random(name).uniform(300, 500), f'"ordered" booking={name}') for at, name in work],
        worker=[(at, f"packing booking {name}") for at, name in work],
    )
    assert found["worker"][0] == 0
