"""The events that observers receive, in the order in which they happen."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from sparq_core.contract.tally import Tally


class RunStarted(Struct, frozen=True):
    """A run starts or resumes."""

    name: str
    """The run's, as in the pipeline."""
    folder: Path | None
    """Where it writes."""
    resumed: bool
    """Whether it resumes an earlier session."""
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
    """The metrics that the plugins' `commit` returned."""


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
    """The result, in a few words."""
    seconds: float
    """Its wall time."""
    base: bool = False
    """As in its start event."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """What a trainer reports of its training, such as the loss."""


class Warned(Struct, frozen=True):
    """A warning for the user; the run continues."""

    message: str
    """As it is shown."""


class RunEnded(Struct, frozen=True):
    """The run is over."""

    reason: str
    """`done`, or what stopped it."""
    tally: Tally
    """What is in the ledger."""


Event = RunStarted | RoundStarted | StepCommitted | PhaseStarted | PhaseFinished | Warned | RunEnded
