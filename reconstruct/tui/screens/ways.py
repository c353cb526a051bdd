"""The ways journeys take, by share, and the map of what follows what: columns, and what is said of one row."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile

from reconstruct.journeys.axis import say_duration
from reconstruct.journeys.moments import Glyph, mappings_of, number_of, text_of
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.reader import Document
from reconstruct.tui.widgets.columns import Column
from reconstruct.tui.widgets.course import draw_way, ink_of
from reconstruct.tui.widgets.paint import Line, Span
from reconstruct.tui.widgets.sections import section
from reconstruct.tui.widgets.sheet import Paragraph

CUSTOMER = "customer"
BAR_CELLS = 12
WIDE_BAR = 48
"""A bar where there is room: longer ones are not easier to compare."""
RARE_SHARE = 0.01
"""Activities of fewer journeys are left out of the map, which says how many they are."""
MAIN_SHARE = 1 / 3
"""An activity of at least a third of the journeys is on the main way; others branch off. Not half: of journeys that are
still going on, many have not come to the last steps."""
BOTTLENECK_SHARE = 0.25
"""A wait is called the bottleneck when it is the longest and at least this share of all waiting."""
NEIGHBOURS = 8


def quote(text: str) -> str:
    r"""A text as a value of a query, taken literally.

    >>> quote('5" nails')
    '"5\\" nails"'
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def say_ms(value: object) -> str:
    """Milliseconds in words."""
    ms = number_of(value)
    return say_duration(int(ms * 1_000_000)) if ms >= 1 else "<1ms"


def share_rows(ways: Mapping[str, object], subject: str) -> list[Document]:
    """Ways with their share, and how much they add up to from the first."""
    entity = "journey" if subject == CUSTOMER else "business"
    total = max(1.0, number_of(ways.get("total")))
    rows, so_far = [], 0.0
    for row in mappings_of(ways.get("rows")):
        so_far += number_of(row.get("journeys"))
        rows.append({
            **row, "share": number_of(row.get("journeys")) / total, "so_far": so_far / total,
            "filter": f"{entity}.variant:{text_of(row.get('variant'))}",
        })  # fmt: skip
    return rows


def _count(row: Document, pen: Pen) -> Span:
    return Span(f"{int(number_of(row.get('journeys'))):,}", "strong")


def _share(row: Document, pen: Pen) -> Span:
    return Span(f"{number_of(row.get('share')):.1%}", "dim")


def _so_far(row: Document, pen: Pen) -> Span:
    return Span(f"{number_of(row.get('so_far')):.0%}", "faint")


def _bar(row: Document, pen: Pen) -> Span:
    return Span(pen.bar(number_of(row.get("share")), BAR_CELLS), "customer")


def _paint_bar(row: Document, pen: Pen, cells: int) -> Line:
    return [Span(pen.bar(number_of(row.get("share")), cells), "customer")]


def _good(row: Document, pen: Pen) -> Span:
    share = number_of(row.get("good")) / max(1.0, number_of(row.get("journeys")))
    sign = pen.signs.good if share >= 0.5 else pen.signs.unknown
    return Span(f"{sign} {share:.0%}", "good" if share >= 0.5 else "dim")


def _time(row: Document, pen: Pen) -> Span:
    ms = row.get("p50_ms")
    return Span(say_ms(ms) if number_of(ms) >= 1 else "", "dim")  # a single touchpoint takes no time


def _names(row: Document) -> list[str]:
    way = row.get("way")
    return [text_of(name) for name in way] if isinstance(way, list) else []


def _way(row: Document, pen: Pen) -> Span:
    return Span(pen.clean(" → ".join(_names(row)), 400))


def _paint_way(row: Document, pen: Pen, cells: int) -> Line:
    return draw_way(_names(row), pen, cells)


WAY_COLUMNS = (
    Column("journeys", "Journeys", 8, _count, 0, align="right"),
    Column("share", "Share", 6, _share, 0, align="right"),
    Column("bar", "", BAR_CELLS, _bar, 2, grows=1, most=WIDE_BAR, paint=_paint_bar),
    Column("so_far", "Sum", 4, _so_far, 5, align="right"),
    Column("good", "Goal", 6, _good, 1),
    Column("p50_ms", "p50", 6, _time, 3, align="right"),
    Column("way", "Way", 24, _way, 0, grows=5, paint=_paint_way),
)


