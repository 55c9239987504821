"""`grpo` for real, on the embedded model: rewarded by the run's own verifier, killed and resumed, and what it refuses."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from parity import pipeline
from processes import left_of, session_of
from runs import rows
from safetensors.torch import load_file

import sparq_core as sparq
from sparq_core.ledger.reader import Reader
from sparq_core.pipeline import prepare
from sparq_core.testing import Ran
from sparq_tiny import MODEL
from sparq_trl import memory, running
from sparq_trl.grpo import passes
from sparq_trl.history import summed_up
from sparq_trl.sharing import Asked
from sparq_trl.trainers.grpo import with_variance

OPTIONS = {"batch_size": 2, "group_size": 4, "learning_rate": 1e-4, "threads": 1, "beta": 0.01}
CURRICULUM = {"from": 0.9, "to": 0.1}


def is_whole(folder: Path) -> bool:
    return all((folder / file).is_file() for file in ("config.json", "model.safetensors", "tokenizer.json"))


@pytest.mark.timeout(600)
def test_a_killed_training_leaves_nothing_and_the_resumed_one_learns_from_the_runs_own_verifier(
    generated: Path, tmp_path: Path
) -> None:
    shutil.copytree(generated / "run", tmp_path / "run")
    path = tmp_path / "pipeline.json"
    grpo = {**OPTIONS, "steps": 5_000, "curriculum": CURRICULUM}
    path.write_text(json.dumps(pipeline(generated, {"use": "grpo", "with": grpo})))
    command = [sys.executable, "-m", "sparq_core.cli", "run", str(path), "--out", str(tmp_path / "run"), "--resume"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as engine:
        log = tmp_path / "run" / "logs" / "train-round-1.log"
        while not (log.exists() and "'loss'" in log.read_text()):
            assert engine.poll() is None
            time.sleep(0.2)
        at_work = session_of(engine.pid)
        engine.send_signal(signal.SIGKILL)
    assert left_of(at_work) == []
    assert not is_whole(tmp_path / "run" / "models" / "round-1")

    done = subprocess.run([*command, "--set", "plugins.grpo.with.steps=3"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    check_trained(tmp_path / "run", steps=3)


def check_trained(run: Path, steps: int) -> None:
    """Weights that moved, metrics in the ledger, and problems that the curriculum took from the run's dataset."""
    model = run / "models" / "round-1"
    assert is_whole(model)
    before, after = load_file(MODEL / "model.safetensors"), load_file(model / "model.safetensors")
    assert any((before[name] != after[name].to(before[name].dtype)).any() for name in after)
    with Reader.open(run) as ledger:
        phase = ledger.phase(1, "train")
        kept = {solved.child.problem.id: solved.child for solved in ledger.solved()}
    assert phase
    metrics = {name: float(value) for name, value in re.findall(r"(\w+) (-?[\d.]+(?:e-\d+)?)(?:,|$)", phase.detail)}
    assert {"loss", "reward", "reward_first", "reward_last", "kl", "zero_variance", "unknown"} <= metrics.keys()
    assert 0 < metrics["reward"] < 1
    assert metrics["zero_variance"] < 1
    log = (run / "logs" / "train-round-1.log").read_text()
    assert f"{steps} optimizer steps of 2 problems, 4 completions each" in log
    for row in rows(run / "logs" / "train-round-1.problems.jsonl"):
        child = kept[row["id"]]
        assert (row["problem"], row["solve_rate"]) == (child.problem.statement, child.solve_rate)
        assert row["prompt"] == [{"role": "user", "content": child.problem.statement}]


