"""A slice of `make torture`: some trials of every sweep, and none falls short."""

import json
import subprocess
import sys
from pathlib import Path

from faults import needs_compiler

TORTURE = Path(__file__).parents[1] / "torture.py"


@needs_compiler
def test_some_trials_of_every_sweep_hold(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    command = [sys.executable, str(TORTURE), "--minutes", "0.6", "--results", str(results)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(results.read_text())
    assert {name: sums["fell short"] for name, sums in found.items()} == {name: {} for name in found}
    assert found["kills"]["tried"] > 0
    assert found["commands"]["tried"] > 0
