"""Raw columns to typed Arrow columns of the event schema.

A column's name goes through the field vocabulary (``vocabulary/fields.toml``): a grammar may name its terminals
``CLIENT_IP`` or ``REMOTE_ADDR``. A name the vocabulary does not know becomes an attribute under its own name, and so
does a value that its field does not take: nothing is lost on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.grammar import request_columns as request
from reconstruct.grammar.attribute_columns import gather_values, join_attributes
from reconstruct.grammar.number_columns import bounded, duration_column, integer_column, level_column
from reconstruct.grammar.text_columns import (
    as_text,
    has_byte_in,
    refused,
    strip_quotes,
    text_column,
    unescape_cef_column,
    unescape_column,
)
from reconstruct.grammar.timestamps import ANY, TimeAnchor, decode_times
from reconstruct.grammar.vocabulary import load_vocabulary, read_keys

Mask = npt.NDArray[np.bool_]
Convert = Callable[[pa.Array], pa.Array]

TEXT = pa.string()
LABEL = pa.dictionary(pa.int32(), pa.string())

FIELDS: dict[str, pa.DataType] = {
    "client_ip": TEXT, "client_port": pa.int32(), "user": TEXT,
    "method": LABEL, "target": TEXT, "path": TEXT, "query": TEXT, "protocol": LABEL,
    "status": pa.int32(), "bytes_sent": pa.int64(), "referrer": TEXT, "user_agent": LABEL, "duration_ms": pa.float64(),
    "vhost": LABEL, "upstream": TEXT, "upstream_status": pa.int32(),
    "level": LABEL, "logger": LABEL, "service": LABEL, "host": LABEL, "process": LABEL, "pid": pa.int64(),
    "thread": LABEL, "message": TEXT,
    "request_id": TEXT, "trace_id": TEXT, "span_id": TEXT, "session_id": TEXT,
}  # fmt: skip
"""The fields of an event and their types, as in the event schema; beside them ``time_ns``, ``zoned``, ``attributes``."""

ESCAPED = ("QUOTED", "SINGLE_QUOTED", "QUOTED_OR_WORD", "HTTP_TARGET", "HTTP_TARGET_SPACED", "UNTIL_QUOTE")
"""Terminal types whose text still has the backslash escapes of the program that wrote it."""

CEF_ESCAPED = ("CEF_PART", "CEF_VALUE")
"""Terminal types whose text has the escapes of the Common Event Format."""

PAIR_ESCAPED = (*CEF_ESCAPED, "QUOTED")
"""Types of ``VALUE`` that say how the values of pairs are escaped, whose columns are named by their keys. A type that a bare word
fits as well does not: ``path=C:\\new`` holds no line end."""

DOUBLED = "CSV_QUOTED"
"""Terminal type whose text has the quotes in it doubled."""

VERBATIM = "VERBATIM"
"""Decoder of text that is its value already: quotes in it belong to it."""

NUMERIC = ("COUNT", "INTEGER", "NUMBER", "HTTP_STATUS", "PORT")
"""Terminal types whose values are numbers as attributes too."""

IDENTIFIERS = ("request_id", "trace_id", "span_id", "session_id")
IDENTIFIER_CAP = 512
"""Bytes; what is longer, or has blanks, is no identifier but text that came under its name."""

LEAST_RANDOM = 24
"""Hex digits from which a value was drawn at random; addresses of threads have 16 at most."""

TRACEPARENT_LENGTH = 55
"""``00-<32 hex>-<16 hex>-01`` (W3C Trace Context) holds trace and span."""

AMAZON_TRACE = r"^(?:.*;)?(?:Root=)?1-([0-9a-f]{8})-([0-9a-f]{24})(?:;.*)?$"
"""What AWS calls a trace, alone or in its header (``Self=…;Root=1-67891233-abcdef012345678912345678``); without dashes it is what
OpenTelemetry calls the same."""


@dataclass(frozen=True, slots=True)
class Raw:
    """A raw column that feeds a field."""

    values: pa.Array
    """text as ``text_column`` gives it, or numbers of a JSON line; null for absent"""
    unit: str = ""
    """unit of the vocabulary"""
    decoder: str = ""
    """terminal type of the grammar"""

    @property
    def text(self) -> pa.Array:
        """The values as text."""
        return as_text(self.values)


@dataclass(frozen=True, slots=True)
class Typed:
    """Typed columns, and what their types did not take."""

    columns: dict[str, pa.Array]
    refused: dict[tuple[str, int], Mask]
    """(field, position of the raw column) → rows whose value is to be kept as an attribute"""
    consumed: dict[tuple[str, int], Mask]
    """(field, position of a raw column beyond the first) → rows whose value went into the field all the same: the day
    beside a time of day"""


def type_columns(
    columns: Mapping[str, Sequence[str] | pa.Array],
    decoders: Mapping[str, str],
    n: int,
    anchor: TimeAnchor,
    fields: Collection[str] = (),
) -> dict[str, pa.Array]:
    """Typed columns, all of length ``n``, named and typed as in the event schema; only those that occur.

    ``columns`` holds the raw text of each named group, ``""`` or null for absent. ``decoders`` names the terminal type
    of a column where the grammar says it (``HTTP_DATE``, ``QUOTED`` …). ``fields``: columns that the grammar itself
    names: if there is a field of that name it is that, whatever the line has beside it. Besides the fields the result
    has ``time_ns`` and ``zoned`` when there is a time, and ``attributes`` (JSON object text) when something was left.

    >>> columns = type_columns({"status": ["200"], "request_uri": ["/a?b=1"]}, {}, 1, TimeAnchor(0))
    >>> columns["path"][0].as_py(), columns["status"][0].as_py()
    ('/a', 200)
    """
    return type_lines(columns, decoders, n, anchor, fields)[0]


def type_lines(
    columns: Mapping[str, Sequence[str] | pa.Array],
    decoders: Mapping[str, str],
    n: int,
    anchor: TimeAnchor,
    fields: Collection[str] = (),
    spoken: str | None = None,
) -> tuple[dict[str, pa.Array], pa.StructArray | None]:
    """:func:`type_columns`, and what is in ``attributes`` as columns; None when there is nothing. ``spoken``: the dialect of all
    lines, see `vocabulary.read_keys`."""
    keys = tuple(columns)
    texts = [_raw_text(columns[key], _escapes_of(key, decoders)) for key in keys]
    key_set = read_keys(keys, frozenset(fields), spoken)
    raw = {
        name: [Raw(texts[source.key], source.unit, decoders.get(keys[source.key], "")) for source in sources]
        for name, sources in key_set.fields.items()
    }
    for name, default in key_set.defaults.items():
        raw.setdefault(name, []).append(Raw(pa.repeat(pa.scalar(default, TEXT), n)))
    typed = type_fields(raw, n, anchor)
    for (name, position), rows in typed.consumed.items():
        at = key_set.fields[name][position].key
        texts[at] = pc.if_else(pa.array(rows), pa.scalar(None, TEXT), texts[at])
    left = [(keys[at], texts[at], decoders.get(keys[at]) in NUMERIC) for at in key_set.attributes]
    for (name, position), rows in typed.refused.items():
        at = key_set.fields[name][position].key
        if at not in key_set.attributes:
            left.append((keys[at], pc.if_else(pa.array(rows), texts[at], pa.scalar(None, TEXT)), False))
    if left:
        attributes = join_attributes(left, n)
        if attributes.null_count < n:
            typed.columns["attributes"] = attributes
            return typed.columns, gather_values(left)
    return typed.columns, None


def type_message(
    columns: Mapping[str, Sequence[str] | pa.Array], decoders: Mapping[str, str], fields: Collection[str] = ()
) -> pa.Array | None:
    """The column ``message`` of :func:`type_columns` alone; None when it would have none."""
    keys = tuple(columns)
    sources = read_keys(keys, frozenset(fields)).fields.get("message", ())
    texts = [_raw_text(columns[keys[source.key]], _escapes_of(keys[source.key], decoders)) for source in sources]
    if not texts:
        return None
    return type_fields({"message": [Raw(text) for text in texts]}, len(texts[0]), TimeAnchor(0)).columns.get("message")


def _escapes_of(key: str, decoders: Mapping[str, str]) -> str:
    """The type that says how a column is escaped: its own, that of ``VALUE`` where the column is that of a pair, else ``""``."""
    if key in decoders:
        return decoders[key]
    value = decoders.get("value", "")
    return value if value in PAIR_ESCAPED else ""


def _raw_text(values: Sequence[str] | pa.Array, decoder: str) -> pa.Array:
    text = text_column(values)
    if decoder == DOUBLED:
        return pc.replace_substring(text, '""', '"')
    if decoder in ESCAPED:
        return unescape_column(text)
    if decoder in CEF_ESCAPED:
        return strip_quotes(unescape_cef_column(text))
    return text if decoder else strip_quotes(text)


def type_fields(raw: Mapping[str, Sequence[Raw]], n: int, anchor: TimeAnchor) -> Typed:
    """Typed columns of raw ones. Of several raw columns of a field the first that has a value counts, row by row."""
    typing = _Typing(raw, n)
    typing.read_time(anchor)
    typing.read_request()
    typing.read_client()
    for name, convert in _CONVERTERS.items():
        typing.read(name, convert)
    typing.read_status()
    typing.read_duration()
    typing.read_level()
    typing.read_identifiers()
    return typing.finish()


class _Typing:
    """The columns on their way."""

    def __init__(self, raw: Mapping[str, Sequence[Raw]], n: int) -> None:
        self.raw = raw
        self.n = n
        self.columns: dict[str, pa.Array] = {}
        self.refused: dict[tuple[str, int], Mask] = {}
        self.consumed: dict[tuple[str, int], Mask] = {}

    def read(self, name: str, convert: Convert) -> None:
        """Fill a field from its raw columns."""
        for position, raw in enumerate(self.raw.get(name, ())):
            given = raw.values if name in _INTEGERS else raw.text
            typed = convert(given)
            self._refuse(name, position, given, typed)
            self.fill(name, typed)

    def fill(self, name: str, column: pa.Array) -> None:
        """Fill the gaps of a field."""
        if column.null_count < self.n:
            held = self.columns.get(name)
            self.columns[name] = column if held is None else pc.coalesce(held, column) if held.null_count else held

    def _refuse(self, name: str, position: int, given: pa.Array, typed: pa.Array) -> None:
        rows = refused(given, typed)
        if rows is not None and rows.any():
            self.refused[name, position] = rows

    def _keep(self, name: str, rows: pa.Array) -> None:
        """Leave the first raw column of a field among the attributes in these rows, where the field says something else by now."""
        before: Mask = self.refused.get((name, 0), np.zeros(self.n, np.bool_))
        self.refused[name, 0] = before | np.asarray(rows)

    def read_time(self, anchor: TimeAnchor) -> None:
        """``time_ns`` and ``zoned``."""
        raws = list(self.raw.get("time", ()))
        if not raws:
            return
        texts = [raw.text for raw in raws]
        self._join_days(texts)
        self._join_years(texts)
        self._join_offsets(texts)
        time_ns = pa.nulls(self.n, pa.int64())
        zoned = pa.array(np.zeros(self.n, np.bool_))
        for position, (raw, text) in enumerate(zip(raws, texts, strict=True)):
            if position and not time_ns.null_count:
                break
            times = decode_times(text, raw.decoder or ANY, anchor)
            self._refuse("time", position, text, times.time_ns)
            zoned = pc.if_else(time_ns.is_null(), times.zoned, zoned) if position else times.zoned
            time_ns = pc.coalesce(time_ns, times.time_ns) if position else times.time_ns
        for raw in self.raw.get("nanos", ()):
            nanos = bounded(integer_column(raw.values, pa.int64()), 0, 999_999_999).fill_null(0)
            whole = pc.equal(pc.subtract(time_ns, pc.multiply(pc.divide(time_ns, 10**9), 10**9)), 0)
            time_ns = pc.if_else(whole, pc.add(time_ns, nanos), time_ns)
        if time_ns.null_count < self.n:
            self.columns["time_ns"] = time_ns
            self.columns["zoned"] = zoned

    def _join_days(self, texts: list[pa.Array]) -> None:
        """Put the day beside a time of day before it (W3C, CSV)."""
        clock = pc.match_substring_regex(texts[0], _CLOCK) if len(texts) > 1 else None
        for position in range(1, len(texts)):
            beside = pc.and_(clock, pc.match_substring_regex(texts[position], _DAY)).fill_null(False)
            if pc.any(beside).as_py():
                texts[0] = pc.if_else(beside, pc.binary_join_element_wise(texts[position], texts[0], " "), texts[0])
                texts[position] = pc.if_else(beside, pa.scalar(None, TEXT), texts[position])
                self.consumed["time", position] = np.asarray(beside)
                clock = pc.and_not(clock, beside)

    def _join_years(self, texts: list[pa.Array]) -> None:
        """Put the year that stands elsewhere in the entry behind stamps without one: ``Jan  2 15:04:05 2026``."""
        for source, raw in enumerate(self.raw.get("year", ())):
            used = pa.array(np.zeros(self.n, np.bool_))
            for position, text in enumerate(texts):
                lacking = pc.and_(pc.match_substring_regex(text, _YEARLESS), pc.match_substring_regex(raw.text, _YEAR))
                lacking = lacking.fill_null(False)
                texts[position] = pc.if_else(lacking, pc.binary_join_element_wise(text, raw.text, " "), text)
                used = pc.or_(used, lacking)
            self._refuse("year", source, raw.text, pc.if_else(used, raw.text, pa.scalar(None, TEXT)))

    def _join_offsets(self, texts: list[pa.Array]) -> None:
        """Put the offset that stands elsewhere in the entry behind a first stamp without one: ``2026-01-02 15:04:05 +0100``."""
        for raw in self.raw.get("offset", ()):
            lacking = pc.and_(
                pc.match_substring_regex(texts[0], _ZONELESS), pc.match_substring_regex(raw.text, _OFFSET)
            )
            joined = pc.binary_join_element_wise(texts[0], raw.text, "")
            texts[0] = pc.if_else(lacking.fill_null(False), joined, texts[0])

    def read_request(self) -> None:
        """Method, target, protocol; path, query and host out of the target."""
        self.read("method", request.method_column)
        for raw in self.raw.get("target", ()):
            self.fill("target", raw.text)
        self.read("protocol", request.protocol_column)
        for position, raw in enumerate(self.raw.get("request", ())):
            method, target, protocol = request.split_request_lines(raw.text)
            self._refuse("request", position, raw.values, target)
            for name, column in (("method", method), ("target", target), ("protocol", protocol)):
                self.fill(name, column)
        queries = [request.query_column(raw.text) for raw in self.raw.get("query", ())]
        for raw in self.raw.get("path", ()):
            self.fill("target", request.join_targets(raw.text, queries[0] if queries else None))
        if "vhost" in self.raw:
            self.read("vhost", request.host_column)
        if "target" in self.columns:
            path, query, host = request.split_targets(self.columns["target"], self.columns.get("vhost"))
            for name, column in (("path", path), ("query", query), ("vhost", host)):
                self.fill(name, column)
        for query in queries:
            self.fill("query", query)

    def read_client(self) -> None:
        """Address and port of the client. Behind a proxy of our own, or where the log leaves the client out, the
        first hop of ``X-Forwarded-For`` is the client, and the proxy's address stays an attribute."""
        self.read("client_port", _INTEGERS["client_port"])
        for position, raw in enumerate(self.raw.get("client_ip", ())):
            address, port = request.address_columns(raw.text, only_ip=raw.unit == "ip")
            self._refuse("client_ip", position, raw.values, address)
            self.fill("client_ip", address)
            if port is not None:
                self.fill("client_port", port)
        for raw in self.raw.get("forwarded_for", ()):
            hop = request.first_hops(raw.text)
            if hop.null_count == self.n:
                continue
            held = self.columns.get("client_ip", pa.nulls(self.n, TEXT))
            behind = pc.and_(hop.is_valid(), request.is_inside(held).fill_null(True))
            changed = pc.and_(behind, pc.not_equal(hop, held)).fill_null(False)
            if "client_ip" in self.raw and pc.any(changed).as_py():
                self._keep("client_ip", changed)
            self.columns["client_ip"] = pc.if_else(behind, hop, held)

    def read_status(self) -> None:
        """``status``: 100 to 999; 0 (000 of CloudFront) only of a request, which got no answer then."""
        method = self.columns.get("method", pa.nulls(self.n, TEXT))
        for position, raw in enumerate(self.raw.get("status", ())):
            status = _integers(raw.values, pa.int32(), 0, 999)
            low = pc.less(status, _LEAST_STATUS)
            if pc.any(low).as_py():
                unanswered = pc.and_(pc.equal(status, 0), method.is_valid())
                status = pc.if_else(pc.or_(pc.invert(low), unanswered), status, pa.scalar(None, pa.int32()))
            self._refuse("status", position, raw.text, status)
            self.fill("status", status)

    def read_duration(self) -> None:
        """``duration_ms``."""
        for position, raw in enumerate(self.raw.get("duration", ())):
            milliseconds = duration_column(raw.values, raw.unit)
            self._refuse("duration", position, raw.values, milliseconds)
            self.fill("duration_ms", milliseconds)

    def read_level(self) -> None:
        """``level``."""
        for position, raw in enumerate(self.raw.get("level", ())):
            level = level_column(raw.values, raw.unit, load_vocabulary())
            self._refuse("level", position, raw.values, level)
            self.fill("level", level)

    def read_identifiers(self) -> None:
        """Request, trace, span and session; the parts of a traceparent go to trace and span."""
        for name in IDENTIFIERS:
            self.read(name, _identifier)
        trace = self.columns.get("trace_id")
        if trace is None:
            return
        parent = pc.and_(pc.starts_with(trace, "00-"), pc.equal(pc.binary_length(trace), TRACEPARENT_LENGTH))
        if pc.any(parent).as_py():
            self.columns["trace_id"] = pc.if_else(parent, pc.utf8_slice_codeunits(trace, 3, 35), trace)
            self.fill("span_id", pc.if_else(parent, pc.utf8_slice_codeunits(trace, 36, 52), None))
        amazon = pc.match_substring_regex(trace, AMAZON_TRACE).fill_null(False)
        if pc.any(amazon).as_py():
            self.columns["trace_id"] = pc.replace_substring_regex(self.columns["trace_id"], AMAZON_TRACE, r"\1\2")
            # As it was written it stays an attribute: AWS's own tools look it up by that.
            self._keep("trace_id", amazon)
        if pc.any(pc.match_substring(trace, "/traces/")).as_py():  # Cloud Logging: projects/shop/traces/0af7…
            self.columns["trace_id"] = pc.replace_substring_regex(self.columns["trace_id"], r"^projects/.*/traces/", "")

    def finish(self) -> Typed:
        """Labels are encoded last, when all their sources are in."""
        for name, kind in FIELDS.items():
            column = self.columns.get(name)
            if column is not None and kind == LABEL:
                self.columns[name] = column.dictionary_encode()
        return Typed(self.columns, self.refused, self.consumed)


