"""How children spread over reasons, solve rates and labels, counted by the database whatever their number."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from sparq_core.contract.niches import Axis, Niche
from sparq_core.contract.records import Outcome
from sparq_core.ledger import overview
from sparq_core.ledger.afresh import Filled, Labels
from sparq_core.ledger.overview import Seeds, labelled_niches
from sparq_core.ledger.reader import GRADING, LATER, REASON, VIEW, Reader

_CHILDREN = f"o.grading = {GRADING} AND o.problem NOT GLOB '0.*'"


class Because(NamedTuple):
    """Children of an outcome, by the reason that was given for it."""

    outcome: Outcome
    reason: str
    children: int


class Solved(NamedTuple):
    """Children whose solve rate is nearest to a place on the scale."""

    place: int
    outcome: Outcome
    children: int


class Mean(NamedTuple):
    """The solve rate over all children that have one."""

    children: int
    mean: float
    variance: float


class Label(NamedTuple):
    """The described children that have a label."""

    name: str
    children: int
    kept: int
    solve_rate: float | None


class Made(NamedTuple):
    """The children of an operator."""

    outcomes: Mapping[Outcome, int]
    solve_rate: float | None
    """The mean of those that have one."""
    quality: float | None
    """The mean of the kept ones."""

    @property
    def children(self) -> int:
        """All of them, whatever became of them."""
        return sum(self.outcomes.values())

    @property
    def kept(self) -> int:
        """Those that were kept."""
        return self.outcomes.get("kept", 0)


class Counts(NamedTuple):
    """All that is counted over the children of a run."""

    seeds: Seeds
    operators: Mapping[str, Made]
    because: Sequence[Because]
    solve_rates: Sequence[Solved]
    mean_solve_rate: Mean
    described: Labels
    niches: Mapping[str, tuple[Axis, Mapping[Niche, Filled]]]
    labels: Mapping[str, tuple[Sequence[Label], int]]


def counts(ledger: Reader, places: int, reasons: int, most: int) -> Counts:
    """All counts, on a scale of so many places, with at most so many reasons and labels of each descriptor."""
    described = overview.labelled(ledger)
    keys = [key for key, is_labels in ledger.descriptors().items() if is_labels] if described.described else []
    return Counts(
        seeds=overview.seeds(ledger),
        operators=operators(ledger),
        because=because(ledger, reasons),
        solve_rates=solve_rates(ledger, places),
        mean_solve_rate=mean_solve_rate(ledger),
        described=described,
        niches=niches(ledger) if described.described else {},
        labels={key: labels(ledger, key, most) for key in keys},
    )


def operators(ledger: Reader) -> dict[str, Made]:
    """What each operator made, in the order of their names."""
    rows = ledger.query(
        "SELECT p.operator, coalesce(o.outcome, 'rejected'), count(*), count(o.solve_rate), total(o.solve_rate),"
        f" total(o.quality) FROM problem p LEFT JOIN outcome o ON o.problem = p.id AND o.grading = {GRADING}"
        " WHERE p.round > 0 GROUP BY 1, 2 ORDER BY 1, 2"
    )
    found: dict[str, list[tuple[Outcome, int, int, float, float]]] = {}
    for operator, *one in rows:
        found.setdefault(operator, []).append(tuple(one))
    return {operator: made_of(some) for operator, some in found.items()}


def made_of(some: Sequence[tuple[Outcome, int, int, float, float]]) -> Made:
    """From an operator's children by outcome: how many, how many of them are rated, sums of solve rates and of qualities."""
    rated, rates = sum(row[2] for row in some), sum(row[3] for row in some)
    kept, quality = next(((row[1], row[4]) for row in some if row[0] == "kept"), (0, 0.0))
    return Made({row[0]: row[1] for row in some}, rates / rated if rated else None, quality / kept if kept else None)


def because(ledger: Reader, most: int) -> list[Because]:
    """The most frequent reasons of attempted children, kept ones left out; at most so many."""
    rows = ledger.query(
        f"SELECT o.outcome, {REASON}, count(*) FROM outcome o WHERE {_CHILDREN} AND o.outcome <> 'kept'"
        " GROUP BY 1, 2 ORDER BY count(*) DESC, 1, 2 LIMIT ?",
        most,
    )
    return [Because(*row) for row in rows]


def solve_rates(ledger: Reader, places: int) -> list[Solved]:
    """Children by outcome and by the nearest of the solve rates 0, 1 / places, …, 1."""
    rows = ledger.query(
        f"SELECT CAST(round(o.solve_rate * ?) AS INTEGER), o.outcome, count(*) FROM outcome o"
        f" WHERE {_CHILDREN} AND o.solve_rate IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2",
        places,
    )
    return [Solved(*row) for row in rows]


def mean_solve_rate(ledger: Reader) -> Mean:
    """Mean and variance of the solve rates of all children that have one."""
    rows = ledger.query(
        "SELECT count(o.solve_rate), coalesce(avg(o.solve_rate), 0), coalesce(avg(o.solve_rate * o.solve_rate), 0)"
        f" FROM outcome o WHERE {_CHILDREN}"
    )
    children, mean, square = next(rows)
    return Mean(children, mean, max(0.0, square - mean * mean))


def labels(ledger: Reader, key: str, most: int) -> tuple[list[Label], int]:
    """The most frequent labels of described children, at most so many, and how many different ones there are."""
    rows = ledger.query(
        "SELECT l.value, count(*), sum(o.outcome = 'kept'), avg(o.solve_rate), count(*) OVER () FROM outcome o"
        f" CROSS JOIN descriptor d ON d.view IN ({VIEW}, {LATER}) AND d.problem = o.problem AND d.key = ?"
        f" CROSS JOIN json_each(d.value) l WHERE {_CHILDREN} AND l.type = 'text'"
        " GROUP BY l.value ORDER BY count(*) DESC, l.value LIMIT ?",
        key,
        most,
    )
    found = list(rows)
    return [Label(*row[:4]) for row in found], found[0][4] if found else 0


def axes(ledger: Reader) -> dict[str, Axis]:
    """The run's own axes; where selection takes no notice of descriptors, those that are labels make axes, by the defaults."""
    return ledger.axes() or {key: Axis() for key, is_labels in ledger.descriptors().items() if is_labels}


def niches(ledger: Reader) -> dict[str, tuple[Axis, dict[Niche, Filled]]]:
    """The described children by the niches of each of these axes alone, with how each axis is cut."""
    return {key: (axis, labelled_niches(ledger, key, axis)) for key, axis in axes(ledger).items()}


def cast(ledger: Reader) -> dict[str, str]:
    """Each plugin's distribution and version."""
    rows = ledger.query('SELECT "cast" FROM run')
    return next((msgspec.json.decode(text, type=dict[str, str]) for (text,) in rows), {})
