"""Grammars to plans: what a grammar means, and what is refused, where, and with which advice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from reconstruct.errors import GrammarError
from reconstruct.grammar.check import make_lines
from reconstruct.grammar.compiler import compile_definition
from reconstruct.grammar.definition import parse_definition
from reconstruct.grammar.generation import mutate_line
from reconstruct.grammar.lark_engine import LarkMatcher
from reconstruct.grammar.matcher import matcher_for
from reconstruct.grammar.plans import MatchPlan

HEADER = "// title: Test\n// kind: generic\n// docs: https://www.example.com/\n"
IMPORTS = (
    "\n%import common (WORD, QUOTED, COUNT, NAME, REST, UNTIL_COLON, UNTIL_COMMA, QUOTED_OR_WORD, LOG_LEVEL, ISO8601, "
    "UNTIL_SPACE, HTTP_DATE, _SP, request)\n"
)

Matches = Callable[[str], dict[str, str] | None]


def plan_of(grammar: str, name: str = "test") -> MatchPlan:
    return compile_definition(parse_definition(HEADER + grammar + IMPORTS, Path(f"{name}.lark")))


def match_with_both(grammar: str) -> Matches:
    """A function that matches a line with both engines and holds them to one answer."""
    plan = plan_of(grammar)
    regex, lark = matcher_for(plan), LarkMatcher(plan)

    def match(line: str) -> dict[str, str] | None:
        found = regex.match_line(line)
        assert found == lark.match_line(line), line
        return found

    return match


CASES: dict[str, tuple[str, dict[str, dict[str, str] | None]]] = {
    "fields are terminals, underscores are dropped": (
        'start: HOST " " _ZONE " " USER_AGENT\nHOST: WORD\n_ZONE: WORD\nUSER_AGENT: QUOTED',
        {
            'www x "a b"': {"host": "www", "user_agent": "a b"},
            r'www x "say \"hi\""': {"host": "www", "user_agent": r"say \"hi\""},
            'www x ""': {"host": "www"},
            "www x a": None,
            "": None,
        },
    ),
    "options and nested options": (
        'start: HOST [":" PORT ["/" PATH]]\nHOST: /[a-z]+/\nPORT: /\\d+/\nPATH: /[a-z]+/',
        {
            "www": {"host": "www"},
            "www:80": {"host": "www", "port": "80"},
            "www:80/a": {"host": "www", "port": "80", "path": "a"},
            "www/a": None,
        },
    ),
    "one field in several alternatives": (
        'start: "[" LEVEL "] " HOST | HOST ": " LEVEL\nLEVEL: LOG_LEVEL\nHOST: /[a-z]+/',
        {
            "[INFO] www": {"level": "INFO", "host": "www"},
            "www: WARN": {"level": "WARN", "host": "www"},
            "www: no": None,
        },
    ),
    "variants fill the same field": (
        'start: TARGET__QUOTED " " ID | TARGET " " ID\nTARGET: WORD\nTARGET__QUOTED: QUOTED\nID: /\\d+/',
        {'"a b" 1': {"target": "a b", "id": "1"}, "a 1": {"target": "a", "id": "1"}},
    ),
    "the first alternative that completes the line wins": (
        'start: ID " " METHOD " " TARGET | ID " " MESSAGE\nID: /\\d+/\nMETHOD: /[A-Z]+/\nTARGET: WORD\nMESSAGE: REST',
        {
            "1 GET /a": {"id": "1", "method": "GET", "target": "/a"},
            "1 GET /a b": {"id": "1", "message": "GET /a b"},
            "1 GET": {"id": "1", "message": "GET"},
        },
    ),
    "a request line, spaces in it, and garbage": (
        "start: request _SP STATUS\nSTATUS: /\\d{3}/",
        {
            '"GET /a?b=1 HTTP/1.1" 200': {"method": "GET", "target": "/a?b=1", "protocol": "HTTP/1.1", "status": "200"},
            '"GET /a" 200': {"method": "GET", "target": "/a", "status": "200"},
            '"GET /a b HTTP/1.1" 200': {"method": "GET", "target": "/a b", "protocol": "HTTP/1.1", "status": "200"},
            r'"\x16\x03\x01" 400': {"request": r"\x16\x03\x01", "status": "400"},
            '"GET" 400': {"request": "GET", "status": "400"},
            '"" 408': {"status": "408"},
            '"-" 408': {"request": "-", "status": "408"},
        },
    ),
    "a rule with an exclamation mark is a field": (
        'start: ID " " message\n!message: "user " USER " logged in" | "user " USER " left"\nID: /\\d+/\nUSER: /[a-z]+/',
        {"1 user bob left": {"id": "1", "user": "bob", "message": "user bob left"}, "1 bob": None},
    ),
    "pairs": (
        'start: ID (" " KEY "=" [VALUE])*\nID: /\\d+/\nKEY: NAME\nVALUE: QUOTED_OR_WORD',
        {
            "7": {"id": "7"},
            '7 a=1 b="x y" c=': {"id": "7", "a": "1", "b": "x y"},
            "7 id=8": {"id": "7", "pair.id": "8"},
            "7 a=1 a=2": {"id": "7", "a": "1, 2"},
            "7 a=1 b": None,
        },
    ),
    "pairs, then text: the repetition gives nothing back": (
        'start: ID (" " KEY "=" VALUE)* [" " MESSAGE]\nID: /\\d+/\nKEY: NAME\nVALUE: /[^ "]+/\nMESSAGE: REST',
        {
            "7 a=1 b=2 all done": {"id": "7", "a": "1", "b": "2", "message": "all done"},
            "7 all done a=1": {"id": "7", "message": "all done a=1"},
            '7 a=1"b': None,
        },
    ),
    "fields in any order, several of one": (
        'start: TIME (" [" (PID | "user " USER) "]")* ": " MESSAGE\n'
        "TIME: /\\d+/\nPID: /\\d+/\nUSER: /[a-z]+/\nMESSAGE: REST",
        {
            "1 [7] [user bob]: x": {"time": "1", "pid": "7", "user": "bob", "message": "x"},
            "1 [user bob] [7] [user eve]: x": {"time": "1", "pid": "7", "user": "bob, eve", "message": "x"},
            "1: x": {"time": "1", "message": "x"},
        },
    ),
    "a repetition in a repetition": (
        'start: ID (" [" NAME_OF (" " KEY "=" VALUE)* "]")+\nID: /\\d+/\nNAME_OF: NAME\nKEY: NAME\nVALUE: QUOTED',
        {
            '1 [a x="1" y="2"] [b] [c z="3"]': {"id": "1", "name_of": "a, b, c", "x": "1", "y": "2", "z": "3"},
            "1": None,
        },
    ),
    "values that look ahead for the next key": (
        'start: ID (" " KEY "=" VALUE)*\nID: /\\d+/\nKEY: NAME\nVALUE: /[^ ]+(?: (?!\\w{1,30}=)[^ ]+)*/',
        {"1 a=x y z b=c": {"id": "1", "a": "x y z", "b": "c"}, "1 a=x y": {"id": "1", "a": "x y"}},
    ),
    "literals that are called like a field": (
        'start: "PID" "=" PID | "USER" " " (USER | "PID" NUM)\nPID: /\\d+/\nUSER: /[a-z]+/\nNUM: /\\d+/',
        {
            "PID=7": {"pid": "7"},
            "PID=PID": None,
            "USER bob": {"user": "bob"},
            "USER USER": None,
            "USER PID7": {"num": "7"},
        },
    ),
    "counted repetition": (
        'start: ID ("." PART)~1..2\nID: /\\d+/\nPART: /\\d+/',
        {"1.2": {"id": "1", "part": "2"}, "1.2.3": {"id": "1", "part": "2, 3"}, "1.2.3.4": None, "1": None},
    ),
    "case, ranges and literals": (
        'start: LEVEL "-"i "a".."c" " " ID\nLEVEL: "info"i | "warn"\nID: "x".."z"',
        {"INFO-b y": {"level": "INFO", "id": "y"}, "WARN-b y": None, "warn-b y": {"level": "warn", "id": "y"}},
    ),
    "real recursion runs on Lark": (
        'start: ID " " tree\n!tree: "(" (tree | LEAF)* ")"\nID: /\\d+/\nLEAF: /[a-z]/',
        {"1 (a(b)c)": {"id": "1", "tree": "(a(b)c), (b)", "leaf": "a, b, c"}, "1 (a": None},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_meaning(name: str) -> None:
    grammar, lines = CASES[name]
    match = match_with_both(grammar)
    assert {line: match(line) for line in lines} == lines


def test_engine_is_chosen_by_recursion() -> None:
    grammar, _ = CASES["real recursion runs on Lark"]
    assert plan_of(grammar).engine == "lark"
    assert plan_of("start: ID\nID: WORD").engine == "regex"


def test_decoders_are_the_types_of_common() -> None:
    plan = plan_of(
        'start: TIME " " STAMP2 " " BYTES_SENT " " USER " " PLAIN " " REFERRER " " request (" " KEY "=" VALUE)*\n'
        'TIME: HTTP_DATE\nSTAMP2: MY_TIME\nMY_TIME: ISO8601\nBYTES_SENT: COUNT | "none"\nUSER: WORD\nPLAIN: /\\d+/\n'
        "REFERRER: QUOTED\nKEY: NAME\nVALUE: QUOTED_OR_WORD"
    )
    assert plan.decoders == {
        "bytes_sent": "COUNT",
        "key": "NAME",
        "method": "HTTP_METHOD",
        "protocol": "HTTP_PROTOCOL",
        "referrer": "QUOTED",
        "request": "UNTIL_QUOTE",
        "stamp2": "ISO8601",
        "target": "HTTP_TARGET",
        "time": "HTTP_DATE",
        "user": "WORD",
        "value": "QUOTED_OR_WORD",
    }
    assert "key" not in plan.fields


SHARED: dict[str, tuple[str, int, int]] = {
    "a beginning": ('start: A " " B " " C | A " " B ":" D', 4, 1),
    "an ending": ('start: "[" A "] " C " " D | A ": " C " " D', 4, 1),
    "both, around an option": ('start: A " " [B " "] C | A " " D " " C', 4, 1),
    "nothing: an option that may match in two ways": ('start: A [" " W] " " C | A [" " W] " " D', 5, 4),
}


@pytest.mark.parametrize("name", SHARED)
def test_what_alternatives_share_is_matched_once(name: str) -> None:
    rules, groups, ways = SHARED[name]
    grammar = rules + "\nA: /a+/\nB: /b+/\nC: /c+/\nD: /d+/\nW: /[a-d]+/"
    plan = plan_of(grammar)
    assert (len(plan.scan.slots), plan.ways) == (groups, ways)
    match, random = match_with_both(grammar), Random(1)
    made = make_lines(LarkMatcher(plan))
    assert all(match(line) for line in made)
    for line in made * 5:
        match(mutate_line(line, random))


def test_specificity_counts_what_a_line_says() -> None:
    less, more, literal = (
        plan_of(grammar).specificity
        for grammar in (
            "start: MESSAGE\nMESSAGE: REST",
            "start: TIME\nTIME: ISO8601",
            'start: "level=" LEVEL\nLEVEL: WORD',
        )
    )
    assert less == 0 < literal < more


REFUSED: dict[str, tuple[str, str, tuple[int, int]]] = {
    "no start": ("begin: ID\nID: WORD", "there is no rule `start`", (1, 1)),
    "unknown type": ("start: ID\nID: WROD", "WROD", (5, 5)),
    "unknown rule": ("start: ID tail\nID: WORD", "no rule is called tail", (4, 11)),
    "a type as a field": ('start: ID " " WORD\nID: /a/', "WORD is a type, not a field", (4, 15)),
    "syntax": ("start: ID (\nID: WORD", "( is not closed", (4, 11)),
    "ignored blanks": ('start: ID\nID: WORD\n%ignore " "', "%ignore has no meaning", (6, 1)),
    "templates": ('start: two{ID}\ntwo{x}: x ":" x\nID: /a/', "templates are not supported", (5, 1)),
    "an empty terminal": ("start: ID TAIL\nID: WORD\nTAIL: /x*/", "TAIL: may match the empty text", (6, 7)),
    "an ambiguous terminal": ("start: ID\nID: /(?:a+)+b/", "ID: inside a repetition", (5, 5)),
    "two groups": ("start: ID\nID: /(a)(b)/", "one capturing group", (5, 5)),
    "two types": ("start: ID\nID: COUNT | WORD", "two types", (5, 13)),
    "no field for sure": ("start: [ID]\nID: WORD", "matches an empty line", (4, 1)),
    "only a field that may be empty": ('start: "x" ID\nID: QUOTED', "no field is there on every line", (4, 1)),
    "a repetition that may be empty": ('start: ID ["a"]*\nID: /b/', "repeats something that may be empty", (4, 12)),
    "an ambiguous repetition": (
        'start: ID (" " (LEFT | RIGHT))*\nID: /b/\nLEFT: /[a-z]+/\nRIGHT: /[a-f]+/',
        "LEFT and RIGHT may look alike",
        (4, 17),
    ),
    "a repetition that looks behind": ("start: ID (PART)*\nID: /b/\nPART: /(?<=b)c/", "looks behind", (4, 12)),
    "a literal that is a field's pattern": (
        'start: LEVEL " " "INFO"\nLEVEL: "INFO"',
        "whole pattern of LEVEL",
        (4, 18),
    ),
    "too many ways": (
        "start: ID "
        + " ".join(f'[" " A{i}]' for i in range(7))
        + ' " " TAIL\nID: /b/\nTAIL: /[a-z]+/\n'
        + "\n".join(f"A{i}: /[a-{chr(110 + i)}]+/" for i in range(7)),
        "more than 64 ways",
        (4, 12),
    ),
    "counts beyond reason": ('start: ID "x"~99\nID: /b/', "~99 is more than 16", (4, 1)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_at_its_place(name: str) -> None:
    grammar, message, place = REFUSED[name]
    with pytest.raises(GrammarError) as caught:
        plan_of(grammar)
    error = caught.value
    assert message in error.message
    assert (error.line, error.column) == place
    assert error.hint
    assert str(error.path) == "test.lark"
    shown, caret = error.message.split("\n")[-2:]
    assert caret.index("^") - 2 == error.column - 1
    assert shown[2:] == (HEADER + grammar + IMPORTS).split("\n")[error.line - 1]


def test_lines_are_matched_as_a_whole_however_long() -> None:
    match = match_with_both("start: ID _SP MESSAGE\nID: /\\d+/\nMESSAGE: REST")
    assert match("1 " + "x" * 100_000) == {"id": "1", "message": "x" * 100_000}


def test_an_ambiguous_line_that_fails_is_left_soon() -> None:
    """A recursive grammar cannot be proven; its matcher gives a line up instead."""
    grammar = 'start: ID " " sum\nsum: sum "+" sum | N | M\nID: /\\d+/\nN: /\\d/\nM: /\\d/'
    lark = LarkMatcher(plan_of(grammar))
    assert lark.match_line("1 " + "+".join("1" * 60) + "+") is None
