"""Log files: which there are, how they are read, and their bytes in chunks of whole lines."""

from reconstruct.sources.chunks import load_chunk, plan_ranges, read_chunks
from reconstruct.sources.discover import discover
from reconstruct.sources.model import (
    CHUNK_BYTES,
    LINE_CAP,
    LOOKAHEAD,
    STDIN,
    Chunk,
    ChunkRef,
    Discovery,
    Skipped,
    Source,
)
from reconstruct.sources.slices import read_slice, read_slices

__all__ = [
    "CHUNK_BYTES",
    "LINE_CAP",
    "LOOKAHEAD",
    "STDIN",
    "Chunk",
    "ChunkRef",
    "Discovery",
    "Skipped",
    "Source",
    "discover",
    "load_chunk",
    "plan_ranges",
    "read_chunks",
    "read_slice",
    "read_slices",
]
