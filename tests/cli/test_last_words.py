"""What is said last, where a run is ended at once: it says so once, and the shell's prompt begins a line of its own."""

import io
import os
from typing import NoReturn

import pytest
from click.testing import CliRunner
from rich.console import Console

from sparq_core.cli import cli, stopping
from sparq_core.cli.live import LiveProgress
from sparq_core.contract import workers


def test_the_end_of_a_run_with_a_panel_leaves_a_new_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    done: list[str] = []

    def leave(code: int) -> NoReturn:
        done.append(screen.getvalue())
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(workers, "end_all", lambda: done.append(screen.getvalue()))
    console = Console(file=screen, force_terminal=True, width=80, height=24)
    with LiveProgress(console), pytest.raises(SystemExit):
        stopping.end(console, "stopped. To continue, run: it", 130)
    said, last = done
    assert "To continue" in said
    assert last.endswith("\n")
    assert last.count("To continue") == 1
    assert "\x1b[31mstopped" in last
    assert last.count("\x1b[31m") == 1  # the panel keeps its own colours


def test_help_names_the_exit_code_of_a_second_interruption() -> None:
    for command in ("run", "study"):
        assert "130" in CliRunner().invoke(cli, [command, "--help"]).output
