"""A whole journey in one line of a table: its marks in order, cut to the cells there are; and its way in few words."""

from __future__ import annotations

from collections.abc import Sequence

from reconstruct.journeys.moments import RANK, Glyph
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.inks import N_SERVICE_INKS
from reconstruct.tui.sanitise import measure
from reconstruct.tui.widgets.paint import Line, Span

SIGNS = {
    "!": (Glyph.FAILURE, "bad"), "x": (Glyph.FAILURE, "bad"), "?": (Glyph.MISSING, "missing"),
    ">": (Glyph.IN_FLIGHT, "running"), ".": (Glyph.INSTANT, "accent"),
}  # fmt: skip
"""Characters of a course that mean one thing; the rest are letters of stages."""
STAGE_INKS = dict(zip("aicps", ("dim", "text", "customer", "service-2", "service-5"), strict=True))
GAP, BUSINESS = "_", "|"


def mark_of(letter: str) -> tuple[Glyph, str]:
    """What one character of a course is drawn as, and in which ink."""
    if letter in SIGNS:
        return SIGNS[letter]
    return (Glyph.MILESTONE if letter.isupper() else Glyph.INSTANT), STAGE_INKS.get(letter.lower(), "dim")


def draw_course(course: str, pen: Pen, cells: int) -> Line:
    """A course in at most so many cells. Of marks that share a cell the most telling is drawn; order is kept.

    Customer and business share the cells in proportion to their marks, and each gets some.
    """
    parts = [part for part in course.split(BUSINESS) if part]
    if not parts or cells < 1:
        return []
    if len(parts) * 2 > cells:
        parts = parts[: max(1, cells // 2)]
    room = cells - (len(parts) - 1)
    total = sum(map(len, parts))
    spans: Line = []
    for index, part in enumerate(parts):
        if index:
            spans.append(Span(pen.signs.line, "faint"))
        fair = len(part) if total <= room else max(1, len(part) * room // total)
        spans += _draw_part(part, pen, min(fair, len(part)))
    return spans


def _draw_part(part: str, pen: Pen, cells: int) -> Line:
    spans: Line = []
    for cell in range(cells):
        letters = part[cell * len(part) // cells : (cell + 1) * len(part) // cells]
        marks = [mark_of(letter) for letter in letters if letter != GAP]
        if not marks:
            spans.append(Span(pen.signs.gap, "gap"))
            continue
        glyph, ink = max(marks, key=lambda mark: RANK[mark[0]])
        spans.append(Span(pen.signs.marks[glyph], ink))
    return spans


def draw_way(way: Sequence[str], pen: Pen, cells: int) -> Line:
    """Activities in order: in full when they fit, else by their last word, else by its first letters, else as marks."""
    names = [pen.clean(name, 80) for name in way]
    arrow = f" {pen.signs.arrow} "
    tight = pen.signs.arrow
    for words, between in (
        (names, arrow), ([last_word(name) for name in names], arrow), ([last_word(name) for name in names], tight),
        ([last_word(name)[:4] for name in names], tight),
    ):  # fmt: skip
        if sum(map(measure, words)) + len(between) * (len(words) - 1) <= cells:
            return _join(words, names, between)
    return [Span(pen.signs.marks[Glyph.INSTANT], ink_of(name)) for name in names][:cells]


def _join(words: Sequence[str], names: Sequence[str], between: str) -> Line:
    spans: Line = []
    for word, name in zip(words, names, strict=True):
        if spans:
            spans.append(Span(between, "faint"))
        spans.append(Span(word, ink_of(name)))
    return spans


def ink_of(activity: str) -> str:
    """The same ink for the same activity, wherever it stands."""
    return f"service-{sum(map(ord, activity)) % N_SERVICE_INKS}"


def last_word(activity: str) -> str:
    """What an activity is about, in a word.

    >>> last_word("Added to basket"), last_word("Placed order …"), last_word("Searched ‘…’")
    ('basket', 'order', 'Searched')
    """
    words = [word for word in activity.split() if any(map(str.isalnum, word))]
    return words[-1] if words else activity
