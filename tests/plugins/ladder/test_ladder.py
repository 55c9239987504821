"""The models of one recipe."""

import json
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

SIZES = {"sparq-0.3m": 0.3e6, "sparq-0.6m": 0.6e6, "sparq-1.2m": 1.2e6, "sparq-2.5m": 2.5e6}
WIDTH = {"hidden_size", "intermediate_size", "head_dim"}


def folder_of(name: str) -> Path:
    (entry,) = entry_points(group="sparq.models", name=name)
    folder = entry.load()
    assert isinstance(folder, Path)
    return folder


@pytest.mark.parametrize("name", SIZES)
def test_a_model_is_of_its_size_and_answers(name: str) -> None:
    folder = folder_of(name)
    with safe_open(folder / "model.safetensors", "pt") as weights:
        assert {weights.get_tensor(key).dtype for key in weights.keys()} == {torch.bfloat16}  # noqa: SIM118 -- no mapping
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert abs(model.num_parameters() / SIZES[name] - 1) < 0.05
    asked = [{"role": "user", "content": "Start with 20. Add 7. Result?"}]
    tokens = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    told = model.generate(**tokens, max_new_tokens=32, do_sample=False)
    assert "\\boxed{27}" in tokenizer.decode(told[0])


def test_the_models_are_of_one_recipe() -> None:
    configs = [json.loads((folder_of(name) / "config.json").read_text()) for name in SIZES]
    assert len({json.dumps({k: v for k, v in c.items() if k not in WIDTH}, sort_keys=True) for c in configs}) == 1
    assert len({(folder_of(name) / "tokenizer.json").read_bytes() for name in SIZES}) == 1


def test_the_models_are_light() -> None:
    assert sum(file.stat().st_size for file in folder_of("sparq-0.3m").parent.rglob("*")) < 12e6
