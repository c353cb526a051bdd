"""Which columns of a table fit a width, and how wide each is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconstruct.tui.glyphs import Pen
from reconstruct.tui.reader import Document
from reconstruct.tui.widgets.paint import Line, Span

MAIL = "email:"

AIR = 2
"""Blank cells between columns."""


def say_customer(id: str) -> str:
    """A customer's identifier as people write it: a mail address says by itself what it is.

    >>> say_customer("email:ada@example.com"), say_customer("user:17")
    ('ada@example.com', 'user:17')
    """
    return id.removeprefix(MAIL) if "@" in id else id


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    key: str
    """row key it shows and sorts by"""
    title: str
    width: int
    """cells it needs"""
    render: Callable[[Document, Pen], Span]
    """the cell's text and ink"""
    priority: int = 1
    """columns of the highest number go first when room is short; 0 always stays"""
    grows: int = 0
    """share of spare room it takes"""
    most: int = 0
    """widest it grows; 0: no limit"""
    align: str = "left"
    keeps: str = "begin"
    """which part of a text too long is shown: ``begin``, or ``ends`` where both tell something"""
    sort_key: str = ""
    """letter that sorts by it; empty: it cannot be sorted by"""
    paint: Callable[[Document, Pen, int], Line] | None = None
    """instead of ``render``: the cell in several inks, in at most so many cells"""


def fit_columns(columns: Sequence[Column], width: int) -> list[tuple[Column, int]]:
    """The columns that fit, with their widths; spare room goes to those that can use it."""
    kept = list(columns)
    while len(kept) > 1 and sum(column.width + AIR for column in kept) - AIR > width:
        least = max(column.priority for column in kept)
        if not least:
            break
        last = max(index for index, column in enumerate(kept) if column.priority == least)
        del kept[last]
    widths = [column.width for column in kept]
    spare = width - sum(widths) - AIR * (len(kept) - 1)
    while spare > 0:
        growing = [i for i, c in enumerate(kept) if c.grows and (not c.most or widths[i] < c.most)]
        if not growing:
            break
        total = sum(kept[index].grows for index in growing)
        given = 0
        for index in growing:
            limit = kept[index].most - widths[index] if kept[index].most else spare
            part = min(limit, spare - given, max(1, spare * kept[index].grows // total))
            widths[index] += part
            given += part
        spare -= given
    return list(zip(kept, widths, strict=True))
