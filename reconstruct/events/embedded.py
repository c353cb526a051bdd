"""Objects inside the text of a message: their values as attributes of the entry; and messages that are requests.

Loggers put what they know behind the text (``order placed {"order_id":"1001"}``, zap's console), people log payloads whole, over
several lines or as their language prints them (`literals`), and some encode them for a URL. The message stays as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from urllib.parse import unquote_plus

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.events import json_lines
from reconstruct.events.keyed import KEY_CAP, Row, decode_rows, dump_rows
from reconstruct.events.labelled_requests import LIKELY_LABELLED
from reconstruct.events.literals import load_literal
from reconstruct.events.plain_requests import LIKELY_REQUEST, find_request
from reconstruct.events.wrapping import merge_attributes, wrap_columns
from reconstruct.grammar.fields import IDENTIFIERS
from reconstruct.grammar.text_columns import has_char
from reconstruct.grammar.timestamps import TimeAnchor

OPENS = "{"
OPENS_KEY = r"""\{\s*(?:"|'[^']+': |(:?[A-Za-z_$][\w$]{0,64}(?:: |=>)))"""
"""How an object begins: with a key in quotes, or a bare one as Node and Ruby print it. One with a bare key must end the text:
databases write their queries so, one behind the other."""
BETWEEN = '} {"'
"""Between two objects, and next to never inside of one."""
OPENS_ENCODED = "%7B%22"

REQUEST_FIELDS = (
    "client_ip", "client_port", "method", "target", "path", "query", "protocol", "status", "bytes_sent", "referrer",
    "user_agent", "duration_ms", "vhost", "upstream", "upstream_status",
)  # fmt: skip
"""Fields that an object with a method gives to its entry: it is the record of a request. Of other objects only
identifiers are the entry's own; the status of a payment is not that of the line that speaks of it."""

_ENCODED = re.compile(r"%7B%22[^\s\"'<>&]+")
_OPENS_KEY = re.compile(OPENS_KEY)


def read_embedded(columns: Mapping[str, pa.Array], anchor: TimeAnchor) -> dict[str, pa.Array]:
    """The columns of entries with what the objects in their messages say. What the entry says itself stays."""
    columns = dict(columns)
    message = columns.get("message")
    if message is None:
        return columns
    columns = _read_requests(columns, message, anchor)
    # one byte is found twenty times as fast as a text, and few lines have it
    maybe = pc.or_(has_char(message, OPENS), has_char(message, OPENS_ENCODED[0]))
    at = np.flatnonzero(np.asarray(maybe))
    if not len(at):
        return columns
    texts = message.take(pa.array(at))
    likely = pc.or_(pc.match_substring_regex(texts, OPENS_KEY), pc.match_substring(texts, OPENS_ENCODED))
    rows, places = _find(likely, texts, find_object)
    places = at[places]
    if not rows:
        return columns
    inside = _spread(rows, places, len(message), anchor, pa.array(dump_rows(list(map(_cap, rows))), pa.string()))
    return wrap_columns(inside, columns)


def read_wrapped(message: pa.Array, attributes: pa.Array, places: Iterable[int]) -> pa.Array:
    """The attributes of entries with what objects say that only all lines of an entry together hold; ``places`` are the entries of
    several lines. Of texts of several lines (stack traces) the first is told: the message holds them."""
    texts = [(place, message[place].as_py() or "") for place in sorted(places)]
    found = [(place, row) for place, text in texts if "\n" in text.partition(OPENS)[2] and (row := find_object(text))]
    if not found:
        return attributes
    rows = [
        {key: value.partition("\n")[0] if isinstance(value, str) else value for key, value in _cap(row).items()}
        for _, row in found
    ]
    where = np.full(len(message), -1, np.int64)
    where[[place for place, _ in found]] = np.arange(len(found))
    inside = pa.array(dump_rows(rows), pa.string()).take(pa.array(where, mask=where < 0))
    return merge_attributes(inside, attributes)


def _cap(row: Row) -> Row:
    return row if len(row) <= KEY_CAP else dict(islice(row.items(), KEY_CAP))


def _read_requests(columns: dict[str, pa.Array], message: pa.Array, anchor: TimeAnchor) -> dict[str, pa.Array]:
    """The columns with the requests that messages are (``POST /orders 201 34ms``), of entries that are none yet."""
    at = np.flatnonzero(np.asarray(has_char(message, "/")))
    if not len(at):
        return columns
    texts = message.take(pa.array(at))
    likely = pc.match_substring_regex(texts, f"{LIKELY_REQUEST}|{LIKELY_LABELLED}")
    if not pc.any(likely).as_py():
        return columns
    if "method" in columns:
        likely = pc.and_(likely, columns["method"].take(pa.array(at)).is_null())
    rows, places = _find(likely, texts, find_request)
    places = at[places]
    return wrap_columns(_spread(rows, places, len(message), anchor), columns) if rows else columns


def _find(
    likely: pa.Array, message: pa.Array, read: Callable[[str], Row | None]
) -> tuple[list[Row], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """What ``read`` finds in likely messages, and where."""
    at = np.flatnonzero(np.asarray(likely.fill_null(False)))
    found = [read(text) for text in message.take(pa.array(at)).to_pylist()] if len(at) else []
    return [row for row in found if row], at[[bool(row) for row in found]]


def find_object(text: str) -> Row | None:
    """The flat keys and values of the object a text holds; None when it holds none.

    >>> find_object('order placed {"order":{"id":"1001"}} in 3 ms')
    {'order.id': '1001'}
    >>> find_object('order placed {"order":1001} {"request_id":"a1"}')
    {'order': 1001, 'request_id': 'a1'}
    >>> find_object("order saved: {'id': 1001, 'total': Decimal('12.50')}"), find_object("cart { id: 'c7', empty: false }")
    ({'id': 1001, 'total': '12.50'}, {'id': 'c7', 'empty': False})
    """
    opens = _OPENS_KEY.search(text)
    if opens is None:
        encoded = _ENCODED.search(text)
        return find_object(unquote_plus(encoded[0])) if encoded else None
    end = text.rfind("}") + 1
    if opens[1] and text[end:].strip():
        return None
    value = _load(text[opens.start() : end])
    return json_lines.flat(value) if value else None


def _load(text: str) -> dict[str, object] | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _load_several(text) or load_literal(text)
    return value if isinstance(value, dict) else None


def _load_several(text: str) -> dict[str, object] | None:
    """Objects side by side as one, as Monolog writes context and extra. Of a key that several have the first counts."""
    if BETWEEN not in text:
        return None
    pieces = text.split(BETWEEN)
    opens = BETWEEN.removeprefix("} ")
    values: dict[str, object] = {}
    try:
        for at, piece in enumerate(pieces):
            value = orjson.loads(("" if at == 0 else opens) + piece + ("" if at == len(pieces) - 1 else "}"))
            values = {**values, **{key: value[key] for key in value if key not in values}}
    except (orjson.JSONDecodeError, TypeError):
        return None
    return values


def _spread(
    rows: list[Row],
    places: np.ndarray[tuple[int], np.dtype[np.int64]],
    n: int,
    anchor: TimeAnchor,
    attributes: pa.Array | None = None,
) -> dict[str, pa.Array]:
    """Columns of all ``n`` entries, filled at ``places``: attributes, identifiers, and the fields of requests."""
    where = np.full(n, -1, np.int64)
    where[places] = np.arange(len(places))
    take = pa.array(where, mask=where < 0)
    typed = decode_rows(rows, np.arange(len(rows)), TimeAnchor(anchor.modified_ns, None, anchor.date_order)).columns
    names = (*IDENTIFIERS, *REQUEST_FIELDS) if "method" in typed else IDENTIFIERS
    kept = {name: typed[name] for name in names if name in typed}
    if "method" in typed:
        is_request = typed["method"].is_valid()
        kept = {
            name: column if name in IDENTIFIERS else pc.if_else(is_request, column, pa.scalar(None, column.type))
            for name, column in kept.items()
        }
    if attributes is not None:
        kept["attributes"] = attributes
    return {name: column.take(take) for name, column in kept.items()}
