"""From a parsed command line to results: shared by every command that reads logs."""

from __future__ import annotations

import argparse
import sys

from reconstruct.errors import SourceError
from reconstruct.grammar.plans import refused_formats
from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.results import Reconstruction
from reconstruct.sources.progress import progress_on


def options_of(arguments: argparse.Namespace) -> Options:
    """The settings on the command line."""
    return Options(
        workers=arguments.workers, timezone_s=arguments.timezone, store=arguments.store, cache=not arguments.no_cache
    )


def open_results(arguments: argparse.Namespace) -> Reconstruction:
    """Reconstruct what the command line names, with a progress bar when stderr is a terminal.

    Raises SourceError when no line of the input can be read.
    """
    paths = arguments.paths or ["."]
    with progress_on(sys.stderr) as progress:
        results = open_paths(paths, options_of(arguments), progress)
    for refused in refused_formats():
        print(f"warning: a format is left out: {refused.message.splitlines()[0]}", file=sys.stderr)
        print(f"hint: reconstruct formats check {refused.path}", file=sys.stderr)
    sources = results.sources()
    if not any(source["events"] for source in sources):
        lines = sum(source["lines"] for source in sources)
        results.close()
        first = next((source for source in sources if source["lines"]), sources[0])
        raise SourceError(
            f"none of {lines:,} lines in {', '.join(map(str, paths))} is a log entry",
            path=paths[0],
            hint=f"reconstruct explain {results.discovery.sources[first['id']].file}:1 says how far the known formats get",
        )
    return results
