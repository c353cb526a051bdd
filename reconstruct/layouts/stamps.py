"""Patterns of time stamps, as layouts give them, to regular expressions of their text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from reconstruct.grammar.stamp_calendar import knows_zone
from reconstruct.grammar.stamp_shapes import STAMP_CAP, match_stamp
from reconstruct.layouts.languages import StampUse, load_dialect
from reconstruct.layouts.parts import Text, locate_layout_error, read_parts

_UTC_NAME = re.compile(r"(?:Etc/)?(?:UTC|GMT|UCT|Zulu|Universal|Z)(?:[+-]0{1,2}(?::?00)?)?", re.IGNORECASE)
_OFFSET_NAME = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?([0-5]\d))?")
_UTC = re.compile(r"Z\b| ?(?:UTC|GMT)\b")

EXAMPLE_DAY = "14"
"""The day in the examples of the dialects' tables: no month, so it shows where the day stands."""

DATE, CLOCK, FRACTION, ZONE = "date", "clock", "fraction", "zone"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a stamp: one letter's value, or text."""

    pattern: str
    example: str
    tells: frozenset[str]
    """of date, clock, fraction, zone; empty for text"""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A moment, or part of one, as a layout writes it."""

    pieces: tuple[Piece, ...]
    before: str = ""
    """text in front of the moment that the directive itself writes: Apache's bracket"""
    after: str = ""
    zone: str = ""
    """name of the zone, where the layout gives it and the stamp does not write it"""

    @property
    def pattern(self) -> str:
        """Regular expression, without groups that capture."""
        return "".join(piece.pattern for piece in self.pieces)

    @property
    def tells(self) -> frozenset[str]:
        """What it says of a moment."""
        return frozenset[str]().union(*(piece.tells for piece in self.pieces))

    @property
    def example(self) -> str:
        """A text of it."""
        return "".join(piece.example for piece in self.pieces)

    @property
    def is_moment(self) -> bool:
        """Whether it says a time of day at least, in a shape that is read."""
        example = self.example
        return CLOCK in self.tells and len(example) <= STAMP_CAP and match_stamp(example, "ANY") is not None

    @property
    def is_whole(self) -> bool:
        """Whether it says the year, and with it all of a moment but its zone."""
        found = match_stamp(self.example, "ANY")
        return found is not None and any(found[1].groupdict().get(year) for year in ("Y", "y2", "c"))

    @property
    def type(self) -> str:
        """Right side of its terminal: the type that knows the order of day and month where both are numbers, else its own
        pattern."""
        found = match_stamp(self.example, "NUMERIC_DATE")
        if found is not None and found[0] == "NUMERIC_DATE":
            order = {found[1]["a"]: "DAY_FIRST_DATE", found[1]["b"]: "MONTH_FIRST_DATE"}
            return order.get(EXAMPLE_DAY, f"/{self.pattern}/")
        return f"/{self.pattern}/"

    def joined(self, text: str, other: Stamp) -> Stamp:
        """This stamp, text, and another one, as one."""
        pieces = (*self.pieces, _text(self.after + text + other.before), *other.pieces)
        return Stamp(pieces, self.before, other.after, self.zone or other.zone)

    def with_text(self, after: str) -> Stamp:
        """The stamp with the text that follows it; where that begins with the name of UTC, this is its zone."""
        zone = _UTC.match(after) if CLOCK in self.tells and ZONE not in self.tells else None
        if zone is None:
            return replace(self, after=after)
        piece = Piece(escape_text(zone[0]), zone[0], frozenset([ZONE]))
        return Stamp((*self.pieces, piece), self.before, after[zone.end() :])

    def halved(self) -> tuple[Stamp, str, Stamp] | None:
        """Clock and date of a stamp that says them in an order no shape has, with the text between; None when it cannot
        be cut."""
        is_date = [DATE in piece.tells for piece in self.pieces if piece.tells]
        changes = sum(one != other for one, other in pairwise(is_date))
        if changes != 1 or is_date[0]:
            return None
        cut = next(at for at, piece in enumerate(self.pieces) if DATE in piece.tells)
        clock, date = _trim(self.pieces[:cut]), _trim(self.pieces[cut:])
        return Stamp(clock.pieces, self.before), clock.after, Stamp(date.pieces, "", self.after)


