"""Lines of programs whose JSON keys mean something of their own, made from their documentation: fields in, fields out."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from reconstruct.events.json_lines import decode_block
from reconstruct.grammar.timestamps import TimeAnchor, format_times

TIME = "2026-01-02T15:04:05.123000Z"
ROWS = map(orjson.loads, (Path(__file__).parent / "json_dialects.jsonl").read_bytes().splitlines())
LINES = {row["program"]: (row["line"], row["fields"]) for row in ROWS}


@pytest.mark.parametrize("name", LINES)
def test_keys_of_the_program_become_fields(name: str) -> None:
    line, fields = LINES[name]
    columns = decode_block([orjson.dumps(line)], TimeAnchor(0)).columns
    assert {field: columns[field][0].as_py() if field in columns else None for field in fields} == fields
    assert format_times(columns["time_ns"]).to_pylist() == [TIME]
