"""The journeys a query chose, where they are few: who, when, what came of it, and where each order stands. And why there is none."""

from __future__ import annotations

import re
from typing import Any

from reconstruct.comparing.telling import say_journey
from reconstruct.results import Reconstruction
from reconstruct.wording import say_dayless, say_money, table

Document = dict[str, Any]
Places = set[tuple[int, int]]
"""(source id, line)"""

FEW_CHOSEN = 12
"""Journeys told one by one; more of them are figures, and would push these off the screen."""
COURSES_TOLD = 3
"""Journeys told from beginning to end; of more only what went wrong and where it stands."""
ENTRIES_TOLD = 60
"""Entries told of one journey."""
ORDERS_TOLD = 3
"""Business journeys told of one journey."""
VALUES_TOLD = 12
"""Values of a field told all; of more, such as numbers of orders, a few would help nobody."""
_SIMPLE = re.compile(r'(?P<field>[a-z][\w.]*):"?(?P<value>[^()"\s]+)"?')
BY_MOMENT = ("since:", "until:", "started", "ended")


def tell_chosen(results: Reconstruction) -> list[str]:
    """A few lines for each journey that was chosen; none when these are too many."""
    n = results.count_journeys()
    if n > FEW_CHOSEN:
        return []
    paths = {source["id"]: source["path"] for source in results.sources()}
    lines: list[str] = []
    for row in results.journey_rows(limit=FEW_CHOSEN):
        lines += _tell(results.journey(row["id"]), paths, results.labels, is_whole=n <= COURSES_TOLD)
    return lines


def _tell(document: Document, paths: dict[int, str], labels: dict[str, str], *, is_whole: bool) -> list[str]:
    """One journey: what the visitor came to, and the last that is known of every order. ``is_whole``: and how it came to that."""
    course = document["customer_journey"]
    head = {
        **{key: document[key] for key in ("id", "customer", "channel", "started_at", "duration_ms")},
        "outcome": course["outcome"], "score": document["experience"]["score"], "business": None,
    }  # fmt: skip
    lines = [f"  {' · '.join(say_journey(head))}"]
    touchpoints = course["touchpoints"]
    orders = document["business_journeys"]
    assets = {tuple(link["event"]) for link in document["links"] if link["rule"] == "asset"}
    if is_whole:
        told = [row for row in touchpoints if row["milestone"] or not row["ok"] or row is touchpoints[-1]]
        lines += _course(told, paths, assets)
        if len(told) < len(touchpoints):
            lines.append(f"      ({len(touchpoints) - len(told):,} more requests on the way, none of them failed)")
        for order in orders[:ORDERS_TOLD]:
            lines += [_head_of(order, labels), *_course(order["steps"], paths, assets), *_deviations(order)]
        return lines + _rest(orders)
    wrong = [row for row in touchpoints if not row["ok"]]
    if wrong:
        lines.append(_at("went wrong", wrong[-1], paths, assets))
    if touchpoints and not orders:
        lines.append(_at("left after", touchpoints[-1], paths, assets))
    for order in orders[:ORDERS_TOLD]:
        lines += [_head_of(order, labels), *_tell_order(order, paths, assets)]
    return lines + _rest(orders)


def _rest(orders: list[Document]) -> list[str]:
    n = len(orders) - ORDERS_TOLD
    return [f"    … and {n:,} more of its orders"] if n > 0 else []


def _course(entries: list[Document], paths: dict[int, str], assets: Places) -> list[str]:
    """What happened, one a line: when, what, by whom, and where its first line is."""
    rows = []
    for row in entries[:ENTRIES_TOLD]:
        words = row["activity"] + (f", {row['attempts']} tries" if row.get("attempts", 1) > 1 else "")
        rows.append([
            "✖" if _has_failed(row) else " ", row["at"][:19].replace("T", " "), words, row.get("service") or "", _line_of(row, paths, assets),
        ])  # fmt: skip
    lines = [f"    {line}".rstrip() for line in table(rows, frozenset(range(5)))]
    if len(entries) > ENTRIES_TOLD:
        lines.append(f"      … and {len(entries) - ENTRIES_TOLD:,} more")
    return lines


def _tell_order(order: Document, paths: dict[int, str], assets: Places) -> list[str]:
    lines = []
    steps = order["steps"]
    failed = [step for step in steps if step["status"] == "failed"]
    if failed and failed[-1] is not steps[-1]:
        lines.append("  " + _at("failed", failed[-1], paths, assets))
    if steps:
        lines.append("  " + _at("last", steps[-1], paths, assets))
    return lines + _deviations(order)


def _head_of(order: Document, labels: dict[str, str]) -> str:
    thing, value = order["object"], order["value"]
    worth = f", {say_money(value['amount'], value.get('currency'))}" if value else ""
    return f"    {labels.get(thing['type'], thing['type'])} {thing['id']} {order['outcome'].replace('_', ' ')}{worth}"


def _deviations(order: Document) -> list[str]:
    lines = []
    for row in order["deviations"]:
        due = row.get("expected_at")
        until = f", expected by {due[:16].replace('T', ' ')}" if due else ""
        lines.append(f"      {row['kind'].replace('_', ' ')}: {row['activity']}{until}: {row['why']}")
    return lines


def _at(said: str, row: Document, paths: dict[int, str], assets: Places) -> str:
    """What happened, when, and where its first line is."""
    tries = f", {row['attempts']} tries" if row.get("attempts", 1) > 1 else ""
    moment = row["at"][:19].replace("T", " ")
    return f"    {said}: {row['activity']}{' ✖' if _has_failed(row) else ''}{tries}, {moment}  {_line_of(row, paths, assets)}"


def _has_failed(row: Document) -> bool:
    """Of a step, or of a touchpoint."""
    return bool(row["status"] == "failed" if "service" in row else not row["ok"])


def _line_of(row: Document, paths: dict[int, str], assets: Places) -> str:
    """The first line behind an entry, but not of a picture that the page fetched."""
    source, line = next((event for event in row["events"] if tuple(event) not in assets), row["events"][0])
    return f"{paths.get(source, source)}:{line}"


def tell_none(results: Reconstruction) -> list[str]:
    """Why no journey was chosen: how many each condition leaves alone, and when journeys begin."""
    alone = results.conditions_alone()
    listed, first, last = results.extent()
    lines = [f"no journey matches: none of {listed:,}"]
    if len(alone) > 1:
        lines.append("  each condition alone: " + ", ".join(f"{text} {n:,}" for text, n in alone))
    if first and any(text.startswith(BY_MOMENT) and not n for text, n in alone):
        lines.append(f"  they begin from {first[:19].replace('T', ' ')} to {last[:19].replace('T', ' ')} UTC")
    clock = next((said for text, n in alone if not n and (said := say_dayless(text, last or ""))), "")
    if clock:
        lines.append(f"  {clock}")
    simple = next((found for text, n in alone if not n and (found := _SIMPLE.fullmatch(text))), None)
    if simple and not simple[0].startswith(BY_MOMENT):
        seen = [each.text for each in results.completions(f"{simple['field']}:")]
        if 0 < len(seen) <= VALUES_TOLD:
            lines.append(f"  {simple['field']} is one of {', '.join(seen)}")
        else:
            lines.append(
                f'  "{simple["value"]}" alone would be looked for everywhere in a journey; * stands for what is not known'
            )
    return lines
