"""Lines that are one JSON object each, of any shape."""

from __future__ import annotations

from collections.abc import Sequence

from reconstruct.events.decoded import Decoded
from reconstruct.grammar.timestamps import TimeAnchor


def decode_block(lines: Sequence[str | bytes], anchor: TimeAnchor) -> Decoded:
    """Decode the lines that are JSON objects. Nested objects become dotted keys, lists of scalars stay lists.

    ``anchor.envelope_ns``, when given, has one value per line given."""
    raise NotImplementedError
