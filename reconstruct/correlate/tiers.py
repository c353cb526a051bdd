"""Which log saw the visitor, and which lines of other logs belong to the same web request.

One click is written down by several servers. The log with the best view of the visitor (address, browser, session) is
the *edge*; a log that repeats its requests is *inner*, and its lines hang on the edge's line: by a request identifier
where there is one, else by method, target, status and second. Targets are compared as path and query: one server writes the whole
URL where another writes the path, and many applications never write the query.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import duckdb

from reconstruct.correlate.looks import CHANCE_SHIFTS_S, Looks, read_looks
from reconstruct.store.listing import sql_list

REPEATED_BY_ID = 0.5
"""Share of a log's requests found in a better one by request identifier that makes it inner."""

REPEATED_BY_LOOKS = 0.8
"""The same by looks (method, target, status, second), which coincide by chance more often."""

LOSSY_BY_LOOKS = 0.5
"""The same where lines are lost, by looks beyond what chance has it (``CHANCE_SHIFTS_S``), of a log that is asked for what better ones are
asked for as well (REPEATED_BY_LOOKS)."""

SHARED_BROWSERS, SHARED_SHARE = 3, 0.2
"""Browsers behind the typical request's address, and share of all browsers, from which on it is a proxy's. A balancer of five nodes
shows most browsers to each of them; a family shares an address, but is not a fifth of the visitors."""

MOST_SHARED = 64
"""Addresses of a log beyond which nobody asks who shares them: no balancer has as many nodes."""

LEAST_REQUESTS = 5
"""Requests a log needs before it can be called inner by looks."""


@dataclass(frozen=True, slots=True)
class RequestLog:
    """A family of logs that holds web requests."""

    family: int
    requests: int
    view: float
    """how well it sees the visitor: 0 to 4"""
    tells_queries: bool = True
    """false where no request has a query: what it was asked for is known but for that"""


def rank_request_logs(
    db: duckdb.DuckDBPyConnection, session_types: list[int], wandering: Collection[int] = ()
) -> list[RequestLog]:
    """Families with web requests, best view of the visitor first. ``wandering``: those whose addresses are no visitors'."""
    counts = db.execute(
        "SELECT family, count(*), count(query) > 0 FROM log_events WHERE method IS NOT NULL AND path IS NOT NULL GROUP BY family"
    ).fetchall()
    if len(counts) < 2:
        return [RequestLog(family, requests, 0.0) for family, requests, _ in counts]
    tells_queries = {family: told for family, _, told in counts}
    rows = db.execute(
        f"""
        SELECT family, count(*), count(client_ip) / count(*), approx_count_distinct(client_ip), count(user_agent) / count(*),
               avg((eid IN (SELECT eid FROM typed WHERE type IN {sql_list(session_types)}))::INT)
        FROM log_events
        WHERE method IS NOT NULL AND path IS NOT NULL GROUP BY family ORDER BY family
        """
    ).fetchall()
    proxied = _find_shared(db, [family for family, _, _, n_addresses, *_ in rows if n_addresses <= MOST_SHARED]) | set(
        wandering
    )
    logs = []
    for family, requests, addressed, _, named, sessioned in rows:
        sees_addresses = addressed * 0.1 if family in proxied else addressed
        logs.append(RequestLog(family, requests, 2 * sees_addresses + named + sessioned, tells_queries[family]))
    return sorted(logs, key=lambda log: (-log.view, -log.requests, log.family))


def _find_shared(db: duckdb.DuckDBPyConnection, families: Sequence[int]) -> set[int]:
    """Of these families those with few addresses that each stand for many browsers. So do offices: it tells which of two logs of the
    same requests knows the visitors, not that they are unknown. Needs ``log_events``."""
    found = db.execute(
        f"""
        WITH seen AS (SELECT family, client_ip, user_agent, count(*) AS n FROM log_events
                      WHERE method IS NOT NULL AND path IS NOT NULL AND list_contains(?, family) GROUP BY ALL),
             addresses AS (SELECT family, count(DISTINCT user_agent) AS browsers, sum(n) AS n FROM seen GROUP BY family, client_ip),
             browsers AS (SELECT family, count(DISTINCT user_agent) AS n FROM seen GROUP BY family)
        SELECT family FROM addresses a JOIN browsers b USING (family)
        GROUP BY family HAVING sum(a.browsers * a.n) / sum(a.n) >= greatest({SHARED_BROWSERS}, {SHARED_SHARE} * any_value(b.n))
        """,
        [list(families)],
    ).fetchall()
    return {int(family) for (family,) in found}


def find_inner(db: duckdb.DuckDBPyConnection, logs: list[RequestLog], monitors: Sequence[str] = ()) -> set[int]:
    """Families whose requests better ones hold, alone or together. Needs ``grouped(eid, code)``.

    Args:
        monitors: Browsers whose requests do not count: what watches an application asks it past the edge, every few seconds.
    """
    inner: set[int] = set()
    if len(logs) < 2:
        return inner
    db.execute("CREATE OR REPLACE TEMP TABLE watching (eid BIGINT)")
    watching: dict[int, int] = {}
    if monitors:
        db.execute(
            "INSERT INTO watching SELECT eid FROM events WHERE method IS NOT NULL AND path IS NOT NULL AND list_contains(?, user_agent)",
            [list(monitors)],
        )
        watching = dict(
            db.execute("SELECT family, count(*) FROM watching JOIN timeline USING (eid) GROUP BY family").fetchall()
        )
    shared = {
        (a, b): n
        for a, b, n in db.execute(
            """
            WITH held AS (SELECT DISTINCT family, code FROM grouped JOIN timeline USING (eid) ANTI JOIN watching USING (eid) WHERE request)
            SELECT a.family, b.family, count(*) FROM held a JOIN held b USING (code)
            WHERE a.family <> b.family GROUP BY ALL
            """
        ).fetchall()
    }
    looks: dict[bool, Looks] = {}
    for position, log in enumerate(logs):
        requests = log.requests - watching.get(log.family, 0)
        outer = [better.family for better in logs[:position] if better.family not in inner]
        if not requests:
            continue
        if sum(shared.get((log.family, family), 0) for family in outer) >= REPEATED_BY_ID * requests:
            if outer:
                inner.add(log.family)
        elif outer and requests >= LEAST_REQUESTS:  # identifiers leave it open
            if log.tells_queries not in looks:
                alike = [other.family for other in logs[position:] if other.tells_queries == log.tells_queries]
                looks[log.tells_queries] = read_looks(db, alike, tells_queries=log.tells_queries)
            if _is_repeated(looks[log.tells_queries], log.family, outer, requests):
                inner.add(log.family)
    return inner


def _is_repeated(looks: Looks, family: int, outer: Sequence[int], requests: int) -> bool:
    """Whether the others hold nearly all requests of one family, or did before they lost lines."""
    repeated = looks.count_repeated(family, outer) / requests
    if repeated >= REPEATED_BY_LOOKS:
        return True
    if repeated < LOSSY_BY_LOOKS or looks.count_asked(family, outer) < REPEATED_BY_LOOKS * requests:
        return False
    chance = max(looks.count_repeated(family, outer, shift) for shift in CHANCE_SHIFTS_S) / requests
    # Of lines without a twin, chance finds one for so many.
    return repeated - chance >= LOSSY_BY_LOOKS * (1 - chance)
