"""The benches that judge the correlator must not flatter it: guards really go off and come back, misses are named, charts are drawn to scale."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

BENCH = Path(__file__).parent.parent / "bench"


@pytest.fixture(scope="module", autouse=True)
def bench() -> Iterator[None]:
    """The benches are scripts beside each other, not a package."""
    sys.path.insert(0, str(BENCH))
    yield
    sys.path.remove(str(BENCH))


def guarded(ablation: ModuleType, guard: str) -> list[object]:
    return [
        getattr(importlib.import_module(f"reconstruct.correlate.{module}"), name)
        for module, name, _ in ablation.GUARDS[guard]
    ]


def test_every_guard_goes_off_and_comes_back() -> None:
    ablation = importlib.import_module("ablation")
    for guard in ablation.GUARDS:
        before = guarded(ablation, guard)
        with pytest.raises(ZeroDivisionError), ablation.switched_off(guard):
            off = guarded(ablation, guard)
            raise ZeroDivisionError
        assert all(a is not b for a, b in zip(before, off, strict=True)), guard
        assert all(a is b for a, b in zip(before, guarded(ablation, guard), strict=True)), guard


def test_a_guard_that_is_gone_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    ablation = importlib.import_module("ablation")
    monkeypatch.setitem(ablation.GUARDS, "gone", (("visits", "no_such_rule", 0),))
    with pytest.raises(AttributeError), ablation.switched_off("gone"):
        pass


def test_missed_figures_are_named() -> None:
    robustness = importlib.import_module("robustness")
    good = dict.fromkeys(robustness.COLUMNS, 1.0) | {"ece": 0.0}
    found = {"lost": {"0%": good, "30%": good, "100%": good}, "skew": {"0": good, "30": good}}
    assert robustness.judge(found) == []
    found["lost"]["30%"] = good | {"pair_f1": 0.94}
    found["skew"]["30"] = good | {"line_order_r": 0.98, "ece": 0.031}
    assert len(robustness.judge(found)) == 3


def test_wanted_points_are_on_the_curves() -> None:
    robustness = importlib.import_module("robustness")
    for key, point, words, _ in robustness.WANTED:
        assert point in robustness.CURVES[key].points, words


def test_a_chart_is_drawn_to_its_printed_scale() -> None:
    plot = importlib.import_module("plot")
    text = plot.line_chart(
        "A & B", "share", ["0%", "50%", "100%"], {"first": [1.0, 0.9, 0.8], "second": [1.0, 1.0, 1.0]}
    )
    svg = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    first, second = (
        [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        for line in svg.iter(f"{space}polyline")
    )
    assert [x for x, _ in first] == [x for x, _ in second] == sorted(x for x, _ in first)
    assert first[0] == second[0]
    assert first[1][1] - first[0][1] == pytest.approx(first[2][1] - first[1][1], abs=0.2)
    texts = [each.text for each in svg.iter(f"{space}text")]
    assert {"A & B", "0.8", "1", "first", "second", "50%"} <= set(texts)
    assert first[2][1] == plot.HEIGHT - plot.BOTTOM, "the least value stands on the lowest line"


def test_growth_is_a_slope() -> None:
    growth = importlib.import_module("growth")
    rows = [{"events": n, "linear": 3.0 * n, "square": n * n} for n in (10, 20, 40)]
    assert growth.exponent(rows, "linear") == pytest.approx(1)
    assert growth.exponent(rows, "square") == pytest.approx(2)
