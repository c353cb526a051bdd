"""Blocks of lines in, columns out."""

from __future__ import annotations

import gc
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconstruct.grammar.compiler import compile_definition
from reconstruct.grammar.definition import parse_definition, read_definition
from reconstruct.grammar.lark_engine import LarkMatcher
from reconstruct.grammar.matcher import FEW_LINES, WINDOW, Finder, Matcher, RegexMatcher, matcher_for, read_to_quotes
from reconstruct.grammar.plans import load_plans
from reconstruct.grammar.repeats import MAX_PAIR_COLUMNS
from reconstruct.resources import grammars_directory

SAMPLES = Path(__file__).parent.parent / "samples"
HEADER = "// title: Test\n// kind: generic\n// docs: https://www.example.com/\n"
PAIRS = 'start: ID (" " KEY "=" [VALUE])*\nID: /\\d+/\nKEY: /[a-z]\\w*/\nVALUE: /\\w+/\n'


def matcher_of(grammar: str) -> Matcher:
    return matcher_for(compile_definition(parse_definition(HEADER + grammar, Path("test.lark"))))


@pytest.fixture(scope="module")
def combined() -> Matcher:
    return matcher_for(compile_definition(read_definition(grammars_directory() / "formats" / "combined.lark")))


def line_of(n: int) -> str:
    return f'192.0.2.{n % 250} - u{n} [02/Jan/2026:15:04:05 +0000] "GET /{n} HTTP/1.1" 200 {n} "-" "agent \\"{n}\\""'


def test_columns_of_matched_lines_in_order(combined: Matcher) -> None:
    block = combined.match_block(f"{line_of(1)}\ngarbage\n\n{line_of(2)}\n")
    assert block.matched.tolist() == [True, False, False, True]
    assert block.texts()["user"] == ["u1", "u2"]
    assert block.texts()["user_agent"] == [r"agent \"1\"", r"agent \"2\""]
    assert list(block.columns) == [
        "client_ip", "user", "time", "method", "target", "protocol", "status", "bytes_sent", "referrer", "user_agent",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("", []),
        ("\n", [False]),
        ("\n\n", [False, False]),
        ("1", [True]),
        ("1\n", [True]),
        ("1\nx", [True, False]),
        ("x\n1", [False, True]),
        ("1\r\n2\r\n", [True, True]),
        ("1\r2\n", [False]),
        ("1\n\n", [True, False]),
        ("1\v\n2\x85\n3\u2028\n", [False, False, False]),  # only \n ends a line
    ],
)
def test_lines(text: str, flags: list[bool]) -> None:
    plan = compile_definition(parse_definition(HEADER + "start: ID\nID: /\\d+/\n", Path("test.lark")))
    for matcher in (matcher_for(plan), LarkMatcher(plan)):
        block = matcher.match_block(text)
        assert block.matched.tolist() == flags
        assert len(block.columns.get("id", [])) == sum(flags)


def test_no_field_reaches_into_the_next_line(combined: Matcher) -> None:
    cut = line_of(1)[:-8]  # the last quote is missing
    block = combined.match_block(f"{cut}\n{line_of(2)}\n{cut}\n")
    assert block.matched.tolist() == [False, True, False]
    assert block.texts()["user"] == ["u2"]


@given(st.lists(st.sampled_from([line_of(1), line_of(22), "x", "", '"', "\\"]), max_size=12))
def test_a_line_is_judged_alone(combined: Matcher, lines: list[str]) -> None:
    block = combined.match_block("".join(line + "\n" for line in lines))
    singles = [combined.match_line(line) for line in lines]
    assert block.matched.tolist() == [single is not None for single in singles]
    kept = [single for single in singles if single]
    assert all(column == [single.get(name, "") for single in kept] for name, column in block.texts().items())


