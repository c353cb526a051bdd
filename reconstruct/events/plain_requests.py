"""Requests that stand in the text of a line, as people write them: ``POST /orders 201 34ms``, ``req=7f3 | GET /cart | 200``."""

from __future__ import annotations

import re
from ipaddress import ip_address

from reconstruct.events.keyed import Row
from reconstruct.events.labelled_requests import METHODS, read_labelled

STATUS_REACH = 80
"""Characters after a request in which its status stands; further on three digits are something else."""

TARGET_CAP = 8192
"""Characters of a target: what common servers take at most."""

LIKELY_REQUEST = rf'(?:{METHODS})(?:\] *:?| *[|-] *|:)? *"?(?:/|https?://)'
"""What every message with a request of this log has, but for those whose parts are labelled."""

_METHODS = f"{METHODS}|CONNECT|TRACE|PROPFIND|REPORT"
_QUOTED_REQUEST = re.compile(r'"([A-Z]{3,10}) ([^\s"]{1,8192})(?: (HTTP/\d(?:\.\d)?))?"')
_PLAIN_REQUEST = re.compile(
    rf"({_METHODS})(?:\] ?:?| ?\||:| -)? +\"?((?:/|https?://)[^\s\"|,]{{0,{TARGET_CAP}}})\"?(?: +(HTTP/\d(?:\.\d)?))?(?=[\s|,:;]|$)"
)
"""``GET /cart``, ``[GET] /cart``, ``GET | /cart``, ``GET: /cart``, ``GET - /cart`` (Ktor)."""
_IPV4 = r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"
_ADDRESS = re.compile(
    rf"{_IPV4}|(?<![\w:.])(?=[0-9A-Fa-f]{{0,4}}:)[0-9A-Fa-f:]{{2,39}}(?:\d{{1,3}}(?:\.\d{{1,3}}){{3}})?(?![\w:.])",
    re.ASCII,
)
_ANNOUNCED = (
    r"(?:(?i:(?:incoming |new |http |api |received )*(?:request|response|req|res)"
    r"(?: (?:received|started|completed|finished|end))?) ?[:>-]|HTTP(?= $))"
)
"""What says of a text that it is a request: "Incoming request: GET /cart"; Serilog's "HTTP GET /cart responded 200 in 1.2 ms"."""
_PHRASE = r"[1-5]\d\d [A-Z][A-Za-z ]{1,30}:"
"""A status in words, as Ktor writes it: "404 Not Found: GET - /cart in 12ms"."""
_CELLS = re.compile(
    rf"(?:{_ANNOUNCED}|{_PHRASE}"
    r"|[\s|,;:>-]++|\[[^\[\]]{0,100}+\]|\([^()]{0,100}+\)|[A-Za-z_][\w.-]{0,63}+=[^\s|]{1,100}+|[^\s|\[\](){}]{1,64}+(?=[ \t]{0,8}\|)"
    rf"|{_IPV4}(?::\d{{1,5}}+)?|\d{{1,12}}+(?![\w.]))*+",
    re.ASCII,
)
"""What may stand between the moment and a request that is not quoted: brackets, pairs, numbers, addresses, columns, and the word that it is
one. No prose: "calling POST /pay" is no request of this log."""

