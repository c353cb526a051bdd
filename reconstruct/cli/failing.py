"""What failed, since when and whom it hit, as lines of the summary."""

from __future__ import annotations

from typing import Any

from reconstruct.journeys.axis import say_duration, say_share
from reconstruct.wording import own_query, say_failure, say_moment, say_period, say_surge, spark, table

Document = dict[str, Any]

KINDS_SHOWN = 8
KINDS_NAMED = 3
SURGES_SHOWN = 3
NAME_WIDTH = 64
SECOND = 1_000_000_000
WORDS = frozenset({0, 3, 4, 5, 6})
"""Columns of words."""


def render_failures(figures: Document, paths: dict[int, str]) -> list[str]:
    """The kinds of failures, surges and those of the systems first; beside each when it was, and the query of those it hit; of
    lines where the first of them stands."""
    failures, where = figures["failures"], figures.get("where", "")
    kinds, over_time = failures["kinds"], failures["over_time"]
    if not kinds:
        return ["nothing failed"] if over_time else []
    lines = [_head(failures, figures["journeys"], where)]
    begin = f"{say_duration(failures['slice_s'] * SECOND)} a mark from {say_moment(over_time[0]['at']).strip()} UTC"
    rows = [["", "times", "journeys", "first", "last", begin, ""]]
    for name, key in (("all requests of people", "requests"), ("business journeys begun", "begun")):
        counts = [row[key] for row in over_time]
        if any(counts):
            rows.append([name, f"{sum(counts):,}", "", "", "", spark(counts), ""])
    for kind in kinds[:KINDS_SHOWN]:
        said = say_failure(kind)
        rows.append([
            said if len(said) <= NAME_WIDTH else f"{said[: NAME_WIDTH - 1]}…",
            f"{kind['times']:,}",
            f"{kind['journeys']:,}" if kind["journeys"] else "",
            say_moment(kind["first_at"]), say_moment(kind["last_at"]), spark(kind["slices"]), _found_by(kind, paths, where),
        ])  # fmt: skip
    lines += [line.rstrip() for line in table(rows, WORDS)]
    if len(kinds) > KINDS_SHOWN:
        lines.append(f"  … and {len(kinds) - KINDS_SHOWN:,} more kinds: --json")
    return lines + [line for surge in failures["surges"][:SURGES_SHOWN] for line in _surge(surge, kinds, where)]


def _found_by(kind: Document, paths: dict[int, str], where: str) -> str:
    if "example" not in kind:
        return own_query(kind["query"], where)
    source, line = kind["example"]
    return f"{'the first: ' if kind['times'] > 1 else ''}{paths.get(source, source)}:{line}"


def _surge(surge: Document, kinds: list[Document], where: str) -> list[str]:
    """What came all at once, how bad it was, and the query of those it hit."""
    met = [kind for kind in kinds if kind["surge"] and kind["surge"]["from_at"] == surge["from_at"]]
    named = "; ".join(f"{say_failure(kind)} ({kind['surge']['times']:,})" for kind in met[:KINDS_NAMED])
    more = f"; {len(met) - KINDS_NAMED:,} more kinds" if len(met) > KINDS_NAMED else ""
    lines = [f"  ! all at once, {say_period(surge)} UTC: {named}{more}"]
    told = say_surge(surge)
    return lines + ([f"      {told}  {own_query(surge['failed']['query'], where)}"] if told else [])


def _head(failures: Document, visits: int, where: str) -> str:
    n, failed = failures["requests"], failures["failed"]
    if not n:
        return "what failed"
    if not failed:
        return "what failed: no request of people"
    share = f" ({say_share(failed / n)})" if n else ""
    return (
        f"what failed: {failed:,} of {n:,} requests of people{share}, in {failures['journeys']:,} of {visits:,} journeys"
        f"  {own_query(failures['query'], where)}"
    )
