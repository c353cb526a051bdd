"""``reconstruct export``: journeys into a file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reconstruct.cli.chosen import tell_none
from reconstruct.cli.inputs import select
from reconstruct.cli.output import check_output, clean, open_output
from reconstruct.errors import EXIT_OK, UsageError
from reconstruct.export.document import write_json, write_jsonl

WRITERS = {"json": write_json, "jsonl": write_jsonl}

SUFFIXES = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def run(arguments: argparse.Namespace) -> int:
    """Export. Raises UsageError for a suffix that names no format, ExportError when the place cannot be written."""
    wanted = [each for each in arguments.format if "=" not in each]
    arguments.format = [each for each in arguments.format if "=" in each]
    if wanted and wanted[-1] not in WRITERS:
        raise UsageError(
            f"no export format is called {wanted[-1]}",
            hint=f"one of {', '.join(WRITERS)}, or GLOB=ID to say of what format a log is",
        )
    name = wanted[-1] if wanted else _format_of(arguments.output)
    check_output(arguments.output)
    results = select(arguments)
    n = results.count_journeys()
    if not n:
        print(clean(f"warning: {'; '.join(map(str.strip, tell_none(results)))}"), file=sys.stderr)
    with open_output(arguments.output) as out:
        WRITERS[name](results, out)
    if arguments.output != "-":
        print(clean(f"{arguments.output}: {n:,} journey{'' if n == 1 else 's'}"), file=sys.stderr)
    results.close()
    return EXIT_OK


def _format_of(place: str) -> str:
    suffix = Path(place).suffix.lower()
    if place == "-" or not suffix:
        return "json"
    if suffix not in SUFFIXES:
        known = ", ".join(sorted(SUFFIXES))
        raise UsageError(f"no export format for {suffix}", hint=f"use --format, or one of {known}")
    return SUFFIXES[suffix]
