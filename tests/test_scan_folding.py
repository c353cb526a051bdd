"""Which lines continue the entry above them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconstruct.events.multiline import BLANK, DIRECTIVE, LOOSE, NOBODY, START, Run, find_owners, looks_continued

FAR = 1 << 20


def run_of(lines: list[str], *, absorbs: bool, alone: bool = False, streams: str = "") -> Run:
    """A run from lines: ``* text`` starts an entry, ``# text`` is a directive, ``…`` at the end: it was cut."""
    shape = [START if x[:2] == "* " else DIRECTIVE if x[:1] == "#" else LOOSE if x.strip() else BLANK for x in lines]
    text = [x.removeprefix("* ") for x in lines]
    return Run(
        np.array(shape, np.int8),
        np.cumsum([len(x) + 1 for x in text]),
        text,
        np.array([absorbs and each == START for each in shape]),
        np.array([alone and each == LOOSE for each in shape]),
        np.array([x.endswith("…") for x in text]),
        np.array([ord(c) for c in streams] or [0] * len(lines), np.int32),
    )


def owners(lines: list[str], **how: object) -> list[int]:
    return find_owners(run_of(lines, **how), FAR).tolist()  # type: ignore[arg-type]


def test_plain_text_below_a_timestamped_entry_is_part_of_it() -> None:
    lines = ["* 10:00 boom", "Traceback (most", "", "  File x", "KeyError: 'a'", "", "* 10:01"]
    assert owners(lines, absorbs=True) == [0, 0, 0, 0, 0, NOBODY, 6]


def test_plain_text_below_an_access_line_is_nobodys() -> None:
    assert owners(["* GET /", "what is this", "\tindented after it"], absorbs=False) == [0, NOBODY, NOBODY]


PYTHON = [
    "Traceback (most recent call last):",
    '  File "a.py", line 1, in f',
    "    g()",
    "shop.errors.Declined: no funds",
]
JAVA = ["\tat com.example.A.b(A.java:1)", "Caused by: java.io.IOException: gone", "\t... 12 more"]
GO = ["goroutine 1 [running]:", "main.run(0x1, 0x2)", "\t/srv/main.go:12 +0x1d", "created by main.start"]
NODE = ["    at Object.<anonymous> (/srv/a.js:1:1)", "}"]


@pytest.mark.parametrize("trace", [PYTHON, JAVA, GO, NODE], ids=["python", "java", "go", "node"])
def test_a_stack_trace_continues_any_entry(trace: list[str]) -> None:
    assert owners(["* {json}", *trace, "* {json}"], absorbs=False) == [0] * (len(trace) + 1) + [len(trace) + 1]


def test_the_line_that_ends_a_traceback_ends_it() -> None:
    assert owners(["* x", *PYTHON, "Note: unrelated"], absorbs=False)[-1] == NOBODY


def test_a_line_that_is_cut_goes_on_in_the_next_one_of_its_stream() -> None:
    assert owners(["* {part…", "two…", "three", "four"], absorbs=False, alone=True) == [0, 0, 0, 3]


def test_streams_do_not_continue_each_other() -> None:
    lines = ["* a: boom", "\tat A", "\tat B", "\tat C"]
    assert owners(lines, absorbs=True, alone=True, streams="aaba") == [0, 0, 2, 3]


def test_a_line_known_by_its_envelope_takes_the_trace_below_it() -> None:
    assert owners(["* x", "plain", *PYTHON], absorbs=False, alone=True) == [0, 1, 1, 1, 1, 1]


def test_nothing_is_continued_before_the_first_entry_or_across_a_directive() -> None:
    assert owners(["\tat A", "* x", "#Fields: a", "\tat B"], absorbs=True) == [NOBODY, 1, NOBODY, NOBODY]


def test_continuations_end_at_the_reach() -> None:
    run = run_of(["* x", *["y" * 9] * 5], absorbs=True)
    assert find_owners(run, 30).tolist() == [0, 0, 0, 0, NOBODY, NOBODY]


@pytest.mark.parametrize(
    ("text", "is_continued"),
    [
        ("\tat com.example.A.b(A.java:1)", True),
        ("Caused by: x", True),
        ("Traceback (most recent call last):", True),
        ("... 3 more", True),
        ("} ", True),
        ("at the end of the day", False),
        ("2026-01-01 10:00:00 INFO x", False),
        ("{", False),
    ],
)
def test_shapes_of_continuations(text: str, is_continued: bool) -> None:
    assert looks_continued(text) is is_continued


LINE = st.sampled_from(
    ["* {a}", "* {b…", "plain", "cut…", "\tat x", "Traceback (most recent call last):", "E: x", "", "#F"]
)


@given(st.lists(LINE, max_size=30), st.booleans(), st.booleans(), st.integers(0, 60))
def test_the_quick_way_judges_as_the_careful_one(lines: list[str], absorbs: bool, alone: bool, reach: int) -> None:
    """One stream and no cut lines take a shortcut; a second stream far away switches it off."""
    quick = run_of(lines, absorbs=absorbs, alone=alone)
    if quick.partial.any() or (alone and DIRECTIVE in quick.shape):
        return
    careful = run_of([*lines, "* other"], absorbs=absorbs, alone=alone, streams="a" * len(lines) + "b")
    assert find_owners(quick, reach).tolist() == find_owners(careful, reach).tolist()[:-1]


@given(st.lists(LINE, max_size=30), st.booleans(), st.booleans(), st.integers(0, 60))
def test_entries_are_adjacent_lines(lines: list[str], absorbs: bool, alone: bool, reach: int) -> None:
    found = find_owners(run_of(lines, absorbs=absorbs, alone=alone), reach)
    for owner in set(found.tolist()) - {NOBODY}:
        rows = np.flatnonzero(found == owner)
        assert rows[0] == owner and rows[-1] - rows[0] == len(rows) - 1
