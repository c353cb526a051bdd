"""Questions to the reader, asked on one thread of their own so that the screen never waits for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Fetcher:
    """One thread: the reader is asked one thing at a time, in order."""

    def __init__(self, is_alive: Callable[[], bool]) -> None:
        self._is_alive = is_alive
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader")
        self.pending = 0
        """Questions not answered yet."""

    async def ask(self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The answer to a call, without blocking the event loop. Cancels the asker when the interface is gone by then."""
        self.pending += 1
        try:
            answer = await asyncio.get_running_loop().run_in_executor(self._pool, lambda: question(*args, **kwargs))
        finally:
            self.pending -= 1
        if not self._is_alive():
            raise asyncio.CancelledError
        return answer

    def close(self) -> None:
        """Forget what was not asked yet; a running question ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)
