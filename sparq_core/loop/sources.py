"""Where the children of a round come from: the seeds in round 0, mutations of selected parents in every other."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

from sparq_core.contract.errors import SparqError
from sparq_core.contract.randomness import generator
from sparq_core.contract.records import Draft
from sparq_core.contract.run import Run
from sparq_core.ledger.reader import Reader
from sparq_core.loop.step import Known, Parent, Proposed, Workshop, candidates
from sparq_core.pipeline.cast import Cast

CHUNK = 256
"""Seeds a step of round 0."""


class Issue(NamedTuple):
    """A step to be worked on."""

    parents: tuple[str, ...]
    known: Known
    propose: Callable[[], Proposed]


class Source(Protocol):
    """Gives a round's steps in order."""

    def skip(self) -> None:
        """Pass over a step that the ledger already holds."""

    def issue(self, step: int, pending: Sequence[str]) -> Issue | None:
        """The next step, or None when the round has no more; `pending` are parents of steps not yet folded."""


class Seeds:
    """Round 0: the seeds as given, in chunks."""

    def __init__(self, run: Run, cast: Cast, most: int | None = None) -> None:
        self._drafts = islice(seeds_of(run, cast), most)

    def skip(self) -> None:
        next(islice(self._drafts, CHUNK - 1, None), None)

    def issue(self, step: int, pending: Sequence[str]) -> Issue | None:  # noqa: ARG002 -- seeds have no parents
        chunk = list(islice(self._drafts, CHUNK))
        return Issue((), Known(), lambda: Proposed(candidates(0, step, chunk), ())) if chunk else None


def seeds_of(run: Run, cast: Cast) -> Iterator[tuple[str, Draft]]:
    """All seeds as given, each with the plugin that loads it."""
    for member, load_seeds in cast.each("load_seeds"):
        yield from ((member.name, draft) for draft in load_seeds(run=run))


class Mutations:
    """Every later round: the selector chooses parents, the proposers write children."""

    def __init__(
        self, round: int, steps: int, in_flight: int, run: Run, cast: Cast, ledger: Reader, workshop: Workshop
    ) -> None:
        self._round, self._steps, self._ledger, self._workshop = round, steps, ledger, workshop
        self._batch, self._seed = run.pipeline.batch, run.pipeline.seed
        self._in_flight, self._attempts = in_flight, run.pipeline.attempts
        ((self._member, self._select),) = cast.each("select")

    def skip(self) -> None:
        pass

    def issue(self, step: int, pending: Sequence[str]) -> Issue | None:
        if step > self._steps:
            return None
        rng = generator(self._seed, self._round, step, "select", self._member.name)
        ids = self._select(rng=rng, n=self._batch, round=self._round, step=step, pending=pending)
        if not ids:
            raise SparqError(
                f"{self._member.place}: '{self._member.name}' has no parents to choose from: no seed was kept; "
                "see `sparq status`, then look at the seeds or at what screens them"
            )
        parents = self._ledger.problems(ids)
        return Issue(tuple(ids), self._known(step, ids), lambda: self._workshop.propose(self._round, step, parents))

    def _known(self, step: int, ids: Sequence[str]) -> Known:
        """What the attempts at the parents came to, as far as the settings ask for it and the horizon shows it."""
        if not (self._attempts.again or self._attempts.from_parents):
            return Known()
        counts = {id_: self._ledger.counts(id_) for id_ in ids}
        again = sorted(id_ for id_, found in counts.items() if found.drawn) if self._attempts.again else []
        until = step - self._in_flight
        return Known(
            counts,
            tuple(
                Parent(self._ledger.solved_one(id_).child, tuple(self._ledger.judged_in(id_, self._round, until)))
                for id_ in again
            ),
        )
