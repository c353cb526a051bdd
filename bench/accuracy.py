"""How close the reconstruction comes to what really happened.

    python bench/accuracy.py DIR...              each DIR holds logs/ and truth-lines.jsonl.gz
    python bench/accuracy.py --simulate [SEED]   simulated shops of every kind, one knob turned at a time

Prints one row a directory; measures as in bench/scoring.py. --json prints the same for other programs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scoring import read_truth, score
from simulate import Shop, simulate

COLUMNS = (
    "lines", "sessions", "pair_p", "pair_r", "pair_f1", "exact", "overlap", "inflation", "orders", "line_order_p", "line_order_r",
    "order_session_p", "order_session_r", "ece", "unparsed", "adds_up",
)  # fmt: skip
KINDS: dict[str, dict[str, object]] = {
    "tail": {},
    "json, spring": {"edge": "json", "style": "spring"},
    "combined": {"edge": "combined"},
    "no ids": {"no_ids": True},
    "no ids, nat .4": {"no_ids": True, "nat": 0.4},
    "nat .5": {"nat": 0.5, "mobile": 0.1},
    "mobile .8": {"mobile": 0.8, "nat": 0.0},
    "session ids 30 % lost": {"missing_session": 0.3},
    "request ids 30 % lost": {"missing_request": 0.3},
    "both 50 % lost, spring": {"missing_session": 0.5, "missing_request": 0.5, "style": "spring"},
    "clocks off by seconds": {"skew_app": 2300, "skew_payments": -1700, "skew_depot": 40_000},
    "declined .5": {"declined": 0.5},
    "double submits .5": {"double_submits": 0.5},
    "bots .5": {"bots": 0.5},
    "guests only": {"guests": 1.0},
    "accounts only": {"guests": 0.0},
    "identifiers 30 % lost": {"lost": 0.3},
    "identifiers lost": {"lost": 1.0},
    "numbered carts": {"numbered": True, "page_checkout": True, "late_session": True, "declined": 0.3},
    "cookies that stay": {"sticky_cookies": 0.5},
    "shared browsers": {"shared_devices": 0.5, "guests": 0.2},
    "two devices": {"two_devices": 0.5},
    "tabs": {"tabs": 0.3},
    "rush hour": {"rush": 0.8, "chatter": 3},
    "lists": {"batch_rate": 6, "line_items": True},
    "bare numbers": {"bare_numbers": True},
    "placeholders": {"lost": 0.3, "blank": "guest"},
    "lines 5 % lost": {"lost_lines": 0.05, "repeated": True},
    "rotated, gzip": {"rotate": True, "gzip": True},
}


ROOT = Path(__file__).parent.parent


def export(logs: Path, checkout: Path) -> dict[str, Any]:
    """Export a directory as a user would, without the cache."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "export.json"
        command = [sys.executable, "-m", "reconstruct", "export", str(logs), "-o", str(out), "--no-cache"]
        child = subprocess.run(command, capture_output=True, text=True, check=False, cwd=checkout)
        if child.returncode:
            raise SystemExit(f"error: export of {logs} failed\n{child.stderr[-2000:]}")
        found: dict[str, Any] = json.loads(out.read_bytes())
    return found


def measure(directory: Path, checkout: Path = ROOT) -> dict[str, float]:
    """Export a directory and score it."""
    return score(export(directory / "logs", checkout), read_truth(directory / "truth-lines.jsonl.gz"))


def show(name: str, row: dict[str, float]) -> str:
    cells = (f"{row[c]:.4f}" if isinstance(row[c], float) else str(row[c]) for c in COLUMNS)
    return f"| {name} | " + " | ".join(cells) + " |"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directories", nargs="*", type=Path)
    parser.add_argument("--simulate", nargs="?", type=int, const=1, metavar="SEED")
    parser.add_argument("--sessions", type=int, default=400, help="size of each simulated shop")
    parser.add_argument("--only", default="", help="only kinds of shop whose name has this in it")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="working tree whose package is measured")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    rows: dict[str, dict[str, float]] = {}
    if not given.json:
        print("| logs | " + " | ".join(COLUMNS) + " |\n|---" * 1 + "|---" * len(COLUMNS) + "|")
    for directory in given.directories:
        rows[directory.name] = measure(directory.resolve(), given.checkout.resolve())
        if not given.json:
            print(show(directory.name, rows[directory.name]), flush=True)
    for kind, knobs in KINDS.items() if given.simulate is not None else ():
        if given.only not in kind:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            shop = Shop(sessions=given.sessions, seed=given.simulate, **knobs)  # type: ignore[arg-type]
            simulate(shop, Path(scratch))
            rows[kind] = measure(Path(scratch), given.checkout.resolve())
        if not given.json:
            print(show(kind, rows[kind]), flush=True)
    if given.json:
        print(json.dumps(rows, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
