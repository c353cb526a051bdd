"""Write the generated parts of the documentation: ``python docs/make_reference.py [--check]``.

Commands and options come from the program's own parser, the list of formats from the grammars, the fields of queries
from their vocabulary. Each part stands between two comments in its page; the rest of the page is written by hand.
``--check`` writes nothing and ends with 1 when a page is out of date.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from reconstruct.cli.formats import BUILT_IN_KINDS
from reconstruct.cli.parser import build_parser
from reconstruct.grammar.definition import KINDS, load_definitions
from reconstruct.query.fields import JOURNEY, Field, load_words
from reconstruct.resources import grammars_directory

DOCS = Path(__file__).resolve().parent


def commands_of(
    parser: argparse.ArgumentParser, summary: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser, str]]:
    """(command line, parser, summary) of every command that can be run, in the order of ``--help``."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            said = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, child in action.choices.items():
                yield from commands_of(child, said[name])
            return
    yield parser.prog, parser, summary


def arguments_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """What a command takes, without ``--help``."""
    return [action for action in parser._actions if action.dest not in ("help", "version")]


def name_of(action: argparse.Action) -> str:
    """``-o FILE, --output FILE`` or ``PATH …``"""
    if not action.option_strings:
        return f"{action.metavar or action.dest}{' …' if action.nargs == '*' else ''}"
    value = "" if action.nargs == 0 else " " + str(action.metavar or "|".join(action.choices or []))
    return ", ".join(option + value for option in action.option_strings)


def describe_commands() -> str:
    """Every command with a table of its arguments."""
    parts = []
    for line, parser, summary in commands_of(build_parser()):
        rows = [f"### {line}", "", f"{summary[0].upper()}{summary[1:]}.", "", "| argument | meaning |", "|---|---|"]
        for action in arguments_of(parser):
            required = " *(required)*" if action.required and action.option_strings else ""
            rows.append(f"| `{escape(name_of(action))}` | {escape(action.help or '')}{required} |")
        if len(rows) == 6:
            rows = rows[:4]
        parts.append("\n".join(rows).rstrip())
    return "\n\n".join(parts)


def list_formats() -> str:
    """The formats that ship, by kind, each with its documentation."""
    built_in = [each for each in load_definitions().values() if each.path.is_relative_to(grammars_directory())]
    rows = [
        f"{len(built_in)} grammars, and {len(BUILT_IN_KINDS)} kinds that need none.",
        "",
        "| id | kind | what |",
        "|---|---|---|",
    ]
    for kind in KINDS:
        rows += [
            f"| `{each.id}` | {kind} | [{escape(each.title)}]({each.docs}) |" for each in built_in if each.kind == kind
        ]
    rows += [
        f"| `{name}` | {'fallback' if name == 'generic' else 'self-describing'} | {escape(title)} |"
        for name, title in BUILT_IN_KINDS.items()
    ]
    return "\n".join(rows)


def list_fields() -> str:
    """The fields of the query language, by what they belong to."""
    words = load_words()
    parts = []
    for entity in words.entities.values():
        fields = [(name, field) for name, field in words.visible(JOURNEY) if field.entity == entity.name]
        rows = [f"### {entity.title[0].upper()}{entity.title[1:]}", ""]
        if not entity.hidden and entity.name != JOURNEY:
            groups = " or ".join(f"`{name}(…)`" for name in (entity.name, *entity.also))
            rows += [f"Tied together by {groups}.", ""]
        rows += ["| field | kind | what | as in |", "|---|---|---|---|"]
        rows += [
            f"| {_names(name, field)} | {_kind(field)} | {escape(field.help)} | `{escape(field.example)}` |"
            for name, field in fields
        ]
        parts.append("\n".join(rows))
    return "\n\n".join(parts)


def _names(name: str, field: Field) -> str:
    words = load_words()
    others = [each for each in field.also if words.find(each, JOURNEY) is field]
    return f"`{name}`" + (f" ({', '.join(f'`{each}`' for each in others)})" if others else "")


def _kind(field: Field) -> str:
    if field.type != "choice":
        return field.type
    values = (" < " if field.ordered else " ").join(f"`{value}`" for value in field.values)
    synonyms = ", ".join(f"`{word}` is `{value}`" for word, value in field.synonyms.items())
    return escape(f"choice: {values}" + (f"; {synonyms}" if synonyms else ""))


def escape(text: str) -> str:
    """Text for a cell of a table."""
    return text.replace("|", "\\|").replace("%%", "%")


def list_keys() -> str:
    """Every view with its keys, from the bindings themselves; ids are what reconstruct.toml maps."""
    from reconstruct.tui.bindings import ABOUT, GROUPS
    from reconstruct.tui.screens.help import say_keys

    about = dict(ABOUT.values())
    lines: list[str] = []
    for title, bindings in GROUPS:
        lines += [f"### {title}", ""]
        lines += [about.pop(title), ""] if title in about else []
        lines += ["| key | does | id |", "|---|---|---|"]
        for binding in bindings:
            keys = " ".join(f"`{key}`" for key in escape(say_keys(binding)).split(" "))
            lines.append(f"| {keys} | {binding.description} | `{binding.id}` |")
        lines.append("")
    for title, words in about.items():
        lines += [f"### {title}", "", words, "", "Keys of lists and texts, and `Enter`.", ""]
    return "\n".join(lines).rstrip()


PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "commands": ("cli.md", describe_commands),
    "formats": ("formats.md", list_formats),
    "fields": ("query.md", list_fields),
    "keys": ("terminal.md", list_keys),
}
"""Part → the page it stands in, and what makes it."""


def renew(page: str, part: str, text: str) -> str:
    """The page with the part between ``<!-- part: begin … -->`` and ``<!-- part: end -->`` replaced."""
    begin, end = rf"<!-- {part}: begin[^>]*-->\n", f"<!-- {part}: end -->"
    renewed, n = re.subn(rf"({begin}).*?({end})", lambda found: f"{found[1]}{text}\n{found[2]}", page, flags=re.DOTALL)
    if n != 1:
        raise SystemExit(f"the page has {n} places for {part}")
    return renewed


def main() -> int:
    stale = []
    for part, (name, make) in PARTS.items():
        path = DOCS / name
        page = path.read_text(encoding="utf-8")
        renewed = renew(page, part, make())
        if renewed != page:
            stale.append(name)
            if "--check" not in sys.argv[1:]:
                path.write_text(renewed, encoding="utf-8")
    for name in stale:
        print(f"docs/{name} {'is out of date' if '--check' in sys.argv[1:] else 'written'}")
    return 1 if stale and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    raise SystemExit(main())
