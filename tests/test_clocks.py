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


NUMBERS = [f"{100_234 + 7 * n}" for n in range(120)]
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


@pytest.mark.parametrize("names", [BOOKINGS, NUMBERS])
@pytest.mark.parametrize("false_s", [7200, -7200, 19_800])
def test_a_false_zone_misleads_no_other_log(tmp_path: Path, false_s: int, names: list[str]) -> None:
    """The depot writes local time and calls it UTC; the worker, which is right, is busy when the depot is."""
    work = list(zip(moments(), names, strict=True))
    found = offsets(
        tmp_path,
        depot_z=[(at + false_s, f'"packed" booking={name}') for at, name in work],
        payments_z=[(at - Random(name).uniform(5, 300), f'"paid" booking={name}') for at, name in work],
        edge_z=[(at - Random(name).uniform(300, 500), f'"ordered" booking={name}') for at, name in work],
        worker=[(at, f"packing booking {name}") for at, name in work],
    )
    assert found["worker"][0] == 0


def ahead(directory: Path, shop: list[Line], gate: list[Line], *, more: list[Line] = []) -> dict[str, int]:  # noqa: B006
    """Milliseconds that each log's clock was found to be ahead; all state their zone."""
    for name, lines in (("shop", shop), ("gate", gate), ("desk", more)):
        text = "".join(_line(f"{name}_z", START + timedelta(seconds=at), said) for at, said in sorted(lines))
        (directory / f"{name}.log").write_text(text, encoding="utf-8")
    results = open_paths([directory], Options(cache=False, workers=1))
    found = {source["path"]: -source["clock_offset_ms"] for source in results.sources()}
    results.close()
    return {path.removesuffix(".log"): ms for path, ms in found.items() if ms}


def asks(took: Callable[[Random], float], off: float = 0.0, n: int = 60) -> tuple[list[Line], list[Line]]:
    """A shop that asks a gateway whose clock is off, and waits for the answer."""
    shop, gate = [], []
    for at, name in zip(moments(n), BOOKINGS, strict=False):
        rng = Random(name)
        out, work, back = rng.uniform(0.005, 0.03), took(rng), rng.uniform(0.005, 0.03)
        shop += [(at, f'"paying" booking={name}'), (at + out + work + back, f'"paid" booking={name}')]
        gate += [(at + out + off, f'"asked" booking={name}'), (at + out + work + off, f'"answered" booking={name}')]
    return shop, gate


def varying(rng: Random) -> float:
    return 0.2 + rng.expovariate(1 / 0.6)


@pytest.mark.parametrize("off", [-0.9, -0.3, -0.05, 0.05, 0.3, 0.9, 7.0])
def test_clocks_are_set_by_question_and_answer(tmp_path: Path, off: float) -> None:
    shop, gate = asks(varying, off)
    found = ahead(tmp_path, [*shop, *((at + 0.01, '"logged in"') for at in moments(90))], gate)
    assert set(found) == {"gate"}, "the log with fewer lines, as nothing else tells"
    assert abs(found["gate"] - off * 1000) <= 25


def follows(pause: float) -> tuple[list[Line], list[Line]]:
    """A shop that works, and a gateway that works always so long after the shop has begun."""
    shop, gate = [], []
    for at, name in zip(moments(60), BOOKINGS, strict=False):
        rng = Random(name)
        shop += [(at, f'"paying" booking={name}'), (at + varying(rng), f'"paid" booking={name}')]
        gate += [(at + pause, f'"told" booking={name}'), (at + pause + varying(rng) / 3, f'"done" booking={name}')]
    return shop, gate


@pytest.mark.parametrize(
    "logs",
    [
        pytest.param(asks(varying), id="clocks that agree"),
        pytest.param(asks(varying, 0.3, n=15), id="too few exchanges"),
        pytest.param(asks(lambda rng: 0.4, 0.3), id="always as long: a pause looks the same"),
        pytest.param(follows(0.5), id="what follows after half a second"),
        pytest.param(follows(-0.5), id="what comes half a second before"),
        pytest.param(follows(12.0), id="what follows after twelve seconds"),
    ],
)
def test_without_question_and_answer_no_clock_is_set(tmp_path: Path, logs: tuple[list[Line], list[Line]]) -> None:
    assert ahead(tmp_path, *logs) == {}


def test_the_clock_is_off_that_the_others_do_not_agree_with(tmp_path: Path) -> None:
    """The shop writes less than the gateway, and a desk asks both."""
    shop, gate = asks(varying, 0.4)
    desk = [(at + add, said) for at, said in shop for add in ((-0.05,) if "paying" in said else (0.05,))]
    noise = [(at + 0.4, '"tick"') for at in moments(100)]
    assert set(ahead(tmp_path, shop, [*gate, *noise], more=desk)) == {"gate"}
