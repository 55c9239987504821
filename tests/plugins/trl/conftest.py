"""A run that has generated and may now train."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from parity import JUDGE, pipeline

from sparq_core.testing import Ran, run_pipeline

Train = Callable[..., Ran]


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run, not trained yet, and what its pipeline names."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "judge.py").write_text(JUDGE)
    rows = [{"problem": f"What is {i} + {3 * i}?", "answer": str(4 * i)} for i in range(5, 25)]
    (folder / "seeds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run_pipeline(pipeline(folder), folder)
    return folder


@pytest.fixture
def train(generated: Path, tmp_path: Path) -> Train:
    """Goes on with a copy of the run: trains by a plugin with these options."""

    def trained(use: str, **options: Any) -> Ran:
        shutil.copytree(generated / "run", tmp_path / "run")
        return run_pipeline(pipeline(generated, {"use": use, "with": options}), tmp_path, resume=True)

    return trained
