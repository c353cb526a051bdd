"""Events as JSON Lines."""

from __future__ import annotations

import orjson
import pyarrow as pa

from reconstruct.events.render import event_lines
from reconstruct.events.schema import EVENTS


def batch(*rows: dict[str, object]) -> pa.RecordBatch:
    must = {"source": 0, "line": 1, "lines": 1, "offset": 0, "length": 9, "format": "json", "zoned": True}
    filled = [must | row for row in rows]
    arrays = [pa.array([row.get(field.name) for row in filled]).cast(field.type) for field in EVENTS]
    return pa.RecordBatch.from_arrays(arrays, schema=EVENTS)


def render(*rows: dict[str, object]) -> list[dict[str, object]]:
    lines = list(event_lines(batch(*rows), ["app/a.log", "b.log"]))
    assert all(line.endswith(b"}\n") and line.count(b"\n") == 1 for line in lines)
    return [orjson.loads(line) for line in lines]


def test_absent_fields_are_left_out() -> None:
    first, second = render({"source": 1, "line": 12, "status": 200}, {"user": "alice", "attributes": "{}"})
    assert first == {"source": "b.log", "line": 12, "lines": 1, "format": "json", "status": 200}
    assert second == {"source": "app/a.log", "line": 1, "lines": 1, "format": "json", "user": "alice"}


def test_time_is_utc_with_microseconds() -> None:
    assert render({"time_ns": 1_767_225_600_039_000_999})[0]["time"] == "2026-01-01T00:00:00.039000Z"


def test_attributes_are_an_object() -> None:
    assert render({"attributes": '{"order.id":17,"tags":["a"]}'})[0]["attributes"] == {"order.id": 17, "tags": ["a"]}


def test_nothing_that_a_terminal_obeys_gets_out() -> None:
    hostile = "\x1b[2Jgone\x1b]0;title\x07\x9b31m\rtab\there\nline"
    attributes = orjson.dumps({"a\x1b[1m": hostile, "list": [hostile], "back\\slash": "C:\\u001b"}).decode()
    (event,) = render({"message": hostile, "user_agent": hostile, "attributes": attributes})
    clean = "gone31mtab\there\nline"
    assert event["message"] == event["user_agent"] == clean
    assert event["attributes"] == {"a": clean, "list": [clean], "back\\slash": "C:\\u001b"}


def test_identifiers_follow_their_event() -> None:
    lines = event_lines(batch({}, {"line": 2}), ["a.log"], {1: [("order", "1001"), ("user", "7")]})
    first, second = (orjson.loads(line) for line in lines)
    assert "ids" not in first
    assert second["ids"] == [{"type": "order", "value": "1001"}, {"type": "user", "value": "7"}]
