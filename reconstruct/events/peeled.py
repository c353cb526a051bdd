"""What is left of lines when their envelope is taken off, and the columns that envelopes have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from reconstruct.events.lines import strip_terminal_codes
from reconstruct.events.schema import LABEL
from reconstruct.grammar.timestamps import ANY, TimeAnchor, decode_times


@dataclass(frozen=True, slots=True)
class Peeled:
    """The lines of a block that had the envelope; everything but ``mask`` has one element per such line."""

    mask: npt.NDArray[np.bool_]
    """one per line of the block"""
    inside: list[str]
    columns: dict[str, pa.Array]
    """what the envelope says, typed as the event schema"""
    stream: list[str]
    """lines of different streams do not continue each other"""
    partial: npt.NDArray[np.bool_]
    """the runtime cut the line here; the next one of the stream goes on"""


def mask_of(count: int, rows: list[int]) -> npt.NDArray[np.bool_]:
    """The rows as a mask over ``count`` lines."""
    mask = np.zeros(count, np.bool_)
    mask[rows] = True
    return mask


def trim(text: str) -> str:
    """A line out of JSON without its end and colours."""
    return strip_terminal_codes(text.removesuffix("\n").removesuffix("\r"))


def time_columns(stamps: list[str], anchor: TimeAnchor) -> dict[str, pa.Array]:
    """``time_ns`` and ``zoned`` of the envelope's stamps."""
    times = decode_times(stamps, ANY, anchor)
    return {"time_ns": times.time_ns, "zoned": times.zoned}


def stream_column(streams: list[str]) -> pa.Array:
    """Attributes that hold nothing but the stream."""
    texts = {stream: orjson.dumps({"stream": stream}).decode() if stream else None for stream in set(streams)}
    return pa.array([texts[stream] for stream in streams], pa.string())


def attribute_column(attributes: Sequence[dict[str, str]]) -> pa.Array:
    """Attributes as JSON object texts; null for none."""
    return pa.array([orjson.dumps(each).decode() if each else None for each in attributes], pa.string())


def label_column(names: Sequence[str | None]) -> pa.Array:
    """Text of few distinct values."""
    return pa.array(names, pa.string()).cast(LABEL)
