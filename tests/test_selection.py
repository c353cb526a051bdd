"""Results narrowed to some journeys: exports and figures are of these and say so; what is said of the reading stays."""

from __future__ import annotations

import io
import json
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from command import assert_refused, reconstruct

from reconstruct.errors import QueryError
from reconstruct.export.document import write_json, write_jsonl
from reconstruct.export.events import write_events
from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.query.selection import compose
from reconstruct.results import Reconstruction

SHOP = Path(__file__).parent.parent / "samples" / "shop" / "logs"
SCHEMA = json.loads((files("reconstruct") / "export" / "schema" / "journeys-1.0.json").read_text(encoding="utf-8"))
QUERY = "stage>=consideration (outcome:abandoned or order:*)"

Document = dict[str, Any]


def export(results: Reconstruction) -> Document:
    out = io.BytesIO()
    write_json(results, out)
    found: Document = json.loads(out.getvalue())
    return found


@pytest.fixture(scope="module")
def whole(shop: Reconstruction) -> Document:
    return export(shop)


@pytest.fixture(scope="module")
def some(shop: Reconstruction) -> Document:
    return export(shop.select(QUERY, since="2026-09-14T12:00"))


def test_the_journeys_are_those_that_match_unchanged(whole: Document, some: Document) -> None:
    wanted = [
        journey
        for journey in whole["journeys"]
        if journey["started_at"] >= "2026-09-14T12"
        and journey["customer_journey"]["stage_reached"] not in ("awareness", "interest")
        and (journey["customer_journey"]["outcome"] == "abandoned" or journey["business_journeys"])
    ]
    assert some["journeys"] == wanted
    assert 0 < len(wanted) < len(whole["journeys"])


def test_it_is_a_document_like_any_other(some: Document) -> None:
    assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(some)) == []


def test_customers_are_those_of_the_journeys(some: Document) -> None:
    by_customer: dict[str, list[str]] = {}
    for journey in some["journeys"]:
        if journey["customer"] is not None:
            by_customer.setdefault(journey["customer"], []).append(journey["id"])
    assert {each["id"]: each["journeys"] for each in some["customers"]} == by_customer


def test_the_summary_is_of_the_journeys_and_says_so(whole: Document, some: Document) -> None:
    figures = some["summary"]
    assert figures["where"] == f"since:2026-09-14T12:00 {QUERY}"
    people = [each for each in some["journeys"] if each["session"]["agent_kind"] in ("human", "unknown")]
    outcomes = Counter(each["customer_journey"]["outcome"] for each in people)
    assert figures["journeys"] == len(people)
    assert figures["outcomes"] == dict(sorted(outcomes.items()))
    assert figures["conversion"] == round(outcomes["achieved"] / len(people), 4)
    assert figures["customers"] == len(some["customers"])
    business = [each for journey in some["journeys"] for each in journey["business_journeys"]]
    assert figures["business_journeys"] == figures["business_journeys_in_sessions"] == len(business)
    assert figures["business_outcomes"] == dict(sorted(Counter(each["outcome"] for each in business).items()))
    links = Counter(
        (link["to"] == "session", link["rule"]) for journey in some["journeys"] for link in journey["links"]
    )
    for is_session, joins in ((True, figures["joins"]["session"]), (False, figures["joins"]["object"])):
        assert {rule: each["events"] for rule, each in joins.items()} == {
            rule: n for (session, rule), n in links.items() if session is is_session
        }
    for key in ("events", "visits", "reconstruction", "quality", "skipped"):
        assert figures[key] == whole["summary"][key]
    assert some["sources"] == whole["sources"]
    assert "where" not in whole["summary"]


def test_everything_selected_is_the_whole(shop: Reconstruction, whole: Document) -> None:
    found = export(shop.select("id:*"))
    assert found["summary"].pop("where") == "id:*"
    assert found["unattributed"]["events"] == {}, "events of no journey are in no selection"
    # The queries of figures select within what is selected.
    found["summary"] = json.loads(json.dumps(found["summary"]).replace('"id:* ', '"'))
    assert {**found, "unattributed": None} == {**whole, "unattributed": None}
    assert shop.select("") is shop and shop.select("  ") is shop


