"""What goes into the ledger: a step with everything it made, and gradings."""

import hashlib
from typing import NamedTuple

import msgspec
from msgspec import Struct

from sparq_core.contract.records import Assessment, Case, Child, Judged, Problem, Step
from sparq_core.contract.sampling import Recorded


class Worked(Struct, frozen=True, kw_only=True):
    """A child with all that was paid for it."""

    proposed: Problem
    """As its proposer gave it."""
    child: Child
    """What became of it; its problem's answer is the one the attempts were judged by."""
    case: Case | None
    """None for a child that was rejected."""


class Retried(Struct, frozen=True, kw_only=True):
    """A parent to be attempted once more, with its attempts by the present weights so far; or attempted, with the new ones."""

    child: Child
    """As all its attempts have it."""
    judged: tuple[Judged, ...]


class StepRecord(Struct, frozen=True, kw_only=True):
    """Everything a step made, as it goes into the ledger."""

    round: int
    step: int
    horizon: int
    in_flight: int
    parents: tuple[str, ...]
    model: str
    """Digest of the weights that attempted."""
    worked: tuple[Worked, ...]
    completions: tuple[Recorded, ...]
    again: tuple[Retried, ...] = ()

    @property
    def attempted(self) -> list[tuple[str, tuple[Judged, ...]]]:
        """The attempts drawn in this step, by problem."""
        first = [(worked.child.problem.id, worked.case.judged) for worked in self.worked if worked.case]
        return [(id_, judged) for id_, judged in first if judged] + [(r.child.problem.id, r.judged) for r in self.again]

    @property
    def committed(self) -> Step:
        """The step as `commit` gets it."""
        return Step(
            round=self.round,
            step=self.step,
            parents=self.parents,
            children=tuple(worked.child for worked in self.worked),
            again=tuple(retried.child for retried in self.again),
        )

    def canonical(self) -> bytes:
        """What two identical runs agree on: all but the scheduling."""
        rows = (self.round, self.step, self.parents, self.model, self.worked, self.completions, self.again)
        return msgspec.msgpack.encode(rows, order="deterministic")


def chained(before: str, record: StepRecord) -> str:
    """The digest of a run up to a step, from that of all steps before it."""
    return hashlib.blake2b(before.encode() + record.canonical(), digest_size=16).hexdigest()


class Graded(NamedTuple):
    """A problem's attempts, judged anew, and what was made of them."""

    case: Case
    assessment: Assessment
