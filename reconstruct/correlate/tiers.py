"""Which log saw the visitor, and which lines of other logs belong to the same web request.

One click is written down by several servers. The log with the best view of the visitor (address, browser, session) is
the *edge*; a log that repeats its requests is *inner*, and its lines hang on the edge's line: by a request identifier
where there is one, else by method, target, status and second.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import duckdb
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
            if by_id >= REPEATED_BY_ID or (by_looks >= REPEATED_BY_LOOKS and log.requests >= LEAST_REQUESTS):
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
                or (total / log.requests >= REPEATED_BY_LOOKS and log.requests >= LEAST_REQUESTS)
            ):
                inner[log.family] = logs[0].family
    return inner


def pair_by_looks(db: duckdb.DuckDBPyConnection, inner: list[int], edge: list[int]) -> pa.Table:
    """Pairs (eid, anchor) of inner requests without an anchor and edge requests of the same looks.

    Needs ``anchored(eid, anchor)`` with what identifiers have settled. Within one method, target and status both sides are taken
    in time order, each edge line at most once per inner log; browser and referrer agree where both logs have them.
    """
    if not inner:
        return pa.table({"eid": pa.array([], pa.int64()), "anchor": pa.array([], pa.int64())})
    seen: dict[tuple[Any, ...], _Waiting] = defaultdict(_Waiting)
    for eid, _, second, agent, referrer, *looks in _requests(db, edge, "true"):
        seen[tuple(looks)].add(second, eid, (agent, referrer))
    used = set(db.execute("SELECT DISTINCT t.family, anchor FROM anchored JOIN timeline t USING (eid)").fetchall())
    eids, anchors = [], []
    for eid, family, second, agent, referrer, *looks in _requests(db, inner, "e.eid NOT IN (SELECT eid FROM anchored)"):
        waiting = seen.get(tuple(looks))
        anchor = waiting and waiting.nearest(second, (agent, referrer), family, used)
        if anchor is not None:
            used.add((family, anchor))
            eids.append(eid)
            anchors.append(anchor)
    return pa.table({"eid": pa.array(eids, pa.int64()), "anchor": pa.array(anchors, pa.int64())})


def _requests(db: duckdb.DuckDBPyConnection, families: list[int], condition: str) -> list[tuple[Any, ...]]:
    listed = ", ".join(map(str, families)) or "-1"
    return db.execute(
        f"""
        SELECT e.eid, t.family, t.t / 1e9, e.user_agent, e.referrer, e.method, e.target, e.status
        FROM events e JOIN timeline t USING (eid)
        WHERE e.method IS NOT NULL AND e.target IS NOT NULL AND t.family IN ({listed}) AND {condition} ORDER BY t.t, e.eid
        """
    ).fetchall()


class _Waiting:
    """Edge requests of the same looks, in time order."""

    def __init__(self) -> None:
        self._seconds: list[float] = []
        self._requests: list[tuple[int, tuple[Any, ...]]] = []

    def add(self, second: float, eid: int, signs: tuple[Any, ...]) -> None:
        self._seconds.append(second)
        self._requests.append((eid, signs))

    def nearest(self, second: float, signs: tuple[Any, ...], family: int, used: set[tuple[int, int]]) -> int | None:
        """The unused request nearest in time within SAME_REQUEST_S whose other signs do not contradict."""
        best: tuple[float, int] | None = None
        for at in range(bisect_left(self._seconds, second - SAME_REQUEST_S), len(self._seconds)):
            if self._seconds[at] > second + SAME_REQUEST_S:
                break
            eid, others = self._requests[at]
            contradicts = any(a is not None and b is not None and a != b for a, b in zip(signs, others, strict=True))
            if not contradicts and (family, eid) not in used:
                best = (
                    min(best, (abs(self._seconds[at] - second), eid))
                    if best
                    else (abs(self._seconds[at] - second), eid)
                )
        return best[1] if best else None