def describe_way(row: Document, pen: Pen) -> list[Paragraph]:
    """One way in full."""
    if not row:
        return [Paragraph([Span("No journeys", "dim")])]
    n, good = int(number_of(row.get("journeys"))), int(number_of(row.get("good")))
    head = f"{n:,} journey{'s' if n != 1 else ''}, {number_of(row.get('share')):.1%}"
    took = say_ms(row.get("p50_ms"))
    told = (f"{good:,} reach their goal", f"half take at most {took}")
    if n == 1:
        told = ("reaches its goal" if good else "does not reach its goal", f"takes {took}")
    more = f"  {told[0]} {pen.signs.dot} {told[1]}"
    lines = [Paragraph([Span(head, "title"), Span(more, "dim")], 2), Paragraph()]
    for place, name in enumerate(_names(row), 1):
        lines.append(Paragraph([Span(f"{place:>4}  ", "dim"), Span(pen.clean(name), ink_of(pen.clean(name, 80)))], 6))
    return lines


# --- the map


def map_rows(found: Mapping[str, object], subject: str) -> list[Document]:
    """Activities in usual order, each with the wait before it and whether that is the bottleneck."""
    field = "touchpoint.does" if subject == CUSTOMER else "step.does"
    total = max(1.0, number_of(found.get("total")))
    edges = mappings_of(found.get("edges"))
    waiting = sum(number_of(edge.get("wait_ms")) for edge in edges)
    into: dict[str, list[Mapping[str, object]]] = {}
    for edge in edges:
        into.setdefault(text_of(edge.get("to")), []).append(edge)
    rows: list[Document] = []
    for node in mappings_of(found.get("nodes")):
        if number_of(node.get("journeys")) < total * RARE_SHARE:
            continue
        name = text_of(node.get("activity"))
        usual = max(into.get(name, []), key=lambda edge: number_of(edge.get("times")), default={})
        wait = sum(number_of(edge.get("wait_ms")) for edge in into.get(name, []))
        rows.append({
            **node, "share": number_of(node.get("journeys")) / total, "p50_ms": usual.get("p50_ms"),
            "p95_ms": usual.get("p95_ms"), "after": usual.get("from"), "waiting": wait / waiting if waiting else 0.0,
            "filter": f"{field}:{quote(name)}",
        })  # fmt: skip
    for row in takewhile(lambda row: number_of(row["share"]) < MAIN_SHARE, rows):
        row["leads"] = True
    worst = max(rows, key=lambda row: number_of(row["waiting"]), default={})
    if number_of(worst.get("waiting")) >= BOTTLENECK_SHARE:
        worst["bottleneck"] = True
    return rows


def _paint_step(row: Document, pen: Pen, cells: int) -> Line:
    name = pen.clean(text_of(row.get("activity")), 80)
    if number_of(row.get("share")) >= MAIN_SHARE:
        sign = pen.signs.marks[Glyph.INSTANT]
        return [Span(f"{sign} ", "accent"), Span(pen.cut(name, cells - 2), "strong")]
    fails = number_of(row.get("failed")) * 2 > number_of(row.get("times"))
    if row.get("leads"):  # there is no main way above it yet
        branch = f"  {pen.signs.turn_down}{pen.signs.rule} "
    else:
        branch = f"{pen.signs.line} {pen.signs.turn_right}{pen.signs.rule} "
    return [Span(branch, "faint"), Span(pen.cut(name, cells - 5), "bad" if fails else "text")]


def _step(row: Document, pen: Pen) -> Span:
    return Span(pen.clean(text_of(row.get("activity")), 80))


def _service(row: Document, pen: Pen) -> Span:
    service = pen.clean(text_of(row.get("service")), 40)
    return Span(service, ink_of(service) if service else "dim")


def _wait(row: Document, pen: Pen) -> Span:
    words = "" if row.get("p50_ms") is None else say_ms(row.get("p50_ms"))
    return Span(words, "bad" if row.get("bottleneck") else "text")


