"""Weights of a model read and written: trained in float32, served as their checkpoint was."""

import json
from pathlib import Path
from typing import Any


def load(path: str) -> Any:
    """
    The model in float32, in whatever its checkpoint stores it and wherever it is trained.

    AdamW moves a weight by about the learning rate a step: at 2e-6 that is below the spacing of bfloat16 around most weights,
    so that weights in bfloat16 stay where they are. `bf16: true` is autocast: products in bfloat16, weights in float32.
    """
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(path, dtype="float32")


def save(model: Any, out: str, as_in: str) -> None:
    """
    Write the weights in float32, and into `config.json` the dtype that the model `as_in` is to be served in.

    Rounded to a checkpoint's own bfloat16 the updates of a round would be lost, and the next round could not add to them.
    Samplers and benchmarks with `dtype: auto` go by `config.json`: they serve a trained model as they serve its base.
    """
    from transformers import AutoConfig

    model.save_pretrained(out)
    path = Path(out) / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    served = str(AutoConfig.from_pretrained(as_in).dtype or "float32").removeprefix("torch.")
    if config.get("dtype") != served:
        path.write_text(json.dumps({**config, "dtype": served}, indent=2, sort_keys=True) + "\n", encoding="utf-8")
