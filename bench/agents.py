"""Whether robots are told from people.

    python bench/agents.py                      simulated shops: robots that pose as browsers, people whose browsers hide what browsers do
    python bench/agents.py DIR...               logs with truth: DIR/logs, DIR/truth/lines.jsonl.gz, DIR/truth/sessions.jsonl (``kind``: bot or else)

Prints, for each set of logs, of how many true visits of people how many were called a robot's (wanted: none), and for each habit of
robots how many of their visits were recognised; *recall* is the mean of these shares. A visit is what the journey with most of its
lines is.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accuracy import ROOT, export
from robustness import heading
from scoring import Place, read_found, read_truth
from simulate import Shop, simulate

SEEDS = (1, 2)
VISITS = 300
ROBOT = ("bot", "monitor")
KINDS: Mapping[str, dict[str, object]] = {
    "robots .1": {"disguised": 0.1},
    "robots .3": {"disguised": 0.3},
    "robots .3, no ids": {"disguised": 0.3, "no_ids": True},
    "robots .3, json": {"disguised": 0.3, "edge": "json", "style": "spring"},
    "offices and telephones": {"disguised": 0.1, "nat": 0.4, "mobile": 0.5, "no_ids": True},
    "a week": {"disguised": 0.05, "days": 7, "nat": 0.3},
    "referrers hidden .1, files kept .1": {"disguised": 0.1, "private": 0.1, "cached": 0.1, "no_ids": True},
    "referrers hidden .04, files kept .04": {"disguised": 0.1, "private": 0.04, "cached": 0.04, "no_ids": True},
    "referrers hidden .5, files kept .5": {"private": 0.5, "cached": 0.5, "no_ids": True},
    "no files": {"disguised": 0.1, "cached": 1.0, "no_ids": True},
    "no referrers": {"disguised": 0.1, "private": 1.0, "no_ids": True},
}


def judge(
    document: dict[str, Any], session_of: Mapping[Place, str], kinds: Mapping[str, Mapping[str, str]]
) -> dict[str, Counter[bool]]:
    """Per habit of ``kinds`` (session → kind and outcome; ``people`` for all who are no robot), how many visits are called a robot's."""
    found = read_found(document)
    called = {journey["id"]: journey["session"]["agent_kind"] in ROBOT for journey in document["journeys"]}
    places: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for place, session in session_of.items():
        if place in found.journey_of:
            places[session][found.journey_of[place]] += 1
    counted: defaultdict[str, Counter[bool]] = defaultdict(Counter)
    for session, journeys in places.items():
        if session in kinds:
            habit = kinds[session]["outcome"] if kinds[session]["kind"] == "bot" else "people"
            counted[habit][called[journeys.most_common(1)[0][0]]] += 1
    return counted


def show(name: str, counted: Mapping[str, Counter[bool]]) -> str:
    people = counted.get("people", Counter())
    robots = {habit: row for habit, row in sorted(counted.items()) if habit != "people"}
    whole = sum(robots.values(), Counter[bool]())
    told = ", ".join(f"{habit} {row[True]}/{row.total()}" for habit, row in robots.items())
    precision = whole[True] / max(1, whole[True] + people[True])
    recall = sum(row[True] / row.total() for row in robots.values()) / max(1, len(robots))
    cells = (
        name,
        f"{people[True]}/{people.total()}",
        f"{precision:.4f}",
        f"{recall:.4f}",
        told,
    )
    return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directories", nargs="*", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--sessions", type=int, default=VISITS, help="visits of people of each simulated shop")
    parser.add_argument("--only", default="", help="only shops whose name has this in it")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="working tree whose package is measured")
    given = parser.parse_args(arguments)
    checkout = given.checkout.resolve()
    print(heading("logs", "people called robots", "precision", "recall", "robots recognised"))
    for directory in given.directories:
        rows = map(json.loads, (directory / "truth" / "sessions.jsonl").read_text(encoding="utf-8").splitlines())
        kinds = {row["session"]: {"kind": row["kind"], "outcome": row["goal"]} for row in rows}
        with gzip.open(directory / "truth" / "lines.jsonl.gz", "rt", encoding="utf-8") as lines:
            session_of = {(row["f"], row["n"]): row["s"] for row in map(json.loads, lines) if "s" in row}
        print(
            show(directory.name, judge(export(directory.resolve() / "logs", checkout), session_of, kinds)), flush=True
        )
    for name, knobs in KINDS.items() if not given.directories else ():
        if given.only not in name:
            continue
        whole: defaultdict[str, Counter[bool]] = defaultdict(Counter)
        for seed in given.seeds:
            with tempfile.TemporaryDirectory() as scratch:
                out = Path(scratch)
                simulate(Shop(**{"sessions": given.sessions, "seed": seed, **knobs}), out)  # type: ignore[arg-type]
                kinds = json.loads((out / "outcomes.json").read_bytes())["sessions"]
                session_of = read_truth(out / "truth-lines.jsonl.gz").session_of
                for habit, row in judge(export(out / "logs", checkout), session_of, kinds).items():
                    whole[habit] += row
        print(show(name, whole), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
