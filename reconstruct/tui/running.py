"""Runs the interface from the first paint to the last: what the process needs around it, and what is said when it failed."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from reconstruct.options import Look
from reconstruct.tui.app import ReconstructApp
from reconstruct.tui.failures import saved
from reconstruct.tui.reader import Reader

SWITCH_S = 0.0005
"""How soon a reading thread must hand the interpreter to the interface. The default, 5 ms, is paid at every turn of the
event loop, dozens of times per key: keys would lag by a quarter of a second while logs are read."""


def run(
    reader: Reader,
    filter_text: str = "",
    memory: Path | None = None,
    *,
    look: Look | None = None,
    filters: Path | None = None,
) -> int:
    """Browse until the user quits; gives the exit code.

    Args:
        reader: What is browsed; it is closed.
        filter_text: A query: at first only journeys that match it are listed.
        memory: The file that says where the user was last time, and will again.
        look: How the user wants the interface.
        filters: The file that keeps the queries used before.

    Raises ReconstructError when the interface failed in a way nobody foresaw.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    gc.freeze()  # modules stay: looking for garbage among all of their objects would take a frame or two, again and again
    app = ReconstructApp(reader, filter_text=filter_text, memory=memory, look=look, filters=filters)
    try:
        code = app.run() or 0
    finally:
        sys.setswitchinterval(before)
        gc.unfreeze()
        reader.close()
    if app.failure is not None:
        raise saved(app.failure, "the interface failed", app.memory.kept)
    return code
