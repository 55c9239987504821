"""Fine-tuning of a checkpoint in bfloat16 at the paper's learning rate, on the embedded model."""

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

import sparq_core as sparq
from sparq_tiny import MODEL
from sparq_trl import Sft, SftConfig
from sparq_trl.weights import load

STEPS = 30


def weights(folder: Path) -> dict[str, Any]:
    tensors: dict[str, Any] = load_file(folder / "model.safetensors")
    return tensors


def moved(before: dict[str, Any], after: dict[str, Any]) -> float:
    """The share of weights that are others."""
    changed = sum(int((before[name].to(after[name].dtype) != after[name]).sum()) for name in after)
    return float(changed / sum(tensor.numel() for tensor in after.values()))


def train(model: Path, out: Path, seed: int = 1, **options: Any) -> None:
    """Fine-tune on forty sums, as the engine does."""
    out.mkdir(parents=True)
    dataset = out.with_suffix(".jsonl")
    turns = [
        [
            {"role": "user", "content": f"What is {i} + {i + 3}?"},
            {"role": "assistant", "content": f"\\boxed{{{2 * i + 3}}}"},
        ]
        for i in range(5, 45)
    ]
    dataset.write_text("".join(json.dumps({"messages": messages}) + "\n" for messages in turns))
    weights = sparq.Model(name="student", path=str(model), digest="d")
    Sft(SftConfig(batch_size=4, max_steps=STEPS, threads=1, **options)).train(dataset, weights, out, seed, 1)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded model, stored in bfloat16."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("bf16") / "model"
    AutoModelForCausalLM.from_pretrained(MODEL, dtype="bfloat16").save_pretrained(folder)
    AutoTokenizer.from_pretrained(MODEL).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def trained(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a round makes of it at 2e-6."""
    out = tmp_path_factory.mktemp("trained") / "models" / "round-1"
    train(checkpoint, out)
    return out


@pytest.mark.parametrize("gpu", [False, True])
def test_weights_are_trained_in_float32_whatever_they_are_stored_in(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, gpu: bool
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert {weight.dtype for weight in load(str(checkpoint)).parameters()} == {torch.float32}


@pytest.mark.timeout(120)
def test_nearly_all_weights_move_at_the_papers_learning_rate(checkpoint: Path, trained: Path) -> None:
    import torch

    after = weights(trained)
    assert {tensor.dtype for tensor in after.values()} == {torch.float32}
    assert moved(weights(checkpoint), after) > 0.98


@pytest.mark.timeout(120)
def test_bfloat16_could_not_have_held_what_was_learnt(checkpoint: Path, trained: Path) -> None:
    import torch

    stored = {name: tensor.to(torch.bfloat16) for name, tensor in weights(trained).items()}
    assert moved(weights(checkpoint), stored) < 0.1


@pytest.mark.timeout(120)
def test_a_trained_model_is_served_in_the_dtype_of_its_checkpoint_and_trained_on_in_float32(
    checkpoint: Path, trained: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    assert AutoModelForCausalLM.from_pretrained(checkpoint, dtype="auto").dtype == torch.bfloat16
    assert AutoModelForCausalLM.from_pretrained(trained, dtype="auto").dtype == torch.bfloat16
    resumed = load(str(trained)).state_dict()
    assert moved(weights(trained), {name: resumed[name] for name in weights(trained)}) == 0.0
