"""Lines a second from raw log to exported journeys, memory, and what a second export costs.

    python bench/throughput.py                    1M lines of combined access log, made once and kept
    python bench/throughput.py DIR --json         the log and all results in DIR; figures for another program
    python bench/throughput.py --checkout TREE    measures the package in another working tree, on the same log
    python bench/throughput.py --profile          where the time goes, by phase, in this process and its workers

Look at the load before believing a figure: it is printed, at the start and at the end. On a busy machine compare
``cpu_seconds``, which is processor time of the export and its workers, instead of lines a second.
Memory is the highest sum over the process and its children, sampled: resident counts shared pages once for each of them,
proportional (PSS) divides them up.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

from simulate import Shop, simulate

N_LINES, DAYS, SEED = 1_000_000, 14, 20
SAMPLE_S = 0.05
"""Seconds between two looks at memory; twenty a second cost the measured program nothing that shows."""
PSS_EVERY = 10
"""PSS walks page tables, so it is asked for less often."""
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
ROOT = Path(__file__).parent.parent
PHASES = (
    "discover", "ingest", "tabulate_families", "look_up", "infer_zones", "build_timeline", "make_plan",
    "resolve", "save_sources", "describe_plan", "write_journeys", "summarise",
)  # fmt: skip
"""Functions of ``reconstruct.pipeline`` that are timed by --profile; those that are not there are left out."""


def make_log(directory: Path, n_lines: int) -> Path:
    """The access log of so many lines, made unless it is there already."""
    place = directory / f"access-{n_lines}"
    done = place / "outcomes.json"
    if not done.is_file():
        shutil.rmtree(place, ignore_errors=True)
        print(f"writing {n_lines:,} lines ...", file=sys.stderr)
        simulate(Shop(seed=SEED, days=DAYS), place, access_only=True, lines=n_lines)
    return place / "logs"


def family(pid: int) -> list[int]:
    """A process and all its descendants that are alive."""
    found = [pid]
    for each in found:
        try:
            for task in Path(f"/proc/{each}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def processor_seconds(pids: list[int], seen: dict[int, float]) -> None:
    """Remember what each process has used so far: workers are nobody's children once their parent is gone."""
    for pid in pids:
        try:
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        seen[pid] = (int(words[11]) + int(words[12])) / TICKS


def resident_bytes(pids: list[int]) -> int:
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
        except OSError:
            continue
    return total


def proportional_bytes(pids: list[int]) -> int:
    total = 0
    for pid in pids:
        try:
            rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(row.split()[1]) * 1024 for row in rows if row.startswith("Pss:"))
    return total


