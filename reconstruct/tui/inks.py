"""Named inks: what everything is drawn with. Only this table says which colour of the theme a meaning has."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from rich.style import Style
from textual.color import Color

SOFT = "soft-"
"""Before the name of an ink: the same, paler, for large areas."""
SOFTNESS = 0.55
"""How much of a colour a soft ink keeps: enough to tell services apart, less than the marks on it."""

INKS = {
    "text": "foreground",
    "dim": "foreground 65%",
    "faint": "foreground 35%",
    "strong": "bold foreground",
    "title": "bold foreground",
    "section": "bold accent",
    "head": "foreground 75%",
    "key": "bold accent",
    "accent": "accent",
    "customer": "primary",
    "good": "success",
    "warn": "warning",
    "bad": "bold error",
    "missing": "italic warning",
    "running": "bold secondary",
    "gap": "warning",
    "break": "foreground 20%",
    "band": "on foreground 7%",
    "lit": "bold foreground on primary 45%",
    "cursor": "bold on primary 28%",
    "current": "on foreground 12%",
    "mark": "bold on warning 40%",
    **{f"service-{number}": f"service-{letter}" for number, letter in enumerate("abcdefgh")},
}
"""Ink → text style, colour of the theme with its opacity, ``on`` background. Opacity is what it keeps over its ground."""

N_SERVICE_INKS = 8
PALE = frozenset({"dim", "faint"})


def lit_ink(name: str) -> str:
    """The ink to use on the line under the cursor, where pale ones could not be read.

    >>> lit_ink("dim"), lit_ink("soft-good"), lit_ink("bad")
    ('text', 'good', 'bad')
    """
    name = name.removeprefix(SOFT)
    return "text" if name in PALE else name


@cache
def _parse(recipe: str) -> tuple[Style, str, float, str, float]:
    """(text style, colour, opacity, background, opacity) of a recipe; empty names where it says nothing."""
    front, _, back = recipe.partition("on ") if recipe.startswith("on ") else recipe.partition(" on ")
    style, found = Style(), [("", 1.0), ("", 1.0)]
    for side, words in enumerate((front.split(), back.split())):
        for word in words:
            if word in ("bold", "italic"):
                style += Style(bold=True) if word == "bold" else Style(italic=True)
            elif word.endswith("%"):
                found[side] = (found[side][0], int(word[:-1]) / 100)
            else:
                found[side] = (word, 1.0)
    return (style, *found[0], *found[1])


def mix_ink(name: str, variables: Mapping[str, str], ground: Color, *, colourless: bool = False) -> Style:
    """The style of an ink over a background. Colours are blended; terminal palettes, which cannot be, get dim instead.

    Args:
        name: An ink, or ``soft-`` and an ink.
        variables: The theme's variables by name.
        ground: Background of the widget.
        colourless: Colours will be turned to grey (NO_COLOR): then a red that warns would be the dimmest of all, so everything
            has the colour of text, and what is lit is reversed.
    """
    style, front, front_share, back, back_share = _parse(INKS[name.removeprefix(SOFT)])
    if colourless:
        front = front and "foreground"
        if back != "foreground" and back:
            return style + Style(reverse=True)
    if name.startswith(SOFT):
        front_share *= SOFTNESS
    fill = Color.parse(variables[back]) if back else None
    if fill is not None:
        if fill.ansi is None and ground.ansi is None:
            fill = ground.blend(fill, back_share)
        elif back_share < 0.3:
            fill = None  # a terminal palette has no faint colour; glyphs carry the meaning
    colour = Color.parse(variables[front]) if front else None
    if colour is not None:
        if colour.ansi is None and ground.ansi is None:
            colour = (fill or ground).blend(colour, front_share)
        elif front_share < 1:
            style += Style(dim=True)
    if fill is not None and fill.ansi is not None:
        style += Style(reverse=True)  # readable on any palette
        fill = None
    return Style(color=colour.rich_color if colour else None, bgcolor=fill.rich_color if fill else None) + style
