"""Any bytes, any chunk size, any compression: the chunks are the decoded stream, cut at line ends."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconstruct.errors import SourceError
from reconstruct.sources import (
    Chunk,
    Source,
    chunks,
    discover,
    load_chunk,
    plan_ranges,
    read_chunks,
    read_slice,
    read_slices,
    slices,
)

COMPRESS: dict[str | None, Callable[[bytes], bytes]] = {
    None: bytes,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bzip2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,  # as the command line does
}
ENCODINGS = ["utf-8", "utf-16-le", "utf-16-be", "latin-1"]


def source_of(file: Path, compression: str | None = None, encoding: str = "utf-8") -> Source:
    """A source without discovery, so that any bytes can be one."""
    return Source(7, file.name, file, file.stat().st_size, compression, encoding, file.name, 0, 0, str(time.time_ns()))


@contextmanager
def constants(**values: int) -> Iterator[None]:
    """Small limits, so that small inputs meet them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(chunks, name, value)
        yield


def check_chunks(found: list[Chunk], stream: bytes, line_cap: int = 1 << 60, lookahead: int = 1 << 60) -> None:
    """Everything a chunk promises, against the whole decoded stream."""
    offset = n_lines = 0
    for index, chunk in enumerate(found):
        assert (chunk.source, chunk.index, chunk.offset) == (7, index, offset)
        assert offset == 0 or stream[offset - 1 : offset] == b"\n"
        assert stream[offset : offset + len(chunk.data)] == chunk.data
        if chunk.cut:
            last_line = stream[offset : chunk.end].removesuffix(b"\n").rsplit(b"\n", 1)[-1]
            assert len(last_line) >= line_cap and len(chunk.data.rsplit(b"\n", 1)[-1]) == line_cap
        following = stream[chunk.end :]
        assert following.startswith(chunk.lookahead) and len(chunk.lookahead) <= lookahead
        whole = following[:lookahead]
        expected = whole if len(following) <= lookahead else whole[: whole.rfind(b"\n") + 1]
        assert chunk.lookahead == expected
        n_lines += len(chunk.data.removesuffix(b"\n").split(b"\n")) if chunk.data else 0
        offset = chunk.end
        assert chunk.last == (index == len(found) - 1)
    assert offset == len(stream)
    assert n_lines == (len(stream.removesuffix(b"\n").split(b"\n")) if stream else 0)


LINES = st.lists(st.binary(max_size=40), max_size=30).map(b"\n".join)


