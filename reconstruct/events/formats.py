"""All ways to read a line, behind one door: grammars and the self-describing kinds."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.events import delimited, generic, json_lines, keyed, logfmt, ltsv, w3c
from reconstruct.events.decoded import ATTRIBUTE_VALUES, Decoded
from reconstruct.events.lines import Texts
from reconstruct.events.schema import MESSAGE_CAP
from reconstruct.grammar.dialects import split_by_dialect
from reconstruct.grammar.fields import type_lines, type_message
from reconstruct.grammar.matcher import Matcher, matcher_for
from reconstruct.grammar.plans import MatchPlan, load_plans
from reconstruct.grammar.stamp_calendar import shift_to_utc
from reconstruct.grammar.text_columns import has_text
from reconstruct.grammar.timestamps import TimeAnchor

JSON = "json"
LOGFMT = "logfmt"
LTSV = "ltsv"
W3C = "w3c"
DELIMITED = "delimited"
GENERIC = generic.GENERIC

SELF_DESCRIBING = (JSON, LOGFMT, LTSV, W3C, DELIMITED)
"""Kinds whose entries say what their fields are; they need no grammar."""


@dataclass(frozen=True, slots=True)
class Headers:
    """What the head of a source says about the lines below it."""

    w3c: w3c.W3cHeader | None = None
    delimited: delimited.DelimitedHeader | None = None


NO_HEADERS = Headers()


TELLING_BITS = 70
"""What a line of a format without a moment must say for one of them to prove the format: some ten literal characters.
``LEVEL:logger:text`` says 40 and reads many a line of prose."""

TEXT_CAP = 2 * MESSAGE_CAP
"""Characters of a line that text formats are matched against: all of a message that is kept, and then some. JSON is read
up to MATCH_CAP, since half an object is none."""


UNKNOWN_END = "tail"
"""The field for what people append to a usual line of an access log, where the grammar does not know its shape."""

LOCAL_BITS = 40
"""What it is worth that a format comes from the configuration among the logs: six literal characters. So of two formats that
say about the same of a line the one that is known to be used here wins."""


PLAIN_FIELDS = 3
"""Fields up to which a layout says so little (moment, level, message) that it may read the lines of other formats too."""


@dataclass(frozen=True, slots=True)
class Below:
    """What lines below entries say, still raw."""

    matched: npt.NDArray[np.bool_]
    """one per line"""
    columns: dict[str, list[tuple[int, str]]]
    """field → lines that say it, and what they say"""
    decoders: dict[str, str]
    fields: tuple[str, ...]


class Formats:
    """The grammars that are known, ranked, and the kinds that need none."""

    def __init__(self, plans: Mapping[str, MatchPlan], base: Formats | None = None) -> None:
        """``base``: more grammars, those of the installation; ``plans`` are then of the logs at hand, the nearest first."""
        self._base = base
        self._plans: Mapping[str, MatchPlan] = plans if base is None else {**base._plans, **plans}
        self._matchers: dict[str, Matcher] = {}
        self._by_first: dict[str, frozenset[str]] = {}
        self.ids = frozenset(self._plans)
        self._timed = frozenset(name for name, plan in self._plans.items() if "time" in plan.fields)
        self.local = tuple(plans) if base is not None else ()
        """Ids of the formats of the logs at hand."""
        self.plain = tuple(name for name in self.local if len(plans[name].fields) <= PLAIN_FIELDS)
        """Local formats that say little, the nearest first; last in ``ranked``."""
        self.ranked = rank_plans(self._plans, tuple(name for name in self.local if name not in self.plain), self.plain)
        """Ids of all grammars of entries, the more specific first."""
        self.telling = tuple(name for name in self.ranked if self.tells(name))
        """Those of which one line is proof enough"""
        self.weak = tuple(name for name in self.ranked if not self.tells(name) or self.needs_time(name))
        """Those of which a line proves little: the others, and lines without the moment that would be the proof"""
        self._below: dict[str, list[str]] = {}
        for name in sorted(self._plans):
            if self._plans[name].below:
                self._below.setdefault(self._plans[name].below, []).append(name)

    def plan(self, name: str) -> MatchPlan | None:
        """The plan of a grammar; None for kinds that need none."""
        return self._plans.get(name)

    def has_time(self, name: str) -> bool:
        """Whether entries of the grammar carry a moment."""
        return name in self._timed

    def needs_time(self, name: str) -> bool:
        """Whether a line of the grammar is proof of it only by its moment, which some grammars can do without."""
        return self.has_time(name) and not self.is_sure(name)

    def able(self, lines: Iterable[str]) -> set[str]:
        """The grammars that may read one of the lines, by how it begins and what it must hold; grammars alone, no other kind."""
        lines = list(lines)
        text = "\n".join(lines)
        return {name for name in self.beginning_like(lines) if all(held in text for held in self._plans[name].holds)}

    def beginning_like(self, lines: Iterable[str]) -> set[str]:
        """The grammars whose lines may begin as one of the lines does: those that may come near to reading it."""
        names: set[str] = set()
        for character in {line[:1] for line in lines} - {""}:
            known = self._by_first.get(character)
            if known is None:
                code = ord(character)
                known = self._by_first[character] = frozenset(
                    name for name, plan in self._plans.items() if any(low <= code <= high for low, high in plan.begins)
                )
            names |= known
        return names

    def is_asked(self, name: str, among: Collection[str]) -> bool:
        """Whether a grammar has a say where formats ``among`` are in use: one of lines below entries has with its own only."""
        return not self._plans[name].below or self._plans[name].below in among

    def tells(self, name: str) -> bool:
        """Whether one line is proof enough of the format. GENERIC has nothing but its moment, so it proves little."""
        return name in SELF_DESCRIBING or (name != GENERIC and (self.has_time(name) or self.is_sure(name)))

    def is_sure(self, name: str) -> bool:
        """Whether no other text looks like a line of the format by chance."""
        return name == JSON or (name in self._plans and self._plans[name].specificity >= TELLING_BITS)

    def says(self, name: str, fields: Collection[str]) -> bool:
        """Whether lines of the format may say one of these fields."""
        return name in SELF_DESCRIBING or (name in self._plans and not set(fields).isdisjoint(self._plans[name].fields))

    def absorbs(self, name: str) -> bool:
        """Whether plain text below an entry of this format is part of it: timestamped text, not access logs."""
        if name in SELF_DESCRIBING:
            return False
        return (
            name == GENERIC
            or name in self._below
            or (self._plans[name].kind not in ("access", "proxy") and self.has_time(name))
        )

    def decode(self, name: str, lines: Sequence[str], headers: Headers, anchor: TimeAnchor) -> Decoded:
        """Read the lines that are of format ``name``. ``anchor.envelope_ns``, if any, has one value per line given."""
        if name not in SELF_DESCRIBING and name != GENERIC:
            return self._decode_grammar(name, lines, anchor)
        lines = list(lines)
        if name == JSON:
            return json_lines.decode_block(lines, anchor)
        lines = cut_long(lines)
        if name == LOGFMT:
            return logfmt.decode_block(lines, anchor)
        if name == LTSV:
            return ltsv.decode_block(lines, anchor)
        if name == GENERIC:
            return generic.decode_block(lines, anchor)
        if name == W3C:
            return _decode_w3c(lines, headers.w3c, anchor)
        if headers.delimited is None:
            return Decoded(np.zeros(len(lines), np.bool_), {})
        return delimited.decode_block(lines, headers.delimited, anchor)

    def _decode_grammar(self, name: str, lines: Sequence[str], anchor: TimeAnchor) -> Decoded:
        plan = self._plans[name]
        block = self._matcher(name).match_block(_join_lines(lines))
        count = int(block.matched.sum())
        if not count:
            return Decoded(block.matched, {})
        typed = _type_block(plan, block.columns, count, narrow(anchor, block.matched))
        if plan.zone and "zoned" in typed:
            _place(typed, plan.zone)
        return Decoded(block.matched, typed)

    def read_messages(
        self, name: str, lines: Sequence[str], headers: Headers, anchor: TimeAnchor
    ) -> tuple[npt.NDArray[np.bool_], pa.Array | None]:
        """Which lines are of format ``name``, and their messages; None when they have none."""
        if name in self._plans:
            plan = self._plans[name]
            block = self._matcher(name).match_block(_join_lines(lines))
            return block.matched, type_message(block.columns, plan.decoders, plan.fields)
        decoded = self.decode(name, lines, headers, anchor)
        return decoded.matched, decoded.columns.get("message")

    def leaves_ends(self, name: str) -> bool:
        """Whether lines of the format may end in what it knows nothing of."""
        return name in self._plans and UNKNOWN_END in self._plans[name].fields

    def reads_to_end(self, name: str, lines: Sequence[str], anchor: TimeAnchor) -> npt.NDArray[np.bool_]:
        """Which lines are of the format, and end in nothing that it knows nothing of. ``lines``: as for ``match``."""
        if not self.leaves_ends(name):
            return np.array(self.match(name, lines, NO_HEADERS, anchor), np.bool_)
        block = self._matcher(name).match_block(_join_lines(lines))
        read = np.array(block.matched)
        if UNKNOWN_END in block.columns:
            read[block.matched] = np.asarray(pc.equal(block.columns[UNKNOWN_END], ""))
        return read

    def below(self, name: str) -> Sequence[str]:
        """The grammars for the lines below an entry of this format."""
        return self._below.get(name, ())

    def match_below(self, name: str, lines: Sequence[str]) -> Below:
        """Read lines that stand below entries of format ``name``. A line is read by the first grammar that fits."""
        matched = np.zeros(len(lines), np.bool_)
        columns: dict[str, list[tuple[int, str]]] = {}
        decoders: dict[str, str] = {}
        fields: tuple[str, ...] = ()
        for below in self.below(name):
            left = np.flatnonzero(~matched)
            if not len(left):
                break
            block = self._matcher(below).match_block(_join_lines([lines[at] for at in left.tolist()]))
            rows = left[block.matched]
            matched[rows] = True
            for field, texts in block.texts().items():
                filled = [(at, text) for at, text in zip(rows.tolist(), texts, strict=True) if text]
                columns.setdefault(field, []).extend(filled)
            decoders = {**self._plans[below].decoders, **decoders}
            fields += self._plans[below].fields
        return Below(matched, columns, decoders, fields)

    def is_below(self, name: str, lines: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which lines :func:`match_below` would read."""
        lines = cut_long(lines)
        matched = np.zeros(len(lines), np.bool_)
        for below in self.below(name):
            matched |= np.array(self._matcher(below).recognise(lines), np.bool_)
        return matched

    def match(self, name: str, lines: Sequence[str], headers: Headers, anchor: TimeAnchor) -> list[bool]:
        """Which lines are of format ``name``. ``lines``: no longer than :func:`cut_long` leaves them, but for JSON."""
        if name in self._plans:
            return self._matcher(name).recognise(lines)
        matched: list[bool] = self.decode(name, lines, headers, anchor).matched.tolist()
        return matched

    def _matcher(self, name: str) -> Matcher:
        matcher = self._matchers.get(name)
        if matcher is None and self._base is not None and self._plans[name] is self._base._plans.get(name):
            return self._base._matcher(name)
        if matcher is None:
            matcher = self._matchers[name] = matcher_for(self._plans[name])
        return matcher


