"""What a source is recognised as depends on the source alone, and is quick to find out for many small ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconstruct.engines.local import scan_sources
from reconstruct.events import formats
from reconstruct.events.formats import DELIMITED, known_formats
from reconstruct.events.source_profile import profile_source
from reconstruct.sources import CHUNK_BYTES, Source, discover

SAMPLES = Path(__file__).parent.parent / "samples"
NAMES = sorted(path.parent.name for path in SAMPLES.glob("*/*.expected.jsonl"))


def read(sources: list[Source]) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for scanned in scan_sources(sources, chunk_bytes=CHUNK_BYTES, pool=None):
        scan = scanned.scan
        found[scanned.source.path] = (scan.formats, scan.account, scan.events.to_pydict()["attributes"])
    return found


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    """A small file of every format, and files that mix two."""
    directory = tmp_path_factory.mktemp("mixed")
    for first, second in zip(NAMES, NAMES[1:] + NAMES[:1], strict=True):
        texts = [(SAMPLES / name / f"{name}.log").read_bytes() for name in (first, second)]
        (directory / f"{first}.txt").write_bytes(texts[0])
        (directory / f"{first}-then-{second}.txt").write_bytes(b"".join(texts))
    return list(discover([directory]).sources)


def test_neither_order_nor_company_changes_what_is_read(mixed: list[Source]) -> None:
    forwards = read(mixed)
    assert read(mixed[::-1]) == forwards
    formats._known.clear()  # nothing remembered of what was read before
    for source in mixed[:: len(mixed) // 10]:
        assert read([source]) == {source.path: forwards[source.path]}


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_recognised_from_any_of_its_lines(name: str) -> None:
    """One line is enough, also one without the moment that others of its format have."""
    if (plan := known_formats().plan(name)) and plan.below:
        pytest.skip("its lines are no entries")
    if not known_formats().tells(name):
        pytest.skip("says too little of a line")
    sample = SAMPLES / name / f"{name}.log"  # its lines, not the copy that an export is unfolded into
    source = discover([sample]).sources[0]
    lines = [line for line in sample.read_bytes().split(b"\n") if line]
    for line in lines:
        layer = profile_source(line + b"\n", source).layer
        found = {*layer.formats, *(each for _, inner in layer.envelopes for each in inner.formats)}
        found |= {each for _, inner in layer.nested for each in inner.formats}
        assert name in found or DELIMITED in layer.formats, line  # a CSV layout that is known without its header
