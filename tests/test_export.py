"""The export of the bundled shop: the contract, the account of lines, and the same bytes whatever the road there."""

from __future__ import annotations

import io
import json
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconstruct.export.document import write_json, write_jsonl
from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.results import Reconstruction

SHOP = Path(__file__).parent.parent / "samples" / "shop" / "logs"
SCHEMA = json.loads((files("reconstruct") / "export" / "schema" / "journeys-1.0.json").read_text(encoding="utf-8"))

Document = dict[str, Any]


def export(paths: list[Path], **options: Any) -> bytes:
    results = open_paths(paths, Options(cache=False, workers=1, **options))
    out = io.BytesIO()
    write_json(results, out)
    results.close()
    return out.getvalue()


@pytest.fixture(scope="module")
def exported(shop: Reconstruction) -> bytes:
    out = io.BytesIO()
    write_json(shop, out)
    return out.getvalue()


@pytest.fixture(scope="module")
def document(exported: bytes) -> Document:
    found: Document = json.loads(exported)
    return found


def test_the_document_is_what_the_schema_says(document: Document) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    errors = [
        f"{list(error.absolute_path)}: {error.message}"
        for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(document)
    ]
    assert not errors[:5]


def test_every_line_is_accounted_for(document: Document) -> None:
    for source in document["sources"]:
        parts = ("events", "continuations", "directives", "blank", "duplicates", "unparsed")
        assert source["lines"] == sum(source[part] for part in parts), source["path"]
        assert source["events"] == sum(source["formats"].values()), source["path"]
    assert sum(source["unparsed"] for source in document["sources"]) == 0
    assert document["summary"]["events"] == sum(source["events"] for source in document["sources"])


def test_an_event_is_in_one_touchpoint_and_in_one_step(document: Document) -> None:
    seen: Counter[tuple[int, int]] = Counter()
    for journey in document["journeys"]:
        own = Counter(
            tuple(event) for touchpoint in journey["customer_journey"]["touchpoints"] for event in touchpoint["events"]
        )
        assert set(own.values()) <= {1}
        seen += own
        linked = {tuple(link["event"]) for link in journey["links"] if link["to"] == "session"}
        assert linked == set(own), "every event of a journey says why it is there"
    assert set(seen.values()) == {1}
    steps: Counter[tuple[str, int, int]] = Counter()
    for journey in [*document["journeys"], document["unattributed"]]:
        for business in journey["business_journeys"]:
            steps.update((business["id"], *event) for step in business["steps"] for event in step["events"])
    assert set(steps.values()) == {1}
    loose = sum(document["unattributed"]["events"].values())
    in_steps_only = {event[1:] for event in steps} - set(seen)
    assert len(seen) + len(in_steps_only) + loose == document["summary"]["events"]


def test_journeys_are_ordered_and_customers_refer_to_them(document: Document) -> None:
    starts = [journey["started_at"] for journey in document["journeys"]]
    assert starts == sorted(starts)
    ids = [journey["id"] for journey in document["journeys"]]
    assert len(set(ids)) == len(ids)
    for customer in document["customers"]:
        assert set(customer["journeys"]) <= set(ids)


def test_a_journey_a_line(shop: Reconstruction, document: Document) -> None:
    out = io.BytesIO()
    write_jsonl(shop, out)
    assert [json.loads(line) for line in out.getvalue().splitlines()] == document["journeys"]


def test_the_same_bytes_for_any_chunk_size(exported: bytes) -> None:
    assert export([SHOP], chunk_bytes=50_000) == exported


def test_the_same_bytes_whatever_the_order_of_the_arguments() -> None:
    parts = sorted(SHOP.iterdir())
    assert export(parts) == export(parts[::-1])


def test_worker_processes_change_nothing(exported: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconstruct.engines.local.WORTH_WORKERS", 0)
    results = open_paths([SHOP], Options(cache=False, workers=2))
    out = io.BytesIO()
    write_json(results, out)
    results.close()
    assert out.getvalue() == exported


def test_a_kept_store_is_opened_without_reading_again(
    exported: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONSTRUCT_CACHE_DIR", str(tmp_path))
    open_paths([SHOP], Options(workers=1)).close()
    monkeypatch.setattr("reconstruct.pipeline.ingest", None)
    results = open_paths([SHOP], Options(workers=1))
    out = io.BytesIO()
    write_json(results, out)
    results.close()
    assert out.getvalue() == exported


def test_raw_lines_are_the_bytes_of_the_file(shop: Reconstruction) -> None:
    path = SHOP / "payments" / "paygate.log"
    source = next(each["id"] for each in shop.sources() if each["path"] == "payments/paygate.log")
    lines = path.read_bytes().split(b"\n")
    assert shop.raw_entry(source, 17) == lines[16]
    around = shop.raw(source, 17, before=2, after=3)
    assert [row.line for row in around] == [15, 16, 17, 18, 19, 20]
    assert [row.text.encode() for row in around] == lines[14:20]


def test_the_list_sorts_pages_and_filters(shop: Reconstruction) -> None:
    total = shop.count_journeys()
    page = shop.journey_rows(order_by="score", offset=5, limit=10)
    assert len(page) == 10
    assert [row["score"] for row in page] == sorted(row["score"] for row in page)
    for descending in (False, True):
        kinds = [
            row["agent_kind"] in ("bot", "monitor") for row in shop.journey_rows(descending=descending, limit=total)
        ]
        assert any(kinds) and kinds == sorted(kinds), "people's journeys come first"
    assert 0 < shop.count_journeys("achieved") < total
    assert all(row["outcome"] == "achieved" for row in shop.journey_rows(text="achieved", limit=20))
    with pytest.raises(ValueError, match="cannot be ordered"):
        shop.journey_rows(order_by="1; DROP TABLE journeys")
    assert shop.journey(page[0]["id"])["id"] == page[0]["id"]
    with pytest.raises(KeyError):
        shop.journey("none")