def test_selections_are_narrowed_further(shop: Reconstruction) -> None:
    once = shop.select("outcome:abandoned or outcome:failed")
    twice = once.select("stage:purchase", until="2026-09-14")
    assert twice.summary()["where"] == "(outcome:abandoned or outcome:failed) until:2026-09-14 stage:purchase"
    assert once.count_journeys("stage:purchase until:2026-09-14") == twice.count_journeys() > 0
    assert [row["id"] for row in twice.journey_rows()] == [json.loads(line)["id"] for line in twice.documents()]
    assert once.count_journeys() > twice.count_journeys()


def test_nothing_selected_is_no_error(shop: Reconstruction) -> None:
    nothing = export(shop.select("customer:nobody-at-all"))
    assert nothing["journeys"] == nothing["customers"] == []
    assert nothing["summary"]["journeys"] == 0 and nothing["summary"]["conversion"] == 0.0
    assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(nothing)) == []


def test_business_journeys_without_a_session_are_selected_too(tmp_path: Path) -> None:
    steps = {"orders": "created", "payments": "captured", "depot": "shipped"}
    for number, (service, word) in enumerate(steps.items()):
        rows = [
            {"ts": f"2026-03-10T{10 + number}:{i:02d}:00Z", "service": service, "msg": f"order {word}", "order_id": f"ORD-{7000 + i}"}
            for i in range(40)
        ]  # fmt: skip
        (tmp_path / f"{service}.log").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    everything = json.loads(json.dumps(export(results)))["unattributed"]["business_journeys"]
    found = export(results.select("order:ORD-7003,ORD-7005"))
    ids = [business["id"] for business in found["unattributed"]["business_journeys"]]
    assert ids == ["order:ORD-7003", "order:ORD-7005"]
    assert all(business in everything for business in found["unattributed"]["business_journeys"])
    assert found["summary"]["business_journeys"] == 2 and found["summary"]["business_journeys_in_sessions"] == 0
    assert results.count_journeys("order(step(service:depot) -journey:*)") == 40
    assert results.count_journeys("channel:web") == 0
    assert results.count_journeys("started<=2026-03-10T10:09") == 10
    results.close()


def test_a_line_a_journey(shop: Reconstruction, some: Document) -> None:
    out = io.BytesIO()
    write_jsonl(shop.select(some["summary"]["where"]), out)
    assert [json.loads(line) for line in out.getvalue().splitlines()] == some["journeys"]


def test_events_of_a_period(shop: Reconstruction) -> None:
    def events(**period: str) -> list[bytes]:
        out = io.BytesIO()
        write_events(shop, out, **period)
        return out.getvalue().splitlines()

    everything = events()
    before, after = events(until="2026-09-14"), events(since="2026-09-15")
    assert len(before) + len(after) == len(everything) and before and after
    assert sorted(before + after) == sorted(everything)
    assert all(json.loads(line)["time"] < "2026-09-15" for line in before)
    with pytest.raises(QueryError, match="no moment"):
        events(since="whenever")


def test_one_query_of_three() -> None:
    assert compose("", None, None) == ""
    assert compose("a or b", "2d", None) == "since:2d (a or b)"
    assert compose("ticket:7 stuck", None, "2026-09-14 10:00") == 'until:"2026-09-14 10:00" ticket:7 stuck'
    with pytest.raises(QueryError):
        compose("duration>5", None, None)


# --- as a user meets it


