"""Run the interface on the fictitious shop: ``python tests/tui/look.py [journeys]``."""

from __future__ import annotations

import sys

from reader import FakeReader
from shop import long_journey, make_shop

from reconstruct.tui.running import run

if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    raise SystemExit(run(FakeReader([*make_shop(count), long_journey(20_000)])))
