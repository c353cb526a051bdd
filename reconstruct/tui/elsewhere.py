"""Out of the interface: the terminal it is in, its clipboard, and the user's editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from reconstruct.errors import ReconstructError
from reconstruct.tui import sanitise

if TYPE_CHECKING:
    from reconstruct.tui.app import ReconstructApp

CLIPBOARD_BYTES = 74_994
"""What fits the sequence for the clipboard (OSC 52) of the strictest terminals: xterm and tmux cut it at 100,000
characters of base64, hterm at this."""
EDITORS_WITH_COLON = frozenset({"code", "codium", "subl", "zed", "hx", "helix", "kate", "micro"})
"""Editors that take ``file:line``; others take ``+line file``, as vi does."""


def copy_text(app: ReconstructApp, text: str, what: str) -> None:
    """Put a text on the clipboard of the terminal (OSC 52), which works over ssh too.

    Control characters are spelled out: what is pasted into a shell must not act there.
    """
    harmless = "\n".join(sanitise.clean(line, len(line)) for line in text.split("\n"))
    if len(harmless.encode("utf-8", "replace")) > CLIPBOARD_BYTES:
        app.notify(f"Too long for a terminal's clipboard: {what}. x writes a file", severity="warning", markup=False)
        return
    app.copy_to_clipboard(harmless)
    app.notify(f"Copied: {what}", markup=False, timeout=2)


def editor_command(environment: Mapping[str, str], path: Path, line: int) -> list[str]:
    """The user's editor on a line of a file.

    >>> editor_command({"EDITOR": "nano -v"}, Path("a.log"), 3)
    ['nano', '-v', '+3', 'a.log']
    >>> editor_command({"VISUAL": "code --wait", "EDITOR": "vi"}, Path("a.log"), 3)
    ['code', '--wait', '--goto', 'a.log:3']
    """
    given = environment.get("VISUAL") or environment.get("EDITOR") or "vi"
    try:
        words = shlex.split(given) or ["vi"]
    except ValueError:
        words = [given]
    name = Path(words[0]).name
    if name in EDITORS_WITH_COLON:
        goto = ["--goto"] if name in ("code", "codium") else []
        return [*words, *goto, f"{path}:{line}"]
    return [*words, f"+{line}", str(path)]


async def edit_file(app: ReconstructApp, source: int, line: int) -> None:
    """Leave the screen to the user's editor, on a line of a log; of a compressed one, on an unpacked copy."""
    with tempfile.TemporaryDirectory(prefix="reconstruct-") as directory:
        path = await app.fetcher.ask(app.reader.plain_file, source, Path(directory))
        command = editor_command(os.environ, path, line)
        try:
            with app.suspend():
                code = subprocess.run(command, check=False).returncode
        except SuspendNotSupported:
            app.notify(f"{path}:{line}", title="This terminal cannot be left to an editor", markup=False)
            return
        except OSError as error:
            raise ReconstructError(
                f"{command[0]} does not start: {error.strerror}", hint="set EDITOR to your editor's command"
            ) from error
    app.refresh()
    if code:
        app.notify(f"{command[0]} ended with code {code}", severity="warning", markup=False)


def has_terminal() -> bool:
    """Whether keys come from a terminal that is there: of one that was hung up nothing can be asked any more."""
    try:
        return sys.__stdin__ is not None and sys.__stdin__.isatty()
    except (OSError, ValueError):
        return False
