"""Touchpoints as JSON, and at the same time as columns.

Nine parts of a touchpoint repeat from visit to visit: what was done, on which page, how it ended. Together they are its
*shape*, rendered once for all touchpoints of that shape; an access log has ten touchpoints to a shape. The rest is put in
as columns of text, for many journeys at once, so that no touchpoint becomes a dictionary and none is taken apart again for the
tables of facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.grammar.timestamps import format_times
from reconstruct.journeys.models import STAGES
from reconstruct.journeys.touchpoints import Touchpoint

TEXT = pa.large_string()
AT, DWELL, END, NOTHING = (pa.scalar(text, TEXT) for text in ('{"at":"', ',"dwell_ms":', "]},", ""))
SHAPES_KEPT = 10_000
"""Shapes whose text is remembered from frame to frame: half a kilobyte each, with long queries more."""


class Shape(NamedTuple):
    """What touchpoints say that others say too."""

    activity: str
    stage: int
    """index into STAGES"""
    milestone: bool
    method: str | None
    route: str | None
    path: str | None
    query: str | None
    status: int | None
    ok: bool

    @property
    def target(self) -> str | None:
        return self.path if self.query is None or self.path is None else f"{self.path}?{self.query}"


@lru_cache(SHAPES_KEPT)
def _render_shape(shape: Shape) -> bytes:
    """From the end of the moment to before the latency."""
    told = {
        "activity": shape.activity,
        "stage": STAGES[shape.stage],
        "milestone": shape.milestone,
        "method": shape.method,
        "route": shape.route,
        "target": shape.target,
        "status": shape.status,
        "ok": shape.ok,
    }
    return b'",%b,"latency_ms":' % orjson.dumps(told)[1:-1]


class Renderer:
    """Renders the touchpoints of many journeys at once, and keeps columns of what it renders."""

    def __init__(self) -> None:
        self._codes: dict[tuple[object, ...], int] = {}
        self._frictions: list[bytes] = []
        self._events: list[bytes] = []
        self.shapes: list[Shape] = []
        """those that occurred"""
        self.code: list[int] = []
        """per touchpoint: which of ``shapes``"""
        self.at_ns: list[int] = []
        self.latency_ms: list[float | None] = []
        self.sizes: list[int] = []
        """per journey: how many touchpoints"""

    def add(self, touchpoints: Sequence[Touchpoint]) -> None:
        """The touchpoints of the next journey."""
        codes = self._codes
        for touch in touchpoints:
            key = (
                touch.text, touch.stage, touch.milestone, touch.method, touch.route, touch.path, touch.query, touch.status, touch.ok,
            )  # fmt: skip
            code = codes.get(key)
            if code is None:
                code = codes[key] = len(self.shapes)
                self.shapes.append(Shape._make(key))
            self.code.append(code)
            self.at_ns.append(touch.at_ns)
            self.latency_ms.append(touch.latency_ms)
            self._frictions.append(CALM if touch.friction is None else _render_friction(touch.friction))
            events = touch.events
            self._events.append(events[0] if len(events) == 1 else b",".join(events))
        self.sizes.append(len(touchpoints))

    @cached_property
    def dwell_ms(self) -> pa.Array:
        """Per touchpoint: how long until the next of its journey; null: it is the last."""
        owner = np.repeat(np.arange(len(self.sizes)), np.array(self.sizes, np.int64))
        is_last = np.diff(owner, append=-1) != 0
        dwell_ns = np.maximum(0, np.diff(np.array(self.at_ns, np.int64), append=0))
        return pa.array(dwell_ns // 1_000_000, mask=is_last)

    def render(self) -> Iterator[bytes]:
        """The touchpoints of each journey as a JSON array."""
        dwell = pc.binary_join_element_wise(DWELL, self.dwell_ms.cast(TEXT), NOTHING)
        text = pc.binary_join_element_wise(
            AT,
            format_times(pa.array(self.at_ns, pa.int64())).cast(TEXT),
            pa.array(map(_render_shape, self.shapes), TEXT).take(pa.array(self.code, pa.int32())),
            pa.array(orjson.dumps(self.latency_ms)[1:-1].split(b",")[: len(self.code)], TEXT),
            dwell.fill_null(NOTHING),
            pa.array(self._frictions, TEXT),
            pa.array(self._events, TEXT),
            END,
            NOTHING,
        )
        offsets = np.concatenate([[0], np.cumsum(pc.binary_length(text))])
        ends = offsets[np.cumsum([0, *self.sizes])].astype(np.int64).tolist()
        whole = memoryview(text.buffers()[2] or b"")
        return (b"[%b]" % bytes(whole[start : max(start, end - 1)]) for start, end in pairwise(ends))


def _render_friction(kinds: Sequence[str]) -> bytes:
    """Friction, up to where the events begin."""
    return b',"friction":%b,"events":[' % orjson.dumps(kinds)


CALM = _render_friction([])
