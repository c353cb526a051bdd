"""W3C extended logs: directives in force, separators, dialects of IIS and CloudFront."""

from __future__ import annotations

from typing import Any

import pytest
from decoded_rows import rows_of

from reconstruct.events.w3c import W3cHeader, decode_block, find_header, read_directives
from reconstruct.grammar.timestamps import TimeAnchor

ANCHOR = TimeAnchor(1_789_430_400 * 10**9)


def decode(*lines: str, header: W3cHeader | None = None) -> list[dict[str, Any]]:
    decoded = decode_block(lines, header, ANCHOR)
    assert decoded.directives is not None
    assert decoded.directives.tolist() == [line.startswith("#") for line in lines]
    return rows_of(decoded)


IIS = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status time-taken"


def test_iis() -> None:
    line = (
        "2026-09-14 05:00:00 192.0.2.1 GET /a b=1+2 443 - 203.0.113.9 Mozilla/5.0+(X11) https://www.example.com/ 200 15"
    )
    assert decode(IIS, line) == [
        {
            "time": "2026-09-14T05:00:00.000000Z",
            "zoned": True,
            "method": "GET",
            "target": "/a?b=1+2",
            "path": "/a",
            "query": "b=1+2",
            "client_ip": "203.0.113.9",
            "user_agent": "Mozilla/5.0 (X11)",
            "referrer": "https://www.example.com/",
            "status": 200,
            "duration_ms": 15.0,
            "attributes": {"s-ip": "192.0.2.1", "s-port": "443"},
        }
    ]


def test_cloudfront_is_tab_separated_and_counts_seconds() -> None:
    fields = "#Fields: date time x-edge-location c-ip cs-method cs(Host) cs-uri-stem sc-status cs(User-Agent)"
    fields += " x-edge-result-type x-host-header time-taken"
    values = ["2026-09-14", "05:00:00", "FRA2", "203.0.113.9", "GET", "d1.example.net", "/a", "200",
              "Mozilla/5.0%20(X11)", "Hit", "www.example.com", "0.015"]  # fmt: skip
    (row,) = decode("#Version: 1.0", fields, "\t".join(values))
    assert row["duration_ms"] == 15.0
    assert row["vhost"] == "www.example.com"
    assert row["user_agent"] == "Mozilla/5.0 (X11)"
    assert row["attributes"]["cs(Host)"] == "d1.example.net"


@pytest.mark.parametrize(("taken", "duration"), [("0.015", 15.0), ("15", 15.0), ("-", None)])
def test_time_taken_with_a_fraction_is_seconds(taken: str, duration: float | None) -> None:
    (row,) = decode("#Fields: c-ip time-taken cs-method", f"203.0.113.9 {taken} GET")  # WebLogic
    assert row.get("duration_ms") == duration


def test_directives_change_in_the_block() -> None:
    rows = decode("#Fields: c-ip sc-status", "192.0.2.1 200", "#Fields: sc-status c-ip", "404 192.0.2.2", "#Remark: x")
    assert rows == [{"client_ip": "192.0.2.1", "status": 200}, {"client_ip": "192.0.2.2", "status": 404}]


def test_the_header_before_the_block_counts() -> None:
    header = find_header(["#Software: X", "#Fields: c-ip sc-status", "1 2", "#Fields: other"])
    assert header == W3cHeader(("c-ip", "sc-status"), "X")
    assert decode("192.0.2.1 200", "192.0.2.1", "a b c", header=header) == [{"client_ip": "192.0.2.1", "status": 200}]
    assert decode("192.0.2.1 200") == []
    assert find_header(["a", "#Date: 2026-09-14"]) is None


def test_a_time_alone_gets_the_day_of_the_date_directive() -> None:
    rows = decode("#Date: 2026-09-13 00:00:00", "#Fields: time c-ip", "23:59:59 192.0.2.1")
    assert rows == [{"time": "2026-09-13T23:59:59.000000Z", "zoned": True, "client_ip": "192.0.2.1"}]


def test_directives_add_up() -> None:
    header = read_directives(W3cHeader(("a", "b"), "X"), ["#Date: 2026-09-14 05:00:00", "#Remark: y"])
    assert header == W3cHeader(("a", "b"), "X", "2026-09-14")


def test_local_times_are_not_zoned() -> None:
    (row,) = decode("#Time Format: Local", "#Fields: date time action", "2026-09-14 05:00:00 DROP")
    assert row == {"time": "2026-09-14T05:00:00.000000Z", "attributes": {"action": "DROP"}}


@pytest.mark.parametrize(
    ("fields", "line", "attributes"),
    [
        ("#Fields: x-a x-b", 'one "two ""and"" three"', {"x-a": "one", "x-b": 'two "and" three'}),
        ("#Fields: x-a,x-b", 'one,"two, three"', {"x-a": "one", "x-b": "two, three"}),
        ("#fields\tx-a\tx-b", "one\ttwo three", {"x-a": "one", "x-b": "two three"}),
        ("#Fields: x-a x-b", 'one\t"two ""and"" three"', {"x-a": "one", "x-b": 'two "and" three'}),
        ("#Fields: x-a x-b", 'one\t"two" "three"', {"x-a": "one", "x-b": '"two" "three"'}),
        ("#Fields: x-a x-a", "one two", {"x-a": "one", "x-a_2": "two"}),
    ],
)
def test_separators(fields: str, line: str, attributes: dict[str, str]) -> None:
    assert decode(fields, line) == [{"attributes": attributes}]
