"""What container runtimes and shippers wrap around a line: recognised line by line, peeled, remembered as columns.

An envelope is peeled from the lines that have it; the others are read as they are, so a file may mix them. The inside
is a line of its own and may be wrapped again. Here are the envelopes that are JSON; ``prefixes`` has the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import orjson

from reconstruct.events import json_lines, peeled, prefixes
from reconstruct.events.wrapping import merge_attributes
from reconstruct.grammar.timestamps import TimeAnchor

DOCKER = "docker"
LOKI = "loki"
FORWARDED = "forwarded"

Json = dict[str, object]


def peel(kind: str, lines: Sequence[str], anchor: TimeAnchor) -> peeled.Peeled | None:
    """Peel the envelope ``kind`` from the lines that have it; None when none has."""
    return _PEELERS[kind](lines, anchor)


_DOCKER_KEYS = frozenset(("log", "stream", "time", "attrs"))
_SERVICE_LABELS = (
    "com.docker.compose.service",
    "com.docker.swarm.service.name",
    "io.kubernetes.container.name",
    "tag",
)
_LOKI_KEYS = frozenset(("labels", "line", "timestamp"))
_GRAFANA_KEYS = frozenset(("line", "timestamp", "date", "fields"))


def _peel_docker(lines: Sequence[str], anchor: TimeAnchor) -> peeled.Peeled | None:
    """``json-file`` of the Docker engine: ``{"log":"…\\n","stream":"stdout","time":"…"}``."""
    rows, values = _find_logs(lines, "log", lambda value: "time" in value and value.keys() <= _DOCKER_KEYS)
    if not rows:
        return None
    logs = [str(value["log"]) for value in values]
    streams = [str(value.get("stream", "")) for value in values]
    columns = peeled.time_columns([str(value.get("time", "")) for value in values], anchor)
    columns["attributes"] = peeled.stream_column(streams)
    if any("attrs" in value for value in values):
        labels = [value.get("attrs") for value in values]
        texts = [_only_texts(each) if isinstance(each, dict) else {} for each in labels]
        services = [next((each[name] for name in _SERVICE_LABELS if each.get(name)), None) for each in texts]
        columns["service"] = peeled.label_column(services)
        streams = [f"{stream} {service or ''}" for stream, service in zip(streams, services, strict=True)]
        columns["attributes"] = merge_attributes(peeled.attribute_column(texts), columns["attributes"])
    partial = np.fromiter((not log.endswith("\n") for log in logs), np.bool_, len(logs))
    return peeled.Peeled(
        peeled.mask_of(len(lines), rows), [peeled.trim(log) for log in logs], columns, streams, partial
    )


def _peel_forwarded(lines: Sequence[str], anchor: TimeAnchor) -> peeled.Peeled | None:
    """The same after Fluentd or Fluent Bit: with where it ran, with or without the line end, and a time of any name."""
    rows, values = _find_logs(lines, "log", lambda value: "stream" in value and not value.keys() <= _DOCKER_KEYS)
    if not rows:
        return None
    streams = [f"{value['stream']} {value.get('kubernetes', '')}" for value in values]
    partial = np.fromiter((value.get("partial_message") == "true" for value in values), np.bool_, len(values))
    return _peel_objects(len(lines), rows, values, "log", streams, partial, anchor)


def _peel_loki(lines: Sequence[str], anchor: TimeAnchor) -> peeled.Peeled | None:
    """``logcli -o jsonl``, entries of Loki's API, and what Grafana gives to download."""
    rows, values = _find_logs(lines, "line", lambda value: value.keys() == _LOKI_KEYS or value.keys() == _GRAFANA_KEYS)
    if not rows:
        return None
    for value in values:
        value.pop("date", None)  # the same moment again
    streams = [str(value.get("labels", value.get("fields"))) for value in values]
    return _peel_objects(len(lines), rows, values, "line", streams, np.zeros(len(rows), np.bool_), anchor)


def _peel_objects(
    count: int,
    rows: list[int],
    values: list[Json],
    key: str,
    streams: list[str],
    partial: np.ndarray[tuple[int], np.dtype[np.bool_]],
    anchor: TimeAnchor,
) -> peeled.Peeled:
    """Objects with the line under ``key``; what else they say is the envelope's."""
    inside = [peeled.trim(str(value.pop(key))) for value in values]
    columns = json_lines.decode_block([orjson.dumps(value) for value in values], anchor).columns
    columns.pop("message", None)
    return peeled.Peeled(peeled.mask_of(count, rows), inside, columns, streams, partial)


def _find_logs(lines: Sequence[str], key: str, accepts: Callable[[Json], bool]) -> tuple[list[int], list[Json]]:
    """The lines that are JSON objects with a text under ``key`` and accepted, and the objects."""
    rows: list[int] = []
    values: list[Json] = []
    mark = f'"{key}":'
    for row, line in enumerate(lines):
        if line.startswith('{"') and mark in line:
            value = _load_object(line)
            if value is not None and isinstance(value.get(key), str) and accepts(value):
                rows.append(row)
                values.append(value)
    return rows, values


def _load_object(line: str) -> Json | None:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _only_texts(values: Json) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}


_PEELERS: dict[str, Callable[[Sequence[str], TimeAnchor], peeled.Peeled | None]] = {
    DOCKER: _peel_docker,
    LOKI: _peel_loki,
    FORWARDED: _peel_forwarded,
    **prefixes.PEELERS,
}

KINDS = tuple(_PEELERS)
"""In order of trial: the more specific first."""
