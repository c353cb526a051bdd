"""Lines of no known layout that carry a moment."""

from __future__ import annotations

import pyarrow as pa
import pytest

from reconstruct.events import line_head
from reconstruct.events.generic import decode_block
from reconstruct.grammar.timestamps import TimeAnchor

ANCHOR = TimeAnchor(1_789_000_000 * 10**9)


@pytest.mark.parametrize(
    ("line", "level", "message"),
    [
        ("2026-09-17 10:00:05 ~ all is well", None, "~ all is well"),
        ("[2026-09-17 10:00:05] WARN: disk nearly full", "warn", "disk nearly full"),
        ("2026-09-17 10:00:05 (error) lost the queue", "error", "lost the queue"),
        ("2026-09-17 10:00:05 main ERROR lost the queue", "error", "lost the queue"),
        ("till 2026-09-17 10:00:05 lost the queue", None, "till lost the queue"),
        ("2026-09-17 10:00:05 the ERROR is known", "error", "the ERROR is known"),
        ("2026-09-17 10:00:05 WARNING Failed: no such till", "warn", "Failed: no such till"),
        ("2026-09-17 10:00:05 there was an error in it", None, "there was an error in it"),
        ("2026-09-17 10:00:05 Notice of arrival", "notice", "of arrival"),
    ],
)
def test_the_level_is_a_word_in_its_place(line: str, level: str | None, message: str) -> None:
    columns = decode_block([line], ANCHOR).columns
    assert columns["time_ns"].to_pylist() == [1_789_639_205 * 10**9]
    assert (columns["level"][0].as_py() if "level" in columns else None) == level
    assert columns["message"].to_pylist() == [message]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("{t} DEBUG shop_till.main PM - 176", {"logger": "shop_till.main", "message": "PM - 176"}),
        (
            "{t} [2376]DEBUG:shop.till.open:receipt, 7",
            {"pid": 2376, "logger": "shop.till.open", "message": "receipt, 7"},
        ),
        ("{t} taskExecutor-5  INFO  org.example.Spi up", {"thread": "taskExecutor-5", "logger": "org.example.Spi"}),
        ("[{t} http--188      ERROR com.example.a.Cart] lost", {"thread": "http--188", "logger": "com.example.a.Cart"}),
        (
            "{t} INFO sts[23:startStop-1] [Cor= Op=9] [com.example.Pool] new",
            {
                "process": "sts",
                "pid": 23,
                "thread": "startStop-1",
                "logger": "com.example.Pool",
                "attributes": '{"Op":"9"}',
            },
        ),
        ("{t} 1377 192.0.2.7: rpc/welcome", {"pid": 1377, "client_ip": "192.0.2.7", "message": "rpc/welcome"}),
        ("{t} 2001:db8::7: joined", {"client_ip": "2001:db8::7", "message": "joined"}),
        ("{t} 08:00:2b:02:3f:4e joined", {"message": "08:00:2b:02:3f:4e joined"}),  # a hardware address
        ("{t} 00:0002:00000:00042 joined", {"message": "00:0002:00000:00042 joined"}),
        ("{t} [I] 34.1ms: joined", {"level": "info", "message": "34.1ms: joined"}),
        (
            "{t} [pool-1-thread-3] [WARN] [com.example.Cart] [4711] - gone",
            {
                "thread": "pool-1-thread-3",
                "level": "warn",
                "logger": "com.example.Cart",
                "pid": 4711,
                "message": "gone",
            },
        ),
        ("{t} 4711 7f3a2c001700 INFO scheduler: up", {"pid": 4711, "thread": "7f3a2c001700", "logger": "scheduler"}),
        (
            "INFO {t} server.py:42 up",
            {"level": "info", "attributes": '{"file":"server.py","line":"42"}', "message": "up"},
        ),
        ("{t} [ERROR] [ tenant one ] [main] up", {"thread": "main", "attributes": '{"context":"tenant one"}'}),
        ("[INFO:chooser] {t}: up", {"level": "info", "logger": "chooser", "message": "up"}),
        ("{t} <0.123.0> [error] gone", {"thread": "0.123.0", "level": "error"}),
        ("{t} INFO shop.orders placed", {"logger": "shop.orders", "message": "placed"}),
        ("{t} INFO [orders:42] placed", {"logger": "orders", "attributes": '{"line":"42"}', "message": "placed"}),
        (
            "{t} [traceId: 4bf92f35] INFO shop.Cart - up",
            {"trace_id": "4bf92f35", "logger": "shop.Cart", "message": "up"},
        ),
        (
            "{t} INFO [traceId=4bf92f35,spanId=00f0] a.b.Cart - up",
            {"trace_id": "4bf92f35", "logger": "a.b.Cart", "message": "up"},
        ),
        (
            "{t} [abc-123] [http-exec-1] INFO shop.Cart - up",
            {"thread": "http-exec-1", "logger": "shop.Cart", "attributes": '{"context":"abc-123"}', "message": "up"},
        ),
        ("{t} [INFO] [req-8f3a21c0] [user:42] a.b.orders: up", {"logger": "a.b.orders", "user": "42", "message": "up"}),
        ("{t} INFO [orders.views:42] up", {"logger": "orders.views", "attributes": '{"line":"42"}'}),
        ("{t} 42 receipts", {"message": "42 receipts"}),
        ("{t} INFO example.com is down", {"message": "example.com is down"}),
        ("{t} (see below) it is", {"message": "(see below) it is"}),
        ('"{t}","alice","WARN"', {"message": '"alice","WARN"', "level": "warn"}),
    ],
)
def test_the_head_of_a_layout_is_taken_apart(line: str, fields: dict[str, object]) -> None:
    columns = decode_block([line.replace("{t}", "2026-09-17 10:00:05,123")], ANCHOR).columns
    found = {name: columns[name][0].as_py() if name in columns else None for name in fields}
    assert found == fields
    assert {"pid", "thread", "logger", "client_ip"} & columns.keys() <= fields.keys()


