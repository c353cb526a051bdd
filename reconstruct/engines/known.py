"""What of an earlier reading still holds, so that logs that have grown are read from where they ended.

A log is the same one when it begins with the very bytes that were read before: under its old name, under another after a
rotation, or compressed since. What is taken over is then what reading it again would give:

- a log without any change, or its compressed copy, as a whole;
- a log that has grown, up to the last chunk whose entries nothing that was appended can reach.

Whatever may be read otherwise because of what was appended is read anew: stamps completed from the time of the last write, logs
of which copies were left out, and a log of which its first lines now say that it is of other formats.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import orjson

from reconstruct.engines.local import Start
from reconstruct.events.source_profile import PROFILE_BYTES, SourceProfile, profile_source
from reconstruct.grammar.plans import MatchPlan
from reconstruct.sources import LOOKAHEAD, Source, read_slice, read_slices
from reconstruct.sources.probe import fingerprint_of, fingerprint_pieces, sample_spans
from reconstruct.store.database import EID_SHIFT, Span, Store


@dataclass(frozen=True, slots=True)
class Part:
    """The first lines of a source, and how they were read."""

    end: int
    """offset in the decoded stream of what follows"""
    chunks: int
    lines: int
    counts: Counter[str]
    formats: Counter[str]
    notes: Counter[str]
    samples: tuple[dict[str, Any], ...]
    slots: tuple[str, ...]
    """of its mentions, in the order in which they were first met: that of their numbers"""


@dataclass(frozen=True, slots=True)
class Known:
    """How a source was read."""

    source: Source
    profile: SourceProfile
    lines: int
    settled: Part | None
    """what appended lines cannot change"""
    whole: Part | None
    """None: not all of it is in the store, since entries were taken out as copies"""


@dataclass(frozen=True, slots=True)
class Reading:
    """How the sources of a store were read."""

    sources: tuple[Known, ...] = ()
    key: str = ""
    """of what reading depends on beside the logs"""
    origins: Mapping[int, tuple[str, int]] = field(default_factory=dict)
    """``Source.id`` → path and number of lines of the source of an earlier reading that it begins with"""


NOT_KNOWN = Reading()


KEPT = "known"
"""Where a store keeps it."""


def keep_reading(store: Store, reading: Reading) -> None:
    """Keep with a store how its sources were read, for when it is opened again and they have grown.

    Profiles are not kept: they follow from the first lines. Sources whose profile needs more than these are left out.
    """
    known = [each for each in reading.sources if each.profile.undated is None and not each.profile.has_directives]
    parts = {
        each.source.id: [each.lines, *(_write_part(part) if part else None for part in (each.settled, each.whole))]
        for each in known
    }
    store.set_meta(KEPT, orjson.dumps([reading.key, list(parts.items())]).decode())


def kept_reading(store: Store, sources: Sequence[Source], local: Sequence[MatchPlan]) -> Reading:
    """The same, of a store that was opened again. ``sources``: as they were when it was opened; what has been moved away since
    is not known any more."""
    key, parts = orjson.loads(store.meta(KEPT) or '["", []]')
    known = []
    for id, (lines, settled, whole) in parts:
        source = sources[id]
        try:
            if fingerprint_of(source.file, source.size) != source.fingerprint:
                continue
            head = read_slice(source, 0, min(PROFILE_BYTES, source.size) if source.seekable else PROFILE_BYTES)
        except OSError:
            continue
        profile = profile_source(head, source, local=local)
        known.append(Known(source, profile, lines, _read_part(settled), _read_part(whole)))
    return Reading(tuple(known), key)


def _write_part(part: Part) -> dict[str, Any]:
    return {each.name: getattr(part, each.name) for each in fields(Part)}


def _read_part(kept: dict[str, Any] | None) -> Part | None:
    if kept is None:
        return None
    counted = {name: Counter(kept[name]) for name in ("counts", "formats", "notes")}
    return Part(**{**kept, **counted, "samples": tuple(kept["samples"]), "slots": tuple(kept["slots"])})


def is_settled(source: Source, end: int) -> bool:
    """Whether entries that begin before ``end`` are whole, whatever will be appended."""
    return source.seekable and end + LOOKAHEAD + len(BOM_UTF8) <= source.size


@dataclass(frozen=True, slots=True)
class Continued:
    """A source that begins with all that was known of one."""

    known: Known
    part: Part | None
    """what is taken over; None: it is read anew"""


def continue_sources(
    sources: Iterable[Source], known: Sequence[Known], local: Sequence[MatchPlan]
) -> dict[int, Continued]:
    """Which sources continue known ones, by ``Source.id``. Reads the samples that fingerprints are made of."""
    exact: dict[str, list[Known]] = {}
    families: dict[str, list[Known]] = {}
    for each in known:
        exact.setdefault(each.source.fingerprint, []).append(each)
        families.setdefault(each.source.family, []).append(each)
    found = {}
    for source in sources:
        same = sorted(exact.get(source.fingerprint, []), key=lambda each: each.source.path != source.path)
        if same:
            found[source.id] = Continued(same[0], same[0].whole if _reads_alike(same[0], source, local) else None)
            continue
        nearest = sorted(families.get(source.family, []), key=lambda each: each.source.path != source.path)
        for each in nearest:
            if each.source.seekable and (continued := _continue(each, source, local)):
                found[source.id] = continued
                break
    return found


def origins_of(continued: Mapping[int, Continued]) -> dict[int, tuple[str, int]]:
    """For ``Reading.origins``."""
    return {id: (each.known.source.path, each.known.lines) for id, each in continued.items()}


def _continue(known: Known, source: Source, local: Sequence[MatchPlan]) -> Continued | None:
    size = known.source.size
    try:
        if source.seekable:
            if source.size <= size or fingerprint_of(source.file, size) != known.source.fingerprint:
                return None
        elif source.compression is None or _fingerprint_inside(source, size) != known.source.fingerprint:
            return None
    except OSError:
        return None
    if not _reads_alike(known, source, local):
        return Continued(known, None)
    if not source.seekable:
        is_all = not read_slice(source, size, 1)
        return Continued(known, known.whole if is_all else None)
    return Continued(known, known.settled)


def _fingerprint_inside(source: Source, size: int) -> str:
    """The fingerprint of the first ``size`` bytes of what is compressed."""
    return fingerprint_pieces(read_slices(source, sample_spans(size)), size)


def _reads_alike(known: Known, source: Source, local: Sequence[MatchPlan]) -> bool:
    """Whether what is known was read as it would be now."""
    old, profile = known.source, known.profile
    if (old.encoding, old.forced, old.grammars) != (source.encoding, source.forced, source.grammars):
        return False
    if (old.path, old.fingerprint) == (source.path, source.fingerprint):
        return profile.undated is None or old.modified_ns == source.modified_ns
    if profile.undated is not None:
        return False
    head = read_slice(source, 0, min(PROFILE_BYTES, source.size) if source.seekable else PROFILE_BYTES)
    now = profile_source(head, source, local=local)
    return replace(now, modified_ns=0) == replace(profile, modified_ns=0, changes=())


class Carrier:
    """Brings what continues into a new store, in the order of its sources, between what is read anew."""

    def __init__(self, store: Store, earlier: Path | None, continued: Mapping[int, Continued]) -> None:
        """``earlier``: the file of the store that knows it; None when nothing is known."""
        self._store = store
        self.continued = {id: each for id, each in sorted(continued.items()) if each.part is not None and earlier}
        self.wholes = frozenset(id for id, each in self.continued.items() if each.part is each.known.whole)
        """sources of which nothing is left to be read"""
        self.starts = {
            id: Start(each.part.end, each.part.chunks, each.part.lines, _profile_at(each.known.profile, each.part.end))
            for id, each in self.continued.items()
            if each.part is not None and id not in self.wholes
        }
        self.bytes_known = sum(start.offset for start in self.starts.values())
        self._waiting = list(self.continued.items())
        if earlier is not None and self._waiting:
            store.attach(earlier)

    def bring(self, until: int) -> None:
        """Bring everything of the sources up to ``until``, before what is read anew of it."""
        cut = next((place for place, (id, _) in enumerate(self._waiting) if id > until), len(self._waiting))
        taken, self._waiting = self._waiting[:cut], self._waiting[cut:]
        if taken:
            slots = dict.fromkeys(slot for _, each in taken if each.part for slot in each.part.slots)
            self._store.take_spans(_in_runs(taken), tuple(slots))

    def bring_rest(self) -> None:
        """Bring what stands behind all that is read anew."""
        if self._waiting:
            self.bring(self._waiting[-1][0])

    def close(self) -> None:
        """Let go of the earlier store, once all is written."""
        if self.continued:
            self._store.detach()


def _profile_at(profile: SourceProfile, end: int) -> SourceProfile:
    """Without the directives behind ``end``: they are read again."""
    return replace(profile, changes=tuple(change for change in profile.changes if change[0] <= end))


def _in_runs(taken: Iterable[tuple[int, Continued]]) -> list[Span]:
    """The fewest spans: sources that follow each other in both stores travel together."""
    spans: list[Span] = []
    for id, each in taken:
        old, part = each.known.source.id, each.part
        assert part is not None
        last = (old << EID_SHIFT) | part.lines
        if spans and spans[-1].shift == id - old and spans[-1].last >> EID_SHIFT == old - 1 and spans[-1].is_whole:
            spans[-1] = Span(spans[-1].first, last, id - old, part is each.known.whole)
        else:
            spans.append(Span(old << EID_SHIFT, last, id - old, part is each.known.whole))
    return spans
