"""Benchmark figures with their uncertainty."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from math import comb, sqrt
from statistics import NormalDist, fmean, pvariance, stdev

from msgspec import Struct

from sparq_core.contract.records import Counts, Score

ALPHA = 0.05
Z = NormalDist().inv_cdf(1 - ALPHA / 2)
REMEMBERED = 10_000
"""Intervals kept by their counts: all there are up to 140 attempts at a problem."""


class Interval(Struct, frozen=True):
    """A mean with its 95% confidence interval."""

    mean: float
    """Of all values."""
    low: float
    """Its lower end."""
    high: float
    """Its upper end."""


def proportion(values: Sequence[float]) -> Interval:
    """Mean of values in [0, 1], with the interval of `mean`."""
    p = fmean(values)
    return mean(p, pvariance(values, p), len(values))


def mean(mean: float, variance: float, n: int) -> Interval:
    """
    Mean of n values in [0, 1] that vary so much; Wilson's interval, right also near 0 and 1.

    Values between 0 and 1 vary less than yes and no of the same mean: they count as so many of these as vary as little. Those
    that are all alike say nothing of how much others vary, and count as yes and no.
    """
    return _wilson(mean, n * (max(1.0, mean * (1 - mean) / variance) if variance else 1.0))


def share(count: int, of: int) -> Interval:
    """The share that so many are, with Wilson's interval; [0, 1] of none."""
    return _wilson(count / of, of) if of else Interval(0.0, 0.0, 1.0)


def _wilson(p: float, n: float) -> Interval:
    centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * sqrt(max(0.0, p * (1 - p) / n + Z * Z / (4 * n * n)))
    return Interval(p, centre - half, centre + half)


def solve_rate_interval(counts: Counts, rate: float | None = None) -> Interval:
    """
    The solve rate of decided attempts with its exact 95% interval (Clopper and Pearson 1934): it covers at least that often.

    [0, 1] where nothing was decided. The bounds are found by bisection of the binomial distribution. A `rate` other than that
    of the counts, as a policy that stopped early corrects it, is held by the interval, which reaches out to it where need be.
    """
    exact = _exact(counts.correct, counts.decided)
    return exact if rate is None else Interval(rate, min(exact.low, rate), max(exact.high, rate))


@lru_cache(REMEMBERED)
def _exact(k: int, n: int) -> Interval:
    if not n:
        return Interval(0.0, 0.0, 1.0)
    low = _bisected(lambda p: _at_least(k, n, p) < ALPHA / 2) if k else 0.0
    high = _bisected(lambda p: 1 - _at_least(k + 1, n, p) > ALPHA / 2) if k < n else 1.0
    return Interval(k / n, low, high)


def _at_least(k: int, n: int, p: float) -> float:
    """Probability of k or more of n."""
    return sum(comb(n, j) * p**j * (1 - p) ** (n - j) for j in range(k, n + 1))


def _bisected(below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return low


def difference(before: Interval, after: Interval) -> Interval:
    """How far two that know nothing of each other are apart, from their own intervals (MOVER; Zou and Donner 2008)."""
    d = after.mean - before.mean
    below = sqrt((after.mean - after.low) ** 2 + (before.high - before.mean) ** 2)
    above = sqrt((after.high - after.mean) ** 2 + (before.mean - before.low) ** 2)
    return Interval(d, d - below, d + above)


def mean_difference(before: Sequence[float], after: Sequence[float]) -> Interval:
    """
    Mean of the paired differences after − before; normal approximation.

    Where all are alike, the share of others may be as large as Wilson's interval of none allows.
    """
    differences = [b - a for a, b in zip(before, after, strict=True)]
    mean, n = fmean(differences), len(differences)
    spread = stdev(differences) if n > 1 else 0.0
    half = Z * spread / sqrt(n) if spread else share(0, n).high
    return Interval(mean, mean - half, mean + half)


class Comparison(Struct, frozen=True):
    """One benchmark task, before and after."""

    task: str
    items: int
    before: Interval
    after: Interval
    difference: Interval


def compare(before: Iterable[Score], after: Iterable[Score]) -> list[Comparison]:
    """Pair two models' scores item by item, task by task; items only one of them has are left out."""
    first = {(s.task, s.item): s.value for s in before}
    pairs: dict[str, list[tuple[float, float]]] = {}
    for score in after:
        if (score.task, score.item) in first:
            pairs.setdefault(score.task, []).append((first[score.task, score.item], score.value))
    return [
        Comparison(task, len(values), proportion(a), proportion(b), mean_difference(a, b))
        for task, values in pairs.items()
        for a, b in [tuple(zip(*values, strict=True))]
    ]
