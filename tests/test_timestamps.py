"""Stamps: every shape of the table, both ways of reading, completion from the anchor, hostile input."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconstruct.grammar.stamp_shapes import SHAPES, Shape
from reconstruct.grammar.timestamps import (
    TimeAnchor,
    any_timestamp,
    choose_date_order,
    decode_times,
    find_timestamp,
    format_time,
    format_times,
)

SECOND = 1_000_000_000
MANY = 100
"""Enough rows for the columnar way; a single row goes through the expressions."""


def nanoseconds(iso: str) -> int:
    moment = datetime.fromisoformat(iso.replace("Z", "+00:00"))
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 1000


ANCHOR = TimeAnchor(nanoseconds("2026-09-15T00:00:00Z"))


def read(text: str, kind: str = "ANY", anchor: TimeAnchor = ANCHOR) -> str | None:
    """The reading as ISO text, with a Z when the stamp says its zone; the same by both ways of reading."""
    one = decode_times([text], kind, anchor)
    many = decode_times([text] * MANY, kind, anchor)
    assert many.time_ns.to_pylist() == one.time_ns.to_pylist() * MANY
    assert many.zoned.to_pylist() == one.zoned.to_pylist() * MANY
    if not one.time_ns.is_valid()[0].as_py():
        assert not one.zoned[0].as_py()
        return None
    return format_time(one.time_ns[0].as_py())[: -1 if not one.zoned[0].as_py() else None]


def written(iso: str) -> str:
    """ISO text with six fraction digits, as ``read`` gives it."""
    return format_time(nanoseconds(iso))[: None if iso.endswith("Z") else -1]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_every_shape_reads_its_example(shape: Shape) -> None:
    assert read(shape.example, shape.name) == written(shape.reading)
    assert read(shape.example) == written(shape.reading)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape.findable], ids=lambda shape: shape.name)
@pytest.mark.parametrize("line", ["{} ready", "[{}] ready", "svc-1 INFO ({}): ready", 'level=info time="{}" n=5'])
def test_a_stamp_is_found_in_a_line(shape: Shape, line: str) -> None:
    text = line.format(shape.example)
    start = line.index("{")
    assert find_timestamp(text) == (start, start + len(shape.example), shape.name)


VARIANTS = {
    "2026-09-14 05:00:00": "2026-09-14T05:00:00",
    "2026-09-14 05:00": "2026-09-14T05:00:00",
    "2026-09-14T05:00:00,5Z": "2026-09-14T05:00:00.5Z",
    "2026-09-14T05:00:00.123456789123456789Z": "2026-09-14T05:00:00.123456Z",
    "2026-09-14 05:00:00:250": "2026-09-14T05:00:00.25",
    "2026-9-4 5:00:00": "2026-09-04T05:00:00",
    "2026-09-14T05:00:00-07": "2026-09-14T12:00:00Z",
    "2026-09-14 05:00:00.1 -0730": "2026-09-14T12:30:00.1Z",
    "2026-09-14 05:00:00 +0000 UTC": "2026-09-14T05:00:00Z",
    "2026-09-14T05:00:00+02:00[Europe/Paris]": "2026-09-14T03:00:00Z",
    "2026-09-14 05:00:00 America/New_York": "2026-09-14T09:00:00Z",
    "2026-01-14 05:00:00 America/New_York": "2026-01-14T10:00:00Z",
    "2026-09-14 05:00:00 Europe/Atlantis": "2026-09-14T05:00:00",
    "2026-09-14 05:00:00.123 CEST": "2026-09-14T03:00:00.123Z",
    "2026-09-14 05:00:00.123 Z": "2026-09-14T05:00:00.123Z",
    "2026-09-14 05:00:00 UTC+5:30": "2026-09-13T23:30:00Z",
    "2026-09-14 05:00:00 GMT-3": "2026-09-14T08:00:00Z",
    "2026-09-14\t05:00:00": "2026-09-14T05:00:00",
    "2026-09-14_05:00:00": "2026-09-14T05:00:00",
    "2026-09-14@05:00:00": "2026-09-14T05:00:00",
    "2026-09-14;05:00:00": "2026-09-14T05:00:00",
    "2026-09-14|05:00:00.5": "2026-09-14T05:00:00.5",
    "2026-09-14 | 05:00:00": "2026-09-14T05:00:00",
    '"2026-09-14","05:00:00"': "2026-09-14T05:00:00",
    "2026-09-14, 05:00:00": "2026-09-14T05:00:00",
    "2026/09/14 - 05:00:00": "2026-09-14T05:00:00",
    "2026-09-14: 05:00:00": "2026-09-14T05:00:00",
    "2026-09-14 at 05:00:00": "2026-09-14T05:00:00",
    "2026-09-14_05-00-00": "2026-09-14T05:00:00",
    "2026년 9월 14일 05:00:00.5": "2026-09-14T05:00:00.5",
    "2026年9月14日 5時00分00秒": "2026-09-14T05:00:00",
    "9月 14, 2026 5:00:00 下午": "2026-09-14T17:00:00",
    "九月 14, 2026 5:00:00 午前": "2026-09-14T05:00:00",
    "сент. 14, 2026 5:00:00 PM": "2026-09-14T17:00:00",
    "sept. 14, 2026 5:00:00 p. m.": "2026-09-14T17:00:00",
    "[2026-09-14] [05:00:00]": "2026-09-14T05:00:00",
    "14.09.2026;05:00:00": "2026-09-14T05:00:00",
    "14-Sep-2026|05:00:00": "2026-09-14T05:00:00",
    "05:00:00 PM 2026-09-14": "2026-09-14T17:00:00",
    "05:00:00,09/14/2026": "2026-09-14T05:00:00",
    "[2026-09-14 05:00:00,123]": "2026-09-14T05:00:00.123",
    "2026-09-14 24:00:00": "2026-09-15T00:00:00",
    "2026-06-30 23:59:60Z": "2026-07-01T00:00:00Z",
    "20260914T050000.25+0100": "2026-09-14T04:00:00.25Z",
    "20260914 05:00:00.123": "2026-09-14T05:00:00.123",
    "20260914050000": "2026-09-14T05:00:00",
    "2026/09/14-05:00:00.000123": "2026-09-14T05:00:00.000123",
    "14/Sep/2026:05:00:00.655": "2026-09-14T05:00:00.655",
    "14/sep/2026:05:00:00 -0700": "2026-09-14T12:00:00Z",
    "14 Sep 2026 05:00:00.123": "2026-09-14T05:00:00.123",
    "14-Sep-2026::05:00:00": "2026-09-14T05:00:00",
    " 4-SEP-2026 05:00:00": "2026-09-04T05:00:00",
    "14-Dez-2026 05:00:00": "2026-12-14T05:00:00",
    "Monday, 14-Sep-26 05:00:00 UTC": "2026-09-14T05:00:00Z",
    "Mon, 14 Sep 2026 05:00:00 +0200 (CEST)": "2026-09-14T03:00:00Z",
    "Mon Sep 14 05:00:00 CEST 2026": "2026-09-14T03:00:00Z",
    "Mon Sep  7 05:00:00 2026": "2026-09-07T05:00:00",
    "Mon Sep 14 2026 05:00:00 GMT+0200 (CEST)": "2026-09-14T03:00:00Z",
    "September 14, 2026 5:00:00 PM": "2026-09-14T17:00:00",
    "Sep 14, 2026 12:00:01\u202fAM": "2026-09-14T00:00:01",
    "Sep 14 2026 05:00:00": "2026-09-14T05:00:00",
    "Sep  4 05:00:00.123456": "2026-09-04T05:00:00.123456",
    "09/14/2026 12:00:00 AM": "2026-09-14T00:00:00",
    "9/14/2026 12:30:00 pm": "2026-09-14T12:30:00",
    "14/09/2026 05:00:00": "2026-09-14T05:00:00",
    "14.09.2026 05:00:00": "2026-09-14T05:00:00",
    "09/14/26,05:00:00": "2026-09-14T05:00:00",
    "26/09/14 05:00:00": "2026-09-14T05:00:00",
    "09-14 05:00:00.123": "2026-09-14T05:00:00.123",
    "991231 23:59:59": "1999-12-31T23:59:59",
    "1789362000": "2026-09-14T05:00:00Z",
    "1789362000123": "2026-09-14T05:00:00.123Z",
    "1789362000123456": "2026-09-14T05:00:00.123456Z",
    "1789362000123456789": "2026-09-14T05:00:00.123456Z",
    "1789362000123.5": "2026-09-14T05:00:00.1235Z",
    "1.789362e9": "2026-09-14T05:00:00Z",
    "4:49:15 PM": "2026-09-14T16:49:15",
}


@pytest.mark.parametrize("text", VARIANTS)
def test_variants(text: str) -> None:
    assert read(text) == written(VARIANTS[text])


@pytest.mark.parametrize(
    ("text", "kind", "reading"),
    [
        ("1789362000", "EPOCH_S", "2026-09-14T05:00:00Z"),
        ("1789362000", "EPOCH_MS", "1970-01-21T17:02:42Z"),
        ("0", "EPOCH_NS", "1970-01-01T00:00:00Z"),
        ("1789362000123456", "EPOCH_US", "2026-09-14T05:00:00.123456Z"),
        ("2026-09-14T05:00:00Z", "EPOCH_S", "2026-09-14T05:00:00Z"),
        ("2026-09-14T05:00:00Z", "HTTP_DATE", "2026-09-14T05:00:00Z"),
        ("2026-09-14T05:00:00Z", "NO_SUCH_DECODER", "2026-09-14T05:00:00Z"),
    ],
)
def test_a_kind_is_a_preference(text: str, kind: str, reading: str) -> None:
    assert read(text, kind) == written(reading)


UNREADABLE = [
    "",
    "-",
    "hello",
    "2026-13-01 00:00:00",
    "2026-02-30 00:00:00",
    "2026-09-14 25:00:00",
    "2026-09-14 05:60:00",
    "2026-09-14 24:00:01",
    "32/Sep/2026:00:00:00 +0000",
    "14/Foo/2026:00:00:00 +0000",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "9999999999999999999",
    "99999999999999999999999999",
    "12345",
    "1.5e99",
    "@4000000000000000ffffffff",
    "2026-09-14T05:00:00Z trailing",
    "２０２６-09-14 05:00:00",
    "9" * 100_000,
    "2026-09-14 05:00:00." + "1" * 100_000,
]


@pytest.mark.parametrize("text", UNREADABLE, ids=lambda text: text[:32])
def test_what_is_no_time_is_null(text: str) -> None:
    assert read(text) is None


MONTHS_OF_LANGUAGES = {
    "fr": ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
    "es": ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
    "de": ["Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"],
    "it": ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"],
    "pt": ["jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"],
}
"""As date(1) writes them."""


@pytest.mark.parametrize("names", MONTHS_OF_LANGUAGES.values(), ids=MONTHS_OF_LANGUAGES)
@pytest.mark.parametrize("times", [1, MANY])
def test_months_of_other_languages(names: list[str], times: int) -> None:
    """One by one, and where a column is long enough to be read by its skeletons."""
    texts = [f"{name} 14 05:00:00" for name in names for _ in range(times)]
    read = decode_times(texts, "ANY", TimeAnchor(int(datetime(2026, 12, 31, tzinfo=UTC).timestamp()) * 10**9))
    months = [int(format_time(moment)[5:7]) for moment in read.time_ns.to_pylist()]
    assert months == [month for month in range(1, 13) for _ in range(times)]


def test_nulls_and_strangers_in_a_column() -> None:
    values = ["14/Sep/2026:05:00:00 +0000", None, "14/Oct/2026:05:00:00 -0100", "-", "14/Sep/2026:05:00:61 +0000"]
    times = decode_times(values * MANY, "HTTP_DATE", ANCHOR)
    expected = [nanoseconds("2026-09-14T05:00:00Z"), None, nanoseconds("2026-10-14T06:00:00Z"), None, None]
    assert times.time_ns.to_pylist() == expected * MANY
    assert times.zoned.to_pylist() == [True, False, True, False, False] * MANY


def test_a_slice_of_a_column_reads_alike() -> None:
    column = pa.array([f"2026-09-14T05:00:{n % 60:02}Z" for n in range(300)])
    whole = decode_times(column, "ANY", ANCHOR).time_ns
    assert decode_times(column.slice(17, 200), "ANY", ANCHOR).time_ns.equals(whole.slice(17, 200))
    assert decode_times(column.slice(0, 0), "ANY", ANCHOR).time_ns.to_pylist() == []


def at(moment: str) -> TimeAnchor:
    return TimeAnchor(nanoseconds(moment))


def beside(moment: str) -> TimeAnchor:
    return TimeAnchor(0, pa.array([nanoseconds(moment)] * MANY))


@pytest.mark.parametrize(
    ("text", "anchor", "reading"),
    [
        ("Dec 31 23:59:59", at("2026-01-02T00:00:00Z"), "2025-12-31T23:59:59"),
        ("Jan  1 00:00:01", at("2026-01-02T00:00:00Z"), "2026-01-01T00:00:01"),
        ("Jan  2 10:00:00", at("2026-01-02T00:00:00Z"), "2026-01-02T10:00:00"),  # zone unknown: not yet "the future"
        ("Jan  4 00:00:00", at("2026-01-02T00:00:00Z"), "2025-01-04T00:00:00"),
        ("Feb 29 12:00:00", at("2026-01-02T00:00:00Z"), "2024-02-29T12:00:00"),
        ("Feb 29 12:00:00", at("1901-01-02T00:00:00Z"), "1896-02-29T12:00:00"),
        ("0101 00:00:01.5", at("2025-12-31T20:00:00Z"), "2026-01-01T00:00:01.5"),
        ("23:30:00", at("2026-09-14T08:00:00Z"), "2026-09-13T23:30:00"),
        ("16:49:15", at("2026-09-14T08:50:00Z"), "2026-09-14T16:49:15"),  # UTC+8
        ("16:49:15Z", at("2026-09-14T08:50:00Z"), "2026-09-13T16:49:15Z"),
    ],
)
def test_the_file_completes_a_stamp(text: str, anchor: TimeAnchor, reading: str) -> None:
    assert read(text, anchor=anchor) == written(reading)


@pytest.mark.parametrize(
    ("text", "anchor", "reading"),
    [
        ("Jan  1 00:30:00", beside("2025-12-31T23:30:00Z"), "2026-01-01T00:30:00"),
        ("Dec 31 23:30:00", beside("2026-01-01T00:30:00Z"), "2025-12-31T23:30:00"),
        ("23:59:59.9", beside("2026-09-15T00:00:00Z"), "2026-09-14T23:59:59.9"),
        ("04:00:00", beside("2026-09-14T20:00:00Z"), "2026-09-15T04:00:00"),  # UTC+8
        ("19:00:00", beside("2026-09-14T05:00:01Z"), "2026-09-13T19:00:00"),  # UTC-10
        ("18:00:00", beside("2026-09-14T05:00:00Z"), "2026-09-14T18:00:00"),  # UTC+13
    ],
)
def test_the_envelope_completes_a_stamp(text: str, anchor: TimeAnchor, reading: str) -> None:
    many = decode_times([text] * MANY, "ANY", anchor)
    assert many.time_ns.to_pylist() == [nanoseconds(written(reading))] * MANY


def test_an_envelope_without_time_leaves_the_file() -> None:
    anchor = TimeAnchor(nanoseconds("2026-09-14T08:00:00Z"), pa.array([nanoseconds("2020-01-01T06:00:00Z"), None]))
    times = decode_times(["05:00:00", "05:00:00"], "TIME_OF_DAY", anchor).time_ns.to_pylist()
    assert times == [nanoseconds("2020-01-01T05:00:00Z"), nanoseconds("2026-09-14T05:00:00Z")]


@pytest.mark.parametrize(
    ("samples", "order"),
    [
        (["09/13/2026 05:00:00", "09/12/2026 05:00:00"], "mdy"),
        (["12/09/2026 05:00:00", "13/09/2026 05:00:00"], "dmy"),
        (["11/08/2026 05:00:00", "12/08/2026 05:00:00"], "dmy"),  # as months these lie a month apart
        (["10.09.2026 05:00:00"], "dmy"),
        (["26/09/08 05:00:00", "26/09/09 05:00:00"], "ymd"),
        (["01/02/2020 05:00:00"], "mdy"),
        (["25/06/22 05:00:00"], "ymd"),  # of either year the later one
        (["22/06/25 05:00:00"], "dmy"),
        (["05:00:00 09/13/2026", "05:00:00 09/12/2026"], "mdy"),
        (["2026-09-14 05:00:00"], None),
    ],
)
def test_date_order_is_the_one_that_keeps_a_log_compact(samples: list[str], order: str | None) -> None:
    assert choose_date_order(samples, ANCHOR.modified_ns) == order


def test_a_given_date_order_holds() -> None:
    anchor = TimeAnchor(ANCHOR.modified_ns, date_order="dmy")
    assert read("01/02/2026 05:00:00", anchor=anchor) == written("2026-02-01T05:00:00")
    assert read("01/13/2026 05:00:00", anchor=anchor) == written("2026-01-13T05:00:00")  # no date else
    assert read("13/32/2026 05:00:00", anchor=anchor) is None


MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2099, 12, 31))
OFFSETS = st.integers(-11 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
LAYOUTS = {
    "ISO8601": "%Y-%m-%dT%H:%M:%S.%f%z",
    "ISO8601_BASIC": "%Y%m%dT%H%M%S.%f%z",
    "YEAR_FIRST": "%Y/%m/%d %H:%M:%S.%f %z",
    "HTTP_DATE": "%d/%b/%Y:%H:%M:%S.%f %z",
    "RFC2822": "%a, %d %b %Y %H:%M:%S.%f %z",
    "DAY_MONTH_YEAR": "%d-%b-%Y %H:%M:%S.%f%z",
    "CTIME": "%a %b %d %H:%M:%S.%f %z %Y",
    "MONTH_DAY_YEAR": "%b %d, %Y %I:%M:%S.%f %p %z",
}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(MOMENTS, OFFSETS), min_size=1, max_size=5), st.sampled_from(sorted(LAYOUTS)))
def test_what_is_written_is_read(moments: list[tuple[datetime, timezone]], kind: str) -> None:
    aware = [moment.replace(tzinfo=zone) for moment, zone in moments]
    texts = [moment.strftime(LAYOUTS[kind]) for moment in aware]
    expected = [nanoseconds(moment.isoformat()) for moment in aware]
    for decoder in (kind, "ANY"):
        assert decode_times(texts, decoder, ANCHOR).time_ns.to_pylist() == expected
        assert decode_times(texts * MANY, decoder, ANCHOR).time_ns.to_pylist() == expected * MANY
    assert decode_times(texts, "ANY", ANCHOR).zoned.to_pylist() == [True] * len(texts)


MUTATIONS = st.tuples(
    st.sampled_from([shape.example for shape in SHAPES] + list(VARIANTS)),
    st.integers(0, 40),
    st.sampled_from('0123456789 :-/.,TZ+aAmMSeé\n"['),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(MUTATIONS, min_size=1, max_size=4))
def test_both_ways_of_reading_agree_on_damaged_stamps(mutations: list[tuple[str, int, str]]) -> None:
    texts = [text[: at % len(text)] + char + text[at % len(text) + 1 :] for text, at, char in mutations]
    anchor = TimeAnchor(ANCHOR.modified_ns, date_order="mdy")
    alone = [decode_times([text], "ANY", anchor).time_ns.to_pylist()[0] for text in texts]
    assert decode_times(texts * MANY, "ANY", anchor).time_ns.to_pylist() == alone * MANY


def test_a_blank_is_a_digit_only_where_the_shape_says_so() -> None:
    texts = ["0914/050000.123456", "09 4/050000.123456", "Sep 14 05:00:00", "Sep  4 05:00:00"]
    alone = [decode_times([text], "ANY", ANCHOR).time_ns.to_pylist()[0] for text in texts]
    assert decode_times(texts * MANY, "ANY", ANCHOR).time_ns.to_pylist() == alone * MANY
    assert [stamp is None for stamp in alone] == [False, True, False, False]


def test_a_number_that_is_no_moment_hides_no_date() -> None:
    texts = ["00260914050000", "20260914050000"]
    assert (
        decode_times(texts * MANY, "ANY", ANCHOR).time_ns.to_pylist()
        == [None, nanoseconds("2026-09-14T05:00:00+00:00")] * MANY
    )


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=90))
def test_any_text_is_harmless(text: str) -> None:
    decode_times([text], "ANY", ANCHOR)
    found = find_timestamp(text)
    if found is not None:
        start, end, kind = found
        assert 0 <= start < end <= len(text)
        assert kind == "EPOCH" or kind in {shape.name for shape in SHAPES}


@pytest.mark.parametrize(
    "line",
    [
        "order 1789362000 paid",
        "MAC 00:11:22:33:44:55 seen",
        "10.0.0.1 - 17",
        "version 2026.09.14",
        "x" * 80 + " 2026-09-14 05:00:00",
    ],
)
def test_no_stamp_is_found_where_there_is_none(line: str) -> None:
    assert find_timestamp(line) is None


@pytest.mark.parametrize(
    ("line", "stamp"),
    [
        ("1789362000.701907 poll", "1789362000.701907"),
        ("[1789362000] CURRENT HOST STATE", "1789362000"),
        ("I0914 05:00:00.123456  1 main.go:5] up", "0914 05:00:00.123456"),
        ("2026-09-14 05:00:00 INFO ready", "2026-09-14 05:00:00"),
        ("2026-09-14 05:00:00 ESTABLISHED", "2026-09-14 05:00:00"),
        ("2026-09-14 05:00:00,192.0.2.1,GET", "2026-09-14 05:00:00"),
        ("Error Mon Sep 14 05:00:00 2026 x", "Mon Sep 14 05:00:00 2026"),
        ("05:00:00 10.0.2.2025 x", "05:00:00"),
        ("05:00:00 1.9.26 x", "05:00:00"),
        ("Sep 14 05:00:00 2026-host app: x", "Sep 14 05:00:00"),
        ("192.0.2.1 - - [14/Sep/2026:05:00:00 +0000] x", "14/Sep/2026:05:00:00 +0000"),
    ],
)
def test_the_stamp_is_found_exactly(line: str, stamp: str) -> None:
    found = find_timestamp(line)
    assert found is not None
    assert line[found[0] : found[1]] == stamp


@pytest.mark.parametrize("char", ["1", " ", "a", "1:", "1 ", "Sep ", "2026-"])
def test_search_is_linear(char: str) -> None:
    began = time.process_time()
    find_timestamp(char * 500_000)
    find_timestamp("2026-09-14 05:00:00." + char * 500_000)
    list(any_timestamp().finditer((char * 50 + "\n") * 200))
    assert time.process_time() - began < 2  # milliseconds when linear, minutes when not


def test_format_is_microseconds_rounded_down() -> None:
    column = pa.array([1767246197039000999, None, -1])
    assert format_times(column).to_pylist() == ["2026-01-01T05:43:17.039000Z", None, "1969-12-31T23:59:59.999999Z"]
    assert [format_time(value) for value in (1767246197039000999, -1)] == format_times(column).drop_null().to_pylist()


def test_the_zone_of_the_machine_does_not_matter() -> None:
    code = (
        "from reconstruct.grammar.timestamps import *; a = TimeAnchor(1789430400 * 10**9)\n"
        "print([decode_times([t], 'ANY', a).time_ns[0].as_py() for t in "
        "('2026-03-29 02:30:00', 'Mar 29 02:30:00', '02:30:00', '2026-07-01T00:00:00 America/New_York')])\n"
        "print(format_time(1789430400 * 10**9), format_times(decode_times(['2026-03-29 02:30:00'], 'ANY', a).time_ns))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"TZ": zone}, capture_output=True, text=True, check=True
        ).stdout
        for zone in ("UTC", "Europe/Berlin", "America/New_York")
    }
    assert len(outputs) == 1