def compiled(checkout: Path, directory: Path) -> dict[str, str]:
    """Settings under which modules are compiled already, as where the program is installed: compiling takes 0.3 s."""
    settings = {"PYTHONPYCACHEPREFIX": str(directory / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-c", "import reconstruct.cli.inputs, reconstruct.cli.export"]
    subprocess.run(command, cwd=checkout, env={**os.environ, **settings}, check=True)
    return settings


def export(logs: Path, out: Path, cache: Path, checkout: Path, *, workers: int) -> dict[str, float]:
    """Run one export and watch it. Raises SystemExit with its words when it fails."""
    command = [sys.executable, "-m", "reconstruct", "export", str(logs), "-o", str(out)]
    command += ["--workers", str(workers)] if workers else []
    environment = {**os.environ, **compiled(checkout, cache.parent), "RECONSTRUCT_CACHE_DIR": str(cache)}
    out.unlink(missing_ok=True)  # to free what is in its place takes a tenth of a second, and is not the program's
    peak = pss = tick = 0
    used: dict[int, float] = {}
    with tempfile.TemporaryFile() as words:
        begun = time.perf_counter()
        child = subprocess.Popen(command, cwd=checkout, env=environment, stderr=words)
        while child.poll() is None:
            pids = family(child.pid)
            peak = max(peak, resident_bytes(pids))
            processor_seconds(pids, used)
            if tick % PSS_EVERY == 0:
                pss = max(pss, proportional_bytes(pids))
            tick += 1
            time.sleep(SAMPLE_S)
        seconds = time.perf_counter() - begun
        if child.returncode:
            words.seek(0)
            raise SystemExit(f"error: the export failed\n{words.read().decode(errors='replace')[-2000:]}")
    return {"seconds": seconds, "cpu_seconds": sum(used.values()), "peak_rss_mb": peak / 1e6, "peak_pss_mb": pss / 1e6}


def time_writing(document: Path, scratch: Path) -> float:
    """Seconds to write the bytes of the document and nothing else: the best of three."""
    data, best = document.read_bytes(), float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        scratch.write_bytes(data)
        best = min(best, time.perf_counter() - begun)
    scratch.unlink()
    return best


def measure(directory: Path, checkout: Path, n_lines: int, repeat: int, workers: int) -> dict[str, Any]:
    logs = make_log(directory, n_lines)
    n_bytes = sum(file.stat().st_size for file in logs.rglob("*") if file.is_file())
    out, cache, load = directory / "export.json", directory / "cache", os.getloadavg()[0]
    runs = []
    for _ in range(repeat):
        shutil.rmtree(cache / "stores", ignore_errors=True)
        runs.append(export(logs, out, cache, checkout, workers=workers))
    best = min(runs, key=lambda run: run["seconds"])
    again = min(
        (export(logs, out, cache, checkout, workers=workers) for _ in range(repeat)), key=lambda run: run["seconds"]
    )
    writing = time_writing(out, directory / "scratch.json")
    return {
        "lines": n_lines,
        "log_mb": round(n_bytes / 1e6, 1),
        "cpus": len(os.sched_getaffinity(0)),
        "load_before": round(load, 2),
        "load_after": round(os.getloadavg()[0], 2),
        "seconds": round(best["seconds"], 2),
        "all_seconds": [round(run["seconds"], 2) for run in runs],
        "cpu_seconds": round(best["cpu_seconds"], 2),
        "lines_per_s": round(n_lines / best["seconds"]),
        "peak_rss_mb": round(max(run["peak_rss_mb"] for run in runs)),
        "peak_pss_mb": round(max(run["peak_pss_mb"] for run in runs)),
        "export_mb": round(out.stat().st_size / 1e6, 1),
        "cached_seconds": round(again["seconds"], 2),
        "cached_beyond_writing_s": round(again["seconds"] - writing, 2),
        "store_mb": round(sum(file.stat().st_size for file in cache.rglob("*.duckdb")) / 1e6, 1),
    }


def profile(directory: Path, checkout: Path, n_lines: int, workers: int) -> dict[str, float]:
    """Seconds of each phase, in the order they end. Runs here, so that the phases can be timed from outside."""
    logs = make_log(directory, n_lines)
    sys.path.insert(0, str(checkout))
    from reconstruct import pipeline
    from reconstruct.export.document import write_json
    from reconstruct.options import Options

    seconds: dict[str, float] = {}

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def run(*arguments: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - begun

        return run

    for name in PHASES:
        if hasattr(pipeline, name):
            setattr(pipeline, name, timed(name, getattr(pipeline, name)))
    begun = time.perf_counter()
    results = pipeline.open_paths([logs], Options(cache=False, workers=workers))
    with (directory / "export.json").open("wb") as out:
        timed("write", write_json)(results, out)
    results.close()
    total = time.perf_counter() - begun
    return {**seconds, "everything else": total - sum(seconds.values()), "total": total}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directory", nargs="?", type=Path, default=Path(tempfile.gettempdir()) / "reconstruct-bench")
    parser.add_argument("--lines", type=int, default=N_LINES)
    parser.add_argument("--repeat", type=int, default=1, help="the best run counts")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--checkout", type=Path, default=ROOT, help="working tree whose package is measured")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    given.directory.mkdir(parents=True, exist_ok=True)
    checkout = given.checkout.resolve()
    if given.profile:
        figures: dict[str, Any] = profile(given.directory, checkout, given.lines, given.workers)
        rows = [f"{name:<20} {value:8.2f} s" for name, value in figures.items()]
    else:
        figures = measure(given.directory, checkout, given.lines, given.repeat, given.workers)
        rows = [f"{name:<26} {value}" for name, value in figures.items()]
    print(json.dumps(figures) if given.json else "\n".join(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
