"""From a line that is written to a log to the screen.

    python bench/follow.py DIR              follow a copy of DIR, write a visit to its largest log, wait until it is on screen
    python bench/follow.py DIR --times 9    so often
    python bench/follow.py DIR --busy 60    then write 100 visits a second for so many seconds
    python bench/follow.py DIR --kept       begin with results that are kept from an earlier start
    python bench/follow.py DIR --json       figures for another program

The interface runs in a pseudo-terminal (bench/tui.py). Each visit is the last page request as another visitor would make it, written
when the interface has rested: so the time is that of a look (a second at most), a run, and painting. *Seen* is when the number of journeys
is painted. Processor time is that of all its processes. Under steady writing *behind* is how old the newest visit of those painted is
when they are.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tui import Terminal

from reconstruct.following import RUN_REST

COUNT = re.compile(rb"([\d,]+) journeys")
IDLE_S = 20.0
"""How long it is watched with nothing to do."""
BUSY_LINES = 100
"""Visits written in a second, each of one line, while the interface is to keep up with them."""
BUSY_STEP_S = 0.1
PAGE = re.compile(r'^(\S+)( .*"GET /[^". ]* HTTP/[0-9.]+" 200 \d+ "[^"]*" ")[^"]*(".*)$', re.MULTILINE)
"""A page request: address, what stands before the browser's name, and what follows it."""
TICKS = os.sysconf("SC_CLK_TCK")


def processor_s(session: int) -> float:
    """What all processes of a session have used, those that ended included."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            total += sum(map(int, fields[11:15]))
    return total / TICKS


def tail_of(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 1_000_000))
        return file.read().decode("utf-8", "replace")


def largest_log(directory: Path) -> Path:
    """The largest access log with pages that is written as it is."""
    return max(
        (file for file in directory.rglob("*.log") if PAGE.search(tail_of(file))), key=lambda file: file.stat().st_size
    )


def last_page(log: Path) -> tuple[str, str]:
    """What stands before and behind the browser's name in the last page request."""
    _, before, behind = PAGE.findall(tail_of(log))[-1]
    return before, behind


def make_visit(page: tuple[str, str], n: int) -> str:
    """The page as another visitor asks for it."""
    version = 100 + n % 40
    browser = f"Mozilla/5.0 (X11; Linux x86_64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
    line = f"203.0.{n >> 8 & 255}.{n & 255}{page[0]}{browser}{page[1]}\n"
    return re.sub(r"\b[0-9a-f]{32}\b", f"{n:032x}", line)


def follow(directory: Path, times: int, busy_s: float, kept: bool) -> dict[str, float]:
    log = largest_log(directory)
    page = last_page(log)
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"RECONSTRUCT_CACHE_DIR": cache, "TERM": "xterm-256color"}
        if kept:
            command = [sys.executable, "-m", "reconstruct", "summary", str(directory)]
            subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        terminal = Terminal([str(directory), "--follow"], (120, 40), environment)
        terminal.wait_for(b"nothing new yet")
        terminal.settle(0.6)
        count = int(COUNT.findall(terminal.seen)[-1].replace(b",", b""))
        used = processor_s(terminal.pid)
        wait(terminal, IDLE_S)
        idle = (processor_s(terminal.pid) - used) / IDLE_S
        seen, cost, rest = [], [], 3.0
        for n in range(1, times + 1):
            wait(terminal, rest)
            used = processor_s(terminal.pid)
            with log.open("a", encoding="utf-8") as file:
                file.write(make_visit(page, n))
            written = time.monotonic()
            seen.append(terminal.wait_for(f"{count + n:,} journeys".encode()) - written)
            terminal.settle(0.6)
            cost.append(processor_s(terminal.pid) - used)
            rest = max(rest, (RUN_REST + 0.5) * max(seen))
        figures = {
            "first_s": seen[0], "median_s": statistics.median(seen), "slowest_s": max(seen), "first_processor_s": cost[0],
            "processor_s": statistics.median(cost), "idle_share": idle, "memory_mb": terminal.resident / 1e6,
        }  # fmt: skip
        if busy_s:
            wait(terminal, rest)
            figures |= keep_busy(terminal, log, page, times, count + times, busy_s)
        figures["peak_mb"] = terminal.peak() / 1e6
        terminal.close()
    return figures


def wait(terminal: Terminal, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        terminal.read(0.2)


def keep_busy(
    terminal: Terminal, log: Path, page: tuple[str, str], times: int, count: int, seconds: float
) -> dict[str, float]:
    """Write steadily; how far behind the screen is, what it costs, and how long a key takes meanwhile."""
    used, begun = processor_s(terminal.pid), time.monotonic()
    written: list[float] = []
    behind: list[float] = []
    keys: list[float] = []
    shown, next_key = count, begun + 1
    with log.open("a", encoding="utf-8") as file:
        while (now := time.monotonic()) < begun + seconds:
            while len(written) < (now - begun) * BUSY_LINES:
                file.write(make_visit(page, times + 1 + len(written)))
                written.append(time.monotonic())
            file.flush()
            if now >= next_key:
                keys.append(press(terminal))
                next_key = time.monotonic() + 1
            terminal.read(BUSY_STEP_S)
            painted = [int(found.replace(b",", b"")) for found in COUNT.findall(terminal.seen)]
            if painted and painted[-1] > shown:
                shown = painted[-1]
                behind.append(terminal.last_byte_at - written[min(shown - count, len(written)) - 1])
    share = (processor_s(terminal.pid) - used) / (time.monotonic() - begun)
    ordered = sorted(keys)
    return {
        "busy_updates": len(behind), "busy_behind_s": statistics.median(behind) if behind else float("nan"),
        "busy_oldest_s": max(behind, default=float("nan")), "busy_share": share,
        "busy_key_ms": statistics.median(ordered) * 1000, "busy_key_slowest_ms": ordered[-1] * 1000,
    }  # fmt: skip


def press(terminal: Terminal) -> float:
    """Seconds from a key that moves the cursor to the first bytes it paints."""
    while terminal.read(0.01):
        pass
    begun = time.monotonic()
    os.write(terminal.handle, b"j")
    while not terminal.read(1.0) and time.monotonic() < begun + 10:
        pass
    return terminal.last_byte_at - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--busy", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--kept", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "logs"
        shutil.copytree(arguments.directory, copy)
        figures = follow(copy, arguments.times, arguments.busy, arguments.kept)
    if arguments.json:
        print(json.dumps(figures))
        return
    print(
        f"from the line to the screen: {figures['median_s']:.1f} s (the first {figures['first_s']:.1f}, the slowest {figures['slowest_s']:.1f})"
    )
    print(f"processor time of a change:  {figures['processor_s']:.1f} s (the first {figures['first_processor_s']:.1f})")
    print(f"with nothing new:            {figures['idle_share']:.1%} of a processor")
    if "busy_share" in figures:
        print(
            f"with {BUSY_LINES} visits a second:    {figures['busy_updates']} updates, behind {figures['busy_behind_s']:.1f} s "
            f"(at most {figures['busy_oldest_s']:.1f}), {figures['busy_share']:.1%} of a processor; "
            f"a key {figures['busy_key_ms']:.0f} ms (the slowest {figures['busy_key_slowest_ms']:.0f})"
        )
    print(f"memory of the interface:     {figures['memory_mb']:.0f} MB, {figures['peak_mb']:.0f} at most")


if __name__ == "__main__":
    main()
