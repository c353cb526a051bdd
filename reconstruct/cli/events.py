"""``reconstruct events``: every parsed event as JSON Lines, in the order of sources and lines."""

from __future__ import annotations

import argparse

from reconstruct.cli.inputs import open_results
from reconstruct.cli.output import check_output, open_output
from reconstruct.errors import EXIT_OK
from reconstruct.export.events import write_events


def run(arguments: argparse.Namespace) -> int:
    """Print the events."""
    check_output(arguments.output)
    results = open_results(arguments)
    with open_output(arguments.output) as out:
        write_events(results, out, since=arguments.since, until=arguments.until)
    results.close()
    return EXIT_OK
