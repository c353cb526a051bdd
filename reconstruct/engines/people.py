"""Who is who: the names one person goes by, and visits nobody signed in on.

A customer is named by identifiers, ``type:value``; of a person with an account number and a mail address one log has the
one, another the other. Two names are one person's where whole visits say so, never because they look alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations

from reconstruct.engines.documents import SessionFacts
from reconstruct.intervals import wilson

NAMED, BY_NAME, BY_DEVICE = "identifier", "alias", "device"
"""Where the customer of a visit is known from."""

ONE_TO_ONE = 0.8
"""What the share of returning names that come back with the same partner must be above, for sure (95 % interval), before two
kinds of name are taken to name the same people: a till's customer number and the address a present is sent to are not."""

MOST_NAMES = 8
"""Names in a visit beyond which it is a clerk's or a robot's, who names many people and is none of them."""


def join_names(
    visits: Sequence[Sequence[tuple[int, str]]], beside: Collection[tuple[str, str]] = ()
) -> dict[str, list[str]]:
    """Names that are one person's.

    Two names of different types are joined when each was met with no other of the other's type in any visit, and when the
    two types go together: of names that come back, nearly all come back with the partner they had; or, of types that are
    called customers, nearly all names that stand on one line have one partner (an account that is opened names its mail
    address once, and never again).

    Args:
        visits: The names in each visit, as the number of the name's type (the surer, the lower) and ``type:value``.
        beside: Names that stand on one line, of types that are called customers; either order.

    Returns:
        Every name that has others → all names of the person, of the surest type first.
    """
    partners: dict[tuple[str, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    types: dict[str, int] = {}
    for names in visits:
        if len(names) > MOST_NAMES:
            continue
        for (a, one), (b, other) in combinations(names, 2):
            if a != b:
                types[one], types[other] = a, b
                partners[one, b][other] += 1
                partners[other, a][one] += 1
    trusted = _kinds_that_come_back_together(partners, types) | _kinds_on_one_line(beside, partners, types)
    people: dict[str, list[str]] = {}
    for (one, b), met in sorted(partners.items()):
        a, other = types[one], min(met)
        if a < b and (a, b) in trusted and len(met) == 1 and len(partners[other, a]) == 1:
            group = sorted({*people.get(one, [one]), *people.get(other, [other])}, key=lambda name: (types[name], name))
            if len({types[name] for name in group}) == len(group):
                people.update(dict.fromkeys(group, group))
    return people


def _kinds_that_come_back_together(
    partners: Mapping[tuple[str, int], Mapping[str, int]], types: Mapping[str, int]
) -> set[tuple[int, int]]:
    """Pairs of types, the lower first. A trial is each time a name came back with a name of the other type."""
    trials: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    for (one, b), met in partners.items():
        if types[one] < b:
            tried = trials[types[one], b]
            tried[0] += max(met.values()) - 1
            tried[1] += sum(met.values()) - 1
    return {pair for pair, (agreed, of) in trials.items() if (wilson(agreed, of).low or 0.0) >= ONE_TO_ONE}


def _kinds_on_one_line(
    beside: Collection[tuple[str, str]], partners: Mapping[tuple[str, int], Mapping[str, int]], types: Mapping[str, int]
) -> set[tuple[int, int]]:
    """Pairs of types, the lower first. A trial is each pair of names on one line."""
    trials: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    for one, other in {(min(pair), max(pair)) for pair in beside if types.keys() >= set(pair)}:
        a, b = types[one], types[other]
        tried = trials[min(a, b), max(a, b)]
        tried[0] += len(partners.get((one, b), ())) == 1 and len(partners.get((other, a), ())) == 1
        tried[1] += 1
    return {pair for pair, (agreed, of) in trials.items() if (wilson(agreed, of).low or 0.0) >= ONE_TO_ONE}


def identify_visits(
    facts: Sequence[SessionFacts],
    names: Sequence[Sequence[tuple[int, str]]],
    devices: Sequence[Iterable[str]],
    beside: Collection[tuple[str, str]] = (),
) -> None:
    """Say of every visit whose it is.

    A visit is its first name's; all visits of a person go by one name. A visit without a name belongs to the customer of its
    browser, where a device identifier says which browser it was and only one customer was ever met with it.

    Args:
        facts: Of every visit; ``customer``, ``customer_from`` and ``customer_also`` are filled in.
        names: The customers named in each visit: number of the type (the surer, the lower) and ``type:value``, in order.
        devices: Device identifiers of every visit.
        beside: See ``join_names``.
    """
    people = join_names(names, beside)
    owners: dict[str, set[str]] = defaultdict(set)
    for each, named, found in zip(facts, names, devices, strict=True):
        if named:
            own = named[0][1]
            each.customer = people.get(own, [own])[0]
            each.customer_from = NAMED if each.customer == own else BY_NAME
            for device in found:
                owners[device].add(each.customer)
    for each, found in zip(facts, devices, strict=True):
        if each.customer is None:
            known = set().union(*(owners.get(device, ()) for device in found))
            if len(known) == 1:
                each.customer, each.customer_from = known.pop(), BY_DEVICE
        if each.customer is not None:
            each.customer_also = people.get(each.customer, [""])[1:]
