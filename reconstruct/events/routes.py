"""Paths with their variable segments as ``{}``."""

from __future__ import annotations

import pyarrow as pa


def shape_routes(paths: pa.Array) -> pa.DictionaryArray:
    """Routes by the shape of each segment alone: what a scan can know of one path."""
    raise NotImplementedError


def learn_routes(paths: pa.Table) -> dict[str, str]:
    """Routes of distinct paths (columns ``path: string``, ``n: int64`` events), word-like variable segments included."""
    raise NotImplementedError


def is_asset(paths: pa.Array) -> pa.BooleanArray:
    """True where a path is a static file; null paths are not."""
    raise NotImplementedError
