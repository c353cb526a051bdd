"""Nothing from a log drives the terminal, reorders a line, hides in it or breaks its alignment."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconstruct.tui.glyphs import Pen, ascii_wanted
from reconstruct.tui.sanitise import clean, cut, measure, to_ascii, wrap


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("a\nb\r\tc\x00\x7f", "a␊b␍  c␀␡"),
        ("\x9b31m", "<U+009B>31m"),
        ("pay\u202egpj.exe", "pay<U+202E>gpj.exe"),
        ("zero\u200bwidth\ufeff", "zero<U+200B>width<U+FEFF>"),
        ("heart\ufe0f", "heart<U+FE0F>"),
        ("line\u2028end", "line<U+2028>end"),
        ("non\u00a0breaking", "non breaking"),
        ("lone \ud800", "lone \ufffd"),
        ("[bold]not markup[/bold]", "[bold]not markup[/bold]"),
        ("東京 café", "東京 café"),
    ],
)
def test_what_cannot_be_shown_is_spelled_out(raw: str, shown: str) -> None:
    assert clean(raw) == shown


def test_towers_of_combining_marks_are_cut() -> None:
    assert clean("e" + "\u0301" * 50) == "e\u0301\u0301·"
    assert not unicodedata.combining(clean("\u0301e")[0])


def test_a_megabyte_is_cut_with_a_count() -> None:
    shown = clean("x" * 1_000_000, 100)
    assert shown == "x" * 100 + "… +999,900 characters"


@given(st.text(max_size=80))
def test_clean_text_is_harmless(raw: str) -> None:
    shown = clean(raw)
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in shown)
    assert clean(shown) == shown


@given(st.text(max_size=80))
def test_ascii_is_ascii(raw: str) -> None:
    assert all(" " <= character <= "~" for character in Pen(ascii=True).clean(raw))


@given(st.text(max_size=60), st.integers(0, 40))
def test_cut_and_fit_keep_their_cells(raw: str, cells: int) -> None:
    for pen in (Pen(), Pen(ascii=True)):
        text = pen.clean(raw)
        assert measure(pen.cut(text, cells)) <= cells
        assert measure(pen.fit(text, cells)) == cells
        assert measure(pen.fit(text, cells, "right")) == cells


@given(st.text(alphabet="ab 東\u0301", max_size=60), st.integers(2, 20))
def test_wrapping_loses_nothing(raw: str, cells: int) -> None:
    text = clean(raw)
    lines = wrap(text, cells)
    assert all(measure(line) <= cells for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_ellipsis_only_where_something_is_missing() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"
    assert cut("東京都", 5) == "東京…"


def test_signs_have_twins() -> None:
    assert to_ascii("✔ 3×2 → paid") == "ok 3x2 -> paid"
    assert to_ascii("␛[0m") == "^[[0m"


@pytest.mark.parametrize(("value", "wanted"), [("", False), ("0", False), ("1", True), ("yes", True)])
def test_ascii_is_asked_for_by_the_environment(value: str, wanted: bool) -> None:
    assert ascii_wanted({"RECONSTRUCT_ASCII": value}) is wanted
    assert ascii_wanted({}) is False


@given(st.lists(st.floats(0, 1), max_size=20), st.integers(1, 30), st.floats(0, 1))
def test_bars_and_sparks_have_their_cells(values: list[float], cells: int, share: float) -> None:
    for pen in (Pen(), Pen(ascii=True)):
        assert len(pen.spark(values)) == len(values)
        assert len(pen.bar(share, cells)) == cells
        assert pen.bar(share, cells).strip() or share == 0
