"""Logs that are written while they are read: nothing is lost, nothing counted twice, nothing judged too early."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from command import ACCESS

from reconstruct.errors import SourceError
from reconstruct.export.document import write_json
from reconstruct.export.events import EventTail
from reconstruct.following import Follower, Update
from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.results import Reconstruction
from reconstruct.sources.progress import Progress

SHOP = Path(__file__).parent.parent / "samples" / "shop" / "logs"
OPTIONS = Options(cache=False, workers=1)
OLD_S = 60


def export(results: Reconstruction) -> bytes:
    out = io.BytesIO()
    write_json(results, out)
    return out.getvalue()


def fresh(directory: Path) -> bytes:
    results = open_paths([directory], OPTIONS)
    try:
        return export(results)
    finally:
        results.close()


def lines(first: int, last: int) -> str:
    return "".join(ACCESS.format(n=n) for n in range(first, last + 1))


def append(path: Path, text: str, *, old: bool = True) -> None:
    """``old``: as if it had been written a while ago."""
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
    if old:
        rest(path)


def rest(path: Path) -> None:
    then = time.time() - OLD_S
    os.utime(path, (then, then))


class Followed:
    """Follows a directory without waiting."""

    def __init__(self, directory: Path, options: Options = OPTIONS, **more: float) -> None:
        self.follower = Follower([directory], **more)
        self.options = options
        self.results: Reconstruction | None = None
        self.read = 0
        """bytes read by the last update"""

    def update(self) -> Update | None:
        read = self

        class Counting(Progress):
            def advance(self, n_bytes: int = 0, n_lines: int = 0) -> None:
                read.read += n_bytes

        self.read = 0
        self.follower._rest_until = 0
        if not self.follower.is_due():
            return None
        update = self.follower.update(self.results, self.options, Counting())
        if update is not None:
            if self.results is not None:
                self.results.close()
            self.results = update.results
        return update

    def counted(self) -> dict[str, tuple[int, int, int]]:
        """Path → lines, events, lines there twice."""
        assert self.results is not None
        return {row["path"]: (row["lines"], row["events"], row["duplicates"]) for row in self.results.sources()}

    def close(self) -> None:
        if self.results is not None:
            self.results.close()
        self.follower.close()


Follow = Callable[..., Followed]


@pytest.fixture
def follow() -> Iterator[Follow]:
    made: list[Followed] = []

    def begin(directory: Path, options: Options = OPTIONS, **more: float) -> Followed:
        made.append(Followed(directory, options, **more))
        return made[-1]

    yield begin
    for each in made:
        each.close()


def test_results_that_were_kept_go_on_from_where_they_ended(
    tmp_path: Path, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are opened, not read; when a log grows only that is read, and another may be rotated meanwhile."""
    monkeypatch.setenv("RECONSTRUCT_CACHE_DIR", str(tmp_path / "cache"))
    logs = tmp_path / "logs"
    shutil.copytree(SHOP, logs)
    for path in (each for each in logs.rglob("*") if each.is_file()):
        rest(path)
    options = Options(workers=1)
    open_paths([logs], options).close()
    followed = follow(logs, options)
    assert followed.update() is not None
    assert followed.results is not None and not followed.results.known.key, "it was kept"
    assert followed.read == 0
    log = logs / "nginx" / "www.access.log"
    grown = log.read_text("utf-8").splitlines(keepends=True)[-3:]
    (logs / "gunicorn" / "access.log").rename(logs / "gunicorn" / "access.log.0")
    append(log, "".join(grown))
    total = sum(path.stat().st_size for path in logs.rglob("*") if path.is_file())
    assert followed.update() is not None
    assert 0 < followed.read < total / 4
    assert export(followed.results) == fresh(logs)
    append(log, grown[0])
    assert followed.update() is not None
    assert followed.read < total / 8
    assert export(followed.results) == fresh(logs)


