"""The sampler over replicas. Imports Ray: only to be imported when a model is opened."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from ray.exceptions import RayError, RayTaskError

import sparq_core as sparq
from sparq_ray.fleet import Fleet, Life, said
from sparq_ray.replica import Failed, Job, packed, unpacked
from sparq_ray.routing import LostError, Router, Work, draw

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from sparq_ray import RayConfig

Completions = list[sparq.Completion]


class RaySampler:
    """One model in many replicas; it is open once the first of them is."""

    def __init__(self, job: Job, config: "RayConfig", logs: "Path | None") -> None:
        place = f"models.{job.model.name}"
        self._restarts = config.restarts
        self._router = Router(place, config.patience)
        self._fleet = Fleet(job, config, self._router, logs / f"ray-{job.model.name}.log" if logs else None)
        try:
            self._router.wait()
        except BaseException:
            self._fleet.close()
            raise
        first = self._fleet.first
        assert first is not None  # noqa: S101 -- a replica has joined
        self.digest, self.deterministic = first.digest, first.deterministic
        self.slots = None if first.slots is None else first.slots * config.replicas

    @property
    def load(self) -> int:
        """Completions that are not there yet."""
        return self._router.load

    @property
    def replicas(self) -> int:
        """How many replicas take requests now."""
        return self._router.taking

    @property
    def by_replica(self) -> dict[str, tuple[int, int]]:
        """Completions drawn and lives lost, by replica."""
        return self._fleet.by_replica

    def sample(self, requests: Sequence[sparq.Request]) -> list[Completions]:
        """Completions of all requests; those of one call that a replica gets are sent to it together."""
        works = [Work(hash(request.messages), request.n) for request in requests]
        bare = [replace(request, sampling=_bare(request.sampling)) for request in requests]
        return draw(self._router, works, _Calls(self._fleet, bare), self._restarts)

    def news(self) -> Iterator[str]:
        """What became of replicas, that a user should know."""
        return self._fleet.news()

    def close(self) -> None:
        """End all replicas."""
        self._fleet.close()


class _Calls:
    """The requests of one call on their way to actors and back."""

    def __init__(self, fleet: Fleet, requests: Sequence[sparq.Request]) -> None:
        self._fleet, self._requests = fleet, requests

    def send(self, life: Life, places: Sequence[int]) -> "Future[Any]":
        reply: Future[Any] = life.actor.sample.remote(packed([self._requests[i] for i in places])).future()
        return reply

    def read(self, life: Life, reply: "Future[Any]") -> list[Completions]:
        try:
            answer: bytes | Failed = reply.result()
        except RayTaskError:
            raise
        except RayError as death:
            raise self._lost(life, said(death)) from death
        if isinstance(answer, bytes):
            completions = unpacked(answer)
            self._fleet.drawn[life.number] += sum(map(len, completions))
            return completions
        if answer.hopeless:
            raise sparq.SparqError(f"{life}: {answer.cause}")
        raise self._lost(life, answer.cause)

    def _lost(self, life: Life, cause: str) -> LostError:
        self._fleet.died(life, cause)
        return LostError(f"{life}: {cause}")


def _bare(sampling: sparq.Sampling) -> sparq.Sampling:
    """Only what a sampler needs to know: plugins extend `Sampling` with options of their own."""
    return sparq.Sampling(**{option: getattr(sampling, option) for option in sparq.Sampling.__struct_fields__})
