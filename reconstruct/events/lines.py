"""Raw bytes to clean lines: where each line is, and the text that formats are matched against.

Positions are those of the raw bytes; cleaning (colour codes, NUL, carriage returns, broken UTF-8) changes the text
only, never the number of lines.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]

MATCH_CAP = 1 << 20
"""Bytes of one line that are looked at (sources keeps far more of it). No logger writes a longer entry; a hostile or
binary file may."""

SEARCH_BYTES = 1 << 19
"""Bytes searched for line ends at a time: the mask that numpy makes stays in the processor's cache."""

_TERMINAL_CODE = re.compile(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]"  # CSI: colours, cursor movement
    r"|\][^\x07\x1b\n]{0,4096}(?:\x07|\x1b\\)"  # OSC: window title, links
    r"|[@-Z\\^_]"  # two-character escapes
    r"|[()*+][0-9A-B]"  # character sets
    r")?"
)
"""ECMA-48 sequences. Bounded repetitions: an unfinished one is dropped as a lone escape, in linear time."""

Shape = tuple[str, int, str]

SHAPE_CHARACTERS = 64
"""Where formats differ; further on is text, of which no two lines are alike."""

_NO_WORDS = str.maketrans("", "", string.ascii_letters + string.digits)

NEWLINE = 10
RETURN = 13


class Texts(Sequence[str]):
    """The lines of a block, not taken apart before somebody looks at one: where one format reads all of them, nobody does."""

    __slots__ = ("_lines", "_whole", "sizes")

    def __init__(self, whole: str, sizes: Positions) -> None:
        """``whole``: all lines, each with a line end after it; ``sizes``: of each line in UTF-8, without its end."""
        self._whole = whole
        self._lines: list[str] | None = None
        self.sizes = sizes

    @property
    def lines(self) -> list[str]:
        """The lines themselves."""
        if self._lines is None:
            self._lines = self._whole.split("\n")
            self._lines.pop()
        return self._lines

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[str]:
        return iter(self.lines)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        return self.lines[at]

    def join(self) -> str:
        """All lines, each with a line end after it."""
        return self._whole


def find_filled(lines: Sequence[str]) -> npt.NDArray[np.int64]:
    """The rows of the lines that are not empty."""
    sizes = lines.sizes if isinstance(lines, Texts) else np.fromiter(map(len, lines), np.int64, len(lines))
    return np.flatnonzero(sizes)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of one block: ``start``, ``stop`` (without line end) and ``end`` (with it) in bytes from the block's first.

    ``end`` of a last line without line end counts the one it lacks. ``clipped`` are the rows longer than MATCH_CAP,
    whose text is cut there.
    """

    text: Sequence[str]
    start: Positions
    stop: Positions
    end: Positions
    clipped: list[int]

    def __len__(self) -> int:
        return len(self.text)


def split_lines(data: bytes) -> Lines:
    """The lines of ``data``; no line after a final line end."""
    feeds = _find_newlines(data)
    end = feeds + 1
    if len(data) and (not len(feeds) or feeds[-1] != len(data) - 1):
        end = np.append(end, len(data) + 1)
    start = np.concatenate([np.zeros(min(1, len(end)), np.int64), end[:-1]])
    stop = end - 1
    raw = np.frombuffer(data, np.uint8)
    if b"\r" in data:  # a search for one byte is ten times as fast as for two
        filled = np.flatnonzero(stop > start)
        stop[filled[raw[stop[filled] - 1] == RETURN]] -= 1
    clipped = np.flatnonzero(stop - start > MATCH_CAP)
    if len(clipped):
        whole = "\n".join(_decode_clipped(data, start, stop))
    else:
        whole = data.decode("utf-8", "replace")
    whole = whole if not whole or whole.endswith("\n") else f"{whole}\n"
    clean = _clean(whole)
    texts = Texts(clean, stop - start)
    return Lines(texts if clean is whole else texts.lines, start, stop, end, clipped.tolist())


def strip_terminal_codes(text: str) -> str:
    """``text`` without terminal escape sequences; a lone escape character goes too."""
    return _TERMINAL_CODE.sub("", text) if "\x1b" in text else text


def line_shape(text: str) -> Shape:
    """What lines of one format have in common: punctuation at the beginning, quotes, the last character if no word."""
    return text[:SHAPE_CHARACTERS].translate(_NO_WORDS), text.count('"'), text[-1:].translate(_NO_WORDS)


def _clean(text: str) -> str:
    if "\x1b" in text:
        text = _TERMINAL_CODE.sub("", text)
    if "\0" in text:
        text = text.replace("\0", "")
    if "\r" in text:
        text = text.replace("\r\n", "\n").removesuffix("\r")
    return text.removeprefix("\ufeff")


def _find_newlines(data: bytes) -> Positions:
    raw = np.frombuffer(data, np.uint8)
    found = [
        np.flatnonzero(raw[at : at + SEARCH_BYTES] == NEWLINE).astype(np.int64) + at
        for at in range(0, len(data), SEARCH_BYTES)
    ]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _decode_clipped(data: bytes, start: Positions, stop: Positions) -> Iterator[str]:
    for first, last in zip(start.tolist(), stop.tolist(), strict=True):
        yield data[first : min(last, first + MATCH_CAP)].decode("utf-8", "replace")
