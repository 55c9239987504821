"""What a run suggests at its end."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from sparq_core.cli import cli


def test_a_run_that_kept_nothing_suggests_to_look_why(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "sums.json").write_text(
        json.dumps(sums(steps=2, attempts={"k": 4, "max_tokens": 2, "min_decided": 0.0}))
    )
    done = CliRunner().invoke(cli, ["run", str(tmp_path / "sums.json"), "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    following = done.output.split("Next:")[1]
    assert f"sparq show {tmp_path / 'run'}" in following
    assert "export" not in following
    assert "--resume" not in following
