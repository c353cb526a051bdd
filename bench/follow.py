"""From a line that is written to a log to the screen.

    python bench/follow.py DIR              follow a copy of DIR, write a visit to its largest log, wait until it is on screen
    python bench/follow.py DIR --times 9    so often
    python bench/follow.py DIR --json       figures for another program

The interface runs in a pseudo-terminal (bench/tui.py). Each visit is the last page request as another visitor would make it, written
when the interface has rested: so the time is that of a look (a second at most), a run, and painting. *Seen* is when the number of journeys
is painted. Processor time is that of all its processes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from tui import Terminal

from reconstruct.following import RUN_REST

COUNT = re.compile(rb"([\d,]+) journeys")
IDLE_S = 20.0
"""How long it is watched with nothing to do."""
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
    line = f"203.0.113.{n}{page[0]}Mozilla/5.0 (X11; Linux x86_64; rv:{n}.0) Gecko/20100101 Firefox/{n}.0{page[1]}\n"
    return re.sub(r"\b[0-9a-f]{32}\b", f"{n:032x}", line)


def follow(directory: Path, times: int) -> dict[str, float]:
    log = largest_log(directory)
    page = last_page(log)
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"RECONSTRUCT_CACHE_DIR": cache, "TERM": "xterm-256color"}
        terminal = Terminal([str(directory), "--follow"], (120, 40), environment)
        terminal.wait_for(b"nothing new yet")
        terminal.settle(0.6)
        count = int(COUNT.findall(terminal.seen)[-1].replace(b",", b""))
        used = processor_s(terminal.pid)
        terminal.settle(0)
        end = time.monotonic() + IDLE_S
        while time.monotonic() < end:
            terminal.read(0.5)
        idle = (processor_s(terminal.pid) - used) / IDLE_S
        seen, cost, rest = [], [], 3.0
        for n in range(1, times + 1):
            time_left = time.monotonic() + rest
            while time.monotonic() < time_left:
                terminal.read(0.2)
            used = processor_s(terminal.pid)
            with log.open("a", encoding="utf-8") as file:
                file.write(make_visit(page, n))
            written = time.monotonic()
            seen.append(terminal.wait_for(f"{count + n:,} journeys".encode()) - written)
            terminal.settle(0.6)
            cost.append(processor_s(terminal.pid) - used)
            rest = max(rest, (RUN_REST + 0.5) * max(seen))
        memory = terminal.peak()
        terminal.close()
    return {
        "first_s": seen[0], "median_s": statistics.median(seen), "slowest_s": max(seen), "processor_s": statistics.median(cost),
        "idle_share": idle, "memory_mb": memory / 1e6,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "logs"
        shutil.copytree(arguments.directory, copy)
        figures = follow(copy, arguments.times)
    if arguments.json:
        print(json.dumps(figures))
        return
    print(
        f"from the line to the screen: {figures['median_s']:.1f} s (the first {figures['first_s']:.1f}, the slowest {figures['slowest_s']:.1f})"
    )
    print(
        f"processor time of a change:  {figures['processor_s']:.1f} s; with nothing new {figures['idle_share']:.1%} of a processor"
    )
    print(f"memory of the interface:     {figures['memory_mb']:.0f} MB")


if __name__ == "__main__":
    main()
