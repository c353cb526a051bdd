"""What is drawn can be read, in the dark and in the light: contrast as WCAG 2 defines it."""

from __future__ import annotations

import asyncio

import pytest
from drive import browse
from reader import FakeReader
from rich.color_triplet import ColorTriplet
from rich.style import Style
from shop import make_shop
from textual.color import Color

from reconstruct.tui.inks import INKS, lit_ink, mix_ink

DECORATION = {"faint", "break", "band", "current", "cursor", "mark"}
"""Rules, dots and grounds: no word is only there."""
READABLE = 4.5
"""Level AA for text."""
BOLD = 3.8
"""Bold words and marks in colour beside which the same is said by a sign; level AA asks 3 of them."""
LIT = 3.0


def luminance(colour: ColorTriplet) -> float:
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(style: Style, ground: ColorTriplet) -> float:
    assert style.color is not None and style.color.triplet is not None
    if style.bgcolor is not None and style.bgcolor.triplet is not None:
        ground = style.bgcolor.triplet
    low, high = sorted((luminance(style.color.triplet), luminance(ground)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["reconstruct", "reconstruct-light"])
def test_every_ink_can_be_read_on_every_ground_and_under_the_cursor(theme: str) -> None:
    async def main() -> None:
        async with browse(FakeReader(make_shop(5))) as driver:
            driver.app.theme = theme
            await driver.settle()
            variables = driver.app.theme_variables
            words = [name for name in INKS if name not in DECORATION]
            for place in ("background", "surface", "panel"):
                ground = Color.parse(variables[place])
                under_cursor = mix_ink("cursor", variables, ground).bgcolor
                assert under_cursor is not None and under_cursor.triplet is not None
                for name in words:
                    ink = mix_ink(name, variables, ground)
                    least = READABLE if name in ("text", "strong", "title") or place == "background" else BOLD
                    assert contrast(ink, ColorTriplet(*ground.rgb)) >= least, (name, place)
                    if place == "background" and name != "lit":
                        lit = mix_ink(lit_ink(name), variables, ground)
                        assert contrast(lit, under_cursor.triplet) >= LIT, (name, "under the cursor")

    asyncio.run(main())
