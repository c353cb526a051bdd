"""How the lines of one source are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconstruct.events.formats import known_formats, rank_plans
from reconstruct.events.source_profile import SourceProfile, profile_source
from reconstruct.grammar.plans import load_plans
from reconstruct.sources.model import Source

SOURCE = Source(0, "x.log", Path("x.log"), 1, None, "utf-8", "x.log", 0, 1_789_000_000 * 10**9, "f")


def profile(*lines: str) -> SourceProfile:
    return profile_source(("\n".join(lines) + "\n").encode(), SOURCE)


def test_a_format_comes_before_those_it_wins_over() -> None:
    plans = load_plans()
    at = {name: place for place, name in enumerate(rank_plans(plans))}
    assert sorted(at) == sorted(name for name, plan in plans.items() if not plan.below)
    beaten = [(name, other) for name, plan in plans.items() for other in plan.wins_over if other in plans]
    assert beaten
    assert all(at[name] < at[other] for name, other in beaten)


def test_a_format_that_says_little_must_read_most_of_a_source() -> None:
    timed = [f"2026-09-17 10:00:0{n},000 INFO [a.b] text" for n in range(9)]
    weak = "INFO:shop.orders:order 1001 placed"
    assert not any(known_formats().tells(name) for name in profile(weak).layer.formats)
    assert profile(*timed, weak).layer.formats == profile(*timed).layer.formats


@pytest.mark.parametrize(
    ("lines", "envelopes"),
    [
        (["a | b", "c | d", "2026-09-17 10:00:00 x"], []),
        (["web-1  | x", "db-1   | y", "web-1  | z"], ["compose"]),
        (["web-1  | x", "some-other-name  | y"], []),
        (['{"log":"x\\n","stream":"stdout","time":"2026-09-17T10:00:00Z"}'], ["docker"]),
        (['{"log":"x","time":"2026-09-17T10:00:00Z","level":"info"}'], []),
        (["2026-09-17T10:00:00.1Z stdout F x", "not wrapped"], ["cri"]),
    ],
)
def test_envelopes_are_told_from_text(lines: list[str], envelopes: list[str]) -> None:
    assert [name for name, _ in profile(*lines).layer.envelopes] == envelopes


def test_a_cut_line_at_the_end_of_the_sample_does_not_count() -> None:
    whole = '{"time":"2026-09-17T10:00:00Z","msg":"a"}\n'
    assert profile_source((whole + whole[:20]).encode(), SOURCE).layer.formats == ("json",)
