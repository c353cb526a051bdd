"""Which layer the lines of a source are read by: envelopes, formats, what is inside, chosen from a sample.

Lines of the same shape are looked at a few times and counted as often as they occur. Every format that reads lines of
the sample becomes a candidate; candidates are tried on every line in order of rank, so a file may mix formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import compress

import numpy as np

from reconstruct.events import delimited, envelopes, prefixes, w3c
from reconstruct.events.formats import (
    DELIMITED,
    GENERIC,
    JSON,
    LOGFMT,
    NO_HEADERS,
    W3C,
    Formats,
    Headers,
    cut_long,
    may_have_time,
)
from reconstruct.events.layers import PRETTY_OPEN, Layer, Rows
from reconstruct.events.lines import line_shape
from reconstruct.events.multiline import looks_continued
from reconstruct.events.peeled import Peeled
from reconstruct.events.sample import Sample
from reconstruct.grammar.timestamps import TimeAnchor

MAX_DEPTH = 4
"""Levels of nesting: syslog around docker around JSON around a text format; nobody wraps deeper."""

MOST = 0.5
"""Share of lines that decides what a source as a whole is."""

_UNSURE = (prefixes.STERN, prefixes.CLOUDWATCH, prefixes.FLUENT_BIT)
"""Envelopes that text of a known format may look like."""

COMPOSE_SHARE = 0.8
"""Share of lines that must have the prefix of ``docker compose``: a bar is no rare thing in text."""

NESTED_SHARE = 0.1
"""Share of a format's messages that must be lines of a format that says little before messages are read by it."""


