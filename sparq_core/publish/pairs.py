"""Pairs of a right and a wrong attempt at the same problem, as preference training takes them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sparq_core.contract.records import Attempt, Judged

WITHIN = 1.25


class Pair(NamedTuple):
    """Two attempts at one problem."""

    right: Attempt
    """One that was judged correct."""
    wrong: Attempt
    """One that was judged incorrect."""

    @property
    def ratio(self) -> float:
        """How many times the tokens of the shorter one the longer one has; at least 1."""
        shorter, longer = sorted((self.right.tokens, self.wrong.tokens))
        return longer / shorter if shorter else float("inf") if longer else 1.0


def matched_pairs(judged: Sequence[Judged], within: float = WITHIN, most: int | None = None) -> list[Pair]:
    """
    Right and wrong attempts at one problem, matched in length so that length does not tell which is right.

    No pair's attempts differ in tokens by more than the factor `within`, which is at least 1; each attempt is in one pair at
    most, a text that was drawn twice counts once, and there are as many pairs as these rules allow. Attempts whose verdict is
    unknown are left out. `most` pairs are given at most, the best matched ones. The order is that of the right attempts.
    """
    right, wrong = (_by_length(judged, value) for value in ("correct", "incorrect"))
    found: list[Pair] = []
    i = j = 0
    while i < len(right) and j < len(wrong):
        pair = Pair(right[i], wrong[j])
        fits = pair.ratio <= within
        if fits:
            found.append(pair)
        i += fits or pair.right.tokens < pair.wrong.tokens
        j += fits or pair.wrong.tokens < pair.right.tokens
    best = sorted(found, key=lambda pair: (pair.ratio, pair.right.k))[:most]
    return sorted(best, key=lambda pair: pair.right.k)


def _by_length(judged: Iterable[Judged], value: str) -> list[Attempt]:
    """The attempts of this verdict, the shortest first, each text once."""
    texts: dict[str, Attempt] = {}
    for one in judged:
        if one.verdict.value == value:
            texts.setdefault(one.attempt.text, one.attempt)
    return sorted(texts.values(), key=lambda attempt: (attempt.tokens, attempt.k))
