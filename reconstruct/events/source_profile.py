"""How the lines of one source are read: decided once, from a sample, so that all its chunks agree.

``choosing`` says which layer the lines are read by; here is what else a profile says of a source, and what changes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from reconstruct.events import w3c
from reconstruct.events.choosing import Chooser
from reconstruct.events.formats import Formats, formats_of
from reconstruct.events.lines import split_lines
from reconstruct.events.pods import service_of_path
from reconstruct.events.reading import Layer
from reconstruct.events.sample import Head, Sample
from reconstruct.events.undated import Undated, anchor_ns, find_undated
from reconstruct.grammar.plans import MatchPlan
from reconstruct.grammar.timestamps import TimeAnchor, choose_date_order, find_timestamp
from reconstruct.sources.model import LOOKAHEAD, Chunk, Source

PROFILE_BYTES = 512 << 10
"""How much of a source's head is looked at to decide how it is read."""

SAMPLE_LINES = 2_000
"""Lines of the sample that are looked at."""


@dataclass(frozen=True, slots=True)
class SourceProfile:
    """How to read one source. Small and picklable: it travels with every chunk."""

    layer: Layer
    modified_ns: int
    date_order: str | None = None
    service: str | None = None
    """from the file's name; fills events that do not say"""
    reach: int = LOOKAHEAD
    """bytes below an entry's first line that its continuations may take"""
    grammars: tuple[str, ...] = ()
    """directories with grammars of the user's; see ``Source.grammars``"""
    undated: Undated | None = None
    """what the stamps of the lines do not say, so that it was completed"""
    local: tuple[MatchPlan, ...] = ()
    """the formats in use that only these logs have: a layout in a configuration file among them"""
    changes: tuple[tuple[int, w3c.W3cHeader], ...] = ()
    """offset of the end of a chunk, and the ``#Fields:`` in force from there on where it changed; ascending"""

    @property
    def has_directives(self) -> bool:
        """Whether lines are read by directives above them, so that :func:`note_directives` must see every chunk."""
        return self.layer.headers.w3c is not None

    def layer_at(self, offset: int) -> Layer:
        """How the chunk at ``offset`` of the stream is read."""
        passed = [header for at, header in self.changes if at <= offset]
        return replace(self.layer, headers=replace(self.layer.headers, w3c=passed[-1])) if passed else self.layer


def profile_source(
    head: bytes, source: Source, plans: Mapping[str, MatchPlan] | None = None, local: Sequence[MatchPlan] = ()
) -> SourceProfile:
    """Decide how a source is read from ``head``: whole lines of its first PROFILE_BYTES, the first ones first.

    ``plans``: the grammars to know; those of this installation when not given. ``local``: those of these logs alone.
    """
    near = sorted(local, key=lambda plan: (-_nearness(plan.path, source.path), plan.id))
    head = head[:PROFILE_BYTES]
    whole = head.rfind(b"\n") + 1
    lines = split_lines(head[:whole] if whole else head).text[:SAMPLE_LINES]
    first = Head.of(lines)
    sample = Sample.of(first)
    stamps = [(line, find_timestamp(line)) for line in sample.lines]
    undated = find_undated([found[2] if found else "" for _, found in stamps], sample.weights)
    modified_ns = anchor_ns(source.path, source.modified_ns) if undated else source.modified_ns
    order = choose_date_order([line[found[0] : found[1]] for line, found in stamps if found], modified_ns)
    is_whole = len(head) < PROFILE_BYTES and len(lines) < SAMPLE_LINES

    def formats_with(told: Sequence[MatchPlan]) -> Formats:
        return formats_of(plans, source.grammars, (*near, *told))

    chooser = Chooser(formats_with, TimeAnchor(modified_ns, None, order), source.forced, is_whole=is_whole)
    layer = chooser.choose(sample, first, 0)
    used = frozenset(_walk_formats(layer))
    return SourceProfile(
        layer,
        modified_ns,
        order,
        service_of_path(source.path),
        grammars=source.grammars,
        local=tuple(plan for plan in (*near, *chooser.told) if plan.id in used),
        undated=undated,
    )


def _nearness(one: str, other: str) -> int:
    """How many directories two shown paths share, from the root."""
    pairs = zip(one.split("/")[:-1], other.split("/")[:-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _walk_formats(layer: Layer) -> Iterator[str]:
    """Every format of a layer and of those inside it."""
    yield from layer.formats
    for _, inside in (*layer.envelopes, *layer.nested):
        yield from _walk_formats(inside)


_DIRECTIVE = re.compile(rb"^#", re.MULTILINE)


def note_directives(profile: SourceProfile, chunk: Chunk) -> SourceProfile:
    """The profile that also knows what the directives in ``chunk`` change; chunks are to be given in order.

    Only needed where ``profile.has_directives``; must have seen all chunks before the one that is scanned.
    """
    header = profile.changes[-1][1] if profile.changes else profile.layer.headers.w3c
    if header is None or not _DIRECTIVE.search(chunk.data):
        return profile
    found = w3c.read_directives(header, [line for line in split_lines(chunk.data).text if line.startswith("#")])
    if found == header:
        return profile
    return replace(profile, changes=(*profile.changes, (chunk.end, found)))