class Chooser:
    """Chooses the layer of a sample, level by level."""

    def __init__(self, formats: Formats, anchor: TimeAnchor, forced: str = "") -> None:
        self._formats = formats
        self._anchor = anchor
        self._forced = forced

    def choose(self, sample: Sample, head: Sequence[str], depth: int) -> Layer:
        """The layer of whole lines; ``head``: the first of them as they stand, for header rows."""
        wrapped: list[tuple[str, Layer]] = []
        # a format the user has named is looked for inside envelopes, unless it reads the lines as they stand
        bare = self._forced not in ("", JSON) and self._reads_most(sample)
        if depth < MAX_DEPTH and not bare:
            for kind in envelopes.KINDS:
                peeled = envelopes.peel(kind, sample.lines, self._anchor) if sample.lines else None
                if peeled is None:
                    continue
                inside = sample.keep(peeled.mask, peeled.inside)
                layer = self.choose(inside, inside.lines, depth + 1)
                layer = replace(layer, plain=not layer.formats and not peeled.partial.any())
                if self._accepts(kind, peeled, sample, inside, layer):
                    wrapped.append((kind, layer))
                    sample = sample.keep(~peeled.mask)
        headers = Headers(w3c.find_header(head), None if depth else delimited.find_header(head))
        found = self._find_lines(sample, headers)
        names = (self._forced,) if self._forced else tuple(found)
        text = (self._forced and self._forced != JSON) or any(self._formats.absorbs(name) for name in names)
        pretty = "" if text else _find_pretty(head)
        nested = list(self._find_nested(found, sample, headers, depth))
        if pretty and JSON not in found:
            objects = Sample.of(list(_join_pretty(head, pretty)))
            nested += self._find_nested({JSON: np.arange(len(objects.lines))}, objects, headers, depth)
        return Layer(
            tuple(wrapped),
            names,
            tuple(nested),
            headers,
            unread=frozenset(map(line_shape, self._find_unread(sample, found))),
            pretty=pretty,
            closed=bool(self._forced),
        )

    def _find_unread(self, sample: Sample, found: dict[str, Rows]) -> list[str]:
        """The lines that no grammar reads."""
        read = np.zeros(len(sample.lines), np.bool_)
        for name, chosen in found.items():
            read[chosen] = name != GENERIC
        return sample.keep(~read).lines

    def _accepts(self, kind: str, peeled: Peeled, sample: Sample, inside: Sample, layer: Layer) -> bool:
        """Whether the lines have the envelope, or only look like it."""
        share = sample.share(peeled.mask)
        if kind == prefixes.COMPOSE:
            columns = {len(prefix.rstrip()) for prefix in peeled.stream}
            return share >= COMPOSE_SHARE and len(columns) == 1 and not self._reads_most(sample)
        if kind in _UNSURE:  # three words in front may be anything
            return share >= MOST and not self._reads_most(sample)
        if kind == prefixes.STAMPED:  # or it is the stamp of a text format: then there is none inside
            known = bool(layer.envelopes) or self._reads_most(inside)
            return share >= MOST and (known or any(looks_continued(text) for text in inside.lines))
        return True

    def _reads_most(self, sample: Sample) -> bool:
        """Whether formats with a moment of their own read most of the lines."""
        found = self._find_lines(sample, NO_HEADERS)
        read = np.zeros(len(sample.lines), np.bool_)
        for name, chosen in found.items():
            if name != GENERIC:
                read[chosen] = True
        return sample.share(read) >= MOST

    def _find_lines(self, sample: Sample, headers: Headers) -> dict[str, Rows]:
        """The formats of the source itself: the one the user has named, else those that are found."""
        if self._forced:
            return self._read_sample(sample, np.arange(len(sample.lines)), (self._forced,), headers, timed_only=False)
        return self._find_formats(sample, headers)

    def _find_formats(self, sample: Sample, headers: Headers) -> dict[str, Rows]:
        """The formats that read lines of the sample, in order of trial, and which lines.

        Formats that say little of a line count only where they read most of the source.
        """
        described = [W3C] if headers.w3c else []
        described += [DELIMITED] if headers.delimited else []
        telling = self._formats.telling
        if plain := self._find_plain(sample):
            telling = (plain, *(name for name in telling if name != plain))
        names = (*described, JSON, *telling, LOGFMT)
        found = self._read_sample(sample, np.arange(len(sample.lines)), names, headers)
        for names in (self._formats.weak, (GENERIC,)):
            rest = _without(np.arange(len(sample.lines)), found)
            more = self._read_sample(sample, rest, names, headers, timed_only=False)
            if sum(sample.weights[rows].sum() for rows in more.values()) >= MOST * sample.weights.sum():
                found |= more
        return found

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
        self, found: dict[str, Rows], sample: Sample, headers: Headers, depth: int
    ) -> Iterator[tuple[str, Layer]]:
        """The formats whose messages are lines of known formats themselves, and how those are read."""
        if depth >= MAX_DEPTH:
            return
        for name, chosen in found.items():
            lines = [sample.lines[at] for at in chosen.tolist()]
            matched, column = self._formats.read_messages(name, lines, headers, self._anchor)
            texts = [(text or "").partition("\n")[0] for text in column.to_pylist()] if column is not None else []
            filled = np.fromiter((bool(text) for text in texts), np.bool_, len(texts))
            if not filled.any():
                continue
            weights = sample.weights[chosen[matched]]
            messages = Sample([text for text in texts if text], weights[filled])
            inside = self._find_inside(messages)
            if name in inside and self._repeats(name, [messages.lines[at] for at in inside[name].tolist()]):
                del inside[name]
            if inside:
                deeper = tuple(self._find_nested(inside, messages, NO_HEADERS, depth + 1))
                yield name, Layer((), tuple(inside), deeper)

    def _repeats(self, name: str, lines: list[str]) -> bool:
        """Whether a format's messages are what it was given: reading them again says nothing (Rails)."""
        again = self._formats.decode(name, lines, NO_HEADERS, self._anchor).columns.get("message")
        return again is not None and again.to_pylist() == lines

    def _find_inside(self, messages: Sample) -> dict[str, Rows]:
        """Formats that read enough messages to be what they are, not a coincidence of wording."""
        found = self._find_formats(messages, NO_HEADERS)
        found.pop(GENERIC, None)
        total = messages.weights.sum()
        found = {
            name: rows
            for name, rows in found.items()
            if self._formats.is_sure(name) or messages.weights[rows].sum() >= NESTED_SHARE * total
        }
        if LOGFMT in found:  # pairs in a sentence are not an entry; one with a moment, a message or a request is
            lines = [messages.lines[at] for at in found[LOGFMT].tolist()]
            columns = self._formats.decode(LOGFMT, lines, NO_HEADERS, self._anchor).columns
            if not {"time_ns", "method"} & columns.keys() and not any(map(_MESSAGE_PAIR.search, lines)):
                del found[LOGFMT]
        return found


_MESSAGE_PAIR = re.compile(r"(?:^|\s)(?:msg|message)=")
"""A pair that is a message. One that may stand for it where there is none (``error=``) does not make an entry."""


def _without(rows: Rows, found: Mapping[str, Rows]) -> Rows:
    """The rows that no format of ``found`` reads."""
    for read in found.values():
        rows = np.setdiff1d(rows, read)
    return rows


def _find_pretty(lines: Sequence[str]) -> str:
    """The line that opens a JSON object written over several lines; empty when there is none.

    Not asked below text with moments: there such lines are part of an entry.
    """
    opens = {line.rstrip() for line in lines if line.strip() == PRETTY_OPEN}
    return min(opens, key=lambda line: (len(line), line), default="")


def _join_pretty(lines: Sequence[str], opens: str) -> Iterator[str]:
    """The objects that begin with the line ``opens`` and end with its counterpart, each as one line."""
    closes = opens.replace("{", "}")
    held: list[str] = []
    for line in lines:
        text = line.rstrip().removesuffix(",") if held else line.rstrip()
        if text == opens:
            held = [text]
        elif held:
            held.append(text if text == closes else line)
            if text == closes:
                yield "".join(held)
                held = []
