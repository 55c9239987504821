"""What observers are told, in the order it happens."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from sparq_core.contract.tally import Tally


class RunStarted(Struct, frozen=True):
    """A run begins, or goes on."""

    name: str
    folder: Path | None
    resumed: bool
    rounds: int
    steps: int
    tally: Tally


class RoundStarted(Struct, frozen=True):
    """Round 0 ingests the seeds; every later one generates `steps` steps."""

    round: int
    done: int
    """Steps of it that are already in the ledger."""


class StepCommitted(Struct, frozen=True):
    """A step is in the ledger."""

    round: int
    step: int
    tally: Tally
    """After this step, over the whole run."""
    metrics: Mapping[str, float]
    """What the plugins' `commit` answered."""


class PhaseStarted(Struct, frozen=True):
    """`curate`, `train` or `benchmark` begins."""

    round: int
    name: str


class PhaseFinished(Struct, frozen=True):
    """`curate`, `train` or `benchmark` is in the ledger."""

    round: int
    name: str
    detail: str
    """What came of it, in a few words."""
    seconds: float


class Warned(Struct, frozen=True):
    """Something the user should know; the run goes on."""

    message: str


class RunEnded(Struct, frozen=True):
    """The run is over."""

    reason: str
    """`done`, or what stopped it."""
    tally: Tally


Event = RunStarted | RoundStarted | StepCommitted | PhaseStarted | PhaseFinished | Warned | RunEnded
