"""A run of sums whose model is trained by a fake trainer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_training import RUN, lay_out
from fakes import FAKES

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def commands(sums: Make, tmp_path: Path) -> Make:
    """A pipeline whose plugin `command` has these options; by default it runs the fake trainer, which trains well."""
    (tmp_path / "fakes.py").write_text(FAKES)
    lay_out(tmp_path)

    def make(settings: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        models = {"student": {"use": "./fakes.py:Local", "model": "./tiny"}}
        pipeline = sums(**{"models": models, "steps": 2, **(settings or {})})
        pipeline["plugins"].append({"use": "command", "with": {"run": RUN, **options}})
        return pipeline

    return make
