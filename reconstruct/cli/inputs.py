"""From a parsed command line to results: shared by every command that reads logs."""

from __future__ import annotations

import argparse
import sys

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
    """Reconstruct what the command line names, with a progress bar when stderr is a terminal."""
    with progress_on(sys.stderr) as progress:
        return open_paths(arguments.paths or ["."], options_of(arguments), progress)
