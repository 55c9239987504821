"""Exports read by verifiers and verl, each in an environment of its own: `make test-readers`."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from runs import sparq_command

from sparq_core.reward.shared import VARIABLE
from sparq_tiny import MODEL

ROOT = Path(__file__).parents[2]
SYSTEM = {"role": "system", "content": "Be brief."}


def has(reader: str) -> pytest.MarkDecorator:
    there = (ROOT / ".readers" / reader / "installed").exists()
    return pytest.mark.skipif(not there, reason=f"needs an environment with {reader}; `make test-readers` makes it")


def read(reader: str, folder: Path, run: Path, *command: str | Path) -> str:
    """What a command of the reader's environment prints, in a folder, with the run as the reward."""
    home = ROOT / ".readers" / reader / "bin"
    path = f"{home}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, VARIABLE: str(run), "PYTHONPATH": str(folder), "HF_HUB_OFFLINE": "1"}
    given = [str(home / command[0]), *map(str, command[1:])]
    done = subprocess.run(given, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@has("verifiers")
@pytest.mark.timeout(600)
def test_verifiers_validates_each_task_by_its_gold_and_by_doing_nothing(run_folder: Path, tmp_path: Path) -> None:
    to, out = tmp_path / "out", tmp_path / "validated"
    told = sparq_command(
        "export", str(run_folder), "--for", "verifiers", "--to", str(to), "--system", SYSTEM["content"]
    )
    assert "vf-validate sparq_sums --runtime.type subprocess" in told
    read("verifiers", to, run_folder, "vf-validate", "sparq_sums", "--runtime.type", "subprocess", "-o", out)
    (file,) = out.rglob("summary.json")
    summary: dict[str, Any] = json.loads(file.read_text())
    rows = len((to / "sparq_sums" / "train.jsonl").read_text().splitlines())
    assert summary["checks"]["gold"]["valid"] == summary["checks"]["noop"]["valid"] == summary["total"] == rows


@has("verl")
@pytest.mark.timeout(600)
def test_verl_loads_the_rows_and_its_reward_manager_judges_them(run_folder: Path, tmp_path: Path) -> None:
    to = tmp_path / "out"
    sparq_command("export", str(run_folder), "--for", "verl", "--to", str(to), "--system", SYSTEM["content"])
    script = ROOT / "tests" / "readers" / "read_verl.py"
    told = read("verl", tmp_path, run_folder, "python", script, to / "train.parquet", MODEL)
    found = json.loads(told.partition("FOUND")[2])
    assert found["rows"] > 3
    assert found["raw_prompt"][0] == SYSTEM
    assert found["rewards"] == [[1.0, 0.0], [0.0, 0.0], [-0.5, 1.0]]
