"""Identifier candidates of a batch of events."""

from __future__ import annotations

import pyarrow as pa


def extract(events: pa.RecordBatch) -> pa.RecordBatch:
    """Find the identifier candidates of EVENTS rows; gives MENTIONS rows, sorted by event."""
    raise NotImplementedError
