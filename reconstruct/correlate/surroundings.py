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
