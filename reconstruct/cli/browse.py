"""``reconstruct PATH…``: the terminal interface; the summary when stdout is not a terminal."""

from __future__ import annotations

import argparse
import os
import sys

from reconstruct.errors import ReconstructError, UsageError


def run(arguments: argparse.Namespace) -> int:
    """Browse, or print the summary."""
    if not sys.stdout.isatty() and not os.environ.get("TEXTUAL_DRIVER"):  # set where a browser is the terminal
        if arguments.follow:
            raise UsageError(
                "journeys can only be followed in a terminal",
                hint="reconstruct events PATH --follow writes events as they come",
            )
        from reconstruct.cli import summary

        return summary.run(argparse.Namespace(**vars(arguments), json=False, by=None))
    from reconstruct.cli.follow import begin, check_follow, keys_from_terminal
    from reconstruct.cli.inputs import configuration_path, options_of, warn
    from reconstruct.configuration import load_configuration
    from reconstruct.following import Follower
    from reconstruct.live import LiveReader
    from reconstruct.pipeline import find_sources
    from reconstruct.query.selection import compose
    from reconstruct.resources import state_directory
    from reconstruct.tui.failures import saved
    from reconstruct.tui.running import run as run_app
    from reconstruct.tui.state import state_path

    # Read and found before the screen is taken, so that a wrong query or path is an ordinary error message.
    query = compose(arguments.where, arguments.since, arguments.until)
    options = options_of(arguments)
    paths = arguments.paths or ["."]
    stream = keys_from_terminal() if "-" in map(str, paths) else None
    follower = Follower(paths, stdin=stream)
    follow = arguments.follow or follower.has_streams
    try:
        discovery = begin(follower, options, wait=False) if follow else find_sources(paths, options)
        if arguments.follow and discovery is not None:
            check_follow(discovery, paths)
    except ReconstructError:
        follower.close()
        raise
    reader = LiveReader(discovery, options, configuration_path(arguments), follower, follow=follow)
    look = load_configuration(paths, arguments.config).look
    memory = state_path(paths)
    code = run_app(reader, query, memory, look=look, filters=state_directory() / "filters.json")
    if discovery is not None:
        warn(options, discovery)  # now that the screen is given back
    if reader.failure is not None:
        raise saved(reader.failure, "reading failed") from reader.failure
    return code
