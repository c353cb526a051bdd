"""Requests that a log tells of by their first and their last line: ``Started GET "/"`` … ``Completed 200 OK in 14ms``.

What the same process and thread writes in between is of that request, unless it names another: lines get lost, first and last ones too.
Where requests overlap in one thread's lines, more requests have ended than began since: none of those is believed.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reconstruct.correlate.calibrate import RuleQuality, weigh

OPENING_SHARE = 0.9
"""Share of a log's requests that must come without a status: what happened to them is told by another line, if at all."""

LEAST_PAIRS = 3
"""First and last lines before a log is taken to have both."""

AFTER_NS = 50_000_000
"""What the thread writes right after the last line is still of the request: Rails tells of the exception then."""

LOOK_BACK = 64
"""Requests looked back at for one that ended late; a thread that has more of them open is no thread."""

PRIOR = 0.95
"""Confidence where no request identifiers tell: a process may have threads that it does not name in its lines, and those of a request
that runs to its end alone look like one thread's all the same."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines of such logs, those of a thread together, in the order they were written."""

    eid: Ints
    t: Ints
    thread: Ints
    opens: NDArray[np.bool_]
    closes: NDArray[np.bool_]


def place_by_thread(db: duckdb.DuckDBPyConnection) -> RuleQuality | None:
    """Add lines between the first and the last of a request to ``anchored`` (rule ``same thread``); gives the rule's worth, None if
    no log has both. Needs ``anchored``, ``grouped``, ``timeline`` and ``log_events``."""
    lines = _read_lines(db)
    if lines is None:
        return None
    request = _find_requests(lines)
    served = request >= 0
    table = pa.table({"eid": lines.eid[served], "opening": lines.eid[request[served]]})
    db.register("threads_in", table)
    db.execute(
        """
        CREATE OR REPLACE TEMP TABLE by_thread AS
        WITH named AS (SELECT n.eid, bool_or(g.code = o.code) AS same FROM threads_in n JOIN grouped g ON g.eid = n.eid
                       JOIN grouped o ON o.eid = n.opening AND o.type = g.type GROUP BY n.eid)
        SELECT n.eid, coalesce(d.anchor, n.opening) AS anchor FROM threads_in n LEFT JOIN anchored d ON d.eid = n.opening
        LEFT JOIN named ON named.eid = n.eid WHERE same IS NOT FALSE
        """
    )
    db.unregister("threads_in")
    ((trials, right),) = db.execute(
        """
        SELECT count(*), count(*) FILTER (d.anchor = b.anchor) FROM by_thread b JOIN anchored d USING (eid)
        WHERE d.rule = 'request' AND b.eid <> b.anchor
        """
    ).fetchall()
    confidence, is_measured = weigh(right, trials, PRIOR)
    db.execute(
        f"""
        INSERT INTO anchored
        SELECT eid, anchor, 'same thread', NULL, NULL, {confidence} FROM by_thread ANTI JOIN anchored USING (eid) WHERE eid <> anchor
        """
    )
    return RuleQuality("same thread", trials, right, confidence, is_measured)


def _read_lines(db: duckdb.DuckDBPyConnection) -> _Lines | None:
    """The lines of logs that tell of requests so; None where there are none."""
    families = db.execute(
        f"""
        WITH counted AS (
            SELECT family, count(*) FILTER (method IS NOT NULL) AS requests,
                   count(*) FILTER (method IS NOT NULL AND status IS NULL) AS opening,
                   count(*) FILTER (method IS NULL AND status IS NOT NULL) AS closing
            FROM log_events GROUP BY family)
        SELECT family FROM counted WHERE least(opening, closing) >= {LEAST_PAIRS} AND opening >= {OPENING_SHARE} * requests ORDER BY family
        """
    ).fetchall()
    if not families:
        return None
    table = db.execute(
        """
        SELECT e.eid, t.t, dense_rank() OVER (ORDER BY e.source, e.family, e.pid, e.thread) AS thread,
               e.method IS NOT NULL AND e.status IS NULL AS opens, e.method IS NULL AND e.status IS NOT NULL AS closes
        FROM log_events e JOIN timeline t USING (eid) WHERE list_contains($families, e.family) ORDER BY thread, e.eid
        """,
        {"families": [family for (family,) in families]},
    ).fetchnumpy()
    return _Lines(*(np.asarray(table[name]) for name in ("eid", "t", "thread", "opens", "closes")))


def _find_requests(lines: _Lines) -> Ints:
    """Per line the index of the first line of its request, itself included; -1: of none, or of one that overlaps others."""
    opening = np.flatnonzero(lines.opens)
    request = np.searchsorted(opening, np.arange(len(lines.eid)), side="right") - 1  # the request begun last
    known = (request >= 0) & (lines.thread == lines.thread[opening[request]])
    request = np.where(known, request, -1)
    closing = np.flatnonzero(lines.closes & known)
    ends = np.bincount(request[closing], minlength=len(opening))
    alone = (ends == 1) & ~_find_overlaps(ends, lines.thread[opening])
    last = np.full(len(opening), -1)
    last[request[closing]] = closing
    end = last[request]
    within = known & alone[request] & ((np.arange(len(lines.eid)) <= end) | (lines.t <= lines.t[end] + AFTER_NS))
    return np.where(within, opening[request], -1)


def _find_overlaps(ends: Ints, thread: Ints) -> NDArray[np.bool_]:
    """Requests of a thread among which the ``ends`` of earlier ones fall, and those earlier ones."""
    found = np.zeros(len(ends), np.bool_)
    for late in np.flatnonzero(ends > 1).tolist():
        missing, first = int(ends[late]) - 1, late
        while missing and first and late - first < LOOK_BACK and thread[first - 1] == thread[late]:
            first -= 1
            missing -= ends[first] == 0
        found[first : late + 1] = True
    return found
