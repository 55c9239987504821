"""Where the children of a round come from: the seeds in round 0, mutations of selected parents in every other."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

from sparq_core.contract.run import Run
from sparq_core.contract.sampling import Place
from sparq_core.ledger.entries import Retried
from sparq_core.ledger.reader import Reader
from sparq_core.loop.step import Known, Proposed, StepRunner, candidates
from sparq_core.pipeline.cast import Cast

CHUNK = 256
"""Seeds a step of round 0."""


class Issue(NamedTuple):
    """A step to be worked on."""

    parents: tuple[str, ...]
    children: int
    """How many are expected."""
    known: Known
    propose: Callable[[], Proposed]


class Source(Protocol):
    """Gives a round's steps in order."""

    round: int

    def skip(self) -> None:
        """Pass over a step that the ledger already holds."""

    def issue(self, step: int, horizon: int, pending: Sequence[str]) -> Issue | None:
        """The next step, or None when the round has no more; `pending` are parents of steps not yet folded."""


class Seeds:
    """Round 0: the seeds as given, in chunks."""

    round = 0

    def __init__(self, run: Run, cast: Cast, most: int | None = None) -> None:
        self._drafts = islice(cast.load_seeds(run), most)

    def skip(self) -> None:
        next(islice(self._drafts, CHUNK - 1, None), None)

    def issue(self, step: int, horizon: int, pending: Sequence[str]) -> Issue | None:  # noqa: ARG002 -- no parents
        chunk = list(islice(self._drafts, CHUNK))
        if not chunk:
            return None
        return Issue((), len(chunk), Known(), lambda: Proposed(candidates(0, step, chunk), ()))


class Mutations:
    """Every later round: the selector chooses parents, the proposers write children."""

    def __init__(self, round: int, steps: int, run: Run, cast: Cast, ledger: Reader, runner: StepRunner) -> None:
        self.round = round
        self._steps, self._cast, self._ledger, self._runner = steps, cast, ledger, runner
        self._batch, self._seed, self._again = run.pipeline.batch, run.pipeline.seed, run.pipeline.attempts.again

    def skip(self) -> None:
        pass

    def issue(self, step: int, horizon: int, pending: Sequence[str]) -> Issue | None:
        if step > self._steps:
            return None
        place = Place(self._seed, self.round, step)
        parents = self._cast.select(place, self._batch, pending, self._ledger.problems)
        ids = tuple(parent.id for parent in parents)
        return Issue(
            ids,
            len(ids) * self._cast.proposers,
            self._known(ids, horizon),
            lambda: self._runner.propose(self.round, step, parents),
        )

    def _known(self, ids: Sequence[str], horizon: int) -> Known:
        """What the attempts at the parents came to, as far as the settings ask for it and the horizon shows it."""
        if not (self._again or self._runner.of_parents):
            return Known()
        counts = {id_: self._ledger.counts(id_) for id_ in ids}
        again = sorted(id_ for id_, found in counts.items() if found.drawn) if self._again else []
        return Known(
            counts,
            tuple(
                Retried(
                    child=self._ledger.solved_one(id_).child,
                    judged=tuple(self._ledger.judged_in(id_, self.round, horizon)),
                )
                for id_ in again
            ),
        )