@pytest.mark.parametrize("compression", COMPRESS)
@given(
    data=st.one_of(LINES, st.binary(max_size=300)),
    chunk_bytes=st.integers(1, 120),
    lookahead=st.integers(1, 60),
    line_cap=st.integers(5, 400),
)
@example(b"", 1, 1, 5)
@example(b"\n\n\n", 1, 1, 5)
@example(b"\xef\xbb\xbfmark\n", 4, 8, 5)
@example(b"123456789\n" * 3, 3, 8, 5)
@settings(max_examples=60)
def test_chunks_are_the_stream(
    tmp_path_factory: pytest.TempPathFactory,
    compression: str | None,
    data: bytes,
    chunk_bytes: int,
    lookahead: int,
    line_cap: int,
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.log"
    file.write_bytes(COMPRESS[compression](data))
    source = source_of(file, compression)
    with constants(LOOKAHEAD=lookahead, LINE_CAP=line_cap):
        found = list(read_chunks(source, chunk_bytes))
    check_chunks(found, data.removeprefix(b"\xef\xbb\xbf"), line_cap, lookahead)
    assert sum(chunk.disk_bytes for chunk in found) == source.size
    assert not any(chunk.note for chunk in found)


@given(LINES, st.integers(1, 120), st.integers(5, 100))
@settings(max_examples=60)
def test_both_doors_cut_alike(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, chunk_bytes: int, line_cap: int
) -> None:
    """Ranges of a plain file and the stream of its compressed twin are the same chunks."""
    plain, packed = (tmp_path_factory.getbasetemp() / name for name in ("twin.log", "twin.log.gz"))
    plain.write_bytes(data)
    packed.write_bytes(gzip.compress(data, mtime=0))
    with constants(LOOKAHEAD=32, LINE_CAP=line_cap):
        refs = plan_ranges(source_of(plain), chunk_bytes)
        ranges = [load_chunk(source_of(plain), ref) for ref in reversed(refs)][::-1]
        streamed = list(read_chunks(source_of(packed, "gzip"), chunk_bytes))
    for one, other in zip(ranges, streamed, strict=True):
        assert (one.offset, one.data, one.lookahead, one.cut, one.last) == (
            other.offset,
            other.data,
            other.lookahead,
            other.cut,
            other.last,
        )


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@given(text=st.text(st.characters(codec="latin-1"), max_size=200), chunk_bytes=st.integers(1, 50))
@settings(max_examples=30)
def test_other_encodings_become_utf_8(
    tmp_path_factory: pytest.TempPathFactory, encoding: str, mark: str, text: str, chunk_bytes: int
) -> None:
    if encoding == "latin-1":
        mark = ""
    file = tmp_path_factory.getbasetemp() / "encoded.log"
    file.write_bytes((mark + text).encode(encoding))
    found = list(read_chunks(source_of(file, encoding=encoding), chunk_bytes))
    check_chunks(found, text.encode())


@given(
    data=LINES,
    spans=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 60)), max_size=8),
    compression=st.sampled_from(list(COMPRESS)),
    window=st.integers(1, 300),
)
@settings(max_examples=80)
def test_slices_are_the_stream_s(
    tmp_path_factory: pytest.TempPathFactory,
    data: bytes,
    spans: list[tuple[int, int]],
    compression: str | None,
    window: int,
) -> None:
    file = tmp_path_factory.getbasetemp() / "sliced.log"
    file.write_bytes(COMPRESS[compression](b"\xef\xbb\xbf" + data))
    source = source_of(file, compression)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "WINDOW_BYTES", window)
        expected = [data[offset : offset + length] for offset, length in spans]
        assert read_slices(source, spans) == expected
        assert [read_slice(source, *span) for span in spans] == expected  # any order, back and forth


@given(st.binary(min_size=40, max_size=4000), st.data())
@pytest.mark.parametrize("compression", ["gzip", "bzip2", "xz", "zstd"])
@settings(max_examples=40)
def test_damaged_data_is_read_as_far_as_it_goes(
    tmp_path_factory: pytest.TempPathFactory, compression: str, text: bytes, data: st.DataObject
) -> None:
    """Cut or spoilt anywhere: no exception, chunks still add up, and a note says that something is missing."""
    whole = bytearray(COMPRESS[compression](text))
    if data.draw(st.booleans(), "cut"):
        del whole[data.draw(st.integers(12, len(whole) - 1), "at") :]
    else:
        whole[data.draw(st.integers(0, len(whole) - 1), "at")] ^= data.draw(st.integers(1, 255), "by")
    file = tmp_path_factory.getbasetemp() / "damaged"
    file.write_bytes(whole)
    found = list(read_chunks(source_of(file, compression), 100))
    stream = b"".join(chunk.data for chunk in found)
    check_chunks(found, stream)
    assert found[-1].note or stream == text  # some bytes (a time stamp in the header) carry nothing


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "xz", "zstd"])
def test_a_truncated_file_gives_what_came_before(tmp_path: Path, compression: str) -> None:
    lines = b"".join(b"%06d %s\n" % (number, os.urandom(24).hex().encode()) for number in range(40_000))
    file = tmp_path / "x.log"
    whole = COMPRESS[compression](lines)
    file.write_bytes(whole[: len(whole) * 3 // 4])
    found = list(read_chunks(source_of(file, compression)))
    stream = b"".join(chunk.data for chunk in found)
    assert lines.startswith(stream) and len(stream) > len(lines) / 4
    assert found[-1].note == f"{compression} data is truncated; read as far as it goes"


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "xz", "zstd"])
def test_concatenated_members_are_one_stream(tmp_path: Path, compression: str) -> None:
    compress = COMPRESS[compression]
    file = tmp_path / "x.log"
    file.write_bytes(compress(b"one\n") + compress(b"") + compress(b"two\n") + b"\0" * 100)
    (chunk,) = read_chunks(source_of(file, compression))
    assert (chunk.data, chunk.note) == (b"one\ntwo\n", "")
    file.write_bytes(compress(b"one\n") + b"not compressed")
    (chunk,) = read_chunks(source_of(file, compression))
    assert chunk.data == b"one\n"
    assert "after the end" in chunk.note


