"""Why a line is read as it is: what wraps it, what else would have read it, how far the others came.

Nothing here runs while logs are read; ``reconstruct explain`` asks it about one line at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import orjson

from reconstruct.events import envelopes
from reconstruct.events.formats import GENERIC, NO_HEADERS, SELF_DESCRIBING, Formats, Headers, cut_long
from reconstruct.events.reading import Layer
from reconstruct.grammar.lark_engine import LarkMatcher, Part
from reconstruct.grammar.plans import MatchPlan
from reconstruct.grammar.timestamps import TimeAnchor, find_timestamp
from reconstruct.grammar.wording import say_expected

FAR = 12
"""Columns a format must have come for that to mean anything; and beyond a stamp that begins the line, which half of all
formats read."""

BRACKET = 1
"""Characters in front of a stamp that begins the line."""

SIMILAR = 0.4
"""Share of a format's literal texts that must stand in a line for it to be nearly of that format. A terminal that takes
words takes any: without this, access logs come far in every sentence."""

LIKELY = 24
"""Formats that are tried in earnest, those first whose literal text the line has. To build an automaton takes 30 ms."""

LIKELIEST = 3
"""The same where many lines are asked about."""

DEEP = 8
"""Levels of JSON that are drawn; what is deeper is shown as text."""

NO_ANCHOR = TimeAnchor(0)


@dataclass(frozen=True, slots=True)
class Level:
    """One thing a line is read as, from the outside to the inside."""

    name: str
    """of an envelope or a format"""
    text: str
    """what it reads"""
    plan: MatchPlan | None
    """of a grammar; None for envelopes and kinds that need none"""
    parts: tuple[Part, ...]
    """what it reads in it"""


@dataclass(frozen=True, slots=True)
class Miss:
    """How far a format came that does not read the line."""

    name: str
    column: int
    """1-based: the first character nothing fits"""
    expected: tuple[str, ...]
    """what could have stood there, in words"""


def peel_levels(formats: Formats, layer: Layer, path: str, text: str) -> list[Level]:
    """What a line is read as: ``path`` is its event's format, ``docker/combined``."""
    levels: list[Level] = []
    for name in path.split("/") if path else ():
        wrapped = dict(layer.envelopes)
        if name in wrapped:
            peeled = envelopes.peel(name, [text], NO_ANCHOR)
            if peeled is None:
                break
            levels.append(Level(name, text, None, ()))
            text, layer = peeled.inside[0].partition("\n")[0], wrapped[name]
            continue
        plan = formats.plan(name)
        levels.append(Level(name, text, plan, _parts_of(name, plan, text)))
        nested = dict(layer.nested).get(name)
        _, messages = formats.read_messages(name, [text], layer.headers, NO_ANCHOR)
        if nested is None or messages is None or messages[0].as_py() is None:
            break
        text, layer = messages[0].as_py().partition("\n")[0], nested
    return levels


def find_below(formats: Formats, layer: Layer, path: str, text: str) -> Level | None:
    """What a line says more of the entry above it, ``path`` being that one's format; None where no grammar reads it."""
    text, _ = innermost(formats, layer, text)
    for name in path.split("/"):
        for below in formats.below(name):
            if formats.match(below, cut_long([text]), NO_HEADERS, NO_ANCHOR)[0]:
                plan = formats.plan(below)
                return Level(below, text, plan, _parts_of(below, plan, text))
    return None


def innermost(formats: Formats, layer: Layer, text: str) -> tuple[str, Layer]:
    """The text of a line that nothing reads, without the envelopes it has."""
    for name, inside in layer.envelopes:
        peeled = envelopes.peel(name, [text], NO_ANCHOR)
        if peeled is not None:
            return innermost(formats, inside, peeled.inside[0].partition("\n")[0])
    return text, layer


def _parts_of(name: str, plan: MatchPlan | None, text: str) -> tuple[Part, ...]:
    if plan is not None:
        return LarkMatcher(plan).parse(text) or ()
    if name == "json":
        try:
            return tuple(_parts_of_json(orjson.loads(text)))
        except orjson.JSONDecodeError:
            return ()
    return ()


