"""A stream that does not end yet, copied into a file as it comes, so that it can be read like a log that is being written."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import BinaryIO

from reconstruct.sources.spool import COPY_BYTES, spool_directory


class GrowingCopy:
    """Copies a stream from a thread of its own until it ends. The copy is gone when this is closed."""

    def __init__(self, stream: BinaryIO | Path) -> None:
        """``stream``: what is read, and closed at its end; or the named pipe to open. Raises SourceError when there is no place for the copy."""
        self._directory = tempfile.TemporaryDirectory(
            prefix="making-", dir=spool_directory(), ignore_cleanup_errors=True
        )
        self.path = Path(self._directory.name) / "stream"
        self.path.touch(mode=0o600)
        self.ended = threading.Event()
        """Set when nothing more will come."""
        self._closed = False
        self._stream = stream
        threading.Thread(target=self._copy, name="copying", daemon=True).start()

    def _copy(self) -> None:
        try:
            # A named pipe waits for who writes to it.
            with self._stream.open("rb") if isinstance(self._stream, Path) else self._stream as stream:
                read = getattr(stream, "read1", stream.read)  # what there is, rather than waiting for a whole block
                with self.path.open("ab", buffering=0) as out:
                    while not self._closed and (block := read(COPY_BYTES)):
                        out.write(block)
        except (OSError, ValueError):  # the stream was torn, the disk is full: what came is there
            pass
        finally:
            self.ended.set()

    def close(self) -> None:
        """Forget the copy. A read that waits for more ends with the process."""
        self._closed = True
        self._directory.cleanup()