def _type_block(plan: MatchPlan, columns: dict[str, pa.Array], n: int, anchor: TimeAnchor) -> dict[str, pa.Array]:
    """The typed columns of the ``n`` lines of a format, the lines of each dialect by themselves."""
    fields = frozenset(plan.fields)
    if fields.issuperset(columns):
        typed, values = type_lines(columns, plan.decoders, n, anchor, fields)
        return typed if values is None else typed | {ATTRIBUTE_VALUES: values}
    fields_of, values_of = [], []
    for dialect, rows in split_by_dialect(columns, n, fields):
        at = pa.array(rows)
        taken = columns if len(rows) == n else {name: column.take(at) for name, column in columns.items()}
        said = {name: column for name, column in taken.items() if name in fields or has_text(column)}
        own_anchor = narrow(anchor, np.isin(np.arange(n), rows))
        typed, values = type_lines(said, plan.decoders, len(rows), own_anchor, fields, dialect)
        fields_of.append(keyed.Part(rows, typed))
        values_of.append(
            keyed.Part(rows, dict(zip(values.type.names, values.flatten(), strict=True)) if values else {})
        )
    typed, left = keyed.join_parts(fields_of), keyed.join_parts(values_of)
    return typed | {ATTRIBUTE_VALUES: pa.StructArray.from_arrays(list(left.values()), list(left))} if left else typed


