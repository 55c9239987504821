"""Fixtures: exports for trainers, with the reward of a finished run."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sparq_core.cli.export_for import grade_by
from sparq_core.publish.trainers import export as exporting
from sparq_core.publish.trainers.export import Exported
from sparq_core.publish.trainers.formats import FORMATS
from sparq_core.reward import Reward


@pytest.fixture(scope="module")
def reward(run_folder: Path) -> Iterator[Reward]:
    """The reward of the finished run."""
    with Reward(run_folder, workers=1) as made:
        yield made


@pytest.fixture
def export(reward: Reward) -> Callable[..., Exported]:
    """Export a run for a trainer, by the reward of the finished run."""

    def make(run: Path, trainer: str, to: Path, **more: Any) -> Exported:
        return exporting.export(exporting.Order(run=run, format=FORMATS[trainer], **more), to, grade_by(reward))

    return make
