"""Exports that hold many entries in one: unfolded into a copy with a line per entry, and from there a log like any other.

JSON documents of query APIs and exporters (their shapes are data: ``vocabulary/exports.toml``), lists of objects that are
not one object per line, and what ``journalctl -o export`` and ``-o verbose`` write. Line numbers count entries then.
"""

from __future__ import annotations

import io
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from reconstruct.errors import ModelError
from reconstruct.resources import vocabulary_directory
from reconstruct.sources import spool
from reconstruct.sources.decode import RAW_BYTES
from reconstruct.sources.decompress import inflate
from reconstruct.sources.encoding import transcode
from reconstruct.sources.model import LINE_CAP

DOCUMENT_BYTES = 256 << 20
"""Largest document that is read at once; it takes some five times that in memory. Query APIs give a thousand entries, a
page of 10 MB; a longer document stays as it is."""

VALUES_DEEP = 16
"""Nesting of typed values that is made plain, as in JSON lines; real ones have two levels."""

FIELD_BYTES = LINE_CAP
"""Most bytes of one field of a journal that are kept."""

_JOURNAL = re.compile(rb"__(?:CURSOR|REALTIME_TIMESTAMP)=")
_VERBOSE = re.compile(rb"(?:-- [^\n]*\n)?[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,9} [^\n]{0,40} \[s=")
_LIST = re.compile(rb"\s*\[[ \t]*\{")
_ENTRY_STAMP = re.compile(r"[A-Z][a-z]{2} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,9} [^\n]{0,40}?) \[(?:s=.*)\]")

Unfold = Callable[[io.BufferedReader], Iterator[bytes]]


def unfolding_of(head: bytes) -> Unfold | None:
    """How a file with this (decoded) head is unfolded; None for a log, which has a line per entry.

    >>> unfolding_of(b'{"level":"info","msg":"ready"}') is None
    True
    """
    if _JOURNAL.match(head):
        return read_journal
    if _VERBOSE.match(head):
        return read_verbose
    opens = head.lstrip()
    if _LIST.match(head) or (opens.startswith(b"{") and _names_export(opens)):
        return read_documents
    return None


def unfold(file: Path, compression: str | None, encoding: str, fingerprint: str, how: Unfold) -> Path | None:
    """The copy with a line per entry, made or found in the spool; None when the file is not what its head promised."""
    name = f"export-{fingerprint}"
    kept = spool.spool_directory() / name
    if not kept.is_file():
        with file.open("rb") as opened:
            entries = how(_decoded(opened, compression, encoding))
            first = next(entries, None)
            if first is None:
                return None
            kept = spool.keep(lambda into: _write(into, chain([first], entries)), lambda: name)
    spool.touch(kept)
    return kept


def _write(into: Path, entries: Iterator[bytes]) -> None:
    with into.open("wb") as out:
        for entry in entries:
            out.write(entry)
            out.write(b"\n")


def _decoded(opened: io.BufferedReader, compression: str | None, encoding: str) -> io.BufferedReader:
    blocks = iter(lambda: opened.read(RAW_BYTES), b"")
    raw = inflate(blocks, compression, lambda _: None) if compression else blocks
    return io.BufferedReader(_Blocks(transcode(raw, encoding)))


