"""Static files fold into the row that asked for them, as columns, before any row becomes an object.

What one page asks for in a row is one group: files of one source with the same referrer and the same evidence between two
pages of a journey. A group whose referrer is the page right before it becomes part of that page's row; any other stays as a
row of its own, whose place ``journeys.touchpoints`` finds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reconstruct.store.codes import Codes, code_rows, number_values
from reconstruct.store.database import EID_SHIFT

LINE_MASK = (1 << EID_SHIFT) - 1

NOWHERE = -1


@dataclass(slots=True)
class Placed:
    """Lines of journeys, sorted by journey and time. Numbers that name something are -1 where there is nothing."""

    eid: Codes
    owner: Codes
    """number of the journey"""
    time_ns: Codes
    own: NDArray[np.bool_]
    """false: it is there through an object"""
    folds: NDArray[np.bool_]
    """it asks for a static file"""
    request: Codes
    page: Codes
    """number of the path of a request for anything else"""
    evidence: Codes
    leads: Codes
    """number of the path that the referrer names"""
    referrer: Codes


@dataclass(slots=True)
class Folded:
    """What became of them."""

    kept: Codes
    """lines that stay as rows, ascending"""
    more: pa.Array
    """per row that stays the lines of its source folded into it, in the order of their groups; null: none"""
    more_evidence: pa.Array
    """the evidence of each of them"""
    ended_ns: Codes
    """per journey: time of the last of its own lines that is a page or the first of a group"""


def fold_files(placed: Placed) -> Folded:
    """Fold all static files."""
    at = np.flatnonzero(placed.folds)
    group, first = _group(placed, at)
    head_at = at[first]
    # Of each line: the line it stays with. Rows stay with themselves, files with the head of their group or its page.
    home = head_at.copy()
    head = np.zeros(len(placed.eid), np.bool_)
    head[head_at] = True
    rows = np.flatnonzero(head | ~placed.folds)
    ended_ns = _last_times(placed, rows)
    page = _page_before(placed, rows)
    place = np.searchsorted(rows, head_at)
    found = page[place] >= 0
    home[found] = page[place[found]]
    stays = ~placed.folds
    stays[head_at[~found]] = True
    kept = np.flatnonzero(stays)
    return Folded(kept, *_list_lines(placed, at, home[group], head_at[group], kept), ended_ns)


def _group(placed: Placed, at: Codes) -> tuple[Codes, Codes]:
    """The group of each of the files ``at``, and the first file (an index into ``at``) of each group."""
    begins = np.diff(placed.owner, prepend=NOWHERE) != 0
    between = np.cumsum(
        begins | ~placed.folds
    )  # files between the same two other rows have as many of those before them
    columns = (between[at], placed.eid[at] >> EID_SHIFT, placed.referrer[at] + 1, placed.evidence[at])
    key = code_rows([*columns, number_values(placed.request[at])[0]])
    # Most follow one of their kind, so what is told apart first is runs.
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    runs, first = number_values(key[starts])
    return np.repeat(runs, np.diff(np.append(starts, len(key)))), starts[first]


def _page_before(placed: Placed, rows: Codes) -> Codes:
    """For each row the page it is folded into: the one right before it, or before files that are folded into that one too."""
    folds = placed.folds[rows]
    number = np.arange(len(rows))
    before = np.maximum.accumulate(np.where(folds, NOWHERE, number))
    page = rows[before]
    fits = (
        folds & (before >= 0) & (placed.owner[page] == placed.owner[rows]) & placed.own[page] & (placed.page[page] >= 0)
        & (placed.page[page] == placed.leads[rows]) & (placed.request[rows] < 0)
        & (placed.eid[page] >> EID_SHIFT == placed.eid[rows] >> EID_SHIFT)
    )  # fmt: skip
    # A file that stays a row is told where it stands: what comes after it does not go before it.
    apart = np.maximum.accumulate(np.where(folds & ~fits, number, NOWHERE))
    return np.where(fits & (apart < before), page, NOWHERE)


def _last_times(placed: Placed, rows: Codes) -> Codes:
    own = rows[placed.own[rows]]
    last = np.zeros(int(placed.owner.max(initial=-1)) + 1, np.int64)
    last[placed.owner[own]] = placed.time_ns[own]  # of several the last is kept
    return last


def _list_lines(placed: Placed, at: Codes, home: Codes, head: Codes, kept: Codes) -> tuple[pa.Array, pa.Array]:
    """The lines of the files ``at`` but those that stay, and their evidence, at the row each has its home in."""
    goes = home != at
    at, home, head = at[goes], home[goes], head[goes]
    order = np.lexsort((head, home))
    place = np.searchsorted(kept, home[order])
    counts = np.bincount(place, minlength=len(kept))
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    lines, evidence = (
        pa.ListArray.from_arrays(offsets, pa.array(values[at[order]].astype(np.int32)), mask=pa.array(counts == 0))
        for values in (placed.eid & LINE_MASK, placed.evidence)
    )
    return lines, evidence