def _identifier(text: pa.Array) -> pa.Array:
    long = pc.greater(pc.binary_length(text), _IDENTIFIER_CAP).fill_null(False)
    odd = pc.or_(has_byte_in(text, b" \t\n\r\f\v"), long)
    return pc.if_else(odd, pa.scalar(None, TEXT), text) if pc.any(odd).as_py() else text


_IDENTIFIER_CAP = pa.scalar(IDENTIFIER_CAP, pa.int32())
_LEAST_STATUS = pa.scalar(100, pa.int32())
_CLOCK = r"^[0-9]{1,2}:[0-9]{2}:[0-9]{2}"
_RANDOM = r"^[0-9a-fA-F]{24,}$|^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"
_YEAR = r"^(?:19|20)[0-9]{2}$"
_OFFSET = r"^[+-][0-9]{2}:?[0-9]{2}$"
_ZONELESS = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?$"
_YEARLESS = r"^[A-Z][a-z]{2,8} {1,2}[0-9]{1,2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?$"
_DAY = r"^[0-9]+[-/.][0-9A-Za-z]+[-/.][0-9]+$"


def _integers(values: pa.Array, kind: pa.DataType, least: int, most: int) -> pa.Array:
    return bounded(integer_column(values, kind), least, most)


def _unchanged(text: pa.Array) -> pa.Array:
    return text


