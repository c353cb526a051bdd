"""Pass 1, last step: which type owns which, and which objects have a business journey of their own.

A functional dependency A → B (each A has one B) makes B the owner of A when B is born first. Objects without an owner
that more than one part of the business works on are *roots*: each of their values is one business journey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import duckdb

from reconstruct.correlate.roles import Role
from reconstruct.correlate.types import IdType
from reconstruct.events.nouns import lexicon, prior_roles
from reconstruct.store.listing import sql_list

DEPENDENCY = 0.95
"""Event-weighted share of meetings with the main owner (correlation §7.7)."""

MET_SHARE = 0.3
"""Share of a type's values that must have met the owner type at all."""

BORN_FIRST = 0.8
"""Share of meetings in which the owner is at least as old."""

BIRTH_SLACK_NS = 60 * 1_000_000_000
"""A part may be named a moment before its owner: a payment is authorised before the order exists."""

BOTH_NAMED = 0.9
"""Share of the values of two types of one noun that must meet for the types to be two names of one thing."""

SEVERAL_LOGS = 1.5
"""Mean families of logs per value above which more than one part of the business works on an object."""

GROUP_CAP = 500
"""Lines of one request or task beyond which it is a batch run, and meeting in it means nothing."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """``child`` values belong to ``owner`` values (both indices into the types)."""

    child: int
    owner: int
    dependency: float
    met: float


def find_owners(db: duckdb.DuckDBPyConnection, types: list[IdType], roles: list[Role]) -> list[Ownership]:
    """At most one owner per type among objects, sub-objects and long identifiers of no known role.

    Needs ``typed``, ``grouped`` and ``entities``.
    """
    things = {
        role.type: role
        for role in roles
        if role.role in ("object", "sub-object") or (role.role == "other" and types[role.type].strong)
    }
    if len(things) < 2:
        return []
    rows = db.execute(
        f"""
        WITH own AS (SELECT eid, type, value FROM typed WHERE type IN {sql_list(things)} AND NOT multi),
             groups AS (SELECT code FROM grouped GROUP BY code HAVING count(*) <= {GROUP_CAP}),
             together AS (
                SELECT a.type AS ta, a.value AS a, b.type AS tb, b.value AS b FROM own a JOIN own b USING (eid) WHERE a.type <> b.type
                UNION ALL
                SELECT a.type, a.value, b.type, b.value FROM grouped g SEMI JOIN groups USING (code)
                JOIN own a ON a.eid = g.eid JOIN grouped h ON h.code = g.code
                JOIN own b ON b.eid = h.eid WHERE a.type <> b.type AND g.eid <> h.eid),
             pairs AS (SELECT ta, a, tb, b, count(*) AS n FROM together GROUP BY ALL),
             per_value AS (SELECT ta, tb, a, max(n) AS main, sum(n) AS n, arg_max(b, (n, b)) AS owner FROM pairs GROUP BY ALL)
        SELECT ta, tb, sum(main) / sum(per_value.n), count(*) / any_value(total.n),
               avg((e2.t0 <= e1.t0 + {BIRTH_SLACK_NS})::INT), avg((e2.t0 < e1.t0)::INT)
        FROM per_value
        JOIN (SELECT type, count(*) AS n FROM entities GROUP BY type) total ON total.type = ta
        JOIN entities e1 ON e1.type = ta AND e1.value = a JOIN entities e2 ON e2.type = tb AND e2.value = owner
        GROUP BY ta, tb ORDER BY ta, tb
        """
    ).fetchall()
    pairs = {(a, b): _Meetings(*told) for a, b, *told in rows}
    found = []
    for child in things:
        options = [
            (_standing(things[b]), each.dependency, each.met, b)
            for (a, b), each in pairs.items()
            if a == child and each.depends and each.met >= MET_SHARE and each.first >= BORN_FIRST
            and _outranks(b, a, types, things, pairs)
        ]  # fmt: skip
        if options:
            _, dependency, met, owner = max(options)
            if _leads_on(types[owner], things[owner]):
                owner = _outcome(owner, child, types, pairs)
            found.append(Ownership(child, owner, round(dependency, 4), round(met, 4)))
    return found


def is_precursor(kind: IdType) -> bool:
    """Whether other objects come of such a thing: an order of a basket."""
    return kind.noun in lexicon().precursors


def find_leading(types: list[IdType], roles: list[Role], roots: Sequence[int]) -> list[int]:
    """Types whose values others come of, but for those that have a business journey themselves."""
    return [role.type for role in roles if role.type not in roots and _leads_on(types[role.type], role)]


def _leads_on(kind: IdType, role: Role) -> bool:
    """Whether a type is what another comes of: a basket, or something that nobody knows the use of (a provider's checkout session)."""
    return is_precursor(kind) or (role.role == "other" and kind.strong)


def _outcome(precursor: int, child: int, types: list[IdType], pairs: Mapping[tuple[int, int], _Meetings]) -> int:
    """What a thing comes to, where that is one: what was charged for a basket was charged for its order. Else itself."""
    options = [
        (each.met, -b)
        for (a, b), each in pairs.items()
        if a == precursor and b != child and each.depends and each.met >= MET_SHARE and _is_object(types[b])
    ]
    return -max(options)[1] if options else precursor


def _is_object(kind: IdType) -> bool:
    """Whether a type is called something the business works on, and nothing that comes before that."""
    return "object" in prior_roles(kind.noun) and not is_precursor(kind)


class _Meetings(NamedTuple):
    """What the values of one type are to those of another that they meet."""

    dependency: float
    met: float
    first: float
    """share in which the other is at least as old, give or take BIRTH_SLACK_NS"""
    older: float
    """share in which the other is older"""

    @property
    def depends(self) -> bool:
        return self.dependency >= DEPENDENCY


def _outranks(
    owner: int, child: int, types: list[IdType], things: Mapping[int, Role], pairs: Mapping[tuple[int, int], _Meetings]
) -> bool:
    """Whether a type may own another that depends on it: it stands higher. Of two names of one thing the older one does: the
    number a shop gives an order when it is placed, not the one under which the depot is told of it."""
    if _leads_on(types[owner], things[owner]) and _is_object(types[child]):
        return False  # an order is no part of the basket that it came of
    there, back = pairs[child, owner], pairs.get((owner, child))
    if (
        back is not None
        and back.depends
        and min(there.met, back.met) >= BOTH_NAMED
        and types[owner].noun == types[child].noun
    ) and max(there.older, back.older) >= BORN_FIRST:
        return there.older > back.older
    return _standing(things[owner]) > _standing(things[child])


def _standing(role: Role) -> tuple[float, float, int, int]:
    """What makes one object the owner of another of equal dependency: worked on in more logs, more often."""
    seen = role.behaviour
    return (seen.families_per_value, seen.families, seen.mentions, -role.type)


def find_roots(types: list[IdType], roles: list[Role], owners: list[Ownership]) -> list[int]:
    """Types whose values have a business journey: objects nobody owns, worked on in several logs (else the best there is; where no log
    but those of requests has any, all). What others come of (a basket) has one beside theirs only if it is worked on itself."""
    owned = {each.child for each in owners}
    objects = [role for role in roles if role.role == "object" and role.type not in owned]
    owning = {each.owner for each in owners}
    several = [role for role in objects if _is_worked_on(role) or role.type in owning]
    if several or not any(role.behaviour.back_families for role in objects):
        roots = several or objects
        others = [role for role in roots if _is_worked_on(role) or not is_precursor(types[role.type])]
        return [role.type for role in others or roots]
    return [max(objects, key=lambda role: (role.points, _standing(role))).type] if objects else []


def _is_worked_on(role: Role) -> bool:
    """Whether more than one part of the business works on an object."""
    return role.behaviour.families_per_value >= SEVERAL_LOGS and role.behaviour.back_families > 0


def settle(roles: list[Role], owners: list[Ownership]) -> None:
    """Write what ownership says back into the roles: an owned object is a sub-object, an unowned sub-object that owns an object."""
    owned = {each.child for each in owners}
    for role in (each for each in roles if not each.pinned):
        if role.role in ("object", "other") and role.type in owned:
            role.why = [*(role.why if role.role == "object" else []), "each value belongs to one value of its owner"]
            role.role = "sub-object"
        elif role.role == "sub-object" and role.type not in owned and role.type in {each.owner for each in owners}:
            role.role = "object"
            role.why.append("owns others, and nothing owns it")
