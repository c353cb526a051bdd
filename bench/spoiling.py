"""What befalls lines on their way into a log: some never arrive, identifiers are lost or written another way.

Works on finished lines and draws from its own numbers, so the same seed gives the same shop whatever is spoilt: a curve over the
share of lost identifiers, or lines, is one shop told again, and what is missing at 10 % is missing at 30 % too.
"""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING

from journal import Line, Sink

if TYPE_CHECKING:
    from simulate import Shop

IDENTIFIER = re.compile(
    r"""
      (?:00-)?\b[0-9a-f]{32}\b(?:-[0-9a-f]{16}(?:-01)?)?            # request, with span and as traceparent
    | \b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b               # job
    | \b(?:crt|chg)_[0-9A-Z]{26}\b                                  # cart, charge
    | \bORD-\d{4}-\d{6}(?:-\d)?\b | \b100[4-9]\d\d\b                # order, its items; order of a numbered cart
    | (?<=\bcart\ )\d+\b
    | \bFB\d{9}DE\b                                                 # parcel
    | (?<=\bcustomer\ )\d{6}\b
    | (?<=fsid=)\w{22} | (?<="fsid":")\w{22}                        # session
    """,
    re.VERBOSE,
)
ORDER_IN_URL = re.compile(r"(?<=/)ORD-\d{4}-0*(\d+)")


class Spoiler:
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def before(self, name: str, sink: Sink) -> Sink:
        """``sink`` of the log ``name``, with some of its lines left out and identifiers spoilt; the sink itself where nothing is."""
        bare = self.shop.bare_numbers and name.startswith("edge/")
        arriving = self._drop(name, sink) if self.shop.lost_lines else sink
        if not bare and not self.shop.lost:
            return arriving
        rng, share, blank = Random(f"{self.shop.seed} {name}"), self.shop.lost, self.shop.blank

        def lose(found: re.Match[str]) -> str:
            return blank if rng.random() < share else found[0]

        def spoil(line: Line) -> None:
            at, text, session, orders = line
            if bare:
                text = ORDER_IN_URL.sub(r"\1", text)
            if share:
                text = IDENTIFIER.sub(lose, text)
            arriving((at, text, session, orders))

        return spoil

    def _drop(self, name: str, sink: Sink) -> Sink:
        rng, share = Random(f"{self.shop.seed} {name} lines"), self.shop.lost_lines

        def pass_on(line: Line) -> None:
            if rng.random() >= share:
                sink(line)

        return pass_on
