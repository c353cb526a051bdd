"""Delimited text: which files have a header row, quoting over lines, known layouts without one."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconstruct.events.delimited import DelimitedHeader, decode_block, find_header
from reconstruct.grammar.timestamps import TimeAnchor, format_time

ANCHOR = TimeAnchor(1_789_430_400 * 10**9)
HEADER = DelimitedHeader(",", ("time", "level", "message", "order"))


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_a_header_row_is_found(delimiter: str) -> None:
    lines = [
        delimiter.join(row)
        for row in (HEADER.fields, ["2026-09-14", "info", "x", "7"], ["2026-09-15", "warn", "", "8"])
    ]
    assert find_header(["", *lines]) == DelimitedHeader(delimiter, HEADER.fields)


@pytest.mark.parametrize("type_line", ["#TYPE System.Data.DataRow", '"#TYPE System.Data.DataRow"'])
def test_the_type_that_powershell_writes_above_the_header_row(type_line: str) -> None:
    lines = [type_line, "time,level,message,order", "2026-09-14 05:00:00,ERROR,x,7"]
    assert find_header(lines) == HEADER
    decoded = decode_block(lines, HEADER, ANCHOR)
    assert decoded.directives is not None
    assert (decoded.directives.tolist(), decoded.matched.tolist()) == ([True, True, False], [False, False, True])


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["time,level,message"],
        ["alpha,beta,gamma", "1,2,3"],  # no name we know
        ["time,level", "2026-09-14,info"],
        ["time,level,level", "2026-09-14,info,info"],
        ["2026-09-14 05:00:00,123,INFO", "2026-09-14 05:00:00,124,INFO"],
        ["time, then level, and a message", "something else altogether", "and more"],
        ["time,level,message", "a line", "of prose", "below"],
    ],
)
def test_other_text_has_none(lines: list[str]) -> None:
    assert find_header(lines) is None


def test_entries_directives_and_continuations() -> None:
    lines = [
        "time,level,message,order",
        '2026-09-14 05:00:00,ERROR,"card, ""visa"", declined",7',
        "2026-09-14 05:00:01,INFO,short,8",
        "too,few",
        '2026-09-14 05:00:02,INFO,"two',
        'lines",-',
        '2026-09-14 05:00:03,INFO,"never closed,9',
    ]
    decoded = decode_block(lines, HEADER, ANCHOR)
    assert decoded.matched.tolist() == [False, True, True, False, True, False, False]
    assert decoded.directives is not None
    assert decoded.directives.tolist() == [True] + [False] * 6
    assert decoded.continuations is not None
    assert decoded.continuations.tolist() == [False] * 5 + [True, False]
    assert decoded.columns["message"].to_pylist() == ['card, "visa", declined', "short", "two\nlines"]
    assert decoded.columns["level"].to_pylist() == ["error", "info", "info"]
    assert decoded.columns["attributes"].to_pylist() == ['{"order":"7"}', '{"order":"8"}', None]


def test_no_entry_at_all() -> None:
    decoded = decode_block(["x", ""], HEADER, ANCHOR)
    assert decoded.matched.tolist() == [False, False]
    assert decoded.columns == {}


POSTGRES = (
    '2026-09-14 05:00:00.123 UTC,"shop","shopdb",712,"192.0.2.7:4711",66e51.2c8,3,"INSERT",2026-09-14 04:59:00 UTC,5/12,0,'
    'ERROR,23505,"duplicate key value","Key (id)=(7) already exists.",,,,,"INSERT INTO orders VALUES (7)",,,"worker","client backend",,0'
)


def test_postgres_csvlog_needs_no_header_row() -> None:
    header = find_header([POSTGRES, POSTGRES.replace('(7)"', "\n(7)")])
    assert header is not None
    decoded = decode_block([POSTGRES], header, ANCHOR)
    row = {name: column[0].as_py() for name, column in decoded.columns.items()}
    attributes = json.loads(row.pop("attributes"))
    assert format_time(row.pop("time_ns")) == "2026-09-14T05:00:00.123000Z"
    assert (row["level"], row["message"], row["pid"]) == ("error", "duplicate key value", 712)
    assert (row["client_ip"], row["client_port"], row["user"], row["session_id"]) == (
        "192.0.2.7",
        4711,
        "shop",
        "66e51.2c8",
    )
    assert attributes["query"] == "INSERT INTO orders VALUES (7)"


CELLS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=8
)


@settings(max_examples=60)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=4))
def test_what_is_written_is_read(rows: list[tuple[str, str, str]]) -> None:
    header = DelimitedHeader(",", ("zz1", "zz2", "zz3"))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    decoded = decode_block(text.getvalue().split("\n")[:-1], header, ANCHOR)
    assert int(decoded.matched.sum()) == len(rows)
    found = decoded.columns["attributes"].to_pylist() if "attributes" in decoded.columns else [None] * len(rows)
    for row, attributes in zip(rows, found, strict=True):
        kept = {name: cell for name, cell in zip(header.fields, row, strict=True) if cell not in ("", "-")}
        assert (json.loads(attributes) if attributes else {}) == kept


def test_a_lone_quote_does_not_eat_the_file() -> None:
    lines = ['2026-09-14,info,"open,1', *["2026-09-14,info,x,2"] * 1001]
    decoded = decode_block(lines, HEADER, ANCHOR)
    assert int(decoded.matched.sum()) == 1001


ZEEK = {
    "conn": (
        "1767366245.123456\tC1\t192.0.2.7\t4711\t198.51.100.1\t80\ttcp\thttp\t0.5\t100\t200\tSF\tT\tF\t0\tShADadFf\t5\t360\t4\t400\t-",
        {"client_ip": "192.0.2.7", "client_port": 4711, "duration_ms": 500.0, "bytes_sent": 200},
    ),
    "dns": (
        "1767366245.123456\tC1\t192.0.2.7\t4711\t198.51.100.1\t53\tudp\t7\t0.02\twww.example.com\t1\tC_INTERNET\t1\tA\t0\tNOERROR"
        "\tF\tF\tT\tT\t0\t198.51.100.7\t60.000000\tF",
        {"client_ip": "192.0.2.7", "client_port": 4711},
    ),
    "files": (
        "1767366245.123456\tF1\t198.51.100.1\t192.0.2.7\tC1\tHTTP\t0\tSHA1\ttext/plain\t-\t0.1\tF\tF\t512\t512\t0\t0\tF\t-\tab\tcd\t-\t-",
        {"client_ip": "192.0.2.7", "duration_ms": 100.0},
    ),
}


@pytest.mark.parametrize("name", ZEEK)
def test_zeek_without_its_header_is_known_by_its_columns(name: str) -> None:
    line, fields = ZEEK[name]
    header = find_header([line, line])
    assert header is not None
    columns = decode_block([line], header, ANCHOR).columns
    assert {field: columns[field][0].as_py() for field in fields} == fields
    assert columns["time_ns"].to_pylist() == [1_767_366_245_123_456_000]


def test_levels_of_an_export_of_windows_events() -> None:
    header = DelimitedHeader(",", ("TimeCreated", "ProviderName", "Level", "LevelDisplayName", "Message"))
    decoded = decode_block(["14.09.2026 05:00:00,Service,4,Informationen,started"], header, ANCHOR)
    assert [decoded.columns[name][0].as_py() for name in ("level", "logger", "message")] == [
        "info",
        "Service",
        "started",
    ]
