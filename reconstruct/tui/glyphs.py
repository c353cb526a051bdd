"""The signs of the interface, each with its ASCII twin, and the pen that writes text with them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from reconstruct.journeys.align import Lettering
from reconstruct.journeys.moments import Glyph
from reconstruct.tui import sanitise
from reconstruct.wording import RAMP, spark

ASCII_VARIABLE = "RECONSTRUCT_ASCII"
"""Set to anything but 0: draw with ASCII alone."""


@dataclass(frozen=True, slots=True)
class Signs:
    """One set of signs. Every string but the ramps is one cell."""

    marks: Mapping[Glyph, str]
    eighths: str
    """left-aligned blocks of 1/8 … 8/8"""
    ramp: str
    """a cell filled from nothing to full"""
    life: str
    gap: str
    torn: str
    """a bar or line that runs through a break"""
    line: str
    dashed: str
    turn_right: str
    turn_left: str
    turn_down: str
    ruler: str
    tick: str
    dots: str
    ellipsis: str
    good: str
    bad: str
    warn: str
    running: str
    unknown: str
    stage_full: str
    stage_empty: str
    bar_empty: str
    up: str
    down: str
    arrow: str
    dot: str
    pointer: str
    rule: str
    differs: str


UNICODE = Signs(
    marks={
        Glyph.INSTANT: "●",
        Glyph.MILESTONE: "◆",
        Glyph.FAILURE: "✖",
        Glyph.MISSING: "○",
        Glyph.IN_FLIGHT: "▶",
    },
    eighths="▏▎▍▌▋▊▉█", ramp=RAMP, life="─", gap="╌", torn="≈", line="│", dashed="┆",
    turn_right="╰", turn_left="╯", turn_down="╭",
    ruler="─", tick="┬", dots="⋯", ellipsis="…", good="✔", bad="✖", warn="⚠", running="▶", unknown="·",
    stage_full="▰", stage_empty="▱", bar_empty="░", up="▲", down="▼", arrow="→", dot="·", pointer="▸",
    rule="─", differs="≠",
)  # fmt: skip

ASCII = Signs(
    marks={
        Glyph.INSTANT: "o",
        Glyph.MILESTONE: "#",
        Glyph.FAILURE: "X",
        Glyph.MISSING: "?",
        Glyph.IN_FLIGHT: ">",
    },
    eighths="    ====", ramp=" ..::-=+#", life="-", gap=".", torn="~", line="|", dashed=":",
    turn_right="`", turn_left="'", turn_down=".",
    ruler="-", tick="+", dots=".", ellipsis="~", good="+", bad="X", warn="!", running=">", unknown=".",
    stage_full="#", stage_empty=".", bar_empty=".", up="^", down="v", arrow=">", dot="-", pointer=">",
    rule="-", differs="!",
)  # fmt: skip


def ascii_wanted(environment: Mapping[str, str] | None = None) -> bool:
    """Whether the environment asks for ASCII."""
    given = (environment if environment is not None else os.environ).get(ASCII_VARIABLE, "")
    return given not in ("", "0")


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes text: cleaned, measured, cut, in the signs the terminal has."""

    ascii: bool = False

    @property
    def signs(self) -> Signs:
        return ASCII if self.ascii else UNICODE

    @property
    def lettering(self) -> Lettering:
        return Lettering(self.clean, sanitise.measure, self.cut)

    def clean(self, text: object, cap: int = sanitise.TEXT_CAP) -> str:
        """Harmless text of anything; empty for None."""
        if text is None:
            return ""
        shown = sanitise.clean(text if isinstance(text, str) else str(text), cap)
        return sanitise.to_ascii(shown) if self.ascii else shown

    def cut(self, text: str, cells: int) -> str:
        """Clean text in at most so many cells."""
        return sanitise.cut(text, cells, self.signs.ellipsis)

    def cut_front(self, text: str, cells: int) -> str:
        """The end of a clean text in at most so many cells: of a path, the file's name tells most."""
        if sanitise.measure(text) <= cells:
            return text
        while text and sanitise.measure(text) > cells - 1:
            text = text[1:]
        return (self.signs.ellipsis + text)[: max(0, cells)]

    def cut_middle(self, text: str, cells: int) -> str:
        """Beginning and end of a clean text: of a path, whose log it is and which part."""
        if sanitise.measure(text) <= cells:
            return text
        head = self.cut(text, cells * 2 // 3)
        return (
            head + self.cut_front(text, cells - sanitise.measure(head) + 1)[1:] if cells > 4 else self.cut(text, cells)
        )

    def fit(self, text: str, cells: int, align: str = "left") -> str:
        """Clean text in exactly so many cells."""
        text = self.cut(text, cells)
        air = " " * (cells - sanitise.measure(text))
        return air + text if align == "right" else text + air

    def bar(self, share: float, cells: int) -> str:
        """A share of 1 as a bar with an eighth-block end; at least its thinnest sign when above 0."""
        eighths = round(max(0.0, min(1.0, share)) * cells * 8)
        if share > 0:
            eighths = max(1, eighths)
        full, rest = divmod(eighths, 8)
        text = self.signs.eighths[-1] * full + (self.signs.eighths[rest - 1] if rest else "")
        if self.ascii and not text.strip() and share > 0:
            text = self.signs.eighths[-1]
        return text[:cells].ljust(cells)

    def spark(self, values: list[float], top: float = 0.0) -> str:
        """Values as heights, one cell each; zero is blank, the smallest value is still seen."""
        return spark(values, self.signs.ramp, top)
