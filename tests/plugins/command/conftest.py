"""A run of sums whose model is trained by a fake trainer."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_training import RUN, model
from fakes import FAKES

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def commands(sums: Make, tmp_path: Path) -> Make:
    """A pipeline whose plugin `command` has these options; by default it runs the fake trainer, which trains well."""
    (tmp_path / "fakes.py").write_text(FAKES)
    shutil.copy(Path(__file__).with_name("fake_trainer.py"), tmp_path)
    (tmp_path / "how").write_text("trains")
    model(tmp_path / "tiny")

    def make(settings: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        models = {"student": {"use": "./fakes.py:Local", "model": "./tiny"}}
        pipeline = sums(**{"models": models, "steps": 2, **(settings or {})})
        pipeline["plugins"].append({"use": "command", "with": {"run": RUN, **options}})
        return pipeline

    return make
