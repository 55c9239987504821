"""What of a run goes into a dataset."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sparq_core.contract.records import Example
from sparq_core.ledger import dataset
from sparq_core.ledger.dataset import Chosen
from sparq_core.ledger.reader import Reader

FINEST, COARSE = 20, 10
"""Most places of a scale of solve rates, and those of runs whose numbers of attempts differ."""
SEEDS = "0."
"""What the ids of seeds begin with, which are problems of round 0."""


class Selection(NamedTuple):
    """What is exported of a run."""

    folder: Path
    ledger: Reader
    origin: str
    """Tells the run from others: the pipeline's name, and the beginning of the run's digest."""
    turned_away: Mapping[str, str]
    """The problems that were chosen and yet are left out, with the reasons."""
    problems: int
    given: int
    """Those of them that are seeds."""
    solve_rates: Counter[int]
    """Its problems by the nearest place on the scale; those without a solve rate are not counted."""

    @property
    def generates(self) -> bool:
        """Whether its run writes problems, rather than only attempting given ones."""
        return self.ledger.pipeline().rounds > 0

    def examples(self) -> Iterator[Example]:
        """The attempts that make the rows."""
        return (example for example in dataset.chosen(self.ledger) if example.problem not in self.turned_away)


def scale(ledgers: Sequence[Reader]) -> int:
    """How many places above 0 the solve rates of these runs are counted by."""
    attempts = {ledger.pipeline().attempts.k for ledger in ledgers}
    return min(*attempts, FINEST) if len(attempts) == 1 else COARSE


def selected(
    folder: Path, ledger: Reader, places: int, turned_away: Mapping[str, str], chosen: Iterable[Chosen]
) -> Selection:
    """Of a run the chosen problems, but for those that are turned away."""
    problems, given, solve_rates = 0, 0, Counter[int]()
    for one in chosen:
        if one.problem in turned_away:
            continue
        problems += 1
        given += one.problem.startswith(SEEDS)
        if one.solve_rate is not None:
            solve_rates[round(one.solve_rate * places)] += 1
    origin = f"{ledger.pipeline().name}-{ledger.last_digest()[:8]}"
    return Selection(folder, ledger, origin, turned_away, problems, given, solve_rates)