@pytest.mark.parametrize(
    ("text", "fields", "attributes"),
    [
        (
            "cart=7 is empty user='Ann Lee'",
            {"user": "Ann Lee", "message": "cart=7 is empty user='Ann Lee'"},
            '{"cart":"7"}',
        ),
        ('level=warn msg="no till" till=3', {"level": "warn", "message": "no till"}, '{"till":"3"}'),
        ("GET /cart 404 12.5 ms", {"method": "GET", "path": "/cart", "status": 404, "duration_ms": 12.5}, None),
        (
            "[till] [req-7] POST /orders 201 34ms",
            {"method": "POST", "path": "/orders", "status": 201, "duration_ms": 34.0},
            None,
        ),
        (
            "id=7 | 192.0.2.7 | alice | GET /cart | 200 | 3 ms",
            {"client_ip": "192.0.2.7", "path": "/cart", "status": 200, "duration_ms": 3.0},
            '{"id":"7"}',
        ),
        ("(x) 404 GET /a 12ms", {"method": "GET", "path": "/a", "status": 404, "duration_ms": 12.0}, None),
        (
            "GET /cart 200 512 - 12.5 ms",  # morgan's tiny
            {"path": "/cart", "status": 200, "bytes_sent": 512, "duration_ms": 12.5},
            None,
        ),
        ("GET /cart 200 12.5 ms - 512", {"status": 200, "bytes_sent": 512, "duration_ms": 12.5}, None),
        ("[GET] /cart - 404 - 12ms", {"method": "GET", "path": "/cart", "status": 404, "duration_ms": 12.0}, None),
        ("GET | /cart | 200 | 3ms | 2001:db8::7", {"path": "/cart", "status": 200, "client_ip": "2001:db8::7"}, None),
        ("POST /cart 500 16ms ::1", {"status": 500, "duration_ms": 16.0, "client_ip": "::1"}, None),
        ("Incoming request: POST /cart from 192.0.2.7", {"method": "POST", "client_ip": "192.0.2.7"}, None),
        ("HTTP: GET /cart 200 5.1 ms - 9", {"level": "info", "path": "/cart", "bytes_sent": 9}, None),
        ("HTTP GET /cart responded 200 in 1.25 ms", {"path": "/cart", "status": 200, "duration_ms": 1.25}, None),
        ("404 Not Found: GET - /cart in 12ms", {"path": "/cart", "status": 404, "duration_ms": 12.0}, None),
        (
            "[HTTP] 200 - GET /cart - [2001:db8::7]:4711 - curl/8",
            {"status": 200, "path": "/cart", "client_ip": "2001:db8::7"},
            None,
        ),
        (
            "| 200 |    2.5ms |   192.0.2.7 | GET      /cart",  # Gin's columns in the line of another logger
            {"status": 200, "duration_ms": 2.5, "client_ip": "192.0.2.7", "path": "/cart"},
            None,
        ),
        (
            "Method: GET, URL: /cart?id=5, Status: 404, Response Time: 12 ms, IP: 192.0.2.7, User-Agent: a (b; c, d)",
            {
                "method": "GET",
                "path": "/cart",
                "query": "id=5",
                "status": 404,
                "duration_ms": 12.0,
                "client_ip": "192.0.2.7",
                "user_agent": "a (b; c, d)",
            },
            None,
        ),
        ("done method=GET path=/a status=200 duration=3ms", {"path": "/a", "status": 200, "duration_ms": 3.0}, None),
        ("see https://example.com/?a=1&b=2 if x==1", {}, None),
    ],
)
def test_pairs_and_requests_in_text_are_fields(text: str, fields: dict[str, object], attributes: str | None) -> None:
    columns = decode_block([f"2026-09-17 10:00:05 {text}"], ANCHOR).columns
    assert {name: columns[name][0].as_py() for name in fields} == fields
    assert (columns["attributes"][0].as_py() if "attributes" in columns else None) == attributes


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (
            '192.0.2.7 - - [2026-09-17 10:00:05]  200 "GET /cart HTTP/1.1" 512 "-" "a/1.0" "x"',
            {"client_ip": "192.0.2.7", "status": 200, "bytes_sent": 512, "referrer": None, "user_agent": "a/1.0"},
        ),
        (
            '2026-09-17 10:00:05 INFO werkzeug 192.0.2.7 - - [17/Sep/2026 10:00:05] "GET /cart HTTP/1.1" 304 -',
            {"client_ip": "192.0.2.7", "status": 304},
        ),
        (
            '2026-09-17 10:00:05 192.0.2.7:4711 - "POST /cart HTTP/1.1" 201 7',
            {"client_ip": "192.0.2.7", "client_port": 4711, "status": 201, "bytes_sent": 7},
        ),
    ],
)
def test_what_stands_beside_a_quoted_request(line: str, fields: dict[str, object]) -> None:
    columns = decode_block([line], ANCHOR).columns
    assert {name: columns[name][0].as_py() if name in columns else None for name in fields} == fields


