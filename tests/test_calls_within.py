"""What services write while they serve a request, and name neither the request nor anybody: calls of others, entries of pairs alone."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

START = datetime(2026, 3, 10, 8, tzinfo=UTC)
VISITS = 30
CLICKS = 4
CALLS = 3
"""Lines of one call: begun, answered, over."""


def open_visits(directory: Path) -> tuple[dict[str, Counter[str]], dict[str, set[int]]]:
    """Of each log, how many of its lines are in whose visit; and the lines of each visit by its address."""
    results = open_paths([directory], Options(cache=False, workers=1))
    journeys = [json.loads(document) for document in results.documents()]
    names = {each["id"]: Path(each["path"]).stem for each in results.sources()}
    results.close()
    counts: dict[str, Counter[str]] = {name: Counter() for name in names.values()}
    lines: dict[str, set[int]] = {}
    for journey in journeys:
        (address,) = journey["session"]["client_ip"]
        for touchpoint in journey["customer_journey"]["touchpoints"]:
            for source, line in touchpoint["events"]:
                counts[names[source]][address] += 1
                if names[source] != "access":
                    lines.setdefault(address, set()).add(line)
    return counts, lines


def edge_line(at: datetime, visit: int, target: str, ms: int) -> str:
    """nginx's combined line with the time it took, stamped when it was over."""
    return f'192.0.2.{visit + 1} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET {target} HTTP/1.1" 200 512 "-" "Firefox/{100 + visit}.0" {ms / 1000:.3f}'


def write(directory: Path, logs: dict[str, list[tuple[datetime, str]]]) -> None:
    for name, told in logs.items():
        text = "".join(f"{line}\n" for _, line in sorted(told))
        (directory / f"{name}.log").write_text(text, encoding="utf-8")


def test_a_call_of_another_service_is_of_the_request_it_was_made_for(tmp_path: Path) -> None:
    logs: dict[str, list[tuple[datetime, str]]] = {"access": [], "webapp": []}
    for visit in range(VISITS):
        for click in range(CLICKS):
            at = START + timedelta(minutes=11 * visit, seconds=40 * click)
            target = f"/item/{visit % 7 + click}"
            logs["access"].append(
                (at + timedelta(milliseconds=900), edge_line(at + timedelta(milliseconds=900), visit, target, 900))
            )
            for number, (said, state) in enumerate(
                (
                    (
                        f"Sending HTTP request GET http://catalog/items/{click}",
                        {"HttpMethod": "GET", "Uri": f"http://catalog/items/{click}"},
                    ),
                    ("Received HTTP response headers after 24.1ms - 200", {"HttpMethod": "GET", "StatusCode": "200"}),
                    ("End processing HTTP request after 26.2ms - 200", {"StatusCode": "200"}),
                )
            ):
                moment = at + timedelta(milliseconds=100 + 200 * number)
                line = {
                    "Timestamp": moment.isoformat(timespec="milliseconds"),
                    "LogLevel": "Information",
                    "Message": said,
                    "State": state,
                }
                logs["webapp"].append((moment, json.dumps(line)))
    write(tmp_path, logs)
    counts, _ = open_visits(tmp_path)
    assert counts["access"] == {f"192.0.2.{visit + 1}": CLICKS for visit in range(VISITS)}
    assert counts["webapp"] == {f"192.0.2.{visit + 1}": CLICKS * CALLS for visit in range(VISITS)}


def test_entries_of_pairs_alone_are_told_apart_by_what_their_pairs_say(tmp_path: Path) -> None:
    """A service says ``method=GetUsers`` for who asks, and ``method=Health`` by the clock: one wording would be neither's."""
    logs: dict[str, list[tuple[datetime, str]]] = {"access": [], "user": []}

    def say(moment: datetime, pairs: str) -> None:
        logs["user"].append(
            (moment, f"ts={moment.isoformat(timespec='milliseconds')} caller=middlewares.go:68 {pairs} took=1.25ms")
        )

    for visit in range(VISITS):
        for click in range(CLICKS):
            at = START + timedelta(minutes=11 * visit, seconds=40 * click)
            logs["access"].append(
                (
                    at + timedelta(milliseconds=900),
                    edge_line(at + timedelta(milliseconds=900), visit, f"/me/{click}", 900),
                )
            )
            say(at + timedelta(milliseconds=300), "method=GetUsers result=1")
    for probe in range(11 * VISITS * 4):
        say(START + timedelta(seconds=7.3 + 15 * probe), "method=Health result=2")
    write(tmp_path, logs)
    counts, _ = open_visits(tmp_path)
    assert counts["user"] == {f"192.0.2.{visit + 1}": CLICKS for visit in range(VISITS)}


def test_a_request_is_served_when_the_tier_behind_says_where_the_edge_knows_the_second_alone(tmp_path: Path) -> None:
    """Two visitors' requests one after the other within a second: by the edge's stamps either may have been served at any moment of it."""
    logs: dict[str, list[tuple[datetime, str]]] = {"access": [], "app": []}
    wanted: dict[str, set[str]] = {}
    for pair in range(VISITS):
        for click in range(CLICKS):
            second = START + timedelta(minutes=7 * pair, seconds=30 * click)
            for half in range(2):
                visit, begun = 2 * pair + half, second + timedelta(milliseconds=50 + 450 * half)
                over, target = begun + timedelta(milliseconds=300), f"/shelf/{(pair + half) % 5}"
                logs["access"].append((over, edge_line(over, visit, target, 300)))
                asked = {
                    "time": over.isoformat(timespec="milliseconds"),
                    "method": "GET",
                    "path": target,
                    "status": 200,
                    "duration_ms": 300,
                }
                logs["app"].append((over, json.dumps(asked)))
                said = {
                    "time": (begun + timedelta(milliseconds=150)).isoformat(timespec="milliseconds"),
                    "level": "info",
                    "message": "shelf read",
                }
                logs["app"].append((begun + timedelta(milliseconds=150), json.dumps(said)))
                wanted.setdefault(f"192.0.2.{visit + 1}", set()).add(said["time"])
    write(tmp_path, logs)
    _, lines = open_visits(tmp_path)
    text = (tmp_path / "app.log").read_text(encoding="utf-8").splitlines()
    found = {
        address: {entry["time"] for entry in (json.loads(text[line - 1]) for line in numbers) if "message" in entry}
        for address, numbers in lines.items()
    }
    assert found == wanted
