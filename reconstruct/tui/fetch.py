"""Questions to the reader, asked on one thread of their own so that the screen never waits for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from textual.dom import DOMNode
from textual.worker import WorkType

from reconstruct.errors import ReconstructError

if TYPE_CHECKING:
    from reconstruct.tui.app import ReconstructApp

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


def start(
    node: DOMNode, group: str, work: Callable[P, Coroutine[Any, Any, None]], *args: P.args, **kwargs: P.kwargs
) -> None:
    """Begin work that asks questions; earlier work of the same node and group is given up."""
    begin: WorkType[None] = partial(_carefully, node, partial(work, *args, **kwargs))
    node.run_worker(begin, group=group, exclusive=True)


def start_beside(
    node: DOMNode, group: str, work: Callable[P, Coroutine[Any, Any, None]], *args: P.args, **kwargs: P.kwargs
) -> None:
    """The same, beside earlier work of the group."""
    begin: WorkType[None] = partial(_carefully, node, partial(work, *args, **kwargs))
    node.run_worker(begin, group=group)


async def _carefully(node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """What the user can act on becomes a notice; the view stays as it was."""
    try:
        await work()
    except ReconstructError as error:
        node.app.notify(error.hint or error.message, title=error.message, severity="error", markup=False)
    except Exception as error:  # what nobody foresaw costs the answer, not the session
        cast("ReconstructApp", node.app).report(error)
