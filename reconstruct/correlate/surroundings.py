"""What the correlator looks up rather than infers: families, routes and user agents. One table each, over distinct values."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from reconstruct.events.agents import describe_agents
from reconstruct.events.routes import is_asset, learn_routes


def tabulate_families(db: duckdb.DuckDBPyConnection, families: Sequence[str]) -> None:
    """Make ``source_family(source, family)`` and ``families(family, name)``. ``families[i]`` is the family of source ``i``."""
    names = sorted(set(families))
    number = {name: i for i, name in enumerate(names)}
    _make(
        db,
        "families",
        pa.table({"family": pa.array(range(len(names)), pa.int32()), "name": pa.array(names, pa.string())}),
    )
    _make(
        db,
        "source_family",
        pa.table(
            {
                "source": pa.array(range(len(families)), pa.int32()),
                "family": pa.array([number[name] for name in families], pa.int32()),
            }
        ),
    )


def tabulate_paths(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``paths(number, path, route, is_asset)`` over all requested paths."""
    seen = db.sql(
        "SELECT path, count(*) AS n FROM events WHERE path IS NOT NULL GROUP BY path ORDER BY path"
    ).to_arrow_table()
    paths = seen["path"].combine_chunks()
    routes = learn_routes(seen)
    table = pa.table(
        {
            "number": pa.array(range(len(paths)), pa.int32()),
            "path": paths,
            "route": pa.array([routes[path] for path in paths.to_pylist()], pa.string()),
            "is_asset": is_asset(paths),
        }
    )
    _make(db, "paths", table)


def tabulate_agents(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``agents(number, user_agent, kind, device, reason)`` over all user agents."""
    rows = db.execute(
        "SELECT DISTINCT user_agent FROM events WHERE user_agent IS NOT NULL ORDER BY user_agent"
    ).fetchall()
    texts = [row[0] for row in rows]
    found = describe_agents(texts)
    table = pa.table(
        {
            "number": pa.array(range(len(texts)), pa.int32()),
            "user_agent": pa.array(texts, pa.string()),
            "kind": pa.array([agent.kind for agent in found], pa.string()),
            "device": pa.array([agent.device for agent in found], pa.string()),
            "reason": pa.array([agent.reason for agent in found], pa.string()),
        }
    )
    _make(db, "agents", table)


def _make(db: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    db.register("made_rows", rows)
    db.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM made_rows")
    db.unregister("made_rows")
