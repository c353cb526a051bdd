"""All ways to read a line, behind one door: grammars and the self-describing kinds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from reconstruct.events import delimited, generic, json_lines, logfmt, w3c
from reconstruct.events.decoded import Decoded
from reconstruct.events.schema import MESSAGE_CAP
from reconstruct.grammar.fields import type_columns, type_message
from reconstruct.grammar.matcher import Matcher, matcher_for
from reconstruct.grammar.plans import MatchPlan, load_plans
from reconstruct.grammar.timestamps import TimeAnchor

JSON = "json"
LOGFMT = "logfmt"
W3C = "w3c"
DELIMITED = "delimited"
GENERIC = generic.GENERIC

SELF_DESCRIBING = (JSON, LOGFMT, W3C, DELIMITED)
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


class Formats:
    """The grammars that are known, ranked, and the kinds that need none."""

    def __init__(self, plans: Mapping[str, MatchPlan]) -> None:
        self._plans = plans
        self._matchers: dict[str, Matcher] = {}
        self._by_first: dict[str, frozenset[str]] = {}
        self.ids = frozenset(plans)
        self._timed = frozenset(name for name, plan in plans.items() if "time" in plan.fields)
        self.ranked = rank_plans(plans)
        """Ids of all grammars, the more specific first."""
        self.telling = tuple(name for name in self.ranked if self.tells(name))
        """Those of which one line is proof enough"""
        self.weak = tuple(name for name in self.ranked if not self.tells(name) or self.needs_time(name))
        """Those of which a line proves little: the others, and lines without the moment that would be the proof"""

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
        """The grammars that may read one of the lines, by how it begins; grammars alone, no other kind."""
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

    def tells(self, name: str) -> bool:
        """Whether one line is proof enough of the format. GENERIC has nothing but its moment, so it proves little."""
        return name in SELF_DESCRIBING or (name != GENERIC and (self.has_time(name) or self.is_sure(name)))

    def is_sure(self, name: str) -> bool:
        """Whether no other text looks like a line of the format by chance."""
        return name == JSON or (name in self._plans and self._plans[name].specificity >= TELLING_BITS)

    def absorbs(self, name: str) -> bool:
        """Whether plain text below an entry of this format is part of it: timestamped text, not access logs."""
        if name in SELF_DESCRIBING:
            return False
        return name == GENERIC or (self._plans[name].kind not in ("access", "proxy") and self.has_time(name))

    def decode(self, name: str, lines: Sequence[str], headers: Headers, anchor: TimeAnchor) -> Decoded:
        """Read the lines that are of format ``name``. ``anchor.envelope_ns``, if any, has one value per line given."""
        if name == JSON:
            return json_lines.decode_block(lines, anchor)
        lines = cut_long(lines)
        if name == LOGFMT:
            return logfmt.decode_block(lines, anchor)
        if name == GENERIC:
            return generic.decode_block(lines, anchor)
        if name == W3C:
            return _decode_w3c(lines, headers.w3c, anchor)
        if name == DELIMITED:
            if headers.delimited is None:
                return Decoded(np.zeros(len(lines), np.bool_), {})
            return delimited.decode_block(lines, headers.delimited, anchor)
        plan = self._plans[name]
        block = self._matcher(name).match_block("\n".join(lines) + "\n")
        count = int(block.matched.sum())
        if not count:
            return Decoded(block.matched, {})
        anchor = narrow(anchor, block.matched)
        return Decoded(block.matched, type_columns(block.columns, plan.decoders, count, anchor, plan.fields))

    def read_messages(
        self, name: str, lines: Sequence[str], headers: Headers, anchor: TimeAnchor
    ) -> tuple[npt.NDArray[np.bool_], pa.Array | None]:
        """Which lines are of format ``name``, and their messages; None when they have none."""
        if name in self._plans:
            plan = self._plans[name]
            block = self._matcher(name).match_block("\n".join(cut_long(lines)) + "\n")
            return block.matched, type_message(block.columns, plan.decoders, plan.fields)
        decoded = self.decode(name, lines, headers, anchor)
        return decoded.matched, decoded.columns.get("message")

    def match(self, name: str, lines: Sequence[str], headers: Headers, anchor: TimeAnchor) -> list[bool]:
        """Which lines are of format ``name``. ``lines``: no longer than :func:`cut_long` leaves them, but for JSON."""
        if name in self._plans:
            return self._matcher(name).recognise(lines)
        matched: list[bool] = self.decode(name, lines, headers, anchor).matched.tolist()
        return matched

    def _matcher(self, name: str) -> Matcher:
        matcher = self._matchers.get(name)
        if matcher is None:
            matcher = self._matchers[name] = matcher_for(self._plans[name])
        return matcher


def cut_long(lines: Sequence[str]) -> Sequence[str]:
    """The lines as text formats are matched against them."""
    if max(map(len, lines), default=0) <= TEXT_CAP:
        return lines
    return [line[:TEXT_CAP] for line in lines]


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


def rank_plans(plans: Mapping[str, MatchPlan]) -> tuple[str, ...]:
    """All ids, such that a format comes before those it wins over; else the more specific first, then by id."""
    winners: dict[str, set[str]] = {name: set() for name in plans}
    for name, plan in plans.items():
        for other in plan.wins_over:
            if other in winners:
                winners[other].add(name)
    ranked: list[str] = []
    waiting = sorted(plans, key=lambda name: (-plans[name].specificity, name))
    while waiting:
        ahead = set(waiting)
        free = next((name for name in waiting if not winners[name] & ahead), waiting[0])
        waiting.remove(free)
        ranked.append(free)
    return tuple(ranked)


@lru_cache(maxsize=8)
def known_formats(directories: tuple[str, ...] = ()) -> Formats:
    """The formats of this installation, the user, and ``directories``; loaded once per process."""
    return Formats(load_plans(map(Path, directories)))


def formats_of(plans: Mapping[str, MatchPlan] | None, directories: tuple[str, ...] = ()) -> Formats:
    """The formats of these plans; when None, those of this installation and of ``directories``."""
    return known_formats(directories) if plans is None else Formats(plans)
