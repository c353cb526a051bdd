"""Many services in the file of one collector: each is read as in a file of its own, and the same journeys come out."""

from __future__ import annotations

import importlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.sources import discover

BENCH = Path(__file__).parent.parent / "bench"


@pytest.fixture(scope="module")
def aggregate() -> Iterator[Any]:
    """The benches are scripts beside each other, not a package."""
    sys.path.insert(0, str(BENCH))
    yield importlib.import_module("aggregate")
    sys.path.remove(str(BENCH))


@pytest.fixture(scope="module")
def entries(aggregate: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    shop = importlib.import_module("simulate")
    out = tmp_path_factory.mktemp("collected")
    shop.simulate(shop.Shop(sessions=60, seed=3, days=2, docker=False), out)
    return aggregate.gather(out / "logs", 3)


def events(path: Path, aggregate: Any, **more: int) -> list[dict[str, Any]]:
    found, unread = aggregate.read_file(path, **more)
    assert unread == 0
    return list(found)


def write(path: Path, lines: Sequence[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def told(path: Path) -> dict[str, Any]:
    """What the journeys of the logs in a directory come to."""
    results = open_paths([path], Options(cache=False, workers=1))
    documents = [json.loads(document) for document in results.documents()]
    results.close()
    return {
        "visits": Counter((each["started_at"], each["customer_journey"]["outcome"]) for each in documents),
        "orders": {
            business["id"]: (business["outcome"], business["value"], each["started_at"])
            for each in documents
            for business in each["business_journeys"]
        },
    }


def test_the_services_are_many_and_unequal(aggregate: Any, entries: Any, tmp_path: Path) -> None:
    shares = Counter(each.service for each in entries)
    assert len(shares) >= 15
    assert max(shares.values()) >= 0.3 * len(entries) and min(shares.values()) <= 0.005 * len(entries)
    path = write(tmp_path / "all.log", list(map(aggregate.ENVELOPES["loki"], entries)))
    assert len({event["format"] for event in events(path, aggregate)}) >= 15


@pytest.mark.parametrize(
    "envelope",
    ["docker", "service field", "journald export", "syslog", "syslog bsd", "loki", "cloudwatch", "aws logs tail", "elasticsearch", "splunk",
     "fluent bit", "gelf", "cloud logging", "compose", "kubectl"],
)  # fmt: skip
def test_every_service_is_read_as_in_a_file_of_its_own(
    aggregate: Any, entries: Any, envelope: str, tmp_path: Path
) -> None:
    result = aggregate.compare(entries, envelope, tmp_path)
    assert {service: n for service, n in result.same.items() if n[0] < n[1]} == {}
    # collectors that give each line of a stack trace an envelope of its own part it from its entry
    assert {service for service, n in result.bare.items() if n[0] < n[1]} <= {"shop"}


@pytest.mark.parametrize(
    "envelope", ["service field", "journald json", "syslog", "cloudwatch", "elasticsearch", "kubectl"]
)
def test_the_journeys_are_those_of_files_of_their_own(
    aggregate: Any, entries: Any, envelope: str, tmp_path: Path
) -> None:
    timed = [each for each in entries if each.service not in aggregate.UNTIMED]
    write(tmp_path / "all/all.log", list(map(aggregate.ENVELOPES[envelope], timed)))
    for service in {each.service for each in timed}:
        write(tmp_path / f"apart/{service}/{service}.log", [each.text for each in timed if each.service == service])
    apart, together = told(tmp_path / "apart"), told(tmp_path / "all")
    assert len(apart["orders"]) >= 5
    assert together == apart


def collected(service: str, text: str, second: int) -> str:
    stamp = f"2026-09-17T{9 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"
    return orjson.dumps({"@timestamp": stamp, "container_name": service, "message": text}).decode()


def test_a_service_that_begins_below_the_sample_is_read_as_well(aggregate: Any, tmp_path: Path) -> None:
    early = [collected("web", f'level=info msg="page shown" page={n}', n) for n in range(3000)]
    early += [collected("chat", f"hello number {n}, how are you", n) for n in range(3000, 3100)]
    late = [
        collected("pay", f"[2026-09-17 10:00:{n:02d},000] INFO paid order {n} (shop.Pay)", 3200 + n) for n in range(9)
    ]
    found = events(write(tmp_path / "all.log", early + late), aggregate)
    assert Counter(event["format"] for event in found) == {"json/logfmt": 3000, "json": 100, "json/kafka": 9}
    assert found[-1]["logger"] == "shop.Pay"


def test_what_one_service_writes_says_nothing_of_the_next(aggregate: Any, tmp_path: Path) -> None:
    """Pairs are entries where they are what a service writes, and a manner of speaking where they are not."""
    lines = []
    for n in range(400):
        lines.append(collected("web", f'level=info msg="page shown" page={n}', 4 * n))
        lines.append(collected("notes", "a=1 b=2 msg=3" if n % 40 == 0 else f"remark {n} of somebody", 4 * n + 1))
        lines.append(collected("old", f"INFO:root:said {n}", 4 * n + 2))
        lines.append(collected("news", "INFO:root:heard of" if n % 5 == 0 else f"some news ({n})", 4 * n + 3))
    found = events(write(tmp_path / "all.log", lines), aggregate)
    formats = Counter((event["service"], event["format"]) for event in found)
    assert formats == {
        ("web", "json/logfmt"): 400,
        ("notes", "json"): 400,
        ("old", "json/python_logging_basic"): 400,
        ("news", "json"): 400,
    }


def test_names_that_every_line_has_another_of_are_no_services(aggregate: Any, tmp_path: Path) -> None:
    def docker(name: str, text: str, second: int) -> str:
        line = orjson.loads(collected(name, text, second))
        labels = {"com.docker.compose.service": name}
        return orjson.dumps(
            {"log": orjson.dumps(line).decode() + "\n", "stream": "stdout", "attrs": labels, "time": line["@timestamp"]}
        ).decode()

    names = [f"{a}{b}{c}" for a in "abcdefghij" for b in "klmnopqrst" for c in "uvwxyzabcdefghijklmnopqrstu"]
    lines = [collected(name, f'level=info msg="page shown" page={n}', n) for n, name in enumerate(names)]
    found = events(write(tmp_path / "json.log", lines), aggregate)
    assert Counter(event["format"] for event in found) == {"json/logfmt": len(names)}
    lines = [docker(name, f'level=info msg="page shown" page={n}', n) for n, name in enumerate(names)]
    found = events(write(tmp_path / "docker.log", lines), aggregate)
    assert Counter(event["format"] for event in found) == {"docker/json/logfmt": len(names)}


def test_where_chunks_are_cut_changes_nothing(aggregate: Any, entries: Any, tmp_path: Path) -> None:
    lines = list(map(aggregate.ENVELOPES["elasticsearch"], entries))
    path = write(tmp_path / "all.log", lines)
    whole = events(path, aggregate)
    assert events(path, aggregate, chunk_bytes=64 << 10) == whole
    assert discover([path]).sources[0].size > 1 << 20
