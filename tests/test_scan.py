"""One chunk of lines to events: accounting, positions, independence of cuts, mixed files."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconstruct.events.lines import MATCH_CAP
from reconstruct.events.scan import Scan, scan_chunk
from reconstruct.events.schema import EVENTS, MESSAGE_CAP
from reconstruct.events.source_profile import SourceProfile, note_directives, profile_source
from reconstruct.sources.model import Chunk, Source

SOURCE = Source(7, "app/shop.log", Path("shop.log"), 1, None, "utf-8", "app/shop.log", 0, 1_789_000_000 * 10**9, "f")

ACCESS = '192.0.2.7 - - [17/Sep/2026:10:00:01 +0100] "GET /cart?id=5 HTTP/1.1" 200 512 "-" "Mozilla/5.0"'
PYTHON = "2026-09-17 10:00:02,125 INFO [shop.orders] Order 1001 placed"
JSON = '{"time":"2026-09-17T09:00:03Z","level":"warn","msg":"stock low","sku":"A-7"}'
LOGFMT = 'ts=2026-09-17T09:00:04Z level=info svc=wms msg="order accepted" order=1001'
ODD = "<3> 2026-09-17 10:00:05 ~ (error) ~ lost the queue"
TRACE = ["Traceback (most recent call last):", '  File "a.py", line 1', "shop.errors.Declined: no funds"]


def scan(text: str | bytes, source: Source = SOURCE) -> Scan:
    data = text if isinstance(text, bytes) else text.encode()
    return scan_chunk(Chunk(7, 0, 0, data, b"", True), profile_source(data, source))


def rows(found: Scan) -> list[dict[str, object]]:
    return [{k: v for k, v in row.items() if v is not None} for row in found.events.to_pylist()]


def check(data: bytes, found: Scan) -> None:
    """What holds for any bytes."""
    raw = data.split(b"\n")
    raw = raw[:-1] if raw[-1] == b"" else raw
    account = found.account
    parts = (account.events, account.continuations, account.directives, account.blank)
    assert account.lines == sum(parts) + account.unparsed == found.n_lines == len(raw)
    assert sum(found.formats.values()) == account.events == found.events.num_rows
    assert found.events.schema == EVENTS
    n_lines = found.events.column("lines").to_pylist()
    assert sum(n_lines) == account.events + account.continuations
    ends = 0
    for first, count, offset, length in zip(
        *(found.events.column(name).to_pylist() for name in ("line", "lines", "offset", "length")), strict=True
    ):
        assert first > ends
        ends = first + count - 1
        entry = data[offset : offset + length]
        assert entry == b"\n".join(raw[first - 1 : ends]).removesuffix(b"\r")


BARE = [ACCESS, PYTHON, JSON, LOGFMT, ODD, *TRACE, "", "  ", "\tat com.example.A.b(A.java:1)", "plain text", "{", "}"]
WRAPS = [
    '{"log":"%s\\n","stream":"stdout","time":"2026-09-17T09:00:01.5Z"}',
    '{"log":"%s","stream":"stdout","time":"2026-09-17T09:00:01.5Z"}',
    "2026-09-17T09:00:01.123456789Z stderr P %s",
    "2026-09-17T09:00:01.123456789Z stdout F %s",
    "web-1  | %s",
    "<13>Sep 17 10:00:00 host app[7]: %s",
]
INSIDES = [PYTHON, "plain", "\\tat x(y)", "", '{\\"msg\\":', "1}"]
W3C = ["#Fields: date time cs-uri-stem", "2026-09-17 10:00:00 /cart"]
WRAPPED = st.builds(lambda wrap, inside: wrap % inside, st.sampled_from(WRAPS), st.sampled_from(INSIDES))
LINES = st.one_of(st.sampled_from(BARE), WRAPPED, st.sampled_from(W3C), st.text(max_size=20)).map(str.encode)
TEXT = st.lists(
    st.tuples(st.one_of(LINES, st.binary(max_size=20)), st.sampled_from([b"\n", b"\n", b"\n", b"\r\n"]))
).map(lambda pairs: b"".join(line + end for line, end in pairs))


@settings(max_examples=60)  # a scan takes some 10 ms
@given(st.one_of(TEXT, st.binary()), st.booleans())
def test_every_line_is_counted_once_and_entries_slice_back(data: bytes, complete: bool) -> None:
    data = data if complete else data.removesuffix(b"\n")
    check(data, scan(data))


@settings(max_examples=60)
@given(TEXT, st.lists(st.integers(0, 2000), max_size=4), st.integers(60, 400))
def test_the_result_does_not_depend_on_the_cuts(data: bytes, cuts: list[int], reach: int) -> None:
    profile = replace(profile_source(data, SOURCE), reach=reach)
    whole = scan_chunk(Chunk(7, 0, 0, data, b"", True), profile)
    pieces = list(scan_in_pieces(data, profile, cuts))
    names = [name for name in EVENTS.names if name != "line"]
    assert [row for piece in pieces for row in piece.events.select(names).to_pylist()] == whole.events.select(
        names
    ).to_pylist()
    assert sum((Counter(vars_of(piece)) for piece in pieces), Counter()) == Counter(vars_of(whole))
    before, found = 0, []
    for piece in pieces:
        found += [line + before for line in piece.events.column("line").to_pylist()]
        before += piece.n_lines
    assert found == whole.events.column("line").to_pylist()


def scan_in_pieces(data: bytes, profile: SourceProfile, cuts: list[int]) -> list[Scan]:
    ends = sorted({data.find(b"\n", cut) + 1 or len(data) for cut in cuts} | {len(data)})
    found, start = [], 0
    for index, end in enumerate(ends):
        ahead = data[end : end + profile.reach]
        if end + len(ahead) < len(data):
            ahead = ahead[: ahead.rfind(b"\n") + 1]
        chunk = Chunk(7, index, start, data[start:end], ahead, end == len(data))
        if profile.has_directives:
            profile = note_directives(profile, chunk)
        found.append(scan_chunk(chunk, profile))
        start = end
    return found


def vars_of(found: Scan) -> dict[str, int]:
    account = found.account
    return {name: getattr(account, name) for name in account.__slots__} | found.formats


def test_each_line_of_a_mixed_file_is_read_by_its_own_format() -> None:
    found = scan("\n".join([ACCESS, PYTHON, JSON, LOGFMT, ODD]))
    assert [row["format"] for row in rows(found)][2:] == ["json", "logfmt", "generic"]
    assert found.account.unparsed == 0
    access, python, json, logfmt, odd = rows(found)
    assert access["path"] == "/cart" and access["status"] == 200 and access["zoned"]
    assert python["logger"] == "shop.orders" and python["message"] == "Order 1001 placed" and not python["zoned"]
    assert json["level"] == "warn" and json["message"] == "stock low"
    assert logfmt["message"] == "order accepted"
    assert odd["level"] == "error" and odd["message"] == "~ (error) ~ lost the queue"


def test_a_message_that_is_a_request_makes_its_entry_one() -> None:
    """Whatever layout the line has; where it stands in prose it is somebody else's."""
    lines = [
        "2026-01-02 15:04:05.123 [main] INFO  com.example.Access - POST /orders 201 34ms",
        "2026-01-02 15:04:06.123 [main] INFO  com.example.Access - 192.0.2.7 GET /cart 200 3ms",
        "2026-01-02 15:04:07.123 [main] INFO  com.example.Access - calling POST /pay 200",
        '2026-01-02 15:04:08.123 [main] INFO  com.example.Access - 192.0.2.7:4711 - "GET /cart HTTP/1.1" 304',
        "2026-01-02 15:04:09.123 [main] INFO  com.example.Access - path:/cart|method:GET|status:200",
        "2026-01-02 15:04:10.123 [main] INFO  com.example.Access - GET /cart",
        '2026-01-02 15:04:11.123 [main] INFO  com.example.Access - see "GET /cart HTTP/1.1" 200 of yesterday',
    ]
    rows = scan("\n".join(lines).encode()).events.to_pylist()
    said = [(row["method"], row["path"], row["status"], row["duration_ms"], row["client_ip"]) for row in rows]
    assert said == [
        ("POST", "/orders", 201, 34.0, None), ("GET", "/cart", 200, 3.0, "192.0.2.7"), (None,) * 5,
        ("GET", "/cart", 304, None, "192.0.2.7"), ("GET", "/cart", 200, None, None), ("GET", "/cart", None, None, None), (None,) * 5,
    ]  # fmt: skip
    assert [row["message"] for row in rows] == [line.partition(" - ")[2] for line in lines]


