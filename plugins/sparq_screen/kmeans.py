"""k-means: a partition of vectors that is the same whenever it is made of the same vectors."""

from random import Random

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""One point a row."""
ROUNDS = 100
"""More change little."""
BLOCK = 8192


def centroids(points: Points, n: int) -> Points:
    """
    The means of n clusters: k-means++ from a fixed seed, then Lloyd's rounds until no point moves.

    ValueError, with how many points differ, where that is fewer than n. After Arthur and Vassilvitskii (2007).
    """
    means, before = _apart(points, n), np.full(len(points), -1)
    for _ in range(ROUNDS):
        owners = nearest(points, means)
        if np.array_equal(owners, before):
            break
        before = owners
        for i in np.unique(owners):
            means[i] = points[owners == i].mean(axis=0)
    return means


def nearest(points: Points, means: Points) -> NDArray[np.intp]:
    """Which mean each point is nearest to; the first of several that are."""
    offsets = (means**2).sum(axis=1) / 2
    blocks = [points[i : i + BLOCK] @ means.T - offsets for i in range(0, len(points), BLOCK)]
    return np.concatenate([block.argmax(axis=1) for block in blocks])


def _apart(points: Points, n: int) -> Points:
    """Points to begin with, each drawn by the square of its distance to those before it."""
    rng = Random(0)  # noqa: S311 -- for no secret
    chosen = [rng.randrange(len(points))]
    away = np.full(len(points), np.inf)
    while len(chosen) < n:
        away = np.minimum(away, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
        reach = away.cumsum()
        if reach[-1] == 0:
            raise ValueError(len(chosen))
        chosen.append(int(np.searchsorted(reach, rng.random() * reach[-1], side="right")))
    return points[chosen]
