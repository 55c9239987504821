"""Supervised fine-tuning with TRL, in a process of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta, Struct

import sparq_core as sparq


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
    max_steps: Annotated[sparq.Positive | None, Meta(description="Optimizer steps, instead of epochs.")] = None
    batch_size: Annotated[int, Meta(ge=1, description="Examples an optimizer step (paper: 16).")] = 16
    micro_batch_size: Annotated[
        sparq.Positive | None, Meta(description="Examples a forward pass; by default the batch.")
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
    Training takes 16 bytes a weight, and 4 with `lora`, besides activations.
    """

    requires: ClassVar[Mapping[str, str]] = {"trl": "sparq-engine[sft]", "peft": "sparq-engine[sft]"}

    def __init__(self, config: SftConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        micro = self._config.micro_batch_size
        if micro is not None and self._config.batch_size % micro:
            message = f"batch_size {self._config.batch_size} is no multiple of micro_batch_size {micro}"
            return [sparq.Finding(level="error", place="with.micro_batch_size", message=message)]
        return []

    @sparq.hookimpl
    def train(self, dataset: Path, weights: sparq.Model, out: Path, seed: int) -> None:
        job = {
            "dataset": str(dataset),
            "model": weights.path,
            "chat_template": weights.chat_template,
            "out": str(out),
            "seed": seed,
            "config": msgspec.to_builtins(self._config),
        }
        run = out.parent.parent
        sparq.run_worker("sparq_sft.worker", job, run / "logs" / f"train-{out.name.removesuffix('.partial')}.log")
