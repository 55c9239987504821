"""Pairs of a right and a wrong attempt at the same problem, as preference training takes them."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from sparq_core.contract.records import Attempt, Judged

T = TypeVar("T")
WITHIN = 1.25
"""By which factor the lengths of a pair may differ."""


class Pair(NamedTuple):
    """Two attempts at one problem."""

    right: Attempt
    """One that was judged correct."""
    wrong: Attempt
    """One that was judged incorrect."""


def matched_pairs(judged: Sequence[Judged], within: float = WITHIN, most: int | None = None) -> list[Pair]:
    """
    Right and wrong attempts at one problem, matched in length so that length does not tell which is right.

    No pair's attempts differ in tokens by more than the factor `within`, which is at least 1; each attempt is in one pair at
    most, a text that was drawn twice counts once, and there are as many pairs as these rules allow. Attempts whose verdict is
    unknown are left out. `most` pairs are given at most, the best matched ones. The order is that of the right attempts.
    """
    right, wrong = (_each_once(judged, value) for value in ("correct", "incorrect"))
    pairs = matched(right, wrong, lambda attempt: attempt.tokens, within, most)
    return sorted((Pair(*pair) for pair in pairs), key=lambda pair: pair.right.k)


def matched(
    right: Iterable[T], wrong: Iterable[T], size: Callable[[T], int], within: float = WITHIN, most: int | None = None
) -> list[tuple[T, T]]:
    """As many pairs as there can be whose sizes differ by the factor `within` at most; the best `most`, those first."""
    left, other = (sorted(((size(one), i, one) for i, one in enumerate(all_))) for all_ in (right, wrong))
    found: list[tuple[float, int, T, T]] = []
    i = j = 0
    while i < len(left) and j < len(other):
        (a, place, one), (b, _, another) = left[i], other[j]
        fits = (ratio := _ratio(a, b)) <= within
        if fits:
            found.append((ratio, place, one, another))
        i += fits or a < b
        j += fits or b < a
    found.sort(key=lambda pair: pair[:2])
    return [(one, another) for _, _, one, another in found[:most]]


def _ratio(a: int, b: int) -> float:
    """How many times the smaller one the larger one is; at least 1."""
    smaller, larger = sorted((a, b))
    return larger / smaller if smaller else float("inf") if larger else 1.0


def _each_once(judged: Iterable[Judged], value: str) -> list[Attempt]:
    """The attempts of this verdict, each text once."""
    texts: dict[str, Attempt] = {}
    for one in judged:
        if one.verdict.value == value:
            texts.setdefault(one.attempt.text, one.attempt)
    return list(texts.values())
