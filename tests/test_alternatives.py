"""Why is this line not there? What a line might have belonged to is told with the reason against it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from command import reconstruct
from pairs import AGENT, PAIRS, START, write_logs

from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.results import Reconstruction


def opened(directory: Path) -> Reconstruction:
    return open_paths([directory], Options(cache=False, workers=1))


def journey_of(results: Reconstruction, line: int) -> str:
    """The journey that the first log's line is in."""
    ids = [row["id"] for row in results.journey_rows(limit=1000)]
    return next(id for id in ids if [0, line] in [link["event"] for link in results.journey(id)["links"]])


@pytest.fixture(scope="module")
def shared_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reconstruction]:
    """Offices of two people each behind one address and browser, told apart by their session; each comes back two hours later."""
    directory = tmp_path_factory.mktemp("offices")
    lines = []
    for office in range(40):
        for visit in range(2):
            for page in range(6):
                for person in range(2):
                    at = START + timedelta(hours=2 * visit, minutes=office, seconds=10 * page + 3 * person)
                    product = 100 + 50 * person + office + page
                    lines.append((at, {
                        "client_ip": f"192.0.2.{office + 1}", "user_agent": AGENT, "method": "GET", "path": f"/product/{product}",
                        "status": 200, "session_id": f"{office:04x}{person}{visit}c0ffee5e55{office * 977:06x}",
                    }))  # fmt: skip
    lines.sort(key=lambda each: each[0])
    stamped = [json.dumps({"ts": at.isoformat(), **line}) + "\n" for at, line in lines]
    (directory / "access.log").write_text("".join(stamped), encoding="utf-8")
    results = opened(directory)
    yield results
    results.close()


def test_the_other_person_behind_an_address_is_refused_by_its_session(shared_address: Reconstruction) -> None:
    told = shared_address.alternatives(0, 3)
    other = journey_of(shared_address, 2)
    assert journey_of(shared_address, 3) != other
    assert told[0]["journey"] == other
    assert "its session identifier is" in told[0]["why"]


def test_a_visit_of_another_hour_is_refused_by_the_silence_between(shared_address: Reconstruction) -> None:
    reasons = [each["why"] for each in shared_address.alternatives(0, 1)]
    assert any("began only 2h later" in why for why in reasons)
    last = shared_address.sources()[0]["lines"]
    assert any("silent for 2h; a visit ends after 30m" in each["why"] for each in shared_address.alternatives(0, last))


def test_what_identifies_no_visit_joins_none(shared_address: Reconstruction) -> None:
    refused = [each["why"] for each in shared_address.alternatives(0, 3) if "stands there too" in each["why"]]
    assert refused and all("joins nothing" in why for why in refused)


def test_lines_that_could_be_of_two_requests_name_both(tmp_path: Path) -> None:
    unplaced = write_logs(tmp_path, interleaved=True)
    results = opened(tmp_path)
    for _, line in list(unplaced)[: 2 * PAIRS : 7]:
        told = results.alternatives(1, line)
        assert len({each["journey"] for each in told}) == 2
        assert all("no habit tells them apart" in each["why"] for each in told)
    results.close()


def test_explain_tells_them(tmp_path: Path) -> None:
    unplaced = write_logs(tmp_path, interleaved=True)
    (_, line), *_ = unplaced
    shown = reconstruct("explain", f"{tmp_path / 'shop.log'}:{line}", "--in", tmp_path).stdout
    assert "in no journey and of no business object" in shown
    assert "where else it might have belonged, and why it does not:\n  journey " in shown
    assert "POST /offer was being served, but so was a request of another visit" in shown


def test_the_export_has_them_where_a_link_is_doubtful() -> None:
    results = opened(Path(__file__).parent.parent / "samples" / "shop" / "logs")
    links = [link for document in results.documents() for link in json.loads(document)["links"]]
    refused = [link for link in links if "refused" in link]
    assert refused and all(link["to"] == "session" and link["confidence"] < 0.9 for link in refused)
    for link in refused[::50]:
        assert link["refused"] == results.alternatives(*link["event"])
    results.close()
