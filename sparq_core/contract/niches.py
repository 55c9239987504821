"""Niches: where its descriptors place a problem. Selection, curation and `status` make them alike."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite, prod
from typing import Annotated, Any

from msgspec import Meta, Struct

from sparq_core.contract.config import Positive
from sparq_core.contract.errors import PipelineError

Niche = tuple[tuple[str, ...] | int, ...]
"""The cell of each axis: labels, or the number of a bin."""


class Axis(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one descriptor is cut into cells: labels by default, a number where `bins` is given."""

    top: Annotated[
        Positive | None,
        Meta(description="Labels: count only so many, the most common ones of the seeds (paper: M = 100); none: all."),
    ] = 100
    max: Annotated[int, Meta(ge=1, description="Labels: use at most so many per niche (paper: k = 3).")] = 3
    bins: Annotated[Positive | None, Meta(description="Numbers: number of bins between low and high.")] = None
    low: Annotated[float, Meta(description="Numbers: lower bound; values below it go in the first bin.")] = 0.0
    high: Annotated[float, Meta(description="Numbers: upper bound; values above it go in the last bin.")] = 1.0

    def __post_init__(self) -> None:
        if self.bins is not None and not self.low < self.high:
            raise ValueError(f"low {self.low} must be below high {self.high}")


class Niches:
    """
    Maps a problem's descriptors to its niche.

    Labels count as far as they are among the most common ones of the seeds, which are to be learnt before the first niche is
    asked for.
    """

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
        return tuple(
            self._set(key, axis, value) if axis.bins is None else _bin(key, axis, axis.bins, value)
            for key, axis in self._axes.items()
            for value in [descriptors.get(key)]
        )

    def counting(self, key: str) -> frozenset[str] | None:
        """The labels of an axis that make niches, the most common ones of the seeds; None where all do."""
        if self._universe is None:
            self._universe = {
                key: frozenset(sorted(counter, key=lambda label: (-counter[label], label))[: self._axes[key].top])
                for key, counter in self._seen.items()
            }
        return None if self._axes[key].top is None else self._universe[key]

    def _set(self, key: str, axis: Axis, value: Any) -> tuple[str, ...]:
        counting = self.counting(key)
        known = [label for label in _labels(key, value) if counting is None or label in counting]
        return tuple(sorted(known)[: axis.max])


def labels_of(niche: Niche) -> frozenset[str]:
    """The different labels of a niche, of all its axes; a bin has none."""
    return frozenset(label for cell in niche if isinstance(cell, tuple) for label in cell)


def _labels(key: str, value: Any) -> Sequence[str]:
    """The labels of a descriptor: those of a list, a string alone, none of nothing."""
    if value is None or isinstance(value, list | tuple):
        return value or ()
    if isinstance(value, str):
        return (value,)
    raise PipelineError(f"niches.{key}: {value!r} is a number, not labels; set `bins`, `low` and `high`")


def _bin(key: str, axis: Axis, bins: int, value: Any) -> int:
    """The cell of a number; -1 where there is none, or it is not finite."""
    if value is not None and not isinstance(value, int | float):
        raise PipelineError(f"niches.{key}: {value!r} is not a number; omit `bins` to use labels")
    if value is None or not isfinite(value):
        return -1
    share = (value - axis.low) / (axis.high - axis.low)
    return min(bins - 1, int(max(0.0, min(1.0, share)) * bins))
