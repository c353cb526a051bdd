"""The layout of an access log told from its lines, in the language of nginx's ``log_format``.

Lines of one layout have the same columns: text between quotes, in brackets, or without blanks. What a column is shows in what its values
look like (``[shapes]`` of ``grammars/layouts/told.toml``), or beside others: of two times the longer one is the request's, the addresses
that change more than the client's are the visitors behind a proxy. Loads no Lark.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from itertools import groupby

from reconstruct.layouts.languages import load_shapes

LANGUAGE = "told"

MOST_LINES = 400
"""Lines that are looked at: a column that is something else now and then shows it by then."""

LEAST_LINES = 3
"""Lines that must agree: what two have in common may be chance."""

AGREEING = 0.8
"""Share of the lines that must have the same columns, and of a column's values that must look alike: a request that nobody understood
breaks some."""

HALF = 0.5
"""Share of rows in which two columns must be equal to say the same thing."""

UNIQUE = 0.9
"""Share of values that are not met twice where a column identifies requests."""

MOST_COLUMNS = 40
"""Columns of a layout; nobody writes more."""

LEAST_USEC = 1_000
"""Median of a column that may be microseconds: a request takes a millisecond."""

SPREAD = 20
"""How many times the shortest durations the longest last, at least: a port, a process or a length hardly varies so."""

SEPARATORS = ("\t", "|", ",", ";")
"""Characters between columns, where not blanks: each line has as many, outside of quotes."""

LEAST_SEPARATORS = 5

LEAST_NAMED = 2
"""Columns of ``name:value`` in a line from which on a name and a colon are no host and its port."""

HEAD_BYTES = 4_096
"""What the head of an answer adds to its size, at most."""

QUOTED = r'"(?:[^"\\]|\\.)*+"?'
"""Up to the quote that closes it, or to the end: what is never closed is looked through once."""

_COLUMN = re.compile(rf'{QUOTED}|\[[^\[\]"]*+\]|(?:[^\s"]|{QUOTED})+')
_PAIR = re.compile(r'([A-Za-z_][\w.-]*)=("(?:[^"\\]|\\.)*+"|[^"]*)')
_NAMED = re.compile(r"([A-Za-z_]\w*):(?!//)(?=\S)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_HOUR = re.compile(r"\d\d:\d\d:\d\d(?:[.,]\d+)?Z?")
_ZONE = re.compile(r"[+-]\d{4}")

_MEASURED = re.compile(r"(\d+(?:\.\d+)?)(s|ms|us|µs)")

UNITS = {"s": "request_time", "ms": "request_time_msec", "us": "request_time_usec", "µs": "request_time_usec"}
"""Units behind a number → what the number is."""

ABSENT = ("-", "")
PAIRS = "="


@dataclass(frozen=True, slots=True)
class _Column:
    """A value and the text around it."""

    before: str
    value: str
    after: str

    @property
    def kind(self) -> tuple[str, str]:
        return self.before, self.after


def tell_layout(lines: Sequence[str], *, beyond_usual: bool = False) -> str:
    """The layout that most of the lines were written by; empty where they agree on none, or it does not say when, by whom, for what and
    with which status was asked. ``lines``: whole, of one log, access logs or likely ones. ``beyond_usual``: it must say more than usual."""
    lines = [line for line in lines if line.strip()][:MOST_LINES]
    for separator in (*(each for each in SEPARATORS if _is_separator(lines, each)), " "):
        rows = [_split(line, separator) for line in lines]
        kinds = Counter(tuple(column.kind for column in row) for row in rows if len(row) <= MOST_COLUMNS)
        shape, count = max(kinds.items(), key=lambda each: (each[1], each[0]), default=((), 0))
        if count < max(LEAST_LINES, AGREEING * len(lines)):
            continue
        alike = [row for row in rows if tuple(column.kind for column in row) == shape]
        names = _Telling([[row[at].value for row in alike] for at in range(len(shape))], shape).tell(beyond_usual)
        if names:
            is_spaced = separator == "|" and all(" | " in line for line in lines)
            return (f" {separator} " if is_spaced else separator).join(names)
    return ""


def _is_separator(lines: Sequence[str], separator: str) -> bool:
    counts = Counter(len(_columns(line, separator)) for line in lines if separator in line)
    return bool(counts) and counts.most_common(1)[0][0] > LEAST_SEPARATORS


def _split(line: str, separator: str) -> tuple[_Column, ...]:
    """The columns of a line; pairs in a row are one, whatever they name."""
    texts = _words(line) if separator == " " else [text.strip(" ") for text in _columns(line, separator)]
    is_named = sum(_NAMED.match(text) is not None for text in texts) >= LEAST_NAMED
    columns = [_unwrap(text, is_named=is_named) for text in texts]
    joined: list[_Column] = []
    for is_pairs, group in groupby(columns, key=lambda column: column.before == PAIRS):
        joined += [_Column(PAIRS, "", "")] if is_pairs else list(group)
    return tuple(joined)


def _columns(line: str, separator: str) -> list[str]:
    """What stands between separators outside of quotes."""
    between = re.compile(rf'((?:{QUOTED}|[^{separator}"])*+)(?:{re.escape(separator)}|$)')
    return between.findall(line)[: -1 if line else None]


def _words(line: str) -> list[str]:
    """What stands between blanks, as far as it is not quoted or in brackets; what belongs together despite them, in one."""
    words: list[str] = []
    for word in _COLUMN.findall(line):
        before = words[-1] if words else ""
        is_list = before.endswith(",") and before[0] != '"'
        is_moment = _DAY.fullmatch(before) and _HOUR.fullmatch(word)
        is_zone = _ZONE.fullmatch(word) and _DAY.match(before) and " " in before
        if is_list or is_moment or is_zone or before.endswith(" :") or word == ":":
            words[-1] += f" {word}"
        else:
            words.append(word)
    return words


def _unwrap(text: str, *, is_named: bool) -> _Column:
    """``is_named``: a word and a colon in front name the value."""
    pair = _PAIR.fullmatch(text)
    if pair is not None and (pair[2] or text.endswith("=")):
        return _Column(PAIRS, text, "")
    before = after = ""
    named = _NAMED.match(text) if is_named else None
    if named is not None:
        before, text = named[0], text[named.end() :]
    for opening, closing in (('"', '"'), ("[", "]")):
        if len(text) >= 2 and text[0] == opening and text[-1] == closing:
            return _Column(before + opening, text[1:-1], closing + after)
    measured = _MEASURED.fullmatch(text)
    return _Column(before, *measured.groups()) if measured else _Column(before, text, after)


@lru_cache(maxsize=1)
def _shapes() -> dict[str, re.Pattern[str]]:
    return {name: re.compile(pattern) for name, pattern in load_shapes(LANGUAGE).items()}


class _Telling:
    """The columns of one layout on their way to names."""

    def __init__(self, columns: Sequence[Sequence[str]], kinds: Sequence[tuple[str, str]]) -> None:
        self._columns = columns
        self._kinds = kinds
        self._said = [[value for value in column if value not in ABSENT] for column in columns]
        self._shape = [self._shape_of(at) for at in range(len(columns))]
        self._names: dict[int, str] = {}
        self._absent: set[int] = set()
        """columns that servers write for what they never know"""

    def tell(self, beyond_usual: bool) -> list[str] | None:
        """The columns as they stand in the layout; None where they are not those of requests, or no more than usual."""
        when = self._first("time_local", "time_iso8601", "msec")
        what = self._first("request")
        if what is None and (method := self._first("request_method")) is not None:
            path = next(
                (at for at in range(method + 1, len(self._columns)) if self._shape[at] in ("path", "page")), None
            )
            if path is not None:
                self._names |= {method: "request_method", path: "request_uri"}
                what = path
        status = self._first("three_digits")
        clients = self._open("addresses")
        if when is None or what is None or status is None or not clients:
            return None
        self._names |= {when: self._shape[when], status: "status"}
        self._names.setdefault(what, "request")
        self._tell_client(clients, when)
        self._tell_size(status)
        self._tell_browser()
        usual = len(self._names)
        self._tell_forwarded(clients)
        self._tell_times(status)
        self._tell_shapes(status)
        if beyond_usual and len(self._names) == usual:
            return None
        return list(map(self._write, range(len(self._columns))))

    def _shape_of(self, at: int) -> str:
        said = self._said[at]
        if not said:
            return ""
        for name, pattern in _shapes().items():
            if sum(pattern.fullmatch(value) is not None for value in said) >= AGREEING * len(said):
                return name
        return ""

    def _open(self, *shapes: str) -> list[int]:
        """The columns of these shapes that have no name yet."""
        return [at for at, shape in enumerate(self._shape) if shape in shapes and at not in self._names]

    def _first(self, *shapes: str) -> int | None:
        return next(iter(self._open(*shapes)), None)

    def _write(self, at: int) -> str:
        """A column as it stands in the layout."""
        before, after = self._kinds[at]
        if before == PAIRS:
            return "$pairs"
        if at in self._absent:
            return "-"
        name = self._names.get(at) or f"{'text' if after else 'column'}_{at + 1}"
        return f"{before}${{{name}}}{after}" if after[:1].isalpha() else f"{before}${name}{after}"

    def _tell_client(self, clients: Sequence[int], when: int) -> None:
        """The client stands first; what it calls itself and who is signed in stand between it and the moment."""
        first = clients[0]
        has_list = any("," in value for value in self._columns[first])
        self._names[first] = "http_x_forwarded_for" if has_list else "remote_addr"
        between = [at for at in range(first + 1, when) if at not in self._names and not self._kinds[at][0]]
        if len(between) >= 2 and not self._said[between[0]] and between[1] == when - 1:
            self._names[between[1]] = "remote_user"
            self._absent.add(between[0])

    def _tell_size(self, status: int) -> None:
        """The size of an answer stands behind its status."""
        size = status + 1
        if size < len(self._columns) and self._shape[size] in ("whole", "three_digits") and size not in self._names:
            self._names[size] = "body_bytes_sent"

    def _tell_browser(self) -> None:
        """The page that led to a request stands in front of the browser, where it says nothing too."""
        agent = self._first("agent")
        page = self._first("page")
        if agent is not None:
            self._names[agent] = "http_user_agent"
            before = agent - 1
            if page is None and before >= 0 and before not in self._names and not self._said[before]:
                page = before if self._kinds[before] == self._kinds[agent] else None
        if page is not None:
            self._names[page] = "http_referer"

    def _tell_forwarded(self, clients: Sequence[int]) -> None:
        """Of other addresses those of visitors are lists, or change more than the client's: all come through a few proxies."""
        if "http_x_forwarded_for" in self._names.values():
            return
        client = self._said[clients[0]]
        for at in clients[1:]:
            said = self._said[at]
            is_list = any("," in value for value in said)
            if is_list or len(set(said)) > len(set(client)) or (_is_inside(client) and not _is_inside(said)):
                self._names[at] = "http_x_forwarded_for"
                return

    def _tell_times(self, status: int) -> None:
        """Of times the longest is the request's, the next the server's behind. A unit says it all."""
        measured = next((at for at, (_, after) in enumerate(self._kinds) if after in UNITS), None)
        if measured is not None:
            self._names[measured] = UNITS[self._kinds[measured][1]]
            return
        times = sorted(self._open("seconds"), key=lambda at: (-self._sum(at), at))
        plain = [at for at in times if not any("," in value or " " in value for value in self._said[at])]
        if plain:
            whole = plain[0]
            self._names[whole] = "request_time"
            behind = [at for at in times if at != whole]
            if behind:
                self._names[behind[0]] = "upstream_response_time"
            return
        sizes = self._columns[status + 1] if self._names.get(status + 1) == "body_bytes_sent" else ()
        for at in self._open("whole"):
            if self._is_usec(at, sizes):
                self._names[at] = "request_time_usec"
                return

    def _sum(self, at: int) -> float:
        """All times of a column, of several servers too; a value may say something else."""
        return sum(float(part) for value in self._said[at] for part in re.findall(r"\d+\.\d+", value))

    def _is_usec(self, at: int, sizes: Sequence[str]) -> bool:
        numbers = sorted(int(value) for value in self._said[at] if value.isdecimal())
        low, middle, high = (numbers[int(share * (len(numbers) - 1))] for share in (0.05, 0.5, 0.95))
        if middle < LEAST_USEC or high < SPREAD * max(low, 1):
            return False
        pairs = [
            (int(value), int(size))
            for value, size in zip(self._columns[at], sizes, strict=False)
            if value.isdecimal() and size.isdecimal()
        ]
        return sum(0 <= value - size <= HEAD_BYTES for value, size in pairs) < AGREEING * len(pairs) or not pairs

    def _agrees(self, at: int, other: int) -> bool:
        """Whether two columns mostly say the same: the status of the server behind is nearly always that of the answer."""
        same = sum(one == two for one, two in zip(self._columns[at], self._columns[other], strict=True))
        return same >= HALF * len(self._said[at])

    def _tell_shapes(self, status: int) -> None:
        """What says itself what it is."""
        for at, shape in enumerate(self._shape):
            if at in self._names:
                continue
            if shape == "three_digits" and self._agrees(at, status):
                shape = "upstream_status"
            elif shape == "identifier":
                said = self._said[at]
                if len(set(said)) < UNIQUE * len(said):
                    continue
                shape = "request_id"
            elif shape == "host" and "host" in self._names.values():
                shape = "server_name"
            if shape in DIRECTIVES and shape not in self._names.values():
                self._names[at] = shape


DIRECTIVES = frozenset(
    (
        "host", "http_cookie", "http_traceparent", "request_id", "scheme", "server_name", "server_protocol", "ssl_cipher", "ssl_protocol",
        "upstream_addr", "upstream_cache_status", "upstream_status",
    )
)  # fmt: skip
"""Shapes that are directives, whatever stands beside them."""


INSIDE = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "::1/128",
                     "fc00::/7", "fe80::/10"))
)  # fmt: skip
"""Addresses that nobody on the internet has: RFC 1918, 6598, 3927, 4193, 4291. (``is_private`` counts those of examples, too.)"""


def _is_inside(addresses: Sequence[str]) -> bool:
    try:
        return all(any(ip_address(each) in network for network in INSIDE) for each in set(addresses))
    except ValueError:
        return False
