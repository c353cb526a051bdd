"""``reconstruct formats``: the log formats that are known, what is wrong with one that is being written, and those that a
program's own configuration describes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import orjson

from reconstruct.errors import EXIT_ERROR, EXIT_OK, UsageError
from reconstruct.grammar.definition import Definition, load_definitions, read_definition
from reconstruct.resources import grammar_directories, grammars_directory

BUILT_IN_KINDS = {
    "json": "JSON lines, any shape, nested",
    "logfmt": "key=value lines",
    "ltsv": "labelled values between tabs (http://ltsv.org)",
    "w3c": "W3C extended (IIS, CloudFront): fields named by #Fields",
    "delimited": "CSV and TSV with a header row",
    "generic": "anything else with a time stamp near its beginning",
}
"""Kinds whose lines say what their fields are; they have no grammar file."""


def run(arguments: argparse.Namespace) -> int:
    """List, show, check or import formats."""
    actions: dict[str, Callable[[argparse.Namespace], int]] = {
        "list": _list,
        "show": _show,
        "check": _check,
        "import": _import,
    }
    return actions[arguments.action](arguments)


def _definitions() -> dict[str, Definition]:
    """Every format, those of the current directory included."""
    return load_definitions(map(Path, grammar_directories(["."])))


def _list(arguments: argparse.Namespace) -> int:
    definitions = _definitions()
    if arguments.json:
        for each in definitions.values():
            row = {
                "id": each.id,
                "kind": each.kind,
                "title": each.title,
                "docs": each.docs,
                "built_in": _is_built_in(each),
            }
            sys.stdout.write(orjson.dumps(row).decode() + "\n")
        return EXIT_OK
    width = max(len(name) for name in [*definitions, *BUILT_IN_KINDS])
    for each in sorted(definitions.values(), key=lambda each: (each.kind, each.id)):
        own = "" if _is_built_in(each) else f"  ({each.path})"
        print(f"{each.id:<{width}}  {each.kind:<12}  {each.title}{own}")
    for name, title in BUILT_IN_KINDS.items():
        print(f"{name:<{width}}  {'self-describing' if name != 'generic' else 'fallback':<12}  {title}")
    print(
        f"\n{len(definitions)} grammars and {len(BUILT_IN_KINDS)} kinds without one; add yours: docs/formats.md",
        file=sys.stderr,
    )
    return EXIT_OK


def _show(arguments: argparse.Namespace) -> int:
    definitions = _definitions()
    found = definitions.get(arguments.id)
    if found is None:
        from difflib import get_close_matches

        near = get_close_matches(arguments.id, [*definitions, *BUILT_IN_KINDS], 1)
        if arguments.id in BUILT_IN_KINDS:
            print(f"{arguments.id}: {BUILT_IN_KINDS[arguments.id]}")
            return EXIT_OK
        raise UsageError(
            f"no format is called {arguments.id}",
            hint=f"did you mean {near[0]}?" if near else "reconstruct formats list",
        )
    print(found.text.rstrip("\n"))
    return EXIT_OK


def _check(arguments: argparse.Namespace) -> int:
    from reconstruct.grammar.check import check_definition

    path: Path = arguments.file
    if not path.is_file():
        raise UsageError(f"no such file: {path}", hint="name a grammar: formats check my_format.lark")
    problems = check_definition(path, known=set(_definitions()) | {path.stem})
    for problem in problems:
        place = f"{path}:{problem.line}:{problem.column}: " if problem.line else f"{path}: "
        print(f"{place}{problem.message.removeprefix(place)}", file=sys.stderr)  # an error that was raised has it
        if problem.hint:
            print(f"hint: {problem.hint}", file=sys.stderr)
    if problems:
        return EXIT_ERROR
    print(f"{path}: fine", file=sys.stderr)
    if not path.with_suffix(".log").is_file() and not _is_built_in(read_definition(path)):
        print(
            f"hint: put lines of the log into {path.with_suffix('.log')}, and they are held against it", file=sys.stderr
        )
    return EXIT_OK


def _import(arguments: argparse.Namespace) -> int:
    from reconstruct.cli.format_import import run as run_import

    return run_import(arguments)


def _is_built_in(definition: Definition) -> bool:
    return Path(definition.path).is_relative_to(grammars_directory())
