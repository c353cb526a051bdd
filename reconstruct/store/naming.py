"""Activities without what differs from journey to journey: what was searched for, numbers of things."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

REPLACED = (
    (r"[‘“][^’”]*[’”]", "‘…’"),
    (r"[0-9A-Za-z_-]*[0-9]{3}[0-9A-Za-z_-]*|\b[0-9]+\b", "…"),
)
"""What becomes what, in this order; patterns of RE2, which both Arrow and the database have."""


def name_activities(activities: pa.Array) -> pa.Array:
    """The names of some activities; the macro ``name_activity`` gives the same in SQL.

    >>> name_activities(pa.array(["Searched ‘garden hose’", "Placed order 100003", None])).to_pylist()
    ['Searched ‘…’', 'Placed order …', None]
    """
    for pattern, name in REPLACED:
        activities = pc.replace_substring_regex(activities, pattern, name)
    return activities


def naming_macro() -> str:
    """SQL that makes the macro ``name_activity(words)``."""
    words = "words"
    for pattern, name in REPLACED:
        words = f"regexp_replace({words}, '{pattern}', '{name}', 'g')"
    return f"CREATE MACRO name_activity(words) AS {words}"
