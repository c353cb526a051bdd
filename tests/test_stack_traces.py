"""Error reports of every main runtime, from a file to its events: one entry each, whole, and the next one begins on time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from reconstruct.events.render import event_lines
from reconstruct.events.scan import scan_chunk
from reconstruct.events.source_profile import profile_source
from reconstruct.sources.model import Chunk, Source

TRACES = {
    "java": """\
java.lang.IllegalStateException: no funds
	at com.example.shop.Pay.charge(Pay.java:42) ~[shop.jar:1.0]
	at java.base/java.lang.Thread.run(Thread.java:840)
	Suppressed: java.io.IOException: cannot close
		at com.example.shop.Pay.close(Pay.java:50)
		... 2 more
Caused by: java.sql.SQLException: at 2026-01-02 10:00:00 the lock was lost
	at com.example.shop.Db.get(Db.java:7)
	... 12 common frames omitted""",
    "python": """\
Traceback (most recent call last):
  File "/srv/shop/pay.py", line 42, in charge
    bank.charge(7)
    ~~~~~~~~~~~^^^
KeyError: 'funds'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/shop/app.py", line 7, in <module>
    charge()
shop.errors.Declined: no funds""",
    "python cause": """\
Traceback (most recent call last):
  File "a.py", line 1, in f
ValueError: bad

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "b.py", line 2, in g
RuntimeError: worse""",
    "node": """\
TypeError: Cannot read properties of undefined (reading 'total')
    at charge (/srv/shop/pay.js:42:7)
    at async Promise.all (index 0) {
  code: 'E_TOTAL',
  [cause]: Error: gone
      at get (/srv/shop/db.js:7:1)
}""",
    "ruby": """\
/srv/shop/pay.rb:42:in `charge': no funds (Shop::Declined)
	from /srv/shop/app.rb:7:in `place'
	from /srv/shop/app.rb:1:in `<main>'""",
    "php": """\
Stack trace:
#0 /srv/shop/pay.php(42): charge(7)
#1 {main}
  thrown in /srv/shop/pay.php on line 42""",
    "go": """\
panic: runtime error: index out of range [7] with length 3

goroutine 1 [running]:
main.charge(0xc000012345, 0x7)
	/srv/shop/pay.go:42 +0x1d
created by main.start in goroutine 7
	/srv/shop/main.go:7 +0x5f
exit status 2""",
    "dotnet": """\
System.InvalidOperationException: no funds
 ---> System.IO.IOException: gone
   at Shop.Db.Get() in /srv/shop/Db.cs:line 7
   --- End of inner exception stack trace ---
   at Shop.Pay.Charge(Int32 id) in /srv/shop/Pay.cs:line 42
--- End of stack trace from previous location ---
   at Shop.App.Main()""",
    "rust": """\
thread 'main' panicked at src/pay.rs:42:7:
no funds
stack backtrace:
   0: rust_begin_unwind
             at /rustc/abc/library/std/src/panicking.rs:645:5
   1: shop::pay::charge
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.""",
    "elixir": """\
** (RuntimeError) no funds
    (shop 0.1.0) lib/shop/pay.ex:42: Shop.Pay.charge/1
    (stdlib 4.0) gen_server.erl:1123: :gen_server.try_dispatch/4
Last message: {:charge, 7}""",
    "sql": """\
select *
  from orders
 where id = 7;""",
    "xml": """\
<order id="7">
  <item sku="SKU-7"/>
</order>""",
    "json": """\
{
  "order": 7,
  "items": [
    {"sku": "SKU-7"}
  ]
}""",
}

TEXT = ("2026-01-02 15:04:05,123 ERROR shop.pay - charge failed", "2026-01-02 15:04:06,123 INFO shop.pay - next")
JSON = (
    '{"time":"2026-01-02T15:04:05Z","level":"error","msg":"charge failed"}',
    '{"time":"2026-01-02T15:04:06Z","level":"info","msg":"next"}',
)
UNTOLD = ("sql", "xml", "json")
"""Text that nothing marks as a continuation: it is one below text with a moment only."""


def events_of(text: str) -> list[dict[str, Any]]:
    """The events of a file with this text, as the ``events`` command writes them."""
    data = text.encode()
    source = Source(0, "app.log", Path("app.log"), 1, None, "utf-8", "app.log", 0, 1_789_000_000 * 10**9, "f")
    found = scan_chunk(Chunk(0, 0, 0, data, b"", True), profile_source(data, source))
    return [orjson.loads(line) for line in event_lines(found.events, [source.path])]


@pytest.mark.parametrize("name", TRACES)
def test_a_trace_is_part_of_the_entry_above_it(name: str) -> None:
    trace = TRACES[name]
    first, second = events_of("\n".join([TEXT[0], trace, TEXT[1], ""]))
    assert first["message"] == f"charge failed\n{trace}"
    assert first["lines"] == 2 + trace.count("\n")
    assert (second["message"], second["line"]) == ("next", 3 + trace.count("\n"))


@pytest.mark.parametrize("name", [name for name in TRACES if name not in (*UNTOLD, "rust")])
def test_a_trace_below_json_lines_is_part_of_the_line_above_it(name: str) -> None:
    trace = TRACES[name]
    first, second = events_of("\n".join([JSON[0], trace, JSON[1], ""]))
    assert first["message"] == f"charge failed\n{trace}"
    assert second["message"] == "next"


@pytest.mark.parametrize("name", [name for name in TRACES if name not in UNTOLD])
def test_what_a_container_breaks_down_with_is_an_entry_of_its_own(name: str) -> None:
    lines = [JSON[0], *TRACES[name].split("\n"), JSON[1]]
    wrapped = [
        orjson.dumps({"log": line + "\n", "stream": "stderr", "time": f"2026-01-02T15:04:05.{at:09}Z"}).decode()
        for at, line in enumerate(lines, 1)
    ]
    events = events_of("\n".join(wrapped) + "\n")
    assert events[0]["message"].startswith("charge failed")
    assert events[-1]["message"] == "next"
    told = "\n".join(event["message"] for event in events[:-1])
    assert [line for line in TRACES[name].split("\n") if line not in told] == []
