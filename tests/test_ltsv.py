"""LTSV lines: what is one, and what its labels mean."""

from __future__ import annotations

from typing import Any

import pytest
from decoded_rows import rows_of

from reconstruct.events.ltsv import LEAST_PAIRS, decode_block
from reconstruct.grammar.timestamps import TimeAnchor

ANCHOR = TimeAnchor(1_789_430_400 * 10**9)

ACCESS = (
    "time:[14/Sep/2026:05:00:00 +0100]\thost:192.0.2.7\tuser:alice\treq:GET /cart?item=71 HTTP/1.1\tstatus:200\tsize:5316"
    "\treferer:https://shop.example.com/\tua:Mozilla/5.0 (X11)\treqtime:0.012\tvhost:shop.example.com"
)


def decode(*lines: str) -> list[dict[str, Any]]:
    return rows_of(decode_block(lines, ANCHOR))


def test_an_access_line() -> None:
    assert decode(ACCESS) == [
        {
            "time": "2026-09-14T04:00:00.000000Z",
            "zoned": True,
            "client_ip": "192.0.2.7",
            "user": "alice",
            "method": "GET",
            "target": "/cart?item=71",
            "path": "/cart",
            "query": "item=71",
            "protocol": "HTTP/1.1",
            "status": 200,
            "bytes_sent": 5316,
            "referrer": "https://shop.example.com/",
            "user_agent": "Mozilla/5.0 (X11)",
            "duration_ms": 12.0,
            "vhost": "shop.example.com",
        }
    ]


def test_the_request_in_parts() -> None:
    line = "host:2001:db8::7\tvhost:shop.example.com\tmethod:POST\turi:/orders\tstatus:302\treqtime_microsec:1500"
    assert decode(line) == [
        {
            "client_ip": "2001:db8::7",
            "vhost": "shop.example.com",
            "method": "POST",
            "target": "/orders",
            "path": "/orders",
            "status": 302,
            "duration_ms": 1.5,
        }
    ]


def test_values_are_taken_as_they_are() -> None:
    (row,) = decode('level:warn\tmessage:he said: "no"\tnote:"a"\tempty:\tabsent:-')
    assert row == {"level": "warn", "message": 'he said: "no"', "attributes": {"note": '"a"'}}


def test_lines_of_several_kinds_keep_their_order() -> None:
    other = "level:error\tmessage:card declined\torder:71"
    block = [ACCESS, other, "prose", ACCESS]
    assert decode_block(block, ANCHOR).matched.tolist() == [True, True, False, True]
    assert [row.get("message") for row in decode(*block)] == [None, "card declined", None]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "time:12:00:00",
        "a:1\tb:2",
        "a:1\tb:2\tc",
        "a:1\ta:2\ta:3",
        "a:1\t:2\tc:3",
        "two words:1\tb:2\tc:3",
        "a:1\tthe second one:2\tc:3",
        "10.0.0.5:1\tb:2\tc:3",
        "a=1\tb=2\tc=3",
    ],
)
def test_what_is_no_ltsv(line: str) -> None:
    assert LEAST_PAIRS == 3
    assert not decode_block([line], ANCHOR).matched.any()
