"""What can be written to a file from the interface, under which name, and the writing itself."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from reconstruct.tui.reader import Document, Reader

FILE_NAME = re.compile(r"[^A-Za-z0-9._-]+")
NAME_CAP = 60
"""Characters of an id in a file's name."""
PAGE = 200
"""Rows of the journey list asked for at a time."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file; the suffix says which."""

    suffix: str
    words: str


JOURNEY_KINDS = (
    Kind(".json", "this journey as JSON"),
    Kind(".svg", "its timelines as a picture"),
    Kind(".html", "its timelines as a web page, with the lines behind them"),
)
LIST_SUFFIX = ".jsonl"


def kind_of(path: Path, kinds: Iterable[Kind]) -> Kind | None:
    """The kind a name asks for."""
    return next((kind for kind in kinds if kind.suffix == path.suffix.lower()), None)


def free_path(directory: Path, stem: str, suffix: str) -> Path:
    """A path that does not exist yet."""
    stem = FILE_NAME.sub("_", stem)[:NAME_CAP] or "unnamed"
    path = directory / f"{stem}{suffix}"
    number = 2
    while path.exists():
        path = directory / f"{stem}-{number}{suffix}"
        number += 1
    return path


def journey_json(document: Document) -> str:
    """One journey, for people and programs."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def list_lines(reader: Reader, text: str, order_by: str, descending: bool) -> Iterable[str]:
    """The journeys of the list in its order, one JSON document a line."""
    offset = 0
    while True:
        rows = reader.journey_rows(text=text, order_by=order_by, descending=descending, offset=offset, limit=PAGE)
        for row in rows:
            try:
                document = reader.journey(str(row["id"]))
            except KeyError:
                continue  # the results changed meanwhile
            yield json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"
        if len(rows) < PAGE:
            return
        offset += PAGE


def write_texts(path: Path, texts: Iterable[str], *, replace: bool, go_on: Callable[[], bool] = lambda: True) -> int:
    """Write pieces of text to a file that is there only when it is whole; gives how many there were.

    Args:
        path: Where to.
        texts: The pieces.
        replace: Whether a file of that name may be replaced; else FileExistsError.
        go_on: Asked before each piece; False gives up and leaves nothing behind.
    """
    if not replace and path.exists():
        raise FileExistsError(17, "a file of that name is there already", str(path))
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    written = 0
    try:
        with unfinished.open("x", encoding="utf-8", errors="surrogatepass") as out:
            for text in texts:
                if not go_on():
                    raise InterruptedError(4, "given up", str(path))
                out.write(text)
                written += 1
        if replace:
            unfinished.replace(path)
        else:
            os.link(unfinished, path)  # fails when the name was taken meanwhile
    finally:
        unfinished.unlink(missing_ok=True)
    return written
