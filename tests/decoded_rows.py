"""What a decoder found, as events that can be read."""

from __future__ import annotations

import json
from typing import Any

from reconstruct.events.decoded import Decoded
from reconstruct.grammar.timestamps import format_time


def rows_of(decoded: Decoded) -> list[dict[str, Any]]:
    """The events of the lines that were matched, absent fields left out; the moment as text, the attributes as an object."""
    n = int(decoded.matched.sum())
    rows = [{name: column[at].as_py() for name, column in decoded.columns.items()} for at in range(n)]
    rows = [{name: value for name, value in row.items() if value not in (None, False)} for row in rows]
    for row in rows:
        if "time_ns" in row:
            row["time"] = format_time(row.pop("time_ns"))
        if "attributes" in row:
            row["attributes"] = json.loads(row["attributes"])
    return rows
