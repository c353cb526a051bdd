"""logfmt lines: what is one, quoting, the two ways of reading."""

from __future__ import annotations

import time
from typing import Any

import pyarrow as pa
import pytest
from decoded_rows import rows_of
from hypothesis import given, settings
from hypothesis import strategies as st

from reconstruct.events.logfmt import SHAPE_MIN, decode_block, parse_line
from reconstruct.grammar.timestamps import TimeAnchor, format_time

ANCHOR = TimeAnchor(1_789_430_400 * 10**9)


def decode(*lines: str) -> list[dict[str, Any]]:
    return rows_of(decode_block(lines, ANCHOR))


LINES = {
    'time=2026-09-14T05:00:00Z level=warn msg="card declined" order=7 duration=1.5ms': {
        "time": "2026-09-14T05:00:00.000000Z",
        "zoned": True,
        "level": "warn",
        "message": "card declined",
        "duration_ms": 1.5,
        "attributes": {"order": "7"},
    },
    r'msg="say \"hi\" to C:\\x" path="/a b" err=': {
        "message": 'say "hi" to C:\\x',
        "attributes": {"path": "/a b"},
    },
    r'msg="line\nbreak \u00e9" x=1': {"message": "line\nbreak é", "attributes": {"x": "1"}},
    "at=info method=GET path=/a?b=1 host=www.example.com fwd=192.0.2.7 dyno=web.1 service=12ms status=200 bytes=5": {
        "level": "info",
        "method": "GET",
        "target": "/a?b=1",
        "path": "/a",
        "query": "b=1",
        "vhost": "www.example.com",
        "client_ip": "192.0.2.7",
        "process": "web.1",
        "duration_ms": 12.0,
        "status": 200,
        "bytes_sent": 5,
    },
    "level=info msg=two words order=7": {"level": "info", "message": "two words", "attributes": {"order": "7"}},
    "note='it is' level=info": {"level": "info", "attributes": {"note": "it is"}},
    "id=1 id=2 id=3 level=info": {"level": "info", "attributes": {"id": ["1", "2", "3"]}},
    'sql="" a=- level=info': {"level": "info"},
    "url=/a?x=1&y=2 level=info": {"level": "info", "attributes": {"url": "/a?x=1&y=2"}},
    'level=info, msg="card declined", order=7, city=Ulm, x=1,2': {
        "level": "info",
        "message": "card declined",
        "attributes": {"order": "7", "city": "Ulm", "x": "1,2"},
    },
    'msg="card declined"; order=7; city=Neu Ulm; x=1': {
        "message": "card declined",
        "attributes": {"order": "7", "city": "Neu Ulm", "x": "1"},
    },
    "level=info order=7, city=Ulm": {"level": "info", "attributes": {"order": "7,", "city": "Ulm"}},
}


@pytest.mark.parametrize("line", LINES)
def test_lines(line: str) -> None:
    assert decode(line) == [LINES[line]]
    assert decode(*[line] * 2 * SHAPE_MIN) == [LINES[line]] * 2 * SHAPE_MIN


def test_lines_of_all_shapes_in_one_block() -> None:
    block = [line for line in LINES for _ in range(SHAPE_MIN)]
    mixed = [*block[::2], "not logfmt", *block[1::2]]
    assert decode(*mixed) == [LINES[line] for line in mixed if line in LINES]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello world",
        "a=b",
        "2026-09-14 05:00:00 INFO user=alice order=7",
        "ratio=1 but this line is long prose that only begins so x=2",
        "GET /a?b=1&c=2 HTTP/1.1",
        "= = =",
        "a==b c==d",
        '"a=b c=d"',
    ],
)
def test_what_is_no_logfmt(line: str) -> None:
    assert decode_block([line], ANCHOR).matched.tolist() == [False]


KEYS = st.from_regex(r"[a-z][a-z0-9_.]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


def quote(value: str) -> str:
    """As Go's logfmt writers do, but for values that end as if a comma stood between the pairs."""
    bare = value and value[-1] not in ",;" and not any(char in " \"=\\'" or char.isspace() for char in value)
    return value if bare else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@settings(max_examples=60)
@given(st.dictionaries(KEYS, VALUES, min_size=2, max_size=6))
def test_what_is_written_is_read(pairs: dict[str, str]) -> None:
    line = " ".join(f"{key}={quote(value)}" for key, value in pairs.items())
    assert parse_line(line) == pairs
    assert decode(*[line] * SHAPE_MIN) == decode(line) * SHAPE_MIN


@settings(max_examples=60)
@given(st.text(max_size=60), st.booleans())
def test_any_line_is_harmless(text: str, framed: bool) -> None:
    decoded = decode_block([f"a={text} b=1" if framed else text], ANCHOR)
    pa.record_batch(decoded.columns).validate(full=True)


def test_hostile_lines_take_linear_time() -> None:
    began = time.process_time()
    for part in ('a="', "a=b ", 'a="\\', "a='", "a", '"', "a=b c "):
        decode_block([f"k=v {part * 100_000}", part * 100_000] * 2, ANCHOR)
    assert time.process_time() - began < 8


FIREWALL = (
    '<190>date=2026-09-14 time=05:00:01 devname="fw1" devid="FG1" tz="+0200" logid="0000000013" type="traffic" subtype="forward" level="notice" '
    'srcip=192.0.2.7 srcport=51234 dstip=198.51.100.7 duration=12 sentbyte=512 user="alice" msg="closed"'
)


@pytest.mark.parametrize("times", [1, 100])
def test_pairs_behind_the_priority_of_syslog(times: int) -> None:
    """Day, time of day and offset stand apart; a firewall's durations are seconds. One by one, and by their shape."""
    decoded = decode_block([FIREWALL] * times, TimeAnchor(0))
    assert decoded.matched.all()
    assert format_time(decoded.columns["time_ns"][0].as_py()) == "2026-09-14T03:00:01.000000Z"
    said = {
        name: decoded.columns[name][times - 1].as_py()
        for name in ("client_ip", "client_port", "user", "host", "level", "duration_ms", "bytes_sent")
    }
    assert said == {
        "client_ip": "192.0.2.7", "client_port": 51234, "user": "alice", "host": "fw1", "level": "notice", "duration_ms": 12_000.0, "bytes_sent": 512,
    }  # fmt: skip
    assert decoded.columns["zoned"][0].as_py()
