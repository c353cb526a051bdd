"""Requests that stand in the text of a line, as people write them: ``POST /orders 201 34ms``, ``req=7f3 | GET /cart | 200``."""

from __future__ import annotations

import re

from reconstruct.events.keyed import Row

STATUS_REACH = 80
"""Characters after a request in which its status stands; further on three digits are something else."""

TARGET_CAP = 8192
"""Characters of a target: what common servers take at most."""

LIKELY_REQUEST = r'(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) +"?/'
"""What every message with a request of this log has."""

_METHODS = "GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|CONNECT|TRACE|PROPFIND|REPORT"
_QUOTED_REQUEST = re.compile(r'"([A-Z]{3,10}) ([^\s"]{1,8192})(?: (HTTP/\d(?:\.\d)?))?"')
_PLAIN_REQUEST = re.compile(
    rf"({_METHODS}) +\"?((?:/|https?://)[^\s\"|,]{{0,{TARGET_CAP}}})\"?(?: +(HTTP/\d(?:\.\d)?))?(?=[\s|,:;]|$)"
)
_IPV4 = r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"
_ADDRESS = re.compile(_IPV4, re.ASCII)
_CELLS = re.compile(
    r"(?:[\s|,;:>-]++|\[[^\[\]]{0,100}+\]|\([^()]{0,100}+\)|[A-Za-z_][\w.-]{0,63}+=[^\s|]{1,100}+|[^\s|\[\](){}]{1,64}+(?=[ \t]{0,8}\|)"
    rf"|{_IPV4}(?::\d{{1,5}}+)?|\d{{1,12}}+(?![\w.]))*+",
    re.ASCII,
)
"""What may stand between the moment and a request that is not quoted: brackets, pairs, numbers, addresses, and columns. No prose:
"calling POST /pay" is no request of this log."""

_ANSWER_BEHIND = re.compile(r"[\s|:,>=-]{1,6}(?:status[=: ]{1,2})?[1-5]\d\d(?![\w.])", re.ASCII)
_ANSWER_BEFORE = re.compile(r"(?<![\w.])([1-5]\d\d)[ |]{1,8}$", re.ASCII)
"""The status beside such a request: without one it may be anything."""

CELLS_REACH = 200
"""Characters of a message in which such a request begins."""

_STATUS = re.compile(r"[ |\"=(\[](\d{3})(?=[ |,;)\]]|$)")
_DURATION = re.compile(r"[ |,=(\[](\d{1,9}(?:\.\d{1,9})? ?(?:ms|µs|us|s))(?=[ |,;)\]]|$)")


def read_request(line: str, message: str, row: Row) -> None:
    """A request line between quotes, or plain at the beginning of the message; its status, and how long it took."""
    request = _QUOTED_REQUEST.search(line) if '"' in line else None
    if request is not None:
        _fill(request, line, row)
    elif (request := _find_plain(message, row)) is not None:
        _fill(request, message, row)


def find_request(message: str) -> Row | None:
    """The request of a message that is one, with its status; None for other messages.

    >>> find_request("[req-7] POST /orders 201 34ms")
    {'method': 'POST', 'request_uri': '/orders', 'status': '201', 'duration': '34ms'}
    >>> find_request("calling POST /pay 200"), find_request("GET /cart")
    (None, None)
    """
    row: Row = {}
    request = _find_plain(message, row)
    if request is not None:
        _fill(request, message, row)
    return row if "status" in row else None


def _fill(request: re.Match[str], text: str, row: Row) -> None:
    """Method, target, protocol, status and duration of a request that was found in ``text``."""
    row["method"], row["request_uri"] = request[1], request[2]
    if request[3]:
        row["protocol"] = request[3]
    stop = request.end() + STATUS_REACH
    status = _STATUS.search(text, request.end() - 1, stop) if "status" not in row else None
    if status is not None:
        row["status"] = status[1]
    if "status" in row:
        duration = _DURATION.search(text, status.end() if status is not None else request.end() - 1, stop)
        if duration is not None:
            row["duration"] = duration[1].replace(" ", "")


def _find_plain(message: str, row: Row) -> re.Match[str] | None:
    """A request that is not quoted: the message begins with it, or nothing but columns stand in front and its status beside.
    The address among the columns is the client's."""
    request = _PLAIN_REQUEST.match(message)
    if request is not None or " /" not in message:
        return request
    request = _PLAIN_REQUEST.search(message, 0, CELLS_REACH + TARGET_CAP)
    if request is None or request.start() > CELLS_REACH or message[request.start() - 1] not in " |\t":
        return None
    front = message[: request.start()]
    before = _ANSWER_BEFORE.search(front)
    if _CELLS.fullmatch(front) is None or (before is None and _ANSWER_BEHIND.match(message, request.end()) is None):
        return None
    if before is not None:
        row["status"] = before[1]
    address = _ADDRESS.search(front)
    if address is not None:
        row.setdefault("client_ip", address[0])
    return request
