"""Comparisons in words, piece by piece: the command line and the interface set them in columns of their own."""

from __future__ import annotations

from typing import Any, NamedTuple

from reconstruct.wording import say_median, say_ms, say_part, say_points

Document = dict[str, Any]

PARTS_HERE = "here they part"
SAME = "the same on both sides"
NO_ENTRIES = "nothing is known on either side"


class Told(NamedTuple):
    """One figure that was compared."""

    first: str
    second: str
    change: str


def say_change(row: Document) -> Told:
    """Both sides with their samples and intervals, and the difference with its own."""
    first, second, found = row["first"], row["second"], row["difference"]
    if row["unit"] == "share":
        return Told(say_part(first), say_part(second), say_points(found))
    change = _say_signed(found["value"])
    change += (
        f" ({_say_signed(found['low'])} to {_say_signed(found['high'])})"
        if found["low"] is not None
        else " (too few to say)"
    )
    return Told(say_median(first), say_median(second), change)


def _say_signed(ms: int) -> str:
    return f"{'-' if ms < 0 else '+'}{say_ms(abs(ms))}"


def say_verdict(document: Document) -> str:
    """How much changed for sure; plainly when nothing did."""
    n, sure = document["compared"], document["sure"]
    if sure:
        return f"{sure:,} of {n:,} figures changed for sure (all of these together, at 95%)"
    return f"no sure difference in {n:,} figures" if n else "no sure difference: too few journeys to compare"


def say_rest(document: Document, rest: int) -> str:
    """What stands over the changes that may be chance."""
    return f"{'the other ' if document['sure'] else ''}{rest:,} may be chance"


def say_uneven(document: Document, n: int) -> str:
    """What stands over the changes that are not judged."""
    types = ", ".join(document["uneven_labels"])
    return f"not judged: {n:,} figures of {types}. One side had less time before the logs end"


def split_changes(document: Document) -> tuple[list[Document], list[Document], list[Document]]:
    """The sure ones, those that may be chance, those that are not judged."""
    changes = document["changes"]
    return (
        [row for row in changes if row["sure"]],
        [row for row in changes if not row["sure"] and not row["uneven"]],
        [row for row in changes if row["uneven"]],
    )


def say_set(side: Document) -> str:
    """One of two sets of journeys."""
    return f"{side['name']}: {say_counts(side)}"


def say_counts(side: Document) -> str:
    """How many journeys a set has, and when the first and the last of them began: what a period is about, not how long parcels took."""
    period = "no time"
    if side["first_at"]:
        period = f"begun {_minute(side['first_at'])} to {_minute(side['last_begun_at'])} UTC"
    people, business = side["journeys"], side["business_journeys"]
    return (
        f"{people:,} {'journey' if people == 1 else 'journeys'} of people, "
        f"{business:,} business {'journey' if business == 1 else 'journeys'}, {period}"
    )


def say_journey(side: Document) -> list[str]:
    """One of two journeys: who, where, when; then what came of it, for the customer and for the business."""
    business = side["business"]
    score = side["score"]
    found = [
        side["id"],
        side["customer"] or "customer not known",
        side["channel"],
        f"{_minute(side['started_at'])}, {say_ms(side['duration_ms'])}",
        side["outcome"],
    ]
    found += [f"experience {score:.0f}"] if score is not None else []
    if business:
        found.append(f"{business['label']} {business['outcome'].replace('_', ' ')}, {say_ms(business['duration_ms'])}")
    return found


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")
