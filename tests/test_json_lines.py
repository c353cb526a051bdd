"""JSON lines of any shape: flattening, what programs write, damage, hostile input."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from decoded_rows import rows_of
from hypothesis import given, settings
from hypothesis import strategies as st

from reconstruct.events.json_lines import DEPTH_CAP, decode_block, parse_line
from reconstruct.events.keyed import KEY_CAP
from reconstruct.events.schema import EVENTS
from reconstruct.grammar.timestamps import TimeAnchor, format_time

ANCHOR = TimeAnchor(1_789_430_400 * 10**9)
MOMENT = "2026-09-14T05:00:00.123000Z"


def decode(*lines: str | bytes) -> list[dict[str, Any]]:
    """The events of some lines, absent fields left out."""
    decoded = decode_block(lines, ANCHOR)
    n = int(decoded.matched.sum())
    for name, column in decoded.columns.items():
        assert len(column) == n, name
        assert column.type == EVENTS.field(name).type, name
    return rows_of(decoded)


PROGRAMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ecs": (
        {
            "@timestamp": MOMENT,
            "log": {"level": "INFO", "logger": "shop"},
            "message": "done",
            "http": {"request": {"method": "GET"}, "response": {"status_code": 200, "body": {"bytes": 12}}},
            "url": {"path": "/a", "query": "b=1"},
            "client": {"ip": "192.0.2.7"},
            "event": {"duration": 1_500_000},
            "trace": {"id": "abc"},
        },
        {
            "time": MOMENT, "zoned": True, "level": "info", "logger": "shop", "message": "done", "method": "GET",
            "status": 200, "bytes_sent": 12, "target": "/a?b=1", "path": "/a", "query": "b=1", "client_ip": "192.0.2.7",
            "duration_ms": 1.5, "trace_id": "abc",
        },
    ),
    "pino-http": (
        {
            "level": 30, "time": 1789362000123, "pid": 7, "hostname": "web1", "name": "shop",
            "req": {"id": "r1", "method": "GET", "url": "/a?b=1", "remoteAddress": "::ffff:192.0.2.7"},
            "res": {"statusCode": 404}, "responseTime": 12, "msg": "request completed",
        },
        {
            "time": MOMENT, "zoned": True, "level": "info", "pid": 7, "host": "web1", "service": "shop", "request_id": "r1",
            "method": "GET", "target": "/a?b=1", "path": "/a", "query": "b=1", "client_ip": "192.0.2.7", "status": 404,
            "duration_ms": 12.0, "message": "request completed",
        },
    ),
    "zap": (
        {"level": "warn", "ts": 1789362000.123, "caller": "a.go:7", "msg": "slow", "latency": 1.5, "order": 7},
        {"time": MOMENT, "zoned": True, "level": "warn", "message": "slow", "duration_ms": 1500.0,
         "attributes": {"caller": "a.go:7", "order": 7}},
    ),
    "serilog": (
        {"@t": MOMENT, "@mt": "Order {OrderId} placed", "OrderId": 7, "SourceContext": "Shop.Orders"},
        {"time": MOMENT, "zoned": True, "level": "info", "message": "Order {OrderId} placed", "logger": "Shop.Orders",
         "attributes": {"OrderId": 7}},
    ),
    "gelf": (
        {"version": "1.1", "host": "web1", "short_message": "no", "timestamp": 1789362000.123, "level": 3, "_order": 7},
        {"time": MOMENT, "zoned": True, "level": "error", "host": "web1", "message": "no",
         "attributes": {"_order": 7, "version": "1.1"}},
    ),
    "cloud logging": (
        {
            "severity": "WARNING", "timestamp": MOMENT, "jsonPayload": {"message": "slow", "order": 7},
            "httpRequest": {"requestMethod": "GET", "requestUrl": "https://www.example.com/a", "status": 200,
                            "latency": "0.5s", "remoteIp": "192.0.2.7"},
            "trace": "projects/shop/traces/abc",
        },
        {
            "time": MOMENT, "zoned": True, "level": "warn", "message": "slow", "method": "GET",
            "target": "https://www.example.com/a", "path": "/a", "vhost": "www.example.com", "status": 200,
            "duration_ms": 500.0, "client_ip": "192.0.2.7", "trace_id": "abc", "attributes": {"jsonPayload.order": 7},
        },
    ),
    "traefik": (
        {"ClientHost": "192.0.2.7", "ClientAddr": "192.0.2.7:4711", "DownstreamStatus": 200, "RequestMethod": "GET",
         "RequestPath": "/a?b", "Duration": 1500000, "StartUTC": MOMENT, "DownstreamContentSize": 5},
        {"time": MOMENT, "zoned": True, "client_ip": "192.0.2.7", "status": 200, "method": "GET", "target": "/a?b",
         "path": "/a", "query": "b", "duration_ms": 1.5, "bytes_sent": 5, "attributes": {"ClientAddr": "192.0.2.7:4711"}},
    ),
    "nginx": (
        {"time_iso8601": MOMENT, "remote_addr": "192.0.2.7", "request": "GET /a HTTP/1.1", "status": "200",
         "request_time": "0.079", "http_referer": "-", "upstream_addr": "10.0.0.1:80, 10.0.0.2:80", "upstream_status": "502, 200"},
        {"time": MOMENT, "zoned": True, "client_ip": "192.0.2.7", "method": "GET", "target": "/a", "path": "/a",
         "protocol": "HTTP/1.1", "status": 200, "duration_ms": 79.0, "upstream": "10.0.0.1:80, 10.0.0.2:80",
         "upstream_status": 200},
    ),
    "journald": (
        {"__REALTIME_TIMESTAMP": "1789362000123000", "PRIORITY": "4", "_PID": "7", "SYSLOG_IDENTIFIER": "shop",
         "MESSAGE": "slow", "_HOSTNAME": "web1"},
        {"time": MOMENT, "zoned": True, "level": "warn", "pid": 7, "process": "shop", "message": "slow", "host": "web1"},
    ),
    "log4j2": (
        {"instant": {"epochSecond": 1789362000, "nanoOfSecond": 123000000}, "level": "WARN", "loggerName": "a.B",
         "message": "slow", "thread": "main", "contextMap": {"request_id": "r1"}},
        {"time": MOMENT, "zoned": True, "level": "warn", "logger": "a.B", "message": "slow", "thread": "main",
         "request_id": "r1"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs(program: str) -> None:
    line, event = PROGRAMS[program]
    assert decode(json.dumps(line)) == [event]


def test_lines_of_all_programs_in_one_block() -> None:
    lines = [json.dumps(line) for line, _ in PROGRAMS.values()]
    assert decode(*lines, "no json", *lines) == [event for _, event in PROGRAMS.values()] * 2


def test_bytes_and_text_read_alike() -> None:
    line = json.dumps({"msg": "grüße", "n": 1}, ensure_ascii=False)
    assert decode(line.encode()) == decode(line) == [{"message": "grüße", "attributes": {"n": 1}}]


def test_nesting_becomes_dotted_keys() -> None:
    line = '{"a":{"b":{"c":1},"d":[1,2]},"items":[{"sku":"x","tags":["p"]},{"sku":"y"}],"empty":{},"none":[]}'
    assert decode(line) == [{"attributes": {"a.b.c": 1, "a.d": [1, 2], "items.sku": ["x", "y"], "items.tags": ["p"]}}]


def test_keys_that_meet_keep_all_values() -> None:
    assert decode('{"a.b":1,"a":{"b":2}}') == [{"attributes": {"a.b": [1, 2]}}]
    assert decode('{"a":{"b":[2,3]},"a.b":1}') == [{"attributes": {"a.b": [2, 3, 1]}}]


def test_types_of_attributes_are_kept() -> None:
    line = '{"i":7,"f":0.5,"t":true,"s":"007","z":null,"e":"","d":"-","l":[1,"a",null]}'
    assert decode(line) == [{"attributes": {"f": 0.5, "i": 7, "l": [1, "a", None], "s": "007", "t": True}}]


def test_values_a_field_does_not_take_are_attributes() -> None:
    lines = ['{"status":"paid","level":"info"}', '{"status":200,"level":"purple"}', '{"status":true,"level":30}']
    assert decode(*lines) == [
        {"level": "info", "attributes": {"status": "paid"}},
        {"status": 200, "attributes": {"level": "purple"}},
        {"level": "info", "attributes": {"status": True}},
    ]


def test_a_message_that_is_an_object_or_a_list() -> None:
    assert decode('{"message":{"order":7}}') == [{"attributes": {"message.order": 7}}]
    assert decode('{"message":["a","b"]}') == [{"message": "a, b"}]
    assert decode('{"request":{"headers":{"User-Agent":["curl/8"]},"method":"GET"}}')[0]["user_agent"] == "curl/8"


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ('{"msg":"a","n":NaN,"i":-Infinity}', {"message": "a"}),
        ('{"msg":"a",  "rt": , "urt": -}', {"message": "a"}),
        (r'{"msg":"say \x22hi\x22 \xc3\xa9"}', {"message": 'say "hi" é'}),
        (r'{"msg":"C:\Users\q"}', {"message": r"C:\Users\q"}),
        ('{"msg":"tab\there"}', {"message": "tab\there"}),
        ('{"msg":"a"},', {"message": "a"}),
        ('  {"msg":"a"}  ', {"message": "a"}),
        ('\ufeff{"msg":"a"}', {"message": "a"}),
        (r'{"msg":"\ud800"}', {"message": "?"}),
        (r'{"note":"\ud800"}', {"attributes": {"note": "?"}}),
        ('{"n":' + "9" * 40 + "}", {"attributes": {"n": float("9" * 40)}}),
        ('{"n":' + "9" * 40 + ',"m":NaN}', {"attributes": {"n": "9" * 40}}),
        ('{"status":18446744073709551615}', {"attributes": {"status": 18446744073709551615}}),
        ('{"user":12345678901234567890}', {"user": "12345678901234567890"}),
        (b'{"msg":"a\xff"}', {"message": "a\ufffd"}),
    ],
)
def test_damage_is_repaired(line: str | bytes, event: dict[str, Any]) -> None:
    assert decode(line) == [event]


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("{ level: 'info', message: 'a' }", {"level": "info", "message": "a"}),
        (
            "{'level': 'WARNING', 'event': 'a', 'paid': True, 'by': None}",
            {"level": "warn", "message": "a", "attributes": {"paid": True, "event": "a"}},
        ),
        (r"{ message: '\x1B[32ma\x1B[39m', req: { method: 'GET', url: '/a' } }", {"message": "a", "method": "GET", "path": "/a", "target": "/a"}),
        (
            "{ message: 'it\\'s ' + 'here', at: 2026-01-02T15:04:05.123Z, more: [Object], n: 7n }",
            {"message": "it's here", "attributes": {"at": "2026-01-02T15:04:05.123Z", "n": 7}},
        ),
        ("{ _id: new ObjectId(\"65a1\"), list: [ 1, 2, ... 7 more items ] }", {"attributes": {"_id": "65a1", "list": [1, 2]}}),
        ("<ref *1> { a: 1 }", None),
        ("{ the basket: empty }", None),
        ("{ a: 1, b: function }", None),
        ("{ a: 1", None),
    ],
)  # fmt: skip
def test_an_object_as_it_is_printed_for_people(line: str, event: dict[str, Any] | None) -> None:
    assert decode(line) == ([] if event is None else [event])


def test_colours_in_texts_are_no_part_of_them() -> None:
    line = r'{"level":"\u001b[32minfo\u001b[39m","message":"\u001b[1mpaid\u001b[22m"}'
    assert decode(line) == [{"level": "info", "message": "paid"}]


def test_a_moment_as_php_writes_it() -> None:
    line = '{"time":{"date":"2026-09-17 10:00:05.500000","timezone_type":3,"timezone":"Europe/Berlin"},"msg":"a"}'
    decoded = decode_block([line], ANCHOR).columns
    assert decoded["time_ns"].to_pylist() == [1_789_632_005_500 * 10**6]


@pytest.mark.parametrize("line", ["", "{", "[1]", '"a"', "7", "null", "{a:1}", '{"a":1} tail', '{"a":', "}{", "{]}"])
def test_what_is_no_object_is_not_matched(line: str) -> None:
    assert decode_block([line], ANCHOR).matched.tolist() == [False]


def test_an_empty_object_is_an_event_without_fields() -> None:
    decoded = decode_block(["{}", "x"], ANCHOR)
    assert decoded.matched.tolist() == [True, False]
    assert decoded.columns == {}


def test_the_envelope_anchors_the_lines_that_match() -> None:
    noon = 1_789_387_200 * 10**9
    anchor = TimeAnchor(0, pa.array([None, noon, noon + 86_400 * 10**9]))
    times = decode_block(["x", '{"time":"12:00:01"}', '{"time":"12:00:01","a":1}'], anchor).columns["time_ns"]
    assert [format_time(value) for value in times.to_pylist()] == [
        "2026-09-14T12:00:01.000000Z",
        "2026-09-15T12:00:01.000000Z",
    ]


def test_hostile_lines_cost_no_more_than_their_length() -> None:
    deep = '{"a":' * 900 + "1" + "}" * 900
    too_deep = '{"a":' * 100_000 + "1" + "}" * 100_000
    lists = '{"a":' + "[" * 900 + "1" + "]" * 900 + "}"
    wide = json.dumps({f"key {n}": n for n in range(20_000)})
    huge = json.dumps({"message": "x" * 1_000_000, "y" * 100_000: 1})
    lines = [deep, too_deep, lists, wide, huge, '{"a":' + "9" * 100_000 + "}", '{"a":"' + "\\" * 99_999 + '"}']
    began = time.process_time()
    decoded = decode_block(lines * 3, ANCHOR)
    assert time.process_time() - began < 8
    assert decoded.matched.tolist() == [True, False, True, True, True, True, False] * 3
    rows = decoded.columns["attributes"].to_pylist()
    assert json.loads(rows[0]) == {"a" + ".a" * DEPTH_CAP: "…"}
    assert len(json.loads(rows[2])) == 20_000 > KEY_CAP


def test_a_new_shape_per_line_is_affordable() -> None:
    lines = [json.dumps({f"k{n}": n, f"j{n * 7}": "x", "msg": f"m{n}"}) for n in range(3000)]
    began = time.process_time()
    decoded = decode_block(lines, ANCHOR)
    assert time.process_time() - began < 4
    assert decoded.columns["message"].to_pylist() == [f"m{n}" for n in range(3000)]


def test_numbers_are_read_alike_whatever_stands_beside_them() -> None:
    lines = [
        '{"user":7,"ts":1789362000}',
        '{"user":0.5,"ts":1789362000.123}',
        '{"user":"x","ts":"2026-09-14T05:00:00Z"}',
    ]
    assert decode(*lines) == [decode(line)[0] for line in lines]
    assert [row["user"] for row in decode(*lines)] == ["7", "0.5", "x"]


def test_a_day_beside_a_time_of_day_row_by_row() -> None:
    lines = ['{"time":"05:00:00","date":"2026-09-14"}', '{"time":"2026-09-14T05:00:00","date":"2026-12-24"}']
    rows = decode(*lines)
    assert [row["time"][:19] for row in rows] == ["2026-09-14T05:00:00"] * 2
    assert [row.get("attributes") for row in rows] == [None, {"date": "2026-12-24"}]


STAMPS = st.sampled_from(["05:00:00", "2026-09-14", "2026-09-14T05:00:00Z", "1789362000"])
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, width=32) | st.text() | STAMPS
)
NAMES = st.text(min_size=1, max_size=6) | st.sampled_from(
    ["time", "date", "level", "msg", "status", "host", "method", "user", "duration", "a.b"]
)
OBJECTS = st.dictionaries(
    NAMES, st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)), max_size=6
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(OBJECTS, max_size=5))
def test_every_object_is_an_event_read_alone_or_among_others(objects: list[dict[str, Any]]) -> None:
    lines = [json.dumps(value) for value in objects]
    assert decode_block(lines, ANCHOR).matched.tolist() == [True] * len(lines)
    assert decode(*lines) == [decode(line)[0] for line in lines]
    for line in lines:
        row = parse_line(line)
        assert row is not None
        assert not any(isinstance(value, dict) for value in row.values())


@settings(max_examples=60)
@given(st.binary(max_size=60) | st.text(max_size=60), st.booleans())
def test_any_line_is_harmless(line: str | bytes, framed: bool) -> None:
    framed_line = (b'{"msg":"' + line + b'"}' if isinstance(line, bytes) else f'{{"msg":"{line}"}}') if framed else line
    decoded = decode_block([framed_line], ANCHOR)
    assert decoded.matched.dtype == np.bool_
    pa.record_batch(decoded.columns).validate(full=True)
