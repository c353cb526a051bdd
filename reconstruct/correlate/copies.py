"""Entries that were shipped twice: overlapping copies of a rotated log, a block that a shipper sent again.

One line twice proves nothing: a browser asks twice, two probes say the same in the same second. But a log is written in the
order of time. Where several entries in a row stand a second time, the same to the byte in all that is read of them, the
same moments gone through again in the same order, the log was not written so: that is a copy, and the first one counts.
Only places where time steps back are looked at, so logs without copies cost next to nothing. Whole files that are
copies of others never get here: ``sources`` leaves them out.

A syslog daemon writes what a program says into several files: ``syslog``, ``user.log``, ``messages``. Such an entry names its host and its
program; where nearly all of one log stands in a larger one too, it was said once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reconstruct.events.schema import EVENTS
from reconstruct.store.listing import sql_list

RUN_LEAST = 8
"""Entries in a row that must repeat. Processes that start side by side say the same few words (four to six lines are usual)."""

MOMENTS_LEAST = 4
"""Different moments in such a run: what is said again and again within a second or two may well be honest."""

NEARLY_ALL = 0.9
"""Share of a log's entries that must name their writer for it to be one of a syslog daemon's, and share of those from the time of a larger
one that must stand in that: a file of its own for something is another choice of the same entries, not another log."""

BATCH_EVENTS = 200_000
"""Entries of families that are searched together, unless one alone has more; 5 MB of hashes and moments."""

PLACE = ("source", "line", "offset")
"""Columns that say where an entry stands; all others must agree."""

CONTENT = ", ".join(f'e."{name}"' for name in EVENTS.names if name not in PLACE)

_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, bits well mixed (2^64 / golden ratio): Knuth, TAOCP 3, 6.4


@dataclass(frozen=True, slots=True)
class Copied:
    """Entries of one source that repeat entries of a source."""

    source: int
    original: int
    """source that holds them first; may be the same"""
    line: int
    """where the first of them stands there"""
    events: int
    lines: int
    formats: dict[str, int]
    """of the entries, by format id"""


@dataclass(frozen=True, slots=True)
class _Window:
    """A family, and what of it may be repeated."""

    family: tuple[int, ...]
    """its sources, oldest first"""
    first: int
    last: int
    """moments, in nanoseconds"""
    events: int
    """entries of the family"""


def drop_copies(db: duckdb.DuckDBPyConnection, families: Sequence[Sequence[int]]) -> list[Copied]:
    """Take copied entries out of ``events`` and ``mentions``, and say what was taken. ``families``: the sources of each log,
    oldest first. Needs final ``events.time_ns``."""
    windows = _find_windows(db, [tuple(family) for family in families])
    found = [_find_copies(db, batch) for batch in _in_batches(windows)]
    found.append(_find_said_once(db, families))
    pairs = pa.concat_tables([table for table in found if len(table)] or [_pairs([], [])])
    if not len(pairs):
        return []
    db.register("copies", pairs)
    rows = db.execute(
        """
        SELECT source, original >> 32, min(original & 4294967295), format, count(*), sum(lines)
        FROM copies JOIN events USING (eid) GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    for table in ("event_rows", "mentions"):
        db.execute(f"DELETE FROM {table} WHERE eid IN (SELECT eid FROM copies)")
    db.unregister("copies")
    grouped: dict[tuple[int, int], list[tuple[int, str, int, int]]] = defaultdict(list)
    for source, original, line, name, events, lines in rows:
        grouped[source, original].append((line, name, events, lines))
    return [
        Copied(
            source,
            original,
            min(line for line, _, _, _ in group),
            sum(events for _, _, events, _ in group),
            int(sum(lines for _, _, _, lines in group)),
            {name: events for _, name, events, _ in group},
        )
        for (source, original), group in grouped.items()
    ]


def _find_windows(db: duckdb.DuckDBPyConnection, families: Sequence[tuple[int, ...]]) -> list[_Window]:
    """Families that may hold copies, and the moments between which something may be repeated in them."""
    columns = db.sql("SELECT source, time_ns FROM events WHERE time_ns IS NOT NULL ORDER BY eid").fetchnumpy()
    source, time = np.asarray(columns["source"]), np.asarray(columns["time_ns"])
    cuts = np.flatnonzero(np.diff(source)) + 1
    pieces = {
        int(source[at]): piece
        for at, piece in zip([0, *cuts.tolist()], np.split(time, cuts), strict=True)
        if len(piece)
    }
    windows = []
    for family in families:
        held = [pieces[number] for number in family if number in pieces]
        late = [window for piece in held if (window := _late_window(piece))]
        end: int | None = None
        for piece in held:
            first, last = int(piece.min()), int(piece.max())
            if end is not None and first <= end:
                late.append((first, min(end, last)))
            end = last if end is None else max(end, last)
        if late:
            events = sum(map(len, held))
            windows.append(_Window(family, min(first for first, _ in late), max(last for _, last in late), events))
    return windows


