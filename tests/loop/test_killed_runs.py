"""A run that is killed at any call by which it changes its folder goes on to the same end."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import told
from faults import needs_compiler, run_with_fault

from sparq_core.loop import phases
from sparq_core.testing import run_pipeline

KILLS = Path(__file__).parents[1] / "faults" / "kills.py"


@needs_compiler
@pytest.mark.parametrize("file_system", ["ext4", "nfs4"])
def test_a_run_killed_at_a_call_of_the_system_goes_on(tmp_path: Path, file_system: str) -> None:
    command = [sys.executable, str(KILLS), str(tmp_path), file_system, "29"]
    done = run_with_fault(command, None, tmp_path, PYTHONPATH=str(KILLS.parents[1]))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] > 5
    assert found["wrong"] == [], done.stderr


class Kill(BaseException):
    """As if by kill −9."""


@pytest.mark.parametrize("before", ["rmtree", "rename"])
def test_weights_that_a_kill_kept_from_their_place_are_not_trained_again(
    trains: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    def killed(partial: Path, out: Path) -> None:
        if before == "rename":
            shutil.rmtree(out, ignore_errors=True)
        raise Kill

    run_pipeline(trains(rounds=1), tmp_path)
    monkeypatch.setattr(phases, "_put", killed)
    with pytest.raises(Kill):  # of the longer round, beside whose weights the shorter one's are
        run_pipeline(trains(rounds=1, steps=3), tmp_path, resume=True)
    monkeypatch.undo()
    assert run_pipeline(trains(rounds=1, steps=3), tmp_path, resume=True).ending.exit_code == 0
    assert [round_ for round_, _ in told(tmp_path, "given")] == [1, 1]
    assert [path.name for path in (tmp_path / "run" / "models").iterdir()] == ["round-1"]