class _Blocks(io.RawIOBase):
    """Blocks of bytes as a file that is read forward."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._held = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self._held:
            self._held = next(self._blocks, b"")
        count = min(len(buffer), len(self._held))
        buffer[:count], self._held = self._held[:count], self._held[count:]
        return count


def read_documents(stream: io.BufferedReader) -> Iterator[bytes]:
    """The entries of JSON documents: one per line, several on a line, or one over all lines. Nothing when the first is
    no export: then the lines are entries."""
    line = stream.readline(LINE_CAP)
    documents = _parse(line)
    if documents is None and not _is_cut(line):
        line += stream.read(DOCUMENT_BYTES)
        documents = None if stream.read(1) else _parse(line)
    if documents is None or not _is_export(documents[0]):
        return
    while line:
        if documents is None:
            yield line.rstrip(b"\r\n")
        else:
            for document in documents:
                yield from map(_dump, entries_of(document))
        line = stream.readline(LINE_CAP)
        documents = _parse(line)


def _is_cut(line: bytes) -> bool:
    return len(line) >= LINE_CAP and not line.endswith(b"\n")


def _parse(text: bytes) -> list[Any] | None:
    """The objects and lists of objects that a text is made of; None when it is something else."""
    try:
        found = [orjson.loads(text)]
    except orjson.JSONDecodeError:
        found = []
        decoder = json.JSONDecoder(strict=False)
        rest = text.decode("utf-8", "replace").strip()
        while rest:
            try:
                value, end = decoder.raw_decode(rest)
            except (ValueError, RecursionError):
                return None
            if not found and not _is_export(value):
                return None
            found.append(value)
            rest = rest[end:].lstrip(" \t\r\n,")
    return found if found and all(isinstance(each, dict | list) for each in found) else None


def _is_export(document: Any) -> bool:
    return isinstance(document, list) or (
        isinstance(document, dict) and any(export.fits(document) for export in load_exports())
    )


def _dump(entry: Any) -> bytes:
    try:
        return orjson.dumps(entry)
    except TypeError:  # whole numbers beyond 64 bits, broken surrogates
        return json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace")


def entries_of(document: Any) -> Iterator[Any]:
    """The entries of a document: those of an export, the objects of a list, else the document itself.

    >>> list(entries_of({"events": [{"timestamp": 1, "message": "a"}, {"timestamp": 2, "message": "b"}]}))
    [{'timestamp': 1, 'message': 'a'}, {'timestamp': 2, 'message': 'b'}]
    """
    if isinstance(document, list):
        yield from (each for each in document if isinstance(each, dict))
        return
    for export in load_exports():
        if export.fits(document):
            yield from export.entries(document)
            return
    yield document


@dataclass(frozen=True, slots=True)
class Export:
    """One shape of document."""

    keys: frozenset[str]
    others: frozenset[str]
    path: tuple[str, ...]
    entry: str
    labels: str
    keep: tuple[str, ...]

    def fits(self, document: Mapping[str, Any]) -> bool:
        """Whether the document is of this shape, its entries where they belong."""
        return self.keys <= document.keys() <= self.keys | self.others and any(True for _ in self._lists(document))

    def entries(self, document: Mapping[str, Any]) -> Iterator[Any]:
        """The entries of a document of this shape."""
        kept = {name: document[name] for name in self.keep if name in document}
        for elements, above in self._lists(document):
            for element in elements:
                entry = _ENTRIES[self.entry](element, above, self.labels)
                if entry is not None:
                    yield {**kept, **entry} if kept else entry

    def _lists(self, document: Mapping[str, Any]) -> Iterator[tuple[list[Any], tuple[Any, ...]]]:
        """The lists of entries, each with the objects above it, the outermost first."""
        found: list[tuple[Any, tuple[Any, ...]]] = [(document, ())]
        for step in self.path:
            if step == "*":
                found = [(one, above) for held, above in found if isinstance(held, list) for one in held]
            else:
                found = [
                    (held[step], (*above, held)) for held, above in found if isinstance(held, dict) and step in held
                ]
        return ((held, above) for held, above in found if isinstance(held, list))


@lru_cache(maxsize=1)
def load_exports() -> list[Export]:
    """The known shapes. Raises ModelError when the file is wrong."""
    path = vocabulary_directory() / "exports.toml"
    try:
        return [
            Export(
                frozenset(table["keys"]),
                frozenset(table.get("others", ())),
                tuple(table["list"]),
                table.get("entry", "object"),
                table.get("labels", ""),
                tuple(table.get("keep", ())),
            )
            for table in tomllib.loads(path.read_text(encoding="utf-8"))["export"]
            if table.get("entry", "object") in _ENTRIES
        ]
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise ModelError(f"the shapes of exports are wrong: {error}", path=path) from error


def _names_export(head: bytes) -> bool:
    """Whether a head has the keys of an export; which it is, the whole document tells."""
    return any(all(b'"%s"' % key.encode() in head for key in export.keys) for export in load_exports())


def _object_entry(element: Any, _above: tuple[Any, ...], _labels: str) -> dict[str, Any] | None:
    return element if isinstance(element, dict) else None


def _value_entry(element: Any, above: tuple[Any, ...], labels: str) -> dict[str, Any] | None:
    if not (isinstance(element, list) and len(element) >= 2):
        return None
    more = element[2] if len(element) > 2 and isinstance(element[2], dict) else {}
    known = above[-1].get(labels)
    return {
        "labels": {**(known if isinstance(known, dict) else {}), **more},
        "line": element[1],
        "timestamp": element[0],
    }


def _field_entry(element: Any, _above: tuple[Any, ...], _labels: str) -> dict[str, Any] | None:
    if not isinstance(element, list):
        return None
    pairs = [each for each in element if isinstance(each, dict)]
    return {str(each.get("field", "")): each.get("value") for each in pairs if each.get("field") != "@ptr"} or None


def _otlp_entry(element: Any, above: tuple[Any, ...], _labels: str) -> dict[str, Any] | None:
    if not isinstance(element, dict):
        return None
    entry = {name: value for name, value in element.items() if name not in ("attributes", "body")}
    entry["body"] = _plain(element.get("body"))
    entry["attributes"] = _plain_pairs(element.get("attributes"))
    for name in ("resource", "scope"):
        held: dict[str, Any] = next((one[name] for one in above if isinstance(one.get(name), dict)), {})
        entry[name] = {**{k: v for k, v in held.items() if k != "attributes"}, **_plain_pairs(held.get("attributes"))}
    return entry


def _plain(value: Any, depth: int = 0) -> Any:
    """A typed value of OTLP as JSON would have it; below VALUES_DEEP as it stands."""
    if not (isinstance(value, dict) and len(value) == 1) or depth > VALUES_DEEP:
        return value
    ((kind, held),) = value.items()
    if kind == "kvlistValue":
        return _plain_pairs(held.get("values") if isinstance(held, dict) else None, depth + 1)
    if kind == "arrayValue":
        values = held.get("values") if isinstance(held, dict) else None
        return [_plain(each, depth + 1) for each in values] if isinstance(values, list) else []
    if kind == "intValue" and isinstance(held, str) and held.lstrip("-").isdigit():
        return int(held)
    return held


def _plain_pairs(pairs: Any, depth: int = 0) -> dict[str, Any]:
    held = pairs if isinstance(pairs, list) else []
    return {str(each.get("key")): _plain(each.get("value"), depth) for each in held if isinstance(each, dict)}


_ENTRIES: dict[str, Callable[[Any, tuple[Any, ...], str], dict[str, Any] | None]] = {
    "object": _object_entry,
    "values": _value_entry,
    "fields": _field_entry,
    "otlp": _otlp_entry,
}


def read_journal(stream: io.BufferedReader) -> Iterator[bytes]:
    """The entries of the journal export format: lines ``NAME=value``, or ``NAME``, eight bytes of length and the value;
    a blank line ends an entry (https://systemd.io/JOURNAL_EXPORT_FORMATS/)."""
    entry: dict[str, Any] = {}
    while line := stream.readline(FIELD_BYTES):
        name, equals, value = line.rstrip(b"\n").partition(b"=")
        if not name and not equals:
            if entry:
                yield _dump(entry)
            entry = {}
            continue
        if not equals:
            size = int.from_bytes(stream.read(8), "little")
            value = stream.read(min(size, FIELD_BYTES))
            with suppress(OSError, OverflowError):
                while size > FIELD_BYTES and (passed := stream.read(min(size - FIELD_BYTES, RAW_BYTES))):
                    size -= len(passed)
            stream.read(1)
        _add_field(entry, name.decode("utf-8", "replace"), value.decode("utf-8", "replace"))
    if entry:
        yield _dump(entry)


def read_verbose(stream: io.BufferedReader) -> Iterator[bytes]:
    """The entries of ``journalctl -o verbose``: a line with the stamp, then indented ``NAME=value``."""
    entry: dict[str, Any] = {}
    last = ""
    for line in iter(lambda: stream.readline(FIELD_BYTES), b""):
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if stamp := _ENTRY_STAMP.match(text):
            if entry:
                yield _dump(entry)
            entry, last = {"__REALTIME_TIMESTAMP": stamp[1]}, ""
        elif entry and text.startswith("    "):
            name, equals, value = text.strip().partition("=")
            if equals and name.isascii() and name.isidentifier() and name.isupper():
                _add_field(entry, name, value)
                last = name
            elif last and isinstance(entry[last], str):  # a message of several lines
                entry[last] += f"\n{text.strip()}"
    if entry:
        yield _dump(entry)


def _add_field(entry: dict[str, Any], name: str, value: str) -> None:
    if name in entry:
        held = entry[name]
        entry[name] = [*(held if isinstance(held, list) else [held]), value]
    else:
        entry[name] = value
