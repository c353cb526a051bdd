"""Two journeys side by side: what the visitors did and what the business did, aligned, and where they first part.

Pure: journey documents in, a document out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from reconstruct.journeys.moments import NO_LABELS, name_of

Document = dict[str, Any]

LONGEST = 1_000
"""Touchpoints or steps aligned of either journey; the time to align grows with the square, and nobody reads further."""

_SAID = re.compile(r"[‘“][^‘“’”]*[’”]")
_NUMBER = re.compile(r"(?<![\w-])[\w-]*\d[\w-]*")
"""Both in linear time: a start is tried only where no earlier one has read on to the end."""


def compare_pair(
    first: Document, second: Document, named: tuple[str, str] = ("", ""), labels: Mapping[str, str] = NO_LABELS
) -> Document:
    """Two journey documents beside each other (docs/compare.md).

    Args:
        named: Ids of the business journeys that are meant; "" is each journey's first.
        labels: What types of identifiers are called in words of the logs.
    """
    business = [_business(journey, name) for journey, name in zip((first, second), named, strict=True)]
    touchpoints = [journey["customer_journey"]["touchpoints"] for journey in (first, second)]
    steps = [each["steps"] if each else [] for each in business]
    return {
        "first": _head(first, business[0], labels),
        "second": _head(second, business[1], labels),
        "touchpoints": _align(touchpoints, _touchpoint),
        "steps": _align(steps, _step),
    }


def _business(journey: Document, name: str) -> Document | None:
    found: list[Document] = journey["business_journeys"]
    return next((each for each in found if each["id"] == name), found[0] if found else None)


def _head(journey: Document, business: Document | None, labels: Mapping[str, str]) -> Document:
    told = ("id", "customer", "channel", "started_at", "duration_ms")
    shown = ("id", "outcome", "started_at", "duration_ms")
    return {
        **{name: journey[name] for name in told},
        "outcome": journey["customer_journey"]["outcome"],
        "score": journey["experience"]["score"],
        "business": None
        if business is None
        else {**{name: business[name] for name in shown}, "label": name_of(business, labels)},
    }


def _touchpoint(row: Document) -> Document:
    return {"activity": row["activity"], "ok": row["ok"], "took_ms": row["latency_ms"]}


def _step(row: Document) -> Document:
    return {"activity": row["activity"], "ok": row["status"] != "failed", "took_ms": row["duration_ms"]}


def _align(sides: Sequence[Sequence[Document]], read: Callable[[Document], Document]) -> Document:
    """Rows with what stands on either side (None: nothing), the first that differs, and how many were left out."""
    entries = [_entries(side[:LONGEST], read) for side in sides]
    keys = [[(name_activity(each["activity"]), each["ok"]) for each in side] for side in entries]
    rows: list[Document] = []
    # Frequent activities are no junk here: `autojunk` would align long visits by their rarest pages only.
    for same, a, b, c, d in SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
        for i in range(max(b - a, d - c)):
            first = entries[0][a + i] if a + i < b else None
            second = entries[1][c + i] if c + i < d else None
            rows.append({"first": first, "second": second, "same": same == "equal"})
    parts = next((number for number, row in enumerate(rows) if not row["same"]), None)
    return {"rows": rows, "parts_at": parts, "left_out": sum(max(0, len(side) - LONGEST) for side in sides)}


def _entries(rows: Sequence[Document], read: Callable[[Document], Document]) -> list[Document]:
    """What each row says; ``after_ms`` since the first, ``wait_ms`` since the one before."""
    moments = [_moment(row) for row in rows]
    found = []
    for number, row in enumerate(rows):
        after = round((moments[number] - moments[0]).total_seconds() * 1000)
        wait = round((moments[number] - moments[number - 1]).total_seconds() * 1000) if number else 0
        found.append({"at": row["at"], "after_ms": after, "wait_ms": wait, **read(row)})
    return found


def _moment(row: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(row["at"])


def name_activity(activity: str) -> str:
    """An activity without what differs from journey to journey.

    >>> name_activity("Searched ‘garden hose’"), name_activity("Placed order 100003")
    ('Searched …', 'Placed order …')
    """
    return _NUMBER.sub("…", _SAID.sub("…", activity))
