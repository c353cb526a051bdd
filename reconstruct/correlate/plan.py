"""The plan: which identifier types there are, what each identifies, who owns whom, and why.

Pass 1 as one call, and the plan as the rows a user reads (``identifiers`` of the export, ``reconstruct plan``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import duckdb

from reconstruct.correlate import pins
from reconstruct.correlate.lettered import find_lettered
from reconstruct.correlate.owners import Ownership
from reconstruct.correlate.profile import profile_slots, relate_slots
from reconstruct.correlate.roles import Role, judge_roles, observe, tabulate_sightings
from reconstruct.correlate.slices import set_timeless_aside
from reconstruct.correlate.spellings import find_spellings
from reconstruct.correlate.types import IdType, set_hubs_aside, type_mentions, unify_slots
from reconstruct.options import Pins

HUBS_SHOWN = 3

CONTRACT_ROLES = {"trace": "request", "span": "request"}
"""Roles that the export knows under a wider name."""


@dataclass(slots=True)
class Plan:
    """The outcome of pass 1."""

    types: list[IdType]
    roles: list[Role]
    """one per type, same order"""
    notes: list[str] = field(default_factory=list)
    """what the user said that these logs have no place for"""

    def of_role(self, *roles: str) -> list[int]:
        """Types of the given roles, surest first."""
        found = [role for role in self.roles if role.role in roles]
        return [role.type for role in sorted(found, key=lambda role: (-role.points, role.type))]


def make_plan(db: duckdb.DuckDBPyConnection, pinned: Pins) -> Plan:
    """Pass 1. Needs ``events``, ``mentions``, ``slots`` and ``timeline``; makes ``typed`` and ``entities``."""
    set_timeless_aside(db)
    slots = [slot for slot in profile_slots(db) if slot.name not in pinned.ignore]
    spelled = [(each.bare, each.prefixed) for each in find_spellings(db, slots)]
    types = pins.pin_types(unify_slots(slots, relate_slots(db, slots), spelled), pinned)
    type_mentions(db, types)
    tabulate_sightings(db)
    if find_lettered(db):
        tabulate_sightings(db)
    hubs = set_hubs_aside(db, types)
    roles = judge_roles(types, observe(db, types))
    pins.pin_roles(types, roles, pinned)
    for number, values in hubs.items():
        shown = ", ".join(f"“{value[:40]}”" for value in values[:HUBS_SHOWN])
        roles[number].why.append(
            f"{len(values)} value{'s' if len(values) > 1 else ''} on too many lines set aside: {shown}"
        )
    return Plan(types, roles, pins.find_misfits(types, pinned))


def describe_plan(plan: Plan, owners: list[Ownership], roots: list[int]) -> list[dict[str, Any]]:
    """The plan as rows: type, role, slots, distinct, owner, why. Types that identify nothing come last."""
    owner_of = {each.child: plan.types[each.owner].name for each in owners}
    rows = []
    for kind, role in zip(plan.types, plan.roles, strict=True):
        why = list(role.why)
        owner = owner_of.get(role.type)
        if owner is not None:
            found = next(each for each in owners if each.child == role.type)
            why.append(
                f"{found.dependency:.0%} of meetings are with one {owner}" if found.met else f"owned by {owner}: pinned"
            )
        elif role.type in roots or role.role == "request":
            owner = "session"
        elif role.role == "session":
            owner = "customer"
        rows.append(
            {
                "type": kind.name,
                "role": CONTRACT_ROLES.get(role.role, role.role),
                "slots": [slot.name for slot in kind.slots],
                "distinct": role.behaviour.values,
                "owner": owner,
                "why": why,
            }
        )
    order = {"object": 0, "sub-object": 1, "session": 2, "customer": 3, "request": 4, "device": 5, "batch": 6}
    return sorted(rows, key=lambda row: (order.get(str(row["role"]), 9), -int(str(row["distinct"])), str(row["type"])))
