"""Many journeys of one customer as one document: nothing is lost, references still point at what they meant."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconstruct.journeys.align import lay_out
from reconstruct.journeys.chain import chain_documents, nearest
from reconstruct.journeys.moments import read_story


def visit(number: int, n_touchpoints: int, n_orders: int) -> dict[str, Any]:
    day = f"2026-03-{number + 1:02d}"
    return {
        "id": f"v{number}", "customer": "c", "channel": "app" if number % 2 else "web", "started_at": f"{day}T10:00:00Z",
        "customer_journey": {"outcome": "achieved", "touchpoints": [
            {"at": f"{day}T10:00:{n:02d}Z", "activity": f"visit {number} step {n}", "events": [[0, n]]}
            for n in range(n_touchpoints)]},
        "experience": {"signals": [{"kind": "error", "touchpoint": n_touchpoints - 1, "weight": 3}]},
        "business_journeys": [
            {"object": {"type": "order", "id": f"{number}-{n}"}, "trigger": {"touchpoint": n_touchpoints - 1},
             "steps": [{"at": f"{day}T11:00:00Z", "activity": "Ship", "service": "wms"}], "outcome": "fulfilled"}
            for n in range(n_orders)],
        "links": [{"event": [0, number], "to": "session"}],
    }  # fmt: skip


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 2)), min_size=1, max_size=12))
def test_everything_is_kept_and_points_where_it_did(sizes: list[tuple[int, int]]) -> None:
    documents = [visit(number, *size) for number, size in enumerate(sizes)]
    chain = chain_documents("c", documents)
    touchpoints: Any = chain["customer_journey"]
    touchpoints = touchpoints["touchpoints"]
    businesses: Any = chain["business_journeys"]
    signals: Any = chain["experience"]
    sessions: Any = chain["sessions"]
    assert len(touchpoints) == sum(n for n, _ in sizes)
    assert len(businesses) == sum(n for _, n in sizes)
    for business in businesses:
        number = business["object"]["id"].split("-")[0]
        last = f"visit {number} step {sizes[int(number)][0] - 1}"
        assert touchpoints[business["trigger"]["touchpoint"]]["activity"] == last
    for number, (signal, session) in enumerate(zip(signals["signals"], sessions, strict=True)):
        assert touchpoints[signal["touchpoint"]]["activity"].startswith(f"visit {number} ")
        assert touchpoints[session["first_touchpoint"]]["activity"] == f"visit {number} step 0"
    assert documents == [visit(number, *size) for number, size in enumerate(sizes)], (
        "the journeys themselves are untouched"
    )


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 2)), min_size=1, max_size=12))
def test_on_the_axis_every_moment_of_every_session_is_in_one_mark(sizes: list[tuple[int, int]]) -> None:
    story = read_story(chain_documents("c", [visit(number, *size) for number, size in enumerate(sizes)]))
    layout = lay_out(story, 120)
    moments = [moment.ref for lane in layout.lanes for mark in lane.marks for moment in mark.moments]
    assert len(moments) == len(set(moments)) == len(layout.order)
    assert sum(ref.kind == "touchpoint" for ref in moments) == sum(n for n, _ in sizes)
    customer = [lane.track.name for lane in layout.lanes if lane.track.kind == "customer"]
    assert customer == (["WEB", "APP"] if len(sizes) > 8 else [name for name, *_ in story.sessions])


@given(st.integers(1, 50), st.integers(0, 49), st.integers(1, 60))
def test_the_nearest_sessions_hold_the_one_asked_for(n: int, place: int, cap: int) -> None:
    ids = [str(number) for number in range(n)]
    wanted = ids[place % n]
    found = nearest(ids, wanted, cap)
    assert wanted in found
    assert len(found) == min(cap, n)
    assert found == ids[ids.index(found[0]) :][: len(found)]
