"""Results that grow while logs are read: what the interface opens on."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import pytest

from reconstruct.amending import set_role
from reconstruct.configuration import read_configuration
from reconstruct.errors import ConfigurationError
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


def test_a_decision_is_written_and_correlated_without_reading_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "reconstruct.toml"
    reader = LiveReader(discover([SHOP]), Options(store=tmp_path / "shop.duckdb", workers=1), path)
    with pytest.raises(ConfigurationError, match="still being read"):
        reader.amend(set_role("order", "resource"))
    assert not path.exists()
    wait_for(reader)
    before = reader.version()
    assert any(row["type"] == "order" and row["role"] == "object" for row in reader.identifiers())
    monkeypatch.setattr("reconstruct.pipeline.ingest", None)
    reader.amend(set_role("order", "resource"))
    wait_for(reader)
    assert reader.failure is None and reader.version() == before + 1
    assert next(row for row in reader.identifiers() if row["type"] == "order")["role"] == "resource"
    assert read_configuration(path).pins.types[0].role == "resource"
    assert all("order:" not in str(row["id"]) for row in reader.business_rows())
    reader.close()


class Captured(io.StringIO):
    """What an interface puts in the place of stderr."""

    def fileno(self) -> int:
        return -1


def test_worker_processes_start_although_the_interface_has_taken_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconstruct.engines.local.WORTH_WORKERS", 0)
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
