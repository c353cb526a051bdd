"""tar, zip, and what ``tail`` and ``head`` give of several files: each member becomes a file in the spool, and from there a source like
any other.

Members are unpacked once per archive content. Inside the spool they have numbers for names, so what an archive calls
its members never touches the file system.
"""

from __future__ import annotations

import calendar
import json
import os
import re
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from reconstruct.sources import spool
from reconstruct.sources.decompress import inflate

ARCHIVE_BYTES = 8 << 30
"""Most bytes unpacked from one archive; a larger one fills a disk the user did not point us at."""

MEMBERS = 100_000
"""Most members looked at, for the same reason."""

LINE_BYTES = 1 << 20
"""Bytes of a line looked at at once; a heading is shorter."""

HEAD_BYTES = 4 << 10

LISTING = "members.json"

_PROGRAM_MEMBERS = ("META-INF/MANIFEST.MF", "[Content_Types].xml", "mimetype", "AndroidManifest.xml")
"""First or second member of zip files that are programs or office documents: jar, docx, odt, epub, apk."""


@dataclass(frozen=True, slots=True)
class Member:
    """One regular file of an archive."""

    name: str
    """POSIX path inside the archive, without ``..`` or a leading slash."""
    modified_ns: int
    file: str
    """Its file in the archive's spool directory; empty when it was not unpacked."""
    problem: str = ""
    """Why it was not unpacked, or not to its end."""


def is_tar(head: bytes) -> bool:
    """Does a (decompressed) file with this head look like a tar archive? By the checksum of its first header."""
    if len(head) < tarfile.BLOCKSIZE or b"\0" not in head[: tarfile.BLOCKSIZE]:
        return False
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def is_zip(head: bytes) -> bool:
    """Does a file with this head look like a zip archive?"""
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06")


_SECTION = re.compile(rb"==> (.{1,1000}) <==\r?\n")
"""What ``tail`` and ``head`` write before the lines of each of several files; ``tail -f`` again whenever another one goes on."""


def is_sections(head: bytes) -> bool:
    """Does a file with this head hold the lines of several files, as ``tail`` gives them?"""
    return _SECTION.match(head) is not None


def unpack(file: Path, compression: str | None, fingerprint: str) -> tuple[Path, list[Member], str]:
    """Unpack an archive into the spool, or find it there.

    Returns the directory the members are in, the members in the archive's order, and why the list is not complete
    (a phrase; empty when it is).
    """
    name = f"archive-{fingerprint}"
    directory = spool.spool_directory() / name
    if not (directory / LISTING).is_file():
        directory = spool.keep(lambda into: _unpack_into(into, file, compression), lambda: name)
    else:
        spool.touch(directory)
    listing = json.loads((directory / LISTING).read_text("utf-8"))
    return directory, [Member(**member) for member in listing["members"]], listing["problem"]


def _unpack_into(directory: Path, file: Path, compression: str | None) -> None:
    directory.mkdir()
    members: list[Member] = []
    problem = ""
    try:
        with file.open("rb") as opened:
            head = opened.read(HEAD_BYTES) if compression is None else b""
            opened.seek(0)
            if is_zip(head):
                entries = _zip_entries(file)
            elif is_sections(head):
                entries = _section_entries(opened, directory)
            else:
                entries = _tar_entries(opened, compression)
            left = ARCHIVE_BYTES
            for name, modified_ns, content, refusal in entries:
                if len(members) >= MEMBERS or left <= 0:
                    problem = "the archive is too large: unpack it and give the directory"
                    break
                spooled = str(len(members)) if content else ""
                if content:
                    left, refusal = _copy(content, directory / spooled, left)
                members.append(Member(name, modified_ns, spooled, refusal))
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, ValueError) as error:
        problem = f"the archive is damaged ({error}); read as far as it goes"
    listing = {"members": [asdict(member) for member in members], "problem": problem}
    (directory / LISTING).write_text(json.dumps(listing), "utf-8")


def _copy(content: IO[bytes], into: Path, left: int) -> tuple[int, str]:
    """Copy a member; (bytes that may still be unpacked, why it is not whole)."""
    with into.open("wb") as out:
        while True:
            try:
                block = content.read(spool.COPY_BYTES)
            except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError) as error:
                return left, f"damaged in the archive ({error}); read as far as it goes"
            if not block:
                return left, ""
            out.write(block[:left])
            left -= len(block)
            if left <= 0:
                return left, "the archive is too large: unpack it and give the directory"


_Entry = tuple[str, int, IO[bytes] | None, str]
"""(name, modified_ns, content or None, why there is no content)"""


def _section_entries(opened: IO[bytes], directory: Path) -> Iterator[_Entry]:
    """The lines of each file, all that there are of it; the blank line before a heading is the heading's."""
    modified_ns = os.fstat(opened.fileno()).st_mtime_ns
    with tempfile.TemporaryDirectory(dir=directory) as apart:
        parts: dict[bytes, Path] = {}
        line = opened.readline(LINE_BYTES)
        while heading := _SECTION.fullmatch(line):
            blank = b""
            with parts.setdefault(heading[1], Path(apart, str(len(parts)))).open("ab") as part:
                while (line := opened.readline(LINE_BYTES)) and not _SECTION.fullmatch(line):
                    part.write(blank)
                    blank = line if line in (b"\n", b"\r\n") else b""
                    part.write(b"" if blank else line)
                part.write(b"" if line else blank)
        for name, path in parts.items():
            with path.open("rb") as content:
                yield _member_path(name.decode("utf-8", "backslashreplace")), modified_ns, content, ""


def _tar_entries(opened: IO[bytes], compression: str | None) -> Iterator[_Entry]:
    raw: IO[bytes] | _Joined = opened
    problems: list[str] = []
    if compression is not None:
        blocks = iter(lambda: opened.read(1 << 18), b"")
        raw = _Joined(inflate(blocks, compression, problems.append))
    with tarfile.open(fileobj=raw, mode="r|", errors="surrogateescape") as archive:  # type: ignore[call-overload]
        for info in archive:
            if info.isdir():
                continue
            content = archive.extractfile(info) if info.isreg() else None
            yield _member_path(info.name), int(info.mtime * 10**9), content, "" if content else "not a regular file"
    if problems:
        raise tarfile.ReadError(problems[0])


def _zip_entries(file: Path) -> Iterator[_Entry]:
    with zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
        if any(info.filename in _PROGRAM_MEMBERS for info in infos[:2]):
            yield "", 0, None, "a program or office document, not an archive of logs"
            return
        for info in infos:
            if info.is_dir():
                continue
            modified_ns = calendar.timegm((*info.date_time, 0, 0, 0)) * 10**9
            if info.flag_bits & 1:
                yield _member_path(info.filename), modified_ns, None, "encrypted in the archive"
                continue
            try:
                content = archive.open(info)
            except (NotImplementedError, zipfile.BadZipFile) as error:
                yield _member_path(info.filename), modified_ns, None, f"cannot be unpacked ({error})"
                continue
            with content:
                yield _member_path(info.filename), modified_ns, content, ""


def _member_path(name: str) -> str:
    """The name of a member as a path below the archive, as text that can be printed."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    path = "/".join(part for part in parts if part not in ("/", "..", "."))
    return path.encode("utf-8", "backslashreplace").decode()


class _Joined:
    """Blocks as a file that is read forward."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._held = bytearray()

    def read(self, size: int) -> bytes:
        while len(self._held) < size:
            block = next(self._blocks, None)
            if block is None:
                break
            self._held += block
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken
