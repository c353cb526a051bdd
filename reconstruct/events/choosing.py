"""Which layer the lines of a source are read by: envelopes, formats, what is inside, chosen from a sample.

Lines of the same shape are looked at a few times and counted as often as they occur. Every format that reads lines of
the sample becomes a candidate; candidates are tried on every line in order of rank, so a file may mix formats.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import compress

import numpy as np
import numpy.typing as npt

from reconstruct.events import delimited, envelopes, prefixes, w3c
from reconstruct.events.formats import (
    DELIMITED,
    GENERIC,
    JSON,
    LOGFMT,
    LTSV,
    NO_HEADERS,
    W3C,
    Formats,
    Headers,
    cut_long,
    may_have_time,
)
from reconstruct.events.labelled_requests import METHODS
from reconstruct.events.layers import MESSAGE_PAIR
from reconstruct.events.lines import line_shape
from reconstruct.events.multiline import looks_continued
from reconstruct.events.peeled import Peeled
from reconstruct.events.pretty import find_pretty, join_pretty
from reconstruct.events.reading import Layer, Rows
from reconstruct.events.sample import Head, Sample
from reconstruct.events.writers import index, name_writers, nest
from reconstruct.grammar.plans import MatchPlan, plans_of
from reconstruct.grammar.timestamps import TimeAnchor

MAX_DEPTH = 4
"""Levels of nesting: syslog around docker around JSON around a text format; nobody wraps deeper."""

MOST = 0.5
"""Share of lines that decides what a source as a whole is."""

_UNSURE = (prefixes.STERN, prefixes.CLOUDWATCH, prefixes.FLUENT_BIT)
"""Envelopes that text of a known format may look like."""

NEARLY_ALL = 0.9
"""Share of lines that must be indented, quoted or numbered for the file to be: what was written around them is not."""

_AROUND_ALL = frozenset((*prefixes.INDENTS, prefixes.QUOTED, prefixes.NUMBERED))
"""Envelopes that somebody put around all lines of a file."""

COMPOSE_SHARE = 0.8
"""Share of lines that must have the prefix of ``docker compose``: a bar is no rare thing in text."""

NESTED_SHARE = 0.1
"""Share of a writer's messages that must be lines of a format that says little before its messages are read by it."""

ENOUGH = 30
"""Messages of a writer in the sample from which on they stand for what else it writes: what is not among them is at most a tenth,
with a probability of 95 %. Of others more is tried, line by line."""

_REQUEST = re.compile(rf"\b(?:{METHODS})\b\W{{0,3}}(?:/|https?://)")
"""A request in a line of any layout."""

WITNESSES = 3
"""Lines of a writer that make a format which says little the one it writes; two may well be of its wording by chance."""

WRITER_FIELDS = frozenset(("service", "process"))
"""Fields that say who wrote a line; formats without any hold one writer's lines."""

Only = dict[str, frozenset[str]]
"""Formats that are those of some writers alone, and these."""


