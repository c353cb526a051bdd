"""From paths to sources: what is found, what it is called, what is passed over and why, and what is an error."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import socket
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest
import zstandard

from reconstruct.errors import SourceError
from reconstruct.sources import Discovery, discover, read_chunks, spool
from reconstruct.sources.probe import fingerprint_of

LINE = b'192.0.2.7 - - [14/Nov/2026:09:13:02 +0000] "GET / HTTP/1.1" 200 512\n'


def write(file: Path, content: bytes = LINE) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def paths_of(discovery: Discovery) -> list[str]:
    return [source.path for source in discovery.sources]


def skipped_of(discovery: Discovery) -> dict[str, str]:
    return {skipped.path: skipped.reason for skipped in discovery.skipped}


def text_of(discovery: Discovery, path: str) -> bytes:
    (source,) = [source for source in discovery.sources if source.path == path]
    return b"".join(chunk.data for chunk in read_chunks(source))


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONSTRUCT_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@contextmanager
def ordinary_user(*readable: Path) -> Iterator[None]:
    """Root reads everything; permissions need someone who does not. ``readable`` and what is above it may be passed."""
    if os.geteuid():
        yield
        return
    for path in {parent for each in readable for parent in each.parents}:
        if not path.stat().st_mode & 0o001:
            path.chmod(0o711)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


class TestNames:
    def test_one_directory_names_relative_to_it(self, tmp_path: Path) -> None:
        write(tmp_path / "nginx/access.log.1")
        write(tmp_path / "nginx/access.log", LINE * 2)
        write(tmp_path / "app.log", LINE * 3)
        discovery = discover([tmp_path])
        assert discovery.root == tmp_path
        assert paths_of(discovery) == ["app.log", "nginx/access.log", "nginx/access.log.1"]
        assert [source.id for source in discovery.sources] == [0, 1, 2]
        assert [(source.family, source.rank) for source in discovery.sources[1:]] == [
            ("nginx/access.log", 1),
            ("nginx/access.log", 0),
        ]
        assert discovery.total_bytes == 6 * len(LINE)

    def test_one_file_is_its_name(self, tmp_path: Path) -> None:
        assert paths_of(discover([write(tmp_path / "a/b.log")])) == ["b.log"]

    def test_several_are_relative_to_what_holds_them(self, tmp_path: Path) -> None:
        one, two = write(tmp_path / "a/x.log"), write(tmp_path / "b/c/x.log")
        assert paths_of(discover([one, two])) == ["a/x.log", "b/c/x.log"]
        assert paths_of(discover([tmp_path / "a", two])) == ["a/x.log", "b/c/x.log"]
        assert paths_of(discover([tmp_path, tmp_path / "a", one])) == ["a/x.log", "b/c/x.log"]

    def test_relative_paths_and_patterns(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(tmp_path / "logs/a/x.log")
        write(tmp_path / "logs/a/y.txt")
        write(tmp_path / "logs/a/x.log~")
        write(tmp_path / "logs/b/c/z.log")
        monkeypatch.chdir(tmp_path)
        assert paths_of(discover(["logs"])) == ["a/x.log", "a/y.txt", "b/c/z.log"]
        assert paths_of(discover(["./logs/../logs/a"])) == ["x.log", "y.txt"]
        assert paths_of(discover(["logs/**/*.log"])) == ["a/x.log", "b/c/z.log"]
        assert paths_of(discover(["logs/a/*"])) == ["x.log", "y.txt"]

    def test_a_name_may_look_like_a_pattern(self, tmp_path: Path) -> None:
        assert paths_of(discover([write(tmp_path / "x[1].log")])) == ["x[1].log"]

    def test_names_that_are_no_text_stay_apart(self, tmp_path: Path) -> None:
        for name in (b"caf\xe9.log", b"caf\xe8.log"):
            Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(LINE)
        paths = paths_of(discover([tmp_path]))
        assert len(set(paths)) == 2
        assert "".join(paths).encode()  # printable: no surrogates

    def test_the_order_of_files_and_arguments_does_not_matter(self, tmp_path: Path) -> None:
        files = [write(tmp_path / name, LINE * (i + 1)) for i, name in enumerate(["b/x.log", "a/y.log", "a/x.log"])]
        assert discover(files).sources == discover(files[::-1]).sources == discover([tmp_path]).sources


class TestStandardInput:
    def test_it_is_a_source(self) -> None:
        discovery = discover(["-"], stdin=io.BytesIO(LINE * 3))
        (source,) = discovery.sources
        assert (source.path, source.family, source.size) == ("stdin", "stdin", 3 * len(LINE))
        assert text_of(discovery, "stdin") == LINE * 3

    def test_compressed_and_beside_files(self, tmp_path: Path) -> None:
        write(tmp_path / "x.log")
        discovery = discover([tmp_path, "-"], stdin=io.BytesIO(gzip.compress(LINE)))
        assert paths_of(discovery) == ["stdin", "x.log"]
        assert text_of(discovery, "stdin") == LINE

    def test_the_same_input_is_the_same_source_again(self) -> None:
        first = discover(["-"], stdin=io.BytesIO(LINE)).sources
        assert discover(["-", "-"], stdin=io.BytesIO(LINE)).sources == first

    def test_nothing_on_it_is_an_error(self) -> None:
        with pytest.raises(SourceError, match="standard input: empty"):
            discover(["-"], stdin=io.BytesIO())

    def test_a_pipe_named_by_the_shell(self) -> None:
        reading, writing = os.pipe()
        os.write(writing, LINE)
        os.close(writing)
        try:
            discovery = discover([f"/dev/fd/{reading}"])
        finally:
            os.close(reading)
        assert text_of(discovery, str(reading)) == LINE

    def test_the_spool_does_not_grow_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for i in range(5):
            discover(["-"], stdin=io.BytesIO(LINE * (i + 1)))
        copies = list(spool.spool_directory().iterdir())
        assert len(copies) == 5
        for age, copy in enumerate(copies):
            os.utime(copy, (1_000_000 - age, 1_000_000))
        spool.prune(spool.spool_directory(), limit=copies[0].stat().st_size + copies[1].stat().st_size)
        assert set(spool.spool_directory().iterdir()) == set(copies[:2])

    def test_one_that_cannot_be_read_is_an_error(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        class Broken(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                raise IsADirectoryError(21, "Is a directory")

        with pytest.raises(SourceError, match="standard input cannot be read: is a directory"):
            discover(["-"], stdin=Broken())
        monkeypatch.setattr("sys.stdin", None)
        with pytest.raises(SourceError, match="standard input is closed"):
            discover(["-"])

    def test_no_room_for_a_copy_is_an_error(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RECONSTRUCT_CACHE_DIR", str(write(tmp_path / "file")))
        with pytest.raises(SourceError) as raised:
            discover(["-"], stdin=io.BytesIO(LINE))
        assert "RECONSTRUCT_CACHE_DIR" in raised.value.hint


class TestContent:
    @pytest.mark.parametrize(
        ("compression", "compress"),
        [
            ("gzip", gzip.compress),
            ("bzip2", bz2.compress),
            ("xz", lzma.compress),
            ("zstd", zstandard.compress),
            # a skippable frame first, as pzstd writes
            ("zstd", lambda data: b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstandard.compress(data)),
        ],
    )
    def test_compression_is_seen_not_named(self, tmp_path: Path, compression: str, compress: object) -> None:
        write(tmp_path / "wrong.txt", compress(LINE * 50))  # type: ignore[operator]
        write(tmp_path / "plain.log.gz")
        discovery = discover([tmp_path])
        assert [source.compression for source in discovery.sources] == [None, compression]
        assert text_of(discovery, "wrong.txt") == LINE * 50

    @pytest.mark.parametrize(
        ("content", "encoding"),
        [
            (LINE, "utf-8"),
            ("naïve Zoë\n".encode(), "utf-8"),
            ("naïve Zoë\n".encode("latin-1"), "latin-1"),
            ("naïve Zoë, Köln\n".encode() + b"\xff\xfe\x80 probe\n", "utf-8"),  # broken in places
            (LINE * 20 + b'GET /\xff\xd8\xff\xe0\x10 "\x80\x81"\n', "utf-8"),  # a probe's bytes, no words
            (LINE + "message cut inside a letter: Kö".encode()[:-1] + b"\n", "utf-8"),
            ("привет, мир\n".encode("cp1251") * 9, "latin-1"),
            (LINE.decode().encode("utf-16"), "utf-16-le"),
            (LINE.decode().encode("utf-16-le"), "utf-16-le"),
            (LINE.decode().encode("utf-16-be"), "utf-16-be"),
            (b"\xfe\xff" + "日本語のログ\n".encode("utf-16-be"), "utf-16-be"),
            (b"\xef\xbb\xbf" + LINE, "utf-8"),
            (b"\x1b[32mINFO\x1b[0m started\n" * 30, "utf-8"),
            (b"\0" * 5000 + LINE, "utf-8"),  # truncated while it was written
            (b"one\0two\0three " * 4 + LINE * 4, "utf-8"),
        ],
    )
    def test_encodings(self, tmp_path: Path, content: bytes, encoding: str) -> None:
        assert discover([write(tmp_path / "x.log", content)]).sources[0].encoding == encoding

    def test_a_latin_1_word_deep_in_a_large_file(self, tmp_path: Path) -> None:
        lines = [b"%07d order placed\n" % i for i in range(150_000)]
        lines[75_000:76_500] = [b"%07d K\xf6ln stra\xdfe\n" % i for i in range(1500)]
        assert discover([write(tmp_path / "x.log", b"".join(lines))]).sources[0].encoding == "latin-1"

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "empty"),
            (b"\n\n\r\n", "empty"),
            (b"\0" * 4096, "empty"),
            (gzip.compress(b"", mtime=0), "empty"),
            (b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 8, "binary file"),
            (bytes(range(256)) * 40, "binary file"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0" + b"\x05\x07\xb7\x9c" * 99, "binary file"),
            (b"PAR1" + b"text " * 40, "Parquet file"),
            (b"LPKSHHRH" + b"\0" * 99, "systemd journal; write it out with: journalctl --file FILE -o json"),
            (b"\x04\x22\x4d\x18" + b"text " * 40, "lz4-compressed; unpack it with: lz4 -d FILE"),
            ("text\n".encode("utf-32"), "UTF-32 text"),
            (b'{"schema":"reconstruct.journeys","schema_version":"1.0"}', "an export of reconstruct"),
            (gzip.compress(LINE, mtime=0)[:10], "gzip data is truncated: nothing in it can be read"),
            (b"\x1f\x8b\x08" + b"\xff" * 99, "gzip data is damaged"),
            (gzip.compress(gzip.compress(LINE, mtime=0), mtime=0), "binary file"),
        ],
    )
    def test_what_is_no_log_says_why(self, tmp_path: Path, content: bytes, reason: str) -> None:
        write(tmp_path / "good.log")
        write(tmp_path / "other", content)
        discovery = discover([tmp_path])
        assert paths_of(discovery) == ["good.log"]
        assert skipped_of(discovery)["other"].startswith(reason)


class TestPassedOver:
    def test_by_name(self, tmp_path: Path) -> None:
        write(tmp_path / "x.log")
        for name in (".hidden.log", ".git/config", "x.log~", "#x.log#", "x.log.bak", "app.pid", "reconstruct.toml"):
            write(tmp_path / name)
        discovery = discover([tmp_path])
        assert paths_of(discovery) == ["x.log"]
        assert skipped_of(discovery) == {
            ".hidden.log": "hidden",
            ".git/": "hidden",
            "x.log~": "editor backup",
            "#x.log#": "editor backup",
            "x.log.bak": "editor backup",
            "app.pid": "process state, not a log",
            "reconstruct.toml": "configuration of reconstruct",
        }

    def test_not_when_the_user_names_it(self, tmp_path: Path) -> None:
        assert paths_of(discover([write(tmp_path / ".hidden.log")])) == [".hidden.log"]

    def test_what_is_not_a_file(self, tmp_path: Path) -> None:
        write(tmp_path / "x.log")
        os.mkfifo(tmp_path / "pipe")
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(tmp_path / "sock"))
            assert skipped_of(discover([tmp_path])) == {"pipe": "named pipe", "sock": "socket"}

    def test_links(self, tmp_path: Path) -> None:
        """Links are followed, into nothing twice; loops end."""
        logs = tmp_path / "logs"
        real = write(logs / "m/x.log")
        write(tmp_path / "pods/y.log")
        (logs / "a.log").symlink_to(real)
        os.link(real, logs / "z.log")
        (logs / "pods").symlink_to(tmp_path / "pods")
        (logs / "pods2").symlink_to(tmp_path / "pods")
        (logs / "m/self").symlink_to(logs)
        (logs / "up").symlink_to(tmp_path)
        (logs / "loop").symlink_to(logs / "loop")
        (logs / "gone.log").symlink_to(logs / "nothing")
        discovery = discover([logs])
        assert paths_of(discovery) == ["m/x.log", "pods/y.log"]
        skipped = skipped_of(discovery)
        assert skipped.pop("loop").startswith("cannot be read: too many levels")
        assert skipped == {
            "a.log": "the same file as m/x.log",
            "z.log": "the same file as m/x.log",
            "pods2/": "directory already read",
            "m/self/": "directory already read",
            "up/": "link to a directory above",
            "gone.log": "broken symbolic link",
        }

    def test_what_may_not_be_read(self, tmp_path: Path) -> None:
        write(tmp_path / "x.log")
        write(tmp_path / "secret.log").chmod(0)
        write(tmp_path / "closed/x.log").parent.chmod(0)
        tmp_path.chmod(0o755)
        with ordinary_user(tmp_path):
            discovery = discover([tmp_path])
            with pytest.raises(SourceError, match="permission denied") as raised:
                discover([tmp_path / "closed"])
            with pytest.raises(SourceError, match="permission denied"):
                discover([tmp_path / "secret.log"])
        (tmp_path / "closed").chmod(0o755)
        assert raised.value.hint
        assert paths_of(discovery) == ["x.log"]
        assert skipped_of(discovery) == {
            "secret.log": "cannot be read: permission denied",
            "closed/": "cannot be read: permission denied",
        }

    def test_copies_of_rotated_files(self, tmp_path: Path) -> None:
        """``x.log.2`` is being compressed; ``x.log.1`` was copied from ``x.log``; without a stamp nothing shows it."""
        write(tmp_path / "x.log", LINE * 3)
        write(tmp_path / "x.log.1", LINE * 3)
        write(tmp_path / "x.log.2", LINE * 9)
        write(tmp_path / "x.log.2.gz", gzip.compress(LINE * 5))
        write(tmp_path / "y.log", b"started\n")
        write(tmp_path / "y.log.1", b"started\n")
        discovery = discover([tmp_path])
        assert paths_of(discovery) == ["x.log", "x.log.2", "y.log", "y.log.1"]
        assert [source.rank for source in discovery.sources] == [1, 0, 1, 0]
        assert skipped_of(discovery) == {
            "x.log.1": "a copy of x.log",
            "x.log.2.gz": "the compressed copy of x.log.2",
        }


class TestErrors:
    def test_no_such_path_names_a_near_one(self, tmp_path: Path) -> None:
        write(tmp_path / "access.log")
        with pytest.raises(SourceError, match="no such file or directory") as raised:
            discover([tmp_path / "acces.log"])
        assert str(tmp_path / "access.log") in raised.value.hint
        with pytest.raises(SourceError) as raised:
            discover([tmp_path / "nowhere" / "x"])
        assert raised.value.hint

    def test_a_pattern_without_a_match(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="no file matches"):
            discover([str(tmp_path / "*.log")])

    def test_an_empty_directory(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="no files in") as raised:
            discover([tmp_path])
        assert "log file" in raised.value.hint

    def test_a_directory_without_logs_says_what_is_there(self, tmp_path: Path) -> None:
        write(tmp_path / "a", b"")
        write(tmp_path / "b", b"")
        write(tmp_path / "c", bytes(range(256)) * 9)
        with pytest.raises(SourceError, match="nothing to read in") as raised:
            discover([tmp_path])
        assert "2 × empty, 1 × binary file" in raised.value.hint

    def test_one_file_says_why(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match=r"x\.bin: binary file"):
            discover([write(tmp_path / "x.bin", bytes(range(256)) * 9)])


class TestArchives:
    MEMBERS: ClassVar = {
        "logs/access.log": LINE * 4,
        "logs/access.log.1.gz": gzip.compress(LINE * 2),
        "logs/.hidden": LINE,
        "logs/core": bytes(range(256)) * 9,
        "/../../etc/x.log": LINE,
    }

    def tar(self, mode: str) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
            for name, content in self.MEMBERS.items():
                info = tarfile.TarInfo(name)
                info.size, info.mtime = len(content), 1_789_000_000
                archive.addfile(info, io.BytesIO(content))
            link = tarfile.TarInfo("logs/link.log")
            link.type, link.linkname = tarfile.SYMTYPE, "access.log"
            archive.addfile(link)
        return out.getvalue()

    def check(self, discovery: Discovery, name: str) -> None:
        assert paths_of(discovery) == [
            f"{name}/{path}" for path in ("etc/x.log", "logs/access.log", "logs/access.log.1.gz")
        ]
        assert text_of(discovery, f"{name}/logs/access.log") == LINE * 4
        assert text_of(discovery, f"{name}/logs/access.log.1.gz") == LINE * 2
        assert [source.rank for source in discovery.sources] == [0, 1, 0]
        skipped = skipped_of(discovery)
        assert skipped[f"{name}/logs/.hidden"] == "hidden"
        assert skipped[f"{name}/logs/core"] == "binary file"

    @pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
    def test_tar(self, tmp_path: Path, mode: str) -> None:
        discovery = discover([write(tmp_path / "all.tar", self.tar(mode)).parent])
        self.check(discovery, "all.tar")
        assert discovery.sources[0].modified_ns == 1_789_000_000 * 10**9
        assert skipped_of(discovery)["all.tar/logs/link.log"] == "not a regular file"
        assert discover([tmp_path]) == discovery  # from the spool, the second time

    def test_zip(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self.MEMBERS.items():
                archive.writestr(name, content)
        self.check(discover([tmp_path]), "all.zip")

    def test_what_tail_gives_of_several_files(self, tmp_path: Path) -> None:
        """Each file is a source of its own, however often ``tail -f`` comes back to it; headings are nobody's lines."""
        write(
            tmp_path / "sent.txt",
            b"==> /var/log/a.log <==\none\n\ntwo\n\n==> b.log <==\nthree\n\n==> /var/log/a.log <==\nfour\n\n",
        )
        discovery = discover([tmp_path])
        content = {source.path: source.file.read_bytes() for source in discovery.sources}
        assert content == {"sent.txt/b.log": b"three\n", "sent.txt/var/log/a.log": b"one\n\ntwo\nfour\n\n"}

    def test_tar_on_standard_input(self) -> None:
        self.check(discover(["-"], stdin=io.BytesIO(self.tar("w:gz"))), "stdin")

    def test_a_truncated_archive_is_read_as_far_as_it_goes(self, tmp_path: Path) -> None:
        write(tmp_path / "all.tar", self.tar("w")[:2600])
        discovery = discover([tmp_path])
        assert "all.tar/logs/access.log" in paths_of(discovery)
        assert "read as far as it goes" in skipped_of(discovery)["all.tar"]

    def test_archives_of_other_things(self, tmp_path: Path) -> None:
        write(tmp_path / "x.log")
        write(tmp_path / "broken.zip", b"PK\x03\x04" + b"x" * 99)
        with zipfile.ZipFile(tmp_path / "shop.jar", "w") as archive:
            archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0")
        with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive:
            archive.writestr("all.tar", self.tar("w"))
        skipped = skipped_of(discover([tmp_path]))
        assert skipped.pop("broken.zip").startswith("the archive is damaged")
        assert skipped == {
            "shop.jar": "a program or office document, not an archive of logs",
            "twice.zip/all.tar": "archive inside an archive; unpack it first",
        }


