"""How visits begin and end here, which differs from site to site: measured on all requests before any is given a visit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reconstruct.correlate.web_requests import DETOUR_REFERRER, FOREIGN_REFERRER, Requests

ENTRY_GAP_S = 60
"""Pages of one identifier this close are one visit beyond doubt: what ``measure_entries`` learns from."""

ENTRY_SHARE = 0.1
"""Share of in-visit pages without an internal referrer below which an entry starts a visit."""

ENTRY_TRIALS = 20
"""In-visit pages needed for that measurement …"""

CLEAR_TRIALS = 8
"""… or so many without one exception: either says less than one in three, at the upper end of the 95 % interval (Wilson)."""

FALLBACK_CUT_S = 1800
"""The usual half hour, where gaps do not show two modes (Catledge & Pitkow 1995; correlation §2)."""

LEAST_LONG_GAPS = 150
"""Gaps beyond half an hour needed before a second mode is believed: with some dozen its foot reaches anywhere, and visits hours
apart merge (simulated shops of 70 sessions: exact .81 with a fitted cut of three hours, .96 with half an hour)."""

CUT_RANGE_S = (300, 4 * 3600)
"""A fitted cut outside five minutes to four hours is an artefact."""


@dataclass(frozen=True, slots=True)
class VisitHabits:
    """What is known of them."""

    cut_s: float
    """silence that ends a visit"""
    entries_start: bool
    """a page without a referrer starts a visit, of visitors that otherwise name one"""
    foreign_starts: bool = True
    """so does a page that another site led to"""
    pages_missing: bool = False
    """whoever comes from a page that is not on record has rather been here all along than moved here"""


def measure_entries(requests: Requests) -> tuple[int, int]:
    """(entries, pages): consecutive pages of one identifier less than ENTRY_GAP_S apart, and how many of them enter the site.

    Where requests carry no identifier, address and browser stand in for it, and only pages ten seconds apart count:
    strangers behind one address are rarely that close.
    """
    pages = ~requests.asset & requests.navigates()[requests.visitor]
    known = pages & (requests.session >= 0)
    if np.count_nonzero(known) >= ENTRY_TRIALS * 5:
        key, gap = requests.session[known], ENTRY_GAP_S
    else:
        known = pages
        key, gap = requests.visitor[known], 10
    second, referrer, status = requests.second[known], requests.referrer[known], requests.status[known]
    order = np.lexsort((np.arange(len(key)), second, key))
    key, second, referrer, status = key[order], second[order], referrer[order], status[order]
    follows = (key[1:] == key[:-1]) & (second[1:] - second[:-1] <= gap)
    redirected = (status[:-1] >= 300) & (status[:-1] < 400)
    trials = follows & ~redirected
    enters = (referrer[1:] < 0) & (referrer[1:] != DETOUR_REFERRER)
    return int(np.count_nonzero(trials & enters)), int(np.count_nonzero(trials))


def are_rare(measured: tuple[int, int]) -> bool:
    """Whether (found, trials) shows something to be rare; without enough trials it does not."""
    found, trials = measured
    return trials >= (ENTRY_TRIALS if found else CLEAR_TRIALS) and found <= ENTRY_SHARE * trials


def measure_foreign(requests: Requests) -> tuple[int, int]:
    """(led here by another site, pages): consecutive pages of one visitor less than ENTRY_GAP_S apart."""
    pages = ~requests.asset
    visitor, second, referrer = requests.visitor[pages], requests.second[pages], requests.referrer[pages]
    order = np.lexsort((np.arange(len(visitor)), second, visitor))
    visitor, second, referrer = visitor[order], second[order], referrer[order]
    follows = (visitor[1:] == visitor[:-1]) & (second[1:] - second[:-1] <= ENTRY_GAP_S)
    return int(np.count_nonzero(follows & (referrer[1:] == FOREIGN_REFERRER))), int(np.count_nonzero(follows))


def fit_cut(gaps_s: NDArray[np.float64]) -> tuple[float, str]:
    """The silence that ends a visit: where two log-normal modes of gaps are equally likely (Halfaker et al. 2015).

    Expectation maximisation on a histogram of log gaps (1/8 bins). Gives the usual half hour when there are too few gaps
    or two modes explain them hardly better than one (BIC gain below 10).
    """
    gaps = gaps_s[gaps_s >= 1]
    if len(gaps) < 200 or np.count_nonzero(gaps > FALLBACK_CUT_S) < LEAST_LONG_GAPS:
        return FALLBACK_CUT_S, "too few gaps to fit: the usual half hour"
    counts, edges = np.histogram(np.log(gaps), bins=np.arange(0, np.log(gaps.max()) + 0.25, 0.125))
    x = (edges[:-1] + edges[1:]) / 2
    total = counts.sum()
    mean, deviation = float(np.average(x, weights=counts)), float(np.sqrt(np.cov(x, fweights=counts)))
    one = float(np.sum(counts * np.log(_normal(x, mean, deviation) + 1e-300)))
    weight, means, deviations = (
        np.array([0.8, 0.2]),
        np.array([np.log(30.0), np.log(20 * 3600.0)]),
        np.array([1.0, 1.5]),
    )
    for _ in range(200):
        density = weight[:, None] * np.stack([_normal(x, m, d) for m, d in zip(means, deviations, strict=True)])
        share = density / (density.sum(axis=0) + 1e-300) * counts
        mass = share.sum(axis=1) + 1e-9
        weight, means = mass / total, (share * x).sum(axis=1) / mass
        deviations = np.sqrt((share * (x - means[:, None]) ** 2).sum(axis=1) / mass) + 0.05
    two = float(np.sum(counts * np.log(density.sum(axis=0) + 1e-300)))
    if 2 * (two - one) - 3 * np.log(total) < 10 or means[1] - means[0] < 1:
        return FALLBACK_CUT_S, "gaps show one mode only: the usual half hour"
    between = np.linspace(means[0], means[1], 500)
    first = weight[0] * _normal(between, float(means[0]), float(deviations[0]))
    second = weight[1] * _normal(between, float(means[1]), float(deviations[1]))
    cut = float(np.exp(between[np.argmax(second >= first)]))
    cut = min(max(cut, CUT_RANGE_S[0]), CUT_RANGE_S[1])
    return cut, f"gaps have two modes, {np.exp(means[0]):.0f} s and {np.exp(means[1]) / 3600:.1f} h"


def _normal(x: NDArray[np.float64], mean: float, deviation: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi)))


def page_gaps(requests: Requests) -> NDArray[np.float64]:
    """Seconds between consecutive pages of the same visitor (address and browser).

    Only of visitors that come from page to page: a monitor's five minutes would be the most frequent gap of a small shop.
    """
    pages = ~requests.asset & requests.navigates()[requests.visitor]
    order = np.lexsort((requests.second[pages], requests.visitor[pages]))
    visitor, second = requests.visitor[pages][order], requests.second[pages][order]
    return np.asarray(np.diff(second)[visitor[1:] == visitor[:-1]], dtype=np.float64)
