"""The field vocabulary: which keys are which fields, by line, dialect and unit."""

from __future__ import annotations

import tomllib

import pytest

from reconstruct.errors import ModelError
from reconstruct.events.schema import EVENTS, LEVELS
from reconstruct.grammar import vocabulary as vocabulary_module
from reconstruct.grammar.fields import FIELDS
from reconstruct.grammar.number_columns import MILLISECONDS
from reconstruct.grammar.vocabulary import load_vocabulary, plain_name, read_keys, read_vocabulary
from reconstruct.resources import vocabulary_directory

SOURCES_OF = {"duration_ms": "duration"}
"""Event fields that raw columns feed under another name."""

FEEDERS = {"time", "nanos", "year", "offset", "forwarded_for", "request", "duration"}
"""Names of the vocabulary that feed fields of other names."""


def fields_of(*keys: str) -> dict[str, str]:
    """field → the key that feeds it first"""
    return {name: keys[sources[0].key] for name, sources in read_keys(keys).fields.items()}


def attributes_of(*keys: str) -> list[str]:
    return [keys[position] for position in read_keys(keys).attributes]


def test_fields_are_those_of_the_event_schema() -> None:
    content = [field for field in EVENTS if EVENTS.get_field_index(field.name) > EVENTS.get_field_index("zoned")]
    assert {field.name: field.type for field in content if field.name != "attributes"} == FIELDS


def test_every_field_has_names_and_every_name_a_field() -> None:
    table = tomllib.loads((vocabulary_directory() / "fields.toml").read_text(encoding="utf-8"))
    named = set(table["field"])
    assert named == {SOURCES_OF.get(name, name) for name in FIELDS} | FEEDERS
    units = {name.unit for name in load_vocabulary().names.values() if name.field == "duration"}
    assert units <= set(MILLISECONDS)
    schemes = {name.unit for name in load_vocabulary().names.values() if name.field == "level"}
    assert schemes <= {"", "auto", "pri", *load_vocabulary().level_numbers}
    for dialect in load_vocabulary().dialects:
        assert {name.field for name in dialect.fields.values() if name} <= named, dialect.id


def test_levels_are_those_of_the_event_schema() -> None:
    vocabulary = load_vocabulary()
    assert tuple(dict.fromkeys(vocabulary.levels.values())) == LEVELS
    for steps in vocabulary.level_numbers.values():
        assert {level for _, level in steps} <= set(LEVELS)


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("http.request.method", "method"),
        ("httpRequestMethod", "method"),
        ("HTTP_REQUEST_METHOD", "method"),
        ("cs(User-Agent)", "user_agent"),
        ("x-forwarded-for", "forwarded_for"),
        ("@timestamp", "time"),
        ("jsonPayload.message", "message"),
        ("payload.http.request.method", "method"),
        ("c-ip", "client_ip"),
    ],
)
def test_names_are_compared_without_case_marks_and_wrappers(key: str, field: str) -> None:
    assert fields_of(key) == {field: key}


@pytest.mark.parametrize("key", ["user_id", "order_id", "customer.id", "id", "name", "type", "kubernetes.pod_id"])
def test_whose_value_it_is_is_left_to_the_correlator(key: str) -> None:
    assert fields_of(key) == {}
    assert attributes_of(key) == [key]


def test_words_mean_other_things_in_a_request() -> None:
    assert fields_of("host", "msg") == {"host": "host", "message": "msg"}
    assert fields_of("host", "path", "method") == {"vhost": "host", "path": "path", "method": "method"}
    assert attributes_of("path", "msg") == ["path"]
    assert attributes_of("target", "level") == ["target"]
    assert fields_of("target", "request_method") == {"target": "target", "method": "request_method"}


def test_the_better_name_wins_and_the_other_stays() -> None:
    keys = ("severity", "level", "payload.level")
    assert fields_of(*keys) == {"level": "level"}
    assert attributes_of(*keys) == ["payload.level", "severity"]
    assert [keys[source.key] for source in read_keys(keys).fields["level"]] == ["level", "severity", "payload.level"]


