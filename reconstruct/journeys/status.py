"""Where an order stands in the words of schema.org (https://schema.org/OrderStatus), so that other programs need not know ours.

Which step puts an order where is data: ``[status]`` of ``vocabulary/activities.toml``, in the order an order goes through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconstruct.journeys.business import Step

ORDERS = frozenset(("order", "booking"))
"""Classes of business objects (``[object.*]``) that are orders to schema.org."""
BY_OUTCOME = {"cancelled": "OrderCancelled", "returned": "OrderReturned", "failed": "OrderProblem"}
PAID = ("captured", "authorised")
PAYMENT_DUE = "OrderPaymentDue"


def status_of(steps: Sequence[Step], outcome: str, table: Mapping[str, Sequence[str]]) -> str | None:
    """The status of an order: what ended it, else the furthest that any of its steps brought it; None: nothing tells."""
    if outcome in BY_OUTCOME:
        return BY_OUTCOME[outcome]
    done = {step.label.verb for step in steps if step.ok and step.label.noun != "email"}
    refused = any(not step.ok and step.label.noun == "payment" for step in steps)
    if refused and done.isdisjoint(PAID):
        return PAYMENT_DUE
    return next((status for status, verbs in reversed(list(table.items())) if not done.isdisjoint(verbs)), None)
