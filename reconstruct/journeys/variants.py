"""The process as the data shows it, for people: variants, where it starts and ends, waits, bottleneck, rework.

``process`` learns what is usual to judge one journey by; this sums up how they all went. Pure: documents in, figures out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from reconstruct.journeys.process import Process, milliseconds, quantile

VARIANTS_SHOWN = 10
"""Variants listed, most frequent first; real processes have a few paths most take and a long tail."""
STEPS_SHOWN = 40
"""Activities listed, most frequent first."""
ENDS_SHOWN = 5
TOGETHER_MS = 2_000
"""Steps that begin within this of one another are in no order (stamps of whole seconds): they count in their usual one, so
that chance does not make variants."""

Row = dict[str, Any]


class _Tally:
    """What is counted of one activity."""

    def __init__(self) -> None:
        self.journeys = self.again = self.failed = self.tries = 0
        self.waits: list[int] = []
        self.works: list[int] = []


def describe_processes(documents: Iterable[Mapping[str, Any]], process: Process) -> list[Row]:
    """One row per type of object, most frequent first.

    Args:
        documents: Annotated business journeys, in any order.
        process: As learned from them.

    Returns:
        Rows of ``summary.processes`` (docs/json.md). Shares are of ``journeys``; times are whole milliseconds, percentiles
        by nearest rank.
    """
    by_type: dict[str, list[Mapping[str, Any]]] = {}
    for document in documents:
        by_type.setdefault(document["object"]["type"], []).append(document)
    rows = [
        _describe(name, sorted(found, key=lambda each: str(each["id"])), process) for name, found in by_type.items()
    ]
    return sorted(rows, key=lambda row: (-row["journeys"], row["type"]))


def _describe(name: str, documents: Sequence[Mapping[str, Any]], process: Process) -> Row:
    tallies: dict[str, _Tally] = {}
    ranks: dict[str, list[int]] = {}
    paths: list[list[tuple[str, int]]] = []
    reworked: Counter[str] = Counter()
    n_reworked = 0
    for document in documents:
        path: list[tuple[str, int]] = []
        again: set[str] = set()
        ended: int | None = None
        met: set[str] = set()
        for step in document["steps"]:
            activity = step["activity"]
            if activity in process.looks:
                continue
            tally = tallies.get(activity)
            if tally is None:
                tally = tallies[activity] = _Tally()
            tally.tries += step["attempts"]
            start = milliseconds(step["at"])
            if activity in met:
                again.add(activity)
            else:
                tally.journeys += 1
                ranks.setdefault(activity, []).append(len(met))
            met.add(activity)
            path.append((activity, start))
            tally.failed += step["status"] != "ok"
            if ended is not None:
                tally.waits.append(max(0, start - ended))
            tally.works.append(step["duration_ms"])
            ended = max(ended or 0, start + step["duration_ms"])
        for activity in again:
            tallies[activity].again += 1
        reworked.update(again)
        n_reworked += bool(again)
        paths.append(path)
    usual = {activity: sum(places) / len(places) for activity, places in ranks.items()}
    told = [_in_usual_order(path, usual) for path in paths]
    n = len(documents)
    whole = [path[-1] for path, document in zip(told, documents, strict=True) if path and _is_over(document)]
    return {
        "type": name,
        "journeys": n,
        "variants": _variants(told, documents),
        "n_variants": len(set(told)),
        "starts": _ranked(Counter(path[0] for path in told if path)),
        "ends": _ranked(Counter(whole)),
        "steps": [
            _step_row(activity, tally, n)
            for activity, tally in sorted(tallies.items(), key=lambda item: (-item[1].journeys, item[0]))[:STEPS_SHOWN]
        ],
        "bottleneck": _bottleneck(tallies),
        "rework": {
            "journeys": n_reworked,
            "share": round(n_reworked / n, 4),
            "steps": [{"activity": activity, "journeys": count} for activity, count in _most(reworked)[:ENDS_SHOWN]],
        },
    }


def _is_over(document: Mapping[str, Any]) -> bool:
    """What is in flight or cut off by the end of the logs ends nowhere yet."""
    return document["outcome"] not in ("in_progress", "stuck")


def _in_usual_order(path: Sequence[tuple[str, int]], usual: Mapping[str, float]) -> tuple[str, ...]:
    """The activities of a path; those that begin together in the order they usually have, repetitions in a row once."""
    told: list[str] = []
    together: list[str] = []
    began = 0
    for activity, start in path:
        if together and start - began > TOGETHER_MS:
            told += sorted(together, key=lambda name: (usual[name], name))
            together = []
        if not together:
            began = start
        together.append(activity)
    told += sorted(together, key=lambda name: (usual[name], name))
    return tuple(activity for activity, _ in groupby(told))


def _variants(told: Sequence[tuple[str, ...]], documents: Sequence[Mapping[str, Any]]) -> list[Row]:
    members: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for path, document in zip(told, documents, strict=True):
        members.setdefault(path, []).append(document)
    ranked = sorted(members.items(), key=lambda item: (-len(item[1]), item[0]))
    rows = []
    for path, found in ranked[:VARIANTS_SHOWN]:
        outcomes = Counter(document["outcome"] for document in found)
        durations = sorted(document["duration_ms"] for document in found)
        rows.append(
            {
                "activities": list(path), "journeys": len(found), "share": round(len(found) / len(told), 4),
                "outcomes": dict(_most(outcomes)), "p50_ms": quantile(durations, 0.5), "example": found[0]["id"],
            }
        )  # fmt: skip
    return rows


def _step_row(activity: str, tally: _Tally, n: int) -> Row:
    waits, works = sorted(tally.waits), sorted(tally.works)
    return {
        "activity": activity,
        "journeys": tally.journeys,
        "share": round(tally.journeys / n, 4),
        "again": tally.again,
        "failed": tally.failed,
        "attempts": tally.tries,
        "wait_p50_ms": quantile(waits, 0.5) if waits else None,
        "wait_p95_ms": quantile(waits, 0.95) if waits else None,
        "work_p50_ms": quantile(works, 0.5) if works else None,
        "work_p95_ms": quantile(works, 0.95) if works else None,
    }


def _bottleneck(tallies: Mapping[str, _Tally]) -> Row | None:
    """The step most of the waiting is before; None when nothing waits."""
    total = sum(sum(tally.waits) for tally in tallies.values())
    if not total:
        return None
    activity, tally = max(tallies.items(), key=lambda item: (sum(item[1].waits), item[0]))
    waits = sorted(tally.waits)
    return {
        "activity": activity, "share_of_waiting": round(sum(waits) / total, 4), "wait_p50_ms": quantile(waits, 0.5),
        "wait_p95_ms": quantile(waits, 0.95),
    }  # fmt: skip


def _ranked(counts: Counter[str]) -> list[Row]:
    total = sum(counts.values())
    return [{"activity": name, "journeys": n, "share": round(n / total, 4)} for name, n in _most(counts)[:ENDS_SHOWN]]


def _most(counts: Counter[str]) -> list[tuple[str, int]]:
    """Most frequent first; equals by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
