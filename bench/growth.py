"""Processor time and memory of an export as the logs grow, and how much of it is correlation.

    python bench/growth.py                          50k, 100k, 200k and 400k lines of a whole shop, every log of it
    python bench/growth.py --lines 100000 1000000   other sizes
    python bench/growth.py --exponent-at-most 1.2   exit status 1 when processor time grows faster
    python bench/growth.py --access-only            the edge's log alone
    python bench/growth.py --keep DIR               write the logs there, and take those that are there: ten million lines take minutes
    python bench/growth.py --until correlate        stop there; without journeys
    python bench/growth.py --logs DIR...            logs that are there, in place of simulated shops: no exponents

What correlation costs is ``correlate / read and store``: processor seconds of both passes of the correlator (routes and user agents
included) over those of finding, reading and storing the logs, in one process that has loaded all it needs before.

Every export runs in a process of its own, on one worker, and is timed in processor seconds of all its threads: other load on the
machine hardly matters. The exponent is the slope of log(seconds) over log(events), by least squares; the start of the program, the
same at every size, is left out. Memory is the highest resident set.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any

from simulate import Shop, simulate

SIZES = (50_000, 100_000, 200_000, 400_000)
DAYS, SEED = 14, 20
WARM_LINES = 2_000
ROOT = Path(__file__).parent.parent
PHASES = {
    "discover": "read and store",
    "ingest": "read and store",
    "save_sources": "read and store",
    "correlate": "correlate",
    "write_journeys": "journeys",
    "summarise": "journeys",
}
"""Functions of ``reconstruct.pipeline`` and the column they are counted in; none calls another."""
COLUMNS = (
    "events",
    "total",
    "read and store",
    "correlate",
    "journeys",
    "write",
    "correlate / read and store",
    "peak_rss_mb",
)


class EnoughError(Exception):
    """What is measured is done."""


def export(logs: Path, checkout: Path, until: str) -> dict[str, float]:
    """Export in this process, or go ``until`` a function of the pipeline is done; processor seconds of each phase. A small shop is read
    first: grammars load once, whatever the size."""
    sys.path.insert(0, str(checkout))
    from reconstruct import pipeline
    from reconstruct.export.document import write_json
    from reconstruct.options import Options

    with tempfile.TemporaryDirectory() as scratch:
        simulate(Shop(seed=SEED, days=1), Path(scratch), lines=WARM_LINES)
        pipeline.open_paths([Path(scratch) / "logs"], Options(cache=False, workers=1)).close()
    seconds = dict.fromkeys(("read and store", "correlate", "journeys", "write"), 0.0)
    seen: dict[str, int] = {}

    def timed(phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def run(*arguments: Any, **named: Any) -> Any:
            begun = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                seconds[phase] += time.process_time() - begun

        return run

    def stopped(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def run(store: Any, *arguments: Any, **named: Any) -> Any:
            function(store, *arguments, **named)
            seen["events"] = count(store)
            raise EnoughError

        return run

    def count(store: Any) -> int:
        ((events,),) = store.connection.execute("SELECT count(*) FROM events").fetchall()
        return int(events)

    for name, phase in PHASES.items():
        setattr(pipeline, name, timed(phase, getattr(pipeline, name)))
    if until:
        setattr(pipeline, until, stopped(getattr(pipeline, until)))
    begun = time.process_time()
    with suppress(EnoughError):
        results = pipeline.open_paths([logs], Options(cache=False, workers=1))
        with tempfile.TemporaryFile() as out:
            timed("write", write_json)(results, out)
        seen["events"] = count(results.store)
    seconds["total"] = time.process_time() - begun
    return {
        "events": seen["events"],
        **seconds,
        "correlate / read and store": seconds["correlate"] / seconds["read and store"],
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }


def make_logs(n_lines: int, directory: Path, *, access_only: bool) -> Path:
    """Logs of so many lines, written unless they are there."""
    place = directory / f"{'access' if access_only else 'shop'}-{n_lines}"
    if not (place / "outcomes.json").is_file():
        simulate(Shop(seed=SEED, days=DAYS), place, access_only=access_only, lines=n_lines)
    return place / "logs"


def measure(logs: Path, checkout: Path, until: str) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--one", str(logs), "--checkout", str(checkout), "--until", until]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    if child.returncode:
        raise SystemExit(f"error: the export failed\n{child.stderr[-2000:]}")
    figures: dict[str, float] = json.loads(child.stdout)
    return figures


def exponent(rows: Sequence[dict[str, float]], of: str) -> float:
    """Slope of log ``of`` over log events.

    >>> round(exponent([{"events": 10, "s": 3}, {"events": 100, "s": 30}, {"events": 1000, "s": 300}], "s"), 3)
    1.0
    """
    x, y = [math.log(row["events"]) for row in rows], [math.log(row[of]) for row in rows]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    across = sum((each - mean_x) ** 2 for each in x)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / across


def show(row: dict[str, float]) -> None:
    cells = [f"{row['events']:,.0f}", *(f"{row[name]:.2f}" for name in COLUMNS[1:-1]), f"{row['peak_rss_mb']:.0f}"]
    print("| " + " | ".join(cells) + " |", flush=True)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lines", type=int, nargs="+", default=SIZES, metavar="N", help="sizes, two or more")
    parser.add_argument("--logs", type=Path, nargs="+", metavar="DIR", help="measure these instead")
    parser.add_argument("--exponent-at-most", type=float, default=0.0, metavar="E")
    parser.add_argument("--access-only", action="store_true", help="the edge's log alone, plain combined")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="directory of logs that stay")
    parser.add_argument("--until", choices=("", *PHASES), default="", help="stop when this is done")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="working tree whose package is measured")
    parser.add_argument("--one", type=Path, metavar="LOGS", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.one:
        print(json.dumps(export(given.one, given.checkout, given.until)))
        return 0
    if len(given.lines) < 2:
        parser.error("growth needs two sizes or more")
    checkout = given.checkout.resolve()
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    if given.logs:
        for logs in given.logs:
            show(measure(logs, checkout, given.until))
        return 0
    rows = []
    for n_lines in given.lines:
        with tempfile.TemporaryDirectory() as scratch:
            logs = make_logs(n_lines, given.keep or Path(scratch), access_only=given.access_only)
            rows.append(measure(logs, checkout, given.until))
        show(rows[-1])
    slopes = {name: exponent(rows, name) for name in COLUMNS[1:6] if all(row[name] for row in rows)}
    print("\nexponents: " + ", ".join(f"{name} {slope:.2f}" for name, slope in slopes.items()))
    return 1 if given.exponent_at_most and slopes["total"] > given.exponent_at_most else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
