"""Training in several processes: the same steps, losses and weights as in one, and really sharded."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from processes import left_of, session_of
from safetensors.torch import load_file

import sparq_core as sparq
from sparq_tiny import MODEL
from sparq_trl import Sft, SftConfig
from sparq_trl.options import NodesConfig
from sparq_trl.sharing import launchable

BATCH = 4
EXAMPLES = 42
"""No multiple of the batch."""


def dataset(path: Path) -> Path:
    """Sums whose solutions are of very unequal lengths."""
    turns = [
        [
            {"role": "user", "content": f"What is {i} + {i + 3}?"},
            {"role": "assistant", "content": f"{'So, and so, ' * (i % 5 * 4)}\\boxed{{{2 * i + 3}}}"},
        ]
        for i in range(5, 5 + EXAMPLES)
    ]
    path.write_text("".join(json.dumps({"messages": messages}) + "\n" for messages in turns))
    return path


def train(folder: Path, **options: Any) -> Path:
    """The model that a run in this folder trains, at once, in round 1."""
    out = folder / "models" / "round-1"
    out.mkdir(parents=True)
    student = sparq.Model(name="student", path=str(MODEL), digest="d")
    config = SftConfig(**{"batch_size": BATCH, "learning_rate": 3e-4, "threads": 1, **options})
    Sft(config).train(dataset(folder / "data.jsonl"), student, out, 1, 1)
    return out


def log(out: Path) -> str:
    return (out.parent.parent / "logs" / f"train-{out.name}.log").read_text()


def losses(out: Path) -> list[float]:
    return [float(loss) for loss in re.findall(r"'loss': '([\d.]+)'", log(out))]


def steps(out: Path) -> int:
    return int(re.findall(r"^(\d+) optimizer steps of", log(out), re.MULTILINE)[0])


def held(out: Path) -> list[int]:
    """How many weights each process held."""
    told = re.findall(r"weights held by \d+ process(?:es)?: (.*)", log(out))
    return [int(count.replace(",", "")) for count in told[0].split(", ")]


def apart(one: Path, other: Path) -> float:
    """The largest distance of two models' weights."""
    first, second = load_file(one / "model.safetensors"), load_file(other / "model.safetensors")
    assert first.keys() == second.keys()
    return max(float((first[name] - second[name]).abs().max()) for name in first)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("alone"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("shared"), processes=2)


@pytest.mark.timeout(120)
def test_two_processes_take_the_same_steps_with_the_same_losses(alone: Path, shared: Path) -> None:
    assert steps(alone) == steps(shared) == -(-EXAMPLES // BATCH)
    assert len(losses(alone)) == 2
    assert losses(shared) == pytest.approx(losses(alone), rel=1e-3)


@pytest.mark.timeout(120)
def test_each_of_two_processes_holds_half_of_the_weights(alone: Path, shared: Path) -> None:
    (whole,) = held(alone)
    assert held(shared) == [pytest.approx(whole / 2, rel=0.01)] * 2


@pytest.mark.timeout(120)
def test_two_processes_save_one_whole_model_as_one_process_does(alone: Path, shared: Path) -> None:
    import torch

    assert apart(alone, shared) < 5e-5
    assert {tensor.dtype for tensor in load_file(shared / "model.safetensors").values()} == {torch.float32}
    assert sorted(file.name for file in shared.iterdir()) == sorted(file.name for file in alone.iterdir())
    assert (shared / "config.json").read_text() == (alone / "config.json").read_text()


TWICE = """
import subprocess, sys, threading
job = sys.stdin.readline()
nodes = [subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, text=True) for _ in range(2)]
for node in nodes:
    node.stdin.write(job)
    node.stdin.flush()

def pass_on_the_end():
    sys.stdin.read()
    for node in nodes:
        node.stdin.close()

threading.Thread(target=pass_on_the_end, daemon=True).start()
sys.exit(max(node.wait() for node in nodes))
"""
"""What srun does on two machines, on one."""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return int(found.getsockname()[1])


def two_nodes(folder: Path) -> dict[str, Any]:
    (folder / "twice.py").write_text(TWICE)
    launcher = [sys.executable, str(folder / "twice.py")]
    return {"nodes": NodesConfig(count=2, launcher=tuple(launcher), port=free_port(), host="localhost"), "processes": 1}


@pytest.mark.timeout(120)
def test_two_machines_train_as_one(alone: Path, tmp_path: Path) -> None:
    out = train(tmp_path, **two_nodes(tmp_path))
    assert steps(out) == steps(alone)
    assert losses(out) == pytest.approx(losses(alone), rel=1e-3)
    assert held(out) == [pytest.approx(held(alone)[0] / 2, rel=0.01)] * 2
    assert apart(alone, out) < 5e-5


def test_a_launcher_that_is_missing_is_told_before_the_run() -> None:
    (found,) = launchable(NodesConfig(count=2, launcher=("no-such-launcher", "--nodes=2")))
    assert (found.level, found.place) == ("warning", "with.nodes.launcher")
    assert "no command 'no-such-launcher'" in found.message
    assert not [*launchable(NodesConfig(count=2, launcher=(sys.executable,))), *launchable(None)]


@pytest.mark.timeout(120)
def test_a_machine_that_fails_ends_the_training_on_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "dataset", lambda path: path)
    with pytest.raises(sparq.SparqError, match=r"process [12] of 2 failed: FileNotFoundError: .*data\.jsonl"):
        train(tmp_path, **two_nodes(tmp_path))


ENGINE = """
import sys
from pathlib import Path
out, *sys.path[:0] = sys.argv[1:]
import test_sharing
test_sharing.train(Path(out), processes=2, epochs=1_000)
"""


@pytest.mark.timeout(120)
def test_nothing_trains_on_when_the_engine_is_killed(tmp_path: Path) -> None:
    here = Path(__file__).parent
    with subprocess.Popen([sys.executable, "-c", ENGINE, str(tmp_path), str(here), str(here.parents[1])]) as engine:
        told = tmp_path / "logs" / "train-round-1.log"
        while not (told.exists() and "'loss'" in told.read_text()):
            assert engine.poll() is None
            time.sleep(0.2)
        at_work = session_of(engine.pid)
        assert len(at_work) >= 3
        os.kill(engine.pid, signal.SIGKILL)
    assert left_of(at_work) == []


@pytest.mark.timeout(120)
def test_a_process_that_fails_ends_all_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "dataset", lambda path: path)
    with pytest.raises(sparq.SparqError, match=r"process [12] of 2 failed: FileNotFoundError: .*data\.jsonl"):
        train(tmp_path, processes=2)
