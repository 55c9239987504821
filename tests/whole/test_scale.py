"""The benchmark of twenty million attempts in small: checkpoints and totals come to what replaying and counting come to."""

import importlib
import io
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from sparq_core.ledger import totalling, totals
from sparq_core.ledger.checkpoint import FILE
from sparq_core.loop import checkpoints
from sparq_core.testing import run_pipeline
from sparq_screen import near

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
STEPS, MORE = 20, 3


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [*sys.path, str(BENCHMARKS)])
    scale = importlib.import_module("scale")
    monkeypatch.setattr(scale, "SEEDS", 300)
    return scale.pipeline


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, bytes]]:
    """What the plugins remember at the end of each session."""
    found: list[dict[str, bytes]] = []
    close = checkpoints.Checkpoints.close

    def kept(own: checkpoints.Checkpoints) -> None:
        files = {member.name: io.BytesIO() for member in own._cast.stateful}
        for name, file in files.items():
            own._cast.save_state(name, file)
        found.append({name: file.getvalue() for name, file in files.items()})
        close(own)

    monkeypatch.setattr(checkpoints.Checkpoints, "close", kept)
    return found


def test_twenty_thousand_attempts_go_on_from_a_checkpoint_and_add_up(
    pipeline: Any, states: list[dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "EVERY", 300)
    monkeypatch.setattr(near, "SLOTS", 1 << 12)  # an index for millions takes its time to be saved this often
    begun = run_pipeline(pipeline(STEPS), tmp_path / "one")
    assert (begun.folder / FILE).exists()
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    (tmp_path / "other" / "run" / FILE).unlink()
    ran = [run_pipeline(pipeline(STEPS + MORE), tmp_path / name, resume=True) for name in ("one", "other")]
    assert states[1] == states[2]
    assert set(states[1]) == {"map-elites", "duplicates"}
    with ran[0].read() as one, ran[1].read() as other:
        assert one.last_digest() == other.last_digest()
        assert one.tally().attempts > 20_000
        assert totals.kept(one.query, "steps") is not None
        assert totalling.wrong(one) == []
