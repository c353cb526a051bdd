"""What types of identifiers are called: in words of the logs where people read, by their names where programs do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import reconstruct

from reconstruct.results import Reconstruction
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
