"""Commands that write, killed or with a failing disk at each call by which they change files: nothing blocks the next one."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faults import needs_compiler, run_with_fault

from sparq_core.testing import run_pipeline

pytestmark = needs_compiler
ROOT = Path(__file__).parents[1]


@pytest.fixture
def swept(sums: Callable[..., Any], tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """What became of a command at each fault; see `faulty_disk`."""

    def sweep(action: str, journal: str, stride: int) -> list[dict[str, Any]]:
        pipeline = sums(steps=2, batch=4)
        if action == "create":
            (tmp_path / "pipeline.yaml").write_text(json.dumps(pipeline))
        elif action != "migrate":
            run_pipeline(pipeline, tmp_path).folder.rename(tmp_path / "finished")
        command = [sys.executable, str(ROOT / "ledger" / "faulty_disk.py"), str(tmp_path), action, journal, str(stride)]
        done = run_with_fault(command, None, tmp_path, PYTHONPATH=str(ROOT))
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return sweep


@pytest.mark.parametrize(("action", "journal"), [("create", "wal"), ("create", "delete"), ("migrate", "wal")])
def test_a_run_is_there_whole_or_not_at_all(swept: Callable[..., Any], action: str, journal: str) -> None:
    rows = swept(action, journal, stride=12)
    assert len(rows) > 15
    for row in rows:
        there = row["there"]
        assert there["sound"] == "ok" if there["begun"] else there["free"], row
        assert there["begun"] or row["code"], row
        assert (row["again"], row["then"]["begun"], row["then"]["sound"]) == (0, True, "ok"), row


@pytest.mark.parametrize("journal", ["wal", "delete"])
@pytest.mark.parametrize(("action", "adds"), [("regrade", "grading"), ("curate", "curation")])
def test_a_view_is_there_or_the_command_fails(swept: Callable[..., Any], action: str, adds: str, journal: str) -> None:
    rows = swept(action, journal, stride=10)
    assert len(rows) > 5
    for row in rows:
        there, then = row["there"], row["then"]
        assert there["sound"] == then["sound"] == "ok", row
        assert there["whole"] == 1, row
        assert there[adds] == 2 or row["code"], row
        assert (row["again"], then[adds]) == (0, there[adds] + 1), row
        if adds == "curation":
            assert f"curation-{then[adds]}.jsonl" in then["datasets"], row
