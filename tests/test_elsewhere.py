"""Systems other than the simulated shop, reconstructed and held against what really happened (bench/elsewhere.py).

The floors are what a user needs where the logs tell it; what they cannot tell stands beside the lower ones. A failure names the
system, so it can be made again with ``python bench/elsewhere.py --only NAME --show``.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BENCH = Path(__file__).parent.parent / "bench"
VISITS = {"travel": 100, "rails": 40, "saas": 130, "spa": 90, "boutique": 40}
"""People who come to each system: no amount is told from fewer than 20 whole numbers, and references are learnt from what they do."""
FIGURES = (
    "pair_p",
    "order_session_p",
    "line_order_p",
    "order_session_r",
    "line_order_r",
    "visits_right",
    "orders_right",
    "amounts_exact",
)
FLOORS: dict[str, dict[str, float]] = {
    "travel": {},
    "travel, no trace at the edge": {},
    # Guests, and everybody before the login, leave nothing in the API by which their requests could be joined.
    "travel, no edge log": {"order_session_r": 0.3, "visits_right": 0.2},
    "travel, mail at its own pace": {},
    "rails": {},
    "rails, no edge log": {},
    "saas": {},
    # A sign-up that is refused and given up has no name yet.
    "saas, no edge log": {"visits_right": 0.85},
    "spa": {},
    "spa, no identifiers": {},
    # Who comes while another of the same address and browser is there asks for what either might.
    "spa, no identifiers, crowded": {
        "visits_right": 0.93,
        "pair_p": 0.93,
        "order_session_p": 0.95,
        "order_session_r": 0.95,
    },
    "boutique": {},
    # Lines of cart and checkout name the visitor, not the order.
    "boutique, no traces": {"line_order_r": 0.7},
}
"""Variant → figures whose floor is lower than FLOOR."""
FLOOR = 0.97


@pytest.fixture(scope="module", autouse=True)
def bench() -> Iterator[None]:
    """The benches are scripts beside each other, not a package."""
    sys.path.insert(0, str(BENCH))
    yield
    sys.path.remove(str(BENCH))


@pytest.mark.parametrize("variant", FLOORS)
def test_systems_of_other_people_are_understood(variant: str, tmp_path: Path) -> None:
    elsewhere, robustness = (importlib.import_module(name) for name in ("elsewhere", "robustness"))
    elsewhere.make(variant, tmp_path, 1, VISITS[variant.partition(",")[0]])
    figures, wrong = elsewhere.judge(robustness.reconstruct(tmp_path / "logs"), tmp_path)
    assert figures["orders"] >= 8, "too few orders to judge"
    assert figures["adds_up"] and not figures["unparsed"], figures
    floors = dict.fromkeys(FIGURES, FLOOR) | FLOORS[variant]
    low = {name: figures[name] for name, floor in floors.items() if figures[name] < floor}
    assert not low, (low, wrong)


def test_every_variant_has_floors() -> None:
    assert set(FLOORS) == set(importlib.import_module("elsewhere").VARIANTS)


def files(directory: Path) -> dict[str, bytes]:
    return {str(file.relative_to(directory)): file.read_bytes() for file in directory.rglob("*") if file.is_file()}


@pytest.mark.parametrize("variant", FLOORS)
def test_systems_repeat_themselves(variant: str, tmp_path: Path) -> None:
    elsewhere = importlib.import_module("elsewhere")
    for number, seed in enumerate((1, 1, 2)):
        elsewhere.make(variant, tmp_path / str(number), seed, 8)
    first, again, other = (files(tmp_path / str(number)) for number in range(3))
    assert first == again != other


def test_variants_lack_what_they_say_and_nothing_else(tmp_path: Path) -> None:
    elsewhere = importlib.import_module("elsewhere")
    made = {}
    for variant in FLOORS:
        elsewhere.make(variant, tmp_path / variant, 1, 12)
        made[variant] = files(tmp_path / variant / "logs")
    for system, edge in (("travel", "edge/access.log"), ("rails", "haproxy/haproxy.log"), ("saas", "caddy/access.log")):
        assert made[system].pop(edge)
        assert made[system] == made[f"{system}, no edge log"]
    assert b" tid=" not in made["travel, no trace at the edge"]["edge/access.log"]
    own_pace = made["travel, mail at its own pace"]
    assert [name for name, text in made["travel"].items() if own_pace[name] != text] == ["mailer/mailer.json"]
    with_traces, without = made["boutique"], made["boutique, no traces"]
    assert {name: text.count(b"\n") for name, text in with_traces.items()} == {
        name: text.count(b"\n") for name, text in without.items()
    }
    assert not [name for name, text in without.items() if b"TraceID" in text]


def test_the_judge_sees_what_is_wrong(tmp_path: Path) -> None:
    elsewhere, robustness = (importlib.import_module(name) for name in ("elsewhere", "robustness"))
    elsewhere.make("saas", tmp_path, 1, VISITS["saas"])
    document = robustness.reconstruct(tmp_path / "logs")
    before, named_before = elsewhere.judge(document, tmp_path)
    journey = next(each for each in document["journeys"] if each["business_journeys"])
    journey["business_journeys"][0]["value"]["amount"] = "0.01"
    journey["customer_journey"]["outcome"] = "browsed"
    after, named = elsewhere.judge(document, tmp_path)
    assert len(named) == len(named_before) + 2
    assert after["visits_right"] < before["visits_right"]
    assert after["amounts_exact"] < before["amounts_exact"]
    assert after["orders_right"] == before["orders_right"]
    journey["business_journeys"] *= 2
    assert elsewhere.judge(document, tmp_path)[0]["orders_right"] < before["orders_right"], "an order told twice"