class TestFingerprint:
    def test_it_is_the_content_s(self, tmp_path: Path) -> None:
        one, two = write(tmp_path / "a/x.log"), write(tmp_path / "b/y.log")
        os.utime(two, (0, 0))
        first, second = (discover([file]).sources[0] for file in (one, two))
        assert first.fingerprint == second.fingerprint != discover([write(one, LINE * 2)]).sources[0].fingerprint

    @pytest.mark.parametrize("at", [0, 1_000_000, 1_999_999])
    def test_large_files_are_sampled(self, tmp_path: Path, at: int) -> None:
        content = bytearray(b"0123456789\n" * 200_000)
        file = write(tmp_path / "x.log", bytes(content))
        before = fingerprint_of(file, len(content))
        content[at : at + 20_000] = b"z" * 20_000  # longer than the gap between two samples, less than one apart
        assert fingerprint_of(write(file, bytes(content)), len(content)) != before

    def test_a_grown_file_is_recognised_by_its_old_size(self, tmp_path: Path) -> None:
        file = write(tmp_path / "x.log", LINE * 40_000)
        size = file.stat().st_size
        before = discover([file]).sources[0].fingerprint
        with file.open("ab") as opened:
            opened.write(LINE)
        assert fingerprint_of(file, size) == before != fingerprint_of(file, size + len(LINE))