def test_the_command_line_selects(logs: Path, tmp_path: Path) -> None:
    place = tmp_path / "some.json"
    assert reconstruct("export", logs, "--where", "ip:192.0.2.5,192.0.2.7", "-o", place).returncode == 0
    found = json.loads(place.read_bytes())
    assert [journey["session"]["client_ip"] for journey in found["journeys"]] == [["192.0.2.5"], ["192.0.2.7"]]
    assert found["summary"]["where"] == "ip:192.0.2.5,192.0.2.7"
    lines = reconstruct("summary", logs, "--since", "2026-03-10T10:00:20").stdout.splitlines()
    assert "of the journeys where since:2026-03-10T10:00:20:" in lines
    assert "10 journeys of 0 known customers: 10 ongoing" in lines
    zoned = reconstruct("summary", "--json", logs, "--timezone", "+01:00", "--since", "2026-03-10T11:00:20")
    assert json.loads(zoned.stdout)["journeys"] == 10
    assert "10 journeys" in reconstruct(logs, "--since", "2026-03-10T10:00:20").stdout, (
        "the summary where there is no terminal"
    )
    assert len(reconstruct("events", logs, "--until", "2026-03-10T10:00:05").stdout.splitlines()) == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["summary", "--where", "outcom:failed"], ["no field is called outcom", "  ^", "did you mean outcome?"]),
        (["export", "-o", "-", "--where", "duration>5"], ["duration>5", "           ^", "with its unit"]),
        (["export", "-o", "-", "--where", '"card'], ["never closed"]),
        (["summary", "--since", "yesteryear"], ["yesteryear is no moment", "2026-09-14"]),
        (["events", "--until", "32h1"], ["32h1 is no moment"]),
        (["events", "--where", "x"], ["reconstruct events has no option --where"]),
        (["summary", "--where", "-agent:bot"], ["--where='-agent:bot'"]),
        (["summary", "--wher"], ["expected one argument"]),
        (["summary", "--bye", "device"], ["reconstruct summary has no option --bye", "did you mean --by?"]),
        (["export", "-o", "-", "--since", "14:00"], ["14:00 is no moment", "with its day: 2026-09-14T14:00"]),
    ],
)
def test_the_command_line_refuses(arguments: list[str], words: list[str], logs: Path) -> None:
    assert_refused(reconstruct(arguments[0], logs, *arguments[1:]), 2, *words)


def test_few_journeys_are_told_one_by_one_with_the_line_that_is_known_last() -> None:
    lines = reconstruct("summary", SHOP, "--where", "order:100003").stdout.splitlines()
    told = lines[lines.index("of the journeys where order:100003:") + 1 :]
    assert told[0].startswith("  88650b979d · email:mia.2.50@inbox.example · web · 2026-09-14 06:37, 3m35s · achieved")
    order = next(place for place, line in enumerate(told) if line.startswith("    order 100003 fulfilled, "))
    wrong, last = next(line for line in told if "✖" in line), told[told.index("") - 1]
    assert wrong.startswith("      ✖  2026-09-14 06:40:") and "Address refused" in wrong and told.index(wrong) < order
    assert last.startswith("         2026-09-15 09:53:10  Order completed ")
    told_at = [line[9:28] for line in told[order + 1 : told.index("")]]
    assert len(told_at) > 10 and told_at == sorted(told_at)
    file, line = last.rsplit("  ", 1)[1].rsplit(":", 1)
    explained = reconstruct("explain", SHOP / f"{file}:{line}", "--in", SHOP).stdout
    assert "100003" in explained.splitlines()[0]


def test_of_more_journeys_only_what_went_wrong_and_where_they_stand() -> None:
    lines = reconstruct("summary", SHOP, "--where", "order(outcome:stuck,failed)").stdout.splitlines()
    assert sum(line.startswith("    went wrong: ") for line in lines) == 10
    assert sum(line.startswith("      last: ") for line in lines) == 10
    assert "10 business journeys: 10 failed" in lines
    assert not any("dropped here" in line or line.startswith("what failed") for line in lines)
    many = reconstruct("summary", SHOP, "--where", "outcome:achieved").stdout
    assert "      last: " not in many and "what failed: " in many


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("order:999999", ["no journey matches: none of ", '"999999" alone would be looked for']),
        (
            "outcome:failed channel:fax",
            ["each condition alone: outcome:failed 10, channel:fax 0", "channel is one of web"],
        ),
        ("declined 14:05", ["14:05 needs its day: at:2026-09-16T14:05 is when something happened"]),
        ("since:2030-01-01", ["they begin from 2026-09-14 04:"]),
    ],
)
def test_where_nothing_matches_it_is_said_why(query: str, told: list[str]) -> None:
    said = reconstruct("summary", SHOP, "--where", query)
    assert said.returncode == 0
    assert "no business objects found" not in said.stdout
    by_device = reconstruct("summary", SHOP, "--where", query, "--by", "device").stdout
    exported = reconstruct("export", SHOP, "--where", query, "-o", "-")
    assert json.loads(exported.stdout)["journeys"] == []
    assert exported.stderr.startswith("warning: no journey matches")
    for words in told:
        assert words in said.stdout and words in by_device and words in exported.stderr
