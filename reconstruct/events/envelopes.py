"""What container runtimes and shippers wrap around a line: recognised line by line, peeled, remembered as columns.

An envelope is peeled from the lines that have it; the others are read as they are, so a file may mix them. The inside
is a line of its own and may be wrapped again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from reconstruct.events import json_lines
from reconstruct.events.lines import strip_terminal_codes
from reconstruct.events.schema import LABEL
from reconstruct.events.wrapping import merge_attributes
from reconstruct.grammar.timestamps import TimeAnchor, decode_times

DOCKER = "docker"
FORWARDED = "forwarded"
CRI = "cri"
COMPOSE = "compose"
KUBECTL = "kubectl"
STAMPED = "stamped"

KINDS = (DOCKER, FORWARDED, CRI, KUBECTL, COMPOSE, STAMPED)
"""In order of trial: the more specific first."""


Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Peeled:
    """The lines of a block that had the envelope; everything but ``mask`` has one element per such line."""

    mask: npt.NDArray[np.bool_]
    """one per line of the block"""
    inside: list[str]
    columns: dict[str, pa.Array]
    """what the envelope says, typed as the event schema"""
    stream: list[str]
    """lines of different streams do not continue each other"""
    partial: npt.NDArray[np.bool_]
    """the runtime cut the line here; the next one of the stream goes on"""


def peel(kind: str, lines: Sequence[str], anchor: TimeAnchor) -> Peeled | None:
    """Peel the envelope ``kind`` from the lines that have it; None when none has."""
    return _PEELERS[kind](lines, anchor)


def service_of_path(path: str) -> str | None:
    """The service a log file is of, when its name follows the habit of Kubernetes.

    >>> service_of_path("logs/cart-service-7f8d7d756d-k7b9j_default_server.log")
    'cart-service'
    >>> service_of_path("pods/shop_payments-5bcd4f8d9c-x2x4z_0b1c/app/0.log")
    'payments'
    >>> service_of_path("nginx/access.log") is None
    True
    """
    found = _POD.search(path)
    return found["name"] if found else None


_POD = re.compile(
    r"(?:^|[/_])(?P<name>[a-z][a-z0-9.-]{0,120}?)-"
    r"(?:[bcdf0-9][bcdfghjklmnpqrstvwxz0-9a-f]{6,9}-[bcdfghjklmnpqrstvwxz2-9]{4}[a-z0-9]|\d{1,4}(?=_))"
    r"(?=[_./]|$)"
)
"""``<deployment>-<replica set hash>-<pod>``; Kubernetes spells both parts without vowels, old ones in hexadecimal.
``<stateful set>-<n>`` only where a namespace follows."""

_COMPOSE = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]{0,62}?)(?:[-_]\d{1,3})? *\| ?(?P<rest>.*)", re.DOTALL)
_LEVEL = re.compile(r"(?i)(?:trace|debug|info|notice|warn(?:ing)?|error|fatal|critical|severe|status)$")
_CRI = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([FP])(?::\S*)? (.*)", re.DOTALL
)
_STAMPED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7,9}(?:Z|[+-]\d\d:\d\d)) (.*)", re.DOTALL)
"""RFC 3339 with nanoseconds, as ``docker logs -t`` and ``kubectl logs --timestamps`` put before each line. Loggers
write at most microseconds there; Go trims trailing zeros, and three in a row are one line in a thousand."""
_KUBECTL = re.compile(r"\[pod/([a-z0-9][a-z0-9.-]{0,252})/([a-z0-9][a-z0-9-]{0,62})\] ?(.*)", re.DOTALL)

_DOCKER_KEYS = frozenset(("log", "stream", "time", "attrs"))
_SERVICE_LABELS = (
    "com.docker.compose.service",
    "com.docker.swarm.service.name",
    "io.kubernetes.container.name",
    "tag",
)


def _peel_docker(lines: Sequence[str], anchor: TimeAnchor) -> Peeled | None:
    """``json-file`` of the Docker engine: ``{"log":"…\\n","stream":"stdout","time":"…"}``."""
    rows, values = _find_logs(lines, lambda value: value.keys() <= _DOCKER_KEYS)
    if not rows:
        return None
    logs = [str(value["log"]) for value in values]
    streams = [str(value.get("stream", "")) for value in values]
    columns = _time_columns([str(value.get("time", "")) for value in values], anchor)
    columns["attributes"] = _stream_column(streams)
    if any("attrs" in value for value in values):
        labels = [value.get("attrs") for value in values]
        texts = [_only_texts(each) if isinstance(each, dict) else {} for each in labels]
        services = [next((each[name] for name in _SERVICE_LABELS if each.get(name)), None) for each in texts]
        columns["service"] = pa.array(services, pa.string()).cast(LABEL)
        columns["attributes"] = merge_attributes(_attribute_column(texts), columns["attributes"])
    partial = np.fromiter((not log.endswith("\n") for log in logs), np.bool_, len(logs))
    return Peeled(_mask(len(lines), rows), [_trim(log) for log in logs], columns, streams, partial)


def _peel_forwarded(lines: Sequence[str], anchor: TimeAnchor) -> Peeled | None:
    """The same after Fluentd or Fluent Bit: with where it ran, with or without the line end, and a time of any name."""
    rows, values = _find_logs(lines, lambda value: "stream" in value and not value.keys() <= _DOCKER_KEYS)
    if not rows:
        return None
    logs = [str(value.pop("log")) for value in values]
    columns = json_lines.decode_block([orjson.dumps(value) for value in values], anchor).columns
    columns.pop("message", None)
    streams = [f"{value['stream']} {value.get('kubernetes', '')}" for value in values]
    partial = np.fromiter((value.get("partial_message") == "true" for value in values), np.bool_, len(values))
    return Peeled(_mask(len(lines), rows), [_trim(log) for log in logs], columns, streams, partial)


def _find_logs(lines: Sequence[str], accepts: Callable[[Json], bool]) -> tuple[list[int], list[Json]]:
    """The lines that are JSON objects with a ``log`` and accepted, and the objects."""
    rows: list[int] = []
    values: list[Json] = []
    for row, line in enumerate(lines):
        if line.startswith('{"') and '"log":' in line:
            value = _load_object(line)
            if value is not None and isinstance(value.get("log"), str) and accepts(value):
                rows.append(row)
                values.append(value)
    return rows, values


def _peel_cri(lines: Sequence[str], anchor: TimeAnchor) -> Peeled | None:
    rows, found = _match_all(_CRI, lines)
    if not rows:
        return None
    columns = _time_columns([each[1] for each in found], anchor)
    streams = [each[2] for each in found]
    columns["attributes"] = _stream_column(streams)
    partial = np.fromiter((each[3] == "P" for each in found), np.bool_, len(found))
    return Peeled(_mask(len(lines), rows), [_trim(each[4]) for each in found], columns, streams, partial)


def _peel_stamped(lines: Sequence[str], anchor: TimeAnchor) -> Peeled | None:
    rows, found = _match_all(_STAMPED, lines)
    if not rows:
        return None
    columns = _time_columns([each[1] for each in found], anchor)
    return _whole(len(lines), rows, [each[2] for each in found], columns, [STAMPED] * len(found))


def _peel_compose(lines: Sequence[str], anchor: TimeAnchor) -> Peeled | None:
    rows, found = _match_all(_COMPOSE, lines)
    kept = [(row, each) for row, each in zip(rows, found, strict=True) if not _LEVEL.match(each["name"])]
    if not kept:
        return None
    names = [each["name"] for _, each in kept]
    columns = {"service": pa.array(names, pa.string()).cast(LABEL)}
    streams = [each[0][: each.start("rest")] for _, each in kept]
    return _whole(len(lines), [row for row, _ in kept], [each["rest"] for _, each in kept], columns, streams)


def _peel_kubectl(lines: Sequence[str], anchor: TimeAnchor) -> Peeled | None:
    rows, found = _match_all(_KUBECTL, lines)
    if not rows:
        return None
    pods = [each[1] for each in found]
    services = {pod: service_of_path(pod) or pod for pod in set(pods)}
    columns = {
        "service": pa.array([services[pod] for pod in pods], pa.string()).cast(LABEL),
        "attributes": _attribute_column([{"pod": each[1], "container": each[2]} for each in found]),
    }
    return _whole(len(lines), rows, [each[3] for each in found], columns, pods)


_PEELERS: dict[str, Callable[[Sequence[str], TimeAnchor], Peeled | None]] = {
    DOCKER: _peel_docker,
    FORWARDED: _peel_forwarded,
    CRI: _peel_cri,
    KUBECTL: _peel_kubectl,
    COMPOSE: _peel_compose,
    STAMPED: _peel_stamped,
}


def _whole(count: int, rows: list[int], inside: list[str], columns: dict[str, pa.Array], stream: list[str]) -> Peeled:
    return Peeled(_mask(count, rows), inside, columns, stream, np.zeros(len(rows), np.bool_))


def _match_all(pattern: re.Pattern[str], lines: Sequence[str]) -> tuple[list[int], list[re.Match[str]]]:
    rows, found = [], []
    match = pattern.match
    for row, line in enumerate(lines):
        each = match(line)
        if each is not None:
            rows.append(row)
            found.append(each)
    return rows, found


def _load_object(line: str) -> Json | None:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _only_texts(values: Json) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _trim(log: str) -> str:
    return strip_terminal_codes(log.removesuffix("\n").removesuffix("\r"))


def _mask(count: int, rows: list[int]) -> npt.NDArray[np.bool_]:
    mask = np.zeros(count, np.bool_)
    mask[rows] = True
    return mask


def _time_columns(stamps: list[str], anchor: TimeAnchor) -> dict[str, pa.Array]:
    times = decode_times(stamps, "ISO8601", anchor)
    return {"time_ns": times.time_ns, "zoned": times.zoned}


def _stream_column(streams: list[str]) -> pa.Array:
    texts = {stream: orjson.dumps({"stream": stream}).decode() if stream else None for stream in set(streams)}
    return pa.array([texts[stream] for stream in streams], pa.string())


def _attribute_column(attributes: Sequence[dict[str, str]]) -> pa.Array:
    return pa.array([orjson.dumps(each).decode() if each else None for each in attributes], pa.string())
