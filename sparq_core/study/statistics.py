"""Intervals over seeds and items at once, and what many comparisons take of them."""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean

from msgspec import Struct

ALPHA = 0.05
Matrix = Sequence[Sequence[float]]
"""A value for each unit (a seed, or a training) and each benchmark item: a list of rows, one a unit."""


class Estimate(Struct, frozen=True):
    """A mean over units and items, with what its uncertainty is made of."""

    mean: float
    error: float
    """Standard error, of units and items both drawn at random; 0 where no value differs from another, which tells nothing."""
    freedom: float
    """Degrees of freedom, by Satterthwaite."""

    def interval(self, comparisons: int = 1) -> tuple[float, float] | None:
        """The 95% interval, or one of so many that hold together with 95% (Bonferroni); None where it is unknown."""
        if not self.error:
            return None
        half = self.error * _t_quantile(1 - ALPHA / (2 * comparisons), self.freedom)
        return self.mean - half, self.mean + half

    @property
    def p(self) -> float:
        """How likely a mean as far from 0 as this one is where the true one is 0; 1 where that is not known."""
        from scipy.stats import t

        return float(2 * t.sf(abs(self.mean) / self.error, self.freedom)) if self.error else 1.0


def crossed(values: Matrix) -> Estimate:
    """
    The mean of values that units and items both make vary: the analysis of variance of two crossed random factors.

    Its variance is (MS units + MS items − MS rest) / (units · items), where a mean square below that of the rest counts as the
    rest (Cornfield and Tukey 1956). With one unit it is that of the items alone, and the other way round.
    """
    units, items = len(values), len(values[0])
    mean = fmean(map(fmean, values))
    rows = [fmean(row) - mean for row in values]
    columns = [fmean(column) - mean for column in zip(*values, strict=True)]
    rest = sum(
        (v - mean - r - c) ** 2 for row, r in zip(values, rows, strict=True) for v, c in zip(row, columns, strict=True)
    )
    of_units, of_items = items * sum(r * r for r in rows), units * sum(c * c for c in columns)
    if units == 1 or items == 1:
        return _of_one_factor(mean, of_units + of_items, max(units, items))
    return _of_both(mean, (of_units, units - 1), (of_items, items - 1), (rest, (units - 1) * (items - 1)))


def _of_one_factor(mean: float, squares: float, n: int) -> Estimate:
    return Estimate(mean, sqrt(squares / (n - 1) / n) if n > 1 else 0.0, max(1, n - 1))


def _of_both(mean: float, units: tuple[float, int], items: tuple[float, int], rest: tuple[float, int]) -> Estimate:
    """From the sum of squares and the degrees of freedom of each."""
    of_rest = rest[0] / rest[1]
    of_units, of_items = (max(squares / freedom, of_rest) for squares, freedom in (units, items))
    total = of_units + of_items - of_rest
    parts = ((of_units, units[1]), (of_items, items[1]), (of_rest, rest[1]))
    spread = sum(square * square / freedom for square, freedom in parts)
    return Estimate(mean, sqrt(total / ((units[1] + 1) * (items[1] + 1))), total * total / spread if spread else 1.0)


def holm(ps: Sequence[float]) -> list[float]:
    """The p-values of a family of comparisons, each corrected for their number (Holm 1979)."""
    order = sorted(range(len(ps)), key=ps.__getitem__)
    corrected, least = [0.0] * len(ps), 0.0
    for rank, i in enumerate(order):
        least = max(least, min(1.0, ps[i] * (len(ps) - rank)))
        corrected[i] = least
    return corrected


def slopes(xs: Sequence[float], values: Sequence[Matrix]) -> list[list[float]]:
    """For each unit and item the slope of the least-squares line through its values at `xs`, of which each has a matrix."""
    middle = fmean(xs)
    weights = [(x - middle) / sum((other - middle) ** 2 for other in xs) for x in xs]
    return [
        [sum(w * v for w, v in zip(weights, at, strict=True)) for at in zip(*rows, strict=True)]
        for rows in zip(*values, strict=True)
    ]


def _t_quantile(share: float, freedom: float) -> float:
    from scipy.stats import t

    return float(t.ppf(share, freedom))
