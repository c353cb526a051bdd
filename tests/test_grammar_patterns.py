"""Terminal patterns: the linear form matches what Python's ``re`` matches, or the pattern is refused with a reason."""

from __future__ import annotations

import itertools
import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconstruct.grammar import characters as ch
from reconstruct.grammar.linear import check_repeatable, prove_terminal
from reconstruct.grammar.overlap import can_share_start
from reconstruct.grammar.patterns import PatternError, check_captures, read_pattern, width, write_pattern

TEXTS = ["".join(letters) for n in range(6) for letters in itertools.product("abc", repeat=n)]
"""All texts of up to five letters."""

ATOMS = st.sampled_from(["a", "b", "c", "[ab]", "[bc]", "[^a]", "."])


def _combine(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.lists(st.one_of(inner, st.just("")), min_size=2, max_size=3).map(lambda items: f"(?:{'|'.join(items)})"),
        st.tuples(inner, st.sampled_from(["?", "*", "+", "{2}", "{1,2}", "{0,2}", "??", "*?", "+?", "{1,3}?"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
        st.tuples(st.sampled_from(["(?=", "(?!"]), inner).map(lambda pair: f"{pair[0]}{pair[1]})"),
    )


PATTERNS = st.recursive(ATOMS, _combine, max_leaves=8)


def compile_quietly(pattern: str) -> re.Pattern[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "possible nested set" of generated classes
        return re.compile(pattern)


def linear_form(pattern: str) -> str:
    return write_pattern(prove_terminal(read_pattern(pattern)).node)


@given(PATTERNS)
def test_linear_form_matches_the_same_text(pattern: str) -> None:
    try:
        tight = linear_form(pattern)
    except PatternError:
        return
    plain, linear = compile_quietly(pattern), compile_quietly(tight)
    for text in TEXTS:
        expected, found = plain.match(text), linear.match(text)
        assert (expected and expected.end()) == (found and found.end()), (pattern, tight, text)


@given(PATTERNS)
def test_linear_form_gives_nothing_back(pattern: str) -> None:
    """What follows a terminal never makes it match something else."""
    try:
        tight = linear_form(pattern)
    except PatternError:
        return
    plain, whole = compile_quietly(pattern), compile_quietly(f"(?:{tight})$")
    for text in TEXTS:
        expected = plain.match(text)
        assert bool(whole.match(text)) == bool(expected and expected.end() == len(text)), (pattern, tight, text)


@given(PATTERNS, PATTERNS)
def test_patterns_told_apart_never_match_at_one_place(first: str, second: str) -> None:
    if can_share_start(read_pattern(first), read_pattern(second)):
        return
    one, other = compile_quietly(first), compile_quietly(second)
    for text in TEXTS:
        assert not (one.match(text) and other.match(text)), (first, second, text)


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [
        (r"\d+", r"[a-z]+", False),
        (r"\d{3}", r"\d{4}", True),
        ("GET ", "POST ", False),
        ("INFO", "INFORM", True),
        (r"\d{4}-", r"\d{4}/", False),
        (r"[a-z]+=", r"[a-z]+:", False),
        (r"[a-z]{1,40}=", r"[a-z]+:", False),
        (r"[a-z]+=", r"\S+", True),
    ],
)
def test_can_share_start(first: str, second: str, share: bool) -> None:
    assert can_share_start(read_pattern(first), read_pattern(second)) is share


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(?:a+)+b", "inside a repetition"),
        (r"(?:a|ab|b)*c", "the next character must decide"),
        (r".*a.*b", "exclude the delimiter"),
        (r"\d+\d+x", "exclude the delimiter"),
        (r"(?:a?){30}b", "more than 64 ways"),
        (r"x(?:a?)*", "repeats something that may be empty"),
        (r"a*", "may match the empty text"),
        (r"(a)\1", "back reference"),
        (r"(?:(a)|b)(?(1)c|d)", "conditional group"),
        (r"a\Z", r"\A or \Z"),
        (r"a\n", "line end"),
        (r"a[", "not a regular expression"),
        (r"(?:a(?=.*b))+c", "look-ahead inside a repetition"),
    ],
)
def test_refused_with_a_reason(pattern: str, reason: str) -> None:
    with pytest.raises(PatternError, match=re.escape(reason)):
        prove_terminal(read_pattern(pattern))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"\d+", "[0-9]++"),
        (r'"([^"\\]*(?:\\.[^"\\]*)*)"', r'"(?:[^\x0a"\\]*+(?:\\.[^\x0a"\\]*+)*+)"'),
        (r"[^\]]+?(?=\])", r"[^\x0a\]]++(?=\])"),
        (r"a+?b", "a++b"),
        (r".+?(?= - )", r"(?>.+?(?= \- ))"),
        (r"INFO|INFORM", "INFO"),
        (r"(?i:ok)", "[Oo][Kk]"),
        (r"[\w.-]+", r"[\-\.0-9A-Z_a-z]++"),
        (r"\S+", r"\S++"),
    ],
)
def test_linear_form(pattern: str, expected: str) -> None:
    assert linear_form(pattern) == expected


@pytest.mark.parametrize(
    ("pattern", "fine"),
    [
        (r"[^ ]+", True),
        (r"[a-z]+(?:, [a-z]+)*", True),
        (r".+?(?= - )", True),  # each step looks ahead three characters
        (r"\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]+", True),  # the first alternative fails within fifteen
        (r"a.*b|a", False),  # would read to the end of the line in every round
        (r"a(?:.*b)?", False),
        (r"x(?:,[a-z]+;)*", False),
        (r"x(?:, ?[a-z]+)*", True),
    ],
)
def test_what_may_stand_in_a_repetition(pattern: str, fine: bool) -> None:
    node = read_pattern(pattern)
    if fine:
        check_repeatable(node)
    else:
        with pytest.raises(PatternError):
            check_repeatable(node)


@pytest.mark.parametrize("pattern", [r"(a)(b)", r"(?:(a))+", r"(?:(a))?b", r"\"(a)\"|\"b\""])
def test_a_terminal_has_one_value(pattern: str) -> None:
    with pytest.raises(PatternError, match="one capturing group"):
        check_captures(read_pattern(pattern))


@pytest.mark.parametrize("pattern", [r"a", r"\"(a*)\"", r"\"(a*)\"|b+", r"(?:(a)|(b))c"])
def test_values_that_are_fine(pattern: str) -> None:
    check_captures(read_pattern(pattern))


def test_width() -> None:
    assert width(read_pattern(r"a\d{2,4}(?:bc)?(?=x)")) == (3, 7)
    assert width(read_pattern(r"a+|bcd")) == (1, None)


CODES = st.integers(0, ch.HIGHEST)
RANGES = st.lists(st.tuples(CODES, CODES).map(lambda pair: (min(pair), max(pair))), max_size=5).map(ch.unite)


@given(RANGES, RANGES, CODES)
def test_character_sets(a: ch.Ranges, b: ch.Ranges, code: int) -> None:
    def holds(ranges: ch.Ranges) -> bool:
        return any(low <= code <= high for low, high in ranges)

    assert holds(ch.complement(a)) is not holds(a)
    assert holds(ch.intersect(a, b)) is (holds(a) and holds(b))
    assert ch.overlap(a, b) is bool(ch.intersect(a, b))
    assert ch.complement(ch.complement(a)) == a
    if a and not 0xD800 <= code <= 0xDFFF:
        assert bool(re.fullmatch(ch.write_set(a), chr(code), re.ASCII)) is holds(a)
