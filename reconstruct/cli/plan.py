"""``reconstruct plan``: identifier types, what each identifies, who owns whom, and why."""

from __future__ import annotations

import argparse
import sys

import orjson

from reconstruct.cli.inputs import open_results
from reconstruct.cli.output import clean
from reconstruct.errors import EXIT_OK

SLOTS_SHOWN = 6


def run(arguments: argparse.Namespace) -> int:
    """Print the plan."""
    results = open_results(arguments)
    rows = results.identifiers()
    results.close()
    if arguments.json:
        sys.stdout.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode() + "\n")
        return EXIT_OK
    for row in rows:
        owner = f" · owned by {row['owner']}" if row["owner"] else ""
        print(clean(f"{row['type']}: {row['role']} · {row['distinct']:,} values{owner}"))
        slots = row["slots"]
        more = f" … and {len(slots) - SLOTS_SHOWN} more" if len(slots) > SLOTS_SHOWN else ""
        print(clean(f"    found in  {', '.join(slots[:SLOTS_SHOWN])}{more}"))
        print(clean(f"    because   {'; '.join(row['why'])}"))
    return EXIT_OK
