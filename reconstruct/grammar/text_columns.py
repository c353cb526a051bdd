"""Columns of text: what is absent, quoted or escaped, and work by distinct value.

``-`` and the empty text are absent in every log there is; here they become null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Value = TypeVar("Value")

_DASH, _QUOTE = b'-"'
_QUOTED_WHOLE = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_CEF_ESCAPE = re.compile(r"\\([\\=|nr])")
_ESCAPE = re.compile(r"((?:\\x[0-9A-Fa-f]{2})+)|\\u([0-9A-Fa-f]{4})|\\(.)", re.DOTALL)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}


FEW = 256
"""Values that are looked at one by one: to set up the arrays for more costs a tenth of a millisecond."""


def text_scalar(value: str | None) -> pa.Scalar:
    """A text of a stated type. To find the type by itself Arrow looks for optional libraries at every call (80 µs where
    dateutil is not installed), which costs more than joining a thousand texts."""
    return pa.scalar(value, pa.string())


def text_array(values: Sequence[str]) -> pa.Array:
    """Texts as they are; lone surrogates (a JSON ``\\ud800``, a decoded ``%ED%A0%80``) become question marks."""
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        return pa.array([_printable(value) for value in values], pa.string())


def text_column(values: pa.Array | Sequence[object]) -> pa.Array:
    """The values as ``pa.string()``, absent ones null. Never raises: broken surrogates become ``?``."""
    if isinstance(values, pa.Array):
        column = values if values.type == pa.string() else pc.cast(values, pa.string())
    else:
        try:
            column = pa.array(values, pa.string())
        except (pa.ArrowException, TypeError, ValueError):
            column = pa.array([None if value is None else _printable(value) for value in values], pa.string())
    return _drop_absent(column)


def as_text(column: pa.Array) -> pa.Array:
    """A column as text; one of text is taken to be clean already."""
    return column if column.type == pa.string() else text_column(column)


def _printable(value: object) -> str:
    """Any value as valid text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _drop_absent(column: pa.Array) -> pa.Array:
    """The same buffers with a new validity map, so nothing is copied."""
    if len(column) <= FEW:
        texts = column.to_pylist()
        absent = "" in texts or "-" in texts
        return pa.array([None if text in ("", "-") else text for text in texts], pa.string()) if absent else column
    starts, lengths, data = text_buffers(column)
    short = lengths <= 1
    if not short.any():
        return column
    absent = lengths == 0
    dashes = np.flatnonzero(lengths == 1)
    absent[dashes[data[starts[dashes]] == _DASH]] = True
    if not absent.any():
        return column
    valid = ~absent if not column.null_count else ~absent & np.asarray(column.is_valid())
    return pa.Array.from_buffers(
        pa.string(),
        len(column),
        [pa.py_buffer(np.packbits(np.pad(valid, (column.offset, 0)), bitorder="little")), *column.buffers()[1:]],
        offset=column.offset,
    )


def text_buffers(column: pa.Array) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Bytes]:
    """Start and length of each text (also where null), and all bytes."""
    if not len(column):
        return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint8)
    offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
    data = column.buffers()[2]
    return offsets[:-1], np.diff(offsets), np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)


def has_text(column: pa.Array) -> bool:
    """Whether any of the texts is more than ``""``."""
    return bool(text_buffers(column)[1].any())


def place_texts(held: pa.Array, rows: npt.NDArray[np.int64], n: int) -> pa.Array:
    """A column of ``n`` texts with those of ``held`` in their rows, which ascend, and ``""`` in the others. Shares their bytes."""
    starts, lengths, _ = text_buffers(held)
    offsets = np.zeros(n + 1, np.int32)
    offsets[rows + 1] = lengths
    offsets[:1] = starts[:1]
    return pa.StringArray.from_buffers(n, pa.py_buffer(np.cumsum(offsets, dtype=np.int32)), held.buffers()[2])


def map_distinct(column: pa.Array, change: Callable[[str], Value | None], kind: pa.DataType) -> pa.Array:
    """``change`` of every text, called once per distinct one; null stays null."""
    encoded = column.dictionary_encode()
    values = pa.array([change(text) for text in encoded.dictionary.to_pylist()], kind)
    return values.take(encoded.indices)


