"""Raw columns to typed ones: absent values, units, levels, requests, addresses, what is left over."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconstruct.events.schema import EVENTS
from reconstruct.grammar.fields import FIELDS, type_columns
from reconstruct.grammar.number_columns import parse_duration
from reconstruct.grammar.text_columns import unescape
from reconstruct.grammar.timestamps import TimeAnchor, format_time

ANCHOR = TimeAnchor(1_789_430_400 * 10**9)
"""2026-09-15T00:00:00Z"""


GRAMMAR = frozenset(FIELDS)
"""Columns named so by a grammar are that field; in these tests all are, but those that only the vocabulary knows."""


def read(decoders: dict[str, str] | None = None, **columns: str | list[str]) -> dict[str, Any]:
    """One row typed; absent fields left out, attributes as an object. Read alone and among others, with equal result."""
    lists = {name: [value] if isinstance(value, str) else value for name, value in columns.items()}
    rows = type_rows(lists, decoders)
    blank = {name: ["", *values, "-"] for name, values in lists.items()}
    assert type_rows(blank, decoders)[1:-1] == rows
    return rows[0]


def type_rows(columns: dict[str, list[str]], decoders: dict[str, str] | None = None) -> list[dict[str, Any]]:
    n = len(next(iter(columns.values())))
    typed = type_columns(columns, decoders or {}, n, ANCHOR, GRAMMAR)
    for name, column in typed.items():
        assert len(column) == n, name
        assert column.type == EVENTS.field(name).type, name
    rows = [{name: column[at].as_py() for name, column in typed.items()} for at in range(n)]
    rows = [{name: value for name, value in row.items() if value is not None} for row in rows]
    for row in rows:
        if row.get("zoned") is False:
            del row["zoned"]
        if "attributes" in row:
            assert list(json.loads(row["attributes"])) == sorted(json.loads(row["attributes"]))
            row["attributes"] = json.loads(row["attributes"])
    return rows


def test_an_access_line() -> None:
    decoders = {"time": "HTTP_DATE", "referrer": "QUOTED", "user_agent": "QUOTED", "target": "HTTP_TARGET"}
    assert read(
        decoders,
        client_ip="192.0.2.7",
        user="-",
        time="14/Sep/2026:06:00:00 +0100",
        method="GET",
        target="/a?b=1&c=%20#top",
        protocol="HTTP/1.1",
        status="200",
        bytes_sent="-",
        referrer="",
        user_agent=r"say \"hi\" \xc3\xa9",
    ) == {
        "client_ip": "192.0.2.7",
        "time_ns": 1_789_362_000 * 10**9,
        "zoned": True,
        "method": "GET",
        "target": "/a?b=1&c=%20#top",
        "path": "/a",
        "query": "b=1&c=%20",
        "protocol": "HTTP/1.1",
        "status": 200,
        "user_agent": 'say "hi" é',
    }


def test_nothing_but_absent_values_is_no_column() -> None:
    assert type_columns({"user": ["-", ""], "x": ["", "-"]}, {}, 2, ANCHOR) == {}


@pytest.mark.parametrize(
    ("target", "path", "query", "vhost"),
    [
        ("/", "/", None, None),
        ("/a?", "/a", None, None),
        ("/a?b?c", "/a", "b?c", None),
        ("/a#b?c", "/a", None, None),
        ("?a=1", "", "a=1", None),
        ("*", "*", None, None),
        ("http://www.example.com/a?b=1", "/a", "b=1", "www.example.com"),
        ("https://www.example.com:8443?b=1", "/", "b=1", "www.example.com:8443"),
        ("https://bob@[2001:db8::1]:443/x", "/x", None, "[2001:db8::1]"),
        ("www.example.com:443", "www.example.com:443", None, None),
        ("/a://b/c", "/a://b/c", None, None),
    ],
)
def test_targets(target: str, path: str, query: str | None, vhost: str | None) -> None:
    row = read(target=target)
    assert (row["target"], row.get("path"), row.get("query"), row.get("vhost")) == (target, path, query, vhost)


@pytest.mark.parametrize(
    ("request_line", "fields"),
    [
        ("GET /a?b=1 HTTP/1.1", {"method": "GET", "target": "/a?b=1", "protocol": "HTTP/1.1"}),
        ("GET /a b HTTP/2.0", {"method": "GET", "target": "/a b", "protocol": "HTTP/2.0"}),
        ("PROPFIND /dav", {"method": "PROPFIND", "target": "/dav"}),
        ("https://www.example.com/a?b=1", {"target": "https://www.example.com/a?b=1", "path": "/a"}),
        ("CONNECT www.example.com:443 HTTP/1.1", {"method": "CONNECT", "target": "www.example.com:443"}),
    ],
)
def test_request_lines(request_line: str, fields: dict[str, str]) -> None:
    assert fields.items() <= read(request=request_line).items()


@pytest.mark.parametrize("request_line", ["Put it there", r"\x16\x03\x01", "GET", "42", "checkout failed"])
def test_what_is_no_request_line_is_an_attribute(request_line: str) -> None:
    assert read({"request": "REST"}, request=request_line) == {"attributes": {"request": request_line}}


def test_path_and_query_that_were_logged_apart_are_a_target() -> None:
    row = read({}, **{"cs-method": "GET", "cs-uri-stem": "/a", "cs-uri-query": "b=1"})
    assert (row["target"], row["path"], row["query"]) == ("/a?b=1", "/a", "b=1")
    row = read({}, **{"cs-method": "GET", "cs-uri-stem": "/a", "cs-uri-query": "-"})
    assert (row["target"], row["path"], row.get("query")) == ("/a", "/a", None)


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("192.0.2.7", "192.0.2.7", None),
        ("192.0.2.7:4711", "192.0.2.7", 4711),
        ("[2001:db8::7]:4711", "2001:db8::7", 4711),
        ("[2001:db8::7]", "2001:db8::7", None),
        ("2001:db8::7", "2001:db8::7", None),
        ("::ffff:192.0.2.7", "192.0.2.7", None),
        ("fe80::1%eth0", "fe80::1", None),
        ("client.example.com", "client.example.com", None),
        ("192.0.2.7, 10.0.0.1", "192.0.2.7", None),
    ],
)
def test_client_addresses(text: str, address: str, port: int | None) -> None:
    row = read(client_ip=text)
    assert (row["client_ip"], row.get("client_port")) == (address, port)


def test_text_is_no_address() -> None:
    assert read(client_ip="Mozilla/5.0 (X11)") == {"attributes": {"client_ip": "Mozilla/5.0 (X11)"}}


@pytest.mark.parametrize(
    ("text", "found"), [("192.0.2.7", True), ("2001:db8::7", True), ("cart", False), ("42", False)]
)
def test_a_weak_name_wants_an_address(text: str, found: bool) -> None:
    assert read(src=text) == ({"client_ip": text} if found else {"attributes": {"src": text}})


def test_a_request_without_an_answer() -> None:
    assert read(method="GET", status="000")["status"] == 0
    assert read(method="GET", status="7") == {"method": "GET", "attributes": {"status": "7"}}


@pytest.mark.parametrize(
    "agent", ["Mozilla/5.0+(X11;+Linux)", "Mozilla/5.0%20(X11;%20Linux)", "Mozilla/5.0 (X11; Linux)"]
)
def test_user_agents_have_blanks(agent: str) -> None:
    assert read(user_agent=agent)["user_agent"] == "Mozilla/5.0 (X11; Linux)"


@pytest.mark.parametrize(
    ("peer", "chain", "client"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.2", "203.0.113.9"),
        ("10.0.0.1", "unknown, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "192.168.0.4, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "192.168.0.4", "192.168.0.4"),
        ("balancer", "203.0.113.9", "203.0.113.9"),
        ("client.example.com", "203.0.113.9", "client.example.com"),
        ("10.0.0.1", "2001:db8::9", "2001:db8::9"),
        ("10.0.0.1", "-", "10.0.0.1"),
        ("10.0.0.1", "' OR 1=1", "10.0.0.1"),
        ("192.0.2.7", "203.0.113.9", "192.0.2.7"),  # the peer is no proxy of ours: anyone can send the header
        ("-", "203.0.113.9", "203.0.113.9"),
    ],
)
def test_behind_a_proxy_the_first_hop_is_the_client(peer: str, chain: str, client: str) -> None:
    row = read({}, remote_addr=peer, http_x_forwarded_for=chain)
    assert row["client_ip"] == client
    attributes = row.get("attributes", {})
    assert attributes.get("http_x_forwarded_for") == (None if chain == "-" else chain)
    assert attributes.get("remote_addr") == (None if client == peer or peer == "-" else peer)


@pytest.mark.parametrize(
    ("name", "text", "milliseconds"),
    [
        ("duration_s", "0.079", 79.0),
        ("duration_ms", "12", 12.0),
        ("duration_us", "1500", 1.5),
        ("duration_ns", "1500000", 1.5),
        ("request_time", "1e-3", 1.0),
        ("duration", "12.5", 12.5),
        ("duration", "1.5s", 1500.0),
        ("duration", "1m2.5s", 62_500.0),
        ("duration", "1h0m0.25s", 3_600_250.0),
        ("duration", "370.5µs", 0.3705),
        ("duration", "17 ms", 17.0),
        ("duration", "00:00:01.5", 1500.0),
        ("duration", "1.00:00:01", 86_401_000.0),
        ("duration", "PT0.5S", 500.0),
        ("duration", "P1DT2H", 93_600_000.0),
        ("duration_s", "0.1", 100.0),
    ],
)
def test_durations(name: str, text: str, milliseconds: float) -> None:
    assert read({}, **{name: text}) == {"duration_ms": milliseconds}


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "fast", "1.5 parsecs", "1789362000123", "1s and more", "9" * 400])
def test_what_is_no_duration_is_an_attribute(text: str) -> None:
    assert read({}, duration_ms=text) == {"attributes": {"duration_ms": text}}


@given(st.integers(0, 10**12))
def test_go_durations_round_trip(nanoseconds: int) -> None:
    minutes, rest = divmod(nanoseconds, 60 * 10**9)
    text = f"{minutes}m{rest / 10**9:.9f}s"
    assert parse_duration(text) == pytest.approx(nanoseconds / 10**6, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "text", "level"),
    [
        ("level", "INFO", "info"),
        ("level", "[Warning]", "warn"),
        ("level", "SEVERE", "error"),
        ("level", "FINER", "trace"),
        ("level", "CRITICAL", "fatal"),
        ("level", "DPANIC", "fatal"),
        ("level", "LOG", "info"),
        ("level", "E", "error"),
        ("level", "30", "info"),
        ("level", "50", "error"),
        ("level", "3", "error"),
        ("level", "300", "warn"),
        ("pri", "34", "fatal"),
        ("pri", "165", "notice"),
        ("severity_number", "17", "error"),
        ("levelno", "30", "warn"),
    ],
)
def test_levels(name: str, text: str, level: str) -> None:
    assert read({}, **{name: text}) == {"level": level}


def test_a_grammar_is_sure_of_its_names() -> None:
    columns = {"method": ["GET"], "host": ["web1"], "path": ["/a"]}
    named = type_columns(columns, {}, 1, ANCHOR, ["method", "host", "path"])
    assert named["host"].to_pylist() == ["web1"]
    assert "vhost" not in named
    assert type_columns(columns, {}, 1, ANCHOR)["vhost"].to_pylist() == ["web1"]


def test_an_unknown_level_is_an_attribute() -> None:
    assert read(level="purple") == {"attributes": {"level": "purple"}}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("status", "200", 200),
        ("upstream_status", "502, 200", 200),
        ("upstream_status", "502 : 404", 404),
        ("bytes_sent", "9223372036854775807", 2**63 - 1),
        ("bytes_sent", "9223372036854775808", None),
        ("bytes_sent", "123456789012345678", 123_456_789_012_345_678),
        ("status", "0", None),
        ("status", "ok", None),
        ("status", "2000", None),
        ("pid", "-4", None),
        ("pid", "99999999999999999999999", None),
        ("client_port", "70000", None),
    ],
)
def test_numbers(name: str, text: str, value: int | None) -> None:
    row = read({}, **{name: text})
    assert row == ({name: value} if value is not None else {"attributes": {name: text}})


@pytest.mark.parametrize(
    ("text", "protocol"),
    [
        ("HTTP/1.1", "HTTP/1.1"),
        ("1.1", "HTTP/1.1"),
        ("h2", "HTTP/2"),
        ("HTTP/2.0", "HTTP/2.0"),
        ("2.0.0.0", "HTTP/2.0"),
    ],
)
def test_protocols(text: str, protocol: str) -> None:
    assert read(protocol=text) == {"protocol": protocol}


def test_other_protocols_are_attributes() -> None:
    assert read(protocol="UDP") == {"attributes": {"protocol": "UDP"}}
    assert read(method="handleOrder", message="x") == {"message": "x", "attributes": {"method": "handleOrder"}}


def test_trace_parents_are_split() -> None:
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    assert read(traceparent=f"00-{trace}-{span}-01") == {"trace_id": trace, "span_id": span}
    assert read({}, **{"logging.googleapis.com/trace": f"projects/shop/traces/{trace}"}) == {"trace_id": trace}


def test_identifiers_have_no_blanks_and_an_end() -> None:
    assert read(trace="Traceback (most recent call last)") == {
        "attributes": {"trace": "Traceback (most recent call last)"}
    }
    assert "request_id" not in read(request_id="x" * 513)
    assert read(session="abc")["session_id"] == "abc"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("140735091228416", True), ("0x00007f3c2c7fe700", True), ("http-nio-8080-exec-1", True),
        ("f8bfa03caf0ec4bc4266e7b5dee40e95", False), ("7c9e6679-7425-40de-944b-e07fc1f90ae7", False),
    ],
)  # fmt: skip
def test_a_tid_drawn_at_random_is_no_thread(text: str, found: bool) -> None:
    assert read(tid=text) == ({"thread": text} if found else {"attributes": {"tid": text}})


def test_a_day_beside_a_time_of_day() -> None:
    row = read(date="2026-09-14", time="05:00:00")
    assert format_time(row["time_ns"]) == "2026-09-14T05:00:00.000000Z"
    assert "attributes" not in row
    row = read(date="2026-09-14T05:00:00Z", level="info")
    assert format_time(row["time_ns"]) == "2026-09-14T05:00:00.000000Z"


@pytest.mark.parametrize(
    ("stamp", "year", "time", "kept"),
    [
        ("Jun 12 23:37:17", "2015", "2015-06-12", False),
        ("June  8 00:21:09", "2015", "2015-06-08", False),
        ("Feb 29 00:21:09.5", "2016", "2016-02-29", False),
        ("Jun 12 2014 23:37:17", "2015", "2014-06-12", True),
        ("Jun 12 23:37:17", "15", "2026-06-12", True),
        ("Jun 12 23:37:17", "", "2026-06-12", False),
        ("2014-06-12T23:37:17Z", "2015", "2014-06-12", True),
    ],
)
def test_a_year_beside_a_stamp_that_lacks_it(stamp: str, year: str, time: str, kept: bool) -> None:
    (row,) = type_columns({"time": [stamp], "year": [year]}, {}, 1, ANCHOR, {"year"})["time_ns"].to_pylist()
    assert format_time(row)[:10] == time
    attributes = type_columns({"time": [stamp], "year": [year]}, {}, 1, ANCHOR, {"year"}).get("attributes")
    assert (attributes is not None) == kept


def test_an_unreadable_stamp_is_an_attribute() -> None:
    assert read(time="soon") == {"attributes": {"time": "soon"}}


def test_the_envelope_anchors_rows() -> None:
    anchor = TimeAnchor(0, pa.array([1_789_362_000 * 10**9, 1_789_448_400 * 10**9]))
    times = type_columns({"time": ["05:00:01", "05:00:01"]}, {"time": "TIME_OF_DAY"}, 2, anchor)["time_ns"]
    assert [format_time(time)[:10] for time in times.to_pylist()] == ["2026-09-14", "2026-09-15"]


@pytest.mark.parametrize(
    ("text", "vhost"),
    [
        ("www.example.com:443", "www.example.com"),
        ("[2001:db8::1]:80", "[2001:db8::1]"),
        ("bob@www.example.com:", "www.example.com"),
        ("cart:9080", "cart:9080"),
        ("www.example.com:8443", "www.example.com:8443"),
        ("[2001:db8::1]:4430", "[2001:db8::1]:4430"),
    ],
)
def test_vhosts_lose_the_port_that_goes_without_saying(text: str, vhost: str) -> None:
    assert read(vhost=text) == {"vhost": vhost}


def test_an_encoded_referrer_is_a_url() -> None:
    assert read(referer="https%3A%2F%2Fwww.example.com%2Fa%3Fb%3D1") == {"referrer": "https://www.example.com/a?b=1"}
    assert read(referer="https://www.example.com/%20") == {"referrer": "https://www.example.com/%20"}


def test_a_url_with_a_port_names_its_host() -> None:
    assert read(request_uri="http://localhost:8080/a")["vhost"] == "localhost:8080"


def test_attributes_keep_names_and_types() -> None:
    decoders = {"retries": "INTEGER", "ratio": "NUMBER", "code": "COUNT", "note": "QUOTED", "zip": "INTEGER"}
    row = read(decoders, retries="3", ratio="0.5", code="-", note=r"a \"b\"", zip="00171", tail='x="y"')
    assert row == {"attributes": {"note": 'a "b"', "ratio": 0.5, "retries": 3, "tail": 'x="y"', "zip": "00171"}}


def test_rows_without_attributes_stay_in_place() -> None:
    rows = type_rows({"a": ["1", "", "", "4"], "b": ["", "", "3", "4"], "user": ["u", "v", "w", "x"]})
    assert [row.get("attributes") for row in rows] == [{"a": "1"}, None, {"b": "3"}, {"a": "4", "b": "4"}]


def test_quotes_around_a_pair_are_no_part_of_it() -> None:
    assert read(sid='"abc"')["session_id"] == "abc"
    assert read(KEY='"a \\"b\\""') == {"attributes": {"KEY": 'a "b"'}}
    assert read({"KEY": "WORD"}, KEY='"a"') == {"attributes": {"KEY": '"a"'}}


def test_quotes_of_two_words_are_no_pair() -> None:
    text = '"/srv/a" is not found, host: "www.example.com"'
    assert read(message=text) == {"message": text}


@given(st.text(), st.text(min_size=1), st.sampled_from(["", "QUOTED", "NUMBER", "WORD"]))
def test_any_attribute_is_valid_json_and_comes_back(value: str, key: str, decoder: str) -> None:
    values = [value, "", "plain", 'a"b\\c', "-"]
    texts = []
    for text in values:
        clean = text.encode("utf-8", "replace").decode()
        quoted = decoder == "" and len(clean) > 1 and clean.startswith('"') and clean.endswith('"')
        texts.append(unescape(clean[1:-1]) if quoted else unescape(clean) if decoder == "QUOTED" else clean)
    name = f"zz {key}".encode("utf-8", "replace").decode()
    attributes = type_columns({name: values}, {name: decoder} if decoder else {}, 5, ANCHOR)["attributes"]
    for text, found in zip(texts, attributes.to_pylist(), strict=True):
        if text in ("", "-"):
            assert found is None
        else:
            assert str(json.loads(found)[name]) == text or float(text) == json.loads(found)[name]


TEXTS = st.one_of(
    st.text(max_size=12), st.sampled_from(["-", "", "200", "1.5", "GET", "/a?b", "9" * 30, "\\x4", "\x00"])
)


@settings(max_examples=25)
@given(st.lists(st.tuples(*[TEXTS] * len(FIELDS)), min_size=1, max_size=4))
def test_no_text_is_too_odd(rows: list[tuple[str, ...]]) -> None:
    columns = {name: list(column) for name, column in zip(FIELDS, zip(*rows, strict=True), strict=True)}
    together = type_rows(columns)
    alone = [type_rows({name: [values[at]] for name, values in columns.items()})[0] for at in range(len(rows))]
    assert together == alone