def cut_long(lines: Sequence[str]) -> Sequence[str]:
    """The lines as text formats are matched against them."""
    if max(map(len, lines), default=0) <= TEXT_CAP:
        return lines
    return [line[:TEXT_CAP] for line in lines]


def _join_lines(lines: Sequence[str]) -> str:
    """The lines as text formats are matched against them, each with a line end after it."""
    if isinstance(lines, Texts) and lines.sizes.max(initial=0) <= TEXT_CAP:
        return lines.join()
    return "\n".join(cut_long(lines)) + "\n"


def _decode_w3c(lines: Sequence[str], header: w3c.W3cHeader | None, anchor: TimeAnchor) -> Decoded:
    """W3C lines are told by their number of words alone; prose is kept away from them by its lack of a moment."""
    likely = np.fromiter((line[:1] == "#" or may_have_time(line) for line in lines), np.bool_, len(lines))
    if likely.all():
        return w3c.decode_block(lines, header, anchor)
    some = w3c.decode_block(list(compress(lines, likely)), header, narrow(anchor, likely))
    matched, directives = np.zeros(len(lines), np.bool_), np.zeros(len(lines), np.bool_)
    matched[likely] = some.matched
    directives[likely] = False if some.directives is None else some.directives
    return Decoded(matched, some.columns, directives)


