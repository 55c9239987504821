"""What observers are told, in the order it happens."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from sparq_core.occupancy import Busy
from sparq_core.records import Outcome


class Used(Struct, frozen=True):
    """Tokens a role took."""

    prompt: int = 0
    sampled: int = 0


class Tally(Struct, frozen=True):
    """Committed counters: what stop rules read and displays show."""

    outcomes: Mapping[Outcome, int] = {}
    """Children by outcome; seeds are not counted here."""
    reasons: Mapping[str, int] = {}
    """Rejected children by `plugin: reason`."""
    verdicts: Mapping[str, int] = {}
    """Attempts by verdict."""
    why: Mapping[str, int] = {}
    """Attempts by `verdict: reason`."""
    seeds: int = 0
    seeds_kept: int = 0
    unparsed: int = 0
    """Children that could not be read from what the generator wrote."""
    used: Mapping[str, Used] = {}
    """Tokens by role, for attempts, proposals, screens and descriptions."""
    cost: float | None = None
    """Money for these tokens at the prices of the models; None where no model has prices."""
    seconds: float = 0.0
    """Wall clock up to the last commit, summed over all sessions."""
    busy: Busy = Busy()
    """How busy samplers and graders were while steps were at work."""

    @property
    def children(self) -> int:
        return sum(self.outcomes.values())

    @property
    def attempts(self) -> int:
        return sum(self.verdicts.values())

    @property
    def tokens(self) -> int:
        """Sampled tokens."""
        return sum(used.sampled for used in self.used.values())

    @property
    def prompt_tokens(self) -> int:
        return sum(used.prompt for used in self.used.values())

    def unknown(self) -> dict[str, int]:
        """Unknown attempts by reason, most frequent first."""
        found = {why.removeprefix("unknown: "): n for why, n in self.why.items() if why.startswith("unknown: ")}
        return dict(sorted(found.items(), key=lambda item: -item[1]))


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
