"""A MAP-Elites archive over descriptors: it holds ids and scores, not texts."""

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite, log, prod
from typing import Annotated, Any

from msgspec import Meta, Struct

import sparq_core as sparq

Niche = tuple[tuple[str, ...] | int, ...]


class Axis(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one descriptor is cut into cells: labels by default, a number where `bins` is given."""

    top: Annotated[
        sparq.Positive | None,
        Meta(description="Labels: only the most common ones of the seeds count (paper: M = 100); none: all count."),
    ] = 100
    max: Annotated[int, Meta(ge=1, description="Labels: at most so many make a cell (paper: k = 3).")] = 3
    bins: Annotated[sparq.Positive | None, Meta(description="Numbers: cells between low and high.")] = None
    low: Annotated[float, Meta(description="Numbers: lower bound; what is below goes in the first cell.")] = 0.0
    high: Annotated[float, Meta(description="Numbers: upper bound; what is above goes in the last cell.")] = 1.0

    def __post_init__(self) -> None:
        if self.bins is not None and not self.low < self.high:
            raise ValueError(f"low {self.low} must be below high {self.high}")


class Niches:
    """Maps a problem's descriptors to its niche."""

    def __init__(self, axes: Mapping[str, Axis]) -> None:
        self._axes = axes
        self._seen: dict[str, Counter[str]] = {key: Counter() for key, axis in axes.items() if axis.bins is None}
        self._universe: dict[str, frozenset[str]] | None = None

    @property
    def finite(self) -> int | None:
        """How many niches there can be, where all axes are numbers that are never missing; else None."""
        bins = [axis.bins for axis in self._axes.values()]
        return prod(b for b in bins if b) if all(bins) else None

    def learn(self, descriptors: Mapping[str, Any]) -> None:
        """Count a seed's labels; the most common ones become the universe when the first niche is asked for."""
        for key, counter in self._seen.items():
            counter.update(_labels(key, descriptors.get(key)))

    def of(self, descriptors: Mapping[str, Any]) -> Niche:
        """The cell of each axis: a sorted tuple of labels, or a bin; -1 where a number is missing."""
        if self._universe is None:
            self._universe = {
                key: frozenset(sorted(counter, key=lambda label: (-counter[label], label))[: self._axes[key].top])
                for key, counter in self._seen.items()
            }
        return tuple(
            self._set(key, axis, value) if axis.bins is None else _bin(key, axis, axis.bins, value)
            for key, axis in self._axes.items()
            for value in [descriptors.get(key)]
        )

    def _set(self, key: str, axis: Axis, value: Any) -> tuple[str, ...]:
        assert self._universe is not None  # noqa: S101 -- `of` made it
        known = [label for label in _labels(key, value) if axis.top is None or label in self._universe[key]]
        return tuple(sorted(known)[: axis.max])


def _labels(key: str, value: Any) -> Sequence[str]:
    """The labels of a descriptor: those of a list, a string alone, none of nothing."""
    if value is None or isinstance(value, list | tuple):
        return value or ()
    if isinstance(value, str):
        return (value,)
    raise sparq.PipelineError(f"niches.{key}: {value!r} is a number, not labels; cut it by `bins`, `low` and `high`")


def _bin(key: str, axis: Axis, bins: int, value: Any) -> int:
    """The cell of a number; -1 where there is none, or it is not finite."""
    if value is not None and not isinstance(value, int | float):
        raise sparq.PipelineError(f"niches.{key}: {value!r} is no number; leave `bins` out to take it as labels")
    if value is None or not isfinite(value):
        return -1
    share = (value - axis.low) / (axis.high - axis.low)
    return min(bins - 1, int(max(0.0, min(1.0, share)) * bins))


class Archive:
    """
    The best problems of each niche, at most `capacity` of them once something was added to it.

    The higher quality stays, and among equals the lower lot: the earlier problem, unless lots are given.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._niches: dict[Niche, list[tuple[float, int, str]]] = {}
        self._best: dict[Niche, float] = {}
        self._ranked: dict[Niche, list[str]] = {}
        self._order: list[Niche] = []
        self._added = 0
        self._qd_score = 0.0
        self._offered: Counter[Niche] = Counter()
        self._labels: set[str] = set()
        self._sum_n_log_n = 0.0

    def begin(self, niche: Niche, id_: str, quality: float, lot: int | None = None) -> None:
        """Put a problem in that the search begins with: the niche holds all of those until another one is added to it."""
        self._put(niche, id_, quality, lot)

    def add(self, niche: Niche, id_: str, quality: float, lot: int | None = None) -> bool:
        """Offer a problem; whether it is now an elite."""
        entry = self._put(niche, id_, quality, lot)
        elites = self._niches[niche]
        while len(elites) > self._capacity:
            heapq.heappop(elites)
        return entry >= elites[0]

    def _put(self, niche: Niche, id_: str, quality: float, lot: int | None) -> tuple[float, int, str]:
        self._added += 1
        entry = (quality, -(self._added if lot is None else lot), id_)
        if niche not in self._niches:
            self._niches[niche], self._best[niche] = [], 0.0
            self._order.append(niche)
            self._labels.update(label for cell in niche if isinstance(cell, tuple) for label in cell)
        heapq.heappush(self._niches[niche], entry)
        self._ranked.pop(niche, None)
        self._count(niche)
        self._set_best(niche, max(quality, self._best[niche]))
        return entry

    def rerank(self, niche: Niche, id_: str, quality: float) -> None:
        """Give an elite another quality; one that is no elite any more is left alone."""
        elites = self._niches.get(niche, [])
        at = next((i for i, (_, _, elite) in enumerate(elites) if elite == id_), None)
        if at is None:
            return
        elites[at] = (quality, elites[at][1], id_)
        heapq.heapify(elites)
        self._ranked.pop(niche, None)
        self._set_best(niche, max(elites)[0])

    def _set_best(self, niche: Niche, best: float) -> None:
        self._qd_score += best - self._best[niche]
        self._best[niche] = best

    @property
    def niches(self) -> list[Niche]:
        """The filled niches, in the order they were first filled."""
        return self._order

    def elites(self, niche: Niche) -> Sequence[str]:
        """A niche's problems, best first."""
        if niche not in self._ranked:
            self._ranked[niche] = [id_ for _, _, id_ in sorted(self._niches[niche], reverse=True)]
        return self._ranked[niche]

    def qd_score(self) -> float:
        """Sum over niches of the best quality."""
        return self._qd_score

    def entropy(self) -> float:
        """Shannon entropy of the niches of all problems offered, in nats: e to its power niches would be filled evenly."""
        return max(0.0, log(self._added) - self._sum_n_log_n / self._added) if self._added else 0.0

    def metrics(self) -> dict[str, float]:
        """Filled niches, QD-score, niche entropy, and the different labels among the niches."""
        return {
            "filled_niches": float(len(self._order)),
            "qd_score": round(self._qd_score, 6),
            "niche_entropy": round(self.entropy(), 6),
            **({"unique_labels": float(len(self._labels))} if self._labels else {}),
        }

    def _count(self, niche: Niche) -> None:
        n = self._offered[niche]
        self._sum_n_log_n += (n + 1) * log(n + 1) - (n * log(n) if n else 0.0)
        self._offered[niche] = n + 1

    def __iter__(self) -> Iterator[str]:
        for niche in self._order:
            yield from self.elites(niche)
