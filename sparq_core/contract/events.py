"""What observers are told, in the order it happens."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from sparq_core.contract.tally import Tally


class RunStarted(Struct, frozen=True):
    """A run begins, or goes on."""

    name: str
    """The run's, as in the pipeline."""
    folder: Path | None
    """Where it writes."""
    resumed: bool
    """Whether it goes on with what is there."""
    rounds: int
    """As the pipeline has it."""
    steps: int
    """Of a round, as the pipeline has it."""
    tally: Tally
    """What is in the ledger so far."""


class RoundStarted(Struct, frozen=True):
    """Round 0 ingests the seeds; every later one generates `steps` steps."""

    round: int
    """From 0."""
    done: int
    """Steps of it that are already in the ledger."""


class StepCommitted(Struct, frozen=True):
    """A step is in the ledger."""

    round: int
    """From 0."""
    step: int
    """From 1, within its round."""
    tally: Tally
    """After this step, over the whole run."""
    metrics: Mapping[str, float]
    """What the plugins' `commit` answered."""


class PhaseStarted(Struct, frozen=True):
    """`curate`, `train` or `benchmark` begins; `seeds` is in round 0 what `curate` is in the others."""

    round: int
    """From 0."""
    name: str
    """Which phase."""
    base: bool = False
    """Whether it is the benchmark of the model that training starts from: round 0 has that of the seeds' model, too."""


class PhaseFinished(Struct, frozen=True):
    """`seeds`, `curate`, `train` or `benchmark` is in the ledger."""

    round: int
    """From 0."""
    name: str
    """Which phase."""
    detail: str
    """What came of it, in a few words."""
    seconds: float
    """Wall clock that it took."""
    base: bool = False
    """As when it began."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """What a trainer tells of its training, such as the loss."""


class Warned(Struct, frozen=True):
    """Something the user should know; the run goes on."""

    message: str
    """As it is shown."""


class RunEnded(Struct, frozen=True):
    """The run is over."""

    reason: str
    """`done`, or what stopped it."""
    tally: Tally
    """What is in the ledger."""


Event = RunStarted | RoundStarted | StepCommitted | PhaseStarted | PhaseFinished | Warned | RunEnded
