"""Whatever was told before a power cut is on the disk after it."""

import json
import sys
from pathlib import Path

from faults import needs_compiler, run_with_fault

CUTS = Path(__file__).with_name("cuts.py")


@needs_compiler
def test_what_was_told_before_a_power_cut_is_there_after_it(tmp_path: Path) -> None:
    command = [sys.executable, str(CUTS), str(tmp_path / "worlds")]
    done = run_with_fault(command, None, tmp_path, PYTHONPATH=str(CUTS.parents[1]))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
