"""Simulated shops, reconstructed and held against what really happened (bench/simulate.py, bench/scoring.py).

The thresholds are what a user needs, not what was measured; a failure names the shop, so it can be made again with
``python bench/simulate.py OUT`` and the same knobs.
"""

from __future__ import annotations

import gzip
import importlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconstruct.export.document import write_json
from reconstruct.options import Options
from reconstruct.pipeline import open_paths

BENCH = Path(__file__).parent.parent / "bench"
SESSIONS = 70
Document = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def bench() -> Iterator[None]:
    """The benches are scripts beside each other, not a package."""
    sys.path.insert(0, str(BENCH))
    yield
    sys.path.remove(str(BENCH))


def simulate(out: Path, **knobs: object) -> Path:
    shop = importlib.import_module("simulate")
    shop.simulate(shop.Shop(**{"sessions": SESSIONS, "seed": 3, "days": 2, "buyers": 0.35, **knobs}), out)
    return out


def reconstruct(*paths: Path, chunk_bytes: int = 8 << 20) -> Document:
    results = open_paths(paths, Options(cache=False, workers=1, chunk_bytes=chunk_bytes))
    written = io.BytesIO()
    write_json(results, written)
    results.close()
    document: Document = json.loads(written.getvalue())
    return document


def score(document: Document, directory: Path) -> dict[str, float]:
    scoring = importlib.import_module("scoring")
    figures: dict[str, float] = scoring.score(document, scoring.read_truth(directory / "truth-lines.jsonl.gz"))
    return figures


Scored = Callable[..., tuple[dict[str, float], Document]]


@pytest.fixture
def scored(tmp_path: Path) -> Scored:
    """``scored(knob=value, ...)``: simulate a shop, reconstruct it, compare."""

    def run(**knobs: object) -> tuple[dict[str, float], Document]:
        directory = simulate(tmp_path / "shop", **knobs)
        document = reconstruct(directory / "logs")
        figures = score(document, directory)
        assert figures["orders"] >= 8, "too few orders to judge"
        assert figures["adds_up"], figures
        return figures, document

    return run


def lines_on_disk(logs: Path) -> int:
    files = (file for file in logs.rglob("*") if file.is_file())
    return sum((gzip.decompress(f.read_bytes()) if f.suffix == ".gz" else f.read_bytes()).count(b"\n") for f in files)


@pytest.mark.parametrize(
    "knobs",
    [
        pytest.param({}, id="with identifiers"),
        pytest.param({"edge": "json", "style": "spring"}, id="JSON edge and Spring Boot"),
        pytest.param({"nat": 0.6, "mobile": 0.1}, id="offices behind one address"),
        pytest.param({"mobile": 0.8, "nat": 0.0}, id="addresses that change"),
        pytest.param({"guests": 0.0, "rotate_login": True}, id="session ids that change at login"),
        pytest.param({"declined": 0.5}, id="declined cards and retries"),
        pytest.param({"double_submits": 0.8}, id="double submits"),
        pytest.param({"missing_session": 0.3}, id="session ids lost"),
        pytest.param({"bots": 0.5}, id="robots"),
        pytest.param({"skew_app": 1500, "skew_payments": -1200}, id="clocks that disagree"),
    ],
)
def test_sessions_and_orders_are_found(scored: Scored, knobs: dict[str, object]) -> None:
    figures, _ = scored(**knobs)
    assert figures["pair_f1"] >= 0.95, figures
    assert figures["exact"] >= 0.85, figures
    assert figures["inflation"] <= 1.3, figures
    assert figures["order_session_p"] >= 0.99, figures
    assert figures["order_session_r"] >= 0.95, figures
    assert figures["line_order_p"] >= 0.98, figures
    assert figures["line_order_r"] >= 0.9, figures


@pytest.mark.parametrize("knobs", [{"no_ids": True}, {"edge": "combined"}], ids=["nowhere", "not at the edge"])
def test_sessions_are_found_without_identifiers(scored: Scored, knobs: dict[str, object]) -> None:
    figures, _ = scored(**knobs)
    assert figures["pair_f1"] >= 0.95, figures
    assert figures["exact"] >= 0.85, figures
    assert figures["line_order_p"] >= 0.98, figures
    assert figures["line_order_r"] >= 0.9, figures
    assert figures["order_session_p"] >= 0.98, figures
    assert figures["order_session_r"] >= 0.9, figures


def test_people_who_come_back_after_hours_start_a_new_visit(scored: Scored) -> None:
    figures, _ = scored(seed=7, guests=0.0)
    # Missing: with few long gaps the fitted cut lies at three hours, and visits two hours apart become one. A cut in the
    # widest empty stretch between the two modes gives pair_f1 .99 here.
    assert figures["pair_f1"] >= 0.95, figures
    assert figures["exact"] >= 0.85, figures


