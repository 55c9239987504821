"""What is said first, before a run has anything to show."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from sparq_core.cli import cli
from sparq_core.cli.panel import View
from sparq_core.cli.progress import CHECKING


def test_a_run_says_that_it_is_checked_before_it_starts(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "sums.json").write_text(json.dumps(sums(rounds=0)))
    done = CliRunner().invoke(cli, ["run", str(tmp_path / "sums.json"), "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    first, second, *_ = done.output.splitlines()
    assert first.endswith(CHECKING)
    assert "starting run sums" in second
    assert View().doing == CHECKING


def test_the_quickstart_says_so_too(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "quickstart.yaml").write_text("mine")
    done = CliRunner().invoke(cli, ["quickstart", "--to", str(tmp_path / "mine"), "--set", "nothing=1"])
    assert done.exit_code != 0
    assert done.output.startswith("checking the quickstart")