def change_where(column: pa.Array, where: pa.Array, change: Callable[[str], str | None]) -> pa.Array:
    """The column with ``change`` applied to the texts in the mask ``where`` (null is false)."""
    where = where.fill_null(False)
    if not pc.any(where).as_py():
        return column
    return pc.replace_with_mask(column, where, map_distinct(column.filter(where), change, pa.string()))


def strip_quotes(column: pa.Array) -> pa.Array:
    """Texts that stand between double quotes without them. One that only begins and ends with a quoted part keeps its quotes."""
    starts, lengths, data = text_buffers(column)
    long = np.flatnonzero(lengths >= 2)
    if not (data[starts[long]] == _QUOTE).any():
        return column
    quoted = np.zeros(len(column), np.bool_)
    quoted[long] = (data[starts[long]] == _QUOTE) & (data[starts[long] + lengths[long] - 1] == _QUOTE)
    return text_column(change_where(column, pa.array(quoted), _strip_pair))


def _strip_pair(text: str) -> str:
    return unescape(text[1:-1]) if _QUOTED_WHOLE.fullmatch(text) else text


def unescape_column(column: pa.Array) -> pa.Array:
    """Texts without the backslash escapes that Apache and nginx write."""
    return change_where(column, has_char(column, "\\"), unescape)


def unescape(text: str) -> str:
    """``\\"`` → ``"``, ``\\xHH`` → the byte (bytes in a row are UTF-8), ``\\uHHHH`` → the character, ``\\n`` → line end; what is no escape
    stays.

    >>> unescape(r'say \\"hi\\" \\xc3\\xa9')
    'say "hi" é'
    """
    return _ESCAPE.sub(_unescape_match, text) if "\\" in text else text


def _unescape_match(match: re.Match[str]) -> str:
    if match[1]:
        return bytes.fromhex(match[1].replace("\\x", "")).decode("utf-8", "replace")
    if match[2]:
        code = int(match[2], 16)
        return match[0] if 0xD800 <= code < 0xE000 else chr(code)
    char = match[3]
    if char in _CONTROLS:
        return _CONTROLS[char]
    return char if char in "\"'\\/" else match[0]


def unescape_cef_column(column: pa.Array) -> pa.Array:
    """Texts without the escapes of the Common Event Format."""
    return change_where(column, has_char(column, "\\"), unescape_cef)


def unescape_cef(text: str) -> str:
    """``\\=``, ``\\|`` and ``\\\\`` without the backslash, ``\\n`` and ``\\r`` as a line end; a backslash before anything else stays.

    >>> unescape_cef(r"/a?b\\=1 of DOM\\\\alice")
    '/a?b=1 of DOM\\\\alice'
    """
    return _CEF_ESCAPE.sub(lambda match: "\n" if match[1] in "nr" else match[1], text)


def has_char(column: pa.Array, char: str) -> pa.Array:
    """Where the text contains an ASCII character; null is false. Twenty times the speed of ``pc.match_substring``."""
    return _rows_with(column, lambda data: data == ord(char))


def has_byte_in(column: pa.Array, marked: bytes) -> pa.Array:
    """Where the text contains one of the bytes; null is false. For many bytes: each of has_char costs a tenth of it."""
    table = np.zeros(256, np.bool_)
    table[list(marked)] = True
    return _rows_with(column, table.__getitem__)


def _rows_with(column: pa.Array, find: Callable[[Bytes], Mask]) -> pa.Array:
    starts, lengths, data = text_buffers(column)
    mask = np.zeros(len(column), np.bool_)
    if len(column):
        first, last = int(starts[0]), int(starts[-1] + lengths[-1])
        hits = np.flatnonzero(find(data[first:last]))
        if len(hits):
            mask[np.searchsorted(starts, hits + first, side="right") - 1] = True
            if column.null_count:
                mask &= np.asarray(column.is_valid())
    return pa.array(mask)


def refused(given: pa.Array, typed: pa.Array) -> Mask | None:
    """Where something was given that the type does not take; None where all was taken."""
    if given.null_count == typed.null_count:
        return None
    mask: Mask = np.asarray(given.is_valid()) & np.asarray(typed.is_null())
    return mask