def test_every_line_is_accounted_for(tmp_path: Path) -> None:
    directory = simulate(tmp_path / "shop", failing=0.1)
    foreign = directory / "logs" / "shop" / "application.log"
    with foreign.open("ab") as out:
        out.write(b"\n\n}} what is this\n\xff\xfe broken \x00\n")
    document = reconstruct(directory / "logs")
    figures = score(document, directory)
    assert figures["adds_up"], document["sources"]
    assert figures["all_lines"] == lines_on_disk(directory / "logs")
    assert sum(source["continuations"] for source in document["sources"]) >= 12, "tracebacks are part of their entry"


def test_declined_payments_are_failed_attempts_of_one_order(scored: Scored) -> None:
    _, document = scored(declined=1.0)
    orders = [order for journey in document["journeys"] for order in journey["business_journeys"]]
    failing = [order for order in orders if any(step["status"] == "failed" for step in order["steps"])]
    assert len(failing) >= 0.9 * len(orders)


def test_no_person_and_robot_share_a_journey(tmp_path: Path) -> None:
    directory = simulate(tmp_path / "shop", bots=0.5)
    scoring = importlib.import_module("scoring")
    truth = scoring.read_truth(directory / "truth-lines.jsonl.gz")
    found = scoring.read_found(reconstruct(directory / "logs"))
    kinds: dict[str, set[str]] = {}
    for place, journey in found.journey_of.items():
        if place in truth.session_of:
            kinds.setdefault(journey, set()).add(truth.session_of[place][0])
    assert len(kinds) > SESSIONS
    assert not [journey for journey, seen in kinds.items() if len(seen) > 1]


def comparable(document: Document) -> list[str]:
    """What the journeys say, without which file and line a fact came from."""

    def strip(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: strip(value) for key, value in node.items() if key not in ("events", "event", "links", "via")}
        return [strip(each) for each in node] if isinstance(node, list) else node

    return sorted(json.dumps(strip(journey), sort_keys=True) for journey in document["journeys"])


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, bench: None) -> tuple[Path, Document]:
    directory = simulate(tmp_path_factory.mktemp("plain"))
    return directory, reconstruct(directory / "logs")


def test_chunk_size_does_not_matter(plain: tuple[Path, Document]) -> None:
    directory, document = plain
    assert reconstruct(directory / "logs", chunk_bytes=20_000) == document


def test_running_twice_gives_the_same(plain: tuple[Path, Document]) -> None:
    directory, document = plain
    assert reconstruct(directory / "logs") == document


def test_order_of_arguments_does_not_matter(plain: tuple[Path, Document]) -> None:
    directory, _ = plain
    parts = sorted(each for each in (directory / "logs").iterdir())
    assert reconstruct(*parts) == reconstruct(*reversed(parts))


def test_compression_does_not_matter(plain: tuple[Path, Document], tmp_path: Path) -> None:
    _, document = plain
    zipped = simulate(tmp_path / "zipped", gzip=True)
    assert all(file.suffix == ".gz" for file in (zipped / "logs").rglob("*") if file.is_file())
    assert comparable(reconstruct(zipped / "logs")) == comparable(document)


def test_rotation_does_not_matter(plain: tuple[Path, Document], tmp_path: Path) -> None:
    _, document = plain
    rotated = simulate(tmp_path / "rotated", rotate=True)
    assert (rotated / "logs" / "edge" / "access.log.1").is_file()
    assert comparable(reconstruct(rotated / "logs")) == comparable(document)


def test_the_simulator_repeats_itself(plain: tuple[Path, Document], tmp_path: Path) -> None:
    directory, _ = plain
    again = simulate(tmp_path / "again")
    names = sorted(str(file.relative_to(directory)) for file in directory.rglob("*") if file.is_file())
    assert len(names) >= 9
    assert {n: (directory / n).read_bytes() for n in names} == {n: (again / n).read_bytes() for n in names}


def test_the_scorer_sees_what_is_wrong(plain: tuple[Path, Document]) -> None:
    directory, document = plain
    broken = json.loads(json.dumps(document))
    people = [journey for journey in broken["journeys"] if journey["session"]["agent_kind"] == "human"]
    first, second, *_ = sorted(people, key=lambda journey: -len(journey["links"]))
    first["customer_journey"]["touchpoints"] += second["customer_journey"]["touchpoints"]
    first["business_journeys"] += second["business_journeys"]
    broken["journeys"].remove(second)
    before, after = score(document, directory), score(broken, directory)
    assert after["pair_p"] < before["pair_p"] - 0.01
    assert after["exact"] < before["exact"]
    assert after["pair_r"] >= before["pair_r"]
