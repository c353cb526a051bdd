"""Lines of ``key=value`` pairs."""

from __future__ import annotations

from collections.abc import Sequence

from reconstruct.events.decoded import Decoded
from reconstruct.grammar.timestamps import TimeAnchor


def decode_block(lines: Sequence[str], anchor: TimeAnchor) -> Decoded:
    """Decode the lines that are logfmt: a first token ``key=value`` and at least two pairs.

    ``anchor.envelope_ns``, when given, has one value per line given."""
    raise NotImplementedError
