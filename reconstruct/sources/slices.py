"""Raw bytes of events, by offset and length in the decoded stream.

A plain file is read in place. Other sources are decoded again, from the start or from where the last reader was: a
small set of open streams keeps what each decoded last, so that paging through one file's raw lines decodes it once.
"""

from __future__ import annotations

import codecs
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from threading import Lock

from reconstruct.errors import SourceError
from reconstruct.sources.decode import DecodedStream, describe_failure, read_at
from reconstruct.sources.model import Source

WINDOW_BYTES = 32 << 20
"""Decoded bytes an open stream keeps behind its reader: a whole rotated log of usual size, so going back is free."""

STREAMS = 4
"""Open streams kept. With WINDOW_BYTES: 128 MB at most. Four tiers of one request lie in four files."""


def read_slice(source: Source, offset: int, length: int) -> bytes:
    """``length`` bytes at ``offset`` of the decoded stream; fewer only where it ends.

    Raises SourceError when the file cannot be opened any more.
    """
    return read_slices(source, [(offset, length)])[0]


def read_slices(source: Source, spans: Sequence[tuple[int, int]]) -> list[bytes]:
    """The bytes of each (offset, length), in the order given; reads the source once, forward."""
    order = sorted(range(len(spans)), key=spans.__getitem__)
    found = [b""] * len(spans)
    if source.seekable:
        try:
            with source.file.open("rb", buffering=0) as opened:
                skip = len(codecs.BOM_UTF8) if read_at(opened, 0, 3) == codecs.BOM_UTF8 else 0
                for i in order:
                    offset, length = spans[i]
                    found[i] = read_at(opened, skip + offset, length)
        except OSError as error:
            raise _lost(source, describe_failure(error)) from error
    else:
        with _lock:
            for i in order:
                found[i] = _window_over(source, spans[i][0]).read(*spans[i])
    return found


class _Window:
    """An open decoded stream and the last WINDOW_BYTES it gave."""

    def __init__(self, source: Source) -> None:
        stream = DecodedStream(source)
        self._source = source
        self._stream = stream
        self._blocks: Iterator[bytes] = iter(stream)
        self._held = bytearray()
        self.start = 0
        """Offset in the decoded stream of what is held."""

    def read(self, offset: int, length: int) -> bytes:
        """Bytes at ``offset``, which is not before ``start``."""
        while self.start + len(self._held) < offset + length:
            block = next(self._blocks, None)
            if block is None:
                if not self.start and not self._held and self._stream.note:
                    raise _lost(self._source, self._stream.note)
                break
            self._held += block
            surplus = min(len(self._held) - WINDOW_BYTES, offset - self.start)
            if surplus > 0:
                del self._held[:surplus]
                self.start += surplus
        at = offset - self.start
        return bytes(self._held[at : at + length])


_windows: OrderedDict[tuple[str, str], _Window] = OrderedDict()
_lock = Lock()


def _window_over(source: Source, offset: int) -> _Window:
    """An open stream of ``source`` that can still give ``offset``, the one read last at the end of the queue."""
    key = (str(source.file), source.fingerprint)
    window = _windows.pop(key, None)
    if window is None or offset < window.start:
        window = _Window(source)
    _windows[key] = window
    while len(_windows) > STREAMS:
        _windows.popitem(last=False)
    return window


def _lost(source: Source, reason: str) -> SourceError:
    return SourceError(
        f"{source.path}: {reason}", path=source.file, hint="The file was moved or removed; open the directory again."
    )
