"""``reconstruct plan``: identifier types, what each identifies, who owns whom, and why."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from reconstruct.cli.inputs import open_results
from reconstruct.cli.output import check_output, clean, open_output
from reconstruct.errors import EXIT_OK, UsageError
from reconstruct.export.model import render_model
from reconstruct.export.plan import render_plan

SLOTS_SHOWN = 6

_SECTION = re.compile(r"^\s*\[\s*plan\s*[\].]", re.MULTILINE)

_MODEL = re.compile(r"^\s*\[+\s*model\s*[\].]", re.MULTILINE)


def run(arguments: argparse.Namespace) -> int:
    """Print the plan, or put it into a file."""
    place: Path | None = arguments.write
    before = _read_before(place) if place is not None else ""
    results = open_results(arguments)
    rows = results.identifiers()
    if place is not None:
        model = ""
        if not _MODEL.search(before):
            model = "\n" + render_model(results.model(), results.documents(), results.summary()["processes"])
        results.close()
        _write(place, before, rows, model)
        return EXIT_OK
    results.close()
    if arguments.json:
        sys.stdout.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode() + "\n")
        return EXIT_OK
    for row in rows:
        owner = f" · owned by {row['owner']}" if row["owner"] else ""
        label = "" if row["label"] == row["type"] else f" “{row['label']}”"
        print(
            clean(
                f"{row['type']}{label}: {row['role']} · {row['distinct']:,} value{'' if row['distinct'] == 1 else 's'}{owner}"
            )
        )
        slots = row["slots"]
        more = f" … and {len(slots) - SLOTS_SHOWN} more" if len(slots) > SLOTS_SHOWN else ""
        print(clean(f"    found in  {', '.join(slots[:SLOTS_SHOWN])}{more}"))
        print(clean(f"    because   {'; '.join(row['why'])}"))
    return EXIT_OK


def _read_before(place: Path) -> str:
    """What the file says so far, so that the plan is added to it. Raises UsageError when it has a plan already."""
    check_output(str(place))
    if not place.is_file():
        return ""
    try:
        text = place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {place}: {error}", hint="name a new file") from None
    if _SECTION.search(text):
        raise UsageError(f"{place} has a plan already", hint="name a new file, or take its [plan] sections out")
    return text.rstrip("\n") + "\n\n" if text.strip() else ""


def _write(place: Path, before: str, rows: Sequence[dict[str, Any]], model: str) -> None:
    with open_output(str(place)) as out:
        out.write((before + render_plan(rows) + model).encode())
    print(
        f"{place}: {len(rows)} types{' and a journey model' if model else ''}; edit it, and it counts for the logs beside it, "
        "or with --config",
        file=sys.stderr,
    )
