"""Touchpoints as JSON, and at the same time as columns.

Nine parts of a touchpoint repeat from visit to visit: what was done, on which page, how it ended. Together they are its
*shape*, rendered once for all touchpoints of that shape; an access log has ten touchpoints to a shape. The rest is put in
as text, so that no touchpoint becomes a dictionary and none is taken apart again for the tables of facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from reconstruct.grammar.timestamps import format_time
from reconstruct.journeys.models import STAGES
from reconstruct.journeys.touchpoints import Touchpoint

CALM = b',"friction":[]'


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

    def render(self) -> bytes:
        """From the end of the moment to before the latency."""
        told = {
            "activity": self.activity,
            "stage": STAGES[self.stage],
            "milestone": self.milestone,
            "method": self.method,
            "route": self.route,
            "target": self.target,
            "status": self.status,
            "ok": self.ok,
        }
        return b'",%b,"latency_ms":' % orjson.dumps(told)[1:-1]


class Renderer:
    """Renders the touchpoints of one journey after the other, and keeps columns of what it has rendered."""

    def __init__(self) -> None:
        self._texts: list[bytes] = []
        self._codes: dict[tuple[object, ...], int] = {}
        self.code: list[int] = []
        """per touchpoint: which of ``shapes``"""
        self.at_ns: list[int] = []
        self.latency_ms: list[float | None] = []
        self.dwell_ms: list[int | None] = []
        self.sizes: list[int] = []
        """per journey: how many touchpoints"""

    @property
    def shapes(self) -> list[Shape]:
        """Those that occurred."""
        return [Shape._make(key) for key in self._codes]

    def render(self, touchpoints: Sequence[Touchpoint]) -> bytes:
        """The touchpoints of the next journey as a JSON array."""
        codes, texts = self._codes, self._texts
        rendered: list[bytes] = []
        for touch in touchpoints:
            key = (
                touch.text, touch.stage, touch.milestone, touch.method, touch.route, touch.path, touch.query, touch.status, touch.ok,
            )  # fmt: skip
            code = codes.get(key)
            if code is None:
                code = codes[key] = len(texts)
                texts.append(Shape._make(key).render())
            latency, dwell, events = touch.latency_ms, touch.dwell_ms, touch.events
            self.code.append(code)
            self.at_ns.append(touch.at_ns)
            self.latency_ms.append(latency)
            self.dwell_ms.append(dwell)
            rendered.append(
                b'{"at":"%b%b%b%b%b,"events":[%b]}'
                % (
                    touch.at or format_time(touch.at_ns).encode(),
                    texts[code],
                    b"null" if latency is None else orjson.dumps(latency),
                    b"" if dwell is None else b',"dwell_ms":%d' % dwell,
                    CALM if touch.friction is None else b',"friction":%b' % orjson.dumps(touch.friction),
                    events[0] if len(events) == 1 else b",".join(events),
                )
            )
        self.sizes.append(len(touchpoints))
        return b"[%b]" % b",".join(rendered)