def test_blocks_larger_than_a_window(combined: Matcher) -> None:
    lines = [line_of(n) if n % 7 else "x" for n in range(3 * WINDOW // 100)]
    block = combined.match_block("\n".join(lines))
    assert block.matched.tolist() == [bool(n % 7) for n in range(len(lines))]
    assert block.texts()["target"] == [f"/{n}" for n in range(len(lines)) if n % 7]


def test_garbage_collection_is_as_before(combined: Matcher) -> None:
    assert gc.isenabled()
    combined.match_block(line_of(1))
    assert gc.isenabled()
    gc.disable()
    try:
        combined.match_block(line_of(1))
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_match_line_takes_one_line(combined: Matcher) -> None:
    assert combined.match_line(line_of(1) + "\n" + line_of(2)) is None
    assert combined.match_line(line_of(1) + "\r") == combined.match_line(line_of(1))


def test_pairs_become_columns() -> None:
    block = matcher_of(PAIRS).match_block("1 b=2 a=3\n2\nx\n3 a=4 id=5 a=6\n")
    assert block.matched.tolist() == [True, True, False, True]
    assert block.texts() == {
        "id": ["1", "2", "3"],
        "a": ["3", "", "4, 6"],
        "b": ["2", "", ""],
        "pair.id": ["", "", "5"],
    }
    assert list(block.columns) == ["id", "a", "b", "pair.id"]


def test_invented_keys_do_not_become_columns_without_end() -> None:
    lines = [f"{n} k{n}=v{n} all=1\n" for n in range(2 * MAX_PAIR_COLUMNS)]
    columns = matcher_of(PAIRS).match_block("".join(lines)).texts()
    assert len(columns) == 1 + MAX_PAIR_COLUMNS + 1
    assert columns["all"] == ["1"] * len(lines)
    assert columns["pairs"][-1] in ("", f"k{len(lines) - 1}=v{len(lines) - 1}")
    values = {text for name in columns if name != "id" for text in columns[name]}
    assert all(any(f"v{n}" in text for text in values) for n in (0, 1, len(lines) - 1))


def test_a_single_field_and_a_field_in_several_places() -> None:
    assert matcher_of("start: MESSAGE\nMESSAGE: /.+/").match_block("a b\n").texts() == {"message": ["a b"]}
    repeated = 'start: HOP "," HOP ("," HOP)*\nHOP: /[a-z]+/'
    assert matcher_of(repeated).match_block("a,b\na,b,c,d\n").texts() == {"hop": ["a, b", "a, b, c, d"]}


QUOTING = [name for name, plan in load_plans().items() if read_to_quotes(plan.scan.pattern) != plan.scan.pattern]


@pytest.mark.parametrize("name", QUOTING)
@given(st.randoms(use_true_random=False))
@settings(max_examples=8, deadline=None)
def test_reading_to_the_next_quote_finds_the_same(name: str, random: Random) -> None:
    text = (SAMPLES / name / f"{name}.log").read_text(encoding="utf-8")
    for _ in range(random.randrange(6)):
        at = random.randrange(len(text))
        text = text[:at] + random.choice(['"', "\n", "\\", " ", "", '"\n"', "é"]) + text[at + random.randrange(3) :]
    text = text.rstrip("\n") + "\n"
    quick, plain = finders(name)
    assert quick.find(text) == plain.find(text)
    without = "\n".join(line for line in text.split("\n") if "\\" not in line) + "\n"
    assert quick.find(without) == plain.find(without)


@cache
def finders(name: str) -> tuple[Finder, Finder]:
    """Of a format, as it is and without reading to quotes."""
    quick, plain = (Finder(load_plans()[name].scan.pattern) for _ in range(2))
    plain.__dict__["_find_quoted"] = None
    return quick, plain


ENDING_IN_PAIRS = [
    name for name, plan in load_plans().items() if plan.engine == "regex" and RegexMatcher(plan)._loosely
]


@pytest.mark.parametrize("name", ENDING_IN_PAIRS)
@given(st.randoms(use_true_random=False))
@settings(max_examples=8, deadline=None)
def test_pairs_at_the_end_are_read_once_and_found_the_same(name: str, random: Random) -> None:
    """Also where a line goes on with something else: it is then no line of the format."""
    text = (SAMPLES / name / f"{name}.log").read_text(encoding="utf-8")
    for _ in range(random.randrange(3)):
        at = random.randrange(len(text))
        text = text[:at] + random.choice(["=", "\n", "\\", " ", ", ", "\t", "é"]) + text[at + random.randrange(3) :]
    text = (text.rstrip("\n") + "\n") * (FEW_LINES // text.count("\n") + 1)
    quick, plain = pair_readers(name)
    ours, theirs = quick.match_block(text), plain.match_block(text)
    assert ours.matched.tolist() == theirs.matched.tolist() == quick.recognise(text.removesuffix("\n").split("\n"))
    assert ours.texts() == theirs.texts()


@cache
def pair_readers(name: str) -> tuple[RegexMatcher, RegexMatcher]:
    """Of a format, as it is and with the pairs at the end matched in place."""
    quick, plain = RegexMatcher(load_plans()[name]), RegexMatcher(load_plans()[name])
    plain.__dict__["_loosely"] = None
    return quick, plain
