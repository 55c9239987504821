"""What a profile adds up to: how solve rates are spread, and how often a group of attempts would all come out alike."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from math import exp, lgamma
from typing import Any

from msgspec import Struct

from sparq_core.contract.records import Child, Counts
from sparq_core.ledger.intervals import Interval, proportion

GROUPS = (4, 8, 16, 32, 64)
"""Sizes of the groups that reinforcement learning draws of a problem."""
TENTHS = 10
LEAST, MOST = 0.01, 100.0
"""Bounds of a fitted prior's parameters."""


class Summary(Struct, frozen=True):
    """One model on all rows."""

    rows: int
    outcomes: dict[str, int]
    attempts: int
    correct: int
    unknown: int
    mean_solve_rate: Interval | None
    """Over rows with a decided attempt; None where there is none."""
    histogram: dict[str, int]
    """Those rows by their solve rate; 0 and 1 stand for themselves."""
    prior: tuple[float, float]
    """Beta distribution of the rows' solve rates, fitted to all their counts."""
    zero_variance: dict[int, float]
    """The expected share of groups of each size whose attempts are all right or all wrong."""
    by: dict[str, "Part"]
    """Rows by the value of a column, the most frequent first."""


class Part(Struct, frozen=True):
    """The rows that have one value in a column."""

    rows: int
    kept: int
    mean_solve_rate: float | None


def summary(children: Iterable[tuple[Child | None, Mapping[str, Any]]], by: str | None = None) -> Summary:
    """Of one model's children, each with its row; `by` names a column that holds a value or a list of them."""
    found = [(child, given) for child, given in children if child]
    attempted = [child for child, _ in found if child.counts.decided]
    counts = Counter(Counts(c.counts.correct, c.counts.incorrect) for c in attempted)
    rates = [child.solve_rate for child in attempted if child.solve_rate is not None]
    prior = fitted_prior(counts)
    total = sum((child.counts for child, _ in found), Counts())
    return Summary(
        rows=len(found),
        outcomes=dict(Counter(child.outcome for child, _ in found)),
        attempts=total.drawn,
        correct=total.correct,
        unknown=total.unknown,
        mean_solve_rate=proportion(rates) if rates else None,
        histogram=histogram(rates),
        prior=prior,
        zero_variance={size: zero_variance(counts, prior, size) for size in GROUPS} if counts else {},
        by=_parts(found, by) if by else {},
    )


def histogram(rates: Iterable[float]) -> dict[str, int]:
    """How many solve rates are 0, within each tenth, and 1; an edge belongs to the tenth below it."""
    between = [f"({i / TENTHS:g}, {(i + 1) / TENTHS:g}{')' if i + 1 == TENTHS else ']'}" for i in range(TENTHS)]
    found = dict.fromkeys(["0", *between, "1"], 0)
    for rate in rates:
        inside = between[min(TENTHS - 1, sum(rate > i / TENTHS for i in range(1, TENTHS)))]
        found["0" if rate <= 0 else "1" if rate >= 1 else inside] += 1
    return found


def zero_variance(counts: Mapping[Counts, int], prior: tuple[float, float], size: int) -> float:
    """
    The expected share of groups of `size` attempts that are all right or all wrong, over rows with these counts.

    Exact under each row's posterior, the prior with its own attempts: the mean of p^size + (1 - p)^size.
    """

    def of_row(row: Counts) -> float:
        a, b = prior[0] + row.correct, prior[1] + row.incorrect
        return exp(_log_beta(a + size, b) - _log_beta(a, b)) + exp(_log_beta(a, b + size) - _log_beta(a, b))

    return sum(n * of_row(row) for row, n in counts.items()) / sum(counts.values())


def fitted_prior(counts: Mapping[Counts, int]) -> tuple[float, float]:
    """The Beta distribution of solve rates under which the rows' counts are most likely; uniform without any."""
    if not counts:
        return 1.0, 1.0
    best = (1.0, 1.0)
    factor = 2.0
    while factor > 1.001:
        tried = {_bounded(best[0] * f, best[1] * g) for f in (1 / factor, 1, factor) for g in (1 / factor, 1, factor)}
        better = max({*tried, best}, key=partial(_likelihood, counts))
        factor = factor if better != best else factor**0.5
        best = better
    return best


def _bounded(a: float, b: float) -> tuple[float, float]:
    return min(max(a, LEAST), MOST), min(max(b, LEAST), MOST)


def _likelihood(counts: Mapping[Counts, int], prior: tuple[float, float]) -> float:
    a, b = prior
    alone = _log_beta(a, b)
    return sum(n * (_log_beta(a + row.correct, b + row.incorrect) - alone) for row, n in counts.items())


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _parts(found: list[tuple[Child, Mapping[str, Any]]], by: str) -> dict[str, Part]:
    groups: dict[str, list[Child]] = {}
    for child, given in found:
        value = given.get(by)
        for name in dict.fromkeys(map(str, value if isinstance(value, list) else [value])):
            groups.setdefault(name, []).append(child)
    ranked = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return {name: _part(children) for name, children in ranked}


def _part(children: list[Child]) -> Part:
    rates = [child.solve_rate for child in children if child.solve_rate is not None]
    kept = sum(child.outcome == "kept" for child in children)
    return Part(len(children), kept, sum(rates) / len(rates) if rates else None)
