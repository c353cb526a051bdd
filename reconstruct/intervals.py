"""How sure a figure is: intervals of shares, of medians, and of differences between two of them. Pure arithmetic.

All are of the kind “95 of 100 such intervals hold the true value”; ``z`` is the normal quantile that says how many. Nothing
is assumed of the shape of waiting times, and shares of small samples stay within 0 and 1.
"""

from __future__ import annotations

from math import ceil, floor, hypot, sqrt
from statistics import NormalDist
from typing import Any, NamedTuple, Protocol

CONFIDENCE = 0.95
"""Of every interval that is shown."""


class Estimate(NamedTuple):
    """A figure and the interval it is known to; ``low`` and ``high`` are None where the sample is too small to say."""

    value: float
    low: float | None
    high: float | None


class Sample(Protocol):
    """Whole numbers in order: a list, or a column."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> Any: ...


def quantile_z(confidence: float = CONFIDENCE, comparisons: int = 1) -> float:
    """The z of intervals that *all* hold with a confidence, so many of them at once (Bonferroni: Dunn 1961, JASA 56:52–64).

    >>> round(quantile_z(), 2), round(quantile_z(comparisons=10), 2)
    (1.96, 2.81)
    """
    return NormalDist().inv_cdf(1 - (1 - confidence) / (2 * max(1, comparisons)))


Z95 = quantile_z()


def wilson(n: int, of: int, z: float = Z95) -> Estimate:
    """A share with its score interval (Wilson 1927, JASA 22:209–212); of nothing it may be anything.

    >>> value, low, high = wilson(81, 263)
    >>> round(value, 3), round(low, 4), round(high, 4)
    (0.308, 0.2553, 0.3662)
    """
    if not of:
        return Estimate(0.0, None, None)
    share = n / of
    middle = share + z * z / (2 * of)
    half = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    return Estimate(share, max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale))


def order_statistics(sample: Sample, z: float = Z95) -> Estimate:
    """The median of a *sorted* sample, by nearest rank, between the two values that hold the true one.

    The number of values below the true median is binomial with probability 1/2, whatever the distribution; its normal
    approximation gives the ranks (Conover 1999, Practical Nonparametric Statistics, §3.2). Of fewer than eight values, at
    95 %, there is none.

    >>> order_statistics(range(1, 101))
    Estimate(value=50, low=40, high=61)
    """
    n = len(sample)
    if not n:
        return Estimate(0.0, None, None)
    below = floor((n - z * sqrt(n)) / 2)
    median = int(sample[ceil(n / 2) - 1])
    if below < 1:
        return Estimate(median, None, None)
    return Estimate(median, int(sample[below - 1]), int(sample[n - below]))


def difference(first: Estimate, second: Estimate) -> Estimate:
    """``second - first``, its interval made of both intervals.

    For shares with score intervals this is method 10 of Newcombe (1998, Statistics in Medicine 17:873–890); the same
    recovers the variance of any two independent estimates from their limits (Zou and Donner 2008, ibid. 27:1693–1702).

    >>> value, low, high = difference(wilson(48, 80), wilson(56, 70))
    >>> round(value, 4), round(low, 4), round(high, 4)
    (0.2, 0.0524, 0.3339)
    """
    value = second.value - first.value
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return Estimate(value, None, None)
    return Estimate(
        value,
        value - hypot(second.value - second.low, first.high - first.value),
        value + hypot(second.high - second.value, first.value - first.low),
    )


def is_sure(found: Estimate) -> bool:
    """Whether an interval of a difference leaves no doubt about its sign."""
    return found.low is not None and found.high is not None and (found.low > 0 or found.high < 0)
