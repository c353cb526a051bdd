"""Requests whose parts people have labelled by hand: ``Method: GET | Path: /cart | Status: 200``, ``reqMethod:GET -- reqUrl:/cart``.

What a label means is looked up among the keys of JSON and logfmt lines. The text is a request only if it has a label for the
method and something that begins like a target, so prose with a colon in it is none.
"""

from __future__ import annotations

import re
from functools import lru_cache

from reconstruct.events.keyed import Row
from reconstruct.grammar.vocabulary import read_keys

METHODS = "GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS"
"""What visitors and programs ask with, as alternatives of an expression."""

LIKELY_LABELLED = rf"(?:[Mm]ethod|METHOD|[Vv]erb|VERB)(?: ?[:=] ?| )[\"'\[]?(?:{METHODS})\b"
"""What every such text has."""

LABELLED_CAP = 8192
"""Characters of a text that are looked at; what follows is a payload or a stack trace."""

CELLS_CAP = 32
"""Cells of a text that are looked at: hand-made layouts have a dozen at most."""

LABEL_WORDS = 3
"""Words of a label: "HTTP status code". What stands in front of them is prose."""

LABELS_KEPT = 4096
"""Labels whose meaning is remembered; a log has a dozen."""

FIELDS = frozenset((
    "client_ip", "client_port", "target", "path", "protocol", "status", "bytes_sent", "referrer",
    "user_agent", "duration", "vhost", "user", "request_id", "session_id",
))  # fmt: skip
"""Fields that a label of such a text may be."""

_METHOD = re.compile(rf"(?:[Mm]ethod|METHOD|[Vv]erb|VERB)(?: ?[:=] ?| )[\"'\[]?({METHODS})\b[\"'\]]?(?: (/\S*+))?")
_HINTS = ("ethod", "ETHOD", "erb", "ERB")
_SEPARATORS = ("\n", "\t", "|", "--", ";", ",", " - ")
_IN_VALUES = (",", ";")
"""Separators that values have themselves, user agents above all."""
_LABEL = re.compile(rf"([A-Za-z][\w.-]{{0,40}}+(?: [A-Za-z][\w.-]{{0,40}}+){{0,{LABEL_WORDS - 1}}})$")
_SIGN = re.compile(r"[:=]")
_PAIR = re.compile(r"([A-Za-z][\w.-]{0,40}+) ?[:=] ?(\"[^\"]*+\"|\S++)")
_QUOTES = " \t\"'`[]"
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) +(ms|us|µs|s)(?!\w)")


def read_labelled(text: str) -> Row | None:
    """The request of a text whose parts are labelled, under labels that the vocabulary knows; None for other texts.

    >>> read_labelled("Requested Method: GET | Path: /cart?id=5 | Status Code: 200 | Response time: 12 ms")
    {'method': 'GET', 'Path': '/cart?id=5', 'Status Code': '200', 'Response time': '12ms'}
    >>> read_labelled("resource: /orders | HTTP Verb POST | request #3")
    {'method': 'POST', 'url': '/orders'}
    >>> read_labelled("the method GET is not allowed"), read_labelled("Method: GET")
    (None, None)
    """
    if not any(hint in text for hint in _HINTS):  # the expression takes ten times as long
        return None
    text = text[:LABELLED_CAP]
    method = _METHOD.search(text)
    if method is None:
        return None
    row: Row = {"method": method[1]}
    fields = {"method"}
    target = method[2] or ""
    for said, value in _cells(text, method):
        label, field = _meaning(said)
        if field in ("target", "path") and not value.startswith(("/", "http")):
            continue
        if not field:
            target = target or (value.split(" ", 1)[0] if value.startswith("/") else "")
        elif field not in fields and value:
            took = _DURATION.match(value) if field == "duration" else None
            row[label] = f"{took[1]}{took[2]}" if took is not None else value
            fields.add(field)
    if fields.isdisjoint(("target", "path")):
        if not target:
            return None
        row["url"] = target
    return row


def _cells(text: str, method: re.Match[str]) -> list[tuple[str, str]]:
    """The labels of a text with their values: between the separators that stand beside the method, or word by word."""
    before, behind = text[: method.start()], text[method.end() :].lstrip(" ")
    separator = next(
        (each for each in _SEPARATORS if behind.startswith(each.lstrip(" ")) or _stands_last(before, each)), ""
    )
    if not separator:
        return [(pair[1], pair[2].strip(_QUOTES + ",;")) for pair in _PAIR.finditer(text)][:CELLS_CAP]
    cells: list[tuple[str, str]] = []
    for cell in text.split(separator, CELLS_CAP)[:CELLS_CAP]:
        sign = _SIGN.search(cell)
        label = _LABEL.search(cell[: sign.start()].rstrip(_QUOTES)) if sign is not None else None
        within = bool(cells) and cells[-1][1].count("(") > cells[-1][1].count(")")  # "(X11; Linux; rv:41.0)"
        if sign is not None and label is not None and not within:
            cells.append((label[1], cell[sign.end() :].strip(_QUOTES)))
        elif cells and separator in _IN_VALUES:  # "(KHTML, like Gecko)"
            cells[-1] = (cells[-1][0], f"{cells[-1][1]}{separator}{cell}".rstrip(_QUOTES))
    return cells


def _stands_last(before: str, separator: str) -> bool:
    """Whether nothing but words of a label stand behind the last separator."""
    at = before.rfind(separator)
    return at >= 0 and len(before[at + len(separator) :].split()) < LABEL_WORDS


@lru_cache(maxsize=LABELS_KEPT)
def _meaning(label: str) -> tuple[str, str]:
    """The words of a label that name a field of requests, and the field; empty when they name none.

    >>> _meaning("Incoming request URL"), _meaning("HTTP Status Code"), _meaning("resource")
    (('request URL', 'target'), ('HTTP Status Code', 'status'), ('resource', ''))
    """
    words = label.split(" ")
    for first in range(len(words)):
        key = " ".join(words[first:])
        for name, sources in read_keys(("method", key)).fields.items():
            if name in FIELDS and any(source.key == 1 for source in sources):
                return key, name
    return label, ""
