"""What `sparq export --for` wrote, read by the libraries that it is for: a training step, an episode, an evaluation."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from sparq_core.reward import Reward, trl
from sparq_core.reward.shared import VARIABLE
from sparq_tiny import MODEL

pytest_plugins = ["exporting"]
Export = Callable[..., Any]
SYSTEM = "Be brief."
needs_trl = pytest.mark.skipif(find_spec("trl") is None, reason="needs trl")
pytestmark = pytest.mark.timeout(600)  # each imports what takes a minute where others compute, too


def exported(export: Export, run: Path, trainer: str, folder: Path, **more: Any) -> Path:
    export(run, trainer, folder / "out", **more)
    return folder / "out"


def plan(folder: Path, **more: Any) -> dict[str, Any]:
    """How each of TRL's trainers takes one step."""
    return {
        "output_dir": str(folder / "trained"),
        "max_steps": 1,
        "per_device_train_batch_size": 2,
        "use_cpu": True,
        "report_to": [],
        "save_strategy": "no",
        "disable_tqdm": True,
        **more,
    }


def dataset(folder: Path, cache: Path) -> Any:
    """What `--dataset_name FOLDER` loads."""
    from datasets import load_dataset

    return load_dataset(str(folder), cache_dir=str(cache))


@needs_trl
def test_trl_takes_a_step_of_sft(run_folder: Path, export: Export, tmp_path: Path) -> None:
    from trl import SFTConfig, SFTTrainer

    data = dataset(exported(export, run_folder, "trl-sft", tmp_path, holdout=0.2), tmp_path)
    config = SFTConfig(**plan(tmp_path))
    trainer = SFTTrainer(model=str(MODEL), args=config, train_dataset=data["train"], eval_dataset=data["test"])
    trainer.train()
    assert trainer.state.global_step == 1
    labels = next(iter(trainer.get_train_dataloader()))["labels"]
    assert (labels == -100).any()  # the loss is that of the completion alone
    assert (labels != -100).any()


@needs_trl
def test_trl_takes_a_step_of_grpo_with_the_run_s_own_reward(
    run_folder: Path, export: Export, reward: Reward, tmp_path: Path
) -> None:
    from trl import GRPOConfig, GRPOTrainer
    from trl.rewards import accuracy_reward

    data = dataset(exported(export, run_folder, "trl-grpo", tmp_path), tmp_path)["train"]
    chats = [[{"role": "assistant", "content": text}] for text in data["solution"][:4]]
    assert accuracy_reward(chats, data["solution"][:4]) == [1.0] * 4
    sparq_reward, asked = trl.reward_of(reward), list[Any]()

    def heard(completions: Any, **given: Any) -> list[float | None]:
        asked.append(given)
        return sparq_reward(completions, **given)

    config = GRPOConfig(**plan(tmp_path, num_generations=2, max_completion_length=16))
    trainer = GRPOTrainer(model=str(MODEL), reward_funcs=[heard, accuracy_reward], args=config, train_dataset=data)
    trainer.train()
    assert trainer.state.global_step == 1
    assert {"answer", "problem", "extra", "solve_rate", "num_correct", "num_attempts"} <= asked[0].keys()
    assert sparq_reward(chats, **{name: data[name][:4] for name in ("problem", "answer", "extra")}) == [1.0] * 4


@needs_trl
def test_trl_takes_a_step_of_dpo(run_folder: Path, export: Export, tmp_path: Path) -> None:
    from trl import DPOConfig, DPOTrainer

    data = dataset(exported(export, run_folder, "trl-dpo", tmp_path), tmp_path)["train"]
    trainer = DPOTrainer(model=str(MODEL), args=DPOConfig(**plan(tmp_path)), train_dataset=data)
    trainer.train()
    assert trainer.state.global_step == 1


@needs_trl
def test_trl_takes_a_step_of_kto(run_folder: Path, export: Export, tmp_path: Path) -> None:
    from trl import KTOConfig, KTOTrainer

    data = dataset(exported(export, run_folder, "trl-kto", tmp_path), tmp_path)["train"]
    trainer = KTOTrainer(model=str(MODEL), args=KTOConfig(**plan(tmp_path)), train_dataset=data)
    trainer.train()
    assert trainer.state.global_step == 1


def test_skyrl_s_gym_makes_an_episode_of_each_row(
    run_folder: Path, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    skyrl_gym = pytest.importorskip("skyrl_gym")

    from sparq_core.reward import skyrl

    monkeypatch.setenv(VARIABLE, str(run_folder))
    monkeypatch.setenv("SPARQ_UNKNOWN", "-0.5")
    rows = pq.read_table(exported(export, run_folder, "skyrl", tmp_path) / "train.parquet").to_pylist()
    skyrl.register()
    for row in rows[:3]:
        right = f"\\boxed{{{row['reward_spec']['ground_truth']}}}"
        wrong = "\\boxed{-1}"
        hedged = f"{right} or {wrong}"
        for said, wanted in ((right, 1.0), (wrong, 0.0), (hedged, -0.5)):
            environment = skyrl_gym.make(row["env_class"], extras=row)
            prompt, _ = environment.init(row["prompt"])
            done = environment.step(said)
            assert (prompt, done["reward"], done["done"]) == (row["prompt"], wanted, True)
            assert environment.get_metrics() == {"unknown": float(said == hedged)}


def test_inspect_evaluates_the_task(run_folder: Path, export: Export, tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai")
    to = exported(export, run_folder, "inspect", tmp_path, system=SYSTEM)
    script = """
import json, sys
from inspect_ai import eval
from inspect_ai.model import ModelOutput, ModelUsage, get_model
rows = [json.loads(line) for line in open("train.jsonl")][:3]
said = [rows[0]["metadata"]["solution"], "\\\\boxed{-1}", "\\\\boxed{1} or \\\\boxed{2}"]
outputs = [ModelOutput.from_content("mockllm", text) for text in said]
for output in outputs:
    output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)  # else it downloads a tokenizer
model = get_model("mockllm/model", custom_outputs=outputs)
(log,) = eval("task.py", model=model, limit=3, max_samples=1, display="none", log_dir=sys.argv[1])
scores = [score for sample in log.samples for score in sample.scores.values()]
roles = [message.role for message in log.samples[0].input]
print("FOUND", json.dumps([log.status, [str(s.value) for s in scores], scores[2].explanation, roles]))
"""
    environment = {**os.environ, VARIABLE: str(run_folder)}
    command = [sys.executable, "-c", script, str(tmp_path / "logs")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=to)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.partition("FOUND")[2])
    assert found == ["success", ["C", "I", "nan"], "hedged", ["system", "user"]]
