"""The export document, version 1 (docs/json.md): one JSON object, or one journey a line.

Journeys are already rendered in the store; they are streamed, never parsed again. The same input gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import orjson

from reconstruct import __version__
from reconstruct.engines.assembly import SEPARATOR
from reconstruct.results import Reconstruction

SCHEMA = "reconstruct.journeys"
SCHEMA_VERSION = "1.0"

SOURCE_KEYS = (
    "id", "path", "formats", "lines", "events", "continuations", "directives", "blank", "duplicates", "unparsed", "first_at",
    "last_at", "timezone", "timezone_from", "clock_offset_ms", "quality",
)  # fmt: skip
"""What the contract says of a source; the quality view knows more."""


def write_json(results: Reconstruction, out: BinaryIO) -> None:
    """Write the whole document."""
    head = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "generator": {"name": "reconstruct", "version": __version__},
        "sources": [{key: source[key] for key in SOURCE_KEYS} for source in results.sources()],
        "identifiers": results.identifiers(),
        "summary": results.summary(),
    }
    out.write(orjson.dumps(head)[:-1])
    out.write(b',"journeys":[')
    _write_list(out, results.document_blocks())
    out.write(b'],"customers":[')
    _write_list(out, (orjson.dumps(customer) for customer in results.customers()))
    out.write(b'],"unattributed":{"business_journeys":[')
    _write_list(out, results.unattributed_business())
    out.write(b'],"events":')
    out.write(orjson.dumps(results.unattributed_events()))
    out.write(b"}}\n")


def write_jsonl(results: Reconstruction, out: BinaryIO) -> None:
    """Write one journey a line."""
    for block in results.document_blocks():
        out.write(block.replace(SEPARATOR, b"\n"))
        out.write(b"\n")


def _write_list(out: BinaryIO, items: Iterator[bytes]) -> None:
    for number, item in enumerate(items):
        if number:
            out.write(SEPARATOR)
        out.write(item)
