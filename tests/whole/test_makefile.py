"""Which Python `make` takes to make the environment from nothing."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKE = shutil.which("make")
pytestmark = pytest.mark.skipif(MAKE is None, reason="needs make")


def make(folder: Path, pythons: dict[str, bool], *arguments: str) -> subprocess.CompletedProcess[str]:
    """`make` where there are only these Pythons, each with whether it is new enough."""
    for name, is_new in pythons.items():
        (folder / name).write_text(f"#!/bin/sh\nexit {int(not is_new)}\n")
        (folder / name).chmod(0o755)
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "sh").symlink_to("/bin/sh")
    command = [str(MAKE), *arguments, ".venv/bin/python"]
    return subprocess.run(command, cwd=folder, env={"PATH": str(folder)}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("pythons", "taken"),
    [
        ({"python3": True}, "python3"),
        ({"python3": True, "python3.13": True, "python3.12": True}, "python3.12"),
        ({"python3": True, "python3.11": True, "python3.12": True}, "python3.11"),
        ({"python3": True, "python3.11": False, "python3.13": True}, "python3.13"),  # a shim that leads nowhere
    ],
)
def test_the_first_that_is_new_enough_is_taken(tmp_path: Path, pythons: dict[str, bool], taken: str) -> None:
    done = make(tmp_path, pythons, "--dry-run")
    assert f"\n{taken} -m venv .venv" in done.stdout


@pytest.mark.parametrize(
    ("pythons", "arguments", "told"),
    [
        ({}, [], "needs Python 3.11 or newer: make PYTHON="),
        ({"python3": False}, [], "needs Python 3.11 or newer: make PYTHON="),
        ({"python3": True, "old": False}, ["PYTHON=./old"], "needs Python 3.11 or newer (not ./old): make PYTHON="),
    ],
)
def test_none_is_told_clearly(tmp_path: Path, pythons: dict[str, bool], arguments: list[str], told: str) -> None:
    done = make(tmp_path, pythons, *arguments)
    assert done.returncode == 2
    assert told in done.stdout
    assert not (tmp_path / ".venv").exists()
