"""What runs on the cluster: one actor with a sampler open in it."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

import sparq_core as sparq


class Job(Struct, frozen=True):
    """What a replica opens."""

    use: str
    options: dict[str, Any]
    model: sparq.Model
    run: sparq.Run
    local: bool
    """Whether the model is a folder, which every node must see."""


class Opened(Struct, frozen=True):
    """What a replica serves, and where it is."""

    digest: str
    deterministic: bool
    slots: int | None
    node: str
    """Ray's id of it."""
    host: str


class Failed(Struct, frozen=True):
    """Why a replica cannot go on."""

    cause: str
    hopeless: bool
    """Whether another would fail as well."""


_answers = msgspec.msgpack.Decoder(list[list[sparq.Completion]])
_requests = msgspec.msgpack.Decoder(list[sparq.Request])


def packed(requests: Sequence[sparq.Request]) -> bytes:
    """Requests on their way to a replica."""
    return msgspec.msgpack.encode(requests)


def unpacked(answers: bytes) -> list[list[sparq.Completion]]:
    """The answers of a replica."""
    return _answers.decode(answers)


class Replica:
    """An actor; its calls may run at once, as those of a sampler may."""

    def __init__(self, job: Job) -> None:
        self._job, self._open = job, ExitStack()
        self._sampler: sparq.Sampler | None = None

    def open(self) -> Opened | Failed:
        """Open the sampler, on the weights that the run is about or not at all."""
        import ray

        job, host = self._job, ray.util.get_node_ip_address()
        try:
            _check_weights(job)
            inner = sparq.InnerSampler(job.use, job.options, job.model, job.run)
            sampler = self._sampler = self._open.enter_context(inner.opened(print))
        except sparq.SparqError as error:
            return Failed(f"{error} (on {host})", hopeless=True)
        slots = getattr(sampler, "slots", None)
        return Opened(sampler.digest, sampler.deterministic, slots, ray.get_runtime_context().get_node_id(), host)

    def sample(self, requests: bytes) -> bytes | Failed:
        """The completions of requests."""
        assert self._sampler is not None  # noqa: S101 -- it is asked once it is open
        try:
            return msgspec.msgpack.encode(self._sampler.sample(_requests.decode(requests)))
        except sparq.SparqError as error:
            return Failed(str(error), hopeless=isinstance(error, sparq.PluginError | sparq.PipelineError))

    def close(self) -> None:
        """Free the model."""
        self._open.close()


def _check_weights(job: Job) -> None:
    model = job.model
    if not job.local:
        return
    if not Path(model.path).is_dir():
        raise sparq.SparqError(
            f"models.{model.name}: a replica sees no folder {model.path}; keep models and the run folder where all nodes of "
            "the cluster see them by the same path"
        )
    if not sparq.is_named(model.path, model.digest):
        raise sparq.SparqError(
            f"models.{model.name}: a replica has other weights in {model.path} (digest {sparq.weights_digest(model.path)}) "
            f"than the run is about ({model.digest}); let all nodes see the same files"
        )
