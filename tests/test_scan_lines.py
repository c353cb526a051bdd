"""Raw bytes to clean lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconstruct.events.lines import MATCH_CAP, find_filled, split_lines

NASTY = st.lists(
    st.sampled_from(
        [b"\n", b"\r", b"\r\n", b"\x1b", b"\x1b[31m", b"\x1b]0;t\x07", b"\0", b"a", b"\xc3", b"\xe2\x82", b"\xff", b" "]
    )
).map(b"".join)


@given(st.one_of(NASTY, st.binary()))
def test_lines_are_those_of_the_raw_bytes(data: bytes) -> None:
    lines = split_lines(data)
    raw = data.split(b"\n")
    if raw[-1] == b"":
        raw.pop()
    assert len(lines) == len(lines.text) == len(raw)
    assert [data[a:b] for a, b in zip(lines.start, lines.stop, strict=True)] == [
        line.removesuffix(b"\r") for line in raw
    ]
    assert find_filled(lines.text).tolist() == [row for row, text in enumerate(lines.text) if text]
    assert all("\n" not in text and "\0" not in text and "\x1b" not in text for text in lines.text)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\x1b[32mINFO\x1b[0m started\r\n", "INFO started"),
        (b"\x1b]8;;http://www.example.com\x07link\x1b]8;;\x07", "link"),
        (b"\xef\xbb\xbffirst", "first"),
        (b"caf\xe9", "caf�"),
        (b"a\0b", "ab"),
        (b"50%\r100%\n", "50%\r100%"),
        (b"\x1b\x1b[", "["),
    ],
)
def test_cleaning_changes_the_text_only(raw: bytes, text: str) -> None:
    assert list(split_lines(raw).text) == [text]


def test_a_long_line_is_looked_at_up_to_the_cap() -> None:
    lines = split_lines(b"short\n" + b"x" * (3 * MATCH_CAP) + b"\r\nend\n")
    assert [len(text) for text in lines.text] == [5, MATCH_CAP, 3]
    assert lines.clipped == [1]
    assert lines.stop.tolist() == [5, 6 + 3 * MATCH_CAP, 8 + 3 * MATCH_CAP + 3]
