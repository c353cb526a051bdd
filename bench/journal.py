"""Where simulated lines go: log files in time order, rotated by day, and the truth about each line.

Lines arrive roughly in time order; those older than a horizon are final and are written, so memory stays small however
large the logs are.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import IO, cast

DAY_MS = 86_400_000
Line = tuple[int, str, str | None, Sequence[str]]
"""Milliseconds it was written at, text, session, orders."""
Sink = Callable[[Line], None]


def open_gzip(path: Path, level: int) -> IO[bytes]:
    """A gzip file without name and time in it, so that the same seed gives the same bytes."""
    file = path.open("wb")
    zipped = gzip.GzipFile("", "wb", level, file, 0)
    zipped.myfileobj = file  # closed with it, as GzipFile does with files that it opened itself
    return cast(IO[bytes], zipped)


class Log:
    """One log and its rotated files."""

    def __init__(self, out: Path, name: str, days: int, rotate: bool, compress: bool) -> None:
        self.out, self.name, self.days, self.rotate, self.compress = out, name, days, rotate, compress
        self.pending: list[Line] = []
        self.path = ""
        self.n_lines = 0  # of the file being written
        self._day = -1
        self._file: IO[bytes] | None = None

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, lines: list[Line], truth: list[str]) -> None:
        """Append lines in order; append what is true of them to ``truth``."""
        start = 0
        while start < len(lines):
            day = lines[start][0] // DAY_MS if self.rotate else self.days - 1
            if day != self._day:
                self._open(day)
            stop = start
            while stop < len(lines) and (not self.rotate or lines[stop][0] // DAY_MS == day):
                stop += 1
            self._append(lines[start:stop], truth)
            start = stop

    def _open(self, day: int) -> None:
        self.close()
        age = self.days - 1 - day
        zipped = self.compress and (age > 1 or not self.rotate)
        self.path = self.name + (f".{age}" if age > 0 else "") + (".gz" if zipped else "")
        file = self.out / "logs" / self.path
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = open_gzip(file, 6) if zipped else file.open("wb")
        self._day, self.n_lines = day, 0

    def _append(self, lines: list[Line], truth: list[str]) -> None:
        assert self._file is not None
        n, path = self.n_lines, json.dumps(self.path)
        for _, text, session, orders in lines:
            if orders or session:
                owner = f'"{session}"' if session else "null"
                listed = json.dumps(orders) if orders else "[]"
                truth.append(f'{{"path":{path},"line":{n + 1},"session":{owner},"orders":{listed}}}\n')
            n += 1 + text.count("\n")
        self.n_lines = n
        self._file.write("".join([line[1] + "\n" for line in lines]).encode())


class Journal:
    """All logs of one run. ``limit`` ends it after so many lines; ``only`` keeps one log and drops the rest."""

    def __init__(
        self, out: Path, days: int, *, rotated: Sequence[str], compress: bool, limit: int = 0, only: str = ""
    ) -> None:
        self.out, self.days, self.compress, self.limit, self.only = out, days, compress, limit, only
        self.rotated = frozenset(rotated)
        self.logs: dict[str, Log] = {}
        self.n_lines = 0
        self.full = False
        out.mkdir(parents=True, exist_ok=True)
        self._truth = open_gzip(out / "truth-lines.jsonl.gz", 1)

    def sink(self, name: str) -> Sink:
        """What appends a line to the log of this name."""
        if self.only and name != self.only:
            return lambda line: None
        if name not in self.logs:
            self.logs[name] = Log(self.out, name, self.days, name in self.rotated, self.compress)
        return self.logs[name].pending.append

    def own(self, order: str, session: str) -> None:
        """Which session placed an order."""
        self._truth.write(f'{{"order":"{order}","session":"{session}"}}\n'.encode())

    def flush(self, horizon: int) -> None:
        """Write every line before ``horizon`` (milliseconds); none may arrive for that time any more."""
        truth: list[str] = []
        for log in self.logs.values():
            log.pending.sort(key=itemgetter(0))
            n = len(log.pending)
            while n and log.pending[n - 1][0] >= horizon:
                n -= 1
            if self.limit:
                n = min(n, self.limit - self.n_lines)
                self.full = self.full or n + self.n_lines >= self.limit
            if n:
                log.write(log.pending[:n], truth)
                del log.pending[:n]
                self.n_lines += n
        self._truth.write("".join(truth).encode())

    def close(self) -> None:
        for log in self.logs.values():
            log.close()
        self._truth.close()
