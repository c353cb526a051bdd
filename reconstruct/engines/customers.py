"""Customers: a customer's visits over all channels as one longer journey.

Whose a visit is, ``engines/people.py`` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

from reconstruct.store.database import Store

QUERY = """
    SELECT customer, seq, id, channel, started_at, ended_at, outcome, achieved_at, source, entry, campaign
    FROM journeys WHERE customer IS NOT NULL AND seq IN {listed} ORDER BY min(seq) OVER (PARTITION BY customer), seq
"""
BUSINESS = """
    SELECT j.customer, b.outcome, b.amount, b.currency FROM business b JOIN journeys j ON j.seq = b.journey
    WHERE j.customer IS NOT NULL AND j.seq IN {listed}
"""
NAMES = """
    SELECT DISTINCT j.customer, i.value FROM identities i JOIN journeys j ON j.seq = i.journey
    WHERE i.kind = 'customer' AND i.value <> j.customer AND j.seq IN {listed} ORDER BY ALL
"""
VOID = ("failed", "cancelled")
"""Outcomes of business journeys that bring no money."""


def list_customers(store: Store, listed: str, parameters: Sequence[object]) -> list[dict[str, Any]]:
    """Customers in the order of their first visit, as rows of ``customers`` (docs/json.md).

    Args:
        listed: SQL of the numbers of the journeys that are looked at; parameters: what its question marks stand for.
    """
    business: dict[str, list[tuple[str, str | None, str | None]]] = {}
    for customer, *row in store.rows(BUSINESS.format(listed=listed), parameters):
        business.setdefault(customer, []).append((row[0], row[1], row[2]))
    also: dict[str, list[str]] = {}
    for customer, name in store.rows(NAMES.format(listed=listed), parameters):
        also.setdefault(customer, []).append(name)
    table = store.arrow(QUERY.format(listed=listed), parameters).to_pylist()
    return [
        _chain(customer, also.get(customer, []), list(visits), business.get(customer, []))
        for customer, visits in groupby(table, key=itemgetter("customer"))
    ]


def _chain(
    customer: str,
    also: Sequence[str],
    visits: Sequence[Mapping[str, Any]],
    business: Sequence[tuple[str, str | None, str | None]],
) -> dict[str, Any]:
    first = visits[0]
    place = next((number for number, visit in enumerate(visits) if visit["outcome"] == "achieved"), None)
    converted = None if place is None else visits[place]["achieved_at"] or visits[place]["ended_at"]
    touch = {key: first[key] for key in ("channel", "source", "entry", "campaign") if first[key]}
    value: dict[str, Decimal] = {}
    outcomes: dict[str, int] = {}
    for outcome, amount, currency in business:
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        if amount is not None and outcome not in VOID:
            value[currency or ""] = value.get(currency or "", Decimal(0)) + Decimal(amount)
    return {
        "id": customer,
        **({"also": also} if also else {}),
        "journeys": [visit["id"] for visit in visits],
        "channels": list(dict.fromkeys(visit["channel"] for visit in visits)),
        "first_touch": {"at": first["started_at"], **touch},
        "last_at": max(visit["ended_at"] for visit in visits),
        "conversions": sum(visit["outcome"] == "achieved" for visit in visits),
        "converted_at": converted,
        "time_to_convert_ms": None if converted is None else _milliseconds_between(first["started_at"], converted),
        "journeys_to_convert": None if place is None else place + 1,
        "returns": 0 if place is None else len(visits) - place - 1,
        "business_outcomes": dict(sorted(outcomes.items())),
        "value": [
            {"amount": f"{amount}", **({"currency": currency} if currency else {})}
            for currency, amount in sorted(value.items())
        ],
    }


def _milliseconds_between(start: str, end: str) -> int:
    gap = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return max(0, round(gap.total_seconds() * 1000))
