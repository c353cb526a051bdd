"""How well journeys tell what became of visits and orders.

    python bench/outcomes.py DIR...                 real logs with truth: DIR/logs, DIR/truth-lines.jsonl.gz, DIR/outcomes.json
                                                    (session -> outcome), DIR/truth/orders.jsonl and sessions.jsonl
    python bench/outcomes.py --open LOGS            how long it takes to open one journey of a kept store
    python bench/outcomes.py --simulate SEED...     simulated shops with planted anomalies, one of every seed, added up

Of real logs: the share of sessions whose outcome is right, the share of orders whose outcome is the one their last status
in the shop's database stands for, and the share of placed orders whose amount and currency are right to the cent. Of customers: of pairs
of visits that are said to be of one customer, the share that are of one person, and of pairs of one person's visits with a
known customer, the share that are said to be.

Of simulated shops, per planted anomaly: how many there were, and the precision and recall of the deviation that should
tell of it. An order that would not have been noticed by anybody yet when the logs end (see PATIENCE_MS) is not judged;
every other one on which the deviation stands without cause is a mistake.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import comb
from pathlib import Path
from typing import Any

from accuracy import ROOT, export
from scoring import Found, read_found, read_truth
from simulate import Shop, simulate

Document = dict[str, Any]

STANDS_FOR = {
    "Complete": ("fulfilled",), "Returned": ("returned",), "Cancelled": ("cancelled",), "Shipped": ("in_progress", "stuck"),
    "Being processed": ("in_progress", "stuck"), "Pending": ("in_progress", "stuck"),
    "never placed (payment not taken)": ("failed",),
}  # fmt: skip
"""Last status of an order in the database of the shop of ``lab-oscar`` → outcomes that say the same: of what is on its way
the status does not say whether it is overdue."""

HOUR_MS = 3_600_000
TELLS = {
    "charged_twice": ("repeated",), "skipped_allocation": ("missing",), "out_of_order": ("out_of_order",),
    "stuck": ("stuck", "missing"), "never_shipped": ("stuck", "missing"), "late": ("late",),
}  # fmt: skip
"""Planted anomaly → kinds of deviation that tell of it."""
ALSO = {"late": ("stuck",), "skipped_allocation": ("stuck",), "out_of_order": ("late", "stuck")}
"""Further deviations an anomaly causes that are true as well: what is late was overdue until it came, what was not
reserved is overdue until it is picked, and what was reserved after the picking was late for it."""
PATIENCE_MS = {"stuck": 24 * HOUR_MS, "never_shipped": HOUR_MS}
"""Time without the next step after which it must be noticed: twice the longest it takes when all is well (a night between
two waves of the depot; a quarter of an hour of packing)."""

KNOBS: dict[str, Any] = {"sessions": 1500, "days": 8, "buyers": 0.3, "stuck": 0.0, "planted": 0.18}
OPENED = 300
"""Journeys opened, evenly spaced."""
STYLES: tuple[dict[str, Any], ...] = (
    {},
    {"edge": "json", "style": "spring"},
    {"numbered": True, "page_checkout": True},
)
"""Shops take turns in how they log."""


def businesses(document: Document) -> Iterable[Document]:
    for journey in document["journeys"]:
        yield from journey["business_journeys"]
    yield from document["unattributed"]["business_journeys"]


def score_real(document: Document, directory: Path) -> dict[str, float]:
    """Outcomes of sessions, outcomes and amounts of orders."""
    wanted = json.loads((directory / "outcomes.json").read_bytes())
    stands = journeys_of_sessions(read_truth(directory / "truth-lines.jsonl.gz").session_of, read_found(document))
    precision, recall = _score_customers(document, stands, directory)
    outcomes = {journey["id"]: journey["customer_journey"]["outcome"] for journey in document["journeys"]}
    right = sum(outcomes.get(stands.get(session, "")) == outcome for session, outcome in wanted.items())
    rows = [json.loads(line) for line in (directory / "truth/orders.jsonl").read_text("utf-8").splitlines()]
    told = {business["object"]["id"]: business for business in businesses(document) if "~" not in business["id"]}
    orders = placed = exact = 0
    for row in rows:
        business = told.get(row["order"])
        orders += business is not None and business["outcome"] in STANDS_FOR[row["final_status"]]
        if "total" in row:
            placed += 1
            value = {"amount": row["total"], "currency": row["currency"]}
            exact += business is not None and business["value"] == value
    return {
        "sessions": len(wanted), "sessions_right": right / len(wanted), "orders": len(rows), "orders_right": orders / len(rows),
        "placed": placed, "amounts_exact": exact / placed,
        "customer_precision": precision, "customer_recall": recall,
    }  # fmt: skip


def _score_customers(document: Document, stands: dict[str, str], directory: Path) -> tuple[float, float]:
    """Precision and recall over pairs of visits whose customer is known."""
    rows = map(json.loads, (directory / "truth/sessions.jsonl").read_text("utf-8").splitlines())
    person_of = {stands[row["session"]]: row["person"] for row in rows if row["session"] in stands}
    named = [
        (journey["customer"], person_of[journey["id"]])
        for journey in document["journeys"]
        if journey["customer"] and journey["id"] in person_of
    ]
    right, said, true = (
        sum(comb(n, 2) for n in Counter(keys).values())
        for keys in (named, (name for name, _ in named), (person for _, person in named))
    )
    return right / max(1, said), right / max(1, true)


def journeys_of_sessions(true: dict[tuple[str, int], str], found: Found) -> dict[str, str]:
    """The journey that holds most lines of each session."""
    votes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for place, session in true.items():
        if place in found.journey_of:
            votes[session][found.journey_of[place]] += 1
    return {session: each.most_common(1)[0][0] for session, each in votes.items()}


def score_planted(document: Document, outcomes: Document, tally: dict[str, Counter[str]], show: bool = False) -> None:
    """Add what was planted and what was found to ``tally`` (anomaly → planted, judged, found, flagged, wrong)."""
    told: defaultdict[str, set[str]] = defaultdict(set)
    why: defaultdict[str, list[str]] = defaultdict(list)
    for business in businesses(document):
        for deviation in business["deviations"]:
            told[business["object"]["id"]].add(deviation["kind"])
            why[business["object"]["id"]].append(f"{deviation['kind']} {deviation['activity']}: {deviation['why']}")
    end = outcomes["end_ms"]
    for order, row in outcomes["orders"].items():
        anomaly, kinds = row.get("planted", ""), told.get(order, set())
        late_by = end - row.get("planted_at_ms", 0)
        judged = anomaly and late_by > 0 and late_by >= PATIENCE_MS.get(anomaly, 0)
        if anomaly:
            tally[anomaly]["planted"] += 1
            tally[anomaly]["judged"] += bool(judged)
        if judged:
            found = not kinds.isdisjoint(TELLS[anomaly])
            tally[anomaly]["found"] += found
            if show and not found:
                print(f"missed: {order} {anomaly}: {why[order]}", file=sys.stderr)
        caused = {*TELLS.get(anomaly, ()), *ALSO.get(anomaly, ())}
        for kind in sorted(kinds):
            for name in (name for name, tells in TELLS.items() if kind == tells[0]):
                tally[name]["flagged"] += 1
                tally[name]["wrong"] += kind not in caused
            if show and kind not in caused:
                print(f"wrong: {order} {anomaly or 'all is well'} {row['outcome']}: {why[order]}", file=sys.stderr)


def time_opening(logs: Path) -> str:
    """Milliseconds from an identifier to the document of a journey, over OPENED journeys spread over the store: by the clock
    and of the processor, which other programs on the machine do not change."""
    from reconstruct.pipeline import open_paths

    results = open_paths([logs])
    ids = [id for (id,) in results.store.rows("SELECT id FROM journeys ORDER BY seq")]
    (events,) = results.store.rows("SELECT count(*) FROM events")[0]
    took, worked = list[float](), list[float]()
    for id in ids[:: max(1, len(ids) // OPENED)]:
        began, busy = time.perf_counter(), time.process_time()
        results.journey(id)
        took.append((time.perf_counter() - began) * 1000)
        worked.append((time.process_time() - busy) * 1000)
    results.close()
    said = [f"{events:,} events, {len(ids):,} journeys"]
    for name, figures in (("clock", took), ("processor", worked)):
        figures.sort()
        shown = {"median": figures[len(figures) // 2], "p95": figures[len(figures) * 95 // 100], "worst": figures[-1]}
        said.append(f"{name}: " + ", ".join(f"{k} {v:.1f} ms" for k, v in shown.items()))
    return "; ".join(said)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directories", nargs="*", type=Path)
    parser.add_argument("--simulate", nargs="+", type=int, default=[], metavar="SEED")
    parser.add_argument("--open", type=Path, metavar="LOGS", help="time opening journeys of these logs")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="working tree whose package is measured")
    parser.add_argument("--show", action="store_true", help="name every mistake")
    given = parser.parse_args(arguments)
    if given.open:
        print(time_opening(given.open))
    for directory in given.directories:
        row = score_real(export(directory.resolve() / "logs", given.checkout.resolve()), directory)
        print(
            f"| {directory.name} | "
            + " | ".join(f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
            + " |"
        )
    tally: dict[str, Counter[str]] = {name: Counter() for name in TELLS}
    for number, seed in enumerate(given.simulate):
        with tempfile.TemporaryDirectory() as scratch:
            simulate(Shop(seed=seed, **{**KNOBS, **STYLES[number % len(STYLES)]}), Path(scratch))
            outcomes = json.loads((Path(scratch) / "outcomes.json").read_bytes())
            score_planted(export(Path(scratch) / "logs", given.checkout.resolve()), outcomes, tally, given.show)
    if given.simulate:
        print("| planted | how many | judged | recall | flagged | precision |\n|---|---|---|---|---|---|")
    for name, counts in tally.items() if given.simulate else ():
        recall = counts["found"] / max(1, counts["judged"])
        precision = 1 - counts["wrong"] / max(1, counts["flagged"])
        print(
            f"| {name} | {counts['planted']} | {counts['judged']} | {recall:.3f} | {counts['flagged']} | {precision:.3f} |"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
