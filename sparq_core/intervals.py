"""Benchmark figures with their uncertainty."""

from collections.abc import Iterable, Sequence
from math import sqrt
from statistics import NormalDist, fmean, stdev

from msgspec import Struct

from sparq_core.records import Score

Z = NormalDist().inv_cdf(0.975)


class Interval(Struct, frozen=True):
    """A mean with its 95% confidence interval."""

    mean: float
    low: float
    high: float


def proportion(values: Sequence[float]) -> Interval:
    """Mean of values in [0, 1]; Wilson's interval, right also near 0 and 1."""
    n, p = len(values), fmean(values)
    centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * sqrt(max(0.0, p * (1 - p) / n + Z * Z / (4 * n * n)))
    return Interval(p, centre - half, centre + half)


def mean_difference(before: Sequence[float], after: Sequence[float]) -> Interval:
    """Mean of the paired differences after − before; normal approximation."""
    differences = [b - a for a, b in zip(before, after, strict=True)]
    mean = fmean(differences)
    half = Z * stdev(differences) / sqrt(len(differences)) if len(differences) > 1 else 0.0
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