_SAID = re.compile(rf"[\s|\[\]#\d:-]*{_ANNOUNCED}[\s|-]*", re.ASCII)
_ANSWER_BEHIND = re.compile(r"[\s|:,>=-]{1,6}(?i:status[=: ]{1,2}|responded )?[1-5]\d\d(?![\w.])", re.ASCII)
_CLIENT_BEFORE = re.compile(
    r"(?:^|[\s\[])\[?([0-9A-Fa-f:.]{3,45}?)\]?(?::(\d{1,5}))?(?: -| \S{1,64} - | - \S{1,64})?(?: -)? (?:\[[^\[\]]{1,40}\] )?$"
)
"""The client in front of a quoted request: ``192.0.2.7:4711 - "GET ...``, ``192.0.2.7 - - [14/Sep/2026 05:00:01] "GET ...``."""
_STATUS_ALONE = re.compile(r"[1-5]\d\d", re.ASCII)
_STATUS_BEFORE = re.compile(r"(?<![\w.:/])([1-5]\d\d) {1,8}$")
_ANSWER_BEFORE = re.compile(r"(?<![\w.])([1-5]\d\d)(?: [A-Z][A-Za-z ]{1,30}: |[ |-]{1,8})$|(?:^|\|) *([1-5]\d\d) *\|")
"""The status beside such a request: without one it may be anything."""

CELLS_REACH = 200
"""Characters of a message in which such a request begins."""

_STATUS = re.compile(r"[ |\"=(\[](\d{3})(?=[ |,;)\]]|$)")
_DURATION = re.compile(r"[ |,=(\[](\d{1,9}(?:\.\d{1,9})? ?(?:ms|µs|us|s))(?=[ |,;)\]]|$)")
_DURATION_BEFORE = re.compile(r"(?:^|\|) *(\d{1,9}(?:\.\d{1,9})?(?:ms|µs|us|s)) *\|")
_MORGAN = re.compile(r" (?:(\d{1,15}|-) - (?:\d{1,9}\.\d{1,9}|-) ms|(?:\d{1,9}\.\d{1,9}|-) ms - (\d{1,15}|-))(?![\w.])")
"""What morgan's ``tiny`` and ``dev`` have behind the status: length and response time, in either order."""
_COMBINED = re.compile(r" (\d{1,15}|-)(?: \"([^\"]{0,8192})\" \"([^\"]{0,8192})\")?(?= |$)")
"""What a line of the common or combined log format has behind the status."""
_CLIENT_BEHIND = re.compile(r"(?:[ |,-]+|\b(?i:from|ip|client)[ :=]+)\[?([0-9A-Fa-f:.]{3,45})(?=[\s|,)\]]|$)", re.ASCII)


def read_request(line: str, message: str, row: Row) -> None:
    """A request line between quotes, plain at the beginning of the message, or with its parts labelled; its status, how long it took, what
    else the line says of it."""
    request = _QUOTED_REQUEST.search(line) if '"' in line else None
    if request is not None:
        before = _STATUS_BEFORE.search(line, max(0, request.start() - STATUS_REACH), request.start())
        if before is not None:
            row["status"] = before[1]
        _fill(request, line, row)
        _find_client(line[: request.start()], row)
    elif (request := _find_plain(message, row)) is not None:
        _fill(request, message, row)
        if "status" not in row:
            _return_status(line, message, row)
    elif _return_status(line, message, row):
        pass
    elif (labelled := read_labelled(message)) is not None:
        for key, value in labelled.items():
            row.setdefault(key, value)


def _return_status(line: str, message: str, row: Row) -> bool:
    """A status that was taken for the number of a process, since it stands right behind the moment: ``| 200 | 2ms | GET /cart``."""
    number = str(row.get("pid", ""))
    if _STATUS_ALONE.fullmatch(number) is None or f"[{number}]" in line:
        return False
    again: Row = {}
    text = f"{number} | {message}"
    request = _find_plain(text, again)
    if request is None or "status" not in again:
        return False
    _fill(request, text, again)
    row.pop("pid")
    row |= {key: value for key, value in again.items() if key not in row}
    return True


