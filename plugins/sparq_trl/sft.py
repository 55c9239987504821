"""Supervised fine-tuning: the plugin."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta
from msgspec.structs import replace

import sparq_core as sparq
from sparq_trl import running, sharing
from sparq_trl.gpus import visible
from sparq_trl.options import Nodes, Processes, TrainingConfig
from sparq_trl.sharing import Asked


class SftConfig(TrainingConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `sft`."""

    epochs: Annotated[float, Meta(gt=0, description="Epochs (paper: 1).")] = 1.0
    seed_epochs: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="Epochs over the seeds, if `train.seeds` trains on them (paper: 3); by default as in rounds."),
    ] = None
    max_steps: Annotated[sparq.Positive | None, Meta(description="Optimizer steps, instead of epochs.")] = None
    batch_size: Annotated[
        int, Meta(ge=1, description="Examples per optimizer step, over all processes (paper: 16).")
    ] = 16
    micro_batch_size: Annotated[
        sparq.Positive | None,
        Meta(description="Examples per forward pass of one process; by default its share of the batch."),
    ] = None
    processes: Processes = None
    nodes: Nodes = None
    max_length: Annotated[int, Meta(ge=8, description="Number of tokens after which an example is truncated.")] = 2048


class Sft:
    """
    Fine-tunes on `messages` by TRL's `SFTTrainer`; the loss is on the solutions only.

    Weights are trained and saved in float32, whatever the checkpoint stores: what a step at 2e-6 adds is less than bfloat16 can
    hold beside most weights. The saved `config.json` names the checkpoint's own dtype, in which the model is then served.
    Training takes 16 bytes a weight, and 4 with `lora`, besides activations; several processes share them and the batch.
    """

    requires: ClassVar[Mapping[str, str]] = running.REQUIRES

    def __init__(self, config: SftConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def check(self, run: sparq.Run) -> list[sparq.Finding]:
        return [*running.findings(self._demand(), self._config, run.trained), *sharing.launchable(self._config.nodes)]

    @sparq.hookimpl
    def train(self, dataset: Path, weights: sparq.Model, out: Path, seed: int, round: int) -> Mapping[str, float]:
        job = {"dataset": str(dataset), "config": msgspec.to_builtins(self._config_of(round))}
        return running.train("sft", self._demand(), weights, out, seed, job, self._config.nodes)

    def _demand(self) -> running.Demand:
        config = self._config
        gpus = visible()
        each, nodes = config.processes or max(1, len(gpus)), config.nodes.count if config.nodes else 1
        asked = Asked(config.batch_size, config.micro_batch_size, each, nodes)
        return running.Demand(asked, gpus, tokens=asked.micro * config.max_length)

    def _config_of(self, round: int) -> SftConfig:
        if round or self._config.seed_epochs is None:
            return self._config
        return replace(self._config, epochs=self._config.seed_epochs, max_steps=None)
