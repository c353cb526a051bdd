"""What types of identifiers are called: in words of the logs where people read, by their names where programs do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command import reconstruct

from reconstruct.comparing.pair import compare_pair
from reconstruct.comparing.telling import say_journey
from reconstruct.journeys.moments import read_story
from reconstruct.results import Reconstruction
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.portrait import Look, to_html
from reconstruct.tui.themes import DARK
from reconstruct.type_labels import label_types

SHOP = Path(__file__).parent.parent / "samples" / "shop" / "logs"


def test_people_read_words_of_the_logs(shop: Reconstruction) -> None:
    labels = {row["type"]: row["label"] for row in shop.identifiers()}
    assert (labels["order"], labels["order_2"]) == ("order", "order_id")
    assert len(set(labels.values())) == len(labels)
    summary = reconstruct("summary", SHOP).stdout
    (line,) = [line for line in summary.splitlines() if line.startswith("identifiers: ")]
    assert "order_id (part of task, 159)" in line
    assert "_2" not in line and "_3" not in line


def test_the_plan_says_both_and_json_keeps_the_name() -> None:
    assert "order_2 “order_id”: sub-object · 159 values" in reconstruct("plan", SHOP).stdout
    rows = json.loads(reconstruct("plan", SHOP, "--json").stdout)
    assert [row["label"] for row in rows if row["type"] == "order_2"] == ["order_id"]


def test_a_pin_by_the_name_holds_and_its_label_is_told(tmp_path: Path) -> None:
    settings = tmp_path / "reconstruct.toml"
    settings.write_text('[plan.types.order_2]\nrole = "other"\n', encoding="utf-8")
    rows = {row["type"]: row for row in json.loads(reconstruct("plan", SHOP, "--json", "--config", settings).stdout)}
    assert rows["order_2"]["role"] == "other" and rows["order_2"]["label"] == "order_id"
    assert rows["order_2"]["why"][0] == "pinned in reconstruct.toml"


@pytest.mark.parametrize(
    ("types", "labels"),
    [
        ([("order", ["key:order_id"], None), ("order_2", ["key:Order"], "account")], ["order", "Order of account"]),
        ([("task", ["text:task"], None), ("task_2", ["key:task"], None)], ["task", "task key"]),
        ([("two", ["key:TrainTwo.id"], None), ("voyage", ["key:voyage_id"], None)], ["TrainTwo.id", "voyage"]),
        ([("id", ["key:data"], None), ("id_2", ["text:uuid"], None)], ["data", "uuid"]),
        ([("mine_2", ["key:order"], None)], ["mine_2"]),
        ([("order_2", ["path:/a/orders/{}/lines/{}#1"], None)], ["orders/{}/lines/…"]),
        ([("x", [], None), ("x_2", ["key:x"], None), ("x_3", ["key:X"], None)], ["x", "x key", "X key (x_3)"]),
    ],
)
def test_labels_are_told_apart(types: list[tuple[str, list[str], str | None]], labels: list[str]) -> None:
    rows = [{"type": name, "slots": slots, "owner": owner} for name, slots, owner in types]
    assert [row["label"] for row in label_types(rows)] == labels


LABELS = {"order_2": "order_id", "order_3": "order-status"}


def document(kind: str) -> dict[str, Any]:
    """A journey with one business object of a type."""
    at = "2026-03-02T10:00:00Z"
    link = {
        "event": [0, 1],
        "to": f"{kind}:17",
        "rule": "object",
        "via": [{"type": kind, "value": "17"}],
        "confidence": 0.95,
    }
    step = {
        "at": at,
        "activity": "Order placed",
        "service": "shop",
        "status": "ok",
        "duration_ms": 0,
        "events": [[0, 1]],
    }
    touchpoint = {"at": at, "activity": "Placed order", "ok": True, "latency_ms": 5, "events": [[0, 1]]}
    business = {
        "id": f"{kind}:17", "object": {"type": kind, "id": "17"}, "objects": [{"type": "order_3", "id": "a"}], "outcome": "fulfilled",
        "trigger": {"touchpoint": 0, "event": [0, 1]}, "steps": [step], "deviations": [], "started_at": at, "duration_ms": 0,
    }  # fmt: skip
    return {
        "id": "j1", "customer": None, "channel": "web", "started_at": at, "ended_at": at, "duration_ms": 0, "links": [link],
        "customer_journey": {"outcome": "achieved", "touchpoints": [touchpoint]}, "experience": {"score": 100},
        "business_journeys": [business],
    }  # fmt: skip


def test_a_page_that_is_given_away_names_types_as_the_logs_do() -> None:
    story = read_story(document("order_2"), LABELS)
    page = to_html(
        story,
        Pen(False),
        Look("compressed", "user", False, frozenset(), 120, DARK.to_color_system().generate() | DARK.variables),
        {0: "app.log"},
    )
    assert "order_2" not in page
    assert page.count("order_id 17") >= 3 and "order_id:17 by object" in page


def test_journeys_side_by_side_name_types_as_the_logs_do() -> None:
    found = compare_pair(document("order_2"), document("order_2"), labels=LABELS)
    assert say_journey(found["first"])[-1] == "order_id 17 fulfilled, 0ms"
    assert found["first"]["business"]["id"] == "order_2:17"
