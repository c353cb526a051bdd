"""Work that names no object it is known by: matched by when it starts.

Some jobs follow one step of every object within moments (an analytics task after every order) and name it by a number of
their own, or not at all. Where nearly every run of a job has exactly one step of one kind just before it, and nearly every
such step one run, each run belongs to the object of that step. Several candidates: no link.

The rule is tried on jobs whose object is known; the measured precision is its confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reconstruct.correlate.calibrate import LEAST_TRIALS, wilson_lower
from reconstruct.events.templates import skeletons
from reconstruct.store.codes import code_texts

WINDOW_NS = 5 * 1_000_000_000
"""Work that starts later than this after a step was not started by it, as far as timing can tell."""

BACKWARDS_NS = 20_000_000
"""How much earlier than the step a job may be stamped: another machine's clock, or a line written late."""

LEAST_RUNS = 5
"""Runs of a job before a habit can be seen."""

HABIT = 0.8
"""Share of runs that follow a step, and share of those steps that are followed, that makes it a habit."""

STEADY = 3.0
"""Multiple of the 95th percentile of the delay beyond which a step is no candidate."""

PRIOR = 0.6
"""Confidence where too few known jobs allow no measurement (correlation §7.8)."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job: lines grouped by a task or request identifier, represented by the first."""

    type: int
    value: str
    eid: int
    t: int
    template: str
    object: int
    """-1 when unknown"""


def link_by_delay(db: duckdb.DuckDBPyConnection) -> float | None:
    """Add ``thing_links`` of rule ``delay`` for runs of unknown object; gives the confidence used, None when nothing was linked.

    Needs ``grouped``, ``thing_links``, ``timeline``, ``worded`` and ``wordings``.
    """
    runs = _by_template(_runs(db))
    if all(run.object >= 0 for each in runs.values() for run in each):
        return None
    steps = _steps(db)
    linked = []
    trials = right = 0
    for template, each in runs.items():
        others = steps.besides(template, [run.eid for run in each])
        found = _follow(each, others)
        linked += [pair for pair in found if pair[0].object < 0]
        known = [(run, thing) for run, thing, _ in found if run.object >= 0]
        trials += len(known)
        right += sum(run.object == thing for run, thing in known)
    if not linked:
        return None
    confidence = round(wilson_lower(right, trials), 4) if trials >= LEAST_TRIALS else PRIOR
    _insert(db, linked, confidence)
    return confidence


def _runs(db: duckdb.DuckDBPyConnection) -> list[Run]:
    """Runs of jobs: groups with no web request in them."""
    table = db.sql(
        """
        WITH jobs AS (SELECT code FROM grouped JOIN timeline USING (eid) GROUP BY code HAVING NOT bool_or(request)),
             lines AS (SELECT * FROM grouped SEMI JOIN jobs USING (code)),
             heads AS (SELECT code, any_value(type) AS type, any_value(value) AS value, arg_min(eid, (t.t, eid)) AS eid, min(t.t) AS t
                       FROM lines JOIN timeline t USING (eid) GROUP BY code),
             owners AS (SELECT code, min(object) AS object FROM lines JOIN thing_links USING (eid)
                        GROUP BY code HAVING min(object) = max(object))
        SELECT h.type, h.value, h.eid, h.t, coalesce(text, '') AS template, coalesce(o.object, -1) AS object
        FROM heads h JOIN worded USING (eid) LEFT JOIN wordings USING (wording) LEFT JOIN owners o USING (code) ORDER BY h.t, h.eid
        """
    ).to_arrow_table()
    columns = (table[name].to_pylist() for name in ("type", "value", "eid", "t", "template", "object"))
    return [Run(*each) for each in zip(*columns, strict=True)]


def _by_template(runs: list[Run]) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.template, []).append(run)
    return {template: each for template, each in sorted(found.items()) if len(each) >= LEAST_RUNS}


Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Steps:
    """Events that name their object and say something, by template, then in time order."""

    templates: list[str]
    starts: Ints
    """where the events of each template begin, and where the last ones end"""
    t: Ints
    object: Ints
    eid: Ints

    def besides(self, template: str, own: Sequence[int]) -> dict[str, tuple[Ints, Ints]]:
        """template → times and objects, of the others: but for those that none but the job's ``own`` lines are written in, as what a
        job writes itself is no step that it follows."""
        foreign = np.add.reduceat(~np.isin(self.eid, own), self.starts[:-1], dtype=np.int64)
        return {
            step: (self.t[start:end], self.object[start:end])
            for step, start, end, others in zip(
                self.templates, self.starts[:-1], self.starts[1:], foreign.tolist(), strict=True
            )
            if step != template and others
        }


