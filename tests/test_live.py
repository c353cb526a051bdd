"""Results that grow while logs are read: what the interface opens on."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import pytest

from reconstruct.live import LiveReader
from reconstruct.options import Options
from reconstruct.sources import discover

SHOP = Path(__file__).parent.parent / "samples" / "shop" / "logs"


def wait_for(reader: LiveReader) -> None:
    until = time.monotonic() + 120
    while not reader.progress().finished and time.monotonic() < until:
        time.sleep(0.05)
    assert reader.progress().finished


def test_reads_in_the_background_and_shows_all_of_it_in_the_end() -> None:
    reader = LiveReader(discover([SHOP]), Options(cache=False, workers=1))
    assert reader.count_journeys() >= 0
    wait_for(reader)
    assert reader.progress().note == ""
    assert reader.version() >= 1
    assert reader.count_journeys() == len(reader.journey_rows(limit=10_000)) > 500
    first = reader.journey_rows(limit=1)[0]["id"]
    source, line = reader.journey(first)["customer_journey"]["touchpoints"][0]["events"][0]
    assert reader.raw(source, line)[0].is_entry_start
    reader.close()


class Captured(io.StringIO):
    """What an interface puts in the place of stderr."""

    def fileno(self) -> int:
        return -1


def test_worker_processes_start_although_the_interface_has_taken_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconstruct.pipeline.WORTH_WORKERS", 0)
    reader = LiveReader(discover([SHOP]), Options(cache=False, workers=2))
    monkeypatch.setattr(sys, "stderr", Captured())
    wait_for(reader)
    assert reader.failure is None
    assert reader.count_journeys() > 500
    reader.close()


def test_a_fault_of_the_program_is_shown_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("no such thing")

    monkeypatch.setattr("reconstruct.pipeline.make_plan", fail)
    reader = LiveReader(discover([SHOP / "payments"]), Options(cache=False, workers=1))
    wait_for(reader)
    assert "ZeroDivisionError" in reader.progress().note
    assert isinstance(reader.failure, ZeroDivisionError)
    reader.close()
