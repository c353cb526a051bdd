"""Pass 1: slots that hold the same kind of identifier become one type.

Long identifiers (40 bits and more) are the same thing wherever they stand; short ones only where the place calls them
by the same noun, or where they keep saying the same beside the same long identifier. A place that names nothing
(``id: …``) joins nobody: each of its long values takes the type it has elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from reconstruct.correlate.profile import LONE_BITS, Relation, Slot
from reconstruct.correlate.slices import slice_events
from reconstruct.events.nouns import prior_roles
from reconstruct.store.listing import sql_list

STRONG_CONTAINMENT = 0.3
"""Share of the smaller slot's long values found in the other that makes them one type (correlation §7.3)."""

NOUN_CONTAINMENT = 0.1
"""The same for short values under an equal noun."""

LEAST_SHARED = 2
"""Values two slots must share: one is chance."""

LEAST_MET = 5
"""Meetings beside the same long identifier before agreement or disagreement counts."""

AGREEMENT = 0.8
"""Share of meetings with equal values that proves two slots of short values the same, or, below, different."""

CODES = "code"
"""Shape of letters and digits; numbers count from one and overlap whatever they number."""

CHANCE_FACTOR = 100
"""Times what chance would bring that two places must share to be of one kind whatever they are called."""

HUB_FACTOR = 10
"""Times the 95th percentile of lines per value beyond which a value is a hub. (Correlation §7.5 takes the 99th, which in a type of
less than a hundred values is the hub itself.)"""

HUB_LEAST_EVENTS = 50
"""Lines below which no value is a hub."""

HUB_LEAST_VALUES = 20
"""Values of a type below which nothing is unusual."""

GENERIC_NOUNS = frozenset(
    {"", "id", "uuid", "guid", "key", "value", "ref", "reference", "code", "number", "hex", "token"}
)
"""Nouns that say nothing about what is identified."""


@dataclass(frozen=True, slots=True)
class IdType:
    """Slots whose values are one kind of identifier."""

    name: str
    """its noun, made unique: ``order``, ``order_2``"""
    noun: str
    slots: tuple[Slot, ...]
    """most frequent first"""

    @property
    def bits(self) -> float:
        return max(slot.bits for slot in self.slots)

    @property
    def strong(self) -> bool:
        return any(slot.strong for slot in self.slots)


def unify_slots(slots: list[Slot], relations: list[Relation], spelled: Iterable[tuple[int, int]] = ()) -> list[IdType]:
    """Types of the given slots, in order of their names; every slot is in exactly one.

    Args:
        spelled: Pairs of slots that spell the same values in two ways (``spellings``).
    """
    by_id = {slot.id: slot for slot in slots}
    parent = {slot.id: slot.id for slot in slots}

    def root(slot: int) -> int:
        while parent[slot] != slot:
            parent[slot] = parent[parent[slot]]
            slot = parent[slot]
        return slot

    def join(a: int, b: int) -> None:
        low, high = sorted((root(a), root(b)))
        parent[high] = low

    alike = [each for each in relations if _same_kind(by_id[each.a], by_id[each.b], each)]
    same = [(each.a, each.b) for each in alike]
    unnamed = {slot.id for slot in slots if _generic(slot)}
    for a, b in (*(pair for pair in same if unnamed.isdisjoint(pair)), *spelled):
        join(a, b)
    # A place that names nothing may hold one kind of thing, or all of them in turn: id=12 of /products/12, then of /orders/12.
    meant: dict[int, dict[int, int]] = {}
    for each in alike:
        for place, other in ((each.a, each.b), (each.b, each.a)):
            if place in unnamed and other not in unnamed:
                meant.setdefault(place, {})[other] = each.shared
    for place, others in sorted(meant.items()):
        if len({root(other) for other in others}) == 1 and max(others.values()) >= AGREEMENT * by_id[place].distinct:
            join(place, min(others))
    for a, b in same:
        if a in unnamed and b in unnamed and a not in meant and b not in meant:
            join(a, b)
    groups: dict[int, list[Slot]] = {}
    for slot in slots:
        groups.setdefault(root(slot.id), []).append(slot)
    ordered = sorted(groups.values(), key=lambda group: (-sum(slot.mentions for slot in group), group[0].name))
    return _named(tuple(sorted(group, key=lambda slot: (-slot.mentions, slot.name))) for group in ordered)


