"""Worker processes, and what travels to and from them.

Tables are megabytes: they go through a file instead of a pipe, which takes a fifth of the processor time (measured on 330 MB:
0.2 s against 1.1 s over both ends).
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import itertools
import mmap
import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, Generic, TypeVar

import pyarrow as pa

Content = TypeVar("Content")
Item = TypeVar("Item")

PRELOADED = [
    "reconstruct.engines.local", "reconstruct.engines.documents", "reconstruct.correlate.shards", "reconstruct.correlate.surroundings",
]  # fmt: skip
"""What every worker needs: loaded once, by the process that workers are forked from."""

WORTH_A_FILE = 1 << 16
"""Bytes below which a pipe takes a parcel at once."""

ALIGNMENT = 64
"""Bytes: where Arrow wants its buffers to begin."""

_spool: Path | None = None
_numbers = itertools.count()


class WorkerPool(ProcessPoolExecutor):
    """Worker processes, each for one processor, and a directory for their parcels."""

    def __init__(self, workers: int) -> None:
        global _spool
        self._directory = tempfile.TemporaryDirectory(prefix="reconstruct-", ignore_cleanup_errors=True)
        _spool = Path(self._directory.name)
        super().__init__(workers, mp_context=_context(), initializer=_prepare_worker, initargs=(self._directory.name,))
        self.submit(int)  # starts them all, now that there are no threads yet

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As the base class; parcels on their way are lost."""
        super().shutdown(wait, cancel_futures=cancel_futures)
        self._directory.cleanup()


def _context() -> BaseContext:
    """A copy of this process is ready at once, but threads do not survive it: a caller that has some gets workers forked from a
    process of their own, which loads everything again (half a second)."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    if sys.platform == "linux" and threading.active_count() == 1:
        return multiprocessing.get_context("fork")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def _prepare_worker(spool: str) -> None:
    """A worker uses one processor; interrupts are the main process's business.

    Its tasks make millions of small objects and no cycles to speak of: looking for some costs a third of the time.
    """
    global _spool
    _spool = Path(spool)
    gc.disable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pa.set_cpu_count(1)


def run_ahead(
    pool: Executor, task: Callable[[Item], Content], items: Iterable[Item], ahead: int
) -> Iterator[tuple[Item, Content]]:
    """Every item and ``task`` of it, in order, each begun when the result ``ahead`` places before it is taken. Those that have not
    begun when nobody wants more are not begun."""
    jobs = iter(items)
    waiting: deque[tuple[Item, Future[Content]]] = deque()
    try:
        waiting.extend((each, pool.submit(task, each)) for each in itertools.islice(jobs, ahead))
        while waiting:
            item, future = waiting.popleft()
            found = future.result()
            waiting.extend((each, pool.submit(task, each)) for each in itertools.islice(jobs, 1))
            yield item, found
    finally:
        for _, future in waiting:
            future.cancel()


class Parcel(Generic[Content]):
    """Something with large buffers (Arrow, numpy) to hand to another process. Costs nothing while it stays in one."""

    __slots__ = ("content",)

    def __init__(self, content: Content) -> None:
        self.content = content

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        buffers: list[pickle.PickleBuffer] = []
        head = pickle.dumps(self.content, protocol=5, buffer_callback=buffers.append)
        pieces: list[memoryview | bytes] = []
        spans: list[tuple[int, int]] = []
        places: dict[tuple[int, int], int] = {}
        end = 0
        for buffer in buffers:
            view = buffer.raw()
            start = places.setdefault((pa.py_buffer(view).address, view.nbytes), end)  # empty columns share theirs
            spans.append((start, start + view.nbytes))
            if start == end:
                padding = -view.nbytes % ALIGNMENT
                pieces += (view, bytes(padding))
                end += view.nbytes + padding
        if _spool is not None and end >= WORTH_A_FILE:
            path = _spool / f"{os.getpid()}-{next(_numbers)}"
            try:
                with path.open("xb") as file:
                    file.writelines(pieces)
                return _open_file, (head, path, spans)
            except OSError:  # no room left there: the pipe always has some
                with contextlib.suppress(OSError):
                    path.unlink()
        return _open_bytes, (head, b"".join(pieces), spans)


class Shared(Generic[Content]):
    """Something that many tasks need: pickled once, and unpickled once by each worker."""

    __slots__ = ("_pickled", "content")

    def __init__(self, content: Content) -> None:
        self.content = content
        self._pickled: tuple[str, bytes] | None = None

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        if self._pickled is None:
            data = pickle.dumps(self.content, protocol=5)
            self._pickled = hashlib.blake2b(data, digest_size=16).hexdigest(), data
        return _share, self._pickled


_shared: dict[str, Shared[Any]] = {}


def _share(key: str, data: bytes) -> Shared[Any]:
    found = _shared.get(key)
    if found is None:
        _shared.clear()  # one kind of task at a time
        found = _shared[key] = Shared(pickle.loads(data))
    return found


def _open_file(head: bytes, path: Path, spans: list[tuple[int, int]]) -> Parcel[Any]:
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # read where it lies, without a copy
    with contextlib.suppress(OSError):  # some systems keep a file that is in use; it goes with its directory
        path.unlink()
    return _open_bytes(head, data, spans)


def _open_bytes(head: bytes, data: bytes | mmap.mmap, spans: list[tuple[int, int]]) -> Parcel[Any]:
    whole = memoryview(data)
    return Parcel(pickle.loads(head, buffers=[whole[start:stop] for start, stop in spans]))
