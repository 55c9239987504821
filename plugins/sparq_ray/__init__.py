"""Sampling on a Ray cluster: any local sampler, in as many replicas as the cluster has room for."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta, Struct, field
from msgspec.structs import replace

import sparq_core as sparq

if TYPE_CHECKING:
    from sparq_ray.sampler import RaySampler

__all__ = ["Ray", "RayConfig"]

LOCAL = "local"
CLIENT = "ray://"


class RayConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `ray`."""

    sampler: Annotated[
        str, Meta(description="The sampler plugin that every replica opens: `vllm`, `hf`, …"), sparq.FREE
    ]
    options: Annotated[dict[str, Any], Meta(description="Options of that plugin.")] = field(default_factory=dict)
    replicas: Annotated[
        sparq.Positive,
        Meta(description="Samplers side by side; those that find no room start once the cluster has some."),
        sparq.FREE,
    ] = 1
    cpus_per_replica: Annotated[
        float,
        Meta(ge=0, le=10**4, description="CPU cores that Ray sets aside for each; may be a fraction."),
        sparq.FREE,
    ] = 1.0
    gpus_per_replica: Annotated[
        float,
        Meta(ge=0, le=10**4, description="GPUs of one node that Ray gives each; may be a fraction below 1."),
        sparq.FREE,
    ] = 0.0
    address: Annotated[
        str,
        Meta(
            description="`auto`: the cluster that this machine belongs to; HOST:PORT: one it can reach; `local`: a cluster of "
            "this machine alone, which ends with the run."
        ),
        sparq.FREE,
    ] = LOCAL
    patience: Annotated[
        float,
        Meta(gt=0, le=10**7, description="Seconds without a single replica after which the run stops."),
        sparq.FREE,
    ] = 1800.0
    restarts: Annotated[
        sparq.NonNegative,
        Meta(
            description="How often replicas may die over one request, or one in a row as it opens, before the run stops."
        ),
        sparq.FREE,
    ] = 3


class Ray:
    """
    Serves a model by replicas on a Ray cluster, each an actor that runs another sampler plugin.

    Requests go to the replica with the least work, those with the same prompt to the same one. What a replica takes with it
    when it or its node dies is drawn again elsewhere, from the same seeds.
    """

    trainable: ClassVar[bool] = True
    requires: ClassVar[Mapping[str, str]] = {"ray": "sparq-engine[ray]"}

    def __init__(self, config: RayConfig) -> None:
        self._config = config
        self._run: sparq.Run | None = None
        self._warn: Callable[[str], None] = lambda _: None
        self._opened: list[RaySampler] = []

    @property
    def dropout(self) -> bool:
        """Whether the replicas' sampler heeds it."""
        return sparq.InnerSampler.heeds_dropout(self._config.sampler)

    @sparq.hookimpl
    def check(self, run: sparq.Run, model: sparq.Model) -> Iterator[sparq.Finding]:
        config = self._config
        inner = sparq.InnerSampler(config.sampler, config.options, model, run)
        yield from (self._here(finding) for finding in inner.check())
        if config.address.startswith(CLIENT):
            message = (
                "Ray Client ends all replicas when its connection breaks; make this machine a node of the cluster without "
                "resources of its own (ray start --address=HOST:6379 --num-cpus=0 --num-gpus=0) and write `auto`"
            )
            yield sparq.Finding(level="error", place="with.address", message=message)
            return
        from sparq_ray.cluster import findings

        yield from findings(config)

    def _here(self, finding: sparq.Finding) -> sparq.Finding:
        """What a sampler finds missing on this machine may be there on the others."""
        if self._config.address == LOCAL or finding.level != "error" or finding.place.startswith("with."):
            return finding
        return replace(finding, level="warning", message=f"on this machine: {finding.message}")

    @sparq.hookimpl
    def start(self, run: sparq.Run, warn: Callable[[str], None]) -> None:
        from sparq_ray.cluster import connect

        self._run, self._warn = run, warn
        connect(self._config.address)

    @sparq.hookimpl
    def sampler(self, model: sparq.Model) -> "RaySampler":
        from sparq_ray.replica import Job
        from sparq_ray.sampler import RaySampler

        assert self._run is not None  # noqa: S101 -- `start` comes first
        config, folder = self._config, self._run.folder
        job = Job(config.sampler, config.options, model, replace(self._run, folder=None), Path(model.path).is_dir())
        self._opened.append(RaySampler(job, config, folder / "logs" if folder else None))
        return self._opened[-1]

    @sparq.hookimpl
    def observe(self) -> None:
        for sampler in self._opened:
            for message in sampler.news():
                self._warn(message)

    @sparq.hookimpl
    def stop(self) -> None:
        from sparq_ray.cluster import disconnect

        disconnect()
