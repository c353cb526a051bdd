"""``reconstruct serve PATH…``: the interface in a web browser, each visitor with a process of their own on the same store."""

from __future__ import annotations

import argparse
import ipaddress
import shlex
import sys

from reconstruct.errors import EXIT_OK, UsageError

BROWSED = ("config", "store", "workers", "where", "since", "until")
"""Arguments of one value that are handed on."""


def run(arguments: argparse.Namespace) -> int:
    """Read the logs, then serve until interrupted. Raises UsageError without the packages of the extra ``web``."""
    try:
        from reconstruct.tui.web import serve
    except ImportError as error:
        raise UsageError(f"the package {error.name} is not installed", hint="pip install 'reconstruct[web]'") from None
    from reconstruct.cli.inputs import open_results

    open_results(
        arguments
    ).close()  # before anybody looks: errors are ordinary errors, and visitors find a finished store
    if not is_loopback(arguments.host):
        print(f"warning: whoever reaches {arguments.host}:{arguments.port} can read these logs", file=sys.stderr)
    serve(
        shlex.join([sys.executable, "-m", "reconstruct", *browse_arguments(arguments)]), arguments.host, arguments.port
    )
    return EXIT_OK


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def browse_arguments(arguments: argparse.Namespace) -> list[str]:
    """The command line that browses what this one serves."""
    said = ["browse"]
    if arguments.timezone is not None:
        said.append(f"--timezone={arguments.timezone}")
    said += [f"--{name}={value}" for name in ("format", "exclude") for value in vars(arguments)[name]]
    said += [f"--{name}={vars(arguments)[name]}" for name in BROWSED if vars(arguments)[name]]
    said += ["--no-cache"] if arguments.no_cache else []
    said += ["--follow"] if arguments.follow else []
    return [*said, "--", *map(str, arguments.paths or ["."])]
