"""Milliseconds of queries over a store of a million events.

    python bench/queries.py [DIR] [--repeat N]     the log of bench/throughput.py in DIR, made and read unless it was already

Each query is read, compiled and run anew; the median of N runs, and the slowest. The first line is what opening the store costs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from throughput import N_LINES, make_log

from reconstruct.comparing.populations import compare
from reconstruct.options import Options
from reconstruct.pipeline import open_paths

QUERIES = (
    "outcome:abandoned stage>=checkout",
    'outcome:abandoned stage>=checkout duration>5m status:5xx user:alice "card declined"',
    "laptop",
    "card*declined",
    "touchpoint(route:/checkout status:5xx) -agent:bot",
    "friction:payment_* or latency>2s",
    "-friction:* -status:4xx",
    "since:2d",
    "order(value>100 step(status:failed))",
)


def measure(ask: Callable[[], object], repeat: int) -> tuple[float, float]:
    """Median and greatest milliseconds."""
    taken = []
    for _ in range(repeat):
        start = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken), max(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", nargs="?", type=Path, default=Path("/tmp/reconstruct-bench"))
    parser.add_argument("--repeat", type=int, default=11)
    arguments = parser.parse_args()
    log = make_log(arguments.directory, N_LINES)
    open_paths([log], Options()).close()
    start = time.perf_counter()
    results = open_paths([log], Options())
    print(f"opened in {(time.perf_counter() - start) * 1000:.0f} ms: {results.count_journeys():,} journeys")
    print("| query | matches | median ms | slowest ms |\n|---|---|---|---|")
    for query in QUERIES:
        middle, worst = measure(lambda query=query: results.count_journeys(query), arguments.repeat)  # type: ignore[misc]
        print(f"| `{query}` | {results.count_journeys(query):,} | {middle:.0f} | {worst:.0f} |")
    some = results.select(QUERIES[0])
    for name, ask in (
        ("a page of the list", lambda: results.journey_rows(text=QUERIES[0], order_by="score")),
        ("summary of these", some.summary),
        ("summary of everything, computed anew", results.select("id:*").summary),
        (
            "comparison of two halves",
            lambda: compare(results.select("-since:7d"), results.select("since:7d"), ("", "")),
        ),
        ("documents of these", lambda: sum(map(len, some.documents()))),
        ("completions of `activity:card`", lambda: results.completions("activity:card")),
    ):
        middle, worst = measure(ask, max(3, arguments.repeat // 3))
        print(f"| {name} | | {middle:.0f} | {worst:.0f} |")
    results.close()


if __name__ == "__main__":
    main()