_STAMP = re.compile(r"\d:\d\d:\d\d|\d{8}|\d{6} \d{6}|\d[-/.]\d\d?[-/.]\d")


def may_have_time(line: str) -> bool:
    """Whether anything in a line looks like a part of a stamp: all stamps do, most prose does not."""
    return _STAMP.search(line) is not None


def narrow(anchor: TimeAnchor, chosen: npt.NDArray[np.bool_]) -> TimeAnchor:
    """The anchor of the chosen lines only."""
    if anchor.envelope_ns is None or chosen.all():
        return anchor
    return TimeAnchor(anchor.modified_ns, anchor.envelope_ns.filter(pa.array(chosen)), anchor.date_order)


def rank_plans(plans: Mapping[str, MatchPlan], local: Sequence[str] = (), last: Sequence[str] = ()) -> tuple[str, ...]:
    """The ids of all that read entries, such that a format comes before those it wins over; else the more specific first, then by id.

    ``local``: ids that count LOCAL_BITS more, and of equals go in this order. ``last``: ids behind all others."""
    plans = {name: plan for name, plan in plans.items() if not plan.below}
    place = {name: at for at, name in enumerate(local)}
    winners: dict[str, set[str]] = {name: set() for name in plans}
    for name, plan in plans.items():
        for other in plan.wins_over:
            if other in winners:
                winners[other].add(name)
    ranked: list[str] = []
    bits = {name: plan.specificity + LOCAL_BITS * (name in place) for name, plan in plans.items()}
    waiting = sorted(
        (name for name in plans if name not in last), key=lambda name: (-bits[name], place.get(name, len(place)), name)
    )
    while waiting:
        ahead = set(waiting)
        free = next((name for name in waiting if not winners[name] & ahead), waiting[0])
        waiting.remove(free)
        ranked.append(free)
    return (*ranked, *last)


def _place(typed: dict[str, pa.Array], zone: str) -> None:
    """Put stamps that state no zone, which were read as UTC, into the one that their format says."""
    times, zoned = typed["time_ns"], typed["zoned"]
    if zone != "UTC":
        local = np.asarray(times.cast(pa.int64()).fill_null(0))
        placed = pa.array(shift_to_utc(local, zone), mask=np.asarray(times.is_null())).cast(times.type)
        typed["time_ns"] = pc.if_else(zoned, times, placed)
    typed["zoned"] = times.is_valid()


SETS_KEPT = 64
"""Sets of formats whose matchers are kept: one per order of nearness, and one per set of local formats that a source uses."""

_known: dict[tuple[tuple[str, ...], tuple[tuple[str, str], ...]], Formats] = {}


def known_formats(directories: tuple[str, ...] = (), local: Sequence[MatchPlan] = ()) -> Formats:
    """The formats of this installation, the user, and ``directories``; loaded once per process.

    ``local``: formats of the logs at hand besides, the nearest first. Who wrote a grammar of the same id meant that one.
    """
    key = (directories, tuple((plan.id, plan.text) for plan in local))
    found = _known.get(key)
    if found is None:
        if local:
            base = known_formats(directories)
            found = Formats({plan.id: plan for plan in local if plan.id not in base.ids}, base)
        else:
            found = Formats(load_plans(map(Path, directories)))
        if len(_known) >= SETS_KEPT:
            _known.clear()
        _known[key] = found
    return found


def formats_of(
    plans: Mapping[str, MatchPlan] | None, directories: tuple[str, ...] = (), local: Sequence[MatchPlan] = ()
) -> Formats:
    """The formats of these plans; when None, those that are known, see :func:`known_formats`. ``local``: as there."""
    if plans is None:
        return known_formats(directories, local)
    return Formats({**plans, **{plan.id: plan for plan in local}})
