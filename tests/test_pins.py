"""What the user says of the plan counts for what was measured: roles, places, owners, vetoes; and a written plan changes nothing."""

from __future__ import annotations

import io
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from reconstruct.configuration import read_configuration
from reconstruct.export.document import write_json
from reconstruct.export.model import render_model
from reconstruct.export.plan import render_plan
from reconstruct.options import Options, Pin, Pins
from reconstruct.pipeline import open_paths

SHOP = Path(__file__).parent.parent / "samples" / "shop" / "logs"

Rows = list[dict[str, Any]]


def reconstruct(pins: Pins = Pins()) -> tuple[dict[str, Any], Rows, list[str]]:  # noqa: B008
    """The export, the plan, and what of the pins fits nothing."""
    results = open_paths([SHOP], Options(cache=False, workers=1, pins=pins))
    out = io.BytesIO()
    write_json(results, out)
    rows, notes = results.identifiers(), results.plan_notes()
    results.close()
    return json.loads(out.getvalue()), rows, notes


@pytest.fixture(scope="module")
def measured() -> tuple[dict[str, Any], Rows, list[str]]:
    return reconstruct()


def row_of(rows: Rows, name: str) -> dict[str, Any]:
    return next(row for row in rows if row["type"] == name)


def business_types(document: dict[str, Any]) -> set[str]:
    inside = [business for journey in document["journeys"] for business in journey["business_journeys"]]
    return {business["object"]["type"] for business in [*inside, *document["unattributed"]["business_journeys"]]}


def test_a_drafted_model_changes_nothing(tmp_path: Path, measured: tuple[dict[str, Any], Rows, list[str]]) -> None:
    results = open_paths([SHOP], Options(cache=False, workers=1))
    draft = render_model(results.model(), results.documents(), results.summary()["processes"])
    results.close()
    (tmp_path / "reconstruct.toml").write_text(draft, encoding="utf-8")
    models = read_configuration(tmp_path / "reconstruct.toml").models
    assert [name for name, _ in models.tables] == ["mine"]
    again = open_paths([SHOP], Options(cache=False, workers=1, models=models))
    assert again.model()["id"] == "mine"
    out = io.BytesIO()
    write_json(again, out)
    again.close()
    assert json.loads(out.getvalue()) == measured[0]


def test_a_written_plan_says_what_was_measured(measured: tuple[dict[str, Any], Rows, list[str]]) -> None:
    document, rows, _ = measured
    types = tomllib.loads(render_plan(rows))["plan"]["types"]
    pins = tuple(Pin(name, tuple(each["slots"]), each["role"], each.get("owner")) for name, each in types.items())
    assert len(pins) == len(rows)
    again, _, notes = reconstruct(Pins(pins))
    assert not notes
    assert again["journeys"] == document["journeys"]
    assert again["summary"] == document["summary"]


def test_names_and_reasons_of_logs_are_safe_in_a_written_plan() -> None:
    row = {
        "type": 'a"]\n[x',
        "label": "a\nb = 1",
        "role": "other",
        "slots": ['key:"\\\x7f'],
        "distinct": 1,
        "owner": None,
        "why": ["a\nb\x1b[31m"],
    }
    types = tomllib.loads(render_plan([row]))["plan"]["types"]
    assert types == {'a"]\n[x': {"role": "other", "slots": ['key:"\\\x7f']}}


def test_a_vetoed_type_joins_nothing(measured: tuple[dict[str, Any], Rows, list[str]]) -> None:
    assert "order" in business_types(measured[0])
    document, rows, _ = reconstruct(Pins((Pin("order", role="other"),)))
    assert "order" not in business_types(document)
    row = row_of(rows, "order")
    assert row["role"] == "other"
    assert row["why"][0] == "pinned in reconstruct.toml"
    assert row["why"][1].startswith("measured as object: ")


def test_an_object_is_given_a_business_journey_of_its_own(measured: tuple[dict[str, Any], Rows, list[str]]) -> None:
    assert business_types(measured[0]) == {"order"}
    document, rows, _ = reconstruct(Pins((Pin("payment", role="object", owner="session"),)))
    assert business_types(document) == {"order", "payment"}
    assert row_of(rows, "payment")["owner"] == "session"


def test_places_are_moved_and_left_out(measured: tuple[dict[str, Any], Rows, list[str]]) -> None:
    slots = row_of(measured[1], "order")["slots"]
    assert {"key:order", "key:merchant_ref"} <= set(slots)
    _, rows, _ = reconstruct(Pins((Pin("reference", slots=("key:merchant_ref",)),), ignore=("key:order",)))
    assert row_of(rows, "reference")["slots"] == ["key:merchant_ref"]
    assert set(row_of(rows, "order")["slots"]) == set(slots) - {"key:order", "key:merchant_ref"}


def test_what_fits_nothing_is_said() -> None:
    _, _, notes = reconstruct(
        Pins((Pin("booking", role="object"), Pin("order", slots=("key:nothing", "key:order"), owner="trip")))
    )
    assert notes == [
        "plan.types.booking: there is no such type in these logs",
        "plan.types.order.slots: no identifier is found in key:nothing",
        "plan.types.order.owner: there is no type trip in these logs",
    ]
