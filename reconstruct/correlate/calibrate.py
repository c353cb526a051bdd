"""How far each rule can be trusted, measured on this very data.

Where requests carry a session identifier it is hidden, the weak rules run without it, and what they decided is compared
with it. The lower end of the 95 % interval of the measured precision is the rule's confidence; without enough trials a
prior stands in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reconstruct.correlate.habits import VisitHabits
from reconstruct.correlate.visits import RULES, build_visits
from reconstruct.correlate.web_requests import Requests
from reconstruct.intervals import wilson

LEAST_TRIALS = 200
"""Trials below which a measured precision does not lower a prior (correlation §7.8); it may raise it: the bound knows how few they are."""

SAMPLED_REQUESTS = 100_000
"""Requests the rules are tried on at most; some thousand trials per rule settle the second decimal."""

PRIORS = {
    "session": 0.99,
    "redirect": 0.98,
    "referrer": 0.98,
    "roaming": 0.8,
    "address": 0.98,
    "asset": 0.99,
    "start": 0.99,
}
"""Confidence of each rule where the data cannot tell: the worst of three labelled data sets and of the simulated shops of bench/robustness.py
(asset .995, referrer .993, address .997), rounded down, further where trials are few; of an address at its best (``doubles``)."""


@dataclass(frozen=True, slots=True)
class RuleQuality:
    """What is known about one rule."""

    rule: str
    trials: int
    right: int
    confidence: float
    measured: bool


def wilson_lower(right: int, trials: int) -> float:
    """Lower bound of the 95 % Wilson score interval of a share (Wilson 1927)."""
    return wilson(right, trials).low or 0.0


def weigh(right: int, trials: int, prior: float) -> tuple[float, bool]:
    """Confidence of a rule that was right in so many trials, and whether it is measured or still the prior."""
    bound = round(wilson_lower(right, trials), 4)
    is_measured = trials >= LEAST_TRIALS or bound > prior
    return (bound if is_measured else prior), is_measured


def calibrate_visits(requests: Requests, habits: VisitHabits, customer: NDArray[np.int64]) -> dict[str, RuleQuality]:
    """Quality of every visit rule, by name.

    Args:
        customer: Code of the customer each request names, -1 for none: what the rules are held against where there are no
            session identifiers. Two customers in one visit are an error; one customer's two visits taken for one are not seen.
    """
    chosen = _sample(requests)
    requests, customer = requests.select(chosen), customer[chosen]
    by_session = bool(np.count_nonzero(requests.session >= 0) >= LEAST_TRIALS)
    measured: dict[str, tuple[int, int]] = {}
    if by_session or np.count_nonzero(customer >= 0) >= LEAST_TRIALS:
        blind = build_visits(requests, habits, use_sessions=False)
        measured = _agreement(blind.visit, blind.rule, requests.session if by_session else customer, rotates=by_session)
    qualities = {}
    for rule in RULES:
        right, trials = measured.get(rule, (0, 0))
        if rule in ("start", "session"):
            trials = 0
        confidence, is_measured = weigh(right, trials, PRIORS[rule])
        qualities[rule] = RuleQuality(rule, trials, right, confidence, is_measured)
    return qualities


def _sample(requests: Requests) -> NDArray[np.bool_]:
    """All requests of some browsers: visits never cross browsers, so what is kept is whole."""
    keep = len(requests.second) // SAMPLED_REQUESTS + 1
    return np.asarray(requests.browser % keep == 0)


def _agreement(
    visit: NDArray[np.int64], rule: NDArray[np.int8], session: NDArray[np.int64], *, rotates: bool
) -> dict[str, tuple[int, int]]:
    """Per rule (right, trials): requests with an identifier that joined a visit whose previous identifier was the same.

    An identifier that ``rotates`` may change within a visit (login): its first use is no error.
    """
    known = np.flatnonzero(session >= 0)
    order = known[np.lexsort((known, visit[known]))]
    same_visit = visit[order][1:] == visit[order][:-1]
    same_session = session[order][1:] == session[order][:-1]
    later = order[1:]
    first_use = known[np.unique(session[known], return_index=True)[1]]
    right = same_session | (np.isin(later, first_use) if rotates else False)
    found = {}
    for number, name in enumerate(RULES):
        trials = same_visit & (rule[later] == number)
        found[name] = (int(np.count_nonzero(trials & right)), int(np.count_nonzero(trials)))
    return found
