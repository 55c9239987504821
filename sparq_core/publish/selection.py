"""What of a run goes into a dataset."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sparq_core.contract.records import Example
from sparq_core.ledger import dataset
from sparq_core.ledger.reader import Reader

FINEST, COARSE = 20, 10
"""Most places of a scale of solve rates, and those of runs whose numbers of attempts differ."""


class Selection(NamedTuple):
    """What is exported of a run."""

    folder: Path
    ledger: Reader
    problems: int
    solve_rates: Counter[int]
    """Its problems by the nearest place on the scale; those without a solve rate are not counted."""

    def examples(self) -> Iterator[Example]:
        """The attempts that make the rows."""
        return dataset.chosen(self.ledger)


def scale(ledgers: Sequence[Reader]) -> int:
    """How many places above 0 the solve rates of these runs are counted by."""
    attempts = {ledger.pipeline().attempts.k for ledger in ledgers}
    return min(*attempts, FINEST) if len(attempts) == 1 else COARSE


def selected(folder: Path, ledger: Reader, places: int) -> Selection:
    """What the last curation chose; where nothing was curated, every problem with a correct attempt."""
    problems, solve_rates = 0, Counter[int]()
    for chosen in dataset.chosen_problems(ledger):
        problems += 1
        if chosen.solve_rate is not None:
            solve_rates[round(chosen.solve_rate * places)] += 1
    return Selection(folder, ledger, problems, solve_rates)
