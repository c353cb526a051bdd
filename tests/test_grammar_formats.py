"""Every format file: complete, linear, and the same to both engines.

The differential test is the heart: the regular expression the compiler made, and Lark's own automaton, must agree on every
sample line, on lines made from the grammar, and on mutations of both.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark

from reconstruct.grammar.check import check_definition
from reconstruct.grammar.compiler import compile_definition
from reconstruct.grammar.definition import read_definition
from reconstruct.grammar.generation import mutate_line
from reconstruct.grammar.lark_engine import LarkMatcher
from reconstruct.grammar.linear import MAX_WAYS
from reconstruct.grammar.matcher import FEW_LINES, matcher_for

ROOT = Path(__file__).parent.parent
FORMATS = {path.stem: path for path in sorted((ROOT / "grammars" / "formats").glob("*.lark"))}

MADE_LINES = 8
"""Lines made per format here; ``formats check`` makes more."""

LONG = 200_000
"""Characters of a hostile line. A quadratic matcher needs minutes for it, a linear one a hundredth of a second."""

PATIENCE_S = 3.0
"""Seconds one hostile line may take on a busy machine; the worst one takes 0.15."""

PUMPED = (" ", "a", '"', "\\", "0", "a=b ", ", ", "[a] ", '"" ', "::")
"""What a hostile line repeats: delimiters, and what fields are made of."""


def sample_lines(name: str) -> list[str]:
    path = ROOT / "samples" / name / f"{name}.log"
    return [line for line in path.read_bytes().decode().split("\n") if line] if path.is_file() else []


@pytest.mark.parametrize("name", FORMATS)
def test_check_finds_nothing(name: str) -> None:
    assert check_definition(FORMATS[name], sample_lines(name), FORMATS, MADE_LINES) == []


@pytest.mark.parametrize("name", FORMATS)
def test_lines_are_recognised_as_they_are_matched(name: str) -> None:
    """Detection asks less of a format than reading does, and must get the same answer; a format is not even asked about
    lines that begin as none of its lines can, or lack what all of them hold."""
    plan = compile_definition(read_definition(FORMATS[name]))
    matcher, random = matcher_for(plan), Random(name)
    lines = [line for other in random.sample(sorted(FORMATS), 6) for line in sample_lines(other)] + sample_lines(name)
    lines += [mutate_line(line, random) for line in lines for _ in range(3)]
    lines += ["", " ", "\r", *(f"{line}\r" for line in sample_lines(name))]
    lines = [line for line in lines if "\n" not in line]
    alone = matcher.match_block("\n".join(lines) + "\n").matched.tolist()
    assert matcher.recognise(lines) == alone
    many = -(-2 * FEW_LINES // len(lines))
    assert matcher.match_block(("\n".join(lines) + "\n") * many).matched.tolist() == alone * many
    matched = [line for line, is_one in zip(lines, alone, strict=True) if is_one]
    assert all(any(low <= ord(line[0]) <= high for low, high in plan.begins) for line in matched)
    assert all(text in line for line in matched for text in plan.holds)


@pytest.mark.parametrize("name", FORMATS)
def test_columns_do_not_depend_on_how_many_lines_there_are(name: str) -> None:
    matcher = matcher_for(compile_definition(read_definition(FORMATS[name])))
    lines = sample_lines(name)
    few = matcher.match_block("\n".join(lines) + "\n").texts()
    many = -(-2 * FEW_LINES // len(lines))
    assert matcher.match_block(("\n".join(lines) + "\n") * many).texts() == {
        key: texts * many for key, texts in few.items()
    }


@pytest.mark.parametrize("name", FORMATS)
def test_hostile_lines_take_linear_time(name: str) -> None:
    plan = compile_definition(read_definition(FORMATS[name]))
    assert 1 <= plan.ways <= MAX_WAYS
    matcher = matcher_for(plan)
    random = Random(name)
    for line in sample_lines(name)[:2]:
        places = [found.start() for found in re.finditer(r"\b", line)] + [len(line)]
        for part in random.sample(PUMPED, 4):
            place = random.choice(places)
            hostile = line[:place] + part * (LONG // len(part)) + random.choice([line[place:], "", "\x00"])
            start = time.perf_counter()
            assert len(matcher.match_block(hostile).matched) == 1
            assert time.perf_counter() - start < PATIENCE_S, (part, place, line)


def test_a_megabyte_in_every_place() -> None:
    matcher = matcher_for(compile_definition(read_definition(FORMATS["combined"])))
    line = '192.0.2.7 - bob [02/Jan/2026:15:04:05 +0000] "GET /a HTTP/1.1" 200 512 "-" "curl"'
    for place in (0, 10, 12, 16, 44, 47, 51, 60, 66, 72, 78, len(line)):
        for part in ("a", " ", '"', "\\", "["):
            start = time.perf_counter()
            matcher.match_block(line[:place] + part * 1_000_000 + line[place:])
            assert time.perf_counter() - start < PATIENCE_S, (place, part)


GENERATED = ("combined", "syslog_rfc5424", "logcat", "squid")
"""Formats whose strings hypothesis makes from Lark's own reading of the grammar: slow, so a few different ones."""


@pytest.mark.parametrize("name", GENERATED)
def test_engines_agree_on_strings_of_the_grammar(name: str) -> None:
    plan = compile_definition(read_definition(FORMATS[name]))
    regex, lark = matcher_for(plan), LarkMatcher(plan)
    # Earley is never run: the strategy reads the grammar only, and LALR would refuse the conflicts our engine keeps.
    grammar = Lark(
        plan.text, parser="earley", lexer="dynamic", source_path=plan.path, import_paths=[str(ROOT / "grammars")]
    )
    texts = {
        name: st.from_regex(re.compile(_without_looks(regexp), re.ASCII), fullmatch=True).filter(
            lambda text: "\n" not in text and "\r" not in text
        )
        for name, regexp in lark.terminals.items()
        if name in {terminal.name for terminal in grammar.terminals}
    }
    matched = 0

    @settings(max_examples=15, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(from_lark(grammar, explicit=texts))
    def agree(line: str) -> None:
        nonlocal matched
        found = regex.match_line(line)
        assert found == lark.match_line(line)
        matched += found is not None

    agree()
    assert matched


def _without_looks(regexp: str) -> str:
    return re.sub(r"\(\?[=!](?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)", "", regexp)
