"""The same logs as people pass them on, with lines lost, and with other things beside them: does the same story come out?

    python bench/passed_on.py DIR...              each DIR holds logs/ and truth-lines.jsonl.gz
    python bench/passed_on.py DIR --only grep     one of the ways

Every line keeps its file and its number, so that the truth stays what it is; an empty line is left of one that is lost, which is then not
judged. Measures as in bench/scoring.py.
"""

from __future__ import annotations

import argparse
import gzip
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

from accuracy import ROOT, export
from scoring import read_truth, score

COLUMNS = ("pair_f1", "exact", "order_session_p", "order_session_r", "line_order_r", "unparsed")
OUTCOMES = ("fulfilled", "in_progress", "stuck", "failed")

Lines = list[str]
Way = Callable[[Lines, str], Lines]


def _each(put: Callable[[int, str, str], str]) -> Way:
    """A way that changes every line by itself; ``put``: of its number, itself and its file."""
    return lambda lines, path: [put(number, line, path) if line else line for number, line in enumerate(lines, 1)]


def _wild(lines: Lines, path: str) -> Lines:
    """One line of 2099 and one of 1970, of a machine that had lost the time."""
    dice = random.Random(path)
    for year in ("2099", "1970"):
        at = dice.randrange(len(lines))
        lines[at] = lines[at].replace("2026", year, 1)
    return lines


def _behind_a_proxy(put: str) -> Way:
    """Access logs of a server behind a proxy: ``put`` says where it adds the visitor."""

    def change(_: int, line: str, path: str) -> str:
        visitor, blank, rest = line.partition(" - ")
        return f"10.0.0.7 - {put.format(line=rest, visitor=visitor)}" if blank and path.startswith("nginx/") else line

    return _each(change)


def _lossy(share: float) -> Way:
    """Logs of a sender that drops so many of the lines."""

    def change(lines: Lines, path: str) -> Lines:
        dice = random.Random(path)
        return ["" if dice.random() < share else line for line in lines]

    return change


def _hush(in_family: str, since: str, until: str) -> Way:
    """Logs that are silent between two moments, as their stamps begin."""

    def change(_: int, line: str, path: str) -> str:
        stamp = line.partition("[")[2][:20]
        return "" if path.startswith(in_family) and since <= stamp < until else line

    return _each(change)


def _address_of(stands_in_front: Sequence[str]) -> Way:
    """Access logs of servers that write down for everybody the address of what stands in front, one of several by chance."""

    def change(lines: Lines, path: str) -> Lines:
        dice = random.Random(path)
        told = (line.partition(" - ") for line in lines) if path.startswith("nginx/") else ()
        return [f"{dice.choice(stands_in_front)} - {rest}" if blank else line for line, blank, rest in told] or lines

    return change


NODES = ("10.0.1.5", "10.0.1.6")
DELIVERY_NETWORK = tuple(f"198.51.100.{number}" for number in range(1, 250))

WAYS: dict[str, Way] = {
    "as they are": _each(lambda _, line, __: line),
    "grep -r": _each(lambda _, line, path: f"./{path}:{line}"),
    "grep -rn": _each(lambda number, line, path: f"{path}:{number}:{line}"),
    "cat -n": _each(lambda number, line, _: f"{number:6d}\t{line}"),
    "grep -n of each": _each(lambda number, line, _: f"{number}:{line}"),
    "indented": _each(lambda _, line, __: f"  {line}"),
    "cited": _each(lambda _, line, __: f"> {line}"),
    "a column of a table": _each(lambda _, line, __: '"' + line.replace('"', '""') + '"'),
    "docker compose logs": _each(lambda _, line, __: f"web-1  | {line}"),
    "Procfile": _each(lambda _, line, __: f"10:00:00 web.1  | {line}"),
    "syslog": _each(lambda _, line, __: f"Sep 18 10:00:00 web1 app[12]: {line}"),
    "loaded into a journal later": _each(lambda _, line, __: f"2026-09-19T10:00:00+0100 web1 app[12]: {line}"),
    "carriage returns": _each(lambda _, line, __: f"{line}\r"),
    "a clock that ran wild": _wild,
    "behind a proxy, visitor last": _behind_a_proxy('{line} "{visitor}, 10.0.0.8"'),
    "behind a proxy, more added": _behind_a_proxy('{line} "www" {visitor} -'),
    "behind two nodes of a balancer": _address_of(NODES),
    "behind a delivery network": _address_of(DELIVERY_NETWORK),
    "one line in twenty lost": _lossy(0.05),
    "one line in five lost": _lossy(0.2),
    "two hours of the edge lost": _hush("nginx/", "15/Sep/2026:12", "15/Sep/2026:14"),
}


def _orders(document: dict[str, Any]) -> Lines:
    return [each["object"]["id"] for journey in document["journeys"] for each in journey["business_journeys"]]


def _hours(weeks: int) -> Lines:
    start = datetime(2026, 9, 14, tzinfo=UTC)
    return [f"{start + timedelta(hours=n):%Y-%m-%dT%H:%M:%SZ} INFO cron: run {n % 7} done" for n in range(weeks * 168)]


BESIDE: dict[str, Callable[[dict[str, Any]], tuple[str, Lines]]] = {
    "beside a table of orders": lambda found: ("orders.jsonl", [f'{{"order": "{each}", "state": "paid"}}' for each in _orders(found)]),
    "beside a dated table": lambda found: ("orders.csv", ["day,order_id", *(f"2026-09-17,{each}" for each in _orders(found))]),
    "beside a dump": lambda found: ("dump.sql", [f"INSERT INTO orders (id) VALUES ({each});" for each in _orders(found)]),
    "beside notes": lambda found: ("notes.md", [f"* order {each}: rang the customer" for each in _orders(found)]),
    "beside a log of six weeks": lambda _: ("cron.log", _hours(6)),
}  # fmt: skip


