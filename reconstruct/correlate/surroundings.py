"""What the correlator looks up rather than infers: families, routes and user agents. One table each, over distinct values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from reconstruct.events.agents import describe_agents
from reconstruct.events.routes import is_asset, learn_routes

if TYPE_CHECKING:  # workers do without
    import duckdb


MOST_WRITERS = 256
"""Services in one log beyond which their names are something else: a job's, a tenant's."""


ACCESS_SHARE = 0.9
"""Share of the lines of one format that must be requests with an address, to be the access log of a server."""

LEAST_LINES = 20
"""Lines of a format before it can be a log of its own: a program writes some in other words when it starts or fails."""


def writer_of(events: str) -> str:
    """SQL of who wrote an entry of a log that many write to: what its envelope says, the program of a line of syslog.

    ``events``: what the statement calls the table of events.
    """
    syslog = f"starts_with({events}.format, 'syslog') OR starts_with({events}.format, 'journal')"
    return f"coalesce({events}.service, CASE WHEN {syslog} THEN {events}.process END)"


def tabulate_families(db: duckdb.DuckDBPyConnection, families: Sequence[str]) -> None:
    """Make ``families(family, name)``, ``source_family(source, family)`` and the view ``log_events``: events with their ``family``.

    ``families[i]`` is the family of source ``i``. A log that several services write to (``docker compose logs``, a syslog host,
    an export of a collector) is a family for each of them: which log saw the visitor, whose clock is off and where a thing is
    worked on are questions of services, not of files. Where nothing says who wrote what, and some of it is an access log (files put
    one behind the other), each format stands for one that did.
    """
    names = sorted(set(families))
    number = {name: i for i, name in enumerate(names)}
    _tabulate_sources(db, [number[name] for name in families])
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE said AS
        SELECT family, {writer_of("e")} AS writer, format, count(*) AS n,
               count(client_ip) FILTER (method IS NOT NULL AND path IS NOT NULL) >= {ACCESS_SHARE} * count(*) AS is_access
        FROM events e JOIN source_family USING (source) GROUP BY ALL
        """
    )
    writers = db.execute(
        f"""
        SELECT DISTINCT family, writer FROM said WHERE writer IS NOT NULL AND family IN (
            SELECT family FROM said GROUP BY family HAVING count(DISTINCT writer) BETWEEN 2 AND {MOST_WRITERS})
        ORDER BY family, writer
        """
    ).fetchall()
    formats = db.execute(
        f"""
        WITH of_format AS (SELECT family, format, bool_and(is_access) AS is_access FROM said
                           WHERE writer IS NULL OR NOT list_contains(?, family) GROUP BY ALL HAVING sum(n) >= {LEAST_LINES})
        SELECT family, format FROM of_format WHERE family IN (
            SELECT family FROM of_format GROUP BY family HAVING bool_or(is_access) AND NOT bool_and(is_access))
        ORDER BY family, format
        """,
        [sorted({family for family, _ in writers})],
    ).fetchall()
    whole = "SELECT e.*, f.family FROM events e JOIN source_family f USING (source)"
    for split, rows, by in (("writers", writers, writer_of("e")), ("layouts", formats, "e.format")):
        if rows:
            whole = f"""
                SELECT e.* EXCLUDE family, coalesce(own, family) AS family FROM ({whole}) e
                LEFT JOIN {split} ON shared = family AND part = {by}
            """
            _make(
                db,
                split,
                pa.table(
                    {
                        "shared": pa.array([family for family, _ in rows], pa.int32()),
                        "part": pa.array([part for _, part in rows], pa.string()),
                        "own": pa.array(range(len(names), len(names) + len(rows)), pa.int32()),
                    }
                ),
            )
            names += [f"{names[family]}/{part}" for family, part in rows]
    db.execute(f"CREATE OR REPLACE VIEW log_events AS {whole}")
    table = {"family": pa.array(range(len(names)), pa.int32()), "name": pa.array(names, pa.string())}
    _make(db, "families", pa.table(table))


def _tabulate_sources(db: duckdb.DuckDBPyConnection, family: Sequence[int]) -> None:
    _make(
        db,
        "source_family",
        pa.table(
            {
                "source": pa.array(range(len(family)), pa.int32()),
                "family": pa.array(family, pa.int32()),
            }
        ),
    )


def look_up(db: duckdb.DuckDBPyConnection, pool: Executor | None) -> Callable[[], None]:
    """Start looking at all requested paths and user agents, in ``pool`` if there is one.

    What it gives, called, makes ``paths(number, path, route, is_asset)`` and ``agents(number, user_agent, kind, device, reason)``.
    """
    paths = db.sql(
        "SELECT path, count(*) AS n FROM events WHERE path IS NOT NULL GROUP BY path ORDER BY path"
    ).to_arrow_table()
    agents = db.execute(
        "SELECT DISTINCT user_agent FROM events WHERE user_agent IS NOT NULL ORDER BY user_agent"
    ).fetchall()
    texts = [text for (text,) in agents]
    if pool is not None:
        found = [("paths", pool.submit(route_paths, paths).result), ("agents", pool.submit(tell_agents, texts).result)]
    else:
        found = [("paths", partial(route_paths, paths)), ("agents", partial(tell_agents, texts))]

    def tabulate() -> None:
        for name, table in found:
            _make(db, name, table())

    return tabulate


def route_paths(seen: pa.Table) -> pa.Table:
    """Rows of table ``paths``, in the order of ``seen(path, n)``: n requests for each path."""
    paths = seen["path"].combine_chunks()
    routes = learn_routes(seen)
    return pa.table(
        {
            "number": pa.array(range(len(paths)), pa.int32()),
            "path": paths,
            "route": pa.array([routes[path] for path in paths.to_pylist()], pa.string()),
            "is_asset": is_asset(paths),
        }
    )


def tell_agents(texts: list[str]) -> pa.Table:
    """Rows of table ``agents``, in the order of ``texts``."""
    found = describe_agents(texts)
    return pa.table(
        {
            "number": pa.array(range(len(texts)), pa.int32()),
            "user_agent": pa.array(texts, pa.string()),
            "kind": pa.array([agent.kind for agent in found], pa.string()),
            "device": pa.array([agent.device for agent in found], pa.string()),
            "reason": pa.array([agent.reason for agent in found], pa.string()),
        }
    )


def _make(db: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    db.register("made_rows", rows)
    db.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM made_rows")
    db.unregister("made_rows")
