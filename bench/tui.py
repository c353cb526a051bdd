"""The interface as a user meets it: in a terminal of its own, keys in, bytes out.

    python bench/tui.py                     1M lines of combined access log, made once and kept (as bench/throughput.py does)
    python bench/tui.py --logs DIR          other logs
    python bench/tui.py --size 300x60       another terminal
    python bench/tui.py --cold 9            only the cold start, so often: the median, and the best
    python bench/tui.py --json              figures for another program

Measured are: the first paint and the first journeys of a cold start, and of one with a kept store, from the end of the
imports; then, on the kept store, the time from a key to the last byte of what it paints, and the memory of the process.
A key is over when the terminal has been silent for QUIET_S; the silence does not count. Beside the time stands the processor
time of the process (all threads, from the kernel's scheduler): on a busy machine believe that; an idle one adds at most the
17 ms that a frame of the interface may wait for its turn.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import Any

from throughput import N_LINES, PAGE, ROOT, make_log

QUIET_S = 0.12
"""A key's painting is over after so much silence: longer than any pause the interface makes on purpose before it reads."""
FIRST_BYTE_S = 0.6
"""A key that painted nothing by then paints nothing."""
PATIENCE_S = 240.0
BUSY_S = 1.0
"""The interface is left alone so long after its first journeys: what runs in the background must not pass for its keys."""
POINTER = "▸".encode()
"""Stands before the row under the cursor: there are journeys."""
START = """
import sys, time
import reconstruct.cli, reconstruct.tui.running, reconstruct.live, reconstruct.pipeline
open(sys.argv[1], "w").write(f"{time.monotonic()} {time.process_time()}")
sys.exit(reconstruct.cli.main(sys.argv[2:]))
"""
SCROLL = [("down", b"j", 60), ("page down", b"\x1b[6~", 40), ("end", b"G", 3), ("home", b"g", 3), ("up", b"k", 20)]
TIMELINE = [
    ("next event", b"l", 20), ("next error", b"e", 5), ("zoom in", b"+", 4), ("next event, zoomed", b"l", 10), ("fit", b"0", 1),
    ("axis", b"z", 3), ("next break", b".", 5),
]  # fmt: skip
OPENED = 25


