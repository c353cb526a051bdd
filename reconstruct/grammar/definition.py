"""Log formats as files: one ``.lark`` file each, found by listing directories.

Reads text only: the header, and where each terminal and rule is declared. Lark is not needed for that, so a warm start,
which needs only the content hash of each file, never loads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from reconstruct.errors import GrammarError
from reconstruct.resources import grammars_directory, user_config_directory

KINDS = (
    "access",
    "application",
    "database",
    "error",
    "generic",
    "job",
    "mail",
    "proxy",
    "queue",
    "security",
    "system",
)
"""What a format's lines are about; ``access`` and ``proxy`` lines are requests."""

HEADER_KEYS = ("title", "kind", "docs", "wins_over", "below", "zone")


@dataclass(frozen=True, slots=True)
class Definition:
    """One grammar file."""

    id: str
    """file stem"""
    title: str
    kind: str
    """one of ``KINDS``"""
    docs: str
    """URL of the format's documentation"""
    wins_over: tuple[str, ...]
    """ids of formats that also match these lines but say less"""
    below: str
    """id of the format whose entries go on in these lines; empty: the lines are entries themselves"""
    zone: str
    """of stamps that name none, as :func:`knows_zone` knows it; empty for not known"""
    text: str
    path: Path


@dataclass(frozen=True, slots=True)
class Declaration:
    """Where a terminal or rule is declared in a grammar file, and which names its right side mentions."""

    line: int
    """1-based"""
    column: int
    """1-based"""
    end: int
    """the line after its last line, 1-based"""
    mentions: tuple[str, ...]


def load_definitions(directories: Iterable[Path] = ()) -> dict[str, Definition]:
    """Every format by id, sorted: built-in ones, the user's, those of ``directories``; the last of an id wins.

    Raises:
        GrammarError: a header is incomplete or a file is not UTF-8 text.
    """
    places = [grammars_directory() / "formats", user_config_directory() / "formats", *directories]
    paths = {path.stem: path for place in places if place.is_dir() for path in sorted(place.glob("*.lark"))}
    return {name: read_definition(paths[name]) for name in sorted(paths)}


def read_definition(path: Path) -> Definition:
    """One grammar file with its header.

    Raises:
        GrammarError: the file cannot be read, or the header lacks title, kind or docs.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise GrammarError(f"cannot read {path}: {error}", path=path, hint="a grammar is a UTF-8 text file") from None
    return parse_definition(text, path)


def parse_definition(text: str, path: Path) -> Definition:
    """The definition in ``text``; ``path`` gives the id and the place of errors."""
    header: dict[str, str] = {}
    for content in text.split("\n"):
        if content.strip() and not content.startswith("//"):
            break
        if (found := _HEADER.match(content)) and found[1] in HEADER_KEYS:
            header[found[1]] = found[2].strip()
    for key in HEADER_KEYS[:3]:
        if not header.get(key):
            raise _header_error(text, path, key)
    if header["kind"] not in KINDS:
        line = next(i for i, content in enumerate(text.split("\n"), 1) if content.startswith("// kind:"))
        raise locate_error(
            text, path, f"unknown kind {header['kind']!r}", line=line, column=10, hint="kinds: " + ", ".join(KINDS)
        )
    zone = header.get("zone", "")
    if zone and not _is_zone(zone):
        line = next(i for i, content in enumerate(text.split("\n"), 1) if content.startswith("// zone:"))
        raise locate_error(
            text, path, f"unknown zone {zone!r}", line=line, column=10, hint="as in UTC, +02:00, Europe/Paris"
        )
    wins_over = tuple(name.strip() for name in header.get("wins_over", "").split(",") if name.strip())
    return Definition(
        path.stem, header["title"], header["kind"], header["docs"], wins_over, header.get("below", ""), zone, text, path
    )


def _is_zone(zone: str) -> bool:
    from reconstruct.grammar.stamp_calendar import knows_zone  # imports pyarrow: only a format with a zone needs it

    return knows_zone(zone)


def _header_error(text: str, path: Path, key: str) -> GrammarError:
    """That a key of the header is missing; or the line where it is misspelt, or has nothing behind it."""
    for number, content in enumerate(text.split("\n"), 1):
        if content.strip() and not content.startswith("//"):
            break
        found = re.match(r"//\s*([\w-]+)\s*:\s*(.*)", content)
        if found and found[1] == key:
            return locate_error(text, path, f"`// {key}:` says nothing", line=number, hint=_HEADER_HINT)
        if found and found[1] not in HEADER_KEYS and get_close_matches(found[1].lower(), [key], 1, 0.7):
            message = f"the header has no key {found[1]}"
            return locate_error(
                text, path, message, line=number, column=found.start(1) + 1, hint=f"did you mean {key}?"
            )
    return locate_error(text, path, f"the header lacks `// {key}:`", line=1, hint=_HEADER_HINT)


_HEADER = re.compile(r"//\s*(\w+):\s*(.*)")
_HEADER_HINT = "begin the file with // title: ..., // kind: ..., // docs: URL"


def locate_error(
    text: str, path: Path | str, message: str, *, line: int, column: int = 1, hint: str = ""
) -> GrammarError:
    """A grammar error that shows its line with a caret under the column."""
    lines = text.split("\n")
    shown = lines[line - 1] if 0 < line <= len(lines) else ""
    caret = " " * (column - 1) + "^"
    return GrammarError(
        f"{path}:{line}:{column}: {message}\n  {shown}\n  {caret}", path=path, line=line, column=column, hint=hint
    )


def read_declarations(text: str) -> dict[str, Declaration]:
    """The terminals and rules a grammar text declares itself, in order. Imports are not followed."""
    lines = text.split("\n")
    heads = [(i, found) for i, line in enumerate(lines) if (found := _DECLARED.match(line))]
    ends = [i for i, line in enumerate(lines) if _DECLARED.match(line) or line.startswith("%")] + [len(lines)]
    declared: dict[str, Declaration] = {}
    for i, found in heads:
        end = next(e for e in ends if e > i)
        body = "\n".join([lines[i][found.end() :], *lines[i + 1 : end]])
        mentions = tuple(_NAME.findall(_NOT_NAMES.sub(" ", body)))
        declared.setdefault(found[1], Declaration(i + 1, found.start(1) + 1, end + 1, mentions))
    return declared


_DECLARED = re.compile(r"[!?]{0,2}(_?[A-Z][A-Z0-9_]*|_?[a-z][a-z0-9_]*)(?:\{[^}]*\})?(?:\.-?\d+)?\s*:")
_NAME = re.compile(r"\b_?[A-Za-z][A-Za-z0-9_]*")
_NOT_NAMES = re.compile(r'"(?:\\.|[^"\\\n])*"i?|/(?!/)(?:\\.|[^/\\\n])+/[imslux]*|//[^\n]*|->\s*\w+')


def find_mention(text: str, declaration: Declaration | None, name: str) -> tuple[int, int]:
    """Line and column where a name, or literal text with its quotes, first stands behind the colon of a declaration; the
    declaration's own place when it does not."""
    if declaration is None:
        return 1, 1
    is_name = name.isidentifier()
    lines = text.split("\n")[: declaration.end - 1]
    for number, line in enumerate(lines[declaration.line - 1 :] if name else (), declaration.line):
        shown = _NOT_NAMES.sub(lambda found: " " * len(found[0]), line) if is_name else line
        start = line.find(":") + 1 if number == declaration.line else 0
        wanted = rf"(?<!\w){name}(?!\w)" if is_name else re.escape(name)
        if found := re.compile(wanted).search(shown, start):
            return number, found.start() + 1
    return declaration.line, declaration.column