@pytest.mark.parametrize(("seed", "chunk_bytes"), [(1, 8 << 20), (2, 60_000)])
def test_following_pieces_gives_what_a_fresh_run_over_the_files_gives(
    tmp_path: Path, seed: int, chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every log of the shop is written in pieces, one is rotated and compressed in between; the export is the same to the byte."""
    monkeypatch.setattr("reconstruct.engines.known.LOOKAHEAD", 30_000)
    monkeypatch.setattr("reconstruct.sources.chunks.LOOKAHEAD", 30_000)
    monkeypatch.setattr("reconstruct.events.source_profile.LOOKAHEAD", 30_000)
    random = Random(seed)
    directory = tmp_path / "logs"
    wanted = {
        path: path.read_bytes().splitlines(keepends=True)
        for path in SHOP.rglob("*")
        if path.is_file() and path.suffix != ".gz"
    }
    wanted = {directory / path.relative_to(SHOP): text for path, text in wanted.items()}
    cuts = {path: sorted(random.randrange(len(text) + 1) for _ in range(2)) for path, text in wanted.items()}
    options = Options(cache=False, workers=1, chunk_bytes=chunk_bytes)
    follower, results = Follower([directory]), None
    try:
        for step in range(4):
            for path, text in wanted.items():
                first, second = cuts[path]
                piece = b"".join((text[:first], text[first:second], text[second:], [])[step])
                path.parent.mkdir(parents=True, exist_ok=True)
                if piece:
                    with path.open("ab") as file:
                        file.write(piece)
                    rest(path)
            if step == 2:
                for path in sorted(SHOP.rglob("*.gz")):
                    shutil.copy(path, directory / path.relative_to(SHOP))
            if step == 3:
                rotated = directory / "app" / "shop.log"
                (directory / "app" / "shop.log.9.gz").write_bytes(gzip.compress(rotated.read_bytes(), mtime=0))
                rotated.unlink()
            follower._rest_until = 0
            update = follower.update(results, options, Progress())
            assert update is not None
            if results is not None:
                results.close()
            results = update.results
        assert export(results) == fresh(directory)
    finally:
        if results is not None:
            results.close()
        follower.close()


def test_only_what_is_new_is_read(tmp_path: Path, follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large log is read from the last chunk on; a log without any change is not opened at all."""
    large = "".join(
        ACCESS.format(n=n % 60).replace("10:00", f"{n // 3600:02d}:{n // 60 % 60:02d}") for n in range(12_000)
    )
    append(tmp_path / "access.log", large)
    append(tmp_path / "other.log", lines(1, 40))
    followed = follow(tmp_path, Options(cache=False, workers=1, chunk_bytes=100_000))
    followed.update()
    assert followed.read == len(large) + len(lines(1, 40))
    append(tmp_path / "access.log", lines(1, 3).replace("10:00", "23:00"))
    followed.update()
    assert 0 < followed.read < 500_000 < len(large)
    assert followed.counted() == {"access.log": (12_003, 12_003, 0), "other.log": (40, 40, 0)}
    monkeypatch.setattr(
        "reconstruct.engines.ingest.scan_sources", lambda sources, **_: iter([]) if not sources else 1 / 0
    )
    (tmp_path / "access.log").rename(tmp_path / "access.log.1")
    assert followed.update() is not None
    assert followed.counted() == {"access.log.1": (12_003, 12_003, 0), "other.log": (40, 40, 0)}


def test_nothing_is_due_without_a_change(tmp_path: Path, follow: Follow) -> None:
    append(tmp_path / "access.log", lines(1, 9))
    followed = follow(tmp_path)
    assert followed.update() is not None
    assert followed.update() is None
    rest(tmp_path / "access.log")
    os.utime(tmp_path / "access.log", (1_700_000_000, 1_700_000_000))
    assert followed.follower.has_news()
    assert followed.update() is None, "touched, but the same"
    assert not followed.follower.has_news()


def test_new_and_changed_journeys_are_told_apart(tmp_path: Path, follow: Follow) -> None:
    def visit(first: int, last: int, address: str = "192.0.2.1") -> str:
        return "".join(ACCESS.format(n=n).replace(f"192.0.2.{n} ", f"{address} ") for n in range(first, last + 1))

    append(tmp_path / "access.log", visit(1, 9))
    followed = follow(tmp_path)
    assert followed.update() == Update(followed.results)  # type: ignore[arg-type]
    append(tmp_path / "access.log", visit(10, 12))
    update = followed.update()
    assert update is not None and followed.results is not None
    (row,) = followed.results.journey_rows()
    assert (update.new, update.changed) == (frozenset(), {row["id"]})
    append(tmp_path / "access.log", visit(13, 13, "192.0.2.77"))
    update = followed.update()
    assert update is not None
    assert len(update.new) == 1 and update.changed == frozenset()


def test_rotation_by_renaming(tmp_path: Path, follow: Follow) -> None:
    append(tmp_path / "access.log", lines(1, 9))
    followed = follow(tmp_path)
    followed.update()
    (tmp_path / "access.log").rename(tmp_path / "access.log.1")
    append(tmp_path / "access.log.1", lines(10, 11))  # the writer has it still open
    append(tmp_path / "access.log", lines(12, 12))
    update = followed.update()
    assert update is not None and update.remarks == ("access.log is now access.log.1",)
    assert followed.counted() == {"access.log": (1, 1, 0), "access.log.1": (11, 11, 0)}
    assert export(update.results) == fresh(tmp_path)


def test_rotation_by_copying_and_truncating(tmp_path: Path, follow: Follow) -> None:
    append(tmp_path / "access.log", lines(1, 20))
    followed = follow(tmp_path)
    followed.update()
    shutil.copy(tmp_path / "access.log", tmp_path / "access.log.1")
    assert followed.update() is None or followed.counted() == {"access.log": (20, 20, 0)}, "a copy is not counted"
    (tmp_path / "access.log").write_text(lines(21, 22))
    followed.update()
    assert followed.counted() == {"access.log": (2, 2, 0), "access.log.1": (20, 20, 0)}
    assert followed.results is not None and export(followed.results) == fresh(tmp_path)


def test_compressing_what_was_rotated(tmp_path: Path, follow: Follow) -> None:
    append(tmp_path / "access.log", lines(10, 12))
    append(tmp_path / "access.log.1", lines(1, 9))
    followed = follow(tmp_path)
    followed.update()
    packed = gzip.compress((tmp_path / "access.log.1").read_bytes(), mtime=0)
    (tmp_path / "access.log.1.gz").write_bytes(packed[:-30])  # gzip is at work
    followed.update()
    assert followed.counted() == {"access.log": (3, 3, 0), "access.log.1": (9, 9, 0)}
    (tmp_path / "access.log.1.gz").write_bytes(packed)
    (tmp_path / "access.log.1").unlink()
    update = followed.update()
    assert update is not None and update.remarks == ("access.log.1 is now access.log.1.gz",)
    assert followed.counted() == {"access.log": (3, 3, 0), "access.log.1.gz": (9, 9, 0)}
    assert followed.read == 0, "what is in it is known"
    assert export(update.results) == fresh(tmp_path)


def test_truncation_begins_anew(tmp_path: Path, follow: Follow) -> None:
    append(tmp_path / "access.log", lines(1, 9))
    followed = follow(tmp_path)
    followed.update()
    (tmp_path / "access.log").write_text(lines(30, 31))
    update = followed.update()
    assert update is not None
    assert followed.counted() == {"access.log": (2, 2, 0)}
    append(tmp_path / "other.log", lines(1, 2))
    update = followed.update()
    assert update is not None and update.remarks == ("other.log is new",)


def test_files_that_vanish_are_said_and_left_out(tmp_path: Path, follow: Follow) -> None:
    append(tmp_path / "access.log", lines(1, 9))
    append(tmp_path / "other.log", lines(11, 14))
    followed = follow(tmp_path)
    followed.update()
    (tmp_path / "other.log").unlink()
    update = followed.update()
    assert update is not None and update.remarks == ("other.log is gone",)
    assert followed.counted() == {"access.log": (9, 9, 0)}
    (tmp_path / "access.log").unlink()
    with pytest.raises(SourceError):
        followed.update()
    assert followed.update() is None, "said once"
    append(tmp_path / "access.log", lines(1, 3))
    assert followed.update() is not None
    assert followed.counted() == {"access.log": (3, 3, 0)}


def test_an_unfinished_line_waits_until_it_is_whole(tmp_path: Path, follow: Follow) -> None:
    log = tmp_path / "access.log"
    append(log, lines(1, 9))
    followed = follow(tmp_path)
    followed.update()
    line = ACCESS.format(n=10)
    append(log, line[:25], old=False)
    assert followed.update() is None
    append(log, line[25:-1], old=False)
    assert followed.update() is None
    append(log, "\n", old=False)
    assert followed.update() is not None
    assert followed.counted() == {"access.log": (10, 10, 0)}


def test_a_last_line_that_never_ends_counts_in_the_end(tmp_path: Path, follow: Follow) -> None:
    log = tmp_path / "access.log"
    append(log, lines(1, 9))
    followed = follow(tmp_path, settle_s=0.3)
    followed.update()
    append(log, ACCESS.format(n=10)[:-1], old=False)
    assert followed.update() is None
    time.sleep(0.4)
    assert followed.update() is not None, "though no file has changed"
    assert followed.counted() == {"access.log": (10, 10, 0)}
    assert followed.results is not None and export(followed.results) == fresh(tmp_path)


def test_files_moved_while_they_are_read_are_read_again(
    tmp_path: Path, follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    import reconstruct.following as module

    append(tmp_path / "access.log", lines(1, 9))
    followed = follow(tmp_path)
    followed.update()
    append(tmp_path / "access.log", lines(10, 11))
    real = module.open_discovery

    def rotate(*arguments: object) -> Reconstruction:
        results = real(*arguments)  # type: ignore[arg-type]
        (tmp_path / "access.log").rename(tmp_path / "access.log.1")
        return results

    monkeypatch.setattr(module, "open_discovery", rotate)
    assert followed.update() is None
    monkeypatch.setattr(module, "open_discovery", real)
    assert followed.update() is not None
    assert followed.counted() == {"access.log.1": (11, 11, 0)}


def test_a_run_is_followed_by_a_rest(tmp_path: Path) -> None:
    append(tmp_path / "access.log", lines(1, 9))
    follower = Follower([tmp_path])
    update = follower.update(None, OPTIONS, Progress())
    assert update is not None
    append(tmp_path / "access.log", lines(10, 11))
    assert follower.has_news() and not follower.is_due()
    follower._rest_until = time.monotonic()
    assert follower.is_due()
    update.results.close()
    follower.close()


def test_stores_of_moments_past_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("RECONSTRUCT_CACHE_DIR", str(cache))
    logs = tmp_path / "logs"
    logs.mkdir()
    follower, results = Follower([logs]), None
    for n in range(3):
        append(logs / "access.log", lines(4 * n + 1, 4 * n + 4))
        update = follower.update(results, Options(workers=1), Progress())
        assert update is not None
        results = update.results
        assert [results.store.path] == list((cache / "stores").iterdir())
        assert results.count_journeys() == 4 * n + 4
    follower.close()


def test_a_stream_is_followed_as_it_comes(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    follower = Follower(["-"], stdin=os.fdopen(reading, "rb", buffering=0))
    with pytest.raises(SourceError):
        follower.update(None, OPTIONS, Progress())
    results = None
    with os.fdopen(writing, "w") as out:
        for last in (5, 9):
            out.write(lines(last - 3, last))
            out.flush()
            until = time.monotonic() + 20
            while not follower.has_news() and time.monotonic() < until:
                time.sleep(0.01)
            update = follower.update(results, OPTIONS, Progress())
            assert update is not None
            results = update.results
            assert sum(row["events"] for row in results.sources()) == last - 1
        assert not follower.is_over
    until = time.monotonic() + 20
    while not follower.is_over and time.monotonic() < until:
        time.sleep(0.01)
    assert follower.is_over
    follower.close()


def test_each_event_is_written_once_over_rotation_and_compression(tmp_path: Path, follow: Follow) -> None:
    out = io.BytesIO()
    tail = EventTail(out)
    followed = follow(tmp_path)

    def step() -> int:
        assert followed.update() is not None and followed.results is not None
        tail.write(followed.results, lambda source: True, grown=True)
        return out.getvalue().count(b"\n")

    log = tmp_path / "access.log"
    append(log, lines(1, 5))
    assert step() == 5
    append(log, lines(6, 7))
    assert step() == 7
    log.rename(tmp_path / "access.log.1")
    append(tmp_path / "access.log.1", lines(8, 8))
    append(log, lines(9, 9))
    assert step() == 9
    (tmp_path / "access.log.1.gz").write_bytes(gzip.compress((tmp_path / "access.log.1").read_bytes()))
    (tmp_path / "access.log.1").unlink()
    assert step() == 9
    shutil.copy(log, tmp_path / "access.log.0")
    log.write_text(lines(10, 10))
    assert step() == 10
    targets = [line.split(b'"target":"')[1].split(b'"')[0] for line in out.getvalue().splitlines()]
    assert len(set(targets)) == len(targets) == 10


def test_the_last_entry_is_written_when_its_log_rests(tmp_path: Path, follow: Follow) -> None:
    """A stack trace may still follow."""
    out = io.BytesIO()
    tail = EventTail(out)
    followed = follow(tmp_path)
    entry = "2026-09-14 10:00:0{n} ERROR [main] shop.Cart - out of stock {n}\n"
    log = tmp_path / "app.log"
    append(log, entry.format(n=1) + entry.format(n=2))
    assert followed.update() is not None and followed.results is not None
    assert tail.write(followed.results, lambda source: False, grown=True), "held"
    assert out.getvalue().count(b"\n") == 1
    append(log, "java.lang.IllegalStateException: none left\n\tat shop.Cart.add(Cart.java:12)\n")
    assert followed.update() is not None
    assert not tail.write(followed.results, lambda source: True, grown=True)
    first, second = out.getvalue().splitlines()
    assert b'"lines":1' in first and b'"lines":3' in second
    assert not tail.write(followed.results, lambda source: True, grown=False)
    assert out.getvalue().count(b"\n") == 2
