"""The geometry of the timelines: whatever the journey, nothing is lost, nothing overlaps, everything lines up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconstruct.journeys.align import Layout, lay_out, read_story
from reconstruct.journeys.axis import (
    DAY,
    HOUR,
    MINUTE,
    MODES,
    SECOND,
    build_axis,
    place_ticks,
    say_clock,
    say_duration,
    say_gap,
    share_out,
)
from reconstruct.journeys.moments import Glyph, Ref, time_of

START = datetime(2025, 3, 1, 8, 0, tzinfo=UTC)
TEN_YEARS_MS = 3_652 * 86_400_000


def iso(ms: float) -> str:
    return (START + timedelta(milliseconds=ms)).isoformat()


@st.composite
def gaps(draw: st.DrawFn, most: int = 40) -> list[float]:
    """Instants in milliseconds with gaps of every scale from under a millisecond to years."""
    steps = draw(st.lists(st.tuples(st.integers(0, 8), st.floats(0, 9.9)), min_size=1, max_size=most))
    at, instants = 0.0, []
    for scale, factor in steps:
        at = min(at + factor * 10**scale, TEN_YEARS_MS)
        instants.append(at)
    return instants


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    touchpoints = [
        {
            "at": iso(at), "activity": draw(st.sampled_from(["Search", "Place order", "x" * 50, ""])),
            "stage": draw(st.sampled_from(["interest", "purchase", "odd", ""])), "ok": draw(st.booleans()),
            "milestone": draw(st.booleans()), "latency_ms": draw(st.sampled_from([0, 40, 9_000, 4_000_000])),
        }
        for at in draw(gaps())
    ]  # fmt: skip
    businesses = []
    for number in range(draw(st.integers(0, 3))):
        steps = [
            {
                "at": iso(at), "activity": draw(st.sampled_from(["Pay", "Ship parcel"])),
                "service": draw(st.sampled_from(["payments", "shipping", ""])), "wait_ms": draw(st.integers(0, 10**7)),
                "status": draw(st.sampled_from(["ok", "failed", "in_progress"])), "attempts": draw(st.integers(1, 3)),
                "duration_ms": draw(st.sampled_from([0, 300, 86_400_000])),
            }
            for at in draw(gaps(12))
        ]  # fmt: skip
        missing = draw(
            st.lists(st.sampled_from([{"kind": "missing", "activity": "Deliver"}, {"kind": "late"}]), max_size=3)
        )
        businesses.append({
            "object": {"type": "order", "id": str(number)}, "steps": steps, "deviations": missing,
            "trigger": {"touchpoint": draw(st.integers(0, len(touchpoints)))},
            "outcome": draw(st.sampled_from(["fulfilled", "failed", "in_progress", "stuck"])),
            "confidence": draw(st.sampled_from([0.5, 0.99])),
        })  # fmt: skip
    return {"id": "j", "customer_journey": {"touchpoints": touchpoints}, "business_journeys": businesses}


def expected_refs(document: dict[str, Any]) -> set[Ref]:
    refs = {Ref("touchpoint", -1, index) for index in range(len(document["customer_journey"]["touchpoints"]))}
    for index, business in enumerate(document["business_journeys"]):
        refs |= {Ref("step", index, place) for place in range(len(business["steps"]))}
        refs |= {
            Ref("missing", index, place) for place, row in enumerate(business["deviations"]) if row["kind"] == "missing"
        }
    return refs


def occupied(layout: Layout, lane: int, row: int) -> list[tuple[int, int]]:
    """Cells taken in a row of a lane, as (first, last + 1), left to right."""
    taken = [(mark.column, mark.end) for mark in layout.lanes[lane].marks if row == 0]
    for mark in layout.lanes[lane].marks:
        if mark.label and mark.label.row == row:
            taken.append((mark.label.column, mark.label.column + len(mark.label.text)))
    return sorted(taken)


@settings(max_examples=150, deadline=None)
@given(
    documents(), st.integers(8, 300), st.sampled_from(MODES), st.sampled_from(["user", "customer"]), st.booleans(),
    st.sets(st.integers(0, 3)), st.integers(0, 2),
)  # fmt: skip
def test_everything_is_placed_once_in_order_and_apart(
    document: dict[str, Any], width: int, mode: Any, level: Any, by_stage: bool, folded: set[int], label_rows: int
) -> None:
    layout = lay_out(document, width, mode, level, by_stage=by_stage, folded=folded, label_rows=label_rows)
    placed = [moment.ref for lane in layout.lanes for mark in lane.marks for moment in mark.moments]
    assert len(placed) == len(set(placed)), "a moment is in two marks"
    assert expected_refs(document) <= set(placed) == set(layout.order) == set(layout.places)
    assert layout.axis.width <= width
    for index, lane in enumerate(layout.lanes):
        for before, after in pairwise(lane.marks):
            assert before.end <= after.column, "marks overlap"
            if after.moments[0].has_time:
                assert max(moment.at_ns for moment in before.moments) <= min(moment.at_ns for moment in after.moments)
        for row in range(2):
            assert all(before[1] <= after[0] for before, after in pairwise(occupied(layout, index, row)))
            assert all(first >= 0 and last <= width for first, last in occupied(layout, index, row))
        for mark in lane.marks:
            assert len(mark.moments) == (int(mark.count) if mark.count else 1)
    for before, after in pairwise(layout.waits):
        assert before.column + len(before.text) < after.column
    for connector in layout.connectors:
        assert 0 <= connector.column < width
        assert 0 <= connector.arrival < width
        assert connector.from_lane < connector.to_lane


@settings(max_examples=200, deadline=None)
@given(gaps(), st.integers(1, 300), st.sampled_from(MODES))
def test_columns_add_up_and_time_never_runs_backwards(instants_ms: list[float], width: int, mode: Any) -> None:
    instants = sorted(int(at * 1_000_000) for at in instants_ms)
    axis = build_axis(instants, width, mode, crowds=[instants])
    assert [part.column for part in axis.stretches] == [
        sum(part.width for part in axis.stretches[:index]) for index in range(len(axis.stretches))
    ]
    assert sum(part.width for part in axis.stretches) == width
    columns = [axis.column_of(instant) for instant in instants]
    assert columns == sorted(columns)
    assert all(0 <= column < width for column in columns)
    for gap in axis.breaks:
        assert gap.width >= 3
        assert not any(gap.column <= column < gap.end_column for column in columns), (
            "an instant is drawn inside a break"
        )
    if axis.breaks:
        assert all(part.width >= 2 for part in axis.stretches if not part.is_break)
    for column in range(width):
        assert axis.column_of(axis.time_of(column)) <= column
    ticks = place_ticks(axis, instants)
    assert all(before.column + len(before.label) < after.column for before, after in pairwise(ticks))
    assert all(tick.column >= 0 and tick.column + len(tick.label) <= width for tick in ticks)


def test_the_longest_waits_are_cut_and_seconds_stay_readable() -> None:
    """A session of two minutes, packing after two hours, transport for a day."""
    instants = [0, 20 * SECOND, 40 * SECOND, 2 * MINUTE, 2 * HOUR, 2 * HOUR + MINUTE, 27 * HOUR + MINUTE]
    axis = build_axis(instants, 80)
    assert [say_duration(gap.duration_ns) for gap in axis.breaks] == ["1h58m", "25h"]
    session = axis.stretches[0]
    assert session.width > 20, "two minutes of clicking deserve a good part of the screen"
    assert axis.breaks[1].width > axis.breaks[0].width, "a longer wait has a wider break"


def test_a_short_session_is_not_cut() -> None:
    assert not build_axis([0, 3 * SECOND, 25 * SECOND, 29 * SECOND], 80).breaks


def test_linear_is_to_scale_and_ordinal_is_even() -> None:
    instants = [0, 10 * SECOND, 100 * SECOND]
    linear = build_axis(instants, 101, "linear")
    assert [linear.column_of(instant) for instant in instants] == [0, 10, 100]
    ordinal = build_axis(instants, 90, "ordinal")
    assert [ordinal.column_of(instant) for instant in instants] == [0, 30, 60]


def test_breaks_never_take_more_columns_than_there_are() -> None:
    instants = [index * DAY for index in range(400)]
    for width in (1, 5, 12, 80):
        axis = build_axis(instants, width)
        assert sum(part.width for part in axis.stretches) == width


def touchpoint(seconds: float, activity: str, **more: Any) -> dict[str, Any]:
    return {"at": iso(seconds * 1000), "activity": activity, "stage": "interest", **more}


def test_events_too_close_are_counted() -> None:
    rows = [touchpoint(index / 100, "View") for index in range(37)] + [touchpoint(3600, "Leave")]
    layout = lay_out({"customer_journey": {"touchpoints": rows}}, 40)
    marks = layout.lanes[0].marks
    assert sum(len(mark.moments) for mark in marks) == 38
    assert any(mark.count for mark in marks)


def test_a_cluster_shows_its_most_telling_member() -> None:
    rows = [touchpoint(0, "View"), touchpoint(0, "Pay", ok=False, status=502), touchpoint(0, "Done", milestone=True)]
    (mark,) = lay_out({"customer_journey": {"touchpoints": rows}}, 40).lanes[0].marks
    assert (mark.glyph, mark.count) == (Glyph.FAILURE, "3")
    assert mark.label is not None and mark.label.text == "Pay 502"


def test_milestones_stay_at_customer_level_and_the_rest_is_counted() -> None:
    rows = [touchpoint(index * 20, "View") for index in range(6)]
    rows[3] = touchpoint(60, "Cart", milestone=True)
    marks = lay_out({"customer_journey": {"touchpoints": rows}}, 120, level="customer").lanes[0].marks
    assert [(mark.glyph, len(mark.moments)) for mark in marks] == [
        (Glyph.INSTANT, 3),
        (Glyph.MILESTONE, 1),
        (Glyph.INSTANT, 2),
    ]


def test_the_hand_off_joins_the_trigger_and_the_object() -> None:
    document = {
        "customer_journey": {"touchpoints": [touchpoint(0, "View"), touchpoint(60, "Place order", milestone=True)]},
        "business_journeys": [
            {
                "object": {"type": "order", "id": "1001"}, "trigger": {"touchpoint": 1, "event": [1, 7]},
                "started_at": iso(60_000), "outcome": "fulfilled",
                "steps": [{"at": iso(60_000), "activity": "Create", "service": "orders"},
                          {"at": iso(61_000), "activity": "Pay", "service": "payments"}],
            }
        ],
        "links": [{"event": [1, 7], "to": "order:1001", "rule": "birth", "via": [{"type": "request", "value": "r"}],
                   "confidence": 0.8}],
    }  # fmt: skip
    layout = lay_out(document, 80)
    (connector,) = layout.connectors
    trigger = layout.mark_of(Ref("touchpoint", -1, 1))
    assert trigger is not None
    assert (connector.column, connector.arrival) == (trigger.column, trigger.column)
    assert connector.labels == ("order 1001 · request id · .80", "order 1001 · .80", "1001 · .80")
    assert connector.is_dashed
    assert [lane.track.name for lane in layout.lanes] == ["CUSTOMER", "order 1001", "orders", "payments"]
    assert [lane.track.name for lane in lay_out(document, 80, folded={0}).lanes] == ["CUSTOMER", "order 1001"]


def test_missing_steps_stand_behind_everything_that_happened() -> None:
    document = {
        "customer_journey": {"touchpoints": [touchpoint(0, "View")]},
        "business_journeys": [
            {"object": {"type": "order", "id": "7"}, "steps": [{"at": iso(5000), "activity": "Pay", "service": "pay"}],
             "deviations": [{"kind": "missing", "activity": "Ship"}]}],
    }  # fmt: skip
    layout = lay_out(document, 60)
    missing = layout.mark_of(Ref("missing", 0, 0))
    assert missing is not None and missing.glyph is Glyph.MISSING
    assert missing.column >= layout.axis.width
    assert [wait.text for wait in layout.waits if wait.is_late] == ["overdue !"]


def test_a_stuck_object_waits_for_the_step_that_never_came() -> None:
    step = {"at": iso(0), "activity": "Ship", "service": "wms"}
    deviations = [{"kind": "stuck", "activity": "Deliver"}, {"kind": "late", "activity": "Ship"}]
    document = {"business_journeys": [{"steps": [step], "deviations": deviations, "outcome": "stuck"}]}
    layout = lay_out(document, 80)
    assert layout.mark_of(Ref("missing", 0, 0)) is not None
    assert layout.mark_of(Ref("missing", 0, 1)) is None, "Ship was late, not missing"


def test_steps_done_again_say_so() -> None:
    steps = [{"at": iso(at), "activity": "Charge card", "service": "pay"} for at in (0, 60_000)]
    deviations = [{"kind": "repeated", "activity": "Charge card"}]
    layout = lay_out({"business_journeys": [{"steps": steps, "deviations": deviations}]}, 120)
    assert [moment.label for mark in layout.lanes[-1].marks for moment in mark.moments] == [
        "Charge card",
        "Charge card again",
    ]


def test_a_failure_answered_with_success_does_not_name_its_status() -> None:
    rows = [touchpoint(0, "Payment failed", ok=False, status=200), touchpoint(60, "Pay", ok=False, status=502)]
    layout = lay_out({"customer_journey": {"touchpoints": rows}}, 120)
    assert [mark.moments[0].label for mark in layout.lanes[0].marks] == ["Payment failed", "Pay 502"]


def test_late_steps_say_what_is_usual() -> None:
    step = {"at": iso(7_200_000), "activity": "Pack", "service": "shipping", "wait_ms": 7_200_000, "p50_ms": 2_700_000}
    document = {"business_journeys": [{"steps": [step], "deviations": [{"kind": "late", "activity": "Pack"}]}]}
    assert [wait.text for wait in lay_out(document, 80).waits] == ["2h ! p50 45m"]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"customer_journey": None, "business_journeys": "none", "links": 3},
        {"customer_journey": {"touchpoints": [None, {"at": 5}, {"at": "yesterday", "status": "many"}]}},
        {"business_journeys": [None, {"trigger": {"touchpoint": "x"}, "steps": [[]], "deviations": [{"kind": "missing"}]}]},
        {"customer_journey": {"touchpoints": [{"at": "0001-01-01T00:00:00Z"}, {"at": "9999-12-31T00:00:00+14:00"}]}},
        {"links": [{"event": [[1], {}], "to": {}}, {"event": [0, 1], "confidence": "high"}],
         "business_journeys": [{"trigger": {"touchpoint": 0, "event": [{}, 1]}}],
         "customer_journey": {"touchpoints": [{"latency_ms": 1e400, "dwell_ms": "nan"}]}},
    ],
)  # fmt: skip
def test_odd_documents_are_drawn_as_far_as_they_go(document: dict[str, Any]) -> None:
    for mode in MODES:
        layout = lay_out(read_story(document), 60, mode, by_stage=mode == "linear")
        assert len(layout.order) == sum(len(mark.moments) for lane in layout.lanes for mark in lane.marks)


def test_twenty_thousand_events_are_all_there() -> None:
    rows = [touchpoint(index * 0.37, "View", ok=index % 50 != 0) for index in range(20_000)]
    story = read_story({"customer_journey": {"touchpoints": rows}})
    for width in (80, 50_000):
        layout = lay_out(story, width)
        assert len(layout.places) == 20_000
        assert sum(count for count, _ in layout.density(60)) == 20_000


@pytest.mark.parametrize(
    ("duration_ns", "cells", "text"),
    [
        (41 * SECOND, 3, "41s"), (41 * SECOND, 5, "⋯41s⋯"), (26 * HOUR, 3, "26h"), (11_520 * SECOND, 7, "⋯3h12m⋯"),
        (40 * DAY, 3, "40d"), (3_652 * DAY, 3, "10y"), (90 * MINUTE, 4, "90m⋯"),
    ],
)  # fmt: skip
def test_a_break_says_how_long_it_is_in_its_own_cells(duration_ns: int, cells: int, text: str) -> None:
    said = say_gap(duration_ns, cells)
    assert len(said) == cells
    assert said == text


@given(st.integers(0, 11 * 365 * DAY), st.integers(3, 9))
def test_every_break_label_has_exactly_its_cells(duration_ns: int, cells: int) -> None:
    assert len(say_gap(duration_ns, cells)) == cells


@given(st.integers(0, 500), st.lists(st.floats(0, 1e9), min_size=1, max_size=30))
def test_shares_add_up(cells: int, weights: list[float]) -> None:
    parts = share_out(cells, weights)
    assert sum(parts) == cells
    assert all(part >= 0 for part in parts)


def test_clock_labels_mark_later_days() -> None:
    assert say_clock(26 * HOUR, 0, 0) == "02:00 +1d"
    assert say_clock(5 * SECOND, 0.01 * SECOND, 0) == "00:00:05.000"
    assert say_clock(400 * DAY, 0, 0) == "5 Feb 1971"


def test_times_without_a_zone_are_utc() -> None:
    assert time_of("2025-01-01T00:00:00") == time_of("2025-01-01T01:00:00+01:00")
    assert time_of("half past nine") is None


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3_000)), min_size=1, max_size=3),
    st.sampled_from([80, 120, 200, 300]),
)
def test_both_sides_of_a_long_break_are_named(parts: list[tuple[int, int]], width: int) -> None:
    """Sessions of some minutes, hours apart: whoever looks at a break sees from when to when it is."""
    instants, at = [0, 40 * SECOND, 90 * SECOND], 90 * SECOND
    for hours, seconds in parts:
        at += hours * HOUR + 7 * MINUTE + seconds * SECOND
        instants += [at, at + 35 * SECOND, at + 80 * SECOND]
        at += 80 * SECOND
    axis = build_axis(instants, width)
    ticks = place_ticks(axis, instants, 16)
    assert len(axis.breaks) == len(parts)
    for gap in axis.breaks:
        before = next(part for part in axis.stretches if part.end_column == gap.column)
        after = next(part for part in axis.stretches if part.column == gap.end_column)
        assert any(before.column <= tick.at < before.end_column for tick in ticks)
        assert any(after.column == tick.at for tick in ticks)


@given(gaps(), st.integers(20, 300), st.integers(0, 16))
def test_clock_times_never_touch_nor_leave_the_picture(instants_ms: list[float], width: int, room: int) -> None:
    instants = sorted({int(ms * 1_000_000) for ms in instants_ms})
    for mode in MODES:
        ticks = place_ticks(build_axis(instants, width, mode), instants, room)
        for tick in ticks:
            assert 0 <= tick.column <= tick.at < tick.column + len(tick.label) <= width + room
        assert all(a.column + len(a.label) < b.column for a, b in pairwise(ticks))
