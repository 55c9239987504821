"""How runs differ from the first of them, with intervals where there is something to tell them by."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from sparq_core.contract.tally import Tally
from sparq_core.ledger import intervals, overview, spread
from sparq_core.ledger.intervals import Interval
from sparq_core.ledger.reader import Reader


class Measured(Protocol):
    """What of a run is held against others."""

    @property
    def tally(self) -> Tally: ...

    @property
    def mean_solve_rate(self) -> spread.Mean: ...

    @property
    def values(self) -> dict[str, dict[str, float]]: ...


class Figures(NamedTuple):
    """Of a run just what is held against others."""

    tally: Tally
    mean_solve_rate: spread.Mean
    values: dict[str, dict[str, float]]
    """The last benchmarked model's value of each item of each task."""


def figures(ledger: Reader) -> Figures:
    """Those of a run."""
    return Figures(ledger.tally(), spread.mean_solve_rate(ledger), overview.last_scores(ledger))


class Difference(NamedTuple):
    """A measure of every run, and how far each of the others is from the first."""

    measure: str
    found: list[Interval | None]
    apart: list[Interval | None]


def differences(runs: Sequence[Measured]) -> list[Difference]:
    """Shares of the children, the mean solve rate, and the last models on each task that two runs have in common."""
    return [_independent(measure, [of(run) for run in runs]) for measure, of in MEASURES.items()] + list(_tasks(runs))


def _kept(run: Measured) -> Interval | None:
    return _share(run.tally.outcomes.get("kept", 0), run.tally.children)


def _rejected(run: Measured) -> Interval | None:
    return _share(run.tally.outcomes.get("rejected", 0), run.tally.children)


def _share(count: int, of: int) -> Interval | None:
    return intervals.share(count, of) if of else None


def _solve_rate(run: Measured) -> Interval | None:
    found = run.mean_solve_rate
    return intervals.mean(found.mean, found.variance, found.children) if found.children else None


MEASURES: dict[str, Callable[[Measured], Interval | None]] = {
    "children kept": _kept,
    "children rejected": _rejected,
    "mean solve rate": _solve_rate,
}


def _independent(measure: str, found: list[Interval | None]) -> Difference:
    first = found[0]
    apart = [intervals.difference(first, other) if first and other else None for other in found[1:]]
    return Difference(measure, found, apart)


def _tasks(runs: Sequence[Measured]) -> Iterator[Difference]:
    for task in dict.fromkeys(task for run in runs for task in run.values):
        of_task = [run.values.get(task, {}) for run in runs]
        found = [intervals.proportion(list(values.values())) if values else None for values in of_task]
        yield Difference(task, found, [_paired(of_task[0], values) for values in of_task[1:]])


def _paired(first: dict[str, float], other: dict[str, float]) -> Interval | None:
    """Item by item; None where there are not two items that both runs were asked."""
    both = [item for item in first if item in other]
    return intervals.mean_difference(*([v[i] for i in both] for v in (first, other))) if len(both) > 1 else None
