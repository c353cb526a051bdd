"""Layouts to formats: the text of a ``.lark`` file, or the word that the layout needs none.

What was understood of a file is kept in the user's cache directory under the hash of the file and of all tables, so that a
warm start reads one file and loads neither Lark nor a YAML reader.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from reconstruct import __version__
from reconstruct.errors import GrammarError
from reconstruct.grammar.definition import Definition, parse_definition
from reconstruct.grammar.kept import read_kept, write_kept
from reconstruct.layouts.configuration import Layout, find_layouts, is_configuration, may_hold_layouts
from reconstruct.layouts.languages import Language, layouts_directory, load_languages
from reconstruct.layouts.telling import LANGUAGE, tell_layout
from reconstruct.resources import grammars_directory

CACHE_VERSION = 1
"""Raised with every change of what a layout becomes."""

CACHE_NAME = "layouts.json"

MAX_CACHED = 500
"""Files remembered; then the cache starts anew."""

TELLING_BITS = 20
"""What a line without a moment must say at least to be told from any other: three literal characters."""

MAX_LAYOUTS = 100
"""Layouts of one file that are read: each may cost some ten milliseconds the first time."""

SELF_DESCRIBING = "json"


@dataclass(frozen=True, slots=True)
class Imported:
    """What a layout became."""

    layout: Layout
    id: str
    """of the format"""
    text: str = ""
    """of the format; empty when there is none"""
    known: str = ""
    """the format that reads such lines already; ``json`` where they describe themselves"""
    problem: str = ""
    """why it was not understood, with a caret; empty when it was"""
    hint: str = ""
    remarks: tuple[str, ...] = ()
    told: bool = True
    """whether its lines can be told from others, so that it may be used without being asked for"""


def import_layout(layout: Layout, name: str = "") -> Imported:
    """Make a format of a layout. ``name``: the format's id, when not made of the language and the layout's own name.

    Never raises for what a layout says: ``problem`` tells.
    """
    language = load_languages()[layout.language]
    id = name or format_id(language, layout.name)
    if not layout.text or re.match(r'\s*\{\s*\\?"', layout.text):
        return Imported(layout, id, known=SELF_DESCRIBING)
    known = _known_format(language, layout.text)
    if known:
        return Imported(layout, id, known=known)
    from reconstruct.grammar.compiler import compile_definition  # imports lark, as the two below do
    from reconstruct.layouts.meaning import read_meaning
    from reconstruct.layouts.writing import write_format

    try:
        meaning = read_meaning(language, layout.text, layout.options, layout.place)
        changes = {
            key: value
            for option, choices in language.options.items()
            for key, value in choices.get(layout.options.get(option, ""), {}).items()
        }
        written = write_format(
            meaning.elements,
            language,
            title=_title(language, layout),
            zone=meaning.zone,
            about=[layout.text, *(f"{key} = {value}" for key, value in sorted(layout.options.items()))],
            **changes,
        )
        plan = compile_definition(parse_definition(written.text, Path(f"{id}.lark")))
    except GrammarError as error:
        at = "" if error.message.startswith(layout.place) else f"{layout.place}: "
        return Imported(layout, id, problem=at + error.message, hint=error.hint)
    remarks = [*meaning.remarks, *written.remarks]
    told = "time" in plan.fields or plan.specificity >= TELLING_BITS
    if not told:
        remarks.append("any line might be one of it, so it is used only where you put it among your formats")
    return Imported(layout, id, written.text, remarks=tuple(remarks), told=told)


def _title(language: Language, layout: Layout) -> str:
    if language.id == LANGUAGE:
        return f"{language.title}: {layout.text}"
    named = f" {layout.name}" if layout.name else ""
    return f"{language.title}{named} ({PurePosixPath(layout.place).name})"


def guess_language(text: str) -> str:
    """The language that knows most of what a bare layout says; of one with a mistake, of what stands in front of it; empty
    when none knows anything."""
    from reconstruct.layouts.meaning import read_meaning

    best, found = 0, ""
    most, broken = 0, ""
    for name, language in load_languages().items():
        try:
            meaning = read_meaning(language, text, {}, name)
        except GrammarError as error:
            known = _count_known(language, text[: max(error.column - 1, 0)])
            if known > most:
                most, broken = known, name
            continue
        score = meaning.known - 2 * meaning.unknown
        if score > best:
            best, found = score, name
    return found or broken


def _count_known(language: Language, text: str) -> int:
    from reconstruct.layouts.meaning import read_meaning

    try:
        return read_meaning(language, text, {}, language.id).known
    except GrammarError:
        return 0


def format_id(language: Language, name: str) -> str:
    """The id of a format: language and name, as a file may be called.

    >>> format_id(load_languages()["nginx"], "Main-JSON")
    'nginx_main_json'
    """
    base = language.id.partition("_")[0]
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40].rstrip("_")
    return base if not plain or plain == base else f"{base}_{plain}"


def _known_format(language: Language, layout: str) -> str:
    """The built-in format that reads the layout; blanks at its end and the line end do not matter."""
    plain = layout.strip()
    return language.known.get(plain) or language.known.get(plain.removesuffix("%n").removesuffix("\\n"), "")


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration file, read."""

    path: str
    """as it is shown"""
    imported: tuple[Imported, ...]

    @property
    def summary(self) -> str:
        """What it held, for people."""
        total = len(self.imported)
        if not total:
            return "configuration: no layout in it"
        refused = sum(bool(each.problem) for each in self.imported)
        read = total - refused
        said = f"configuration: {read} layout{'' if read == 1 else 's'} read"
        return said + (f", {refused} not understood (reconstruct formats import says why)" if refused else "")


