"""Every format against its sample: the lines match, mean what is expected, and belong to no format that is tried before.

A format needs nothing here: its ``grammars/formats/<id>.lark``, ``samples/<id>/<id>.log`` and
``samples/<id>/<id>.expected.jsonl`` are found by name.
"""

from __future__ import annotations

import ipaddress
import json
import re
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from reconstruct.events.formats import rank_plans
from reconstruct.grammar.fields import FIELDS, type_columns
from reconstruct.grammar.matcher import Matcher, matcher_for
from reconstruct.grammar.plans import load_plans
from reconstruct.grammar.timestamps import TimeAnchor, format_times

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"
FORMATS = sorted(path.stem for path in (ROOT / "grammars" / "formats").glob("*.lark"))

LEAST_LINES = 4
"""A sample of fewer lines cannot show the oddities of a format."""

ANCHOR = TimeAnchor(modified_ns=1_789_430_400 * 10**9)
"""2026-09-15T00:00:00Z completes stamps without a year or a day."""

ADDRESS = re.compile(r"(?<![\w.:-])\d{1,3}(?:\.\d{1,3}){3}(?![\w.-])")
OURS = [
    ipaddress.ip_network(block)
    for block in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.0.0.0/8", "127.0.0.0/8", "0.0.0.0/32")
]


@pytest.fixture(scope="session")
def matchers() -> dict[str, Matcher]:
    """Every format: those that read lines below an entry, then the others in the order in which they are tried. A grammar
    that does not compile fails here, once."""
    plans = load_plans()
    below = [name for name, plan in plans.items() if plan.below]
    return {name: matcher_for(plans[name]) for name in (*below, *rank_plans(plans))}


def sample_text(name: str) -> str:
    return (SAMPLES / name / f"{name}.log").read_bytes().decode("utf-8")


def sample_lines(name: str) -> list[str]:
    return sample_text(name).split("\n")[:-1]


def expected_rows(name: str) -> list[dict[str, Any]]:
    lines = (SAMPLES / name / f"{name}.expected.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def read_row(matcher: Matcher, line: str) -> dict[str, Any]:
    """The event of a line, as a row of the ``events`` output without its place."""
    texts = matcher.match_line(line)
    assert texts is not None
    columns = {field: [text] for field, text in texts.items()}
    typed = type_columns(columns, matcher.plan.decoders, 1, ANCHOR, matcher.plan.fields)
    if "time_ns" in typed:
        typed["time"] = format_times(typed["time_ns"])
    values = {field: typed[field][0].as_py() for field in ("time", *FIELDS, "attributes") if field in typed}
    row = {field: value for field, value in values.items() if value is not None}
    if "attributes" in row:
        row["attributes"] = json.loads(row["attributes"])
    return row


@pytest.mark.parametrize("name", FORMATS)
def test_every_sample_line_is_of_its_format(name: str, matchers: dict[str, Matcher]) -> None:
    lines = sample_lines(name)
    assert len(lines) >= LEAST_LINES
    assert [line for line in lines if matchers[name].match_line(line) is None] == []


@pytest.mark.parametrize("name", FORMATS)
def test_sample_means_what_is_expected(name: str, matchers: dict[str, Matcher]) -> None:
    assert [read_row(matchers[name], line) for line in sample_lines(name)] == expected_rows(name)


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_tried_before_claims_the_sample(name: str, matchers: dict[str, Matcher]) -> None:
    text = sample_text(name)
    before = () if matchers[name].plan.below else takewhile(lambda other: other != name, matchers)
    entries = [other for other in before if not matchers[other].plan.below]
    assert [other for other in entries if matchers[other].match_block(text).matched.any()] == []


@pytest.mark.parametrize("name", FORMATS)
def test_samples_name_nobody(name: str) -> None:
    found = [ipaddress.ip_address(text) for text in ADDRESS.findall(sample_text(name)) if _is_address(text)]
    assert [str(address) for address in found if not any(address in block for block in OURS)] == []


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def test_a_format_named_in_wins_over_exists(matchers: dict[str, Matcher]) -> None:
    named = {other for matcher in matchers.values() for other in matcher.plan.wins_over}
    assert named - set(matchers) == set()


def test_lines_below_are_of_formats_of_entries(matchers: dict[str, Matcher]) -> None:
    above = {matcher.plan.below for matcher in matchers.values()} - {""}
    assert {name: matchers[name].plan.below for name in above} == dict.fromkeys(above, "")


def test_samples_belong_to_formats() -> None:
    named = {path.parent.name for path in SAMPLES.glob("*/*.expected.jsonl")}
    assert named - set(FORMATS) == set()
