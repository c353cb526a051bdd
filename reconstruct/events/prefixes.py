"""Envelopes that are a prefix of the line: what viewers and exporters of container and cloud logs put in front of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pyarrow as pa

from reconstruct.events.peeled import (
    Peeled,
    attribute_column,
    label_column,
    mask_of,
    stream_column,
    time_columns,
    trim,
)
from reconstruct.events.pods import service_of_path
from reconstruct.grammar.timestamps import TimeAnchor
from reconstruct.sources.families import parse_name

CRI = "cri"
KUBECTL = "kubectl"
STERN = "stern"
LOGCLI = "logcli"
CLOUDWATCH = "cloudwatch"
FLUENTD = "fluentd"
FLUENT_BIT = "fluentbit"
COMPOSE = "compose"
PROCFILE = "procfile"
FLY = "fly"
GREP = "grep"
QUOTED = "quoted"
NUMBERED = "numbered"
STAMPED = "stamped"

_CRI = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([FP])(?::\S*)? (.*)", re.DOTALL
)
_KUBECTL = re.compile(r"\[pod/([a-z0-9][a-z0-9.-]{0,252})/([a-z0-9][a-z0-9-]{0,62})\] ?(.*)", re.DOTALL)
_STERN = re.compile(
    r"(?:[a-z0-9][a-z0-9-]{0,62} )?"
    r"([a-z][a-z0-9.-]{0,200}-(?:[0-9a-f]{6,10}-[bcdfghjklmnpqrstvwxz2-9]{5}|[bcdfghjklmnpqrstvwxz2-9]{5}|\d{1,4}))"
    r" ([a-z][a-z0-9-]{0,62}) (.*)",
    re.DOTALL,
)
"""Stern's default template: pod, container, line; with ``--all-namespaces`` the namespace in front. Pods of deployments,
daemon sets and stateful sets have these endings."""
_LOGCLI = re.compile(
    r'(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (\{(?:[\w.]{1,200}="[^"]*"(?:, )?)*\})[ \t]+(.*)',
    re.DOTALL,
)
_LABEL = re.compile(r'([\w.]+)="([^"]*)"')
_CLOUDWATCH = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00) ((?:[^\s:\[]|\[\$LATEST\]|\[\d+\])[^\s:]{0,511}) (.*)", re.DOTALL
)
"""``aws logs tail`` in its detailed format: moment, log stream, line. Heroku ends its source with a colon."""
_FLUENTD = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?: ?(?:Z|[+-]\d\d:?\d\d))?)\t([\w./-]{1,200})\t(\{.*\})\s*",
    re.DOTALL,
)
"""``out_file`` of Fluentd: moment, tag, record."""
_FLUENT_BIT = re.compile(
    r"(?:\[\d+\] )?([\w./-]{1,200}): \[(?:\[(\d{9,10}\.\d{1,9}), \{.*?\}\]|(\d{9,10}\.\d{1,9})), (\{.*\})\]\s*",
    re.DOTALL,
)
"""``out_file`` and ``out_stdout`` of Fluent Bit: [number] tag: [moment, record]; since 2.1 [[moment, metadata], record]."""
_RUBY_PAIR = re.compile(r'"=>(?=["{\[\d\-tfn])')
"""What Fluent Bit writes for a colon on standard output."""
_COMPOSE = re.compile(
    r"(?:\d{1,4}\|)?(?=[\d_.-]{0,62}[A-Za-z])(?!\d{1,4}[.-]\w{1,3}[.-]\d)"
    r"(?P<name>[A-Za-z0-9][\w.-]{0,62}?)(?:[-_]\d{1,3}|\.\d{1,5}\.[a-z0-9]{8,32}@[\w.-]{1,64})? *\| ?(?P<rest>.*)",
    re.DOTALL,
)
"""``pm2 logs`` puts a number before the name (``0|api  | text``), ``docker service logs`` the task and the node behind the
service. A number or a day before a bar is a cell of a table."""
_PROCFILE = re.compile(r"(\d\d:\d\d:\d\d) ([A-Za-z][\w-]{0,62}?)(?:\.\d{1,3})? +\| ?(.*)", re.DOTALL)
"""What runs the processes of a Procfile: Foreman, Honcho."""
_FLY = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z) ([\w-]{1,62})\[([0-9a-f]{1,32})\] ([a-z]{3}) \[[a-z]{1,10}\] ?(.*)",
    re.DOTALL,
)
"""``fly logs``: moment, what wrote it, machine, region, level, line."""
_GREP = re.compile(
    r"(?P<path>(?:[\w.@+-]{0,100}/){1,20}[\w.@+-]{1,200}?|[\w.@+-]{1,200}?\.(?:log|txt|jsonl?|out|err)(?:[.-]\d{1,8})??(?:\.(?:gz|bz2|xz|zst))?)"
    r"(?:(?P<sign>[:-])\d{1,9}(?P=sign)(?!\d\d-\d\d)|:)(?P<rest>.*)",
    re.DOTALL,
)
"""What ``grep`` puts before the lines of several files: the file, with ``-n`` the number of the line, hyphens around it in the lines that
``-C`` gives for context. Without a directory only names of logs are taken for one."""
INDENTS = {f"indented{n}": " " * n for n in (1, 2, 3, 4, 6, 8)} | {"indented": "\t", "cited": "> "}
"""What lines may have been moved to the right by, as one: code in a document, a quotation in a mail."""

_NUMBERED = re.compile(r" {0,12}(\d{1,9})(?:\t|: ?| ?[|│] ?)(.*)", re.DOTALL)
"""``cat -n``, ``nl``, ``grep -n`` of one file, ``bat``."""

_QUOTED = re.compile(r'"((?:[^"]|"")*+)",?', re.DOTALL)
"""A table of one column, as spreadsheets and query tools write it."""
_LEVEL = re.compile(r"(?i)(?:trace|debug|info|notice|warn(?:ing)?|error|fatal|critical|severe|status)$")
_STAMPED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7,9}(?:Z|[+-]\d\d:\d\d)) (.*)", re.DOTALL)
"""RFC 3339 with nanoseconds, as ``docker logs -t`` and ``kubectl logs --timestamps`` put before each line. Loggers
write at most microseconds there; Go trims trailing zeros, and three in a row are one line in a thousand."""


def _peel_cri(lines: Sequence[str], anchor: TimeAnchor) -> Peeled | None:
    rows, found = _match_all(_CRI, lines)
    if not rows:
        return None
    columns = time_columns([each[1] for each in found], anchor)
    streams = [each[2] for each in found]
    columns["attributes"] = stream_column(streams)
    partial = np.fromiter((each[3] == "P" for each in found), np.bool_, len(found))
    return Peeled(mask_of(len(lines), rows), [trim(each[4]) for each in found], columns, streams, partial)


def _peel_kubectl(lines: Sequence[str], _anchor: TimeAnchor) -> Peeled | None:
    rows, found = _match_all(_KUBECTL, lines)
    return _of_pods(len(lines), rows, [(each[1], each[2]) for each in found], [each[3] for each in found])


def _peel_stern(lines: Sequence[str], _anchor: TimeAnchor) -> Peeled | None:
    rows, found = _match_all(_STERN, lines)
    return _of_pods(len(lines), rows, [(each[1], each[2]) for each in found], [each[3] for each in found])


def _of_pods(count: int, rows: list[int], places: list[tuple[str, str]], inside: list[str]) -> Peeled | None:
    """Lines of containers in pods; ``places``: pod and container."""
    if not rows:
        return None
    services = {pod: service_of_path(pod) or pod for pod, _ in set(places)}
    columns = {
        "service": label_column([services[pod] for pod, _ in places]),
        "attributes": attribute_column([{"pod": pod, "container": container} for pod, container in places]),
    }
    return _whole(count, rows, inside, columns, [f"{pod} {container}" for pod, container in places])


def _peel_logcli(lines: Sequence[str], anchor: TimeAnchor) -> Peeled | None:
    """``logcli query``: moment, labels, line."""
    rows, found = _match_all(_LOGCLI, lines)
    if not rows:
        return None
    columns = time_columns([each[1] for each in found], anchor)
    labels = {text: dict(_LABEL.findall(text)) for text in {each[2] for each in found}}
    columns["attributes"] = attribute_column([labels[each[2]] for each in found])
    columns["service"] = label_column([_service_of(labels[each[2]]) for each in found])
    return _whole(len(lines), rows, [each[3] for each in found], columns, [each[2] for each in found])


def _peel_cloudwatch(lines: Sequence[str], anchor: TimeAnchor) -> Peeled | None:
    rows, found = _match_all(_CLOUDWATCH, lines)
    if not rows:
        return None
    columns = time_columns([each[1] for each in found], anchor)
    columns["attributes"] = attribute_column([{"log_stream": each[2]} for each in found])
    return _whole(len(lines), rows, [each[3] for each in found], columns, [each[2] for each in found])


def _peel_fluentd(lines: Sequence[str], anchor: TimeAnchor) -> Peeled | None:
    rows, found = _match_all(_FLUENTD, lines)
    if not rows:
        return None
    columns = time_columns([each[1] for each in found], anchor)
    columns["attributes"] = attribute_column([{"tag": each[2]} for each in found])
    return _whole(len(lines), rows, [each[3] for each in found], columns, [each[2] for each in found])


def _peel_fluent_bit(lines: Sequence[str], anchor: TimeAnchor) -> Peeled | None:
    rows, found = _match_all(_FLUENT_BIT, lines)
    if not rows:
        return None
    columns = time_columns([each[2] or each[3] for each in found], anchor)
    columns["attributes"] = attribute_column([{"tag": each[1]} for each in found])
    inside = [_RUBY_PAIR.sub('":', each[4]) if '"=>' in each[4] else each[4] for each in found]
    return _whole(len(lines), rows, inside, columns, [each[1] for each in found])


def _peel_compose(lines: Sequence[str], _anchor: TimeAnchor) -> Peeled | None:
    rows, found = _match_all(_COMPOSE, lines)
    kept = [(row, each) for row, each in zip(rows, found, strict=True) if not _LEVEL.match(each["name"])]
    if not kept:
        return None
    columns = {"service": label_column([each["name"] for _, each in kept])}
    streams = [each[0][: each.start("rest")] for _, each in kept]
    return _whole(len(lines), [row for row, _ in kept], [each["rest"] for _, each in kept], columns, streams)


def _peel_procfile(lines: Sequence[str], anchor: TimeAnchor) -> Peeled | None:
    rows, found = _match_all(_PROCFILE, lines)
    if not rows:
        return None
    names = [each[2] for each in found]
    columns = time_columns([each[1] for each in found], anchor) | {"service": label_column(names)}
    return _whole(len(lines), rows, [each[3] for each in found], columns, names)


def _peel_fly(lines: Sequence[str], anchor: TimeAnchor) -> Peeled | None:
    rows, found = _match_all(_FLY, lines)
    if not rows:
        return None
    columns = time_columns([each[1] for each in found], anchor) | {"service": label_column([each[2] for each in found])}
    columns["attributes"] = attribute_column([{"machine": each[3], "region": each[4]} for each in found])
    return _whole(len(lines), rows, [each[5] for each in found], columns, [f"{each[2]} {each[3]}" for each in found])


def _peel_grep(lines: Sequence[str], _anchor: TimeAnchor) -> Peeled | None:
    rows, found = _match_all(_GREP, lines)
    if not rows:
        return None
    paths = [each["path"] for each in found]
    logs = {path: _log_of(path) for path in set(paths)}
    columns = {
        "service": label_column([logs[path] for path in paths]),
        "attributes": attribute_column([{"file": path} for path in paths]),
    }
    return _whole(len(lines), rows, [each["rest"] for each in found], columns, paths)


def _log_of(path: str) -> str:
    """The log a file belongs to, whichever of its rotated files it is."""
    directory, slash, name = path.rpartition("/")
    return f"{directory}{slash}{parse_name(name).log}"


def _peel_indent(indent: str, lines: Sequence[str], _anchor: TimeAnchor) -> Peeled | None:
    rows = [row for row, line in enumerate(lines) if line.startswith(indent)]
    inside = [lines[row].removeprefix(indent) for row in rows]
    return _whole(len(lines), rows, inside, {}, [indent] * len(rows)) if rows else None


def _peel_numbered(lines: Sequence[str], _anchor: TimeAnchor) -> Peeled | None:
    rows, found = _match_all(_NUMBERED, lines)
    return _whole(len(lines), rows, [each[2] for each in found], {}, [NUMBERED] * len(found)) if rows else None


def are_numbered(lines: Sequence[str]) -> bool:
    """Whether no number before the lines comes twice: the head of an address (``2001:db8::7``) does."""
    _, found = _match_all(_NUMBERED, lines)
    return len(found) > 1 and len({int(each[1]) for each in found}) == len(found)


def _peel_quoted(lines: Sequence[str], _anchor: TimeAnchor) -> Peeled | None:
    rows, found = _match_all(_QUOTED, lines)
    kept = [(row, each) for row, each in zip(rows, found, strict=True) if each.end() == len(each.string)]
    inside = [each[1].replace('""', '"') for _, each in kept]
    return _whole(len(lines), [row for row, _ in kept], inside, {}, [QUOTED] * len(kept)) if kept else None


def _peel_stamped(lines: Sequence[str], anchor: TimeAnchor) -> Peeled | None:
    rows, found = _match_all(_STAMPED, lines)
    if not rows:
        return None
    columns = time_columns([each[1] for each in found], anchor)
    return _whole(len(lines), rows, [each[2] for each in found], columns, [STAMPED] * len(found))


PEELERS: dict[str, Callable[[Sequence[str], TimeAnchor], Peeled | None]] = {
    CRI: _peel_cri,
    KUBECTL: _peel_kubectl,
    LOGCLI: _peel_logcli,
    FLUENTD: _peel_fluentd,
    FLUENT_BIT: _peel_fluent_bit,
    CLOUDWATCH: _peel_cloudwatch,
    STERN: _peel_stern,
    FLY: _peel_fly,
    PROCFILE: _peel_procfile,
    GREP: _peel_grep,
    COMPOSE: _peel_compose,
    STAMPED: _peel_stamped,
    **{kind: partial(_peel_indent, indent) for kind, indent in INDENTS.items()},
    QUOTED: _peel_quoted,
    NUMBERED: _peel_numbered,
}
"""In order of trial: the more specific first."""


_SERVICE_NAMES = ("service_name", "service", "app", "app_kubernetes_io_name", "container", "job")
"""Labels of Loki that name the service, the best first."""


def _service_of(labels: dict[str, str]) -> str | None:
    return next((labels[name] for name in _SERVICE_NAMES if labels.get(name)), None)


def _whole(count: int, rows: list[int], inside: list[str], columns: dict[str, pa.Array], stream: list[str]) -> Peeled:
    return Peeled(mask_of(count, rows), inside, columns, stream, np.zeros(len(rows), np.bool_))


def _match_all(pattern: re.Pattern[str], lines: Sequence[str]) -> tuple[list[int], list[re.Match[str]]]:
    rows, found = [], []
    match = pattern.match
    for row, line in enumerate(lines):
        each = match(line)
        if each is not None:
            rows.append(row)
            found.append(each)
    return rows, found
