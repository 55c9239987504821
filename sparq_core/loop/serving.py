"""Which weights play which role, and the samplers that serve them."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from statistics import fmean

from msgspec.structs import replace

from sparq_core.contract.errors import PipelineError, nearest
from sparq_core.contract.records import Model
from sparq_core.contract.sampling import Completion, Request
from sparq_core.contract.tally import Replicas, Retried
from sparq_core.loop.occupancy import Gauge
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.guards import GuardedSampler

Hear = Callable[[Sequence[Request]], None]
"""Told what a sampler is asked."""
Drew = Callable[[str, Sequence[Sequence[Completion]]], None]
"""Told what a model, by its name in the pipeline, has just answered."""


class Served:
    """A sampler whose calls are counted."""

    def __init__(
        self, sampler: GuardedSampler, before: Hear, after: Callable[[Sequence[Sequence[Completion]]], None]
    ) -> None:
        self._sampler, self._gauge, self._before, self._after = sampler, Gauge(), before, after
        self.deterministic, self.digest, self.slots = sampler.deterministic, sampler.digest, sampler.slots

    def sample(self, requests: Sequence[Request]) -> Sequence[Sequence[Completion]]:
        """As the sampler does."""
        self._before(requests)
        with self._gauge:
            answers = self._sampler.sample(requests)
        self._after(answers)
        return answers

    def close(self) -> None:
        """Free the model."""
        self._sampler.close()

    @property
    def retried(self) -> Retried:
        """What it sent again so far."""
        return self._sampler.retried

    @property
    def replicas(self) -> Replicas | None:
        """Its replicas so far; None where it tells of none."""
        return self._sampler.replicas

    @property
    def share(self) -> float:
        """How much of what it can do at once it has to do; where it does not say, whether it is asked at all."""
        load = self._sampler.load
        return self._gauge.share if self.slots is None or load is None else min(1.0, load / self.slots)


class Samplers:
    """
    Opens a sampler when a role is first asked for, one for each distinct weights; all are closed together.

    `hear` is told each call, `allow` raises where no more may be drawn, and `drew` is told what a model has answered.
    """

    def __init__(self, cast: Cast, hear: Hear, allow: Callable[[], None], drew: Drew) -> None:
        self._cast, self._hear, self._allow, self._drew = cast, hear, allow, drew
        self.roles = dict[str, Model]()
        """Which weights play which role."""
        self._samplers: dict[tuple[str, str], Served] = {}
        self._closed = Retried()
        self._closed_replicas: dict[str, Replicas] = {}
        self._lock = threading.Lock()

    def serve(self, role: str) -> Served:
        """The sampler of a role; PipelineError for a role without a model."""
        if role not in self.roles:
            raise PipelineError(f"roles: no model plays '{role}'; {nearest(role, self.roles)}")
        model = self.roles[role]
        with self._lock:
            key = (model.name, model.path)
            if key not in self._samplers:
                self._samplers[key] = Served(self._cast.sampler(model), self._before, partial(self._drew, model.name))
            return self._samplers[key]

    def _before(self, requests: Sequence[Request]) -> None:
        self._hear(requests)
        self._allow()

    @property
    def share(self) -> float:
        """How busy the open ones are, between 0 and 1."""
        return fmean([sampler.share for sampler in list(self._samplers.values())] or [0.0])

    @property
    def retried(self) -> Retried:
        """What all of them sent again so far, those that are closed included."""
        return sum((sampler.retried for sampler in list(self._samplers.values())), self._closed)

    @property
    def replicas(self) -> dict[str, Replicas]:
        """Those of all models that have any, with what was lost of those that are closed."""
        found = dict(self._closed_replicas)
        for (model, _), sampler in list(self._samplers.items()):
            if now := sampler.replicas:
                before = found.get(model)
                found[model] = replace(now, lost=now.lost + (before.lost if before else 0))
        return found

    def close(self) -> None:
        """Free all models; they open again when asked for."""
        with self._lock:
            self._closed, self._closed_replicas = self.retried, self.replicas
            for sampler in self._samplers.values():
                sampler.close()
            self._samplers.clear()