def find_request(message: str) -> Row | None:
    """The request of a message that is one: with its status, or nothing else; None for other messages.

    >>> find_request("[req-7] POST /orders 201 34ms")
    {'method': 'POST', 'request_uri': '/orders', 'status': '201', 'duration': '34ms'}
    >>> find_request("[HTTP] 200 - GET /cart - 192.0.2.7:4711 - curl/8.1")
    {'status': '200', 'method': 'GET', 'request_uri': '/cart'}
    >>> find_request("GET /cart")
    {'method': 'GET', 'request_uri': '/cart'}
    >>> find_request("calling POST /pay 200"), find_request("GET /cart of the customer")
    (None, None)
    """
    row: Row = {}
    request = _QUOTED_REQUEST.search(message, 0, CELLS_REACH + TARGET_CAP) if '"' in message else None
    if request is not None:
        front = message[: request.start()]
        if front and (len(front) > CELLS_REACH or not _find_client(front, row)):
            return None
    else:
        request = _find_plain(message, row)
    if request is None:
        return read_labelled(message)
    _fill(request, message, row)
    alone = request.start() <= 1 and request.end() == len(message.rstrip()) and request[2].startswith("/")
    return row if "status" in row or alone else None


def _fill(request: re.Match[str], text: str, row: Row) -> None:
    """Method, target, protocol, status, and what stands behind it, of a request that was found in ``text``."""
    row["method"], row["request_uri"] = request[1], request[2]
    if request[3]:
        row["protocol"] = request[3]
    stop = request.end() + STATUS_REACH
    status = _STATUS.search(text, request.end() - 1, stop) if "status" not in row else None
    if status is not None:
        row["status"] = status[1]
    behind = status.end() if status is not None else request.end() - 1
    if "status" in row and "duration" not in row:
        duration = _DURATION.search(text, behind, stop)
        if duration is not None:
            row["duration"] = duration[1].replace(" ", "")
    if "status" in row:
        _read_sizes(text, behind if status is not None else request.end(), quoted=text[request.start()] == '"', row=row)
    client = _CLIENT_BEHIND.search(text, behind, stop) if "client_ip" not in row else None
    if client is not None and _is_address(client[1]):
        row["client_ip"] = client[1]


def _find_client(front: str, row: Row) -> bool:
    """The address right in front of a request between quotes."""
    client = _CLIENT_BEFORE.search(front[-CELLS_REACH:]) if "client_ip" not in row else None
    if client is None or not _is_address(client[1]):
        return False
    row["client_ip"] = client[1]
    if client[2]:
        row["client_port"] = client[2]
    return True


def _read_sizes(text: str, at: int, *, quoted: bool, row: Row) -> None:
    """What stands behind the status at ``at``, where it is the rest of a well-known layout."""
    if quoted:
        rest = _COMBINED.match(text, at)
        if rest is not None:
            row.setdefault("bytes_sent", rest[1])
            if rest[2] is not None:
                row["referrer"], row["user_agent"] = rest[2], rest[3]
    elif (rest := _MORGAN.match(text, at)) is not None:
        row.setdefault("bytes_sent", rest[1] or rest[2])


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _find_plain(message: str, row: Row) -> re.Match[str] | None:
    """A request that is not quoted: the message begins with it, or nothing but columns stand in front and its status beside.
    The address among the columns is the client's."""
    request = _PLAIN_REQUEST.match(message, message.startswith("["))
    if request is not None or (" /" not in message and "://" not in message):
        return request
    request = _PLAIN_REQUEST.search(message, 0, CELLS_REACH + TARGET_CAP)
    if request is None or request.start() > CELLS_REACH or message[request.start() - 1] not in " |\t[":
        return None
    front = message[: request.start()].removesuffix("[")
    if _CELLS.fullmatch(front) is None:
        return None
    before = _ANSWER_BEFORE.search(front)
    if before is None and _ANSWER_BEHIND.match(message, request.end()) is None and _SAID.fullmatch(front) is None:
        return None
    if before is not None:
        row["status"] = before[1] or before[2]
        took = _DURATION_BEFORE.search(front)
        if took is not None:
            row["duration"] = took[1]
    address = next((found[0] for found in _ADDRESS.finditer(front) if _is_address(found[0])), None)
    if address is not None:
        row.setdefault("client_ip", address)
    return request
