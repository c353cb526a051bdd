"""Raw text columns of a match plan to typed Arrow columns of the event schema.

A column's name goes through the field vocabulary (``vocabulary/fields.toml``): a grammar may name its terminals
``CLIENT_IP`` or ``REMOTE_ADDR``. A name the vocabulary does not know becomes an attribute under its own name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from reconstruct.grammar.timestamps import TimeAnchor


def type_columns(
    columns: Mapping[str, Sequence[str] | pa.Array],
    decoders: Mapping[str, str],
    n: int,
    anchor: TimeAnchor,
) -> dict[str, pa.Array]:
    """Typed columns, all of length ``n``, named and typed as in the event schema; only those that occur.

    ``columns`` holds the raw text of each named group, ``""`` or null for absent. ``decoders`` names the terminal type
    of a column where the grammar says it (``HTTP_DATE``, ``QUOTED``, ``SECONDS`` …).
    Besides the fields the result has ``time_ns`` and ``zoned`` when there is a time, and ``attributes`` (JSON object
    text) when something was left over.
    """
    raise NotImplementedError
