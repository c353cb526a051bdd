"""What a newcomer is told about the grammar of docs/formats.md with one slip in it: what, where, and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import reconstruct

from reconstruct.grammar.check import check_definition

HEADER = "// title: Till of the corner shop\n// kind: application\n// docs: https://example.com/till\n"
GRAMMAR = """\
start: TIME " [" LEVEL "] till=" TILL " " MESSAGE
TIME: DAY_MONTH_DATE
LEVEL: LOG_LEVEL
TILL: COUNT
MESSAGE: REST
%import common (DAY_MONTH_DATE, LOG_LEVEL, COUNT, REST, WORD)
"""
LINES = ["02-Jan-2026 15:04:05 [INFO] till=3 receipt 4711 opened", "02-Jan-2026 15:04:09 [WARN] till=3 no answer"]
KNOWN = {"combined", "common", "mine"}

Slip = tuple[str, str, str, int, int, str, str]

ALL = 'TIME " [" LEVEL "] till=" TILL " " MESSAGE'

SLIPS: list[Slip] = [
    # what, the right text, the wrong text, line, column (counted in the wrong file), message, hint
    ("misspelt type", "TILL: COUNT", "TILL: CUONT", 7, 7, "no type or field is called CUONT", "did you mean COUNT?"),
    ("misspelt field", '" TILL "', '" TIL "', 4, 34, "no type or field is called TIL", "did you mean TILL?"),
    ("missing import", "COUNT, REST", "REST", 7, 7, "COUNT is not imported", "%import common (DAY_MONTH_DATE, LOG_LEVEL, REST, WORD, COUNT)"),
    ("import of what is not there", "COUNT, REST", "COUNT, RESTS", 9, 51, "common.lark has no RESTS", "did you mean REST?"),
    ("import from elsewhere", "%import common (", "%import python (NAME)\n%import common (", 9, 9, "there is no python to import from", "common"),
    ("import of everything", "%import common (", "%import common\n%import common (", 9, 9, "what is imported must be named", "ISO8601"),
    ("misspelt header", "// title", "// titel", 1, 4, "the header has no key titel", "did you mean title?"),
    ("misspelt optional header", "// docs", "// wins-over: common\n// docs", 3, 4, "the header has no key wins-over", "did you mean wins_over?"),
    ("missing docs", "// docs: https://example.com/till\n", "", 1, 1, "the header lacks `// docs:`", "// docs: URL"),
    ("header without a value", "// docs: https://example.com/till", "// docs:", 3, 1, "`// docs:` says nothing", "// docs: URL"),
    ("unknown kind", "// kind: application", "// kind: app", 2, 10, "unknown kind 'app'", "application"),
    ("unknown loser", "// docs", "// wins_over: combind\n// docs", 3, 15, "wins_over names combind", "did you mean combined?"),
    ("unknown format above", "// docs", "// below: combind\n// docs", 3, 11, "below names combind", "did you mean combined?"),
    ("terminal that eats its delimiter", 'TILL " " MESSAGE', 'MESSAGE " " TILL', 4, 42, "takes what should follow it", "UNTIL_COLON"),
    ("nested repetition", "MESSAGE: REST", "MESSAGE: /(?:[a-z]+ ?)+x/", 8, 10, "inside a repetition [a-z]+", "Linear time"),
    ("pattern that goes on and back", "MESSAGE: REST", "MESSAGE: /.*foo.*/", 8, 10, "can be followed by what it repeats", "Linear time"),
    ("terminal that may be empty", "TILL: COUNT", r"TILL: /\d*/", 7, 7, "may match the empty text", "Linear time"),
    ("grammar that may be empty", ALL, "[TIME] [LEVEL] [TILL] [MESSAGE]", 4, 1, "matches an empty line", "always be there"),
    ("no field on the line", ALL, '"up" [" " TIME LEVEL TILL MESSAGE]', 4, 1, "no field is there on every line", "outside []"),
    ("equals sign for the colon", "start: ", "start = ", 4, 7, "a name is followed by a colon", "start: ..."),
    ("no colon", "LEVEL: LOG", "LEVEL LOG", 6, 6, "a name is followed by a colon", "LEVEL: ..."),
    ("bracket that is not closed", "start: TIME", "start: (TIME", 4, 8, "( is not closed", "close it"),
    ("bracket that closes nothing", " MESSAGE\n", " MESSAGE]\n", 4, 50, "] closes nothing", "remove it"),
    ("quote that is not closed", '"] till="', '"] till=', 4, 40, "a quote is not closed", "double quotes"),
    ("single quotes", '" ["', "' ['", 4, 13, "text stands in double quotes", "write \""),
    ("rule for a field", "TILL: COUNT", "till: COUNT", 4, 34, "TILL is not declared, till is", "small letters are rules"),
    ("type for a field", '" TILL "', '" COUNT "', 4, 34, "COUNT is a type, not a field", "FIELD: COUNT"),
    ("field of a rule", "TILL: COUNT", "TILL: number\nnumber: COUNT", 7, 7, "TILL is a field, and cannot hold the rule number", "NUMBER in capitals"),
    ("mixed case", "TILL: COUNT", "Till: COUNT", 7, 1, "Till mixes capitals and small letters", "TILL is a field"),
    ("start in capitals", "start:", "START:", 4, 1, "there is no rule `start`", "small letters"),
    ("hyphen in a name", '" TILL "', '" TILL-NO "', 4, 38, "letters, digits and underscores", "_ instead of -"),
    ("slash in a pattern", "TILL: COUNT", "TILL: /a/b/", 7, 11, "a slash ends the pattern", r"\/"),
    ("unbalanced pattern", "TILL: COUNT", r"TILL: /(\d+/", 7, 7, "missing ), unterminated subpattern", "grammars/README.md"),
    ("unknown escape", "TILL: COUNT", r"TILL: /\q+/", 7, 7, r"bad escape \q", "grammars/README.md"),
    ("back reference", "TILL: COUNT", r"TILL: /(\d)\1/", 7, 7, "a back reference cannot be matched", "grammars/README.md"),
    ("two groups", "TILL: COUNT", r"TILL: /(\d)(\d)?/", 7, 7, "may have one capturing group", "grammars/README.md"),
    ("two types", "TILL: COUNT", "TILL: COUNT | WORD", 7, 15, "TILL has two types", "one type"),
    ("declared twice", "TILL: COUNT", "TILL: COUNT\nTILL: WORD", 8, 1, "TILL is declared twice", "TILL__OTHER"),
    ("declared and not used", "TILL: COUNT", "TILL: COUNT\nSHOP: WORD", 8, 1, "SHOP is declared and not used", "into start"),
    ("%ignore", "MESSAGE: REST\n", 'MESSAGE: REST\n%ignore " "\n', 9, 1, "%ignore has no meaning", "every blank"),
    ("template", "TILL: COUNT\n", 'TILL: COUNT\nsep{x}: x " "\n', 8, 1, "templates are not supported", "write the rule out"),
    ("alternatives alike", ' " " MESSAGE', ' (" " (A | B))+ " " MESSAGE\nA: /[a-z]+/\nB: /[a-z0-9]+/', 4, 45, "A and B may look alike", "begin"),
]  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip[0])
def test_a_slip_is_shown_where_it_is(tmp_path: Path, slip: Slip) -> None:
    _, right, wrong, line, column, message, hint = slip
    text = HEADER + GRAMMAR
    assert right in text
    path = tmp_path / "mine.lark"
    path.write_text(text.replace(right, wrong, 1))
    problems = check_definition(path, LINES, KNOWN)
    problem = next(each for each in problems if message in each.message)
    assert (problem.line, problem.column) == (line, column), problem.message
    assert hint in problem.hint
    if "made from" not in problem.message:
        shown, caret = problem.message.split("\n")[-2:]
        assert shown == "  " + path.read_text().split("\n")[line - 1]
        assert caret == "  " + " " * (column - 1) + "^"


def test_without_a_slip_nothing_is_said(tmp_path: Path) -> None:
    path = tmp_path / "mine.lark"
    path.write_text(HEADER + "// author: Ann\n" + GRAMMAR.replace(", WORD", ""))
    assert check_definition(path, LINES, KNOWN) == []


@pytest.mark.parametrize("ends", ["\r\n", "\n"])
def test_line_ends_do_not_matter(tmp_path: Path, ends: str) -> None:
    path = tmp_path / "mine.lark"
    path.write_bytes((HEADER + GRAMMAR).replace("\n", ends).encode())
    assert check_definition(path, LINES, KNOWN) == []


def test_a_sample_that_does_not_match_says_what_was_expected(tmp_path: Path) -> None:
    path = tmp_path / "mine.lark"
    path.write_text(HEADER + GRAMMAR)
    (problem,) = check_definition(path, ["02-01-2026 15:04:05 [INFO] till=3 x"], KNOWN)
    assert "does not match from column 1" in problem.message
    assert problem.hint == "expected TIME: DAY_MONTH_DATE (02-Jan-2026 15:04:05.123 (Tomcat, BIND))"


def test_a_grammar_without_lines_is_told_to_have_some(tmp_path: Path) -> None:
    path = tmp_path / "mine.lark"
    path.write_text(HEADER + GRAMMAR)
    found = reconstruct("formats", "check", path)
    assert found.returncode == 0
    assert f"hint: put lines of the log into {tmp_path / 'mine.log'}" in found.stderr
    path.with_suffix(".log").write_text("\n".join(LINES))
    assert "hint" not in reconstruct("formats", "check", path).stderr


@pytest.mark.parametrize(
    "text", ["", "\n", "start", '"', "/", "%", "%import", "a" * 5000, "start: [[[[[[", "\x00", "((("]
)
def test_anything_is_answered(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.lark"
    for whole in (text, HEADER + text, HEADER + GRAMMAR + text):
        path.write_text(whole)
        for problem in check_definition(path, LINES, KNOWN):
            assert problem.message and problem.hint
