"""Entries that take several lines, from a file to its events: what the first line says, what those below say, what is text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from reconstruct.events.render import event_lines
from reconstruct.events.scan import scan_chunk
from reconstruct.events.source_profile import profile_source
from reconstruct.sources.model import Chunk, Source

JUL = """\
Jan 02, 2026 3:04:05 PM com.example.shop.Orders place
INFO: Order 1001 placed
Jan 02, 2026 3:04:06 PM com.example.shop.Orders place
SEVERE: Payment declined
java.lang.IllegalStateException: no funds
\tat com.example.shop.Orders.place(Orders.java:42)
Caused by: java.io.IOException: gone
\t... 3 more
"""

MYSQL_SLOW = """\
# Time: 2026-01-02T15:04:05.123456Z
# User@Host: alice[alice] @ web1 [192.0.2.7]  Id:    71
# Query_time: 1.5  Lock_time: 0.000010 Rows_sent: 1  Rows_examined: 100000
use shop;
SET timestamp=1767366244;
select *
  from orders
 where id = 7;
# User@Host: bob[bob] @ localhost []  Id:    73
# Query_time: 3.5  Lock_time: 0.0 Rows_sent: 0  Rows_examined: 5
SET timestamp=1767366247;
delete from carts;
"""

IBM_MQ = """\
02/01/2026 16:04:05 - Process(7220.27) User(mqm) Program(amqzmuc0)
                      Host(web1) Installation(Installation1)
                      VRMF(9.1.0.0) QMgr(QM1)
                      Time(2026-01-02T15:04:05.125Z)

AMQ5051I: The queue manager task 'MULTICAST' has started.

EXPLANATION:
The utility task manager has started the task.
----- amqzmut0.c : 1655 -------------------------------------------------------
02/01/2026 16:04:06 - Process(7220.28) User(mqm) Program(amqzmuc0)
"""

DB2 = """\
2026-01-02-16.04.05.123456+060 I1234E567           LEVEL: Error
PID     : 71                   TID : 140735        PROC : db2sysc 0
INSTANCE: db2inst1             NODE : 000          DB   : SHOP
MESSAGE : ADM1 the table is full
DATA #1 : String, 3 bytes
abc

2026-01-02-16.04.06.123456+060 I1235E567           LEVEL: Info
"""

JOURNAL = """\
__CURSOR=s=0639;i=1;b=4a5;m=1;t=2;x=3
__REALTIME_TIMESTAMP=1767366245123456
_HOSTNAME=web1
PRIORITY=3
SYSLOG_IDENTIFIER=checkout
_PID=71
MESSAGE=order=1001 state=declined

__CURSOR=s=0639;i=2;b=4a5;m=1;t=2;x=3
__REALTIME_TIMESTAMP=1767366246123456
MESSAGE=bye
"""


def events_of(text: str) -> list[dict[str, Any]]:
    """The events of a file with this text, as the ``events`` command writes them."""
    data = text.encode()
    source = Source(0, "app.log", Path("app.log"), 1, None, "utf-8", "app.log", 0, 1_789_000_000 * 10**9, "f")
    found = scan_chunk(Chunk(0, 0, 0, data, b"", True), profile_source(data, source))
    return [orjson.loads(line) for line in event_lines(found.events, [source.path])]


CASES: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "jul": (
        JUL,
        [
            {
                "line": 1,
                "lines": 2,
                "level": "info",
                "logger": "com.example.shop.Orders",
                "message": "Order 1001 placed",
            },
            {
                "line": 3,
                "lines": 6,
                "level": "error",
                "message": "Payment declined\n" + "\n".join(JUL.splitlines()[4:]),
            },
        ],
    ),
    "mysql_slow": (
        MYSQL_SLOW,
        [
            {
                "line": 1,
                "lines": 8,
                "time": "2026-01-02T15:04:05.123456Z",
                "user": "alice",
                "client_ip": "192.0.2.7",
                "duration_ms": 1500.0,
                "message": "select *\n  from orders\n where id = 7;",
            },
            {
                "line": 9,
                "lines": 4,
                "time": "2026-01-02T15:04:07.000000Z",
                "user": "bob",
                "message": "delete from carts;",
            },
        ],
    ),
    "ibmmq": (
        IBM_MQ,
        [
            {
                "line": 1,
                "lines": 10,
                "time": "2026-01-02T15:04:05.125000Z",
                "host": "web1",
                "pid": 7220,
                "message": "AMQ5051I: The queue manager task 'MULTICAST' has started.\n"
                + "\n".join(IBM_MQ.splitlines()[7:10]),
            },
            {"line": 11, "lines": 1, "pid": 7220, "host": None},
        ],
    ),
    "db2diag": (
        DB2,
        [
            {
                "line": 1,
                "time": "2026-01-02T15:04:05.123456Z",
                "level": "error",
                "pid": 71,
                "process": "db2sysc 0",
                "message": "ADM1 the table is full\nDATA #1 : String, 3 bytes\nabc",
            },
            {"line": 8, "level": "info", "pid": None},
        ],
    ),
    "journald_export": (
        JOURNAL,
        [
            {
                "line": 1,
                "lines": 7,
                "level": "error",
                "process": "checkout",
                "pid": 71,
                "message": "order=1001 state=declined",
            },
            {"line": 9, "time": "2026-01-02T15:04:06.123456Z", "message": "bye"},
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_fields_below_the_first_line_are_the_entrys(name: str) -> None:
    text, expected = CASES[name]
    events = events_of(text)
    found = [{key: event.get(key) for key in wanted} for event, wanted in zip(events, expected, strict=True)]
    assert found == expected
    assert {event["format"] for event in events} == {name}


def test_lines_below_are_read_inside_envelopes_too() -> None:
    wrapped = [
        orjson.dumps({"log": line + "\n", "stream": "stderr", "time": f"2026-01-02T15:04:05.{at:09}Z"}).decode()
        for at, line in enumerate(JUL.splitlines(), 1)
    ]
    first, second = events_of("\n".join(wrapped) + "\n")
    assert (first["format"], first["level"], first["message"]) == ("docker/jul", "info", "Order 1001 placed")
    assert second["level"] == "error" and second["lines"] == 6


def test_lines_that_continue_others_say_nothing_of_the_source() -> None:
    """A format that is known by little, and whose entries take many lines, reads few of the lines and yet the whole log."""
    head = "info: Microsoft.AspNetCore.HttpLogging.HttpLoggingMiddleware[1]"
    text = "\n".join([head, *(f"      {name}: x" for name in ("Request", "Protocol", "Method", "Scheme", "Path"))] * 3)
    found = events_of(text)
    assert [(event["format"], event["lines"]) for event in found] == [("dotnet_console", 6)] * 3
