"""Lines that carry no request identifier while two visitors are served at once: the lines around them decide, or nothing does."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from pairs import AGENT, PAIRS, START, write_logs

from reconstruct.correlate import brackets
from reconstruct.options import Options
from reconstruct.pipeline import open_paths


def placed_by_neighbours(directory: Path) -> dict[tuple[str, int], tuple[str, str, float]]:
    """Rule, visitor and confidence of the lines that carry no identifier and are in a journey."""
    results = open_paths([directory], Options(cache=False, workers=1))
    paths = {source["id"]: source["path"] for source in results.sources()}
    found = {}
    for document in results.documents():
        journey = json.loads(document)
        (visitor,) = journey["session"]["client_ip"]
        for link in journey["links"]:
            if link["rule"] in ("between lines", "beside a line", "in flight"):
                found[paths[link["event"][0]], link["event"][1]] = (link["rule"], visitor, link["confidence"])
    results.close()
    return found


def summary_of(directory: Path) -> dict[str, Any]:
    results = open_paths([directory], Options(cache=False, workers=1))
    found = results.summary()
    results.close()
    return found


def test_lines_between_two_of_one_visit_are_that_visits(tmp_path: Path) -> None:
    wanted = write_logs(tmp_path, interleaved=False)
    found = placed_by_neighbours(tmp_path)
    assert {place: visitor for place, (_, visitor, _) in found.items()} == wanted
    assert {rule for rule, _, _ in found.values()} == {"between lines"}
    assert all(0.9 <= confidence < 1 for _, _, confidence in found.values())


def test_where_requests_interleave_nothing_is_guessed(tmp_path: Path) -> None:
    wanted = write_logs(tmp_path, interleaved=True)
    assert not placed_by_neighbours(tmp_path)
    card = summary_of(tmp_path)["reconstruction"]
    assert card["abstained"] == {"several requests were being served": len(wanted)}
    assert card["coverage"] == round(1 - len(wanted) / (12 * PAIRS), 4)


def test_the_card_says_how_often_each_rule_was_right(tmp_path: Path) -> None:
    write_logs(tmp_path, interleaved=False)
    card = summary_of(tmp_path)["reconstruction"]
    rule = card["rules"]["between lines"]
    assert rule["measured"] and 0.9 <= rule["confidence"] < rule["right"] / rule["trials"] <= 1
    assert card["abstained"] == {}
    assert 0 < card["largest_journey"] <= 12 / (12 * PAIRS)


def test_threads_keep_interleaved_requests_apart(tmp_path: Path) -> None:
    wanted = write_logs(tmp_path, interleaved=True, threads=True)
    found = placed_by_neighbours(tmp_path)
    assert {place: visitor for place, (_, visitor, _) in found.items()} == wanted


def test_jobs_that_run_by_the_clock_are_nobodys_however_busy_the_site(tmp_path: Path) -> None:
    """Requests take 50 s of every minute: what is written every 61 s nearly always falls into one."""
    edge, jobs = [], []
    for number in range(60):
        at = START + timedelta(minutes=number)
        asked = {
            "client_ip": f"192.0.2.{number + 1}",
            "method": "GET",
            "path": "/report",
            "status": 200,
            "duration_ms": 50_000,
        }
        edge.append({"ts": (at + timedelta(seconds=50)).isoformat(), **asked, "user_agent": AGENT})
        jobs.append({"ts": (at + timedelta(seconds=number)).isoformat(), "level": "info", "message": "caches swept"})
        jobs.append(
            {"ts": (at + timedelta(seconds=1)).isoformat(), "level": "info", "message": f"report {number} begun"}
        )
    (tmp_path / "edge.log").write_text("".join(json.dumps(each) + "\n" for each in edge), encoding="utf-8")
    (tmp_path / "jobs.log").write_text("".join(json.dumps(each) + "\n" for each in jobs), encoding="utf-8")
    found = placed_by_neighbours(tmp_path)
    texts = {place: jobs[place[1] - 1]["message"] for place in found}
    assert "caches swept" not in texts.values()
    assert len(texts) == 60


def test_of_a_crowd_served_at_once_no_line_is_tried(tmp_path: Path) -> None:
    at = [START + timedelta(seconds=10 * n) for n in range(40)]
    asked = (
        f'198.51.100.{n} - - [{t:%d/%b/%Y:%H:%M:%S +0000}] "GET /basket HTTP/1.1" 200 9 "-" "{AGENT}"'
        for n, t in enumerate(at)
    )
    said = (f"{t:%Y-%m-%dT%H:%M:%S}.000Z INFO baskets: priced the basket" for t in at)
    (tmp_path / "access.log").write_text("\n".join(asked), encoding="utf-8")
    (tmp_path / "shop.log").write_text("\n".join(said), encoding="utf-8")
    assert summary_of(tmp_path)["reconstruction"]["abstained"] == {}
    with mock.patch.object(brackets, "MOST_SERVED", 0):
        card = summary_of(tmp_path)["reconstruction"]
    assert card["abstained"] == {"several requests were being served": 40} and card["coverage"] == 0.5
