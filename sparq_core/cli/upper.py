"""What a pipeline samples at most, as far as it can be known without a model."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from sparq_core.cli.progress import duration
from sparq_core.contract.sampling import Sampling
from sparq_core.contract.tally import Tally, Used, priced, prices_of
from sparq_core.contract.wording import money
from sparq_core.hookspecs import describe, propose, screen
from sparq_core.loop.stops import over_budget
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.discovery import Member
from sparq_core.pipeline.prepare import Prepared

SPEED = 1000
"""Tokens a second, to say what a number of tokens means."""


class Upper(Struct, frozen=True):
    """An upper estimate: every completion is as long as `max_tokens` allows, and no child is rejected."""

    children: int
    attempts: int
    attempt_tokens: int
    """Sampled by attempts."""
    other_tokens: int
    """Sampled by plugins that sample by options such as `max_tokens`, at one completion a child."""
    cost: float | None
    """Money for these tokens; None where no model has prices."""
    budget: str | None
    """The budget that ends the run before, in words."""
    uncounted: tuple[str, ...]
    """Plugins that sample as long as they like: they are given a model, and have no option `max_tokens`."""

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.attempt_tokens + self.other_tokens

    @property
    def told(self) -> str:
        """In a few sentences."""
        spent = "" if self.cost is None else f" at a cost of {money(self.cost)}"
        ended = f" The run ends earlier: {self.budget}." if self.budget else ""
        names = " and ".join(self.uncounted)
        more = f" Not included: what {names} may sample, having no option `max_tokens`." if names else ""
        return (
            f"At most {self.tokens:,} sampled tokens{spent}: {self.attempt_tokens:,} for attempts, and {self.other_tokens:,} "
            f"for proposals, judges and labels at one completion per child. At {SPEED:,} tokens per second they take "
            f"{duration(self.tokens / SPEED)}.{more}{ended}\nThis is an upper limit, without prompts and without "
            "what training (`grpo`) and benchmarks sample; `sparq preview` runs one step for an estimate."
        )

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        names = ("children", "attempts", "attempt_tokens", "other_tokens", "tokens", "cost", "budget", "uncounted")
        return {name: getattr(self, name) for name in names}


def upper(loaded: Prepared) -> Upper:
    """That of a pipeline, seeds included where they are attempted."""
    pipeline, cast = loaded.run.pipeline, loaded.cast
    steps = pipeline.rounds * pipeline.steps
    children = steps * pipeline.batch * cast.proposers
    attempts = pipeline.most_attempts(steps, cast.proposers)
    if pipeline.attempts.seeds:
        attempts += pipeline.attempts.k * sum(1 for _ in cast.load_seeds(loaded.run))
    used = {"solver": attempts * pipeline.attempts.max_tokens}
    uncounted = []
    for member, most in _sampling(cast):
        if most is None:
            uncounted.append(member.name)
        else:
            role = getattr(member.config, "role", "labeller")
            used[role] = used.get(role, 0) + children * most
    verdicts = {"": attempts}
    tally = priced(
        Tally(verdicts=verdicts, used={role: Used(sampled=n) for role, n in used.items()}), prices_of(pipeline)
    )
    own = attempts * pipeline.attempts.max_tokens
    budget = over_budget(pipeline.budget, tally)
    return Upper(children, attempts, own, tally.tokens - own, tally.cost, budget, tuple(uncounted))


def _sampling(cast: Cast) -> Iterator[tuple[Member, int | None]]:
    """The plugins that are given a model, or have the options of sampling, each with the most tokens of a completion."""
    for member in cast.members:
        given = any(cast.asks(hook, "llm", member) for hook in (propose, screen, describe))
        if given or isinstance(member.config, Sampling):
            most = getattr(member.config, "max_tokens", None)
            yield member, most if isinstance(most, int) else None