def _same_kind(a: Slot, b: Slot, relation: Relation) -> bool:
    if _come_up_together(a, b, relation):
        return True
    if relation.shared < LEAST_SHARED and not _is_alone(a, b):
        return False
    containment = relation.shared / min(a.distinct, b.distinct)
    met = relation.agree + relation.differ
    agreement = relation.agree / met if met else 0.0
    if a.strong != b.strong:
        return False
    if a.strong:
        if _generic(a) or _generic(b):
            return False
        return containment >= STRONG_CONTAINMENT
    if met >= LEAST_MET:
        return agreement >= AGREEMENT and containment >= NOUN_CONTAINMENT
    if a.shape != b.shape:
        return False
    if a.noun == b.noun and not _generic(a):
        return containment >= NOUN_CONTAINMENT
    return a.shape == CODES and containment >= AGREEMENT and _beyond_chance(a, b, relation.shared)


def _is_alone(a: Slot, b: Slot) -> bool:
    """Whether the one value that the two share is all there is of something known by name: logs of one order name that order alone."""
    return a.noun == b.noun and bool(prior_roles(a.noun)) and min(a.distinct, b.distinct) == 1


def _come_up_together(a: Slot, b: Slot, relation: Relation) -> bool:
    """Whether most of what a place holds first comes up there when a thing of that number is first told of, elsewhere and by name. A
    counter of something else would have to keep step with it."""
    if not relation.together or relation.together < AGREEMENT * min(a.distinct, b.distinct):
        return False
    return relation.together >= LEAST_MET or (min(a.distinct, b.distinct) == 1 and min(a.bits, b.bits) >= LONE_BITS)


def _beyond_chance(a: Slot, b: Slot, shared: int) -> bool:
    """Whether two places share far more codes than codes drawn at random would: ``?ref=K7QX2P`` is the booking, though it says
    nothing of what it is."""
    by_chance = a.distinct * b.distinct / 2 ** min(a.bits, b.bits)
    return shared >= LEAST_MET and shared >= CHANCE_FACTOR * by_chance


def _telling(slot: Slot) -> int:
    """How much more a mention's noun counts than one that says nothing."""
    if _generic(slot):
        return 1
    return 1_000_000 if prior_roles(slot.noun) else 1_000


def _generic(slot: Slot) -> bool:
    return slot.noun in GENERIC_NOUNS


def _named(groups: Iterable[tuple[Slot, ...]]) -> list[IdType]:
    """Name each group by the noun most of its mentions use, one that is known before others (``sku`` before ``now holds``); the more
    frequent group of a noun keeps it bare."""
    taken: dict[str, int] = {}
    types = []
    for group in groups:
        votes: dict[str, int] = {}
        for slot in group:
            votes[slot.noun] = votes.get(slot.noun, 0) + slot.mentions * _telling(slot)
        noun = min(votes, key=lambda noun: (-votes[noun], noun)) or "id"
        taken[noun] = taken.get(noun, 0) + 1
        types.append(IdType(noun if taken[noun] == 1 else f"{noun}_{taken[noun]}", noun, group))
    return types