def _long_wait(row: Document, pen: Pen) -> Span:
    return Span("" if row.get("p95_ms") is None else say_ms(row.get("p95_ms")), "dim")


def _waiting(row: Document, pen: Pen) -> Span:
    share = number_of(row.get("waiting"))
    if share < 0.005:
        return Span("")
    words = f"{pen.bar(share, 8)} {share:.0%}"
    return Span(f"{words} bottleneck" if row.get("bottleneck") else words, "bad" if row.get("bottleneck") else "warn")


def _failed(row: Document, pen: Pen) -> Span:
    failed = int(number_of(row.get("failed")))
    return Span(f"{failed:,}{pen.signs.bad}" if failed else "", "bad")


def _again(row: Document, pen: Pen) -> Span:
    again = int(number_of(row.get("times")) - number_of(row.get("journeys")))
    return Span(f"{again:,}" if again else "", "warn")


def _ends(row: Document, pen: Pen) -> Span:
    ends = int(number_of(row.get("last")))
    return Span(f"{ends:,}" if ends else "", "dim")


MAP_COLUMNS = (
    Column("activity", "Step", 20, _step, 0, grows=3, most=44, paint=_paint_step),
    Column("service", "Service", 9, _service, 6, grows=1, most=16),
    Column("journeys", "Journeys", 8, _count, 0, align="right"),
    Column("share", "Share", 6, _share, 2, align="right"),
    Column("bar", "", BAR_CELLS, _bar, 5, grows=1, most=WIDE_BAR, paint=_paint_bar),
    Column("p50_ms", "Wait p50", 8, _wait, 0, align="right"),
    Column("p95_ms", "p95", 6, _long_wait, 1, align="right"),
    Column("waiting", "Of all waiting", 24, _waiting, 1),
    Column("failed", "Failed", 6, _failed, 3, align="right"),
    Column("again", "Again", 6, _again, 4, align="right"),
    Column("last", "End here", 8, _ends, 4, align="right"),
)


def say_step(row: Document, pen: Pen) -> str:
    """An activity, and how often journeys have it, begin and end with it."""
    if not row:
        return "No steps"
    counts = (("first", "begin with it"), ("last", "end with it"), ("failed", "times it failed"))
    facts = [f"{int(number_of(row.get(key))):,} {words}" for key, words in counts if number_of(row.get(key))]
    facts.insert(0, f"in {int(number_of(row.get('journeys'))):,} journeys")
    name = pen.clean(text_of(row.get("activity")), 80)
    return f"{name}  " + f" {pen.signs.dot} ".join(facts)


def edge_rows(row: Document, found: Mapping[str, object], subject: str) -> list[Document]:
    """Where an activity is come to from and where it leads, each a row that opens the journeys that go there."""
    group = "touchpoint" if subject == CUSTOMER else "step"
    name = text_of(row.get("activity"))
    rows: list[Document] = []
    for title, mine, other in (("Comes after", "to", "from"), ("Leads to", "from", "to")):
        edges = [edge for edge in mappings_of(found.get("edges")) if text_of(edge.get(mine)) == name]
        most = max((number_of(edge.get("journeys")) for edge in edges), default=1.0)
        rows += [section(title)] if edges else []
        for edge in edges[:NEIGHBOURS]:
            before, after = quote(text_of(edge.get("from"))), quote(text_of(edge.get("to")))
            rows.append({
                **edge, "activity": edge.get(other), "share": number_of(edge.get("journeys")) / most,
                "filter": f"{group}(does:{after} after:{before})",
            })  # fmt: skip
    return rows


EDGE_COLUMNS = (
    Column("journeys", "Journeys", 8, _count, 0, align="right"),
    Column("bar", "", BAR_CELLS, _bar, 2, grows=1, most=WIDE_BAR, paint=_paint_bar),
    Column("activity", "Step", 20, _step, 0, grows=3, most=60),
    Column("p50_ms", "Wait p50", 8, _wait, 0, align="right"),
    Column("p95_ms", "p95", 6, _long_wait, 1, align="right"),
    Column("again", "Again", 6, _again, 3, align="right"),
)
