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
    """`curate`, `train` or `benchmark` begins; `seeds` is in round 0 what `curate` is in the others."""

    round: int
    name: str
    base: bool = False
    """Whether it is the benchmark of the model that training starts from: round 0 has that of the seeds' model, too."""


class PhaseFinished(Struct, frozen=True):
    """`seeds`, `curate`, `train` or `benchmark` is in the ledger."""

    round: int
    name: str
    detail: str
    """What came of it, in a few words."""
    seconds: float
    base: bool = False
    """As when it began."""


class Warned(Struct, frozen=True):
    """Something the user should know; the run goes on."""

    message: str


class RunEnded(Struct, frozen=True):
    """The run is over."""

    reason: str
    """`done`, or what stopped it."""
    tally: Tally


Event = RunStarted | RoundStarted | StepCommitted | PhaseStarted | PhaseFinished | Warned | RunEnded
