"""Which encoding a log is in, and whether it is text at all; and text of any encoding as UTF-8.

UTF-8 is the answer unless something else is clear. A log that is UTF-8 but for a few bytes (a scanner's probe, a
message cut inside a character) stays as it is, byte for byte; to call it Latin-1 would spoil every other line.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

UTF16_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}

UTF16_ZEROS = 0.7
"""Least share of NUL in one half of the bytes, UTF-16 without a mark: log text is mostly ASCII, and a message in
another script still has its stamp and keys."""

UTF16_OTHER_ZEROS = 0.05
"""Most NUL in the other half: above it the file is binary."""

CONTROL_SHARE = 0.05
"""Most control characters in text; a run of NUL counts as one, because a log truncated while it was written begins with
a hole. Random bytes hold 10 %, wtmp 17 %, the worst text seen (coloured progress bars) under 2 %."""

FOREIGN_SHARE, FOREIGN_CONTROL_SHARE = 0.3, 0.01
"""Bytes that are not UTF-8 and control characters that make a file binary together: Cyrillic in an old code page has
the first without the second, compressed data has both."""

LATIN1_SHARE = 0.8
"""Least share of the bytes that are not UTF-8 that must read as letters in words, to call a file Latin-1."""

LATIN1_VALID_SHARE = 0.05
"""Most UTF-8 sequences per byte that is not, in a Latin-1 file: "Ã¼" as two letters is that rare."""

_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\0\a\b\t\n\v\f\r\x1b") + b"\x7f"
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_UTF8_SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|\xf0[\x90-\xbf][\x80-\xbf]{2}"
    rb"|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
_LETTER_IN_WORD = re.compile(rb"(?<=[A-Za-z\xc0-\xff])[\xc0\xc1\xc4-\xd6\xd8-\xf6\xf8-\xff]|"
                            rb"[\xc0\xc1\xc4-\xd6\xd8-\xf6\xf8-\xff](?=[A-Za-z\xc0-\xff])")  # fmt: skip
"""A Latin-1 letter beside a letter. Not C2 and C3: alone they are the first halves of cut UTF-8 letters."""


def encoding_of(head: bytes, more: bytes = b"") -> str | None:
    """The encoding of a file with this head, and ``more`` whole lines from further on; None when it is not text.

    >>> encoding_of(b"GET /gr\\xc3\\xbc\\xc3\\x9fe"), encoding_of("Grüße".encode("latin-1"))
    ('utf-8', 'latin-1')
    >>> encoding_of("start".encode("utf-16-be")), encoding_of(b"\\x7fELF\\x02\\x01\\x01\\0\\0\\x03\\x01>")
    ('utf-16-be', None)
    """
    wide = UTF16_MARKS.get(head[:2]) or (_utf16_without_mark(head) if b"\0" in head else None)
    if wide:
        return wide if _is_text(head[: len(head) & ~1].decode(wide, "replace")) else None
    sample = head + more
    size = len(sample)
    n_controls = size - len(sample.translate(None, _CONTROLS)) + _count_nul_runs(sample)
    n_visible = max(size - sample.count(b"\0"), 1)
    if n_controls > CONTROL_SHARE * n_visible and n_controls > 1:
        return None
    with suppress(UnicodeDecodeError):
        codecs.utf_8_decode(sample, "strict", False)  # a letter cut at the end is no error
        return "utf-8"
    n_valid, n_foreign, n_letters = _weigh_high_bytes(sample)
    if n_foreign > FOREIGN_SHARE * n_visible and n_controls > FOREIGN_CONTROL_SHARE * n_visible:
        return None
    if n_foreign and n_letters >= LATIN1_SHARE * n_foreign and n_valid <= LATIN1_VALID_SHARE * n_foreign:
        return "latin-1"
    return "utf-8"


def _is_text(text: str) -> bool:
    """False for binary data that begins like UTF-16 (or for UTF-32, which is half NUL in it)."""
    n_controls = sum((char < " " and char not in "\a\b\t\n\v\f\r\x1b") or char == "\ufffd" for char in text)
    return n_controls <= max(CONTROL_SHARE * len(text), 1)  # one: a character cut at the end of the head


def _utf16_without_mark(sample: bytes) -> str | None:
    even, odd = sample[0::2], sample[1::2]
    if not odd:
        return None
    zeros_even, zeros_odd = even.count(0) / len(even), odd.count(0) / len(odd)
    if zeros_odd >= UTF16_ZEROS and zeros_even <= UTF16_OTHER_ZEROS:
        return "utf-16-le"
    if zeros_even >= UTF16_ZEROS and zeros_odd <= UTF16_OTHER_ZEROS:
        return "utf-16-be"
    return None


def _count_nul_runs(sample: bytes) -> int:
    return len(re.findall(rb"\0+", sample)) if b"\0" in sample else 0


def _weigh_high_bytes(sample: bytes) -> tuple[int, int, int]:
    """(UTF-8 sequences, bytes outside them, those of the latter that are letters in words)."""
    n_valid = n_foreign = n_letters = 0
    for run in _HIGH_RUN.finditer(sample):
        text = run.group()
        try:
            text.decode("utf-8")
        except UnicodeDecodeError:
            foreign, valid = _UTF8_SEQUENCE.subn(b"", text)
            n_valid += valid
            n_foreign += len(foreign)
            around = sample[max(run.start() - 1, 0) : run.end() + 1]
            n_letters += min(len(_LETTER_IN_WORD.findall(around)), len(foreign))
        else:
            n_valid += 1
    return n_valid, n_foreign, n_letters


def transcode(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """``blocks`` of text in ``encoding`` as UTF-8, without the byte order mark. What is wrong in UTF-16 becomes U+FFFD;
    UTF-8 passes as it is."""
    if encoding == "utf-8":
        yield from _without_mark(blocks, codecs.BOM_UTF8)
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    at_start = True
    for block in blocks:
        text = decoder.decode(block)
        if at_start and text:
            text = text.removeprefix("\ufeff")
            at_start = False
        if text:
            yield text.encode()
    rest = decoder.decode(b"", final=True)
    if rest:
        yield rest.encode()


def _without_mark(blocks: Iterable[bytes], mark: bytes) -> Iterator[bytes]:
    """``blocks`` but for ``mark`` at their start, which may be split over the first few."""
    head = b""
    iterator = iter(blocks)
    for block in iterator:
        head += block
        if len(head) >= len(mark):
            break
    head = head.removeprefix(mark)
    if head:
        yield head
    for block in iterator:
        if block:
            yield block