def _back_up(logs: Path) -> None:
    """The logs as they are, beside themselves."""
    shutil.copytree(logs, logs / "backup")


def _collect_twice(logs: Path) -> None:
    """Beside the logs what another person collected of them at noon before the last day: the ones that are plain, some cut off."""
    for path in [each for each in sorted(logs.rglob("*")) if each.is_file() and each.suffix != ".gz"]:
        target = logs / "collected-before" / path.relative_to(logs)
        target.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_bytes().splitlines(keepends=True)
        target.write_bytes(b"".join(lines[: len(lines) * 2 // 3]))


_COMBINED = re.compile(r'(\S+) - \S+ \[([^\]]+)\] "(\S+) (\S+) (\S+)" (\d+) (\d+) "[^"]*" "([^"]*)"')


def _log_the_balancer(logs: Path) -> None:
    """Beside the logs that of a balancer in front, which knows addresses and browsers, but no referrer, session or request; the servers
    behind it know only its two nodes."""
    told: list[tuple[datetime, str]] = []
    for path in sorted(logs.glob("nginx/*access*")):
        for line in read_lines(path):
            if found := _COMBINED.match(line):
                address, stamp, method, target, protocol, status, size, agent = found.groups()
                at = datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC)
                moment = f"{at:%Y-%m-%dT%H:%M:%S}.000000Z"
                told.append((at, (
                    f'https {moment} app/shop/50dc6c495c0c9188 {address}:40000 10.0.1.17:80 0.000 0.040 0.000 {status} {status} 320 {size} '
                    f'"{method} https://shop.example:443{target} {protocol}" "{agent}" ECDHE TLSv1.2 '
                    f'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop/73e2 "Root=1-{int(at.timestamp()):08x}-{len(told):024x}" '
                    f'"shop.example" "-" 0 {moment} "forward" "-" "-" "10.0.1.17:80" "{status}" "-" "-"'
                )))  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        rewrite(logs, Path(scratch), _address_of(NODES))
        shutil.copytree(scratch, logs, dirs_exist_ok=True)
    (logs / "balancer.log").write_text("".join(f"{line}\n" for _, line in sorted(told, key=itemgetter(0))))


COPIED: dict[str, Callable[[Path], None]] = {
    "with a backup beside it": _back_up,
    "collected twice": _collect_twice,
    "with the balancer's log in front": _log_the_balancer,
}


def rewrite(logs: Path, into: Path, way: Way) -> None:
    """All files of a directory another way, compressed as they were."""
    for path in sorted(logs.rglob("*")):
        if path.is_file():
            packed = path.read_bytes()[:2] == b"\x1f\x8b"
            name = path.relative_to(logs).as_posix()
            changed = "\n".join(way(read_lines(path), name)).encode("utf-8", "surrogateescape")
            target = into / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(gzip.compress(changed, 1) if packed else changed)


def read_lines(path: Path) -> Lines:
    data = path.read_bytes()
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8", "surrogateescape").split("\n")


def show(name: str, document: dict[str, Any], directory: Path, logs: Path) -> str:
    truth = read_truth(directory / "truth-lines.jsonl.gz")
    for path in {path for path, _ in (*truth.session_of, *truth.orders_of)}:
        lost = [number for number, line in enumerate(read_lines(logs / path), 1) if not line]
        for number in lost:
            truth.session_of.pop((path, number), None)
            truth.orders_of.pop((path, number), None)
    row = score(document, truth)
    cells = [f"{row[column]:.4f}" if isinstance(row[column], float) else str(row[column]) for column in COLUMNS]
    orders = [each for journey in document["journeys"] for each in journey["business_journeys"]]
    counted = Counter(each["outcome"] for each in [*orders, *document["unattributed"]["business_journeys"]])
    return f"| {name} | " + " | ".join([*cells, *(str(counted[outcome]) for outcome in OUTCOMES)]) + " |"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directories", nargs="+", type=Path)
    parser.add_argument("--only", default="", help="only ways that have this in their name")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="working tree whose package is measured")
    given = parser.parse_args(arguments)
    checkout = given.checkout.resolve()
    head = ("how", *COLUMNS, *OUTCOMES)
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    for directory in map(Path.resolve, given.directories):
        logs = directory / "logs"
        for name, way in WAYS.items():
            if given.only in name:
                with tempfile.TemporaryDirectory() as scratch:
                    rewrite(logs, Path(scratch), way)
                    print(
                        show(f"{directory.name}, {name}", export(Path(scratch), checkout), directory, Path(scratch)),
                        flush=True,
                    )
        for name, copy in COPIED.items():
            if given.only in name:
                with tempfile.TemporaryDirectory() as scratch:
                    rewrite(logs, Path(scratch), WAYS["as they are"])
                    copy(Path(scratch))
                    print(
                        show(f"{directory.name}, {name}", export(Path(scratch), checkout), directory, Path(scratch)),
                        flush=True,
                    )
        told = {name: beside for name, beside in BESIDE.items() if given.only in name}
        found = export(logs, checkout) if told else {}
        for name, beside in told.items():
            with tempfile.TemporaryDirectory() as scratch:
                rewrite(logs, Path(scratch), WAYS["as they are"])
                file, lines = beside(found)
                Path(scratch, file).write_text("\n".join(lines) + "\n")
                print(
                    show(f"{directory.name}, {name}", export(Path(scratch), checkout), directory, Path(scratch)),
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
