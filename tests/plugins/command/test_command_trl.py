"""The recipe for TRL, run for real: `accelerate launch` of its SFT on the tiny model, on a CPU."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sparq_command.changed import are_same
from sparq_core.testing import run_pipeline
from sparq_tiny import MODEL

Make = Callable[..., dict[str, Any]]
RECIPE = Path(__file__).parents[3] / "examples" / "recipes" / "trl"
ON_A_CPU = """
compute_environment: LOCAL_MACHINE
distributed_type: "NO"
num_machines: 1
num_processes: 1
mixed_precision: "no"
use_cpu: true
"""


@pytest.mark.timeout(300)
def test_trl_trains_by_its_recipe(commands: Make, tmp_path: Path) -> None:
    pytest.importorskip("trl")
    shutil.copytree(RECIPE, tmp_path / "trl")
    (tmp_path / "trl" / "config" / "accelerate.yaml").write_text(ON_A_CPU)
    train = tmp_path / "trl" / "config" / "train.yaml"
    train.write_text(f"{train.read_text().replace('bf16: true', 'bf16: false')}\nmax_steps: 2\n")
    models = {"student": {"use": "./fakes.py:Local", "model": str(MODEL)}}
    pipeline = commands({"models": models})
    plugin = yaml.safe_load((tmp_path / "trl" / "plugin.yaml").read_text())
    assert plugin["with"]["run"][:2] == ["/opt/trl/bin/accelerate", "launch"]
    plugin["with"]["run"][:2] = [sys.executable, "-m", "accelerate.commands.launch"]
    plugin["with"]["env"] = {"OMP_NUM_THREADS": "1", "HF_HOME": "{{ work }}/cache"}
    pipeline["plugins"][-1] = plugin
    ran = run_pipeline(pipeline, tmp_path)
    assert ran.ending.exit_code == 0
    assert "Training completed" in (ran.folder / "logs" / "train-round-1.log").read_text()
    assert not are_same(MODEL, ran.folder / "models" / "round-1")
    assert not list((ran.folder / "work").iterdir())
