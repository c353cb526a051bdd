"""What may stand on the command line. Only argparse is loaded here; commands are imported when they run."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from reconstruct import __version__
from reconstruct.errors import EXIT_USAGE, UsageError

DESCRIPTION = "Rebuild customer and business journeys from raw logs."

EPILOG = """\
PATH is a directory (read with all below it), a file, a glob pattern or - for standard input.
Without a command the journeys are shown in the terminal; when stdout is not a terminal, the summary is printed.
A directory that is called like a command is given as ./summary.

exit codes: 0 ok, 1 error, 2 usage, 130 interrupted
"""


FOLLOW_ELSEWHERE = "--follow is for browsing and for events: what other commands write is of one moment"
_NO_QUERY = re.compile(r"--(?:where|against): expected one argument")
FOLLOW_HINT = "reconstruct PATH --follow, or reconstruct events PATH --follow"


def parse(arguments: list[str]) -> argparse.Namespace:
    """The parsed command line; ``run`` holds the function to call. Raises UsageError."""
    parser = build_parser()
    commands = {"browse", *COMMANDS}
    # `reconstruct DIR` is `reconstruct browse DIR`: the command is put where argparse looks for it.
    first = next((i for i, each in enumerate(arguments) if not each.startswith("-") or each == "-"), None)
    if first is None:
        if not any(each in ("-h", "--help", "--version", "-V") for each in arguments):
            arguments = ["browse", *arguments]
    elif arguments[first] not in commands:
        _refuse_misspelt(arguments[first], sorted(commands))
        arguments = ["browse", *arguments]
    parsed, rest = parser.parse_known_args(arguments)
    if rest:
        command = next(each for each in arguments if each in commands)
        _refuse_unknown(rest, command, _options_of(parser, command))
    return parsed


def _options_of(parser: argparse.ArgumentParser, command: str) -> list[str]:
    """The long options of a command."""
    (group,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    return [
        option for action in group.choices[command]._actions for option in action.option_strings if option[:2] == "--"
    ]


def _refuse_unknown(rest: list[str], command: str, options: list[str]) -> NoReturn:
    """An option the command does not have: the one that was meant, or where they are told."""
    option = next((each for each in rest if each.startswith("-")), rest[0])
    if option.startswith("--follow"):
        raise UsageError(FOLLOW_ELSEWHERE, hint=FOLLOW_HINT)
    near = get_close_matches(option.partition("=")[0], options, 1)
    raise UsageError(
        f"reconstruct {command} has no option {option}" if option.startswith("-") else f"{option} is one word too many",
        hint=f"did you mean {near[0]}?" if near else f"reconstruct {command} --help",
    )


def _refuse_misspelt(word: str, commands: list[str]) -> None:
    """A word that is no file but nearly a command was meant as the command."""
    near = get_close_matches(word, commands, 1)
    if near and not Path(word).exists():
        raise UsageError(f"no command or file is called {word}", hint=f"did you mean reconstruct {near[0]}?")


class _Parser(argparse.ArgumentParser):
    """Reports a wrong command line like every other error of the program."""

    def error(self, message: str) -> NoReturn:
        if "--follow" in message:
            raise UsageError(FOLLOW_ELSEWHERE, hint=FOLLOW_HINT)
        if _NO_QUERY.search(message):
            raise UsageError(message, hint="a query that begins with - is written --where='-agent:bot'")
        raise UsageError(message, hint=f"{self.prog} --help")


def build_parser() -> argparse.ArgumentParser:
    """What may be said, with its help; the reference of commands is written from it."""
    parser = _Parser(
        prog="reconstruct", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-V", "--version", action="version", version=f"reconstruct {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands", parser_class=_Parser)
    for name, (summary, configure) in {"browse": (BROWSE, _add_browse), **COMMANDS}.items():
        each = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        configure(each)
        each.set_defaults(run=_importing(name))
    return parser


def _importing(command: str) -> Callable[[argparse.Namespace], int]:
    def run(namespace: argparse.Namespace) -> int:
        return int(import_module(f"reconstruct.cli.{command}").run(namespace))

    return run


PLACES = "logs: directory, file, glob or - (default: .)"


def _add_input(
    parser: argparse.ArgumentParser, *, also: str = "", places: str = PLACES, default: Sequence[str] = (".",)
) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", default=list(default), help=places)
    group = parser.add_argument_group("reading")
    group.add_argument(
        "--timezone", metavar="ZONE", type=_zone, help="zone of stamps that name none: +01:00, UTC, Europe/Paris"
    )
    _add_detection(group, also=also)
    group.add_argument(
        "--store", metavar="FILE", type=Path, help="keep the results in FILE instead of the cache directory"
    )
    group.add_argument("--no-cache", action="store_true", help="neither use nor keep cached results")
    group.add_argument(
        "--workers", metavar="N", type=_count, default=0, help="worker processes (default: one per processor)"
    )


def _add_detection(group: argparse._ArgumentGroup, *, also: str = "") -> None:
    """How what was recognised is overruled."""
    group.add_argument(
        "--format",
        metavar="GLOB=ID",
        action="append",
        default=[],
        help=f"{also}read sources that match GLOB as format ID; may be repeated",
    )
    group.add_argument(
        "--exclude",
        metavar="GLOB",
        action="append",
        default=[],
        help="do not read sources that match GLOB; may be repeated",
    )
    group.add_argument(
        "--config", metavar="FILE", type=Path, help="settings (default: reconstruct.toml in PATH or here)"
    )


QUERY_EXAMPLES = "order:1001, customer:mia, 'outcome:failed status:5xx', words"


def _add_selection(parser: argparse.ArgumentParser, what: str, period: str) -> None:
    """Which journeys are meant."""
    group = parser.add_argument_group("selecting")
    group.add_argument("--where", metavar="QUERY", default="", help=f"{what}: {QUERY_EXAMPLES} (docs/query.md)")
    _add_period(group, period)


def _add_period(group: argparse._ArgumentGroup, period: str, also: str = "") -> None:
    when = "2026-09-14, 2026-09-14T10:30; before the end of the logs: 2d, 36h, today"
    group.add_argument("--since", metavar="MOMENT", help=f"only {period} then or later: {when}{also}")
    group.add_argument(
        "--until",
        metavar="MOMENT",
        help=f"only {period} then or earlier; a day counts to its end: written as for --since",
    )


BEGAN = "journeys that began"

BY = ("channel", "entry", "device", "source", "period")
"""What conversion is told by (measures.conversion.BY and the time)."""


def _add_follow(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--follow", action="store_true", help=f"go on reading what is written to the logs: {what}")


def _add_browse(parser: argparse.ArgumentParser) -> None:
    _add_input(parser)
    _add_follow(parser, "journeys grow on the screen (L switches it)")
    _add_selection(parser, "begin with the journeys that match; the filter box shows it", BEGAN)


def _add_serve(parser: argparse.ArgumentParser) -> None:
    _add_browse(parser)
    group = parser.add_argument_group("serving")
    group.add_argument(
        "--host", metavar="ADDRESS", default="127.0.0.1", help="where to listen (default: 127.0.0.1: this machine only)"
    )
    group.add_argument("--port", metavar="PORT", type=_port, default=8000, help="the port (default: 8000)")


def _add_export(parser: argparse.ArgumentParser) -> None:
    _add_input(parser, also="json or jsonl: what to write (default: by the suffix of FILE, else json); or ")
    _add_selection(parser, "write only journeys that match, with the summary and customers of these", BEGAN)
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="where to write; - is stdout")


def _add_summary(parser: argparse.ArgumentParser) -> None:
    _add_input(parser)
    _add_selection(parser, "figures of the journeys that match; sources and lines are always all", BEGAN)
    parser.add_argument(
        "--by", choices=BY, metavar="|".join(BY), help="conversion by this instead, as a table; with --json its rows"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Two directories; or one, and two queries, two periods or two journeys (ids of journeys or orders)."
    _add_input(parser, places="what to compare: DIR DIR, DIR with the options below, or DIR ID ID", default=())
    group = parser.add_argument_group("selecting")
    group.add_argument("--where", metavar="QUERY", default="", help="only journeys that match (docs/query.md)")
    group.add_argument("--against", metavar="QUERY", help="compare those that match --where with those that match this")
    group.add_argument(
        "--split",
        metavar="MOMENT",
        help="compare journeys that began before it with those that began then or later; of a day, its midnight",
    )
    _add_period(group, "journeys that began", "; of one directory, compared with the same length before")
    parser.add_argument("--json", action="store_true", help="print everything that was compared as JSON")


def _add_events(parser: argparse.ArgumentParser) -> None:
    _add_input(parser)
    _add_follow(parser, "new events are written as they come, until interrupted")
    _add_period(parser.add_argument_group("selecting"), "events of")
    parser.add_argument("-o", "--output", metavar="FILE", default="-", help="where to write (default: stdout)")


def _add_plan(parser: argparse.ArgumentParser) -> None:
    _add_input(parser)
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    parser.add_argument(
        "--write", metavar="FILE", type=Path, help="put the plan into FILE (reconstruct.toml), to be edited and kept"
    )


def _add_explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("place", metavar="FILE[:LINE]", help="a log file, or one line of it")
    parser.add_argument(
        "--in", dest="within", metavar="DIR", help="the logs to look for links in (default: FILE's directory)"
    )
    parser.add_argument("--no-links", action="store_true", help="only how the line is read, not what it belongs to")
    parser.add_argument(
        "-a", "--all", action="store_true", help="how far every format came, also where one reads the line"
    )
    _add_detection(parser.add_argument_group("reading"))


def _add_formats(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action", parser_class=_Parser)
    listing = actions.add_parser("list", help="every format that is known")
    listing.add_argument("--json", action="store_true", help="print JSON Lines")
    show = actions.add_parser("show", help="one format: its grammar")
    show.add_argument("id", metavar="ID", help="a name that formats list prints")
    check = actions.add_parser("check", help="what is wrong with a grammar file")
    check.add_argument(
        "file", metavar="FILE.lark", type=Path, help="the grammar; lines in a .log file beside it must match"
    )
    importing = actions.add_parser("import", help="make formats of the layouts in a program's configuration")
    importing.add_argument(
        "file", metavar="FILE", help="nginx.conf, httpd.conf, logback.xml …; or a layout itself; - for standard input"
    )
    importing.add_argument(
        "--language", metavar="LANGUAGE", help="of the layout, when it is not to be guessed: nginx, apache …"
    )
    importing.add_argument(
        "--name", metavar="ID", type=_format_id, help="the format's id (default: made of the layout's name)"
    )
    importing.add_argument(
        "-o", "--output", metavar="DIR", default="-", help="write one file per format there (default: stdout)"
    )


BROWSE = "look at the journeys in the terminal (the default)"

COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "export": ("write journeys to a file", _add_export),
    "summary": ("what was found, in a screenful", _add_summary),
    "compare": ("what changed between two sets of journeys, or two journeys", _add_compare),
    "events": ("every parsed event as JSON Lines", _add_events),
    "plan": ("identifier types, roles and owners, with reasons", _add_plan),
    "explain": ("how a line is read, and why it is in a journey", _add_explain),
    "formats": ("known log formats", _add_formats),
    "serve": ("look at the journeys in a web browser", _add_serve),
}


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes")
    return int(text)


def _format_id(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no id: small letters, digits and underscores")
    return text


def _zone(text: str) -> str:
    """The zone as it is given."""
    from reconstruct.configuration import read_zone

    try:
        read_zone(text)
        return text
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


__all__ = ["EXIT_USAGE", "build_parser", "parse"]
