"""From a parsed command line to results: shared by every command that reads logs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reconstruct.cli.output import clean
from reconstruct.configuration import CONFIGURATION, load_configuration, read_zone, region_of
from reconstruct.errors import QueryError, SourceError, UsageError
from reconstruct.grammar.plans import refused_formats
from reconstruct.options import Forced, Options
from reconstruct.pipeline import open_paths, unmatched
from reconstruct.query.selection import compose
from reconstruct.results import Reconstruction
from reconstruct.sources import Discovery
from reconstruct.sources.progress import progress_on


def options_of(arguments: argparse.Namespace) -> Options:
    """The settings of the command line, and below them those of ``reconstruct.toml``. Raises ConfigurationError."""
    given = vars(arguments)
    paths = given.get("paths") or ["."]
    file = load_configuration(paths, arguments.config)
    zone = given.get("timezone")
    return Options(
        workers=given.get("workers", 0),
        timezone_s=file.timezone_s if zone is None else read_zone(zone),
        region=file.region if zone is None else region_of(zone),
        forced=(*map(_read_forced, arguments.format), *file.formats),
        exclude=(*arguments.exclude, *file.exclude),
        grammars=(file.path.parent,) if file.path else (),
        pins=file.pins,
        models=file.models,
        store=given.get("store"),
        cache=not given.get("no_cache", False),
    )


def configuration_path(arguments: argparse.Namespace) -> Path:
    """The settings' file: the one in use, else where one for these logs would be found the next time."""
    paths = arguments.paths or ["."]
    used = load_configuration(paths, arguments.config).path
    return used or next((Path(path) for path in paths if Path(path).is_dir()), Path()) / CONFIGURATION


def _read_forced(text: str) -> Forced:
    glob, sign, name = text.rpartition("=")
    if not (sign and glob and name):
        raise UsageError(f"--format {text} says no source", hint="as in --format 'legacy/*.log=combined'")
    return Forced(glob, name, "--format")


def warn(options: Options, discovery: Discovery) -> None:
    """Say on stderr what was asked for and did not happen: patterns that match nothing, grammars that were left out."""
    for glob in unmatched(options, discovery):
        print(f"warning: no source matches {glob}", file=sys.stderr)
        print("hint: patterns are matched with paths as reconstruct summary prints them", file=sys.stderr)
    for refused in refused_formats():
        print(f"warning: a format is left out: {refused.message.splitlines()[0]}", file=sys.stderr)
        print(f"hint: reconstruct formats check {refused.path}", file=sys.stderr)


def open_results(arguments: argparse.Namespace, *, only_events: bool = False) -> Reconstruction:
    """Reconstruct what the command line names, with a progress bar when stderr is a terminal. ``only_events``: see ``open_paths``.

    Raises SourceError when no line of the input can be read.
    """
    paths, options = arguments.paths or ["."], options_of(arguments)
    given = vars(arguments)
    compose(
        given.get("where", ""), given.get("since"), given.get("until")
    )  # errors now rather than after minutes of reading
    with progress_on(sys.stderr) as progress:
        results = open_paths(paths, options, progress, only_events=only_events)
    warn(options, results.discovery)
    for note in results.plan_notes():
        print(clean(f"warning: {note}"), file=sys.stderr)
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


def select(arguments: argparse.Namespace) -> Reconstruction:
    """``open_results``, narrowed to the journeys that the command line selects. Raises QueryError."""
    results = open_results(arguments)
    try:
        return results.select(arguments.where, since=arguments.since, until=arguments.until)
    except QueryError:
        results.close()
        raise
