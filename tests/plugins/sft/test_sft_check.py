"""What `check` tells of a training before it is paid for: whether batch and memory suit the GPUs, which a script stands for."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import sparq_core as sparq
from sparq_core.pipeline import prepare

GB = 10**9
Find = Callable[..., list[sparq.Finding]]


@pytest.fixture
def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """Makes the machine have so many GPUs of so many GB."""

    def have(count: int, memory: int) -> None:
        rows = [f"{i}, GPU-{i}0f, {memory * GB // 2**20}" for i in range(count)]
        script = tmp_path / "bin" / "nvidia-smi"
        script.parent.mkdir()
        script.write_text("#!/bin/sh\n" + "\n".join(f"echo '{row}'" for row in rows))
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    return have


@pytest.fixture
def nine_billion(tmp_path: Path) -> Path:
    """What a checkpoint of Gemma-2-9b begins with; its weights are not there."""
    folder = tmp_path / "9b"
    folder.mkdir()
    layer = {"self_attn.q_proj": [4096, 3584], "self_attn.k_proj": [2048, 3584], "self_attn.v_proj": [2048, 3584]}
    layer |= {"self_attn.o_proj": [3584, 4096], "mlp.gate_proj": [14336, 3584], "mlp.up_proj": [14336, 3584]}
    layer |= {"mlp.down_proj": [3584, 14336]}
    shapes = {f"model.layers.{i}.{name}.weight": shape for i in range(42) for name, shape in layer.items()}
    shapes["model.embed_tokens.weight"] = [256000, 3584]
    header = {name: {"dtype": "BF16", "shape": shape, "data_offsets": [0, 0]} for name, shape in shapes.items()}
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    config = {"num_hidden_layers": 42, "hidden_size": 3584, "model_type": "gemma2"}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def find(sums: Callable[..., dict[str, Any]], tmp_path: Path) -> Find:
    """What is found of a training of a model with these options."""

    def found(model: str, **options: Any) -> list[sparq.Finding]:
        pipeline = sums(models={"student": {"use": "hf", "model": model, "chat_template": "plain"}})
        pipeline["plugins"].append({"use": "sft", "with": options})
        path = tmp_path / "pipeline.yaml"
        path.write_text(yaml.safe_dump(pipeline))
        loaded = prepare.load(path)
        return [finding for finding in loaded.cast.check(loaded.run) if "with." in finding.place]

    return found


def test_without_a_gpu_the_number_is_told_and_nothing_is_compared(find: Find, nine_billion: Path) -> None:
    (note,) = find(str(nine_billion))
    assert note.level == "note"
    assert "training 9.24 billion weights takes 148 GB for weights, gradients and moments, and about" in note.message


@pytest.mark.parametrize("options", [{}, {"batch_size": 12}, {"processes": 5, "micro_batch_size": 2}])
def test_five_gpus_never_change_the_batch(
    find: Find, gpus: Callable[[int, int], None], options: dict[str, Any]
) -> None:
    gpus(5, 80)
    error = find("sparq-tiny", **options)[0]
    assert (error.level, error.place) == ("error", "plugins[7].with.batch_size")


def test_what_would_fit_is_named(find: Find, gpus: Callable[[int, int], None]) -> None:
    gpus(5, 80)
    message = find("sparq-tiny")[0].message
    assert message.endswith("(5 at once); what fits: batch_size 15 or 20; processes 1, 2, 4")
    message = find("sparq-tiny", processes=4, micro_batch_size=3, batch_size=16)[0].message
    assert message.endswith("(12 at once); what fits: batch_size 12 or 24; micro_batch_size 1, 2")


def test_processes_need_gpus_of_their_own(find: Find, gpus: Callable[[int, int], None]) -> None:
    gpus(2, 80)
    assert find("sparq-tiny", processes=4)[0].message.startswith("4 processes need as many GPUs, and 2 are visible")


def test_gpus_that_are_hidden_do_not_count(
    find: Find, gpus: Callable[[int, int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus(5, 80)
    for shown, processes in (("1,3", 2), ("GPU-20f", 1), ("", 1)):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
        (note,) = find("sparq-tiny")
        assert note.level == "note"
        assert (f"in each of {processes} processes" in note.message) == (processes > 1)


@pytest.mark.parametrize(
    ("options", "count", "level", "says"),
    [
        ({}, 1, "error", "148 GB for weights, gradients and moments, and about .* use at least 2 GPUs, or `lora`"),
        ({}, 2, "warning", "74 GB in each of 2 processes, .* gradient_checkpointing, or more GPUs"),
        (
            {"micro_batch_size": 1, "bf16": True, "gradient_checkpointing": True},
            4,
            "note",
            "37 GB in each of 4 processes",
        ),
        ({"lora": {"r": 16}, "micro_batch_size": 1, "bf16": True}, 1, "note", r"takes 38 GB"),
    ],
)
def test_a_model_that_cannot_fit_is_an_error_and_one_that_may_not_a_warning(
    find: Find,
    nine_billion: Path,
    gpus: Callable[[int, int], None],
    options: dict[str, Any],
    count: int,
    level: str,
    says: str,
) -> None:
    gpus(count, 80)
    (finding,) = find(str(nine_billion), **options)
    assert finding.level == level
    assert re.search(says, finding.message), finding.message


def test_a_model_of_the_hub_is_looked_for_in_its_cache(
    find: Find, nine_billion: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    cached = tmp_path / "cache" / "models--some--9b"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("c0ffee")
    (cached / "snapshots").mkdir()
    assert [finding.level for finding in find("some/9b")] == []
    nine_billion.rename(cached / "snapshots" / "c0ffee")
    assert [finding.level for finding in find("some/9b")] == ["note"]


def test_a_file_that_is_no_checkpoint_is_left_to_who_loads_it(find: Find, nine_billion: Path) -> None:
    (nine_billion / "model.safetensors").write_bytes(b"no checkpoint at all")
    assert find(str(nine_billion)) == []
