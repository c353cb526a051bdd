"""How a visit was for the visitor: signs of friction, the score, feedback."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from told_visits import LABELER, MODELS, SHOP, kinds, render, row, tell, touchpoints, visit

from reconstruct.journeys.build import build_journey
from reconstruct.journeys.experience import add_waits
from reconstruct.journeys.rows import Row, SessionInput


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("0 GET /a 200\n60 GET /b 200", [], id="nothing"),
        pytest.param("0 GET /a 200\n60 GET /b 500\n99 GET /c 200", ["server_error"], id="error"),
        pytest.param("0 GET /a 200\n60 GET /b 404\n99 GET /c 200", ["not_found"], id="missing page"),
        pytest.param("0 GET /a 200\n60 GET /b 404", ["not_found", "dead_end"], id="dead end"),
        pytest.param("0 GET /a 200\n60 GET /b 499\n99 GET /c 200", ["gave_up_waiting"], id="hung up"),
        pytest.param("0 GET /a 200 ms=2500", ["slow_wait"], id="slow"),
        pytest.param("0 GET /a 200\n4 GET /a 200", ["reload"], id="reload"),
        pytest.param("0 GET /a 200\n40 GET /a 200", [], id="came back later"),
        pytest.param("0 GET /a 200\n1 GET /a 200\n2 GET /a 200", ["reload", "rapid_repeat"], id="hammering"),
        pytest.param("0 GET /a 200\n3 GET /b 200\n6 GET /a 200", ["back_and_forth"], id="u-turn"),
        pytest.param("0 POST /login 401\n20 POST /login 401\n40 POST /login 302", ["login_failed", "login_loop"], id="login"),
        pytest.param("0 GET /search?q=a 200\n20 GET /search?q=b 200\n40 GET /search?q=c 200", ["search_loop"], id="search loop"),
        pytest.param("0 GET /search?q=a 200 req=r\n0 log req=r | search a: 0 results", ["zero_results"], id="nothing found"),
        pytest.param("0 GET /search?q=a 200 req=r\n0 log req=r | search a: 10 results", [], id="ten are not zero"),
        pytest.param("0 GET /f 200\n9 POST /f 200\n30 POST /f 200\n60 POST /f 302", ["form_sent_back", "form_struggle"], id="form"),
        pytest.param("0 POST /cart/add/1 302\n1 POST /cart/add/1 302\n2 POST /cart/add/1 302", ["rapid_repeat"], id="impatient"),
    ],
)  # fmt: skip
def test_friction(text: str, expected: list[str]) -> None:
    assert kinds(visit(text)) == expected


def test_the_score_never_rises_with_more_trouble_and_stays_bounded() -> None:
    worse = "0 GET /a 200"
    scores = []
    for n in range(40):
        scores.append(visit(worse)["experience"]["score"])
        worse += f"\n{60 + 60 * n + n * n} GET /page-{n} 500"
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 100
    assert scores[-1] >= 100 - 2 * 15 - 10, "one kind of trouble takes at most twice its weight"


def test_apdex_counts_only_what_was_measured() -> None:
    assert visit("0 GET /a 200")["experience"]["apdex"] is None
    measured = "0 GET /a 200 ms=100\n20 GET /b 200 ms=900\n40 GET /c 200 ms=9000\n60 GET /d 500 ms=10\n80 GET /e 200"
    assert visit(measured)["experience"]["apdex"] == 0.38


def test_a_low_rating_is_taken_from_the_log_only() -> None:
    document = visit('0 GET /a 200 req=r\n1 log req=r attributes={"csat":1} | feedback')
    assert kinds(document) == ["poor_rating"]


@pytest.mark.parametrize(
    ("text", "feedback", "expected"),
    [
        ("0 GET /a 200 req=r\n1 log req=r | survey answered, rating=5", [("rating", 5)], []),
        ("0 GET /a 200 req=r\n1 log req=r | survey answered, rating=1", [("rating", 1)], ["poor_rating"]),
        ('0 GET /a 200 req=r\n1 log req=r attributes={"nps":6} | answer', [("nps", 6)], ["poor_rating"]),
        ('0 GET /a 200 req=r\n1 log req=r attributes={"nps":9} | answer', [("nps", 9)], []),
        ("0 GET /a 200 req=r\n1 log req=r | product 7 shown with rating=1", [], []),
    ],
)
def test_feedback_is_what_visitors_said_themselves(
    text: str, feedback: list[tuple[str, float]], expected: list[str]
) -> None:
    experience = visit(text)["experience"]
    assert [(each["kind"], each["value"]) for each in experience["feedback"]] == feedback
    assert experience["estimated"] is not bool(feedback)
    assert [signal["kind"] for signal in experience["signals"]] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 GET /a 503\n20 GET /a 200", ["server_error", "error_retry"]),
        ("0 GET /a 503\n200 GET /a 200", ["server_error"]),
        ("0 POST /cart/coupon 422\n20 POST /cart/coupon 422\n50 GET / 200", ["voucher_refused", "voucher_loop"]),
        ("0 GET /a 200\n20 POST /support/tickets 201", ["asked_support"]),
    ],
)
def test_further_signs_of_friction(text: str, expected: list[str]) -> None:
    assert [kind for kind in kinds(visit(text)) if kind != "dead_end"] == expected


def _with_business(*deviations: tuple[str, str], taken: float = 0.0) -> dict[str, Any]:
    told = tell(SHOP)
    document = told.document
    why = [{"kind": kind, "activity": activity, "why": "96 % within 1h"} for kind, activity in deviations]
    document["experience"]["signals"] = (
        [{"kind": "x", "at": "", "touchpoint": 0, "weight": taken, "why": ""}] if taken else []
    )
    document["experience"]["score"] = round(100 - taken)
    document["business_journeys"] = [
        {
            "object": {"type": "order", "id": "7"}, "trigger": {"touchpoint": 2, "event": [0, 3]}, "deviations": why,
            "ended_at": "2026-01-01T00:00:00.000000Z",
        }
    ]  # fmt: skip
    add_waits(document, told.touchpoints, MODELS, LABELER)
    return render(told)


def test_waits_while_the_business_worked_are_felt_only_where_the_customer_sees_the_step() -> None:
    document = _with_business(
        ("late", "Shipment delivered"), ("late", "Stock allocated"), ("repeated", "Payment captured")
    )
    (signal,) = document["experience"]["signals"]
    assert (signal["kind"], signal["touchpoint"], signal["weight"]) == ("waited_long", 2, 10)
    assert signal["why"].startswith("estimated")
    assert "order 7" in signal["why"]
    assert document["experience"]["score"] == 90
    assert "waited_long" in touchpoints(document)[2]["friction"]
    assert kinds(_with_business(("stuck", "Shipment delivered"))) == ["still_waiting"]


@given(
    st.lists(st.sampled_from([("late", "Shipment delivered"), ("stuck", "Order shipped"), ("late", "Scored")]), max_size=40),
    st.floats(0, 100).map(lambda value: round(value, 1)),
)  # fmt: skip
def test_waits_keep_the_score_in_its_bounds(deviations: list[tuple[str, str]], taken: float) -> None:
    document = _with_business(*deviations, taken=taken)
    score, signals = document["experience"]["score"], document["experience"]["signals"]
    assert 0 <= score <= 100
    assert score == max(0, round(100 - sum(signal["weight"] for signal in signals)))
    assert score >= round(100 - taken) - 2 * 10 - 2 * 15 - 1


@given(st.lists(row, max_size=25))
def test_the_score_is_bounded_and_is_the_sum_of_its_signals(rows: list[Row]) -> None:
    session = SessionInput(
        "v", None, [], [], None, "", "human", sorted(rows, key=lambda r: (r.time_ns, r.source, r.line))
    )
    experience = render(build_journey(session, MODELS))["experience"]
    assert 0 <= experience["score"] <= 100
    assert experience["score"] == max(0, round(100 - sum(signal["weight"] for signal in experience["signals"])))
    assert all(signal["weight"] > 0 and signal["why"] for signal in experience["signals"])
