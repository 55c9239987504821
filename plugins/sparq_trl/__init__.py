"""Supervised fine-tuning with TRL, in processes of its own."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

import sparq_core as sparq
from sparq_trl import memory, sharing
from sparq_trl.gpus import Gpu, visible


class LoraConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `lora`: train low-rank adapters, then merge them into the weights."""

    r: Annotated[int, Meta(ge=1, description="Rank.")] = 16
    alpha: Annotated[int, Meta(ge=1, description="Scale.")] = 32
    dropout: Annotated[float, Meta(ge=0, lt=1, description="Dropout.")] = 0.0
    target_modules: Annotated[str | list[str], Meta(description="Which layers.")] = "all-linear"


class SftConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `sft`."""

    learning_rate: Annotated[float, Meta(gt=0, description="Peak learning rate (paper: 2e-6).")] = 2e-6
    min_learning_rate: Annotated[float, Meta(ge=0, description="Where the cosine ends (paper: 2e-7).")] = 0.0
    epochs: Annotated[float, Meta(gt=0, description="Passes over the dataset (paper: 1).")] = 1.0
    seed_epochs: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="Passes over the seeds, where `train.seeds` trains on them (paper: 3); else as in rounds."),
    ] = None
    max_steps: Annotated[sparq.Positive | None, Meta(description="Optimizer steps, instead of epochs.")] = None
    batch_size: Annotated[
        int, Meta(ge=1, description="Examples an optimizer step, by all processes together (paper: 16).")
    ] = 16
    micro_batch_size: Annotated[
        sparq.Positive | None,
        Meta(description="Examples a forward pass of one process; by default its share of the batch."),
    ] = None
    processes: Annotated[
        sparq.Positive | None,
        Meta(
            description="Processes that share model and batch, each on a GPU of its own; by default as many as GPUs are "
            "visible, and one on a CPU."
        ),
        sparq.FREE,
    ] = None
    warmup_steps: Annotated[int, Meta(ge=0, description="Steps of linear warm-up.")] = 0
    weight_decay: Annotated[float, Meta(ge=0, description="AdamW's weight decay.")] = 0.0
    max_length: Annotated[int, Meta(ge=8, description="Tokens after which an example is cut.")] = 2048
    bf16: Annotated[bool, Meta(description="Products in bfloat16, for speed; weights stay in float32.")] = False
    gradient_checkpointing: Annotated[bool, Meta(description="Trade time for memory.")] = False
    lora: Annotated[LoraConfig | None, Meta(description="Train adapters instead of all weights.")] = None
    threads: Annotated[sparq.Positive | None, Meta(description="CPU threads; by default all.")] = None


class Sft:
    """
    Fine-tunes on `messages` by TRL's `SFTTrainer`; the loss is on the solutions only.

    Weights are trained and saved in float32, whatever the checkpoint stores: what a step at 2e-6 adds is less than bfloat16 can
    hold beside most weights. The saved `config.json` names the checkpoint's own dtype, in which the model is then served.
    Training takes 16 bytes a weight, and 4 with `lora`, besides activations; several processes share them and the batch.
    """

    requires: ClassVar[Mapping[str, str]] = {"trl": "sparq-engine[sft]", "peft": "sparq-engine[sft]"}

    def __init__(self, config: SftConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def check(self, run: sparq.Run) -> list[sparq.Finding]:
        gpus = visible()
        found = [*sharing.findings(self._asked(gpus), gpus), *self._memory(run.trained.path, gpus)]
        return sorted(found, key=lambda finding: finding.level != "error")

    def _asked(self, gpus: list[Gpu]) -> sharing.Asked:
        config = self._config
        return sharing.Asked(config.batch_size, config.micro_batch_size, config.processes or max(1, len(gpus)))

    def _memory(self, model: str, gpus: list[Gpu]) -> Iterator[sparq.Finding]:
        """What the training takes; nothing where the model is not at hand in safetensors files."""
        asked, lora = self._asked(gpus), self._config.lora
        folder = sparq.folder_of(model)
        if folder and (tensors := memory.shapes(folder)):
            need = memory.Need(
                *memory.states(tensors, lora.r if lora else None),
                memory.activations(
                    memory.config_of(folder),
                    asked.micro * self._config.max_length,
                    2 if self._config.bf16 else 4,
                    checkpointed=self._config.gradient_checkpointing,
                ),
            )
            yield memory.finding(need, asked.processes, [gpu.memory for gpu in gpus[: asked.processes]])

    @sparq.hookimpl
    def train(self, dataset: Path, weights: sparq.Model, out: Path, seed: int, round: int) -> None:
        gpus = visible()
        asked = self._asked(gpus)
        if wrong := next(sharing.findings(asked, gpus), None):
            raise sparq.SparqError(f"sft: {wrong.place}: {wrong.message}")
        job = {
            "dataset": str(dataset),
            "model": weights.path,
            "chat_template": weights.chat_template,
            "out": str(out),
            "seed": seed,
            "processes": asked.processes,
            "gpus": [gpu.name for gpu in gpus[: asked.processes]],
            "micro_batch_size": asked.micro,
            "accumulation": asked.accumulation,
            "config": msgspec.to_builtins(self._config_of(round)),
        }
        run = out.parent.parent
        sparq.run_worker("sparq_trl.worker", job, run / "logs" / f"train-{out.name.removesuffix('.partial')}.log")

    def _config_of(self, round: int) -> SftConfig:
        if round or self._config.seed_epochs is None:
            return self._config
        return replace(self._config, epochs=self._config.seed_epochs, max_steps=None)
