"""Pass 1, first half: what the values of every slot look like.

Takes the mentions, gives one ``Slot`` per place that holds identifier candidates, and how the values of any two slots
relate: how many they share, and whether they agree where both stand beside the same long identifier.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import duckdb

from reconstruct.events.nouns import noun_of, prior_roles
from reconstruct.events.shapes import classify
from reconstruct.store.listing import sql_list

SAMPLED_MENTIONS = 3_000_000
"""Mentions the profile reads at most. Beyond it a share of the *values* is kept, each with all its mentions: counts per
value stay exact, and the same values are kept in every slot (coordinated sampling, correlation §0.5)."""

SHAPE_SAMPLE = 100
"""Values whose shape is judged per slot; the median of a hundred does not move with more."""

STRONG_BITS = 40.0
"""Entropy above which two equal values are the same thing: a million values collide with chance 0.5 in 10⁶ (§7.3)."""

TOGETHER_NS = 120 * 1_000_000_000
"""Values that come up in two places within this are one thing's: what is made and shown to its maker is so at once."""

URL_PLACES = ("path:", "query:")

LONE_BITS = 13.0
"""Bits of a value, four digits, from which that it stands in two places at one time is no chance."""

MOST_SLOTS = 2_000
"""Slots profiled, the most frequent first: probing robots make thousands of routes that are seen once or twice."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that holds identifier candidates."""

    id: int
    name: str
    noun: str
    """what the place calls its value, normalised; empty when it does not say"""
    mentions: int
    distinct: int
    shape: str
    """most frequent shape of its values: uuid, hex, integer, word …"""
    bits: float
    """median entropy of a value of that shape"""

    @property
    def strong(self) -> bool:
        """True when equal values can only be the same thing."""
        return self.bits >= STRONG_BITS


@dataclass(frozen=True, slots=True)
class Relation:
    """How the values of slots ``a`` < ``b`` relate."""

    a: int
    b: int
    shared: int
    """distinct values in both"""
    agree: int
    """times both stood beside the same long identifier with an equal value"""
    differ: int
    """the same, with no equal value"""
    together: int = 0
    """distinct values that came up in both within moments; counted where one place does not say what it names"""


def profile_slots(db: duckdb.DuckDBPyConnection) -> list[Slot]:
    """Statistics of the most frequent slots, by id. Needs ``told``; makes ``sampled(eid, slot, value, multi)`` and ``held(slot, value, n)``."""
    ((total,),) = db.execute("SELECT count(*) FROM told").fetchall()
    keep = 1
    while total // keep > SAMPLED_MENTIONS:
        keep *= 2
    db.execute("DROP VIEW IF EXISTS sampled")
    db.execute(
        f"CREATE TEMP VIEW sampled AS SELECT * FROM told{f' WHERE hash(value) % {keep} = 0' if keep > 1 else ''}"
    )
    db.execute("CREATE OR REPLACE TEMP TABLE held AS SELECT slot, value, count(*) AS n FROM sampled GROUP BY ALL")
    counts = db.execute(
        f"SELECT slot, s.name, sum(n)::BIGINT, count(*) FROM held JOIN slots s USING (slot)"
        f" GROUP BY ALL ORDER BY sum(n) DESC, s.name LIMIT {MOST_SLOTS}"
    ).fetchall()
    samples: dict[int, list[str]] = dict(
        db.execute(
            f"SELECT slot, arg_min(value, (hash(value), value), {SHAPE_SAMPLE}) FROM held GROUP BY slot"
        ).fetchall()
    )
    slots = []
    for slot, name, mentions, distinct in counts:
        shape, bits = _typical_shape(samples[slot])
        slots.append(Slot(slot, name, noun_of(name), mentions, distinct, shape, bits))
    return sorted(slots, key=lambda slot: slot.id)