def test_what_is_appended_later_waits(tmp_path: Path) -> None:
    file = tmp_path / "x.log"
    file.write_bytes(b"one\n")
    source = source_of(file)
    with file.open("ab") as opened:
        opened.write(b"two\n")
    assert [chunk.data for chunk in read_chunks(source)] == [b"one\n"]


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_file_that_shrank_or_went_away_is_a_note(tmp_path: Path, compression: str | None) -> None:
    file = tmp_path / "x.log"
    file.write_bytes(COMPRESS[compression](b"one\ntwo\n"))
    source = source_of(file, compression)
    os.truncate(file, 0)
    (chunk,) = read_chunks(source)
    assert (chunk.data, chunk.last) == (b"", True)
    assert chunk.note == "the file became shorter while it was read"
    file.unlink()
    (chunk,) = read_chunks(source)
    assert (chunk.data, chunk.note) == (b"", "cannot be read: no such file or directory")
    with pytest.raises(SourceError, match="no such file") as raised:
        read_slice(source, 0, 3)
    assert raised.value.hint


def test_only_seekable_sources_have_ranges(tmp_path: Path) -> None:
    file = tmp_path / "x.log"
    file.write_bytes(gzip.compress(b"one\n"))
    with pytest.raises(ValueError, match="no ranges"):
        plan_ranges(source_of(file, "gzip"))


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_huge_line_costs_little(tmp_path: Path, compression: str | None) -> None:
    """200 MB without a line end: cut, counted as one line, and never held several times over."""
    size = 200 << 20
    file = tmp_path / "x.log"
    with gzip.open(file, "wb", compresslevel=1) if compression else file.open("wb") as opened:
        opened.write(b"first\n")
        for _ in range(200):
            opened.write(b"x" * (1 << 20))
        opened.write(b"\nlast\n")
    source = source_of(file, compression)
    tracemalloc.start()
    try:
        kept = [(len(chunk.data), chunk.cut, chunk.end) for chunk in read_chunks(source)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    cap = chunks.LINE_CAP
    assert kept == [(6 + cap, size + 1 - cap, 6 + size + 1), (5, 0, 6 + size + 6)]
    assert peak < 250 << 20
    assert read_slice(source, 6 + size - 3, 9) == b"xxx\nlast\n"


@pytest.mark.parametrize(
    ("compression", "megabytes"), [("gzip", 60), ("zstd", 90), ("bzip2", 30), ("xz", 30)]
)  # the last two are slow to compress
def test_a_bomb_costs_time_not_memory(tmp_path: Path, compression: str, megabytes: int) -> None:
    """Blocks that unpack to a thousand times their size come out in pieces."""
    file = tmp_path / "bomb"
    file.write_bytes(COMPRESS[compression]((b"x" * 99 + b"\n") * 10_000 * megabytes))
    source = source_of(file, compression)
    tracemalloc.start()
    try:
        n_lines = sum(chunk.data.count(b"\n") for chunk in read_chunks(source, 1 << 20))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert n_lines == 10_000 * megabytes
    assert peak < megabytes * 700_000


def test_discovered_sources_read_back(tmp_path: Path) -> None:
    """The whole way: what discovery says of a file is what reading it needs."""
    text = "Grüße aus Köln, 10 €\r\n"
    for name, content in {
        "plain.log": text.encode(),
        "marked.log": text.encode("utf-8-sig"),
        "wide.log": text.encode("utf-16"),
        "packed.log": gzip.compress(text.encode("utf-16-be")),
        "old.log": text.replace("€", "EUR").encode("latin-1"),
    }.items():
        (tmp_path / name).write_bytes(content)
    read = {
        source.path: b"".join(chunk.data for chunk in read_chunks(source)) for source in discover([tmp_path]).sources
    }
    assert read.pop("old.log").decode() == text.replace("€", "EUR")
    assert {content.decode() for content in read.values()} == {text}
    assert len(read) == 4