def test_a_stack_trace_is_part_of_its_entry() -> None:
    found = scan("\n".join([PYTHON, *TRACE, PYTHON]))
    assert [row["lines"] for row in rows(found)] == [4, 1]
    assert rows(found)[0]["message"] == "Order 1001 placed\n" + "\n".join(TRACE)


def test_lines_before_the_first_entry_are_shown_not_lost() -> None:
    found = scan("== log opened ==\n" + PYTHON + "\n")
    assert found.account.unparsed == 1
    assert [(sample.line, sample.text) for sample in found.samples] == [(1, "== log opened ==")]


def test_json_over_several_lines() -> None:
    text = '[\n  {\n    "time": "2026-09-17T09:00:03Z",\n    "msg": "a"\n  },\n  {\n    "msg": "b"\n  },\n'
    found = scan(text + '  {\n    "msg"\n  }\n]\n')
    assert [(row["line"], row["lines"], row["message"]) for row in rows(found)] == [(2, 4, "a"), (6, 3, "b")]
    assert (found.account.directives, found.account.unparsed) == (1, 4)


def test_colours_and_carriage_returns_do_not_hide_a_format() -> None:
    found = scan(f"\x1b[32m{PYTHON}\x1b[0m\r\n".encode() * 2)
    assert [row["message"] for row in rows(found)] == ["Order 1001 placed"] * 2
    assert rows(found)[1]["offset"] == len(PYTHON) + 11


