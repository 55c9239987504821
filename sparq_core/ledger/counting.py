"""What `spread` counts over all children, counted one by one, so that it is known at any time while they come in."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar

from sparq_core.contract.niches import Axis, Niche
from sparq_core.contract.records import Outcome
from sparq_core.ledger.afresh import Filled, Labels
from sparq_core.ledger.overview import Seeds
from sparq_core.ledger.spread import Because, Counts, Label, Made, Mean, Solved, made_of

MOST_NAMES = 20_000
"""Different reasons, labels or niches that are told apart; further ones are one."""
Name = TypeVar("Name", bound=Hashable)


class Names(Generic[Name]):
    """Numbers for names that come again and again, in the order in which they come first, and how often each came."""

    def __init__(self, others: Name) -> None:
        self.known = [others]
        """The names by their numbers; the first one stands for all that are too many."""
        self.times = [0]
        self._numbers = dict[Name, int]()

    def number(self, name: Name) -> int:
        """The number of a name, which is counted once more."""
        number = self._numbers.get(name, 0)
        if not number and len(self.known) <= MOST_NAMES:
            number = self._numbers[name] = len(self.known)
            self.known.append(name)
            self.times.append(0)
        self.times[number] += 1
        return number

    def find(self, name: Name) -> int | None:
        """The number of a name; None of one that did not come."""
        return self._numbers.get(name)

    def most_frequent(self, most: int) -> list[int]:
        """The numbers of the names that came most often, at most so many."""
        there = (number for number, times in enumerate(self.times) if times)
        return sorted(there, key=lambda number: (-self.times[number], number))[:most]


class Member(NamedTuple):
    """A problem as it is counted."""

    round: int
    operator: str
    solution: bool
    """Whether its proposer solved it."""
    rejection: str | None
    """By which plugin and why it was turned away before attempts."""
    outcome: Outcome | None
    reason: str | None
    solve_rate: float | None
    quality: float | None


class Described(NamedTuple):
    """What descriptors make of a problem."""

    labels: tuple[tuple[str, str], ...]
    """Each with its descriptor's key."""
    cells: tuple[tuple[str, Niche], ...]
    """Of each axis of the archive, with its key."""


class _Labelled:
    """The described children that have a label."""

    def __init__(self) -> None:
        self.children = self.kept = self.rated = 0
        self.rates = 0.0


class _Made:
    """The children of an operator that have an outcome."""

    def __init__(self) -> None:
        self.children = self.rated = 0
        self.rates = self.quality = 0.0


class Counting:
    """The counts of a run whose scale of solve rates has so many places."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._seeds = [0, 0, 0]
        self._operators: dict[str, dict[Outcome, _Made]] = defaultdict(lambda: defaultdict(_Made))
        self._because = Counter[tuple[Outcome, str]]()
        self._solve_rates = Counter[tuple[int, Outcome]]()
        self._rates = [0, 0.0, 0.0]
        self._attempted = self._described = 0
        self._labels: dict[str, dict[str, _Labelled]] = defaultdict(lambda: defaultdict(_Labelled))
        self._niches: dict[str, dict[Niche, Filled]] = defaultdict(dict)

    def add(self, one: Member, described: Described | None) -> None:
        """Count a problem."""
        if one.round == 0:
            self._seeds[0] += 1
            self._seeds[1] += one.rejection is not None
            self._seeds[2] += one.rejection is None and not one.solution
            return
        made = self._operators[one.operator][one.outcome or "rejected"]
        made.children += 1
        made.rated += one.solve_rate is not None
        made.rates += one.solve_rate or 0.0
        made.quality += one.quality or 0.0
        if one.outcome is None:
            return
        self._attempted += 1
        if one.outcome != "kept" and len(self._because) < MOST_NAMES:
            self._because[one.outcome, one.reason or ""] += 1
        if one.solve_rate is not None:
            self._solve_rates[int(one.solve_rate * self._places + 0.5), one.outcome] += 1
            self._rates[0] += 1
            self._rates[1] += one.solve_rate
            self._rates[2] += one.solve_rate**2
        if described:
            self._described += 1
            self._describe(one, described)

    def _describe(self, one: Member, described: Described) -> None:
        for key, label in described.labels:
            some = self._labels[key]
            if label in some or len(some) < MOST_NAMES:
                found = some[label]
                found.children += 1
                found.kept += one.outcome == "kept"
                found.rated += one.solve_rate is not None
                found.rates += one.solve_rate or 0.0
        for key, niche in described.cells:
            niches = self._niches[key]
            same = niches.get(niche, Filled(0, 0.0))
            niches[niche] = Filled(same.problems + 1, max(same.best, one.quality or 0.0))

    def counts(self, axes: Mapping[str, Axis], reasons: int, most: int) -> Counts:
        """All counts, with at most so many reasons and labels of each descriptor."""
        because = sorted(self._because.items(), key=lambda item: (-item[1], item[0]))[:reasons]
        rated, total, squares = self._rates
        mean = total / rated if rated else 0.0
        return Counts(
            seeds=Seeds(*self._seeds),
            operators={name: _made(outcomes) for name, outcomes in sorted(self._operators.items())},
            because=[Because(outcome, reason, n) for (outcome, reason), n in because],
            solve_rates=[Solved(place, outcome, n) for (place, outcome), n in sorted(self._solve_rates.items())],
            mean_solve_rate=Mean(int(rated), mean, max(0.0, squares / rated - mean**2) if rated else 0.0),
            described=Labels(self._attempted, self._described),
            niches={key: (axes[key], dict(niches)) for key, niches in self._niches.items()},
            labels={key: (list(_ranked(labels))[:most], len(labels)) for key, labels in sorted(self._labels.items())},
        )


def _made(outcomes: Mapping[Outcome, _Made]) -> Made:
    return made_of([(name, m.children, m.rated, m.rates, m.quality) for name, m in sorted(outcomes.items())])


def _ranked(labels: Mapping[str, _Labelled]) -> Iterable[Label]:
    for name, some in sorted(labels.items(), key=lambda item: (-item[1].children, item[0])):
        yield Label(name, some.children, some.kept, some.rates / some.rated if some.rated else None)
