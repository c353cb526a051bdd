"""The process in figures: variants, starts and ends, waits, bottleneck, rework; and customers as one longer journey."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconstruct.engines.documents import SessionFacts
from reconstruct.engines.people import identify_visits, join_names
from reconstruct.grammar.timestamps import format_time
from reconstruct.journeys.models import load_models
from reconstruct.journeys.process import Process, annotate, learn, look_only
from reconstruct.journeys.variants import TOGETHER_MS, describe_processes

START = 1_780_000_000_000_000_000
MS = 1_000_000


def order(number: int, *steps: str, outcome: str = "fulfilled", kind: str = "order") -> dict[str, Any]:
    """A business journey. Steps: ``MILLISECONDS activity``, with ``!`` before the activity when it failed."""
    rows = []
    for text in steps:
        at, _, activity = text.partition(" ")
        failed = activity.startswith("!")
        rows.append(
            {
                "at": format_time(START + int(at) * MS), "activity": activity.lstrip("!"), "service": "s",
                "status": "failed" if failed else "ok", "duration_ms": 0, "wait_ms": 0, "attempts": 1, "events": [[0, number + 1]],
                **({"exception": "business"} if failed else {}),
            }
        )  # fmt: skip
    times = [int(text.partition(" ")[0]) for text in steps]
    return {
        "id": f"{kind}:{number}", "object": {"type": kind, "id": str(number)}, "outcome": outcome, "steps": rows, "deviations": [],
        "started_at": format_time(START + min(times) * MS), "ended_at": format_time(START + max(times) * MS),
        "duration_ms": max(times) - min(times),
    }  # fmt: skip


def shop(n: int = 40) -> list[dict[str, Any]]:
    usual = [
        order(i, "0 Order placed", f"{3_600_000 + i} Order packed", "90000000 Shipment delivered") for i in range(n)
    ]
    again = [
        order(n + i, "0 Order placed", "4000000 Order packed", "9000000 Order packed", "99000000 Shipment delivered")
        for i in range(4)
    ]
    refused = [order(n + 10, "0 !Payment declined", outcome="failed")]
    open_ones = [order(n + 20 + i, "0 Order placed", outcome="in_progress") for i in range(3)]
    return [*usual, *again, *refused, *open_ones]


def test_variants_have_their_share_outcomes_and_an_example() -> None:
    (row,) = describe_processes(shop(), Process())
    first, second = row["variants"][:2]
    assert first["activities"] == ["Order placed", "Order packed", "Shipment delivered"]
    assert (first["journeys"], first["share"], first["outcomes"]) == (44, round(44 / 48, 4), {"fulfilled": 44})
    assert second == {
        "activities": ["Order placed"], "journeys": 3, "share": 0.0625, "outcomes": {"in_progress": 3}, "p50_ms": 0, "example": "order:60",
    }  # fmt: skip
    assert ["Payment declined"] in [variant["activities"] for variant in row["variants"]]


def test_what_is_in_flight_ends_nowhere() -> None:
    (row,) = describe_processes(shop(), Process())
    assert {end["activity"]: end["journeys"] for end in row["ends"]} == {
        "Shipment delivered": 44,
        "Payment declined": 1,
    }
    assert sum(start["journeys"] for start in row["starts"]) == row["journeys"] == 48


def test_rework_bottleneck_and_waits() -> None:
    (row,) = describe_processes(shop(), Process())
    assert row["rework"]["steps"] == [{"activity": "Order packed", "journeys": 4}]
    assert row["bottleneck"]["activity"] == "Shipment delivered"
    assert row["bottleneck"]["share_of_waiting"] > 0.9
    packed = next(step for step in row["steps"] if step["activity"] == "Order packed")
    assert (packed["journeys"], packed["again"]) == (44, 4)
    assert packed["wait_p50_ms"] <= packed["wait_p95_ms"] == 5_000_000


def test_steps_at_the_same_time_make_no_variants() -> None:
    swapped = [
        order(i, "0 Order placed", *((f"{5000 + (i % 3 == 0)} Mailed", f"{5001 - (i % 3 == 0)} Scored"))) for i in range(30)
    ]  # fmt: skip
    assert TOGETHER_MS > 1
    (row,) = describe_processes(swapped, Process())
    assert row["n_variants"] == 1


def test_shipped_is_no_end_where_lines_of_the_end_get_lost() -> None:
    """Of forty that were delivered, thirty say so."""
    told = [
        order(i, "0 Order placed", "3600000 Order shipped", *["90000000 Shipment delivered"] * (i % 4 > 0))
        for i in range(40)
    ]
    process = learn(told)
    assert [annotate(each, process)["outcome"] for each in told] == [
        "fulfilled" if i % 4 else "in_progress" for i in range(40)
    ]
    assert not any(annotate(each, process)["deviations"] for each in told), "nothing is missed for it"
    # Half of them: that is how it is here.
    half = [
        order(i, "0 Order placed", "3600000 Order shipped", *["90000000 Shipment delivered"] * (i % 2))
        for i in range(40)
    ]
    assert {annotate(each, learn(half))["outcome"] for each in half} == {"fulfilled"}


def test_who_only_looks_is_no_step_of_the_business() -> None:
    looks = look_only(load_models())
    assert "Viewed order" in looks
    seen = [*shop(), order(99, "0 Order placed", "5 Viewed order", outcome="in_progress")]
    (row,) = describe_processes(seen, learn(seen))
    assert all("Viewed order" not in variant["activities"] for variant in row["variants"])


@given(st.randoms(use_true_random=False))
def test_the_order_of_documents_does_not_matter(chance: random.Random) -> None:
    documents = shop()
    chance.shuffle(documents)
    assert describe_processes(documents, Process()) == describe_processes(shop(), Process())


@given(
    st.lists(
        st.lists(st.sampled_from(["0 A", "1000 B", "9000 A", "50000 C", "50001 !B"]), min_size=1, max_size=6), min_size=1, max_size=12
    )
)  # fmt: skip
def test_figures_add_up(paths: list[list[str]]) -> None:
    documents = [order(i, *sorted(path, key=lambda s: int(s.split()[0]))) for i, path in enumerate(paths)]
    (row,) = describe_processes(documents, Process())
    assert sum(variant["journeys"] for variant in row["variants"]) <= row["journeys"] == len(documents)
    for step in row["steps"]:
        assert 0 < step["journeys"] <= row["journeys"]
        assert step["again"] <= step["journeys"]
        assert step["attempts"] == sum(s["activity"] == step["activity"] for d in documents for s in d["steps"])
    assert 0 <= row["rework"]["share"] <= 1


def test_a_queues_tail_is_not_late_and_a_refused_card_is_nobodys_delay() -> None:
    waits = [60_000 * (1 + i % 10) for i in range(40)]
    documents = [order(i, "0 Order placed", f"{wait} Order packed") for i, wait in enumerate(waits)]
    process = learn(documents)
    tail = annotate(order(900, "0 Order placed", "840000 Order packed"), process)
    assert tail["deviations"] == []
    late = annotate(order(901, "0 Order placed", "2400000 Order packed"), process)
    assert [each["kind"] for each in late["deviations"]] == ["late"]
    assert late["deviations"][0]["why"].endswith("this one came after 40m")
    refused = annotate(order(902, "0 Order placed", "1000 !Payment declined", "2400000 Order packed"), process)
    assert refused["deviations"] == []


def test_order_is_compared_with_every_usual_step_and_not_below_the_resolution_of_stamps() -> None:
    documents = [order(i, "0 Order placed", "10000 Stock allocated", "500000 Pick started") for i in range(60)]
    process = learn(documents)
    wrong = annotate(order(900, "0 Order placed", "500000 Pick started", "560000 Stock allocated"), process)
    assert "out_of_order" in [each["kind"] for each in wrong["deviations"]]
    tied = annotate(order(901, "0 Order placed", "10000 Pick started", "11500 Stock allocated"), process)
    assert "out_of_order" not in [each["kind"] for each in tied["deviations"]]


def identify(*visits: tuple[list[str], list[str]]) -> list[tuple[str | None, str | None]]:
    """Whose each visit is, and where that is known from; a visit is the names and the devices in it."""
    facts = [SessionFacts(str(number), [], [], None, "", "human") for number in range(len(visits))]
    kinds = ("email", "user", "card")
    names = [[(kinds.index(name.partition(":")[0]), name) for name in names] for names, _ in visits]
    identify_visits(facts, names, [devices for _, devices in visits])
    return [(each.customer, each.customer_from) for each in facts]


def test_a_browser_of_one_customer_brings_its_visits_along_and_a_shared_one_does_not() -> None:
    assert identify(([], ["v1"]), (["user:1"], ["v1", "v2"]), ([], ["v2"]), (["user:2"], ["v2"]), ([], [])) == [
        ("user:1", "device"), ("user:1", "identifier"), (None, None), ("user:2", "identifier"), (None, None),
    ]  # fmt: skip


TOGETHER = [[f"email:{n % 10}@x.example", f"user:{n % 10}"] for n in range(30)]
"""Thirty visits of ten people, who sign in with one name and order with the other."""


def test_names_that_always_come_back_together_are_one_persons() -> None:
    whose = identify(*((names, []) for names in TOGETHER), (["user:3"], ["v3"]), ([], ["v3"]))
    assert whose[-2:] == [("email:3@x.example", "alias"), ("email:3@x.example", "device")]
    assert len({customer for customer, _ in whose}) == 10


def test_a_name_met_with_two_others_is_joined_to_neither() -> None:
    shared = [*TOGETHER, ["email:late@x.example", "user:3"]]
    whose = identify(*((names, []) for names in shared), (["user:3"], []), (["user:4"], []))
    assert whose[-2:] == [("user:3", "identifier"), ("email:4@x.example", "alias")]


def test_kinds_of_name_that_do_not_go_together_join_nobody() -> None:
    presents = [[f"email:{n}@x.example", f"user:{n % 10}"] for n in range(30)]
    once = [[f"email:{n}@x.example", f"user:{n}"] for n in range(30)]
    few = TOGETHER[:12]
    for visits in (presents, once, few):
        assert join_names([[(0, email), (1, user)] for email, user in visits]) == {}


def test_names_on_one_line_are_one_persons_though_neither_comes_back() -> None:
    once = [[(0, f"email:{n}@x.example"), (1, f"user:{n}")] for n in range(20)]
    beside = [(f"user:{n}", f"email:{n}@x.example") for n in range(20)]
    assert join_names(once, beside)["user:7"] == ["email:7@x.example", "user:7"]
    assert join_names(once, beside[:5]) == {}, "too few to tell"
    presents = [*once, *([(0, f"email:other{n}@x.example"), (1, f"user:{n}")] for n in range(10))]
    assert join_names(presents, [*beside, *((f"user:{n}", f"email:other{n}@x.example") for n in range(10))]) == {}


def test_names_on_one_line_that_no_visit_has_together_are_two_persons() -> None:
    visits = [[(0, f"email:{n}@x.example"), (1, f"user:{n}")] for n in range(2)]
    assert join_names(visits, [("email:0@x.example", "user:1")]) == {}


def test_a_visit_that_names_many_people_tells_nothing_of_any() -> None:
    everybody = [f"{kind}:{n}" for n in range(10) for kind in ("email", "user")]
    crowd = [[(0 if name.startswith("email") else 1, name) for name in everybody]] * 30
    assert join_names(crowd) == {}


def test_three_kinds_of_name_chain_and_nobody_gets_two_of_a_kind() -> None:
    three = [[(0, f"email:{n % 10}"), (1, f"user:{n % 10}")] for n in range(40)]
    three += [[(1, f"user:{n % 10}"), (2, f"card:{n % 10}")] for n in range(40)]
    assert join_names(three)["card:7"] == ["email:7", "user:7", "card:7"]
    assert all(len({name.partition(":")[0] for name in group}) == len(group) for group in join_names(three).values())
