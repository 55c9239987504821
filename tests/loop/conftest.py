"""A pipeline that trains, by fakes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import FAKES

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def trains(sums: Make, tmp_path: Path) -> Make:
    """A pipeline of two short rounds that trains; keyword arguments replace top-level settings."""
    (tmp_path / "fakes.py").write_text(FAKES)

    def make(**settings: Any) -> dict[str, Any]:
        models = {"student": {"use": "./fakes.py:Local", "model": "sums"}}
        pipeline = sums(**{"models": models, "steps": 2, "rounds": 2, **settings})
        pipeline["plugins"] += [{"use": "./fakes.py:Trainer"}, {"use": "./fakes.py:Bench"}]
        return pipeline

    return make
