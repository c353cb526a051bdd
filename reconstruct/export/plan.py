"""The plan of identifiers as the ``[plan]`` section of a ``reconstruct.toml``: to be read, edited and kept."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from reconstruct.options import ROLES

_BARE = re.compile(r"[A-Za-z0-9_-]+")

HEAD = f"""\
# What the identifiers in these logs stand for, as it was measured. Change what is wrong and keep it; what you delete is measured again.
#   slots   the places that hold identifiers of this type, and no others do
#   role    what one of them identifies: {", ".join(ROLES)} (joins nothing)
#   owner   the type that each belongs to one of; "session" = it has a business journey of its own; "" = neither
[plan]
ignore = []  # places whose values identify nothing, as in ["text:id", "query:ref"]
"""

OWNED = ("object", "sub-object", "other")
"""Roles whose owner is a finding; that of a request or a session follows from its role."""


def render_plan(rows: Sequence[dict[str, Any]]) -> str:
    """The section, from the rows of ``identifiers``."""
    return HEAD + "".join(map(_render_type, rows))


def _render_type(row: dict[str, Any]) -> str:
    name = row["type"] if _BARE.fullmatch(row["type"]) else quote(row["type"])
    label = "" if row["label"] == row["type"] else comment(f"“{row['label']}”, ")
    lines = ["", f"[plan.types.{name}]  # {label}{row['distinct']:,} values: {comment('; '.join(row['why']))}"]
    lines.append(f"role = {quote(row['role'])}")
    if row["owner"] and row["role"] in OWNED:
        lines.append(f"owner = {quote(row['owner'])}")
    lines += ["slots = [", *(f"  {quote(slot)}," for slot in row["slots"]), "]"]
    return "\n".join(lines) + "\n"


def quote(text: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, but for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def comment(text: str) -> str:
    """Text on one line: TOML comments hold no control characters."""
    return "".join(character if character.isprintable() else " " for character in text)
