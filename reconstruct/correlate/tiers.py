"""Which log saw the visitor, and which lines of other logs belong to the same web request.

One click is written down by several servers. The log with the best view of the visitor (address, browser, session) is
the *edge*; a log that repeats its requests is *inner*, and its lines hang on the edge's line: by a request identifier
where there is one, else by method, target, status and second.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

REPEATED_BY_ID = 0.5
"""Share of a log's requests found in a better one by request identifier that makes it inner."""

REPEATED_BY_LOOKS = 0.8
"""The same by looks (method, target, status, second), which coincide by chance more often."""

SAME_REQUEST_S = 2
"""Two servers write one request down within two seconds: both stamps are rounded, and the outer one waits for the inner."""

LEAST_REQUESTS = 5
"""Requests a log needs before it can be called inner by looks."""

PAIR_CONFIDENCE = 0.97
"""Prior for pairs by looks; most wrong pairs swap two lines of one visitor, which changes nothing."""


@dataclass(frozen=True, slots=True)
class RequestLog:
    """A family of logs that holds web requests."""

    family: int
    requests: int
    view: float
    """how well it sees the visitor: 0 to 4"""


def rank_request_logs(db: duckdb.DuckDBPyConnection, session_types: list[int]) -> list[RequestLog]:
    """Families with web requests, best view of the visitor first."""
    sessions = ", ".join(map(str, session_types)) or "-1"
    rows = db.execute(
        f"""
        SELECT t.family, count(*), avg((client_ip IS NOT NULL)::INT), count(DISTINCT client_ip), count(DISTINCT user_agent),
               avg((user_agent IS NOT NULL)::INT), avg((s.eid IS NOT NULL)::INT)
        FROM events e JOIN timeline t USING (eid)
        LEFT JOIN (SELECT DISTINCT eid FROM typed WHERE type IN ({sessions})) s USING (eid)
        WHERE method IS NOT NULL AND path IS NOT NULL GROUP BY t.family ORDER BY t.family
        """
    ).fetchall()
    logs = []
    for family, requests, addressed, addresses, browsers, named, sessioned in rows:
        # One address for many browsers is a proxy's own: it says nothing about visitors.
        sees_addresses = addressed if addresses > 1 or browsers <= 2 else addressed * 0.1
        logs.append(RequestLog(family, requests, 2 * sees_addresses + named + sessioned))
    return sorted(logs, key=lambda log: (-log.view, -log.requests, log.family))


def find_inner(db: duckdb.DuckDBPyConnection, logs: list[RequestLog]) -> dict[int, int]:
    """Inner families, each with the better family that holds its requests. Needs ``grouped(eid, type, value)``."""
    inner: dict[int, int] = {}
    if len(logs) < 2:
        return inner
    shared = {
        (a, b): n
        for a, b, n in db.execute(
            """
            WITH held AS (SELECT DISTINCT t.family, g.type, g.value FROM grouped g JOIN timeline t USING (eid)
                          JOIN events e USING (eid) WHERE e.method IS NOT NULL)
            SELECT a.family, b.family, count(*) FROM held a JOIN held b USING (type, value)
            WHERE a.family <> b.family GROUP BY ALL
            """
        ).fetchall()
    }
    looks: dict[tuple[int, int], int] = {
        (a, b): n
        for a, b, n in db.execute(
            f"""
            WITH r AS (SELECT family, method, target, status, t // 1000000000 AS s, count(*) AS n
                       FROM events JOIN timeline USING (eid) WHERE method IS NOT NULL AND target IS NOT NULL GROUP BY ALL)
            SELECT a.family, b.family, sum(a.n)
            FROM r a SEMI JOIN (SELECT family FROM r GROUP BY family) f USING (family)
            JOIN (SELECT DISTINCT r.family, method, target, status, s + d AS s
                  FROM r, range(-{SAME_REQUEST_S}, {SAME_REQUEST_S + 1}) AS near(d)) b
              ON a.method = b.method AND a.target = b.target AND a.s = b.s
             AND (a.status = b.status OR a.status IS NULL OR b.status IS NULL)
            WHERE a.family <> b.family GROUP BY ALL
            """
        ).fetchall()
    }
    for position, log in enumerate(logs):
        for better in logs[:position]:
            if better.family in inner:
                continue
            by_id = shared.get((log.family, better.family), 0) / log.requests
            by_looks = looks.get((log.family, better.family), 0) / log.requests
            if by_id >= REPEATED_BY_ID or by_looks >= REPEATED_BY_LOOKS and log.requests >= LEAST_REQUESTS:
                inner[log.family] = better.family
                break
        else:
            # A log behind several outer ones: judged against all of them together.
            total_id = sum(
                shared.get((log.family, better.family), 0) for better in logs[:position] if better.family not in inner
            )
            total = sum(
                looks.get((log.family, better.family), 0) for better in logs[:position] if better.family not in inner
            )
            if position and (
                total_id / log.requests >= REPEATED_BY_ID
                or total / log.requests >= REPEATED_BY_LOOKS
                and log.requests >= LEAST_REQUESTS
            ):
                inner[log.family] = logs[0].family
    return inner


def pair_by_looks(db: duckdb.DuckDBPyConnection, inner: list[int], edge: list[int]) -> pa.Table:
    """Pairs (eid, anchor, lag_s) of inner requests without an anchor and edge requests of the same looks.

    Needs ``anchored(eid, anchor)`` with what identifiers have settled. Within one method, target and status both sides are taken
    in time order, each edge line at most once per inner log.
    """
    empty = pa.table(
        {"eid": pa.array([], pa.int64()), "anchor": pa.array([], pa.int64()), "lag_s": pa.array([], pa.float64())}
    )
    if not inner or not edge:
        return empty

    def side(families: list[int], settled: str) -> list[tuple[object, ...]]:
        return db.execute(
            f"""
            SELECT t.family, e.method, e.target, e.status, e.user_agent, t.t / 1e9, e.eid FROM events e JOIN timeline t USING (eid)
            WHERE e.method IS NOT NULL AND e.target IS NOT NULL AND t.family IN ({", ".join(map(str, families))})
              AND e.eid NOT IN ({settled}) ORDER BY t.t, e.eid
            """
        ).fetchall()

    waiting: dict[tuple[object, ...], list[tuple[float, int, object]]] = defaultdict(list)
    for _, method, target, status, agent, second, eid in side(edge, "SELECT -1"):
        waiting[method, target, status].append((float(str(second)), int(str(eid)), agent))
    used: set[tuple[object, int]] = set()
    pairs: list[tuple[int, int, float]] = []
    for family, method, target, status, agent, second, eid in side(inner, "SELECT eid FROM anchored"):
        candidates = waiting.get((method, target, status))
        if not candidates:
            continue
        at = float(str(second))
        times = [each[0] for each in candidates]
        start = int(np.searchsorted(times, at - SAME_REQUEST_S))
        best: tuple[float, int] | None = None
        for other, anchor, other_agent in candidates[start:]:
            if other > at + SAME_REQUEST_S:
                break
            if (family, anchor) in used or agent is not None and other_agent is not None and agent != other_agent:
                continue
            distance = abs(other - at)
            if best is None or distance < best[0]:
                best = (distance, anchor)
        if best is not None:
            used.add((family, best[1]))
            pairs.append((int(str(eid)), best[1], best[0]))
    if not pairs:
        return empty
    eids, anchors, lags = zip(*pairs, strict=True)
    return pa.table(
        {
            "eid": pa.array(eids, pa.int64()),
            "anchor": pa.array(anchors, pa.int64()),
            "lag_s": pa.array(lags, pa.float64()),
        }
    )
