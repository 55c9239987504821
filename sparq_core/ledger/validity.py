"""Validity by solve rate: which problems are sampled for an audit, and what its verdicts say of all of them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import sqrt

from msgspec import Struct

from sparq_core.contract.randomness import generator
from sparq_core.contract.records import Counts
from sparq_core.ledger.intervals import Interval, proportion
from sparq_core.ledger.overview import Rated

EDGES = (0.25, 0.5, 0.75)
UNRESOLVED, NOT_ATTEMPTED = "unresolved", "not attempted"


def bins(edges: Sequence[float]) -> list[str]:
    """
    The names of all bins, in order.

    Solve rates of 0 and of 1 are bins of their own. Each edge between them belongs to the bin below it.
    """
    bounds = [0.0, *edges, 1.0]
    between = [f"({low:g}, {high:g}{']' if high < 1 else ')'}" for low, high in pairwise(bounds)]
    return ["0", *between, "1", UNRESOLVED, NOT_ATTEMPTED]


def by_bin(problems: Sequence[Rated], edges: Sequence[float]) -> dict[str, list[Rated]]:
    """
    The problems of each bin, in the order of the bins.

    One with too few decided attempts has a bin of its own, whatever its rate, and so has one with none.
    """
    names, found = bins(edges), {name: list[Rated]() for name in bins(edges)}
    for problem in problems:
        if problem.outcome == "unresolved":
            name = UNRESOLVED
        elif problem.solve_rate is None:
            name = NOT_ATTEMPTED
        else:
            name = "1" if problem.solve_rate >= 1 else names[sum(problem.solve_rate > edge for edge in (0.0, *edges))]
        found[name].append(problem)
    return found


def sampled(strata: Mapping[str, Sequence[Rated]], per_bin: int, seed: int) -> list[tuple[str, Rated]]:
    """At most `per_bin` problems of each bin, each with its bin, drawn without replacement; all in random order."""
    drawn = [
        (name, problem)
        for name, problems in strata.items()
        for problem in generator(seed, "sample", name).sample(problems, min(per_bin, len(problems)))
    ]
    generator(seed, "order").shuffle(drawn)
    return drawn


class Stratum(Struct, frozen=True):
    """One bin: how many problems it has, and how those of its sample were judged."""

    bin: str
    problems: int
    audited: Counts
    """`correct` are valid, `incorrect` invalid."""

    @property
    def validity(self) -> Interval | None:
        """The share of valid ones among those judged, with Wilson's interval; None where none was. Unknown is neither."""
        audited = self.audited
        return proportion([1.0] * audited.correct + [0.0] * audited.incorrect) if audited.decided else None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The share of the sample that is valid if none of the unknown ones is, and if all are."""
        audited = self.audited
        if not audited.drawn:
            return None
        return audited.correct / audited.drawn, (audited.correct + audited.unknown) / audited.drawn


class Overall(Struct, frozen=True):
    """What the bins say together, each weighted by how many problems it has."""

    validity: Interval | None
    """None where no problem of any bin was judged."""
    bounds: tuple[float, float] | None
    covered: int
    """Problems of the bins that have a judged one; of the others nothing is said."""
    problems: int


def overall(strata: Sequence[Stratum]) -> Overall:
    """
    The validity of all problems, with a 95% interval.

    The interval is put together from those of the bins (MOVER; Zou, Huang and Donner 2009), so it is right near 0 and 1, too.
    """
    known = [(s.problems, s.validity, s.bounds) for s in strata if s.validity and s.bounds]
    covered, problems = sum(n for n, _, _ in known), sum(s.problems for s in strata)
    if not covered:
        return Overall(None, None, 0, problems)
    mean = sum(n * v.mean for n, v, _ in known) / covered
    below = sqrt(sum((n * (v.mean - v.low)) ** 2 for n, v, _ in known)) / covered
    above = sqrt(sum((n * (v.high - v.mean)) ** 2 for n, v, _ in known)) / covered
    bounds = sum(n * b[0] for n, _, b in known) / covered, sum(n * b[1] for n, _, b in known) / covered
    return Overall(Interval(mean, max(0.0, mean - below), min(1.0, mean + above)), bounds, covered, problems)
