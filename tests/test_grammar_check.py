"""What a grammar's author is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconstruct.grammar.check import check_definition
from reconstruct.grammar.compiler import compile_definition
from reconstruct.grammar.definition import parse_definition
from reconstruct.grammar.lark_engine import LarkMatcher

HEADER = "// title: Test\n// kind: generic\n// docs: https://www.example.com/\n"
GRAMMAR = HEADER + 'start: LEVEL ": " USER " " PID\nLEVEL: /[A-Z]+/\nUSER: /[a-z]+/\nPID: /\\d+/\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.lark"


def test_a_good_grammar(path: Path) -> None:
    path.write_text(GRAMMAR)
    assert check_definition(path, ["INFO: bob 7"]) == []


def test_a_sample_beside_the_grammar_is_read(path: Path) -> None:
    path.write_text(GRAMMAR)
    path.with_suffix(".log").write_text("INFO: bob 7\nINFO: Bob 7\n")
    (problem,) = check_definition(path)
    assert "sample line 2 does not match from column 7\n  INFO: Bob 7\n        ^" in problem.message
    assert problem.hint == "expected USER"


def test_a_terminal_that_eats_its_delimiter(path: Path) -> None:
    text = HEADER + 'start: USER ":" PID\nUSER: WORD\nPID: /\\d+/\n%import common (WORD)\n'
    path.write_text(text)
    (problem,) = check_definition(path)
    assert "a terminal takes what should follow it" in problem.message
    assert 'expected the text ":"' in problem.message
    assert (problem.line, problem.column) == (4, 13)
    assert "UNTIL_COLON" in problem.hint


def test_an_unknown_loser(path: Path) -> None:
    path.write_text(GRAMMAR.replace("// docs", "// wins_over: combined, nobody\n// docs"))
    (problem,) = check_definition(path, known={"combined"})
    assert "nobody" in problem.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("start: A\n", "the header lacks"),
        (HEADER + "start: A\nA: /(?:a+)+b/\n", "inside a repetition"),
        (HEADER + 'start: A ["x" [B]] ["x" [C]]\nA: /a/\nB: /b/\nC: /c/\n', "two options read alike"),
    ],
)
def test_errors_are_problems(path: Path, text: str, message: str) -> None:
    path.write_text(text)
    (problem,) = check_definition(path)
    assert message in problem.message
    assert problem.hint


def test_a_file_that_is_not_there(path: Path) -> None:
    (problem,) = check_definition(path)
    assert "cannot read" in problem.message


@pytest.mark.parametrize(
    ("line", "column", "expected"),
    [
        ("INFO: bob 7", 12, ()),
        ("INFO: bob x", 11, ("PID",)),
        ("INFO: bob 7 ", 12, ("end of line",)),
        ("INFO bob 7", 5, ('": "',)),
        ("INFO: bob", 10, ('" "',)),
        ("", 1, ("LEVEL",)),
    ],
)
def test_explain_a_near_miss(line: str, column: int, expected: tuple[str, ...]) -> None:
    plan = compile_definition(parse_definition(GRAMMAR, Path("test.lark")))
    found = LarkMatcher(plan).explain(line)
    assert (found.column, found.expected) == (column, expected)
    assert found.fields == ({"level": "INFO", "user": "bob", "pid": "7"} if not expected else None)