def test_a_huge_line_is_noted_and_costs_little() -> None:
    found = scan(PYTHON.encode() + b"x" * (2 * MATCH_CAP) + b"\n" + JSON.encode() + b"\n")
    assert found.account.events == 2
    assert sorted(found.notes.values()) == [1, 1]
    assert len(str(rows(found)[0]["message"])) == MESSAGE_CAP
    assert rows(found)[0]["length"] == len(PYTHON) + 2 * MATCH_CAP


def test_a_cut_line_keeps_its_length() -> None:
    chunk = Chunk(7, 0, 0, PYTHON.encode(), b"next\n", False, cut=1000)
    found = scan_chunk(chunk, profile_source(PYTHON.encode(), SOURCE))
    assert rows(found)[0]["length"] == len(PYTHON) + 999 + len("\nnext")
    assert found.account.lines == 2


def test_fields_directives_hold_from_where_they_stand() -> None:
    first = "#Version: 1.0\n#Fields: date time cs-method cs-uri-stem\n2026-09-17 10:00:00 GET /a\n"
    second = "#Fields: date time sc-status cs-uri-stem cs-method\n2026-09-17 10:00:01 404 /b POST\n"
    data = (first + second + "2026-09-17 10:00:02 200 /c GET\n").encode()
    profile = profile_source(data, SOURCE)
    for cuts in ([], [10], [len(first)], [len(first) + len(second)]):
        events = [row for piece in scan_in_pieces(data, profile, cuts) for row in rows(piece)]
        assert [(row["path"], row.get("status")) for row in events] == [("/a", None), ("/b", 404), ("/c", 200)]
    assert scan(data).account.directives == 3


