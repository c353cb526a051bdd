"""The figures of the export's ``summary``: of everything, or of the journeys a query selects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from reconstruct.correlate.resolve import Resolution
from reconstruct.engines.ingest import COUNTED
from reconstruct.events import envelopes
from reconstruct.events.formats import GENERIC
from reconstruct.journeys.align import SURE
from reconstruct.measures.business import measure_business
from reconstruct.measures.chosen import PEOPLE, Chosen
from reconstruct.measures.conversion import measure_conversion
from reconstruct.measures.failures import measure_failures
from reconstruct.query.selection import EVERYTHING, Selection
from reconstruct.sources import Discovery
from reconstruct.store.database import Store

Document = dict[str, Any]

SAYS_LITTLE = frozenset({GENERIC, *envelopes.KINDS})
"""What the format of an event ends in when no format reads the line itself."""


def describe_reading(store: Store, discovery: Discovery, resolution: Resolution) -> Document:
    """What the summary says of all logs whatever is selected, and the store does not hold elsewhere."""
    report = resolution.sessions
    proxied = store.rows(
        "SELECT name FROM families WHERE list_contains(?, family) ORDER BY name", [resolution.without_address]
    )
    return {
        "visits": {
            "cut_s": round(report.habits.cut_s, 1),
            "cut_why": report.cut_why,
            "entry_starts_visit": report.habits.entries_start,
            **({"without_address": [name for (name,) in proxied]} if proxied else {}),
        },
        "reconstruction": _say_reconstruction(store, resolution),
        "skipped": [{"path": each.path, "reason": each.reason} for each in discovery.skipped],
    }


def _say_reconstruction(store: Store, resolution: Resolution) -> Document:
    """How far the journeys can be trusted: what they cover, what was left out and why, what each weak rule was right in."""
    placed, total = store.rows("SELECT (SELECT count(*) FROM event_visit), (SELECT count(*) FROM events)")[0]
    ((largest,),) = store.rows("SELECT coalesce(max(n_events), 0) FROM journeys")
    rules: dict[str, Document] = {}
    # A rule tried on several types of things is worth what it is for the doubtful one.
    for each in sorted((*resolution.sessions.rules.values(), *resolution.rules), key=lambda one: -one.confidence):
        rules[each.rule] = {
            "confidence": each.confidence,
            "measured": each.measured,
            "trials": each.trials,
            "right": each.right,
        }
    return {
        "coverage": round(placed / total, 4) if total else 0.0,
        "largest_journey": round(largest / total, 4) if total else 0.0,
        "abstained": resolution.abstained,
        "rules": dict(sorted(rules.items())),
    }


def summarise(store: Store, selection: Selection = EVERYTHING, zone_s: int = 0) -> Document:
    """The figures. ``events``, ``processes``, ``visits``, ``reconstruction``, ``quality`` and ``skipped`` are of all logs, whatever is
    selected.

    ``zone_s``: seconds east of UTC that days begin in.
    """
    chosen = Chosen(store, selection)
    n, customers, achieved, score = chosen.rows(
        "journeys",
        "seq",
        f"count(*) FILTER ({PEOPLE}), count(DISTINCT customer), count(*) FILTER ({PEOPLE} AND outcome = 'achieved'), "
        f"round(avg(score) FILTER ({PEOPLE}), 1)",
    )[0]
    objects, bridged = chosen.rows("business", "listed", "count(*), count(journey)")[0]
    session = _joins(chosen, "event_visit JOIN numbered USING (visit)", "seq")
    (total,) = store.rows("SELECT count(*) FROM events")[0]
    reading: Document = orjson.loads(store.meta("reading") or "{}")
    where = {"where": selection.text} if selection.text else {}
    return {
        **where,
        "journeys": n,
        "customers": customers,
        "business_journeys": objects,
        "conversion": round(achieved / n, 4) if n else 0.0,
        "outcomes": chosen.counts("journeys", "seq", "outcome", PEOPLE),
        "stages_reached": chosen.counts("journeys", "seq", "stage_reached", f"{PEOPLE} AND stage_reached IS NOT NULL"),
        "business_outcomes": chosen.counts("business", "listed", "outcome"),
        "experience": score,
        "agents": chosen.counts("journeys", "seq", "agent_kind"),
        **measure_conversion(chosen, zone_s),
        **measure_business(chosen),
        "failures": measure_failures(chosen, zone_s),
        "events": total,
        "events_in_journeys": sum(rule["events"] for rule in session.values()),
        "business_journeys_in_sessions": bridged,
        "joins": {
            "session": session,
            "object": _joins(chosen, "thing_links l JOIN business b ON b.thing = l.object", "listed"),
        },
        "processes": orjson.loads(store.meta("processes") or "[]"),
        "visits": reading["visits"],
        "reconstruction": reading["reconstruction"],
        "quality": _total(orjson.loads(row[0]) for row in store.rows("SELECT document FROM sources ORDER BY id")),
        "skipped": reading["skipped"],
    }


def _joins(chosen: Chosen, links: str, key: str) -> Document:
    """What links rest on: per rule how many, their mean confidence, and how many are sure enough to be drawn solid."""
    columns = f"rule, count(*), round(avg(confidence), 4), count(*) FILTER (confidence >= {SURE})"
    rows = chosen.rows(links, key, columns, "GROUP BY 1 ORDER BY 1")
    return {rule: {"events": n, "confidence": mean, "sure": sure} for rule, n, mean, sure in rows}


def share_lines(sources: Iterable[Document]) -> dict[str, float]:
    """Of the lines of sources that are not blank: the share that a known format reads or that belongs to such entries,
    that is known by its moment or its envelope only, and that nothing reads."""
    lines = generic = unparsed = 0
    for source in sources:
        lines += source["lines"] - source["blank"]
        unparsed += source["unparsed"]
        generic += sum(n for name, n in source["formats"].items() if name.rpartition("/")[2] in SAYS_LITTLE)
    shares = {"generic": generic / lines, "unparsed": unparsed / lines} if lines else {"generic": 0.0, "unparsed": 0.0}
    rounded = {name: round(share, 4) for name, share in shares.items()}
    return {"parsed": round(1 - sum(rounded.values()), 4), **rounded}


def _total(sources: Iterable[Document]) -> Document:
    """The account of lines over all sources."""
    rows = list(sources)
    counts = {name: sum(row[name] for row in rows) for name in COUNTED}
    return {**counts, **{f"{name}_share": share for name, share in share_lines(rows).items()}}
