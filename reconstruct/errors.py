"""The error tree, and the exit code each part of it ends the program with.

    ReconstructError(message, hint=...)      1   printed as "error: ..." and "hint: ...", no traceback
    ├─ SourceError(path)                         a log file or directory that cannot be used
    ├─ GrammarError(path, line, column)          a grammar file that is wrong, with a caret
    ├─ ConfigurationError(path, key)             reconstruct.toml is wrong
    ├─ ModelError(path, key)                     a journey model or vocabulary file that is wrong
    ├─ StoreError(path)                          the store cannot be opened or written
    └─ ExportError(path)                         the output cannot be written
    UsageError                               2   the command line is wrong
    └─ QueryError(query, column)                 a query is wrong, with a caret

Bad *lines* are data, not exceptions: they are counted and shown. Programming errors keep their traceback.
"""

from __future__ import annotations

from pathlib import Path

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_CONDITION = 3
"""A ``--fail-on`` condition held."""
EXIT_INTERRUPTED = 130


class ReconstructError(Exception):
    """Anything the user can act on. ``hint`` says what to do about it; empty when there is nothing to say."""

    exit_code = EXIT_ERROR

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ReconstructError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = EXIT_USAGE


class QueryError(UsageError):
    """A query is wrong. ``reason`` says so in a few words; the message shows the query with a caret under ``column`` (1-based)."""

    def __init__(self, reason: str, *, query: str, column: int = 1, hint: str = "") -> None:
        self.reason = reason
        self.query = query
        self.column = column
        super().__init__(f"{reason}\n{_point(query, column)}" if query else reason, hint=hint)


SHOWN_BEFORE, SHOWN_AFTER = 60, 40
"""Characters of a query shown around the place of an error: a line of a terminal."""


def _point(text: str, column: int) -> str:
    """The text around a column, with a caret under it."""
    first = max(0, column - 1 - SHOWN_BEFORE)
    window = "".join(char if char.isprintable() else " " for char in text[first : column - 1 + SHOWN_AFTER])
    before = "…" if first else ""
    return f"  {before}{window}\n  {' ' * (len(before) + column - 1 - first)}^"


class SourceError(ReconstructError):
    """A log file or directory cannot be used at all."""

    def __init__(self, message: str, *, path: Path | str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path


class GrammarError(ReconstructError):
    """A grammar file is wrong. ``line`` and ``column`` are 1-based; 0 when the error has no single place."""

    def __init__(self, message: str, *, path: Path | str, line: int = 0, column: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path
        self.line = line
        self.column = column


class ConfigurationError(ReconstructError):
    """``reconstruct.toml`` is wrong. ``key`` is its dotted path, e.g. ``sources.exclude``; empty when no key is."""

    def __init__(self, message: str, *, path: Path | str, key: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path
        self.key = key


class ModelError(ReconstructError):
    """A journey model or vocabulary file is wrong. ``key`` is its dotted path, e.g. ``stage[2].match``."""

    def __init__(self, message: str, *, path: Path | str, key: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path
        self.key = key


class StoreError(ReconstructError):
    """The store cannot be opened, read or written."""

    def __init__(self, message: str, *, path: Path | str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path


class ExportError(ReconstructError):
    """The output cannot be written."""

    def __init__(self, message: str, *, path: Path | str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path
