"""Money is counted once: what a basket is worth is what the order is worth that came of it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from counted import results_of
from shop import order_journey

from reconstruct.cli.summary import render_business

Document = dict[str, Any]
VISITS = 12


def visits(*types: str, fulfilled: tuple[str, ...]) -> list[Document]:
    """Visits with a business journey of each type, one behind the other, each worth 10.00 EUR."""
    model = order_journey()
    found = []
    for n in range(VISITS):
        document = {**deepcopy(model), "id": f"v{n:05d}"}
        things = []
        for place, type_ in enumerate(types):
            thing = deepcopy(model["business_journeys"][0])
            thing |= {
                "id": f"{type_}:{n}", "object": {"type": type_, "id": str(n)}, "value": {"amount": "10.00", "currency": "EUR"},
                "outcome": "fulfilled" if type_ in fulfilled else "in_progress", "deviations": [],
                "started_at": f"2026-03-10T10:{n:02d}:{place:02d}.000000Z",
            }  # fmt: skip
            things.append(thing)
        document["business_journeys"] = things
        found.append(document)
    return found


@pytest.mark.parametrize(
    ("types", "fulfilled", "without", "worth"),
    [
        (("basket", "order"), ("order",), ["basket"], ("120.00", "0")),
        (("order", "refund"), ("order",), [], ("120.00", "120.00")),  # what comes behind is no draft
        (("order", "parcel"), ("order", "parcel"), [], ("240.00", "0")),  # nor is what is fulfilled itself
        (("order", "offer"), (), [], ("0", "240.00")),
    ],
)
def test_what_others_come_of_is_not_counted(
    types: tuple[str, ...], fulfilled: tuple[str, ...], without: list[str], worth: tuple[str, str]
) -> None:
    results = results_of(visits(*types, fulfilled=fulfilled))
    (row,) = results.summary()["revenue"]
    assert row["without"] == without
    assert (row["fulfilled"]["amount"], row["open"]["amount"]) == worth
    for name in ("fulfilled", "open"):
        assert results.count_journeys(row[name]["query"]) == row[name]["journeys"]
    results.close()


@pytest.mark.parametrize(
    ("types", "fulfilled", "told"),
    [
        (("basket", "order"), ("order",), "  basket: 12, of which others come; none is fulfilled itself"),
        (("order",), (), "  order: none of 12 is over yet"),
        (("order",), ("order",), "  order: fulfilled 100% (76–100%) of 12 that are over; half within "),
    ],
)
def test_what_became_of_them_is_said_of_those_that_can_be_fulfilled(
    types: tuple[str, ...], fulfilled: tuple[str, ...], told: str
) -> None:
    results = results_of(visits(*types, fulfilled=fulfilled))
    assert any(line.startswith(told) for line in render_business(results.summary(), {})), render_business(
        results.summary(), {}
    )
    results.close()


def test_no_share_is_said_where_the_logs_tell_of_no_end_that_is_good() -> None:
    documents = visits("order", fulfilled=())
    for document in documents[:3]:
        document["business_journeys"][0]["outcome"] = "cancelled"
    documents[2]["business_journeys"][0]["outcome"] = "stuck"
    results = results_of(documents)
    told = render_business(results.summary(), {})
    assert "  order: these logs tell of none that was fulfilled; 3 of 12 ended otherwise" in told
    (stuck,) = (line for line in told if line.startswith("    1 stuck  "))
    assert results.select(stuck.split(maxsplit=2)[2]).count_journeys() == 1
    results.close()