class Chooser:
    """Chooses the layer of a sample, level by level."""

    def __init__(
        self,
        formats_with: Callable[[Sequence[MatchPlan]], Formats],
        anchor: TimeAnchor,
        forced: str = "",
        *,
        is_whole: bool = False,
    ) -> None:
        """``formats_with``: the formats there are, and these; ``is_whole``: the sample is all there is of the source."""
        self._formats_with = formats_with
        self._formats = formats_with(())
        self.told: list[MatchPlan] = []
        """Formats that lines of the source told the layout of."""
        self._anchor = anchor
        self._forced = forced
        self._is_whole = is_whole

    def choose(self, sample: Sample, head: Head, depth: int) -> Layer:
        """The layer of whole lines; ``sample`` is that of ``head``, the first of them as they stand."""
        wrapped: list[tuple[str, Layer]] = []
        whole = head
        # a format the user has named is looked for inside envelopes, unless it reads the lines as they stand
        bare = self._forced not in ("", JSON) and self._reads_most(sample)
        if depth < MAX_DEPTH and not bare:
            for kind in envelopes.KINDS:
                peeled = envelopes.peel(kind, sample.lines, self._anchor) if sample.lines else None
                if peeled is None or not self._accepts(kind, peeled, sample):
                    continue
                layer, taken = self._choose_inside(kind, head, depth)
                if kind == prefixes.STAMPED and not self._is_stamped(sample.keep(peeled.mask, peeled.inside), layer):
                    continue
                wrapped.append((kind, replace(layer, plain=not layer.formats and not peeled.partial.any())))
                sample, head = sample.keep(~peeled.mask), head.keep(~taken)
        headers = Headers(w3c.find_header(whole.texts), None if depth else delimited.find_header(whole.texts))
        found, only = self._find_lines(sample, headers)
        if not self._forced and self._tell_layout(found, sample, head):
            found, only = self._find_lines(sample, headers)
        names = (self._forced,) if self._forced else tuple(found)
        text = (self._forced and self._forced != JSON) or any(self._formats.absorbs(name) for name in names)
        pretty = "" if text else find_pretty(whole.texts)
        nested = list(self._find_nested(found, sample, head, headers, depth))
        if pretty and JSON not in found:
            objects = Head.of(list(join_pretty(whole.texts, pretty)))
            told = Sample.of(objects)
            nested += self._find_nested({JSON: np.arange(len(told.lines))}, told, objects, headers, depth)
        return Layer(
            tuple(wrapped),
            names,
            tuple(nested),
            headers,
            unread=frozenset(map(line_shape, self._find_unread(sample, found))),
            pretty=pretty,
            closed=bool(self._forced),
            only=tuple(only.items()),
            nameless=whole.is_nameless,
        )

    def _choose_inside(self, kind: str, head: Head, depth: int) -> tuple[Layer, npt.NDArray[np.bool_]]:
        """How the lines inside an envelope are read, and which have it."""
        peeled = envelopes.peel(kind, head.texts, self._anchor)
        assert peeled is not None
        outer = list(compress(head.writers, peeled.mask.tolist()))
        inner = name_writers(peeled.columns, len(peeled.inside), peeled.stream)
        inside = Head.of([_first_line(text) for text in peeled.inside], nest(index(outer), inner).each())
        return self.choose(Sample.of(inside), inside, depth + 1), peeled.mask

    def _tell_layout(self, found: dict[str, Rows], sample: Sample, head: Head) -> bool:
        """Whether the requests that no format reads to the end tell of a layout of their own, which is known then."""
        unread = np.array([_REQUEST.search(line) is not None for line in sample.lines], np.bool_)
        if not unread.any():
            return False
        usual: list[str] = []
        for name, rows in found.items():
            left = np.zeros(len(rows), np.bool_)
            if self._formats.leaves_ends(name):
                left = ~self._formats.reads_to_end(name, [sample.lines[at] for at in rows.tolist()], self._anchor)
            if left.any():
                usual.append(name)
                unread[rows] &= left
            elif name != GENERIC:
                unread[rows] = False
        if sample.share(unread) < NESTED_SHARE:
            return False
        lines = [line for line in cut_long(head.texts) if _REQUEST.search(line)]
        for name in found:
            if name != GENERIC and lines:
                read = self._formats.reads_to_end(name, lines, self._anchor)
                lines = list(compress(lines, (~read).tolist()))
        from reconstruct.layouts.importing import import_told  # most logs need none of its tables

        definition = import_told(lines, usual)
        if definition is None:
            return False
        self.told += plans_of((definition,))
        self._formats = self._formats_with(self.told)
        return True

    def _find_unread(self, sample: Sample, found: dict[str, Rows]) -> list[str]:
        """The lines that no grammar reads."""
        read = np.zeros(len(sample.lines), np.bool_)
        for name, chosen in found.items():
            read[chosen] = name != GENERIC
        return sample.keep(~read).lines

    def _accepts(self, kind: str, peeled: Peeled, sample: Sample) -> bool:
        """Whether the lines have the envelope, or only look like it."""
        share = sample.share(peeled.mask)
        if kind == prefixes.COMPOSE:
            if share < COMPOSE_SHARE or self._reads_most(sample):
                return False
            is_aligned = len({len(prefix.rstrip()) for prefix in peeled.stream}) == 1
            return is_aligned or self._reads_most(sample.keep(peeled.mask, peeled.inside))
        if kind == prefixes.GREP:
            # A vhost and its port look alike; but such a line is read as it stands, and nothing inside of it.
            return share >= MOST and self._reads_most(sample.keep(peeled.mask, peeled.inside))
        if kind in _AROUND_ALL:
            return share >= NEARLY_ALL and self._is_around_all(kind, peeled, sample)
        if kind in _UNSURE:  # three words in front may be anything
            return share >= MOST and not self._reads_most(sample)
        return kind != prefixes.STAMPED or share >= MOST

    def _is_around_all(self, kind: str, peeled: Peeled, sample: Sample) -> bool:
        """Whether formats read more inside of the lines than of them as they stand. A number before a line can be taken for the address
        of a client: there as much will do."""
        inside, bare = self._share_read(sample.keep(peeled.mask, peeled.inside)), self._share_read(sample)
        if kind == prefixes.NUMBERED:
            return prefixes.are_numbered(sample.lines) and inside >= max(NESTED_SHARE, bare)
        return inside >= NESTED_SHARE + bare

    def _is_stamped(self, inside: Sample, layer: Layer) -> bool:
        """Whether a stamp is an envelope's, or that of a text format: then there is none inside."""
        known = bool(layer.envelopes) or self._reads_most(inside)
        return known or any(looks_continued(text) for text in inside.lines)

    def _reads_most(self, sample: Sample) -> bool:
        """Whether formats with a moment of their own read most of the lines."""
        return self._share_read(sample) >= MOST

    def _share_read(self, sample: Sample) -> float:
        """Share of the lines that formats with a moment of their own read."""
        found, _ = self._find_lines(sample, NO_HEADERS)
        read = np.zeros(len(sample.lines), np.bool_)
        for name, chosen in found.items():
            if name != GENERIC:
                read[chosen] = True
        return sample.share(read)

    def _find_lines(self, sample: Sample, headers: Headers) -> tuple[dict[str, Rows], Only]:
        """The formats of the source itself: the one the user has named, else those that are found."""
        if self._forced:
            every = np.arange(len(sample.lines))
            return self._read_sample(sample, every, (self._forced,), headers, timed_only=False), {}
        return self._find_formats(sample, headers)

    def _find_formats(self, sample: Sample, headers: Headers) -> tuple[dict[str, Rows], Only]:
        """The formats that read lines of the sample, in order of trial, and which lines.

        Formats that say little of a line count only where they read most of the source, or most of what a writer wrote.
        """
        described = [W3C] if headers.w3c else []
        described += [DELIMITED] if headers.delimited else []
        telling = self._formats.telling
        if plain := self._find_plain(sample):
            telling = (plain, *(name for name in telling if name != plain))
        names = (*described, JSON, *telling, LTSV, LOGFMT)
        found = self._read_sample(sample, np.arange(len(sample.lines)), names, headers)
        only: Only = {}
        for names in (self._formats.weak, (GENERIC,)):
            rest = _without(np.arange(len(sample.lines)), found)
            more = self._read_sample(sample, rest, names, headers, timed_only=False)
            if not more:
                continue
            rows = np.concatenate(list(more.values()))
            writers = sample.weigh(self._begins(sample, rows)).find_writers(rows, MOST, each=True, least=WITNESSES)
            for name, rows in more.items():
                mine = sample.written_by(rows, writers)
                if len(mine):
                    found[name] = mine
                    if writers is not None:
                        only[name] = writers
        return found, only

    @staticmethod
    def _begins(sample: Sample, rows: Rows) -> npt.NDArray[np.bool_]:
        """The lines of the sample that may begin an entry, where those at ``rows`` do: what continues another says nothing of the source."""
        begins = np.array([not looks_continued(line) for line in sample.lines], np.bool_)
        begins[rows] = True
        return begins

    def _find_plain(self, sample: Sample) -> str | None:
        """The local format that says little and yet is what the source as a whole is: it reads most lines, and no other one
        reads most of those."""
        for name in self._formats.plain:
            if not self._formats.tells(name):
                continue
            rows = self._read_sample(sample, np.arange(len(sample.lines)), (name,), NO_HEADERS).get(name)
            if rows is None or sample.weights[rows].sum() < MOST * sample.weights.sum():
                continue
            others = (each for each in self._formats.telling if each not in self._formats.plain)
            found = self._read_sample(sample, rows, others, NO_HEADERS)
            if not any(sample.weights[each].sum() >= MOST * sample.weights[rows].sum() for each in found.values()):
                return name
        return None

    def _read_sample(
        self, sample: Sample, left: Rows, names: Iterable[str], headers: Headers, *, timed_only: bool = True
    ) -> dict[str, Rows]:
        """Which of the lines ``left`` each of the formats reads that those before it did not. ``timed_only``: formats
        that are known by their moment are shown only lines that may have one."""
        found: dict[str, Rows] = {}
        lines = cut_long(sample.lines)
        whole = left.tolist()
        timed = [at for at in whole if may_have_time(sample.lines[at])]
        texts: dict[bool, list[str]] = {}
        able = self._formats.able(sample.lines[at] for at in whole)
        for name in names:
            if name in self._formats.ids and name not in able:
                continue
            needs_time = timed_only and self._formats.needs_time(name)
            rows = timed if needs_time else whole
            if not rows:
                continue
            tried = [sample.lines[at] for at in rows] if name == JSON else texts.get(needs_time)
            if tried is None:
                tried = texts[needs_time] = [lines[at] for at in rows]
            matched = self._formats.match(name, tried, headers, self._anchor)
            if name == JSON and sample.weights[list(compress(rows, matched))].sum() < MOST * sample.weights.sum():
                # an object that is indented is of a dump in text
                matched = [is_one and not text[:1].isspace() for is_one, text in zip(matched, tried, strict=True)]
            if name in (LOGFMT, GENERIC):
                matched = [is_one and not looks_continued(text) for is_one, text in zip(matched, tried, strict=True)]
            if True in matched:
                taken = set(compress(rows, matched))
                found[name] = np.array(sorted(taken), np.int64)
                whole = [at for at in whole if at not in taken]
                timed = [at for at in timed if at not in taken]
                texts.clear()
        return found

    def _find_nested(
        self, found: dict[str, Rows], sample: Sample, head: Head, headers: Headers, depth: int
    ) -> Iterator[tuple[str, Layer]]:
        """The formats whose messages are lines of known formats themselves, and how those are read."""
        if depth >= MAX_DEPTH:
            return
        telling = [name for name in found if self._formats.says(name, WRITER_FIELDS)]
        for name, chosen in found.items():
            lines = [sample.lines[at] for at in chosen.tolist()]
            matched, column = self._formats.read_messages(name, lines, headers, self._anchor)
            texts = [] if column is None else [_first_line(text or "") for text in column.to_pylist()]
            if name in telling and any(texts):
                messages, head = self._read_head(name, head, headers)
                inner = Sample.of(messages)
            else:
                if telling and name != telling[-1]:
                    taken = self._formats.match(name, cut_long(head.texts), headers, self._anchor)
                    head = head.keep(~np.array(taken, np.bool_))
                if not any(texts):
                    continue
                filled = np.array([bool(text) for text in texts])
                inner = sample.pick(chosen[matched][filled], [text for text in texts if text])
                messages = Head.of(inner.lines, inner.writers)
            inside, only = self._find_inside(inner)
            if name in inside and self._repeats(name, [inner.lines[at] for at in inside[name].tolist()]):
                del inside[name]
            if inside:
                deeper = tuple(self._find_nested(inside, inner, messages, NO_HEADERS, depth + 1))
                limits = tuple((each, writers) for each, writers in only.items() if each in inside)
                known = None if self._is_whole or name not in telling else _find_known(messages)
                yield name, Layer((), tuple(inside), deeper, only=limits, known=known, nameless=messages.is_nameless)

    def _read_head(self, name: str, head: Head, headers: Headers) -> tuple[Head, Head]:
        """The messages of all lines of ``head`` that are of a format which says who wrote them, and the lines that are not.

        A few lines of each shape will not do here: what a small service writes looks from outside as all else does.
        """
        decoded = self._formats.decode(name, head.texts, headers, self._anchor)
        mine = head.keep(decoded.matched)
        writers = nest(index(mine.writers), name_writers(decoded.columns, len(mine.texts))).each()
        column = decoded.columns.get("message")
        texts = [_first_line(text or "") for text in column.to_pylist()] if column is not None else []
        filled = [bool(text) for text in texts]
        return Head.of(list(compress(texts, filled)), list(compress(writers, filled))), head.keep(~decoded.matched)

    def _repeats(self, name: str, lines: list[str]) -> bool:
        """Whether a format's messages are what it was given: reading them again says nothing (Rails)."""
        again = self._formats.decode(name, lines, NO_HEADERS, self._anchor).columns.get("message")
        return again is not None and again.to_pylist() == lines

    def _find_inside(self, messages: Sample) -> tuple[dict[str, Rows], Only]:
        """Formats that read enough messages, or enough of a writer's, to be what they are, not a coincidence of wording."""
        found, only = self._find_formats(messages, NO_HEADERS)
        found.pop(GENERIC, None)
        for name, rows in list(found.items()):
            if self._formats.is_sure(name):
                continue
            # a moment says more than pairs: one service's manner of speaking is another's logfmt
            writers = only[name] if name in only else messages.find_writers(rows, NESTED_SHARE, each=name == LOGFMT)
            if name == LOGFMT:
                writers = self._prove_pairs(messages, rows, writers)
            found[name] = messages.written_by(rows, writers)
            if writers is not None:
                only[name] = writers
        return {name: rows for name, rows in found.items() if len(rows)}, only

    def _prove_pairs(self, messages: Sample, rows: Rows, writers: frozenset[str] | None) -> frozenset[str] | None:
        """Those of the writers whose pairs are entries: they have a moment, a message or a request. In a sentence they are none."""
        proved: set[str] = set()
        for group in [None] if writers is None else [frozenset((writer,)) for writer in sorted(writers)]:
            lines = [messages.lines[at] for at in messages.written_by(rows, group).tolist()]
            columns = self._formats.decode(LOGFMT, lines, NO_HEADERS, self._anchor).columns
            if {"time_ns", "method"} & columns.keys() or any(map(MESSAGE_PAIR.search, lines)):
                if group is None:
                    return None
                proved |= group
        return frozenset(proved)


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _find_known(messages: Head) -> frozenset[str] | None:
    """The writers that these messages say enough of; None where nothing says who wrote them."""
    counts = Counter(messages.writers)
    if counts.keys() <= {""}:
        return None
    return frozenset(writer for writer, n in counts.items() if n >= ENOUGH)


def _without(rows: Rows, found: Mapping[str, Rows]) -> Rows:
    """The rows that no format of ``found`` reads."""
    left = np.ones(int(rows.max(initial=-1)) + 1, np.bool_)
    for read in found.values():
        left[read] = False
    return rows[left[rows]]