def _steps(db: duckdb.DuckDBPyConnection) -> _Steps:
    found = """
        SELECT l.eid, l.object, t.t, {said} FROM thing_links l JOIN timeline t USING (eid) {source} WHERE l.rule = 'identifier'
        """
    spoken = found.format(said="text AS said", source="JOIN worded USING (eid) JOIN wordings USING (wording)")
    asked = found.format(said="e.message AS said", source="JOIN events e USING (eid)")
    lines = db.sql(spoken).to_arrow_table()
    # What a request says of itself is in no table of wordings: most logs of requests say nothing.
    requests = db.sql(f"{asked} AND t.request AND e.message IS NOT NULL").to_arrow_table()
    if requests.num_rows:
        masked = skeletons(requests["said"].combine_chunks()).cast(pa.string())
        lines = pa.concat_tables([lines, requests.set_column(3, "said", pa.chunked_array([masked]))])
    t, thing, eid = (lines[name].to_numpy().astype(np.int64) for name in ("t", "object", "eid"))
    code, texts = code_texts(lines["said"])
    order = np.lexsort((eid, t, code))
    starts = np.searchsorted(code[order], np.arange(len(texts) + 1))
    return _Steps(texts.to_pylist(), starts, t[order], thing[order], eid[order])


def _follow(runs: list[Run], steps: dict[str, tuple[Ints, Ints]]) -> list[tuple[Run, int, str]]:
    """(run, object, step template) for the runs whose step is unique; empty when the job follows no step by habit."""
    at = np.array([run.t for run in runs], np.int64) + BACKWARDS_NS
    best: tuple[float, float, str] | None = None
    for template, (t, thing) in steps.items():
        if not 0.5 * len(runs) <= len(t) <= 2 * len(runs):
            continue
        before = np.searchsorted(t, at, side="right") - 1
        lag = np.where(before >= 0, at - t[np.maximum(before, 0)], WINDOW_NS + 1)
        followed = lag <= WINDOW_NS
        runs_share = float(followed.mean())
        steps_share = len(np.unique(thing[before[followed]])) / max(1, len(np.unique(thing)))
        if min(runs_share, steps_share) >= HABIT:
            candidate = (min(runs_share, steps_share), -float(np.median(lag[followed])), template)
            best = max(best, candidate) if best else candidate
    if best is None:
        return []
    t, thing = steps[best[2]]
    before = np.searchsorted(t, at, side="right") - 1
    lag = np.where(before >= 0, at - t[np.maximum(before, 0)], WINDOW_NS + 1)
    reach = min(WINDOW_NS, int(STEADY * np.quantile(lag[lag <= WINDOW_NS], 0.95)) + BACKWARDS_NS)
    found: dict[int, tuple[int, Run]] = {}
    disputed: set[int] = set()
    for number, run in enumerate(runs):
        low = int(np.searchsorted(t, at[number] - reach))
        candidates = set(thing[low : before[number] + 1].tolist())
        if len(candidates) != 1:
            continue
        (only,) = candidates
        if only in found:
            disputed.add(only)
        found[only] = (number, run)
    return [(run, only, best[2]) for only, (_, run) in sorted(found.items()) if only not in disputed]


def _insert(db: duckdb.DuckDBPyConnection, linked: list[tuple[Run, int, str]], confidence: float) -> None:
    table = pa.table(
        {
            "type": pa.array([run.type for run, _, _ in linked], pa.int32()),
            "value": pa.array([run.value for run, _, _ in linked], pa.string()),
            "object": pa.array([thing for _, thing, _ in linked], pa.int32()),
            "step": pa.array([template for _, _, template in linked], pa.string()),
        }
    )
    db.register("delayed_in", table)
    db.execute(
        f"""
        INSERT INTO thing_links
        SELECT g.eid, d.object, 'delay', 'step', d.step, {confidence}
        FROM grouped g JOIN delayed_in d USING (type, value) ANTI JOIN thing_links USING (eid)
        """
    )
    db.unregister("delayed_in")