def type_mentions(db: duckdb.DuckDBPyConnection, types: list[IdType]) -> None:
    """Make ``typed(eid, type, value, multi)`` and ``type_names(number, name)``; ``type`` indexes ``types``.

    Long values of generic places take the type they have elsewhere, bare numbers the spelling they have elsewhere. Needs ``spellings``.
    """
    table = pa.table(
        {
            "slot": pa.array([slot.id for kind in types for slot in kind.slots], pa.int32()),
            "type": pa.array([number for number, kind in enumerate(types) for _ in kind.slots], pa.int32()),
            "wanders": pa.array([slot.strong and _generic(slot) for kind in types for slot in kind.slots], pa.bool_()),
        }
    )
    db.register("slot_types_in", table)
    db.execute("CREATE OR REPLACE TEMP TABLE slot_types AS SELECT * FROM slot_types_in")
    db.unregister("slot_types_in")
    names = pa.table({"number": [str(number) for number in range(len(types))], "name": [kind.name for kind in types]})
    db.register("names_in", names.cast(pa.schema([("number", pa.string()), ("name", pa.string())])))
    db.execute("CREATE OR REPLACE TABLE type_names AS SELECT * FROM names_in")
    db.unregister("names_in")
    placed = """
        placed AS (SELECT eid, coalesce(s.meant, m.value) AS value, multi, type, wanders FROM told m JOIN slot_types USING (slot)
                   LEFT JOIN spellings s ON s.slot = m.slot AND s.value = m.value)
    """
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE homes AS
        WITH {placed},
             met AS (SELECT value, type, count(*) AS n FROM placed SEMI JOIN (SELECT value FROM placed WHERE wanders) USING (value)
                     WHERE NOT wanders GROUP BY ALL)
        SELECT value, arg_max(type, (n, -type)) AS home FROM met GROUP BY value
        """
    )
    db.execute("CREATE OR REPLACE TABLE typed (eid BIGINT, type INTEGER, value VARCHAR, multi BOOLEAN)")
    for first, last in slice_events(db):
        within = f"eid BETWEEN {first} AND {last}"
        # Nearly all lines name one value of a type once, under the name it has everywhere: those are taken as they are.
        db.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE intricate AS
            SELECT eid FROM told JOIN slot_types USING (slot) WHERE {within} GROUP BY eid, type HAVING count(*) > 1
            UNION SELECT eid FROM told JOIN slot_types t USING (slot) WHERE {within}
                  AND (wanders OR slot IN (SELECT slot FROM spellings))
            """
        )
        db.execute(
            f"""
            INSERT INTO typed
            SELECT eid, type, value, multi FROM told JOIN slot_types USING (slot) ANTI JOIN intricate USING (eid) WHERE {within}
            """
        )
        db.execute(
            f"""
            INSERT INTO typed
            WITH {placed}
            SELECT eid, CASE WHEN wanders THEN coalesce(home, type) ELSE type END AS type, value, bool_and(multi) AS multi
            FROM placed SEMI JOIN intricate USING (eid) LEFT JOIN homes USING (value) WHERE {within} GROUP BY ALL
            """
        )


def set_hubs_aside(db: duckdb.DuckDBPyConnection, types: list[IdType]) -> dict[int, list[str]]:
    """Take values out of ``typed`` and ``sightings`` that stand for many things at once; gives them by type, most frequent first.

    Placeholders that no list knows (``sess=none-yet``), shared accounts, a test order used all day: one such value joins everything
    it touches (correlation §7.5: the dependency session → customer rose from .45 to 1.00 without one value).
    """
    kinds = sql_list(number for number, kind in enumerate(types) if kind.strong or not _generic(kind.slots[0]))
    rows = db.execute(
        f"""
        WITH counted AS (SELECT type, value, sum(mentions)::BIGINT AS n FROM sightings WHERE type IN {kinds} GROUP BY ALL),
             usual AS (SELECT type, quantile_disc(n, 0.95) AS most FROM counted GROUP BY type HAVING count(*) >= {HUB_LEAST_VALUES})
        SELECT type, value FROM counted JOIN usual USING (type)
        WHERE n > greatest({HUB_FACTOR} * most, {HUB_LEAST_EVENTS}) ORDER BY type, n DESC, value
        """
    ).fetchall()
    hubs: dict[int, list[str]] = {}
    for number, value in rows:
        hubs.setdefault(number, []).append(value)
    if hubs:
        found = pa.table({"type": [number for number, _ in rows], "value": [value for _, value in rows]})
        db.register("hubs_in", found.cast(pa.schema([("type", pa.int32()), ("value", pa.string())])))
        for table in ("typed", "sightings"):
            db.execute(f"DELETE FROM {table} t USING hubs_in h WHERE t.type = h.type AND t.value = h.value")
        db.unregister("hubs_in")
    return hubs
