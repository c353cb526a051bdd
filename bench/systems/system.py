"""What the systems share: people and their visits, a clock, identifiers, and where lines and the truth about them go.

A run writes OUT/logs/**, OUT/truth-lines.jsonl.gz as ``scoring.py`` reads it, and OUT/outcomes.json:

    {"visits": {"p7": "abandoned"}, "orders": {"K7PQ2M": {"outcome": "fulfilled", "amount": "120.00", "currency": "EUR"}}}

Outcomes are those of docs/journeys.md. A visit that ends within half an hour before the logs do has none: nobody could know
yet that it has ended. What is in a log that a variant leaves out is in no truth. The same arguments give the same bytes.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, ClassVar
from uuid import UUID

from journal import Journal
from simulate import Shop
from visitors import Person, make_people
from visits import ALPHABET
from wording import Stamps

OPEN_END_MS = 30 * 60_000
"""The pause that web analytics ends a visit at: one whose last line is younger when the logs end may still go on."""
Orders = Sequence[str]
Fields = dict[str, Any]
"""Keys of a structured line."""


@dataclass(slots=True)
class Visit:
    """One person's visit and how far it is."""

    session: str
    """what truth calls it"""
    person: Person
    now: int
    """milliseconds since the first midnight"""
    page: str
    """where the browser is, the next request's referrer; ``-``: nowhere"""
    cookie: str = ""
    """session identifier of the browser"""
    user: int | None = None
    """the person's account number once signed in"""


class System(ABC):
    """One system at work. Subclasses tell what their services write, and play one visit."""

    first_day: ClassVar[datetime]
    span_ms: ClassVar[int]
    """time over which visits begin, evenly"""
    edge: ClassVar[str]
    """name of the edge's log"""
    people: ClassVar[Shop]
    """how many share an address with others (``nat``), how many never have an account (``guests``)"""
    entries: ClassVar[Sequence[str]]
    """where visits come from"""

    def __init__(self, out: Path, seed: int, visits: int, *, edge_log: bool = True) -> None:
        self.out, self.edge_log = out, edge_log
        self.rng = Random(f"{type(self).__name__} {seed}")
        self.stamps = Stamps(self.first_day)
        self.visitors = make_people(self.rng, self.people, visits)
        self.journal = Journal(out, 1, rotated=(), compress=False)
        self.ended: dict[str, str] = {}
        """visit → its outcome"""
        self.last_line: dict[str, int] = {}
        """of each visit"""
        self.ends = 0
        """time of the last line of all"""
        self.orders: dict[str, dict[str, str]] = {}

    @abstractmethod
    def play(self, visit: Visit) -> str:
        """Let one person have their visit; its outcome."""

    def run(self) -> None:
        """Write logs and truth."""
        for person in self.visitors:
            self.begin(f"p{person.number}", person, self.rng.randrange(self.span_ms), self.rng.choice(self.entries))
        self.journal.flush(self.ends + 1)
        self.journal.close()
        judged = {v: o for v, o in self.ended.items() if self.last_line.get(v, self.ends) < self.ends - OPEN_END_MS}
        outcomes = json.dumps({"visits": judged, "orders": self.orders}, indent=1)
        (self.out / "outcomes.json").write_text(outcomes + "\n", encoding="utf-8")

    def begin(self, session: str, person: Person, at: int, page: str) -> None:
        self.ended[session] = self.play(Visit(session, person, at, page))

    # -- lines -----------------------------------------------------------------------------------------------------

    def write(self, log: str, at: int, line: str, session: str | None = None, orders: Orders = ()) -> None:
        """A line written at ``at``, with whose it is; dropped when its log is left out."""
        if log == self.edge and not self.edge_log:
            return
        self.journal.sink(log)((at, line, session, orders))
        self.ends = max(self.ends, at)
        if session:
            self.last_line[session] = max(self.last_line.get(session, 0), at)

    def micros(self, at: int, end: str = "Z") -> str:
        """``at`` in ISO 8601 to the microsecond; within its millisecond by chance."""
        return self.stamps.iso(at, end=f"{self.rng.randrange(1000):03}{end}")

    def place(self, order: str, visit: Visit, cents: int, currency: str, outcome: str) -> None:
        """An order was placed in a visit, or tried in vain."""
        self.journal.own(order, visit.session)
        self.orders[order] = {"outcome": outcome, "amount": money(cents), "currency": currency}

    # -- chance ----------------------------------------------------------------------------------------------------

    def wait(self, visit: Visit, least_s: float, most_s: float) -> None:
        visit.now += int(self.rng.uniform(least_s, most_s) * 1000)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def hex(self, n: int) -> str:
        return f"{self.rng.getrandbits(4 * n):0{n}x}"

    def uuid(self) -> str:
        return str(UUID(int=self.rng.getrandbits(128), version=4))

    def token(self, n: int, alphabet: Sequence[str] = ALPHABET) -> str:
        return "".join(self.rng.choices(alphabet, k=n))


def money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
