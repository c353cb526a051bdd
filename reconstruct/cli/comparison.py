"""Comparisons as text."""

from __future__ import annotations

from typing import Any

from reconstruct.comparing.telling import (
    NO_ENTRIES,
    PARTS_HERE,
    SAME,
    say_change,
    say_journey,
    say_rest,
    say_set,
    say_uneven,
    say_verdict,
    split_changes,
)
from reconstruct.measures.paths import ARROW
from reconstruct.wording import say_ms, table

Document = dict[str, Any]

UNSURE_SHOWN = 6
"""Changes listed that may be chance, largest first."""
SURE_SHOWN = 20
NAME_WIDTH = 60
ACTIVITY_WIDTH = 44


def render_populations(document: Document) -> list[str]:
    """What changed, the largest sure changes first."""
    sure, rest, uneven = split_changes(document)
    lines = [f"first   {say_set(document['first'])}", f"second  {say_set(document['second'])}", ""]
    lines += [
        f"conversion {told[2]}, {told[3]}"
        for told in (_told(row) for row in document["changes"] if row["topic"] == "conversion")
    ]
    lines += [say_verdict(document) + (":" if sure else "")]
    lines += table([_told(row) for row in sure[:SURE_SHOWN]], frozenset(range(4)))
    lines += [f"  … and {len(sure) - SURE_SHOWN:,} more: --json"] if len(sure) > SURE_SHOWN else []
    for title, rows in ((say_rest(document, len(rest)), rest), (say_uneven(document, len(uneven)), uneven)):
        if rows:
            lines += ["", f"{title}; the largest:"]
            lines += table([_told(row) for row in rows[:UNSURE_SHOWN]], frozenset(range(4)))
    return lines


def _told(row: Document) -> list[str]:
    name = row["label"]
    if len(name) > NAME_WIDTH:
        name = _shorten(name)
    told = say_change(row)
    return [row["topic"], name, f"{told.first} → {told.second}", told.change]


def _shorten(name: str) -> str:
    """A long way by its first and its last activities, none cut in two where there is room for that.

    >>> _shorten("customer: Viewed category ‘…’ › Viewed product ‘…’ › Added to basket › Started checkout")
    'customer: Viewed category ‘…’ › … › Started checkout'
    """
    parts = name.split(ARROW)
    first, last = parts[0], parts[-1:]
    while len(parts) > len(last) + 2 and len(ARROW.join([first, "…", parts[-len(last) - 1], *last])) <= NAME_WIDTH:
        last = parts[-len(last) - 1 :]
    short = ARROW.join([first, "…", *last])
    if len(parts) > 2 and len(short) <= NAME_WIDTH:
        return short
    return f"{name[: NAME_WIDTH // 2]}…{name[-NAME_WIDTH // 2 + 1 :]}"


def render_pair(document: Document) -> list[str]:
    """Two journeys beside each other; ``≠`` marks what only one of them has, an arrow where they first part."""
    lines = [f"{word:<6}  {' · '.join(say_journey(document[word]))}" for word in ("first", "second")]
    for title, key in (("what the visitors did", "touchpoints"), ("what the business did", "steps")):
        lines += ["", title, *_render_aligned(document[key])]
    return lines


def _render_aligned(aligned: Document) -> list[str]:
    rows = aligned["rows"]
    if not rows:
        return [f"  {NO_ENTRIES}"]
    told = []
    for number, row in enumerate(rows):
        mark = "" if row["same"] else "≠"
        here = f"← {PARTS_HERE}" if number == aligned["parts_at"] else ""
        told.append([mark, *_say_entry(row["first"]), *_say_entry(row["second"]), here])
    heads = ["", "after", "wait", "first", "after", "wait", "second", ""]
    lines = [line.rstrip() for line in table([heads, *told], frozenset({0, 3, 6, 7}))]
    if aligned["parts_at"] is None:
        lines.append(f"  {SAME}")
    if aligned["left_out"]:
        lines.append(f"  … {aligned['left_out']:,} more are not compared")
    return lines


def _say_entry(entry: Document | None) -> list[str]:
    if entry is None:
        return ["", "", ""]
    activity = entry["activity"] + ("" if entry["ok"] else " ✖")
    short = activity if len(activity) <= ACTIVITY_WIDTH else activity[: ACTIVITY_WIDTH - 1] + "…"
    return [say_ms(entry["after_ms"]), say_ms(entry["wait_ms"]), short]