def _thread(text: pa.Array) -> pa.Array:
    """``tid=`` is a thread in one log and a trace, a terminal, a tenant in another: no thread has a name of 24 hex digits."""
    if (pc.max(pc.binary_length(text)).as_py() or 0) < LEAST_RANDOM:
        return text
    random = pc.match_substring_regex(text, _RANDOM)
    return pc.if_else(random, pa.scalar(None, TEXT), text) if pc.any(random).as_py() else text


_INTEGERS: dict[str, Convert] = {
    "client_port": partial(_integers, kind=pa.int32(), least=0, most=65_535),
    "upstream_status": partial(_integers, kind=pa.int32(), least=100, most=999),
    "bytes_sent": partial(_integers, kind=pa.int64(), least=0, most=2**63 - 1),
    "pid": partial(_integers, kind=pa.int64(), least=0, most=2**63 - 1),
}
"""Fields that are whole numbers, with what is possible."""

NUMBERS = (*_INTEGERS, "status", "nanos", "duration")
"""Fields whose raw columns may hold fractions; others read whole numbers and text."""

_TEXTS = ("user", "upstream", "logger", "service", "process", "message")

_CONVERTERS: dict[str, Convert] = {
    **{name: convert for name, convert in _INTEGERS.items() if name != "client_port"},
    **dict.fromkeys(_TEXTS, _unchanged),
    "thread": _thread,
    "host": request.machine_column,
    "referrer": request.referrer_column,
    "user_agent": request.agent_column,
}
"""Fields that need nothing but their own values."""