def test_sure_names_are_believed_under_any_key() -> None:
    keys = ("attackData.clientIP", "kept.timestamp", "time", "geo.ip")
    assert fields_of(*keys) == {"client_ip": "attackData.clientIP", "time": "time"}
    assert attributes_of(*keys) == ["attackData.clientIP", "geo.ip", "kept.timestamp"]


DIALECTS = {
    ("time", "level", "pid", "hostname", "msg", "name"): {"service": "name", "host": "hostname"},
    ("level", "ts", "caller", "msg", "latency"): {"time": "ts", "duration": "latency"},
    ("request.method", "request.uri", "request.host", "request.remote_ip", "duration", "status"): {
        "client_ip": "request.remote_ip",
        "target": "request.uri",
        "vhost": "request.host",
    },
    ("DownstreamStatus", "RequestMethod", "RequestPath", "Duration", "ClientHost"): {
        "status": "DownstreamStatus",
        "duration": "Duration",
        "client_ip": "ClientHost",
    },
    ("version", "host", "short_message", "level"): {"host": "host", "message": "short_message"},
    ("t.$date", "s", "c", "msg", "id"): {"time": "t.$date", "level": "s", "logger": "c"},
    ("timestamp", "level", "fields.message", "target"): {"logger": "target", "message": "fields.message"},
    ("requestId", "requestTime", "httpMethod", "resourcePath"): {"time": "requestTime", "path": "resourcePath"},
    ("requestId", "requestTime", "httpMethod", "resourcePath", "path"): {"time": "requestTime", "path": "path"},
    ("at", "method", "path", "dyno", "fwd", "service", "host"): {"duration": "service", "client_ip": "fwd"},
    ("__REALTIME_TIMESTAMP", "MESSAGE", "PRIORITY", "_PID"): {"time": "__REALTIME_TIMESTAMP", "pid": "_PID"},
}


@pytest.mark.parametrize("keys", DIALECTS, ids=" ".join)
def test_dialects(keys: tuple[str, ...]) -> None:
    found = fields_of(*keys)
    assert DIALECTS[keys].items() <= found.items()


@pytest.mark.parametrize(
    ("keys", "unit"),
    [
        (("duration", "msg"), "auto"),
        (("event.duration", "message"), "ns"),
        (("request_time", "status"), "s"),
        (("time-taken", "cs-method"), "ms"),
        (("time-taken", "x-edge-location", "x-edge-result-type"), "s"),
        (("level", "ts", "caller", "msg", "duration"), "s"),
        (("DownstreamStatus", "RequestMethod", "RequestPath", "Duration"), "ns"),
        (("response_code", "response_flags", "upstream_host", "duration"), "ms"),
    ],
)
def test_units_of_durations(keys: tuple[str, ...], unit: str) -> None:
    assert read_keys(keys).fields["duration"][0].unit == unit


def test_the_order_of_keys_does_not_matter() -> None:
    keys = ("msg", "level", "severity", "host", "method", "url", "uri", "x", "a")
    forward, backward = read_keys(keys), read_keys(keys[::-1])
    assert {name: [keys[source.key] for source in sources] for name, sources in forward.fields.items()} == {
        name: [keys[::-1][source.key] for source in sources] for name, sources in backward.fields.items()
    }


def test_a_name_of_two_fields_is_refused() -> None:
    table = {
        "field": {"user": {"names": ["login"]}, "level": {"names": ["LOG_IN"]}},
        "levels": {},
        "level_numbers": {},
        "dialect": [],
        "wrappers": [],
        "nested": [],
    }
    with pytest.raises(ValueError, match="'LOG_IN' is a name of user and of level"):
        read_vocabulary(table)


def test_a_wrong_file_is_a_model_error(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "fields.toml").write_text("[field]\nuser = 3\n")
    monkeypatch.setattr(vocabulary_module, "vocabulary_directory", lambda: tmp_path)
    with pytest.raises(ModelError, match="the field vocabulary is wrong"):
        load_vocabulary.__wrapped__()


def test_secrets_are_plain_names() -> None:
    table = tomllib.loads((vocabulary_directory() / "secrets.toml").read_text(encoding="utf-8"))
    plain = [plain_name(name) for name in table["names"]]
    assert {"password", "accesstoken", "cardnumber", "authorization"} <= set(plain)
    assert not {plain_name(name) for name in table["exceptions"]} & set(plain)