def _in_batches(windows: Iterable[_Window]) -> Iterator[list[_Window]]:
    """Windows that are searched together. A query takes three milliseconds however little there is to search."""
    batch: list[_Window] = []
    for window in windows:
        if batch and sum(each.events for each in batch) + window.events > BATCH_EVENTS:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def _late_window(time: NDArray[np.int64]) -> tuple[int, int] | None:
    """First and last moment of the entries of a file that may repeat earlier ones: those in runs that lie behind the latest
    moment before them. A block that ends with the latest entry so far (the last ones, sent again) ends at that moment."""
    if len(time) < 2 * RUN_LEAST:
        return None
    late = np.concatenate([[False], time[1:] <= np.maximum.accumulate(time)[:-1]])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], late, [False]])))
    starts, stops = edges[::2], edges[1::2]
    moves = np.concatenate([[0], np.cumsum(time[1:] != time[:-1])])
    long = (stops - starts >= RUN_LEAST) & (moves[stops - 1] - moves[starts] >= MOMENTS_LEAST - 1)
    if not long.any():
        return None
    spans = [time[start:stop] for start, stop in zip(starts[long].tolist(), stops[long].tolist(), strict=True)]
    return min(int(span.min()) for span in spans), max(int(span.max()) for span in spans)


def _find_copies(db: duckdb.DuckDBPyConnection, windows: Sequence[_Window]) -> pa.Table:
    """``eid`` of each copied entry and ``original``, that of the entry of the same family that it repeats."""
    spans = [
        (number, place, source, window.first, window.last)
        for number, window in enumerate(windows)
        for place, source in enumerate(window.family)
    ]
    names = ("family", "place", "source", "first", "last")
    db.register("windows", pa.table(dict(zip(names, zip(*spans, strict=True), strict=True))))
    rows = db.execute(
        f"""
        SELECT w.family, e.eid, e.source, e.time_ns, hash({CONTENT}) AS content FROM events e JOIN windows w USING (source)
        WHERE e.time_ns BETWEEN w.first AND w.last ORDER BY w.family, w.place, e.eid
        """
    ).fetchnumpy()
    db.unregister("windows")
    content_hash, time = np.asarray(rows["content"], np.uint64), np.asarray(rows["time_ns"])
    n_runs = len(time) - RUN_LEAST + 1
    if n_runs < 2:
        return _pairs([], [])
    run = np.asarray(rows["family"])[:n_runs].astype(np.uint64)  # what another family says is no copy
    for at in range(RUN_LEAST):
        run = run * _FACTOR + content_hash[at : at + n_runs]
    reach = RUN_LEAST - 1
    moves = np.concatenate([[0], np.cumsum(time[1:] != time[:-1])])
    source = np.asarray(rows["source"])
    telling = (moves[reach:] - moves[:n_runs] >= MOMENTS_LEAST - 1) & (source[reach:] == source[:n_runs])
    _, place, number = np.unique(run, return_index=True, return_inverse=True)
    earlier = place[number]
    again = np.flatnonzero(telling & (earlier < np.arange(n_runs)))
    original = np.full(len(time), -1)
    for at in range(RUN_LEAST):
        original[again + at] = earlier[again] + at
    copied = np.flatnonzero(original >= 0)
    eid = np.asarray(rows["eid"])
    return _pairs(eid[copied], eid[original[copied]])


def _find_said_once(db: duckdb.DuckDBPyConnection, families: Sequence[Sequence[int]]) -> pa.Table:
    """The same of entries that a larger log of another name has too."""
    told = {
        source: (count, named)
        for source, count, named in db.execute(
            "SELECT source, count(*), count(*) FILTER (host IS NOT NULL AND process IS NOT NULL) FROM events GROUP BY source"
        ).fetchall()
    }
    sizes = [tuple(map(sum, zip(*(told.get(source, (0, 0)) for source in family), strict=True))) for family in families]
    syslogs = [at for at, (count, named) in enumerate(sizes) if named >= max(RUN_LEAST, NEARLY_ALL * count)]
    found = [_pairs([], [])]
    keys, eids = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    first, last = np.iinfo(np.int64).max, np.iinfo(np.int64).min
    for at in sorted(syslogs, key=lambda at: (-sizes[at][0], at)) if len(syslogs) > 1 else ():
        rows = db.execute(
            f"SELECT eid, time_ns, hash({CONTENT}) AS content FROM events e"
            f" WHERE source IN {sql_list(families[at])} AND time_ns IS NOT NULL ORDER BY eid"
        ).fetchnumpy()
        eid, time = np.asarray(rows["eid"]), np.asarray(rows["time_ns"])
        key = _number_alike(np.asarray(rows["content"], np.uint64))
        place = np.minimum(np.searchsorted(keys, key), max(len(keys) - 1, 0))
        held = keys[place] == key if len(keys) else np.zeros(len(key), np.bool_)
        within = (time >= first) & (time <= last)
        is_enough = np.count_nonzero(within) >= RUN_LEAST and len(np.unique(time[within])) >= MOMENTS_LEAST
        if is_enough and np.count_nonzero(held) >= NEARLY_ALL * np.count_nonzero(within):
            found.append(_pairs(eid[held], eids[place[held]]))
            key, eid = key[~held], eid[~held]
        first, last = int(time.min(initial=first)), int(time.max(initial=last))
        keys, eids = np.append(keys, key), np.append(eids, eid)
        order = np.argsort(keys, kind="stable")
        keys, eids = keys[order], eids[order]
    return pa.concat_tables(found)


def _number_alike(content: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hashes that tell the first, second … of equal entries apart."""
    order = np.argsort(content, kind="stable")
    ordered = content[order]
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)])
    number = np.arange(len(ordered)) - np.repeat(begins, np.diff(np.append(begins, len(ordered))))
    found = np.empty(len(content), np.uint64)
    found[order] = ordered * _FACTOR + number.astype(np.uint64)
    return found


def _pairs(eid: Iterable[int], original: Iterable[int]) -> pa.Table:
    return pa.table({"eid": pa.array(eid, pa.int64()), "original": pa.array(original, pa.int64())})
