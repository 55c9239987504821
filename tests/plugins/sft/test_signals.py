"""A signal during a training ends it within seconds, leaves nothing at work, and the resumed run trains anew."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import left_of, session_of

SPARQ = [sys.executable, "-m", "sparq_core.cli"]
Make = Callable[..., dict[str, Any]]


def pipeline(sums: Make, folder: Path, processes: int) -> Path:
    """A scripted student's sums, on which the tiny model is trained for longer than anybody waits."""
    scripted = {"use": "scripted", "model": "sums"}
    sft = {"processes": processes, "epochs": 300, "batch_size": 2, "learning_rate": 3e-4, "threads": 1}
    made = sums(
        steps=2,
        models={"student": scripted, "tiny": {"use": "hf", "model": "sparq-tiny"}},
        roles=dict.fromkeys(("solver", "generator", "labeller"), "student"),
        train={"model": "tiny", "updates": []},
    )
    made["plugins"].append({"use": "sft", "with": sft})
    path = folder / "pipeline.json"
    path.write_text(json.dumps(made))
    return path


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("processes", "number"), [(1, signal.SIGTERM), (2, signal.SIGINT)])
def test_a_signal_ends_a_training_and_resume_does_it_anew(
    sums: Make, tmp_path: Path, processes: int, number: signal.Signals
) -> None:
    command = [*SPARQ, "run", str(pipeline(sums, tmp_path, processes)), "--out", str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as engine:
        log = tmp_path / "run" / "logs" / "train-round-1.log"
        while not (log.exists() and "'loss'" in log.read_text()):
            assert engine.poll() is None
            time.sleep(0.1)
        at_work = session_of(engine.pid)
        assert len(at_work) >= processes
        engine.send_signal(number)
        printed, _ = engine.communicate(timeout=30)
    assert engine.returncode == 4, printed
    assert "Traceback" not in printed
    assert left_of(at_work) == []
    assert not list((tmp_path / "run" / "models").iterdir())

    done = subprocess.run(
        [*command, "--resume", "--set", "plugins.sft.with.max_steps=2"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "models" / "round-1" / "model.safetensors").exists()
