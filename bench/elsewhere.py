"""How well systems other than the simulated shop are reconstructed: a travel agency, a shop on Rails, a
single-page shop, software by subscription, a mesh.

    python bench/elsewhere.py                        every system and variant, means over two seeds
    python bench/elsewhere.py --seeds 3 --show       another seed; every visit and order that was taken for something else
    python bench/elsewhere.py --only travel --keep DIR   one system, its logs and truth kept in DIR

Nothing of ``reconstruct`` was written for the words and identifiers of these systems (``bench/systems/``); rules that were made
because of what they showed are general ones. Measures as in ``scoring.py``, and beside them

    visits_right        share of visits whose outcome is right, of those that end before the logs do
    orders_right        share of orders whose outcome is right, told by one business journey and no second
    amounts_exact       share of orders whose amount and currency are right to the cent
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from accuracy import ROOT, export
from outcomes import businesses, journeys_of_sessions
from robustness import Figures, heading, mean, show
from scoring import read_found, read_truth, score
from systems.boutique import Boutique
from systems.rails import Rails
from systems.saas import Saas
from systems.spa import Spa
from systems.system import System
from systems.travel import Travel

COLUMNS = (
    "pair_p", "pair_f1", "exact", "order_session_p", "order_session_r", "line_order_p", "line_order_r", "ece", "coverage",
    "visits_right", "orders_right", "amounts_exact",
)  # fmt: skip
VARIANTS: Mapping[str, tuple[int, Callable[..., System]]] = {
    "travel": (260, Travel),
    "travel, no trace at the edge": (260, partial(Travel, traced_edge=False)),
    "travel, no edge log": (260, partial(Travel, edge_log=False)),
    "travel, mail at its own pace": (260, partial(Travel, steady=False)),
    "rails": (300, Rails),
    "rails, no edge log": (300, partial(Rails, edge_log=False)),
    "saas": (240, Saas),
    "saas, no edge log": (240, partial(Saas, edge_log=False)),
    "spa": (200, Spa),
    "spa, no identifiers": (200, partial(Spa, identifiers=False)),
    "spa, no identifiers, crowded": (200, partial(Spa, identifiers=False, crowded=True)),
    "boutique": (150, Boutique),
    "boutique, no traces": (150, partial(Boutique, traces=False)),
}
"""System and variant → people who come, what makes it."""
SEEDS = (1, 2)
SAME = {"in_progress": ("in_progress", "stuck")}
"""Outcomes of orders that say the same: whether what is on its way is overdue, truth does not say."""


def make(variant: str, out: Path, seed: int, visits: int = 0) -> None:
    """Write logs and truth of a variant into ``out``; ``visits``: people who come, 0 for as many as it has."""
    n, system = VARIANTS[variant]
    system(out, seed, visits or n).run()


def judge(document: dict[str, Any], directory: Path) -> tuple[Figures, list[str]]:
    """Every figure of an export, and in words each visit and order that was taken for something else."""
    truth = read_truth(directory / "truth-lines.jsonl.gz")
    wanted = json.loads((directory / "outcomes.json").read_bytes())
    stands = journeys_of_sessions(truth.session_of, read_found(document))
    ends = {journey["id"]: journey["customer_journey"] for journey in document["journeys"]}
    wrong = []
    for visit, outcome in wanted["visits"].items():
        found = ends.get(stands.get(visit, ""))
        if found is None or found["outcome"] != outcome:
            said = f"{found['outcome']} ({found['outcome_why']})" if found else "in no journey"
            wrong.append(f"visit {visit} {outcome}: {stands.get(visit, '')} {said}")
    visits_right = 1 - len(wrong) / max(1, len(wanted["visits"]))
    told: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for business in businesses(document):
        for name in {each["id"] for each in (business["object"], *business["objects"])} & wanted["orders"].keys():
            told[name].append(business)
    right = exact = 0
    for order, row in wanted["orders"].items():
        outcomes, values = ([each[key] for each in told[order]] for key in ("outcome", "value"))
        fine = len(outcomes) == 1 and outcomes[0] in SAME.get(row["outcome"], (row["outcome"],))
        paid = values == [{"amount": row["amount"], "currency": row["currency"]}]
        right, exact = right + fine, exact + paid
        if not (fine and paid):
            wrong.append(f"order {order} {row['outcome']} {row['amount']} {row['currency']}: {outcomes} {values}")
    n = max(1, len(wanted["orders"]))
    figures = {"visits_right": visits_right, "orders_right": right / n, "amounts_exact": exact / n}
    return {**score(document, truth), **figures}, wrong


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--only", default="", help="only systems and variants whose name has this in it")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="working tree whose package is measured")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs and truth in DIR/VARIANT-SEED")
    parser.add_argument("--show", action="store_true", help="name every visit and order taken for something else")
    given = parser.parse_args(arguments)
    print(heading("logs", "lines", "visits", "orders", *COLUMNS))
    for variant in (name for name in VARIANTS if given.only in name):
        rows = []
        for seed in given.seeds:
            with tempfile.TemporaryDirectory() as scratch:
                out = (given.keep or Path(scratch)) / f"{variant}-{seed}".replace(", ", "-").replace(" ", "-")
                make(variant, out, seed)
                figures, wrong = judge(export(out.resolve() / "logs", given.checkout.resolve()), out)
            rows.append(figures)
            if given.show:
                print("\n".join([f"{variant}, seed {seed}: {len(wrong)} wrong", *wrong]), file=sys.stderr)
        whole = mean(rows)
        sizes = [f"{whole[name]:,.0f}" for name in ("all_lines", "sessions", "orders")]
        print(show([variant, *sizes], COLUMNS, whole), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
