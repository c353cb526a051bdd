"""``reconstruct formats import``: formats out of a program's own configuration, or out of a bare layout."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from reconstruct.errors import EXIT_ERROR, EXIT_OK, ReconstructError, SourceError, UsageError
from reconstruct.layouts.configuration import Layout, find_layouts, is_configuration, may_hold_layouts
from reconstruct.layouts.importing import SELF_DESCRIBING, Imported, guess_language, import_layout
from reconstruct.layouts.languages import Language, load_languages
from reconstruct.layouts.names import CONFIGURATION_CAP

MARKS = "%${"
"""What a layout has and the name of a file has not."""


def run(arguments: argparse.Namespace) -> int:
    """Print or write the formats. Raises UsageError, SourceError when there is no layout at all."""
    language = _language(arguments.language)
    layouts = _read(arguments.file, language)
    if arguments.name and len(layouts) > 1:
        names = ", ".join(layout.name or layout.place for layout in layouts)
        raise UsageError(f"--name fits one layout, and there are {len(layouts)}", hint=f"found: {names}")
    imported = _name_apart([import_layout(layout, arguments.name or "") for layout in layouts])
    for each in imported:
        _report(each)
    formats = [each for each in imported if each.text]
    if arguments.output == "-":
        sys.stdout.write("\n".join(each.text for each in formats))
    else:
        _write(formats, Path(arguments.output))
    return EXIT_ERROR if any(each.problem for each in imported) else EXIT_OK


def _language(name: str | None) -> Language | None:
    if name is None:
        return None
    languages = load_languages()
    if name not in languages:
        from difflib import get_close_matches

        near = get_close_matches(name, languages, 1)
        known = f"languages: {', '.join(languages)}"
        raise UsageError(
            f"no layout language is called {name}", hint=f"did you mean {near[0]}? {known}" if near else known
        )
    return languages[name]


def _read(given: str, language: Language | None) -> list[Layout]:
    """The layouts that the argument leads to; never empty."""
    path = Path(given)
    if given == "-":
        return _read_text("stdin", sys.stdin.read(CONFIGURATION_CAP), language)
    if path.is_file():
        try:
            content = path.read_bytes()[:CONFIGURATION_CAP].decode("utf-8", "replace")
        except OSError as error:
            raise SourceError(f"cannot read {given}: {error.strerror}", path=path) from None
        return _read_text(given, content, language)
    if any(mark in given for mark in MARKS):
        return [_bare(given, "the layout", language)]
    raise UsageError(f"no such file: {given}", hint="name a configuration file, or give the layout itself in quotes")


def _read_text(path: str, text: str, language: Language | None) -> list[Layout]:
    """Of a whole configuration, else of a layout and nothing else."""
    name = Path(path).name
    if may_hold_layouts(name) and (language is None or not is_configuration(name)):
        found = find_layouts(path, text)
    else:  # the name says nothing: the file is taken for what each language's files are called
        found = []
        for one in [language] if language else load_languages().values():
            kinds = {Path(glob).suffix: glob for glob in (*one.places.files, *one.places.elsewhere) if "*" not in glob}
            for stand_in in kinds.values():
                some = find_layouts(stand_in, text)
                found += [_moved(layout, stand_in, path) for layout in some if layout.language.startswith(one.id)]
                if found:
                    return found
    if language is not None:
        found = [layout for layout in found if layout.language.startswith(language.id)]
    if found:
        return found
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) == 1 and any(mark in text for mark in MARKS):
        return [_bare(lines[0], path, language)]
    known = ", ".join(load_languages())
    raise SourceError(
        f"no layout found in {path}",
        path=path,
        hint=f"known are the configuration files of {known}; a layout alone goes in quotes, or on one line",
    )


def _moved(layout: Layout, stand_in: str, path: str) -> Layout:
    return Layout(layout.language, layout.name, layout.text, path + layout.place.removeprefix(stand_in), layout.options)


def _bare(text: str, place: str, language: Language | None) -> Layout:
    name = language.id if language else guess_language(text)
    if not name:
        known = ", ".join(load_languages())
        raise UsageError(f"the language of the layout cannot be told: {text}", hint=f"--language, one of {known}")
    return Layout(name, "", text, place)


def _name_apart(imported: Sequence[Imported]) -> list[Imported]:
    from dataclasses import replace

    taken: set[str] = set()
    named: list[Imported] = []
    for each in imported:
        id, count = each.id, 2
        while id in taken:
            id, count = f"{each.id}_{count}", count + 1
        if each.text:
            taken.add(id)
        named.append(replace(each, id=id))
    return named


def _report(imported: Imported) -> None:
    """What there is to say of a layout, on stderr."""
    if imported.problem:
        print(f"error: {imported.problem}", file=sys.stderr)
        if imported.hint:
            print(f"hint: {imported.hint}", file=sys.stderr)
        return
    place = imported.layout.place
    if imported.known == SELF_DESCRIBING:
        print(f"note: {place}: lines are JSON, which says itself what its fields are", file=sys.stderr)
    elif imported.known:
        print(f"note: {place}: the format {imported.known} reads these lines already", file=sys.stderr)
    for remark in imported.remarks:
        print(f"note: {place}: {remark}", file=sys.stderr)


def _write(formats: Sequence[Imported], directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for each in formats:
            file = directory / f"{each.id}.lark"
            if file.exists() and file.read_text(encoding="utf-8", errors="replace") != each.text:
                raise UsageError(f"{file} is there already, and says something else", hint="--name gives another id")
            file.write_text(each.text, encoding="utf-8")
            print(f"{file}: from {each.layout.place}", file=sys.stderr)
    except OSError as error:
        raise ReconstructError(
            f"cannot write to {directory}: {error.strerror}", hint="name another directory"
        ) from None