def test_a_quoted_field_over_two_lines() -> None:
    head = 'time,level,order_id,message\n2026-09-17T10:00:01Z,info,1001,"placed, with\n'
    data = (head + 'two lines"\n2026-09-17T10:00:02Z,info,1002,paid\n').encode()
    for cuts in ([], [len(head) - 1]):
        events = [row for piece in scan_in_pieces(data, profile_source(data, SOURCE), cuts) for row in rows(piece)]
        assert [(row["lines"], row["message"]) for row in events] == [(2, "placed, with\ntwo lines"), (1, "paid")]


def test_profiles_travel() -> None:
    profile = profile_source("\n".join([ACCESS, JSON]).encode(), SOURCE)
    assert pickle.loads(pickle.dumps(profile)) == profile
    assert len(pickle.dumps(profile)) < 2000


@pytest.mark.parametrize("data", [b"", b"\n", b"\0\0\0", b"\xff\xfe", b"\r\n\r\n"])
def test_nothing_at_all(data: bytes) -> None:
    check(data, scan(data))


BELOW = (
    b"Jan 02, 2026 3:04:05 PM com.example.shop.Orders place\nINFO: placed\nJan 02, 2026 3:04:06 PM com.example.shop.Orders place\n"
    b"SEVERE: declined\njava.io.IOException: gone\n\tat a.B.c(B.java:1)\n"
)


@pytest.mark.parametrize("cut", [at for at, byte in enumerate(BELOW) if byte == 10])
def test_what_stands_below_an_entry_does_not_depend_on_the_cut(cut: int) -> None:
    events = [row for piece in scan_in_pieces(BELOW, profile_source(BELOW, SOURCE), [cut]) for row in rows(piece)]
    assert [(row["level"], str(row["message"]).partition("\n")[0]) for row in events] == [
        ("info", "placed"),
        ("error", "declined"),
    ]


def test_an_entry_that_is_longer_than_entries_may_be_is_noted() -> None:
    data = "\n".join([PYTHON, *["more of it"] * 100, PYTHON]).encode()
    found = scan_chunk(Chunk(7, 0, 0, data, b"", True), replace(profile_source(data, SOURCE), reach=550))
    assert found.account.continuations == 50
    assert found.account.unparsed == 50
    assert found.notes == {"more than 0 KiB below the entry they seem to belong to": 50}


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("saved {'id': 17, 'total': Decimal('12.50'), 'paid': True, 'note': None}", {"id": 17, "total": "12.50", "paid": True, "note": None}),
        ("saved { id: 'c7', lines: [ { sku: 'A-1' } ] }", {"id": "c7", "lines.sku": ["A-1"]}),
        ("saved {:id=>17, \"user\"=>{\"email\"=>\"gus@post.example\"}}", {"id": 17, "user.email": "gus@post.example"}),
        ('saved { "id": 17 } in 3 ms', {"id": 17}),
        ('saved {\n  "id": 17,\n  "total": 12.5\n}', {"id": 17, "total": 12.5}),
        ('failed {"user":7,"exception":"[object] (Gone: no key)\n[trace]\n#0 {main}\n"}', {"user": 7, "exception": "[object] (Gone: no key)"}),
        ("GET /orders/{id}/items/{item}", None),
        ("plan { a: 1 } of { b: 2 } in 3 ms", None),
    ],
)  # fmt: skip
def test_objects_in_messages_are_attributes(text: str, attributes: dict[str, object] | None) -> None:
    (row,) = rows(scan(f"2026-09-17 10:00:02,125 INFO [shop.orders] {text}\n"))
    assert row["message"] == text
    assert (orjson.loads(str(row["attributes"])) if "attributes" in row else None) == attributes


def test_what_stands_below_a_line_does_not_count_against_its_format() -> None:
    sql = "      SELECT o.id\n      FROM orders AS o\n      WHERE o.id = 17\n      ORDER BY o.id\n"
    found = scan(f"info: Shop.Data.Command[20101]\n      Executed (46ms)\n{sql}" * 3)
    assert found.formats == {"dotnet_console": 3}
    assert found.account.unparsed == 0
