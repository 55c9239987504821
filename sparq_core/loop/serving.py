"""Which weights play which role, and the samplers that serve them."""

import threading
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Self

from sparq_core.contract.records import Model
from sparq_core.contract.sampling import Completion, Request, Sampler
from sparq_core.contract.tally import Busy
from sparq_core.pipeline.cast import Cast


class Served:
    """A sampler whose calls are counted."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler, self._gauge = sampler, Gauge()
        self.deterministic, self.digest = sampler.deterministic, sampler.digest
        self.slots: int | None = getattr(sampler, "slots", None)

    def sample(self, requests: Sequence[Request]) -> Sequence[Sequence[Completion]]:
        """As the sampler does."""
        with self._gauge:
            return self._sampler.sample(requests)

    def close(self) -> None:
        """Free the model."""
        self._sampler.close()

    @property
    def share(self) -> float:
        """How much of what it can do at once it has to do; where it does not say, whether it is asked at all."""
        load: int | None = getattr(self._sampler, "load", None)
        return self._gauge.share if self.slots is None or load is None else min(1.0, load / self.slots)


class Samplers:
    """Opens a sampler when a role is first asked for, one for each distinct weights; all are closed together."""

    def __init__(self, cast: Cast, roles: Mapping[str, Model]) -> None:
        self._open = {member.name: call for member, call in cast.each("sampler")}
        self.roles = roles
        self._samplers: dict[tuple[str, str], Served] = {}
        self._lock = threading.Lock()

    def serve(self, role: str) -> Served:
        """The sampler of a role; KeyError for a role without a model."""
        model = self.roles[role]
        with self._lock:
            key = (model.name, model.path)
            if key not in self._samplers:
                self._samplers[key] = Served(self._open[f"models.{model.name}"](model=model))
            return self._samplers[key]

    def share(self) -> float:
        """How busy the open ones are, between 0 and 1."""
        return fmean([sampler.share for sampler in list(self._samplers.values())] or [0.0])

    def close(self) -> None:
        """Free all models; they open again when asked for."""
        with self._lock:
            for sampler in self._samplers.values():
                sampler.close()
            self._samplers.clear()


EVERY = 0.1
"""Seconds between two looks."""


class Gauge:
    """Counts the calls in progress."""

    def __init__(self) -> None:
        self._calls, self._lock = 0, threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self._calls += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._calls -= 1

    @property
    def share(self) -> float:
        """1 while there is a call, else 0."""
        return float(self._calls > 0)


class Occupancy:
    """Watches two shares between 0 and 1 while it is entered."""

    def __init__(self, sampling: Callable[[], float], grading: Callable[[], float]) -> None:
        self._shares = sampling, grading
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._busy = Busy()

    def __enter__(self) -> Self:
        self._ended.clear()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="sparq-occupancy")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def take(self) -> Busy:
        """What was seen since it was last taken."""
        with self._lock:
            busy, self._busy = self._busy, Busy()
        return busy

    def _watch(self) -> None:
        while not self._ended.wait(EVERY):
            sampling, grading = (share() for share in self._shares)
            with self._lock:
                self._busy += Busy(EVERY, sampling * EVERY, grading * EVERY)
