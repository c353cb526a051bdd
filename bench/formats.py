"""Lines a second of every format on one processor, and what it costs to recognise many small files.

    python bench/formats.py                    a table of all formats, the slowest first
    python bench/formats.py combined squid     those alone, and where their time goes (--profile)
    python bench/formats.py --files 200        small files of mixed formats through `events` and `summary`

A block of some megabytes is made from the lines of a format's own sample, digits changed at random where the format still
reads the line, and measured three ways: *match* (which lines are of the format, and the text of each field), *read* (the
fields typed as well), *scan* (all that is done to a chunk: folding, identifiers, the account). All figures are processor
time (user and system); best of three, without the garbage collector, as workers are. A machine that is busy with other
things makes them up to a third worse: caches are shared.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import json
import os
import pstats
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from reconstruct.events.formats import NO_HEADERS, Formats
from reconstruct.events.reading import Layer
from reconstruct.events.scan import scan_chunk
from reconstruct.events.source_profile import SourceProfile
from reconstruct.grammar.matcher import matcher_for
from reconstruct.grammar.plans import load_plans
from reconstruct.grammar.timestamps import TimeAnchor
from reconstruct.sources.model import Chunk

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"
WANTED = 100_000
"""Lines a second of one processor that no format may fall below, but for recursive grammars, which Lark itself runs."""
MEGABYTES = 2
ROUNDS = 3
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Shares of the formats of which the table says how fast they are at most."""
SEED = 7
MODIFIED_NS = 1_789_430_400 * 10**9
LINES_OF_A_FILE = (1, 12)
"""How often the sample of a format is repeated in a small file: 4 to some 100 lines."""

_DIGITS = re.compile(r"\d{2,}")


def make_lines(name: str, n_bytes: int) -> list[str]:
    """Lines of the format, no two rounds through its sample alike."""
    text = (SAMPLES / name / f"{name}.log").read_text(encoding="utf-8")
    sample = [line for line in text.split("\n") if line]
    matcher = matcher_for(load_plans()[name])
    maker = random.Random(SEED)
    lines: list[str] = []
    size = 0
    while size < n_bytes:
        varied = [_DIGITS.sub(lambda found: _vary(found[0], maker), line) for line in sample]
        kept = matcher.recognise(varied)
        lines += [new if is_read else old for new, old, is_read in zip(varied, sample, kept, strict=True)]
        size += sum(len(line) + 1 for line in lines[-len(sample) :])
    return lines


def _vary(digits: str, maker: random.Random) -> str:
    return digits[:-1] + maker.choice("0123456789")