def read_configuration(path: str, content: bytes) -> Configuration | None:
    """The layouts of a file as formats; None when it is no configuration that is known. ``path``: as it is shown.

    Never raises.
    """
    name = PurePosixPath(path).name
    text = content.decode("utf-8", "replace")
    if not may_hold_layouts(name, text):
        return None
    key = _cache_key(name, content)
    cached = read_kept(CACHE_NAME)
    kept = _from_json(cached.get(key), path)
    if kept is None:
        layouts = find_layouts(path, text)[:MAX_LAYOUTS]
        kept = tuple(import_layout(layout) for layout in layouts)
        write_kept(CACHE_NAME, (cached if len(cached) < MAX_CACHED else {}) | {key: _to_json(kept, path)})
    if not kept and not is_configuration(name):
        return None
    return Configuration(path, kept)


def import_told(lines: Sequence[str], usual: Collection[str] = ()) -> Definition | None:
    """The format of the layout that lines of an access log were written by; None where they tell none.

    ``usual``: formats that read the lines, but for their end. The layout must say more than they do; where one is of another kind of log
    than ``wins_over`` of the language names, its lines are left to it.
    Its id is that of the layout, so that logs of one layout are of one format.
    """
    if not set(load_languages()[LANGUAGE].wins_over).issuperset(usual):
        return None
    text = tell_layout(lines, beyond_usual=bool(usual))
    if not text:
        return None
    key = _cache_key(LANGUAGE, text.encode())
    cached = read_kept(CACHE_NAME)
    kept = _from_json(cached.get(key), "")
    if kept is None:
        name = hashlib.blake2b(text.encode(), digest_size=3).hexdigest()
        kept = (import_layout(Layout(LANGUAGE, name, text, LANGUAGE)),)
        write_kept(CACHE_NAME, (cached if len(cached) < MAX_CACHED else {}) | {key: _to_json(kept, "")})
    (imported,) = kept
    return parse_definition(imported.text, Path(f"{imported.id}.lark")) if imported.text else None


def definitions_of(configurations: Collection[Configuration]) -> tuple[Definition, ...]:
    """The formats that configurations add to those that are known, sorted by id; each id and each grammar once."""
    taken = {path.stem for path in (grammars_directory() / "formats").glob("*.lark")}
    seen: set[str] = set()
    found: list[Definition] = []
    for configuration in sorted(configurations, key=lambda each: each.path):
        for imported in configuration.imported:
            body = re.sub(r"(?m)^//.*\n", "", imported.text)
            if not imported.text or not imported.told or body in seen:
                continue
            seen.add(body)
            id, count = imported.id, 2
            while id in taken:
                id, count = f"{imported.id}_{count}", count + 1
            taken.add(id)
            found.append(replace(parse_definition(imported.text, Path(configuration.path)), id=id))
    return tuple(sorted(found, key=lambda each: each.id))


def _cache_key(name: str, content: bytes) -> str:
    digest = hashlib.blake2b(f"{__version__}\0{CACHE_VERSION}\0{_tables_key()}\0{name}\0".encode(), digest_size=16)
    digest.update(content)
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _tables_key() -> str:
    """Changes when anything does that layouts are read by."""
    digest = hashlib.blake2b(digest_size=16)
    for table in [*sorted(layouts_directory().iterdir()), grammars_directory() / "common.lark"]:
        digest.update(f"{table.name}\0".encode() + table.read_bytes() + b"\0")
    return digest.hexdigest()


def _to_json(imported: Collection[Imported], path: str) -> list[dict[str, Any]]:
    """Plain JSON values; the place is relative to the file, which may be read under another name."""
    entries = [asdict(each) for each in imported]
    for entry in entries:
        entry["layout"]["place"] = entry["layout"]["place"].removeprefix(path)
        entry["layout"]["options"] = dict(entry["layout"]["options"])
        entry["problem"] = entry["problem"].removeprefix(path)
    return entries


def _from_json(entries: Any, path: str) -> tuple[Imported, ...] | None:
    """What the cache holds; None when it holds nothing, or is damaged."""
    try:
        return tuple(
            Imported(
                **{
                    **entry,
                    "layout": Layout(**{**entry["layout"], "place": path + entry["layout"]["place"]}),
                    "problem": path + entry["problem"] if entry["problem"] else "",
                    "remarks": tuple(entry["remarks"]),
                }
            )
            for entry in entries
        )
    except (TypeError, KeyError):
        return None
