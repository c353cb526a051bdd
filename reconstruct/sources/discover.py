"""From the paths a user gives to the list of sources.

Everything found is either a source or is listed as skipped with a reason; nothing found on the way is fatal. Only what
the user named and does not exist is, and a search that finds nothing to read.
"""

from __future__ import annotations

import difflib
import glob
import os
import stat
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from reconstruct.errors import SourceError
from reconstruct.grammar.definition import Definition
from reconstruct.layouts.names import CONFIGURATION_CAP, SUFFIXES
from reconstruct.options import matches
from reconstruct.sources import spool
from reconstruct.sources.archives import is_sections, unpack
from reconstruct.sources.copies import TWIN_BYTES, find_copies, find_twins
from reconstruct.sources.decode import describe_failure
from reconstruct.sources.families import FirstStamp, Member, find_first_stamp, group_families
from reconstruct.sources.model import STDIN, Discovery, Skipped, Source
from reconstruct.sources.probe import Probe, RefusedError, probe_file
from reconstruct.sources.walk import Found, kind_of, walk_directory, why_passed_over

if TYPE_CHECKING:
    from reconstruct.layouts.importing import Configuration
EXCLUDED = "excluded by"
"""How the reason begins for which a source the user vetoed is skipped; its pattern follows."""


def discover(
    paths: Sequence[Path | str],
    *,
    exclude: Sequence[str] = (),
    root: Path | None = None,
    stdin: BinaryIO | None = None,
    first_stamp: FirstStamp = find_first_stamp,
    extent: Extent | None = None,
    copies: Mapping[str, Path] | None = None,
) -> Discovery:
    """Find every log the paths lead to: directories and all below them, files, glob patterns, ``-`` for standard input.

    ``first_stamp`` finds the first time stamp in a piece of a log, to order rotated files; the default knows ISO 8601
    and the stamps of web servers. ``stdin`` replaces the process's own. What matches a pattern of ``exclude`` is listed as
    skipped. ``root`` is what shown paths are relative to, if not the directory given. ``extent`` says how much of a file that
    is being written is read (file, size, time of the last write: bytes); ``copies``: files that hold what a stream among the
    paths has given so far.

    Raises SourceError when a path does not exist, a pattern matches nothing, or nothing at all can be read.
    """
    arguments = [argument for path in paths for argument in _expand(os.fspath(path))]
    search = _Search(root or _common_root(arguments), first_stamp, exclude, extent)
    for argument in arguments:
        copy = (copies or {}).get(argument)
        if copy is not None:
            search.add_growing(argument, copy)
        else:
            search.add(argument, stdin)
    search.probe_found()
    return search.finish([os.fspath(path) for path in paths])


Extent = Callable[[Path, int, int], int]


def _expand(path: str) -> list[str]:
    """The existing paths an argument stands for, absolute; ``-`` stays."""
    if path == "-":
        return ["-"]
    if os.path.lexists(path):
        return [os.path.abspath(path)]  # noqa: PTH100 - resolve() would follow the links the user named
    if glob.has_magic(path):
        matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - Path.glob refuses absolute patterns
        kept = [match for match in matches if why_passed_over(os.path.basename(match)) is None]  # noqa: PTH119
        if not kept:
            raise SourceError(f"no file matches {path}", path=path, hint="Quote the pattern, or give the directory.")
        return [os.path.abspath(match) for match in kept]  # noqa: PTH100
    name = Path(path)
    readable = name.parent.is_dir() and os.access(name.parent, os.R_OK)
    beside = sorted(entry.name for entry in name.parent.iterdir()) if readable else []
    near = difflib.get_close_matches(name.name, beside, n=1)
    hint = f"Did you mean {name.parent / near[0]}?" if near else "Give a directory of logs, a log file, or - for stdin."
    raise SourceError(f"no such file or directory: {path}", path=path, hint=hint)


def _common_root(arguments: Sequence[str]) -> Path:
    """The directory that shown paths are relative to: the one given, or the nearest that holds all that was given."""
    named = [Path(argument) for argument in arguments if argument != "-"]
    directories = {path if path.is_dir() else path.parent for path in named}
    return Path(os.path.commonpath(directories)) if directories else Path.cwd()


@dataclass(frozen=True, slots=True)
class _Log:
    """A file that will be a source once its family and its place in the list are known."""

    path: str
    file: Path
    size: int
    modified_ns: int
    fingerprint: str
    compression: str | None
    encoding: str
    head: bytes
    """The first TWIN_BYTES, decoded."""
    first_stamp: int | None
    last_stamp: int | None


