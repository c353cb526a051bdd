"""Lines of no known layout that carry a moment."""

from __future__ import annotations

import pyarrow as pa
import pytest

from reconstruct.events.generic import decode_block
from reconstruct.grammar.timestamps import TimeAnchor

ANCHOR = TimeAnchor(1_789_000_000 * 10**9)


@pytest.mark.parametrize(
    ("line", "level", "message"),
    [
        ("2026-09-17 10:00:05 ~ all is well", None, "~ all is well"),
        ("[2026-09-17 10:00:05] WARN: disk nearly full", "warn", "disk nearly full"),
        ("2026-09-17 10:00:05 (error) lost the queue", "error", "lost the queue"),
        ("2026-09-17 10:00:05 main ERROR lost the queue", "error", "main ERROR lost the queue"),
        ("worker-3 2026-09-17 10:00:05 lost the queue", None, "worker-3 lost the queue"),
        ("2026-09-17 10:00:05 there was an error in it", None, "there was an error in it"),
        ("2026-09-17 10:00:05 Notice of arrival", "notice", "of arrival"),
    ],
)
def test_the_level_is_a_word_in_its_place(line: str, level: str | None, message: str) -> None:
    columns = decode_block([line], ANCHOR).columns
    assert columns["time_ns"].to_pylist() == [1_789_639_205 * 10**9]
    assert (columns["level"][0].as_py() if "level" in columns else None) == level
    assert columns["message"].to_pylist() == [message]


def test_a_request_is_seen_in_any_layout() -> None:
    line = '192.0.2.7 | 2026-09-17 10:00:05 | "GET /cart?id=5 HTTP/1.1" | 404 | 12ms'
    columns = decode_block([line], ANCHOR).columns
    found = {name: columns[name][0].as_py() for name in ("client_ip", "method", "path", "query", "status")}
    assert found == {"client_ip": "192.0.2.7", "method": "GET", "path": "/cart", "query": "id=5", "status": 404}


def test_only_lines_with_a_moment_are_entries() -> None:
    decoded = decode_block(["no time at all", "2026-09-17 10:00:05 x", ""], ANCHOR)
    assert decoded.matched.tolist() == [False, True, False]
    assert all(len(column) == 1 for column in decoded.columns.values())


def test_the_envelope_completes_a_time_of_day() -> None:
    envelope = pa.array([None, 1_789_639_200 * 10**9])
    decoded = decode_block(["nothing", "10:00:05.250 ready"], TimeAnchor(0, envelope))
    assert decoded.columns["time_ns"].to_pylist() == [1_789_639_205_250 * 10**6]