class Terminal:
    """A process in a pseudo-terminal."""

    def __init__(self, arguments: list[str], size: tuple[int, int], environment: dict[str, str]) -> None:
        self.imported = Path(environment["RECONSTRUCT_CACHE_DIR"]) / "imported"
        self.imported.unlink(missing_ok=True)
        self.started = time.monotonic()
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            command = [sys.executable, "-c", START, str(self.imported), *arguments]
            os.execve(sys.executable, command, environment)
        fcntl.ioctl(self.handle, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.seen = b""
        self.last_byte_at = self.started

    def read(self, seconds: float) -> bytes:
        """What is painted within so many seconds; empty when nothing is."""
        ready, _, _ = select.select([self.handle], [], [], seconds)
        if not ready:
            return b""
        try:
            data = os.read(self.handle, 1 << 20)
        except OSError:
            return b""
        self.last_byte_at = time.monotonic()
        self.seen = (self.seen + data)[-200_000:]
        return data

    def wait_for(self, what: bytes) -> float:
        """When it was painted."""
        end = time.monotonic() + PATIENCE_S
        while what not in self.seen:
            self.read(0.05)
            if time.monotonic() > end:
                raise SystemExit(f"never painted: {what!r}")
        return self.last_byte_at

    def settle(self, seconds: float = QUIET_S) -> None:
        """Wait for silence."""
        while self.read(seconds):
            pass

    def press(self, key: bytes) -> tuple[float, float]:
        """Milliseconds from a key to the last byte it paints, and of processor time; zeros when it paints nothing."""
        self.settle()
        begun, used = time.monotonic(), self.processor_ms
        os.write(self.handle, key)
        self.last_byte_at = begun
        if self.read(FIRST_BYTE_S):
            self.settle()
        took = (self.last_byte_at - begun) * 1000
        return (took, self.processor_ms - used) if took else (0.0, 0.0)

    @property
    def processor_ms(self) -> float:
        """What all threads have used so far."""
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except OSError:
                continue  # the thread has ended
        return total / 1e6

    @property
    def resident(self) -> int:
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE

    def peak(self) -> int:
        """Highest resident memory so far, in bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return 0

    def close(self) -> None:
        os.kill(self.pid, signal.SIGTERM)
        end = time.monotonic() + 10
        while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            self.read(0.05)
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                break
        os.close(self.handle)


def percentiles(values: list[tuple[float, float]]) -> dict[str, float]:
    """Of keys that painted something: at the end of its way a key paints nothing."""
    painted = [each for each in values if each[0]] or [(0.0, 0.0)]
    found: dict[str, float] = {"n": sum(1 for each in values if each[0])}
    for name, column in (("", 0), ("cpu_", 1)):
        ordered = sorted(each[column] for each in painted)
        place = max(0, -(-len(ordered) * 95 // 100) - 1)
        found |= {f"{name}p50_ms": round(statistics.median(ordered), 1), f"{name}p95_ms": round(ordered[place], 1)}
    return found


def begin(logs: Path, size: tuple[int, int], environment: dict[str, str]) -> tuple[Terminal, dict[str, float]]:
    """Start it and wait for journeys."""
    terminal = Terminal([str(logs)], size, environment)
    painted = terminal.wait_for(b"Journeys")
    painted_cpu = terminal.processor_ms / 1000
    journeys = terminal.wait_for(POINTER)
    journeys_cpu = terminal.processor_ms / 1000
    imported, imported_cpu = map(float, terminal.imported.read_text().split())
    return terminal, {
        "import_s": round(imported - terminal.started, 3), "first_paint_s": round(painted - imported, 3),
        "first_journeys_s": round(journeys - imported, 3), "import_cpu_s": round(imported_cpu, 3),
        "first_paint_cpu_s": round(painted_cpu - imported_cpu, 3),
        "first_journeys_cpu_s": round(journeys_cpu - imported_cpu, 3),
    }  # fmt: skip


def warm_up(directory: Path, environment: dict[str, str]) -> None:
    """Let the program have been used once before: what it keeps for all logs, such as compiled grammars, is there."""
    log = directory / "one.log"
    log.write_text('192.0.2.1 - - [10/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 512 "-" "Example/1.0"\n')
    command = [sys.executable, "-m", "reconstruct", "summary", str(log), "--no-cache"]
    subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)


def environment_of(cache: Path) -> dict[str, str]:
    return {**os.environ, "RECONSTRUCT_CACHE_DIR": str(cache), "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}


def measure(logs: Path, size: tuple[int, int], cache: Path) -> dict[str, Any]:
    environment = environment_of(cache)
    warm_up(cache, environment)
    terminal, cold = begin(logs, size, environment)
    store = cache / "stores"
    end = time.monotonic() + PATIENCE_S
    while not list(store.glob("*.duckdb")) and time.monotonic() < end:
        terminal.read(0.2)
    cold["everything_s"] = round(time.monotonic() - float(terminal.imported.read_text().split()[0]), 1)
    terminal.settle(BUSY_S)
    cold["peak_mb"] = terminal.peak() >> 20
    terminal.close()
    shutil.rmtree(cache / "views", ignore_errors=True)
    terminal, warm = begin(logs, size, environment)
    terminal.settle(BUSY_S)
    keys: dict[str, dict[str, float]] = {}
    before = terminal.resident
    scrolled: list[tuple[float, float]] = []
    for name, key, times in SCROLL:
        found = [terminal.press(key) for _ in range(times)]
        keys[name] = percentiles(found)
        scrolled += found
    opened = []
    for _ in range(OPENED):
        opened.append(terminal.press(b"\r"))
        for key in (b"q", b"\x1b[6~"):
            terminal.press(key)
    terminal.press(b"\r")
    for name, key, times in TIMELINE:
        keys[name] = percentiles([terminal.press(key) for _ in range(times)])
    result = {
        "cold": cold, "kept": warm, "scrolling": percentiles(scrolled), "opening": percentiles(opened), "keys": keys,
        "memory_mb": {"start": before >> 20, "peak": terminal.peak() >> 20},
        "store_mb": sum(path.stat().st_size for path in store.glob("*.duckdb")) >> 20, "size": f"{size[0]}x{size[1]}",
    }  # fmt: skip
    terminal.close()
    return result


def measure_cold(logs: Path, size: tuple[int, int], cache: Path, times: int) -> dict[str, dict[str, float]]:
    """Only until the first journeys of a cold start, several times: the median and the best of each figure."""
    environment = environment_of(cache)
    warm_up(cache, environment)
    starts = []
    for _ in range(times):
        terminal, figures = begin(logs, size, environment)
        starts.append(figures)
        terminal.close()
        shutil.rmtree(cache / "stores", ignore_errors=True)
        shutil.rmtree(cache / "views", ignore_errors=True)
    found = {name: [each[name] for each in starts] for name in starts[0]}
    return {
        "median": {name: round(statistics.median(values), 3) for name, values in found.items()},
        "best": {name: min(values) for name, values in found.items()},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path, default=Path(tempfile.gettempdir()) / "reconstruct-bench")
    parser.add_argument("--logs", type=Path, help="logs to look at instead of the simulated ones")
    parser.add_argument("--lines", type=int, default=N_LINES)
    parser.add_argument("--size", default="140x45", help="columns x rows")
    parser.add_argument("--cold", type=int, metavar="TIMES", help="measure nothing but so many cold starts")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    columns, rows = map(int, arguments.size.split("x"))
    logs = arguments.logs.resolve() if arguments.logs else make_log(arguments.directory, arguments.lines)
    with tempfile.TemporaryDirectory(prefix="reconstruct-tui-") as cache:
        if arguments.cold:
            starts = measure_cold(logs, (columns, rows), Path(cache), arguments.cold)
            print(json.dumps(starts, indent=1))
            return 0
        result = measure(logs, (columns, rows), Path(cache))
    if arguments.json:
        print(json.dumps(result, indent=1))
        return 0
    print(f"load {os.getloadavg()[0]:.1f}, terminal {result['size']}, store {result['store_mb']:,} MB")
    for name in ("cold", "kept"):
        print(name.ljust(20), "  ".join(f"{key} {value}" for key, value in result[name].items()))
    for name, row in [("scrolling", result["scrolling"]), ("opening", result["opening"]), *result["keys"].items()]:
        print(name.ljust(20), "  ".join(f"{key} {value:g}" for key, value in row.items()))
    print("memory".ljust(20), "  ".join(f"{key} {value} MB" for key, value in result["memory_mb"].items()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
