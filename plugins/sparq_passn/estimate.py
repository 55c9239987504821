"""How often one of k answers is right, from the counts of n."""

from collections.abc import Iterator, Sequence

import sparq_core as sparq


def curve(n: int, correct: int) -> list[float]:
    """
    pass@1, …, pass@n of an item of which `correct` of n answers are right: the chance that k of the n hold a right one.

    It is 1 − C(n−c, k) / C(n, k), which is unbiased for every k (Chen et al. 2021).
    """
    return list(_curve(n, correct))


def _curve(n: int, correct: int) -> Iterator[float]:
    missed = 1.0
    for drawn in range(n):
        missed *= max(0, n - correct - drawn) / (n - drawn)
        yield 1.0 - missed


def recorded(n: int) -> list[int]:
    """The k that are recorded by default: powers of four below n, and n."""
    return [4**i for i in range(n.bit_length()) if 4**i < n] + [n]


def intervals(curves: Sequence[Sequence[float]]) -> list[sparq.Interval]:
    """
    The mean over items for each k, with its interval.

    Items vary in what they are, and each estimate around it; their spread holds both.
    """
    return [sparq.proportion(values) for values in zip(*curves, strict=True)]
