"""What a training takes of memory, from the shapes that a checkpoint's files begin with; nothing of it is loaded."""

import json
from collections.abc import Mapping, Sequence
from math import ceil, prod
from pathlib import Path
from typing import Any, NamedTuple

import sparq_core as sparq

FULL = 16
"""Bytes of a weight that is trained: itself, its gradient and AdamW's two moments, all in float32."""
FROZEN = 4
"""Bytes of a weight that is not."""
KEPT_A_LAYER = 17
"""Numbers that a layer keeps for the way back, for each token and unit of its width (Korthikanti et al. 2022)."""
GB = BILLION = 1e9


NEAR = 0.9
"""Share of a device's memory above which it may not suffice: others use it, too, and it is never packed without gaps."""


class Need(NamedTuple):
    """Bytes of memory that a training takes."""

    weights: int
    """How many the model has."""
    states: int
    """Weights, gradients and moments: shared by the processes."""
    activations: int
    """About, in each process."""

    def told(self, processes: int) -> str:
        """In words."""
        shared = f", {_gb(self.states / processes)} in each of {processes} processes" if processes > 1 else ""
        return (
            f"training {_count(self.weights)} weights takes {_gb(self.states)} for weights, gradients and moments"
            f"{shared}, and about {_gb(self.activations)} more for activations"
        )


def _count(weights: int) -> str:
    return f"{weights / BILLION:,.3g} billion" if weights >= BILLION else f"{weights / 1e6:,.3g} million"


def _gb(size: float) -> str:
    return f"{size / GB:,.0f} GB" if size >= 10 * GB else f"{size / GB:.2g} GB"


def finding(need: Need, processes: int, memories: Sequence[int], *, shares: bool) -> sparq.Finding:
    """
    What a training takes: an error where the memories cannot hold it, a warning where they may not; none is a CPU.

    `shares` says whether more GPUs would help.
    """
    place = "with.processes" if shares else "use"
    told, least = need.told(processes), min(memories, default=0)
    each = need.states / processes
    if memories and each > least:
        more = f"use at least {ceil(need.states / least)} GPUs, or `lora`" if shares else "use `lora`"
        return sparq.Finding(level="error", place=place, message=f"{told}; a GPU has {_gb(least)}: {more}")
    if memories and each + need.activations > NEAR * least:
        more = "gradient_checkpointing, or more GPUs" if shares else "or gradient_checkpointing"
        remedy = f"a smaller micro_batch_size or fewer tokens, {more}"
        message = f"{told}; a GPU has {_gb(least)}: if it does not suffice, {remedy}"
        return sparq.Finding(level="warning", place=place, message=message)
    return sparq.Finding(level="note", place=place, message=told)


def shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """The tensors of a folder's safetensors files by name; empty where it has no such files."""
    return {
        name: tensor.shape for file in sorted(folder.glob("*.safetensors")) for name, tensor in _tensors(file).items()
    }


def _tensors(file: Path) -> dict[str, sparq.Tensor]:
    """A file's tensors by name; none where it is no safetensors file, which whoever loads it will tell."""
    try:
        return sparq.tensors_of(file)
    except ValueError:
        return {}


def config_of(folder: Path) -> dict[str, Any]:
    """A model's `config.json`; empty where there is none."""
    file = folder / "config.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def states(tensors: Mapping[str, Sequence[int]], rank: int | None, *, reference: bool = False) -> tuple[int, int]:
    """
    How many weights there are, and the bytes of all that is kept of them; `rank` is that of the adapters, None without.

    A `reference` is a second, frozen copy; beside adapters the weights are that already.
    """
    weights = sum(prod(shape) for shape in tensors.values())
    if rank is None:
        return weights, (FULL + FROZEN * reference) * weights
    linear = [
        shape for name, shape in tensors.items() if len(shape) == 2 and "embed" not in name and "head" not in name
    ]
    return weights, FROZEN * weights + FULL * sum(rank * sum(shape) for shape in linear)


def activations(config: Mapping[str, Any], tokens: int, width: int, *, checkpointed: bool) -> int:
    """
    About the bytes of what a forward pass over so many tokens keeps, by the model's `config.json`.

    `width` is the bytes of a number. With checkpoints a layer keeps its input, and one layer at a time all the rest.
    """
    model = config.get("text_config", config)
    layers, hidden = model.get("num_hidden_layers", 0), model.get("hidden_size", 0)
    numbers = layers + KEPT_A_LAYER if checkpointed else layers * KEPT_A_LAYER
    return int(tokens * hidden * numbers * width)


def cache(config: Mapping[str, Any], tokens: int, width: int) -> int:
    """The bytes of what a model keeps of so many tokens while it writes: a key and a value a layer, by its `config.json`."""
    model = config.get("text_config", config)
    layers, heads = model.get("num_hidden_layers", 0), model.get("num_attention_heads", 0)
    size = model.get("head_dim") or model.get("hidden_size", 0) // max(1, heads)
    return int(2 * layers * tokens * size * model.get("num_key_value_heads", heads) * width)
