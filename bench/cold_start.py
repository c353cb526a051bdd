"""Milliseconds until a command answers: the best and the median of several fresh processes.

python bench/cold_start.py [--repeat 9] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
CASES = {
    "python itself": ["-c", ""],
    "import reconstruct": ["-c", "import reconstruct"],
    "--version": ["-m", "reconstruct", "--version"],
    "--help": ["-m", "reconstruct", "--help"],
    "export --help": ["-m", "reconstruct", "export", "--help"],
    "import pyarrow": ["-c", "import pyarrow"],
    "import duckdb": ["-c", "import duckdb"],
    "import lark": ["-c", "import lark"],
    "import textual.app": ["-c", "import textual.app"],
    "import reconstruct.pipeline": ["-c", "import reconstruct.pipeline"],
    "import reconstruct.tui.app": ["-c", "import reconstruct.tui.app"],
}
"""Libraries stand beside our modules to show what part of the time is theirs."""


def measure(arguments: list[str], repeat: int, checkout: Path) -> dict[str, float]:
    times = []
    for _ in range(repeat + 1):
        begun = time.perf_counter()
        subprocess.run([sys.executable, *arguments], cwd=checkout, check=True, stdout=subprocess.DEVNULL)
        times.append((time.perf_counter() - begun) * 1000)
    times = times[1:]  # the first one fills the disk cache
    return {"best_ms": round(min(times), 1), "median_ms": round(statistics.median(times), 1)}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--checkout", type=Path, default=ROOT, help="working tree whose package is measured")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    figures = {name: measure(case, given.repeat, given.checkout.resolve()) for name, case in CASES.items()}
    if given.json:
        print(json.dumps({"load": round(os.getloadavg()[0], 2), **figures}))
        return 0
    print(f"load {os.getloadavg()[0]:.2f}\n{'':<28}{'best ms':>9}{'median ms':>11}")
    for name, row in figures.items():
        print(f"{name:<28}{row['best_ms']:>9}{row['median_ms']:>11}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
