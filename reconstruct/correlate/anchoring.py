"""Which request of the edge each line of other logs was written for: by a request identifier, else, of requests, by their looks."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from reconstruct.correlate import pairing
from reconstruct.correlate.owners import GROUP_CAP
from reconstruct.correlate.tiers import RequestLog
from reconstruct.store.listing import sql_list

REQUEST_CONFIDENCE = 0.99
"""A request identifier names one request; what is left is identifiers copied into the wrong line."""


def tabulate_heads(db: duckdb.DuckDBPyConnection, edge: Sequence[int], session_types: Sequence[int]) -> None:
    """Make ``heads(eid)``: requests of the edge families that say something of who asked, so that lines can go where they go.

    Needs ``timeline``, ``events``, ``typed`` and ``beginnings``.
    """
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE heads AS
        SELECT eid FROM timeline t JOIN events e USING (eid) ANTI JOIN beginnings USING (eid)
        WHERE t.request AND e.path IS NOT NULL AND t.family IN {sql_list(edge)} AND (
            e.client_ip IS NOT NULL OR e.user_agent IS NOT NULL
            OR eid IN (SELECT eid FROM typed WHERE type IN {sql_list(session_types)} AND NOT multi))
        """
    )


def start_anchoring(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``anchored(eid, anchor, rule, via_type, via_value, confidence)``, without rows."""
    db.execute(
        "CREATE OR REPLACE TABLE anchored"
        " (eid BIGINT, anchor BIGINT, rule VARCHAR, via_type VARCHAR, via_value VARCHAR, confidence DOUBLE)"
    )


def anchor_by_identifier(db: duckdb.DuckDBPyConnection, heads: str) -> None:
    """Add to ``anchored`` the lines that carry the request identifier of a request in table ``heads``, the nearest if there are several."""
    db.execute(
        f"""
        INSERT INTO anchored
        WITH lines AS (SELECT g.* FROM grouped g ANTI JOIN {heads} USING (eid) ANTI JOIN anchored USING (eid)),
             few AS (SELECT code FROM grouped GROUP BY code HAVING count(*) <= {GROUP_CAP}),
             named AS (SELECT g.*, t.t FROM grouped g SEMI JOIN {heads} USING (eid) JOIN timeline t USING (eid)),
             nearest AS (SELECT l.eid, arg_min((h.eid, h.type, h.value), (h.rank, abs(t.t - h.t), h.eid)) AS head
                         FROM lines l SEMI JOIN few USING (code) JOIN timeline t USING (eid) JOIN named h USING (code)
                         GROUP BY l.eid)
        SELECT eid, head[1] AS anchor, 'request', head[2]::VARCHAR, head[3], {REQUEST_CONFIDENCE} FROM nearest
        """
    )


def anchor_by_looks(db: duckdb.DuckDBPyConnection, inner: Sequence[RequestLog], edge: Sequence[int]) -> None:
    """Add requests of the inner logs that look like one of the edge families, and what else was written for them."""
    anchor_pairs(db, pairing.pair_by_looks(db, inner, edge))


def anchor_pairs(db: duckdb.DuckDBPyConnection, pairs: pa.Table) -> None:
    """Add pairs (eid, anchor) of requests that look alike, and the lines that share an identifier with the former."""
    if not pairs.num_rows:
        return
    db.register("pairs_in", pairs)
    db.execute(
        f"""
        INSERT INTO anchored
        SELECT p.eid, p.anchor, 'same request', 'route', e.method || ' ' || e.path, {pairing.PAIR_CONFIDENCE}
        FROM pairs_in p JOIN events e ON e.eid = p.anchor
        """
    )
    # Lines grouped with a paired inner request follow it.
    db.execute(
        """
        INSERT INTO anchored
        WITH paired AS (SELECT code, min(a.anchor) AS anchor, min(a.confidence) AS confidence
                        FROM grouped g JOIN anchored a USING (eid) SEMI JOIN pairs_in USING (eid) GROUP BY code)
        SELECT g.eid, min(h.anchor), 'request', min(g.type)::VARCHAR, arg_min(g.value, (g.type, g.value)), min(h.confidence)
        FROM grouped g JOIN paired h USING (code) ANTI JOIN anchored USING (eid) ANTI JOIN heads USING (eid)
        GROUP BY g.eid
        """
    )
    db.unregister("pairs_in")
