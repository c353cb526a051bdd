"""Comparisons as text."""

from __future__ import annotations

from typing import Any

from reconstruct.cli.wording import say_median, say_ms, say_part, say_points, table

Document = dict[str, Any]

UNSURE_SHOWN = 6
"""Changes listed that may be chance, largest first."""
SURE_SHOWN = 20
NAME_WIDTH = 60
ACTIVITY_WIDTH = 44


def render_populations(document: Document) -> list[str]:
    """What changed, the largest sure changes first."""
    changes = document["changes"]
    sure = [row for row in changes if row["sure"]]
    uneven = [row for row in changes if row["uneven"]]
    rest = [row for row in changes if not row["sure"] and not row["uneven"]]
    lines = [_say_side("first ", document["first"]), _say_side("second", document["second"]), ""]
    lines += [
        f"conversion {_say_change(row)[2]}, {_say_change(row)[3]}" for row in changes if row["topic"] == "conversion"
    ]
    if sure:
        lines += [f"{len(sure):,} of {len(changes):,} figures changed for sure (all of these together, at 95%):"]
        lines += table([_say_change(row) for row in sure[:SURE_SHOWN]], frozenset(range(4)))
        lines += [f"  … and {len(sure) - SURE_SHOWN:,} more: --json"] if len(sure) > SURE_SHOWN else []
    else:
        lines += [
            f"no sure difference in {len(changes):,} figures"
            if changes
            else "no sure difference: too few journeys to compare"
        ]
    if rest:
        lines += ["", f"{'the other ' if sure else ''}{len(rest):,} may be chance; the largest:"]
        lines += table([_say_change(row) for row in rest[:UNSURE_SHOWN]], frozenset(range(4)))
    if uneven:
        types = ", ".join(document["uneven"])
        lines += [
            "",
            f"not judged: {len(uneven):,} figures of {types}. One side had less time before the logs end; the largest:",
        ]
        lines += table([_say_change(row) for row in uneven[:UNSURE_SHOWN]], frozenset(range(4)))
    return lines


def _say_side(word: str, side: Document) -> str:
    period = f"{_minute(side['first_at'])} to {_minute(side['last_at'])}" if side["first_at"] else "no time"
    return f"{word}  {side['name']}: {side['journeys']:,} journeys of people, {side['business_journeys']:,} business journeys, {period}"


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")


def _say_change(row: Document) -> list[str]:
    first, second = row["first"], row["second"]
    name = (
        row["name"]
        if len(row["name"]) <= NAME_WIDTH
        else f"{row['name'][: NAME_WIDTH // 2]}…{row['name'][-NAME_WIDTH // 2 + 1 :]}"
    )
    if row["unit"] == "share":
        return [row["topic"], name, f"{say_part(first)} → {say_part(second)}", say_points(row["difference"])]
    found = row["difference"]
    change = _say_signed(found["value"])
    change += (
        f" ({_say_signed(found['low'])} to {_say_signed(found['high'])})"
        if found["low"] is not None
        else " (too few to say)"
    )
    return [row["topic"], name, f"{say_median(first)} → {say_median(second)}", change]


def _say_signed(ms: int) -> str:
    return f"{'-' if ms < 0 else '+'}{say_ms(abs(ms))}"


def render_pair(document: Document) -> list[str]:
    """Two journeys beside each other; ``≠`` marks what only one of them has, an arrow where they first part."""
    lines = []
    for word in ("first", "second"):
        side = document[word]
        business = side["business"]
        lines.append(
            f"{word:<6}  {side['id']} · {side['customer'] or 'customer not known'} · {side['channel']} · {_minute(side['started_at'])}, "
            f"{say_ms(side['duration_ms'])} · {side['outcome']}"
            + (
                f" · {business['id']} {business['outcome'].replace('_', ' ')}, {say_ms(business['duration_ms'])}"
                if business
                else ""
            )
        )
    for title, key in (("what the visitors did", "touchpoints"), ("what the business did", "steps")):
        lines += ["", title, *_render_aligned(document[key])]
    return lines


def _render_aligned(aligned: Document) -> list[str]:
    rows = aligned["rows"]
    if not rows:
        return ["  nothing is known on either side"]
    told = []
    for number, row in enumerate(rows):
        mark = "" if row["same"] else "≠"
        here = "← here they part" if number == aligned["parts_at"] else ""
        told.append([mark, *_say_entry(row["first"]), *_say_entry(row["second"]), here])
    heads = ["", "after", "wait", "first", "after", "wait", "second", ""]
    lines = [line.rstrip() for line in table([heads, *told], frozenset({0, 3, 6, 7}))]
    if aligned["parts_at"] is None:
        lines.append("  the same on both sides")
    if aligned["left_out"]:
        lines.append(f"  … {aligned['left_out']:,} more are not compared")
    return lines


def _say_entry(entry: Document | None) -> list[str]:
    if entry is None:
        return ["", "", ""]
    activity = entry["activity"] + ("" if entry["ok"] else " ✖")
    short = activity if len(activity) <= ACTIVITY_WIDTH else activity[: ACTIVITY_WIDTH - 1] + "…"
    return [say_ms(entry["after_ms"]), say_ms(entry["wait_ms"]), short]
