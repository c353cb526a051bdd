"""Exports that hold many entries in one: how they are unfolded, and what is left as it is."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path
from typing import Any

import orjson
import pytest

from reconstruct.sources import discover, exports, read_chunks

ACCESS = '192.0.2.7 - - [17/Sep/2026:10:00:01 +0100] "GET /cart?id=5 HTTP/1.1" 200 512'
EVENT = {"timestamp": 1789635602126, "message": ACCESS}


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONSTRUCT_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


def unfolded(directory: Path, content: bytes, name: str = "export.json") -> list[Any]:
    """What a file of this content is read as, line by line."""
    (directory / name).write_bytes(content)
    (source,) = discover([directory]).sources
    assert source.path == name
    data = b"".join(chunk.data for chunk in read_chunks(source))
    return [orjson.loads(line) for line in data.splitlines()]


@pytest.mark.parametrize(
    ("document", "entries"),
    [
        ({"events": [EVENT, EVENT], "searchedLogStreams": []}, [EVENT, EVENT]),
        (
            {"messageType": "DATA_MESSAGE", "logGroup": "g", "logStream": "s", "logEvents": [EVENT]},
            [{"logGroup": "g", "logStream": "s", **EVENT}],
        ),
        (
            {
                "status": "Complete",
                "results": [[{"field": "@timestamp", "value": "t"}, {"field": "@ptr", "value": "x"}]],
            },
            [{"@timestamp": "t"}],
        ),
        (
            {"status": "success", "data": {"result": [{"stream": {"app": "a"}, "values": [["1", "x"], ["2", "y"]]}]}},
            [
                {"labels": {"app": "a"}, "line": "x", "timestamp": "1"},
                {"labels": {"app": "a"}, "line": "y", "timestamp": "2"},
            ],
        ),
        ({"took": 1, "hits": {"total": 1, "hits": [{"_source": {"a": 1}}]}}, [{"_source": {"a": 1}}]),
        ({"Records": [{"eventTime": "t"}]}, [{"eventTime": "t"}]),
        ({"records": [{"time": "t"}]}, [{"time": "t"}]),
        ([{"a": 1}, {"b": 2}], [{"a": 1}, {"b": 2}]),
    ],
)
@pytest.mark.parametrize("indent", [None, 4])
def test_documents(tmp_path: Path, document: Any, entries: list[Any], indent: int | None) -> None:
    if isinstance(document, list) and indent:
        pytest.skip("a list with an object on every few lines is read as it is")
    assert unfolded(tmp_path, json.dumps(document, indent=indent).encode()) == entries


def test_open_telemetry(tmp_path: Path) -> None:
    record = {
        "timeUnixNano": "1789635602126000000",
        "body": {"stringValue": "order placed"},
        "attributes": [
            {"key": "n", "value": {"intValue": "7"}},
            {"key": "tags", "value": {"arrayValue": {"values": [{"stringValue": "a"}]}}},
            {"key": "o", "value": {"kvlistValue": {"values": [{"key": "id", "value": {"stringValue": "1001"}}]}}},
        ],
    }
    scope = {"scope": {"name": "shop"}, "logRecords": [record]}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "orders"}}]}
    line = orjson.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]})
    (entry, again) = unfolded(tmp_path, line + b"\n" + line + b"\n")
    assert (
        entry
        == again
        == {
            "timeUnixNano": "1789635602126000000",
            "body": "order placed",
            "attributes": {"n": 7, "tags": ["a"], "o": {"id": "1001"}},
            "resource": {"service.name": "orders"},
            "scope": {"name": "shop"},
        }
    )


def test_documents_without_a_line_between_them(tmp_path: Path) -> None:
    one = orjson.dumps({"messageType": "DATA_MESSAGE", "logGroup": "g", "logEvents": [EVENT]})
    assert len(unfolded(tmp_path, gzip.compress(one * 3), "firehose.gz")) == 3


def test_journal_export(tmp_path: Path) -> None:
    text = b"two\nlines"
    content = b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1789635602126000\nMESSAGE=a=b\nTAG=x\nTAG=y\n\n\n"
    content += b"__CURSOR=s=2\nMESSAGE\n" + struct.pack("<Q", len(text)) + text + b"\nPRIORITY=3\n"
    assert unfolded(tmp_path, content, "journal.export") == [
        {"__CURSOR": "s=1", "__REALTIME_TIMESTAMP": "1789635602126000", "MESSAGE": "a=b", "TAG": ["x", "y"]},
        {"__CURSOR": "s=2", "MESSAGE": "two\nlines", "PRIORITY": "3"},
    ]


def test_journal_verbose(tmp_path: Path) -> None:
    stamp = "Thu 2026-09-17 09:00:02.126000 UTC [s=1;i=1]"
    assert unfolded(tmp_path, f"{stamp}\n    PRIORITY=6\n    MESSAGE=one\n            two\n{stamp}\n".encode()) == [
        {"__REALTIME_TIMESTAMP": "2026-09-17 09:00:02.126000 UTC", "PRIORITY": "6", "MESSAGE": "one\ntwo"},
        {"__REALTIME_TIMESTAMP": "2026-09-17 09:00:02.126000 UTC"},
    ]


@pytest.mark.parametrize(
    "content",
    [
        b'{"msg":"batch","events":[{"id":1}]}\n{"msg":"a"}\n',  # an entry that has events, not an export of them
        b'{"events":[{"id":1}],"level":"info"}\n',
        b'{"records":7}\n{"records":8}\n',
        b'{"took":3,"hits":5,"path":"/search"}\n',
        b'{"events":[{"id":1},\n',  # cut off
        b'[{"a":1},\n{"b":\n',
        b'[{"a":1}] started\n',
    ],
)
def test_entries_stay_as_they_are(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "app.log").write_bytes(content)
    (source,) = discover([tmp_path]).sources
    assert source.file == tmp_path / "app.log"
    assert b"".join(chunk.data for chunk in read_chunks(source)) == content


def test_a_line_that_is_no_export_among_exports_is_kept(tmp_path: Path) -> None:
    first = orjson.dumps({"events": [EVENT]})
    (tmp_path / "a.json").write_bytes(first + b'\nnot json\n{"msg":"x"}\n')
    (source,) = discover([tmp_path]).sources
    lines = b"".join(chunk.data for chunk in read_chunks(source)).splitlines()
    assert lines == [orjson.dumps(EVENT), b"not json", b'{"msg":"x"}']


def test_the_copy_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.json").write_bytes(orjson.dumps({"events": [EVENT]}))
    first = discover([tmp_path])
    monkeypatch.setattr(exports, "_write", None)
    assert discover([tmp_path]) == first


def test_a_document_too_large_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "DOCUMENT_BYTES", 100)
    (tmp_path / "a.json").write_text(json.dumps({"events": [EVENT] * 3}, indent=1))
    (source,) = discover([tmp_path]).sources
    assert source.file == tmp_path / "a.json"


def test_every_shape_is_complete() -> None:
    assert len({export.keys for export in exports.load_exports()}) == len(exports.load_exports()) >= 12


@pytest.mark.parametrize(
    "document",
    [
        {
            "resourceLogs": [
                {"scopeLogs": [{"logRecords": [7, {"body": {"arrayValue": {"values": 7}}, "attributes": [7, {}]}]}]}
            ]
        },
        {"resourceLogs": [{"scopeLogs": 7}, 7]},
        {"streams": [{"stream": 7, "values": [["1", "x"], 7, ["1"]]}]},
        {"status": "Complete", "results": [7, [7], []]},
        {"events": [7, None, []]},
    ],
)
def test_odd_documents_do_no_harm(tmp_path: Path, document: Any) -> None:
    (tmp_path / "a.json").write_bytes(orjson.dumps(document))
    (source,) = discover([tmp_path]).sources
    assert b"".join(chunk.data for chunk in read_chunks(source))


def test_values_nested_without_end_do_no_harm(tmp_path: Path) -> None:
    value = '{"kvlistValue":{"values":[{"key":"a","value":' * 100 + "{}" + "}]}}" * 100
    line = f'{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{value}}}]}}]}}]}}'
    assert len(unfolded(tmp_path, line.encode())) == 1