def test_groups_that_are_all_alike_teach_nothing_and_the_run_says_so(
    train: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = json.dumps({"loss": 0.0, "zero_variance": 1.0, "unknown": 1.0})
    monkeypatch.setattr(sparq, "run_worker", lambda _, job, log, launcher: Path(job["metrics"]).write_text(told))
    with pytest.raises(sparq.NothingToTrainOn, match=r"nothing was learnt in 7 steps: .* unknown 100%"):
        train("grpo", steps=7)
    assert not list((tmp_path / "run" / "models").iterdir())


def test_the_share_of_groups_that_teach_nothing_is_logged_and_rewards_stay_as_they_are() -> None:
    told: dict[str, float] = {}
    given = [1.0, 0.0, 1.0, 1.0, None, 0.0, None, None]
    rewards = with_variance(lambda completions, **_: given, group=2)
    assert rewards(["x"] * 8, log_metric=told.__setitem__) == given
    assert told == {"zero_variance": 0.75}


@pytest.mark.parametrize(("problems", "steps", "batch"), [(3, 4, 2), (5, 1, 2), (1, 2, 3), (4, 3, 9)])
def test_without_a_curriculum_every_problem_comes_before_any_comes_again(problems: int, steps: int, batch: int) -> None:
    order = passes(problems, steps, batch, Random(1))
    assert [len(step) for step in order] == [batch] * steps
    flat = [place for step in order for place in step]
    counts = [flat.count(place) for place in range(problems)]
    assert max(counts) - min(counts) <= 1


@pytest.fixture
def find(generated: Path, tmp_path: Path) -> Callable[..., list[sparq.Finding]]:
    """What is found of a pipeline that trains by a plugin with these options."""

    def found(use: str, settings: dict[str, Any], **options: Any) -> list[sparq.Finding]:
        path = tmp_path / "pipeline.json"
        path.write_text(json.dumps(pipeline(generated, {"use": use, "with": options}, **settings)))
        loaded = prepare.load(path)
        return [finding for finding in loaded.cast.check(loaded.run) if finding.place.startswith("plugins[6]")]

    return found


def test_what_cannot_teach_is_found_before_anything_is_spent(find: Callable[..., list[sparq.Finding]]) -> None:
    attempts = {"temperature": 0.0, "stop": ["Q:"], "max_tokens": 48}
    error, note, warning = find("grpo", {"attempts": attempts})
    assert (error.level, error.place, warning.level, note.level) == (
        "error",
        "plugins[6].with.temperature",
        "warning",
        "note",
    )
    assert "stop" in warning.message
    assert [f.level for f in find("grpo", {"attempts": {"temperature": 0.0}}, temperature=1.0)] == ["note"]


def test_a_batch_that_cannot_be_shared_out_is_an_error(find: Callable[..., list[sparq.Finding]]) -> None:
    error = find("grpo", {}, batch_size=3, group_size=4, micro_batch_size=5)[0]
    assert error.level == "error"
    assert "12 completions an optimizer step are no multiple of 5 a forward pass" in error.message


def test_a_reference_model_and_what_is_sampled_take_memory(find: Callable[..., list[sparq.Finding]]) -> None:
    free, held = (find("grpo", {}, beta=beta)[0].message for beta in (0.0, 0.1))
    assert "takes 0.031 GB for weights" in free
    assert "takes 0.039 GB for weights" in held


def test_preferences_cannot_be_had_of_seeds_alone(find: Callable[..., list[sparq.Finding]]) -> None:
    error = find("dpo", {"train": {"model": "tiny", "updates": [], "seeds": True}})[0]
    assert (error.level, error.place) == ("error", "plugins[6].use")
    assert "`sft` and `rounds: 0`" in error.message


@pytest.mark.parametrize(("shares", "remedy"), [(True, "use at least 2 GPUs, or `lora`"), (False, "use `lora`")])
def test_more_gpus_are_no_remedy_for_a_trainer_that_has_one_process(shares: bool, remedy: str) -> None:
    need = memory.Need(weights=10**9, states=16 * 10**9, activations=0)
    finding = memory.finding(need, 1, [10**10] * 2, shares=shares)
    assert (finding.level, finding.message.rpartition(": ")[2]) == ("error", remedy)


def test_metrics_are_means_of_all_that_was_logged_of_its_beginning_and_of_its_end() -> None:
    history = [{"reward": i / 20, "kl": None} for i in range(20)]
    told = summed_up([*history, {"train_loss": 0.5}], {"reward": "right", "kl": "kl"})
    assert told == {"right": pytest.approx(0.475), "right_first": 0.025, "right_last": pytest.approx(0.925)}
    assert summed_up([{"train_loss": 0.5}], {"train_loss": "loss"}, ends=False) == {"loss": 0.5}


def test_a_training_that_diverged_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "models" / "round-1.partial"
    monkeypatch.setattr(
        sparq, "run_worker", lambda _, job, log, launcher: Path(job["metrics"]).write_text('{"loss": NaN}')
    )
    demand = running.Demand(Asked(4, None, 1), [], tokens=8)
    weights = sparq.Model(name="tiny", path=str(MODEL), digest="d")
    with pytest.raises(sparq.SparqError, match="grpo: the training diverged, its loss is nan; lower the learning rate"):
        running.train("grpo", demand, weights, out, 1, {})