def _parts_of_json(value: object, depth: int = 0) -> Iterator[Part]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items if depth < DEEP else ():
        shown = inner if isinstance(inner, str) else _write(inner)
        yield Part(str(key), shown, tuple(_parts_of_json(inner, depth + 1)))


def _write(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # nested deeper than it writes
        return "…"


def find_rivals(formats: Formats, name: str, text: str, headers: Headers) -> list[tuple[str, str]]:
    """The other formats that read a line which was given to ``name``, and the rule that decided."""
    able = formats.able([text])
    also = [
        other
        for other in (*formats.ranked, *SELF_DESCRIBING)
        if other != name
        and (other in able or other in SELF_DESCRIBING)
        and formats.match(other, [text], headers, NO_ANCHOR)[0]
    ]
    return [(other, _why(formats, name, other)) for other in also]


def _why(formats: Formats, winner: str, loser: str) -> str:
    ours, theirs = formats.plan(winner), formats.plan(loser)
    if theirs is None:
        return f"{winner} is looked for first"
    if ours is None:
        return f"{winner} says what its fields are"
    if loser in ours.wins_over:
        return f"the grammar of {winner} says that it wins over it"
    if ours.specificity > theirs.specificity:
        return f"{winner} says more of a line: {ours.specificity:.0f} bits, not {theirs.specificity:.0f}"
    if formats.ranked.index(winner) < formats.ranked.index(loser):
        if winner in formats.local and loser not in formats.local:
            return f"{winner} is a layout that the configuration among these logs says is used here"
        return f"{winner} wins over what wins over it" if ours.specificity < theirs.specificity else "by name"
    return f"the source is known to have {winner}"


def find_misses(
    formats: Formats, known: Iterable[str], text: str, *, every: bool = False, few: bool = False
) -> list[Miss]:
    """How far the formats came that do not read a line: those the source has, then those that came furthest.

    Without ``every``, only those that came far enough for it to mean something. ``few``: no more are tried than the
    likeliest of all.
    """
    known = set(known)
    stamp = find_timestamp(text[:200])
    least = 1 if every else max(FAR, stamp[1] + 1 if stamp and stamp[0] <= BRACKET else 0)
    able = [name for name in formats.beginning_like([text]) if formats.is_asked(name, known)]
    likely = sorted(able, key=lambda name: (name not in known, -_share_of_literals(formats, name, text), name))
    if not every:
        alike = [name for name in likely if name in known or _share_of_literals(formats, name, text) >= SIMILAR]
        likely = alike[: LIKELIEST if few else LIKELY]
    found = []
    for name in likely:
        plan = formats.plan(name)
        assert plan is not None
        why = _automaton(formats, name).explain(text)
        if why.fields is None and why.column > least:
            found.append(Miss(name, why.column, tuple(say_expected(plan, label) for label in why.expected)))
    return sorted(found, key=lambda miss: (miss.name not in known, -miss.column, miss.name))


@lru_cache(maxsize=LIKELY)
def _automaton(formats: Formats, name: str) -> LarkMatcher:
    plan = formats.plan(name)
    assert plan is not None
    return LarkMatcher(plan)


def _share_of_literals(formats: Formats, name: str, text: str) -> float:
    """Share of a format's literal texts that stand in a line."""
    plan = formats.plan(name)
    assert plan is not None
    literals = {key for key in plan.order if not key.isidentifier() and len(key.replace("\\", "")) > 1}
    if not literals:
        return 0.0
    return sum(re.search(key, text) is not None for key in literals) / len(literals)


def is_telling(formats: Formats, path: str) -> bool:
    """Whether the format of an event says what its line is: all but the fallback, envelopes alone, and weak ones."""
    name = path.rpartition("/")[2]
    return name != GENERIC and formats.tells(name) if name in (*formats.ids, *SELF_DESCRIBING) else False