def cpu_time(action: Callable[[], object]) -> float:
    """Seconds of processor time of the fastest round."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        action()
        best = min(best, time.process_time() - start)
    return best


def measure(name: str, megabytes: float) -> dict[str, object]:
    """Lines a second of one format."""
    plans = load_plans()
    engine = plans[name].engine
    lines = make_lines(name, int(megabytes * 1e6 / (1 if engine == "regex" else 20)))
    block = "\n".join(lines) + "\n"
    anchor = TimeAnchor(MODIFIED_NS)
    formats, matcher = Formats(plans), matcher_for(plans[name])
    profile = SourceProfile(Layer(formats=(name,)), MODIFIED_NS)
    chunk = Chunk(0, 0, 0, block.encode(), b"", True, 0, "", len(block))
    seconds = {
        "match": cpu_time(lambda: matcher.match_block(block)),
        "read": cpu_time(lambda: formats.decode(name, lines, NO_HEADERS, anchor)),
        "scan": cpu_time(lambda: scan_chunk(chunk, profile)),
    }
    rates = {step: round(len(lines) / taken) for step, taken in seconds.items()}
    return {"format": name, "engine": engine, "bytes_per_line": round(len(block) / len(lines)), **rates}


def print_table(rows: Iterable[dict[str, object]]) -> None:
    """The rows, the slowest reading first."""
    ranked = sorted(rows, key=lambda row: float(str(row["scan"])))
    print(
        f"{'format':<26}{'engine':<8}{'B/line':>7}{'match':>12}{'read':>12}{'scan':>12}   lines a second of one processor"
    )
    for row in ranked:
        low = "  below" if float(str(row["scan"])) < WANTED else ""
        print(
            f"{row['format']:<26}{row['engine']:<8}{row['bytes_per_line']:>7}{row['match']:>12,}{row['read']:>12,}{row['scan']:>12,}{low}"
        )
    for step in ("match", "read", "scan"):
        rates = sorted(int(str(row[step])) for row in ranked)
        shares = {share: rates[int(share * (len(rates) - 1))] for share in SHARES}
        print(f"{step:<6}" + "  ".join(f"{share:.0%} at most {rate:,}" for share, rate in shares.items()))
    below = [str(row["format"]) for row in ranked if float(str(row["scan"])) < WANTED]
    print(f"{len(ranked)} formats; slowest {ranked[0]['format']}; below {WANTED:,}: {', '.join(below) or 'none'}")


def show_profile(name: str, megabytes: float) -> None:
    """Where the time of a format goes."""
    lines = make_lines(name, int(megabytes * 1e6))
    block = "\n".join(lines) + "\n"
    profile = SourceProfile(Layer(formats=(name,)), MODIFIED_NS)
    chunk = Chunk(0, 0, 0, block.encode(), b"", True, 0, "", len(block))
    scan_chunk(chunk, profile)
    watcher = cProfile.Profile()
    watcher.runcall(scan_chunk, chunk, profile)
    pstats.Stats(watcher).sort_stats("cumulative").print_stats(45)


def make_files(directory: Path, count: int, names: Sequence[str]) -> int:
    """Small files of mixed formats; the number of lines."""
    maker = random.Random(SEED)
    total = 0
    for number in range(count):
        name = names[number % len(names)]
        lines = [line for line in (SAMPLES / name / f"{name}.log").read_text(encoding="utf-8").split("\n") if line]
        lines *= maker.randint(*LINES_OF_A_FILE)
        total += len(lines)
        (directory / f"host-{number:03d}-{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return total


def measure_files(count: int, names: Sequence[str]) -> None:
    """Processor time of whole commands over many small files, the plans compiled already; best of three."""
    with tempfile.TemporaryDirectory() as scratch:
        logs = Path(scratch) / "logs"
        logs.mkdir()
        environment = {
            **os.environ,
            "RECONSTRUCT_CACHE_DIR": f"{scratch}/cache",
            "PYTHONPYCACHEPREFIX": f"{scratch}/bytecode",  # as installed: compiled once
            "PYTHONDONTWRITEBYTECODE": "",
        }
        n_lines = make_files(logs, count, names)
        subprocess.run(
            [sys.executable, "-m", "reconstruct", "summary", str(logs)],
            env=environment,
            check=True,
            capture_output=True,
            cwd=ROOT,
        )
        print(f"{count} files, {n_lines:,} lines, {len(names)} formats")
        for command in (["events", "-o", os.devnull], ["summary"]):
            runs = [_time_command([*command, str(logs), "--no-cache"], environment) for _ in range(ROUNDS)]
            cpu, wall = (min(times) for times in zip(*runs, strict=True))
            print(
                f"{command[0]:<10}{cpu:6.2f} s of processor time, {wall:6.2f} s by the clock (load {os.getloadavg()[0]:.1f})"
            )


def _time_command(arguments: Sequence[str], environment: dict[str, str]) -> tuple[float, float]:
    """Processor time and time by the clock of one command, in seconds."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "reconstruct", *arguments]
    subprocess.run(command, env=environment, check=True, capture_output=True, cwd=ROOT)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("formats", nargs="*", metavar="ID", help="formats to measure (default: all)")
    parser.add_argument("--megabytes", type=float, default=MEGABYTES, help="size of a block (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--profile", action="store_true", help="show where the time of the named formats goes")
    parser.add_argument("--files", type=int, metavar="N", help="measure N small files instead")
    arguments = parser.parse_args()
    gc.disable()
    names = arguments.formats or [each for each in sorted(load_plans()) if (SAMPLES / each / f"{each}.log").is_file()]
    if arguments.files:
        measure_files(arguments.files, names)
        return
    if arguments.profile:
        for name in names:
            show_profile(name, arguments.megabytes)
        return
    rows = [measure(name, arguments.megabytes) for name in names]
    if arguments.json:
        json.dump(rows, sys.stdout, indent=1)
    else:
        print_table(rows)


if __name__ == "__main__":
    main()
