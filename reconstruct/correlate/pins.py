"""What the user says of the plan, put in the place of what was measured (``[plan]`` of ``reconstruct.toml``)."""

from __future__ import annotations

from collections.abc import Sequence

from reconstruct.correlate.owners import Ownership
from reconstruct.correlate.roles import Role
from reconstruct.correlate.types import IdType
from reconstruct.options import Pins

PINNED = "pinned in reconstruct.toml"

JOURNEY_OWNER = "session"
"""Owner of objects that have a business journey of their own: it begins in a session."""

SURE = 100.0
"""Points of a role that the user gave: more than any that is measured."""


def pin_types(types: Sequence[IdType], pins: Pins) -> list[IdType]:
    """The types with the slots that pins give them; a slot is in one type, and what is left of the others stays."""
    given = {slot: pin.type for pin in pins.types if pin.slots is not None for slot in pin.slots}
    if not given:
        return list(types)
    slots = {slot.name: slot for kind in types for slot in kind.slots}
    named = {
        pin.type: tuple(slots[name] for name in pin.slots if name in slots and given[name] == pin.type)
        for pin in pins.types
        if pin.slots is not None
    }
    found = [IdType(name, name, held) for name, held in named.items() if held]
    taken = {kind.name for kind in found}
    for kind in types:
        left = tuple(slot for slot in kind.slots if slot.name not in given)
        if not left:
            continue
        name, number = kind.name, 2
        while name in taken:
            name, number = f"{kind.noun}_{number}", number + 1
        taken.add(name)
        found.append(IdType(name, kind.noun, left))
    return sorted(found, key=lambda kind: (-sum(slot.mentions for slot in kind.slots), kind.slots[0].name))


def pin_roles(types: Sequence[IdType], roles: Sequence[Role], pins: Pins) -> None:
    """Write the pinned roles into ``roles``; their reasons say who decided, and what was measured."""
    wanted = {pin.type: pin.role for pin in pins.types if pin.role is not None}
    for kind, role in zip(types, roles, strict=True):
        given = wanted.get(kind.name)
        if given is None:
            continue
        role.pinned = True
        if role.role == given:
            role.why.append(PINNED)
        else:
            role.why = [PINNED, f"measured as {role.role}: {'; '.join(role.why)}"]
            role.role, role.points = given, SURE


def pin_owners(types: Sequence[IdType], owners: Sequence[Ownership], pins: Pins) -> list[Ownership]:
    """The owners with those that pins give or deny; ``met`` is 0 where nothing was measured."""
    number = {kind.name: place for place, kind in enumerate(types)}
    wanted = {number[pin.type]: pin.owner for pin in pins.types if pin.owner is not None and pin.type in number}
    kept = [each for each in owners if each.child not in wanted or wanted[each.child] == types[each.owner].name]
    known = {each.child for each in kept}
    added = [
        Ownership(child, number[owner], 1.0, 0.0)
        for child, owner in wanted.items()
        if owner in number and owner != JOURNEY_OWNER and child not in known
    ]
    return kept + added


def pin_roots(types: Sequence[IdType], roots: Sequence[int], pins: Pins) -> list[int]:
    """The types with a business journey, with those that pins give or deny."""
    said = {pin.type: pin.owner == JOURNEY_OWNER for pin in pins.types if pin.owner is not None}
    return [place for place, kind in enumerate(types) if said.get(kind.name, place in roots)]


def find_misfits(types: Sequence[IdType], pins: Pins) -> list[str]:
    """What pins speak of and these logs do not have, in words."""
    names = {kind.name for kind in types}
    slots = {slot.name for kind in types for slot in kind.slots}
    found = []
    for pin in pins.types:
        absent = [slot for slot in pin.slots or () if slot not in slots]
        found += [f"plan.types.{pin.type}.slots: no identifier is found in {slot}" for slot in absent]
        if pin.type not in names:
            found.append(f"plan.types.{pin.type}: there is no such type in these logs")
        if pin.owner and pin.owner != JOURNEY_OWNER and pin.owner not in names:
            found.append(f"plan.types.{pin.type}.owner: there is no type {pin.owner} in these logs")
    return found
