"""What changed between two sets of journeys: two directories, two periods, two queries.

Every figure is an ``Estimate`` on either side, and its change has an interval. Many figures are compared at once, and of
twenty comparisons of the same shop with itself one would seem sure by chance: a change is called *sure* when its interval
still leaves no doubt at the confidence at which all of them hold together (``intervals.quantile_z``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import asin, log, sqrt
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from reconstruct.intervals import CONFIDENCE, Estimate, difference, is_sure, order_statistics, quantile_z, wilson
from reconstruct.measures.business import list_fulfilled_times, list_goal_times, whole
from reconstruct.measures.chosen import PERSON, Chosen, named, render_estimate, rounded, within
from reconstruct.measures.paths import (
    count_customer_variants,
    count_met,
    count_over,
    count_steps,
    count_variants,
    list_followed,
    list_waits,
    query_over,
)
from reconstruct.results import Reconstruction

Document = dict[str, Any]

LEAST = 20
"""Of fewer on both sides together nothing is compared: no difference could be sure, and every comparison makes the others less so."""

BLINK_MS = 1_000
"""Added to times before their ratio says how much they changed: from 3 ms to 30 ms is nothing anybody waits for."""


SEEN = 10
"""Friction, steps, variants and outcomes met less often on both sides together are not compared either."""

ALWAYS = ("conversion", "drop-off")
"""Topics that are compared however rare."""

BUSINESS_TOPICS = ("business", "step", "variant", "wait", "time")
UNDECIDED = " in progress"
"""What the name of that outcome ends in."""

CUSTOMER = "customer"
"""Whose ways are those of visits, by their milestones."""

Key = tuple[str, str]
"""(topic, name)"""


class Part(NamedTuple):
    """So many of how many."""

    n: int
    of: int
    group: str
    """what it is a part of"""
    query: str | None = None


Sample = NDArray[np.int64]
"""Milliseconds, sorted."""


class Side(NamedTuple):
    """One of the sets, as figures that can be compared."""

    parts: dict[Key, Part]
    samples: dict[Key, Sample]
    queries: dict[Key, str | None]
    """of samples: what selects the journeys they are of, where something does"""
    wholes: dict[Key, int]
    """(topic, group) → how many there are of which a part that is not there is none"""
    followed: dict[str, Sample]
    """type of object → how long its business journeys were followed before the logs end"""


def compare(first: Reconstruction, second: Reconstruction, names: tuple[str, str]) -> Document:
    """What changed from one to the other: the document of ``compare --json`` (docs/compare.md).

    ``names``: what the two are called.
    """
    sides = _measure(first), _measure(second)
    parts, samples = list(_pair_parts(*sides)), list(_pair_samples(*sides))
    z = quantile_z(CONFIDENCE, len(parts) + len(samples))
    changes = [_compare_parts(*pair, z) for pair in parts] + [_compare_samples(*pair, z) for pair in samples]
    for row in changes[len(parts) :]:
        for word, side in zip(("first", "second"), sides, strict=True):
            row[word]["query"] = side.queries.get((row["topic"], row["name"]))
    labels = {**second.labels, **first.labels}
    for row in changes:
        row["label"] = _say_name(row["topic"], row["name"], labels)
    uneven = _mark_uneven(changes, sides)
    changes.sort(key=lambda row: (not row["sure"], -row["size"], row["topic"], row["name"]))
    return {
        "first": _say_side(first, names[0]),
        "second": _say_side(second, names[1]),
        "compared": len(changes),
        "sure": sum(row["sure"] for row in changes),
        "uneven": uneven,
        "uneven_labels": [labels.get(type_, type_) for type_ in uneven],
        "changes": changes,
    }


def _say_name(topic: str, name: str, labels: dict[str, str]) -> str:
    """What is compared in words of the logs: ``order_2: Order shipped`` → ``order_id: Order shipped``."""
    if topic not in BUSINESS_TOPICS:
        return name.replace("_", " ")
    type_ = name.split(" ", 1)[0].rstrip(":")
    return name if type_ == CUSTOMER else labels.get(type_, type_) + name.removeprefix(type_)


def _mark_uneven(changes: Sequence[Document], sides: Sequence[Side]) -> list[str]:
    """Types of object of which one side had less time before the logs end; what is said of them is no longer sure.

    Where it had, and more is still in progress, what takes long is missing from outcomes, steps, variants, waits and times: a
    difference that the process has no part in. Both at plain 95 %: better to be careful once too often.
    """
    rows = {row["name"]: row["difference"] for row in changes if row["topic"] == "business"}
    types = []
    for type_ in sorted(sides[0].followed.keys() & sides[1].followed.keys()):
        times = difference(*(order_statistics(side.followed[type_]) for side in sides))
        open_ = rows.get(f"{type_}{UNDECIDED}")
        if open_ is not None and is_sure(times) and is_sure(Estimate(open_["value"], open_["low"], open_["high"])):
            types.append(type_)
    starts = tuple(f"{type_}{sign}" for type_ in types for sign in (": ", " "))
    for row in changes:
        row["uneven"] = row["topic"] in BUSINESS_TOPICS and row["name"].startswith(starts)
        row["sure"] = row["sure"] and not row["uneven"]
    return types


def _say_side(results: Reconstruction, name: str) -> Document:
    summary = results.summary()
    columns = "min(started_at), max(started_at), max(ended_at)"
    ((first, last_begun, last),) = Chosen(results.store, results.selection).rows("listed", "seq", columns)
    return {
        "name": name,
        "where": results.selection.text,
        "journeys": summary["journeys"],
        "business_journeys": summary["business_journeys"],
        "first_at": first,
        "last_begun_at": last_begun,
        "last_at": last,
    }


def _measure(results: Reconstruction) -> Side:
    """The figures of one side."""
    summary = results.summary()
    chosen = Chosen(results.store, results.selection)
    parts: dict[Key, Part] = {}
    wholes: dict[Key, int] = {("friction", ""): summary["achieved"]["of"]}

    def add(topic: str, name: str, found: Document, group: str = "") -> None:
        parts[topic, name] = Part(found["n"], found["of"], group, found["query"])

    add("conversion", "achieved", summary["achieved"])
    for row in summary["funnel"]:
        if row["dropped"] is not None:
            add("drop-off", row["stage"], row["dropped"])
    for row in summary["friction_cost"]:
        met = {"n": row["with"]["journeys"], "of": summary["achieved"]["of"], "query": row["with"]["query"]}
        add("friction", row["kind"], met)
    for row in summary["completion"]:
        wholes["business", row["type"]] = row["business_journeys"]
        add("business", f"{row['type']} fulfilled", row["fulfilled"])
        for each in row["outcomes"]:
            if each["outcome"] != "fulfilled":
                name = f"{row['type']} {each['outcome'].replace('_', ' ')}"
                add("business", name, {**each, "of": row["business_journeys"]}, row["type"])
    over = count_over(chosen)
    wholes |= {(topic, type_): n for topic in ("step", "variant") for type_, n in over.items()}
    for type_, activity, n in count_steps(chosen):
        query = query_over(chosen, type_, named("step", activity, operator="="))
        parts["step", f"{type_}: {activity}"] = Part(n, over[type_], type_, query)
    for type_, variant, way, n in count_variants(chosen):
        query = query_over(chosen, type_, named("variant", variant))
        parts["variant", f"{type_}: {way}"] = Part(n, over[type_], type_, query)
    people = summary["achieved"]["of"]
    wholes["variant", CUSTOMER] = people
    for variant, way, n in count_customer_variants(chosen):
        parts["variant", f"{CUSTOMER}: {way}"] = Part(
            n, people, CUSTOMER, chosen.query(PERSON, named("variant", variant))
        )
    samples: dict[Key, Sample] = {("wait", name): values for name, values in _samples(list_waits(chosen))}
    samples["time", "goal"] = list_goal_times(chosen).column("ms").to_numpy()
    queries = {("time", "goal"): summary["achieved"]["query"]}
    queries |= {
        ("time", f"{row['type']} fulfilled"): row["query"] for row in summary["times"] if row["outcome"] == "fulfilled"
    }
    met = count_met(chosen)
    for topic, name in samples:
        if (
            topic == "wait" and len(samples[topic, name]) == met[name]
        ):  # nowhere the first step, which waits for nothing
            type_, _, activity = name.partition(": ")
            step = named("step", activity, operator="=")
            queries[topic, name] = chosen.query(within("business", [named("type", type_), step]))
    fulfilled = list_fulfilled_times(chosen)
    for type_ in pc.unique(fulfilled.column("type")).to_pylist():
        of_type = fulfilled.filter(pc.equal(fulfilled.column("type"), type_))
        samples["time", f"{type_} fulfilled"] = of_type.column("ms").to_numpy()
    return Side(parts, samples, queries, wholes, dict(_samples(list_followed(chosen))))


def _samples(lists: pa.Table) -> Iterator[tuple[str, Sample]]:
    """``name`` and ``ms``, sorted."""
    for name, values in zip(lists.column("name").to_pylist(), lists.column("ms"), strict=True):
        yield name, np.sort(values.values.to_numpy())


def _pair_parts(first: Side, second: Side) -> Iterator[tuple[Key, Part, Part]]:
    """Parts of both; one that a side knows nothing of is none of that side's whole. Which are compared depends on both together
    only, so that the choice favours no difference."""
    for key in sorted(first.parts.keys() | second.parts.keys()):
        known = first.parts.get(key) or second.parts[key]
        sides = [
            side.parts.get(key) or Part(0, side.wholes.get((key[0], known.group), 0), known.group)
            for side in (first, second)
        ]
        seen = sum(each.n for each in sides)
        if (
            (seen >= SEEN or key[0] in ALWAYS)
            and sum(each.of for each in sides) >= LEAST
            and all(each.of for each in sides)
        ):
            yield key, sides[0], sides[1]


def _pair_samples(first: Side, second: Side) -> Iterator[tuple[Key, Sample, Sample]]:
    for key in sorted(first.samples.keys() & second.samples.keys()):
        one, other = first.samples[key], second.samples[key]
        if len(one) and len(other) and len(one) + len(other) >= LEAST:
            yield key, one, other


def _compare_parts(key: Key, first: Part, second: Part, z: float) -> Document:
    """One change of a share; ``z`` decides whether it is sure, what is shown is the 95 % interval. Its size is Cohen's h (1988)."""
    shown = difference(wilson(first.n, first.of), wilson(second.n, second.of))
    wide = difference(wilson(first.n, first.of, z), wilson(second.n, second.of, z))
    size = abs(2 * asin(sqrt(first.n / first.of)) - 2 * asin(sqrt(second.n / second.of)))
    return {
        "topic": key[0], "name": key[1], "unit": "share", "first": _say_part(first), "second": _say_part(second),
        "difference": render_estimate(shown), "sure": is_sure(wide), "size": round(size, 4),
    }  # fmt: skip


def _compare_samples(key: Key, first: Sample, second: Sample, z: float) -> Document:
    """One change of a median. Its size is the logarithm of how many times as long."""
    one, other = order_statistics(first), order_statistics(second)
    shown, wide = difference(one, other), difference(order_statistics(first, z), order_statistics(second, z))
    size = abs(log((max(0, other.value) + BLINK_MS) / (max(0, one.value) + BLINK_MS)))
    told = {name: whole(value) for name, value in zip(("value", "low", "high"), shown, strict=True)}
    return {
        "topic": key[0], "name": key[1], "unit": "ms", "first": _say_sample(first, one), "second": _say_sample(second, other),
        "difference": told, "sure": is_sure(wide), "size": round(size, 4),
    }  # fmt: skip


def _say_part(part: Part) -> Document:
    found = wilson(part.n, part.of)
    return {
        "n": part.n, "of": part.of, "share": rounded(found.value), "low": rounded(found.low), "high": rounded(found.high),
        "query": part.query,
    }  # fmt: skip


def _say_sample(sample: Sample, median: Estimate) -> Document:
    return {"n": len(sample), "p50_ms": whole(median.value), "low_ms": whole(median.low), "high_ms": whole(median.high)}