def _typical_shape(values: list[str]) -> tuple[str, float]:
    shapes = [classify(value) for value in values]
    kind = Counter(sorted(shape.kind for shape in shapes)).most_common(1)[0][0]
    bits = sorted(shape.bits for shape in shapes)
    return kind, bits[len(bits) // 2]


def relate_slots(db: duckdb.DuckDBPyConnection, slots: list[Slot]) -> list[Relation]:
    """Relations of every two slots that share a value. Needs ``sampled`` and ``held``; hub values (in a tenth of the slots) are left out."""
    strong = [slot.id for slot in slots if slot.strong]
    weak = [slot.id for slot in slots if not slot.strong]
    many = max(20, len(slots) // 10)
    shared = db.execute(
        f"""
        WITH profiled AS (SELECT slot, value FROM held WHERE slot IN {sql_list([s.id for s in slots])}),
             common AS (SELECT value FROM profiled GROUP BY value HAVING count(*) BETWEEN 2 AND {many}),
             shared AS (SELECT * FROM profiled SEMI JOIN common USING (value))
        SELECT a.slot, b.slot, count(*) FROM shared a JOIN shared b USING (value) WHERE a.slot < b.slot GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    agreements: dict[tuple[int, int], tuple[int, int]] = {}
    if strong and weak:
        # Beside the same long identifier (a request id, a payment reference) two slots either say the same or not. Identifiers are
        # told apart by their hash, which is half the work.
        rows = db.execute(
            f"""
            WITH keys AS (SELECT DISTINCT hash(value) AS key, eid FROM sampled WHERE slot IN {sql_list(strong)}),
                 few AS (SELECT key FROM keys GROUP BY key HAVING count(*) <= 50),
                 beside AS (
                    SELECT DISTINCT key, slot, value FROM keys SEMI JOIN few USING (key) JOIN sampled s USING (eid)
                    WHERE s.slot IN {sql_list(weak)} AND NOT s.multi),
                 met AS (
                    SELECT a.slot AS a, b.slot AS b, key, bool_or(a.value = b.value) AS equal
                    FROM beside a JOIN beside b USING (key) WHERE a.slot < b.slot GROUP BY ALL)
            SELECT a, b, count(*) FILTER (equal), count(*) FILTER (NOT equal) FROM met GROUP BY ALL
            """
        ).fetchall()
        agreements = {(a, b): (agree, differ) for a, b, agree, differ in rows}
    together = _count_together(db, slots)
    return [Relation(a, b, n, *agreements.get((a, b), (0, 0)), together.get((a, b), 0)) for a, b, n in shared]


def _count_together(db: duckdb.DuckDBPyConnection, slots: list[Slot]) -> dict[tuple[int, int], int]:
    """``Relation.together`` of pairs of short values, one in a place of no telling name, one called a thing the business works on.

    The number in ``/checkout/success/{}`` or ``"INVNUM": …`` is an order's where orders of that number are first told of when it first
    comes up there.
    """
    weak = [slot for slot in slots if not slot.strong]
    untold = [
        slot.id
        for slot in weak
        if not prior_roles(slot.noun) and (slot.name.startswith(URL_PLACES) or slot.bits >= LONE_BITS)
    ]
    named = [slot.id for slot in weak if not slot.name.startswith(URL_PLACES) and "object" in prior_roles(slot.noun)]
    if not untold or not named:
        return {}
    rows = db.execute(
        f"""
        WITH first AS (SELECT slot, value, min(t.t) AS t FROM sampled JOIN timeline t USING (eid)
                       WHERE slot IN {sql_list(untold + named)} AND NOT multi GROUP BY ALL)
        SELECT least(a.slot, b.slot), greatest(a.slot, b.slot), count(*) FROM first a JOIN first b USING (value)
        WHERE a.slot IN {sql_list(untold)} AND b.slot IN {sql_list(named)} AND abs(a.t - b.t) <= {TOGETHER_NS} GROUP BY ALL
        """
    ).fetchall()
    return {(a, b): n for a, b, n in rows}
