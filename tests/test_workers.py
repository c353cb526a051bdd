"""What travels between processes arrives as it was sent, and leaves nothing behind."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from reconstruct.engines.workers import Parcel, Shared, WorkerPool

ROWS = 100_000


def double(parcel: Parcel[tuple[pa.Table, np.ndarray]], factor: Shared[int]) -> Parcel[tuple[pa.Table, np.ndarray]]:
    table, numbers = parcel.content
    return Parcel((table, numbers * factor.content))


def send_and_compare(pool: WorkerPool) -> None:
    table = pa.table({"text": [f"line {n}" for n in range(ROWS)], "maybe": [None, 1] * (ROWS // 2)})
    factor = Shared(2)
    sent = [(table.slice(n, 1_000 * n), np.arange(n * 20_000)) for n in range(4)]
    waiting = [pool.submit(double, Parcel(each), factor) for each in sent]
    for (rows, numbers), future in zip(sent, waiting, strict=True):
        back, doubled = future.result(timeout=60).content
        assert back.equals(rows)
        assert np.array_equal(doubled, numbers * 2)


def test_parcels_arrive_whole_and_their_files_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pool = WorkerPool(2)
    (spool,) = tmp_path.iterdir()
    try:
        send_and_compare(pool)
        assert not list(spool.iterdir())
    finally:
        pool.shutdown()
    assert not list(tmp_path.iterdir())


def test_without_room_for_files_parcels_go_through_the_pipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pool = WorkerPool(2)
    try:
        for spool in tmp_path.iterdir():
            spool.rmdir()
        send_and_compare(pool)
    finally:
        pool.shutdown()


def test_workers_start_from_a_caller_that_has_threads() -> None:
    release = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        threads.submit(release.wait)
        try:
            pool = WorkerPool(1)
            try:
                send_and_compare(pool)
            finally:
                pool.shutdown()
        finally:
            release.set()
