"""The progress bar: a terminal sees one line, anything else nothing."""

from __future__ import annotations

import io

import pytest

from reconstruct.sources.progress import Progress, ProgressBar, progress_on


class Terminal(io.StringIO):
    """A stream that says it is a terminal, and shows what its line says now."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True

    @property
    def line(self) -> str:
        return self.getvalue().rsplit("\r", 1)[-1].rstrip()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def bar_on(terminal: Terminal, clock: Clock, columns: int = 100, ascii_only: bool = False) -> ProgressBar:
    return ProgressBar(terminal, clock=clock, columns=lambda: columns, ascii_only=ascii_only)


def half_way(columns: int, ascii_only: bool = False) -> Terminal:
    terminal, clock = Terminal(), Clock()
    bar = bar_on(terminal, clock, columns, ascii_only)
    bar.phase("reading", 240_000_000)
    clock.now = 4.0
    bar.advance(120_000_000, 1_240_000)
    return terminal


def test_it_tells_phase_share_bytes_lines_and_rate() -> None:
    assert half_way(100).line == "reading ████████████────────────   50%  120 MB/240 MB  1,240,000 lines  310k/s"
    assert half_way(100, ascii_only=True).line.startswith("reading ############------------   50%")


@pytest.mark.parametrize("columns", range(1, 90))
def test_a_narrow_terminal_drops_the_least(columns: int) -> None:
    line = half_way(columns).line
    assert len(line) < columns
    assert line.startswith("reading"[: columns - 1])
    assert ("50%" in line) == (columns > 13)
    assert ("lines" in line) == (columns > 45)


def test_redraws_are_few() -> None:
    terminal, clock = Terminal(), Clock()
    bar = bar_on(terminal, clock)
    bar.phase("reading", 1000)
    for _ in range(1000):
        clock.now += 0.001
        bar.advance(1)
    assert 5 <= terminal.getvalue().count("\r") <= 10


def test_short_work_draws_nothing() -> None:
    terminal, clock = Terminal(), Clock()
    with bar_on(terminal, clock) as bar:
        bar.phase("reading", 10)
        clock.now = 0.2
        bar.advance(10, 10)
    assert terminal.getvalue() == ""


def test_a_shorter_line_leaves_nothing_of_a_longer_one() -> None:
    terminal, clock = Terminal(), Clock()
    bar = bar_on(terminal, clock)
    clock.now = 1.0
    bar.phase("correlating sessions and objects")
    long = len(terminal.line)
    bar.phase("writing")
    assert len(terminal.getvalue().rsplit("\r", 1)[-1]) == long
    bar.close()
    assert terminal.line == ""
    assert terminal.getvalue().endswith(" \r")


def test_elsewhere_it_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    with progress_on(stream) as progress:
        progress.phase("reading", 10)
        progress.advance(10, 10)
    assert (type(progress), stream.getvalue()) == (Progress, "")
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(progress_on(Terminal()), ProgressBar)
    monkeypatch.setenv("TERM", "dumb")
    assert type(progress_on(Terminal())) is Progress


def test_a_terminal_that_goes_away_stops_nothing() -> None:
    class Gone(Terminal):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    clock = Clock()
    with bar_on(Gone(), clock) as bar:
        clock.now = 1.0
        bar.phase("reading", 10)
        bar.advance(1)
