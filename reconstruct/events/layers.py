"""Reading lines level by level: envelope, inside, what the message of the inside holds.

Within a layer every line is judged on its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from reconstruct.events import envelopes
from reconstruct.events.embedded import read_embedded
from reconstruct.events.formats import GENERIC, JSON, LOGFMT, LTSV, Formats, may_have_time
from reconstruct.events.lines import find_filled, line_shape
from reconstruct.events.multiline import looks_continued
from reconstruct.events.reading import Layer, Level, Part, Reading, Rows
from reconstruct.events.wrapping import wrap_columns
from reconstruct.events.writers import Writers, name_writers, nest
from reconstruct.grammar.timestamps import TimeAnchor

MESSAGE_PAIR = re.compile(r"(?:^|\s)(?:msg|message)=")
"""A pair that is a message. One that may stand for it where there is none (``error=``) does not make an entry."""


class Reader:
    """Reads blocks of lines of one source."""

    def __init__(self, formats: Formats, modified_ns: int, date_order: str | None) -> None:
        self.formats = formats
        self._modified_ns = modified_ns
        self._date_order = date_order

    def anchor_at(self, envelope_ns: pa.Array | None) -> TimeAnchor:
        """What completes stamps of lines that their envelope dates so."""
        return TimeAnchor(self._modified_ns, envelope_ns, self._date_order)

    def read(self, lines: Sequence[str], layer: Layer) -> Reading:
        """Read a block. ``lines`` hold no line ends."""
        count = len(lines)
        directive, partial, told, below = np.zeros((4, count), np.bool_)
        reading = Reading(lines, [], directive, partial, np.zeros(count, np.int32), told, below, {})
        self._read_level(reading, Level(np.arange(count), lines, layer, "", {}))
        return reading

    def reread(self, reading: Reading, part: Part, rows: Rows, texts: list[str]) -> None:
        """Read entries of an unfinished part again, now that the text of all their lines is joined; parts are added."""
        assert part.unfinished is not None
        layer = replace(part.unfinished, formats=(JSON,))
        chosen = pa.array(np.isin(part.rows, rows))
        outer = {name: column.filter(chosen) for name, column in part.columns.items() if name != "message"}
        level = Level(rows, texts, layer, part.format.removesuffix(JSON), outer)
        self._read_formats(reading, level, np.arange(len(texts)))

    def _anchor(self, level: Level, chosen: Rows) -> TimeAnchor:
        envelope_ns = level.outer.get("time_ns")
        if envelope_ns is not None and len(chosen) < len(level.lines):
            envelope_ns = envelope_ns.take(pa.array(chosen))
        return self.anchor_at(envelope_ns)

    def _read_level(self, reading: Reading, level: Level) -> None:
        left = find_filled(level.lines)
        for kind, inside in level.layer.envelopes:
            left = self._peel(reading, level, left, kind, inside)
        left = self._read_formats(reading, level, left)
        if not len(left):
            return
        below = reading.below[level.rows[left]]
        aside, left = left[below], self._open_pretty(reading, level, left[~below])
        if len(left) and not level.layer.closed:
            left = self._read_others(reading, level, left)
        left = np.union1d(aside, left) if len(left) else aside
        if level.prefix:
            self._keep_enveloped(reading, level, left)

    def _peel(self, reading: Reading, level: Level, left: Rows, kind: str, layer: Layer) -> Rows:
        peeled = envelopes.peel(kind, level.choose(left), self._anchor(level, left)) if len(left) else None
        if peeled is None:
            return left
        here = left[peeled.mask]
        rows = level.rows[here]
        inside = [self._cut_tail(reading, row, text) for row, text in zip(rows.tolist(), peeled.inside, strict=True)]
        texts = list(reading.text)
        for row, text in zip(rows.tolist(), inside, strict=True):
            texts[row] = text
        reading.text = texts
        reading.partial[rows] = peeled.partial
        codes = reading.streams
        reading.stream[rows] = [
            codes.setdefault((above, stream), len(codes) + 1)
            for above, stream in zip(reading.stream[rows].tolist(), peeled.stream, strict=True)
        ]
        outer = wrap_columns(level.take_outer(here), peeled.columns)
        writers = None
        if layer.asks_writers and not layer.nameless:
            writers = nest(level.take_writers(here), name_writers(peeled.columns, len(here), peeled.stream))
        self._read_level(reading, Level(rows, inside, layer, f"{level.prefix}{kind}/", outer, writers))
        return left[~peeled.mask]

    def _cut_tail(self, reading: Reading, row: int, text: str) -> str:
        if "\n" not in text:
            return text
        first, _, tail = text.partition("\n")
        reading.add_tail(row, tail)
        return first

    def _read_formats(self, reading: Reading, level: Level, left: Rows) -> Rows:
        aside: list[Rows] = []
        only = dict(level.layer.only)
        for name in level.layer.formats:
            if not len(left):
                break
            others = left[:0]
            if name in only:
                mine = level.written_by(left, only[name])
                left, others = left[mine], left[~mine]
            if name == GENERIC:
                loose = np.fromiter((looks_continued(text) for text in level.choose(left)), np.bool_, len(left))
                left = np.union1d(left[loose], self._try(reading, level, left[~loose], name))
            elif len(left):
                left = self._try(reading, level, left, name)
            if len(others):
                left = np.union1d(left, others)
            if len(left) and self.formats.below(name):
                rest = self.formats.match_below(name, level.choose(left)).matched
                reading.below[level.rows[left[rest]]] = True
                aside.append(left[rest])
                left = left[~rest]
        return np.union1d(left, np.concatenate(aside)) if aside else left

    def _read_others(self, reading: Reading, level: Level, left: Rows) -> Rows:
        """Formats the source is not known to have; only for lines that cannot be part of the entry above."""
        tried = level.layer.tried
        fresh = np.fromiter((not looks_continued(text) for text in level.choose(left)), np.bool_, len(left))
        aside, left = left[~fresh], left[fresh]
        if JSON not in tried:
            brace = np.fromiter((text.startswith("{") for text in level.choose(left)), np.bool_, len(left))
            left = np.union1d(left[~brace], self._try(reading, level, left[brace], JSON)) if brace.any() else left
        timed = np.fromiter((may_have_time(text) for text in level.choose(left)), np.bool_, len(left))
        unread = level.layer.unread
        known = np.fromiter((line_shape(text) in unread for text in level.choose(left)), np.bool_, len(left))
        rest = left[known & timed]
        if GENERIC not in tried and len(rest):
            rest = self._try(reading, level, rest, GENERIC)
        aside = np.concatenate([aside, left[known & ~timed], rest])
        without, left = left[~timed & ~known], left[timed & ~known]
        able = self.formats.able(level.choose(np.concatenate([left, without])))
        for name in (*self.formats.ranked, LTSV, LOGFMT, GENERIC):
            if (
                name in tried
                or (name in self.formats.ids and name not in able)
                or not (name == GENERIC or self.formats.tells(name))
            ):
                continue
            if len(left):
                left = self._try(reading, level, left, name)
            if len(without) and name in self.formats.ids and not self.formats.needs_time(name):
                without = self._try(reading, level, without, name)
        return np.sort(np.concatenate([aside, without, left]))

    def _try(self, reading: Reading, level: Level, left: Rows, name: str) -> Rows:
        """Read the lines ``left`` that are of format ``name``; what is left then."""
        decoded = self.formats.decode(name, level.choose(left), level.layer.headers, self._anchor(level, left))
        taken = decoded.matched
        if decoded.directives is not None and decoded.directives.any():
            reading.directive[level.rows[left[decoded.directives]]] = True
            taken = taken | decoded.directives
        if decoded.continuations is not None and decoded.continuations.any():
            # a quoted field runs on: the line above each continuation is not complete
            below = np.flatnonzero(decoded.continuations)
            reading.partial[level.rows[left[below - 1]]] = True
            reading.told[level.rows[left[below]]] = True
            taken = taken | decoded.continuations
        here = left[decoded.matched]
        if len(here):
            columns = wrap_columns(level.take_outer(here), decoded.columns)
            part = Part(level.rows[here], level.prefix + name, columns, self.formats.absorbs(name))
            inner = dict(level.layer.nested).get(name)
            if inner is not None and "message" in columns:
                writers = None
                if inner.asks_writers and not inner.nameless:
                    writers = nest(level.take_writers(here), name_writers(decoded.columns, len(here)))
                part = self._read_messages(reading, part, inner, writers)
            if len(part.rows):
                part.columns = read_embedded(part.columns, self._anchor(level, here))
                reading.parts.append(part)
        return left[~taken]

    def _read_messages(self, reading: Reading, part: Part, layer: Layer, writers: Writers | None) -> Part:
        """Read messages that are lines of a known format themselves; the part of the entries whose message is not."""
        whole: list[str] = [(text or "").rstrip("\r\n") for text in part.columns["message"].to_pylist()]
        messages = [text.partition("\n")[0] if "\n" in text else text for text in whole]
        outer = {name: column for name, column in part.columns.items() if name != "message"}
        level = Level(part.rows, messages, layer, f"{part.format}/", outer, writers)
        left = self._read_formats(reading, level, np.arange(len(messages)))
        if layer.known is not None and len(left):
            mine = level.written_by(left, layer.known)
            if not mine.all():
                left = np.union1d(left[mine], self._read_strangers(reading, level, left[~mine]))
        for at in np.setdiff1d(np.arange(len(messages)), left).tolist():
            if len(whole[at]) > len(messages[at]):
                reading.add_tail(int(part.rows[at]), whole[at][len(messages[at]) + 1 :])
        if len(left) == len(messages):
            return part
        keep = pa.array(left)
        return Part(part.rows[left], part.format, {k: v.take(keep) for k, v in part.columns.items()}, part.absorbs)

    def _read_strangers(self, reading: Reading, level: Level, left: Rows) -> Rows:
        """Messages of writers that the sample says little of: whatever format one line is proof of reads them."""
        texts = level.choose(left)
        fresh = np.fromiter((not looks_continued(text) for text in texts), np.bool_, len(left))
        aside, left = left[~fresh], left[fresh]
        able, tried = self.formats.able(texts), level.layer.tried
        for name in (JSON, *self.formats.telling, LTSV, LOGFMT):
            if name in tried or (name in self.formats.ids and name not in able) or not len(left):
                continue
            likely = self._likely(name)
            mask = np.fromiter((likely(text) for text in level.choose(left)), np.bool_, len(left))
            if mask.any():
                left = np.union1d(left[~mask], self._try(reading, level, left[mask], name))
        return np.union1d(aside, left)

    def _likely(self, name: str) -> Callable[[str], bool]:
        """What a message must have to be shown to a format of which one line is proof."""
        if name == JSON:
            return lambda text: text.startswith("{")
        if name == LTSV:
            return lambda text: "\t" in text
        if name == LOGFMT:
            return lambda text: MESSAGE_PAIR.search(text) is not None
        return may_have_time if self.formats.needs_time(name) else bool

    def _open_pretty(self, reading: Reading, level: Level, left: Rows) -> Rows:
        """The first lines of JSON objects that take several lines, or that the runtime cut into several."""
        opens = np.zeros(len(left), np.bool_)
        if level.layer.pretty:
            texts = [text.rstrip() for text in level.choose(left)]
            opens |= np.fromiter((text == level.layer.pretty for text in texts), np.bool_, len(left))
            brackets = np.fromiter((text == "[" for text in texts), np.bool_, len(left))
            reading.directive[level.rows[left[brackets]]] = True
        cut = reading.partial[level.rows[left]]
        if cut.any():
            opens |= cut & np.fromiter((level.lines[at].startswith("{") for at in left.tolist()), np.bool_, len(left))
        here = left[opens]
        if len(here):
            columns = {**level.take_outer(here), "message": pa.array(level.choose(here), pa.string())}
            reading.parts.append(Part(level.rows[here], level.prefix + JSON, columns, unfinished=level.layer))
        return left[~opens]

    def _keep_enveloped(self, reading: Reading, level: Level, left: Rows) -> None:
        """Lines known by their envelope only: entries, unless they continue the one above."""
        texts = level.choose(left)
        filled = np.fromiter((bool(text) and not text.isspace() for text in texts), np.bool_, len(left))
        alone = filled.copy()
        if level.layer.plain:  # nothing that a line could continue but by its shape
            alone &= np.fromiter((looks_continued(text) for text in texts), np.bool_, len(left))
        for mask, is_alone in ((filled & ~alone, False), (alone, True)):
            here = left[mask]
            if len(here):
                columns = {**level.take_outer(here), "message": pa.array(level.choose(here), pa.string())}
                reading.parts.append(Part(level.rows[here], level.prefix[:-1], columns, alone=is_alone))
