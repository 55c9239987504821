"""Counters of a run: what stop rules read and displays show."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from sparq_core.contract.config import Pipeline, Prices
from sparq_core.contract.records import Outcome

MILLION = 1_000_000

REMEDIES = {
    "truncated": "raise attempts.max_tokens, set attempts.stop if the model continues after its answer, or count "
    "truncated attempts as incorrect (sympy: with.truncated)",
    "too-long": "shorten attempts.prompt, or use a model with a longer context",
    "refused": "the server or its content filter refuses these problems; use another model, or other seeds",
    "timeout": "raise the verifier's deadline (sympy: with.deadline)",
    "unverified": "no verifier could decide; add one that can",
}
"""What to change, by the reason of an unknown verdict."""


class Used(Struct, frozen=True, gc=False):
    """Tokens a role took."""

    prompt: int = 0
    sampled: int = 0


class Busy(Struct, frozen=True, gc=False):
    """Seconds that were watched, and how many of them the samplers and the graders were busy."""

    watched: float = 0.0
    sampling: float = 0.0
    grading: float = 0.0

    @property
    def idle(self) -> dict[str, float]:
        """Idle shares of samplers, whose empty slots count, and of graders, while steps were at work."""
        used = {"sampler": self.sampling, "graders": self.grading} if self.watched else {}
        return {name: min(1.0, max(0.0, round(1 - seconds / self.watched, 4))) for name, seconds in used.items()}

    def __add__(self, other: "Busy") -> "Busy":
        return Busy(self.watched + other.watched, self.sampling + other.sampling, self.grading + other.grading)


class Retried(Struct, frozen=True, gc=False):
    """Requests that samplers sent again, and the seconds that they waited before, added up."""

    requests: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Retried") -> "Retried":
        return Retried(self.requests + other.requests, self.seconds + other.seconds)

    def __sub__(self, other: "Retried") -> "Retried":
        return Retried(self.requests - other.requests, self.seconds - other.seconds)


class Replicas(Struct, frozen=True, gc=False):
    """The replicas of one model: how many there are, and how evenly they drew."""

    number: int
    least: int
    most: int
    """Completions that the least and the most busy of them drew since they were opened."""
    lost: int = 0
    """How many times one was lost, in all sessions: it died, or its server was left out until it worked again."""


class Tally(Struct, frozen=True):
    """Committed counters: what stop rules read and displays show."""

    outcomes: Mapping[Outcome, int] = {}
    """Children by outcome; seeds are not counted here."""
    reasons: Mapping[str, int] = {}
    """Rejected children by `plugin: reason`; rare reasons are counted together, as `plugin: other reasons`."""
    verdicts: Mapping[str, int] = {}
    """Attempts by verdict."""
    why: Mapping[str, int] = {}
    """Attempts by `verdict: reason`; rare reasons are counted together, as `verdict: other reasons`."""
    seeds: int = 0
    """Seeds in the ledger."""
    seeds_kept: int = 0
    """Of them, those that may be parents."""
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
    retried: Retried = Retried()
    """What samplers sent again, as far as they count it; none in ledgers of releases that did not."""
    replicas: Mapping[str, Replicas] = {}
    """By model, those whose sampler tells of its replicas."""

    @property
    def children(self) -> int:
        """All children, whatever became of them."""
        return sum(self.outcomes.values())

    @property
    def attempts(self) -> int:
        """All attempts."""
        return sum(self.verdicts.values())

    @property
    def tokens(self) -> int:
        """Sampled tokens."""
        return sum(used.sampled for used in self.used.values())

    @property
    def prompt_tokens(self) -> int:
        """Tokens of prompts."""
        return sum(used.prompt for used in self.used.values())

    def unknown(self) -> dict[str, int]:
        """Unknown attempts by reason, most frequent first."""
        found = {why.removeprefix("unknown: "): n for why, n in self.why.items() if why.startswith("unknown: ")}
        return dict(sorted(found.items(), key=lambda item: -item[1]))


def prices_of(pipeline: Pipeline) -> dict[str, Prices]:
    """What the tokens of each role cost; a role whose model has no prices is left out."""
    models = {role: pipeline.models[name] for role, name in pipeline.cast_of_roles().items()}
    return {role: model.prices for role, model in models.items() if model.prices}


def priced(tally: Tally, prices: Mapping[str, Prices]) -> Tally:
    """The counters with the money of all their tokens, at these prices by role; a role without prices is free."""
    asked = [(tally.used[role], price) for role, price in prices.items() if role in tally.used]
    money = sum((used.prompt * price.input + used.sampled * price.output) / MILLION for used, price in asked)
    return replace(tally, cost=money if prices else None)
