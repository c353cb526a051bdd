"""``reconstruct events``: every parsed event as JSON Lines, in the order of sources and lines; with ``--follow`` also those to come."""

from __future__ import annotations

import argparse
import select
import sys
import time
from dataclasses import replace

from reconstruct.cli.inputs import open_results, options_of, warn
from reconstruct.cli.output import check_output, clean, open_output
from reconstruct.errors import EXIT_OK, SourceError, UsageError
from reconstruct.export.events import EventTail, write_events
from reconstruct.query.selection import compose
from reconstruct.results import Reconstruction
from reconstruct.sources import Source

ENTRY_REST_S = 1.0
"""The last entry of a log is written this long after the last write to it: loggers write an entry with its stack trace in one go."""


def run(arguments: argparse.Namespace) -> int:
    """Print the events."""
    if arguments.follow:
        return _follow(arguments)
    check_output(arguments.output)
    results = open_results(arguments, only_events=True)
    with open_output(arguments.output) as out:
        n = write_events(results, out, since=arguments.since, until=arguments.until)
    if not n:
        _say_none(results, arguments)
    results.close()
    return EXIT_OK


def _say_none(results: Reconstruction, arguments: argparse.Namespace) -> None:
    """Say on stderr that no event is in the period that was asked for, and what period the logs are of."""
    start, end = results.period(arguments.since, arguments.until)
    sources = results.sources()
    first = min((source["first_at"] for source in sources if source["first_at"]), default="")[:19].replace("T", " ")
    last = max((source["last_at"] for source in sources if source["last_at"]), default="")[:19].replace("T", " ")
    if not first:
        said = "no event has a moment: --since and --until leave nothing"
    elif start >= end:
        said = f"--since {arguments.since} is later than --until {arguments.until}: nothing is between"
    else:
        asked = " ".join(
            f"--{name} {moment}" for name, moment in (("since", arguments.since), ("until", arguments.until)) if moment
        )
        said = f"no event for {asked}: the logs begin at {first} and end at {last} UTC"
    print(clean(f"note: {said}"), file=sys.stderr)


def _follow(arguments: argparse.Namespace) -> int:
    """Print the events there are, then those that come. Raises UsageError for what cannot be followed."""
    from reconstruct.cli.follow import begin, check_follow
    from reconstruct.following import Follower
    from reconstruct.sources.progress import Progress

    if arguments.output != "-":
        raise UsageError(
            "--follow writes to standard output", hint=f"reconstruct events --follow … > {arguments.output}"
        )
    compose("", arguments.since, arguments.until)  # errors now rather than when something comes
    # What was read is known to nobody but this run: which events were written already is told by it.
    options = replace(options_of(arguments), cache=False, store=None)
    paths = arguments.paths or ["."]
    follower = Follower(paths, stdin=sys.stdin.buffer)
    results = None
    tail = EventTail(sys.stdout.buffer, arguments.since, arguments.until)
    try:
        discovery = begin(follower, options, wait=True)
        assert discovery is not None
        check_follow(discovery, paths)
        warn(options, discovery)
        is_held, is_due = False, True
        while not _is_reader_gone():
            update = None
            if is_due:
                try:
                    update = follower.update(results, options, Progress())
                except SourceError as error:  # every file is gone: others may come
                    print(clean(f"warning: {error.message}"), file=sys.stderr)
            if update is not None:
                if results is not None:
                    results.close()
                results = update.results
                for remark in update.remarks:
                    print(clean(f"note: {remark}"), file=sys.stderr)
            if results is not None and (update is not None or is_held):
                is_held = tail.write(results, _is_resting, grown=update is not None)
            if follower.is_over and not (is_held or follower.is_waiting or follower.has_news()):
                break
            is_due = follower.is_due()
            time.sleep(0 if is_due else follower.pause_s)
    finally:
        if results is not None:
            results.close()
        follower.close()
    return EXIT_OK


def _is_resting(source: Source) -> bool:
    try:
        return time.time() - source.file.stat().st_mtime >= ENTRY_REST_S
    except OSError:
        return True


def _is_reader_gone() -> bool:
    """Whether nobody reads standard output any more (``| head``): it would only be noticed when the next event comes."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
