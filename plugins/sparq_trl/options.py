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


class NodesConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `nodes`: machines that train together, each with as many processes as `processes` says."""

    count: Annotated[int, Meta(ge=2, description="How many machines.")]
    launcher: Annotated[
        tuple[str, ...],
        Meta(
            min_length=1,
            description="The command that runs what follows it once per machine, each time with the whole of its standard "
            "input, such as `[srun, --nodes=4, --ntasks-per-node=1]`.",
        ),
    ]
    port: Annotated[
        int, Meta(ge=1, le=65535, description="Port of this machine where the processes find each other.")
    ] = 29_400
    host: Annotated[str | None, Meta(description="How the other machines call this one; by default its host name.")] = (
        None
    )


Nodes = Annotated[
    NodesConfig | None,
    Meta(description="Machines that share model and batch; by default only this one."),
    sparq.FREE,
]
Processes = Annotated[
    sparq.Positive | None,
    Meta(
        description="Processes per machine that share model and batch, each on a GPU of its own; by default as many as "
        "GPUs are visible, and one on a CPU."
    ),
    sparq.FREE,
]