def test_a_request_is_seen_in_any_layout() -> None:
    line = '192.0.2.7 | 2026-09-17 10:00:05 | "GET /cart?id=5 HTTP/1.1" | 404 | 12ms'
    columns = decode_block([line], ANCHOR).columns
    found = {name: columns[name][0].as_py() for name in ("client_ip", "method", "path", "query", "status")}
    assert found == {"client_ip": "192.0.2.7", "method": "GET", "path": "/cart", "query": "id=5", "status": 404}


@pytest.mark.parametrize("text", ["[till] calling POST /pay 201", "= 7 | x | POST /pay again", "the method GET of /a"])
def test_a_call_that_is_told_is_no_request(text: str) -> None:
    assert "method" not in decode_block([f"2026-09-17 10:00:05 {text}"], ANCHOR).columns


def test_only_lines_with_a_moment_are_entries() -> None:
    decoded = decode_block(["no time at all", "2026-09-17 10:00:05 x", ""], ANCHOR)
    assert decoded.matched.tolist() == [False, True, False]
    assert all(len(column) == 1 for column in decoded.columns.values())


def test_the_envelope_completes_a_time_of_day() -> None:
    envelope = pa.array([None, 1_789_639_200 * 10**9])
    decoded = decode_block(["nothing", "10:00:05.250 ready"], TimeAnchor(0, envelope))
    assert decoded.columns["time_ns"].to_pylist() == [1_789_639_205_250 * 10**6]


def test_what_is_remembered_of_a_beginning_is_what_the_whole_line_says() -> None:
    """The first words alone must not be read differently from the line they begin."""
    tails = ["", " x", " - x", ": x", " [main] x", " (a b) - x", " INFO x", " shop.Cart - x", " sts[7:worker one]: x"]
    heads = [
        "main",
        "INFO",
        "[7]",
        "shop.Cart",
        "worker-3",
        "4711",
        "a b c d",
        "[a b c d e f g h i] INFO",
        "sts[7:worker one two three]",
    ]
    lines = [
        f"2026-09-17 10:00:05 {head}{tail}{more}"
        for head in heads
        for tail in tails
        for more in ("", " and more words here")
    ]
    alone = [decode_block([line], ANCHOR).columns for line in lines]
    line_head._parse_front.cache_clear()
    for line, columns in zip(reversed(lines), reversed(alone), strict=True):
        assert {k: v.to_pylist() for k, v in decode_block([line], ANCHOR).columns.items()} == {
            k: v.to_pylist() for k, v in columns.items()
        }
        row: dict[str, object] = {}
        at, _ = line_head._read_behind(line[20:], row)  # type: ignore[arg-type]
        assert line_head._read_front(line[20:]) == (row, at)
