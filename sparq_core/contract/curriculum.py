"""Orders that go by a number of each problem, such as its solve rate: near a mean first, and a mean that moves."""

import heapq
from collections.abc import Sequence
from math import exp, log
from random import Random

LEAST = 1e-300
"""A weight that is above 0, for what is too far from the mean."""


def near_mean(values: Sequence[float], mean: float, spread: float, rng: Random, most: int | None = None) -> list[int]:
    """
    The places of values, drawn without replacement with weights from a Gaussian around a mean: what is near tends to be first.

    `spread` is its standard deviation, above 0. With `most`, the first so many of them (Efraimidis and Spirakis 2006).
    """

    def key(value: float) -> float:
        weight = exp(-((value - mean) ** 2) / (2 * spread**2))
        return log(1 - rng.random()) / max(weight, LEAST)

    keys = list(map(key, values))
    return heapq.nsmallest(len(keys) if most is None else most, range(len(keys)), key=lambda place: -keys[place])


def curriculum(
    rates: Sequence[float | None], steps: int, batch: int, start: float, end: float, spread: float, rng: Random
) -> list[list[int]]:
    """
    The places of each step's problems: `batch` of them whose solve rates are near the step's mean, drawn by a Gaussian.

    The mean moves from `start` in the first step to `end` in the last one in equal strides; `spread` is the standard
    deviation, above 0. Within a step a problem comes once, where there are enough of them. Steps are drawn independently of
    each other, so that problems near the mean come again. Places without a rate, None, are left out. Of few problems the rates
    of a step are nearer to the mean of all than was asked. ValueError where no rate is given or an argument is out of range.
    """
    _check(steps, batch, (start, end), spread)
    rated = {place: rate for place, rate in enumerate(rates) if rate is not None}
    if not rated:
        raise ValueError("there is no solve rate among the rates")
    known = list(rated)
    means = [start + (end - start) * step / max(1, steps - 1) for step in range(steps)]
    near = (near_mean(list(rated.values()), mean, spread, rng, batch) for mean in means)
    return [[known[places[i % len(places)]] for i in range(batch)] for places in near]


def _check(steps: int, batch: int, means: Sequence[float], spread: float) -> None:
    if steps < 1 or batch < 1:
        raise ValueError(f"steps and batch must be at least 1, not {steps} and {batch}")
    if any(not 0 <= mean <= 1 for mean in means):
        raise ValueError(f"a mean solve rate must be from 0 to 1, not {' or '.join(map(str, means))}")
    if not spread > 0:
        raise ValueError(f"spread must be above 0, not {spread}")