def read_stamp(use: StampUse, pattern: str | None, place: str) -> Stamp:
    """The stamp of a directive with the pattern the layout gives it; None for its default.

    Raises: GrammarError with a caret when the pattern is not of its language.
    """
    pattern = use.default if pattern is None else pattern
    for prefix in use.prefixes:
        pattern = pattern.removeprefix(prefix)
    pattern = pattern or use.default
    if use.dialect == "java_date":
        pattern = _without_zone_name(pattern)
    table = load_dialect(use.dialect)
    named = use.named.get(pattern) or table.get("named", {}).get(pattern)
    if named:
        return Stamp((Piece(named[0], named[1], frozenset(named[2].split())),))
    pieces: list[Piece] = []
    for part in read_parts(use.dialect, pattern, place):
        if isinstance(part, Text):
            pieces.append(_text(part.text))
            continue
        literal = table.get("literals", {}).get(part.name)
        if literal is not None:
            pieces.append(_text(literal))
            continue
        meaning = _meaning_of(part.name, table["letters"])
        if meaning is None:
            raise locate_layout_error(pattern, place, f"{part.name!r} is not known in a {table['title']}", part.column)
        expression, example, tells = meaning
        if "#" in expression:
            count = len(part.name)
            expression, example = expression.replace("#", str(count)), (example * count)[:count]
        if part.flags == "-":  # GNU: not padded
            expression = expression.replace(r"\d{2}", r"\d{1,2}")
        pieces.append(Piece(expression, example, frozenset(tells.split())))
    return _trim(pieces)


def read_zone(name: str) -> str:
    """The zone as the header of a format has it; empty when it is not known here.

    >>> read_zone("Etc/GMT"), read_zone("GMT+2"), read_zone("JST"), read_zone("Mars")
    ('UTC', '+02:00', 'Asia/Tokyo', '')
    """
    if _UTC_NAME.fullmatch(name):
        return "UTC"
    if offset := _OFFSET_NAME.fullmatch(name):
        name = f"{offset[1]}{int(offset[2]):02d}:{offset[3] or '00'}"
    else:
        name = load_dialect("java_date")["zones"].get(name, name)
    return name if knows_zone(name) else ""


def find_zone(arguments: Sequence[str]) -> str:
    """The zone that a directive of Java's is given: the second option of Log4j, the second part of Logback's one.

    >>> find_zone(["HH:mm:ss", "UTC"]), find_zone(['"HH:mm:ss,SSS", Europe/Paris, fr']), find_zone(["HH:mm:ss,SSS"])
    ('UTC', 'Europe/Paris', '')
    """
    if len(arguments) != 1:
        return arguments[1].strip() if arguments else ""
    text = arguments[0]
    rest = text[1:].partition('"')[2] if text.startswith('"') else text[len(_without_zone_name(text)) :]
    return next((part.strip() for part in rest.split(",") if part.strip()), "")


def _without_zone_name(pattern: str) -> str:
    """Logback's options are a pattern in quotes, a zone, a locale: ``"HH:mm:ss,SSS", UTC``."""
    if pattern.startswith('"'):
        return pattern[1:].partition('"')[0]
    head, comma, tail = pattern.rpartition(",")
    if comma and re.fullmatch(r"\s*(?:[A-Z][\w+-]*(?:/[\w+-]+)*|[A-Z]{3,4}[+-]\d+(?::\d+)?)\s*", tail):
        return head if not set(tail.strip()) <= set("SnZXxz") else pattern
    return pattern


def _meaning_of(name: str, letters: dict[str, list[str]]) -> tuple[str, str, str] | None:
    """Of a run of a letter: its own meaning, or that of the longest shorter run."""
    for length in range(len(name), 0, -1):
        found = letters.get(name[:length]) if len(set(name)) == 1 else letters.get(name)
        if found:
            return found[0], found[1], found[2]
    found = letters.get(name[0] * 3) or letters.get(name[0] * 4) if name else None
    return (found[0], found[1], found[2]) if found else None


def _text(text: str) -> Piece:
    return Piece(escape_text(text), text, frozenset())


def escape_text(text: str) -> str:
    """Text as a regular expression, with no more backslashes than it needs."""
    return (
        re.sub(r"[.^$*+?{}\[\]\\|()]", r"\\\g<0>", text).replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    )


def _trim(pieces: Sequence[Piece]) -> Stamp:
    """The pieces as one stamp; brackets and blanks around the moment are not part of it."""
    telling = [at for at, piece in enumerate(pieces) if piece.tells]
    first, last = (telling[0], telling[-1] + 1) if telling else (len(pieces), len(pieces))
    before, after = ("".join(piece.example for piece in some) for some in (pieces[:first], pieces[last:]))
    return Stamp(tuple(pieces[first:last]), before).with_text(after)
