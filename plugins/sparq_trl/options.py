"""Options that all trainers have."""

from typing import Annotated

from msgspec import Meta, Struct

import sparq_core as sparq


class LoraConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `lora`: train low-rank adapters, then merge them into the weights."""

    r: Annotated[int, Meta(ge=1, description="Rank.")] = 16
    alpha: Annotated[int, Meta(ge=1, description="Scale.")] = 32
    dropout: Annotated[float, Meta(ge=0, lt=1, description="Dropout.")] = 0.0
    target_modules: Annotated[str | list[str], Meta(description="Which layers.")] = "all-linear"


class TrainingConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of every trainer."""

    learning_rate: Annotated[float, Meta(gt=0, description="Peak learning rate (paper: 2e-6).")] = 2e-6
    min_learning_rate: Annotated[
        float, Meta(ge=0, description="Final learning rate of the cosine schedule (paper: 2e-7).")
    ] = 0.0
    warmup_steps: Annotated[int, Meta(ge=0, description="Steps of linear warm-up.")] = 0
    weight_decay: Annotated[float, Meta(ge=0, description="AdamW's weight decay.")] = 0.0
    bf16: Annotated[
        bool, Meta(description="Compute matrix products in bfloat16, for speed; weights stay in float32.")
    ] = False
    gradient_checkpointing: Annotated[bool, Meta(description="Recompute activations: less memory, more time.")] = False
    lora: Annotated[LoraConfig | None, Meta(description="Train adapters instead of all weights.")] = None
    threads: Annotated[sparq.Positive | None, Meta(description="CPU threads; by default all.")] = None


Processes = Annotated[
    sparq.Positive | None,
    Meta(
        description="Processes that share model and batch, each on a GPU of its own; by default as many as GPUs are "
        "visible, and one on a CPU."
    ),
    sparq.FREE,
]
