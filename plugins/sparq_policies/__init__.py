"""How many attempts a problem deserves: three rules that stop early, each a plugin."""

from typing import Annotated, ClassVar

from msgspec import Meta, Struct

import sparq_core as sparq
from sparq_policies.rules import AfterPilot, OptimalStopping, Prior, WhenSettled

__all__ = ["Bayes", "BayesConfig", "Pilot", "PilotConfig", "Settled", "SettledConfig"]

VERSION = "2"
"""Of solve rates: since 2 they are unbiased also where what is kept is complete or attempts are unknown."""
Complete = Annotated[
    bool, Meta(description="Draw all K attempts at every problem that is kept; else it keeps those it has.")
]
Wave = Annotated[sparq.Positive, Meta(description="Attempts drawn at once.")]


class SettledConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `settled`."""

    complete: Complete = True
    wave: Wave = 4


class Settled:
    """Attempts stop once no further one can change what the problem is: the same decision as all K, for less."""

    version: ClassVar[str] = VERSION

    def __init__(self, config: SettledConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def policy(self, run: sparq.Run, decide: sparq.Decide) -> sparq.Policy:
        config = self._config
        return WhenSettled(run.pipeline.attempts.k, decide, config.wave, config.wave, config.complete)


class PilotConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `pilot`."""

    first: Annotated[sparq.Positive, Meta(description="Attempts of the first wave.")] = 8
    complete: Complete = True


class Pilot:
    """A first wave of attempts; if they all come out alike, that is all, else the rest follow at once."""

    version: ClassVar[str] = VERSION

    def __init__(self, config: PilotConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def policy(self, run: sparq.Run, decide: sparq.Decide) -> sparq.Policy:
        k, config = run.pipeline.attempts.k, self._config
        return AfterPilot(k, decide, config.first, k, config.complete)


class BayesConfig(SettledConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `bayes`."""

    prior: Annotated[Prior, Meta(description="Beta prior of the solve rate; below 1 it is U-shaped.")] = (0.25, 0.25)
    from_parents: Annotated[
        float,
        Meta(ge=0, description="Attempts' worth of the parents' own solve rate that is added to the prior; 0: none."),
    ] = 0.0
    worth: Annotated[float, Meta(gt=0, description="Attempts that a kept problem is worth.")] = 60.0


class Bayes:
    """Attempts stop once further ones cost more than they may bring (optimal stopping with a Beta prior)."""

    version: ClassVar[str] = VERSION

    def __init__(self, config: BayesConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def policy(self, run: sparq.Run, decide: sparq.Decide) -> sparq.Policy:
        config = self._config
        return OptimalStopping(
            run.pipeline.attempts.k,
            decide,
            config.wave,
            config.complete,
            prior=config.prior,
            from_parents=config.from_parents,
            worth=config.worth,
        )
