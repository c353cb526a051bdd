"""What kind of thing a value is, judged by its characters alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """The kind of a value."""

    kind: str
    """uuid, hex, integer, code, token, prefixed, word, email identify; the other kinds never do"""
    bits: float
    """entropy a random value of this shape would carry; 0 when it does not identify"""
    identifies: bool


def classify(value: str) -> Shape:
    """Judge one value; the surrounding quotes and brackets do not count."""
    raise NotImplementedError


def normalise(value: str) -> str | None:
    """The value as it is compared (uuid, hex, e-mail in lower case, quotes off); None when it cannot identify."""
    raise NotImplementedError