class _Search:
    """What the arguments have led to so far."""

    def __init__(self, root: Path, first_stamp: FirstStamp, exclude: Sequence[str], extent: Extent | None) -> None:
        self._root = root
        self._extent = extent
        self._first_stamp = first_stamp
        self._exclude = exclude
        self._found: list[Found] = []
        self._logs: dict[str, _Log] = {}
        self._skipped: dict[str, str] = {}
        self._configurations: list[Configuration] = []

    def add(self, argument: str, stdin: BinaryIO | None) -> None:
        """Take in an argument: walk a directory, note a file, copy a stream."""
        if argument == "-":
            if STDIN not in self._logs and STDIN not in self._skipped:
                if stdin is None and sys.stdin is None:
                    raise SourceError("standard input is closed", path="-", hint="Pipe logs into it, or give a path.")
                self._add_copy(STDIN, spool.spool_stream(stdin or sys.stdin.buffer, "standard input"))
            return
        path = Path(argument)
        try:
            status = path.stat()
            if stat.S_ISDIR(status.st_mode):
                self._found += walk_directory(path, self._skip)
            elif stat.S_ISREG(status.st_mode):
                self._found.append(Found(path, status, path.is_symlink()))
            elif stat.S_ISFIFO(status.st_mode):  # <(zcat …) of a shell
                with path.open("rb") as pipe:
                    self._add_copy(self._shown(path), spool.spool_stream(pipe, argument))
            else:
                self._skip(path, kind_of(status.st_mode) or "not a file")
        except OSError as error:
            if not path.is_dir():
                self._skip(path, describe_failure(error))
                return
            hint = "Ask for access to it, or run as a user who may read it."
            raise SourceError(f"{argument} {describe_failure(error)}", path=path, hint=hint) from error

    def add_growing(self, argument: str, copy: Path) -> None:
        """Take in what a stream has given so far."""
        self._add_copy(STDIN if argument == "-" else self._shown(Path(argument)), copy, grows=True)

    def _add_copy(self, shown: str, copy: Path, *, grows: bool = False) -> None:
        status = copy.stat()
        self._probe(shown, copy, status.st_size, status.st_mtime_ns, grows=grows)

    def probe_found(self) -> None:
        """Look at each file found, once: of several names for one file the real one counts, then the first."""
        reached: dict[tuple[int, int], Path] = {}
        for found in sorted(self._found, key=lambda found: (found.linked, str(found.path))):
            path, status = found.path, found.stat
            identity = (status.st_dev, status.st_ino)
            if identity not in reached:
                reached[identity] = path
                self._probe(self._shown(path), path, status.st_size, status.st_mtime_ns)
            elif reached[identity] != path:
                self._skip(path, f"the same file as {self._shown(reached[identity])}")

    def _probe(
        self, shown: str, file: Path, size: int, modified_ns: int, *, inside: bool = False, grows: bool = False
    ) -> None:
        """``inside``: it is a member of an archive. ``grows``: what is read of it now is not all."""
        excluded = next((glob for glob in self._exclude if matches(glob, shown)), None)
        if excluded is not None:
            self._skipped[shown] = f"{EXCLUDED} {excluded}"
            return
        if self._extent is not None:
            size = self._extent(file, size, modified_ns)
        try:
            probe = probe_file(file, size)
        except RefusedError as refusal:
            self._skipped[shown] = str(refusal)
            return
        if not probe.archive and (inside or grows or probe.compression or not is_sections(probe.head)):
            if not self._add_configuration(shown, file, size, probe):
                self._add_unfolded(shown, file, size, modified_ns, probe)
        elif inside:
            self._skipped[shown] = "archive inside an archive; unpack it first"
        else:
            self._add_members(shown, file, probe)

    def _add_configuration(self, shown: str, file: Path, size: int, probe: Probe) -> bool:
        """Read the layouts of a file that is the configuration of a program that writes logs; False when it is none."""
        if not shown.endswith(SUFFIXES) or size > CONFIGURATION_CAP or probe.compression or probe.encoding != "utf-8":
            return False
        from reconstruct.layouts.importing import (
            read_configuration,
        )  # tables and parsers that most directories need not

        try:
            configuration = read_configuration(shown, file.read_bytes())
        except OSError as error:
            self._skipped[shown] = describe_failure(error)
            return True
        if configuration is None or (not configuration.imported and self._first_stamp(probe.head) is not None):
            return False
        self._configurations.append(configuration)
        self._skipped[shown] = configuration.summary
        return True

    def _add_members(self, shown: str, file: Path, probe: Probe) -> None:
        directory, members, problem = unpack(file, probe.compression, probe.fingerprint)
        if problem:
            self._skipped[shown] = problem
        for member in members:
            name = f"{shown}/{member.name}".rstrip("/")
            reasons = [why_passed_over(part) for part in member.name.split("/")]
            reason = member.problem or next((reason for reason in reasons if reason), None)
            if reason:
                self._skipped[name] = reason
            if member.file and (not reason or member.problem):
                copy = directory / member.file
                self._probe(name, copy, copy.stat().st_size, member.modified_ns, inside=True)

    def _add_unfolded(self, shown: str, file: Path, size: int, modified_ns: int, probe: Probe) -> None:
        """Add a log; of an export with many entries in one, the copy with a line for each."""
        from reconstruct.sources import exports  # orjson: only for who reads logs

        if how := exports.unfolding_of(probe.head):
            try:
                copy = exports.unfold(file, probe.compression, probe.encoding, probe.fingerprint, how)
                if copy is not None:
                    file, size = copy, copy.stat().st_size
                    probe = probe_file(file, size)
            except (OSError, RefusedError) as error:
                self._skipped[shown] = describe_failure(error) if isinstance(error, OSError) else str(error)
                return
        self._add_log(shown, file, size, modified_ns, probe)

    def _add_log(self, shown: str, file: Path, size: int, modified_ns: int, probe: Probe) -> None:
        while shown in self._logs:  # members of one name, names that differ in bytes that are no text
            shown += "~"
        self._logs[shown] = _Log(
            shown,
            file,
            size,
            modified_ns,
            probe.fingerprint,
            probe.compression,
            probe.encoding,
            probe.head[:TWIN_BYTES],
            self._first_stamp(probe.head),
            self._first_stamp(probe.tail) if probe.tail else None,
        )

    def finish(self, paths: Sequence[str]) -> Discovery:
        """Order families, drop copies, number the sources."""
        copied = find_copies(list(self._logs.values()))
        self._skipped |= copied
        for path in copied:
            del self._logs[path]
        members = [Member(log.path, log.modified_ns, log.first_stamp, log.last_stamp) for log in self._logs.values()]
        place: dict[str, tuple[str, int]] = {}
        for family, ordered in group_families(members).items():
            twins = find_twins([self._logs[path] for path in ordered])
            self._skipped |= twins
            kept = (path for path in ordered if path not in twins)
            place.update((path, (family, rank)) for rank, path in enumerate(kept))
        if not place:
            raise self._nothing_to_read(paths)
        sources = tuple(
            Source(
                id,
                path,
                log.file,
                log.size,
                log.compression,
                log.encoding,
                *place[path],
                log.modified_ns,
                log.fingerprint,
            )
            for id, (path, log) in enumerate(sorted((path, self._logs[path]) for path in place))
        )
        skipped = tuple(Skipped(*item) for item in sorted(self._skipped.items()))
        return Discovery(self._root, sources, skipped, self._find_formats())

    def _find_formats(self) -> tuple[Definition, ...]:
        if not self._configurations:
            return ()
        from reconstruct.layouts.importing import definitions_of

        return definitions_of(self._configurations)

    def _nothing_to_read(self, paths: Sequence[str]) -> SourceError:
        shown = ", ".join("standard input" if path == "-" else path for path in paths) or "nothing"
        hint = "Give the directory the logs are in, a log file, or - for standard input."
        if not self._skipped:
            return SourceError(f"no files in {shown}", path=shown, hint=hint)
        if len(self._skipped) == 1:
            name, reason = next(iter(self._skipped.items()))
            where = shown if len(paths) == 1 and not Path(shown).is_dir() else f"{shown}: {name}"
            return SourceError(f"nothing to read in {where}: {reason}", path=shown, hint=hint)
        reasons = Counter(reason if "the same file" not in reason else "links" for reason in self._skipped.values())
        tally = ", ".join(
            f"{n} × {reason}" for reason, n in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        )
        return SourceError(f"nothing to read in {shown}", path=shown, hint=f"Found and skipped: {tally}. {hint}")

    def _skip(self, path: Path, reason: str) -> None:
        self._skipped[self._shown(path) + ("/" if path.is_dir() else "")] = reason

    def _shown(self, path: Path) -> str:
        """``path`` relative to the root, as text that can be printed and written to JSON; of two names never the same."""
        relative = path.relative_to(self._root).as_posix() if path.is_relative_to(self._root) else path.as_posix()
        return os.fsencode(relative).decode("utf-8", "backslashreplace")
