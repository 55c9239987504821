"""Sampling with Hugging Face transformers, in the engine's process."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

import sparq_core as sparq
from sparq_hf.checks import free_memory, weights_size

if TYPE_CHECKING:
    from sparq_hf.sampler import TransformersSampler

__all__ = ["HfSampler"]

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
HEADROOM = 1.2
"""Memory a model takes, as a multiple of its weights."""


class HfConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `hf`."""

    device: Annotated[str | None, Meta(description="`cpu`, `cuda`, `cuda:1`, …; by default a GPU if there is one.")] = (
        None
    )
    dtype: Annotated[Dtype, Meta(description="auto: what `config.json` names on a GPU, float32 on a CPU.")] = "auto"
    batch_size: Annotated[int, Meta(ge=1, description="Maximum number of sequences sampled together.")] = 256
    trust_remote_code: Annotated[bool, Meta(description="Run the Python code that comes with a model repository.")] = (
        False
    )


class HfSampler:
    """
    Serves a local model, or one from the hub, through `generate`.

    Every sample is drawn from its own seed, whatever is beside it in the batch; calls are served one after the other. On a
    CPU the same call gives the same completions.
    """

    trainable: ClassVar[bool] = True
    dropout: ClassVar[bool] = True
    requires: ClassVar[Mapping[str, str]] = {"torch": "sparq-engine[hf]", "transformers": "sparq-engine[hf]"}

    def __init__(self, config: HfConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def check(self, model: sparq.Model) -> list[sparq.Finding]:
        folder = Path(model.path)
        if not folder.is_dir():
            return [replace(finding, level="warning") for finding in sparq.hub_findings(model)]
        findings = sparq.folder_findings(model)
        need, free = HEADROOM * weights_size(folder), free_memory()
        if self._config.device in {None, "cpu"} and need > free:
            message = (
                f"needs about {need / 2**30:.1f} GiB, {free / 2**30:.1f} GiB of memory are free; use a smaller model"
            )
            findings.append(sparq.Finding(level="error", place="model", message=message))
        return findings

    @sparq.hookimpl
    def sampler(self, model: sparq.Model) -> "TransformersSampler":
        from sparq_hf.sampler import TransformersSampler

        return TransformersSampler(model, self._config)
