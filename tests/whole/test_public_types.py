"""What a type checker says of a stranger's package: nothing of good code, and something of each mistake."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sparq_core

SAMPLE = Path(__file__).parent / "typed" / "sample.py"
PYRIGHT = Path(sys.executable).with_name(
    "basedpyright"
)  # pyright with its Node.js, so that nothing is fetched when it runs


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy that no settings of ours reach."""
    shutil.copy(SAMPLE, tmp_path / "sample.py")
    return tmp_path


def said(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_the_sample_uses_every_public_name() -> None:
    used = set(re.findall(r"\bsparq\.(\w+)", SAMPLE.read_text()))
    assert set(sparq_core.__all__) - used == set()


def mypy(folder: Path) -> str:
    return said([sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache"), "sample.py"], folder)


def test_mypy_is_content(package: Path) -> None:
    assert "Success" in mypy(package)


def test_mypy_sees_mistakes(package: Path) -> None:
    text = SAMPLE.read_text()
    (package / "sample.py").write_text(re.sub(r"  # type: ignore\[.*", "", text))
    assert f"Found {text.count('# type: ignore[')} errors" in mypy(package)


def pyright(folder: Path) -> str:
    settings = {
        "typeCheckingMode": "strict",
        "reportUnnecessaryTypeIgnoreComment": "error",
        "enableTypeIgnoreComments": False,
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    return said([str(PYRIGHT), "--pythonpath", sys.executable, "sample.py"], folder)


def test_pyright_is_content(package: Path) -> None:
    assert "0 errors" in pyright(package)


def test_pyright_sees_mistakes(package: Path) -> None:
    text = SAMPLE.read_text()
    (package / "sample.py").write_text(re.sub(r"  # pyright: ignore\[.*", "", text))
    assert f"{text.count('# pyright: ignore[')} errors" in pyright(package)
