"""Parts of a format's text: regular expressions of where a value ends, and literals.

All of them are written so that each next character decides, as the proof of linear time asks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from reconstruct.layouts.meaning import Element, Field, Literal, Optional
from reconstruct.layouts.stamps import escape_text

TEXT, TOKEN, REST = "TEXT", "TOKEN", "REST"
OPEN_TYPES = (TEXT, TOKEN, REST)
"""Types that end where what follows begins."""

LOOK = 20
"""Characters of the text that follows by which the end of a value is known: a look-ahead must be short."""

PADDING = 60
"""Blanks looked over behind a padded value."""


def until(texts: Sequence[str], *, blanks: bool, padded: bool) -> str:
    """Characters up to the first place where one of the texts stands. ``blanks``: they are part of a value. ``padded``: blanks
    may stand between the value and the text."""
    rests: dict[str, list[str]] = {}
    for text in texts:
        if padded:
            text = text.lstrip(" ")
            if not text:
                return r"\S+"
            rests.setdefault(" ", []).append(f" {{0,{PADDING}}}{escape_text(text[:LOOK])}")
        rests.setdefault(text[0], []).append(escape_text(text[1:LOOK]))
    if not rests:
        return ".+" if blanks else r"\S+"
    firsts = "".join(_in_class(char) for char in sorted(rests) if blanks or not char.isspace())
    other = f"[^{firsts}]" if blanks else f"[^\\s{firsts}]" if firsts else r"\S"
    going = [
        f"{escape_text(char)}(?!{'|'.join(some)})"
        for char, some in sorted(rests.items())
        if all(some) and (blanks or not char.isspace())
    ]
    return f"{other}+" if not going else f"{other}(?:{'|'.join([other, *going])})*"


def find_missed(elements: Sequence[Element], at: int) -> list[str]:
    """What may be missing right in front of a value, as regular expressions: a value that begins so would have two readings."""
    before = elements[at - 1] if at else None
    gap = before.text if isinstance(before, Literal) else ""
    end = at - 1 if gap else at
    missed: list[str] = []
    while end and isinstance(part := elements[end - 1], Optional):
        missed.append(_expression(part.elements).removeprefix(escape_text(gap)))
        end -= 1
    return [each for each in missed if each]


def _expression(elements: Sequence[Element]) -> str:
    """What elements write, as a regular expression, as far as values end by themselves or by the text behind them."""
    found = ""
    for element, following in pairwise((*elements, None)):
        if isinstance(element, Literal):
            found += escape_text(element.text)
        elif isinstance(element, Field) and element.type.startswith("/"):
            found += element.type[1:-1]
        elif isinstance(element, Field) and element.type in OPEN_TYPES and isinstance(following, Literal):
            found += until([following.text], blanks=element.type != TOKEN, padded=False)
        else:
            break
    return found


def _in_class(char: str) -> str:
    return {"\t": r"\t"}.get(char, f"\\{char}" if char in r"\]^-[" else char)


def regexp(pattern: str) -> str:
    """A pattern between slashes, as Lark wants it."""
    return "/" + re.sub(r"(\\.)|/", lambda found: found[1] or r"\/", pattern) + "/"


def quote(text: str) -> str:
    """Text as a literal of Lark."""
    shown = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else _escaped(char) for char in shown) + '"'


def _escaped(char: str) -> str:
    return "\\t" if char == "\t" else f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"
